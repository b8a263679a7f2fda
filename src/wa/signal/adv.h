/* Device identity (ADV): how a phone vouches for a linked device, both sides (protocol map 3.2).
 * The phone signs the device's identity key and seals the result with the secret of the QR code;
 * the device checks both, adds its own signature and shows the whole to whom it writes first.
 */
#ifndef WA_ADV_H
#define WA_ADV_H

#include "base/arena.h"
#include "crypto/curve.h"

enum { WA_ADV_SECRET_SIZE = 32 };

struct wa_adv_device {
    uint32_t raw_id, key_index;
    uint64_t timestamp_s;
    bool is_hosted;
};

/* Phone: ADVSignedDeviceIdentityHMAC for <device-identity> of pair-success. random: 64 fresh bytes.
 */
struct bx_str wa_adv_issue(const struct cr_keypair *account, const struct wa_adv_device *device,
                           const uint8_t device_identity[CR_CURVE_KEY_SIZE],
                           const uint8_t secret[WA_ADV_SECRET_SIZE], const uint8_t random[64],
                           struct bx_arena *arena);

struct wa_adv_accepted {
    struct wa_adv_device device;
    uint8_t account_key[CR_CURVE_KEY_SIZE]; /* also the identity of the phone (device 0) */
    struct bx_str identity; /* complete ADVSignedDeviceIdentity: keep, send in <device-identity> */
    struct bx_str answer;   /* the same without account key, for pair-device-sign */
};

/* Device: checks the HMAC (BX_E_AUTH: "hmac-mismatch") and the account's signature (BX_E_CRYPTO:
 * "signature-mismatch"), signs. BX_E_INVALID: malformed. */
int wa_adv_accept(struct bx_str sealed, const uint8_t secret[WA_ADV_SECRET_SIZE],
                  const struct cr_keypair *identity, const uint8_t random[64],
                  struct bx_arena *arena, struct wa_adv_accepted *out);

/* Phone or peer: both signatures of a device identity. account_key: used when the message does not
 * carry one (a device's answer); NULL: it must. BX_E_CRYPTO, BX_E_INVALID. */
int wa_adv_verify(struct bx_str identity, const uint8_t *account_key,
                  const uint8_t device_identity[CR_CURVE_KEY_SIZE]);

/* Phone: the answer of pair-device-sign completed with the account key; in the arena. */
int wa_adv_complete(struct bx_str answer, const uint8_t account_key[CR_CURVE_KEY_SIZE],
                    struct bx_arena *arena, struct bx_str *out);

/* Phone: the signed list of valid key indexes of usync (prefix 06 02). */
struct bx_str wa_adv_key_index_list(const struct cr_keypair *account, uint32_t raw_id,
                                    uint64_t timestamp_s, const uint32_t *indexes, size_t count,
                                    const uint8_t random[64], struct bx_arena *arena);

#endif
