/* One WebSocket: intro, Noise XX as responder, then stanzas. */
#include "sim/server/conn.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "sim/core/dump.h"
#include "sim/core/output.h"
#include "sim/core/random.h"
#include "sim/network/presence.h"
#include "sim/network/queue.h"
#include "sim/server/dispatch.h"
#include "sim/server/login.h"
#include "sim/server/pair.h"

#include <stdio.h>
#include <stdlib.h>

enum { FRAME_MAX = 4 << 20, STANZA_ARENA = 16 << 20 };

static void on_timer(void *arg);

/* --- handshake --- */

static int on_hello(struct sim_conn *c, struct bx_str frame, struct bx_arena *arena)
{
    struct sim *sim = c->sim;
    struct cr_keypair ephemeral;
    uint8_t random[128];
    struct bx_buf hello, out;
    sim_keypair(sim, &ephemeral);
    c->dict = wa_frame_dict(&c->reader);
    wa_handshake_init(&c->handshake, false, c->reader.intro, &sim->statik, &ephemeral);
    int rc = wa_handshake_read_client_hello(&c->handshake, frame, arena);
    if (rc < 0)
        return rc;
    sim_random(sim, random, sizeof random);
    struct bx_str chain = wa_cert_build(&sim->root, &sim->intermediate, sim->statik.pub,
                                        sim_now_s(), sim->cert_flaw, random, arena);
    bx_buf_init(&hello, 0);
    bx_buf_init(&out, 0);
    rc = wa_handshake_server_hello(&c->handshake, chain, &hello);
    if (rc == BX_OK)
        rc = wa_frame_append(bx_buf_view(&hello), &out);
    if (rc == BX_OK)
        ws_send(c->ws, true, out.data, out.len, false);
    c->state = SIM_CONN_FINISH;
    bx_buf_done(&hello);
    bx_buf_done(&out);
    return rc;
}

static int on_finish(struct sim_conn *c, struct bx_str frame, struct bx_arena *arena)
{
    struct bx_str payload;
    int rc = wa_handshake_read_client_finish(&c->handshake, frame, arena, &payload, &c->transport);
    if (rc < 0)
        return rc;
    memcpy(c->noise_pub, c->handshake.peer_static, sizeof c->noise_pub);
    wa_handshake_wipe(&c->handshake);
    rc = sim_login_read_payload(c, payload, arena);
    c->state = SIM_CONN_SETTLING;
    net_timer_start(c->sim->loop, &c->timer, c->sim->settle_ms);
    return rc;
}

static int on_stanza(struct sim_conn *c, struct bx_str frame, struct bx_arena *arena)
{
    struct bx_str plain;
    struct wa_node *n;
    int rc = wa_transport_open(&c->transport, (uint8_t *)(uintptr_t)frame.ptr, frame.len, &plain);
    if (rc == BX_OK)
        rc = wa_decode(c->dict, plain, arena, &n);
    if (rc < 0)
        return rc;
    if (c->device)
        sim_dump_add(c->sim, c->device, true, n);
    sim_dispatch(c, n, arena);
    return BX_OK;
}

static int on_frame(struct sim_conn *c, struct bx_str frame, struct bx_arena *arena)
{
    switch (c->state) {
    case SIM_CONN_HELLO:
        return on_hello(c, frame, arena);
    case SIM_CONN_FINISH:
        return on_finish(c, frame, arena);
    case SIM_CONN_SETTLING:
    case SIM_CONN_OPEN:
        return on_stanza(c, frame, arena);
    case SIM_CONN_CLOSING:
        return BX_OK;
    }
    return BX_E_STATE;
}

static void on_message(struct ws_conn *ws, bool is_binary, uint8_t *data, size_t len, void *arg)
{
    struct sim_conn *c = arg;
    struct bx_str frame;
    (void)ws;
    int rc = is_binary ? wa_frame_feed(&c->reader, bx_str_n(data, len)) : BX_E_INVALID;
    while (rc >= 0 && c->state != SIM_CONN_CLOSING) {
        rc = wa_frame_next(&c->reader, &frame);
        if (rc <= 0)
            break;
        struct bx_arena arena;
        bx_arena_init(&arena, STANZA_ARENA);
        rc = on_frame(c, frame, &arena);
        bx_arena_done(&arena);
    }
    if (rc < 0)
        sim_conn_fail(c, rc);
}

/* --- life --- */

static void on_timer(void *arg)
{
    struct sim_conn *c = arg;
    if (c->state == SIM_CONN_CLOSING) {
        ws_close(c->ws, WS_CLOSE_NORMAL, BX_STR(""));
    } else if (c->state == SIM_CONN_SETTLING) {
        c->state = SIM_CONN_OPEN;
        sim_login_start(c);
    } else if (c->device && !c->is_active) {
        sim_login_active(c); /* a client that never says so */
    }
}

static void on_close(struct ws_conn *ws, uint16_t code, struct bx_str reason, void *arg)
{
    struct sim_conn *c = arg;
    (void)ws;
    (void)code;
    (void)reason;
    net_timer_stop(&c->timer);
    sim_pair_forget(c);
    if (c->device && c->device->conn == c) {
        c->device->conn = NULL;
        c->device->is_available = false;
        sim_queue_unwrite(c->device);
        sim_presence_changed(c->device->account);
    }
    bx_list_remove(&c->node);
    wa_frame_reader_done(&c->reader);
    net_loop_free_later(c->sim->loop, c);
}

static const struct ws_handler handler = {.on_message = on_message, .on_close = on_close};

void sim_conn_accept(struct sim *sim, struct http_exchange *x)
{
    const struct ws_opts opts = {.max_message_bytes = 8 << 20};
    struct sim_conn *c = BX_NEW(struct sim_conn);
    c->sim = sim;
    c->state = SIM_CONN_HELLO;
    wa_frame_reader_init(&c->reader, true, FRAME_MAX);
    net_timer_init(&c->timer, on_timer, c);
    bx_list_push_back(&sim->conns, &c->node);
    c->ws = ws_accept(x, &opts, BX_STR(""), true, &handler, c);
}
