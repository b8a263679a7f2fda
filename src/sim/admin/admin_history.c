/* What a phone holds: history and app state. */
#include "base/err.h"
#include "base/mem.h"
#include "sim/admin/admin.h"
#include "sim/network/accounts.h"
#include "sim/network/appstate.h"

static void preload_state(struct sim_account *a, struct sim_call *c, const json_t *chat)
{
    const char *who = json_string_value(json_object_get(chat, "chat"));
    struct sim_account *other = who && !strstr(who, "@g.us") ? sim_call_person(c, who) : NULL;
    struct bx_str jid = other ? sim_jid(c->arena, other, 0, false) : bx_str(who ? who : "");
    json_t *change = json_object();
    if (json_is_true(json_object_get(chat, "pinned")))
        json_object_set_new(change, "pinned", json_true());
    if (json_is_true(json_object_get(chat, "archived")))
        json_object_set_new(change, "archived", json_true());
    if (json_integer_value(json_object_get(chat, "muteUntilMs")))
        json_object_set(change, "muteUntilMs", json_object_get(chat, "muteUntilMs"));
    sim_app_state_chat(a, jid.ptr, change);
    json_decref(change);
}

static void put_history(struct sim_call *c)
{
    size_t i;
    json_t *row;
    if (!sim_call_only(c, "chats contacts pushnames"))
        return;
    json_decref(c->account->history);
    c->account->history = json_deep_copy(c->body);
    json_array_foreach(json_object_get(c->body, "chats"), i, row)
    {
        preload_state(c->account, c, row);
    }
    json_array_foreach(json_object_get(c->body, "contacts"), i, row)
    {
        struct sim_account *contact =
            sim_call_person(c, json_string_value(json_object_get(row, "phone")));
        const char *name = json_string_value(json_object_get(row, "fullName"));
        if (contact)
            sim_app_state_contact(c->account, contact, name ? name : "");
    }
    sim_call_ok(c, NULL);
}

static void change_chat(struct sim_call *c)
{
    struct sim_call_chat chat;
    if (!sim_call_only(c, "chat pinned archived muteUntilMs read") ||
        !sim_call_chat(c, "chat", &chat))
        return;
    sim_app_state_chat(c->account,
                       chat.group ? chat.group->jid : sim_jid(c->arena, chat.person, 0, false).ptr,
                       c->body);
    sim_call_ok(c, NULL);
}

static void change_contact(struct sim_call *c)
{
    struct sim_account *contact = sim_call_person(c, sim_call_text(c, "phone"));
    if (!sim_call_only(c, "phone fullName"))
        return;
    if (!contact || !sim_call_text(c, "fullName")) {
        sim_call_fail(c, 400, "phone and fullName are needed");
        return;
    }
    sim_app_state_contact(c->account, contact, sim_call_text(c, "fullName"));
    sim_call_ok(c, NULL);
}

static void app_state(struct sim_call *c)
{
    json_t *versions = json_object(), *chats = json_array(), *value;
    const char *key;
    for (size_t i = 0; i < SIM_COLLECTIONS; i++)
        json_object_set_new(versions, sim_collection_names[i],
                            json_integer((json_int_t)c->account->collections[i].count));
    json_object_foreach(c->account->chat_state, key, value)
    {
        json_array_append(chats, value);
    }
    sim_call_ok(c, json_pack("{s:o,s:o}", "collections", versions, "chats", chats));
}

const struct sim_call_row sim_calls_history[] = {
    {"PUT", "/admin/phone/P/history", put_history},
    {"POST", "/admin/phone/P/chat", change_chat},
    {"POST", "/admin/phone/P/contact", change_contact},
    {"GET", "/admin/phone/P/appstate", app_state},
    {NULL, NULL, NULL},
};
