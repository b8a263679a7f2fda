#include "app/views/media_view.h"

#include "app/core/json_keys.h"
#include "base/clock.h"
#include "base/err.h"
#include "crypto/hash.h"

#include <stdio.h>

static struct {
    uint8_t key[32];
    char base[256];
    int64_t ttl_ms;
} links;

void wb_media_links_set(const uint8_t key[32], struct bx_str base, int64_t ttl_ms)
{
    memcpy(links.key, key, sizeof links.key);
    while (base.len && base.ptr[base.len - 1] == '/')
        base.len--;
    snprintf(links.base, sizeof links.base, "%.*s", BX_STR_ARG(base));
    links.ttl_ms = ttl_ms;
}

void wb_media_sign(struct bx_str message_uuid, int64_t expires_s, int64_t user_id,
                   char out[WB_MEDIA_SIG_SIZE])
{
    uint8_t mac[CR_SHA256_SIZE];
    char text[160];
    int len = snprintf(text, sizeof text, "media %.*s %lld %lld", (int)message_uuid.len,
                       message_uuid.ptr, (long long)expires_s, (long long)user_id);
    cr_hmac_sha256(bx_str_n(links.key, sizeof links.key), bx_str_n(text, (size_t)len), mac);
    bx_hex_encode(mac, (WB_MEDIA_SIG_SIZE - 1) / 2, out);
}

bool wb_media_of(const struct wb_rows *r, const struct st_message *m, struct st_media *out)
{
    return m->has_media && r->conn && st_media_shown(r->conn, m->id, r->arena, out) == BX_OK;
}

/* --- names --- */

static const char *extension_of(struct bx_str mime)
{
    static const struct {
        const char *mime, *extension;
    } rows[] = {{"image/jpeg", "jpg"}, {"image/png", "png"},  {"image/webp", "webp"},
                {"image/gif", "gif"},  {"video/mp4", "mp4"},  {"video/3gpp", "3gp"},
                {"audio/ogg", "ogg"},  {"audio/mpeg", "mp3"}, {"audio/mp4", "m4a"},
                {"audio/aac", "aac"},  {"audio/amr", "amr"},  {"application/pdf", "pdf"},
                {"text/plain", "txt"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (bx_str_starts(mime, bx_str(rows[i].mime)))
            return rows[i].extension;
    }
    return "bin";
}

/* No byte of a name can leave a header or an address: what is not a letter, a digit, '.', '-' or '_'
 * becomes '_'. */
struct bx_str wb_media_name(const struct st_media *file, struct bx_arena *arena)
{
    enum { NAME_MAX_BYTES = 100 };
    if (!file->file_name.len)
        return bx_arena_printf(arena, "%s.%s", wa_file_kind_name((enum wa_file_kind)file->kind),
                               extension_of(file->mime));
    size_t skip = file->file_name.len > NAME_MAX_BYTES ? file->file_name.len - NAME_MAX_BYTES : 0;
    struct bx_str name = bx_str_slice(file->file_name, skip, file->file_name.len);
    char *out = bx_arena_strndup(arena, name.ptr, name.len);
    for (char *c = out; *c; c++) {
        bool is_plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                        (*c >= '0' && *c <= '9') || (*c == '.' && c != out) || *c == '-';
        if (!is_plain)
            *c = '_';
    }
    return bx_str(out);
}

struct bx_str wb_media_url(const struct wb_rows *r, const struct st_media *file, bool is_thumb)
{
    char id[ST_UUID_SIZE];
    st_uuid_format(r->store, ST_UUID_MESSAGE, file->message_id, id);
    int64_t expires_s = (bx_wall_ms() + links.ttl_ms) / 1000;
    char sig[WB_MEDIA_SIG_SIZE];
    wb_media_sign(bx_str(id), expires_s, r->viewer_id, sig);
    struct bx_str base = r->base_url.len ? r->base_url : bx_str(links.base);
    struct bx_str name = is_thumb ? BX_STR("thumb") : wb_media_name(file, r->arena);
    return bx_arena_printf(r->arena, "%.*s/api/v1/media/%s/%.*s?exp=%lld&u=%lld&sig=%s",
                           BX_STR_ARG(base), id, BX_STR_ARG(name), (long long)expires_s,
                           (long long)r->viewer_id, sig);
}

/* --- JSON --- */

static void size_write(struct bx_json_writer *w, const char *key, int64_t value)
{
    if (value > 0)
        bx_json_key_i64(w, key, value);
    else
        bx_json_key_null(w, key);
}

static void waveform_write(struct bx_json_writer *w, struct bx_str waveform)
{
    bx_json_key(w, "waveform");
    if (!waveform.len) {
        bx_json_null(w);
        return;
    }
    bx_json_array(w);
    for (size_t i = 0; i < waveform.len; i++)
        bx_json_i64(w, (unsigned char)waveform.ptr[i]);
    bx_json_end(w);
}

static void hash_write(struct bx_json_writer *w, const struct wb_rows *r, struct bx_str sha256)
{
    char *hex = bx_arena_alloc(r->arena, 2 * sha256.len + 1);
    bx_hex_encode(sha256.ptr, sha256.len, hex);
    wb_key_str_or_null(w, "sha256", sha256.len ? bx_str(hex) : sha256);
}

void wb_media_write(struct bx_json_writer *w, const struct wb_rows *r, const struct st_media *file)
{
    static const char *const states[] = {"waiting", "downloading", "ready",
                                         "expired", "failed",      "unavailable"};
    bx_json_key(w, "media");
    struct bx_str none = {0};
    bx_json_object(w);
    bx_json_key_cstr(w, "state", states[file->state]);
    bx_json_key_cstr(w, "kind", wa_file_kind_name((enum wa_file_kind)file->kind));
    wb_key_str_or_null(w, "mimetype", file->mime);
    wb_key_str_or_null(w, "filename", file->file_name);
    size_write(w, "size", file->size_bytes);
    size_write(w, "width", file->width);
    size_write(w, "height", file->height);
    size_write(w, "durationMs", file->duration_ms);
    waveform_write(w, file->waveform);
    size_write(w, "pages", file->pages);
    bx_json_key_bool(w, "isVoice", file->kind == WA_FILE_VOICE);
    bx_json_key_bool(w, "isAnimated", file->flags & ST_MEDIA_ANIMATED);
    bx_json_key_bool(w, "isViewOnce", file->flags & ST_MEDIA_VIEW_ONCE);
    hash_write(w, r, file->sha256);
    bx_json_key_str(w, "url", wb_media_url(r, file, false));
    wb_key_str_or_null(w, "thumbnailUrl",
                       file->thumb_blob.len ? wb_media_url(r, file, true) : none);
    wb_key_str_or_null(w, "error", file->error);
    bx_json_end(w);
}
