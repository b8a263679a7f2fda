#include "app/api/people.h"

#include "app/core/context.h"
#include "app/core/phone.h"
#include "app/views/rows.h"
#include "app/views/shapes.h"
#include "base/json_scan.h"

#define END                                                                                        \
    {                                                                                              \
        .type = WB_END                                                                             \
    }

enum { COMMON_GROUPS_MAX = 100 };

static const struct wb_schema common_group_shape = {
    .name = "CommonGroup",
    .fields = (const struct wb_field[]){{"chatId", WB_UUID, MUST},
                                        {"groupName", WB_STR, MUST},
                                        {"memberCount", WB_INT, MUST},
                                        END}};

#define PERSON_FIELDS                                                                              \
    {"id", WB_INT, MUST}, {"name", WB_STR, MUST_OR_NULL, .help = "In the number's address book."}, \
        {"pushName", WB_STR, MUST_OR_NULL, .help = "What they call themselves."},                  \
        {"phone", WB_STR, MUST_OR_NULL, .help = "Digits; null while only the LID is known."},      \
        {"jid", WB_STR, MUST},                                                                     \
    {                                                                                              \
        "chatId", WB_UUID, MUST_OR_NULL, .help = "null: no chat yet."                              \
    }

static const struct wb_schema contact_shape = {
    .name = "Contact",
    .fields = (const struct wb_field[]){
        PERSON_FIELDS,
        {"businessName", WB_STR, MUST_OR_NULL},
        {"isBlocked", WB_BOOL, MUST},
        {"whatsappNumberId", WB_INT, MUST, .help = "Whose contact it is."},
        {"commonGroups", WB_LIST, MUST, .ref = &common_group_shape, .help = "The latest 100."},
        {"createdAt", WB_TIME, MUST},
        END}};

const struct wb_schema wb_contact_answer = {
    .name = "ContactAnswer",
    .fields = (const struct wb_field[]){{"success", WB_TRUE, MUST},
                                        {"message", WB_STR, MUST},
                                        {"data", WB_REF, MUST, .ref = &contact_shape},
                                        END}};

static const struct wb_schema member_shape = {
    .name = "GroupMember",
    .fields = (const struct wb_field[]){PERSON_FIELDS,
                                        {"role", WB_ENUM, MUST, .choices = "member|admin|owner"},
                                        {"isMe", WB_BOOL, MUST, .help = "The number itself."},
                                        END}};

static const struct wb_schema group_shape = {
    .name = "Group",
    .fields = (const struct wb_field[]){
        {"chatId", WB_UUID, MUST},
        {"jid", WB_STR, MUST},
        {"subject", WB_STR, MUST_OR_NULL},
        {"announce", WB_BOOL, MUST, .help = "Only administrators may write."},
        {"isGone", WB_BOOL, MUST, .help = "The number has left it, or it was closed."},
        {"members", WB_LIST, MUST, .ref = &member_shape},
        END}};

const struct wb_schema wb_group_answer = {
    .name = "GroupAnswer",
    .fields = (const struct wb_field[]){{"success", WB_TRUE, MUST},
                                        {"message", WB_STR, MUST},
                                        {"data", WB_REF, MUST, .ref = &group_shape},
                                        END}};

/* --- a person --- */

static struct bx_str jid_of(struct bx_arena *a, struct bx_str phone, struct bx_str lid)
{
    return phone.len ? bx_arena_printf(a, "%.*s@s.whatsapp.net", BX_STR_ARG(phone))
                     : bx_arena_printf(a, "%.*s@lid", BX_STR_ARG(lid));
}

static int chat_id_write(struct wb_request *rq, int64_t contact_id)
{
    int64_t chat_id;
    int rc = st_chat_of_contact(rq->conn, contact_id, &chat_id);
    if (rc == BX_OK)
        bx_json_key_cstr(&rq->w, "chatId", wb_uuid_of(rq->app->store, ST_UUID_CHAT, chat_id).text);
    else if (rc == BX_E_NOT_FOUND)
        bx_json_key_null(&rq->w, "chatId");
    return rc == BX_E_NOT_FOUND ? BX_OK : rc;
}

static int person_write(struct wb_request *rq, const struct st_member *p)
{
    struct bx_json_writer *w = &rq->w;
    bx_json_key_i64(w, "id", p->contact_id);
    wb_key_str_or_null(w, "name", p->name);
    wb_key_str_or_null(w, "pushName", p->push_name);
    wb_key_str_or_null(w, "phone", p->phone.len ? p->phone : (struct bx_str){0});
    bx_json_key_str(w, "jid", jid_of(&rq->arena, p->phone, p->lid));
    return chat_id_write(rq, p->contact_id);
}

static int common_groups_write(struct wb_request *rq, int64_t contact_id)
{
    struct st_chat *groups;
    size_t count;
    int rc = st_member_groups(rq->conn, contact_id, COMMON_GROUPS_MAX, &rq->arena, &groups, &count);
    if (rc < 0)
        return rc;
    bx_json_key(&rq->w, "commonGroups");
    bx_json_array(&rq->w);
    for (size_t i = 0; i < count; i++) {
        struct st_member *members;
        size_t member_count;
        rc = st_member_list(rq->conn, groups[i].id, &rq->arena, &members, &member_count);
        if (rc < 0)
            return rc;
        bx_json_object(&rq->w);
        bx_json_key_cstr(&rq->w, "chatId",
                         wb_uuid_of(rq->app->store, ST_UUID_CHAT, groups[i].id).text);
        bx_json_key_str(&rq->w, "groupName", groups[i].name.len ? groups[i].name : BX_STR("Group"));
        bx_json_key_i64(&rq->w, "memberCount", (int64_t)member_count);
        bx_json_end(&rq->w);
    }
    bx_json_end(&rq->w);
    return BX_OK;
}

int wb_contacts_get(struct wb_request *rq)
{
    struct st_contact who;
    int rc = st_contact_get(rq->conn, rq->ids[0], &rq->arena, &who);
    if (rc < 0)
        return wb_fail(rq, rc, "Contact not found or unauthorized");
    struct st_member person = {.contact_id = who.id,
                               .phone = who.phone,
                               .lid = who.lid,
                               .name = who.name,
                               .push_name = who.push_name};
    wb_answer_data(rq, "Contact retrieved successfully");
    bx_json_object(&rq->w);
    rc = person_write(rq, &person);
    if (rc == BX_OK)
        rc = common_groups_write(rq, who.id);
    if (rc < 0)
        return rc;
    wb_key_str_or_null(&rq->w, "businessName", who.business_name);
    bx_json_key_bool(&rq->w, "isBlocked", who.is_blocked);
    bx_json_key_i64(&rq->w, "whatsappNumberId", who.number_id);
    bx_json_key_time(&rq->w, "createdAt", who.created_at);
    bx_json_end(&rq->w);
    return wb_answer_end(rq);
}

/* --- a group --- */

static bool meta_flag(const json_t *meta, const char *name)
{
    return json_is_true(json_object_get(meta, name));
}

static int members_write(struct wb_request *rq, int64_t chat_id)
{
    static const char *const roles[] = {
        [ST_MEMBER] = "member", [ST_MEMBER_ADMIN] = "admin", [ST_MEMBER_OWNER] = "owner"};
    struct st_member *members;
    struct st_number own;
    struct st_session session;
    size_t count;
    int rc = st_member_list(rq->conn, chat_id, &rq->arena, &members, &count);
    if (rc == BX_OK)
        rc = st_number_get(rq->conn, rq->number_id, &rq->arena, &own);
    if (rc < 0)
        return rc;
    if (st_session_by_number(rq->conn, rq->number_id, &rq->arena, &session) < 0)
        session.lid = (struct bx_str){0};
    struct bx_str own_lid =
        bx_str_slice(session.lid, 0, session.lid.len ? bx_str_find(session.lid, '@') : 0);
    own_lid = bx_str_slice(own_lid, 0, own_lid.len ? bx_str_find(own_lid, ':') : 0);
    bx_json_key(&rq->w, "members");
    bx_json_array(&rq->w);
    for (size_t i = 0; i < count && rc >= 0; i++) {
        const struct st_member *m = &members[i];
        bx_json_object(&rq->w);
        rc = person_write(rq, m);
        bx_json_key_cstr(&rq->w, "role", roles[m->role]);
        bx_json_key_bool(&rq->w, "isMe",
                         (m->phone.len && bx_str_eq(m->phone, own.phone)) ||
                             (own_lid.len && bx_str_eq(m->lid, own_lid)));
        bx_json_end(&rq->w);
    }
    bx_json_end(&rq->w);
    return rc;
}

int wb_groups_get(struct wb_request *rq)
{
    struct st_chat chat;
    int rc = st_chat_get(rq->conn, rq->ids[0], &rq->arena, &chat);
    if (rc < 0)
        return rc;
    if (!chat.is_group)
        return wb_fail(rq, BX_E_NOT_FOUND, "This chat is not a group");
    json_t *meta = chat.meta.len ? json_loadb(chat.meta.ptr, chat.meta.len, 0, NULL) : NULL;
    bool is_announcement = meta_flag(meta, "isAnnouncement"), is_gone = meta_flag(meta, "isGone");
    json_decref(meta);
    wb_answer_data(rq, "Group retrieved successfully");
    bx_json_object(&rq->w);
    bx_json_key_cstr(&rq->w, "chatId", wb_uuid_of(rq->app->store, ST_UUID_CHAT, chat.id).text);
    bx_json_key_str(&rq->w, "jid", chat.jid);
    wb_key_str_or_null(&rq->w, "subject", chat.name);
    bx_json_key_bool(&rq->w, "announce", is_announcement);
    bx_json_key_bool(&rq->w, "isGone", is_gone);
    rc = members_write(rq, chat.id);
    if (rc < 0)
        return rc;
    bx_json_end(&rq->w);
    return wb_answer_end(rq);
}
