#include "base/err.h"
#include "wa/signal/glue.h"

#include <omemo/session_builder.h>
#include <omemo/session_cipher.h>

enum { VERSION = 3 }; /* 4 is OMEMO, another protocol */

int wa_session_exists(struct wa_signal *s, const struct wa_jid *jid)
{
    struct wa_address address;
    wa_signal_begin(s);
    int rc = wa_signal_address(s, jid, &address);
    if (rc < 0)
        return rc;
    signal_protocol_address at = wa_signal_omemo_address(&address);
    int found = signal_protocol_session_contains_session(s->stores, &at);
    return found < 0 ? wa_signal_error(s, found) : found ? BX_OK : BX_E_NOT_FOUND;
}

int wa_session_delete(struct wa_signal *s, const struct wa_jid *jid)
{
    struct wa_address address;
    int rc = wa_signal_address(s, jid, &address);
    if (rc >= 0)
        rc = s->keystore->ops->del(s->keystore->ctx, WA_KEY_SESSION, bx_str(address.key));
    return rc < 0 ? rc : wa_skipped_drop(s->keystore, bx_str(address.key));
}

static int bundle_of(struct wa_signal *s, const struct wa_bundle *b, int32_t device,
                     session_pre_key_bundle **out)
{
    ec_public_key *identity = NULL, *signed_prekey = NULL, *prekey = NULL;
    int sg = wa_signal_decode_pub(s, b->identity, &identity);
    if (sg >= 0)
        sg = wa_signal_decode_pub(s, b->signed_prekey.pub, &signed_prekey);
    if (sg >= 0 && b->prekey.id)
        sg = wa_signal_decode_pub(s, b->prekey.pub, &prekey);
    if (sg >= 0)
        sg = session_pre_key_bundle_create(out, b->registration_id, device, b->prekey.id, prekey,
                                           b->signed_prekey.id, signed_prekey,
                                           b->signed_prekey.signature, CR_SIGNATURE_SIZE, identity);
    SIGNAL_UNREF(identity);
    SIGNAL_UNREF(signed_prekey);
    SIGNAL_UNREF(prekey);
    return sg;
}

/* libomemo-c checks it as well, but takes every non-zero result for yes. */
static bool is_bundle_signed(const struct wa_bundle *b)
{
    uint8_t typed[1 + CR_CURVE_KEY_SIZE] = {5};
    memcpy(typed + 1, b->signed_prekey.pub, CR_CURVE_KEY_SIZE);
    return cr_verify(b->identity, bx_str_n(typed, sizeof typed), b->signed_prekey.signature);
}

int wa_session_start(struct wa_signal *s, const struct wa_jid *jid, const struct wa_bundle *bundle,
                     bool *out_identity_changed)
{
    struct wa_address address;
    session_pre_key_bundle *b = NULL;
    session_builder *builder = NULL;
    wa_signal_begin(s);
    int rc = wa_signal_address(s, jid, &address);
    if (rc < 0)
        return rc;
    if (!is_bundle_signed(bundle))
        return BX_E_CRYPTO;
    signal_protocol_address at = wa_signal_omemo_address(&address);
    int sg = bundle_of(s, bundle, address.device, &b);
    if (sg >= 0)
        sg = session_builder_create(&builder, s->stores, &at, s->context);
    if (sg >= 0) {
        session_builder_set_version(builder, VERSION);
        sg = session_builder_process_pre_key_bundle(builder, b);
    }
    if (builder)
        session_builder_free(builder);
    SIGNAL_UNREF(b);
    if (sg >= 0 && out_identity_changed)
        *out_identity_changed = s->identity_changed;
    return sg < 0 ? wa_signal_error(s, sg) : BX_OK;
}

static int cipher_open(struct wa_signal *s, const signal_protocol_address *at, session_cipher **out)
{
    int sg = session_cipher_create(out, s->stores, at, s->context);
    if (sg >= 0)
        session_cipher_set_version(*out, VERSION);
    return sg;
}

int wa_session_encrypt(struct wa_signal *s, const struct wa_jid *jid, struct bx_str plain,
                       struct bx_arena *arena, struct wa_cipher *out)
{
    struct wa_address address;
    session_cipher *cipher = NULL;
    ciphertext_message *message = NULL;
    int rc = wa_session_exists(s, jid);
    if (rc < 0 || (rc = wa_signal_address(s, jid, &address)) < 0)
        return rc;
    signal_protocol_address at = wa_signal_omemo_address(&address);
    int sg = cipher_open(s, &at, &cipher);
    if (sg >= 0)
        sg = session_cipher_encrypt(cipher, (const uint8_t *)plain.ptr, plain.len, &message);
    if (sg >= 0) {
        out->is_prekey = ciphertext_message_get_type(message) == CIPHERTEXT_PREKEY_TYPE;
        out->bytes =
            bx_arena_str(arena, wa_signal_view(ciphertext_message_get_serialized(message)));
    }
    SIGNAL_UNREF(message);
    if (cipher)
        session_cipher_free(cipher);
    return sg < 0 ? wa_signal_error(s, sg) : BX_OK;
}

/* Where in which chain the message stands. */
static int place_of(struct wa_signal *s, const signal_message *message)
{
    signal_buffer *key = NULL;
    int sg = ec_public_key_serialize(&key, signal_message_get_sender_ratchet_key(message));
    if (sg >= 0) {
        s->skipped.chain = wa_skipped_chain(wa_signal_view(key));
        s->skipped.index = signal_message_get_counter(message);
    }
    signal_buffer_free(key);
    return sg;
}

static int decrypt_prekey_message(struct wa_signal *s, session_cipher *cipher, struct bx_str bytes,
                                  signal_buffer **out)
{
    pre_key_signal_message *message = NULL;
    int sg = pre_key_signal_message_deserialize(&message, (const uint8_t *)bytes.ptr, bytes.len,
                                                s->context);
    if (sg >= 0)
        sg = place_of(s, pre_key_signal_message_get_signal_message(message));
    if (sg >= 0) {
        wa_signal_identity_hold(s);
        sg = session_cipher_decrypt_pre_key_signal_message(cipher, message, NULL, out);
        int kept = wa_signal_identity_release(s, sg >= 0);
        sg = kept < 0 ? kept : sg;
    }
    SIGNAL_UNREF(message);
    return sg;
}

static int decrypt_message(struct wa_signal *s, session_cipher *cipher, struct bx_str bytes,
                           signal_buffer **out)
{
    signal_message *message = NULL;
    int sg =
        signal_message_deserialize(&message, (const uint8_t *)bytes.ptr, bytes.len, s->context);
    if (sg >= 0)
        sg = place_of(s, message);
    if (sg >= 0)
        sg = session_cipher_decrypt_signal_message(cipher, message, NULL, out);
    SIGNAL_UNREF(message);
    return sg;
}

int wa_session_decrypt(struct wa_signal *s, const struct wa_jid *jid, bool is_prekey,
                       struct bx_str bytes, struct bx_arena *arena, struct bx_str *out_plain,
                       enum wa_retry_reason *out_reason)
{
    struct wa_address address;
    session_cipher *cipher = NULL;
    signal_buffer *plain = NULL;
    wa_signal_begin(s);
    int rc = wa_signal_address(s, jid, &address);
    if (rc < 0)
        return rc;
    signal_protocol_address at = wa_signal_omemo_address(&address);
    int sg = cipher_open(s, &at, &cipher);
    if (sg >= 0)
        sg = (is_prekey ? decrypt_prekey_message : decrypt_message)(s, cipher, bytes, &plain);
    if (sg >= 0)
        *out_plain = bx_arena_str(arena, wa_signal_view(plain));
    else if (out_reason)
        *out_reason = wa_signal_reason(sg);
    signal_buffer_bzero_free(plain);
    if (cipher)
        session_cipher_free(cipher);
    return sg < 0 ? wa_signal_error(s, sg) : BX_OK;
}
