/* Encryption of media files in pieces (AES-256-CBC, then ten bytes of HMAC-SHA256): memory stays flat whatever their size. One thread
 * at a time; a transfer uses it on a worker. */
#ifndef WA_MEDIA_STREAM_H
#define WA_MEDIA_STREAM_H

#include "base/str.h"

/* Each kind has keys of its own. */
enum wa_media_kind {
    WA_MEDIA_IMAGE, /* stickers as well */
    WA_MEDIA_VIDEO,
    WA_MEDIA_AUDIO,
    WA_MEDIA_DOCUMENT,
    WA_MEDIA_HISTORY,
    WA_MEDIA_APP_STATE,
    WA_MEDIA_LINK_THUMBNAIL,
    WA_MEDIA_IMAGE_THUMBNAIL,
    WA_MEDIA_VIDEO_THUMBNAIL,
    WA_MEDIA_DOCUMENT_THUMBNAIL,
    WA_MEDIA_PAYMENT_BACKGROUND,
    WA_MEDIA_STICKER_PACK,
    WA_MEDIA_STICKER_PACK_THUMBNAIL,
    WA_MEDIA_KINDS
};

struct wa_media_hashes {
    uint8_t plain_sha256[32], enc_sha256[32];
};

enum {
    WA_MEDIA_KEY_SIZE = 32,
    WA_MEDIA_TAIL = 32, /* room that finish needs, and that update needs beyond its input */
    WA_SIDECAR_STEP = 64 << 10,
    WA_SIDECAR_ENTRY = 10,
};

/* Bytes of the encrypted file of a plain file. */
uint64_t wa_media_sealed_size(uint64_t plain_size);

/* --- encrypting --- */

struct wa_media_seal;

struct wa_media_sealed {
    struct wa_media_hashes hashes;
    uint64_t plain_size, sealed_size;
    struct bx_str sidecar; /* of the seal; empty: not asked for */
};

/* Returns it. `has_sidecar`: also the streaming sidecar, 10 bytes for every 64 KiB. */
struct wa_media_seal *wa_media_seal_new(enum wa_media_kind kind,
                                        const uint8_t media_key[WA_MEDIA_KEY_SIZE],
                                        bool has_sidecar);
void wa_media_seal_free(struct wa_media_seal *s); /* NULL is allowed */
/* out has room for plain.len + WA_MEDIA_TAIL and does not overlap. */
void wa_media_seal_update(struct wa_media_seal *s, struct bx_str plain, uint8_t *out,
                          size_t *out_len);
/* The last bytes with the MAC; *result borrows from s. */
void wa_media_seal_finish(struct wa_media_seal *s, uint8_t out[WA_MEDIA_TAIL], size_t *out_len,
                          struct wa_media_sealed *result);

/* --- decrypting --- */

struct wa_media_unseal;

/* What the file must be; a hash of NULL is not checked, a size of UINT64_MAX neither. Copied. */
struct wa_media_expected {
    const uint8_t *plain_sha256, *enc_sha256;
    uint64_t plain_size;
};

struct wa_media_unseal *wa_media_unseal_new(enum wa_media_kind kind,
                                            const uint8_t media_key[WA_MEDIA_KEY_SIZE],
                                            const struct wa_media_expected *expected);
void wa_media_unseal_free(struct wa_media_unseal *u); /* NULL is allowed */
/* out has room for sealed.len + WA_MEDIA_TAIL and does not overlap. What comes out is not verified
 * before finish: nobody may see it until then. BX_E_TOO_BIG: more than the expected size. */
int wa_media_unseal_update(struct wa_media_unseal *u, struct bx_str sealed, uint8_t *out,
                           size_t *out_len);
/* The last bytes. BX_OK: MAC, both hashes and the size hold. BX_E_CRYPTO: they do not, or the file is
 * cut; discard everything. */
int wa_media_unseal_finish(struct wa_media_unseal *u, uint8_t out[WA_MEDIA_TAIL], size_t *out_len);

#endif
