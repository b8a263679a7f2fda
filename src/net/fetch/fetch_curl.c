/* libcurl's multi interface driven by the loop: it tells which sockets to watch and when it wants
 * to be called, we tell it what became ready. */
#include "base/err.h"
#include "base/mem.h"
#include "net/fetch/fetch_internal.h"

#include <stdlib.h>

enum { SLOW_BYTES_PER_S = 1024, SLOW_S = 30 };

/* --- sockets --- */

struct watch {
    uv_poll_t poll;
    struct net_fetcher *fetcher;
    curl_socket_t fd;
};

static void look(struct net_fetcher *f);

static void act(struct net_fetcher *f, curl_socket_t fd, int what)
{
    int running;
    curl_multi_socket_action(f->multi, fd, what, &running);
    look(f);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct watch *w = poll->data;
    int what = status < 0 ? CURL_CSELECT_ERR
                          : ((events & UV_READABLE) ? CURL_CSELECT_IN : 0) |
                                ((events & UV_WRITABLE) ? CURL_CSELECT_OUT : 0);
    act(w->fetcher, w->fd, what);
}

static void on_unwatched(uv_handle_t *handle)
{
    struct watch *w = handle->data;
    struct net_fetcher *f = w->fetcher;
    free(w);
    f->watches--;
    net_fetch_maybe_closed(f);
}

static struct watch *watch_new(struct net_fetcher *f, curl_socket_t fd)
{
    struct watch *w = BX_NEW(struct watch);
    w->fetcher = f;
    w->fd = fd;
    if (uv_poll_init_socket(&f->loop->uv, &w->poll, fd) < 0) {
        free(w);
        return NULL;
    }
    w->poll.data = w;
    f->watches++;
    curl_multi_assign(f->multi, fd, w);
    return w;
}

/* libcurl: watch fd for `what` from now on. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *mine)
{
    struct net_fetcher *f = arg;
    struct watch *w = mine;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (w) {
            curl_multi_assign(f->multi, fd, NULL);
            uv_poll_stop(&w->poll);
            uv_close((uv_handle_t *)&w->poll, on_unwatched);
        }
        return 0;
    }
    if (!w && !(w = watch_new(f, fd)))
        return -1;
    int events =
        ((what & CURL_POLL_IN) ? UV_READABLE : 0) | ((what & CURL_POLL_OUT) ? UV_WRITABLE : 0);
    return uv_poll_start(&w->poll, events, on_ready) < 0 ? -1 : 0;
}

static void on_timer(void *arg)
{
    act(arg, CURL_SOCKET_TIMEOUT, 0);
}

static int on_timeout_wanted(CURLM *multi, long timeout_ms, void *arg)
{
    struct net_fetcher *f = arg;
    (void)multi;
    if (timeout_ms < 0)
        net_timer_stop(&f->timer);
    else
        net_timer_start(f->loop, &f->timer, (uint64_t)timeout_ms);
    return 0;
}

/* --- one attempt --- */

static size_t on_bytes(char *bytes, size_t size, size_t count, void *arg)
{
    struct net_fetch *g = arg;
    size_t len = size * count;
    long status = 0;
    curl_easy_getinfo(g->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200)
        return len; /* an error page is of no interest */
    if (bx_buf_append(&g->body, bytes, len) == BX_OK)
        return len;
    g->is_too_big = true;
    return 0;
}

static int rc_of_status(long status)
{
    if (status == 200)
        return BX_OK;
    if (status == 404 || status == 410)
        return BX_E_NOT_FOUND;
    if (status == 401 || status == 403 || (status >= 300 && status < 400))
        return BX_E_DENIED;
    return status >= 500 || status == 408 || status == 429 ? BX_E_UNAVAILABLE : BX_E_INVALID;
}

static const struct {
    CURLcode code;
    int rc;
} results[] = {
    {CURLE_OPERATION_TIMEDOUT, BX_E_TIMEOUT},
    {CURLE_PARTIAL_FILE, BX_E_TRUNCATED},
    {CURLE_FILESIZE_EXCEEDED, BX_E_TOO_BIG},
    {CURLE_PEER_FAILED_VERIFICATION, BX_E_AUTH},
    {CURLE_SSL_CACERT_BADFILE, BX_E_AUTH},
    {CURLE_COULDNT_CONNECT, BX_E_UNAVAILABLE},
    {CURLE_COULDNT_RESOLVE_HOST, BX_E_UNAVAILABLE},
    {CURLE_UNSUPPORTED_PROTOCOL, BX_E_INVALID},
    {CURLE_URL_MALFORMAT, BX_E_INVALID},
};

static int rc_of(const struct net_fetch *g, CURLcode code)
{
    long status = 0;
    if (g->is_too_big)
        return BX_E_TOO_BIG;
    for (size_t i = 0; i < BX_LEN(results); i++) {
        if (results[i].code == code)
            return results[i].rc;
    }
    curl_easy_getinfo(g->easy, CURLINFO_RESPONSE_CODE, &status);
    return code == CURLE_OK ? rc_of_status(status) : BX_E_IO;
}

/* What has ended meanwhile. Callbacks may start others, which is why only one look runs. */
static void look(struct net_fetcher *f)
{
    CURLMsg *message;
    int left;
    if (f->is_looking)
        return;
    f->is_looking = true;
    while ((message = curl_multi_info_read(f->multi, &left))) {
        struct net_fetch *g;
        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&g);
        int rc = rc_of(g, message->data.result);
        net_fetch_curl_stop(g);
        net_fetch_attempted(g, rc);
    }
    f->is_looking = false;
}

static bool is_plain(const struct net_fetch *g)
{
    return bx_str_starts(bx_str(g->url), BX_STR("http://"));
}

int net_fetch_curl_start(struct net_fetch *g)
{
    struct net_fetcher *f = g->fetcher;
    CURL *c = g->easy = curl_easy_init();
    if (!c)
        return BX_E_NOMEM;
    bx_buf_clear(&g->body, 0);
    g->is_too_big = false;
    curl_easy_setopt(c, CURLOPT_URL, g->url);
    curl_easy_setopt(c, CURLOPT_PRIVATE, g);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_QUICK_EXIT, 1L); /* a stop does not wait for the resolver */
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, is_plain(g) ? "http" : "https");
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c, CURLOPT_PROXY, "");
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (f->ca_path) {
        curl_easy_setopt(c, CURLOPT_CAINFO, f->ca_path);
        curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
    }
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, f->headers);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)f->opts.connect_timeout_ms);
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)f->opts.timeout_ms);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, (long)SLOW_BYTES_PER_S);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)SLOW_S);
    curl_easy_setopt(c, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)g->body.max_bytes);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, g);
    return curl_multi_add_handle(f->multi, c) == CURLM_OK ? BX_OK : BX_E_NOMEM;
}

void net_fetch_curl_stop(struct net_fetch *g)
{
    if (!g->easy)
        return;
    curl_multi_remove_handle(g->fetcher->multi, g->easy);
    curl_easy_cleanup(g->easy);
    g->easy = NULL;
}

/* --- life --- */

int net_fetch_curl_open(struct net_fetcher *f)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !(f->multi = curl_multi_init()))
        return BX_E_NOMEM;
    net_timer_init(&f->timer, on_timer, f);
    curl_multi_setopt(f->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(f->multi, CURLMOPT_SOCKETDATA, f);
    curl_multi_setopt(f->multi, CURLMOPT_TIMERFUNCTION, on_timeout_wanted);
    curl_multi_setopt(f->multi, CURLMOPT_TIMERDATA, f);
    return BX_OK;
}

void net_fetch_curl_close(struct net_fetcher *f)
{
    curl_multi_cleanup(f->multi); /* its idle connections are unwatched by this */
    net_timer_stop(&f->timer);
    f->multi = NULL;
    curl_global_cleanup();
}
