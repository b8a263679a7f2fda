/* Small requests about the account and its server. */
#include "sim/network/profile.h"
#include "base/err.h"
#include "base/json_write.h"
#include "base/mem.h"
#include "sim/core/iq.h"
#include "sim/core/random.h"
#include "sim/network/accounts.h"
#include "sim/network/queue.h"
#include "sim/network/token.h"

#include <stdio.h>
#include <stdlib.h>

void sim_on_props(struct sim_conn *c, const struct wa_node *iq, const struct wa_node *child,
                  struct bx_arena *arena)
{
    static const char *const on[] = {
        "10518", /* direct messages show the token of whom they are for */
    };
    struct wa_node *props = WA_NODE(arena, "props", wa_lit("protocol", "2"), wa_lit("hash", "sim"),
                                    wa_lit("refresh", "86400"), wa_lit("ab_key", "sim"));
    (void)child;
    for (size_t i = 0; i < BX_LEN(on); i++)
        wa_node_add(props, WA_NODE(arena, "prop", wa_lit("config_code", on[i]),
                                   wa_lit("config_value", "1")));
    sim_iq_result(c, iq, props);
}

void sim_on_media_conn(struct sim_conn *c, const struct wa_node *iq, const struct wa_node *child,
                       struct bx_arena *arena)
{
    struct wa_node *n =
        WA_NODE(arena, "media_conn", wa_lit("auth", "sim-auth"), wa_lit("ttl", "300"),
                wa_lit("auth_ttl", "21600"), wa_lit("max_buckets", "12"));
    (void)child;
    wa_node_add(n, WA_NODE(arena, "host",
                           wa_str("hostname", bx_arena_printf(arena, "127.0.0.1:%u", c->sim->port)),
                           wa_lit("type", "primary")));
    sim_iq_result(c, iq, n);
}

static void picture_changed(struct sim_account *a, struct bx_arena *arena)
{
    struct wa_node *n =
        WA_NODE(arena, "notification", wa_to("from", sim_jid(arena, a, 0, false)),
                wa_lit("type", "picture"), wa_str("id", sim_new_id(a->sim, arena, "")),
                wa_num("t", sim_now_s()));
    wa_node_add(n, WA_NODE(arena, a->picture ? "set" : "delete",
                           wa_to("jid", sim_jid(arena, a, 0, false)),
                           wa_lit("id", a->picture ? a->picture_id : NULL)));
    BX_LIST_EACH(&a->devices, node)
    {
        sim_deliver(BX_CONTAINER_OF(node, struct sim_device, node), n);
    }
}

void sim_on_picture(struct sim_conn *c, const struct wa_node *iq, const struct wa_node *child,
                    struct bx_arena *arena)
{
    struct bx_str target = wa_node_attr(iq, "target"), image = wa_node_data(child);
    struct sim_account *a = target.ptr ? sim_account_by_jid(c->sim, target) : c->device->account;
    if (wa_node_attr_is(iq, "type", "get")) {
        if (!a || !a->picture || !sim_token_admits(a, c->device->account, iq)) {
            sim_iq_error(c, iq, "404", "item-not-found");
            return;
        }
        struct bx_str path = bx_arena_printf(arena, "/pp/%s.jpg?sim=1", a->picture_id);
        sim_iq_result(c, iq,
                      WA_NODE(arena, "picture", wa_lit("id", a->picture_id),
                              wa_lit("type", "image"), wa_str("direct_path", path),
                              wa_str("url", bx_arena_printf(arena, "https://127.0.0.1:%u%s",
                                                            c->sim->port, path.ptr))));
        return;
    }
    if (!a || a != c->device->account) {
        sim_iq_result(c, iq, NULL);
        return;
    }
    free(a->picture);
    a->picture = NULL;
    if (image.len) {
        a->picture = bx_realloc(NULL, image.len, 1);
        memcpy(a->picture, image.ptr, image.len);
        a->picture_len = image.len;
        snprintf(a->picture_id, sizeof a->picture_id, "%llu",
                 (unsigned long long)++c->sim->next_id);
    }
    sim_iq_result(c, iq,
                  a->picture ? WA_NODE(arena, "picture", wa_lit("id", a->picture_id)) : NULL);
    picture_changed(a, arena);
}

void sim_on_status(struct sim_conn *c, const struct wa_node *iq, const struct wa_node *child,
                   struct bx_arena *arena)
{
    struct sim_account *a = c->device->account;
    struct bx_str text = wa_node_data(child);
    if (!wa_node_attr_is(iq, "type", "set")) {
        sim_iq_result(c, iq, WA_NODE(arena, "privacy", wa_lit("t", "0")));
        return;
    }
    bx_str_copy(bx_str_slice(text, 0, sizeof a->about - 1), a->about, sizeof a->about);
    sim_iq_result(c, iq, NULL);
    BX_LIST_EACH(&c->sim->conns, node)
    {
        struct sim_conn *other = BX_CONTAINER_OF(node, struct sim_conn, node);
        if (!other->device || !other->is_active)
            continue;
        struct wa_node *n =
            WA_NODE(arena, "notification", wa_to("from", sim_jid(arena, a, 0, false)),
                    wa_lit("type", "status"), wa_str("id", sim_new_id(c->sim, arena, "")),
                    wa_num("t", sim_now_s()));
        wa_node_bytes(wa_node_add(n, wa_node_new(arena, "set")), bx_str(a->about));
        sim_deliver(other->device, n);
    }
}

/* --- privacy --- */

static const char *const categories[] = {"last",         "online",   "profile", "status",
                                         "readreceipts", "groupadd", "calladd", "messages",
                                         "defense",      "stickers"};

void sim_on_privacy(struct sim_conn *c, const struct wa_node *iq, const struct wa_node *child,
                    struct bx_arena *arena)
{
    json_t *own = c->device->account->privacy;
    if (child && bx_str_is(child->tag, "tokens")) {
        sim_iq_result(c, iq, NULL);
        WA_EACH_CHILD(child, "token", token)
        {
            struct sim_account *to = sim_account_by_jid(c->sim, wa_node_attr(token, "jid"));
            if (to)
                sim_token_issue(c->device->account, to, wa_node_attr(token, "t"), arena);
        }
        return;
    }
    WA_EACH_CHILD(child, "category", category)
    {
        struct bx_str name = wa_node_attr(category, "name"),
                      value = wa_node_attr(category, "value");
        json_object_set_new(own, bx_arena_str(arena, name).ptr, json_stringn(value.ptr, value.len));
    }
    struct wa_node *privacy = wa_node_new(arena, "privacy");
    for (size_t i = 0; i < BX_LEN(categories); i++) {
        const char *value = json_string_value(json_object_get(own, categories[i]));
        wa_node_add(privacy, WA_NODE(arena, "category", wa_lit("name", categories[i]),
                                     wa_lit("value", value ? value : "all")));
    }
    sim_iq_result(c, iq, privacy);
}

void sim_on_blocklist(struct sim_conn *c, const struct wa_node *iq, const struct wa_node *child,
                      struct bx_arena *arena)
{
    json_t *blocked = c->device->account->blocked, *row;
    struct wa_node *list = WA_NODE(arena, "list", wa_lit("dhash", "sim"));
    size_t i;
    if (child && wa_node_attr(child, "jid").ptr) {
        struct bx_str jid = wa_node_attr(child, "jid");
        json_array_foreach(blocked, i, row)
        {
            if (bx_str_eq(bx_str(json_string_value(row)), jid)) {
                json_array_remove(blocked, i);
                break;
            }
        }
        if (wa_node_attr_is(child, "action", "block"))
            json_array_append_new(blocked, json_stringn(jid.ptr, jid.len));
    }
    json_array_foreach(blocked, i, row)
    {
        wa_node_add(list, WA_NODE(arena, "item", sim_echo("jid", bx_str(json_string_value(row)))));
    }
    sim_iq_result(c, iq, list);
}

void sim_on_business(struct sim_conn *c, const struct wa_node *iq, const struct wa_node *child,
                     struct bx_arena *arena)
{
    (void)child;
    sim_iq_result(c, iq, wa_node_new(arena, "business_profile"));
}
