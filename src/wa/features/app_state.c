/* What the phone says about chats and contacts (protocol map 9.2): five collections of encrypted
 * changes. Fetched when the keys arrive and whenever the server says that one has moved on. */
#include "wa/internal.h"

#include "base/clock.h"
#include "wa/proto/pb.h"
#include "wa/signal/app_state.h"
#include "wa/signal/media_crypto.h"

#include <stdio.h>

enum { MAX_KEY_ID = 64, MAX_BLOB = 64 << 20, STATE_SIZE = 8 + WA_LTHASH_SIZE };

const char *const wa_collection_names[WA_COLLECTIONS] = {"critical_block", "critical_unblock_low",
                                                         "regular_high", "regular_low", "regular"};

int wa_collection_find(struct bx_str name)
{
    for (int i = 0; i < WA_COLLECTIONS; i++) {
        if (bx_str_eq(name, bx_str(wa_collection_names[i])))
            return i;
    }
    return -1;
}

/* --- keys --- */

int wa_app_keys_store(struct wa_job *job, const Wap__AppStateSyncKeyShare *share)
{
    int rc = BX_OK;
    char hex[2 * MAX_KEY_ID + 1];
    for (size_t i = 0; i < share->n_keys && rc >= 0; i++) {
        const Wap__AppStateSyncKey *k = share->keys[i];
        if (!k->key_id || !k->key_data || k->key_id->key_id.len == 0 ||
            k->key_id->key_id.len > MAX_KEY_ID || k->key_data->key_data.len != WA_APP_KEY_SIZE)
            continue;
        bx_hex_encode(k->key_id->key_id.data, k->key_id->key_id.len, hex);
        rc = job->ks->ops->put(job->ks->ctx, WA_KEY_APP_KEY, bx_str(hex),
                               wa_pb_str(k->key_data->key_data));
    }
    wa_job_want(job, WA_WANT_APP_STATE)->number = (1u << WA_COLLECTIONS) - 1;
    return rc;
}

struct reading {
    struct wa_job *job;
    struct wa_app_collection state;
    int at; /* collection */
    int store_rc;
};

static int find_keys(void *arg, struct bx_str key_id, struct wa_app_keys *out)
{
    struct reading *r = arg;
    struct bx_str data;
    char hex[2 * MAX_KEY_ID + 1];
    if (key_id.len == 0 || key_id.len > MAX_KEY_ID)
        return BX_E_INVALID;
    bx_hex_encode(key_id.ptr, key_id.len, hex);
    int rc =
        r->job->ks->ops->get(r->job->ks->ctx, WA_KEY_APP_KEY, bx_str(hex), &r->job->out, &data);
    if (rc >= 0)
        wa_app_keys_derive((const uint8_t *)data.ptr, out);
    else if (rc != BX_E_NOT_FOUND)
        r->store_rc = rc;
    return rc;
}

static struct bx_str mac_key(struct reading *r, const uint8_t index_mac[WA_APP_MAC_SIZE])
{
    char hex[2 * WA_APP_MAC_SIZE + 1];
    bx_hex_encode(index_mac, WA_APP_MAC_SIZE, hex);
    return bx_arena_printf(&r->job->out, BX_STR_FMT ":%s", BX_STR_ARG(r->state.name), hex);
}

static int find_mac(void *arg, const uint8_t index_mac[WA_APP_MAC_SIZE],
                    uint8_t out[WA_APP_MAC_SIZE])
{
    struct reading *r = arg;
    struct bx_str value;
    int rc = r->job->ks->ops->get(r->job->ks->ctx, WA_KEY_APP_MAC, mac_key(r, index_mac),
                                  &r->job->out, &value);
    if (rc >= 0 && value.len == WA_APP_MAC_SIZE)
        memcpy(out, value.ptr, WA_APP_MAC_SIZE);
    else if (rc >= 0)
        rc = BX_E_NOT_FOUND;
    else if (rc != BX_E_NOT_FOUND)
        r->store_rc = rc;
    return rc;
}

/* --- the stored state of a collection --- */

static int load_state(struct reading *r, int at)
{
    struct bx_str stored;
    r->at = at;
    r->state = (struct wa_app_collection){.name = bx_str(wa_collection_names[at])};
    int rc = r->job->ks->ops->get(r->job->ks->ctx, WA_KEY_APP_STATE, r->state.name, &r->job->out,
                                  &stored);
    if (rc == BX_E_NOT_FOUND || (rc >= 0 && stored.len != STATE_SIZE))
        return BX_OK;
    if (rc < 0)
        return rc;
    for (int i = 0; i < 8; i++)
        r->state.version = r->state.version << 8 | (uint8_t)stored.ptr[i];
    memcpy(r->state.lthash, stored.ptr + 8, WA_LTHASH_SIZE);
    return BX_OK;
}

static int store_state(struct reading *r)
{
    uint8_t stored[STATE_SIZE];
    for (int i = 0; i < 8; i++)
        stored[i] = (uint8_t)(r->state.version >> (56 - 8 * i));
    memcpy(stored + 8, r->state.lthash, WA_LTHASH_SIZE);
    return r->job->ks->ops->put(r->job->ks->ctx, WA_KEY_APP_STATE, r->state.name,
                                bx_str_n(stored, sizeof stored));
}

/* --- what a change says --- */

struct change {
    struct wa_job *job;
    bool is_remove;
    struct bx_str index[6];
    size_t index_len;
    const Wap__SyncActionValue *value;
};

/* A JSON array of plain strings; escapes do not occur in what we read. */
static void split_index(struct bx_str json, struct change *c)
{
    const char *at = json.ptr, *end = json.ptr + json.len;
    while (at < end && c->index_len < BX_LEN(c->index)) {
        const char *open = memchr(at, '"', (size_t)(end - at));
        const char *close = open ? memchr(open + 1, '"', (size_t)(end - open - 1)) : NULL;
        if (!close)
            return;
        c->index[c->index_len++] = bx_str_n(open + 1, (size_t)(close - open - 1));
        at = close + 1;
    }
}

static struct wa_chat_info *chat_event(struct change *c, int *rc)
{
    struct wa_chat_info *info = &wa_job_event(c->job, WA_EVENT_CHAT)->chat;
    info->unread_count = -1;
    info->timestamp_ms = c->value ? c->value->timestamp_ms : 0;
    *rc = wa_peer_of_text(c->job, c->index[1], &info->chat);
    return info;
}

static enum wa_flag flag(const struct change *c, bool is_set)
{
    return is_set && !c->is_remove ? WA_FLAG_YES : WA_FLAG_NO;
}

static int on_pin(struct change *c)
{
    int rc;
    struct wa_chat_info *info = chat_event(c, &rc);
    info->is_pinned = flag(c, c->value && c->value->pin && c->value->pin->pinned);
    info->pinned_at_ms = info->timestamp_ms;
    return rc;
}

static int on_archive(struct change *c)
{
    int rc;
    struct wa_chat_info *info = chat_event(c, &rc);
    info->is_archived = flag(c, c->value && c->value->archive && c->value->archive->archived);
    return rc;
}

static int on_mute(struct change *c)
{
    int rc;
    struct wa_chat_info *info = chat_event(c, &rc);
    const Wap__SyncActionValue__Mute *m = c->value ? c->value->mute : NULL;
    info->is_muted = flag(c, m && m->muted);
    info->muted_until_ms = m && m->muted ? m->end_timestamp_ms : 0;
    return rc;
}

static int on_mark_read(struct change *c)
{
    int rc;
    struct wa_chat_info *info = chat_event(c, &rc);
    info->is_read = flag(c, c->value && c->value->mark_read && c->value->mark_read->read);
    return rc;
}

static int on_delete(struct change *c)
{
    int rc;
    chat_event(c, &rc)->is_deleted = flag(c, true);
    return rc;
}

static int on_contact(struct change *c)
{
    const Wap__SyncActionValue__ContactName *n = c->value ? c->value->contact : NULL;
    struct wa_jid jid, other;
    int rc = BX_OK;
    if (wa_jid_parse(c->index[1], &jid) < 0)
        return BX_OK;
    if (n && n->lid_jid && wa_jid_parse(bx_str(n->lid_jid), &other) == BX_OK)
        rc = wa_learn_pair(c->job, &jid, &other);
    if (rc >= 0 && n && n->pn_jid && wa_jid_parse(bx_str(n->pn_jid), &other) == BX_OK)
        rc = wa_learn_pair(c->job, &jid, &other);
    struct wa_contact *contact = &wa_job_event(c->job, WA_EVENT_CONTACT)->contact;
    const char *name = !n || c->is_remove ? "" : n->full_name ? n->full_name : n->first_name;
    contact->full_name = wa_clean_text(&c->job->out, name ? name : "");
    return rc < 0 ? rc : wa_peer_of(c->job, &jid, &contact->person);
}

static int on_lid_contact(struct change *c)
{
    const Wap__SyncActionValue__LidContact *n = c->value ? c->value->lid_contact : NULL;
    struct wa_contact *contact = &wa_job_event(c->job, WA_EVENT_CONTACT)->contact;
    contact->full_name =
        wa_clean_text(&c->job->out, n && !c->is_remove && n->full_name ? n->full_name : "");
    return wa_peer_of_text(c->job, c->index[1], &contact->person);
}

static int on_pn_for_lid(struct change *c)
{
    struct wa_jid lid, pn;
    const Wap__SyncActionValue__PnForLid *p = c->value ? c->value->pn_for_lid : NULL;
    if (!p || !p->pn_jid || wa_jid_parse(c->index[1], &lid) < 0 ||
        wa_jid_parse(bx_str(p->pn_jid), &pn) < 0)
        return BX_OK;
    return wa_learn_pair(c->job, &lid, &pn);
}

static int on_push_name(struct change *c)
{
    const Wap__SyncActionValue__PushName *p = c->value ? c->value->push_name : NULL;
    struct wa_jid me = wa_me(c->job->creds);
    if (!p || !p->name || !p->name[0])
        return BX_OK;
    struct wa_contact *contact = &wa_job_event(c->job, WA_EVENT_PUSH_NAME)->contact;
    contact->push_name = wa_clean_text(&c->job->out, p->name);
    wa_job_want(c->job, WA_WANT_PUSH_NAME)->text = contact->push_name;
    int rc = wa_self_put(c->job->ks, "push_name", contact->push_name);
    return rc < 0 ? rc : wa_peer_of(c->job, &me, &contact->person);
}

static int on_nct_salt(struct change *c)
{
    const Wap__SyncActionValue__NctSalt *n = c->value ? c->value->nct_salt : NULL;
    return wa_self_put(c->job->ks, "nct_salt",
                       n && !c->is_remove ? wa_pb_str(n->salt) : BX_STR(""));
}

static const struct {
    const char *name;
    size_t index_len;
    int (*handle)(struct change *c);
} actions[] = {
    {"pin_v1", 2, on_pin},
    {"archive", 2, on_archive},
    {"mute", 2, on_mute},
    {"markChatAsRead", 2, on_mark_read},
    {"contact", 2, on_contact},
    {"lid_contact", 2, on_lid_contact},
    {"pnForLid", 2, on_pn_for_lid},
    {"setting_pushName", 1, on_push_name},
    {"deleteChat", 2, on_delete},
    {"clearChat", 2, on_delete},
    {"nct_salt_sync", 1, on_nct_salt},
};

static int tell(struct wa_job *job, const struct wa_app_mutation *m)
{
    struct change c = {.job = job, .is_remove = m->is_remove, .value = m->value};
    split_index(m->index, &c);
    for (size_t i = 0; i < BX_LEN(actions) && c.index_len; i++) {
        if (bx_str_eq(c.index[0], bx_str(actions[i].name)) && c.index_len >= actions[i].index_len)
            return actions[i].handle(&c);
    }
    return BX_OK;
}

/* --- applying --- */

static int commit(struct reading *r, const struct wa_app_mutation *m, size_t count,
                  const struct wa_app_collection *after)
{
    const struct wa_keystore *ks = r->job->ks;
    int rc = BX_OK;
    r->state.version = after->version;
    memcpy(r->state.lthash, after->lthash, WA_LTHASH_SIZE);
    for (size_t i = 0; i < count && rc >= 0; i++) {
        struct bx_str key = mac_key(r, m[i].index_mac);
        rc = m[i].is_remove ? ks->ops->del(ks->ctx, WA_KEY_APP_MAC, key)
                            : ks->ops->put(ks->ctx, WA_KEY_APP_MAC, key,
                                           bx_str_n(m[i].value_mac, WA_APP_MAC_SIZE));
        if (rc >= 0)
            rc = tell(r->job, &m[i]);
    }
    return rc < 0 ? rc : store_state(r);
}

static int apply_patch(struct reading *r, const Wap__SyncdPatch *patch)
{
    struct wa_app_source source = {find_keys, find_mac, r};
    struct wa_app_collection after;
    struct wa_app_mutation *mutations;
    size_t count;
    int rc =
        wa_app_patch_decode(&r->state, &source, patch, &r->job->out, &mutations, &count, &after);
    return rc < 0 ? rc : commit(r, mutations, count, &after);
}

struct outcome {
    unsigned again, broken; /* bit sets of collections */
};

/* BX_E_AGAIN: a blob is on its way, the rest follows when it is here. */
static int patch_node(struct reading *r, const struct wa_node *node);

static int external_run(struct wa_job *job)
{
    const struct wa_blob *b = job->data;
    struct reading r = {.job = job};
    struct outcome *o = BX_ARENA_NEW(&job->out, struct outcome);
    struct bx_buf plain;
    Wap__SyncdMutations *external;
    Wap__SyncdPatch *patch;
    job->result = o;
    bx_buf_init(&plain, MAX_BLOB);
    int rc = load_state(&r, b->collection);
    if (rc < 0)
        return rc;
    bool is_good = wa_media_decrypt(WA_MEDIA_APP_STATE, b->media_key, b->body,
                                    b->has_enc_sha256 ? b->enc_sha256 : NULL, NULL, &plain) >= 0 &&
                   WA_PB_UNPACK(syncd_mutations, bx_buf_view(&plain), &job->out, &external) >= 0 &&
                   WA_PB_UNPACK(syncd_patch, b->patch, &job->out, &patch) >= 0;
    bx_buf_done(&plain);
    if (!is_good)
        return BX_OK;
    patch->mutations = external->mutations;
    patch->n_mutations = external->n_mutations;
    patch->external_mutations = NULL;
    rc = apply_patch(&r, patch);
    if (r.store_rc < 0)
        return r.store_rc;
    o->again = rc >= 0 ? 1u << b->collection : 0;
    return BX_OK;
}

static int snapshot_run(struct wa_job *job)
{
    const struct wa_blob *b = job->data;
    struct reading r = {.job = job};
    struct outcome *o = BX_ARENA_NEW(&job->out, struct outcome);
    struct wa_app_source source = {find_keys, find_mac, &r};
    struct wa_app_collection after;
    struct wa_app_mutation *mutations;
    size_t count;
    struct bx_buf plain;
    Wap__SyncdSnapshot *snapshot;
    job->result = o;
    bx_buf_init(&plain, MAX_BLOB);
    int rc = load_state(&r, b->collection);
    bool is_good = rc >= 0 &&
                   wa_media_decrypt(WA_MEDIA_APP_STATE, b->media_key, b->body,
                                    b->has_enc_sha256 ? b->enc_sha256 : NULL, NULL, &plain) >= 0 &&
                   WA_PB_UNPACK(syncd_snapshot, bx_buf_view(&plain), &job->out, &snapshot) >= 0;
    if (is_good && wa_app_snapshot_decode(r.state.name, &source, snapshot, &job->out, &mutations,
                                          &count, &after) >= 0) {
        rc = commit(&r, mutations, count, &after);
        o->again = 1u << b->collection;
    }
    bx_buf_done(&plain);
    return r.store_rc < 0 ? r.store_rc : rc;
}

static void more_finish(struct wa_job *job, int rc)
{
    const struct outcome *o = job->result;
    if (rc >= 0 && o && o->again)
        wa_app_state_want(job->client, o->again);
}

static const struct wa_job_type external_type = {
    .name = "app_state_blob", .run = external_run, .finish = more_finish};
static const struct wa_job_type snapshot_type = {
    .name = "app_state_snapshot", .run = snapshot_run, .finish = more_finish};

static int patch_node(struct reading *r, const struct wa_node *node)
{
    Wap__SyncdPatch *patch;
    int rc = WA_PB_UNPACK(syncd_patch, wa_node_data(node), &r->job->out, &patch);
    if (rc < 0)
        return rc;
    const Wap__ExternalBlobReference *e = patch->external_mutations;
    if (!e)
        return apply_patch(r, patch);
    struct wa_blob more = {.collection = r->at,
                           .patch = bx_arena_str(&r->job->out, wa_node_data(node))};
    wa_blob_want(r->job, &external_type, e->direct_path, e->media_key, e->file_enc_sha256, &more);
    return BX_E_AGAIN;
}

static int snapshot_node(struct reading *r, const struct wa_node *node)
{
    Wap__ExternalBlobReference *e;
    struct wa_blob more = {.collection = r->at};
    int rc = WA_PB_UNPACK(external_blob_reference, wa_node_data(node), &r->job->out, &e);
    if (rc >= 0)
        wa_blob_want(r->job, &snapshot_type, e->direct_path, e->media_key, e->file_enc_sha256,
                     &more);
    return rc < 0 ? rc : BX_E_AGAIN;
}

static int forget(struct reading *r)
{
    return r->job->ks->ops->del(r->job->ks->ctx, WA_KEY_APP_STATE, r->state.name);
}

static int apply_collection(struct wa_job *job, const struct wa_node *n, struct outcome *o)
{
    struct reading r = {.job = job};
    int at = wa_collection_find(wa_node_attr(n, "name"));
    const struct wa_node *snapshot = wa_node_child(n, "snapshot"),
                         *patches = wa_node_child(n, "patches");
    if (at < 0 || wa_node_attr_is(n, "type", "error"))
        return BX_OK;
    int rc = load_state(&r, at);
    if (rc < 0)
        return rc;
    if (snapshot && wa_node_data(snapshot).len && r.state.version == 0)
        rc = snapshot_node(&r, snapshot);
    WA_EACH_CHILD(patches ? patches : n, "patch", patch)
    {
        if (rc >= 0)
            rc = patch_node(&r, patch);
    }
    if (r.store_rc < 0)
        return r.store_rc;
    if (rc >= 0 && wa_node_attr_is(n, "has_more_patches", "true"))
        o->again |= 1u << at;
    if (rc == BX_E_CRYPTO || rc == BX_E_CONFLICT || rc == BX_E_INVALID) {
        o->broken |= 1u << at;
        return forget(&r);
    }
    return rc == BX_E_NOT_FOUND || rc == BX_E_AGAIN ? BX_OK : rc;
}

static int apply_run(struct wa_job *job)
{
    struct outcome *o = BX_ARENA_NEW(&job->out, struct outcome);
    int rc = BX_OK;
    job->result = o;
    WA_EACH_CHILD(wa_node_child(job->node, "sync"), "collection", n)
    {
        if (rc >= 0)
            rc = apply_collection(job, n, o);
    }
    return rc;
}

static void apply_finish(struct wa_job *job, int rc)
{
    struct wa_client *c = job->client;
    const struct outcome *o = job->result;
    c->app_state_busy = false;
    if (rc < 0 || job->connection != c->connection)
        return;
    unsigned retry = o->broken & ~c->app_state_reset; /* from the start, once per connection */
    c->app_state_reset |= o->broken;
    wa_app_state_want(c, o->again | retry);
}

static const struct wa_job_type apply_type = {
    .name = "app_state", .run = apply_run, .finish = apply_finish};

/* --- fetching --- */

static int prepare_run(struct wa_job *job)
{
    struct bx_arena *a = &job->out;
    const unsigned *wanted = job->data;
    struct reading r = {.job = job};
    struct wa_node *iq = WA_NODE(a, "iq", wa_to("to", WA_SERVER_JID), wa_lit("type", "set"),
                                 wa_lit("xmlns", "w:sync:app:state"));
    struct wa_node *sync = wa_node_add(iq, wa_node_new(a, "sync"));
    for (int i = 0; i < WA_COLLECTIONS; i++) {
        if (!(*wanted & 1u << i))
            continue;
        int rc = load_state(&r, i);
        if (rc < 0)
            return rc;
        wa_node_add(sync, WA_NODE(a, "collection", wa_lit("name", wa_collection_names[i]),
                                  wa_num("version", (int64_t)r.state.version),
                                  wa_lit("return_snapshot", r.state.version ? "false" : "true")));
    }
    job->result = iq;
    return BX_OK;
}

static void on_synced(struct wa_client *c, struct wa_node *answer, struct bx_arena **arena, int rc,
                      void *arg)
{
    (void)arg;
    if (rc < 0) {
        c->app_state_busy = false;
        return;
    }
    struct wa_job *job = wa_job_new(c, &apply_type, *arena, answer);
    *arena = NULL;
    wa_job_submit(job);
}

static void prepare_finish(struct wa_job *job, int rc)
{
    struct wa_client *c = job->client;
    if (rc < 0 || wa_request_send(c, job->result, 0, on_synced, NULL) < 0)
        c->app_state_busy = false;
}

static const struct wa_job_type prepare_type = {
    .name = "app_state_fetch", .run = prepare_run, .finish = prepare_finish};

void wa_app_state_want(struct wa_client *c, unsigned collections)
{
    c->app_state_wanted |= collections;
    if (c->app_state_busy || !c->has_settled || !c->app_state_wanted)
        return;
    struct wa_job *job = wa_job_new(c, &prepare_type, NULL, NULL);
    unsigned *wanted = BX_ARENA_NEW(job->in, unsigned);
    *wanted = c->app_state_wanted;
    c->app_state_wanted = 0;
    c->app_state_busy = true;
    job->data = wanted;
    wa_job_submit(job);
}
