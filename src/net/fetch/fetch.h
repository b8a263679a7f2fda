/* net_fetch: HTTP(S) GET of a whole file into memory, with a cap, retries and a limit on how many
 * run at once. The protocol is libcurl's; its sockets and timer live on our loop, so a download
 * costs no thread. Only what we mean to fetch is fetched: https (and http from the one origin that
 * was configured), redirects are not followed, proxies of the environment are not used.
 *
 * Loop thread only. Callbacks never come before the call that caused them returned.
 */
#ifndef NET_FETCH_H
#define NET_FETCH_H

#include "base/str.h"
#include "net/loop.h"

struct net_fetcher;

struct net_fetcher_opts {
    const char *ca_path;         /* PEM; NULL: the system's store. Copied */
    const char *plain_origin;    /* "http://127.0.0.1:8080": where http is allowed; NULL: nowhere */
    const char *header;          /* one more header, "Origin: https://…"; NULL: none. Copied */
    unsigned max_running;        /* downloads at the same time; 0: 4. The others wait in order */
    unsigned max_attempts;       /* 0: 6 */
    uint32_t backoff_ms;         /* before the second attempt, doubled each time, ±25 %; 0: 1000 */
    uint32_t connect_timeout_ms; /* 0: 20 s */
    uint32_t timeout_ms;         /* of one attempt; 0: 5 min. 30 s below 1 KB/s end it, too */
};

/* Returns a fetcher of your own (yours to net_fetcher_close). BX_E_NOMEM. */
int net_fetcher_new(struct net_loop *loop, const struct net_fetcher_opts *opts,
                    struct net_fetcher **out);

/* Gives up what runs and waits: each on_done with BX_E_CLOSED, then on_closed (may be NULL); the
 * fetcher is gone then. */
void net_fetcher_close(struct net_fetcher *f, void (*on_closed)(void *arg), void *arg);

/* body: borrowed for the call; empty unless rc is BX_OK (status 200, complete). Final failures:
 *   BX_E_NOT_FOUND    404, 410
 *   BX_E_DENIED       401, 403, or a redirect
 *   BX_E_INVALID      any other 4xx
 *   BX_E_TOO_BIG      more than max_bytes, announced or sent
 *   BX_E_AUTH         the server's certificate is not accepted
 * After the last attempt: BX_E_UNAVAILABLE (5xx, 408, 429, no connection), BX_E_TIMEOUT,
 * BX_E_TRUNCATED, BX_E_IO. */
typedef void net_fetch_done_fn(int rc, struct bx_str body, void *arg);

/* BX_E_INVALID: not a URL that may be fetched, or the fetcher is closing; no callback then. Copies
 * url. */
int net_fetch_get(struct net_fetcher *f, const char *url, size_t max_bytes,
                  net_fetch_done_fn *on_done, void *arg);

#endif
