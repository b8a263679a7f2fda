#include "app/inbox/send.h"

#include "base/clock.h"
#include "crypto/hash.h"

#include <stdio.h>

const char *wb_send_why(int rc)
{
    switch (rc) {
    case BX_E_STATE:
        return "This session is logged out. Link the number again.";
    case BX_E_CONFLICT:
        return "This idempotency key was used for another message.";
    case BX_E_NOT_FOUND:
        return "The quoted message is not in this chat.";
    default:
        return bx_err_info(rc)->sentence;
    }
}

/* --- idempotency --- */

static void request_hash(const struct wb_send *s, uint8_t out[CR_SHA256_SIZE])
{
    struct bx_buf b;
    bx_buf_init(&b, 0);
    bx_buf_printf(&b, "send\n%lld\n%d:%s\n%.*s\n", (long long)s->number_id, (int)s->to.kind,
                  s->to.user, (int)s->quoted.len, s->quoted.len ? s->quoted.ptr : "");
    bx_buf_str(&b, s->text);
    cr_sha256(bx_buf_view(&b), out);
    bx_buf_done(&b);
}

static int claim(struct wb_turn *t, struct wb_send *s)
{
    if (!s->key.ptr)
        return BX_OK;
    uint8_t hash[CR_SHA256_SIZE];
    request_hash(s, hash);
    struct st_idempotency row = {
        .principal = s->principal, .key = s->key, .request_hash = bx_str_n(hash, sizeof hash)};
    struct st_idempotency earlier;
    int rc = st_idempotency_claim(t->tx, &row, t->arena, &earlier);
    if (rc != BX_E_DUPLICATE)
        return rc;
    s->is_replay = true;
    s->first_answer = earlier.response;
    rc = st_message_get(t->conn, earlier.message_id, t->arena, &s->message);
    s->chat_id = s->message.chat_id;
    return rc;
}

int wb_send_keep_answer(struct wb_turn *t, const struct wb_send *s, struct bx_str answer)
{
    if (!s->key.ptr)
        return BX_OK;
    struct st_idempotency row = {.principal = s->principal,
                                 .key = s->key,
                                 .message_id = s->message.id,
                                 .http_status = 200,
                                 .response = answer};
    return st_idempotency_finish(t->tx, &row);
}

/* --- the rows --- */

static int chat_of(struct wb_turn *t, struct wb_send *s)
{
    struct bx_str user = bx_str(s->to.user), none = {0};
    if (s->to.kind == WB_TO_GROUP)
        return st_chat_ensure_group(t->tx, s->number_id, wb_address_jid(&s->to, t->arena), none,
                                    &s->chat_id, NULL);
    struct st_contact_found found;
    bool is_lid = s->to.kind == WB_TO_LID;
    int rc =
        st_contact_resolve(t->tx, s->number_id, is_lid ? none : user, is_lid ? user : none, &found);
    return rc < 0 ? rc : st_chat_ensure(t->tx, found.contact_id, &s->chat_id, NULL);
}

static int quoted_of(struct wb_turn *t, const struct wb_send *s, struct st_message *m)
{
    if (!s->quoted.len)
        return BX_OK;
    struct st_message q;
    int64_t id;
    int rc = st_uuid_parse(t->rows.store, ST_UUID_MESSAGE, s->quoted, &id) == BX_OK
                 ? st_message_get(t->conn, id, t->arena, &q)
                 : st_message_by_wa_id(t->conn, s->chat_id, s->quoted, t->arena, &q);
    if (rc < 0)
        return rc;
    if (q.chat_id != s->chat_id)
        return BX_E_NOT_FOUND;
    m->quoted_wa_id = q.wa_id;
    m->quoted_content = q.content;
    m->quoted_sender_id = q.sender_id;
    return BX_OK;
}

/* As WhatsApp's own clients make them: chosen here once, kept over every attempt. */
static struct bx_str wa_id_make(struct bx_arena *arena)
{
    uint8_t random[9];
    char hex[2 * sizeof random + 1];
    bx_random(random, sizeof random);
    bx_hex_encode(random, sizeof random, hex);
    for (char *c = hex; *c; c++) {
        if (*c >= 'a')
            *c = (char)(*c - 0x20);
    }
    return bx_arena_printf(arena, "3EB0%s", hex);
}

/* WhatsApp's clock has whole seconds. Ours must too: with milliseconds in it, what a customer answers
 * within the same second would stand before what it answers. */
static int64_t send_time(const struct wb_turn *t)
{
    int64_t now = st_tx_now(t->tx);
    return now - now % 1000;
}

static int insert(struct wb_turn *t, struct wb_send *s)
{
    struct st_message_new row = {.message = {.chat_id = s->chat_id,
                                             .wa_id = wa_id_make(t->arena),
                                             .is_from_me = true,
                                             .type = ST_TYPE_TEXT,
                                             .content = s->text,
                                             .status = ST_PENDING,
                                             .timestamp = send_time(t),
                                             .sent_by = s->user_id,
                                             .client_id = s->key}};
    struct st_message_stored stored;
    int64_t outbox_id;
    int rc = quoted_of(t, s, &row.message);
    if (rc == BX_OK)
        rc = st_message_insert(t->tx, &row, &stored);
    if (rc == BX_OK)
        rc = st_outbox_put(t->tx, stored.id, &outbox_id);
    return rc < 0 ? rc : st_message_get(t->conn, stored.id, t->arena, &s->message);
}

int wb_send_store(struct wb_turn *t, struct wb_send *s)
{
    int rc = claim(t, s);
    if (rc < 0 || s->is_replay)
        return rc;
    struct st_session session;
    rc = st_session_by_number(t->conn, s->number_id, t->arena, &session);
    if (rc == BX_E_NOT_FOUND || (rc == BX_OK && !session.jid.len))
        return BX_E_STATE;
    if (rc == BX_OK)
        rc = chat_of(t, s);
    if (rc == BX_OK)
        rc = insert(t, s);
    if (rc == BX_OK)
        rc = wb_announce_message(t, "message:new", s->message.id);
    return rc < 0 ? rc : wb_announce_chat(t, s->chat_id);
}
