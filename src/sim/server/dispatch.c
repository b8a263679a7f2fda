/* Every stanza a client can send, as a table: tag, or for iqs namespace, type and first child. */
#include "sim/server/dispatch.h"
#include "base/err.h"
#include "base/mem.h"
#include "sim/core/iq.h"
#include "sim/core/output.h"
#include "sim/core/random.h"
#include "sim/network/accounts.h"
#include "sim/network/appstate.h"
#include "sim/network/groups.h"
#include "sim/network/mex.h"
#include "sim/network/prekeys.h"
#include "sim/network/presence.h"
#include "sim/network/profile.h"
#include "sim/network/queue.h"
#include "sim/network/router.h"
#include "sim/network/usync.h"
#include "sim/server/login.h"
#include "sim/server/pair.h"

static void on_ok(struct sim_conn *c, const struct wa_node *iq, const struct wa_node *child,
                  struct bx_arena *arena)
{
    (void)child;
    (void)arena;
    sim_iq_result(c, iq, NULL);
}

static void on_passive(struct sim_conn *c, const struct wa_node *iq, const struct wa_node *child,
                       struct bx_arena *arena)
{
    (void)arena;
    sim_iq_result(c, iq, NULL);
    if (child && bx_str_is(child->tag, "active"))
        sim_login_active(c);
}

static void on_logout(struct sim_conn *c, const struct wa_node *iq, const struct wa_node *child,
                      struct bx_arena *arena)
{
    struct sim_device *d = c->device;
    (void)child;
    (void)arena;
    sim_iq_result(c, iq, NULL);
    if (!d)
        return;
    c->device = NULL;
    d->conn = NULL;
    sim_stream_error(c, "401", "device_removed");
    sim_device_remove(d);
}

static void on_code(struct sim_conn *c, const struct wa_node *iq, const struct wa_node *child,
                    struct bx_arena *arena)
{
    (void)child;
    sim_pair_on_code_stanza(c, iq, arena);
}

static const struct {
    const char *xmlns, *child; /* NULL: any */
    sim_iq_fn *fn;
    bool before_login;
} iqs[] = {
    {"md", "link_code_companion_reg", on_code, true},
    {"md", "remove-companion-device", on_logout, false},
    {"encrypt", "count", sim_on_prekey_count, false},
    {"encrypt", "digest", sim_on_prekey_digest, false},
    {"encrypt", "key", sim_on_prekey_fetch, false},
    {"encrypt", "rotate", sim_on_prekey_rotate, false},
    {"encrypt", NULL, sim_on_prekey_upload, false},
    {"passive", NULL, on_passive, false},
    {"usync", NULL, sim_on_usync, false},
    {"w:g2", NULL, sim_on_group_iq, false},
    {"w:sync:app:state", NULL, sim_on_app_state, false},
    {"w:m", NULL, sim_on_media_conn, false},
    {"w:profile:picture", NULL, sim_on_picture, false},
    {"status", NULL, sim_on_status, false},
    {"w", NULL, sim_on_props, false},
    {"abt", NULL, sim_on_props, false},
    {"privacy", NULL, sim_on_privacy, false},
    {"blocklist", NULL, sim_on_blocklist, false},
    {"w:mex", NULL, sim_on_mex, false},
    {"w:biz", NULL, sim_on_business, false},
    {"w:p", NULL, on_ok, true},
    {"w:stats", NULL, on_ok, true},
    {"urn:xmpp:whatsapp:push", NULL, on_ok, false},
    {"urn:xmpp:whatsapp:dirty", NULL, on_ok, false},
    {"disappearing_mode", NULL, on_ok, false},
    {"bot", NULL, on_ok, false},
    {"tos", NULL, on_ok, false},
};

static void on_iq(struct sim_conn *c, const struct wa_node *iq, struct bx_arena *arena)
{
    const struct wa_node *child = wa_node_child(iq, NULL);
    if (wa_node_attr_is(iq, "type", "result")) {
        if (wa_node_child(iq, "pair-device-sign"))
            sim_pair_on_sign(c, iq, arena);
        return;
    }
    if (wa_node_attr_is(iq, "type", "error"))
        return;
    for (size_t i = 0; i < BX_LEN(iqs); i++) {
        bool is_child = !iqs[i].child || (child && bx_str_eq(child->tag, bx_str(iqs[i].child)));
        if (is_child && wa_node_attr_is(iq, "xmlns", iqs[i].xmlns) &&
            (c->device || iqs[i].before_login)) {
            iqs[i].fn(c, iq, child, arena);
            return;
        }
    }
    sim_iq_error(
        c, iq, "501",
        "feature-not-implemented"); /* never silence: clients wait a minute for an answer */
}

static void on_ack(struct sim_conn *c, const struct wa_node *n, struct bx_arena *arena)
{
    (void)arena;
    sim_queue_ack_stanza(c->device, n);
}

/* A call link is as good as its token: new for each, never asked for again. */
static struct wa_node *call_link(struct sim *sim, struct bx_arena *arena)
{
    uint8_t random[11];
    char token[2 * sizeof random + 1];
    sim_random(sim, random, sizeof random);
    bx_hex_encode(random, sizeof random, token);
    return WA_NODE(arena, "link_create", wa_lit("token", token));
}

static void on_call(struct sim_conn *c, const struct wa_node *n, struct bx_arena *arena)
{
    const struct wa_node *child = wa_node_child(n, NULL);
    struct wa_node *reply =
        WA_NODE(arena, "ack", wa_lit("class", "call"), wa_str("id", wa_node_attr(n, "id")),
                sim_echo("from", wa_node_attr(n, "to")),
                wa_str("type", child ? child->tag : BX_STR("offer")));
    if (child && bx_str_is(child->tag, "link_create"))
        wa_node_add(reply, call_link(c->sim, arena));
    sim_conn_send(c, reply);
}

static void on_nothing(struct sim_conn *c, const struct wa_node *n, struct bx_arena *arena)
{
    (void)c;
    (void)n;
    (void)arena;
}

static const struct {
    const char *tag;
    void (*fn)(struct sim_conn *c, const struct wa_node *n, struct bx_arena *arena);
    bool before_login;
} stanzas[] = {
    {"iq", on_iq, true},
    {"message", sim_on_message, false},
    {"receipt", sim_on_receipt, false},
    {"ack", on_ack, false},
    {"presence", sim_on_presence, false},
    {"chatstate", sim_on_chatstate, false},
    {"call", on_call, false},
    {"ib", on_nothing, true},
};

void sim_dispatch(struct sim_conn *c, const struct wa_node *n, struct bx_arena *arena)
{
    for (size_t i = 0; i < BX_LEN(stanzas); i++) {
        if (bx_str_eq(n->tag, bx_str(stanzas[i].tag)) && (c->device || stanzas[i].before_login)) {
            stanzas[i].fn(c, n, arena);
            return;
        }
    }
}
