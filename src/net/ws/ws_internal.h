/* Shared by ws_conn.c and ws_connect.c only. */
#ifndef WS_INTERNAL_H
#define WS_INTERNAL_H

#include "net/timer.h"
#include "net/ws/ws_conn.h"
#include "net/ws/ws_handshake.h"
#include "net/ws/ws_proto.h"

enum { WS_CONN_MAGIC = 0x3b5c0c7a };

struct ws_closing;
struct ws_rest;
struct ws_client;

/* Idle, this is all that a connection costs beyond its net_tcp. */
struct ws_conn {
    uint32_t magic;
    uint32_t close_timeout_ms;
    struct net_tcp *tcp;
    const struct ws_handler *handler;
    void *arg;
    struct ws_proto proto;
    struct ws_closing *closing; /* from the first close frame, sent or received, on */
    struct ws_rest *rest;       /* bytes behind the request head, until the end of that turn */
    struct ws_client *client;   /* client role until the handshake is through */
    uint8_t *reserved;          /* between ws_send_reserve and _commit: the first payload byte */
    uint32_t deflate_threshold;
    uint8_t reserved_head;
    bool is_open; /* handshake done, on_close is owed */
};

_Static_assert(sizeof(struct ws_conn) <= 128, "an idle connection stays small");

enum ws_metric {
    WS_M_CONNECTIONS,
    WS_M_FRAMES_IN,
    WS_M_MESSAGES_IN,
    WS_M_MESSAGES_OUT,
    WS_M_BYTES_IN,
    WS_M_BYTES_OUT,
    WS_M_PINGS_IN,
    WS_M_PONGS_SKIPPED,
    WS_M_BOMBS,
    WS_M_CLOSE_TIMEOUTS,
    WS_M_CONNECT_FAILURES,
    WS_M_ERRORS_1002,
    WS_M_ERRORS_1007,
    WS_M_ERRORS_1009,
    WS_M_ERRORS_1011,
    WS_METRICS,
};
void ws_metric_add(enum ws_metric row, int64_t n);

struct ws_deflate_config ws_deflate_config_of(const struct ws_opts *opts);
struct ws_conn *ws_conn_new(const struct ws_opts *opts, const struct ws_handler *handler,
                            void *arg);
/* The handshake is through; params NULL: no compression. */
void ws_conn_open(struct ws_conn *ws, const struct ws_opts *opts, bool is_client,
                  const struct ws_deflate_params *params);
void ws_conn_feed(struct ws_conn *ws, uint8_t *data, size_t len);
/* Frees at the end of the turn. */
void ws_conn_free_later(struct ws_conn *ws, struct net_loop *loop);
/* Delivers a copy of data at the end of this turn, before anything that arrives later. */
void ws_conn_feed_later(struct ws_conn *ws, struct bx_str data);

extern const struct net_tcp_handler ws_tcp_handler;

/* ws_connect.c: gives up a connection attempt without a callback. */
void ws_client_cancel(struct ws_conn *ws);

#endif
