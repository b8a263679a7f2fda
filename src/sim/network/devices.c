/* Who is told that the device list of an account changed. */
#include "sim/network/devices.h"
#include "base/err.h"
#include "sim/core/random.h"
#include "sim/network/accounts.h"
#include "sim/network/queue.h"

static struct wa_node *device_list_change(struct bx_arena *arena, const char *verb,
                                          const struct sim_device *d)
{
    struct wa_node *change = WA_NODE(arena, verb, wa_lit("device_hash", "2:00000000"));
    wa_node_add(change,
                WA_NODE(arena, "device", wa_to("jid", sim_jid(arena, d->account, d->id, false)),
                        wa_to("lid", sim_jid(arena, d->account, d->id, true)),
                        wa_num("key-index", d->id)));
    wa_node_add(change, WA_NODE(arena, "key-index-list", wa_num("ts", sim_now_s())));
    return change;
}

void sim_devices_changed(struct sim_account *a, struct sim_device *added,
                         struct sim_device *removed)
{
    struct sim *sim = a->sim;
    BX_LIST_EACH(&sim->account_list, node)
    {
        struct sim_account *other = BX_CONTAINER_OF(node, struct sim_account, node);
        BX_LIST_EACH(&other->devices, dn)
        {
            struct sim_device *d = BX_CONTAINER_OF(dn, struct sim_device, node);
            struct bx_arena arena;
            if (d == added || d == removed || !d->is_bootstrapped || (other != a && !d->conn))
                continue;
            bx_arena_init(&arena, 0);
            struct wa_node *n =
                WA_NODE(&arena, "notification", wa_to("from", sim_jid(&arena, a, 0, false)),
                        wa_to("lid", sim_jid(&arena, a, 0, true)), wa_lit("type", "devices"),
                        wa_str("id", sim_new_id(sim, &arena, "")), wa_num("t", sim_now_s()));
            wa_node_add(
                n, device_list_change(&arena, added ? "add" : "remove", added ? added : removed));
            sim_deliver(d, n);
            bx_arena_done(&arena);
        }
    }
}
