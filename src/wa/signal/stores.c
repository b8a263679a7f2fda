/* libomemo-c's stores over the keystore. */
#include "base/err.h"
#include "wa/signal/glue.h"

#include <stdio.h>

enum { SCRATCH_MAX = 16 << 20 };

/* Remembers the failure for wa_signal_error; libomemo-c has no number for it. */
static int failed(struct wa_signal *s, int rc)
{
    if (s->store_rc == BX_OK)
        s->store_rc = rc;
    return SG_ERR_UNKNOWN;
}

/* 1 found, 0 absent, negative. */
static int load(struct wa_signal *s, enum wa_key_kind kind, struct bx_str key, signal_buffer **out)
{
    struct bx_arena arena;
    struct bx_str value;
    bx_arena_init(&arena, SCRATCH_MAX);
    int rc = s->keystore->ops->get(s->keystore->ctx, kind, key, &arena, &value);
    signal_buffer *copy =
        rc < 0 ? NULL : signal_buffer_create((const uint8_t *)value.ptr, value.len);
    bx_arena_done(&arena);
    if (rc == BX_E_NOT_FOUND)
        return 0;
    if (rc < 0)
        return failed(s, rc);
    if (!copy)
        return SG_ERR_NOMEM;
    *out = copy;
    return 1;
}

static int save(struct wa_signal *s, enum wa_key_kind kind, struct bx_str key, const uint8_t *data,
                size_t len)
{
    int rc = s->keystore->ops->put(s->keystore->ctx, kind, key, bx_str_n(data, len));
    return rc < 0 ? failed(s, rc) : 0;
}

static int drop(struct wa_signal *s, enum wa_key_kind kind, struct bx_str key)
{
    int rc = s->keystore->ops->del(s->keystore->ctx, kind, key);
    return rc < 0 ? failed(s, rc) : 0;
}

static struct bx_str address_key(const signal_protocol_address *a, char room[WA_ADDRESS_MAX + 16])
{
    int n = snprintf(room, WA_ADDRESS_MAX + 16, "%.*s.%d", (int)a->name_len, a->name, a->device_id);
    BX_ASSERT(n > 0 && n < WA_ADDRESS_MAX + 16);
    return bx_str_n(room, (size_t)n);
}

static int session_load(signal_buffer **record, signal_buffer **user_record,
                        const signal_protocol_address *address, void *user)
{
    char room[WA_ADDRESS_MAX + 16];
    struct wa_signal *s = user;
    struct bx_str at = address_key(address, room), joined;
    struct bx_arena arena;
    (void)user_record;
    int found = load(s, WA_KEY_SESSION, at, record);
    if (found <= 0)
        return found;
    bx_arena_init(&arena, SCRATCH_MAX);
    int rc = wa_skipped_join(&s->skipped, s->keystore, WA_SKIPPED_SESSION, at,
                             wa_signal_view(*record), &arena, &joined);
    if (rc >= 0 && s->skipped.is_joined) {
        signal_buffer_bzero_free(*record);
        *record = signal_buffer_create((const uint8_t *)joined.ptr, joined.len);
        found = *record ? 1 : SG_ERR_NOMEM;
    }
    bx_arena_done(&arena);
    return rc < 0 ? failed(s, rc) : found;
}

static int session_store(const signal_protocol_address *address, uint8_t *record, size_t len,
                         uint8_t *user_record, size_t user_len, void *user)
{
    char room[WA_ADDRESS_MAX + 16];
    struct wa_signal *s = user;
    struct bx_str at = address_key(address, room), split;
    struct bx_arena arena;
    (void)user_record;
    (void)user_len;
    bx_arena_init(&arena, SCRATCH_MAX);
    int rc = wa_skipped_split(&s->skipped, s->keystore, WA_SKIPPED_SESSION, at,
                              bx_str_n(record, len), &arena, &split);
    int sg =
        rc < 0 ? failed(s, rc) : save(s, WA_KEY_SESSION, at, (const uint8_t *)split.ptr, split.len);
    bx_arena_done(&arena);
    return sg;
}

static int session_contains(const signal_protocol_address *address, void *user)
{
    char room[WA_ADDRESS_MAX + 16];
    signal_buffer *record = NULL;
    int found = load(user, WA_KEY_SESSION, address_key(address, room), &record);
    signal_buffer_bzero_free(record);
    return found;
}

static int session_delete(const signal_protocol_address *address, void *user)
{
    char room[WA_ADDRESS_MAX + 16];
    return drop(user, WA_KEY_SESSION, address_key(address, room));
}

static int prekey_load(signal_buffer **record, uint32_t id, void *user)
{
    char room[16];
    int found = load(user, WA_KEY_PREKEY, wa_signal_id_key(id, room), record);
    return found > 0 ? SG_SUCCESS : found < 0 ? found : SG_ERR_INVALID_KEY_ID;
}

static int prekey_store(uint32_t id, uint8_t *record, size_t len, void *user)
{
    char room[16];
    return save(user, WA_KEY_PREKEY, wa_signal_id_key(id, room), record, len);
}

static int prekey_contains(uint32_t id, void *user)
{
    signal_buffer *record = NULL;
    int rc = prekey_load(&record, id, user);
    signal_buffer_bzero_free(record);
    return rc == SG_SUCCESS;
}

static int prekey_remove(uint32_t id, void *user)
{
    char room[16];
    return drop(user, WA_KEY_PREKEY, wa_signal_id_key(id, room));
}

static int signed_load(signal_buffer **record, uint32_t id, void *user)
{
    char room[16];
    int found = load(user, WA_KEY_SIGNED_PREKEY, wa_signal_id_key(id, room), record);
    return found > 0 ? SG_SUCCESS : found < 0 ? found : SG_ERR_INVALID_KEY_ID;
}

static int signed_store(uint32_t id, uint8_t *record, size_t len, void *user)
{
    char room[16];
    return save(user, WA_KEY_SIGNED_PREKEY, wa_signal_id_key(id, room), record, len);
}

static int signed_contains(uint32_t id, void *user)
{
    signal_buffer *record = NULL;
    int rc = signed_load(&record, id, user);
    signal_buffer_bzero_free(record);
    return rc == SG_SUCCESS;
}

static int signed_remove(uint32_t id, void *user)
{
    char room[16];
    return drop(user, WA_KEY_SIGNED_PREKEY, wa_signal_id_key(id, room));
}

static int own_pair(signal_buffer **out_pub, signal_buffer **out_priv, void *user)
{
    struct wa_signal *s = user;
    uint8_t typed[1 + CR_CURVE_KEY_SIZE] = {5};
    memcpy(typed + 1, s->self.identity.pub, CR_CURVE_KEY_SIZE);
    *out_pub = signal_buffer_create(typed, sizeof typed);
    *out_priv = signal_buffer_create(s->self.identity.priv, CR_CURVE_KEY_SIZE);
    return *out_pub && *out_priv ? 0 : SG_ERR_NOMEM;
}

static int own_registration(void *user, uint32_t *out)
{
    struct wa_signal *s = user;
    *out = s->self.registration_id;
    return 0;
}

static int identity_put(struct wa_signal *s, struct bx_str at, const uint8_t *key, size_t len)
{
    signal_buffer *known = NULL;
    int found = load(s, WA_KEY_IDENTITY, at, &known);
    bool is_same = found > 0 && bx_str_eq(wa_signal_view(known), bx_str_n(key, len));
    if (found > 0 && !is_same)
        s->identity_changed = true;
    signal_buffer_free(known);
    return found < 0 ? found : is_same ? 0 : save(s, WA_KEY_IDENTITY, at, key, len);
}

static int identity_save(const signal_protocol_address *address, uint8_t *key, size_t len,
                         void *user)
{
    char room[WA_ADDRESS_MAX + 16];
    struct wa_signal *s = user;
    struct bx_str at = address_key(address, room);
    if (!key)
        return drop(s, WA_KEY_IDENTITY, at);
    if (!s->holds_identity)
        return identity_put(s, at, key, len);
    signal_buffer_free(s->held_identity);
    s->held_identity = signal_buffer_create(key, len);
    bx_str_copy(at, s->held_at, sizeof s->held_at);
    return s->held_identity ? 0 : SG_ERR_NOMEM;
}

void wa_signal_identity_hold(struct wa_signal *s)
{
    s->holds_identity = true;
}

int wa_signal_identity_release(struct wa_signal *s, bool is_proven)
{
    signal_buffer *key = s->held_identity;
    s->holds_identity = false;
    s->held_identity = NULL;
    int sg = is_proven && key ? identity_put(s, bx_str(s->held_at), signal_buffer_data(key),
                                             signal_buffer_len(key))
                              : 0;
    signal_buffer_free(key);
    return sg;
}

/* WhatsApp's clients trust a changed key and tell the user; so do we. */
static int identity_is_trusted(const signal_protocol_address *address, uint8_t *key, size_t len,
                               void *user)
{
    (void)address;
    (void)key;
    (void)len;
    (void)user;
    return 1;
}

int wa_signal_install_stores(struct wa_signal *s)
{
    signal_protocol_session_store sessions = {.load_session_func = session_load,
                                              .store_session_func = session_store,
                                              .contains_session_func = session_contains,
                                              .delete_session_func = session_delete,
                                              .user_data = s};
    signal_protocol_pre_key_store prekeys = {.load_pre_key = prekey_load,
                                             .store_pre_key = prekey_store,
                                             .contains_pre_key = prekey_contains,
                                             .remove_pre_key = prekey_remove,
                                             .user_data = s};
    signal_protocol_signed_pre_key_store signed_prekeys = {.load_signed_pre_key = signed_load,
                                                           .store_signed_pre_key = signed_store,
                                                           .contains_signed_pre_key =
                                                               signed_contains,
                                                           .remove_signed_pre_key = signed_remove,
                                                           .user_data = s};
    signal_protocol_identity_key_store identities = {.get_identity_key_pair = own_pair,
                                                     .get_local_registration_id = own_registration,
                                                     .save_identity = identity_save,
                                                     .is_trusted_identity = identity_is_trusted,
                                                     .user_data = s};
    int rc = signal_protocol_store_context_create(&s->stores, s->context);
    if (rc < 0)
        return rc;
    signal_protocol_store_context_set_session_store(s->stores, &sessions);
    signal_protocol_store_context_set_pre_key_store(s->stores, &prekeys);
    signal_protocol_store_context_set_signed_pre_key_store(s->stores, &signed_prekeys);
    signal_protocol_store_context_set_identity_key_store(s->stores, &identities);
    return 0;
}
