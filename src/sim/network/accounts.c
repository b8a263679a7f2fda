#include "sim/network/accounts.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/utf8.h"
#include "crypto/hash.h"
#include "sim/core/random.h"
#include "sim/core/save.h"
#include "sim/network/appstate.h"
#include "sim/network/devices.h"
#include "sim/network/presence.h"
#include "sim/network/queue.h"
#include "sim/network/token.h"

#include <stdio.h>
#include <stdlib.h>

void sim_name_copy(struct bx_str name, char out[SIM_NAME_MAX])
{
    struct bx_buf whole;
    bx_buf_init(&whole, 0);
    bx_utf8_repair(bx_str_slice(name, 0, SIM_NAME_MAX), &whole);
    bx_str_copy(bx_utf8_whole(bx_str_slice(bx_buf_view(&whole), 0, SIM_NAME_MAX - 1)), out,
                SIM_NAME_MAX);
    bx_buf_done(&whole);
}

struct sim_account *sim_account_find(struct sim *sim, struct bx_str user)
{
    return bx_map_get(&sim->accounts, user);
}

struct sim_account *sim_account_by_jid(struct sim *sim, struct bx_str text)
{
    struct wa_jid jid;
    if (bx_str_find(text, '@') == text.len)
        return sim_account_find(sim, bx_str_slice(text, 0, bx_str_find(text, ':')));
    return wa_jid_parse(text, &jid) == BX_OK ? sim_account_find(sim, jid.user) : NULL;
}

struct sim_account *sim_account_by_name(struct sim *sim, struct bx_str push_name)
{
    BX_LIST_EACH(&sim->account_list, node)
    {
        struct sim_account *a = BX_CONTAINER_OF(node, struct sim_account, node);
        if (push_name.len && bx_str_eq(bx_str(a->push_name), push_name))
            return a;
    }
    return NULL;
}

/* The LID is another number that belongs to the phone for good. */
static void lid_of(const char *phone, char out[SIM_USER_MAX])
{
    uint8_t hash[CR_SHA256_SIZE];
    uint64_t n;
    cr_sha256(bx_str(phone), hash);
    memcpy(&n, hash, sizeof n);
    snprintf(out, SIM_USER_MAX, "1%014llu", (unsigned long long)(n % 100000000000000u));
}

static struct sim_account *account_new(struct sim *sim, struct bx_str phone)
{
    struct sim_account *a = BX_NEW(struct sim_account);
    a->sim = sim;
    bx_str_copy(phone, a->phone, sizeof a->phone);
    lid_of(a->phone, a->lid);
    sim_keypair(sim, &a->key);
    sim_random(sim, &a->raw_id, sizeof a->raw_id);
    sim_random(sim, &a->registration_id, sizeof a->registration_id);
    a->raw_id &= 0x7fffffff;
    a->registration_id = a->registration_id % 16380 + 1;
    a->next_device = 1;
    bx_list_init(&a->devices);
    bx_list_init(&a->subscribers);
    bx_map_init(&a->sent_messages);
    bx_map_init(&a->shared_keys);
    a->chat_state = json_object();
    a->messages = json_array();
    a->receipts_seen = json_array();
    a->presence = json_array();
    a->subscriptions = json_object();
    a->privacy = json_object();
    a->blocked = json_array();
    a->tokens = json_object();
    a->sim->phone->init(a);
    sim_app_state_init(a);
    bx_list_push_back(&sim->account_list, &a->node);
    bx_map_put(&sim->accounts, bx_str(a->phone), a);
    bx_map_put(&sim->accounts, bx_str(a->lid), a);
    return a;
}

struct sim_account *sim_account_get(struct sim *sim, struct bx_str phone, struct bx_str push_name)
{
    char fresh[SIM_USER_MAX];
    struct sim_account *a =
        phone.len ? sim_account_find(sim, phone) : sim_account_by_name(sim, push_name);
    while (!a && !phone.len) {
        snprintf(fresh, sizeof fresh, "62812%08llu",
                 (unsigned long long)(10000000 + sim->next_phone++ % 80000000));
        if (!sim_account_find(sim, bx_str(fresh)))
            phone = bx_str(fresh);
    }
    if (!a && phone.len < SIM_USER_MAX)
        a = account_new(sim, phone);
    if (a && push_name.len && !a->push_name[0]) {
        sim_name_copy(push_name, a->push_name);
        a->is_restricted |= sim_token_name_restricts(push_name);
        sim_app_state_push_name(a);
    }
    sim_save_later(sim);
    return a;
}

void sim_account_free(struct sim_account *a)
{
    BX_LIST_EACH(&a->devices, node)
    {
        sim_device_free(BX_CONTAINER_OF(node, struct sim_device, node));
    }
    bx_list_remove(&a->node);
    sim_app_state_done(a);
    a->sim->phone->done(a);
    json_decref(a->chat_state);
    json_decref(a->history);
    json_decref(a->messages);
    json_decref(a->receipts_seen);
    json_decref(a->presence);
    json_decref(a->subscriptions);
    json_decref(a->privacy);
    json_decref(a->blocked);
    json_decref(a->tokens);
    bx_map_done(&a->sent_messages);
    bx_map_done(&a->shared_keys);
    free(a->picture);
    free(a);
}

/* --- devices --- */

struct sim_device *sim_device_find(struct sim_account *a, unsigned id)
{
    BX_LIST_EACH(&a->devices, node)
    {
        struct sim_device *d = BX_CONTAINER_OF(node, struct sim_device, node);
        if (d->id == id)
            return d;
    }
    return NULL;
}

static void held_due(void *arg);

struct sim_device *sim_device_new(struct sim_account *a, unsigned id)
{
    struct sim_device *d = BX_NEW(struct sim_device);
    d->account = a;
    d->id = id;
    bx_list_init(&d->queue);
    bx_list_init(&d->replay);
    bx_list_init(&d->sent_order);
    bx_map_init(&d->sent);
    bx_list_init(&d->late);
    net_timer_init(&d->held_timer, held_due, d);
    net_timer_init(&d->bootstrap_timer, NULL, d);
    bx_list_push_back(&a->devices, &d->node);
    return d;
}

static void held_due(void *arg)
{
    sim_queue_release_held(arg);
}

void sim_device_free(struct sim_device *d)
{
    bx_list_remove(&d->node);
    net_timer_stop(&d->held_timer);
    net_timer_stop(&d->bootstrap_timer);
    sim_queue_free(d);
    if (d->conn)
        d->conn->device = NULL;
    d->conn = NULL;
    sim_chatstate_flush(d);
    free(d->prekeys);
    free(d->adv);
    free(d);
}

void sim_device_remove(struct sim_device *d)
{
    struct sim_account *a = d->account;
    bx_list_remove(&d->node);
    bx_list_init(&d->node);
    sim_devices_changed(a, NULL, d);
    sim_device_free(d);
    sim_save_later(a->sim);
}

/* --- addresses --- */

struct bx_str sim_jid(struct bx_arena *arena, const struct sim_account *a, unsigned device,
                      bool is_lid)
{
    const char *user = is_lid ? a->lid : a->phone, *server = is_lid ? "lid" : "s.whatsapp.net";
    return device ? bx_arena_printf(arena, "%s:%u@%s", user, device, server)
                  : bx_arena_printf(arena, "%s@%s", user, server);
}

struct wa_jid sim_wa_jid(struct bx_arena *arena, const struct sim_account *a, unsigned device,
                         bool is_lid)
{
    struct bx_str user = bx_arena_str(arena, bx_str(is_lid ? a->lid : a->phone));
    return wa_jid_make(is_lid ? WA_SERVER_LID : WA_SERVER_PN, user, (uint16_t)device);
}
