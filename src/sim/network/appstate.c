/* Collections of app state: patches of the phone and of its companions, in one order per
 * collection. The server stores them; the phone opens what companions push, so that the admin API
 * can tell what it understood.
 */
#include "sim/network/appstate.h"
#include "base/err.h"
#include "base/mem.h"
#include "sim/core/iq.h"
#include "sim/core/random.h"
#include "sim/core/save.h"
#include "sim/network/accounts.h"
#include "sim/network/queue.h"
#include "wa/proto/pb.h"

#include <stdio.h>
#include <stdlib.h>

const char *const sim_collection_names[SIM_COLLECTIONS] = {
    "critical_block", "critical_unblock_low", "regular_high", "regular_low", "regular"};

enum { CRITICAL_BLOCK, CRITICAL_UNBLOCK_LOW, REGULAR_HIGH, REGULAR_LOW };

struct mac {
    uint8_t index[WA_APP_MAC_SIZE], value[WA_APP_MAC_SIZE];
};

void sim_app_state_init(struct sim_account *a)
{
    for (size_t i = 0; i < SIM_COLLECTIONS; i++) {
        a->collections[i].state.name = bx_str(sim_collection_names[i]);
        bx_map_init(&a->collections[i].macs);
    }
}

void sim_app_state_done(struct sim_account *a)
{
    for (size_t i = 0; i < SIM_COLLECTIONS; i++) {
        struct sim_collection *col = &a->collections[i];
        size_t pos = 0;
        void *value;
        while (bx_map_next(&col->macs, &pos, &value))
            free(value);
        bx_map_done(&col->macs);
        for (size_t k = 0; k < col->count; k++)
            bx_buf_done(&col->patches[k]);
        free(col->patches);
    }
}

/* --- what patches need --- */

struct source_arg {
    struct sim_account *account;
    struct sim_collection *collection;
};

static int find_keys(void *arg, struct bx_str key_id, struct wa_app_keys *out)
{
    struct source_arg *s = arg;
    if (!bx_str_eq(key_id, bx_str_n(s->account->app_key_id, sizeof s->account->app_key_id)))
        return BX_E_NOT_FOUND;
    wa_app_keys_derive(s->account->app_key, out);
    return BX_OK;
}

static int find_mac(void *arg, const uint8_t index_mac[WA_APP_MAC_SIZE],
                    uint8_t out[WA_APP_MAC_SIZE])
{
    struct source_arg *s = arg;
    struct mac *m = bx_map_get(&s->collection->macs, bx_str_n(index_mac, WA_APP_MAC_SIZE));
    if (!m)
        return BX_E_NOT_FOUND;
    memcpy(out, m->value, WA_APP_MAC_SIZE);
    return BX_OK;
}

static void keep_macs(struct sim_collection *col, const struct wa_app_mutation *mutations,
                      size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct bx_str index = bx_str_n(mutations[i].index_mac, WA_APP_MAC_SIZE);
        if (mutations[i].is_remove) {
            free(bx_map_del(&col->macs, index));
            continue;
        }
        struct mac *m = BX_NEW(struct mac);
        memcpy(m->index, mutations[i].index_mac, WA_APP_MAC_SIZE);
        memcpy(m->value, mutations[i].value_mac, WA_APP_MAC_SIZE);
        free(bx_map_put(&col->macs, bx_str_n(m->index, WA_APP_MAC_SIZE), m));
    }
}

/* Clients send patches without a version; they are served with one. */
static void append_patch(struct sim_collection *col, struct bx_str patch, uint64_t version)
{
    struct bx_buf *b;
    Wap__SyncdPatch only_version = WAP__SYNCD_PATCH__INIT;
    Wap__SyncdVersion v = WAP__SYNCD_VERSION__INIT;
    WA_PB_SET(&v, version, version);
    only_version.version = &v;
    col->patches = bx_realloc(col->patches, col->count + 1, sizeof col->patches[0]);
    b = &col->patches[col->count++];
    bx_buf_init(b, 0);
    bx_buf_str(b, patch);
    wa_pb_append(&only_version, b);
}

/* --- what the phone understands --- */

static json_t *chat_entry(struct sim_account *a, const char *jid)
{
    struct sim_account *other = sim_account_by_jid(a->sim, bx_str(jid));
    const char *name = other ? other->phone : jid;
    json_t *entry = json_object_get(a->chat_state, name);
    if (!entry) {
        entry = json_pack("{s:s,s:b,s:b,s:i}", "chat", name, "pinned", 0, "archived", 0,
                          "muteUntilMs", 0);
        json_object_set_new(a->chat_state, name, entry);
    }
    return entry;
}

static void understand(struct sim_account *a, const struct wa_app_mutation *m)
{
    json_t *index = json_loadb(m->index.ptr, m->index.len, 0, NULL);
    const char *kind = json_string_value(json_array_get(index, 0)),
               *jid = json_string_value(json_array_get(index, 1));
    const Wap__SyncActionValue *v = m->value;
    if (kind && jid && v && !m->is_remove) {
        if (strcmp(kind, "pin_v1") == 0 && v->pin)
            json_object_set_new(chat_entry(a, jid), "pinned", json_boolean(v->pin->pinned));
        else if (strcmp(kind, "archive") == 0 && v->archive)
            json_object_set_new(chat_entry(a, jid), "archived", json_boolean(v->archive->archived));
        else if (strcmp(kind, "mute") == 0 && v->mute)
            json_object_set_new(chat_entry(a, jid), "muteUntilMs",
                                json_integer(v->mute->muted ? v->mute->end_timestamp_ms : 0));
    }
    json_decref(index);
}

/* --- writing as the phone --- */

static void announce(struct sim_account *a, const struct sim_collection *col,
                     const struct sim_device *except)
{
    BX_LIST_EACH(&a->devices, node)
    {
        struct sim_device *d = BX_CONTAINER_OF(node, struct sim_device, node);
        struct bx_arena arena;
        if (d == except || !d->is_bootstrapped)
            continue;
        bx_arena_init(&arena, 0);
        struct wa_node *n = WA_NODE(
            &arena, "notification", wa_to("from", WA_SERVER_JID), wa_lit("type", "server_sync"),
            wa_str("id", sim_new_id(a->sim, &arena, "")), wa_num("t", sim_now_s()));
        wa_node_add(n, WA_NODE(&arena, "collection", wa_str("name", col->state.name),
                               wa_num("version", (int64_t)col->count)));
        sim_deliver(d, n);
        bx_arena_done(&arena);
    }
}

int sim_app_state_write(struct sim_account *a, size_t collection, bool is_remove, const char *index,
                        const Wap__SyncActionValue *value, int32_t version)
{
    struct sim_collection *col = &a->collections[collection];
    struct source_arg arg = {a, col};
    const struct wa_app_source source = {find_keys, find_mac, &arg};
    struct wa_app_mutation m = {
        .is_remove = is_remove, .index = bx_str(index), .value = value, .version = version};
    struct wa_app_collection after;
    struct bx_arena arena;
    struct bx_str patch;
    uint8_t iv[16];
    bx_arena_init(&arena, 0);
    sim_random(a->sim, iv, sizeof iv);
    int rc =
        wa_app_patch_encode(&col->state, &source, bx_str_n(a->app_key_id, sizeof a->app_key_id), &m,
                            1, iv, &arena, &patch, &after);
    if (rc == BX_OK) {
        after.name = col->state.name;
        append_patch(col, patch, after.version);
        col->state = after;
        keep_macs(col, &m, 1);
        understand(a, &m);
        announce(a, col, NULL);
        sim_save_later(a->sim);
    }
    bx_arena_done(&arena);
    return rc;
}

static Wap__SyncActionValue value_now(void)
{
    Wap__SyncActionValue v = WAP__SYNC_ACTION_VALUE__INIT;
    WA_PB_SET(&v, timestamp_ms, sim_now_s() * 1000);
    return v;
}

static void write_chat(struct sim_account *a, size_t collection, const char *kind, const char *jid,
                       const Wap__SyncActionValue *v, int32_t version)
{
    char index[160];
    snprintf(index, sizeof index, "[\"%s\",\"%s\"]", kind, jid);
    sim_app_state_write(a, collection, false, index, v, version);
}

void sim_app_state_chat(struct sim_account *a, const char *jid, const json_t *change)
{
    const json_t *pinned = json_object_get(change, "pinned"),
                 *archived = json_object_get(change, "archived");
    const json_t *mute = json_object_get(change, "muteUntilMs"),
                 *read = json_object_get(change, "read");
    Wap__SyncActionValue v = value_now();
    if (pinned) {
        Wap__SyncActionValue__Pin pin = WAP__SYNC_ACTION_VALUE__PIN__INIT;
        WA_PB_SET(&pin, pinned, json_is_true(pinned));
        v.pin = &pin;
        write_chat(a, REGULAR_LOW, "pin_v1", jid, &v, 5);
        v.pin = NULL;
    }
    if (archived) {
        Wap__SyncActionValue__Archive archive = WAP__SYNC_ACTION_VALUE__ARCHIVE__INIT;
        WA_PB_SET(&archive, archived, json_is_true(archived));
        v.archive = &archive;
        write_chat(a, REGULAR_LOW, "archive", jid, &v, 3);
        v.archive = NULL;
    }
    if (mute) {
        Wap__SyncActionValue__Mute m = WAP__SYNC_ACTION_VALUE__MUTE__INIT;
        WA_PB_SET(&m, muted, json_integer_value(mute) != 0);
        WA_PB_SET(&m, end_timestamp_ms, json_integer_value(mute));
        v.mute = &m;
        write_chat(a, REGULAR_HIGH, "mute", jid, &v, 2);
        v.mute = NULL;
    }
    if (read) {
        Wap__SyncActionValue__MarkRead r = WAP__SYNC_ACTION_VALUE__MARK_READ__INIT;
        WA_PB_SET(&r, read, json_is_true(read));
        v.mark_read = &r;
        write_chat(a, REGULAR_LOW, "markChatAsRead", jid, &v, 3);
    }
}

void sim_app_state_contact(struct sim_account *a, struct sim_account *contact,
                           const char *full_name)
{
    char index[128], lid[64];
    Wap__SyncActionValue v = value_now();
    Wap__SyncActionValue__ContactName name = WAP__SYNC_ACTION_VALUE__CONTACT_NAME__INIT;
    snprintf(index, sizeof index, "[\"contact\",\"%s@s.whatsapp.net\"]", contact->phone);
    snprintf(lid, sizeof lid, "%s@lid", contact->lid);
    name.full_name = (char *)(uintptr_t)full_name;
    name.lid_jid = lid;
    v.contact = &name;
    sim_app_state_write(a, CRITICAL_UNBLOCK_LOW, !*full_name, index, &v, 2);
}

void sim_app_state_push_name(struct sim_account *a)
{
    Wap__SyncActionValue v = value_now();
    Wap__SyncActionValue__PushName name = WAP__SYNC_ACTION_VALUE__PUSH_NAME__INIT;
    if (!a->push_name[0])
        return;
    name.name = a->push_name;
    v.push_name = &name;
    sim_app_state_write(a, CRITICAL_BLOCK, false, "[\"setting_pushName\"]", &v, 1);
}

/* --- requests of companions --- */

static struct sim_collection *collection_find(struct sim_account *a, struct bx_str name)
{
    for (size_t i = 0; i < SIM_COLLECTIONS; i++) {
        if (bx_str_eq(name, bx_str(sim_collection_names[i])))
            return &a->collections[i];
    }
    return NULL;
}

static void add_patches(struct wa_node *to, const struct sim_collection *col, uint64_t after,
                        struct bx_arena *arena)
{
    struct wa_node *patches = wa_node_new(arena, "patches");
    for (uint64_t i = after; i < col->count; i++)
        wa_node_bytes(wa_node_add(patches, wa_node_new(arena, "patch")),
                      bx_buf_view(&col->patches[i]));
    if (after < col->count)
        wa_node_add(to, patches);
}

static int take_patch(struct sim_account *a, struct sim_collection *col, struct bx_str bytes,
                      struct bx_arena *arena)
{
    struct source_arg arg = {a, col};
    const struct wa_app_source source = {find_keys, find_mac, &arg};
    struct wa_app_mutation *mutations;
    struct wa_app_collection after;
    Wap__SyncdPatch *patch;
    size_t count;
    int rc = WA_PB_UNPACK(syncd_patch, bytes, arena, &patch);
    if (rc == BX_OK)
        rc = wa_app_patch_decode(&col->state, &source, patch, arena, &mutations, &count, &after);
    if (rc < 0)
        return rc;
    after.name = col->state.name;
    after.version = col->count + 1;
    append_patch(col, bytes, after.version);
    col->state = after;
    keep_macs(col, mutations, count);
    for (size_t i = 0; i < count; i++)
        understand(a, &mutations[i]);
    return BX_OK;
}

int sim_app_state_restore(struct sim_account *a, size_t collection, struct bx_str patch)
{
    struct bx_arena arena;
    bx_arena_init(&arena, 0);
    int rc = take_patch(a, &a->collections[collection], patch, &arena);
    bx_arena_done(&arena);
    return rc;
}

static struct wa_node *collection_answer(struct sim_conn *c, const struct wa_node *asked,
                                         struct bx_arena *arena)
{
    struct bx_str name = wa_node_attr(asked, "name");
    struct sim_collection *col = collection_find(c->device->account, name);
    uint64_t version = wa_node_attr_u64_or(asked, "version", 0);
    const struct wa_node *patch = wa_node_child(asked, "patch");
    struct wa_node *n = WA_NODE(arena, "collection", wa_str("name", name));
    const char *error = NULL;
    if (!col) {
        error = "404";
    } else if (patch && version != col->count) {
        error = "409";
    } else if (patch) {
        error = take_patch(c->device->account, col, wa_node_data(patch), arena) < 0 ? "400" : NULL;
        if (!error)
            announce(c->device->account, col, c->device);
    }
    if (error) {
        wa_node_put(n, wa_lit("type", "error"));
        wa_node_add(
            n, WA_NODE(arena, "error", wa_lit("code", error),
                       wa_lit("text", strcmp(error, "409") == 0 ? "conflict" : "bad-request")));
    }
    if (col) {
        wa_node_put(n, wa_num("version", (int64_t)col->count));
        if (!patch || error)
            add_patches(n, col, version < col->count ? version : col->count, arena);
    }
    return n;
}

void sim_on_app_state(struct sim_conn *c, const struct wa_node *iq, const struct wa_node *child,
                      struct bx_arena *arena)
{
    struct wa_node *sync = wa_node_new(arena, "sync");
    WA_EACH_CHILD(child, "collection", asked)
    {
        wa_node_add(sync, collection_answer(c, asked, arena));
    }
    sim_iq_result(c, iq, sync);
    sim_save_later(c->sim);
}
