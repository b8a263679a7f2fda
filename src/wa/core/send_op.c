/* A message on its way out. */
#include "wa/internal.h"

#include <stdlib.h>

static struct bx_str copy(struct wa_send_op *op, struct bx_str s)
{
    return s.ptr ? bx_arena_str(&op->arena, s) : s;
}

static struct wa_target copy_target(struct wa_send_op *op, const struct wa_target *t)
{
    return (struct wa_target){copy(op, t->id), copy(op, t->sender), t->is_from_me};
}

struct wa_send_op *wa_send_op_new(const struct wa_outgoing *out)
{
    struct wa_send_op *op = BX_NEW(struct wa_send_op);
    bx_arena_init(&op->arena, 64 << 20);
    bx_list_init(&op->node);
    op->out = *out;
    op->out.id = copy(op, out->id);
    op->out.to = copy(op, out->to);
    op->out.text = copy(op, out->text);
    op->out.raw = copy(op, out->raw);
    op->out.quoted_text = copy(op, out->quoted_text);
    op->out.quoted_raw = copy(op, out->quoted_raw);
    op->out.target = copy_target(op, &out->target);
    op->out.quoted = copy_target(op, &out->quoted);
    struct bx_str *mentions =
        bx_arena_alloc(&op->arena, (out->mention_count + 1) * sizeof *mentions);
    for (size_t i = 0; i < out->mention_count; i++)
        mentions[i] = copy(op, out->mentions[i]);
    op->out.mentions = mentions;
    return op;
}

void wa_send_op_free(struct wa_send_op *op)
{
    bx_list_remove(&op->node);
    bx_arena_done(&op->arena);
    free(op);
}
