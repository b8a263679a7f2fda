/* Messages and response times per number and hour, counted as messages are stored. A response is
 * the first message from us after the customer wrote; its time runs from the oldest of the
 * customer's messages that it answers. Messages of a history sync are counted in their hour, but
 * are no responses.
 */
#include "store/sqlite/db.h"

enum { HOUR_MS = 3600000 };

int st_hour_add(struct st_tx *tx, int64_t number_id, const struct st_hour_mark *mark)
{
    const struct st_val vals[] = {
        I(number_id),         I(mark->timestamp - mark->timestamp % HOUR_MS),
        I(!mark->is_from_me), I(mark->is_from_me),
        I(mark->is_response), I(mark->response_ms)};
    int rc = st_db_run(tx->conn,
                       "UPDATE number_hours SET received = received + ?3, sent = sent + ?4, "
                       "responses = responses + ?5, response_ms = response_ms + ?6, "
                       "response_max_ms = max(response_max_ms, ?6) "
                       "WHERE number_id = ?1 AND hour = ?2",
                       vals, BX_LEN(vals));
    if (rc == 0)
        rc = st_db_run(tx->conn, "INSERT INTO number_hours VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)",
                       vals, BX_LEN(vals));
    return rc < 0 ? rc : BX_OK;
}

static void hour_read(struct st_cur *c, struct bx_arena *a, void *out)
{
    (void)a;
    struct st_hour *h = out;
    h->number_id = st_col_i64(c);
    h->hour = st_col_i64(c);
    h->received = st_col_i64(c);
    h->sent = st_col_i64(c);
    h->responses = st_col_i64(c);
    h->response_ms = st_col_i64(c);
    h->response_max_ms = st_col_i64(c);
}

#define HOUR_FILTER                                                                                \
    "FROM number_hours h JOIN numbers n ON n.id = h.number_id AND n.deleted_at = 0 "               \
    "WHERE (?1 IS NULL OR h.number_id IN (SELECT value FROM json_each(?1))) "                      \
    "AND h.hour >= ?2 AND h.hour < ?3 "

int st_hour_list(struct st_conn *conn, const struct st_hour_query *q, struct bx_arena *a,
                 struct st_hour **out, size_t *out_count)
{
    static const char each_sql[] =
        "SELECT h.number_id, h.hour, received, sent, responses, "
        "response_ms, response_max_ms " HOUR_FILTER "ORDER BY h.hour, h.number_id";
    static const char sum_sql[] =
        "SELECT 0, h.hour, sum(received), sum(sent), sum(responses), sum(response_ms), "
        "max(response_max_ms) " HOUR_FILTER "GROUP BY h.hour ORDER BY h.hour";
    struct bx_str ids = {0};
    if (q->number_ids)
        ids = st_ids_json(a, q->number_ids, q->number_count);
    return st_db_list(conn, a, hour_read, sizeof **out, out, out_count,
                      q->is_sum ? sum_sql : each_sql,
                      Q(T(ids), I(q->from), I(q->to ? q->to : INT64_MAX)));
}
