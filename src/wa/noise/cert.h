/* The certificate chain of a server: a root key that is never sent signs the intermediate, the
 * intermediate signs the leaf, and the leaf names the server's static key of this handshake.
 */
#ifndef WA_CERT_H
#define WA_CERT_H

#include "base/arena.h"
#include "crypto/curve.h"

extern const uint8_t WA_CERT_ROOT[CR_CURVE_KEY_SIZE]; /* WhatsApp's own root key */

enum { WA_CERT_SLACK_S = 24 * 3600 }; /* for clocks that are wrong */

/* Checks both signatures, both serial links, the key and both periods of validity.
 * BX_E_INVALID (malformed), BX_E_CRYPTO (signature, serial or key), BX_E_EXPIRED (now_s outside of
 * a period by more than slack_s). Any failure: it is not the server; close. */
int wa_cert_verify(struct bx_str chain, const uint8_t server_static[CR_CURVE_KEY_SIZE],
                   const uint8_t root[CR_CURVE_KEY_SIZE], int64_t now_s, int64_t slack_s);

/* What a chain that is built may have wrong, for tests of clients. */
enum wa_cert_flaw {
    WA_CERT_SOUND,
    WA_CERT_OTHER_ROOT,
    WA_CERT_EXPIRED,       /* a year ago */
    WA_CERT_NOT_YET,       /* valid in a year */
    WA_CERT_BAD_SIGNATURE, /* of the leaf */
    WA_CERT_BAD_SERIAL,    /* the leaf names another issuer */
    WA_CERT_OTHER_KEY,     /* the leaf is another server's */
    WA_CERT_FLAWS
};

/* For a simulated server: a chain for its static key under its own root, valid from a day ago for a
 * year. random: 128 fresh bytes. Returns bytes in the arena. */
struct bx_str wa_cert_build(const struct cr_keypair *root, const struct cr_keypair *intermediate,
                            const uint8_t server_static[CR_CURVE_KEY_SIZE], int64_t now_s,
                            enum wa_cert_flaw flaw, const uint8_t random[128],
                            struct bx_arena *arena);

#endif
