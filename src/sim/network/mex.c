/* GraphQL-like queries (`w:mex`): what they ask is known by the number of the query, and official and
 * third-party clients number the same query differently. A query that is not simulated is answered
 * with an error of its kind, because clients wait for the key that they asked for. */
#include "sim/network/mex.h"
#include "base/err.h"
#include "sim/core/faults.h"
#include "sim/core/iq.h"
#include "sim/core/random.h"

#include <stdio.h>
#include <stdlib.h>

enum { TIME_LOCK_S = 24 * 60 * 60 };

static json_t *seconds(int64_t s)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)s);
    return json_string(text);
}

/* The fault `timeLock` (docs/SIMULATOR.md): the account may answer, but start no chat. */
static json_t *time_lock(struct sim_account *self)
{
    bool is_locked = sim_faults_of(self)->is_time_locked;
    return json_pack("{s:b,s:o,s:s}", "is_active", is_locked, "time_enforcement_ends",
                     seconds(is_locked ? sim_now_s() + TIME_LOCK_S : 0), "enforcement_type",
                     "DEFAULT");
}

/* Chats whose first message is the account's own. */
static size_t chats_started(const struct sim_account *self)
{
    json_t *seen = json_object(), *row;
    size_t i, started = 0;
    json_array_foreach(self->messages, i, row)
    {
        const char *chat = json_string_value(json_object_get(row, "chat"));
        if (!chat || json_object_get(seen, chat))
            continue;
        json_object_set_new(seen, chat, json_true());
        started += json_is_true(json_object_get(row, "fromMe"));
    }
    json_decref(seen);
    return started;
}

/* The network has no cap on new chats: -1. What was used is counted all the same. */
static json_t *new_chat_cap(struct sim_account *self)
{
    int64_t now = sim_now_s(), day = 24 * 60 * 60;
    return json_pack("{s:s,s:s,s:s,s:i,s:I,s:o,s:o,s:o}", "capping_status", "NONE", "ote_status",
                     "NOT_ELIGIBLE", "mv_status", "NOT_ELIGIBLE", "total_quota", -1, "used_quota",
                     (json_int_t)chats_started(self), "cycle_start_timestamp",
                     seconds(now - now % day), "cycle_end_timestamp",
                     seconds(now - now % day + day), "server_sent_timestamp", seconds(now));
}

static const struct {
    const char *query_id, *key;
    json_t *(*fn)(struct sim_account *self);
} queries[] = {
    {"23983697327930364", "xwa2_fetch_account_reachout_timelock", time_lock},
    {"24503548349331633", "xwa2_message_capping_info", new_chat_cap},
    {"27910975521856601", "xwa2_message_capping_info", new_chat_cap},
};

static json_t *answer(struct sim_account *self, struct bx_str query_id)
{
    for (size_t i = 0; i < BX_LEN(queries); i++) {
        if (bx_str_eq(query_id, bx_str(queries[i].query_id)))
            return json_pack("{s:{s:o}}", "data", queries[i].key, queries[i].fn(self));
    }
    return json_pack("{s:n,s:[{s:s,s:{s:i,s:b,s:s}}]}", "data", "errors", "message",
                     "The simulator does not know this query", "extensions", "error_code", 501,
                     "is_retryable", 0, "severity", "CRITICAL");
}

void sim_on_mex(struct sim_conn *c, const struct wa_node *iq, const struct wa_node *child,
                struct bx_arena *arena)
{
    json_t *json = answer(c->device->account, wa_node_attr(child, "query_id"));
    char *text = json_dumps(json, JSON_COMPACT);
    sim_iq_result(c, iq,
                  wa_node_bytes(wa_node_new(arena, "result"), bx_arena_str(arena, bx_str(text))));
    free(text);
    json_decref(json);
}
