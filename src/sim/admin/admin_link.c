/* Linking: what a phone does with a code that a client shows. */
#include "base/base64.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "sim/admin/admin.h"
#include "sim/network/accounts.h"
#include "sim/network/appstate.h"
#include "sim/server/pair.h"

#include <stdio.h>
#include <stdlib.h>

static json_t *linked_json(const struct sim_device *d)
{
    return json_pack("{s:s,s:s,s:i}", "phone", d->account->phone, "lid", d->account->lid, "device",
                     (int)d->id);
}

/* The connection that shows this code; NULL: answered. */
static struct sim_conn *read_qr(struct sim_call *c, uint8_t secret[64])
{
    struct bx_str rest = c->r->body, fields[5];
    size_t hash = bx_str_find(rest, '#'), count = 0, len;
    if (hash < rest.len)
        rest = bx_str_slice(rest, hash + 1, rest.len);
    while (count < BX_LEN(fields) && bx_str_split(&rest, ',', &fields[count]))
        count++;
    if (count < 4 || fields[3].len > 64 ||
        bx_base64_decode(bx_str_trim(fields[3]), secret, &len) < 0 || len != 32) {
        sim_call_fail(c, 400, "that is not the text of a QR code");
        return NULL;
    }
    struct sim_conn *conn = sim_pair_find_ref(c->sim, bx_str_trim(fields[0]));
    if (!conn)
        sim_call_fail(c, 404, "no client shows this code (any more)");
    return conn;
}

/* A client holds its screen before the phones: the page can scan it with one press. */
static void show_qr(struct sim_call *c)
{
    uint8_t secret[64];
    struct sim_conn *conn = read_qr(c, secret);
    if (!conn)
        return;
    if (c->r->body.len >= sizeof conn->shown_qr || !bx_utf8_is_valid(c->r->body)) {
        sim_call_fail(c, 400, "that is not the text of a QR code");
        return;
    }
    bx_str_copy(c->r->body, conn->shown_qr, sizeof conn->shown_qr);
    if (bx_str_copy(sim_call_query(c, "phone"), conn->shown_to, sizeof conn->shown_to) < 0)
        conn->shown_to[0] = '\0';
    if (!conn->push_name[0])
        sim_name_copy(sim_call_query(c, "pushName"), conn->push_name);
    sim_call_ok(c, NULL);
}

/* Every phone has a name that its companions learn. */
static void name_it(struct sim_account *a)
{
    if (a->push_name[0])
        return;
    snprintf(a->push_name, sizeof a->push_name, "Phone %s", a->phone);
    sim_app_state_push_name(a);
}

static void scan_qr(struct sim_call *c)
{
    uint8_t secret[64];
    struct sim_conn *conn = read_qr(c, secret);
    if (!conn)
        return;
    struct bx_str name = sim_call_query(c, "pushName"), phone = sim_call_query(c, "phone");
    if (!phone.len)
        phone = bx_str(conn->shown_to);
    if (!name.len)
        name = bx_str(conn->push_name);
    if (!conn->push_name[0])
        sim_name_copy(name, conn->push_name);
    struct sim_account *a = sim_account_get(c->sim, phone, name);
    struct sim_device *d;
    if (!a || sim_pair_link(conn, a, secret, &d) < 0) {
        sim_call_fail(c, 400, "that is not a phone number");
        return;
    }
    name_it(a);
    sim_call_ok(c, linked_json(d));
}

static void code_entered(void *arg, int rc, const struct sim_device *d)
{
    struct http_exchange *x = arg;
    json_t *json = rc == BX_OK
                       ? json_pack("{s:b,s:s,s:s,s:i}", "ok", 1, "phone", d->account->phone, "lid",
                                   d->account->lid, "device", (int)d->id)
                       : json_pack("{s:b,s:s}", "ok", 0, "error",
                                   rc == BX_E_AUTH ? "the code is wrong" : "the client has left");
    char *dumped = json_dumps(json, JSON_COMPACT);
    http_respond(x,
                 rc == BX_OK       ? 200
                 : rc == BX_E_AUTH ? 403
                                   : 404,
                 "application/json", bx_str(dumped));
    free(dumped);
    json_decref(json);
}

static void enter_code(struct sim_call *c)
{
    struct sim_account *a =
        sim_call_text(c, "phone") ? sim_account_by_jid(c->sim, sim_call_str(c, "phone")) : NULL;
    if (!sim_call_only(c, "code phone"))
        return;
    int rc = sim_pair_enter_code(c->sim, a,
                                 sim_call_text(c, "code") ? sim_call_str(c, "code") : BX_STR(""),
                                 code_entered, c->x);
    if (rc < 0) /* else code_entered will answer */
        sim_call_fail(c, rc == BX_E_AUTH ? 403 : 404,
                      rc == BX_E_AUTH ? "the code is wrong"
                                      : "nobody waits for a code, or several do: say which phone");
}

static void pending(struct sim_call *c)
{
    json_t *list = json_array();
    BX_LIST_EACH(&c->sim->conns, node)
    {
        struct sim_conn *conn = BX_CONTAINER_OF(node, struct sim_conn, node);
        if (!conn->ref_count || conn->state != SIM_CONN_OPEN || conn->pairing)
            continue;
        json_t *row = json_pack("{s:s,s:s,s:s}", "ref", conn->refs[0], "pushName", conn->push_name,
                                "platform", conn->platform);
        if (conn->shown_qr[0])
            json_object_set_new(row, "qr", json_string(conn->shown_qr));
        if (conn->shown_to[0])
            json_object_set_new(row, "phone", json_string(conn->shown_to));
        json_array_append_new(list, row);
    }
    sim_call_ok(c, json_pack("{s:o}", "pending", list));
}

const struct sim_call_row sim_calls_link[] = {
    {"POST", "/admin/mock-phone/scan-qr", scan_qr},
    {"POST", "/admin/mock-phone/show-qr", show_qr},
    {"POST", "/admin/mock-phone/enter-code", enter_code},
    {"GET", "/admin/mock-phone/pending", pending},
    {NULL, NULL, NULL},
};
