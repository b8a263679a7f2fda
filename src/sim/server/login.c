/* What happens between the handshake and a working connection. */
#include "sim/server/login.h"
#include "base/err.h"
#include "base/utf8.h"
#include "sim/core/output.h"
#include "sim/core/random.h"
#include "sim/network/accounts.h"
#include "sim/network/presence.h"
#include "sim/network/queue.h"
#include "sim/phone/phone.h"
#include "sim/server/pair.h"
#include "wa/proto/link.pb-c.h"
#include "wa/proto/pb.h"

#include <stdio.h>

enum { ACTIVE_FALLBACK_MS = 4000 };

static bool copy_exact(void *out, size_t size, ProtobufCBinaryData b)
{
    if (b.len != size)
        return false;
    memcpy(out, b.data, size);
    return true;
}

static int read_registration(struct sim_conn *c, const Wap__ClientPayload__Registration *r,
                             struct bx_arena *arena)
{
    Wap__DeviceProps *props;
    bool is_whole = copy_exact(c->registration, 4, r->registration_id) &&
                    copy_exact(c->identity, 32, r->identity) &&
                    copy_exact(c->skey_id, 3, r->signed_prekey_id) &&
                    copy_exact(c->skey_pub, 32, r->signed_prekey) &&
                    copy_exact(c->skey_sig, 64, r->signed_prekey_signature);
    c->is_registration = true;
    if (is_whole && r->has_device_props &&
        WA_PB_UNPACK(device_props, wa_pb_str(r->device_props), arena, &props) == BX_OK && props->os)
        snprintf(c->platform, sizeof c->platform, "%s",
                 bx_utf8_is_valid(bx_str(props->os)) ? props->os : "");
    return is_whole ? BX_OK : BX_E_INVALID;
}

int sim_login_read_payload(struct sim_conn *c, struct bx_str bytes, struct bx_arena *arena)
{
    Wap__ClientPayload *p;
    int rc = WA_PB_UNPACK(client_payload, bytes, arena, &p);
    if (rc < 0)
        return rc;
    if (p->push_name)
        sim_name_copy(bx_str(p->push_name), c->push_name);
    if (p->registration)
        return read_registration(c, p->registration, arena);
    c->username = p->username;
    c->device_number = p->device;
    return BX_OK;
}

/* --- failures on demand --- */

static void send_failure(struct sim_conn *c, const struct sim_failure *f)
{
    struct bx_arena arena;
    bx_arena_init(&arena, 0);
    struct wa_node *n =
        WA_NODE(&arena, "failure", wa_num("reason", f->reason), wa_lit("location", "sim"));
    if (f->code)
        wa_node_put(n, wa_num("code", f->code));
    if (f->expire_s)
        wa_node_put(n, wa_num("expire", f->expire_s));
    sim_conn_send(c, n);
    sim_conn_close(c, 50);
    bx_arena_done(&arena);
}

static bool refused_by(struct sim_conn *c, struct sim_failure *f)
{
    if (!f->reason)
        return false;
    struct sim_failure now = *f;
    if (f->is_counted && --f->times == 0)
        f->reason = 0;
    send_failure(c, &now);
    return true;
}

void sim_stream_error(struct sim_conn *c, const char *code, const char *conflict)
{
    struct bx_arena arena;
    bx_arena_init(&arena, 0);
    struct wa_node *n = WA_NODE(&arena, "stream:error", wa_lit("code", code));
    if (conflict)
        wa_node_add(n, WA_NODE(&arena, "conflict", wa_lit("type", conflict)));
    sim_conn_send(c, n);
    sim_conn_close(c, 50);
    bx_arena_done(&arena);
}

/* --- login --- */

static struct sim_device *device_of(struct sim_conn *c)
{
    char phone[SIM_USER_MAX];
    snprintf(phone, sizeof phone, "%llu", (unsigned long long)c->username);
    struct sim_account *a = sim_account_find(c->sim, bx_str(phone));
    struct sim_device *d = a ? sim_device_find(a, c->device_number) : NULL;
    return d && memcmp(d->noise_pub, c->noise_pub, 32) == 0 ? d : NULL;
}

static void send_success(struct sim_conn *c, struct sim_device *d)
{
    struct bx_arena arena;
    bx_arena_init(&arena, 0);
    struct bx_str lid = sim_jid(&arena, d->account, d->id, true);
    sim_conn_send(c, WA_NODE(&arena, "success", wa_num("t", sim_now_s()), wa_lit("props", "27"),
                             wa_lit("companion_enc_static", "x"), wa_to("lid", lid),
                             wa_lit("location", "sim"), wa_lit("abprops", "0"),
                             wa_lit("group_abprops", "0")));
    struct wa_node *ib = WA_NODE(&arena, "ib", wa_to("from", WA_SERVER_JID));
    struct wa_node *routing = wa_node_add(ib, wa_node_new(&arena, "edge_routing"));
    wa_node_bytes(wa_node_add(routing, wa_node_new(&arena, "routing_info")),
                  BX_STR("\x08\x08\x08\x05"));
    sim_conn_send(c, ib);
    size_t queued = sim_queue_pending(d);
    ib = WA_NODE(&arena, "ib", wa_to("from", WA_SERVER_JID));
    wa_node_add(ib, WA_NODE(&arena, "offline_preview", wa_num("count", (int64_t)queued),
                            wa_num("message", (int64_t)queued), wa_lit("notification", "0"),
                            wa_lit("receipt", "0"), wa_lit("appdata", "0")));
    sim_conn_send(c, ib);
    bx_arena_done(&arena);
}

static void log_in(struct sim_conn *c)
{
    struct sim_device *d = device_of(c);
    if (!d) {
        send_failure(c, &(struct sim_failure){.reason = 401});
        return;
    }
    if (refused_by(c, &d->account->failure))
        return;
    if (d->account->refuse_until_ms > net_loop_now_ms(c->sim->loop)) {
        sim_conn_cut(c);
        return;
    }
    if (d->conn) {
        struct sim_conn *old = d->conn;
        d->conn = NULL;
        old->device = NULL;
        sim_queue_unwrite(d);
        sim_stream_error(old, NULL, "replaced");
    }
    c->device = d;
    d->conn = c;
    c->sim->stats.logins++;
    if (c->push_name[0])
        memcpy(d->push_name, c->push_name, sizeof d->push_name);
    send_success(c, d);
    net_timer_start(c->sim->loop, &c->timer, ACTIVE_FALLBACK_MS);
}

void sim_login_active(struct sim_conn *c)
{
    struct sim_device *d = c->device;
    struct bx_arena arena;
    if (!d || c->is_active)
        return;
    c->is_active = true;
    net_timer_stop(&c->timer);
    size_t count = sim_queue_pending(d);
    sim_queue_flush(d);
    sim_chatstate_flush(d);
    bx_arena_init(&arena, 0);
    struct wa_node *ib = WA_NODE(&arena, "ib", wa_to("from", WA_SERVER_JID));
    wa_node_add(ib, WA_NODE(&arena, "offline", wa_num("count", (int64_t)count)));
    sim_conn_send(c, ib);
    bx_arena_done(&arena);
    if (!d->is_bootstrapped && d->prekey_count > d->prekey_first)
        sim_phone_bootstrap_later(d);
}

void sim_login_start(struct sim_conn *c)
{
    struct bx_arena arena;
    if (refused_by(c, &c->sim->failure))
        return;
    if (c->sim->refuse_until_ms > net_loop_now_ms(c->sim->loop)) {
        sim_conn_cut(c);
        return;
    }
    if (!c->is_registration) {
        log_in(c);
        return;
    }
    bx_arena_init(&arena, 0);
    sim_pair_send_refs(c, &arena);
    bx_arena_done(&arena);
}
