/* Lane: which devices a person has (usync, cached until a notification or a day passes) and their
 * key bundles. A stored list is "seconds,id,id,...". */
#include "wa/internal.h"

#include "base/clock.h"
#include "wa/proto/pb.h"

#include <inttypes.h>

enum { MAX_AGE_S = 24 * 3600, MAX_DEVICES = 256 };

/* The list of a person is stored once: under the LID when that is known. */
static int list_key(struct wa_job *job, const struct wa_jid *user, struct bx_str *out)
{
    struct wa_jid jid = wa_jid_without_device(*user);
    struct bx_str lid;
    int rc = BX_E_NOT_FOUND;
    if (wa_jid_is_pn(user))
        rc = wa_signal_lid_of(job->signal, user->user, &job->out, &lid);
    if (rc == BX_OK)
        jid = wa_jid_make(WA_SERVER_LID, lid, 0);
    *out = wa_jid_text(&job->out, &jid);
    return rc == BX_E_NOT_FOUND ? BX_OK : rc;
}

static int load(struct wa_job *job, const struct wa_jid *user, uint64_t *out_at_s,
                struct wa_device_list *out)
{
    struct bx_str key, stored, piece;
    uint64_t number;
    int rc = list_key(job, user, &key);
    if (rc >= 0)
        rc = job->ks->ops->get(job->ks->ctx, WA_KEY_DEVICES, key, &job->out, &stored);
    if (rc < 0)
        return rc;
    if (!bx_str_split(&stored, ',', &piece) || bx_str_u64(piece, UINT64_MAX, out_at_s) < 0)
        return BX_E_NOT_FOUND;
    *out = (struct wa_device_list){bx_arena_alloc(&job->out, MAX_DEVICES * sizeof *out->ids), 0};
    while (out->count < MAX_DEVICES && bx_str_split(&stored, ',', &piece)) {
        if (bx_str_u64(piece, UINT16_MAX, &number) == BX_OK)
            out->ids[out->count++] = (uint16_t)number;
    }
    return BX_OK;
}

int wa_devices_get(struct wa_job *job, const struct wa_jid *user, struct wa_device_list *out)
{
    uint64_t at_s = 0;
    int rc = load(job, user, &at_s, out);
    if (rc >= 0 && at_s + MAX_AGE_S < (uint64_t)bx_wall_ms() / 1000)
        rc = BX_E_NOT_FOUND;
    return rc;
}

int wa_devices_drop(struct wa_job *job, const struct wa_jid *user)
{
    struct bx_str key;
    int rc = list_key(job, user, &key);
    return rc < 0 ? rc : job->ks->ops->del(job->ks->ctx, WA_KEY_DEVICES, key);
}

static int store(struct wa_job *job, const struct wa_jid *user, const struct wa_device_list *list)
{
    struct bx_str key;
    struct bx_buf text;
    int rc = list_key(job, user, &key);
    if (rc < 0)
        return rc;
    bx_buf_init(&text, 0);
    bx_buf_printf(&text, "%" PRId64, bx_wall_ms() / 1000);
    for (size_t i = 0; i < list->count; i++)
        bx_buf_printf(&text, ",%u", list->ids[i]);
    rc = job->ks->ops->put(job->ks->ctx, WA_KEY_DEVICES, key, bx_buf_view(&text));
    bx_buf_done(&text);
    return rc;
}

static int learn_user(struct wa_job *job, const struct wa_node *user)
{
    struct wa_jid jid, lid, pn;
    if (wa_node_attr_jid(user, "jid", &jid) < 0)
        return BX_OK;
    int rc = BX_OK;
    if (wa_node_attr_jid(user, "pn_jid", &pn) == BX_OK)
        rc = wa_learn_pair(job, &jid, &pn);
    const struct wa_node *l = wa_node_child(user, "lid");
    if (rc >= 0 && l && wa_node_attr_jid(l, "val", &lid) == BX_OK)
        rc = wa_learn_pair(job, &jid, &lid);
    return rc;
}

static int apply_user(struct wa_job *job, const struct wa_node *user)
{
    struct wa_jid jid;
    uint64_t id;
    int rc = learn_user(job, user);
    const struct wa_node *devices = wa_node_child(user, "devices");
    if (rc < 0 || !devices || wa_node_attr_jid(user, "jid", &jid) < 0)
        return rc;
    struct wa_device_list list = {bx_arena_alloc(&job->out, MAX_DEVICES * sizeof *list.ids), 0};
    WA_EACH_CHILD(wa_node_child(devices, "device-list"), "device", d)
    {
        if (wa_node_attr_u64(d, "id", &id) < 0 || id > UINT16_MAX || list.count == MAX_DEVICES)
            continue;
        bool is_usable = id == 0 || wa_node_has(d, "key-index");
        if (is_usable && !wa_node_attr_is(d, "is_hosted", "true"))
            list.ids[list.count++] = (uint16_t)id;
    }
    return store(job, &jid, &list);
}

int wa_devices_apply(struct wa_job *job, const struct wa_node *iq)
{
    int rc = BX_OK;
    WA_EACH_CHILD(wa_node_child(wa_node_child(iq, "usync"), "list"), "user", user)
    {
        if (rc >= 0)
            rc = apply_user(job, user);
    }
    return rc;
}

struct wa_node *wa_usync_iq(struct bx_arena *a, const struct bx_str *users, size_t count)
{
    uint8_t random[8];
    char sid[17];
    bx_random(random, sizeof random);
    bx_hex_encode(random, sizeof random, sid);
    struct wa_node *iq = WA_NODE(a, "iq", wa_to("to", WA_SERVER_JID), wa_lit("type", "get"),
                                 wa_lit("xmlns", "usync"));
    struct wa_node *usync =
        wa_node_add(iq, WA_NODE(a, "usync", wa_str("sid", bx_arena_str(a, bx_str(sid))),
                                wa_lit("mode", "query"), wa_lit("last", "true"), wa_num("index", 0),
                                wa_lit("context", "message")));
    struct wa_node *query = wa_node_add(usync, wa_node_new(a, "query"));
    wa_node_add(query, WA_NODE(a, "devices", wa_num("version", 2)));
    wa_node_add(query, wa_node_new(a, "lid"));
    struct wa_node *list = wa_node_add(usync, wa_node_new(a, "list"));
    for (size_t i = 0; i < count; i++)
        wa_node_add(list, WA_NODE(a, "user", wa_to("jid", users[i])));
    return iq;
}

struct wa_node *wa_account_iq(struct bx_arena *a, struct bx_str digits)
{
    struct wa_node *iq = wa_usync_iq(a, NULL, 0), *usync = wa_node_child(iq, "usync");
    wa_node_set(usync, wa_lit("context", "interactive"));
    wa_node_add(wa_node_child(usync, "query"), wa_node_new(a, "contact"));
    struct wa_node *user = wa_node_add(wa_node_child(usync, "list"), wa_node_new(a, "user"));
    wa_node_bytes(wa_node_add(user, wa_node_new(a, "contact")),
                  bx_arena_printf(a, "+" BX_STR_FMT, BX_STR_ARG(digits)));
    return iq;
}

/* --- bundles --- */

static int key_parse(const struct wa_node *n, bool is_signed, struct wa_prekey *out)
{
    uint64_t id;
    if (!n || !wa_node_child(n, "id") || !wa_node_child(n, "value") ||
        wa_node_data_be(wa_node_child(n, "id"), 3, &id) < 0 ||
        wa_node_data_exact(wa_node_child(n, "value"), out->pub, sizeof out->pub) < 0)
        return BX_E_INVALID;
    out->id = (uint32_t)id;
    if (!is_signed)
        return BX_OK;
    const struct wa_node *signature = wa_node_child(n, "signature");
    return signature ? wa_node_data_exact(signature, out->signature, sizeof out->signature)
                     : BX_E_INVALID;
}

int wa_bundle_parse(const struct wa_node *user, struct wa_bundle *out)
{
    uint64_t registration;
    const struct wa_node *r = wa_node_child(user, "registration"),
                         *identity = wa_node_child(user, "identity");
    *out = (struct wa_bundle){0};
    if (!r || !identity || wa_node_data_be(r, 4, &registration) < 0 ||
        wa_node_data_exact(identity, out->identity, sizeof out->identity) < 0)
        return BX_E_INVALID;
    out->registration_id = (uint32_t)registration;
    int rc = key_parse(wa_node_child(user, "skey"), true, &out->signed_prekey);
    if (rc >= 0 && wa_node_child(user, "key"))
        rc = key_parse(wa_node_child(user, "key"), false, &out->prekey);
    return rc;
}

static int apply_bundle(struct wa_job *job, const struct wa_node *user)
{
    struct wa_jid jid;
    struct wa_bundle bundle;
    bool is_changed = false;
    if (wa_node_attr_jid(user, "jid", &jid) < 0 || wa_node_child(user, "error") ||
        wa_bundle_parse(user, &bundle) < 0)
        return BX_OK; /* that device is left out */
    int rc = wa_session_start(job->signal, &jid, &bundle, &is_changed);
    if (rc == BX_E_CRYPTO || rc == BX_E_INVALID)
        return BX_OK;
    if (rc >= 0 && is_changed)
        rc = wa_peer_of(job, &jid, &wa_job_event(job, WA_EVENT_IDENTITY_CHANGED)->contact.person);
    return rc;
}

int wa_bundles_apply(struct wa_job *job, const struct wa_node *iq)
{
    int rc = BX_OK;
    WA_EACH_CHILD(wa_node_child(iq, "list"), "user", user)
    {
        if (rc >= 0)
            rc = apply_bundle(job, user);
    }
    return rc;
}

struct wa_node *wa_bundles_iq(struct bx_arena *a, const struct bx_str *jids, size_t count)
{
    struct wa_node *iq = WA_NODE(a, "iq", wa_to("to", WA_SERVER_JID), wa_lit("type", "get"),
                                 wa_lit("xmlns", "encrypt"));
    struct wa_node *key = wa_node_add(iq, wa_node_new(a, "key"));
    for (size_t i = 0; i < count; i++)
        wa_node_add(key, WA_NODE(a, "user", wa_to("jid", jids[i])));
    return iq;
}

/* --- notifications --- */

static int sender_key_forget(struct wa_job *job, const struct wa_jid *device)
{
    /* A device that comes or goes: groups see it when they compare their lists. */
    return wa_session_delete(job->signal, device);
}

int wa_on_devices_notification(struct wa_job *job, const struct wa_node *n)
{
    struct wa_jid from, lid, device;
    if (wa_node_attr_jid(n, "from", &from) < 0 || !wa_jid_is_user(&from))
        return BX_OK;
    int rc = wa_learn_attrs(job, n, "from", "lid");
    if (rc >= 0)
        rc = wa_devices_drop(job, &from);
    if (rc >= 0 && wa_node_attr_jid(n, "lid", &lid) == BX_OK)
        rc = wa_devices_drop(job, &lid);
    WA_EACH_CHILD(wa_node_child(n, "remove"), "device", d)
    {
        if (rc >= 0 && wa_node_attr_jid(d, "jid", &device) == BX_OK)
            rc = sender_key_forget(job, &device);
    }
    return rc;
}
