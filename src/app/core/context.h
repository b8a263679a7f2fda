/* The application's context: what every part of the server shares. One instance per process, owned by
 * app.c, which alone fills and frees it; the others borrow it. Only forward declarations, so that this
 * header pulls in no other part. */
#ifndef WB_CONTEXT_H
#define WB_CONTEXT_H

#include "base/metrics.h"
#include "base/version.h"
#include "net/http/http_server.h"
#include "net/pool.h"
#include "net/timer.h"

#define WB_VERSION BX_VERSION
/* Of the administrator and the agents of the demo. */
#define WB_DEMO_PASSWORD "admin123"

struct wb_access;
struct wb_app;
struct wb_channel_events;
struct wb_chore;
struct wb_config;
struct wb_cors;
struct wb_dispatch;
struct wb_engine_ops;
struct wb_limits;
struct wb_route_list;
struct wb_sink;
struct wb_throttle;

/* Something beside REST that answers requests under an address of its own: Socket.IO, the web page.
 * Asked in the order of mounting, before REST. */
struct wb_mount {
    bool (*owns)(const struct http_request *r, void *arg);
    /* As in http_handler. NULL: no body. */
    void (*on_head)(struct http_exchange *x, size_t *out_max_body, void *arg);
    void (*on_too_large)(struct http_exchange *x, void *arg); /* NULL: REST's answer */
    void (*handle)(struct http_exchange *x, void *arg);
    bool is_guarded; /* refuse origins that are not on the CORS list */
    void *arg;
};
enum { WB_MOUNTS_MAX = 8 };

enum { WB_KEY_USES = 256 };
struct wb_key_use {
    int64_t id;
    uint64_t at_ms;
};

struct wb_app {
    const struct wb_config *config; /* kept */
    struct net_loop *loop;
    struct net_pool *pool;
    char *whatsapp_version; /* NULL: the built-in one; may change on SIGHUP. Loop thread */
    struct st_store *store;
    struct st_writer *writer;
    struct st_conn **readers; /* one per worker */
    struct http_server *http;
    struct wb_mount mounts[WB_MOUNTS_MAX];
    size_t mount_count;
    struct net_tls_ctx *tls;
    struct wb_access *access;
    struct wb_dispatch *dispatch;
    struct wb_cors *cors;
    struct wb_kept *kept;                      /* loop thread */
    struct wb_limits *user_limits, *ip_limits; /* loop thread */
    struct wb_watch *watch;
    struct http_static *web;      /* NULL: no page embedded */
    struct wb_throttle *throttle; /* failed logins; any thread */
    struct bx_metrics metrics;
    struct wb_janitor *janitor;
    struct wb_key_use key_uses[WB_KEY_USES]; /* when an API key was last noted; loop thread */
    struct wb_probe *probe;                  /* of /health; loop thread */
    struct net_timer demo_timer;
    int data_dir_lock;      /* -1: not taken */
    uint8_t master_key[32]; /* of the data directory: session credentials */
    struct bx_str jwt_key;
    char jwt_key_text[80];
    uint64_t started_ms;
    uint16_t port;

    /* Each owned by the module that fills it; opaque here. */
    const struct wb_engine_ops *engine_ops;         /* which WhatsApp engine */
    const struct wb_channel_events *channel_events; /* what it calls; set by modules.c */
    const struct wb_route_list *routes;             /* every REST call; kept */
    struct wb_chore *chores;                        /* see core/chore.h */
    struct wb_sink *sinks;                          /* who is told of events; see events/sinks.h */
    struct wb_lines *lines;
    struct wb_realtime *realtime;
    struct wb_engine *engine;
    struct wb_media *media;
    struct net_lane link_lane; /* QR pictures, in order */

    bool is_stopping;
    unsigned waiting; /* what the stop still waits for */
    struct net_timer stop_timer;
};

#endif
