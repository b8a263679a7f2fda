/* Sender keys: one chain per (group, sending device). libomemo-c brings the records, chains and
 * messages, not the cipher; this is it. A message key is used once; keys of skipped messages wait
 * in rows of their own (skipped.h).
 */
#include "base/err.h"
#include "crypto/aead.h"
#include "wa/signal/glue.h"

#include <omemo/key_helper.h>
#include <omemo/sender_key.h>
#include <omemo/sender_key_record.h>
#include <omemo/sender_key_state.h>

enum { AHEAD_MAX = 2000, SCRATCH_MAX = 16 << 20 };

/* "group::address" */
static int record_key(struct bx_str group, const struct wa_jid *sender, struct bx_arena *arena,
                      struct bx_str *out)
{
    struct wa_address address;
    int rc = wa_signal_plain_address(sender, &address);
    if (rc < 0 || group.len == 0 || group.len > WA_JID_TEXT_MAX)
        return BX_E_INVALID;
    *out = bx_arena_printf(arena, BX_STR_FMT "::%s", BX_STR_ARG(group), address.key);
    return BX_OK;
}

/* An empty record when there is none. */
static int record_load(struct wa_signal *s, struct bx_str key, struct bx_arena *arena,
                       sender_key_record **out)
{
    struct bx_str value;
    int rc = s->keystore->ops->get(s->keystore->ctx, WA_KEY_SENDER_KEY, key, arena, &value);
    if (rc < 0 && rc != BX_E_NOT_FOUND)
        return rc;
    int joined = rc < 0 ? BX_OK
                        : wa_skipped_join(&s->skipped, s->keystore, WA_SKIPPED_SENDER, key, value,
                                          arena, &value);
    if (joined < 0)
        return joined;
    int sg = rc == BX_E_NOT_FOUND ? sender_key_record_create(out, s->context)
                                  : sender_key_record_deserialize(out, (const uint8_t *)value.ptr,
                                                                  value.len, s->context);
    return sg < 0 ? BX_E_CORRUPT : BX_OK;
}

static int record_save(struct wa_signal *s, struct bx_str key, sender_key_record *record)
{
    signal_buffer *b = NULL;
    struct bx_str split;
    struct bx_arena arena;
    bx_arena_init(&arena, SCRATCH_MAX);
    int sg = sender_key_record_serialize(&b, record);
    int rc = sg < 0 ? wa_signal_error(s, sg)
                    : wa_skipped_split(&s->skipped, s->keystore, WA_SKIPPED_SENDER, key,
                                       wa_signal_view(b), &arena, &split);
    if (rc >= 0)
        rc = s->keystore->ops->put(s->keystore->ctx, WA_KEY_SENDER_KEY, key, split);
    signal_buffer_bzero_free(b);
    bx_arena_done(&arena);
    return rc;
}

static int state_create(struct wa_signal *s, sender_key_record *record)
{
    uint32_t id;
    signal_buffer *chain = NULL;
    ec_key_pair *signing = NULL;
    int sg = signal_protocol_key_helper_generate_sender_key_id(&id, s->context);
    if (sg >= 0)
        sg = signal_protocol_key_helper_generate_sender_key(&chain, s->context);
    if (sg >= 0)
        sg = signal_protocol_key_helper_generate_sender_signing_key(&signing, s->context);
    if (sg >= 0)
        sg = sender_key_record_set_sender_key_state(record, id, 0, chain, signing);
    signal_buffer_bzero_free(chain);
    SIGNAL_UNREF(signing);
    return sg;
}

static int distribution_of(struct wa_signal *s, sender_key_state *state, struct bx_arena *arena,
                           struct bx_str *out)
{
    sender_key_distribution_message *m = NULL;
    sender_chain_key *chain = sender_key_state_get_chain_key(state);
    signal_buffer *seed = sender_chain_key_get_seed(chain);
    int sg = sender_key_distribution_message_create(
        &m, sender_key_state_get_key_id(state), sender_chain_key_get_iteration(chain),
        signal_buffer_data(seed), signal_buffer_len(seed),
        sender_key_state_get_signing_key_public(state), s->context);
    if (sg >= 0)
        *out = bx_arena_str(
            arena, wa_signal_view(ciphertext_message_get_serialized((ciphertext_message *)m)));
    SIGNAL_UNREF(m);
    return sg;
}

static int distribute(struct wa_signal *s, struct bx_str key, sender_key_record *record,
                      struct bx_arena *arena, struct bx_str *out)
{
    sender_key_state *state = NULL;
    int rc = BX_OK, sg = 0;
    if (sender_key_record_is_empty(record)) {
        sg = state_create(s, record);
        rc = sg < 0 ? wa_signal_error(s, sg) : record_save(s, key, record);
    }
    if (rc >= 0 && (sg = sender_key_record_get_sender_key_state(record, &state)) >= 0)
        sg = distribution_of(s, state, arena, out);
    return rc < 0 ? rc : sg < 0 ? wa_signal_error(s, sg) : BX_OK;
}

int wa_group_distribute(struct wa_signal *s, struct bx_str group, const struct wa_jid *self_jid,
                        struct bx_arena *arena, struct bx_str *out_message)
{
    struct bx_str key;
    sender_key_record *record = NULL;
    wa_signal_begin(s);
    int rc = record_key(group, self_jid, arena, &key);
    if (rc >= 0)
        rc = record_load(s, key, arena, &record);
    if (rc >= 0)
        rc = distribute(s, key, record, arena, out_message);
    SIGNAL_UNREF(record);
    return rc;
}

int wa_group_rotate(struct wa_signal *s, struct bx_str group, const struct wa_jid *self_jid)
{
    struct bx_arena arena;
    struct bx_str key;
    bx_arena_init(&arena, SCRATCH_MAX);
    int rc = record_key(group, self_jid, &arena, &key);
    if (rc >= 0)
        rc = s->keystore->ops->del(s->keystore->ctx, WA_KEY_SENDER_KEY, key);
    bx_arena_done(&arena);
    return rc;
}

/* Senders repeat their key, at the point where they are. Who has it already keeps what it has: in
 * the chain from the new point on, messages still under way would look like ones read before. */
static sender_key_state *known_state(sender_key_record *record, sender_key_distribution_message *m)
{
    sender_key_state *state = NULL;
    bool is_known =
        sender_key_record_get_sender_key_state_by_id(
            record, &state, sender_key_distribution_message_get_id(m)) >= 0 &&
        ec_public_key_compare(sender_key_state_get_signing_key_public(state),
                              sender_key_distribution_message_get_signature_key(m)) == 0;
    return is_known ? state : NULL;
}

/* The keys of the messages from the chain's point `from` up to `to` are put aside. */
static int put_aside(struct wa_signal *s, sender_key_state *state, signal_buffer *seed,
                     uint32_t from, uint32_t to)
{
    sender_chain_key *chain = NULL;
    int sg = sender_chain_key_create(&chain, from, seed, s->context);
    for (; sg >= 0 && from < to; from++) {
        sender_message_key *key = NULL;
        sender_chain_key *next = NULL;
        sg = sender_chain_key_create_message_key(chain, &key);
        if (sg >= 0)
            sg = sender_key_state_add_sender_message_key(state, key);
        if (sg >= 0)
            sg = sender_chain_key_create_next(chain, &next);
        SIGNAL_UNREF(key);
        SIGNAL_UNREF(chain);
        chain = next;
    }
    SIGNAL_UNREF(chain);
    return sg;
}

/* A key that was under way while a later one was asked for: it opens what was said between. */
static int extend_back(struct wa_signal *s, struct bx_str key, sender_key_state *state,
                       sender_key_distribution_message *m, struct bx_arena *arena)
{
    uint32_t start, id = sender_key_distribution_message_get_id(m),
                    from = sender_key_distribution_message_get_iteration(m);
    s->store_rc = wa_sender_start_get(s, key, id, arena, &start);
    if (s->store_rc < 0)
        return SG_ERR_UNKNOWN;
    if (from >= start || start - from > AHEAD_MAX)
        return 0;
    int sg = put_aside(s, state, sender_key_distribution_message_get_chain_key(m), from, start);
    if (sg >= 0)
        s->store_rc = wa_sender_start_put(s, key, id, from, arena);
    return s->store_rc < 0 ? SG_ERR_UNKNOWN : sg;
}

static int add_state(struct wa_signal *s, struct bx_str key, sender_key_record *record,
                     sender_key_distribution_message *m, struct bx_arena *arena)
{
    uint32_t id = sender_key_distribution_message_get_id(m),
             iteration = sender_key_distribution_message_get_iteration(m);
    int sg = sender_key_record_add_sender_key_state(
        record, id, iteration, sender_key_distribution_message_get_chain_key(m),
        sender_key_distribution_message_get_signature_key(m));
    if (sg >= 0)
        s->store_rc = wa_sender_start_put(s, key, id, iteration, arena);
    return s->store_rc < 0 ? SG_ERR_UNKNOWN : sg;
}

static int process(struct wa_signal *s, struct bx_str key, sender_key_record *record,
                   struct bx_str message, struct bx_arena *arena)
{
    sender_key_distribution_message *m = NULL;
    int sg = sender_key_distribution_message_deserialize(&m, (const uint8_t *)message.ptr,
                                                         message.len, s->context);
    if (sg >= 0) {
        sender_key_state *state = known_state(record, m);
        sg = state ? extend_back(s, key, state, m, arena) : add_state(s, key, record, m, arena);
    }
    SIGNAL_UNREF(m);
    return sg;
}

int wa_group_process(struct wa_signal *s, struct bx_str group, const struct wa_jid *sender,
                     struct bx_str message)
{
    struct bx_arena arena;
    struct bx_str key;
    sender_key_record *record = NULL;
    wa_signal_begin(s);
    bx_arena_init(&arena, SCRATCH_MAX);
    int rc = record_key(group, sender, &arena, &key);
    if (rc >= 0)
        rc = record_load(s, key, &arena, &record);
    if (rc >= 0) {
        int sg = process(s, key, record, message, &arena);
        rc = sg < 0 ? wa_signal_error(s, sg) : record_save(s, key, record);
    }
    SIGNAL_UNREF(record);
    bx_arena_done(&arena);
    return rc;
}

/* Moves the chain one step; *out_key is the message key of the step left behind. */
static int chain_step(sender_key_state *state, sender_message_key **out_key)
{
    sender_chain_key *chain = sender_key_state_get_chain_key(state), *next = NULL;
    int sg = sender_chain_key_create_message_key(chain, out_key);
    if (sg >= 0)
        sg = sender_chain_key_create_next(chain, &next);
    if (sg >= 0)
        sender_key_state_set_chain_key(state, next);
    SIGNAL_UNREF(next);
    return sg;
}

static bool is_key_shape(sender_message_key *key)
{
    return signal_buffer_len(sender_message_key_get_cipher_key(key)) == CR_KEY_SIZE &&
           signal_buffer_len(sender_message_key_get_iv(key)) == CR_CBC_IV_SIZE;
}

static int seal_with(struct wa_signal *s, sender_key_state *state, struct bx_str plain,
                     struct bx_arena *arena, struct bx_str *out)
{
    sender_message_key *key = NULL;
    sender_key_message *m = NULL;
    uint8_t *sealed = bx_arena_alloc(arena, CR_CBC_SIZE(plain.len));
    int sg = chain_step(state, &key);
    if (sg >= 0 && !is_key_shape(key))
        sg = SG_ERR_INVALID_KEY;
    if (sg >= 0) {
        cr_cbc_encrypt(signal_buffer_data(sender_message_key_get_cipher_key(key)),
                       signal_buffer_data(sender_message_key_get_iv(key)), plain, sealed);
        sg = sender_key_message_create(
            &m, sender_key_state_get_key_id(state), sender_message_key_get_iteration(key), sealed,
            CR_CBC_SIZE(plain.len), sender_key_state_get_signing_key_private(state), s->context);
    }
    if (sg >= 0)
        *out = bx_arena_str(
            arena, wa_signal_view(ciphertext_message_get_serialized((ciphertext_message *)m)));
    SIGNAL_UNREF(m);
    SIGNAL_UNREF(key);
    return sg;
}

int wa_group_encrypt(struct wa_signal *s, struct bx_str group, const struct wa_jid *self_jid,
                     struct bx_str plain, struct bx_arena *arena, struct bx_str *out_message)
{
    struct bx_str key, sealed;
    sender_key_record *record = NULL;
    sender_key_state *state = NULL;
    wa_signal_begin(s);
    int rc = record_key(group, self_jid, arena, &key);
    if (rc >= 0)
        rc = record_load(s, key, arena, &record);
    if (rc >= 0 && sender_key_record_is_empty(record))
        rc = BX_E_NOT_FOUND;
    if (rc >= 0) {
        int sg = sender_key_record_get_sender_key_state(record, &state);
        if (sg >= 0)
            sg = seal_with(s, state, plain, arena, &sealed);
        rc = sg < 0 ? wa_signal_error(s, sg) : record_save(s, key, record);
    }
    if (rc >= 0)
        *out_message = sealed;
    SIGNAL_UNREF(record);
    return rc;
}

/* The key of one iteration; skipped ones are put aside. */
static int message_key(sender_key_state *state, uint32_t iteration, sender_message_key **out)
{
    uint32_t at = sender_chain_key_get_iteration(sender_key_state_get_chain_key(state));
    if (iteration < at) {
        if (!sender_key_state_has_sender_message_key(state, iteration))
            return SG_ERR_DUPLICATE_MESSAGE;
        *out = sender_key_state_remove_sender_message_key(state, iteration);
        return *out ? 0 : SG_ERR_UNKNOWN;
    }
    if (iteration - at > AHEAD_MAX)
        return SG_ERR_INVALID_MESSAGE;
    for (; at < iteration; at++) {
        sender_message_key *skipped = NULL;
        int sg = chain_step(state, &skipped);
        if (sg >= 0)
            sg = sender_key_state_add_sender_message_key(state, skipped);
        SIGNAL_UNREF(skipped);
        if (sg < 0)
            return sg;
    }
    return chain_step(state, out);
}

static int open_with(sender_key_state *state, sender_key_message *m, struct bx_arena *arena,
                     struct bx_str *out)
{
    sender_message_key *key = NULL;
    struct bx_str sealed = wa_signal_view(sender_key_message_get_ciphertext(m));
    uint8_t *plain = bx_arena_alloc(arena, sealed.len + 1);
    size_t len = 0;
    int sg = message_key(state, sender_key_message_get_iteration(m), &key);
    if (sg >= 0 && !is_key_shape(key))
        sg = SG_ERR_INVALID_KEY;
    if (sg >= 0 &&
        cr_cbc_decrypt(signal_buffer_data(sender_message_key_get_cipher_key(key)),
                       signal_buffer_data(sender_message_key_get_iv(key)), sealed, plain, &len) < 0)
        sg = SG_ERR_INVALID_MESSAGE;
    if (sg >= 0)
        *out = bx_str_n(plain, len);
    SIGNAL_UNREF(key);
    return sg;
}

/* A message from before the point where the sender's key reached us is not a repeated one: it was
 * never read, and has to be asked for. */
static int judge_repeated(struct wa_signal *s, struct bx_str key, sender_key_message *m,
                          struct bx_arena *arena)
{
    uint32_t start;
    s->store_rc = wa_sender_start_get(s, key, sender_key_message_get_key_id(m), arena, &start);
    if (s->store_rc < 0)
        return SG_ERR_UNKNOWN;
    return sender_key_message_get_iteration(m) < start ? SG_ERR_NO_SESSION
                                                       : SG_ERR_DUPLICATE_MESSAGE;
}

static int decrypt(struct wa_signal *s, struct bx_str key, sender_key_record *record,
                   struct bx_str message, struct bx_arena *arena, struct bx_str *out)
{
    sender_key_message *m = NULL;
    sender_key_state *state = NULL;
    if (sender_key_record_is_empty(record))
        return SG_ERR_NO_SESSION;
    int sg =
        sender_key_message_deserialize(&m, (const uint8_t *)message.ptr, message.len, s->context);
    if (sg >= 0)
        sg = sender_key_record_get_sender_key_state_by_id(record, &state,
                                                          sender_key_message_get_key_id(m));
    if (sg >= 0)
        sg = sender_key_message_verify_signature(m, sender_key_state_get_signing_key_public(state));
    if (sg >= 0)
        sg = open_with(state, m, arena, out);
    if (sg == SG_ERR_DUPLICATE_MESSAGE)
        sg = judge_repeated(s, key, m, arena);
    SIGNAL_UNREF(m);
    return sg;
}

/* Which key of which chain the message needs; what is no message says so later. */
static void place_of(struct wa_signal *s, struct bx_str message)
{
    sender_key_message *m = NULL;
    if (sender_key_message_deserialize(&m, (const uint8_t *)message.ptr, message.len, s->context) >=
        0) {
        uint32_t id = sender_key_message_get_key_id(m);
        s->skipped.chain = wa_skipped_chain(bx_str_n(&id, sizeof id));
        s->skipped.index = sender_key_message_get_iteration(m);
    }
    SIGNAL_UNREF(m);
}

int wa_group_decrypt(struct wa_signal *s, struct bx_str group, const struct wa_jid *sender,
                     struct bx_str message, struct bx_arena *arena, struct bx_str *out_plain,
                     enum wa_retry_reason *out_reason)
{
    struct bx_str key, plain;
    sender_key_record *record = NULL;
    wa_signal_begin(s);
    place_of(s, message);
    int rc = record_key(group, sender, arena, &key);
    if (rc >= 0)
        rc = record_load(s, key, arena, &record);
    if (rc >= 0) {
        int sg = decrypt(s, key, record, message, arena, &plain);
        if (sg < 0 && out_reason)
            *out_reason = wa_signal_reason(sg);
        rc = sg < 0 ? wa_signal_error(s, sg) : record_save(s, key, record);
    }
    if (rc >= 0)
        *out_plain = plain;
    SIGNAL_UNREF(record);
    return rc;
}
