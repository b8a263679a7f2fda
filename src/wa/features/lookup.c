/* Is that phone number on WhatsApp? The answer also teaches us its LID and devices. */
#include "wa/internal.h"

#include <stdlib.h>

struct lookup {
    void (*on_result)(struct wa_client *c, struct bx_str digits, int rc, struct bx_str jid,
                      void *arg);
    char digits[24];
};

struct result {
    struct lookup *lookup;
    int rc;
    struct bx_str jid;
};

static int apply_run(struct wa_job *job)
{
    struct result *r = job->data;
    const struct wa_node *user =
        wa_node_child(wa_node_child(wa_node_child(job->node, "usync"), "list"), "user");
    const struct wa_node *contact = wa_node_child(user, "contact");
    bool is_in = user && contact && wa_node_attr_is(contact, "type", "in");
    r->rc = is_in ? BX_OK : BX_E_NOT_FOUND;
    r->jid = is_in ? wa_node_attr(user, "jid") : (struct bx_str){0};
    return is_in ? wa_devices_apply(job, job->node) : BX_OK;
}

static void apply_finish(struct wa_job *job, int rc)
{
    struct result *r = job->data;
    struct lookup *l = r->lookup;
    if (l->on_result)
        l->on_result(job->client, bx_str(l->digits), rc < 0 ? rc : r->rc, r->jid, job->client->arg);
    free(l);
}

static const struct wa_job_type apply_type = {
    .name = "lookup", .run = apply_run, .finish = apply_finish};

static void on_answer(struct wa_client *c, struct wa_node *answer, struct bx_arena **arena, int rc,
                      void *arg)
{
    struct lookup *l = arg;
    if (rc < 0) {
        if (l->on_result && !c->is_freed)
            l->on_result(c, bx_str(l->digits), rc, (struct bx_str){0}, c->arg);
        free(l);
        return;
    }
    struct wa_job *job = wa_job_new(c, &apply_type, *arena, answer);
    struct result *r = BX_ARENA_NEW(*arena, struct result);
    *arena = NULL;
    r->lookup = l;
    job->data = r;
    wa_job_submit(job);
}

int wa_client_check_number(struct wa_client *c, struct bx_str digits,
                           void (*on_result)(struct wa_client *c, struct bx_str digits, int rc,
                                             struct bx_str jid, void *arg))
{
    struct bx_arena arena;
    uint64_t number;
    if (!c->has_settled)
        return BX_E_STATE;
    if (digits.len < 5 || digits.len > 20 || bx_str_u64(digits, UINT64_MAX, &number) < 0)
        return BX_E_INVALID;
    struct lookup *l = BX_NEW(struct lookup);
    bx_str_copy(digits, l->digits, sizeof l->digits);
    l->on_result = on_result;
    bx_arena_init(&arena, 0);
    struct wa_node *iq = wa_account_iq(&arena, digits);
    int rc = wa_request_send(c, iq, 0, on_answer, l);
    bx_arena_done(&arena);
    if (rc < 0)
        free(l);
    return rc;
}
