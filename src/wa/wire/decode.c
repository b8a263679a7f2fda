#include "base/err.h"
#include "wa/wire/codec.h"
#include "wa/wire/codec_tags.h"

struct reader {
    const uint8_t *at, *end;
    const struct wa_tokens *tokens;
    struct bx_arena *arena;
};

struct value {
    struct bx_str text;
    bool is_jid, is_bytes;
};

static int read_be(struct reader *r, size_t width, size_t *out)
{
    if ((size_t)(r->end - r->at) < width)
        return BX_E_TRUNCATED;
    size_t value = 0;
    while (width--)
        value = value << 8 | *r->at++;
    *out = value;
    return BX_OK;
}

static int read_bytes(struct reader *r, size_t len, struct bx_str *out)
{
    if ((size_t)(r->end - r->at) < len)
        return BX_E_TRUNCATED;
    *out = bx_str_n(r->at, len);
    r->at += len;
    return BX_OK;
}

static int read_sized(struct reader *r, size_t width, struct bx_str *out)
{
    size_t len;
    int rc = read_be(r, width, &len);
    if (rc < 0)
        return rc;
    if (width == 3)
        len &= 0xfffff;
    return read_bytes(r, len, out);
}

static int read_packed(struct reader *r, const char *digits, struct bx_str *out)
{
    size_t header;
    struct bx_str packed;
    int rc = read_be(r, 1, &header);
    if (rc < 0 || (rc = read_bytes(r, header & 127, &packed)) < 0)
        return rc;
    size_t len = 2 * packed.len;
    if (header & 128) {
        if (len == 0)
            return BX_E_INVALID;
        len--;
    }
    char *text = bx_arena_try_alloc(r->arena, len + 1);
    if (!text)
        return BX_E_TOO_BIG;
    for (size_t i = 0; i < len; i++) {
        uint8_t byte = (uint8_t)packed.ptr[i / 2];
        text[i] = digits[i % 2 ? byte & 15 : byte >> 4];
        if (!text[i])
            return BX_E_INVALID;
    }
    *out = bx_str_n(text, len);
    return BX_OK;
}

static int token_text(const struct reader *r, size_t index, struct bx_str *out)
{
    *out = bx_str_n(r->tokens->text[index], r->tokens->len[index]);
    return BX_OK;
}

static int read_double_token(struct reader *r, size_t tag, struct bx_str *out)
{
    size_t low;
    int rc = read_be(r, 1, &low);
    if (rc < 0)
        return rc;
    return token_text(r, WA_TOKEN_SINGLES + (tag - TAG_DICTIONARY_0) * 256 + low, out);
}

static int read_value(struct reader *r, size_t tag, struct value *out);

/* A piece of a JID: any string that is not itself a JID. */
static int read_piece(struct reader *r, struct bx_str *out)
{
    size_t tag;
    struct value v = {0};
    int rc = read_be(r, 1, &tag);
    if (rc < 0)
        return rc;
    if ((tag >= TAG_INTEROP_JID && tag <= TAG_AD_JID) || tag == TAG_JID_PAIR)
        return BX_E_INVALID;
    rc = read_value(r, tag, &v);
    if (rc < 0)
        return rc;
    if (v.text.len > WA_JID_TEXT_MAX / 2)
        return BX_E_INVALID;
    *out = v.text;
    return BX_OK;
}

static int jid_done(struct reader *r, const struct wa_jid *jid, struct bx_str *out)
{
    *out = wa_jid_text(r->arena, jid);
    return BX_OK;
}

static int read_jid_pair(struct reader *r, struct bx_str *out)
{
    struct wa_jid jid = {0};
    int rc = read_piece(r, &jid.user);
    if (rc < 0 || (rc = read_piece(r, &jid.server_name)) < 0)
        return rc;
    if (jid.server_name.len == 0)
        return BX_E_INVALID;
    return jid_done(r, &jid, out);
}

static enum wa_server domain_server(size_t domain)
{
    switch (domain) {
    case DOMAIN_LID:
        return WA_SERVER_LID;
    case DOMAIN_HOSTED:
        return WA_SERVER_HOSTED;
    case DOMAIN_HOSTED_LID:
        return WA_SERVER_HOSTED_LID;
    default:
        return WA_SERVER_PN;
    }
}

static int read_ad_jid(struct reader *r, struct bx_str *out)
{
    size_t domain, device;
    struct bx_str user;
    int rc = read_be(r, 1, &domain);
    if (rc < 0 || (rc = read_be(r, 1, &device)) < 0 || (rc = read_piece(r, &user)) < 0)
        return rc;
    struct wa_jid jid = wa_jid_make(domain_server(domain), user, (uint16_t)device);
    return jid_done(r, &jid, out);
}

static int read_fb_jid(struct reader *r, bool is_interop, struct bx_str *out)
{
    struct wa_jid jid = {.server = is_interop ? WA_SERVER_INTEROP : WA_SERVER_MSGR};
    size_t device, integrator = 0;
    int rc = read_piece(r, &jid.user);
    if (rc < 0 || (rc = read_be(r, 2, &device)) < 0)
        return rc;
    if (is_interop && (rc = read_be(r, 2, &integrator)) < 0)
        return rc;
    if ((rc = read_piece(r, &jid.server_name)) < 0)
        return rc;
    if (jid.server_name.len == 0)
        return BX_E_INVALID;
    jid.device = (uint16_t)device;
    jid.integrator = (uint16_t)integrator;
    return jid_done(r, &jid, out);
}

static int read_value(struct reader *r, size_t tag, struct value *out)
{
    if (tag > 0 && tag < WA_TOKEN_SINGLES)
        return token_text(r, tag, &out->text);
    if (tag >= TAG_DICTIONARY_0 && tag <= TAG_DICTIONARY_3)
        return read_double_token(r, tag, &out->text);
    out->is_bytes = tag >= TAG_BINARY_8 && tag <= TAG_BINARY_32;
    out->is_jid = (tag >= TAG_INTEROP_JID && tag <= TAG_AD_JID) || tag == TAG_JID_PAIR;
    switch (tag) {
    case TAG_LIST_EMPTY:
        out->text = BX_STR("");
        return BX_OK;
    case TAG_BINARY_8:
        return read_sized(r, 1, &out->text);
    case TAG_BINARY_20:
        return read_sized(r, 3, &out->text);
    case TAG_BINARY_32:
        return read_sized(r, 4, &out->text);
    case TAG_NIBBLE_8:
        return read_packed(r, "0123456789-.\0\0\0", &out->text);
    case TAG_HEX_8:
        return read_packed(r, "0123456789ABCDEF", &out->text);
    case TAG_JID_PAIR:
        return read_jid_pair(r, &out->text);
    case TAG_AD_JID:
        return read_ad_jid(r, &out->text);
    case TAG_FB_JID:
    case TAG_INTEROP_JID:
        return read_fb_jid(r, tag == TAG_INTEROP_JID, &out->text);
    default:
        return BX_E_INVALID;
    }
}

static int read_string(struct reader *r, struct value *out)
{
    size_t tag;
    int rc = read_be(r, 1, &tag);
    *out = (struct value){0};
    return rc < 0 ? rc : read_value(r, tag, out);
}

/* BX_E_INVALID when the tag is no list. */
static int list_size(struct reader *r, size_t tag, size_t *out)
{
    switch (tag) {
    case TAG_LIST_EMPTY:
        *out = 0;
        return BX_OK;
    case TAG_LIST_8:
        return read_be(r, 1, out);
    case TAG_LIST_16:
        return read_be(r, 2, out);
    default:
        return BX_E_INVALID;
    }
}

static int read_node(struct reader *r, unsigned depth, struct wa_node **out);

static int read_attrs(struct reader *r, size_t count, struct wa_node *n)
{
    for (size_t i = 0; i < count; i++) {
        struct value key, value;
        int rc = read_string(r, &key);
        if (rc < 0 || (rc = read_string(r, &value)) < 0)
            return rc;
        struct wa_attr *a = bx_arena_try_alloc(r->arena, sizeof *a);
        if (!a)
            return BX_E_TOO_BIG;
        *a = (struct wa_attr){.key = key.text, .value = value.text, .is_jid = value.is_jid};
        if (n->last_attr)
            n->last_attr->next = a;
        else
            n->attrs = a;
        n->last_attr = a;
    }
    return BX_OK;
}

static int read_children(struct reader *r, size_t count, unsigned depth, struct wa_node *n)
{
    n->content = WA_CONTENT_NODES;
    for (size_t i = 0; i < count; i++) {
        struct wa_node *child;
        int rc = read_node(r, depth + 1, &child);
        if (rc < 0)
            return rc;
        wa_node_add(n, child);
    }
    return BX_OK;
}

static int read_content(struct reader *r, unsigned depth, struct wa_node *n)
{
    size_t tag, count;
    struct value v = {0};
    int rc = read_be(r, 1, &tag);
    if (rc < 0)
        return rc;
    if (tag == TAG_LIST_EMPTY || tag == TAG_LIST_8 || tag == TAG_LIST_16) {
        rc = list_size(r, tag, &count);
        return rc < 0 ? rc : read_children(r, count, depth, n);
    }
    rc = read_value(r, tag, &v);
    if (rc < 0)
        return rc;
    n->content = v.is_bytes ? WA_CONTENT_BYTES : WA_CONTENT_TEXT;
    n->data = v.text;
    n->data_is_jid = v.is_jid;
    return BX_OK;
}

static int read_node(struct reader *r, unsigned depth, struct wa_node **out)
{
    size_t tag, size;
    struct value name;
    if (depth >= WA_CODEC_MAX_DEPTH)
        return BX_E_TOO_DEEP;
    int rc = read_be(r, 1, &tag);
    if (rc < 0 || (rc = list_size(r, tag, &size)) < 0)
        return rc;
    if (size == 0)
        return BX_E_INVALID;
    if ((size - 1) / 2 > WA_CODEC_MAX_ATTRS)
        return BX_E_TOO_BIG;
    struct wa_node *n = bx_arena_try_alloc(r->arena, sizeof *n);
    if (!n)
        return BX_E_TOO_BIG;
    n->arena = r->arena;
    if ((rc = read_string(r, &name)) < 0)
        return rc;
    if (name.text.len == 0)
        return BX_E_INVALID;
    n->tag = name.text;
    if ((rc = read_attrs(r, (size - 1) / 2, n)) < 0)
        return rc;
    if (size % 2 == 0 && (rc = read_content(r, depth, n)) < 0)
        return rc;
    *out = n;
    return BX_OK;
}

/* The bytes the tree will point into. */
static int own_payload(struct bx_str payload, struct bx_arena *arena, struct bx_str *out)
{
    if (payload.len == 0)
        return BX_E_TRUNCATED;
    struct bx_str body = bx_str_slice(payload, 1, payload.len);
    struct bx_buf inflated;
    bx_buf_init(&inflated, WA_CODEC_MAX_INFLATED);
    int rc = BX_OK;
    if (payload.ptr[0] & WA_FLAG_DEFLATED) {
        rc = wa_inflate(body, &inflated);
        body = bx_buf_view(&inflated);
    }
    char *copy = rc < 0 ? NULL : bx_arena_try_strndup(arena, body.ptr, body.len);
    if (copy)
        *out = bx_str_n(copy, body.len);
    bx_buf_done(&inflated);
    return rc < 0 ? rc : copy ? BX_OK : BX_E_TOO_BIG;
}

int wa_decode(enum wa_dict dict, struct bx_str payload, struct bx_arena *arena,
              struct wa_node **out)
{
    struct bx_str body;
    int rc = own_payload(payload, arena, &body);
    if (rc < 0)
        return rc;
    const uint8_t *at = (const void *)body.ptr;
    struct reader r = {.at = at, .end = at + body.len, .tokens = wa_tokens(dict), .arena = arena};
    return read_node(&r, 0, out);
}
