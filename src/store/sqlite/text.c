/* What SQL asks of people's texts: fold(text), and has_fold(text, part) for a part that is folded
 * already. Both give NULL for NULL. */
#include "store/sqlite/db.h"

#include "base/fold.h"

#include <stdlib.h>

static struct bx_str argument(sqlite3_value *value)
{
    const void *ptr = sqlite3_value_blob(value);
    return (struct bx_str){ptr ? ptr : "", (size_t)sqlite3_value_bytes(value)};
}

static void fold(sqlite3_context *ctx, int count, sqlite3_value **values)
{
    (void)count;
    struct bx_buf out;
    if (sqlite3_value_type(values[0]) == SQLITE_NULL)
        return;
    bx_buf_init(&out, 0);
    if (bx_fold(argument(values[0]), &out) < 0)
        sqlite3_result_error_nomem(ctx);
    else
        sqlite3_result_text64(ctx, out.len ? (const char *)out.data : "", out.len, SQLITE_TRANSIENT,
                              SQLITE_UTF8);
    bx_buf_done(&out);
}

static void has_fold(sqlite3_context *ctx, int count, sqlite3_value **values)
{
    (void)count;
    if (sqlite3_value_type(values[0]) == SQLITE_NULL ||
        sqlite3_value_type(values[1]) == SQLITE_NULL)
        return;
    sqlite3_result_int(
        ctx, bx_fold_has(argument(values[0]), argument(values[1]), sqlite3_user_data(ctx)));
}

static void scratch_free(void *scratch)
{
    bx_buf_done(scratch);
    free(scratch);
}

int st_text_register(sqlite3 *db)
{
    enum { FLAGS = SQLITE_UTF8 | SQLITE_DETERMINISTIC };
    struct bx_buf *scratch = BX_NEW(struct bx_buf);
    bx_buf_init(scratch, 0);
    int rc = sqlite3_create_function_v2(db, "has_fold", 2, FLAGS, scratch, has_fold, NULL, NULL,
                                        scratch_free);
    return rc == SQLITE_OK
               ? sqlite3_create_function_v2(db, "fold", 1, FLAGS, NULL, fold, NULL, NULL, NULL)
               : rc;
}

struct bx_str st_fold(struct bx_arena *a, struct bx_str text)
{
    return text.ptr ? bx_fold_str(text, a) : text;
}
