/* Which numbers' chat lists a transaction changed. Temporary triggers of the writer's connection tell
 * it, so no statement can be forgotten; the marks move after the commit, before anybody hears of it.
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

int st_chat_marks_watch(struct st_conn *conn)
{
    struct st_touched *t = BX_NEW(struct st_touched);
    int rc = sqlite3_create_function_v2(conn->db, "st_touch", 1, SQLITE_UTF8, t, touch, NULL, NULL,
                                        free); /* frees it on failure too */
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(
            conn->db,
            "CREATE TEMP TRIGGER mark_insert AFTER INSERT ON main.chats BEGIN SELECT st_touch(new.number_id); END;"
            "CREATE TEMP TRIGGER mark_update AFTER UPDATE ON main.chats BEGIN SELECT st_touch(new.number_id); END;"
            "CREATE TEMP TRIGGER mark_delete AFTER DELETE ON main.chats BEGIN SELECT st_touch(old.number_id); END;"
            "CREATE TEMP TRIGGER mark_number AFTER UPDATE OF deleted_at ON main.numbers BEGIN SELECT st_touch(new.id); END;"
            "CREATE TEMP TRIGGER mark_number_gone AFTER DELETE ON main.numbers BEGIN SELECT st_touch(old.id); END;",
            NULL, NULL, NULL);
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
