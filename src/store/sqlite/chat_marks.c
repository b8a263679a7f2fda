/* Which numbers' chat lists a transaction changed. Temporary triggers of the writer's connection
 * tell it, so no statement can be forgotten; the marks move after the commit, before anybody hears
 * of it.
 */
#include "store/sqlite/db.h"

#include <stdlib.h>

enum { MARKS = ST_CHAT_MARKS };

struct st_touched {
    uint64_t is_touched[MARKS / 64];
    uint16_t list[MARKS];
    size_t count;
};

static size_t mark_of(int64_t number_id)
{
    return (size_t)((uint64_t)number_id % MARKS);
}

static void touch(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    (void)argc;
    struct st_touched *t = sqlite3_user_data(ctx);
    size_t mark = mark_of(sqlite3_value_int64(argv[0]));
    uint64_t bit = UINT64_C(1) << mark % 64;
    if (t->is_touched[mark / 64] & bit)
        return;
    t->is_touched[mark / 64] |= bit;
    t->list[t->count++] = (uint16_t)mark;
}

/* What a chat list is made of: the chats, and of whom a preview may speak by name. */
static const struct {
    const char *name, *when, *number_id;
} watched[] = {
    {"chat_new", "INSERT ON main.chats", "new.number_id"},
    {"chat_changed", "UPDATE ON main.chats", "new.number_id"},
    {"chat_gone", "DELETE ON main.chats", "old.number_id"},
    {"last_message_moved",
     "UPDATE OF status ON main.messages WHEN new.id = (SELECT last_message_id FROM main.chats "
     "WHERE id = new.chat_id)",
     "new.number_id"},
    {"contact_new", "INSERT ON main.contacts", "new.number_id"},
    {"contact_changed", "UPDATE ON main.contacts", "new.number_id"},
    {"contact_gone", "DELETE ON main.contacts", "old.number_id"},
    {"number_changed", "UPDATE OF name, phone, deleted_at ON main.numbers", "new.id"},
    {"number_gone", "DELETE ON main.numbers", "old.id"},
    {"session_new", "INSERT ON main.sessions", "new.number_id"},
    {"session_changed", "UPDATE OF lid ON main.sessions", "new.number_id"},
    {"session_gone", "DELETE ON main.sessions", "old.number_id"},
};

int st_chat_marks_watch(struct st_conn *conn)
{
    struct st_touched *t = BX_NEW(struct st_touched);
    int rc = sqlite3_create_function_v2(conn->db, "st_touch", 1, SQLITE_UTF8, t, touch, NULL, NULL,
                                        free); /* frees it on failure too */
    for (size_t i = 0; rc == SQLITE_OK && i < BX_LEN(watched); i++) {
        char sql[384];
        sqlite3_snprintf(sizeof sql, sql,
                         "CREATE TEMP TRIGGER %s AFTER %s BEGIN SELECT st_touch(%s); END",
                         watched[i].name, watched[i].when, watched[i].number_id);
        rc = sqlite3_exec(conn->db, sql, NULL, NULL, NULL);
    }
    conn->touched = rc == SQLITE_OK ? t : NULL;
    return rc == SQLITE_OK ? BX_OK : st_db_error(conn->db, rc);
}

void st_chat_marks_end(struct st_conn *conn, bool is_committed)
{
    struct st_touched *t = conn->touched;
    for (size_t i = 0; i < t->count; i++) {
        t->is_touched[t->list[i] / 64] = 0;
        if (is_committed)
            conn->store->chat_marks[t->list[i]]++;
    }
    t->count = 0;
}

uint64_t st_chat_mark(const struct st_store *store, int64_t number_id)
{
    return store->chat_marks[mark_of(number_id)];
}
