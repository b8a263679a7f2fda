/* libcurl's multi interface on our loop, for the files of net/fetch: sockets are watched by libuv,
 * the one timer is ours, and what has ended is told. */
#ifndef NET_CURL_LOOP_H
#define NET_CURL_LOOP_H

#include "net/internal.h"

#include <curl/curl.h>

struct net_curl {
    struct net_loop *loop;
    CURLM *multi;
    struct net_timer timer;
    unsigned watches; /* sockets whose libuv handle is not closed yet */
    bool is_looking;
    void (*on_done)(CURL *easy, CURLcode code, void *arg); /* may remove handles and add others */
    void (*on_unwatched)(void *arg);                       /* one watch less */
    void *arg;
};

/* Fill loop, on_done, on_unwatched and arg first. BX_E_NOMEM. */
int net_curl_open(struct net_curl *c);

/* All easy handles are removed before. The struct must live until watches is 0. */
void net_curl_close(struct net_curl *c);

/* Lets libcurl go on with a handle that was paused or added outside of its callbacks. */
void net_curl_kick(struct net_curl *c);

/* What every request of ours has: no signals, no redirects, no proxies of the environment, verified
 * TLS of at least 1.2, and only the protocol of its address. */
void net_curl_common(CURL *easy, bool is_plain, const char *ca_path);

/* BX_E_* of a transfer that did not get as far as a status. */
int net_curl_rc(CURLcode code);

#endif
