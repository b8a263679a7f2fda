#include "wa/wire/jid.h"

#include "base/err.h"
#include "base/mem.h"

#include <stdio.h>

static const char *const names[] = {
    [WA_SERVER_NONE] = "",
    [WA_SERVER_PN] = "s.whatsapp.net",
    [WA_SERVER_LID] = "lid",
    [WA_SERVER_HOSTED] = "hosted",
    [WA_SERVER_HOSTED_LID] = "hosted.lid",
    [WA_SERVER_GROUP] = "g.us",
    [WA_SERVER_BROADCAST] = "broadcast",
    [WA_SERVER_NEWSLETTER] = "newsletter",
    [WA_SERVER_CALL] = "call",
    [WA_SERVER_BOT] = "bot",
    [WA_SERVER_LEGACY] = "c.us",
    [WA_SERVER_MSGR] = "msgr",
    [WA_SERVER_INTEROP] = "interop",
    [WA_SERVER_OTHER] = "",
};

const char *wa_server_name(enum wa_server server)
{
    return names[server];
}

enum wa_server wa_server_find(struct bx_str name)
{
    for (enum wa_server s = WA_SERVER_PN; s < WA_SERVER_OTHER; s++) {
        if (bx_str_eq(bx_str(names[s]), name))
            return s;
    }
    return WA_SERVER_OTHER;
}

struct wa_jid wa_jid_make(enum wa_server server, struct bx_str user, uint16_t device)
{
    return (struct wa_jid){
        .server = server, .device = device, .user = user, .server_name = bx_str(names[server])};
}

static bool has_agent(struct bx_str user, size_t *out_at)
{
    size_t at = user.len;
    while (at && user.ptr[at - 1] >= '0' && user.ptr[at - 1] <= '9')
        at--;
    *out_at = at - 1;
    return at > 1 && at < user.len && (user.ptr[at - 1] == '.' || user.ptr[at - 1] == '_');
}

/* "123.0" and "123_1" name an agent behind the user; the server says the same. All of a row of
 * them, so that what was parsed parses to the same again. */
static struct bx_str without_agent(struct bx_str user)
{
    size_t at;
    while (has_agent(user, &at))
        user = bx_str_slice(user, 0, at);
    return user;
}

static int parse_integrator(struct wa_jid *jid)
{
    uint64_t integrator;
    size_t dash = bx_str_find(jid->user, '-');
    if (dash == jid->user.len)
        return BX_OK;
    if (bx_str_u64(bx_str_slice(jid->user, 0, dash), UINT16_MAX, &integrator) < 0)
        return BX_E_INVALID;
    jid->integrator = (uint16_t)integrator;
    jid->user = bx_str_slice(jid->user, dash + 1, jid->user.len);
    return BX_OK;
}

int wa_jid_parse(struct bx_str text, struct wa_jid *out)
{
    size_t at = bx_str_find(text, '@');
    if (at == text.len || at + 1 == text.len || text.len > WA_JID_TEXT_MAX)
        return BX_E_INVALID;
    struct wa_jid jid = {.server_name = bx_str_slice(text, at + 1, text.len)};
    struct bx_str user = bx_str_slice(text, 0, at);
    size_t colon = bx_str_find(user, ':');
    uint64_t device = 0;
    if (colon < user.len &&
        bx_str_u64(bx_str_slice(user, colon + 1, user.len), UINT16_MAX, &device) < 0)
        return BX_E_INVALID;
    jid.server = wa_server_find(jid.server_name);
    jid.device = (uint16_t)device;
    jid.user = bx_str_slice(user, 0, colon);
    if (wa_jid_is_user(&jid))
        jid.user = without_agent(jid.user);
    if (jid.server == WA_SERVER_INTEROP && parse_integrator(&jid) < 0)
        return BX_E_INVALID;
    *out = jid;
    return BX_OK;
}

struct bx_str wa_jid_text(struct bx_arena *arena, const struct wa_jid *jid)
{
    char device[8] = "", integrator[8] = "";
    if (jid->device)
        snprintf(device, sizeof device, ":%u", jid->device);
    if (jid->server == WA_SERVER_INTEROP)
        snprintf(integrator, sizeof integrator, "%u-", jid->integrator);
    return bx_arena_printf(arena, "%s" BX_STR_FMT "%s@" BX_STR_FMT, integrator,
                           BX_STR_ARG(jid->user), device, BX_STR_ARG(jid->server_name));
}

bool wa_jid_same_user(const struct wa_jid *a, const struct wa_jid *b)
{
    return a->server == b->server && a->integrator == b->integrator &&
           bx_str_eq(a->user, b->user) && bx_str_eq(a->server_name, b->server_name);
}

bool wa_jid_equal(const struct wa_jid *a, const struct wa_jid *b)
{
    return wa_jid_same_user(a, b) && a->device == b->device;
}

bool wa_jid_is_status(const struct wa_jid *j)
{
    return j->server == WA_SERVER_BROADCAST && bx_str_is(j->user, "status");
}
