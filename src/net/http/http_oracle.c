#include "net/http/http_oracle.h"

#include <http_parser.h>
#include <string.h>

struct state {
    struct oracle *out;
    bool was_value;
};

static void append(char *to, size_t size, const char *at, size_t len)
{
    size_t have = strnlen(to, size - 1);
    if (len > size - 1 - have)
        len = size - 1 - have;
    memcpy(to + have, at, len);
    to[have + len] = 0;
}

static int on_url(http_parser *p, const char *at, size_t len)
{
    struct state *s = p->data;
    append(s->out->url, ORACLE_TEXT, at, len);
    return 0;
}

static int on_field(http_parser *p, const char *at, size_t len)
{
    struct state *s = p->data;
    struct oracle *o = s->out;
    if (o->is_accepted)
        return 0; /* a trailer */
    if ((s->was_value || !o->header_count) && o->header_count < ORACLE_HEADERS)
        o->header_count++;
    s->was_value = false;
    append(o->headers[o->header_count - 1].name, ORACLE_TEXT, at, len);
    return 0;
}

static int on_value(http_parser *p, const char *at, size_t len)
{
    struct state *s = p->data;
    s->was_value = true;
    if (!s->out->is_accepted && s->out->header_count)
        append(s->out->headers[s->out->header_count - 1].value, ORACLE_TEXT, at, len);
    return 0;
}

static int on_headers_complete(http_parser *p)
{
    struct state *s = p->data;
    s->out->is_accepted = true;
    s->out->is_chunked = p->flags & F_CHUNKED;
    s->out->content_length = p->content_length;
    s->out->is_keep_alive = http_should_keep_alive(p);
    append(s->out->method, sizeof s->out->method, http_method_str(p->method),
           strlen(http_method_str(p->method)));
    return 0;
}

static int on_body(http_parser *p, const char *at, size_t len)
{
    struct state *s = p->data;
    if (len <= ORACLE_BODY - s->out->body_len) {
        memcpy(s->out->body + s->out->body_len, at, len);
        s->out->body_len += len;
    }
    return 0;
}

static int on_complete(http_parser *p)
{
    struct state *s = p->data;
    s->out->is_complete = true;
    http_parser_pause(p, 1);
    return 0;
}

void oracle_parse(const char *text, size_t len, struct oracle *out)
{
    static const http_parser_settings settings = {.on_url = on_url,
                                                  .on_header_field = on_field,
                                                  .on_header_value = on_value,
                                                  .on_headers_complete = on_headers_complete,
                                                  .on_body = on_body,
                                                  .on_message_complete = on_complete};
    struct state state = {.out = out};
    http_parser parser;
    memset(out, 0, sizeof *out);
    http_parser_init(&parser, HTTP_REQUEST);
    parser.data = &state;
    http_parser_execute(&parser, &settings, text, len);
}
