#include "app/rest/kept.h"

#include "app/core/context.h"
#include "base/map.h"
#include "base/mem.h"

#include <stdlib.h>

enum { BODY_MAX = 256 << 10, KEY_MAX = 512 };

struct wb_kept {
    struct bx_map pages; /* by address: struct page */
    size_t bytes, max_bytes;
};

struct page {
    uint64_t chat_mark;
    struct bx_shared *body;
    size_t key_len;
    char key[]; /* path?query */
};

struct bx_metric wb_kept_metrics[] = {
    {"wabox_kept_answers_total", "Chat lists answered as they were before", BX_COUNTER, NULL, 0}};
const size_t wb_kept_metric_count = BX_LEN(wb_kept_metrics);

struct wb_kept *wb_kept_new(size_t max_bytes)
{
    struct wb_kept *k = BX_NEW(struct wb_kept);
    bx_map_init(&k->pages);
    k->max_bytes = max_bytes;
    return k;
}

static void page_free(struct wb_kept *k, struct page *p)
{
    k->bytes -= p->body->len;
    bx_shared_unref(p->body);
    free(p);
}

static void forget_all(struct wb_kept *k)
{
    void *value;
    for (size_t pos = 0; bx_map_next(&k->pages, &pos, &value);)
        page_free(k, value);
    bx_map_done(&k->pages);
    bx_map_init(&k->pages);
}

void wb_kept_free(struct wb_kept *k)
{
    if (!k)
        return;
    forget_all(k);
    free(k);
}

static struct bx_str key_of(const struct wb_request *rq, char key[KEY_MAX])
{
    size_t len = rq->path.len + 1 + rq->query.len;
    if (len > KEY_MAX)
        return (struct bx_str){0};
    memcpy(key, rq->path.ptr, rq->path.len);
    key[rq->path.len] = '?';
    if (rq->query.len)
        memcpy(key + rq->path.len + 1, rq->query.ptr, rq->query.len);
    return bx_str_n(key, len);
}

bool wb_kept_get(struct wb_kept *k, struct wb_request *rq)
{
    char text[KEY_MAX];
    struct bx_str key = key_of(rq, text);
    struct page *p = key.len ? bx_map_get(&k->pages, key) : NULL;
    rq->chat_mark = st_chat_mark(rq->app->store, rq->number_id);
    if (!p || p->chat_mark != rq->chat_mark)
        return false;
    rq->body_out = bx_shared_ref(p->body);
    bx_metric_add(&wb_kept_metrics[0], 1);
    return true;
}

void wb_kept_put(struct wb_kept *k, struct wb_request *rq)
{
    char text[KEY_MAX];
    struct bx_str key = key_of(rq, text);
    if (!key.len || rq->out.len > BODY_MAX)
        return;
    rq->body_out = bx_shared_copy(rq->out.data, rq->out.len);
    struct page *p = bx_calloc(1, sizeof *p + key.len);
    p->chat_mark = rq->chat_mark;
    p->body = bx_shared_ref(rq->body_out);
    p->key_len = key.len;
    memcpy(p->key, key.ptr, key.len);
    if (k->bytes + p->body->len > k->max_bytes)
        forget_all(k);
    k->bytes += p->body->len;
    struct page *old = bx_map_put(&k->pages, bx_str_n(p->key, p->key_len), p);
    if (old)
        page_free(k, old);
}
