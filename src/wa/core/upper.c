/* What features and jobs want of the client above them: they call these functions, and the client
 * (client.c, send.c, want.c) is behind a table, so that nothing here knows it. */
#include "wa/internal.h"

void wa_client_ref(struct wa_client *c)
{
    c->refs++;
}

void wa_client_unref(struct wa_client *c)
{
    BX_ASSERT(c->magic == WA_CLIENT_MAGIC && c->refs > 0);
    if (--c->refs == 0)
        c->upper->unused(c);
}

void wa_client_end(struct wa_client *c, struct wa_ending e)
{
    c->upper->end(c, e);
}

void wa_client_connected(struct wa_client *c)
{
    c->upper->connected(c);
}

void wa_want_do(struct wa_client *c, struct wa_job *job, struct wa_want *want)
{
    c->upper->effect(c, job, want);
}

void wa_send_stepped(struct wa_client *c, struct wa_send_op *op, struct wa_send_result *result,
                     int rc, bool is_current)
{
    c->upper->stepped(c, op, result, rc, is_current);
}

void wa_client_set_state(struct wa_client *c, enum wa_state state, enum wa_reason reason,
                         int detail, int64_t retry_at_ms)
{
    struct wa_status_info next = {state, reason, detail, retry_at_ms};
    if (memcmp(&next, &c->status, sizeof next) == 0)
        return;
    c->status = next;
    c->ops->on_state(c, &c->status, c->arg);
}

int wa_send_node(struct wa_client *c, const struct wa_node *node)
{
    return wa_conn_send(&c->conn, node);
}

uint64_t wa_hash(struct bx_str s)
{
    uint64_t hash = 1469598103934665603u;
    for (size_t i = 0; i < s.len; i++)
        hash = (hash ^ (unsigned char)s.ptr[i]) * 1099511628211u;
    return hash;
}
