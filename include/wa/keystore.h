/* The storage that libwa asks its user for: one key-value table per number, opaque blobs, five
 * calls.
 *
 * Every call is synchronous and happens on the thread (lane) that works for this number, inside a
 * transaction which the user opened before it called into libwa and commits afterwards. So the
 * ratchet, the message and the event of one envelope become durable together or not at all: after
 * a rollback the same envelope decrypts again. libwa caches nothing of this table between calls.
 *
 * The blobs hold private keys: encrypt them at rest (cr_secret).
 */
#ifndef WA_KEYSTORE_H
#define WA_KEYSTORE_H

#include "base/arena.h"

/* What a key looks like, by kind. An address is "user.device" for a phone-number JID and
 * "user_1.device" for a LID (128 and 129: hosted). Numbers are decimal with leading zeros, so
 * the order of keys is the order of numbers. */
enum wa_key_kind {
    WA_KEY_SELF,          /* name: the client's own credentials */
    WA_KEY_SESSION,       /* address */
    WA_KEY_IDENTITY,      /* address; 33 bytes: the identity key last seen there */
    WA_KEY_PREKEY,        /* 8 digits */
    WA_KEY_SIGNED_PREKEY, /* 8 digits */
    WA_KEY_SENDER_KEY,    /* "group::address" */
    WA_KEY_SENDER_SHARED, /* "group::address": devices that have our sender key */
    WA_KEY_LID_OF_PN,     /* PN user -> LID user */
    WA_KEY_PN_OF_LID,     /* LID user -> PN user */
    WA_KEY_DEVICES,       /* "user@server": cached device list */
    WA_KEY_APP_KEY,       /* app-state key id in hex */
    WA_KEY_APP_STATE,     /* collection: version and LTHash */
    WA_KEY_APP_MAC,       /* "collection:index MAC in hex" */
    WA_KEY_SECRET,        /* "chat::sender::message id": message secret */
    WA_KEY_TOKEN,         /* "user@server": trusted-contact token */
    WA_KEY_SENT,          /* message id: what a retry receipt may ask for again */
    WA_KEY_PENDING,       /* hash of a path: a chunk of history that is still to be downloaded */
    WA_KEY_SEALED, /* "chat::target id::sender::message id": sealed, waits for its target's secret */
    WA_KEY_SKIPPED, /* "record|chain|row": keys of skipped messages */
    WA_KEY_KINDS
};

/* All return BX_OK or a failure of the store (BX_E_IO, BX_E_DISK_FULL ...), which libwa hands up
 * unchanged; the user then rolls back. */
struct wa_keystore_ops {
    /* Value in the arena; BX_E_NOT_FOUND. */
    int (*get)(void *ctx, enum wa_key_kind kind, struct bx_str key, struct bx_arena *arena,
               struct bx_str *out_value);
    /* Inserts or replaces. Borrows both. */
    int (*put)(void *ctx, enum wa_key_kind kind, struct bx_str key, struct bx_str value);
    /* BX_OK also when absent. */
    int (*del)(void *ctx, enum wa_key_kind kind, struct bx_str key);
    /* Calls on_entry for every key with that prefix, in byte order, until it returns something
     * else than BX_OK, which is then the result. on_entry may not change the store. */
    int (*each)(void *ctx, enum wa_key_kind kind, struct bx_str prefix,
                int (*on_entry)(void *arg, struct bx_str key, struct bx_str value), void *arg);
    /* Number of keys of a kind; negative: failure. */
    int64_t (*count)(void *ctx, enum wa_key_kind kind);
};

struct wa_keystore {
    const struct wa_keystore_ops *ops; /* kept */
    void *ctx;                         /* kept */
};

#endif
