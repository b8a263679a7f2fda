#include "wa/media_stream.h"

#include "base/err.h"
#include "base/mem.h"
#include "crypto/cbc.h"
#include "crypto/hash.h"
#include "wa/signal/media_crypto.h"

#include <stdlib.h>

enum { MAC_SIZE = 10, BLOCK = 16 };

uint64_t wa_media_sealed_size(uint64_t plain_size)
{
    return CR_CBC_SIZE(plain_size) + MAC_SIZE;
}

/* --- the sidecar: one MAC for each 64 KiB of the sealed file and the 16 bytes behind them --- */

struct sidecar {
    struct cr_hmac *mac;
    uint8_t tail[BLOCK]; /* the newest bytes of the file */
    size_t tail_len;
    uint64_t size; /* of the file so far */
    struct bx_buf entries;
};

static void sidecar_entry(struct sidecar *s)
{
    uint8_t mac[CR_SHA256_SIZE];
    cr_hmac_final(s->mac, mac);
    bx_buf_append(&s->entries, mac, WA_SIDECAR_ENTRY);
}

/* How much more belongs to the window that is open: windows begin at every 64 KiB and overlap by 16
 * bytes, so the first 16 bytes of a window are the last of the one before. */
static size_t window_left(const struct sidecar *s)
{
    uint64_t windows = s->entries.len / WA_SIDECAR_ENTRY;
    return (size_t)((windows + 1) * WA_SIDECAR_STEP + BLOCK - s->size);
}

static void keep_tail(struct sidecar *s, const uint8_t *data, size_t len)
{
    if (len >= BLOCK) {
        memcpy(s->tail, data + len - BLOCK, BLOCK);
        s->tail_len = BLOCK;
        return;
    }
    size_t keep = s->tail_len + len > BLOCK ? BLOCK - len : s->tail_len;
    memmove(s->tail, s->tail + s->tail_len - keep, keep);
    memcpy(s->tail + keep, data, len);
    s->tail_len = keep + len;
}

static void sidecar_add(struct sidecar *s, const uint8_t *data, size_t len)
{
    while (len) {
        size_t left = window_left(s), part = len < left ? len : left;
        cr_hmac_update(s->mac, data, part);
        keep_tail(s, data, part);
        s->size += part;
        if (part == left) {
            sidecar_entry(s);
            cr_hmac_update(s->mac, s->tail, BLOCK);
        }
        data += part;
        len -= part;
    }
}

/* --- encrypting --- */

struct wa_media_seal {
    struct cr_cbc *cbc;
    struct cr_digest *plain, *sealed;
    struct cr_hmac *mac;
    struct sidecar sidecar; /* mac NULL: none */
    uint64_t plain_size, sealed_size;
};

struct wa_media_seal *wa_media_seal_new(enum wa_media_kind kind,
                                        const uint8_t media_key[WA_MEDIA_KEY_SIZE],
                                        bool has_sidecar)
{
    struct wa_media_keys keys;
    struct wa_media_seal *s = BX_NEW(struct wa_media_seal);
    wa_media_derive(kind, media_key, &keys);
    struct bx_str mac_key = bx_str_n(keys.mac_key, sizeof keys.mac_key);
    s->cbc = cr_cbc_new(keys.cipher_key, keys.iv, true);
    s->plain = cr_digest_new(CR_DIGEST_SHA256);
    s->sealed = cr_digest_new(CR_DIGEST_SHA256);
    s->mac = cr_hmac_new(CR_DIGEST_SHA256, mac_key);
    cr_hmac_update(s->mac, keys.iv, sizeof keys.iv);
    bx_buf_init(&s->sidecar.entries, 0);
    if (has_sidecar)
        s->sidecar.mac = cr_hmac_new(CR_DIGEST_SHA256, mac_key);
    cr_wipe(&keys, sizeof keys);
    return s;
}

void wa_media_seal_free(struct wa_media_seal *s)
{
    if (!s)
        return;
    cr_cbc_free(s->cbc);
    cr_digest_free(s->plain);
    cr_digest_free(s->sealed);
    cr_hmac_free(s->mac);
    if (s->sidecar.mac)
        cr_hmac_free(s->sidecar.mac);
    bx_buf_done(&s->sidecar.entries);
    free(s);
}

/* Bytes of the file, the MAC at its end included. */
static void seal_out(struct wa_media_seal *s, const uint8_t *data, size_t len)
{
    cr_digest_update(s->sealed, data, len);
    s->sealed_size += len;
    if (s->sidecar.mac)
        sidecar_add(&s->sidecar, data, len);
}

void wa_media_seal_update(struct wa_media_seal *s, struct bx_str plain, uint8_t *out,
                          size_t *out_len)
{
    cr_digest_update(s->plain, plain.ptr, plain.len);
    s->plain_size += plain.len;
    cr_cbc_update(s->cbc, plain, out, out_len);
    cr_hmac_update(s->mac, out, *out_len);
    seal_out(s, out, *out_len);
}

void wa_media_seal_finish(struct wa_media_seal *s, uint8_t out[WA_MEDIA_TAIL], size_t *out_len,
                          struct wa_media_sealed *result)
{
    uint8_t mac[CR_SHA256_SIZE];
    size_t n = 0;
    BX_ASSERT(cr_cbc_finish(s->cbc, out, &n) == BX_OK);
    cr_hmac_update(s->mac, out, n);
    cr_hmac_final(s->mac, mac);
    memcpy(out + n, mac, MAC_SIZE);
    *out_len = n + MAC_SIZE;
    seal_out(s, out, *out_len);
    if (s->sidecar.mac)
        sidecar_entry(&s->sidecar); /* the last window, however short */
    *result = (struct wa_media_sealed){.plain_size = s->plain_size,
                                       .sealed_size = s->sealed_size,
                                       .sidecar = bx_buf_view(&s->sidecar.entries)};
    cr_digest_final(s->plain, result->hashes.plain_sha256);
    cr_digest_final(s->sealed, result->hashes.enc_sha256);
}

/* --- decrypting --- */

struct wa_media_unseal {
    struct cr_cbc *cbc;
    struct cr_digest *plain, *sealed;
    struct cr_hmac *mac;
    uint8_t held[MAC_SIZE]; /* the newest bytes: perhaps the MAC */
    size_t held_len;
    uint64_t size, plain_size, max_size;
    bool has_plain_sha256, has_enc_sha256;
    uint8_t plain_sha256[CR_SHA256_SIZE], enc_sha256[CR_SHA256_SIZE];
    uint64_t expected_size;
};

struct wa_media_unseal *wa_media_unseal_new(enum wa_media_kind kind,
                                            const uint8_t media_key[WA_MEDIA_KEY_SIZE],
                                            const struct wa_media_expected *expected)
{
    struct wa_media_keys keys;
    struct wa_media_unseal *u = BX_NEW(struct wa_media_unseal);
    wa_media_derive(kind, media_key, &keys);
    u->cbc = cr_cbc_new(keys.cipher_key, keys.iv, false);
    u->plain = cr_digest_new(CR_DIGEST_SHA256);
    u->sealed = cr_digest_new(CR_DIGEST_SHA256);
    u->mac = cr_hmac_new(CR_DIGEST_SHA256, bx_str_n(keys.mac_key, sizeof keys.mac_key));
    cr_hmac_update(u->mac, keys.iv, sizeof keys.iv);
    cr_wipe(&keys, sizeof keys);
    u->expected_size = expected->plain_size;
    u->max_size = expected->plain_size == UINT64_MAX ? UINT64_MAX
                                                     : wa_media_sealed_size(expected->plain_size);
    u->has_plain_sha256 = expected->plain_sha256 != NULL;
    u->has_enc_sha256 = expected->enc_sha256 != NULL;
    if (u->has_plain_sha256)
        memcpy(u->plain_sha256, expected->plain_sha256, sizeof u->plain_sha256);
    if (u->has_enc_sha256)
        memcpy(u->enc_sha256, expected->enc_sha256, sizeof u->enc_sha256);
    return u;
}

void wa_media_unseal_free(struct wa_media_unseal *u)
{
    if (!u)
        return;
    cr_cbc_free(u->cbc);
    cr_digest_free(u->plain);
    cr_digest_free(u->sealed);
    cr_hmac_free(u->mac);
    free(u);
}

/* Ciphertext that is certainly not the MAC. */
static void unseal_piece(struct wa_media_unseal *u, struct bx_str sealed, uint8_t *out,
                         size_t *out_len)
{
    size_t n;
    cr_hmac_update(u->mac, sealed.ptr, sealed.len);
    cr_cbc_update(u->cbc, sealed, out + *out_len, &n);
    cr_digest_update(u->plain, out + *out_len, n);
    u->plain_size += n;
    *out_len += n;
}

int wa_media_unseal_update(struct wa_media_unseal *u, struct bx_str sealed, uint8_t *out,
                           size_t *out_len)
{
    *out_len = 0;
    if (sealed.len > u->max_size - u->size)
        return BX_E_TOO_BIG;
    u->size += sealed.len;
    cr_digest_update(u->sealed, sealed.ptr, sealed.len);
    size_t total = u->held_len + sealed.len;
    size_t ready = total > MAC_SIZE ? total - MAC_SIZE : 0; /* of held, then of the new bytes */
    size_t from_held = ready < u->held_len ? ready : u->held_len;
    if (from_held)
        unseal_piece(u, bx_str_n(u->held, from_held), out, out_len);
    memmove(u->held, u->held + from_held, u->held_len - from_held);
    u->held_len -= from_held;
    size_t from_new = ready - from_held;
    if (from_new)
        unseal_piece(u, bx_str_slice(sealed, 0, from_new), out, out_len);
    memcpy(u->held + u->held_len, sealed.ptr + from_new, sealed.len - from_new);
    u->held_len += sealed.len - from_new;
    return BX_OK;
}

static bool is_hash(struct cr_digest *d, bool is_checked, const uint8_t *want)
{
    uint8_t got[CR_SHA256_SIZE];
    cr_digest_final(d, got);
    return !is_checked || cr_equal(got, want, sizeof got);
}

int wa_media_unseal_finish(struct wa_media_unseal *u, uint8_t out[WA_MEDIA_TAIL], size_t *out_len)
{
    uint8_t mac[CR_SHA256_SIZE];
    *out_len = 0;
    cr_hmac_final(u->mac, mac);
    if (u->size <= MAC_SIZE || (u->size - MAC_SIZE) % BLOCK != 0 ||
        !is_hash(u->sealed, u->has_enc_sha256, u->enc_sha256) ||
        !cr_equal(mac, u->held, MAC_SIZE) || cr_cbc_finish(u->cbc, out, out_len) < 0)
        return BX_E_CRYPTO;
    cr_digest_update(u->plain, out, *out_len);
    u->plain_size += *out_len;
    bool is_right = is_hash(u->plain, u->has_plain_sha256, u->plain_sha256) &&
                    (u->expected_size == UINT64_MAX || u->plain_size == u->expected_size);
    return is_right ? BX_OK : BX_E_CRYPTO;
}
