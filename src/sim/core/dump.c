/* The newest stanzas, for the admin API. */
#include "sim/core/dump.h"
#include "base/clock.h"
#include "base/mem.h"

#include <stdlib.h>

enum { KEEP = 10000 };

struct entry {
    uint64_t seq;
    int64_t at_ms;
    char phone[SIM_USER_MAX];
    unsigned device;
    bool is_in;
    struct bx_arena arena;
    struct wa_node *node;
};

struct sim_dump {
    struct entry entries[KEEP];
    uint64_t next; /* sequence number of the next one, from 1 */
};

void sim_dump_add(struct sim *sim, const struct sim_device *d, bool is_in, const struct wa_node *n)
{
    if (!sim->dump) {
        sim->dump = BX_NEW(struct sim_dump);
        sim->dump->next = 1;
    }
    struct entry *e = &sim->dump->entries[sim->dump->next % KEEP];
    bx_arena_done(&e->arena);
    *e = (struct entry){
        .seq = sim->dump->next++, .at_ms = bx_wall_ms(), .device = d->id, .is_in = is_in};
    memcpy(e->phone, d->account->phone, sizeof e->phone);
    bx_arena_init(&e->arena, 0);
    e->node = wa_node_copy(&e->arena, n);
}

static json_t *node_json(const struct wa_node *n)
{
    json_t *attrs = json_object(), *content = NULL;
    for (const struct wa_attr *a = n->attrs; a; a = a->next)
        json_object_set_new(attrs, a->key.ptr, json_stringn(a->value.ptr, a->value.len));
    if (n->content == WA_CONTENT_NODES) {
        content = json_array();
        WA_EACH_CHILD(n, NULL, child)
        {
            json_array_append_new(content, node_json(child));
        }
    } else if (n->content != WA_CONTENT_NONE) {
        content = json_pack("{s:I}", "bytes", (json_int_t)wa_node_data(n).len);
    }
    json_t *out = json_pack("{s:s#,s:o}", "tag", n->tag.ptr, n->tag.len, "attrs", attrs);
    if (content)
        json_object_set_new(out, "content", content);
    return out;
}

json_t *sim_dump_json(struct sim *sim, struct bx_str phone, uint64_t after, size_t limit,
                      uint64_t *out_next)
{
    json_t *list = json_array();
    uint64_t end = sim->dump ? sim->dump->next : 1, first = end > KEEP ? end - KEEP : 1;
    uint64_t seq = after + 1 > first ? after + 1 : first;
    for (; seq < end && json_array_size(list) < limit; seq++) {
        struct entry *e = &sim->dump->entries[seq % KEEP];
        if (e->seq != seq || (phone.len && !bx_str_eq(phone, bx_str(e->phone))))
            continue;
        json_array_append_new(list, json_pack("{s:I,s:I,s:s,s:i,s:s,s:o}", "seq",
                                              (json_int_t)e->seq, "tMs", (json_int_t)e->at_ms,
                                              "phone", e->phone, "device", (int)e->device, "dir",
                                              e->is_in ? "in" : "out", "node", node_json(e->node)));
    }
    *out_next = seq - 1;
    return list;
}

void sim_dump_free(struct sim *sim)
{
    for (size_t i = 0; sim->dump && i < KEEP; i++)
        bx_arena_done(&sim->dump->entries[i].arena);
    free(sim->dump);
}
