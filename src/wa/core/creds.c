#include "wa/core/creds.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "crypto/hash.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Stored form: a version byte, then each field of this table with a two-byte length. */
enum { FORMAT = 1, STORED_MAX = 4096 };

#define FIELD(member)                                                                              \
    {                                                                                              \
        offsetof(struct wa_creds, member), sizeof(((struct wa_creds *)0)->member)                  \
    }
static const struct {
    size_t offset, size;
} fields[] = {
    FIELD(noise),         FIELD(self.identity), FIELD(self.registration_id),
    FIELD(signed_prekey), FIELD(adv_secret),    FIELD(jid),
    FIELD(lid),           FIELD(platform),      FIELD(business_name),
    FIELD(account),       FIELD(account_len),
};

/* Zeros at the end of a field are not stored. */
static size_t used_of(const uint8_t *at, size_t size)
{
    while (size && at[size - 1] == 0)
        size--;
    return size;
}

static size_t serialise(const struct wa_creds *c, uint8_t out[STORED_MAX])
{
    size_t len = 0;
    out[len++] = FORMAT;
    for (size_t i = 0; i < BX_LEN(fields); i++) {
        const uint8_t *at = (const uint8_t *)c + fields[i].offset;
        size_t used = used_of(at, fields[i].size);
        out[len++] = (uint8_t)(used >> 8);
        out[len++] = (uint8_t)used;
        memcpy(out + len, at, used);
        len += used;
    }
    return len;
}

static int parse(struct bx_str stored, struct wa_creds *c)
{
    const uint8_t *at = (const uint8_t *)stored.ptr, *end = at + stored.len;
    if (stored.len < 1 || *at++ != FORMAT)
        return BX_E_VERSION;
    for (size_t i = 0; i < BX_LEN(fields); i++) {
        if (end - at < 2)
            return BX_E_CORRUPT;
        size_t used = (size_t)at[0] << 8 | at[1];
        at += 2;
        if ((size_t)(end - at) < used || used > fields[i].size)
            return BX_E_CORRUPT;
        memcpy((uint8_t *)c + fields[i].offset, at, used);
        at += used;
    }
    bool is_sound = c->account_len <= sizeof c->account && !c->jid[sizeof c->jid - 1] &&
                    !c->lid[sizeof c->lid - 1] && !c->platform[sizeof c->platform - 1] &&
                    !c->business_name[sizeof c->business_name - 1];
    return is_sound ? BX_OK : BX_E_CORRUPT;
}

static int create(const struct wa_keystore *ks, struct wa_creds *c)
{
    cr_keypair_generate(&c->noise);
    wa_signal_self_generate(&c->self);
    bx_random(c->adv_secret, sizeof c->adv_secret);
    struct wa_signal *signal = wa_signal_new(ks, &c->self);
    int rc = wa_signed_prekey_generate(signal, 1, bx_wall_ms(), &c->signed_prekey);
    wa_signal_free(signal);
    if (rc >= 0)
        rc = wa_self_put_u64(ks, "signed_prekey", 1);
    if (rc >= 0)
        rc = wa_self_put_u64(ks, "signed_prekey_ms", (uint64_t)bx_wall_ms());
    return rc < 0 ? rc : wa_creds_store(ks, c);
}

static int load(const struct wa_keystore *ks, struct wa_creds *c)
{
    struct bx_arena arena;
    struct bx_str stored;
    bx_arena_init(&arena, 1 << 16);
    int rc = wa_self_get(ks, "creds", &arena, &stored);
    if (rc >= 0) {
        rc = parse(stored, c);
        cr_wipe((char *)(uintptr_t)stored.ptr, stored.len);
    }
    bx_arena_done(&arena);
    return rc;
}

static int make(int (*fill)(const struct wa_keystore *ks, struct wa_creds *c),
                const struct wa_keystore *ks, struct wa_creds **out)
{
    struct wa_creds *c = BX_NEW(struct wa_creds);
    c->refs = 1;
    int rc = fill(ks, c);
    if (rc < 0)
        wa_creds_unref(c);
    else
        *out = c;
    return rc;
}

int wa_creds_load(const struct wa_keystore *ks, struct wa_creds **out)
{
    return make(load, ks, out);
}

int wa_creds_open(const struct wa_keystore *ks, struct wa_creds **out)
{
    int rc = make(load, ks, out);
    return rc == BX_E_NOT_FOUND ? make(create, ks, out) : rc;
}

int wa_creds_store(const struct wa_keystore *ks, const struct wa_creds *c)
{
    uint8_t stored[STORED_MAX];
    size_t len = serialise(c, stored);
    int rc = wa_self_put(ks, "creds", bx_str_n(stored, len));
    cr_wipe(stored, sizeof stored);
    return rc;
}

int wa_creds_drop(const struct wa_keystore *ks)
{
    return ks->ops->del(ks->ctx, WA_KEY_SELF, BX_STR("creds"));
}

struct wa_creds *wa_creds_ref(struct wa_creds *c)
{
    if (c)
        c->refs++;
    return c;
}

void wa_creds_unref(struct wa_creds *c)
{
    if (!c || --c->refs)
        return;
    cr_wipe(c, sizeof *c);
    free(c);
}

int wa_self_get(const struct wa_keystore *ks, const char *name, struct bx_arena *arena,
                struct bx_str *out)
{
    return ks->ops->get(ks->ctx, WA_KEY_SELF, bx_str(name), arena, out);
}

int wa_self_put(const struct wa_keystore *ks, const char *name, struct bx_str value)
{
    return ks->ops->put(ks->ctx, WA_KEY_SELF, bx_str(name), value);
}

int wa_self_get_u64(const struct wa_keystore *ks, const char *name, uint64_t fallback,
                    uint64_t *out)
{
    struct bx_arena arena;
    struct bx_str text;
    bx_arena_init(&arena, 4096);
    int rc = wa_self_get(ks, name, &arena, &text);
    if (rc == BX_E_NOT_FOUND) {
        *out = fallback;
        rc = BX_OK;
    } else if (rc >= 0 && bx_str_u64(text, UINT64_MAX, out) < 0) {
        rc = BX_E_CORRUPT;
    }
    bx_arena_done(&arena);
    return rc;
}

int wa_self_put_u64(const struct wa_keystore *ks, const char *name, uint64_t value)
{
    char text[24];
    int len = snprintf(text, sizeof text, "%" PRIu64, value);
    return wa_self_put(ks, name, bx_str_n(text, (size_t)len));
}
