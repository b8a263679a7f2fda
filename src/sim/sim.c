#include "sim/sim.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "crypto/hash.h"
#include "net/http/http_server.h"
#include "net/http/http_static.h"
#include "sim/admin/admin.h"
#include "sim/core/dump.h"
#include "sim/core/output.h"
#include "sim/core/random.h"
#include "sim/network/accounts.h"
#include "sim/network/groups.h"
#include "sim/persist.h"
#include "sim/phone/demo.h"
#include "sim/phone/phone.h"
#include "sim/server/conn.h"
#include "sim/server/media.h"
#include "sim/server/page.h"
#include "sim/sim.h"

#include <stdio.h>
#include <stdlib.h>

enum { UPLOAD_MAX = 128 << 20, ADMIN_MAX = 16 << 20 };

/* --- HTTP --- */

static void on_head(struct http_exchange *x, size_t *out_max_body, void *arg)
{
    (void)arg;
    *out_max_body = sim_media_owns(http_exchange_request(x)) ? UPLOAD_MAX : ADMIN_MAX;
}

static void on_request(struct http_exchange *x, void *arg)
{
    struct sim *sim = arg;
    const struct http_request *r = http_exchange_request(x);
    if (r->is_upgrade) {
        if (bx_str_starts(r->path, BX_STR("/ws")) && ws_handshake_check(r) == BX_OK) {
            sim_conn_accept(sim, x);
        } else {
            http_set_close(x);
            http_respond(x, 404, "application/json",
                         BX_STR("{\"ok\":false,\"error\":\"WebSockets are at /ws/chat\"}"));
        }
    } else if (bx_str_starts(r->path, BX_STR("/admin/"))) {
        sim_admin_handle(sim, x);
    } else if (sim_media_owns(r)) {
        sim_media_handle(sim, x);
    } else if (!sim_page_handle(sim, x)) {
        http_respond(x, 404, "application/json",
                     BX_STR("{\"ok\":false,\"error\":\"there is no such page\"}"));
    }
}

static const struct http_handler handler = {.on_head = on_head, .on_request = on_request};

/* --- life --- */

static int listen_on(struct sim *sim, const struct sim_opts *opts)
{
    const struct http_server_opts http = {.max_body_bytes = ADMIN_MAX, .max_connections = 50000};
    int rc = net_tls_server_self_signed("localhost,127.0.0.1,mmg.whatsapp.net,web.whatsapp.com",
                                        &sim->tls);
    if (rc == BX_OK)
        rc = http_server_new(sim->loop, &http, &handler, sim, &sim->http);
    if (rc < 0)
        return rc;
    const struct net_listener_opts listener = {
        .host = opts->host, .port = opts->port, .tls_mode = NET_TLS_AUTO, .tls = sim->tls};
    return http_server_listen(sim->http, &listener, &sim->port);
}

static void on_save(void *arg)
{
    sim_save(arg);
}

int sim_new(struct net_loop *loop, const struct sim_opts *opts, struct sim **out,
            uint16_t *out_port)
{
    struct sim *sim = BX_NEW(struct sim);
    sim->loop = loop;
    sim->phone = &sim_phone_ops;
    sim->seed = opts->seed;
    sim->settle_ms = opts->settle_ms;
    sim->chatstate_ttl_ms = 3000;
    sim->refs = 6;
    sim->is_demo = opts->is_demo;
    sim->host = bx_strndup(opts->host, strlen(opts->host));
    sim->data_dir = opts->data_dir ? bx_strndup(opts->data_dir, strlen(opts->data_dir)) : NULL;
    bx_list_init(&sim->account_list);
    bx_list_init(&sim->conns);
    bx_list_init(&sim->groups);
    bx_map_init(&sim->accounts);
    bx_map_init(&sim->blobs);
    net_timer_init(&sim->demo_timer, NULL, sim);
    net_timer_init(&sim->save_timer, on_save, sim);
    net_timer_init(&sim->release_timer, NULL, sim);
    sim_keypair(sim, &sim->root);
    sim_keypair(sim, &sim->intermediate);
    sim_keypair(sim, &sim->statik);
    int rc = sim->data_dir ? sim_load(sim) : BX_OK;
    if (rc == BX_OK)
        rc = listen_on(sim, opts);
    if (rc < 0) {
        sim_free(sim);
        return rc;
    }
    if (opts->is_demo)
        sim_demo_start(sim);
    *out = sim;
    *out_port = sim->port;
    return BX_OK;
}

void sim_root(const struct sim *sim, uint8_t out[32])
{
    memcpy(out, sim->root.pub, 32);
}

static void on_http_closed(void *arg)
{
    struct sim *sim = arg;
    sim->on_closed(sim->on_closed_arg);
}

void sim_close(struct sim *sim, void (*on_closed)(void *arg), void *arg)
{
    sim->on_closed = on_closed;
    sim->on_closed_arg = arg;
    net_timer_stop(&sim->demo_timer);
    if (sim->data_dir)
        sim_save(sim);
    BX_LIST_EACH(&sim->conns, node)
    {
        sim_conn_cut(BX_CONTAINER_OF(node, struct sim_conn, node));
    }
    http_server_close(sim->http, on_http_closed, sim);
}

void sim_free(struct sim *sim)
{
    size_t pos = 0;
    void *value;
    net_timer_stop(&sim->demo_timer);
    net_timer_stop(&sim->save_timer);
    net_timer_stop(&sim->release_timer);
    if (sim->http)
        http_server_free(sim->http);
    BX_LIST_EACH(&sim->groups, node)
    {
        sim_group_free(BX_CONTAINER_OF(node, struct sim_group, node));
    }
    BX_LIST_EACH(&sim->account_list, node)
    {
        sim_account_free(BX_CONTAINER_OF(node, struct sim_account, node));
    }
    while (bx_map_next(&sim->blobs, &pos, &value)) {
        struct sim_blob *blob = value;
        free(blob->data);
        free(blob);
    }
    bx_map_done(&sim->blobs);
    bx_map_done(&sim->accounts);
    sim_dump_free(sim);
    http_static_free(sim->page);
    net_tls_unref(sim->tls);
    free(sim->data_dir);
    free(sim->host);
    free(sim);
}
