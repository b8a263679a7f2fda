/* Who connects? Every form in which clients send their token, and refusals they can act on. */
#include "app/realtime/realtime_internal.h"

#include "app/access/access.h"
#include "app/access/credentials.h"
#include "app/core/failures.h"
#include "base/json_scan.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

enum { RESUME_MAX = 4096 };

/* A handshake under way. */
struct entry {
    struct wb_realtime *rt;
    struct sio_socket *socket; /* referenced */
    struct sio_next *next;
    struct bx_arena arena;
    struct wb_credentials credentials;
    int learn_rc;
};

static void agent_free(void *data)
{
    struct wb_agent *a = data;
    net_timer_stop(&a->expiry);
    free(a->resume);
    free(a->entering);
    free(a->chosen);
    free(a);
}

/* --- the token, wherever it is --- */

static struct bx_str of_auth(struct bx_str auth, const char *key, struct bx_arena *arena)
{
    struct bx_str value, text;
    if (!bx_json_get(auth, bx_str(key), &value) || bx_json_string(value, arena, &text) < 0)
        return (struct bx_str){0};
    return wb_bearer(text);
}

static struct bx_str find_token(struct sio_socket *socket, struct bx_str auth,
                                struct bx_arena *arena)
{
    static const char *const keys[] = {"token", "authorization", "apiKey"};
    for (size_t i = 0; i < BX_LEN(keys); i++) {
        struct bx_str token = of_auth(auth, keys[i], arena);
        if (token.len)
            return token;
    }
    struct bx_str header = wb_unsio(sio_socket_header(socket, "authorization"));
    if (header.len)
        return wb_bearer(bx_arena_str(arena, header));
    header = wb_unsio(sio_socket_header(socket, "x-api-key"));
    if (header.len)
        return bx_arena_str(arena, header);
    char query[4096];
    int len = sio_socket_query(socket, "token", query, sizeof query);
    return len > 0 ? wb_bearer(bx_arena_str(arena, bx_str_n(query, (size_t)len)))
                   : (struct bx_str){0};
}

/* 7, or {"seq":7,"epoch":"…"}. */
static bool resume_at(const struct wb_agent *a, struct bx_str value, struct wb_resume *r)
{
    struct bx_str seq = value, epoch;
    bool is_object = bx_json_type(value) == BX_JSON_OBJECT;
    if (is_object && !bx_json_get(value, BX_STR("seq"), &seq))
        return false;
    if (is_object && bx_json_get(value, BX_STR("epoch"), &epoch))
        r->is_of_other_log = !bx_str_eq(bx_str_slice(epoch, 1, epoch.len - (epoch.len > 0)),
                                        bx_str(st_log_epoch(a->rt->app->store)));
    return bx_json_int(seq, &r->seq) == BX_OK && r->seq >= 0;
}

static void take_resume(struct wb_agent *a, struct bx_str auth)
{
    struct bx_str resume, key, value;
    if (!bx_json_get(auth, BX_STR("resume"), &resume) || bx_json_type(resume) != BX_JSON_OBJECT)
        return;
    struct bx_str cursor = bx_json_inside(resume);
    while (a->resume_count < RESUME_MAX && bx_json_next_member(&cursor, &key, &value)) {
        struct wb_resume r = {0};
        if (bx_str_i64(key, &r.number_id) < 0 || !resume_at(a, value, &r))
            continue;
        a->resume = bx_realloc(a->resume, a->resume_count + 1, sizeof *a->resume);
        a->resume[a->resume_count++] = r;
    }
}

/* --- verdicts --- */

static void entry_free(struct entry *e)
{
    sio_socket_unref(e->socket);
    bx_arena_done(&e->arena);
    free(e);
}

static const struct {
    int rc;
    const char *code, *message;
} refusals[] = {
    {BX_E_NOT_FOUND, "TOKEN_MISSING", "Authentication error: Token missing"},
    {BX_E_INVALID, "TOKEN_INVALID", "Authentication error: Invalid token"},
    {BX_E_AUTH, "TOKEN_INVALID", "Authentication error: Invalid token"},
    {BX_E_EXPIRED, "TOKEN_EXPIRED", "Authentication error: Token expired"},
    {BX_E_CLOSED, "TOKEN_REVOKED", "Authentication error: Invalid token (revoked)"},
    {BX_E_AGAIN, "TOKEN_INVALID", "Authentication error: Invalid token"},
};

static void refuse(struct entry *e, int rc)
{
    const char *code = "UNAVAILABLE", *message = "The server cannot check the login now; try again";
    char data[64];
    for (size_t i = 0; i < BX_LEN(refusals); i++) {
        if (refusals[i].rc == rc) {
            code = refusals[i].code;
            message = refusals[i].message;
        }
    }
    struct sio_handshake h;
    sio_socket_handshake(e->socket, &h);
    wb_failure_note(WB_FAILURE_HANDSHAKE, "ip=" BX_STR_FMT " code=%s",
                    BX_STR_ARG(wb_unsio(h.address)), code);
    int len = snprintf(data, sizeof data, "{\"code\":\"%s\"}", code);
    sio_next_refuse(e->next, message, (struct sio_str){data, (size_t)len});
    entry_free(e);
}

static void admit(struct entry *e, const struct wb_principal *who)
{
    struct sio_handshake h;
    struct wb_agent *a = BX_NEW(struct wb_agent);
    a->rt = e->rt;
    a->socket = e->socket;
    a->who = *who;
    net_timer_init(&a->expiry, NULL, a);
    sio_socket_handshake(e->socket, &h);
    wb_client_ip(e->rt->app, wb_unsio(h.address),
                 wb_unsio(sio_socket_header(e->socket, "x-forwarded-for")), a->ip);
    take_resume(a, wb_unsio(h.auth));
    sio_socket_set_data(e->socket, a, agent_free);
    if (sio_socket_is_recovered(e->socket))
        wb_agent_leave_forbidden(a);
    sio_next_ok(e->next);
    entry_free(e);
}

static void decide(struct entry *e, bool has_learned);

static void on_learned(void *arg)
{
    decide(arg, true);
}

static void learn_work(void *arg, unsigned worker)
{
    struct entry *e = arg;
    e->learn_rc = wb_authenticate_learn(e->rt->app, e->rt->app->readers[worker], &e->credentials);
}

static void decide(struct entry *e, bool has_learned)
{
    struct wb_principal who;
    const char *why;
    int rc = wb_authenticate(e->rt->app, &e->credentials, &who, &why);
    if (rc == BX_OK && e->credentials.is_api_key && !(who.scopes & ST_SCOPE_READ))
        rc = BX_E_AUTH;
    if (rc == BX_OK) {
        admit(e, &who);
    } else if (rc == BX_E_AGAIN && !has_learned) {
        if (net_lane_submit(wb_realtime_lane(e->rt), learn_work, on_learned, e) < 0)
            refuse(e, BX_E_FULL);
    } else {
        bool is_unknown = e->learn_rc == BX_OK || e->learn_rc == BX_E_NOT_FOUND;
        refuse(e, has_learned && !is_unknown ? e->learn_rc : rc);
    }
}

void wb_realtime_authenticate(struct sio_socket *socket, struct sio_next *next, void *arg)
{
    struct wb_realtime *rt = arg;
    struct sio_handshake h;
    struct entry *e = BX_NEW(struct entry);
    *e = (struct entry){.rt = rt, .socket = sio_socket_ref(socket), .next = next};
    bx_arena_init(&e->arena, 0);
    sio_socket_handshake(socket, &h);
    struct bx_str token = find_token(socket, wb_unsio(h.auth), &e->arena);
    e->credentials = (struct wb_credentials){bx_arena_str(&e->arena, token),
                                             bx_str_starts(token, BX_STR("wbk_"))};
    decide(e, false);
}
