#include "app/core/json_load.h"

#include "base/buf.h"
#include "base/utf8.h"

static void nuls_replace(json_t *value)
{
    struct bx_buf out;
    struct bx_str text = bx_str_n(json_string_value(value), json_string_length(value));
    if (text.len == 0 || !memchr(text.ptr, 0, text.len))
        return;
    bx_buf_init(&out, 0);
    if (bx_utf8_repair(text, &out) == BX_OK)
        json_string_setn_nocheck(value, (const char *)out.data, out.len);
    bx_buf_done(&out);
}

/* jansson bounds the depth of what it reads. */
static void walk(json_t *value)
{
    size_t i;
    const char *key;
    json_t *child;
    if (json_is_string(value))
        nuls_replace(value);
    json_array_foreach(value, i, child) walk(child);
    json_object_foreach(value, key, child) walk(child);
}

json_t *wb_json_load(struct bx_str text, size_t flags, json_error_t *error)
{
    bool has_nul = memmem(text.ptr, text.len, "\\u0000", 6) != NULL;
    json_t *root = json_loadb(text.ptr, text.len, flags | (has_nul ? JSON_ALLOW_NUL : 0), error);
    if (root && has_nul)
        walk(root);
    return root;
}

const char *wb_json_fault(struct bx_str text)
{
    return bx_utf8_is_valid(text) ? "is not valid JSON" : "is not valid UTF-8";
}
