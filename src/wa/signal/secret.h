/* Message secrets (protocol map 4.8): what answers a message without its author's ratchet (poll
 * votes, encrypted reactions and comments) is sealed with a key derived from the secret that the
 * message carried. JIDs are texts without device, in the form the chat uses; when opening fails,
 * try the other form (PN or LID).
 */
#ifndef WA_SECRET_H
#define WA_SECRET_H

#include "base/arena.h"

enum wa_secret_use {
    WA_SECRET_POLL_VOTE,
    WA_SECRET_EVENT_RESPONSE,
    WA_SECRET_REACTION,
    WA_SECRET_COMMENT,
    WA_SECRET_EVENT_EDIT,
    WA_SECRET_MESSAGE_EDIT,
    WA_SECRET_POLL_EDIT,
    WA_SECRET_USES
};

struct wa_secret {
    enum wa_secret_use use;
    const uint8_t *secret;      /* 32 bytes */
    struct bx_str message_id;   /* of the original message */
    struct bx_str original_jid; /* its author */
    struct bx_str sender_jid;   /* of the answer */
};

/* "Poll Vote" ... */
const char *wa_secret_name(enum wa_secret_use use);

/* iv: 12 fresh random bytes. Returns ciphertext and tag in the arena. */
struct bx_str wa_secret_seal(const struct wa_secret *s, const uint8_t iv[12], struct bx_str plain,
                             struct bx_arena *arena);
/* BX_E_CRYPTO, BX_E_INVALID (iv not 12 bytes), BX_E_TOO_BIG. */
int wa_secret_open(const struct wa_secret *s, struct bx_str iv, struct bx_str sealed,
                   struct bx_arena *arena, struct bx_str *out_plain);

#endif
