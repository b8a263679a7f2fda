#include "base/err.h"
#include "wa/wire/codec.h"
#include "wa/wire/codec_tags.h"

/* Like Baileys: longer texts go raw although the format could pack up to 254 digits. */
enum { PACKED_MAX = 127 };

struct writer {
    struct bx_buf *out;
    const struct wa_tokens *tokens;
    int rc; /* the first failure */
};

static void put_byte(struct writer *w, size_t byte)
{
    if (w->rc >= 0)
        w->rc = bx_buf_byte(w->out, (uint8_t)byte);
}

static void put_be(struct writer *w, size_t value, unsigned width)
{
    while (width--)
        put_byte(w, value >> (8 * width) & 255);
}

static void put_raw(struct writer *w, struct bx_str s)
{
    if (s.len >= UINT32_MAX) {
        w->rc = BX_E_TOO_BIG;
    } else if (s.len >= 1 << 20) {
        put_byte(w, TAG_BINARY_32);
        put_be(w, s.len, 4);
    } else if (s.len >= 256) {
        put_byte(w, TAG_BINARY_20);
        put_be(w, s.len, 3);
    } else {
        put_byte(w, TAG_BINARY_8);
        put_byte(w, s.len);
    }
    if (w->rc >= 0)
        w->rc = bx_buf_str(w->out, s);
}

/* 0..11, or 255 */
static uint8_t nibble_value(char c)
{
    if (c >= '0' && c <= '9')
        return (uint8_t)(c - '0');
    return c == '-' ? 10 : c == '.' ? 11 : 255;
}

static uint8_t hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return (uint8_t)(c - '0');
    return c >= 'A' && c <= 'F' ? (uint8_t)(c - 'A' + 10) : 255;
}

static bool is_packable(struct bx_str s, uint8_t (*value)(char))
{
    for (size_t i = 0; i < s.len; i++) {
        if (value(s.ptr[i]) == 255)
            return false;
    }
    return s.len > 0 && s.len <= PACKED_MAX;
}

static void put_packed(struct writer *w, size_t tag, struct bx_str s, uint8_t (*value)(char))
{
    put_byte(w, tag);
    put_byte(w, (s.len + 1) / 2 | (s.len % 2 ? 128 : 0));
    for (size_t i = 0; i < s.len; i += 2) {
        unsigned low = i + 1 < s.len ? value(s.ptr[i + 1]) : 15;
        put_byte(w, (unsigned)value(s.ptr[i]) << 4 | low);
    }
}

/* The empty text: clients of dictionary 2 write it as the empty list. */
static void put_empty(struct writer *w)
{
    if (w->tokens == &wa_tokens_v2)
        put_byte(w, TAG_LIST_EMPTY);
    else
        put_raw(w, BX_STR(""));
}

static void put_text(struct writer *w, struct bx_str s)
{
    if (s.len == 0) {
        put_empty(w);
        return;
    }
    int token = wa_token_find(w->tokens, s);
    if (token >= WA_TOKEN_SINGLES) {
        put_byte(w, TAG_DICTIONARY_0 + (size_t)(token - WA_TOKEN_SINGLES) / 256);
        put_byte(w, (size_t)(token - WA_TOKEN_SINGLES) % 256);
    } else if (token > 0) {
        put_byte(w, (size_t)token);
    } else if (is_packable(s, nibble_value)) {
        put_packed(w, TAG_NIBBLE_8, s, nibble_value);
    } else if (is_packable(s, hex_value)) {
        put_packed(w, TAG_HEX_8, s, hex_value);
    } else {
        put_raw(w, s);
    }
}

static int jid_domain(enum wa_server server)
{
    if (server == WA_SERVER_LID)
        return DOMAIN_LID;
    if (server == WA_SERVER_HOSTED)
        return DOMAIN_HOSTED;
    if (server == WA_SERVER_HOSTED_LID)
        return DOMAIN_HOSTED_LID;
    return server == WA_SERVER_PN ? DOMAIN_PN : -1;
}

static void put_long_jid(struct writer *w, const struct wa_jid *jid)
{
    bool is_interop = jid->server == WA_SERVER_INTEROP;
    put_byte(w, is_interop ? TAG_INTEROP_JID : TAG_FB_JID);
    put_text(w, jid->user);
    put_be(w, jid->device, 2);
    if (is_interop)
        put_be(w, jid->integrator, 2);
    put_text(w, jid->server_name);
}

static void put_jid(struct writer *w, struct bx_str text)
{
    struct wa_jid jid;
    if (wa_jid_parse(text, &jid) < 0) {
        w->rc = w->rc < 0 ? w->rc : BX_E_INVALID;
        return;
    }
    int domain = jid_domain(jid.server);
    if (jid.server == WA_SERVER_INTEROP || jid.server == WA_SERVER_MSGR) {
        put_long_jid(w, &jid);
    } else if (jid.device && domain >= 0 && jid.device <= 255) {
        put_byte(w, TAG_AD_JID);
        put_byte(w, (size_t)domain);
        put_byte(w, jid.device);
        put_text(w, jid.user);
    } else if (jid.device) {
        put_raw(w, text); /* no binary form holds it */
    } else {
        put_byte(w, TAG_JID_PAIR);
        if (jid.user.len)
            put_text(w, jid.user);
        else
            put_byte(w, TAG_LIST_EMPTY);
        put_text(w, jid.server_name);
    }
}

static void put_list(struct writer *w, size_t size)
{
    if (size == 0) {
        put_byte(w, TAG_LIST_EMPTY);
    } else if (size < 256) {
        put_byte(w, TAG_LIST_8);
        put_byte(w, size);
    } else if (size <= UINT16_MAX) {
        put_byte(w, TAG_LIST_16);
        put_be(w, size, 2);
    } else {
        w->rc = BX_E_TOO_BIG;
    }
}

static void put_node(struct writer *w, const struct wa_node *n, unsigned depth)
{
    size_t attrs = 0;
    if (n->tag.len == 0 || depth >= WA_CODEC_MAX_DEPTH)
        w->rc = n->tag.len ? BX_E_TOO_DEEP : BX_E_INVALID;
    if (w->rc < 0)
        return;
    for (const struct wa_attr *a = n->attrs; a; a = a->next)
        attrs++;
    put_list(w, 2 * attrs + 1 + (n->content != WA_CONTENT_NONE));
    put_text(w, n->tag);
    for (const struct wa_attr *a = n->attrs; a; a = a->next) {
        put_text(w, a->key);
        (a->is_jid ? put_jid : put_text)(w, a->value);
    }
    switch (n->content) {
    case WA_CONTENT_NONE:
        break;
    case WA_CONTENT_BYTES:
        put_raw(w, n->data);
        break;
    case WA_CONTENT_TEXT:
        (n->data_is_jid ? put_jid : put_text)(w, n->data);
        break;
    case WA_CONTENT_NODES:
        put_list(w, wa_node_count(n, NULL));
        for (const struct wa_node *c = n->children; c && w->rc >= 0; c = c->next)
            put_node(w, c, depth + 1);
        break;
    }
}

int wa_encode(enum wa_dict dict, const struct wa_node *n, struct bx_buf *out)
{
    size_t before = out->len;
    struct writer w = {.out = out, .tokens = wa_tokens(dict)};
    put_byte(&w, 0);
    put_node(&w, n, 0);
    if (w.rc < 0)
        out->len = before;
    return w.rc < 0 ? w.rc : BX_OK;
}

int wa_encode_deflated(enum wa_dict dict, const struct wa_node *n, struct bx_buf *out)
{
    struct bx_buf plain;
    size_t before = out->len;
    bx_buf_init(&plain, 0);
    int rc = wa_encode(dict, n, &plain);
    if (rc >= 0)
        rc = bx_buf_byte(out, WA_FLAG_DEFLATED);
    if (rc >= 0)
        rc = wa_deflate(bx_str_slice(bx_buf_view(&plain), 1, plain.len), out);
    if (rc < 0)
        out->len = before;
    bx_buf_done(&plain);
    return rc;
}
