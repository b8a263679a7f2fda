/* Linking: refs of the server become QR texts, one after the other, until the phone has scanned
 * one; or a code of eight characters is typed on the phone (protocol map, section 3). */
#include "wa/internal.h"

#include "base/base64.h"
#include "base/clock.h"
#include "crypto/hash.h"
#include "wa/signal/adv.h"
#include "wa/signal/pair_code.h"

#include <stdlib.h>

enum { FIRST_QR_MS = 60000, NEXT_QR_MS = 20000, CODE_LIFE_MS = 180000, MAX_REFS = 16 };

struct wa_pairing {
    struct wa_client *client;
    struct bx_arena arena;
    struct bx_str refs[MAX_REFS];
    size_t ref_count, next;
    struct net_timer timer;
    bool has_code, is_scanned;
    char code[WA_PAIR_CODE_LEN + 1];
    char shown[WA_PAIR_CODE_LEN + 2]; /* with the dash */
    struct bx_str phone_jid, code_ref;
    struct cr_keypair ephemeral;
    uint8_t adv_secret[32];
    bool has_adv_secret;
};

bool wa_pair_is_busy(const struct wa_client *c)
{
    return c->pairing != NULL;
}

void wa_pair_drop(struct wa_client *c)
{
    struct wa_pairing *p = c->pairing;
    if (!p)
        return;
    c->pairing = NULL;
    net_timer_stop(&p->timer);
    bx_arena_done(&p->arena);
    cr_wipe(p, sizeof *p);
    free(p);
}

/* --- QR --- */

static struct bx_str base64_of(struct bx_arena *a, const void *ptr, size_t len)
{
    char *out = bx_arena_alloc(a, BX_BASE64_SIZE(len));
    return bx_str_n(out, bx_base64_encode(BX_BASE64_STD, ptr, len, out));
}

struct bx_str wa_pair_qr_text(struct bx_arena *arena, struct bx_str ref,
                              const struct wa_creds *creds)
{
    struct bx_str noise = base64_of(arena, creds->noise.pub, CR_CURVE_KEY_SIZE);
    struct bx_str identity = base64_of(arena, creds->self.identity.pub, CR_CURVE_KEY_SIZE);
    struct bx_str secret = base64_of(arena, creds->adv_secret, sizeof creds->adv_secret);
    return bx_arena_printf(arena,
                           "https://wa.me/settings/linked_devices#" BX_STR_FMT "," BX_STR_FMT
                           "," BX_STR_FMT "," BX_STR_FMT ",1",
                           BX_STR_ARG(ref), BX_STR_ARG(noise), BX_STR_ARG(identity),
                           BX_STR_ARG(secret));
}

static void show_next(void *arg)
{
    struct wa_pairing *p = arg;
    struct wa_client *c = p->client;
    if (p->next >= p->ref_count) {
        wa_client_end(c, (struct wa_ending){WA_REASON_QR_EXPIRED, WA_THEN_STOP, 408, 0});
        return;
    }
    uint64_t life_ms = p->next ? NEXT_QR_MS : FIRST_QR_MS;
    struct bx_str text = wa_pair_qr_text(&p->arena, p->refs[p->next++], c->creds);
    net_timer_start(c->loop, &p->timer, life_ms);
    if (c->ops->on_qr)
        c->ops->on_qr(c, text, bx_wall_ms() + (int64_t)life_ms, c->arg);
}

static void on_pair_device(struct wa_client *c, struct wa_node *iq, struct bx_arena *arena)
{
    struct wa_pairing *p = BX_NEW(struct wa_pairing);
    wa_pair_drop(c);
    wa_send_node(c, WA_NODE(arena, "iq", wa_to("to", WA_SERVER_JID), wa_lit("type", "result"),
                            wa_str("id", wa_node_attr(iq, "id"))));
    p->client = c;
    bx_arena_init(&p->arena, 1 << 20);
    net_timer_init(&p->timer, show_next, p);
    c->pairing = p;
    c->errors = 0;
    c->ping_due_ms = net_loop_now_ms(c->loop) + 25000;
    WA_EACH_CHILD(wa_node_child(iq, "pair-device"), "ref", ref)
    {
        if (p->ref_count < MAX_REFS && wa_node_data(ref).len)
            p->refs[p->ref_count++] = bx_arena_str(&p->arena, wa_node_data(ref));
    }
    wa_client_set_state(c, WA_STATE_PAIRING, WA_REASON_NONE, 0, 0);
    if (c->pairing == p && c->code_phone)
        wa_pair_start_code(c);
    if (c->pairing == p)
        show_next(p);
}

/* --- pair-success --- */

struct success {
    uint8_t adv_secret[32];
    const char *error; /* for the server */
};

static struct wa_node *sign_answer(struct wa_job *job, const struct wa_adv_accepted *adv)
{
    struct bx_arena *a = &job->out;
    struct wa_node *iq = WA_NODE(a, "iq", wa_to("to", WA_SERVER_JID), wa_lit("type", "result"),
                                 wa_str("id", wa_node_attr(job->node, "id")));
    struct wa_node *sign = wa_node_add(iq, wa_node_new(a, "pair-device-sign"));
    struct wa_node *identity =
        WA_NODE(a, "device-identity", wa_num("key-index", adv->device.key_index));
    wa_node_add(sign, wa_node_bytes(identity, adv->answer));
    return iq;
}

static struct wa_node *error_answer(struct bx_arena *a, const struct wa_node *request,
                                    unsigned code, const char *text)
{
    struct wa_node *iq = WA_NODE(a, "iq", wa_to("to", WA_SERVER_JID), wa_lit("type", "error"),
                                 wa_str("id", wa_node_attr(request, "id")));
    wa_node_add(iq, WA_NODE(a, "error", wa_num("code", code), wa_lit("text", text)));
    return iq;
}

static int remember_phone(struct wa_job *job, const struct wa_jid *jid, const struct wa_jid *lid,
                          const uint8_t account_key[CR_CURVE_KEY_SIZE])
{
    struct wa_jid phone = wa_jid_without_device(*jid);
    int rc = BX_OK;
    if (lid->user.len)
        rc = wa_signal_learn_lid(job->signal, jid->user, lid->user, NULL);
    return rc < 0 ? rc : wa_identity_put(job->signal, &phone, account_key);
}

static void tell_paired(struct wa_job *job, const struct wa_creds *made)
{
    struct wa_account *account = &wa_job_event(job, WA_EVENT_PAIRED)->account;
    struct wa_jid jid = wa_me(made);
    account->jid = bx_arena_str(&job->out, bx_str(made->jid));
    account->lid = bx_arena_str(&job->out, bx_str(made->lid));
    account->pn = bx_arena_str(&job->out, jid.user);
    account->platform = bx_arena_str(&job->out, bx_str(made->platform));
    account->business_name = bx_arena_str(&job->out, bx_str(made->business_name));
    account->device = jid.device;
}

static int fill_creds(struct wa_job *job, const struct wa_node *n, struct bx_str identity,
                      struct wa_creds *made)
{
    const struct wa_node *device = wa_node_child(n, "device");
    struct wa_jid jid;
    if (!device || wa_node_attr_jid(device, "jid", &jid) < 0 || !wa_jid_is_pn(&jid) ||
        identity.len > sizeof made->account)
        return BX_E_INVALID;
    struct bx_str platform =
        wa_node_attr(wa_node_child(n, "platform") ? wa_node_child(n, "platform") : n, "name");
    struct bx_str business = wa_node_child(n, "biz") ? wa_node_attr(wa_node_child(n, "biz"), "name")
                                                     : (struct bx_str){0};
    int rc = bx_str_copy(wa_jid_text(&job->out, &jid), made->jid, sizeof made->jid);
    if (rc >= 0)
        rc = bx_str_copy(wa_node_attr(device, "lid"), made->lid, sizeof made->lid);
    if (rc < 0)
        return BX_E_INVALID;
    if (bx_str_copy(platform, made->platform, sizeof made->platform) < 0)
        made->platform[0] = '\0';
    if (bx_str_copy(business, made->business_name, sizeof made->business_name) < 0)
        made->business_name[0] = '\0';
    memcpy(made->account, identity.ptr, identity.len);
    made->account_len = (uint32_t)identity.len;
    return BX_OK;
}

static int success_run(struct wa_job *job)
{
    struct success *s = job->data;
    const struct wa_node *n = wa_node_child(job->node, "pair-success");
    struct wa_adv_accepted adv;
    uint8_t random[64];
    s->error = NULL;
    bx_random(random, sizeof random);
    int rc = wa_adv_accept(wa_node_child_data(n, "device-identity"), s->adv_secret,
                           &job->creds->self.identity, random, &job->out, &adv);
    struct wa_creds *made = BX_ARENA_NEW(&job->out, struct wa_creds);
    *made = *job->creds;
    if (rc >= 0)
        rc = fill_creds(job, n, adv.identity, made);
    if (rc < 0) {
        s->error = rc == BX_E_AUTH ? "hmac-mismatch" : "signature-mismatch";
        wa_job_send(job, error_answer(&job->out, job->node, 401, s->error));
        return BX_OK;
    }
    struct wa_jid jid = wa_me(made), lid = wa_me_lid(made);
    rc = remember_phone(job, &jid, &lid, adv.account_key);
    if (rc >= 0)
        rc = wa_creds_store(job->ks, made);
    if (rc < 0)
        return rc;
    job->result = made;
    tell_paired(job, made);
    wa_job_send(job, sign_answer(job, &adv));
    return BX_OK;
}

static void success_finish(struct wa_job *job, int rc)
{
    struct wa_client *c = job->client;
    const struct success *s = job->data;
    if (rc < 0 || s->error) {
        enum wa_reason reason = rc < 0 ? WA_REASON_STORE : WA_REASON_PAIR_FAILED;
        wa_client_end(c, (struct wa_ending){reason, WA_THEN_STOP, rc, 0});
        return;
    }
    struct wa_creds *made = BX_NEW(struct wa_creds);
    *made = *(const struct wa_creds *)job->result;
    made->refs = 1;
    wa_creds_unref(c->creds);
    c->creds = made;
}

static const struct wa_job_type success_type = {
    .name = "pair", .run = success_run, .finish = success_finish};

/* Asked before anything of the account is stored. Without a readable name the job refuses it. */
static bool is_accepted(struct wa_client *c, const struct wa_node *iq)
{
    const struct wa_node *device = wa_node_child(wa_node_child(iq, "pair-success"), "device");
    struct wa_jid jid;
    if (!c->ops->on_scanned || !device || wa_node_attr_jid(device, "jid", &jid) < 0)
        return true;
    return c->ops->on_scanned(c, jid.user, c->arg);
}

/* The device was not signed, so the phone does not list it. */
static void refuse_account(struct wa_client *c, const struct wa_node *iq, struct bx_arena *arena)
{
    if (c->is_freed)
        return;
    wa_send_node(c, error_answer(arena, iq, 500, "internal-error"));
    wa_client_end(c, (struct wa_ending){WA_REASON_WRONG_PHONE, WA_THEN_STOP, 0, 0});
}

static void on_pair_success(struct wa_client *c, struct wa_node *iq, struct bx_arena **arena)
{
    if (!is_accepted(c, iq)) {
        refuse_account(c, iq, *arena);
        return;
    }
    struct wa_pairing *p = c->pairing;
    struct wa_job *job = wa_job_new(c, &success_type, *arena, iq);
    struct success *s = BX_ARENA_NEW(*arena, struct success);
    *arena = NULL;
    if (p) {
        net_timer_stop(&p->timer);
        p->is_scanned = true;
    }
    memcpy(s->adv_secret, p && p->has_adv_secret ? p->adv_secret : c->creds->adv_secret, 32);
    job->data = s;
    wa_job_submit(job);
}

void wa_pair_on_iq(struct wa_client *c, struct wa_node *iq, struct bx_arena **arena)
{
    if (wa_creds_is_linked(c->creds))
        return;
    if (wa_node_child(iq, "pair-device"))
        on_pair_device(c, iq, *arena);
    else
        on_pair_success(c, iq, arena);
}

/* --- code: companion_hello --- */

struct hello {
    char code[WA_PAIR_CODE_LEN + 1];
    uint8_t ephemeral_pub[CR_CURVE_KEY_SIZE];
};

static int hello_run(struct wa_job *job)
{
    const struct hello *h = job->data;
    uint8_t salt_iv[48];
    uint8_t *wrapped = bx_arena_alloc(&job->out, WA_PAIR_WRAPPED_SIZE);
    bx_random(salt_iv, sizeof salt_iv);
    wa_pair_wrap(bx_str(h->code), salt_iv, h->ephemeral_pub, wrapped);
    job->result = wrapped;
    return BX_OK;
}

static struct wa_node *reg_iq(struct bx_arena *a, struct bx_str jid, const char *stage,
                              struct wa_node **out_reg)
{
    struct wa_node *iq =
        WA_NODE(a, "iq", wa_to("to", WA_SERVER_JID), wa_lit("type", "set"), wa_lit("xmlns", "md"));
    *out_reg = wa_node_add(
        iq, WA_NODE(a, "link_code_companion_reg", wa_to("jid", jid), wa_lit("stage", stage)));
    return iq;
}

static void add_bytes(struct wa_node *parent, const char *tag, struct bx_str bytes)
{
    wa_node_bytes(wa_node_add(parent, wa_node_new(parent->arena, tag)), bytes);
}

static void on_hello_answer(struct wa_client *c, struct wa_node *answer, struct bx_arena **arena,
                            int rc, void *arg)
{
    struct wa_pairing *p = c->pairing;
    (void)arena, (void)arg;
    if (!p || rc < 0)
        return;
    struct bx_str ref = wa_node_child_data(wa_node_child(answer, "link_code_companion_reg"),
                                           "link_code_pairing_ref");
    if (ref.len)
        p->code_ref = bx_arena_str(&p->arena, ref);
    if (c->ops->on_pairing_code)
        c->ops->on_pairing_code(c, p->shown, bx_wall_ms() + CODE_LIFE_MS, c->arg);
}

static void hello_finish(struct wa_job *job, int rc)
{
    struct wa_client *c = job->client;
    struct wa_pairing *p = c->pairing;
    struct wa_node *reg;
    if (rc < 0 || !p || job->connection != c->connection)
        return;
    struct wa_node *iq = reg_iq(&job->out, p->phone_jid, "companion_hello", &reg);
    wa_node_put(reg, wa_lit("should_show_push_notification", "true"));
    add_bytes(reg, "link_code_pairing_wrapped_companion_ephemeral_pub",
              bx_str_n(job->result, WA_PAIR_WRAPPED_SIZE));
    add_bytes(reg, "companion_server_auth_key_pub", bx_str_n(c->creds->noise.pub, 32));
    add_bytes(reg, "companion_platform_id", BX_STR("49"));
    add_bytes(reg, "companion_platform_display", BX_STR("Chrome (Mac OS)"));
    add_bytes(reg, "link_code_pairing_nonce", BX_STR("0"));
    wa_request_send(c, iq, 0, on_hello_answer, NULL);
}

static const struct wa_job_type hello_type = {
    .name = "pair_code", .run = hello_run, .finish = hello_finish};

void wa_pair_start_code(struct wa_client *c)
{
    struct wa_pairing *p = c->pairing;
    uint8_t random[5];
    bx_random(random, sizeof random);
    wa_pair_code_make(random, p->code);
    memcpy(p->shown, p->code, 4);
    p->shown[4] = '-';
    memcpy(p->shown + 5, p->code + 4, 4);
    cr_keypair_generate(&p->ephemeral);
    struct wa_jid phone = wa_jid_make(WA_SERVER_PN, bx_str(c->code_phone), 0);
    p->phone_jid = wa_jid_text(&p->arena, &phone);
    p->has_code = true;
    struct wa_job *job = wa_job_new(c, &hello_type, NULL, NULL);
    struct hello *h = BX_ARENA_NEW(job->in, struct hello);
    memcpy(h->code, p->code, sizeof h->code);
    memcpy(h->ephemeral_pub, p->ephemeral.pub, sizeof h->ephemeral_pub);
    job->data = h;
    wa_job_submit(job);
}

static bool is_digits(const char *text)
{
    size_t n = text ? strspn(text, "0123456789") : 0;
    return n >= 5 && n <= 20 && text[n] == '\0';
}

int wa_client_link_by_code(struct wa_client *c, const char *phone_number)
{
    if (!is_digits(phone_number))
        return BX_E_INVALID;
    if (!c->pairing || c->pairing->is_scanned)
        return BX_E_STATE;
    free(c->code_phone);
    c->code_phone = bx_strndup(phone_number, strlen(phone_number));
    wa_pair_start_code(c);
    return BX_OK;
}

/* --- code: primary_hello and companion_finish --- */

struct finish {
    char code[WA_PAIR_CODE_LEN + 1];
    struct cr_keypair ephemeral;
    uint8_t bundle[WA_PAIR_BUNDLE_SIZE], adv_secret[32];
    bool is_good;
};

static int finish_run(struct wa_job *job)
{
    struct finish *f = job->data;
    const struct wa_node *reg = wa_node_child(job->node, "link_code_companion_reg");
    uint8_t primary_ephemeral[32], primary_identity[32], random[32 + 12 + 32];
    bx_random(random, sizeof random);
    wa_ack_for(job, job->node);
    int rc = wa_pair_unwrap(
        bx_str(f->code), wa_node_child_data(reg, "link_code_pairing_wrapped_primary_ephemeral_pub"),
        primary_ephemeral);
    const struct wa_node *identity = wa_node_child(reg, "primary_identity_pub");
    if (rc >= 0)
        rc = identity ? wa_node_data_exact(identity, primary_identity, 32) : BX_E_INVALID;
    if (rc >= 0)
        rc = wa_pair_bundle(&f->ephemeral, primary_ephemeral, &job->creds->self.identity,
                            primary_identity, random, f->bundle, f->adv_secret);
    f->is_good = rc >= 0;
    return BX_OK;
}

static void finish_finish(struct wa_job *job, int rc)
{
    struct wa_client *c = job->client;
    struct wa_pairing *p = c->pairing;
    struct finish *f = job->data;
    struct wa_node *reg;
    if (rc < 0 || !p || job->connection != c->connection)
        return;
    if (!f->is_good) {
        wa_client_end(c, (struct wa_ending){WA_REASON_PAIR_FAILED, WA_THEN_STOP, 0, 0});
        return;
    }
    memcpy(p->adv_secret, f->adv_secret, sizeof p->adv_secret);
    p->has_adv_secret = true;
    struct bx_str ref = wa_node_child_data(wa_node_child(job->node, "link_code_companion_reg"),
                                           "link_code_pairing_ref");
    struct wa_node *iq = reg_iq(&job->out, p->phone_jid, "companion_finish", &reg);
    add_bytes(reg, "link_code_pairing_wrapped_key_bundle", bx_str_n(f->bundle, sizeof f->bundle));
    add_bytes(reg, "companion_identity_public", bx_str_n(c->creds->self.identity.pub, 32));
    add_bytes(reg, "link_code_pairing_ref", ref.len ? ref : p->code_ref);
    wa_request_send(c, iq, 0, NULL, NULL);
}

static const struct wa_job_type finish_type = {
    .name = "pair_code_finish", .run = finish_run, .finish = finish_finish};

bool wa_pair_on_notification(struct wa_client *c, struct wa_node *n, struct bx_arena **arena)
{
    struct wa_pairing *p = c->pairing;
    if (!wa_node_attr_is(n, "type", "link_code_companion_reg") || !p || !p->has_code ||
        p->has_adv_secret)
        return false;
    struct wa_job *job = wa_job_new(c, &finish_type, *arena, n);
    struct finish *f = BX_ARENA_NEW(*arena, struct finish);
    *arena = NULL;
    memcpy(f->code, p->code, sizeof f->code);
    f->ephemeral = p->ephemeral;
    job->data = f;
    wa_job_submit(job);
    return true;
}
