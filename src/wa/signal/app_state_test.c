#include "wa/signal/app_state.h"

#include "base/clock.h"
#include "wa/proto/pb.h"
#include "wa/vectors.h"

static struct bx_arena arena;
static uint8_t key_data[32];
static uint8_t stored_index[32], stored_value[32];
static bool has_stored;

static int on_keys(void *arg, struct bx_str key_id, struct wa_app_keys *out)
{
    (void)arg;
    if (key_id.len != 6)
        return BX_E_NOT_FOUND;
    wa_app_keys_derive(key_data, out);
    return BX_OK;
}

static int on_value_mac(void *arg, const uint8_t index_mac[32], uint8_t out[32])
{
    (void)arg;
    if (!has_stored || memcmp(index_mac, stored_index, 32) != 0)
        return BX_E_NOT_FOUND;
    memcpy(out, stored_value, 32);
    return BX_OK;
}

static const struct wa_app_source source = {.keys = on_keys, .value_mac = on_value_mac};

TEST(derived_keys_and_the_hash_match)
{
    uint8_t want[160], a[32], b[32], hash[128] = {0};
    struct wa_app_keys keys;
    const json_t *v = vector_topic("mutationKeys");
    vector_hex(v, "keyData", a, 32);
    vector_hex(v, "okm160", want, 160);
    wa_app_keys_derive(a, &keys);
    assert_memory_equal(&keys, want, 160);
    v = vector_topic("lthash");
    vector_hex(v, "addA", a, 32);
    vector_hex(v, "addB", b, 32);
    wa_lthash_add(hash, a);
    wa_lthash_add(hash, b);
    vector_hex(v, "hashAB", want, 128);
    assert_memory_equal(hash, want, 128);
    wa_lthash_subtract(hash, a);
    vector_hex(v, "afterRemoveA", want, 128);
    assert_memory_equal(hash, want, 128);
}

/* The vector's patch was made with the key of the mutationKeys vector. */
TEST(a_patch_of_baileys_opens_with_all_its_macs)
{
    const json_t *v = vector_topic("appStatePatch");
    uint8_t bytes[1024], want[128];
    struct bx_str text = vector_hex(v, "patch", bytes, sizeof bytes);
    struct wa_app_collection before = {.name = bx_str(vector_text(v, "collection"))}, after;
    struct wa_app_mutation *m;
    Wap__SyncdPatch *patch;
    size_t count;
    vector_hex(vector_topic("mutationKeys"), "keyData", key_data, 32);
    has_stored = false;
    assert_rc(WA_PB_UNPACK(syncd_patch, text, &arena, &patch), BX_OK);
    assert_rc(wa_app_patch_decode(&before, &source, patch, &arena, &m, &count, &after), BX_OK);
    assert_int_equal(count, 1);
    assert_str(m[0].index, "[\"pin_v1\",\"15559990000@s.whatsapp.net\"]");
    assert_true(m[0].value->pin && m[0].value->pin->pinned);
    vector_hex(v, "lthash", want, 128);
    assert_memory_equal(after.lthash, want, 128);
    assert_int_equal(after.version, 1);
    patch->mutations[0]->record->value->blob.data[3] ^= 1;
    assert_rc(wa_app_patch_decode(&before, &source, patch, &arena, &m, &count, &after),
              BX_E_CRYPTO);
    patch->mutations[0]->record->value->blob.data[3] ^= 1;
    patch->patch_mac.data[0] ^= 1;
    assert_rc(wa_app_patch_decode(&before, &source, patch, &arena, &m, &count, &after),
              BX_E_CRYPTO);
    before.version = 7;
    assert_rc(wa_app_patch_decode(&before, &source, patch, &arena, &m, &count, &after),
              BX_E_CONFLICT);
}

TEST(our_patches_open_replace_and_remove)
{
    uint8_t ivs[16], empty[128] = {0};
    struct wa_app_collection c = {.name = BX_STR("regular_high")}, after, decoded;
    Wap__SyncActionValue value = WAP__SYNC_ACTION_VALUE__INIT;
    Wap__SyncActionValue__Mute mute = WAP__SYNC_ACTION_VALUE__MUTE__INIT;
    WA_PB_SET(&mute, muted, 1);
    value.mute = &mute;
    has_stored = false;
    for (int round = 0; round < 3; round++) { /* set, set again, remove */
        struct wa_app_mutation m = {.is_remove = round == 2,
                                    .index = BX_STR("[\"mute\",\"1@lid\"]"),
                                    .value = &value,
                                    .version = 2},
                               *got;
        struct bx_str bytes;
        Wap__SyncdPatch *patch;
        size_t count;
        bx_random(ivs, sizeof ivs);
        assert_rc(wa_app_patch_encode(&c, &source, BX_STR("\0\0\0\0\0\1"), &m, 1, ivs, &arena,
                                      &bytes, &after),
                  BX_OK);
        assert_rc(WA_PB_UNPACK(syncd_patch, bytes, &arena, &patch), BX_OK);
        assert_rc(wa_app_patch_decode(&c, &source, patch, &arena, &got, &count, &decoded), BX_OK);
        assert_memory_equal(decoded.lthash, after.lthash, 128);
        assert_int_equal(decoded.version, round + 1);
        assert_int_equal(got[0].is_remove, round == 2);
        memcpy(stored_index, m.index_mac, 32);
        memcpy(stored_value, m.value_mac, 32);
        has_stored = round < 2;
        c = after;
    }
    assert_memory_equal(c.lthash, empty, 128);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(derived_keys_and_the_hash_match),
        cmocka_unit_test(a_patch_of_baileys_opens_with_all_its_macs),
        cmocka_unit_test(our_patches_open_replace_and_remove),
    };
    bx_arena_init(&arena, 0);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    bx_arena_done(&arena);
    return failed;
}
