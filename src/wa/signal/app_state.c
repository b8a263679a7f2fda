#include "wa/signal/app_state.h"

#include "base/err.h"
#include "crypto/aead.h"
#include "crypto/hash.h"
#include "crypto/hkdf.h"
#include "wa/proto/pb.h"

enum { IV = CR_CBC_IV_SIZE, MAC = WA_APP_MAC_SIZE, SET = 1, REMOVE = 2 };

_Static_assert(sizeof(struct wa_app_keys) == 160, "the derived bytes in their order");

void wa_app_keys_derive(const uint8_t key_data[WA_APP_KEY_SIZE], struct wa_app_keys *out)
{
    cr_hkdf_sha256(BX_STR(""), bx_str_n(key_data, WA_APP_KEY_SIZE),
                   BX_STR("WhatsApp Mutation Keys"), (uint8_t *)out, sizeof *out);
}

/* 64 lanes of 16 bits, little endian, each modulo 2^16. */
static void lanes(uint8_t hash[WA_LTHASH_SIZE], const uint8_t value_mac[MAC], bool is_add)
{
    uint8_t wide[WA_LTHASH_SIZE];
    cr_hkdf_sha256(BX_STR(""), bx_str_n(value_mac, MAC), BX_STR("WhatsApp Patch Integrity"), wide,
                   sizeof wide);
    for (size_t i = 0; i < WA_LTHASH_SIZE; i += 2) {
        uint32_t a = (uint32_t)(hash[i] | hash[i + 1] << 8);
        uint32_t b = (uint32_t)(wide[i] | wide[i + 1] << 8);
        uint32_t sum = is_add ? a + b : a - b;
        hash[i] = (uint8_t)sum;
        hash[i + 1] = (uint8_t)(sum >> 8);
    }
}

void wa_lthash_add(uint8_t hash[WA_LTHASH_SIZE], const uint8_t value_mac[WA_APP_MAC_SIZE])
{
    lanes(hash, value_mac, true);
}

void wa_lthash_subtract(uint8_t hash[WA_LTHASH_SIZE], const uint8_t value_mac[WA_APP_MAC_SIZE])
{
    lanes(hash, value_mac, false);
}

static struct bx_str key_str(const uint8_t key[32])
{
    return bx_str_n(key, 32);
}

static void be64(uint64_t value, uint8_t out[8])
{
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(value >> (56 - 8 * i));
}

static void value_mac(const struct wa_app_keys *keys, bool is_remove, struct bx_str key_id,
                      struct bx_str sealed, uint8_t out[MAC])
{
    uint8_t op = is_remove ? REMOVE : SET, len[8], wide[CR_SHA512_SIZE];
    be64(key_id.len + 1, len);
    struct bx_str parts[] = {bx_str_n(&op, 1), key_id, sealed, bx_str_n(len, 8)};
    cr_hmac_sha512_v(key_str(keys->value_mac), parts, 4, wide);
    memcpy(out, wide, MAC);
}

static void snapshot_mac(const struct wa_app_keys *keys, const struct wa_app_collection *c,
                         uint8_t out[MAC])
{
    uint8_t version[8];
    be64(c->version, version);
    struct bx_str parts[] = {bx_str_n(c->lthash, WA_LTHASH_SIZE), bx_str_n(version, 8), c->name};
    cr_hmac_sha256_v(key_str(keys->snapshot_mac), parts, 3, out);
}

static void patch_mac(const struct wa_app_keys *keys, const uint8_t snapshot[MAC],
                      const struct wa_app_mutation *mutations, size_t count,
                      const struct wa_app_collection *c, uint8_t out[MAC])
{
    uint8_t version[8];
    struct cr_hmac *h = cr_hmac_new(CR_DIGEST_SHA256, key_str(keys->patch_mac));
    be64(c->version, version);
    cr_hmac_update(h, snapshot, MAC);
    for (size_t i = 0; i < count; i++)
        cr_hmac_update(h, mutations[i].value_mac, MAC);
    cr_hmac_update(h, version, 8);
    cr_hmac_update(h, c->name.ptr, c->name.len);
    cr_hmac_final(h, out);
    cr_hmac_free(h);
}

/* The value MAC that an index has before mutation `at`: of an earlier one in the same patch, else
 * the stored one. */
static int previous_mac(const struct wa_app_source *source, const struct wa_app_mutation *mutations,
                        size_t at, uint8_t out[MAC])
{
    for (size_t i = at; i-- > 0;) {
        if (!cr_equal(mutations[i].index_mac, mutations[at].index_mac, MAC))
            continue;
        if (mutations[i].is_remove)
            return BX_E_NOT_FOUND;
        memcpy(out, mutations[i].value_mac, MAC);
        return BX_OK;
    }
    return source->value_mac(source->arg, mutations[at].index_mac, out);
}

static int hash_mutations(const struct wa_app_source *source,
                          const struct wa_app_mutation *mutations, size_t count,
                          uint8_t hash[WA_LTHASH_SIZE])
{
    for (size_t i = 0; i < count; i++) {
        uint8_t previous[MAC];
        int rc = previous_mac(source, mutations, i, previous);
        if (rc < 0 && rc != BX_E_NOT_FOUND)
            return rc;
        if (rc >= 0)
            wa_lthash_subtract(hash, previous);
        if (!mutations[i].is_remove)
            wa_lthash_add(hash, mutations[i].value_mac);
    }
    return BX_OK;
}

/* --- encoding --- */

static Wap__SyncdMutation *seal_mutation(const struct wa_app_keys *keys, struct bx_str key_id,
                                         struct wa_app_mutation *m, const uint8_t iv[IV],
                                         struct bx_arena *arena)
{
    Wap__SyncActionData data = WAP__SYNC_ACTION_DATA__INIT;
    WA_PB_SET_BYTES(&data, index, m->index);
    data.value = (Wap__SyncActionValue *)(uintptr_t)m->value;
    WA_PB_SET_BYTES(&data, padding, BX_STR(""));
    WA_PB_SET(&data, version, m->version);
    struct bx_str plain = wa_pb_pack(&data, arena);
    size_t sealed_len = IV + CR_CBC_SIZE(plain.len);
    uint8_t *blob = bx_arena_alloc(arena, sealed_len + MAC);
    memcpy(blob, iv, IV);
    cr_cbc_encrypt(keys->value_enc, iv, plain, blob + IV);
    value_mac(keys, m->is_remove, key_id, bx_str_n(blob, sealed_len), m->value_mac);
    memcpy(blob + sealed_len, m->value_mac, MAC);
    cr_hmac_sha256(key_str(keys->index), m->index, m->index_mac);

    Wap__SyncdMutation *out = WA_PB_NEW(arena, Wap__SyncdMutation, syncd_mutation);
    Wap__SyncdRecord *r = out->record = WA_PB_NEW(arena, Wap__SyncdRecord, syncd_record);
    WA_PB_SET(out, operation,
              m->is_remove ? WAP__SYNCD_MUTATION__OPERATION__REMOVE
                           : WAP__SYNCD_MUTATION__OPERATION__SET);
    r->index = WA_PB_NEW(arena, Wap__SyncdIndex, syncd_index);
    r->value = WA_PB_NEW(arena, Wap__SyncdValue, syncd_value);
    r->key_id = WA_PB_NEW(arena, Wap__SyncdKeyId, syncd_key_id);
    WA_PB_SET_BYTES(r->index, blob, bx_str_n(m->index_mac, MAC));
    WA_PB_SET_BYTES(r->value, blob, bx_str_n(blob, sealed_len + MAC));
    WA_PB_SET_BYTES(r->key_id, id, key_id);
    return out;
}

int wa_app_patch_encode(const struct wa_app_collection *before, const struct wa_app_source *source,
                        struct bx_str key_id, struct wa_app_mutation *mutations, size_t count,
                        const uint8_t *ivs, struct bx_arena *arena, struct bx_str *out_patch,
                        struct wa_app_collection *out_after)
{
    struct wa_app_keys keys;
    struct wa_app_collection after = *before;
    Wap__SyncdPatch patch = WAP__SYNCD_PATCH__INIT;
    Wap__SyncdKeyId id = WAP__SYNCD_KEY_ID__INIT;
    uint8_t snapshot[MAC], mac[MAC];
    int rc = source->keys(source->arg, key_id, &keys);
    if (rc < 0)
        return rc;
    patch.n_mutations = count;
    patch.mutations = bx_arena_alloc(arena, (count + 1) * sizeof *patch.mutations);
    for (size_t i = 0; i < count; i++)
        patch.mutations[i] = seal_mutation(&keys, key_id, &mutations[i], ivs + i * IV, arena);
    if ((rc = hash_mutations(source, mutations, count, after.lthash)) < 0)
        return rc;
    after.version++;
    snapshot_mac(&keys, &after, snapshot);
    patch_mac(&keys, snapshot, mutations, count, &after, mac);
    WA_PB_SET_BYTES(&patch, snapshot_mac, bx_str_n(snapshot, MAC));
    WA_PB_SET_BYTES(&patch, patch_mac, bx_str_n(mac, MAC));
    WA_PB_SET_BYTES(&id, id, key_id);
    patch.key_id = &id;
    *out_patch = wa_pb_pack(&patch, arena);
    *out_after = after;
    cr_wipe(&keys, sizeof keys);
    return BX_OK;
}

/* --- decoding --- */

static int open_value(const struct wa_app_keys *keys, struct bx_str sealed, struct bx_arena *arena,
                      struct wa_app_mutation *out)
{
    Wap__SyncActionData *data;
    uint8_t mac[MAC];
    size_t len;
    uint8_t *plain = bx_arena_try_alloc(arena, sealed.len);
    if (!plain)
        return BX_E_TOO_BIG;
    int rc = cr_cbc_decrypt(keys->value_enc, (const uint8_t *)sealed.ptr,
                            bx_str_slice(sealed, IV, sealed.len), plain, &len);
    if (rc < 0 || (rc = WA_PB_UNPACK(sync_action_data, bx_str_n(plain, len), arena, &data)) < 0)
        return rc;
    out->index = wa_pb_str(data->index);
    out->value = data->value;
    out->version = data->version;
    cr_hmac_sha256(key_str(keys->index), out->index, mac);
    return cr_equal(mac, out->index_mac, MAC) ? BX_OK : BX_E_CRYPTO;
}

static int open_record(const struct wa_app_source *source, const Wap__SyncdRecord *r,
                       bool is_remove, struct bx_arena *arena, struct wa_app_mutation *out)
{
    struct wa_app_keys keys;
    uint8_t mac[MAC];
    if (!r || !r->index || r->index->blob.len != MAC || !r->value || !r->key_id ||
        r->value->blob.len < IV + 16 + MAC)
        return BX_E_INVALID;
    struct bx_str blob = wa_pb_str(r->value->blob), key_id = wa_pb_str(r->key_id->id);
    struct bx_str sealed = bx_str_slice(blob, 0, blob.len - MAC);
    int rc = source->keys(source->arg, key_id, &keys);
    if (rc < 0)
        return rc;
    *out = (struct wa_app_mutation){.is_remove = is_remove};
    memcpy(out->index_mac, r->index->blob.data, MAC);
    memcpy(out->value_mac, blob.ptr + sealed.len, MAC);
    value_mac(&keys, is_remove, key_id, sealed, mac);
    rc = cr_equal(mac, out->value_mac, MAC) ? open_value(&keys, sealed, arena, out) : BX_E_CRYPTO;
    cr_wipe(&keys, sizeof keys);
    return rc;
}

static int has_mac(ProtobufCBinaryData field, const uint8_t want[MAC])
{
    return field.len == MAC && cr_equal(field.data, want, MAC) ? BX_OK : BX_E_CRYPTO;
}

static int check_patch(const Wap__SyncdPatch *patch, const struct wa_app_source *source,
                       const struct wa_app_mutation *mutations, size_t count,
                       const struct wa_app_collection *after)
{
    struct wa_app_keys keys;
    uint8_t mac[MAC];
    if (!patch->key_id)
        return BX_E_INVALID;
    int rc = source->keys(source->arg, wa_pb_str(patch->key_id->id), &keys);
    if (rc < 0)
        return rc;
    snapshot_mac(&keys, after, mac);
    if ((rc = has_mac(patch->snapshot_mac, mac)) >= 0) {
        patch_mac(&keys, mac, mutations, count, after, mac);
        rc = has_mac(patch->patch_mac, mac);
    }
    cr_wipe(&keys, sizeof keys);
    return rc;
}

int wa_app_patch_decode(const struct wa_app_collection *before, const struct wa_app_source *source,
                        const Wap__SyncdPatch *patch, struct bx_arena *arena,
                        struct wa_app_mutation **out_mutations, size_t *out_count,
                        struct wa_app_collection *out_after)
{
    struct wa_app_collection after = *before;
    size_t count = patch->n_mutations;
    struct wa_app_mutation *mutations = bx_arena_try_alloc(arena, (count + 1) * sizeof *mutations);
    if (!mutations)
        return BX_E_TOO_BIG;
    after.version++;
    if (patch->version && patch->version->has_version && patch->version->version != after.version)
        return BX_E_CONFLICT;
    int rc = BX_OK;
    for (size_t i = 0; i < count && rc >= 0; i++) {
        const Wap__SyncdMutation *m = patch->mutations[i];
        bool is_remove = m->operation == WAP__SYNCD_MUTATION__OPERATION__REMOVE;
        rc = open_record(source, m->record, is_remove, arena, &mutations[i]);
    }
    if (rc < 0 || (rc = hash_mutations(source, mutations, count, after.lthash)) < 0 ||
        (rc = check_patch(patch, source, mutations, count, &after)) < 0)
        return rc;
    *out_mutations = mutations;
    *out_count = count;
    *out_after = after;
    return BX_OK;
}

int wa_app_snapshot_decode(struct bx_str name, const struct wa_app_source *source,
                           const Wap__SyncdSnapshot *snapshot, struct bx_arena *arena,
                           struct wa_app_mutation **out_mutations, size_t *out_count,
                           struct wa_app_collection *out_after)
{
    struct wa_app_collection after = {.name = name};
    struct wa_app_keys keys;
    uint8_t mac[MAC];
    size_t count = snapshot->n_records;
    struct wa_app_mutation *mutations = bx_arena_try_alloc(arena, (count + 1) * sizeof *mutations);
    if (!mutations)
        return BX_E_TOO_BIG;
    if (!snapshot->key_id || !snapshot->version)
        return BX_E_INVALID;
    after.version = snapshot->version->version;
    int rc = BX_OK;
    for (size_t i = 0; i < count && rc >= 0; i++) {
        rc = open_record(source, snapshot->records[i], false, arena, &mutations[i]);
        if (rc >= 0)
            wa_lthash_add(after.lthash, mutations[i].value_mac);
    }
    if (rc < 0 || (rc = source->keys(source->arg, wa_pb_str(snapshot->key_id->id), &keys)) < 0)
        return rc;
    snapshot_mac(&keys, &after, mac);
    cr_wipe(&keys, sizeof keys);
    if ((rc = has_mac(snapshot->mac, mac)) < 0)
        return rc;
    *out_mutations = mutations;
    *out_count = count;
    *out_after = after;
    return BX_OK;
}
