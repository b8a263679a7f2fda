#include "wa/signal/adv.h"

#include "base/err.h"
#include "crypto/hash.h"
#include "wa/proto/link.pb-c.h"
#include "wa/proto/pb.h"

enum adv_prefix {
    ADV_ACCOUNT = 0,
    ADV_DEVICE = 1,
    ADV_KEY_INDEX = 2,
    ADV_HOSTED_ACCOUNT = 5,
    ADV_HOSTED_DEVICE = 6
};

/* 06 xx and the pieces, joined in the arena. */
static struct bx_str signed_text(enum adv_prefix prefix, struct bx_str a, struct bx_str b,
                                 struct bx_str c, struct bx_arena *arena)
{
    uint8_t *at = bx_arena_alloc(arena, 2 + a.len + b.len + c.len);
    struct bx_str parts[] = {a, b, c};
    size_t len = 2;
    at[0] = 6;
    at[1] = (uint8_t)prefix;
    for (int i = 0; i < 3; i++) {
        if (parts[i].len)
            memcpy(at + len, parts[i].ptr, parts[i].len);
        len += parts[i].len;
    }
    return bx_str_n(at, len);
}

static struct bx_str key_str(const uint8_t key[CR_CURVE_KEY_SIZE])
{
    return bx_str_n(key, CR_CURVE_KEY_SIZE);
}

static struct bx_str sign(const struct cr_keypair *by, struct bx_str text, const uint8_t random[64],
                          struct bx_arena *arena)
{
    uint8_t *signature = bx_arena_alloc(arena, CR_SIGNATURE_SIZE);
    cr_sign(by->priv, text, random, signature);
    return bx_str_n(signature, CR_SIGNATURE_SIZE);
}

static void seal_hmac(const uint8_t *secret, bool is_hosted, struct bx_str container,
                      uint8_t out[CR_SHA256_SIZE])
{
    struct bx_str parts[] = {is_hosted ? BX_STR("\x06\x05") : BX_STR(""), container};
    cr_hmac_sha256_v(bx_str_n(secret, WA_ADV_SECRET_SIZE), parts, 2, out);
}

struct bx_str wa_adv_issue(const struct cr_keypair *account, const struct wa_adv_device *device,
                           const uint8_t device_identity[CR_CURVE_KEY_SIZE],
                           const uint8_t secret[WA_ADV_SECRET_SIZE], const uint8_t random[64],
                           struct bx_arena *arena)
{
    Wap__AdvDeviceIdentity details = WAP__ADV_DEVICE_IDENTITY__INIT;
    Wap__AdvSignedDeviceIdentity container = WAP__ADV_SIGNED_DEVICE_IDENTITY__INIT;
    Wap__AdvSignedDeviceIdentityHmac sealed = WAP__ADV_SIGNED_DEVICE_IDENTITY_HMAC__INIT;
    Wap__AdvEncryptionType type = device->is_hosted ? WAP__ADV_ENCRYPTION_TYPE__ADV_HOSTED
                                                    : WAP__ADV_ENCRYPTION_TYPE__ADV_E2EE;
    uint8_t mac[CR_SHA256_SIZE];
    WA_PB_SET(&details, raw_id, device->raw_id);
    WA_PB_SET(&details, timestamp, device->timestamp_s);
    WA_PB_SET(&details, key_index, device->key_index);
    WA_PB_SET(&details, account_type, type);
    WA_PB_SET(&details, device_type, type);
    struct bx_str details_bytes = wa_pb_pack(&details, arena);
    struct bx_str text = signed_text(device->is_hosted ? ADV_HOSTED_ACCOUNT : ADV_ACCOUNT,
                                     details_bytes, key_str(device_identity), BX_STR(""), arena);
    WA_PB_SET_BYTES(&container, details, details_bytes);
    WA_PB_SET_BYTES(&container, account_signature_key, key_str(account->pub));
    WA_PB_SET_BYTES(&container, account_signature, sign(account, text, random, arena));
    struct bx_str container_bytes = wa_pb_pack(&container, arena);
    seal_hmac(secret, device->is_hosted, container_bytes, mac);
    WA_PB_SET_BYTES(&sealed, details, container_bytes);
    WA_PB_SET_BYTES(&sealed, hmac, bx_str_n(mac, sizeof mac));
    WA_PB_SET(&sealed, account_type, type);
    return wa_pb_pack(&sealed, arena);
}

struct opened {
    Wap__AdvSignedDeviceIdentity *container;
    Wap__AdvDeviceIdentity *details;
    struct bx_str details_bytes, account_key;
    bool is_hosted;
};

static int open_container(struct bx_str bytes, const uint8_t *account_key, struct bx_arena *arena,
                          struct opened *out)
{
    int rc = WA_PB_UNPACK(adv_signed_device_identity, bytes, arena, &out->container);
    if (rc < 0)
        return rc;
    out->details_bytes = wa_pb_str(out->container->details);
    rc = WA_PB_UNPACK(adv_device_identity, out->details_bytes, arena, &out->details);
    if (rc < 0)
        return rc;
    out->account_key =
        account_key ? key_str(account_key) : wa_pb_str(out->container->account_signature_key);
    out->is_hosted = out->details->device_type == WAP__ADV_ENCRYPTION_TYPE__ADV_HOSTED;
    if (out->account_key.len != CR_CURVE_KEY_SIZE ||
        out->container->account_signature.len != CR_SIGNATURE_SIZE)
        return BX_E_INVALID;
    return BX_OK;
}

static bool is_account_signed(const struct opened *o, const uint8_t *device_identity,
                              struct bx_arena *arena)
{
    struct bx_str text = signed_text(o->is_hosted ? ADV_HOSTED_ACCOUNT : ADV_ACCOUNT,
                                     o->details_bytes, key_str(device_identity), BX_STR(""), arena);
    return cr_verify((const uint8_t *)o->account_key.ptr, text,
                     o->container->account_signature.data);
}

static struct bx_str device_text(const struct opened *o, const uint8_t *device_identity,
                                 struct bx_arena *arena)
{
    return signed_text(o->is_hosted ? ADV_HOSTED_DEVICE : ADV_DEVICE, o->details_bytes,
                       key_str(device_identity), o->account_key, arena);
}

int wa_adv_accept(struct bx_str sealed, const uint8_t secret[WA_ADV_SECRET_SIZE],
                  const struct cr_keypair *identity, const uint8_t random[64],
                  struct bx_arena *arena, struct wa_adv_accepted *out)
{
    Wap__AdvSignedDeviceIdentityHmac *outer;
    struct opened o;
    uint8_t mac[CR_SHA256_SIZE];
    int rc = WA_PB_UNPACK(adv_signed_device_identity_hmac, sealed, arena, &outer);
    if (rc < 0)
        return rc;
    seal_hmac(secret, outer->account_type == WAP__ADV_ENCRYPTION_TYPE__ADV_HOSTED,
              wa_pb_str(outer->details), mac);
    if (outer->hmac.len != sizeof mac || !cr_equal(mac, outer->hmac.data, sizeof mac))
        return BX_E_AUTH;
    if ((rc = open_container(wa_pb_str(outer->details), NULL, arena, &o)) < 0)
        return rc;
    if (!is_account_signed(&o, identity->pub, arena))
        return BX_E_CRYPTO;
    WA_PB_SET_BYTES(o.container, device_signature,
                    sign(identity, device_text(&o, identity->pub, arena), random, arena));
    *out = (struct wa_adv_accepted){.device = {.raw_id = o.details->raw_id,
                                               .key_index = o.details->key_index,
                                               .timestamp_s = o.details->timestamp,
                                               .is_hosted = o.is_hosted}};
    memcpy(out->account_key, o.account_key.ptr, CR_CURVE_KEY_SIZE);
    out->identity = wa_pb_pack(o.container, arena);
    o.container->has_account_signature_key = 0;
    out->answer = wa_pb_pack(o.container, arena);
    return BX_OK;
}

int wa_adv_verify(struct bx_str identity, const uint8_t *account_key,
                  const uint8_t device_identity[CR_CURVE_KEY_SIZE])
{
    struct bx_arena arena;
    struct opened o;
    bx_arena_init(&arena, 64 << 10);
    int rc = open_container(identity, account_key, &arena, &o);
    if (rc >= 0 && o.container->device_signature.len != CR_SIGNATURE_SIZE)
        rc = BX_E_INVALID;
    if (rc >= 0 && !(is_account_signed(&o, device_identity, &arena) &&
                     cr_verify(device_identity, device_text(&o, device_identity, &arena),
                               o.container->device_signature.data)))
        rc = BX_E_CRYPTO;
    bx_arena_done(&arena);
    return rc;
}

int wa_adv_complete(struct bx_str answer, const uint8_t account_key[CR_CURVE_KEY_SIZE],
                    struct bx_arena *arena, struct bx_str *out)
{
    Wap__AdvSignedDeviceIdentity *container;
    int rc = WA_PB_UNPACK(adv_signed_device_identity, answer, arena, &container);
    if (rc < 0)
        return rc;
    WA_PB_SET_BYTES(container, account_signature_key, key_str(account_key));
    *out = wa_pb_pack(container, arena);
    return BX_OK;
}

struct bx_str wa_adv_key_index_list(const struct cr_keypair *account, uint32_t raw_id,
                                    uint64_t timestamp_s, const uint32_t *indexes, size_t count,
                                    const uint8_t random[64], struct bx_arena *arena)
{
    Wap__AdvKeyIndexList list = WAP__ADV_KEY_INDEX_LIST__INIT;
    Wap__AdvSignedKeyIndexList sealed = WAP__ADV_SIGNED_KEY_INDEX_LIST__INIT;
    WA_PB_SET(&list, raw_id, raw_id);
    WA_PB_SET(&list, timestamp, timestamp_s);
    for (size_t i = 0; i < count; i++) {
        if (!list.has_current_index || indexes[i] > list.current_index)
            WA_PB_SET(&list, current_index, indexes[i]);
    }
    list.n_valid_indexes = count;
    list.valid_indexes = (uint32_t *)(uintptr_t)indexes;
    struct bx_str bytes = wa_pb_pack(&list, arena);
    struct bx_str text = signed_text(ADV_KEY_INDEX, bytes, BX_STR(""), BX_STR(""), arena);
    WA_PB_SET_BYTES(&sealed, details, bytes);
    WA_PB_SET_BYTES(&sealed, account_signature, sign(account, text, random, arena));
    WA_PB_SET_BYTES(&sealed, account_signature_key, key_str(account->pub));
    return wa_pb_pack(&sealed, arena);
}
