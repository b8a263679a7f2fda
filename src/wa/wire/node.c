#include "wa/wire/node.h"

#include "base/err.h"

struct wa_node *wa_node_new(struct bx_arena *arena, const char *tag)
{
    struct wa_node *n = BX_ARENA_NEW(arena, struct wa_node);
    n->arena = arena;
    n->tag = bx_str(tag);
    return n;
}

struct wa_node *wa_node_of(struct bx_arena *arena, const char *tag, const struct wa_arg *args,
                           size_t count)
{
    struct wa_node *n = wa_node_new(arena, tag);
    for (size_t i = 0; i < count; i++)
        wa_node_put(n, args[i]);
    return n;
}

static struct bx_str arg_text(struct wa_node *n, const struct wa_arg *arg)
{
    switch (arg->kind) {
    case WA_ARG_TEXT:
    case WA_ARG_JID_TEXT:
        return arg->text;
    case WA_ARG_JID:
        return arg->jid ? wa_jid_text(n->arena, arg->jid) : (struct bx_str){0};
    case WA_ARG_NUMBER:
        return bx_arena_printf(n->arena, "%lld", (long long)arg->number);
    }
    return (struct bx_str){0};
}

void wa_node_put(struct wa_node *n, struct wa_arg arg)
{
    struct bx_str value = arg_text(n, &arg);
    if (!value.ptr)
        return;
    struct wa_attr *a = BX_ARENA_NEW(n->arena, struct wa_attr);
    *a = (struct wa_attr){.key = bx_str(arg.key),
                          .value = value,
                          .is_jid = arg.kind == WA_ARG_JID || arg.kind == WA_ARG_JID_TEXT};
    if (n->last_attr)
        n->last_attr->next = a;
    else
        n->attrs = a;
    n->last_attr = a;
}

static struct wa_attr *attr_find(const struct wa_node *n, const char *key)
{
    struct bx_str wanted = bx_str(key);
    struct wa_attr *a = n ? n->attrs : NULL;
    while (a && !bx_str_eq(a->key, wanted))
        a = a->next;
    return a;
}

static void attr_remove(struct wa_node *n, const char *key)
{
    struct bx_str wanted = bx_str(key);
    struct wa_attr **link = &n->attrs;
    n->last_attr = NULL;
    while (*link) {
        if (bx_str_eq((*link)->key, wanted)) {
            *link = (*link)->next;
        } else {
            n->last_attr = *link;
            link = &(*link)->next;
        }
    }
}

void wa_node_set(struct wa_node *n, struct wa_arg arg)
{
    attr_remove(n, arg.key);
    wa_node_put(n, arg);
}

struct wa_node *wa_node_add(struct wa_node *parent, struct wa_node *child)
{
    if (!child)
        return NULL;
    BX_ASSERT(!child->next && parent->content != WA_CONTENT_BYTES &&
              parent->content != WA_CONTENT_TEXT);
    parent->content = WA_CONTENT_NODES;
    if (parent->last_child)
        parent->last_child->next = child;
    else
        parent->children = child;
    parent->last_child = child;
    return child;
}

struct wa_node *wa_node_bytes(struct wa_node *n, struct bx_str bytes)
{
    n->content = WA_CONTENT_BYTES;
    n->data = bytes;
    return n;
}

struct wa_node *wa_node_text(struct wa_node *n, struct bx_str text)
{
    n->content = WA_CONTENT_TEXT;
    n->data = text;
    return n;
}

struct wa_node *wa_node_be(struct wa_node *n, uint64_t value, size_t width)
{
    BX_ASSERT(width >= 1 && width <= 8);
    uint8_t *bytes = bx_arena_alloc(n->arena, width);
    for (size_t i = 0; i < width; i++)
        bytes[i] = (uint8_t)(value >> (8 * (width - 1 - i)));
    return wa_node_bytes(n, bx_str_n(bytes, width));
}

struct wa_node *wa_node_copy(struct bx_arena *arena, const struct wa_node *n)
{
    struct wa_node *copy = wa_node_new(arena, "");
    copy->tag = bx_arena_str(arena, n->tag);
    for (const struct wa_attr *a = n->attrs; a; a = a->next) {
        const char *key = bx_arena_strndup(arena, a->key.ptr, a->key.len);
        struct bx_str value = bx_arena_str(arena, a->value);
        wa_node_put(copy, a->is_jid ? wa_to(key, value) : wa_str(key, value));
    }
    for (const struct wa_node *c = n->children; c; c = c->next)
        wa_node_add(copy, wa_node_copy(arena, c));
    copy->content = n->content;
    copy->data_is_jid = n->data_is_jid;
    if (n->data.ptr)
        copy->data = bx_arena_str(arena, n->data);
    return copy;
}

struct bx_str wa_node_attr(const struct wa_node *n, const char *key)
{
    const struct wa_attr *a = attr_find(n, key);
    return a ? a->value : (struct bx_str){0};
}

bool wa_node_attr_is(const struct wa_node *n, const char *key, const char *value)
{
    const struct wa_attr *a = attr_find(n, key);
    return a && bx_str_eq(a->value, bx_str(value));
}

bool wa_node_has(const struct wa_node *n, const char *key)
{
    return attr_find(n, key) != NULL;
}

int wa_node_attr_jid(const struct wa_node *n, const char *key, struct wa_jid *out)
{
    const struct wa_attr *a = attr_find(n, key);
    return a ? wa_jid_parse(a->value, out) : BX_E_NOT_FOUND;
}

int wa_node_attr_u64(const struct wa_node *n, const char *key, uint64_t *out)
{
    const struct wa_attr *a = attr_find(n, key);
    if (!a)
        return BX_E_NOT_FOUND;
    return bx_str_u64(a->value, UINT64_MAX, out) < 0 ? BX_E_INVALID : BX_OK;
}

uint64_t wa_node_attr_u64_or(const struct wa_node *n, const char *key, uint64_t fallback)
{
    uint64_t value;
    return wa_node_attr_u64(n, key, &value) < 0 ? fallback : value;
}

static struct wa_node *first_with_tag(struct wa_node *n, const char *tag)
{
    if (!tag)
        return n;
    struct bx_str wanted = bx_str(tag);
    while (n && !bx_str_eq(n->tag, wanted))
        n = n->next;
    return n;
}

struct wa_node *wa_node_child(const struct wa_node *n, const char *tag)
{
    return n ? first_with_tag(n->children, tag) : NULL;
}

struct wa_node *wa_node_next(const struct wa_node *n, const char *tag)
{
    return first_with_tag(n->next, tag);
}

size_t wa_node_count(const struct wa_node *n, const char *tag)
{
    size_t count = 0;
    WA_EACH_CHILD(n, tag, child)
    count++;
    return count;
}

struct bx_str wa_node_data(const struct wa_node *n)
{
    bool has = n && (n->content == WA_CONTENT_BYTES || n->content == WA_CONTENT_TEXT);
    return has ? n->data : (struct bx_str){0};
}

struct bx_str wa_node_child_data(const struct wa_node *n, const char *tag)
{
    return wa_node_data(wa_node_child(n, tag));
}

int wa_node_data_be(const struct wa_node *n, size_t width, uint64_t *out)
{
    uint8_t bytes[8];
    BX_ASSERT(width >= 1 && width <= sizeof bytes);
    int rc = wa_node_data_exact(n, bytes, width);
    if (rc < 0)
        return rc;
    uint64_t value = 0;
    for (size_t i = 0; i < width; i++)
        value = value << 8 | bytes[i];
    *out = value;
    return BX_OK;
}

int wa_node_data_exact(const struct wa_node *n, void *out, size_t len)
{
    struct bx_str data = wa_node_data(n);
    if (!data.ptr)
        return BX_E_NOT_FOUND;
    if (data.len != len)
        return BX_E_INVALID;
    memcpy(out, data.ptr, len);
    return BX_OK;
}

int wa_node_print(const struct wa_node *n, struct bx_buf *out)
{
    int rc = bx_buf_printf(out, "<" BX_STR_FMT, BX_STR_ARG(n->tag));
    for (const struct wa_attr *a = n->attrs; a && rc >= 0; a = a->next)
        rc = bx_buf_printf(out, " " BX_STR_FMT "=\"" BX_STR_FMT "\"", BX_STR_ARG(a->key),
                           BX_STR_ARG(a->value));
    if (rc < 0 || n->content == WA_CONTENT_NONE)
        return rc < 0 ? rc : bx_buf_lit(out, "/>");
    rc = bx_buf_lit(out, ">");
    for (const struct wa_node *c = n->children; c && rc >= 0; c = c->next)
        rc = wa_node_print(c, out);
    if (rc >= 0 && n->content == WA_CONTENT_BYTES)
        rc = bx_buf_printf(out, "[%zu bytes]", n->data.len);
    if (rc >= 0 && n->content == WA_CONTENT_TEXT)
        rc = bx_buf_str(out, n->data);
    return rc < 0 ? rc : bx_buf_printf(out, "</" BX_STR_FMT ">", BX_STR_ARG(n->tag));
}
