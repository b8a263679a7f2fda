#include "app/ops/number_file.h"

#include "base/base64.h"
#include "base/mem.h"

#include <stdlib.h>

#define ANY_TIME 0, INT64_C(253402300799999)
#define ANY_ID 0, INT64_MAX

#define CELL(type, field, kind, ...)                                                               \
    {                                                                                              \
#field, kind, offsetof(struct type, field), __VA_ARGS__                                    \
    }
#define TEXT(type, field) CELL(type, field, WB_CELL_TEXT, 0, 0)
#define BLOB(type, field) CELL(type, field, WB_CELL_BLOB, 0, 0)
#define BOOL(type, field) CELL(type, field, WB_CELL_BOOL, 0, 1)
#define TIME(type, field) CELL(type, field, WB_CELL_INT, ANY_TIME)
#define ID(type, field) CELL(type, field, WB_CELL_INT, ANY_ID)
#define CODE(type, field, max) CELL(type, field, WB_CELL_INT32, 0, max)
#define TABLE(name) const struct wb_cells name = {name##_list, BX_LEN(name##_list)}

static const struct wb_cell wb_number_cells_list[] = {TEXT(st_number, name), TEXT(st_number, phone),
                                                      BOOL(st_number, is_active),
                                                      TEXT(st_number, policy)};
TABLE(wb_number_cells);

static const struct wb_cell wb_contact_cells_list[] = {
    ID(st_contact, id),          TEXT(st_contact, phone),     TEXT(st_contact, lid),
    TEXT(st_contact, name),      TEXT(st_contact, push_name), TEXT(st_contact, business_name),
    BOOL(st_contact, is_blocked)};
TABLE(wb_contact_cells);

static const struct wb_cell wb_chat_cells_list[] = {
    ID(st_chat, id),
    ID(st_chat, contact_id),
    TEXT(st_chat, jid),
    BOOL(st_chat, is_group),
    TEXT(st_chat, name),
    BOOL(st_chat, is_marked_unread),
    BOOL(st_chat, is_pinned),
    BOOL(st_chat, is_archived),
    CELL(st_chat, muted_until, WB_CELL_INT, -1, INT64_MAX),
    TEXT(st_chat, meta)};
TABLE(wb_chat_cells);

static const struct wb_cell wb_member_cells_list[] = {ID(st_member, contact_id),
                                                      CODE(st_member, role, ST_MEMBER_OWNER)};
TABLE(wb_member_cells);

static const struct wb_cell wb_message_cells_list[] = {
    ID(st_message, chat_id),
    TEXT(st_message, wa_id),
    BOOL(st_message, is_from_me),
    ID(st_message, sender_id),
    CODE(st_message, type, ST_TYPE_POLL),
    TEXT(st_message, content),
    TEXT(st_message, caption),
    TEXT(st_message, file_name),
    CODE(st_message, flags, 2 * ST_MESSAGE_NO_PREVIEW - 1),
    CODE(st_message, status, ST_READ),
    BOOL(st_message, is_unread),
    BOOL(st_message, is_starred),
    TIME(st_message, timestamp),
    TEXT(st_message, quoted_wa_id),
    TEXT(st_message, quoted_content),
    ID(st_message, quoted_sender_id),
    TEXT(st_message, client_id),
    TIME(st_message, sent_at),
    TIME(st_message, delivered_at),
    TIME(st_message, read_at),
    TIME(st_message, failed_at),
    TEXT(st_message, error),
    TIME(st_message, edited_at),
    TIME(st_message, revoked_at),
    TEXT(st_message, mentions)};
TABLE(wb_message_cells);

static const struct wb_cell wb_media_cells_list[] = {CODE(st_media, state, ST_MEDIA_UNAVAILABLE),
                                                     TEXT(st_media, mime),
                                                     TEXT(st_media, direct_path),
                                                     TEXT(st_media, url),
                                                     BLOB(st_media, media_key),
                                                     BLOB(st_media, sha256),
                                                     BLOB(st_media, enc_sha256),
                                                     BLOB(st_media, thumbnail),
                                                     ID(st_media, size_bytes),
                                                     ID(st_media, width),
                                                     ID(st_media, height),
                                                     ID(st_media, duration_ms),
                                                     ID(st_media, kind),
                                                     TEXT(st_media, file_name),
                                                     ID(st_media, pages),
                                                     BLOB(st_media, waveform)};
TABLE(wb_media_cells);

static const struct wb_cell wb_reaction_cells_list[] = {
    ID(st_reaction, contact_id), TEXT(st_reaction, emoji), TIME(st_reaction, reacted_at)};
TABLE(wb_reaction_cells);

static const struct wb_cell wb_receipt_cells_list[] = {
    ID(st_receipt, contact_id), TIME(st_receipt, delivered_at), TIME(st_receipt, read_at),
    TIME(st_receipt, played_at)};
TABLE(wb_receipt_cells);

/* --- writing --- */

static void write_blob(struct bx_json_writer *w, const char *key, struct bx_str blob)
{
    char *text = bx_calloc(1, BX_BASE64_SIZE(blob.len));
    size_t len = bx_base64_encode(BX_BASE64_STD, blob.ptr, blob.len, text);
    bx_json_key_str(w, key, bx_str_n(text, len));
    free(text);
}

void wb_cells_write(struct bx_json_writer *w, const struct wb_cells *cells, const void *row)
{
    for (size_t i = 0; i < cells->count; i++) {
        const struct wb_cell *c = &cells->list[i];
        const char *at = (const char *)row + c->at;
        struct bx_str s = {0};
        int32_t code = 0;
        int64_t n = 0;
        if (c->kind == WB_CELL_TEXT || c->kind == WB_CELL_BLOB)
            memcpy(&s, at, sizeof s);
        else if (c->kind == WB_CELL_INT)
            memcpy(&n, at, sizeof n);
        else if (c->kind == WB_CELL_INT32)
            memcpy(&code, at, sizeof code);
        if (c->kind == WB_CELL_INT32)
            n = code;
        if (c->kind == WB_CELL_TEXT && s.ptr)
            bx_json_key_str(w, c->key, s);
        else if (c->kind == WB_CELL_BLOB && s.ptr)
            write_blob(w, c->key, s);
        else if (c->kind == WB_CELL_BOOL && *(const bool *)at)
            bx_json_key_bool(w, c->key, true);
        else if (n)
            bx_json_key_i64(w, c->key, n);
    }
}

/* --- reading --- */

static bool read_text(const struct wb_cell *c, const json_t *value, void *at, struct bx_arena *a)
{
    if (!json_is_string(value))
        return false;
    struct bx_str s = bx_str_n(json_string_value(value), json_string_length(value));
    if (c->kind == WB_CELL_BLOB) {
        size_t len = s.len;
        uint8_t *bytes = bx_arena_alloc(a, s.len + 1);
        if (bx_base64_decode(s, bytes, &len) < 0)
            return false;
        s = bx_str_n(bytes, len);
    }
    memcpy(at, &s, sizeof s);
    return true;
}

static bool read_number(const struct wb_cell *c, const json_t *value, void *at)
{
    int64_t n = json_integer_value(value);
    if (!json_is_integer(value) || n < c->min || n > c->max)
        return false;
    int32_t code = (int32_t)n;
    if (c->kind == WB_CELL_INT)
        memcpy(at, &n, sizeof n);
    else
        memcpy(at, &code, sizeof code);
    return true;
}

static bool read_cell(const struct wb_cell *c, const json_t *value, void *at, struct bx_arena *a)
{
    switch (c->kind) {
    case WB_CELL_TEXT:
    case WB_CELL_BLOB:
        return read_text(c, value, at, a);
    case WB_CELL_BOOL:
        *(bool *)at = json_is_true(value);
        return json_is_boolean(value);
    case WB_CELL_INT:
    case WB_CELL_INT32:
        return read_number(c, value, at);
    }
    return false;
}

int wb_cells_read(const json_t *object, const struct wb_cells *cells, void *row, struct bx_arena *a,
                  const char **out_key)
{
    *out_key = "";
    if (!json_is_object(object))
        return BX_E_INVALID;
    for (size_t i = 0; i < cells->count; i++) {
        const struct wb_cell *c = &cells->list[i];
        const json_t *value = json_object_get(object, c->key);
        *out_key = c->key;
        if (value && !read_cell(c, value, (char *)row + c->at, a))
            return BX_E_INVALID;
    }
    return BX_OK;
}
