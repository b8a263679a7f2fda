/* Trouble on demand: unlinking, stream errors, refusals, cut connections, faults. */
#include "base/err.h"
#include "base/mem.h"
#include "sim/admin/admin.h"
#include "sim/core/output.h"
#include "sim/network/accounts.h"
#include "sim/server/login.h"

#include <stdio.h>

static bool is_meant(struct sim_call *c, const struct sim_device *d)
{
    const json_t *only = json_object_get(c->body, "device");
    return !only || (unsigned)json_integer_value(only) == d->id;
}

static void unlink_devices(struct sim_call *c)
{
    if (!sim_call_only(c, "device"))
        return;
    BX_LIST_EACH(&c->account->devices, node)
    {
        struct sim_device *d = BX_CONTAINER_OF(node, struct sim_device, node);
        if (!is_meant(c, d))
            continue;
        struct sim_conn *conn = d->conn;
        if (conn) {
            sim_stream_error(conn, "401", "device_removed");
            conn->device = NULL;
            d->conn = NULL;
        }
        sim_device_remove(d);
    }
    sim_call_ok(c, NULL);
}

static void stream_error(struct sim_call *c)
{
    const json_t *number = json_object_get(c->body, "code");
    char code[16];
    snprintf(code, sizeof code, "%d", (int)json_integer_value(number));
    if (!sim_call_only(c, "device code conflict"))
        return;
    BX_LIST_EACH(&c->account->devices, node)
    {
        struct sim_device *d = BX_CONTAINER_OF(node, struct sim_device, node);
        if (d->conn && is_meant(c, d))
            sim_stream_error(d->conn, number ? code : NULL, sim_call_text(c, "conflict"));
    }
    sim_call_ok(c, NULL);
}

static struct sim_failure *failure_of(struct sim_call *c)
{
    return c->account ? &c->account->failure : &c->sim->failure;
}

static void set_failure(struct sim_call *c)
{
    json_int_t times = json_integer_value(json_object_get(c->body, "times"));
    if (!sim_call_only(c, "reason code expire times"))
        return;
    *failure_of(c) = (struct sim_failure){
        .reason = (unsigned)json_integer_value(json_object_get(c->body, "reason")),
        .code = (unsigned)json_integer_value(json_object_get(c->body, "code")),
        .expire_s = json_integer_value(json_object_get(c->body, "expire")),
        .times = (unsigned)times,
        .is_counted = times > 0,
    };
    sim_call_ok(c, NULL);
}

static void clear_failure(struct sim_call *c)
{
    *failure_of(c) = (struct sim_failure){0};
    sim_call_ok(c, NULL);
}

static void cut_connections(struct sim_call *c)
{
    uint64_t until = net_loop_now_ms(c->sim->loop) +
                     (uint64_t)json_integer_value(json_object_get(c->body, "forMs"));
    if (!sim_call_only(c, "device forMs"))
        return;
    if (c->account)
        c->account->refuse_until_ms = until;
    else
        c->sim->refuse_until_ms = until;
    BX_LIST_EACH(&c->sim->conns, node)
    {
        struct sim_conn *conn = BX_CONTAINER_OF(node, struct sim_conn, node);
        bool is_theirs = !c->account || (conn->device && conn->device->account == c->account &&
                                         is_meant(c, conn->device));
        if (is_theirs)
            sim_conn_cut(conn);
    }
    sim_call_ok(c, NULL);
}

static struct sim_faults *faults_of(struct sim_call *c)
{
    return c->account ? &c->account->faults : &c->sim->faults;
}

static double probability(const struct sim_call *c, const char *key)
{
    return json_number_value(json_object_get(c->body, key));
}

static bool are_probabilities(struct sim_call *c, const char *names)
{
    struct bx_str rest = bx_str(names), name;
    while (bx_str_split(&rest, ' ', &name)) {
        const char *key = bx_arena_str(c->arena, name).ptr;
        const json_t *value = json_object_get(c->body, key);
        if (value &&
            !(json_is_number(value) && probability(c, key) >= 0 && probability(c, key) <= 1)) {
            sim_call_fail(c, 400,
                          bx_arena_printf(c->arena, "\"%s\" is a number from 0 to 1", key).ptr);
            return false;
        }
    }
    return true;
}

static void set_faults(struct sim_call *c)
{
    const json_t *delay = json_object_get(c->body, "delayMs");
    if (!sim_call_only(c, "drop delayMs duplicate reorder replay corrupt unavailable loseAck "
                          "prekeysExhausted timeLock silent") ||
        !are_probabilities(c, "drop duplicate reorder corrupt unavailable loseAck"))
        return;
    *faults_of(c) = (struct sim_faults){
        .drop = probability(c, "drop"),
        .duplicate = probability(c, "duplicate"),
        .reorder = probability(c, "reorder"),
        .corrupt = probability(c, "corrupt"),
        .unavailable = probability(c, "unavailable"),
        .lose_ack = probability(c, "loseAck"),
        .delay_min_ms = (uint32_t)json_integer_value(json_array_get(delay, 0)),
        .delay_max_ms = (uint32_t)json_integer_value(json_array_get(delay, 1)),
        .replay = (unsigned)json_integer_value(json_object_get(c->body, "replay")),
        .is_prekeys_exhausted = json_is_true(json_object_get(c->body, "prekeysExhausted")),
        .is_time_locked = json_is_true(json_object_get(c->body, "timeLock")),
        .is_silent = json_is_true(json_object_get(c->body, "silent")),
        .is_set = true,
    };
    sim_call_ok(c, NULL);
}

static void clear_faults(struct sim_call *c)
{
    *faults_of(c) = (struct sim_faults){0};
    sim_call_ok(c, NULL);
}

const struct sim_call_row sim_calls_trouble[] = {
    {"POST", "/admin/phone/P/unlink", unlink_devices},
    {"POST", "/admin/phone/P/stream-error", stream_error},
    {"PUT", "/admin/phone/P/failure", set_failure},
    {"DELETE", "/admin/phone/P/failure", clear_failure},
    {"PUT", "/admin/failure", set_failure},
    {"DELETE", "/admin/failure", clear_failure},
    {"POST", "/admin/phone/P/disconnect", cut_connections},
    {"POST", "/admin/disconnect", cut_connections},
    {"PUT", "/admin/phone/P/fault", set_faults},
    {"DELETE", "/admin/phone/P/fault", clear_faults},
    {"PUT", "/admin/fault", set_faults},
    {"DELETE", "/admin/fault", clear_faults},
    {NULL, NULL, NULL},
};
