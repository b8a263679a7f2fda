/* Accounts, and what scripted contacts say and see. */
#include "base/err.h"
#include "base/mem.h"
#include "sim/admin/admin.h"
#include "sim/network/accounts.h"
#include "sim/network/presence.h"
#include "sim/phone/chat.h"

static json_t *device_json(const struct sim_device *d)
{
    return json_pack("{s:i,s:b,s:s,s:s,s:I,s:I}", "id", (int)d->id, "connected", d->conn != NULL,
                     "pushName", d->push_name, "platform", d->platform, "prekeys",
                     (json_int_t)(d->prekey_count - d->prekey_first), "queued",
                     (json_int_t)d->queued);
}

static json_t *account_json(const struct sim_account *a)
{
    static const char *const receipts[] = {"none", "delivery", "read"};
    json_t *devices = json_array();
    if (a->is_scripted)
        json_array_append_new(devices, json_pack("{s:i}", "id", 0));
    BX_LIST_EACH(&a->devices, node)
    {
        json_array_append_new(devices, device_json(BX_CONTAINER_OF(node, struct sim_device, node)));
    }
    return json_pack("{s:s,s:s,s:s,s:b,s:b,s:s,s:o}", "phone", a->phone, "lid", a->lid, "pushName",
                     a->push_name, "echo", a->is_echo, "restricted", a->is_restricted, "receipts",
                     receipts[a->receipts], "devices", devices);
}

static void list_phones(struct sim_call *c)
{
    json_t *list = json_array();
    BX_LIST_EACH(&c->sim->account_list, node)
    {
        json_array_append_new(list, account_json(BX_CONTAINER_OF(node, struct sim_account, node)));
    }
    sim_call_ok(c, json_pack("{s:o}", "phones", list));
}

static void make_phone(struct sim_call *c)
{
    const char *receipts = sim_call_text(c, "receipts");
    struct bx_str phone = sim_call_str(c, "phone"), name = sim_call_str(c, "pushName");
    uint64_t digits;
    if (!sim_call_only(c, "phone pushName echo receipts restricted") ||
        !sim_call_choice(c, "receipts", "none delivery read"))
        return;
    if (phone.ptr && (bx_str_u64(phone, UINT64_MAX - 1, &digits) < 0 || phone.len < 5)) {
        sim_call_fail(c, 400, "a phone is a number in digits");
        return;
    }
    struct sim_account *a =
        sim_account_get(c->sim, phone.ptr ? phone : BX_STR(""), name.ptr ? name : BX_STR(""));
    if (name.len)
        sim_name_copy(name, a->push_name);
    a->is_scripted = true;
    if (json_object_get(c->body, "echo"))
        a->is_echo = json_is_true(json_object_get(c->body, "echo"));
    if (json_object_get(c->body, "restricted"))
        a->is_restricted = json_is_true(json_object_get(c->body, "restricted"));
    if (receipts)
        a->receipts = strcmp(receipts, "read") == 0       ? SIM_RECEIPTS_READ
                      : strcmp(receipts, "delivery") == 0 ? SIM_RECEIPTS_DELIVERY
                                                          : SIM_RECEIPTS_NONE;
    sim_call_ok(c, json_pack("{s:o}", "phone", account_json(a)));
}

static void show_phone(struct sim_call *c)
{
    sim_call_ok(c, json_pack("{s:o}", "phone", account_json(c->account)));
}

static struct bx_str member_str(const json_t *object, const char *key)
{
    const char *s = json_string_value(json_object_get(object, key));
    return s ? bx_str(s) : bx_str_n(NULL, 0);
}

static void say(struct sim_call *c)
{
    struct sim_call_chat chat;
    struct sim_account *mentions[32];
    char id[SIM_ID_MAX];
    const json_t *quoted = json_object_get(c->body, "quoted"),
                 *reaction = json_object_get(c->body, "reaction");
    const json_t *edit = json_object_get(c->body, "edit"),
                 *revoke = json_object_get(c->body, "revoke"),
                 *who = json_object_get(c->body, "mentions"), *one;
    size_t i;
    if (!sim_call_only(c, "to text quoted mentions addressing reaction edit revoke") ||
        !sim_call_chat(c, "to", &chat))
        return;
    struct sim_outgoing w = {.to = chat.person,
                             .group = chat.group,
                             .is_lid = sim_call_text(c, "addressing") &&
                                       strcmp(sim_call_text(c, "addressing"), "lid") == 0};
    w.text = edit ? member_str(edit, "text") : sim_call_str(c, "text");
    w.quoted_id = member_str(quoted, "id");
    w.quoted_text = member_str(quoted, "text");
    w.quoted_from =
        quoted ? sim_call_person(c, json_string_value(json_object_get(quoted, "from"))) : NULL;
    w.reaction_id = member_str(reaction, "id");
    w.reaction_from =
        reaction ? sim_call_person(c, json_string_value(json_object_get(reaction, "from"))) : NULL;
    w.emoji =
        reaction && member_str(reaction, "emoji").ptr ? member_str(reaction, "emoji") : BX_STR("");
    w.edit_id = member_str(edit, "id");
    w.revoke_id = member_str(revoke, "id");
    w.mentions = mentions;
    json_array_foreach((json_t *)(uintptr_t)who, i, one)
    {
        struct sim_account *m = sim_call_person(c, json_string_value(one));
        if (m && w.mention_count < BX_LEN(mentions))
            mentions[w.mention_count++] = m;
    }
    if (!w.text.ptr && !w.reaction_id.ptr && !w.revoke_id.ptr) {
        sim_call_fail(c, 400, "one of text, reaction, edit and revoke is needed");
        return;
    }
    int rc = sim_phone_say(c->account, &w, id);
    if (rc < 0)
        sim_call_fail(c, rc == BX_E_NOT_FOUND ? 404 : 409,
                      rc == BX_E_NOT_FOUND ? "the phone is not in that chat"
                                           : bx_err_info(rc)->sentence);
    else
        sim_call_ok(c, json_pack("{s:s}", "id", id));
}

static void mark_read(struct sim_call *c)
{
    struct sim_call_chat chat;
    size_t i;
    json_t *id;
    if (!sim_call_only(c, "chat ids from") || !sim_call_chat(c, "chat", &chat))
        return;
    struct sim_account *author =
        sim_call_text(c, "from") ? sim_call_person(c, sim_call_text(c, "from")) : chat.person;
    json_array_foreach(json_object_get(c->body, "ids"), i, id)
    {
        if (json_string_value(id) && author)
            sim_phone_read(c->account, chat.person, chat.group, author,
                           bx_str(json_string_value(id)), "read");
    }
    sim_call_ok(c, NULL);
}

static void presence(struct sim_call *c)
{
    struct sim_call_chat chat;
    const char *state = sim_call_text(c, "state");
    if (!sim_call_only(c, "state chat"))
        return;
    if (!state) {
        sim_call_fail(c, 400, "state is needed");
    } else if (sim_call_text(c, "chat")) {
        if (sim_call_chat(c, "chat", &chat)) {
            sim_phone_typing(c->account, chat.person, chat.group, state);
            sim_call_ok(c, NULL);
        }
    } else {
        c->account->is_scripted = true;
        c->account->is_available = strcmp(state, "available") == 0;
        sim_presence_changed(c->account);
        sim_call_ok(c, NULL);
    }
}

static void messages(struct sim_call *c)
{
    struct bx_str chat = sim_call_query(c, "chat");
    struct sim_account *other = chat.len ? sim_account_by_jid(c->sim, chat) : NULL;
    const char *name = other ? other->phone : chat.ptr;
    json_t *list = json_array(), *row;
    size_t i;
    json_array_foreach(c->account->messages, i, row)
    {
        if (!chat.len ||
            bx_str_eq(bx_str(name), bx_str(json_string_value(json_object_get(row, "chat")))))
            json_array_append(list, row);
    }
    sim_call_ok(c, json_pack("{s:o,s:O,s:O}", "messages", list, "receipts",
                             c->account->receipts_seen, "presence", c->account->presence));
}

const struct sim_call_row sim_calls_phones[] = {
    {"GET", "/admin/phones", list_phones},        {"POST", "/admin/phones", make_phone},
    {"GET", "/admin/phone/P", show_phone},        {"POST", "/admin/phone/P/send", say},
    {"POST", "/admin/phone/P/read", mark_read},   {"POST", "/admin/phone/P/presence", presence},
    {"GET", "/admin/phone/P/messages", messages}, {NULL, NULL, NULL},
};
