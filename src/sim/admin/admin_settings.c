/* Settings, counters and the stanza log. */
#include "base/err.h"
#include "base/mem.h"
#include "sim/admin/admin.h"
#include "sim/core/dump.h"

static const char *const flaws[WA_CERT_FLAWS] = {
    "none", "otherRoot", "expired", "notYet", "badSignature", "badSerial", "otherKey",
};

static void show_settings(struct sim_call *c)
{
    const struct sim *s = c->sim;
    sim_call_ok(c, json_pack("{s:{s:s,s:i,s:i,s:i,s:s,s:i,s:s}}", "settings", "groupAddressing",
                             s->is_group_lid ? "lid" : "pn", "refs", (int)s->refs, "settleMs",
                             (int)s->settle_ms, "chatstateTtlMs", (int)s->chatstate_ttl_ms,
                             "history", s->is_history_blob ? "blob" : "inline", "historyChunk",
                             (int)s->history_chunk, "certificateFlaw", flaws[s->cert_flaw]));
}

static void change_history(struct sim_call *c)
{
    const json_t *chunk = json_object_get(c->body, "historyChunk");
    if (sim_call_text(c, "history"))
        c->sim->is_history_blob = strcmp(sim_call_text(c, "history"), "blob") == 0;
    if (chunk && json_integer_value(chunk) >= 0)
        c->sim->history_chunk = (unsigned)json_integer_value(chunk);
}

static void change_flaw(struct sim_call *c)
{
    const char *name = sim_call_text(c, "certificateFlaw");
    for (int i = 0; name && i < WA_CERT_FLAWS; i++) {
        if (strcmp(flaws[i], name) == 0)
            c->sim->cert_flaw = (enum wa_cert_flaw)i;
    }
}

static void change_settings(struct sim_call *c)
{
    const json_t *refs = json_object_get(c->body, "refs"),
                 *settle = json_object_get(c->body, "settleMs"),
                 *ttl = json_object_get(c->body, "chatstateTtlMs");
    if (!sim_call_only(c, "groupAddressing refs settleMs chatstateTtlMs history historyChunk "
                          "certificateFlaw") ||
        !sim_call_choice(c, "groupAddressing", "pn lid") ||
        !sim_call_choice(c, "history", "inline blob") ||
        !sim_call_choice(c, "certificateFlaw",
                         "none otherRoot expired notYet badSignature badSerial otherKey"))
        return;
    if (sim_call_text(c, "groupAddressing"))
        c->sim->is_group_lid = strcmp(sim_call_text(c, "groupAddressing"), "lid") == 0;
    if (refs && json_integer_value(refs) > 0 && json_integer_value(refs) <= SIM_REFS_MAX)
        c->sim->refs = (unsigned)json_integer_value(refs);
    if (settle)
        c->sim->settle_ms = (uint32_t)json_integer_value(settle);
    if (ttl)
        c->sim->chatstate_ttl_ms = (uint32_t)json_integer_value(ttl);
    change_history(c);
    change_flaw(c);
    show_settings(c);
}

/* What clients are to trust: the root of the Noise certificates, and the TLS certificate. */
static void trust(struct sim_call *c)
{
    struct bx_buf pem;
    char root[65];
    bx_hex_encode(c->sim->root.pub, sizeof c->sim->root.pub, root);
    bx_buf_init(&pem, 0);
    net_tls_server_pem(c->sim->tls, &pem);
    sim_call_ok(c, json_pack("{s:s,s:s%}", "root", root, "tls", (char *)pem.data, pem.len));
    bx_buf_done(&pem);
}

static const struct {
    const char *name;
    size_t at;
    bool is_fault;
} counters[] = {
    {"logins", offsetof(struct sim_stats, logins), false},
    {"messagesIn", offsetof(struct sim_stats, messages_in), false},
    {"messagesOut", offsetof(struct sim_stats, messages_out), false},
    {"receiptsIn", offsetof(struct sim_stats, receipts_in), false},
    {"retries", offsetof(struct sim_stats, retries), false},
    {"prekeysServed", offsetof(struct sim_stats, prekeys_served), false},
    {"uploads", offsetof(struct sim_stats, uploads), false},
    {"downloads", offsetof(struct sim_stats, downloads), false},
    {"drop", offsetof(struct sim_stats, drop), true},
    {"delayMs", offsetof(struct sim_stats, delay), true},
    {"duplicate", offsetof(struct sim_stats, duplicate), true},
    {"reorder", offsetof(struct sim_stats, reorder), true},
    {"replay", offsetof(struct sim_stats, replay), true},
    {"corrupt", offsetof(struct sim_stats, corrupt), true},
    {"loseAck", offsetof(struct sim_stats, lose_ack), true},
    {"prekeysExhausted", offsetof(struct sim_stats, prekeys_exhausted), true},
    {"silent", offsetof(struct sim_stats, silent), true},
    {"unavailable", offsetof(struct sim_stats, unavailable), true},
    {"timeLock", offsetof(struct sim_stats, time_lock), true},
};

static void stats(struct sim_call *c)
{
    const struct sim_stats *s = &c->sim->stats;
    json_int_t connections = 0, accounts = 0, devices = 0;
    BX_LIST_EACH(&c->sim->conns, node)
    {
        connections += node != NULL;
    }
    BX_LIST_EACH(&c->sim->account_list, node)
    {
        accounts++;
        BX_LIST_EACH(&BX_CONTAINER_OF(node, struct sim_account, node)->devices, dn)
        {
            devices += dn != NULL;
        }
    }
    json_t *all = json_pack("{s:I,s:I,s:I}", "connections", connections, "accounts", accounts,
                            "devices", devices),
           *faults = json_object();
    for (size_t i = 0; i < BX_LEN(counters); i++)
        json_object_set_new(
            counters[i].is_fault ? faults : all, counters[i].name,
            json_integer(*(const int64_t *)(const void *)((const char *)s + counters[i].at)));
    json_object_set_new(all, "faults", faults);
    sim_call_ok(c, json_pack("{s:o}", "stats", all));
}

static void dump(struct sim_call *c)
{
    uint64_t after = 0, limit = 1000, next;
    bx_str_u64(sim_call_query(c, "after"), UINT64_MAX / 2, &after);
    bx_str_u64(sim_call_query(c, "limit"), 10000, &limit);
    json_t *list = sim_dump_json(c->sim, sim_call_query(c, "phone"), after, limit, &next);
    sim_call_ok(c, json_pack("{s:o,s:I}", "stanzas", list, "next", (json_int_t)next));
}

const struct sim_call_row sim_calls_settings[] = {
    {"GET", "/admin/settings", show_settings},
    {"PATCH", "/admin/settings", change_settings},
    {"GET", "/admin/trust", trust},
    {"GET", "/admin/stats", stats},
    {"GET", "/admin/dump", dump},
    {NULL, NULL, NULL},
};
