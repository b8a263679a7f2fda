/* Signal sessions, prekeys and group sender keys of one account device.
 *
 * A struct wa_signal is cheap (make one per job or keep it) and belongs to one thread at a time,
 * the lane of its number. It reads and writes the keystore on each call and keeps nothing between
 * calls but our identity. Plaintexts are padded protobuf messages: wa_pad before, wa_unpad after.
 *
 * One person has one session per device: addresses are canonicalised to the LID as soon as its
 * mapping is known (wa_signal_learn_lid). A changed identity key is trusted and reported.
 */
#ifndef WA_SIGNAL_H
#define WA_SIGNAL_H

#include "crypto/curve.h"
#include "wa/keystore.h"
#include "wa/wire/jid.h"

struct wa_signal_self {
    struct cr_keypair identity;
    uint32_t registration_id; /* 1..16380 */
};

struct wa_signal;

/* Keeps the keystore, copies self. Returns it. */
struct wa_signal *wa_signal_new(const struct wa_keystore *keystore,
                                const struct wa_signal_self *self);
void wa_signal_free(struct wa_signal *s);

/* A fresh identity and registration id. */
void wa_signal_self_generate(struct wa_signal_self *out);

/* What a retry receipt says in its `error` attribute. */
enum wa_retry_reason {
    WA_RETRY_UNKNOWN = 0,
    WA_RETRY_NO_SESSION = 1,
    WA_RETRY_INVALID_KEY = 2,
    WA_RETRY_INVALID_KEY_ID = 3,
    WA_RETRY_INVALID_MESSAGE = 4,
    WA_RETRY_INVALID_SIGNATURE = 5,
    WA_RETRY_FUTURE_MESSAGE = 6,
    WA_RETRY_BAD_MAC = 7,
    WA_RETRY_INVALID_SESSION = 8
};

/* --- Addresses --- */

enum { WA_ADDRESS_MAX = 160 };
struct wa_address {
    char name[WA_ADDRESS_MAX];    /* "4917" or "1234_1" */
    char key[WA_ADDRESS_MAX + 8]; /* "4917.3" */
    int32_t device;
};

/* BX_E_INVALID when the JID is no user's. Maps a PN to its LID when that is known. */
int wa_signal_address(struct wa_signal *s, const struct wa_jid *jid, struct wa_address *out);

/* Learns that two users (without device, as in a JID's user) are one person; moves sessions and
 * identities of the PN to the LID, where the LID has none yet. *out_is_new (may be NULL): it was
 * not known. */
int wa_signal_learn_lid(struct wa_signal *s, struct bx_str pn_user, struct bx_str lid_user,
                        bool *out_is_new);
/* BX_E_NOT_FOUND when unknown. Texts in the arena. */
int wa_signal_lid_of(struct wa_signal *s, struct bx_str pn_user, struct bx_arena *arena,
                     struct bx_str *out_lid_user);
int wa_signal_pn_of(struct wa_signal *s, struct bx_str lid_user, struct bx_arena *arena,
                    struct bx_str *out_pn_user);

/* --- Prekeys --- */

struct wa_prekey {
    uint32_t id; /* 24 bits */
    uint8_t pub[CR_CURVE_KEY_SIZE];
    uint8_t signature[CR_SIGNATURE_SIZE]; /* signed prekeys only */
};

/* Makes, stores and describes `count` prekeys from first_id on (wraps from 0xffffff to 1). About
 * 50 us each: a first upload of 812 belongs on a lane. */
int wa_prekeys_generate(struct wa_signal *s, uint32_t first_id, size_t count,
                        struct wa_prekey *out);
static inline uint32_t wa_prekey_next_id(uint32_t id, uint32_t step)
{
    return (id - 1 + step) % 0xffffff + 1;
}
/* The public half of a stored one. BX_E_NOT_FOUND: used or never made. */
int wa_prekey_get(struct wa_signal *s, uint32_t id, struct wa_prekey *out);
int wa_prekey_delete(struct wa_signal *s, uint32_t id);

/* Keep the previous ones for a month: messages under way still use them. */
int wa_signed_prekey_generate(struct wa_signal *s, uint32_t id, int64_t now_ms,
                              struct wa_prekey *out);
int wa_signed_prekey_get(struct wa_signal *s, uint32_t id, struct wa_prekey *out);
int wa_signed_prekey_delete(struct wa_signal *s, uint32_t id);

/* --- Sessions --- */

struct wa_bundle {
    uint32_t registration_id;
    uint8_t identity[CR_CURVE_KEY_SIZE];
    struct wa_prekey signed_prekey;
    struct wa_prekey prekey; /* id 0: the server had none left */
};

struct wa_cipher {
    bool is_prekey; /* pkmsg, else msg */
    struct bx_str bytes;
};

/* BX_OK or BX_E_NOT_FOUND. */
int wa_session_exists(struct wa_signal *s, const struct wa_jid *jid);
int wa_session_delete(struct wa_signal *s, const struct wa_jid *jid);

/* Starts a session (the old one stays readable). BX_E_CRYPTO: the signature of the bundle is wrong.
 * *out_identity_changed (may be NULL): another identity key than before. */
int wa_session_start(struct wa_signal *s, const struct wa_jid *jid, const struct wa_bundle *bundle,
                     bool *out_identity_changed);

/* BX_E_NOT_FOUND: no session, fetch a bundle. */
int wa_session_encrypt(struct wa_signal *s, const struct wa_jid *jid, struct bx_str plain,
                       struct bx_arena *arena, struct wa_cipher *out);

/* BX_E_DUPLICATE (processed before: acknowledge, no retry), BX_E_NOT_FOUND (no session, or the
 * prekey is gone), BX_E_CRYPTO, BX_E_INVALID; for all but the first ask for a retry with
 * *out_reason (may be NULL). A used prekey is deleted. The sender's identity changes only with a
 * message that opened. Failures of the store as they are. */
int wa_session_decrypt(struct wa_signal *s, const struct wa_jid *jid, bool is_prekey,
                       struct bx_str bytes, struct bx_arena *arena, struct bx_str *out_plain,
                       enum wa_retry_reason *out_reason);

/* The identity key last seen at an address; BX_E_NOT_FOUND. */
int wa_identity_get(struct wa_signal *s, const struct wa_jid *jid, uint8_t out[CR_CURVE_KEY_SIZE]);
int wa_identity_put(struct wa_signal *s, const struct wa_jid *jid,
                    const uint8_t key[CR_CURVE_KEY_SIZE]);

/* --- Groups. `group` is the text of the group's JID; senders are not mapped to their LID: they
 * are addressed as the group addresses them. --- */

/* Our distribution message for the group at its present point, creating a key when there is none.
 */
int wa_group_distribute(struct wa_signal *s, struct bx_str group, const struct wa_jid *self_jid,
                        struct bx_arena *arena, struct bx_str *out_message);
/* Forgets our key, so that the next one is new (after a member left). */
int wa_group_rotate(struct wa_signal *s, struct bx_str group, const struct wa_jid *self_jid);
/* A distribution message of a member. */
int wa_group_process(struct wa_signal *s, struct bx_str group, const struct wa_jid *sender,
                     struct bx_str message);
/* BX_E_NOT_FOUND: distribute first. */
int wa_group_encrypt(struct wa_signal *s, struct bx_str group, const struct wa_jid *self_jid,
                     struct bx_str plain, struct bx_arena *arena, struct bx_str *out_message);
/* As wa_session_decrypt; more than 2000 messages ahead is BX_E_CRYPTO. */
int wa_group_decrypt(struct wa_signal *s, struct bx_str group, const struct wa_jid *sender,
                     struct bx_str message, struct bx_arena *arena, struct bx_str *out_plain,
                     enum wa_retry_reason *out_reason);

/* --- Padding --- */

/* 1..16 bytes from one random byte; in the arena. */
struct bx_str wa_pad(struct bx_str plain, uint8_t random, struct bx_arena *arena);
/* Shortens the slice. BX_E_INVALID. */
int wa_unpad(struct bx_str *plain);

#endif
