/* Test vectors (tests/corpora/wa-vectors.json, made by running unmodified clients). Tests only. */
#ifndef WA_VECTORS_H
#define WA_VECTORS_H

#include "base/test.h"

#include <jansson.h>

/* A member by keys, NULL-terminated; fails the test when it is missing. */
static inline const json_t *vector_get(const json_t *from, const char *key)
{
    const json_t *v = json_object_get(from, key);
    if (!v)
        fail_msg("vector %s is missing", key);
    return v;
}

static inline const json_t *vector_topic(const char *topic)
{
    static json_t *all;
    if (!all)
        all = json_load_file(WA_VECTORS, 0, NULL);
    assert_non_null(all);
    return vector_get(all, topic);
}

static inline const char *vector_text(const json_t *from, const char *key)
{
    return json_string_value(vector_get(from, key));
}

/* Decodes hex into out (room for `size`), returns the slice. */
static inline struct bx_str vector_hex(const json_t *from, const char *key, uint8_t *out,
                                       size_t size)
{
    const char *hex = vector_text(from, key);
    size_t len = strlen(hex) / 2;
    assert_true(len <= size);
    assert_rc(bx_hex_decode(bx_str(hex), out, len), BX_OK);
    return bx_str_n(out, len);
}

#endif
