/* One attempt to download a file: how libcurl is told, and what its end means. */
#include "base/err.h"
#include "net/fetch/fetch_internal.h"

#include <stdlib.h>

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

static int rc_of(const struct net_fetch *g, CURLcode code)
{
    long status = 0;
    if (g->is_too_big)
        return BX_E_TOO_BIG;
    curl_easy_getinfo(g->easy, CURLINFO_RESPONSE_CODE, &status);
    return code == CURLE_OK ? rc_of_status(status) : net_curl_rc(code);
}

static void on_ended(CURL *easy, CURLcode code, void *arg)
{
    struct net_fetch *g;
    (void)arg;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&g);
    int rc = rc_of(g, code);
    net_fetch_curl_stop(g);
    net_fetch_attempted(g, rc);
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
    net_curl_common(c, is_plain(g), f->ca_path);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, f->headers);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)f->opts.connect_timeout_ms);
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)f->opts.timeout_ms);
    curl_easy_setopt(c, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)g->body.max_bytes);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, g);
    return curl_multi_add_handle(f->curl.multi, c) == CURLM_OK ? BX_OK : BX_E_NOMEM;
}

void net_fetch_curl_stop(struct net_fetch *g)
{
    if (!g->easy)
        return;
    curl_multi_remove_handle(g->fetcher->curl.multi, g->easy);
    curl_easy_cleanup(g->easy);
    g->easy = NULL;
}

/* --- life --- */

static void on_unwatched(void *arg)
{
    net_fetch_maybe_closed(arg);
}

int net_fetch_curl_open(struct net_fetcher *f)
{
    f->curl.loop = f->loop;
    f->curl.on_done = on_ended;
    f->curl.on_unwatched = on_unwatched;
    f->curl.arg = f;
    return net_curl_open(&f->curl);
}

void net_fetch_curl_close(struct net_fetcher *f)
{
    net_curl_close(&f->curl);
}
