/* Load for measurements: a contact says many things at once, and the network holds what it has for
 * companions until told to let go, so that encrypting is over before the clock starts. */
#include "base/err.h"
#include "base/mem.h"
#include "sim/admin/admin.h"
#include "sim/network/queue.h"
#include "sim/phone/chat.h"

enum { BURST_MAX = 20000, RECEIVERS_MAX = 2048 };

static size_t receivers(struct sim_call *c, struct sim_account **out)
{
    size_t i, n = 0;
    json_t *who;
    json_array_foreach(json_object_get(c->body, "to"), i, who)
    {
        struct sim_account *a = sim_call_person(c, json_string_value(who));
        if (a && n < RECEIVERS_MAX)
            out[n++] = a;
    }
    return n;
}

static void burst(struct sim_call *c)
{
    struct sim_account *to[RECEIVERS_MAX];
    char id[SIM_ID_MAX];
    int64_t count = sim_call_int(c, "count");
    if (!sim_call_only(c, "to count text"))
        return;
    size_t n = receivers(c, to);
    if (!n || count < 1 || count > BURST_MAX || !sim_call_text(c, "text")) {
        sim_call_fail(c, 400, "to (a list), count (1 to 20000) and text are needed");
        return;
    }
    for (int64_t i = 0; i < count; i++) {
        struct bx_str text =
            bx_arena_printf(c->arena, "%s %lld", sim_call_text(c, "text"), (long long)(i + 1));
        struct sim_outgoing w = {.to = to[(size_t)i % n], .text = text};
        int rc = sim_phone_say(c->account, &w, id);
        if (rc < 0) {
            sim_call_fail(c, 409, bx_err_info(rc)->sentence);
            return;
        }
    }
    sim_call_ok(c, json_pack("{s:I}", "sent", (json_int_t)count));
}

static void hold(struct sim_call *c)
{
    c->sim->is_holding = true;
    sim_call_ok(c, NULL);
}

static void let_go(struct sim_call *c)
{
    sim_queue_let_go(c->sim);
    sim_call_ok(c, NULL);
}

const struct sim_call_row sim_calls_load[] = {
    {"POST", "/admin/phone/P/burst", burst},
    {"PUT", "/admin/hold", hold},
    {"DELETE", "/admin/hold", let_go},
    {NULL, NULL, NULL},
};
