#include "app/views/mentions.h"

#include "app/core/json_keys.h"
#include "base/json_scan.h"
#include "base/mem.h"

/* Each name is a question to the store; who mentions a whole group gets digits for the rest. */
enum { NAMED_MAX = 128 };

static struct bx_str jid_user(struct bx_str jid)
{
    struct bx_str user = bx_str_slice(jid, 0, bx_str_find(jid, '@'));
    return bx_str_slice(user, 0, bx_str_find(user, ':'));
}

static bool is_own(const struct wb_rows *r, struct bx_str user, bool is_lid)
{
    struct st_session session;
    if (!is_lid)
        return bx_str_eq(user, r->own_phone);
    return st_session_by_number(r->conn, r->number_id, r->arena, &session) == BX_OK &&
           session.lid.len && bx_str_eq(jid_user(session.lid), user);
}

/* What the phone would show: the address book's name, else the person's own; of the number itself
 * what the team calls it. NULL: nobody we know by name, or the store did not say; the digits are
 * readable without. */
static struct bx_str name_of(const struct wb_rows *r, struct bx_str jid)
{
    struct bx_str none = {0}, user = jid_user(jid);
    bool is_lid = bx_str_ends(jid, BX_STR("@lid"));
    struct st_contact who = {0};
    int rc = st_contact_find(r->conn, r->number_id, is_lid ? none : user, is_lid ? user : none,
                             r->arena, &who);
    struct bx_str name = rc < 0              ? none
                         : who.name.len      ? who.name
                         : who.push_name.len ? who.push_name
                                             : who.business_name;
    if (name.len)
        return name;
    return is_own(r, user, is_lid) ? r->own_name : none;
}

/* Before the first next_jid. False: nobody is mentioned. */
static bool open_list(struct bx_str list, struct bx_str *out_cursor)
{
    struct bx_str checked;
    if (!list.ptr || bx_json_check(list, 4, &checked, NULL) < 0 ||
        bx_json_type(checked) != BX_JSON_ARRAY)
        return false;
    *out_cursor = bx_json_inside(checked);
    return true;
}

static bool next_jid(struct bx_str *cursor, struct bx_arena *arena, struct bx_str *out)
{
    struct bx_str item;
    while (bx_json_next(cursor, &item)) {
        if (bx_json_string(item, arena, out) == BX_OK)
            return true;
    }
    return false;
}

void wb_mentions_write(struct bx_json_writer *w, const struct wb_rows *r, struct bx_str list)
{
    struct bx_str cursor, jid, none = {0};
    if (!open_list(list, &cursor))
        return;
    bx_json_key(w, "mentions");
    bx_json_array(w);
    for (unsigned i = 0; next_jid(&cursor, r->arena, &jid); i++) {
        bx_json_object(w);
        bx_json_key_str(w, "jid", jid);
        wb_key_str_or_null(w, "name", i < NAMED_MAX ? name_of(r, jid) : none);
        bx_json_end(w);
    }
    bx_json_end(w);
}

static size_t digits_after(struct bx_str text, size_t at)
{
    size_t end = at;
    while (end < text.len && text.ptr[end] >= '0' && text.ptr[end] <= '9')
        end++;
    return end - at;
}

bool wb_mentions_maybe(struct bx_str text)
{
    for (size_t at = bx_str_find(text, '@'); at < text.len;) {
        if (digits_after(text, at + 1) > 0)
            return true;
        text = bx_str_slice(text, at + 1, text.len);
        at = bx_str_find(text, '@');
    }
    return false;
}

static struct bx_str mentioned_as(const struct wb_rows *r, struct bx_str cursor,
                                  struct bx_str digits)
{
    struct bx_str jid;
    while (next_jid(&cursor, r->arena, &jid)) {
        if (bx_str_eq(jid_user(jid), digits))
            return name_of(r, jid);
    }
    return (struct bx_str){0};
}

struct bx_str wb_mentions_named(const struct wb_rows *r, struct bx_str text, struct bx_str list)
{
    struct bx_str cursor, rest = text;
    struct bx_buf out;
    if (!open_list(list, &cursor))
        return text;
    bx_buf_init(&out, 0);
    int rc = BX_OK;
    while (rc == BX_OK && rest.len) {
        size_t at = bx_str_find(rest, '@');
        size_t end = at < rest.len ? at + 1 + digits_after(rest, at + 1) : at;
        struct bx_str digits = bx_str_slice(rest, at + 1, end), name = {0};
        if (digits.len)
            name = mentioned_as(r, cursor, digits);
        rc = bx_buf_str(&out, bx_str_slice(rest, 0, name.len ? at + 1 : end));
        if (rc == BX_OK)
            rc = bx_buf_str(&out, name);
        rest = bx_str_slice(rest, end, rest.len);
    }
    struct bx_str named = rc == BX_OK ? bx_arena_str(r->arena, bx_buf_view(&out)) : text;
    bx_buf_done(&out);
    return named;
}
