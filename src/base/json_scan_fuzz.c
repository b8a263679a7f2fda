#include "base/err.h"
#include "base/json_scan.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever the scanner accepts, the cursors can walk to its end and strings decode within their own
 * length. */
static void walk(struct bx_str value, struct bx_arena *arena, unsigned depth)
{
    struct bx_str cursor = bx_json_inside(value), key, item, text;
    switch (bx_json_type(value)) {
    case BX_JSON_ARRAY:
        while (bx_json_next(&cursor, &item))
            walk(item, arena, depth + 1);
        break;
    case BX_JSON_OBJECT:
        while (bx_json_next_member(&cursor, &key, &item)) {
            BX_ASSERT(key.len > 256 || memchr(key.ptr, '\\', key.len) ||
                      bx_json_get(value, key, &text));
            walk(item, arena, depth + 1);
        }
        break;
    case BX_JSON_STRING:
        BX_ASSERT(bx_json_string(value, arena, &text) == BX_OK && text.len <= value.len);
        BX_ASSERT(bx_utf8_is_valid(text));
        break;
    case BX_JSON_NULL:
    case BX_JSON_BOOL:
    case BX_JSON_NUMBER:
        BX_ASSERT(cursor.len <= value.len);
        break;
    }
    BX_ASSERT(depth <= BX_JSON_MAX_DEPTH);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bx_str text = bx_str_n(data, size), value;
    size_t at = 0;
    if (!bx_utf8_is_valid(text))
        return 0;
    if (bx_json_check(text, BX_JSON_MAX_DEPTH, &value, &at) < 0) {
        BX_ASSERT(at <= size);
        return 0;
    }
    struct bx_arena arena;
    bx_arena_init(&arena, 1 << 20);
    walk(value, &arena, 0);
    bx_arena_done(&arena);
    return 0;
}
