/* The application: wires loop, pool, store, HTTP and Socket.IO servers and owns them all. */
#ifndef WB_APP_H
#define WB_APP_H

#include "app/access/access.h"
#include "app/core/config.h"
#include "app/core/limit.h"
#include "base/metrics.h"
#include "net/http/http_server.h"
#include "net/pool.h"
#include "net/timer.h"

#define WB_VERSION "0.1.0"
/* Of the administrator and the agents of the demo. */
#define WB_DEMO_PASSWORD "admin123"

struct wb_app;
struct wb_dispatch;
struct wb_engine_ops;
struct wb_cors;

/* A part of the product that lives as long as the application: realtime, the WhatsApp engine, the
 * outbox. Rows of wb_parts (parts.c), started in order, stopped in reverse. */
struct wb_part {
    const char *name;
    /* Loop thread, store open, before listening. A failure stops the start; `message` says why. */
    int (*start)(struct wb_app *app, struct bx_buf *message);
    /* Must call wb_part_stopped(app) once it is quiet, now or later. */
    void (*stop)(struct wb_app *app);
};
extern const struct wb_part wb_parts[];
extern const size_t wb_part_count;
void wb_part_stopped(struct wb_app *app);

/* Something beside REST that answers requests under an address of its own: Socket.IO, the web page.
 * Asked in the order of mounting, before REST. */
struct wb_mount {
    bool (*owns)(const struct http_request *r, void *arg);
    size_t (*max_body)(void *arg); /* NULL: none */
    void (*handle)(struct http_exchange *x, void *arg);
    bool is_guarded; /* refuse origins that are not on the CORS list */
    void *arg;
};
/* At start, from a part. Copied. */
void wb_app_mount(struct wb_app *app, struct wb_mount mount);

enum { WB_MOUNTS_MAX = 8 };

struct wb_app {
    const struct wb_config *config; /* kept */
    struct net_loop *loop;
    struct net_pool *pool;
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
    struct wb_kept *kept; /* loop thread */
    struct wb_limits *user_limits, *ip_limits; /* loop thread */
    struct wb_watch *watch;
    struct http_static *web;      /* NULL: no page embedded */
    struct wb_throttle *throttle; /* failed logins; any thread */
    struct bx_metrics metrics;
    struct wb_janitor *janitor;
    struct wb_probe *probe; /* of /health; loop thread */
    struct net_timer demo_timer;
    int data_dir_lock;      /* -1: not taken */
    uint8_t master_key[32]; /* of the data directory: session credentials */
    struct bx_str jwt_key;
    char jwt_key_text[80];
    uint64_t started_ms;
    uint16_t port;

    /* owned by rooms of the second floor; opaque here */
    const struct wb_engine_ops *engine_ops; /* which WhatsApp engine */
    struct wb_lines *lines;
    struct wb_realtime *realtime;
    struct wb_engine *engine;
    struct net_lane link_lane; /* QR pictures, in order */

    bool is_stopping;
    unsigned waiting; /* what the stop still waits for */
    struct net_timer stop_timer;
};

/* Opens everything; `engine` (kept) speaks WhatsApp unless the settings switch it off. On failure
 * `message` has the sentence to print. wb_app_free in every case once
 * *out is set. `admin_password` (may be NULL) gets the password made at a first start, NUL inside
 * `size`, else "". */
int wb_app_start(const struct wb_config *config, const struct wb_engine_ops *engine,
                 char *admin_password, size_t size, struct wb_app **out, struct bx_buf *message);
/* Runs until a signal has ended it. */
void wb_app_run(struct wb_app *app);
void wb_app_free(struct wb_app *app);

/* Begins the graceful end. Loop thread. */
void wb_app_stop(struct wb_app *app);

/* Takes something off the stop's list. */
void wb_app_quiet(struct wb_app *app);

#endif
