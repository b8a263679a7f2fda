/* libcurl tells which sockets to watch and when it wants to be called; we tell it what became
 * ready. */
#include "net/fetch/curl_loop.h"

#include "base/err.h"
#include "base/mem.h"

#include <stdlib.h>

enum { SLOW_BYTES_PER_S = 1024, SLOW_S = 30 };

struct watch {
    uv_poll_t poll;
    struct net_curl *curl;
    curl_socket_t fd;
};

/* What has ended meanwhile. Callbacks may start others, which is why only one look runs. */
static void look(struct net_curl *c)
{
    CURLMsg *message;
    int left;
    if (c->is_looking)
        return;
    c->is_looking = true;
    while (c->multi && (message = curl_multi_info_read(c->multi, &left))) {
        if (message->msg == CURLMSG_DONE)
            c->on_done(message->easy_handle, message->data.result, c->arg);
    }
    c->is_looking = false;
}

static void act(struct net_curl *c, curl_socket_t fd, int what)
{
    int running;
    curl_multi_socket_action(c->multi, fd, what, &running);
    look(c);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct watch *w = poll->data;
    int what = status < 0 ? CURL_CSELECT_ERR
                          : ((events & UV_READABLE) ? CURL_CSELECT_IN : 0) |
                                ((events & UV_WRITABLE) ? CURL_CSELECT_OUT : 0);
    act(w->curl, w->fd, what);
}

static void on_unwatched(uv_handle_t *handle)
{
    struct watch *w = handle->data;
    struct net_curl *c = w->curl;
    free(w);
    c->watches--;
    c->on_unwatched(c->arg);
}

static struct watch *watch_new(struct net_curl *c, curl_socket_t fd)
{
    struct watch *w = BX_NEW(struct watch);
    w->curl = c;
    w->fd = fd;
    if (uv_poll_init_socket(&c->loop->uv, &w->poll, fd) < 0) {
        free(w);
        return NULL;
    }
    w->poll.data = w;
    c->watches++;
    curl_multi_assign(c->multi, fd, w);
    return w;
}

/* libcurl: watch fd for `what` from now on. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *mine)
{
    struct net_curl *c = arg;
    struct watch *w = mine;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (w) {
            curl_multi_assign(c->multi, fd, NULL);
            uv_poll_stop(&w->poll);
            uv_close((uv_handle_t *)&w->poll, on_unwatched);
        }
        return 0;
    }
    if (!w && !(w = watch_new(c, fd)))
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
    struct net_curl *c = arg;
    (void)multi;
    if (timeout_ms < 0)
        net_timer_stop(&c->timer);
    else
        net_timer_start(c->loop, &c->timer, (uint64_t)timeout_ms);
    return 0;
}

int net_curl_open(struct net_curl *c)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !(c->multi = curl_multi_init()))
        return BX_E_NOMEM;
    net_timer_init(&c->timer, on_timer, c);
    curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
    curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_timeout_wanted);
    curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
    return BX_OK;
}

void net_curl_close(struct net_curl *c)
{
    curl_multi_cleanup(c->multi); /* its idle connections are unwatched by this */
    net_timer_stop(&c->timer);
    c->multi = NULL;
    curl_global_cleanup();
}

void net_curl_kick(struct net_curl *c)
{
    act(c, CURL_SOCKET_TIMEOUT, 0);
}

void net_curl_common(CURL *easy, bool is_plain, const char *ca_path)
{
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* a stop does not wait for the resolver */
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, is_plain ? "http" : "https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, (long)SLOW_BYTES_PER_S);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)SLOW_S);
    if (ca_path) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, ca_path);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
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

int net_curl_rc(CURLcode code)
{
    for (size_t i = 0; i < BX_LEN(results); i++) {
        if (results[i].code == code)
            return results[i].rc;
    }
    return code == CURLE_OK ? BX_OK : BX_E_IO;
}
