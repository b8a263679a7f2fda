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

int wa_job_run(struct wa_job *job, const struct wa_keystore *keystore)
{
    BX_ASSERT(job->magic == WA_JOB_MAGIC);
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

void wa_job_finish(struct wa_job *job, int rc)
{
    struct wa_client *c = job->client;
    BX_ASSERT(job->magic == WA_JOB_MAGIC);
    if (!c->is_freed) {
        for (struct wa_want *w = rc >= 0 ? job->wants : NULL; w && !c->is_freed; w = w->next)
            wa_want_do(c, job, w);
        if (job->type->finish && !c->is_freed)
            job->type->finish(job, rc);
    }
    drop_outputs(job);
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
