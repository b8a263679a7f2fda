/* How this device leaves the phone's list of linked devices.
 *
 * A client that is logged in asks the server to remove it; the answer or the end of the stream
 * follows. A job then drops the credentials, so that the user forgets with us. A client that could
 * not ask before says farewell after: one more connection, with the credentials that only memory
 * still holds, which logs in, asks to be removed and ends. It is an object beside the client and
 * has a handler of its own: none of its stanzas reaches the stanza table, so nothing of it becomes
 * a job, a state or a receipt, and the client may be started meanwhile to link another device.
 */
#include "wa/internal.h"

#include "base/log.h"

#include <stdlib.h>

enum { ANSWER_TIMEOUT_MS = 10000, FAREWELL_MS = 10000 };

struct wa_farewell {
    struct wa_client *client; /* one reference: address, roots and version are the client's */
    struct wa_creds *creds;
    struct wa_conn conn;
    struct net_timer timer;
    char id[WA_ID_SIZE]; /* of the request; "": not logged in yet */
};

static struct wa_node *removal(struct bx_arena *arena, const struct wa_creds *creds)
{
    struct wa_node *iq = WA_NODE(arena, "iq", wa_to("to", WA_SERVER_JID), wa_lit("type", "set"),
                                 wa_lit("xmlns", "md"));
    wa_node_add(iq, WA_NODE(arena, "remove-companion-device", wa_to("jid", bx_str(creds->jid)),
                            wa_lit("reason", "user_initiated")));
    return iq;
}

/* Not while another farewell is under way: it tells when it ends. */
static void left(struct wa_client *c)
{
    if (!c->is_freed && !c->farewell && c->ops->on_left)
        c->ops->on_left(c, c->arg);
}

/* --- farewell --- */

static void farewell_destroy(void *ptr)
{
    struct wa_farewell *f = ptr;
    wa_creds_unref(f->creds);
    wa_client_unref(f->client);
    free(f);
}

void wa_farewell_drop(struct wa_client *c)
{
    struct wa_farewell *f = c->farewell;
    if (!f)
        return;
    c->farewell = NULL;
    net_timer_stop(&f->timer);
    wa_conn_done(&f->conn);
    /* Later: a callback of its connection may be on the stack. */
    net_loop_call_later(c->loop, farewell_destroy, f);
}

static void farewell_over(struct wa_farewell *f, const char *outcome)
{
    struct wa_client *c = f->client;
    bx_debug("wa", "farewell", "outcome=%s", outcome);
    wa_client_ref(c);
    wa_farewell_drop(c);
    left(c);
    wa_client_unref(c);
}

static void farewell_ask(struct wa_farewell *f, struct bx_arena *arena)
{
    struct wa_node *iq = removal(arena, f->creds);
    wa_next_id(f->client, f->id);
    wa_node_set(iq, wa_lit("id", f->id));
    if (wa_conn_send(&f->conn, iq) < 0)
        farewell_over(f, "not sent");
}

static bool is_end(const struct wa_node *node)
{
    static const char *const tags[] = {"failure", "stream:error", "xmlstreamend"};
    for (size_t i = 0; i < BX_LEN(tags); i++) {
        if (bx_str_eq(node->tag, bx_str(tags[i])))
            return true;
    }
    return false;
}

/* What else waits for this device stays unread and unacknowledged. */
static void on_farewell_node(struct wa_conn *conn, struct wa_node *node, struct bx_arena **arena,
                             void *arg)
{
    struct wa_farewell *f = arg;
    (void)conn;
    if (bx_str_is(node->tag, "success"))
        farewell_ask(f, *arena);
    else if (bx_str_is(node->tag, "iq") && f->id[0] && wa_node_attr_is(node, "id", f->id))
        farewell_over(f, "answered");
    else if (is_end(node))
        farewell_over(f, "ended by the server");
}

static int on_farewell_payload(struct wa_conn *conn, struct bx_buf *out, void *arg)
{
    const struct wa_farewell *f = arg;
    (void)conn;
    return wa_login_payload(f->client, f->creds, out);
}

static void on_farewell_end(struct wa_conn *conn, int rc, void *arg)
{
    (void)conn;
    farewell_over(arg, bx_err_name(rc));
}

static void on_farewell_late(void *arg)
{
    farewell_over(arg, "too late");
}

/* One of an earlier device that is still under way gives way. */
static void farewell_start(struct wa_client *c, struct wa_creds *creds)
{
    wa_farewell_drop(c);
    struct wa_farewell *f = BX_NEW(struct wa_farewell);
    struct wa_conn_handler handler = {on_farewell_payload, on_farewell_node, on_farewell_end, f};
    struct wa_conn_opts opts = wa_client_conn_opts(c, creds);
    f->client = c;
    wa_client_ref(c);
    f->creds = wa_creds_ref(creds);
    wa_conn_init(&f->conn, c->loop, &handler);
    net_timer_init(&f->timer, on_farewell_late, f);
    net_timer_start(c->loop, &f->timer, FAREWELL_MS);
    c->farewell = f;
    if (wa_conn_open(&f->conn, &opts) < 0)
        farewell_over(f, "no address");
}

/* --- the credentials go, in a job, so that the user forgets with us --- */

struct unlink {
    struct wa_ending ending;
    bool is_unheard; /* the server does not know yet */
};

static int unlink_run(struct wa_job *job)
{
    int rc = BX_OK;
    wa_job_event(job, WA_EVENT_UNLINKED);
    if (!job->creds) /* never started: they are needed for the farewell */
        rc = wa_creds_load(job->ks, &job->creds);
    return rc < 0 && rc != BX_E_NOT_FOUND ? rc : wa_creds_drop(job->ks);
}

static void tell_end(struct wa_client *c, const struct wa_ending *e)
{
    if (c->is_started) /* again, while the job ran: it goes on as a new device */
        wa_client_retry(c);
    else
        wa_client_stop_for(c, e);
}

static void unlink_finish(struct wa_job *job, int rc)
{
    struct wa_client *c = job->client;
    struct unlink *u = job->data;
    struct wa_creds *creds = c->creds ? c->creds : wa_creds_ref(job->creds);
    c->creds = NULL;
    c->leaving = WA_LEAVING_NOT;
    if (rc < 0)
        u->ending.reason = WA_REASON_STORE;
    tell_end(c, &u->ending);
    if (rc >= 0 && u->is_unheard && !c->is_freed && wa_creds_is_linked(creds))
        farewell_start(c, creds);
    else
        left(c);
    wa_creds_unref(creds);
}

static const struct wa_job_type unlink_type = {
    .name = "unlink", .run = unlink_run, .finish = unlink_finish};

void wa_unlink(struct wa_client *c, struct wa_ending ending, bool is_unheard)
{
    if (c->is_freed || c->leaving == WA_LEAVING_DROPS)
        return;
    struct wa_job *job = wa_job_new(c, &unlink_type, NULL, NULL);
    struct unlink *u = BX_ARENA_NEW(job->in, struct unlink);
    *u = (struct unlink){ending, is_unheard};
    job->data = u;
    c->is_started = false;
    c->leaving = WA_LEAVING_DROPS;
    wa_job_submit(job);
}

/* --- asking while logged in --- */

static void on_removal_answer(struct wa_client *c, struct wa_node *answer, struct bx_arena **arena,
                              int rc, void *arg)
{
    (void)answer, (void)arena, (void)arg;
    if (rc != BX_E_CLOSED) /* whoever closed goes on */
        wa_client_end(c, rc < 0 ? wa_ending_of_rc(rc) : WA_LOGGED_OUT);
}

static int ask_removal(struct wa_client *c)
{
    struct bx_arena arena;
    bx_arena_init(&arena, 0);
    int rc =
        wa_request_send(c, removal(&arena, c->creds), ANSWER_TIMEOUT_MS, on_removal_answer, NULL);
    bx_arena_done(&arena);
    return rc;
}

void wa_client_logout(struct wa_client *c)
{
    if (c->leaving != WA_LEAVING_NOT)
        return;
    if (c->is_logged_in && ask_removal(c) == BX_OK) {
        c->leaving = WA_LEAVING_ASKS;
        return; /* the answer or the end of the stream follows */
    }
    wa_client_ref(c);
    wa_client_disconnect(c);
    wa_unlink(c, WA_LOGGED_OUT, true);
    wa_client_unref(c);
}
