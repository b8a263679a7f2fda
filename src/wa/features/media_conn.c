/* Where files are: the hosts of this number, and addresses on them. */
#include "wa/media.h"

#include "base/base64.h"
#include "base/clock.h"
#include "base/json_scan.h"
#include "wa/internal.h"

#include <stdlib.h>

enum { HOSTS_MAX = 8, TTL_MIN_S = 10, TTL_MAX_S = 86400 };

struct wa_media_hosts {
    struct bx_arena arena;
    struct wa_media_conn conn;
    struct bx_str hosts[HOSTS_MAX];
    uint64_t valid_until_ms;
    bool is_asking;
    struct bx_list waiters;
};

struct waiter {
    struct bx_list node;
    void (*on_conn)(int rc, const struct wa_media_conn *conn, void *arg);
    void *arg;
};

static void tell_all(struct wa_media_hosts *h, int rc)
{
    struct bx_list *node;
    h->is_asking = false;
    while ((node = bx_list_pop_front(&h->waiters))) {
        struct waiter *w = BX_CONTAINER_OF(node, struct waiter, node);
        w->on_conn(rc, rc < 0 ? NULL : &h->conn, w->arg);
        free(w);
    }
}

static void add_host(struct wa_media_hosts *h, struct bx_str name)
{
    if (name.len && h->conn.host_count < HOSTS_MAX)
        h->hosts[h->conn.host_count++] =
            bx_arena_printf(&h->arena, "https://" BX_STR_FMT, BX_STR_ARG(name));
}

static void take_hosts(struct wa_client *c, struct wa_media_hosts *h, const struct wa_node *n)
{
    uint64_t ttl = wa_node_attr_u64_or(n, "ttl", 300);
    uint64_t auth_ttl = wa_node_attr_u64_or(n, "auth_ttl", ttl);
    ttl = ttl < auth_ttl ? ttl : auth_ttl;
    ttl = ttl < TTL_MIN_S ? TTL_MIN_S : ttl > TTL_MAX_S ? TTL_MAX_S : ttl;
    bx_arena_reset(&h->arena);
    h->conn = (struct wa_media_conn){.hosts = h->hosts};
    h->conn.auth = bx_arena_str(&h->arena, wa_node_attr(n, "auth"));
    h->valid_until_ms = net_loop_now_ms(c->loop) + ttl * 1000;
    if (c->opts.media_host) { /* a simulator, or a test: one host, as it is written */
        h->hosts[h->conn.host_count++] = bx_arena_str(&h->arena, bx_str(c->media_host));
        return;
    }
    for (int is_second = 0; is_second < 2; is_second++) {
        WA_EACH_CHILD(n, "host", host)
        {
            bool is_fallback = wa_node_attr_is(host, "type", "fallback");
            if (is_fallback == is_second)
                add_host(h, wa_node_attr(host, "hostname"));
        }
    }
}

static void on_answer(struct wa_client *c, struct wa_node *answer, struct bx_arena **arena, int rc,
                      void *arg)
{
    struct wa_media_hosts *h = arg;
    const struct wa_node *n = answer ? wa_node_child(answer, "media_conn") : NULL;
    (void)arena;
    if (rc >= 0 && !n)
        rc = BX_E_INVALID;
    if (rc >= 0)
        take_hosts(c, h, n);
    if (rc >= 0 && h->conn.host_count == 0)
        rc = BX_E_UNAVAILABLE;
    tell_all(h, rc);
}

static int ask(struct wa_client *c, struct wa_media_hosts *h)
{
    struct bx_arena arena;
    bx_arena_init(&arena, 0);
    struct wa_node *iq = WA_NODE(&arena, "iq", wa_to("to", WA_SERVER_JID), wa_lit("type", "set"),
                                 wa_lit("xmlns", "w:m"));
    wa_node_add(iq, wa_node_new(&arena, "media_conn"));
    int rc = wa_request_send(c, iq, 0, on_answer, h);
    bx_arena_done(&arena);
    h->is_asking = rc == BX_OK;
    return rc;
}

int wa_client_media_conn(struct wa_client *c, bool is_fresh,
                         void (*on_conn)(int rc, const struct wa_media_conn *conn, void *arg),
                         void *arg)
{
    struct wa_media_hosts *h = c->media;
    if (!h) {
        h = c->media = BX_NEW(struct wa_media_hosts);
        bx_arena_init(&h->arena, 0);
        bx_list_init(&h->waiters);
    }
    if (!is_fresh && h->valid_until_ms > net_loop_now_ms(c->loop)) {
        on_conn(BX_OK, &h->conn, arg);
        return BX_OK;
    }
    if (!c->is_logged_in)
        return BX_E_STATE;
    if (!h->is_asking) {
        int rc = ask(c, h);
        if (rc < 0)
            return rc;
    }
    struct waiter *w = BX_NEW(struct waiter);
    w->on_conn = on_conn;
    w->arg = arg;
    bx_list_push_back(&h->waiters, &w->node);
    return BX_OK;
}

void wa_media_hosts_free(struct wa_media_hosts *h)
{
    if (!h)
        return;
    tell_all(h, BX_E_CLOSED);
    bx_arena_done(&h->arena);
    free(h);
}

/* --- addresses --- */

static const struct {
    const char *path, *type; /* of uploads; "mms-type" of downloads */
} places[WA_FILE_KINDS] = {
    [WA_FILE_IMAGE] = {"/mms/image", "image"},
    [WA_FILE_VIDEO] = {"/mms/video", "video"},
    [WA_FILE_GIF] = {"/mms/video", "gif"},
    [WA_FILE_PTV] = {"/mms/video", "ptv"},
    [WA_FILE_AUDIO] = {"/mms/audio", "audio"},
    [WA_FILE_VOICE] = {"/mms/audio", "ptt"},
    [WA_FILE_DOCUMENT] = {"/mms/document", "document"},
    [WA_FILE_STICKER] = {"/mms/image", "sticker"},
    [WA_FILE_LINK_THUMBNAIL] = {"/mms/thumbnail-link", "thumbnail-link"},
};

/* RFC 3986 2.3: everything but unreserved characters. */
static struct bx_str percent(struct bx_str text, struct bx_arena *arena)
{
    static const char hex[] = "0123456789ABCDEF";
    char *out = bx_arena_alloc(arena, text.len * 3 + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char ch = (unsigned char)text.ptr[i];
        bool is_plain = (ch >= '0' && ch <= '9') || (ch >= 'A' && ch <= 'Z') ||
                        (ch >= 'a' && ch <= 'z') || ch == '-' || ch == '.' || ch == '_' ||
                        ch == '~';
        if (is_plain) {
            out[n++] = (char)ch;
        } else {
            out[n++] = '%';
            out[n++] = hex[ch >> 4];
            out[n++] = hex[ch & 15];
        }
    }
    return bx_str_n(out, n);
}

struct bx_str wa_upload_url(struct bx_str host, struct bx_str auth, enum wa_file_kind kind,
                            const uint8_t enc_sha256[32], struct bx_arena *arena)
{
    char token[BX_BASE64_SIZE(32)];
    bx_base64_encode(BX_BASE64_URL_NOPAD, enc_sha256, 32, token);
    struct bx_str a = percent(auth, arena);
    return bx_arena_printf(arena, BX_STR_FMT "%s/%s?auth=" BX_STR_FMT "&token=%s", BX_STR_ARG(host),
                           places[kind].path, token, BX_STR_ARG(a), token);
}

/* What comes from the other side becomes part of an address: visible ASCII only. */
static bool is_path(struct bx_str path)
{
    if (!path.len || path.ptr[0] != '/' || path.len > 2048)
        return false;
    for (size_t i = 0; i < path.len; i++) {
        if (path.ptr[i] <= ' ' || path.ptr[i] >= 0x7f || path.ptr[i] == '\\' ||
            path.ptr[i] == '#' || path.ptr[i] == '@')
            return false;
    }
    return !(path.len > 1 && path.ptr[1] == '/');
}

int wa_file_url(struct bx_str host, const struct wa_file *file, struct bx_arena *arena,
                struct bx_str *out)
{
    char hash[BX_BASE64_SIZE(32)] = "";
    if (!is_path(file->direct_path))
        return BX_E_INVALID;
    if (file->has_enc_sha256)
        bx_base64_encode(BX_BASE64_URL, file->enc_sha256, 32, hash);
    bool has_query = bx_str_find(file->direct_path, '?') < file->direct_path.len;
    struct bx_str h = percent(bx_str(hash), arena);
    *out =
        bx_arena_printf(arena, BX_STR_FMT BX_STR_FMT "%shash=" BX_STR_FMT "&mms-type=%s&__wa-mms=",
                        BX_STR_ARG(host), BX_STR_ARG(file->direct_path), has_query ? "&" : "?",
                        BX_STR_ARG(h), places[file->kind].type);
    return BX_OK;
}

int wa_upload_answer(struct bx_str json, struct bx_arena *arena, struct bx_str *out_direct_path,
                     struct bx_str *out_url)
{
    struct bx_str root, value;
    *out_direct_path = *out_url = (struct bx_str){0};
    if (bx_json_check(json, 8, &root, NULL) < 0)
        return BX_E_INVALID;
    if (bx_json_get(root, BX_STR("url"), &value) && bx_json_string(value, arena, out_url) < 0)
        *out_url = (struct bx_str){0};
    if (!bx_json_get(root, BX_STR("direct_path"), &value) ||
        bx_json_string(value, arena, out_direct_path) < 0 || !is_path(*out_direct_path))
        return BX_E_INVALID;
    *out_direct_path = bx_arena_str(arena, *out_direct_path);
    *out_url = bx_arena_str(arena, *out_url);
    return BX_OK;
}
