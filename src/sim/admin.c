/* The admin API (docs/SIMULATOR.md): a table of calls. Answers are {"ok":true,…} or
 * {"ok":false,"error":"…"}. */
#include "base/base64.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "net/http_server.h"
#include "sim/internal.h"

#include <stdio.h>
#include <stdlib.h>

struct call {
    struct sim *sim;
    struct http_exchange *x;
    const struct http_request *r;
    struct bx_arena *arena;
    struct bx_str segments[6];
    size_t segment_count;
    json_t *body;                /* an object, never NULL */
    struct sim_account *account; /* of /admin/phone/P/… */
    struct sim_group *group;     /* of /admin/group/G/… */
    bool is_answered;
};

/* --- answers --- */

static void respond(struct call *c, int status, json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT);
    c->is_answered = true;
    http_respond(c->x, status, "application/json", bx_str(text));
    free(text);
    json_decref(json);
}

static void ok(struct call *c, json_t *fields)
{
    json_t *all = json_pack("{s:b}", "ok", 1);
    if (fields) {
        json_object_update(all, fields);
        json_decref(fields);
    }
    respond(c, 200, all);
}

static void no(struct call *c, int status, const char *sentence)
{
    respond(c, status, json_pack("{s:b,s:s}", "ok", 0, "error", sentence));
}

/* --- reading the body --- */

static const char *text(const struct call *c, const char *key)
{
    return json_string_value(json_object_get(c->body, key));
}

static struct bx_str str(const struct call *c, const char *key)
{
    const char *s = text(c, key);
    return s ? bx_str(s) : bx_str_n(NULL, 0);
}

/* Unknown fields are refused, so that a misspelt one is not silently nothing. */
static bool only_fields(struct call *c, const char *allowed)
{
    const char *key;
    json_t *value;
    json_object_foreach(c->body, key, value)
    {
        struct bx_str rest = bx_str(allowed), one;
        bool is_known = false;
        while (bx_str_split(&rest, ' ', &one))
            is_known |= bx_str_eq(one, bx_str(key));
        if (!is_known) {
            no(c, 400, bx_arena_printf(c->arena, "the field \"%s\" is not known here", key).ptr);
            return false;
        }
    }
    return true;
}

/* Digits or JID of a person; made on demand. */
static struct sim_account *person(struct call *c, const char *who)
{
    struct sim_account *a = who ? sim_account_by_jid(c->sim, bx_str(who)) : NULL;
    struct bx_str digits =
        bx_str_slice(bx_str(who ? who : ""), 0, bx_str_find(bx_str(who ? who : ""), '@'));
    uint64_t number;
    if (!a && bx_str_u64(digits, UINT64_MAX - 1, &number) == BX_OK && digits.len >= 5 &&
        digits.len < SIM_USER_MAX)
        a = sim_account_get(c->sim, digits, BX_STR(""));
    return a;
}

struct chat {
    struct sim_account *person;
    struct sim_group *group;
};

static bool chat_of(struct call *c, const char *key, struct chat *out)
{
    const char *who = text(c, key);
    bool is_group = who && strstr(who, "@g.us");
    out->group = is_group ? sim_group_find(c->sim, bx_str(who)) : NULL;
    out->person = is_group ? NULL : person(c, who);
    if (!out->group && !out->person)
        no(c, is_group ? 404 : 400, "there is no such chat");
    return out->group || out->person;
}

/* --- shapes --- */

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
    return json_pack("{s:s,s:s,s:s,s:b,s:s,s:o}", "phone", a->phone, "lid", a->lid, "pushName",
                     a->push_name, "echo", a->is_echo, "receipts", receipts[a->receipts], "devices",
                     devices);
}

static json_t *group_json(const struct sim_group *g)
{
    json_t *members = json_array();
    for (size_t i = 0; i < g->count; i++)
        json_array_append_new(members, json_string(g->members[i].account->phone));
    return json_pack("{s:s,s:s,s:s,s:s,s:o}", "jid", g->jid, "subject", g->subject, "addressing",
                     g->is_lid ? "lid" : "pn", "owner", g->owner->phone, "members", members);
}

static json_t *linked_json(const struct sim_device *d)
{
    return json_pack("{s:s,s:s,s:i}", "phone", d->account->phone, "lid", d->account->lid, "device",
                     (int)d->id);
}

/* --- linking --- */

static struct bx_str query(struct call *c, const char *name)
{
    struct bx_str raw, value;
    if (!http_query_get(c->r->query, bx_str(name), &raw) ||
        http_url_decode(c->arena, raw, true, &value) < 0)
        return BX_STR("");
    return value;
}

/* The connection that shows this code; NULL: answered. */
static struct sim_conn *read_qr(struct call *c, uint8_t secret[64])
{
    struct bx_str rest = c->r->body, fields[5];
    size_t hash = bx_str_find(rest, '#'), count = 0, len;
    if (hash < rest.len)
        rest = bx_str_slice(rest, hash + 1, rest.len);
    while (count < BX_LEN(fields) && bx_str_split(&rest, ',', &fields[count]))
        count++;
    if (count < 4 || fields[3].len > 64 ||
        bx_base64_decode(bx_str_trim(fields[3]), secret, &len) < 0 || len != 32) {
        no(c, 400, "that is not the text of a QR code");
        return NULL;
    }
    struct sim_conn *conn = sim_pair_find_ref(c->sim, bx_str_trim(fields[0]));
    if (!conn)
        no(c, 404, "no client shows this code (any more)");
    return conn;
}

/* A client holds its screen before the phones: the page can scan it with one press. */
static void show_qr(struct call *c)
{
    uint8_t secret[64];
    struct sim_conn *conn = read_qr(c, secret);
    if (!conn)
        return;
    if (c->r->body.len >= sizeof conn->shown_qr || !bx_utf8_is_valid(c->r->body)) {
        no(c, 400, "that is not the text of a QR code");
        return;
    }
    bx_str_copy(c->r->body, conn->shown_qr, sizeof conn->shown_qr);
    ok(c, NULL);
}

static void scan_qr(struct call *c)
{
    uint8_t secret[64];
    struct sim_conn *conn = read_qr(c, secret);
    if (!conn)
        return;
    struct bx_str name = query(c, "pushName");
    if (!name.len)
        name = bx_str(conn->push_name);
    if (!conn->push_name[0])
        sim_name_copy(name, conn->push_name);
    struct sim_account *a = sim_account_get(c->sim, query(c, "phone"), name);
    struct sim_device *d;
    if (!a || sim_pair_link(conn, a, secret, &d) < 0) {
        no(c, 400, "that is not a phone number");
        return;
    }
    ok(c, linked_json(d));
}

static void code_entered(void *arg, int rc, const struct sim_device *d)
{
    struct http_exchange *x = arg;
    json_t *json = rc == BX_OK
                       ? json_pack("{s:b,s:s,s:s,s:i}", "ok", 1, "phone", d->account->phone, "lid",
                                   d->account->lid, "device", (int)d->id)
                       : json_pack("{s:b,s:s}", "ok", 0, "error",
                                   rc == BX_E_AUTH ? "the code is wrong" : "the client has left");
    char *dumped = json_dumps(json, JSON_COMPACT);
    http_respond(x,
                 rc == BX_OK       ? 200
                 : rc == BX_E_AUTH ? 403
                                   : 404,
                 "application/json", bx_str(dumped));
    free(dumped);
    json_decref(json);
}

static void enter_code(struct call *c)
{
    struct sim_account *a = text(c, "phone") ? sim_account_by_jid(c->sim, str(c, "phone")) : NULL;
    if (!only_fields(c, "code phone"))
        return;
    int rc = sim_pair_enter_code(c->sim, a, text(c, "code") ? str(c, "code") : BX_STR(""),
                                 code_entered, c->x);
    if (rc == BX_OK)
        c->is_answered = true; /* code_entered will */
    else
        no(c, rc == BX_E_AUTH ? 403 : 404,
           rc == BX_E_AUTH ? "the code is wrong"
                           : "nobody waits for a code, or several do: say which phone");
}

static void pending(struct call *c)
{
    json_t *list = json_array();
    BX_LIST_EACH(&c->sim->conns, node)
    {
        struct sim_conn *conn = BX_CONTAINER_OF(node, struct sim_conn, node);
        if (!conn->ref_count || conn->state != SIM_CONN_OPEN || conn->pairing)
            continue;
        json_t *row = json_pack("{s:s,s:s,s:s}", "ref", conn->refs[0], "pushName", conn->push_name,
                                "platform", conn->platform);
        if (conn->shown_qr[0])
            json_object_set_new(row, "qr", json_string(conn->shown_qr));
        json_array_append_new(list, row);
    }
    ok(c, json_pack("{s:o}", "pending", list));
}

/* --- accounts --- */

static void list_phones(struct call *c)
{
    json_t *list = json_array();
    BX_LIST_EACH(&c->sim->account_list, node)
    {
        json_array_append_new(list, account_json(BX_CONTAINER_OF(node, struct sim_account, node)));
    }
    ok(c, json_pack("{s:o}", "phones", list));
}

static void make_phone(struct call *c)
{
    const char *receipts = text(c, "receipts");
    struct bx_str phone = str(c, "phone"), name = str(c, "pushName");
    uint64_t digits;
    if (!only_fields(c, "phone pushName echo receipts"))
        return;
    if (phone.ptr && (bx_str_u64(phone, UINT64_MAX - 1, &digits) < 0 || phone.len < 5)) {
        no(c, 400, "a phone is a number in digits");
        return;
    }
    struct sim_account *a =
        sim_account_get(c->sim, phone.ptr ? phone : BX_STR(""), name.ptr ? name : BX_STR(""));
    if (name.len)
        sim_name_copy(name, a->push_name);
    a->is_scripted = true;
    if (json_object_get(c->body, "echo"))
        a->is_echo = json_is_true(json_object_get(c->body, "echo"));
    if (receipts)
        a->receipts = strcmp(receipts, "read") == 0       ? SIM_RECEIPTS_READ
                      : strcmp(receipts, "delivery") == 0 ? SIM_RECEIPTS_DELIVERY
                                                          : SIM_RECEIPTS_NONE;
    ok(c, json_pack("{s:o}", "phone", account_json(a)));
}

static void show_phone(struct call *c)
{
    ok(c, json_pack("{s:o}", "phone", account_json(c->account)));
}

static struct bx_str member_str(const json_t *object, const char *key)
{
    const char *s = json_string_value(json_object_get(object, key));
    return s ? bx_str(s) : bx_str_n(NULL, 0);
}

static void say(struct call *c)
{
    struct chat chat;
    struct sim_account *mentions[32];
    char id[SIM_ID_MAX];
    const json_t *quoted = json_object_get(c->body, "quoted"),
                 *reaction = json_object_get(c->body, "reaction");
    const json_t *edit = json_object_get(c->body, "edit"),
                 *revoke = json_object_get(c->body, "revoke"),
                 *who = json_object_get(c->body, "mentions"), *one;
    size_t i;
    if (!only_fields(c, "to text quoted mentions addressing reaction edit revoke") ||
        !chat_of(c, "to", &chat))
        return;
    struct sim_outgoing w = {.to = chat.person,
                             .group = chat.group,
                             .is_lid = text(c, "addressing") &&
                                       strcmp(text(c, "addressing"), "lid") == 0};
    w.text = edit ? member_str(edit, "text") : str(c, "text");
    w.quoted_id = member_str(quoted, "id");
    w.quoted_text = member_str(quoted, "text");
    w.quoted_from = quoted ? person(c, json_string_value(json_object_get(quoted, "from"))) : NULL;
    w.reaction_id = member_str(reaction, "id");
    w.reaction_from =
        reaction ? person(c, json_string_value(json_object_get(reaction, "from"))) : NULL;
    w.emoji =
        reaction && member_str(reaction, "emoji").ptr ? member_str(reaction, "emoji") : BX_STR("");
    w.edit_id = member_str(edit, "id");
    w.revoke_id = member_str(revoke, "id");
    w.mentions = mentions;
    json_array_foreach((json_t *)(uintptr_t)who, i, one)
    {
        struct sim_account *m = person(c, json_string_value(one));
        if (m && w.mention_count < BX_LEN(mentions))
            mentions[w.mention_count++] = m;
    }
    if (!w.text.ptr && !w.reaction_id.ptr && !w.revoke_id.ptr) {
        no(c, 400, "one of text, reaction, edit and revoke is needed");
        return;
    }
    int rc = sim_phone_say(c->account, &w, id);
    if (rc < 0)
        no(c, rc == BX_E_NOT_FOUND ? 404 : 409,
           rc == BX_E_NOT_FOUND ? "the phone is not in that chat" : bx_err_info(rc)->sentence);
    else
        ok(c, json_pack("{s:s}", "id", id));
}

static void mark_read(struct call *c)
{
    struct chat chat;
    size_t i;
    json_t *id;
    if (!only_fields(c, "chat ids from") || !chat_of(c, "chat", &chat))
        return;
    struct sim_account *author = text(c, "from") ? person(c, text(c, "from")) : chat.person;
    json_array_foreach(json_object_get(c->body, "ids"), i, id)
    {
        if (json_string_value(id) && author)
            sim_phone_read(c->account, chat.person, chat.group, author,
                           bx_str(json_string_value(id)), "read");
    }
    ok(c, NULL);
}

static void presence(struct call *c)
{
    struct chat chat;
    const char *state = text(c, "state");
    if (!only_fields(c, "state chat"))
        return;
    if (!state) {
        no(c, 400, "state is needed");
    } else if (text(c, "chat")) {
        if (chat_of(c, "chat", &chat)) {
            sim_phone_typing(c->account, chat.person, chat.group, state);
            ok(c, NULL);
        }
    } else {
        c->account->is_scripted = true;
        c->account->is_available = strcmp(state, "available") == 0;
        sim_presence_changed(c->account);
        ok(c, NULL);
    }
}

static void messages(struct call *c)
{
    struct bx_str chat = query(c, "chat");
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
    ok(c, json_pack("{s:o,s:O,s:O}", "messages", list, "receipts", c->account->receipts_seen,
                    "presence", c->account->presence));
}

/* --- what the phone holds --- */

static void preload_state(struct sim_account *a, struct call *c, const json_t *chat)
{
    const char *who = json_string_value(json_object_get(chat, "chat"));
    struct sim_account *other = who && !strstr(who, "@g.us") ? person(c, who) : NULL;
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

static void put_history(struct call *c)
{
    size_t i;
    json_t *row;
    if (!only_fields(c, "chats contacts pushnames"))
        return;
    json_decref(c->account->history);
    c->account->history = json_deep_copy(c->body);
    json_array_foreach(json_object_get(c->body, "chats"), i, row)
    {
        preload_state(c->account, c, row);
    }
    json_array_foreach(json_object_get(c->body, "contacts"), i, row)
    {
        struct sim_account *contact = person(c, json_string_value(json_object_get(row, "phone")));
        const char *name = json_string_value(json_object_get(row, "fullName"));
        if (contact)
            sim_app_state_contact(c->account, contact, name ? name : "");
    }
    ok(c, NULL);
}

static void change_chat(struct call *c)
{
    struct chat chat;
    if (!only_fields(c, "chat pinned archived muteUntilMs read") || !chat_of(c, "chat", &chat))
        return;
    sim_app_state_chat(c->account,
                       chat.group ? chat.group->jid : sim_jid(c->arena, chat.person, 0, false).ptr,
                       c->body);
    ok(c, NULL);
}

static void change_contact(struct call *c)
{
    struct sim_account *contact = person(c, text(c, "phone"));
    if (!only_fields(c, "phone fullName"))
        return;
    if (!contact || !text(c, "fullName")) {
        no(c, 400, "phone and fullName are needed");
        return;
    }
    sim_app_state_contact(c->account, contact, text(c, "fullName"));
    ok(c, NULL);
}

static void app_state(struct call *c)
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
    ok(c, json_pack("{s:o,s:o}", "collections", versions, "chats", chats));
}

/* --- groups --- */

enum { MAX_MEMBERS = 512 };

static size_t members_of(struct call *c, struct sim_account **out)
{
    size_t i, n = 0;
    json_t *who;
    json_array_foreach(json_object_get(c->body, "members"), i, who)
    {
        struct sim_account *a = person(c, json_string_value(who));
        if (a && n < MAX_MEMBERS)
            out[n++] = a;
    }
    return n;
}

static void make_group(struct call *c)
{
    struct sim_account *who[MAX_MEMBERS], *owner = person(c, text(c, "owner"));
    const char *addressing = text(c, "addressing");
    if (!only_fields(c, "subject owner members addressing"))
        return;
    if (!owner || !text(c, "subject")) {
        no(c, 400, "subject and owner are needed");
        return;
    }
    struct sim_group *g = sim_group_new(c->sim, owner, str(c, "subject"),
                                        addressing && strcmp(addressing, "lid") == 0);
    size_t count = members_of(c, who);
    for (size_t i = 0; i < count; i++)
        sim_group_add(g, who[i], SIM_MEMBER);
    sim_group_announce(g, NULL, c->arena);
    ok(c, json_pack("{s:o}", "group", group_json(g)));
}

static void list_groups(struct call *c)
{
    json_t *list = json_array();
    BX_LIST_EACH(&c->sim->groups, node)
    {
        json_array_append_new(list, group_json(BX_CONTAINER_OF(node, struct sim_group, node)));
    }
    ok(c, json_pack("{s:o}", "groups", list));
}

static void change_group(struct call *c)
{
    struct sim_account *who[MAX_MEMBERS];
    size_t count = members_of(c, who);
    const char *verb = bx_arena_str(c->arena, c->segments[3]).ptr;
    if (!only_fields(c, "members"))
        return;
    sim_group_change(c->group, c->group->owner, NULL, verb, who, count, c->arena);
    ok(c, json_pack("{s:o}", "group", group_json(c->group)));
}

/* --- trouble --- */

static bool is_meant(struct call *c, const struct sim_device *d)
{
    const json_t *only = json_object_get(c->body, "device");
    return !only || (unsigned)json_integer_value(only) == d->id;
}

static void unlink_devices(struct call *c)
{
    if (!only_fields(c, "device"))
        return;
    BX_LIST_EACH(&c->account->devices, node)
    {
        struct sim_device *d = BX_CONTAINER_OF(node, struct sim_device, node);
        if (!is_meant(c, d))
            continue;
        struct sim_conn *conn = d->conn;
        if (conn) {
            sim_stream_error(conn, "401", "device_removed");
            conn->device = NULL;
            d->conn = NULL;
        }
        sim_device_remove(d);
    }
    ok(c, NULL);
}

static void stream_error(struct call *c)
{
    const json_t *number = json_object_get(c->body, "code");
    char code[16];
    snprintf(code, sizeof code, "%d", (int)json_integer_value(number));
    if (!only_fields(c, "device code conflict"))
        return;
    BX_LIST_EACH(&c->account->devices, node)
    {
        struct sim_device *d = BX_CONTAINER_OF(node, struct sim_device, node);
        if (d->conn && is_meant(c, d))
            sim_stream_error(d->conn, number ? code : NULL, text(c, "conflict"));
    }
    ok(c, NULL);
}

static struct sim_failure *failure_of(struct call *c)
{
    return c->account ? &c->account->failure : &c->sim->failure;
}

static void set_failure(struct call *c)
{
    json_int_t times = json_integer_value(json_object_get(c->body, "times"));
    if (!only_fields(c, "reason code expire times"))
        return;
    *failure_of(c) = (struct sim_failure){
        .reason = (unsigned)json_integer_value(json_object_get(c->body, "reason")),
        .code = (unsigned)json_integer_value(json_object_get(c->body, "code")),
        .expire_s = json_integer_value(json_object_get(c->body, "expire")),
        .times = (unsigned)times,
        .is_counted = times > 0,
    };
    ok(c, NULL);
}

static void clear_failure(struct call *c)
{
    *failure_of(c) = (struct sim_failure){0};
    ok(c, NULL);
}

static void cut_connections(struct call *c)
{
    uint64_t until = net_loop_now_ms(c->sim->loop) +
                     (uint64_t)json_integer_value(json_object_get(c->body, "forMs"));
    if (!only_fields(c, "device forMs"))
        return;
    if (c->account)
        c->account->refuse_until_ms = until;
    else
        c->sim->refuse_until_ms = until;
    BX_LIST_EACH(&c->sim->conns, node)
    {
        struct sim_conn *conn = BX_CONTAINER_OF(node, struct sim_conn, node);
        bool is_theirs = !c->account || (conn->device && conn->device->account == c->account &&
                                         is_meant(c, conn->device));
        if (is_theirs)
            sim_conn_cut(conn);
    }
    ok(c, NULL);
}

static struct sim_faults *faults_of(struct call *c)
{
    return c->account ? &c->account->faults : &c->sim->faults;
}

static double probability(const struct call *c, const char *key)
{
    return json_number_value(json_object_get(c->body, key));
}

static void set_faults(struct call *c)
{
    const json_t *delay = json_object_get(c->body, "delayMs");
    if (!only_fields(
            c, "drop delayMs duplicate reorder replay corrupt loseAck prekeysExhausted silent"))
        return;
    *faults_of(c) = (struct sim_faults){
        .drop = probability(c, "drop"),
        .duplicate = probability(c, "duplicate"),
        .reorder = probability(c, "reorder"),
        .corrupt = probability(c, "corrupt"),
        .lose_ack = probability(c, "loseAck"),
        .delay_min_ms = (uint32_t)json_integer_value(json_array_get(delay, 0)),
        .delay_max_ms = (uint32_t)json_integer_value(json_array_get(delay, 1)),
        .replay = (unsigned)json_integer_value(json_object_get(c->body, "replay")),
        .is_prekeys_exhausted = json_is_true(json_object_get(c->body, "prekeysExhausted")),
        .is_silent = json_is_true(json_object_get(c->body, "silent")),
        .is_set = true,
    };
    ok(c, NULL);
}

static void clear_faults(struct call *c)
{
    *faults_of(c) = (struct sim_faults){0};
    ok(c, NULL);
}

/* --- settings and looking inside --- */

static void show_settings(struct call *c)
{
    const struct sim *s = c->sim;
    ok(c, json_pack("{s:{s:s,s:i,s:i,s:i}}", "settings", "groupAddressing",
                    s->is_group_lid ? "lid" : "pn", "refs", (int)s->refs, "settleMs",
                    (int)s->settle_ms, "chatstateTtlMs", (int)s->chatstate_ttl_ms));
}

static void change_settings(struct call *c)
{
    const json_t *refs = json_object_get(c->body, "refs"),
                 *settle = json_object_get(c->body, "settleMs"),
                 *ttl = json_object_get(c->body, "chatstateTtlMs");
    if (!only_fields(c, "groupAddressing refs settleMs chatstateTtlMs"))
        return;
    if (text(c, "groupAddressing"))
        c->sim->is_group_lid = strcmp(text(c, "groupAddressing"), "lid") == 0;
    if (refs && json_integer_value(refs) > 0 && json_integer_value(refs) <= SIM_REFS_MAX)
        c->sim->refs = (unsigned)json_integer_value(refs);
    if (settle)
        c->sim->settle_ms = (uint32_t)json_integer_value(settle);
    if (ttl)
        c->sim->chatstate_ttl_ms = (uint32_t)json_integer_value(ttl);
    show_settings(c);
}

static void stats(struct call *c)
{
    const struct sim_stats *s = &c->sim->stats;
    json_int_t connections = 0, accounts = 0, devices = 0;
    BX_LIST_EACH(&c->sim->conns, node)
    {
        connections += node != NULL;
    }
    BX_LIST_EACH(&c->sim->account_list, node)
    {
        accounts++;
        BX_LIST_EACH(&BX_CONTAINER_OF(node, struct sim_account, node)->devices, dn)
        {
            devices += dn != NULL;
        }
    }
    json_t *faults =
        json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "drop", (json_int_t)s->drop, "delayMs",
                  (json_int_t)s->delay, "duplicate", (json_int_t)s->duplicate, "reorder",
                  (json_int_t)s->reorder, "replay", (json_int_t)s->replay, "corrupt",
                  (json_int_t)s->corrupt, "loseAck", (json_int_t)s->lose_ack, "prekeysExhausted",
                  (json_int_t)s->prekeys_exhausted, "silent", (json_int_t)s->silent);
    json_t *all = json_pack(
        "{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:o}", "connections", connections, "accounts",
        accounts, "devices", devices, "messagesIn", (json_int_t)s->messages_in, "messagesOut",
        (json_int_t)s->messages_out, "receiptsIn", (json_int_t)s->receipts_in, "retries",
        (json_int_t)s->retries, "prekeysServed", (json_int_t)s->prekeys_served, "uploads",
        (json_int_t)s->uploads, "downloads", (json_int_t)s->downloads, "faults", faults);
    ok(c, json_pack("{s:o}", "stats", all));
}

static void dump(struct call *c)
{
    uint64_t after = 0, limit = 1000, next;
    bx_str_u64(query(c, "after"), UINT64_MAX / 2, &after);
    bx_str_u64(query(c, "limit"), 10000, &limit);
    json_t *list = sim_dump_json(c->sim, query(c, "phone"), after, limit, &next);
    ok(c, json_pack("{s:o,s:I}", "stanzas", list, "next", (json_int_t)next));
}

/* --- the table --- */

static const struct {
    const char *method, *path; /* P: a phone, G: a group, V: add, remove, promote or demote */
    void (*fn)(struct call *c);
} calls[] = {
    {"POST", "/admin/mock-phone/scan-qr", scan_qr},
    {"POST", "/admin/mock-phone/show-qr", show_qr},
    {"POST", "/admin/mock-phone/enter-code", enter_code},
    {"GET", "/admin/mock-phone/pending", pending},
    {"GET", "/admin/phones", list_phones},
    {"POST", "/admin/phones", make_phone},
    {"GET", "/admin/phone/P", show_phone},
    {"POST", "/admin/phone/P/send", say},
    {"POST", "/admin/phone/P/read", mark_read},
    {"POST", "/admin/phone/P/presence", presence},
    {"GET", "/admin/phone/P/messages", messages},
    {"PUT", "/admin/phone/P/history", put_history},
    {"POST", "/admin/phone/P/chat", change_chat},
    {"POST", "/admin/phone/P/contact", change_contact},
    {"GET", "/admin/phone/P/appstate", app_state},
    {"POST", "/admin/phone/P/unlink", unlink_devices},
    {"POST", "/admin/phone/P/stream-error", stream_error},
    {"PUT", "/admin/phone/P/failure", set_failure},
    {"DELETE", "/admin/phone/P/failure", clear_failure},
    {"PUT", "/admin/failure", set_failure},
    {"DELETE", "/admin/failure", clear_failure},
    {"POST", "/admin/phone/P/disconnect", cut_connections},
    {"POST", "/admin/disconnect", cut_connections},
    {"PUT", "/admin/phone/P/fault", set_faults},
    {"DELETE", "/admin/phone/P/fault", clear_faults},
    {"PUT", "/admin/fault", set_faults},
    {"DELETE", "/admin/fault", clear_faults},
    {"POST", "/admin/groups", make_group},
    {"GET", "/admin/groups", list_groups},
    {"POST", "/admin/group/G/V", change_group},
    {"GET", "/admin/settings", show_settings},
    {"PATCH", "/admin/settings", change_settings},
    {"GET", "/admin/stats", stats},
    {"GET", "/admin/dump", dump},
};

static bool is_verb(struct bx_str s)
{
    return bx_str_is(s, "add") || bx_str_is(s, "remove") || bx_str_is(s, "promote") ||
           bx_str_is(s, "demote");
}

static bool matches(const struct call *c, const char *pattern)
{
    struct bx_str rest = bx_str(pattern + 1), want;
    size_t i = 0;
    while (bx_str_split(&rest, '/', &want)) {
        if (i >= c->segment_count)
            return false;
        bool is_free = bx_str_is(want, "P") || bx_str_is(want, "G") ||
                       (bx_str_is(want, "V") && is_verb(c->segments[i]));
        if (!is_free && !bx_str_eq(want, c->segments[i]))
            return false;
        i++;
    }
    return i == c->segment_count;
}

/* Finds what the path names; false when it was answered. */
static bool resolve(struct call *c, const char *pattern)
{
    if (strstr(pattern, "/P")) {
        c->account = sim_account_by_jid(c->sim, c->segments[2]);
        if (!c->account && strstr(pattern, "history") == NULL) {
            no(c, 404, "there is no such phone");
            return false;
        }
        if (!c->account)
            c->account = person(c, bx_arena_str(c->arena, c->segments[2]).ptr);
    }
    if (strstr(pattern, "/G")) {
        c->group = sim_group_find(c->sim, c->segments[2]);
        if (!c->group)
            no(c, 404, "there is no such group");
        return c->group != NULL;
    }
    return true;
}

static bool read_body(struct call *c, const char *pattern)
{
    json_error_t error;
    bool is_json = !bx_str_ends(bx_str(pattern), BX_STR("-qr")) && c->r->body.len;
    c->body = is_json ? json_loadb(c->r->body.ptr, c->r->body.len, 0, &error) : json_object();
    if (json_is_object(c->body))
        return true;
    json_decref(c->body);
    c->body = NULL;
    no(c, 400, "the body is not a JSON object");
    return false;
}

void sim_admin_handle(struct sim *sim, struct http_exchange *x)
{
    struct call c = {
        .sim = sim, .x = x, .r = http_exchange_request(x), .arena = http_exchange_arena(x)};
    struct bx_str rest = bx_str_slice(c.r->path, 1, c.r->path.len), segment;
    while (bx_str_split(&rest, '/', &segment) && c.segment_count < BX_LEN(c.segments)) {
        if (http_url_decode(c.arena, segment, false, &c.segments[c.segment_count]) == BX_OK)
            c.segment_count++;
    }
    for (size_t i = 0; i < BX_LEN(calls); i++) {
        if (!matches(&c, calls[i].path) || !bx_str_eq(c.r->method_name, bx_str(calls[i].method)))
            continue;
        if (read_body(&c, calls[i].path) && resolve(&c, calls[i].path))
            calls[i].fn(&c);
        json_decref(c.body);
        return;
    }
    no(&c, 404, "there is no such call; docs/SIMULATOR.md lists them");
}
