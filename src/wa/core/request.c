/* Requests: an iq stanza, its answer by id, a deadline. */
#include "wa/internal.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>

void wa_next_id(struct wa_client *c, char out[WA_ID_SIZE])
{
    if (c->id_prefix == 0)
        bx_random(&c->id_prefix, sizeof c->id_prefix);
    snprintf(out, WA_ID_SIZE, "%u.%u-%u", c->id_prefix >> 16, c->id_prefix & 0xffff, ++c->next_id);
}

int wa_request_send(struct wa_client *c, struct wa_node *iq, uint32_t timeout_ms,
                    void (*on_answer)(struct wa_client *c, struct wa_node *answer,
                                      struct bx_arena **arena, int rc, void *arg),
                    void *arg)
{
    struct wa_request *r = BX_NEW(struct wa_request);
    wa_next_id(c, r->id);
    wa_node_set(iq, wa_lit("id", r->id));
    int rc = wa_conn_send(&c->conn, iq);
    if (rc < 0) {
        free(r);
        return rc;
    }
    r->due_ms = net_loop_now_ms(c->loop) + (timeout_ms ? timeout_ms : WA_IQ_TIMEOUT_MS);
    r->on_answer = on_answer;
    r->arg = arg;
    bx_list_push_back(&c->requests, &r->node);
    return BX_OK;
}

/* What an error code of the server means to us. */
static const struct {
    uint64_t code;
    int rc;
} error_codes[] = {
    {400, BX_E_INVALID},     {401, BX_E_DENIED},       {403, BX_E_DENIED},
    {404, BX_E_NOT_FOUND},   {406, BX_E_INVALID},      {408, BX_E_TIMEOUT},
    {409, BX_E_CONFLICT},    {429, BX_E_RATE_LIMITED}, {500, BX_E_UNAVAILABLE},
    {501, BX_E_UNSUPPORTED}, {503, BX_E_UNAVAILABLE},
};

int wa_iq_error(const struct wa_node *answer)
{
    uint64_t code = wa_node_attr_u64_or(wa_node_child(answer, "error"), "code", 0);
    if (!wa_node_attr_is(answer, "type", "error"))
        return BX_OK;
    for (size_t i = 0; i < BX_LEN(error_codes); i++) {
        if (error_codes[i].code == code)
            return error_codes[i].rc;
    }
    return BX_E_INTERNAL;
}

static void answer_one(struct wa_client *c, struct wa_request *r, struct wa_node *node,
                       struct bx_arena **arena, int rc)
{
    bx_list_remove(&r->node);
    if (r->on_answer)
        r->on_answer(c, node, arena, rc, r->arg);
    free(r);
}

bool wa_request_answer(struct wa_client *c, struct wa_node *node, struct bx_arena **arena)
{
    struct bx_str id = wa_node_attr(node, "id");
    BX_LIST_EACH(&c->requests, at)
    {
        struct wa_request *r = BX_CONTAINER_OF(at, struct wa_request, node);
        if (bx_str_eq(id, bx_str(r->id))) {
            answer_one(c, r, node, arena, wa_iq_error(node));
            return true;
        }
    }
    return false;
}

void wa_request_expire(struct wa_client *c, uint64_t now_ms)
{
    struct bx_list *at = c->requests.next;
    while (at != &c->requests) {
        struct wa_request *r = BX_CONTAINER_OF(at, struct wa_request, node);
        at = at->next;
        if (r->due_ms > now_ms)
            continue;
        struct bx_arena *none = NULL;
        answer_one(c, r, NULL, &none, BX_E_TIMEOUT);
        at = c->requests.next; /* the callback may have changed the list */
        if (c->is_freed)
            return;
    }
}

void wa_request_fail_all(struct wa_client *c, int rc)
{
    struct bx_list *at;
    struct bx_list failed;
    bx_list_init(&failed);
    while ((at = bx_list_pop_front(&c->requests)))
        bx_list_push_back(&failed, at);
    while ((at = failed.next) != &failed) {
        struct bx_arena *none = NULL;
        answer_one(c, BX_CONTAINER_OF(at, struct wa_request, node), NULL, &none, rc);
    }
}
