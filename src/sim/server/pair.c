/* Linking: refs of the QR, pair-success, and the eight-character code. */
#include "sim/server/pair.h"
#include "base/base64.h"
#include "base/err.h"
#include "sim/core/iq.h"
#include "sim/core/output.h"
#include "sim/core/random.h"
#include "sim/core/save.h"
#include "sim/network/accounts.h"
#include "sim/network/devices.h"
#include "sim/server/login.h"
#include "wa/signal/pair_code.h"

#include <stdio.h>
#include <stdlib.h>

void sim_pair_send_refs(struct sim_conn *c, struct bx_arena *arena)
{
    struct wa_node *iq =
        WA_NODE(arena, "iq", wa_to("from", WA_SERVER_JID), wa_lit("type", "set"),
                wa_str("id", sim_new_id(c->sim, arena, "")), wa_lit("xmlns", "md"));
    struct wa_node *pair = wa_node_add(iq, wa_node_new(arena, "pair-device"));
    c->ref_count = c->sim->refs;
    for (unsigned i = 0; i < c->ref_count; i++) {
        uint8_t raw[36];
        char text[BX_BASE64_SIZE(sizeof raw)];
        sim_random(c->sim, raw, sizeof raw);
        bx_base64_encode(BX_BASE64_STD, raw, sizeof raw, text);
        snprintf(c->refs[i], sizeof c->refs[i], "2@%s", text);
        wa_node_bytes(wa_node_add(pair, wa_node_new(arena, "ref")), bx_str(c->refs[i]));
    }
    sim_conn_send(c, iq);
}

struct sim_conn *sim_pair_find_ref(struct sim *sim, struct bx_str ref)
{
    BX_LIST_EACH(&sim->conns, node)
    {
        struct sim_conn *c = BX_CONTAINER_OF(node, struct sim_conn, node);
        for (unsigned i = 0; i < c->ref_count && c->state == SIM_CONN_OPEN && !c->pairing; i++) {
            if (bx_str_eq(bx_str(c->refs[i]), ref))
                return c;
        }
    }
    return NULL;
}

int sim_pair_link(struct sim_conn *c, struct sim_account *a, const uint8_t secret[32],
                  struct sim_device **out)
{
    struct sim *sim = c->sim;
    struct bx_arena arena;
    uint8_t random[64];
    struct sim_device *d = sim_device_new(a, a->next_device++);
    memcpy(d->noise_pub, c->noise_pub, 32);
    memcpy(d->identity, c->identity, 32);
    memcpy(d->registration, c->registration, 4);
    memcpy(d->skey_id, c->skey_id, 3);
    memcpy(d->skey_pub, c->skey_pub, 32);
    memcpy(d->skey_sig, c->skey_sig, 64);
    memcpy(d->push_name, c->push_name, sizeof d->push_name);
    memcpy(d->platform, c->platform, sizeof d->platform);
    c->pairing = d;
    bx_arena_init(&arena, 0);
    sim_random(sim, random, sizeof random);
    const struct wa_adv_device adv = {
        .raw_id = a->raw_id, .key_index = d->id, .timestamp_s = (uint64_t)sim_now_s()};
    struct bx_str identity = wa_adv_issue(&a->key, &adv, d->identity, secret, random, &arena);
    struct wa_node *iq = WA_NODE(&arena, "iq", wa_to("from", WA_SERVER_JID), wa_lit("type", "set"),
                                 wa_str("id", sim_new_id(sim, &arena, "")), wa_lit("xmlns", "md"),
                                 wa_num("t", sim_now_s()));
    struct wa_node *success = wa_node_add(iq, wa_node_new(&arena, "pair-success"));
    wa_node_bytes(wa_node_add(success, wa_node_new(&arena, "device-identity")), identity);
    wa_node_add(success, WA_NODE(&arena, "device", wa_to("jid", sim_jid(&arena, a, d->id, false)),
                                 wa_to("lid", sim_jid(&arena, a, d->id, true))));
    wa_node_add(success, WA_NODE(&arena, "platform", wa_lit("name", "android")));
    sim_conn_send(c, iq);
    bx_arena_done(&arena);
    *out = d;
    return BX_OK;
}

/* The companion's signature completes its identity; then it has to connect again. */
void sim_pair_on_sign(struct sim_conn *c, const struct wa_node *iq, struct bx_arena *arena)
{
    struct sim_device *d = c->pairing;
    struct bx_str answer =
                      wa_node_child_data(wa_node_child(iq, "pair-device-sign"), "device-identity"),
                  whole;
    if (!d)
        return;
    if (wa_adv_verify(answer, d->account->key.pub, d->identity) < 0 ||
        wa_adv_complete(answer, d->account->key.pub, arena, &whole) < 0) {
        sim_conn_close(c, 0);
        return;
    }
    d->adv = bx_realloc(NULL, whole.len, 1);
    memcpy(d->adv, whole.ptr, whole.len);
    d->adv_len = whole.len;
    c->pairing = NULL;
    c->ref_count = 0;
    sim_stream_error(c, "515", NULL);
    sim_devices_changed(d->account, d, NULL);
    sim_save_later(c->sim);
}

struct sim_pair_code {
    char ref[32];
    uint8_t wrapped_companion[WA_PAIR_WRAPPED_SIZE];
    uint8_t companion_ephemeral[32];
    struct cr_keypair ephemeral;
    struct sim_account *account;
    bool has_answered;
    void (*on_done)(void *arg, int rc, const struct sim_device *d); /* of enter_code, once */
    void *arg;
};

static void code_done(struct sim_pair_code *code, int rc, const struct sim_device *d)
{
    void (*on_done)(void *arg, int rc, const struct sim_device *d) = code->on_done;
    code->on_done = NULL;
    if (on_done)
        on_done(code->arg, rc, d);
}

void sim_pair_forget(struct sim_conn *c)
{
    if (c->pairing) { /* never signed: it does not exist */
        struct sim_device *d = c->pairing;
        c->pairing = NULL;
        sim_device_free(d);
    }
    BX_LIST_EACH(&c->sim->account_list, node)
    {
        struct sim_account *a = BX_CONTAINER_OF(node, struct sim_account, node);
        if (a->code_conn == c)
            a->code_conn = NULL;
    }
    if (c->pair_code)
        code_done(c->pair_code, BX_E_NOT_FOUND, NULL);
    free(c->pair_code);
    c->pair_code = NULL;
}

/* --- pairing code --- */

static void on_companion_hello(struct sim_conn *c, const struct wa_node *iq,
                               const struct wa_node *reg, struct bx_arena *arena)
{
    struct wa_jid jid;
    struct bx_str wrapped =
        wa_node_child_data(reg, "link_code_pairing_wrapped_companion_ephemeral_pub");
    if (wa_node_attr_jid(reg, "jid", &jid) < 0 || wrapped.len != WA_PAIR_WRAPPED_SIZE) {
        sim_iq_error(c, iq, "400", "bad-request");
        return;
    }
    struct sim_account *a = sim_account_get(c->sim, jid.user, bx_str(c->push_name));
    if (!a) {
        sim_iq_error(c, iq, "400", "bad-request");
        return;
    }
    free(c->pair_code);
    c->pair_code = BX_NEW(struct sim_pair_code);
    c->pair_code->account = a;
    memcpy(c->pair_code->wrapped_companion, wrapped.ptr, WA_PAIR_WRAPPED_SIZE);
    struct bx_str ref = sim_new_id(c->sim, arena, "4@");
    bx_str_copy(ref, c->pair_code->ref, sizeof c->pair_code->ref);
    a->code_conn = c;
    struct wa_node *result =
        WA_NODE(arena, "link_code_companion_reg", wa_lit("stage", "companion_hello"));
    wa_node_bytes(wa_node_add(result, wa_node_new(arena, "link_code_pairing_ref")),
                  bx_str(c->pair_code->ref));
    sim_iq_result(c, iq, result);
}

static void on_companion_finish(struct sim_conn *c, const struct wa_node *iq,
                                const struct wa_node *reg)
{
    struct sim_pair_code *code = c->pair_code;
    struct bx_str bundle = wa_node_child_data(reg, "link_code_pairing_wrapped_key_bundle");
    struct bx_str identity = wa_node_child_data(reg, "companion_identity_public");
    uint8_t secret[32];
    struct sim_device *d;
    if (!code || !code->has_answered || bundle.len != WA_PAIR_BUNDLE_SIZE || identity.len != 32) {
        sim_iq_error(c, iq, "400", "bad-request");
        return;
    }
    sim_iq_result(c, iq, NULL);
    int rc = wa_pair_open_bundle(&code->ephemeral, code->companion_ephemeral, &code->account->key,
                                 (const uint8_t *)identity.ptr, bundle, secret);
    if (rc < 0) { /* a wrong code: the phone cannot open the bundle */
        code_done(code, BX_E_AUTH, NULL);
        return;
    }
    code->account->code_conn = NULL;
    sim_pair_link(c, code->account, secret, &d);
    code_done(code, BX_OK, d);
}

void sim_pair_on_code_stanza(struct sim_conn *c, const struct wa_node *iq, struct bx_arena *arena)
{
    const struct wa_node *reg = wa_node_child(iq, "link_code_companion_reg");
    if (wa_node_attr_is(reg, "stage", "companion_hello"))
        on_companion_hello(c, iq, reg, arena);
    else if (wa_node_attr_is(reg, "stage", "companion_finish"))
        on_companion_finish(c, iq, reg);
    else
        sim_iq_error(c, iq, "400", "bad-request");
}

static struct sim_conn *waiting_conn(struct sim *sim, const struct sim_account *a)
{
    if (a)
        return a->code_conn;
    struct sim_conn *only = NULL;
    BX_LIST_EACH(&sim->account_list, node)
    {
        struct sim_account *each = BX_CONTAINER_OF(node, struct sim_account, node);
        if (each->code_conn && only)
            return NULL; /* several wait: say which */
        if (each->code_conn)
            only = each->code_conn;
    }
    return only;
}

int sim_pair_enter_code(struct sim *sim, struct sim_account *a, struct bx_str code,
                        void (*on_done)(void *arg, int rc, const struct sim_device *d), void *arg)
{
    struct sim_conn *c = waiting_conn(sim, a);
    struct bx_arena arena;
    char plain[WA_PAIR_CODE_LEN + 1];
    size_t n = 0;
    for (size_t i = 0; i < code.len && n < WA_PAIR_CODE_LEN; i++) {
        if (code.ptr[i] != '-')
            plain[n++] =
                (char)(code.ptr[i] >= 'a' && code.ptr[i] <= 'z' ? code.ptr[i] - 32 : code.ptr[i]);
    }
    plain[n] = '\0';
    if (!c || !c->pair_code)
        return BX_E_NOT_FOUND;
    struct sim_pair_code *pair = c->pair_code;
    uint8_t wrapped[WA_PAIR_WRAPPED_SIZE], salt_iv[48];
    if (n != WA_PAIR_CODE_LEN ||
        wa_pair_unwrap(bx_str(plain),
                       bx_str_n(pair->wrapped_companion, sizeof pair->wrapped_companion),
                       pair->companion_ephemeral) < 0)
        return BX_E_AUTH;
    sim_keypair(sim, &pair->ephemeral);
    sim_random(sim, salt_iv, sizeof salt_iv);
    wa_pair_wrap(bx_str(plain), salt_iv, pair->ephemeral.pub, wrapped);
    pair->on_done = on_done;
    pair->arg = arg;
    bx_arena_init(&arena, 0);
    struct wa_node *note =
        WA_NODE(&arena, "notification", wa_to("from", WA_SERVER_JID),
                wa_lit("type", "link_code_companion_reg"),
                wa_str("id", sim_new_id(sim, &arena, "")), wa_num("t", sim_now_s()));
    struct wa_node *reg = wa_node_add(
        note, WA_NODE(&arena, "link_code_companion_reg", wa_lit("stage", "primary_hello")));
    wa_node_bytes(wa_node_add(reg, wa_node_new(&arena, "link_code_pairing_ref")),
                  bx_str(c->pair_code->ref));
    wa_node_bytes(
        wa_node_add(reg, wa_node_new(&arena, "link_code_pairing_wrapped_primary_ephemeral_pub")),
        bx_str_n(wrapped, sizeof wrapped));
    wa_node_bytes(wa_node_add(reg, wa_node_new(&arena, "primary_identity_pub")),
                  bx_str_n(c->pair_code->account->key.pub, 32));
    c->pair_code->has_answered = true;
    sim_conn_send(c, note);
    bx_arena_done(&arena);
    return BX_OK;
}
