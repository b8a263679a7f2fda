#include <sio/ack.h>

#include "base/err.h"
#include "base/mem.h"
#include "sio/internal.h"

#include <stdio.h>
#include <stdlib.h>

/* --- answers to the client --- */

/* The whole answer in the connection's output, no copy of the arguments besides the one onto the
 * wire. */
static bool reply_in_place(struct sio_socket *s, struct bx_str id, struct bx_str args)
{
    struct bx_str nsp = sio_name(s->ns);
    bool has_nsp = nsp.len > 1;
    size_t len = 1 + (has_nsp ? nsp.len + 1 : 0) + id.len + args.len + 2;
    uint8_t *at = eio_session_reserve(s->client->session, len);
    if (!at)
        return false;
    *at++ = '0' + SIO_ACK;
    if (has_nsp) {
        at = (uint8_t *)mempcpy(at, nsp.ptr, nsp.len);
        *at++ = ',';
    }
    at = (uint8_t *)mempcpy(at, id.ptr, id.len);
    *at++ = '[';
    if (args.len)
        at = (uint8_t *)mempcpy(at, args.ptr, args.len);
    *at = ']';
    eio_session_commit(s->client->session, len);
    return true;
}

static int encode_answer(struct sio_socket *s, struct bx_str id, const struct sio_payload *answer,
                         struct bx_buf *buf)
{
    struct sio_server *server = s->ns->server;
    struct bx_str args = sio_in(answer->args);
    bool is_binary = answer->attachment_count > 0;
    buf->len = 0;
    if (!server->opts.use_msgpack) {
        sio_packet_head(buf, is_binary ? SIO_BINARY_ACK : SIO_ACK, answer->attachment_count,
                        sio_name(s->ns), id);
        bx_buf_byte(buf, '[');
        bx_buf_str(buf, args);
        return bx_buf_byte(buf, ']');
    }
    struct bx_buf json;
    bx_buf_init(&json, 0);
    bx_buf_byte(&json, '[');
    bx_buf_str(&json, args);
    bx_buf_byte(&json, ']');
    struct sio_packet p = {.type = SIO_ACK,
                           .nsp = sio_name(s->ns),
                           .has_id = true,
                           .id = id,
                           .data = bx_buf_view(&json)};
    int rc = sio_msgpack_encode(&p, answer, buf);
    bx_buf_done(&json);
    return rc;
}

static void reply(struct sio_socket *s, struct bx_str id, const struct sio_payload *answer)
{
    struct sio_server *server = s->ns->server;
    if (s->state != SIO_CONNECTED || sio_payload_check(server, answer) < 0)
        return;
    sio_batch_flush(server);
    bool is_plain = !answer->attachment_count && !server->opts.use_msgpack;
    if (is_plain && reply_in_place(s, id, sio_in(answer->args)))
        return;
    if (encode_answer(s, id, answer, &server->scratch) < 0)
        return;
    struct eio_packet *p = eio_packet_new(EIO_MESSAGE, server->opts.use_msgpack,
                                          bx_buf_view(&server->scratch), BX_STR(""));
    sio_send(s, p, answer, true);
    eio_packet_unref(p);
}

void sio_ack_reply(struct sio_ack *ack, struct sio_payload answer)
{
    if (ack->is_sent)
        return;
    ack->is_sent = true;
    if (ack->asker)
        sio_asker_answer(ack->asker, answer);
    else
        reply(ack->socket, ack->id, &answer);
}

struct sio_ack *sio_ack_keep(struct sio_ack *ack)
{
    struct sio_ack *kept = BX_NEW(struct sio_ack);
    kept->is_sent = ack->is_sent;
    kept->is_kept = true;
    if (ack->asker) {
        kept->asker = sio_asker_ref(ack->asker);
        return kept;
    }
    kept->socket = sio_socket_ref(ack->socket);
    if (bx_str_copy(ack->id, kept->id_text, sizeof kept->id_text) < 0)
        kept->is_sent = true; /* no client counts that far */
    kept->id = bx_str(kept->id_text);
    return kept;
}

void sio_ack_reply_later(struct sio_ack *kept, struct sio_payload answer)
{
    sio_ack_reply(kept, answer);
    sio_ack_drop(kept);
}

void sio_ack_drop(struct sio_ack *kept)
{
    BX_ASSERT(kept->is_kept);
    if (kept->asker)
        sio_asker_unref(kept->asker);
    else
        sio_socket_unref(kept->socket);
    free(kept);
}

/* --- acknowledgements that we wait for --- */

struct pending {
    struct bx_list node;
    struct sio_socket *socket;
    uint64_t id;
    struct net_timer timer;
    void (*on_ack)(struct sio_socket *socket, int rc, struct sio_payload answer, void *arg);
    void *arg;
};

static void pending_finish(struct pending *p, int rc, struct sio_payload answer)
{
    struct sio_socket *s = p->socket;
    bx_list_remove(&p->node);
    net_timer_stop(&p->timer);
    s->ack_count--;
    p->on_ack(s, rc, answer, p->arg);
    free(p);
}

static void on_timeout(void *arg)
{
    pending_finish(arg, BX_E_TIMEOUT, (struct sio_payload){0});
}

int sio_emit_ack(struct sio_socket *s, const char *name, struct sio_payload payload,
                 uint32_t timeout_ms,
                 void (*on_ack)(struct sio_socket *socket, int rc, struct sio_payload answer,
                                void *arg),
                 void *arg)
{
    struct sio_server *server = s->ns->server;
    struct eio_packet *packet;
    char id[24];
    if (s->state != SIO_CONNECTED)
        return BX_E_CLOSED;
    if (s->ack_count >= server->opts.max_pending_acks) {
        sio_count(server, SIO_M_LIMIT_ACKS, 1);
        return BX_E_FULL;
    }
    int n = snprintf(id, sizeof id, "%llu", (unsigned long long)s->ns->next_ack_id);
    int rc =
        sio_encode_event(s->ns, name, &payload, bx_str_n(id, (size_t)n), BX_STR(""), true, &packet);
    if (rc < 0)
        return rc;
    if (!s->acks) {
        s->acks = BX_NEW(struct bx_list);
        bx_list_init(s->acks);
    }
    struct pending *p = BX_NEW(struct pending);
    *p = (struct pending){.socket = s, .id = s->ns->next_ack_id++, .on_ack = on_ack, .arg = arg};
    net_timer_init(&p->timer, on_timeout, p);
    if (timeout_ms)
        net_timer_start(server->loop, &p->timer, timeout_ms);
    bx_list_push_back(s->acks, &p->node);
    s->ack_count++;
    sio_batch_flush(server);
    sio_send(s, packet, &payload, true);
    eio_packet_unref(packet);
    return BX_OK;
}

void sio_ack_on_answer(struct sio_socket *s, struct bx_str id, struct sio_payload answer)
{
    uint64_t number;
    if (!s->acks || bx_str_u64(id, UINT64_MAX - 1, &number) < 0)
        return; /* unknown or late: ignored */
    BX_LIST_EACH(s->acks, node)
    {
        struct pending *p = BX_CONTAINER_OF(node, struct pending, node);
        if (p->id == number) {
            pending_finish(p, BX_OK, answer);
            return;
        }
    }
}

void sio_acks_cancel(struct sio_socket *s)
{
    while (s->acks && !bx_list_is_empty(s->acks))
        pending_finish(BX_CONTAINER_OF(s->acks->next, struct pending, node), BX_E_CLOSED,
                       (struct sio_payload){0});
    free(s->acks);
    s->acks = NULL;
}
