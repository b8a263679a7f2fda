/* Between fetch.c (what is fetched, when, how often) and fetch_curl.c (libcurl on our loop). */
#ifndef NET_FETCH_INTERNAL_H
#define NET_FETCH_INTERNAL_H

#include "base/buf.h"
#include "net/fetch/curl_loop.h"
#include "net/fetch/fetch.h"

struct net_fetch {
    struct bx_list node;
    struct net_fetcher *fetcher;
    char *url;
    struct bx_buf body; /* capped */
    net_fetch_done_fn *on_done;
    void *arg;
    CURL *easy; /* while an attempt runs */
    struct net_timer retry;
    unsigned attempts;
    bool is_too_big;
};

struct net_fetcher {
    struct net_loop *loop;
    struct net_fetcher_opts opts;
    char *ca_path, *plain_origin;
    struct curl_slist *headers;
    struct net_curl curl;
    struct net_timer start;  /* what was asked for in this turn starts in the next; also the end */
    struct bx_list waiting;  /* for a place */
    struct bx_list running;  /* an attempt runs */
    struct bx_list sleeping; /* between two attempts */
    unsigned running_count;
    void (*on_closed)(void *arg);
    void *closed_arg;
    bool is_closing;
};

/* fetch_curl.c */
int net_fetch_curl_open(struct net_fetcher *f);
void net_fetch_curl_close(struct net_fetcher *f);
/* Starts an attempt. */
int net_fetch_curl_start(struct net_fetch *g);
/* Ends it, whatever it does. */
void net_fetch_curl_stop(struct net_fetch *g);

/* fetch.c: an attempt has ended. */
void net_fetch_attempted(struct net_fetch *g, int rc);
/* fetch.c: one socket less is watched. */
void net_fetch_maybe_closed(struct net_fetcher *f);

#endif
