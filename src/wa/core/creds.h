/* The credentials of a linked device. Made once, completed by linking, immutable afterwards; what
 * changes (prekey counters, push name, salts) has keys of its own in WA_KEY_SELF. */
#ifndef WA_CREDS_H
#define WA_CREDS_H

#include "base/arena.h"
#include "wa/keystore.h"
#include "wa/signal/signal.h"

enum { WA_CREDS_TEXT = 128, WA_CREDS_ACCOUNT_MAX = 512 };

struct wa_creds {
    unsigned refs; /* loop thread only */
    struct cr_keypair noise;
    struct wa_signal_self self; /* identity, registration id */
    struct wa_prekey signed_prekey;
    uint8_t adv_secret[32];
    /* Once linked: */
    char jid[WA_CREDS_TEXT], lid[WA_CREDS_TEXT]; /* with device; "" before */
    char platform[32], business_name[WA_CREDS_TEXT];
    uint8_t account[WA_CREDS_ACCOUNT_MAX]; /* ADVSignedDeviceIdentity */
    uint32_t account_len;
};

static inline bool wa_creds_is_linked(const struct wa_creds *c)
{
    return c && c->jid[0];
}

/* BX_E_NOT_FOUND, or as stored. Lane. *out is a new object with one reference. */
int wa_creds_load(const struct wa_keystore *ks, struct wa_creds **out);
/* Loads, or makes and stores fresh ones. */
int wa_creds_open(const struct wa_keystore *ks, struct wa_creds **out);
int wa_creds_store(const struct wa_keystore *ks, const struct wa_creds *c);
int wa_creds_drop(const struct wa_keystore *ks);

struct wa_creds *wa_creds_ref(struct wa_creds *c);
void wa_creds_unref(struct wa_creds *c);

/* Small values beside them: "push_name", "next_prekey" ... Absent gives `fallback`. */
int wa_self_get(const struct wa_keystore *ks, const char *name, struct bx_arena *arena,
                struct bx_str *out);
int wa_self_put(const struct wa_keystore *ks, const char *name, struct bx_str value);
int wa_self_get_u64(const struct wa_keystore *ks, const char *name, uint64_t fallback,
                    uint64_t *out);
int wa_self_put_u64(const struct wa_keystore *ks, const char *name, uint64_t value);

#endif
