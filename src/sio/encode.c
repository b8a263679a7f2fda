#include "base/err.h"
#include "base/json_scan.h"
#include "base/json_write.h"
#include "base/utf8.h"
#include "sio/internal.h"

/* Arguments are JSON values separated by commas. What comes out of the event being dispatched was
 * checked on its way in. */
int sio_payload_check(struct sio_server *server, const struct sio_payload *payload)
{
    struct bx_str args = sio_in(payload->args), known = server->event_text, value;
    if (args.len == 0)
        return payload->attachment_count ? BX_E_INVALID : BX_OK;
    bool is_known =
        known.ptr && args.ptr >= known.ptr && args.ptr + args.len <= known.ptr + known.len;
    if (is_known && !payload->attachment_count)
        return BX_OK;
    if (!bx_utf8_is_valid(args))
        return BX_E_INVALID;
    for (;;) {
        if (bx_json_scan(&args, SIO_JSON_DEPTH, &value) < 0)
            return BX_E_INVALID;
        if (payload->attachment_count &&
            sio_placeholders_check(value, payload->attachment_count) < 0)
            return BX_E_INVALID;
        while (args.len && strchr(" \t\r\n", args.ptr[0]))
            args = bx_str_slice(args, 1, args.len);
        if (args.len == 0)
            return BX_OK;
        if (args.ptr[0] != ',')
            return BX_E_INVALID;
        args = bx_str_slice(args, 1, args.len);
    }
}

int sio_encode_event(struct sio_namespace *ns, const char *name, const struct sio_payload *payload,
                     struct bx_str ack_id, struct bx_str offset, bool is_compress,
                     struct eio_packet **out)
{
    struct sio_server *server = ns->server;
    struct bx_buf *buf = &server->scratch;
    struct bx_str args = sio_in(payload->args);
    if (sio_event_is_reserved(bx_str(name)))
        return BX_E_INVALID;
    int rc = sio_payload_check(server, payload);
    if (rc < 0)
        return rc;
    bool is_binary = payload->attachment_count > 0;
    buf->len = 0;
    if (server->opts.use_msgpack) {
        struct sio_packet p = {
            .type = SIO_EVENT, .nsp = sio_name(ns), .has_id = ack_id.len > 0, .id = ack_id};
        struct bx_buf json;
        bx_buf_init(&json, 0);
        bx_buf_byte(&json, '[');
        bx_json_escape(&json, bx_str(name));
        if (args.len) {
            bx_buf_byte(&json, ',');
            bx_buf_str(&json, args);
        }
        if (offset.len) {
            bx_buf_byte(&json, ',');
            bx_json_escape(&json, offset);
        }
        rc = bx_buf_byte(&json, ']');
        p.data = bx_buf_view(&json);
        if (rc == BX_OK)
            rc = sio_msgpack_encode(&p, payload, buf);
        bx_buf_done(&json);
        is_binary = true;
    } else {
        sio_packet_head(buf, is_binary ? SIO_BINARY_EVENT : SIO_EVENT, payload->attachment_count,
                        sio_name(ns), ack_id);
        bx_buf_byte(buf, '[');
        bx_json_escape(buf, bx_str(name));
        if (args.len) {
            bx_buf_byte(buf, ',');
            bx_buf_str(buf, args);
        }
        if (offset.len) {
            bx_buf_byte(buf, ',');
            bx_json_escape(buf, offset);
        }
        rc = bx_buf_byte(buf, ']');
    }
    if (rc < 0)
        return rc;
    *out = eio_packet_new(EIO_MESSAGE, server->opts.use_msgpack && is_binary, bx_buf_view(buf),
                          BX_STR(""));
    (*out)->is_compress = is_compress;
    return BX_OK;
}

void sio_send(struct sio_socket *s, struct eio_packet *p, const struct sio_payload *payload,
              bool is_compress)
{
    struct eio_session *session = s->client->session;
    eio_session_send(session, p);
    if (s->ns->server->opts.use_msgpack)
        return; /* attachments are inside */
    for (size_t i = 0; i < payload->attachment_count; i++)
        eio_session_send_message(session, true, BX_STR(""), sio_in(payload->attachments[i]),
                                 is_compress);
}
