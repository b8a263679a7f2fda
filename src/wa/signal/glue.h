/* What the files of this room share: the object and the bridge between libomemo-c and us. */
#ifndef WA_SIGNAL_GLUE_H
#define WA_SIGNAL_GLUE_H

#include "wa/signal/signal.h"
#include "wa/signal/skipped.h"

#include <omemo/curve.h>
#include <omemo/protocol.h>
#include <omemo/session_pre_key.h>
#include <omemo/signal_protocol.h>

struct wa_signal {
    const struct wa_keystore *keystore;
    struct wa_signal_self self;
    signal_context *context;
    signal_protocol_store_context *stores;
    struct wa_skipped skipped;    /* of the record in use; the message's place is set before */
    int store_rc;                 /* first failure of the keystore within this call */
    bool identity_changed;        /* seen within this call */
    bool holds_identity;          /* between hold and release, below */
    signal_buffer *held_identity; /* NULL: none came */
    char held_at[WA_ADDRESS_MAX + 16];
};

/* Clears what a call records. */
void wa_signal_begin(struct wa_signal *s);
/* A negative number of libomemo-c as ours; a failure of the keystore goes first. */
int wa_signal_error(const struct wa_signal *s, int sg);
enum wa_retry_reason wa_signal_reason(int sg);

extern const signal_crypto_provider wa_signal_provider;
int wa_signal_install_stores(struct wa_signal *s);

/* libomemo-c saves the identity of a first message before it has opened the message, so a damaged
 * or forged one would change it. From hold to release it waits here: stored when the message proved
 * right, else forgotten. Returns numbers of libomemo-c. */
void wa_signal_identity_hold(struct wa_signal *s);
int wa_signal_identity_release(struct wa_signal *s, bool is_proven);

/* The only way to decode a public key: 32 bytes as X25519, never as an Edwards point. */
int wa_signal_decode_pub(struct wa_signal *s, const uint8_t pub[CR_CURVE_KEY_SIZE],
                         ec_public_key **out);
int wa_signal_encode_pub(const ec_public_key *key, uint8_t out[CR_CURVE_KEY_SIZE]);

/* 8 digits. */
struct bx_str wa_signal_id_key(uint32_t id, char room[16]);

/* group_start.c: the iteration from which on we have the keys of a sender's chain, 0 when it was got
 * from its beginning. `record_key` names the sender's record. */
int wa_sender_start_get(struct wa_signal *s, struct bx_str record_key, uint32_t id,
                        struct bx_arena *arena, uint32_t *out_iteration);
int wa_sender_start_put(struct wa_signal *s, struct bx_str record_key, uint32_t id,
                        uint32_t iteration, struct bx_arena *arena);

/* Address without the mapping to a LID. */
int wa_signal_plain_address(const struct wa_jid *jid, struct wa_address *out);
static inline signal_protocol_address wa_signal_omemo_address(const struct wa_address *a)
{
    return (signal_protocol_address){
        .name = a->name, .name_len = strlen(a->name), .device_id = a->device};
}

static inline struct bx_str wa_signal_view(const signal_buffer *b)
{
    return bx_str_n(signal_buffer_const_data(b), signal_buffer_len(b));
}

#endif
