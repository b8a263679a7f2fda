#include "app/views/details.h"

#include "app/views/shapes.h"
#include "base/log.h"
#include "base/mem.h"

#include <jansson.h>
#include <stdlib.h>

#define END                                                                                        \
    {                                                                                              \
        .type = WB_END                                                                             \
    }

/* clang-format off */
const struct wb_schema wb_shape_location = {
    .name = "Location",
    .fields = (const struct wb_field[]){
        {"latitude", WB_NUM, MUST},
        {"longitude", WB_NUM, MUST},
        {"name", WB_STR, MUST_OR_NULL},
        {"address", WB_STR, MUST_OR_NULL},
        {"isLive", WB_BOOL, MUST},
        END}};

static const struct wb_schema card_phone_shape = {
    .name = "ContactPhone",
    .fields = (const struct wb_field[]){
        {"number", WB_STR, MUST, .help = "As it was written."},
        {"waId", WB_STR, MUST_OR_NULL, .help = "Digits of its WhatsApp account."},
        END}};

const struct wb_schema wb_shape_card = {
    .name = "SharedContact",
    .fields = (const struct wb_field[]){
        {"name", WB_STR, MUST},
        {"phones", WB_LIST, MUST, .ref = &card_phone_shape},
        END}};

static const struct wb_schema voter_shape = {
    .name = "Voter",
    .fields = (const struct wb_field[]){
        {"jid", WB_STR, MUST},
        {"name", WB_STR, MUST_OR_NULL},
        END}};

static const struct wb_schema option_shape = {
    .name = "PollOption",
    .fields = (const struct wb_field[]){
        {"id", WB_STR, MUST},
        {"text", WB_STR, MUST},
        {"votes", WB_INT, MUST},
        {"voters", WB_LIST, MUST, .ref = &voter_shape},
        {"mine", WB_BOOL, MUST, .help = "The number itself voted for it."},
        END}};

const struct wb_schema wb_shape_poll = {
    .name = "Poll",
    .fields = (const struct wb_field[]){
        {"question", WB_STR, MUST},
        {"options", WB_LIST, MUST, .ref = &option_shape},
        {"selectable", WB_INT, MUST, .help = "How many each may choose; 0: any number."},
        {"isClosed", WB_BOOL, MUST},
        END}};

const struct wb_schema wb_shape_button = {
    .name = "Button",
    .fields = (const struct wb_field[]){
        {"id", WB_STR, MUST_OR_NULL},
        {"text", WB_STR, MUST},
        {"url", WB_STR, MUST_OR_NULL},
        END}};

static const struct wb_schema answer_shape = {
    .name = "EventAnswer",
    .fields = (const struct wb_field[]){
        {"jid", WB_STR, MUST},
        {"name", WB_STR, MUST_OR_NULL},
        {"answer", WB_ENUM, MUST, .choices = "GOING|NOT_GOING|MAYBE"},
        END}};

const struct wb_schema wb_shape_event = {
    .name = "Event",
    .fields = (const struct wb_field[]){
        {"name", WB_STR, MUST},
        {"description", WB_STR, MUST_OR_NULL},
        {"startsAt", WB_TIME, MUST_OR_NULL},
        {"endsAt", WB_TIME, MUST_OR_NULL},
        {"location", WB_STR, MUST_OR_NULL},
        {"isCanceled", WB_BOOL, MUST},
        {"responses", WB_LIST, MUST, .ref = &answer_shape},
        END}};
/* clang-format on */

/* --- writing --- */

/* A value as the row keeps it. */
static void raw_write(struct bx_json_writer *w, const char *key, const json_t *v)
{
    char *text = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(17));
    if (text)
        bx_json_key_raw(w, key, bx_str(text));
    free(text);
}

struct responses {
    struct st_response *rows;
    size_t count;
};

static void person_write(struct bx_json_writer *w, const struct wb_rows *r,
                         const struct st_response *who)
{
    struct bx_str phone = who->contact_id ? who->contact_phone : r->own_phone;
    struct bx_str name = who->contact_id ? who->contact_name : r->own_name;
    bx_json_key_str(w, "jid",
                    phone.len
                        ? bx_arena_printf(r->arena, "%.*s@s.whatsapp.net", BX_STR_ARG(phone))
                        : bx_arena_printf(r->arena, "%.*s@lid", BX_STR_ARG(who->contact_lid)));
    if (name.len)
        bx_json_key_str(w, "name", name);
    else
        bx_json_key_null(w, "name");
}

static bool chose(const struct st_response *who, struct bx_str id)
{
    struct bx_str choice = who->choice, piece;
    while (bx_str_split(&choice, ' ', &piece)) {
        if (bx_str_eq(piece, id))
            return true;
    }
    return false;
}

static void option_write(struct bx_json_writer *w, const struct wb_rows *r, const json_t *option,
                         const struct responses *all)
{
    struct bx_str id = bx_str(json_string_value(json_object_get(option, "id")));
    int64_t votes = 0;
    bool is_mine = false;
    bx_json_object(w);
    bx_json_key_str(w, "id", id);
    raw_write(w, "text", json_object_get(option, "text"));
    bx_json_key(w, "voters");
    bx_json_array(w);
    for (size_t i = 0; i < all->count; i++) {
        if (!chose(&all->rows[i], id))
            continue;
        votes++;
        is_mine |= all->rows[i].contact_id == 0;
        bx_json_object(w);
        person_write(w, r, &all->rows[i]);
        bx_json_end(w);
    }
    bx_json_end(w);
    bx_json_key_i64(w, "votes", votes);
    bx_json_key_bool(w, "mine", is_mine);
    bx_json_end(w);
}

static void poll_write(struct bx_json_writer *w, const struct wb_rows *r, const json_t *poll,
                       const struct responses *all)
{
    const json_t *options = json_object_get(poll, "options");
    bx_json_key(w, "poll");
    bx_json_object(w);
    raw_write(w, "question", json_object_get(poll, "question"));
    bx_json_key(w, "options");
    bx_json_array(w);
    for (size_t i = 0; i < json_array_size(options); i++)
        option_write(w, r, json_array_get(options, i), all);
    bx_json_end(w);
    raw_write(w, "selectable", json_object_get(poll, "selectable"));
    bx_json_key_bool(w, "isClosed", false);
    bx_json_end(w);
}

static void event_write(struct bx_json_writer *w, const struct wb_rows *r, json_t *event,
                        const struct responses *all)
{
    const char *key;
    json_t *value;
    bx_json_key(w, "event");
    bx_json_object(w);
    json_object_foreach(event, key, value)
    {
        raw_write(w, key, value);
    }
    bx_json_key(w, "responses");
    bx_json_array(w);
    for (size_t i = 0; i < all->count; i++) {
        bx_json_object(w);
        person_write(w, r, &all->rows[i]);
        bx_json_key_str(w, "answer", all->rows[i].choice);
        bx_json_end(w);
    }
    bx_json_end(w);
    bx_json_end(w);
}

void wb_details_write(struct bx_json_writer *w, const struct wb_rows *r, const struct st_message *m)
{
    static const char *const plain[] = {"location", "contacts", "buttons"};
    json_t *o = m->details.len ? json_loadb(m->details.ptr, m->details.len, 0, NULL) : NULL;
    struct responses all = {NULL, 0};
    if (!o)
        return;
    bool is_answered = m->type == ST_TYPE_POLL || m->type == ST_TYPE_EVENT;
    int rc =
        is_answered ? st_response_list(r->conn, m->id, r->arena, &all.rows, &all.count) : BX_OK;
    if (rc < 0)
        bx_log(BX_LOG_ERROR, "app", "answers to a message not read", "rc=%s", bx_err_name(rc));
    for (size_t i = 0; i < BX_LEN(plain); i++) {
        if (json_object_get(o, plain[i]))
            raw_write(w, plain[i], json_object_get(o, plain[i]));
    }
    if (json_object_get(o, "poll"))
        poll_write(w, r, json_object_get(o, "poll"), &all);
    if (json_object_get(o, "event"))
        event_write(w, r, json_object_get(o, "event"), &all);
    json_decref(o);
}
