/* Files in pieces against what unmodified Baileys made of the same files. */
#include "wa/signal/media_crypto.h"

#include "base/base64.h"
#include "base/mem.h"
#include "wa/vectors.h"

#include <stdlib.h>

static const json_t *media(const char *topic)
{
    static json_t *all;
    if (!all)
        all = json_load_file(WA_MEDIA_VECTORS, 0, NULL);
    assert_non_null(all);
    return vector_get(all, topic);
}

static const struct {
    const char *type;
    enum wa_media_kind kind;
} kinds[] = {
    {"image", WA_MEDIA_IMAGE},
    {"sticker", WA_MEDIA_IMAGE},
    {"product", WA_MEDIA_IMAGE},
    {"product-catalog-image", WA_MEDIA_IMAGE},
    {"biz-cover-photo", WA_MEDIA_IMAGE},
    {"video", WA_MEDIA_VIDEO},
    {"gif", WA_MEDIA_VIDEO},
    {"ptv", WA_MEDIA_VIDEO},
    {"audio", WA_MEDIA_AUDIO},
    {"ptt", WA_MEDIA_AUDIO},
    {"document", WA_MEDIA_DOCUMENT},
    {"payment-bg-image", WA_MEDIA_PAYMENT_BACKGROUND},
    {"md-app-state", WA_MEDIA_APP_STATE},
    {"md-msg-hist", WA_MEDIA_HISTORY},
    {"thumbnail-image", WA_MEDIA_IMAGE_THUMBNAIL},
    {"thumbnail-video", WA_MEDIA_VIDEO_THUMBNAIL},
    {"thumbnail-document", WA_MEDIA_DOCUMENT_THUMBNAIL},
    {"thumbnail-link", WA_MEDIA_LINK_THUMBNAIL},
};

static bool kind_of(const char *type, enum wa_media_kind *out)
{
    for (size_t i = 0; i < BX_LEN(kinds); i++) {
        if (strcmp(kinds[i].type, type) == 0) {
            *out = kinds[i].kind;
            return true;
        }
    }
    return false;
}

static struct bx_str plain_of(const json_t *file)
{
    size_t len = (size_t)json_integer_value(vector_get(file, "plainLen"));
    uint8_t *data = malloc(len + 4);
    const json_t *text = json_object_get(file, "plain");
    if (text) {
        size_t n = 0;
        assert_rc(bx_base64_decode(bx_str(json_string_value(text)), data, &n), BX_OK);
        assert_int_equal(n, len);
    } else {
        for (size_t i = 0; i < len; i++)
            data[i] = (uint8_t)(i * 7 + (i >> 8) * 13);
    }
    return bx_str_n(data, len);
}

/* Encrypts in pieces of `step` bytes; the file in *out (free). */
static struct bx_str seal(enum wa_media_kind kind, const uint8_t *key, struct bx_str plain,
                          size_t step, struct wa_media_seal **out_seal,
                          struct wa_media_sealed *result)
{
    struct wa_media_seal *s = wa_media_seal_new(kind, key, true);
    uint8_t *out = malloc(plain.len + 64);
    size_t len = 0, n;
    for (size_t at = 0; at < plain.len; at += step) {
        wa_media_seal_update(s,
                             bx_str_slice(plain, at, at + step < plain.len ? at + step : plain.len),
                             out + len, &n);
        len += n;
    }
    wa_media_seal_finish(s, out + len, &n, result);
    *out_seal = s;
    return bx_str_n(out, len + n);
}

static int unseal(enum wa_media_kind kind, const uint8_t *key, struct bx_str file, size_t step,
                  const struct wa_media_expected *expected, struct bx_str *out)
{
    struct wa_media_unseal *u = wa_media_unseal_new(kind, key, expected);
    uint8_t *plain = malloc(file.len + 64);
    size_t len = 0, n;
    int rc = BX_OK;
    for (size_t at = 0; rc == BX_OK && at < file.len; at += step) {
        rc = wa_media_unseal_update(
            u, bx_str_slice(file, at, at + step < file.len ? at + step : file.len), plain + len,
            &n);
        len += n;
    }
    if (rc == BX_OK)
        rc = wa_media_unseal_finish(u, plain + len, &n);
    *out = bx_str_n(plain, len + n);
    wa_media_unseal_free(u);
    return rc;
}

static const size_t steps[] = {1 << 20, 65536, 1000, 17, 16, 9, 1};

TEST(every_key_is_derived_as_baileys_derives_it)
{
    size_t i;
    json_t *row;
    json_array_foreach(media("hkdf"), i, row)
    {
        uint8_t key[32], want[112];
        enum wa_media_kind kind;
        struct wa_media_keys got;
        if (!kind_of(vector_text(row, "type"), &kind))
            fail_msg("no kind for %s", vector_text(row, "type"));
        vector_hex(row, "mediaKey", key, 32);
        vector_hex(row, "okm112", want, 112);
        wa_media_derive(kind, key, &got);
        assert_memory_equal(&got, want, 112);
    }
}

TEST(files_are_encrypted_as_baileys_encrypts_them_in_pieces_of_any_size)
{
    size_t i;
    json_t *row;
    json_array_foreach(media("files"), i, row)
    {
        uint8_t key[32], plain_sha[32], enc_sha[32], mac[10], sidecar[64];
        enum wa_media_kind kind;
        struct bx_str plain = plain_of(row);
        assert_true(kind_of(vector_text(row, "type"), &kind));
        vector_hex(row, "mediaKey", key, 32);
        vector_hex(row, "fileSha256", plain_sha, 32);
        vector_hex(row, "fileEncSha256", enc_sha, 32);
        vector_hex(row, "mac", mac, 10);
        for (size_t s = 0; s < BX_LEN(steps); s++) {
            struct wa_media_seal *writer;
            struct wa_media_sealed got;
            struct bx_str file = seal(kind, key, plain, steps[s], &writer, &got);
            assert_int_equal(file.len, json_integer_value(vector_get(row, "encLen")));
            assert_int_equal(file.len, wa_media_sealed_size(plain.len));
            assert_memory_equal(got.hashes.plain_sha256, plain_sha, 32);
            assert_memory_equal(got.hashes.enc_sha256, enc_sha, 32);
            assert_memory_equal(file.ptr + file.len - 10, mac, 10);
            if (json_object_get(row, "streamingSidecar")) {
                struct bx_str want = vector_hex(row, "streamingSidecar", sidecar, sizeof sidecar);
                assert_true(bx_str_eq(got.sidecar, want));
            }
            struct wa_media_expected expected = {plain_sha, enc_sha, plain.len};
            struct bx_str back;
            assert_rc(unseal(kind, key, file, steps[s], &expected, &back), BX_OK);
            assert_true(bx_str_eq(back, plain));
            free((void *)(uintptr_t)back.ptr);
            free((void *)(uintptr_t)file.ptr);
            wa_media_seal_free(writer);
        }
        free((void *)(uintptr_t)plain.ptr);
    }
}

static void damage(struct bx_str file, const uint8_t *key, const struct wa_media_expected *e,
                   const char *why)
{
    for (size_t s = 0; s < BX_LEN(steps); s++) {
        struct bx_str back;
        int rc = unseal(WA_MEDIA_IMAGE, key, file, steps[s], e, &back);
        assert_why(rc == BX_E_CRYPTO || rc == BX_E_TOO_BIG, why);
        free((void *)(uintptr_t)back.ptr);
    }
}

TEST(a_damaged_cut_or_longer_file_is_refused)
{
    uint8_t key[32] = {7}, wrong[32] = {1};
    char text[1000];
    memset(text, 'x', sizeof text);
    struct wa_media_seal *writer;
    struct wa_media_sealed got;
    struct bx_str file = seal(WA_MEDIA_IMAGE, key, bx_str_n(text, sizeof text), 100, &writer, &got);
    struct wa_media_expected right = {got.hashes.plain_sha256, got.hashes.enc_sha256, sizeof text};
    struct wa_media_expected no_hash = {NULL, NULL, sizeof text};
    char *bytes = (char *)(uintptr_t)file.ptr;
    static const size_t places[] = {0, 15, 16, 500, 1007, 1008, 1017};
    for (size_t i = 0; i < BX_LEN(places); i++) {
        bytes[places[i]] ^= 1;
        damage(file, key, &right, "a flipped bit");
        damage(file, key, &no_hash, "a flipped bit and no hashes");
        bytes[places[i]] ^= 1;
    }
    for (size_t len = 0; len < file.len; len += len < 40 ? 1 : 97)
        damage(bx_str_slice(file, 0, len), key, &no_hash, "cut");
    char *longer = calloc(1, file.len + 4096);
    memcpy(longer, file.ptr, file.len);
    damage(bx_str_n(longer, file.len + 16), key, &no_hash, "16 bytes more");
    damage(bx_str_n(longer, file.len + 4096), key, &no_hash, "4096 bytes more");
    damage(file, wrong, &right, "another key");
    struct wa_media_expected other = {wrong, NULL, sizeof text},
                             sealed = {NULL, wrong, sizeof text},
                             size = {NULL, NULL, sizeof text - 1};
    damage(file, key, &other, "another plain hash");
    damage(file, key, &sealed, "another hash");
    damage(file, key, &size, "another size");
    free(longer);
    free(bytes);
    wa_media_seal_free(writer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_is_derived_as_baileys_derives_it),
        cmocka_unit_test(files_are_encrypted_as_baileys_encrypts_them_in_pieces_of_any_size),
        cmocka_unit_test(a_damaged_cut_or_longer_file_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
