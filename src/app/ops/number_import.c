/* Out of a file, into the store; see number_file.h. The file is read twice: first to its end, to know
 * that it is whole, then into one transaction. */
#include "app/ops/number_file.h"

#include "base/map.h"
#include "base/mem.h"
#include "crypto/hash.h"

#include <errno.h>
#include <stdlib.h>

enum { LINE_MAX_BYTES = 64 << 20 };

struct in {
    const char *path;
    FILE *file;
    char *line;
    size_t cap;
    int64_t line_number;
    struct bx_buf *message;

    struct st_tx *tx;
    int64_t number_id;
    struct bx_arena arena; /* of a line */
    struct bx_arena ids;   /* of the maps: old id to new id */
    struct bx_map contacts, chats;
    struct wb_number_counts counts;
};

/* 1: a line; 0: the end of the file. The newline stays. */
static int next_line(struct in *in, size_t *out_len)
{
    ssize_t len = getline(&in->line, &in->cap, in->file);
    if (len < 0)
        return ferror(in->file) ? bx_err_from_errno(errno) : 0;
    in->line_number++;
    *out_len = (size_t)len;
    return len > LINE_MAX_BYTES ? BX_E_TOO_BIG : 1;
}

static int refuse(struct in *in, int rc, const char *why)
{
    bx_buf_printf(in->message, "%s %s", in->path, why);
    return rc;
}

/* --- first reading: is it ours and whole? --- */

static int check_header(struct in *in, const json_t *o)
{
    const char *kind = json_string_value(json_object_get(o, "kind"));
    if (!kind || strcmp(kind, WB_NUMBER_FILE_KIND) != 0)
        return refuse(in, BX_E_INVALID, "is not a number that WaBox exported.");
    if (json_integer_value(json_object_get(o, "version")) > WB_NUMBER_FILE_VERSION)
        return refuse(in, BX_E_VERSION, "was written by a newer WaBox: import it with that one.");
    return BX_OK;
}

static int check_end(struct in *in, const json_t *o, int64_t lines, const char *hex)
{
    const char *kind = json_string_value(json_object_get(o, "kind"));
    const char *sum = json_string_value(json_object_get(o, "sha256"));
    if (!kind || strcmp(kind, "end") != 0)
        return refuse(in, BX_E_CORRUPT,
                      "is incomplete: its last line is missing. Copy or export it again.");
    if (json_integer_value(json_object_get(o, "lines")) != lines || !sum || strcmp(sum, hex) != 0)
        return refuse(in, BX_E_CORRUPT, "was changed or damaged after it was exported.");
    return BX_OK;
}

/* The digest covers every line but the last, which is known only once the file has ended: a line is
 * added when the next one is there. */
static int check_lines(struct in *in, struct cr_digest *digest)
{
    struct bx_buf last;
    size_t len;
    int rc;
    bx_buf_init(&last, 0);
    while ((rc = next_line(in, &len)) > 0) {
        json_t *head = in->line_number == 1 ? json_loadb(in->line, len, 0, NULL) : NULL;
        if (in->line_number == 1)
            rc = check_header(in, head);
        json_decref(head);
        if (rc < 0)
            break;
        cr_digest_update(digest, last.data, last.len);
        last.len = 0;
        bx_buf_append(&last, in->line, len);
    }
    if (rc == 0 && in->line_number == 0)
        rc = refuse(in, BX_E_INVALID, "is empty.");
    if (rc == 0) {
        uint8_t sum[CR_SHA256_SIZE];
        char hex[2 * sizeof sum + 1];
        json_t *o = json_loadb((const char *)last.data, last.len, 0, NULL);
        cr_digest_final(digest, sum);
        bx_hex_encode(sum, sizeof sum, hex);
        rc = check_end(in, o, in->line_number - 1, hex);
        json_decref(o);
    }
    bx_buf_done(&last);
    return rc;
}

static int check_file(struct in *in)
{
    struct cr_digest *digest = cr_digest_new(CR_DIGEST_SHA256);
    int rc = check_lines(in, digest);
    cr_digest_free(digest);
    rewind(in->file);
    in->line_number = 0;
    return rc;
}

/* --- second reading --- */

static int bad_line(struct in *in, const char *key)
{
    bx_buf_printf(in->message, "%s, line %lld: %s is missing or not what it should be.", in->path,
                  (long long)in->line_number, key[0] ? key : "a member");
    return BX_E_INVALID;
}

static int read_cells(struct in *in, const json_t *o, const struct wb_cells *cells, void *row)
{
    const char *key;
    int rc = wb_cells_read(o, cells, row, &in->arena, &key);
    return rc < 0 ? bad_line(in, key) : rc;
}

static void remember(struct in *in, struct bx_map *map, int64_t old, int64_t id)
{
    int64_t *pair = bx_arena_alloc(&in->ids, 2 * sizeof *pair);
    pair[0] = old;
    pair[1] = id;
    bx_map_put(map, bx_str_n(&pair[0], sizeof pair[0]), &pair[1]);
}

/* 0 stays 0: nobody. */
static int translate(struct in *in, const struct bx_map *map, const char *key, int64_t *id)
{
    if (!*id)
        return BX_OK;
    const int64_t *found = bx_map_get(map, bx_str_n(id, sizeof *id));
    if (!found)
        return bad_line(in, key);
    *id = *found;
    return BX_OK;
}

static int audit(struct in *in)
{
    struct st_audit row = {
        .number_id = in->number_id,
        .action = BX_STR("number.import"),
        .target = bx_arena_printf(&in->arena, "number:%lld", (long long)in->number_id)};
    int64_t id;
    return st_audit_append(in->tx, &row, &id);
}

static int number_line(struct in *in, const json_t *o)
{
    struct st_number row = {0};
    if (in->number_id)
        return bad_line(in, "kind"); /* one number a file */
    int rc = read_cells(in, json_object_get(o, "number"), &wb_number_cells, &row);
    if (rc < 0)
        return rc;
    if (!row.phone.len || !row.name.len)
        return bad_line(in, "number");
    if (!row.policy.len)
        row.policy = BX_STR("{}");
    rc = st_number_insert(in->tx, &row, &in->number_id);
    if (rc == BX_E_EXISTS)
        bx_buf_printf(in->message, "The number +%.*s is here already. Delete it first, or keep it.",
                      BX_STR_ARG(row.phone));
    return rc < 0 ? rc : audit(in);
}

static int contact_line(struct in *in, const json_t *o)
{
    struct st_contact row = {0};
    struct st_contact_found found;
    int rc = read_cells(in, o, &wb_contact_cells, &row);
    if (rc < 0)
        return rc;
    if (!row.id || (!row.phone.len && !row.lid.len))
        return bad_line(in, "phone");
    rc = st_contact_resolve(in->tx, in->number_id, row.phone, row.lid, &found);
    if (rc == BX_OK)
        rc = st_contact_names_set(in->tx, found.contact_id, row.name, row.push_name,
                                  row.business_name);
    if (rc >= 0 && row.is_blocked)
        rc = st_contact_block(in->tx, found.contact_id, true);
    if (rc < 0)
        return rc;
    remember(in, &in->contacts, row.id, found.contact_id);
    in->counts.contacts++;
    return BX_OK;
}

static int members(struct in *in, const json_t *list, int64_t chat_id)
{
    int rc = BX_OK;
    for (size_t i = 0; rc >= 0 && i < json_array_size(list); i++) {
        struct st_member m = {0};
        rc = read_cells(in, json_array_get(list, i), &wb_member_cells, &m);
        if (rc >= 0)
            rc = translate(in, &in->contacts, "members", &m.contact_id);
        if (rc >= 0)
            rc = st_member_put(in->tx, chat_id, m.contact_id, m.role);
    }
    return rc;
}

static int chat_marks(struct in *in, const struct st_chat *row, int64_t id)
{
    int rc = row->is_pinned ? st_chat_pin(in->tx, id, true) : BX_OK;
    if (rc >= 0 && row->is_archived)
        rc = st_chat_archive(in->tx, id, true);
    if (rc >= 0 && row->muted_until)
        rc = st_chat_mute(in->tx, id, row->muted_until);
    if (rc >= 0 && row->is_marked_unread)
        rc = st_chat_mark_unread(in->tx, id, true);
    if (rc >= 0 && row->meta.len)
        rc = st_chat_meta_set(in->tx, id, row->meta);
    return rc;
}

static int chat_line(struct in *in, const json_t *o)
{
    struct st_chat row = {0};
    int64_t id;
    int rc = read_cells(in, o, &wb_chat_cells, &row);
    if (rc >= 0)
        rc = translate(in, &in->contacts, "contact_id", &row.contact_id);
    if (rc < 0)
        return rc;
    if (!row.id || (row.is_group ? !row.jid.len : !row.contact_id))
        return bad_line(in, "contact_id");
    rc = row.is_group ? st_chat_ensure_group(in->tx, in->number_id, row.jid, row.name, &id, NULL)
                      : st_chat_ensure(in->tx, row.contact_id, &id, NULL);
    if (rc >= 0)
        rc = chat_marks(in, &row, id);
    if (rc >= 0)
        rc = members(in, json_object_get(o, "members"), id);
    if (rc < 0)
        return rc;
    remember(in, &in->chats, row.id, id);
    in->counts.chats++;
    return BX_OK;
}

static int agent(struct in *in, const json_t *o, int64_t *out)
{
    const char *name = json_string_value(json_object_get(o, "sent_by"));
    struct st_user user;
    *out = 0;
    if (!name)
        return BX_OK;
    int rc = st_user_by_login(st_tx_conn(in->tx), bx_str(name), &in->arena, &user);
    if (rc == BX_OK)
        *out = user.id;
    return rc == BX_E_NOT_FOUND ? BX_OK : rc;
}

/* What nobody will send any more has failed. */
static void settle(struct st_message *m, int64_t now)
{
    if (!m->is_from_me || m->status != ST_PENDING)
        return;
    m->status = ST_FAILED;
    m->failed_at = now;
    m->error = BX_STR("It still waited when its number was moved to another WaBox.");
}

static int reactions(struct in *in, const json_t *list, int64_t message_id)
{
    int rc = BX_OK;
    for (size_t i = 0; rc >= 0 && i < json_array_size(list); i++) {
        struct st_reaction r = {0};
        rc = read_cells(in, json_array_get(list, i), &wb_reaction_cells, &r);
        if (rc >= 0)
            rc = translate(in, &in->contacts, "reactions", &r.contact_id);
        if (rc >= 0)
            rc = st_reaction_set(in->tx, message_id, r.contact_id, r.emoji, r.reacted_at);
    }
    return rc;
}

static int receipts(struct in *in, const json_t *list, int64_t message_id)
{
    int rc = BX_OK;
    for (size_t i = 0; rc >= 0 && i < json_array_size(list); i++) {
        struct st_receipt r = {.message_id = message_id};
        rc = read_cells(in, json_array_get(list, i), &wb_receipt_cells, &r);
        if (rc >= 0)
            rc = translate(in, &in->contacts, "receipts", &r.contact_id);
        if (rc >= 0)
            rc = st_receipt_put(in->tx, &r);
    }
    return rc;
}

static int message_row(struct in *in, const json_t *o, struct st_message *m)
{
    int rc = read_cells(in, o, &wb_message_cells, m);
    if (rc >= 0)
        rc = translate(in, &in->chats, "chat_id", &m->chat_id);
    if (rc >= 0)
        rc = translate(in, &in->contacts, "sender_id", &m->sender_id);
    if (rc >= 0)
        rc = translate(in, &in->contacts, "quoted_sender_id", &m->quoted_sender_id);
    if (rc >= 0 && (!m->chat_id || !m->wa_id.len || !m->timestamp))
        rc = bad_line(in, "chat_id, wa_id or timestamp");
    if (rc >= 0)
        rc = agent(in, o, &m->sent_by);
    settle(m, st_tx_now(in->tx));
    return rc;
}

static int message_later(struct in *in, const json_t *o, const struct st_message *m, int64_t id)
{
    int rc = BX_OK;
    if (m->revoked_at)
        rc = st_message_revoke(in->tx, id, m->content, m->revoked_at);
    else if (m->edited_at)
        rc = st_message_edit(in->tx, id, m->content, m->edited_at);
    if (rc >= 0)
        rc = reactions(in, json_object_get(o, "reactions"), id);
    return rc < 0 ? rc : receipts(in, json_object_get(o, "receipts"), id);
}

static int message_line(struct in *in, const json_t *o)
{
    struct st_message_new row = {0};
    struct st_media media = {0};
    struct st_message_stored stored;
    const json_t *medium = json_object_get(o, "media");
    int rc = message_row(in, o, &row.message);
    if (rc >= 0 && medium) {
        rc = read_cells(in, medium, &wb_media_cells, &media);
        /* The file itself is not in the export: it is fetched again when somebody asks. */
        if (media.state != ST_MEDIA_UNAVAILABLE)
            media.state = media.media_key.len ? ST_MEDIA_WAITING : ST_MEDIA_FAILED;
        row.media = &media;
    }
    if (rc < 0)
        return rc;
    row.counts_unread = row.message.is_unread;
    row.keeps_preview = row.message.flags & ST_MESSAGE_NO_PREVIEW;
    rc = st_message_insert(in->tx, &row, &stored);
    if (rc < 0 || !stored.is_new)
        return rc;
    in->counts.messages++;
    return message_later(in, o, &row.message, stored.id);
}

static int end_line(struct in *in, const json_t *o)
{
    (void)in, (void)o;
    return BX_OK;
}

static const struct {
    const char *kind;
    int (*read)(struct in *in, const json_t *o);
} kinds[] = {{WB_NUMBER_FILE_KIND, number_line},
             {"contact", contact_line},
             {"chat", chat_line},
             {"message", message_line},
             {"end", end_line}};

static int one_line(struct in *in, size_t len)
{
    json_t *o = json_loadb(in->line, len, 0, NULL);
    const char *kind = json_string_value(json_object_get(o, "kind"));
    int rc = BX_E_INVALID;
    for (size_t i = 0; kind && i < BX_LEN(kinds); i++) {
        if (strcmp(kinds[i].kind, kind) == 0)
            rc = kinds[i].read(in, o);
    }
    if (rc == BX_E_INVALID && !in->message->len)
        bad_line(in, "kind");
    json_decref(o);
    bx_arena_reset(&in->arena);
    return rc;
}

static int import_job(struct st_tx *tx, void *arg)
{
    struct in *in = arg;
    size_t len;
    int rc;
    in->tx = tx;
    while ((rc = next_line(in, &len)) > 0) {
        rc = one_line(in, len);
        if (rc < 0)
            break;
    }
    return rc;
}

static int import_file(struct in *in, struct st_writer *writer)
{
    int rc = check_file(in);
    if (rc < 0)
        return rc;
    bx_map_init(&in->contacts);
    bx_map_init(&in->chats);
    rc = st_writer_call(writer, import_job, in);
    bx_map_done(&in->contacts);
    bx_map_done(&in->chats);
    return rc;
}

int wb_number_import(struct st_writer *writer, const char *path, int64_t *out_number_id,
                     struct wb_number_counts *out, struct bx_buf *message)
{
    struct in in = {.path = path, .file = fopen(path, "re"), .message = message};
    if (!in.file) {
        int rc = bx_err_from_errno(errno);
        bx_buf_printf(message, "cannot read %s: %s", path, strerror(errno));
        return rc;
    }
    bx_arena_init(&in.arena, 0);
    bx_arena_init(&in.ids, 0);
    int rc = import_file(&in, writer);
    fclose(in.file);
    free(in.line);
    bx_arena_done(&in.arena);
    bx_arena_done(&in.ids);
    if (rc < 0) {
        if (!message->len)
            bx_buf_printf(message, "The number was not imported: %s", bx_err_info(rc)->sentence);
        return rc;
    }
    *out_number_id = in.number_id;
    *out = in.counts;
    return BX_OK;
}
