#include "base/clock.h"
#include "base/err.h"
#include "crypto/hash.h"
#include "wa/signal/glue.h"

/* An ec_key_pair of libomemo-c from ours. */
static int key_pair_of(struct wa_signal *s, const struct cr_keypair *pair, ec_key_pair **out)
{
    ec_public_key *pub = NULL;
    ec_private_key *priv = NULL;
    int sg = wa_signal_decode_pub(s, pair->pub, &pub);
    if (sg >= 0)
        sg = curve_decode_private_point(&priv, pair->priv, CR_CURVE_KEY_SIZE, s->context);
    if (sg >= 0)
        sg = ec_key_pair_create(out, pub, priv);
    SIGNAL_UNREF(pub);
    SIGNAL_UNREF(priv);
    return sg;
}

static int store_record(struct wa_signal *s, enum wa_key_kind kind, uint32_t id, signal_buffer *b)
{
    char room[16];
    return s->keystore->ops->put(s->keystore->ctx, kind, wa_signal_id_key(id, room),
                                 wa_signal_view(b));
}

static int prekey_make(struct wa_signal *s, uint32_t id, struct wa_prekey *out)
{
    struct cr_keypair pair;
    ec_key_pair *keys = NULL;
    session_pre_key *prekey = NULL;
    signal_buffer *record = NULL;
    cr_keypair_generate(&pair);
    int sg = key_pair_of(s, &pair, &keys);
    if (sg >= 0)
        sg = session_pre_key_create(&prekey, id, keys);
    if (sg >= 0)
        sg = session_pre_key_serialize(&record, prekey);
    int rc = sg < 0 ? wa_signal_error(s, sg) : store_record(s, WA_KEY_PREKEY, id, record);
    if (rc >= 0) {
        *out = (struct wa_prekey){.id = id};
        memcpy(out->pub, pair.pub, sizeof out->pub);
    }
    signal_buffer_bzero_free(record);
    SIGNAL_UNREF(prekey);
    SIGNAL_UNREF(keys);
    cr_wipe(&pair, sizeof pair);
    return rc;
}

int wa_prekeys_generate(struct wa_signal *s, uint32_t first_id, size_t count, struct wa_prekey *out)
{
    int rc = BX_OK;
    BX_ASSERT(first_id >= 1 && first_id <= 0xffffff);
    wa_signal_begin(s);
    for (size_t i = 0; i < count && rc >= 0; i++)
        rc = prekey_make(s, wa_prekey_next_id(first_id, (uint32_t)i), &out[i]);
    return rc;
}

static int record_get(struct wa_signal *s, enum wa_key_kind kind, uint32_t id,
                      struct bx_arena *arena, struct bx_str *out)
{
    char room[16];
    return s->keystore->ops->get(s->keystore->ctx, kind, wa_signal_id_key(id, room), arena, out);
}

int wa_prekey_get(struct wa_signal *s, uint32_t id, struct wa_prekey *out)
{
    struct bx_arena arena;
    struct bx_str record;
    session_pre_key *prekey = NULL;
    struct wa_prekey found = {.id = id};
    wa_signal_begin(s);
    bx_arena_init(&arena, 1 << 16);
    int rc = record_get(s, WA_KEY_PREKEY, id, &arena, &record);
    if (rc >= 0) {
        int sg = session_pre_key_deserialize(&prekey, (const uint8_t *)record.ptr, record.len,
                                             s->context);
        if (sg >= 0)
            sg = wa_signal_encode_pub(ec_key_pair_get_public(session_pre_key_get_key_pair(prekey)),
                                      found.pub);
        rc = sg < 0 ? BX_E_CORRUPT : BX_OK;
    }
    if (rc >= 0)
        *out = found;
    SIGNAL_UNREF(prekey);
    bx_arena_done(&arena);
    return rc;
}

int wa_prekey_delete(struct wa_signal *s, uint32_t id)
{
    char room[16];
    return s->keystore->ops->del(s->keystore->ctx, WA_KEY_PREKEY, wa_signal_id_key(id, room));
}

/* The signature is over the typed key: 05 and 32 bytes. */
static void sign_pub(const struct wa_signal *s, const uint8_t pub[CR_CURVE_KEY_SIZE],
                     uint8_t out[CR_SIGNATURE_SIZE])
{
    uint8_t typed[1 + CR_CURVE_KEY_SIZE] = {5}, random[64];
    memcpy(typed + 1, pub, CR_CURVE_KEY_SIZE);
    bx_random(random, sizeof random);
    cr_sign(s->self.identity.priv, bx_str_n(typed, sizeof typed), random, out);
}

int wa_signed_prekey_generate(struct wa_signal *s, uint32_t id, int64_t now_ms,
                              struct wa_prekey *out)
{
    struct cr_keypair pair;
    struct wa_prekey made = {.id = id};
    ec_key_pair *keys = NULL;
    session_signed_pre_key *prekey = NULL;
    signal_buffer *record = NULL;
    BX_ASSERT(id >= 1 && id <= 0xffffff);
    wa_signal_begin(s);
    cr_keypair_generate(&pair);
    memcpy(made.pub, pair.pub, sizeof made.pub);
    sign_pub(s, pair.pub, made.signature);
    int sg = key_pair_of(s, &pair, &keys);
    if (sg >= 0)
        sg = session_signed_pre_key_create(&prekey, id, (uint64_t)now_ms, keys, made.signature,
                                           sizeof made.signature, made.signature,
                                           sizeof made.signature);
    if (sg >= 0)
        sg = session_signed_pre_key_serialize(&record, prekey);
    int rc = sg < 0 ? wa_signal_error(s, sg) : store_record(s, WA_KEY_SIGNED_PREKEY, id, record);
    if (rc >= 0)
        *out = made;
    signal_buffer_bzero_free(record);
    SIGNAL_UNREF(prekey);
    SIGNAL_UNREF(keys);
    cr_wipe(&pair, sizeof pair);
    return rc;
}

int wa_signed_prekey_get(struct wa_signal *s, uint32_t id, struct wa_prekey *out)
{
    struct bx_arena arena;
    struct bx_str record;
    session_signed_pre_key *prekey = NULL;
    struct wa_prekey found = {.id = id};
    wa_signal_begin(s);
    bx_arena_init(&arena, 1 << 16);
    int rc = record_get(s, WA_KEY_SIGNED_PREKEY, id, &arena, &record);
    if (rc >= 0) {
        int sg = session_signed_pre_key_deserialize(&prekey, (const uint8_t *)record.ptr,
                                                    record.len, s->context);
        if (sg >= 0)
            sg = wa_signal_encode_pub(
                ec_key_pair_get_public(session_signed_pre_key_get_key_pair(prekey)), found.pub);
        if (sg >= 0 && session_signed_pre_key_get_signature_len(prekey) == CR_SIGNATURE_SIZE)
            memcpy(found.signature, session_signed_pre_key_get_signature(prekey),
                   CR_SIGNATURE_SIZE);
        rc = sg < 0 ? BX_E_CORRUPT : BX_OK;
    }
    if (rc >= 0)
        *out = found;
    SIGNAL_UNREF(prekey);
    bx_arena_done(&arena);
    return rc;
}

int wa_signed_prekey_delete(struct wa_signal *s, uint32_t id)
{
    char room[16];
    return s->keystore->ops->del(s->keystore->ctx, WA_KEY_SIGNED_PREKEY,
                                 wa_signal_id_key(id, room));
}
