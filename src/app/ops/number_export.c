/* Out of the store, into a file; see number_file.h. */
#include "app/ops/number_file.h"

#include "base/clock.h"
#include "base/mem.h"
#include "crypto/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { PAGE = 500 };

struct out {
    struct st_conn *conn;
    int64_t number_id;
    FILE *file;
    struct cr_digest *digest;
    struct bx_arena arena; /* of a page */
    struct bx_buf line;
    struct wb_number_counts counts;
    int64_t lines;
};

static struct bx_json_writer line_begin(struct out *o, const char *kind)
{
    struct bx_json_writer w;
    o->line.len = 0;
    bx_json_writer_init(&w, &o->line);
    bx_json_object(&w);
    bx_json_key_cstr(&w, "kind", kind);
    return w;
}

static int line_end(struct out *o, struct bx_json_writer *w)
{
    bx_json_end(w);
    int rc = bx_json_writer_rc(w);
    if (rc >= 0)
        rc = bx_buf_byte(&o->line, '\n');
    if (rc < 0)
        return rc;
    cr_digest_update(o->digest, o->line.data, o->line.len);
    o->lines++;
    return fwrite(o->line.data, 1, o->line.len, o->file) == o->line.len ? BX_OK
                                                                        : bx_err_from_errno(errno);
}

static int header(struct out *o)
{
    struct st_number number;
    int rc = st_number_get(o->conn, o->number_id, &o->arena, &number);
    if (rc < 0)
        return rc;
    struct bx_json_writer w = line_begin(o, WB_NUMBER_FILE_KIND);
    bx_json_key_i64(&w, "version", WB_NUMBER_FILE_VERSION);
    bx_json_key_time(&w, "exportedAt", bx_wall_ms());
    bx_json_key(&w, "number");
    bx_json_object(&w);
    wb_cells_write(&w, &wb_number_cells, &number);
    bx_json_end(&w);
    return line_end(o, &w);
}

static int contacts(struct out *o)
{
    struct st_contact *rows;
    size_t count = 1;
    int rc = BX_OK;
    for (int64_t after = 0; rc >= 0 && count; bx_arena_reset(&o->arena)) {
        rc = st_contact_list(o->conn, o->number_id, after, PAGE, &o->arena, &rows, &count);
        for (size_t i = 0; rc >= 0 && i < count; i++) {
            struct bx_json_writer w = line_begin(o, "contact");
            wb_cells_write(&w, &wb_contact_cells, &rows[i]);
            rc = line_end(o, &w);
            after = rows[i].id;
            o->counts.contacts++;
        }
    }
    return rc;
}

static int chat_line(struct out *o, const struct st_chat *row)
{
    struct st_chat chat; /* with meta, which lists leave out */
    struct st_member *members = NULL;
    size_t count = 0;
    int rc = st_chat_get(o->conn, row->id, &o->arena, &chat);
    if (rc == BX_OK && chat.is_group)
        rc = st_member_list(o->conn, chat.id, &o->arena, &members, &count);
    if (rc < 0)
        return rc;
    struct bx_json_writer w = line_begin(o, "chat");
    wb_cells_write(&w, &wb_chat_cells, &chat);
    bx_json_key(&w, "members");
    bx_json_array(&w);
    for (size_t i = 0; i < count; i++) {
        bx_json_object(&w);
        wb_cells_write(&w, &wb_member_cells, &members[i]);
        bx_json_end(&w);
    }
    bx_json_end(&w);
    o->counts.chats++;
    return line_end(o, &w);
}

static int chats(struct out *o)
{
    static const enum st_archived parts[] = {ST_ARCHIVED_OUT, ST_ARCHIVED_ONLY};
    int rc = BX_OK;
    for (size_t p = 0; rc >= 0 && p < BX_LEN(parts); p++) {
        struct st_chat_query q = {.number_id = o->number_id, .archived = parts[p], .limit = PAGE};
        size_t count = 1;
        for (struct st_chat *rows; rc >= 0 && count; bx_arena_reset(&o->arena)) {
            rc = st_chat_list(o->conn, &q, &o->arena, &rows, &count);
            for (size_t i = 0; rc >= 0 && i < count; i++) {
                q.after =
                    (struct st_chat_key){rows[i].is_pinned, rows[i].last_message_at, rows[i].id};
                rc = chat_line(o, &rows[i]);
            }
        }
    }
    return rc;
}

static void list_write(struct bx_json_writer *w, const char *key, const struct wb_cells *cells,
                       const void *rows, size_t count, size_t size)
{
    if (!count)
        return;
    bx_json_key(w, key);
    bx_json_array(w);
    for (size_t i = 0; i < count; i++) {
        bx_json_object(w);
        wb_cells_write(w, cells, (const char *)rows + i * size);
        bx_json_end(w);
    }
    bx_json_end(w);
}

/* Users have other ids elsewhere: the agent is named. */
static void agent_write(struct out *o, struct bx_json_writer *w, int64_t user_id)
{
    struct st_user user;
    if (user_id && st_user_get(o->conn, user_id, &o->arena, &user) == BX_OK)
        bx_json_key_str(w, "sent_by", user.username);
}

static int message_line(struct out *o, const struct st_message *m)
{
    struct st_media media;
    struct st_reaction *reactions;
    struct st_receipt *receipts;
    size_t reaction_count, receipt_count;
    int rc = st_reaction_list(o->conn, &m->id, 1, &o->arena, &reactions, &reaction_count);
    if (rc == BX_OK)
        rc = st_receipt_list(o->conn, m->id, &o->arena, &receipts, &receipt_count);
    if (rc < 0)
        return rc;
    struct bx_json_writer w = line_begin(o, "message");
    wb_cells_write(&w, &wb_message_cells, m);
    agent_write(o, &w, m->sent_by);
    if (m->has_media && st_media_get(o->conn, m->id, &o->arena, &media) == BX_OK) {
        bx_json_key(&w, "media");
        bx_json_object(&w);
        wb_cells_write(&w, &wb_media_cells, &media);
        bx_json_end(&w);
    }
    list_write(&w, "reactions", &wb_reaction_cells, reactions, reaction_count, sizeof *reactions);
    list_write(&w, "receipts", &wb_receipt_cells, receipts, receipt_count, sizeof *receipts);
    o->counts.messages++;
    return line_end(o, &w);
}

static int messages(struct out *o)
{
    struct st_message *rows;
    size_t count = 1;
    int rc = BX_OK;
    for (int64_t after = 0; rc >= 0 && count; bx_arena_reset(&o->arena)) {
        rc = st_message_list(o->conn, o->number_id, after, PAGE, &o->arena, &rows, &count);
        for (size_t i = 0; rc >= 0 && i < count; i++) {
            after = rows[i].id;
            rc = message_line(o, &rows[i]);
        }
    }
    return rc;
}

static int end(struct out *o)
{
    uint8_t sum[CR_SHA256_SIZE];
    char hex[2 * sizeof sum + 1];
    cr_digest_final(o->digest, sum);
    bx_hex_encode(sum, sizeof sum, hex);
    struct bx_json_writer w = line_begin(o, "end");
    bx_json_key_i64(&w, "lines", o->lines);
    bx_json_key_cstr(&w, "sha256", hex);
    bx_json_end(&w);
    bx_buf_byte(&o->line, '\n');
    bool is_out = fwrite(o->line.data, 1, o->line.len, o->file) == o->line.len &&
                  fflush(o->file) == 0 && fsync(fileno(o->file)) == 0;
    return is_out ? BX_OK : bx_err_from_errno(errno);
}

static int write_all(struct out *o)
{
    static int (*const parts[])(struct out * o) = {header, contacts, chats, messages, end};
    int rc = st_read_begin(o->conn);
    for (size_t i = 0; rc >= 0 && i < BX_LEN(parts); i++)
        rc = parts[i](o);
    st_read_end(o->conn);
    return rc < 0 ? rc : BX_OK;
}

int wb_number_export(struct st_conn *conn, int64_t number_id, const char *path,
                     struct wb_number_counts *out, struct bx_buf *message)
{
    struct out o = {.conn = conn, .number_id = number_id};
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        int rc = bx_err_from_errno(errno);
        bx_buf_printf(message, "cannot create %s: %s", path, strerror(errno));
        return rc;
    }
    o.file = fdopen(fd, "w");
    o.digest = cr_digest_new(CR_DIGEST_SHA256);
    bx_arena_init(&o.arena, 0);
    bx_buf_init(&o.line, 0);
    int rc = o.file ? write_all(&o) : BX_E_NOMEM;
    if (o.file ? fclose(o.file) != 0 && rc == BX_OK : close(fd) != 0)
        rc = bx_err_from_errno(errno);
    cr_digest_free(o.digest);
    bx_buf_done(&o.line);
    bx_arena_done(&o.arena);
    if (rc < 0) {
        unlink(path);
        bx_buf_printf(message, "The number was not exported: %s", bx_err_info(rc)->sentence);
        return rc;
    }
    *out = o.counts;
    return BX_OK;
}

static int note_job(struct st_tx *tx, void *arg)
{
    const int64_t *number_id = arg;
    struct bx_arena arena;
    int64_t id;
    bx_arena_init(&arena, 0);
    struct st_audit row = {.number_id = *number_id,
                           .action = BX_STR("number.export"),
                           .target = bx_arena_printf(&arena, "number:%lld", (long long)*number_id)};
    int rc = st_audit_append(tx, &row, &id);
    bx_arena_done(&arena);
    return rc;
}

int wb_number_export_note(struct st_writer *writer, int64_t number_id)
{
    return st_writer_call(writer, note_job, &number_id);
}
