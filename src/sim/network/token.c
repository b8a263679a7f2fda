/* Trusted-contact tokens. Who sends somebody a message gives him a token; an account that is
 * restricted takes messages, and shows its picture and presence, only where its token is shown. */
#include "sim/network/token.h"
#include "base/mem.h"
#include "sim/core/random.h"
#include "sim/network/accounts.h"
#include "sim/network/queue.h"

enum { TOKEN_SIZE = 16, DEPTH_MAX = 3 };

void sim_token_issue(struct sim_account *from, struct sim_account *to, struct bx_str t,
                     struct bx_arena *arena)
{
    uint8_t bytes[TOKEN_SIZE];
    char hex[2 * TOKEN_SIZE + 1];
    sim_random(from->sim, bytes, sizeof bytes);
    bx_hex_encode(bytes, sizeof bytes, hex);
    json_object_set_new(from->tokens, to->phone, json_string(hex));
    struct wa_node *n =
        WA_NODE(arena, "notification", wa_to("from", sim_jid(arena, from, 0, false)),
                wa_to("sender_lid", sim_jid(arena, from, 0, true)), wa_lit("type", "privacy_token"),
                wa_str("id", sim_new_id(from->sim, arena, "")), wa_num("t", sim_now_s()));
    struct wa_node *tokens = wa_node_add(n, wa_node_new(arena, "tokens"));
    struct wa_node *one = wa_node_add(
        tokens, WA_NODE(arena, "token", wa_lit("type", "trusted_contact"), wa_str("t", t)));
    wa_node_bytes(one, bx_arena_str(arena, bx_str_n(bytes, sizeof bytes)));
    BX_LIST_EACH(&to->devices, node)
    {
        sim_deliver(BX_CONTAINER_OF(node, struct sim_device, node), n);
    }
}

static const struct wa_node *shown(const struct wa_node *n, int depth)
{
    const struct wa_node *found = wa_node_child(n, "tctoken");
    WA_EACH_CHILD(n, NULL, child)
    {
        if (!found && depth < DEPTH_MAX)
            found = shown(child, depth + 1);
    }
    return found;
}

bool sim_token_admits(const struct sim_account *a, const struct sim_account *by,
                      const struct wa_node *stanza)
{
    char hex[2 * TOKEN_SIZE + 1] = "";
    if (!a->is_restricted || a == by)
        return true;
    const char *wanted = json_string_value(json_object_get(a->tokens, by->phone));
    struct bx_str token = wa_node_data(shown(stanza, 0));
    if (token.len == TOKEN_SIZE)
        bx_hex_encode(token.ptr, token.len, hex);
    return wanted && strcmp(wanted, hex) == 0;
}

/* "restricted:NAME", or "scenario:FLAG,FLAG:NAME" with that flag among them. */
bool sim_token_name_restricts(struct bx_str name)
{
    struct bx_str part, flag;
    if (!bx_str_split(&name, ':', &part) || bx_str_is(part, "restricted"))
        return bx_str_is(part, "restricted") && name.len;
    if (!bx_str_is(part, "scenario") || !bx_str_split(&name, ':', &part))
        return false;
    while (bx_str_split(&part, ',', &flag)) {
        if (bx_str_is(flag, "restricted"))
            return true;
    }
    return false;
}
