/* Files of messages, and how often each blob is named. The counts are kept by triggers, so that every
 * way in which a row goes (revoked, deleted, a number gone) is counted. */
#include "store/sqlite/db.h"

#define COLUMNS_WITH(media_key, thumbnail)                                                         \
    "message_id, number_id, state, kind, mime, file_name, direct_path, url, "                      \
    "local_path, " media_key ", sha256, enc_sha256, " thumbnail                                    \
    ", size_bytes, width, height, duration_ms, pages, flags, "                                     \
    "waveform, file_blob, thumb_blob, error, attempts, next_at, updated_at"
#define COLUMNS COLUMNS_WITH("media_key", "thumbnail")

static void media_read(struct st_cur *c, struct bx_arena *a, void *out)
{
    struct st_media *m = out;
    m->message_id = st_col_i64(c);
    m->number_id = st_col_i64(c);
    m->state = (enum st_media_state)st_col_i64(c);
    m->kind = st_col_i64(c);
    m->mime = st_col_str(c, a);
    m->file_name = st_col_str(c, a);
    m->direct_path = st_col_str(c, a);
    m->url = st_col_str(c, a);
    m->local_path = st_col_str(c, a);
    m->media_key = st_col_str(c, a);
    m->sha256 = st_col_str(c, a);
    m->enc_sha256 = st_col_str(c, a);
    m->thumbnail = st_col_str(c, a);
    m->size_bytes = st_col_i64(c);
    m->width = st_col_i64(c);
    m->height = st_col_i64(c);
    m->duration_ms = st_col_i64(c);
    m->pages = st_col_i64(c);
    m->flags = (unsigned)st_col_i64(c);
    m->waveform = st_col_str(c, a);
    m->file_blob = st_col_str(c, a);
    m->thumb_blob = st_col_str(c, a);
    m->error = st_col_str(c, a);
    m->attempts = st_col_i64(c);
    m->next_at = st_col_i64(c);
    m->updated_at = st_col_i64(c);
}

int st_media_write(struct st_tx *tx, int64_t id, const struct st_media *m)
{
    int rc = st_db_run(tx->conn, "DELETE FROM media WHERE message_id = ?1", Q(I(id)));
    if (rc < 0)
        return rc;
    return st_db_run(
        tx->conn,
        "INSERT INTO media (" COLUMNS
        ") SELECT ?1, number_id, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, "
        "?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25 FROM messages "
        "WHERE id = ?1",
        Q(I(id), I(m->state), I(m->kind), T(m->mime), T(m->file_name), T(m->direct_path), T(m->url),
          T(m->local_path), B(m->media_key), B(m->sha256), B(m->enc_sha256), B(m->thumbnail),
          I(m->size_bytes), I(m->width), I(m->height), I(m->duration_ms), I(m->pages), I(m->flags),
          B(m->waveform), B(m->file_blob), B(m->thumb_blob), T(m->error), I(m->attempts),
          I(m->next_at), I(tx->now)));
}

int st_media_get(struct st_conn *conn, int64_t message_id, struct bx_arena *a, struct st_media *out)
{
    return st_db_one(conn, a, media_read, out,
                     "SELECT " COLUMNS " FROM media WHERE message_id = ?1", Q(I(message_id)));
}

int st_media_shown(struct st_conn *conn, int64_t message_id, struct bx_arena *a,
                   struct st_media *out)
{
    return st_db_one(conn, a, media_read, out,
                     "SELECT " COLUMNS_WITH("NULL", "NULL") " FROM media WHERE message_id = ?1",
                     Q(I(message_id)));
}

int st_media_put(struct st_tx *tx, const struct st_media *media)
{
    int rc = st_db_must(tx->conn, "UPDATE messages SET has_media = 1 WHERE id = ?1",
                        Q(I(media->message_id)));
    if (rc == BX_OK)
        rc = st_media_write(tx, media->message_id, media);
    return rc < 0 ? rc : BX_OK;
}

int st_media_state(struct st_tx *tx, const struct st_media *m)
{
    return st_db_must(
        tx->conn,
        "UPDATE media SET state = ?2, error = ?3, attempts = ?4, next_at = ?5, "
        "direct_path = coalesce(?6, direct_path), updated_at = ?7 WHERE message_id = ?1",
        Q(I(m->message_id), I(m->state), T(m->error), I(m->attempts), I(m->next_at),
          T(m->direct_path), I(tx->now)));
}

int st_media_due(struct st_conn *conn, int64_t now, int64_t per_number, int64_t limit,
                 struct bx_arena *a, struct st_media **out, size_t *out_count)
{
    return st_db_list(conn, a, media_read, sizeof **out, out, out_count,
                      "SELECT " COLUMNS " FROM (SELECT *, row_number() OVER (PARTITION BY "
                      "number_id ORDER BY next_at, message_id) AS place FROM media WHERE state < 2 "
                      "AND state = 0 AND next_at > 0 AND next_at <= ?1) WHERE place <= ?2 "
                      "ORDER BY place, next_at LIMIT ?3",
                      Q(I(now), I(per_number), I(st_limit(limit))));
}

int st_media_next(struct st_conn *conn, int64_t *out)
{
    return st_db_i64(
        conn, out,
        "SELECT coalesce(min(next_at), 0) FROM media WHERE state < 2 AND state = 0 AND "
        "next_at > 0",
        Q0);
}

int st_media_resume(struct st_tx *tx)
{
    return st_db_run(tx->conn, "UPDATE media SET state = 0, next_at = ?1 WHERE state = 1",
                     Q(I(tx->now)));
}

static void blob_read(struct st_cur *c, struct bx_arena *a, void *out)
{
    ((struct st_blob *)out)->id = st_col_str(c, a);
}

int st_blob_unused(struct st_conn *conn, int64_t limit, struct bx_arena *a, struct st_blob **out,
                   size_t *out_count)
{
    return st_db_list(conn, a, blob_read, sizeof **out, out, out_count,
                      "SELECT id FROM blobs WHERE refs = 0 LIMIT ?1", Q(I(st_limit(limit))));
}

int st_blob_forget(struct st_tx *tx, struct bx_str id)
{
    return st_db_run(tx->conn, "DELETE FROM blobs WHERE id = ?1 AND refs = 0", Q(B(id)));
}

int st_blob_note(struct st_tx *tx, struct bx_str id)
{
    return st_db_run(tx->conn, "INSERT OR IGNORE INTO blobs (id, refs) VALUES (?1, 0)", Q(B(id)));
}
