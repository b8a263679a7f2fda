#include "net/ws/ws_handshake.h"

#include "base/base64.h"
#include "base/err.h"
#include "base/mem.h"
#include "crypto/hash.h"
#include "net/ws/ws_conn.h"

#include <stdlib.h>

#define CRLF "\r\n"

void ws_accept_key(struct bx_str key, char out[WS_ACCEPT_SIZE])
{
    const struct bx_str parts[] = {key, BX_STR("258EAFA5-E914-47DA-95CA-C5AB0DC85B11")};
    uint8_t digest[CR_SHA1_SIZE];
    cr_sha1_v(parts, BX_LEN(parts), digest);
    bx_base64_encode(BX_BASE64_STD, digest, sizeof digest, out);
}

bool ws_has_token(struct bx_str value, struct bx_str token)
{
    struct bx_str piece;
    while (bx_str_split(&value, ',', &piece)) {
        if (bx_str_ieq(bx_str_trim(piece), token))
            return true;
    }
    return false;
}

/* --- server --- */

static bool is_any(const struct http_request *r, struct bx_str name, struct bx_str token)
{
    for (size_t i = 0; i < r->header_count; i++) {
        if (bx_str_ieq(r->headers[i].name, name) && ws_has_token(r->headers[i].value, token))
            return true;
    }
    return false;
}

static struct bx_str first_header(const struct http_request *r, struct bx_str name)
{
    for (size_t i = 0; i < r->header_count; i++) {
        if (bx_str_ieq(r->headers[i].name, name))
            return r->headers[i].value;
    }
    return (struct bx_str){0};
}

static bool is_key_valid(struct bx_str key)
{
    uint8_t bytes[24];
    size_t len;
    return key.len == WS_KEY_SIZE - 1 && key.ptr[23] == '=' && key.ptr[22] == '=' &&
           bx_base64_decode(key, bytes, &len) == BX_OK && len == 16;
}

int ws_handshake_check(const struct http_request *r)
{
    if (r->method != HTTP_GET || r->body.len ||
        !is_any(r, BX_STR("Upgrade"), BX_STR("websocket")) ||
        !is_any(r, BX_STR("Connection"), BX_STR("upgrade")) ||
        !is_key_valid(first_header(r, BX_STR("Sec-WebSocket-Key"))))
        return BX_E_INVALID;
    return bx_str_is(first_header(r, BX_STR("Sec-WebSocket-Version")), "13") ? BX_OK : BX_E_VERSION;
}

static bool deflate_agree(const struct http_request *r, const struct ws_deflate_config *config,
                          struct ws_deflate_params *out, char answer[WS_DEFLATE_ANSWER_SIZE])
{
    for (size_t i = 0; config && i < r->header_count; i++) {
        if (bx_str_ieq(r->headers[i].name, BX_STR("Sec-WebSocket-Extensions")) &&
            ws_deflate_accept(r->headers[i].value, config, out, answer))
            return true;
    }
    return false;
}

void ws_answer_write(const struct http_request *r, struct bx_str extra_headers,
                     bool is_echo_protocol, const struct ws_deflate_config *config,
                     struct bx_buf *out, struct ws_deflate_params *out_params, bool *out_is_deflate)
{
    char accept[WS_ACCEPT_SIZE], extension[WS_DEFLATE_ANSWER_SIZE];
    struct bx_str protocols = first_header(r, BX_STR("Sec-WebSocket-Protocol")), protocol = {0};
    ws_accept_key(first_header(r, BX_STR("Sec-WebSocket-Key")), accept);
    bx_buf_printf(out,
                  "HTTP/1.1 101 Switching Protocols" CRLF "Upgrade: websocket" CRLF
                  "Connection: Upgrade" CRLF "Sec-WebSocket-Accept: %s" CRLF,
                  accept);
    if (is_echo_protocol && bx_str_split(&protocols, ',', &protocol) &&
        (protocol = bx_str_trim(protocol)).len)
        bx_buf_printf(out, "Sec-WebSocket-Protocol: " BX_STR_FMT CRLF, BX_STR_ARG(protocol));
    *out_is_deflate = deflate_agree(r, config, out_params, extension);
    if (*out_is_deflate)
        bx_buf_printf(out, "Sec-WebSocket-Extensions: %s" CRLF, extension);
    bx_buf_str(out, extra_headers);
    bx_buf_lit(out, CRLF);
}

/* --- client --- */

static bool is_clean(struct bx_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((uint8_t)text.ptr[i] <= ' ' || (uint8_t)text.ptr[i] >= 0x7f || text.ptr[i] == '#')
            return false;
    }
    return true;
}

/* host, host:port, [v6] or [v6]:port */
static int authority_parse(struct bx_str text, struct bx_str *out_host, uint16_t *out_port)
{
    bool is_v6 = text.len && text.ptr[0] == '[';
    size_t end = is_v6 ? bx_str_find(text, ']') : bx_str_find(text, ':');
    if (is_v6 && end == text.len)
        return BX_E_INVALID;
    *out_host = bx_str_slice(text, is_v6, end);
    struct bx_str rest = bx_str_slice(text, end + is_v6, text.len);
    uint64_t port = *out_port;
    if (rest.len && (rest.ptr[0] != ':' ||
                     bx_str_u64(bx_str_slice(rest, 1, rest.len), 65535, &port) < 0 || port == 0))
        return BX_E_INVALID;
    *out_port = (uint16_t)port;
    return out_host->len && bx_str_find(*out_host, '@') == out_host->len ? BX_OK : BX_E_INVALID;
}

int ws_url_parse(const char *url, struct ws_url *out)
{
    struct bx_str text = bx_str(url), host;
    bool is_tls = bx_str_ieq(bx_str_slice(text, 0, 6), BX_STR("wss://"));
    if ((!is_tls && !bx_str_ieq(bx_str_slice(text, 0, 5), BX_STR("ws://"))) || !is_clean(text))
        return BX_E_INVALID;
    text = bx_str_slice(text, is_tls ? 6 : 5, text.len);
    size_t slash = bx_str_find(text, '/'), question = bx_str_find(text, '?');
    size_t end = slash < question ? slash : question;
    struct bx_str authority = bx_str_slice(text, 0, end),
                  target = bx_str_slice(text, end, text.len);
    uint16_t port = is_tls ? 443 : 80;
    int rc = authority_parse(authority, &host, &port);
    if (rc < 0)
        return rc;
    struct bx_buf path;
    bx_buf_init(&path, 0);
    if (target.len == 0 || target.ptr[0] != '/')
        bx_buf_byte(&path, '/');
    bx_buf_str(&path, target);
    *out = (struct ws_url){.host = bx_strndup(host.ptr, host.len),
                           .target = bx_strndup((const char *)path.data, path.len),
                           .authority = bx_strndup(authority.ptr, authority.len),
                           .port = port,
                           .is_tls = is_tls};
    bx_buf_done(&path);
    return BX_OK;
}

void ws_url_done(struct ws_url *url)
{
    free(url->host);
    free(url->target);
    free(url->authority);
    *url = (struct ws_url){0};
}

void ws_request_write(const struct ws_url *url, const char *key, const char *extra_headers,
                      const struct ws_deflate_config *config, struct bx_buf *out)
{
    char offer[WS_DEFLATE_ANSWER_SIZE];
    bx_buf_printf(out,
                  "GET %s HTTP/1.1" CRLF "Host: %s" CRLF "Upgrade: websocket" CRLF
                  "Connection: Upgrade" CRLF "Sec-WebSocket-Key: %s" CRLF
                  "Sec-WebSocket-Version: 13" CRLF,
                  url->target, url->authority, key);
    if (config) {
        ws_deflate_offer(config, offer);
        bx_buf_printf(out, "Sec-WebSocket-Extensions: %s" CRLF, offer);
    }
    bx_buf_printf(out, "%s" CRLF, extra_headers ? extra_headers : "");
}

/* The value of a header in header lines; *out_count says how often it is there. */
static struct bx_str line_get(struct bx_str lines, struct bx_str name, unsigned *out_count)
{
    struct bx_str line, value = {0};
    *out_count = 0;
    while (bx_str_split(&lines, '\n', &line)) {
        size_t colon = bx_str_find(line, ':');
        if (colon == line.len || !bx_str_ieq(bx_str_slice(line, 0, colon), name))
            continue;
        if (line.ptr[line.len - 1] == '\r')
            line.len--;
        if ((*out_count)++ == 0)
            value = bx_str_trim(bx_str_slice(line, colon + 1, line.len));
    }
    return value;
}

static int status_rc(struct bx_str line)
{
    static const struct {
        const char *status;
        int rc;
    } rows[] = {{"101", BX_OK},
                {"401", BX_E_AUTH},
                {"403", BX_E_DENIED},
                {"404", BX_E_NOT_FOUND},
                {"429", BX_E_RATE_LIMITED}};
    if (!bx_str_starts(line, BX_STR("HTTP/1.1 ")) || line.len < 12 ||
        (line.len > 12 && line.ptr[12] != ' ' && line.ptr[12] != '\r'))
        return BX_E_INVALID;
    struct bx_str status = bx_str_slice(line, 9, 12);
    for (size_t i = 0; i < BX_LEN(rows); i++) {
        if (bx_str_eq(status, bx_str(rows[i].status)))
            return rows[i].rc;
    }
    return status.ptr[0] == '5' ? BX_E_UNAVAILABLE : BX_E_INVALID;
}

static bool is_protocol_asked(struct bx_str lines, const char *extra_headers)
{
    unsigned answered, asked;
    struct bx_str got = line_get(lines, BX_STR("Sec-WebSocket-Protocol"), &answered);
    struct bx_str offer = line_get(bx_str(extra_headers), BX_STR("Sec-WebSocket-Protocol"), &asked);
    return answered == 0 || (answered == 1 && asked && ws_has_token(offer, got));
}

int ws_answer_check(struct bx_str head, const char *key, const char *extra_headers,
                    const struct ws_deflate_config *config, struct ws_deflate_params *out_params,
                    bool *out_is_deflate)
{
    char want[WS_ACCEPT_SIZE];
    struct bx_str line;
    unsigned upgrades, connections, accepts, extensions;
    bx_str_split(&head, '\n', &line);
    int rc = status_rc(line);
    if (rc < 0)
        return rc;
    ws_accept_key(bx_str(key), want);
    struct bx_str upgrade = line_get(head, BX_STR("Upgrade"), &upgrades);
    struct bx_str connection = line_get(head, BX_STR("Connection"), &connections);
    struct bx_str accept = line_get(head, BX_STR("Sec-WebSocket-Accept"), &accepts);
    struct bx_str extension = line_get(head, BX_STR("Sec-WebSocket-Extensions"), &extensions);
    if (upgrades != 1 || !bx_str_ieq(upgrade, BX_STR("websocket")) || connections == 0 ||
        !ws_has_token(connection, BX_STR("upgrade")) || accepts != 1 ||
        !bx_str_eq(accept, bx_str(want)) || !is_protocol_asked(head, extra_headers))
        return BX_E_INVALID;
    *out_is_deflate = false;
    if (extensions == 0)
        return BX_OK;
    return config && extensions == 1
               ? ws_deflate_answer_check(extension, config, out_params, out_is_deflate)
               : BX_E_INVALID;
}
