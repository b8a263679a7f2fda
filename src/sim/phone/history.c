/* What a phone sends to a new companion: the app-state key, the first history sync, push names. */
#include "sim/phone/history.h"
#include "base/err.h"
#include "base/mem.h"
#include "sim/core/blobs.h"
#include "sim/core/random.h"
#include "sim/network/accounts.h"
#include "sim/phone/demo.h"
#include "sim/phone/phone.h"
#include "wa/proto/pb.h"

#include <stdio.h>

void sim_phone_send_peer(struct sim_account *a, struct sim_device *d, Wap__Message *m,
                         struct bx_arena *arena)
{
    struct sim_delivery base = {
        .chat = sim_jid(arena, a, 0, false),
        .id = sim_new_id(a->sim, arena, "3A"),
        .type = BX_STR("text"),
        .category = BX_STR("peer"),
    };
    sim_phone_send_to_device(a, a, d->id, m, &base, arena);
}

void sim_phone_send_app_key(struct sim_account *a, struct sim_device *d)
{
    struct bx_arena arena;
    bx_arena_init(&arena, 0);
    Wap__Message *m = WA_PB_NEW(&arena, Wap__Message, message);
    Wap__AppStateSyncKey *key = WA_PB_NEW(&arena, Wap__AppStateSyncKey, app_state_sync_key);
    key->key_id = WA_PB_NEW(&arena, Wap__AppStateSyncKeyId, app_state_sync_key_id);
    WA_PB_SET_BYTES(key->key_id, key_id, bx_str_n(a->app_key_id, sizeof a->app_key_id));
    key->key_data = WA_PB_NEW(&arena, Wap__AppStateSyncKeyData, app_state_sync_key_data);
    WA_PB_SET_BYTES(key->key_data, key_data, bx_str_n(a->app_key, sizeof a->app_key));
    WA_PB_SET(key->key_data, timestamp, sim_now_s() * 1000);
    Wap__AppStateSyncKeyFingerprint *print =
        WA_PB_NEW(&arena, Wap__AppStateSyncKeyFingerprint, app_state_sync_key_fingerprint);
    uint32_t indexes[] = {0, d->id};
    WA_PB_SET(print, raw_id, a->raw_id);
    WA_PB_SET(print, current_index, d->id);
    print->device_indexes = indexes;
    print->n_device_indexes = BX_LEN(indexes);
    key->key_data->fingerprint = print;
    m->protocol = WA_PB_NEW(&arena, Wap__Protocol, protocol);
    WA_PB_SET(m->protocol, type, WAP__PROTOCOL__TYPE__APP_STATE_SYNC_KEY_SHARE);
    m->protocol->app_state_sync_key_share =
        WA_PB_NEW(&arena, Wap__AppStateSyncKeyShare, app_state_sync_key_share);
    m->protocol->app_state_sync_key_share->keys = &key;
    m->protocol->app_state_sync_key_share->n_keys = 1;
    sim_phone_send_peer(a, d, m, &arena);
    bx_arena_done(&arena);
}

static void send_sync(struct sim_account *a, struct sim_device *d, const Wap__HistorySync *sync,
                      struct bx_arena *arena)
{
    struct bx_buf packed;
    uint8_t media_key[32];
    bx_buf_init(&packed, 0);
    if (wa_deflate(wa_pb_pack(sync, arena), &packed) < 0)
        return;
    Wap__Message *m = WA_PB_NEW(arena, Wap__Message, message);
    Wap__HistorySyncNotification *n =
        WA_PB_NEW(arena, Wap__HistorySyncNotification, history_sync_notification);
    /* the blob is on the media host in any case, for clients that do not take the inline form */
    struct bx_str path = sim_media_put_history(a->sim, bx_buf_view(&packed), media_key, n, arena);
    n->direct_path = wa_pb_text(arena, path);
    WA_PB_SET(n, sync_type, (int32_t)sync->sync_type);
    WA_PB_SET(n, chunk_order, sync->chunk_order);
    WA_PB_SET(n, progress, sync->progress);
    if (!a->sim->is_history_blob)
        WA_PB_SET_BYTES(n, inline_payload, bx_buf_view(&packed));
    m->protocol = WA_PB_NEW(arena, Wap__Protocol, protocol);
    WA_PB_SET(m->protocol, type, WAP__PROTOCOL__TYPE__HISTORY_SYNC_NOTIFICATION);
    m->protocol->history_sync_notification = n;
    sim_phone_send_peer(a, d, m, arena);
    bx_buf_done(&packed);
}

/* --- the preload --- */

static char *chat_jid(struct sim_account *a, const char *chat, struct bx_arena *arena)
{
    if (strchr(chat, '@'))
        return bx_arena_strndup(arena, chat, strlen(chat));
    struct sim_account *other = sim_account_get(a->sim, bx_str(chat), BX_STR(""));
    return (char *)(uintptr_t)sim_jid(arena, other, 0, false).ptr;
}

static Wap__HistorySyncMsg *history_message(struct sim_account *a, const json_t *row, char *jid,
                                            size_t number, struct bx_arena *arena)
{
    Wap__HistorySyncMsg *h = WA_PB_NEW(arena, Wap__HistorySyncMsg, history_sync_msg);
    Wap__WebMessageInfo *info = WA_PB_NEW(arena, Wap__WebMessageInfo, web_message_info);
    const char *id = json_string_value(json_object_get(row, "id")),
               *text = json_string_value(json_object_get(row, "text"));
    const char *from = json_string_value(json_object_get(row, "from"));
    bool is_from_me = json_is_true(json_object_get(row, "fromMe"));
    info->key = WA_PB_NEW(arena, Wap__MessageKey, message_key);
    info->key->remote_jid = jid;
    WA_PB_SET(info->key, from_me, is_from_me);
    info->key->id = id ? bx_arena_strndup(arena, id, strlen(id))
                       : (char *)(uintptr_t)sim_new_id(a->sim, arena, "3A").ptr;
    if (from && strstr(jid, "@g.us") && !is_from_me) {
        info->key->participant = chat_jid(a, from, arena);
        info->participant = info->key->participant;
    }
    info->message = WA_PB_NEW(arena, Wap__Message, message);
    info->message->conversation =
        bx_arena_strndup(arena, text ? text : "", text ? strlen(text) : 0);
    WA_PB_SET(info, timestamp, (uint64_t)json_integer_value(json_object_get(row, "t")));
    WA_PB_SET(info, status, is_from_me ? 4 : 0);
    h->message = info;
    WA_PB_SET(h, msg_order_id, number);
    return h;
}

/* With messages [from, to) of the chat, oldest first. */
static Wap__Conversation *conversation(struct sim_account *a, const json_t *chat, size_t from,
                                       size_t to, struct bx_arena *arena)
{
    Wap__Conversation *c = WA_PB_NEW(arena, Wap__Conversation, conversation);
    const char *who = json_string_value(json_object_get(chat, "chat")),
               *name = json_string_value(json_object_get(chat, "name"));
    const json_t *messages = json_object_get(chat, "messages");
    size_t count = to - from;
    json_int_t mute = json_integer_value(json_object_get(chat, "muteUntilMs"));
    uint64_t t = (uint64_t)json_integer_value(json_object_get(chat, "t"));
    c->id = chat_jid(a, who ? who : "", arena);
    c->name = name ? bx_arena_strndup(arena, name, strlen(name)) : NULL;
    c->messages = bx_arena_alloc(arena, (count + 1) * sizeof *c->messages);
    for (size_t i = 0; i < count; i++) /* newest first, as phones send them */
        c->messages[i] =
            history_message(a, json_array_get(messages, to - 1 - i), c->id, to - i, arena);
    c->n_messages = count;
    WA_PB_SET(c, unread_count, (uint32_t)json_integer_value(json_object_get(chat, "unread")));
    WA_PB_SET(c, conversation_timestamp, t);
    WA_PB_SET(c, last_msg_timestamp, t);
    WA_PB_SET(c, archived, json_is_true(json_object_get(chat, "archived")));
    if (json_is_true(json_object_get(chat, "pinned")))
        WA_PB_SET(c, pinned, (uint32_t)t);
    if (mute)
        WA_PB_SET(c, mute_end_time, mute < 0 ? UINT64_MAX : (uint64_t)mute);
    struct sim_account *other = sim_account_by_jid(a->sim, bx_str(c->id));
    if (other) {
        c->pn_jid = (char *)(uintptr_t)sim_jid(arena, other, 0, false).ptr;
        c->lid_jid = (char *)(uintptr_t)sim_jid(arena, other, 0, true).ptr;
    }
    return c;
}

static void add_mapping(Wap__HistorySync *sync, const Wap__Conversation *c, struct bx_arena *arena)
{
    if (!c->lid_jid)
        return;
    Wap__LidMapping *map = WA_PB_NEW(arena, Wap__LidMapping, lid_mapping);
    map->pn_jid = c->pn_jid;
    map->lid_jid = c->lid_jid;
    sync->lid_mappings[sync->n_lid_mappings++] = map;
}

/* Where in the list of chats, and in the messages of one, a chunk begins. */
struct place {
    size_t chat, message;
};

/* One chunk of at most `room` messages from *at on (newest of a chat first); *at moves. */
static void send_chunk(struct sim_account *a, struct sim_device *d, struct place *at, size_t room,
                       uint32_t order)
{
    struct bx_arena arena;
    const json_t *chats = json_object_get(a->history, "chats");
    size_t count = json_array_size(chats);
    bx_arena_init(&arena, 256 << 20);
    Wap__HistorySync *sync = WA_PB_NEW(&arena, Wap__HistorySync, history_sync);
    sync->conversations = bx_arena_alloc(&arena, (count + 1) * sizeof *sync->conversations);
    sync->lid_mappings = bx_arena_alloc(&arena, (count + 1) * sizeof *sync->lid_mappings);
    while (at->chat < count && room) {
        const json_t *chat = json_array_get(chats, at->chat);
        size_t left = json_array_size(json_object_get(chat, "messages")) - at->message;
        size_t take = left < room ? left : room;
        Wap__Conversation *c = conversation(a, chat, left - take, left, &arena);
        sync->conversations[sync->n_conversations++] = c;
        add_mapping(sync, c, &arena);
        room -= take ? take : 1;
        at->message += take;
        if (take == left)
            *at = (struct place){at->chat + 1, 0};
    }
    WA_PB_SET(sync, sync_type,
              order == 1 ? WAP__HISTORY_SYNC__TYPE__INITIAL_BOOTSTRAP
                         : WAP__HISTORY_SYNC__TYPE__RECENT);
    WA_PB_SET(sync, progress, at->chat < count ? (uint32_t)(at->chat * 100 / count) : 100);
    WA_PB_SET(sync, chunk_order, order);
    send_sync(a, d, sync, &arena);
    bx_arena_done(&arena);
}

static void send_conversations(struct sim_account *a, struct sim_device *d)
{
    size_t count = json_array_size(json_object_get(a->history, "chats"));
    size_t room = a->sim->history_chunk ? a->sim->history_chunk : SIZE_MAX;
    struct place at = {0, 0};
    uint32_t order = 1;
    do {
        send_chunk(a, d, &at, room, order++);
    } while (at.chat < count);
}

static void send_push_names(struct sim_account *a, struct sim_device *d)
{
    struct bx_arena arena;
    const json_t *names = json_object_get(a->history, "pushnames");
    size_t count = json_array_size(names);
    if (!count)
        return;
    bx_arena_init(&arena, 64 << 20);
    Wap__HistorySync *sync = WA_PB_NEW(&arena, Wap__HistorySync, history_sync);
    sync->pushnames = bx_arena_alloc(&arena, count * sizeof *sync->pushnames);
    for (size_t i = 0; i < count; i++) {
        const json_t *row = json_array_get(names, i);
        const char *phone = json_string_value(json_object_get(row, "phone")),
                   *name = json_string_value(json_object_get(row, "pushName"));
        Wap__Pushname *p = WA_PB_NEW(&arena, Wap__Pushname, pushname);
        p->id = chat_jid(a, phone ? phone : "", &arena);
        p->pushname = (char *)(uintptr_t)(name ? name : "");
        sync->pushnames[sync->n_pushnames++] = p;
    }
    WA_PB_SET(sync, sync_type, WAP__HISTORY_SYNC__TYPE__PUSH_NAME);
    WA_PB_SET(sync, progress, 100);
    WA_PB_SET(sync, chunk_order, 2);
    send_sync(a, d, sync, &arena);
    bx_arena_done(&arena);
}

void sim_phone_send_history(struct sim_account *a, struct sim_device *d)
{
    if (!a->history && a->sim->is_demo)
        a->history = sim_demo_history();
    send_conversations(a, d);
    send_push_names(a, d);
}
