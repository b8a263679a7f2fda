#include "wa/signal/media_crypto.h"

#include "base/err.h"
#include "crypto/aead.h"
#include "crypto/hash.h"
#include "crypto/hkdf.h"

enum { MAC_SIZE = 10 };

static const char *const infos[WA_MEDIA_KINDS] = {
    [WA_MEDIA_IMAGE] = "WhatsApp Image Keys",
    [WA_MEDIA_VIDEO] = "WhatsApp Video Keys",
    [WA_MEDIA_AUDIO] = "WhatsApp Audio Keys",
    [WA_MEDIA_DOCUMENT] = "WhatsApp Document Keys",
    [WA_MEDIA_HISTORY] = "WhatsApp History Keys",
    [WA_MEDIA_APP_STATE] = "WhatsApp App State Keys",
    [WA_MEDIA_LINK_THUMBNAIL] = "WhatsApp Link Thumbnail Keys",
    [WA_MEDIA_IMAGE_THUMBNAIL] = "WhatsApp Image Thumbnail Keys",
    [WA_MEDIA_VIDEO_THUMBNAIL] = "WhatsApp Video Thumbnail Keys",
    [WA_MEDIA_DOCUMENT_THUMBNAIL] = "WhatsApp Document Thumbnail Keys",
    [WA_MEDIA_PAYMENT_BACKGROUND] = "WhatsApp Payment Background Keys",
    [WA_MEDIA_STICKER_PACK] = "WhatsApp Sticker Pack Keys",
    [WA_MEDIA_STICKER_PACK_THUMBNAIL] = "WhatsApp Sticker Pack Thumbnail Keys",
};

_Static_assert(sizeof(struct wa_media_keys) == 112, "the derived bytes in their order");

void wa_media_derive(enum wa_media_kind kind, const uint8_t media_key[32],
                     struct wa_media_keys *out)
{
    cr_hkdf_sha256(BX_STR(""), bx_str_n(media_key, 32), bx_str(infos[kind]), (uint8_t *)out,
                   sizeof *out);
}

static void file_mac(const struct wa_media_keys *keys, struct bx_str sealed,
                     uint8_t out[CR_SHA256_SIZE])
{
    struct bx_str parts[] = {bx_str_n(keys->iv, sizeof keys->iv), sealed};
    cr_hmac_sha256_v(bx_str_n(keys->mac_key, sizeof keys->mac_key), parts, 2, out);
}

int wa_media_encrypt(enum wa_media_kind kind, const uint8_t media_key[32], struct bx_str plain,
                     struct bx_buf *out, struct wa_media_hashes *out_hashes)
{
    struct wa_media_keys keys;
    uint8_t mac[CR_SHA256_SIZE];
    size_t len = CR_CBC_SIZE(plain.len);
    int rc = bx_buf_reserve(out, len + MAC_SIZE);
    if (rc < 0)
        return rc;
    uint8_t *at = out->data + out->len;
    wa_media_derive(kind, media_key, &keys);
    cr_cbc_encrypt(keys.cipher_key, keys.iv, plain, at);
    file_mac(&keys, bx_str_n(at, len), mac);
    memcpy(at + len, mac, MAC_SIZE);
    out->len += len + MAC_SIZE;
    cr_sha256(plain, out_hashes->plain_sha256);
    cr_sha256(bx_str_n(at, len + MAC_SIZE), out_hashes->enc_sha256);
    cr_wipe(&keys, sizeof keys);
    return BX_OK;
}

static bool has_hash(struct bx_str data, const uint8_t *want)
{
    uint8_t got[CR_SHA256_SIZE];
    if (!want)
        return true;
    cr_sha256(data, got);
    return cr_equal(got, want, sizeof got);
}

int wa_media_decrypt(enum wa_media_kind kind, const uint8_t media_key[32], struct bx_str file,
                     const uint8_t *enc_sha256, const uint8_t *plain_sha256, struct bx_buf *out)
{
    struct wa_media_keys keys;
    uint8_t mac[CR_SHA256_SIZE];
    size_t len = 0;
    if (file.len <= MAC_SIZE || !has_hash(file, enc_sha256))
        return BX_E_CRYPTO;
    struct bx_str sealed = bx_str_slice(file, 0, file.len - MAC_SIZE);
    wa_media_derive(kind, media_key, &keys);
    file_mac(&keys, sealed, mac);
    int rc = cr_equal(mac, file.ptr + sealed.len, MAC_SIZE) ? BX_OK : BX_E_CRYPTO;
    if (rc >= 0)
        rc = bx_buf_reserve(out, sealed.len);
    if (rc >= 0)
        rc = cr_cbc_decrypt(keys.cipher_key, keys.iv, sealed, out->data + out->len, &len);
    if (rc >= 0 && !has_hash(bx_str_n(out->data + out->len, len), plain_sha256))
        rc = BX_E_CRYPTO;
    if (rc >= 0)
        out->len += len;
    cr_wipe(&keys, sizeof keys);
    return rc;
}
