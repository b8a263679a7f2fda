#include "wa/signal/secret.h"

#include "base/err.h"
#include "crypto/aead.h"
#include "crypto/hkdf.h"

static const struct {
    const char *name;
    bool has_aad;
} uses[WA_SECRET_USES] = {
    [WA_SECRET_POLL_VOTE] = {"Poll Vote", true},
    [WA_SECRET_EVENT_RESPONSE] = {"Event Response", true},
    [WA_SECRET_REACTION] = {"Enc Reaction", false},
    [WA_SECRET_COMMENT] = {"Enc Comment", false},
    [WA_SECRET_EVENT_EDIT] = {"Event Edit", false},
    [WA_SECRET_MESSAGE_EDIT] = {"Message Edit", false},
    [WA_SECRET_POLL_EDIT] = {"Poll Edit", false},
};

const char *wa_secret_name(enum wa_secret_use use)
{
    return uses[use].name;
}

/* Key and additional data of one answer. */
static struct bx_str derive(const struct wa_secret *s, uint8_t key[CR_KEY_SIZE],
                            struct bx_arena *arena)
{
    struct bx_str info =
        bx_arena_printf(arena, BX_STR_FMT BX_STR_FMT BX_STR_FMT "%s", BX_STR_ARG(s->message_id),
                        BX_STR_ARG(s->original_jid), BX_STR_ARG(s->sender_jid), uses[s->use].name);
    cr_hkdf_sha256(BX_STR(""), bx_str_n(s->secret, 32), info, key, CR_KEY_SIZE);
    if (!uses[s->use].has_aad)
        return BX_STR("");
    return bx_arena_printf(arena, BX_STR_FMT "%c" BX_STR_FMT, BX_STR_ARG(s->message_id), 0,
                           BX_STR_ARG(s->sender_jid));
}

struct bx_str wa_secret_seal(const struct wa_secret *s, const uint8_t iv[12], struct bx_str plain,
                             struct bx_arena *arena)
{
    uint8_t key[CR_KEY_SIZE], *out = bx_arena_alloc(arena, plain.len + CR_GCM_TAG_SIZE);
    struct bx_str aad = derive(s, key, arena);
    cr_gcm_seal(key, iv, aad, plain, out);
    return bx_str_n(out, plain.len + CR_GCM_TAG_SIZE);
}

int wa_secret_open(const struct wa_secret *s, struct bx_str iv, struct bx_str sealed,
                   struct bx_arena *arena, struct bx_str *out_plain)
{
    uint8_t key[CR_KEY_SIZE];
    if (iv.len != CR_GCM_IV_SIZE || sealed.len < CR_GCM_TAG_SIZE)
        return BX_E_INVALID;
    uint8_t *plain = bx_arena_try_alloc(arena, sealed.len);
    if (!plain)
        return BX_E_TOO_BIG;
    struct bx_str aad = derive(s, key, arena);
    int rc = cr_gcm_open(key, (const uint8_t *)iv.ptr, aad, sealed, plain);
    if (rc >= 0)
        *out_plain = bx_str_n(plain, sealed.len - CR_GCM_TAG_SIZE);
    return rc;
}
