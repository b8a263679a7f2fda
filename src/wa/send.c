/* The queue of messages to send: one at a time, in order. A step runs on the lane; what it misses
 * is fetched here; what is ready is written at once and waits for its acknowledgement. */
#include "wa/internal.h"

#include "base/clock.h"

#include <stdlib.h>

enum { MAX_ROUNDS = 6, ACK_TIMEOUT_MS = 30000, BATCH = 100 };

/* Takes the op out of its list; tells its sender that it did not go out. */
static void give_up(struct wa_client *c, struct wa_send_op *op, int rc)
{
    bx_list_remove(&op->node);
    if (op->origin == WA_OP_USER && !c->is_freed && c->ops->on_unsent)
        c->ops->on_unsent(c, op->out.id, rc, c->arg);
    wa_send_op_free(op);
}

void wa_send_push(struct wa_client *c, struct wa_send_op *op)
{
    bx_list_push_back(&c->sends, &op->node);
    c->sends_queued++;
    wa_send_next(c);
}

static struct wa_send_op *head(struct wa_client *c)
{
    return bx_list_is_empty(&c->sends) ? NULL
                                       : BX_CONTAINER_OF(c->sends.next, struct wa_send_op, node);
}

static void step(struct wa_client *c, struct wa_send_op *op, struct wa_node *answer,
                 struct bx_arena **arena)
{
    struct wa_job *job = wa_job_new(c, &wa_job_send_step, arena ? *arena : NULL, answer);
    if (arena)
        *arena = NULL;
    op->is_busy = true;
    job->op = op;
    wa_job_submit(job);
}

void wa_send_next(struct wa_client *c)
{
    struct wa_send_op *op = head(c);
    if (!op || op->is_busy || !c->has_settled)
        return;
    op->rounds = 0;
    op->has_asked_bundles = op->has_asked_devices = op->has_asked_group = false;
    step(c, op, NULL, NULL);
}

static void finish_head(struct wa_client *c)
{
    c->sends_queued--;
    wa_send_next(c);
}

/* --- fetching what is missing --- */

struct asked {
    struct wa_send_op *op;
};

static void on_fetched(struct wa_client *c, struct wa_node *answer, struct bx_arena **arena, int rc,
                       void *arg)
{
    struct wa_send_op *op = arg;
    if (rc == BX_E_CLOSED) { /* the connection is gone; so will this be */
        op->is_busy = false;
        return;
    }
    if (rc < 0)
        step(c, op, NULL, NULL); /* an error answers, too: what was asked for is not to be had */
    else
        step(c, op, answer, arena);
}

static int fetch(struct wa_client *c, struct wa_send_op *op, const struct wa_send_result *r)
{
    struct bx_arena arena;
    struct wa_node *iq;
    bx_arena_init(&arena, 0);
    if (r->needs_group) {
        op->has_asked_group = true;
        iq = WA_NODE(&arena, "iq", wa_to("to", op->out.to), wa_lit("type", "get"),
                     wa_lit("xmlns", "w:g2"));
        wa_node_add(iq, WA_NODE(&arena, "query", wa_lit("request", "interactive")));
    } else if (r->needs_account) {
        op->has_asked_account = true;
        iq = wa_account_iq(&arena, bx_str_slice(op->out.to, 0, bx_str_find(op->out.to, '@')));
    } else if (r->user_count) {
        op->has_asked_devices = r->user_count <= BATCH;
        iq = wa_usync_iq(&arena, r->users, r->user_count < BATCH ? r->user_count : BATCH);
    } else {
        op->has_asked_bundles = r->bundle_count <= BATCH;
        iq = wa_bundles_iq(&arena, r->bundles, r->bundle_count < BATCH ? r->bundle_count : BATCH);
    }
    int rc = wa_request_send(c, iq, 0, on_fetched, op);
    bx_arena_done(&arena);
    return rc;
}

/* Not before: a request that is acknowledged and not answered would never come again. */
static void acknowledge(struct wa_client *c, const struct wa_send_op *op)
{
    if (op->answers)
        wa_send_node(c, op->answers);
}

void wa_send_on_step(struct wa_client *c, struct wa_send_op *op, struct wa_send_result *result,
                     int rc, bool is_current)
{
    op->is_busy = false;
    if (!is_current || !c->has_settled) {
        give_up(c, op, BX_E_CLOSED);
        finish_head(c);
        return;
    }
    if (result && result->outcome == WA_SEND_NEEDS && ++op->rounds <= MAX_ROUNDS + 50) {
        op->is_busy = true;
        rc = fetch(c, op, result);
        if (rc == BX_OK)
            return;
        op->is_busy = false;
    } else if (result && result->outcome == WA_SEND_READY) {
        rc = wa_send_node(c, result->node);
        if (rc == BX_OK) {
            acknowledge(c, op);
            op->due_ms = net_loop_now_ms(c->loop) + ACK_TIMEOUT_MS;
            bx_list_remove(&op->node);
            bx_list_push_back(&c->unacked, &op->node);
            finish_head(c);
            return;
        }
    } else if (result && result->outcome == WA_SEND_FAILED) {
        acknowledge(c, op);
        wa_send_op_free(op); /* its event says so */
        finish_head(c);
        return;
    }
    give_up(c, op, rc < 0 ? rc : BX_E_TIMEOUT);
    finish_head(c);
}

/* --- the end of it --- */

struct ack_info {
    struct wa_sent sent;
};

static int ack_run(struct wa_job *job)
{
    const struct wa_sent *sent = job->data;
    wa_job_event(job, WA_EVENT_SENT)->sent = *sent;
    return BX_OK;
}

const struct wa_job_type wa_job_ack = {.name = "sent", .run = ack_run};

static int rc_of_server(uint64_t code)
{
    return code == 0 ? BX_OK : BX_E_DENIED;
}

void wa_send_on_ack(struct wa_client *c, struct wa_node *ack, struct bx_arena **arena)
{
    struct bx_str id = wa_node_attr(ack, "id");
    BX_LIST_EACH(&c->unacked, at)
    {
        struct wa_send_op *op = BX_CONTAINER_OF(at, struct wa_send_op, node);
        if (!bx_str_eq(op->out.id, id))
            continue;
        if (op->origin == WA_OP_USER) {
            uint64_t error = wa_node_attr_u64_or(ack, "error", 0);
            uint64_t t = wa_node_attr_u64_or(ack, "t", 0);
            struct wa_job *job = wa_job_new(c, &wa_job_ack, *arena, ack);
            struct wa_sent *sent = BX_ARENA_NEW(*arena, struct wa_sent);
            *sent = (struct wa_sent){.id = bx_arena_str(*arena, op->out.id),
                                     .to = bx_arena_str(*arena, op->out.to),
                                     .rc = rc_of_server(error),
                                     .server_code = error < 10000 ? (int)error : 0,
                                     .timestamp_ms =
                                         t && t < UINT32_MAX ? (int64_t)t * 1000 : bx_wall_ms()};
            job->data = sent;
            *arena = NULL;
            wa_send_op_free(op);
            wa_job_submit(job);
        } else {
            wa_send_op_free(op);
        }
        return;
    }
}

void wa_send_expire(struct wa_client *c, uint64_t now_ms)
{
    struct wa_send_op *op;
    while (!bx_list_is_empty(&c->unacked) && !c->is_freed) {
        op = BX_CONTAINER_OF(c->unacked.next, struct wa_send_op, node);
        if (op->due_ms > now_ms)
            return;
        give_up(c, op, BX_E_TIMEOUT);
    }
}

/* Those of which a job still works come back through wa_send_stepped. */
void wa_send_fail_all(struct wa_client *c, int rc)
{
    struct bx_list *at, failed;
    bx_list_init(&failed);
    while ((at = bx_list_pop_front(&c->unacked)))
        bx_list_push_back(&failed, at);
    BX_LIST_EACH(&c->sends, q)
    {
        if (BX_CONTAINER_OF(q, struct wa_send_op, node)->is_busy)
            continue;
        bx_list_remove(q);
        bx_list_push_back(&failed, q);
        c->sends_queued--;
    }
    while ((at = failed.next) != &failed)
        give_up(c, BX_CONTAINER_OF(at, struct wa_send_op, node), rc);
}

static bool is_sound(const struct wa_outgoing *out)
{
    struct wa_jid to;
    bool has_target = out->kind == WA_SEND_TEXT || out->kind == WA_SEND_RAW || out->target.id.len;
    return out->id.len && out->id.len <= 64 && (unsigned)out->kind <= WA_SEND_RAW && has_target &&
           wa_jid_parse(out->to, &to) == BX_OK && (wa_jid_is_user(&to) || wa_jid_is_group(&to)) &&
           (out->kind == WA_SEND_RAW ? out->raw.len > 0 : true);
}

int wa_client_send(struct wa_client *c, const struct wa_outgoing *message)
{
    if (!is_sound(message))
        return BX_E_INVALID;
    if (!c->has_settled)
        return BX_E_STATE;
    if (c->sends_queued >= WA_SENDS_MAX)
        return BX_E_FULL;
    wa_send_push(c, wa_send_op_new(message));
    return BX_OK;
}
