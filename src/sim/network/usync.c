/* usync: one answer per user with a child for each protocol that was asked. Unknown numbers are
 * answered too. */
#include "sim/network/usync.h"
#include "base/base64.h"
#include "base/err.h"
#include "base/mem.h"
#include "crypto/hash.h"
#include "sim/core/iq.h"
#include "sim/core/random.h"
#include "sim/network/accounts.h"

#include <stdio.h>

struct asked {
    struct sim *sim;
    struct sim_account *account; /* NULL: nobody */
    const struct wa_node *user;
    struct bx_arena *arena;
};

static struct wa_node *devices(const struct asked *q)
{
    struct bx_arena *arena = q->arena;
    struct wa_node *n = wa_node_new(arena, "devices");
    struct wa_node *list =
        wa_node_add(n, WA_NODE(arena, "device-list", wa_lit("hash", "2:00000000")));
    uint32_t indexes[64];
    size_t count = 0;
    if (!q->account)
        return n;
    wa_node_add(list, WA_NODE(arena, "device", wa_lit("id", "0")));
    indexes[count++] = 0;
    BX_LIST_EACH(&q->account->devices, node)
    {
        struct sim_device *d = BX_CONTAINER_OF(node, struct sim_device, node);
        if (!d->adv_len)
            continue; /* still pairing */
        wa_node_add(list,
                    WA_NODE(arena, "device", wa_num("id", d->id), wa_num("key-index", d->id)));
        if (count < BX_LEN(indexes))
            indexes[count++] = d->id;
    }
    uint8_t random[64];
    sim_random(q->sim, random, sizeof random);
    struct bx_str signed_list = wa_adv_key_index_list(
        &q->account->key, q->account->raw_id, (uint64_t)sim_now_s(), indexes, count, random, arena);
    wa_node_bytes(wa_node_add(n, WA_NODE(arena, "key-index-list", wa_num("ts", sim_now_s()))),
                  signed_list);
    return n;
}

static struct wa_node *lid(const struct asked *q)
{
    struct wa_node *n = wa_node_new(q->arena, "lid");
    if (q->account)
        wa_node_put(n, wa_to("val", sim_jid(q->arena, q->account, 0, true)));
    return n;
}

static struct wa_node *contact(const struct asked *q)
{
    struct wa_node *n = WA_NODE(q->arena, "contact", wa_lit("type", q->account ? "in" : "out"));
    struct bx_str asked_for = wa_node_child_data(q->user, "contact");
    return asked_for.ptr ? wa_node_bytes(n, asked_for) : n;
}

static struct wa_node *about(const struct asked *q)
{
    if (!q->account || !q->account->about[0]) /* unset and hidden look the same */
        return wa_node_bytes(WA_NODE(q->arena, "status", wa_lit("code", "401")), BX_STR(""));
    return wa_node_bytes(WA_NODE(q->arena, "status", wa_num("t", sim_now_s())),
                         bx_str(q->account->about));
}

static struct wa_node *picture(const struct asked *q)
{
    return q->account && q->account->picture_id[0]
               ? WA_NODE(q->arena, "picture", wa_lit("id", q->account->picture_id))
               : wa_node_new(q->arena, "picture");
}

static struct wa_node *disappearing(const struct asked *q)
{
    return WA_NODE(q->arena, "disappearing_mode", wa_lit("duration", "0"), wa_lit("t", "0"));
}

static const struct {
    const char *name;
    struct wa_node *(*fn)(const struct asked *q);
} protocols[] = {
    {"devices", devices}, {"lid", lid},         {"contact", contact},
    {"status", about},    {"picture", picture}, {"disappearing_mode", disappearing},
};

static struct wa_node *answer(const struct asked *q, struct bx_str protocol)
{
    for (size_t i = 0; i < BX_LEN(protocols); i++) {
        if (bx_str_eq(protocol, bx_str(protocols[i].name)))
            return protocols[i].fn(q);
    }
    return wa_node_new(q->arena, bx_arena_str(q->arena, protocol).ptr);
}

/* By jid attribute, or by the number inside <contact>. */
static struct bx_str digits_of(const struct wa_node *user)
{
    struct wa_jid jid;
    struct bx_str text = wa_node_child_data(user, "contact");
    if (wa_node_attr_jid(user, "jid", &jid) == BX_OK)
        return jid.user;
    return text.len && text.ptr[0] == '+' ? bx_str_slice(text, 1, text.len) : text;
}

/* Countries whose mobile numbers have a digit that people leave out: what follows the country code,
 * without it and with it. */
static const struct {
    const char *country;
    size_t short_len, at; /* digits in all without it; where it stands */
    char digit;
} optional_digits[] = {{"55", 12, 4, '9'}, {"52", 12, 2, '1'}, {"54", 12, 2, '9'}};

/* The account of a number in either writing. */
static struct sim_account *account_of_number(struct sim *sim, struct bx_str digits)
{
    struct sim_account *found = digits.len ? sim_account_find(sim, digits) : NULL;
    for (size_t i = 0; !found && i < BX_LEN(optional_digits); i++) {
        size_t len = optional_digits[i].short_len, at = optional_digits[i].at;
        char other[24];
        if (!bx_str_starts(digits, bx_str(optional_digits[i].country)))
            continue;
        if (digits.len == len)
            snprintf(other, sizeof other, "%.*s%c%.*s", (int)at, digits.ptr,
                     optional_digits[i].digit, (int)(len - at), digits.ptr + at);
        else if (digits.len == len + 1 && digits.ptr[at] == optional_digits[i].digit)
            snprintf(other, sizeof other, "%.*s%.*s", (int)at, digits.ptr, (int)(len - at),
                     digits.ptr + at + 1);
        else
            continue;
        found = sim_account_find(sim, bx_str(other));
    }
    return found;
}

static struct wa_node *user_answer(struct sim_conn *c, const struct wa_node *user,
                                   const struct wa_node *query, struct bx_arena *arena)
{
    struct bx_str digits = digits_of(user);
    struct bx_str jid = wa_node_attr(user, "jid");
    /* Only a number is looked for in other writings: a JID is what it is. */
    struct sim_account *account = jid.ptr      ? sim_account_find(c->sim, digits)
                                  : digits.len ? account_of_number(c->sim, digits)
                                               : NULL;
    struct asked q = {c->sim, account, user, arena};
    if (!jid.ptr)
        jid = q.account
                  ? sim_jid(arena, q.account, 0, false)
                  : bx_arena_printf(arena, "%.*s@s.whatsapp.net", (int)digits.len, digits.ptr);
    struct wa_node *n = WA_NODE(arena, "user", wa_to("jid", jid));
    if (q.account && bx_str_ends(jid, BX_STR("@lid")))
        wa_node_put(n, wa_to("pn_jid", sim_jid(arena, q.account, 0, false)));
    WA_EACH_CHILD(query, NULL, protocol)
    {
        wa_node_add(n, answer(&q, protocol->tag));
    }
    return n;
}

void sim_on_usync(struct sim_conn *c, const struct wa_node *iq, const struct wa_node *child,
                  struct bx_arena *arena)
{
    const struct wa_node *query = wa_node_child(child, "query");
    struct wa_node *usync = WA_NODE(arena, "usync", wa_str("sid", wa_node_attr(child, "sid")),
                                    wa_str("mode", wa_node_attr(child, "mode")),
                                    wa_str("context", wa_node_attr(child, "context")),
                                    wa_lit("index", "0"), wa_lit("last", "true"));
    struct wa_node *result = wa_node_add(usync, wa_node_new(arena, "result"));
    WA_EACH_CHILD(query, NULL, protocol)
    {
        wa_node_add(result, wa_node_new(arena, bx_arena_str(arena, protocol->tag).ptr));
    }
    struct wa_node *list = wa_node_add(usync, wa_node_new(arena, "list"));
    WA_EACH_CHILD(wa_node_child(child, "list"), "user", user)
    {
        wa_node_add(list, user_answer(c, user, query, arena));
    }
    sim_iq_result(c, iq, usync);
}
