#include "wa/internal.h"

#include "crypto/hash.h"

#include <stdlib.h>

enum { INPUT_MAX = 8 << 20, OUTPUT_MAX = 256 << 20 };

struct wa_job *wa_job_new(struct wa_client *c, const struct wa_job_type *type, struct bx_arena *in,
                          struct wa_node *node)
{
    struct wa_job *job = BX_NEW(struct wa_job);
    job->magic = WA_JOB_MAGIC;
    job->client = c;
    job->type = type;
    job->in = in ? in : wa_arena_new(INPUT_MAX);
    job->node = node;
    job->creds = wa_creds_ref(c->creds);
    job->connection = c->connection;
    job->is_available = c->is_available;
    job->barrier = c->barriers;
    c->jobs++;
    bx_arena_init(&job->out, OUTPUT_MAX);
    wa_client_ref(c);
    return job;
}

void wa_job_submit(struct wa_job *job)
{
    job->client->ops->on_job(job->client, job, job->client->arg);
}

static void drop_outputs(struct wa_job *job)
{
    for (struct wa_want *w = job->wants; w; w = w->next) {
        if (w->op)
            wa_send_op_free(w->op);
        w->op = NULL;
    }
    job->events = NULL;
    job->events_tail = &job->events;
    job->wants = NULL;
    job->wants_tail = &job->wants;
    job->result = NULL;
    bx_arena_done(&job->out);
    bx_arena_init(&job->out, OUTPUT_MAX);
}

bool wa_job_has_preparation(const struct wa_job *job)
{
    return job->type->prepare != NULL;
}

void wa_job_prepare(struct wa_job *job)
{
    BX_ASSERT(job->magic == WA_JOB_MAGIC);
    if (wa_job_has_preparation(job) && !job->is_prepared)
        job->type->prepare(job);
    job->is_prepared = true;
}

/* The user part of a person's LID when the stanza names it: one person's stanzas come now with his
 * number, now with his LID, and must not overtake each other. */
static int chat_user(const struct wa_node *n, struct bx_str *out)
{
    static const char *const others[] = {"sender_lid", "recipient_lid", "peer_recipient_lid"};
    bool is_own = wa_node_has(n, "recipient"); /* of our phone: belongs in that chat */
    struct wa_jid chat, lid;
    int rc = wa_jid_parse(wa_node_attr(n, is_own ? "recipient" : "from"), &chat);
    if (rc < 0)
        return rc;
    *out = chat.user;
    for (size_t i = is_own; i < (is_own ? BX_LEN(others) : 1) && wa_jid_is_pn(&chat); i++) {
        if (wa_node_attr_jid(n, others[i], &lid) == BX_OK && lid.user.len)
            *out = lid.user;
    }
    return BX_OK;
}

/* The answer about a group, that must not overtake or be overtaken by what is told of it. */
static bool is_of_group(const struct wa_node *n)
{
    struct wa_jid from;
    return wa_node_is(n, "iq") && wa_jid_parse(wa_node_attr(n, "from"), &from) == BX_OK &&
           wa_jid_is_group(&from) && from.user.len;
}

/* Stanzas of one chat are a turn. The device does not matter. */
uint64_t wa_job_turn(const struct wa_job *job)
{
    static const char *const tags[] = {"message", "receipt", "notification", "call"};
    bool is_of_peer = job->node && is_of_group(job->node);
    if (wa_job_has_preparation(job))
        return 1;
    for (size_t i = 0; job->node && i < BX_LEN(tags); i++)
        is_of_peer = is_of_peer || bx_str_eq(job->node->tag, bx_str(tags[i]));
    if (!is_of_peer)
        return 0;
    struct bx_str user;
    return chat_user(job->node, &user) < 0 ? 0 : wa_hash(user) | 2;
}

int wa_job_run(struct wa_job *job, const struct wa_keystore *keystore)
{
    BX_ASSERT(job->magic == WA_JOB_MAGIC);
    wa_job_prepare(job);
    drop_outputs(job);
    job->ks = keystore;
    if (job->creds)
        job->signal = wa_signal_new(keystore, &job->creds->self);
    int rc = job->type->run(job);
    wa_signal_free(job->signal);
    job->signal = NULL;
    job->ks = NULL;
    return rc;
}

const struct wa_event *wa_job_events(const struct wa_job *job)
{
    return job->events;
}

struct wa_client *wa_job_client(const struct wa_job *job)
{
    return job->client;
}

const char *wa_job_name(const struct wa_job *job)
{
    return job->type->name;
}

static void do_wants(struct wa_job *job)
{
    struct wa_client *c = job->client;
    for (struct wa_want *w = job->wants; w && !c->is_freed; w = w->next)
        wa_want_do(c, job, w);
}

bool wa_job_part_done(struct wa_job *job)
{
    struct wa_client *c = job->client;
    BX_ASSERT(job->magic == WA_JOB_MAGIC);
    do_wants(job);
    return !c->is_freed && c->is_started && c->creds;
}

/* A job has ended; the last one before the barrier tells that all offline stanzas are stored. */
static void barrier_passed(struct wa_client *c, const struct wa_job *job)
{
    c->jobs--;
    if (job->barrier < c->barriers && c->jobs_before > 0)
        c->jobs_before--;
    if (!c->is_barrier_waiting || c->jobs_before > 0 || c->is_freed)
        return;
    c->is_barrier_waiting = false;
    if (c->ops->on_offline_done)
        c->ops->on_offline_done(c, c->offline_count, c->arg);
}

void wa_job_finish(struct wa_job *job, int rc)
{
    struct wa_client *c = job->client;
    BX_ASSERT(job->magic == WA_JOB_MAGIC);
    if (!c->is_freed) {
        if (rc >= 0)
            do_wants(job);
        if (job->type->finish && !c->is_freed)
            job->type->finish(job, rc);
    }
    drop_outputs(job);
    if (job->type->done)
        job->type->done(job);
    barrier_passed(c, job);
    bx_arena_done(&job->out);
    wa_arena_free(job->in);
    wa_creds_unref(job->creds);
    job->magic = 0;
    free(job);
    wa_client_unref(c);
}

struct wa_event *wa_job_event(struct wa_job *job, enum wa_event_kind kind)
{
    struct wa_event *e = BX_ARENA_NEW(&job->out, struct wa_event);
    e->kind = kind;
    *job->events_tail = e;
    job->events_tail = (struct wa_event **)(uintptr_t)&e->next;
    return e;
}

struct wa_want *wa_job_want(struct wa_job *job, enum wa_want_kind kind)
{
    struct wa_want *w = BX_ARENA_NEW(&job->out, struct wa_want);
    w->kind = kind;
    *job->wants_tail = w;
    job->wants_tail = &w->next;
    return w;
}

void wa_job_send(struct wa_job *job, struct wa_node *node)
{
    wa_job_want(job, WA_WANT_NODE)->node = node;
}
