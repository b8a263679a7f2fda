/* The admin API (docs/SIMULATOR.md): finds the row of a call and runs it. Answers are {"ok":true,…}
 * or {"ok":false,"error":"…"}. */
#include "sim/admin/admin.h"
#include "sim/network/accounts.h"
#include "sim/network/groups.h"

#include "base/err.h"
#include "base/mem.h"

#include <arpa/inet.h>

static const struct sim_call_row *const tables[] = {
    sim_calls_link,    sim_calls_phones,   sim_calls_history, sim_calls_groups,
    sim_calls_trouble, sim_calls_settings, sim_calls_load,
};

static bool is_verb(struct bx_str s)
{
    return bx_str_is(s, "add") || bx_str_is(s, "remove") || bx_str_is(s, "promote") ||
           bx_str_is(s, "demote");
}

static bool matches(const struct sim_call *c, const char *pattern)
{
    struct bx_str rest = bx_str(pattern + 1), want;
    size_t i = 0;
    while (bx_str_split(&rest, '/', &want)) {
        if (i >= c->segment_count)
            return false;
        bool is_free = bx_str_is(want, "P") || bx_str_is(want, "G") ||
                       (bx_str_is(want, "V") && is_verb(c->segments[i]));
        if (!is_free && !bx_str_eq(want, c->segments[i]))
            return false;
        i++;
    }
    return i == c->segment_count;
}

/* Finds what the path names; false when it was answered. */
static bool resolve(struct sim_call *c, const char *pattern)
{
    if (strstr(pattern, "/P")) {
        c->account = sim_account_by_jid(c->sim, c->segments[2]);
        if (!c->account && strstr(pattern, "history") == NULL) {
            sim_call_fail(c, 404, "there is no such phone");
            return false;
        }
        if (!c->account)
            c->account = sim_call_person(c, bx_arena_str(c->arena, c->segments[2]).ptr);
    }
    if (strstr(pattern, "/G")) {
        c->group = sim_group_find(c->sim, c->segments[2]);
        if (!c->group)
            sim_call_fail(c, 404, "there is no such group");
        return c->group != NULL;
    }
    return true;
}

static bool read_body(struct sim_call *c, const char *pattern)
{
    json_error_t error;
    bool is_json = !bx_str_ends(bx_str(pattern), BX_STR("-qr")) && c->r->body.len;
    c->body = is_json ? json_loadb(c->r->body.ptr, c->r->body.len, 0, &error) : json_object();
    if (json_is_object(c->body))
        return true;
    json_decref(c->body);
    c->body = NULL;
    sim_call_fail(c, 400, "the body is not a JSON object");
    return false;
}

/* Web pages of other origins, and pages whose name was made to point here (DNS rebinding), must not
 * drive the network: the Host is an address or localhost, an Origin is that very host, and a body is
 * JSON, which a foreign page can only send with a preflight that nothing here answers. QR texts are
 * the exception, for the clients of other simulators. */
static bool is_own_host(const struct sim_call *c, struct bx_str host)
{
    char name[64];
    uint8_t address[16];
    bool is_v6 = bx_str_starts(host, BX_STR("["));
    struct bx_str bare = is_v6 ? bx_str_slice(host, 1, bx_str_find(host, ']'))
                               : bx_str_slice(host, 0, bx_str_find(host, ':'));
    if (bare.len >= sizeof name)
        return false;
    bx_str_copy(bare, name, sizeof name);
    return bx_str_is(bare, "localhost") || bx_str_ends(bare, BX_STR(".localhost")) ||
           bx_str_eq(bare, bx_str(c->sim->host)) ||
           inet_pton(is_v6 ? AF_INET6 : AF_INET, name, address) == 1;
}

static bool is_own_origin(struct bx_str origin, struct bx_str host)
{
    size_t scheme = bx_str_starts(origin, BX_STR("http://"))    ? 7
                    : bx_str_starts(origin, BX_STR("https://")) ? 8
                                                                : 0;
    return scheme && bx_str_eq(bx_str_slice(origin, scheme, origin.len), host);
}

static bool is_json(struct bx_str type)
{
    struct bx_str bare = bx_str_trim(bx_str_slice(type, 0, bx_str_find(type, ';')));
    return bx_str_ieq(bare, BX_STR("application/json"));
}

/* False when it was refused. */
static bool admit(struct sim_call *c)
{
    struct bx_str host = http_header_get(c->r, BX_STR("host")),
                  origin = http_header_get(c->r, BX_STR("origin")),
                  type = http_header_get(c->r, BX_STR("content-type"));
    bool is_text = bx_str_ends(c->r->path, BX_STR("-qr"));
    if (host.len && !is_own_host(c, host))
        sim_call_fail(c, 403, "call the simulator by its address or as localhost");
    else if (origin.ptr && !is_own_origin(origin, host))
        sim_call_fail(c, 403, "pages of other origins may not drive the simulator");
    else if (c->r->body.len && !is_text && !is_json(type))
        sim_call_fail(c, 415, "the body must be application/json (curl --json)");
    else
        return true;
    return false;
}

static const struct sim_call_row *find(const struct sim_call *c)
{
    for (size_t i = 0; i < BX_LEN(tables); i++) {
        for (const struct sim_call_row *row = tables[i]; row->path; row++) {
            if (matches(c, row->path) && bx_str_eq(c->r->method_name, bx_str(row->method)))
                return row;
        }
    }
    return NULL;
}

void sim_admin_handle(struct sim *sim, struct http_exchange *x)
{
    struct sim_call c = {
        .sim = sim, .x = x, .r = http_exchange_request(x), .arena = http_exchange_arena(x)};
    struct bx_str rest = bx_str_slice(c.r->path, 1, c.r->path.len), segment;
    while (bx_str_split(&rest, '/', &segment) && c.segment_count < BX_LEN(c.segments)) {
        if (http_url_decode(c.arena, segment, false, &c.segments[c.segment_count]) == BX_OK)
            c.segment_count++;
    }
    if (!admit(&c))
        return;
    const struct sim_call_row *row = find(&c);
    if (row) {
        if (read_body(&c, row->path) && resolve(&c, row->path))
            row->fn(&c);
        json_decref(c.body);
        return;
    }
    sim_call_fail(&c, 404, "there is no such call; docs/SIMULATOR.md lists them");
}
