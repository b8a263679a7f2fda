#include "wa/signal/signal.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "crypto/hash.h"
#include "wa/signal/glue.h"

#include <stdio.h>
#include <stdlib.h>

enum { SCRATCH_MAX = 4 << 20 };

void wa_signal_self_generate(struct wa_signal_self *out)
{
    cr_keypair_generate(&out->identity);
    out->registration_id = 1 + (uint32_t)bx_random_below(16380);
}

struct wa_signal *wa_signal_new(const struct wa_keystore *keystore,
                                const struct wa_signal_self *self)
{
    struct wa_signal *s = BX_NEW(struct wa_signal);
    s->keystore = keystore;
    s->self = *self;
    BX_ASSERT(signal_context_create(&s->context, s) == 0);
    BX_ASSERT(signal_context_set_crypto_provider(s->context, &wa_signal_provider) == 0);
    BX_ASSERT(wa_signal_install_stores(s) == 0);
    return s;
}

void wa_signal_free(struct wa_signal *s)
{
    if (!s)
        return;
    signal_protocol_store_context_destroy(s->stores);
    signal_context_destroy(s->context);
    cr_wipe(&s->self, sizeof s->self);
    free(s);
}

void wa_signal_begin(struct wa_signal *s)
{
    s->store_rc = BX_OK;
    s->identity_changed = false;
    s->skipped = (struct wa_skipped){0};
}

static const struct {
    int sg, rc;
    enum wa_retry_reason reason;
} errors[] = {
    {SG_ERR_NOMEM, BX_E_NOMEM, WA_RETRY_UNKNOWN},
    {SG_ERR_DUPLICATE_MESSAGE, BX_E_DUPLICATE, WA_RETRY_UNKNOWN},
    {SG_ERR_NO_SESSION, BX_E_NOT_FOUND, WA_RETRY_NO_SESSION},
    {SG_ERR_INVALID_KEY_ID, BX_E_NOT_FOUND, WA_RETRY_INVALID_KEY_ID},
    {SG_ERR_INVALID_KEY, BX_E_CRYPTO, WA_RETRY_INVALID_KEY},
    {SG_ERR_INVALID_MAC, BX_E_CRYPTO, WA_RETRY_BAD_MAC},
    {SG_ERR_UNTRUSTED_IDENTITY, BX_E_CRYPTO, WA_RETRY_INVALID_KEY},
    {SG_ERR_INVALID_MESSAGE, BX_E_CRYPTO, WA_RETRY_INVALID_MESSAGE},
    {SG_ERR_STALE_KEY_EXCHANGE, BX_E_CRYPTO, WA_RETRY_INVALID_SESSION},
    {SG_ERR_INVALID_VERSION, BX_E_INVALID, WA_RETRY_INVALID_MESSAGE},
    {SG_ERR_LEGACY_MESSAGE, BX_E_INVALID, WA_RETRY_INVALID_MESSAGE},
    {SG_ERR_INVALID_PROTO_BUF, BX_E_INVALID, WA_RETRY_INVALID_MESSAGE},
};

int wa_signal_error(const struct wa_signal *s, int sg)
{
    if (s->store_rc < 0)
        return s->store_rc;
    for (size_t i = 0; i < BX_LEN(errors); i++) {
        if (errors[i].sg == sg)
            return errors[i].rc;
    }
    return BX_E_CRYPTO;
}

enum wa_retry_reason wa_signal_reason(int sg)
{
    for (size_t i = 0; i < BX_LEN(errors); i++) {
        if (errors[i].sg == sg)
            return errors[i].reason;
    }
    return WA_RETRY_UNKNOWN;
}

int wa_signal_decode_pub(struct wa_signal *s, const uint8_t pub[CR_CURVE_KEY_SIZE],
                         ec_public_key **out)
{
    return curve_decode_point_mont(out, pub, CR_CURVE_KEY_SIZE, s->context);
}

int wa_signal_encode_pub(const ec_public_key *key, uint8_t out[CR_CURVE_KEY_SIZE])
{
    signal_buffer *b = ec_public_key_get_mont(key);
    if (!b || signal_buffer_len(b) < CR_CURVE_KEY_SIZE) {
        signal_buffer_free(b);
        return SG_ERR_INVALID_KEY;
    }
    size_t typed = signal_buffer_len(b) - CR_CURVE_KEY_SIZE;
    memcpy(out, signal_buffer_data(b) + typed, CR_CURVE_KEY_SIZE);
    signal_buffer_free(b);
    return 0;
}

struct bx_str wa_signal_id_key(uint32_t id, char room[16])
{
    return bx_str_n(room, (size_t)snprintf(room, 16, "%08u", id));
}

/* --- addresses --- */

static const char *domain_suffix(enum wa_server server)
{
    switch ((int)server) {
    case WA_SERVER_LID:
        return "_1";
    case WA_SERVER_HOSTED:
        return "_128";
    case WA_SERVER_HOSTED_LID:
        return "_129";
    default:
        return "";
    }
}

int wa_signal_plain_address(const struct wa_jid *jid, struct wa_address *out)
{
    if (jid->user.len == 0 || jid->user.len > 128 || memchr(jid->user.ptr, '\0', jid->user.len) ||
        !(wa_jid_is_user(jid) || jid->server == WA_SERVER_BOT || jid->server == WA_SERVER_LEGACY))
        return BX_E_INVALID;
    snprintf(out->name, sizeof out->name, BX_STR_FMT "%s", BX_STR_ARG(jid->user),
             domain_suffix(jid->server));
    snprintf(out->key, sizeof out->key, "%s.%u", out->name, jid->device);
    out->device = jid->device;
    return BX_OK;
}

int wa_signal_address(struct wa_signal *s, const struct wa_jid *jid, struct wa_address *out)
{
    struct wa_jid mapped = *jid;
    struct bx_arena arena;
    struct bx_str lid;
    int rc = BX_E_NOT_FOUND;
    bx_arena_init(&arena, SCRATCH_MAX);
    if (wa_jid_is_pn(jid))
        rc = wa_signal_lid_of(s, jid->user, &arena, &lid);
    if (rc == BX_OK) {
        mapped.user = lid;
        mapped.server = jid->server == WA_SERVER_HOSTED ? WA_SERVER_HOSTED_LID : WA_SERVER_LID;
    }
    rc = rc == BX_OK || rc == BX_E_NOT_FOUND ? wa_signal_plain_address(&mapped, out) : rc;
    bx_arena_done(&arena);
    return rc;
}

static int ks_get(struct wa_signal *s, enum wa_key_kind kind, struct bx_str key,
                  struct bx_arena *arena, struct bx_str *out)
{
    return s->keystore->ops->get(s->keystore->ctx, kind, key, arena, out);
}

static int ks_put(struct wa_signal *s, enum wa_key_kind kind, struct bx_str key,
                  struct bx_str value)
{
    return s->keystore->ops->put(s->keystore->ctx, kind, key, value);
}

static int ks_del(struct wa_signal *s, enum wa_key_kind kind, struct bx_str key)
{
    return s->keystore->ops->del(s->keystore->ctx, kind, key);
}

int wa_signal_lid_of(struct wa_signal *s, struct bx_str pn_user, struct bx_arena *arena,
                     struct bx_str *out_lid_user)
{
    return ks_get(s, WA_KEY_LID_OF_PN, pn_user, arena, out_lid_user);
}

int wa_signal_pn_of(struct wa_signal *s, struct bx_str lid_user, struct bx_arena *arena,
                    struct bx_str *out_pn_user)
{
    return ks_get(s, WA_KEY_PN_OF_LID, lid_user, arena, out_pn_user);
}

/* Entries to move, collected first: a walk may not change the store. */
struct moves {
    struct bx_arena *arena;
    struct move {
        struct bx_str key, value;
        struct move *next;
    } * first;
};

static int on_entry_to_move(void *arg, struct bx_str key, struct bx_str value)
{
    struct moves *moves = arg;
    struct move *m = BX_ARENA_NEW(moves->arena, struct move);
    *m = (struct move){bx_arena_str(moves->arena, key), bx_arena_str(moves->arena, value),
                       moves->first};
    moves->first = m;
    return BX_OK;
}

/* "4917.3" -> "1234_1.3". A record at the new place wins: the peer moved before us. */
static int move_kind(struct wa_signal *s, enum wa_key_kind kind, struct bx_str old_prefix,
                     struct bx_str new_prefix, struct bx_arena *arena)
{
    struct moves moves = {.arena = arena};
    int rc = s->keystore->ops->each(s->keystore->ctx, kind, old_prefix, on_entry_to_move, &moves);
    for (struct move *m = moves.first; m && rc >= 0; m = m->next) {
        struct bx_str existing, rest = bx_str_slice(m->key, old_prefix.len, m->key.len);
        struct bx_str to =
            bx_arena_printf(arena, BX_STR_FMT BX_STR_FMT, BX_STR_ARG(new_prefix), BX_STR_ARG(rest));
        rc = ks_get(s, kind, to, arena, &existing);
        if (rc == BX_E_NOT_FOUND)
            rc = ks_put(s, kind, to, m->value);
        if (rc >= 0)
            rc = ks_del(s, kind, m->key);
    }
    return rc;
}

static int learn_lid(struct wa_signal *s, struct bx_str pn, struct bx_str lid, bool *is_new,
                     struct bx_arena *arena)
{
    struct bx_str known;
    int rc = wa_signal_lid_of(s, pn, arena, &known);
    if (rc < 0 && rc != BX_E_NOT_FOUND)
        return rc;
    if (rc == BX_OK && bx_str_eq(known, lid))
        return BX_OK;
    *is_new = true;
    if (rc == BX_OK && (rc = ks_del(s, WA_KEY_PN_OF_LID, known)) < 0)
        return rc;
    if ((rc = ks_put(s, WA_KEY_LID_OF_PN, pn, lid)) < 0 ||
        (rc = ks_put(s, WA_KEY_PN_OF_LID, lid, pn)) < 0)
        return rc;
    struct bx_str from = bx_arena_printf(arena, BX_STR_FMT ".", BX_STR_ARG(pn));
    struct bx_str to = bx_arena_printf(arena, BX_STR_FMT "_1.", BX_STR_ARG(lid));
    if ((rc = move_kind(s, WA_KEY_SESSION, from, to, arena)) < 0 ||
        (rc = move_kind(s, WA_KEY_SKIPPED, from, to, arena)) < 0)
        return rc;
    return move_kind(s, WA_KEY_IDENTITY, from, to, arena);
}

int wa_signal_learn_lid(struct wa_signal *s, struct bx_str pn_user, struct bx_str lid_user,
                        bool *out_is_new)
{
    struct bx_arena arena;
    bool is_new = false;
    if (pn_user.len == 0 || lid_user.len == 0 || pn_user.len > 128 || lid_user.len > 128)
        return BX_E_INVALID;
    bx_arena_init(&arena, SCRATCH_MAX);
    int rc = learn_lid(s, pn_user, lid_user, &is_new, &arena);
    bx_arena_done(&arena);
    if (rc >= 0 && out_is_new)
        *out_is_new = is_new;
    return rc;
}

/* --- identities --- */

int wa_identity_get(struct wa_signal *s, const struct wa_jid *jid, uint8_t out[CR_CURVE_KEY_SIZE])
{
    struct wa_address address;
    struct bx_arena arena;
    struct bx_str key;
    int rc = wa_signal_address(s, jid, &address);
    if (rc < 0)
        return rc;
    bx_arena_init(&arena, SCRATCH_MAX);
    rc = ks_get(s, WA_KEY_IDENTITY, bx_str(address.key), &arena, &key);
    if (rc >= 0 && key.len != 1 + CR_CURVE_KEY_SIZE)
        rc = BX_E_CORRUPT;
    if (rc >= 0)
        memcpy(out, key.ptr + 1, CR_CURVE_KEY_SIZE);
    bx_arena_done(&arena);
    return rc;
}

int wa_identity_put(struct wa_signal *s, const struct wa_jid *jid,
                    const uint8_t key[CR_CURVE_KEY_SIZE])
{
    struct wa_address address;
    uint8_t typed[1 + CR_CURVE_KEY_SIZE] = {5};
    int rc = wa_signal_address(s, jid, &address);
    memcpy(typed + 1, key, CR_CURVE_KEY_SIZE);
    return rc < 0 ? rc
                  : ks_put(s, WA_KEY_IDENTITY, bx_str(address.key), bx_str_n(typed, sizeof typed));
}

/* --- padding --- */

struct bx_str wa_pad(struct bx_str plain, uint8_t random, struct bx_arena *arena)
{
    size_t pad = random % 16 ? random % 16 : 16;
    char *padded = bx_arena_alloc(arena, plain.len + pad);
    if (plain.len)
        memcpy(padded, plain.ptr, plain.len);
    memset(padded + plain.len, (int)pad, pad);
    return bx_str_n(padded, plain.len + pad);
}

int wa_unpad(struct bx_str *plain)
{
    size_t pad = plain->len ? (uint8_t)plain->ptr[plain->len - 1] : 0;
    if (pad == 0 || pad > plain->len)
        return BX_E_INVALID;
    plain->len -= pad;
    return BX_OK;
}
