/* What a phone remembers of its chats, for a companion that got a message it cannot open and asks
 * for the phone's copy. Kept in memory only: companions ask within seconds. */
#include "sim/phone/recall.h"
#include "base/mem.h"
#include "sim/core/random.h"
#include "sim/network/accounts.h"
#include "sim/phone/history.h"
#include "wa/proto/pb.h"
#include "wa/proto/sync.pb-c.h"

#include <stdlib.h>

enum { KEEP_MAX = 256, ANSWER_MAX = 16 };

struct sim_recalled {
    struct bx_list node;
    char id[SIM_ID_MAX];
    int64_t at_s;
    char push_name[SIM_NAME_MAX];
    size_t len;
    uint8_t packed[];
};

static void forget(struct sim_account *a, struct sim_recalled *r)
{
    bx_list_remove(&r->node);
    free(r);
    a->recalled_count--;
}

void sim_recall_done(struct sim_account *a)
{
    while (!bx_list_is_empty(&a->recalled))
        forget(a, BX_CONTAINER_OF(a->recalled.next, struct sim_recalled, node));
}

void sim_recall_keep(struct sim_account *a, const struct sim_delivery *m,
                     const Wap__Message *message)
{
    struct bx_arena arena;
    bx_arena_init(&arena, 0);
    struct bx_str packed = wa_pb_pack(message, &arena);
    struct sim_recalled *r = bx_calloc(1, sizeof *r + packed.len);
    bx_str_copy(bx_str_slice(m->id, 0, SIM_ID_MAX - 1), r->id, sizeof r->id);
    sim_name_copy(bx_str(m->notify ? m->notify : ""), r->push_name);
    r->at_s = sim_now_s();
    r->len = packed.len;
    memcpy(r->packed, packed.ptr, packed.len);
    bx_list_push_back(&a->recalled, &r->node);
    if (++a->recalled_count > KEEP_MAX)
        forget(a, BX_CONTAINER_OF(a->recalled.next, struct sim_recalled, node));
    bx_arena_done(&arena);
}

static struct sim_recalled *find(struct sim_account *a, const char *id)
{
    struct sim_recalled *found = NULL;
    BX_LIST_EACH(&a->recalled, node)
    {
        struct sim_recalled *r = BX_CONTAINER_OF(node, struct sim_recalled, node);
        if (strcmp(r->id, id) == 0)
            found = r;
    }
    return found;
}

/* The copy under the key that was asked for. NULL: not remembered. */
static Wap__PeerDataResponse__Result *copy_of(struct sim_account *a, Wap__MessageKey *key,
                                              struct bx_arena *arena)
{
    struct sim_recalled *r = key && key->id ? find(a, key->id) : NULL;
    Wap__WebMessageInfo *info = WA_PB_NEW(arena, Wap__WebMessageInfo, web_message_info);
    if (!r || WA_PB_UNPACK(message, bx_str_n(r->packed, r->len), arena, &info->message) < 0)
        return NULL;
    info->key = key;
    info->participant = key->participant;
    info->push_name = r->push_name[0] ? r->push_name : NULL;
    WA_PB_SET(info, timestamp, (uint64_t)r->at_s);
    Wap__PeerDataResponse__Result *result =
        WA_PB_NEW(arena, Wap__PeerDataResponse__Result, peer_data_response__result);
    result->placeholder_resend = WA_PB_NEW(arena, Wap__PeerDataResponse__PlaceholderResend,
                                           peer_data_response__placeholder_resend);
    WA_PB_SET_BYTES(result->placeholder_resend, web_message_info, wa_pb_pack(info, arena));
    return result;
}

void sim_recall_answer(struct sim_account *a, struct sim_device *d, struct bx_str request_id,
                       const Wap__PeerDataRequest *request)
{
    Wap__PeerDataResponse__Result *results[ANSWER_MAX];
    struct bx_arena arena;
    bx_arena_init(&arena, 0);
    Wap__Message *m = WA_PB_NEW(&arena, Wap__Message, message);
    Wap__PeerDataResponse *response = WA_PB_NEW(&arena, Wap__PeerDataResponse, peer_data_response);
    response->results = results;
    for (size_t i = 0; i < request->n_placeholder_resend && response->n_results < ANSWER_MAX; i++) {
        results[response->n_results] =
            copy_of(a, request->placeholder_resend[i]->message_key, &arena);
        response->n_results += results[response->n_results] != NULL;
    }
    WA_PB_SET(response, type, WAP__PEER_DATA_TYPE__PEER_PLACEHOLDER_RESEND);
    response->stanza_id = wa_pb_text(&arena, request_id);
    m->protocol = WA_PB_NEW(&arena, Wap__Protocol, protocol);
    WA_PB_SET(m->protocol, type, WAP__PROTOCOL__TYPE__PEER_DATA_RESPONSE);
    m->protocol->peer_data_response = response;
    sim_phone_send_peer(a, d, m, &arena);
    bx_arena_done(&arena);
}
