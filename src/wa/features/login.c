/* What the client says of itself when it connects, and what happens after <success>: enough
 * prekeys on the server, then active, then CONNECTED. */
#include "wa/internal.h"

#include "base/clock.h"
#include "crypto/hash.h"
#include "wa/proto/link.pb-c.h"
#include "wa/proto/pb.h"

#include <stdio.h>
#include <stdlib.h>

int wa_version_parse(struct bx_str text, uint32_t out[3])
{
    struct bx_str piece;
    uint64_t number;
    size_t n = 0;
    while (bx_str_split(&text, '.', &piece)) {
        if (n == 3 || bx_str_u64(piece, UINT32_MAX, &number) < 0)
            return BX_E_INVALID;
        out[n++] = (uint32_t)number;
    }
    return n == 3 ? BX_OK : BX_E_INVALID;
}

static Wap__AppVersion *version_of(struct bx_arena *a, const uint32_t numbers[3])
{
    Wap__AppVersion *v = WA_PB_NEW(a, Wap__AppVersion, app_version);
    WA_PB_SET(v, primary, numbers[0]);
    WA_PB_SET(v, secondary, numbers[1]);
    WA_PB_SET(v, tertiary, numbers[2]);
    return v;
}

static Wap__ClientPayload__UserAgent *user_agent(struct bx_arena *a, const uint32_t version[3])
{
    Wap__ClientPayload__UserAgent *u =
        WA_PB_NEW(a, Wap__ClientPayload__UserAgent, client_payload__user_agent);
    enum { PLATFORM_WEB = 14, CHANNEL_RELEASE = 0 };
    WA_PB_SET(u, platform, PLATFORM_WEB);
    WA_PB_SET(u, release_channel, CHANNEL_RELEASE);
    u->app_version = version_of(a, version);
    u->mcc = u->mnc = (char *)(uintptr_t) "000";
    u->os_version = u->os_build_number = (char *)(uintptr_t) "0.1";
    u->device = (char *)(uintptr_t) "Desktop";
    u->locale_language = (char *)(uintptr_t) "en";
    u->locale_country = (char *)(uintptr_t) "US";
    return u;
}

static struct bx_str device_props(struct bx_arena *a, const struct wa_client *c)
{
    static const uint32_t os_version[3] = {10, 15, 7};
    enum { PLATFORM_CHROME = 1, QUOTA_MB = 10240 };
    Wap__DeviceProps *p = WA_PB_NEW(a, Wap__DeviceProps, device_props);
    Wap__DeviceProps__HistorySyncConfig *h =
        WA_PB_NEW(a, Wap__DeviceProps__HistorySyncConfig, device_props__history_sync_config);
    p->os = c->os;
    p->version = version_of(a, os_version);
    WA_PB_SET(p, platform_type, PLATFORM_CHROME);
    WA_PB_SET(p, require_full_sync, c->opts.is_full_history);
    WA_PB_SET(h, storage_quota_mb, QUOTA_MB);
    WA_PB_SET(h, inline_initial_payload, true);
    WA_PB_SET(h, support_group_history, true);
    WA_PB_SET(h, support_message_association, true);
    p->history_sync_config = h;
    return wa_pb_pack(p, a);
}

static struct bx_str be_bytes(struct bx_arena *a, uint32_t value, size_t width)
{
    uint8_t *out = bx_arena_alloc(a, width);
    for (size_t i = 0; i < width; i++)
        out[i] = (uint8_t)(value >> (8 * (width - 1 - i)));
    return bx_str_n(out, width);
}

static Wap__ClientPayload__Registration *registration(struct bx_arena *a, const struct wa_client *c,
                                                      const struct wa_creds *creds)
{
    Wap__ClientPayload__Registration *r =
        WA_PB_NEW(a, Wap__ClientPayload__Registration, client_payload__registration);
    uint8_t *hash = bx_arena_alloc(a, CR_MD5_SIZE);
    cr_md5(bx_str(c->version), hash);
    WA_PB_SET_BYTES(r, registration_id, be_bytes(a, creds->self.registration_id, 4));
    WA_PB_SET_BYTES(r, key_type, be_bytes(a, 5, 1));
    WA_PB_SET_BYTES(r, identity, bx_str_n(creds->self.identity.pub, CR_CURVE_KEY_SIZE));
    WA_PB_SET_BYTES(r, signed_prekey_id, be_bytes(a, creds->signed_prekey.id, 3));
    WA_PB_SET_BYTES(r, signed_prekey, bx_str_n(creds->signed_prekey.pub, CR_CURVE_KEY_SIZE));
    WA_PB_SET_BYTES(r, signed_prekey_signature,
                    bx_str_n(creds->signed_prekey.signature, CR_SIGNATURE_SIZE));
    WA_PB_SET_BYTES(r, build_hash, bx_str_n(hash, CR_MD5_SIZE));
    WA_PB_SET_BYTES(r, device_props, device_props(a, c));
    return r;
}

int wa_login_payload(const struct wa_client *c, const struct wa_creds *creds, struct bx_buf *out)
{
    struct bx_arena arena;
    uint32_t version[3];
    int rc = wa_version_parse(bx_str(c->version), version);
    if (rc < 0)
        return rc;
    bx_arena_init(&arena, 0);
    Wap__ClientPayload *p = WA_PB_NEW(&arena, Wap__ClientPayload, client_payload);
    Wap__ClientPayload__WebInfo *web =
        WA_PB_NEW(&arena, Wap__ClientPayload__WebInfo, client_payload__web_info);
    bool is_login = wa_creds_is_linked(creds);
    enum { SUB_PLATFORM_WIN = 4, WIFI_UNKNOWN = 1, USER_ACTIVATED = 1 };
    WA_PB_SET(web, web_sub_platform, SUB_PLATFORM_WIN);
    p->web_info = web;
    p->user_agent = user_agent(&arena, version);
    p->push_name = c->push_name;
    WA_PB_SET(p, connect_type, WIFI_UNKNOWN);
    WA_PB_SET(p, connect_reason, USER_ACTIVATED);
    WA_PB_SET(p, passive, is_login);
    WA_PB_SET(p, pull, is_login);
    if (is_login) {
        struct wa_jid me = wa_me(creds);
        uint64_t number = 0;
        rc = bx_str_u64(me.user, UINT64_MAX, &number);
        WA_PB_SET(p, username, number);
        WA_PB_SET(p, device, me.device);
        WA_PB_SET(p, lid_db_migrated, true);
        WA_PB_SET(p, lc, 1);
    } else {
        p->registration = registration(&arena, c, creds);
    }
    if (rc >= 0)
        rc = wa_pb_append(p, out);
    bx_arena_done(&arena);
    return rc;
}

/* --- after <success> --- */

static void on_active(struct wa_client *c, struct wa_node *answer, struct bx_arena **arena, int rc,
                      void *arg)
{
    (void)answer, (void)arena, (void)arg;
    if (rc == BX_E_CLOSED)
        return;
    if (rc == BX_E_TIMEOUT)
        wa_client_end(c, wa_ending_of_rc(rc));
    else
        wa_client_connected(c);
}

static void go_active(struct wa_client *c)
{
    struct bx_arena arena;
    bx_arena_init(&arena, 0);
    struct wa_node *iq = WA_NODE(&arena, "iq", wa_to("to", WA_SERVER_JID), wa_lit("type", "set"),
                                 wa_lit("xmlns", "passive"));
    wa_node_add(iq, wa_node_new(&arena, "active"));
    wa_request_send(c, iq, 0, on_active, NULL);
    bx_arena_done(&arena);
}

static void say_session(struct wa_client *c)
{
    enum { DAY_MS = 86400000 };
    struct bx_arena arena;
    int64_t id = (bx_wall_ms() + c->clock_offset_ms + 3 * (int64_t)DAY_MS) % (7 * (int64_t)DAY_MS);
    bx_arena_init(&arena, 0);
    struct wa_node *ib = wa_node_new(&arena, "ib");
    wa_node_add(ib, WA_NODE(&arena, "unified_session", wa_num("id", id)));
    wa_send_node(c, ib);
    bx_arena_done(&arena);
}

void wa_login_success(struct wa_client *c, const struct wa_node *node)
{
    uint64_t t = wa_node_attr_u64_or(node, "t", 0);
    if (t && t < UINT32_MAX)
        c->clock_offset_ms = (int64_t)t * 1000 - bx_wall_ms();
    c->is_logged_in = true;
    c->ping_due_ms = net_loop_now_ms(c->loop) + 20000;
    say_session(c);
    wa_prekeys_check(c, go_active);
}
