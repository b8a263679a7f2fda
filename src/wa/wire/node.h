/* A node (stanza or part of one): tag, attributes, and as content children, bytes or a text.
 * The tree lives in one arena, strings included.
 *
 * Building reads like the stanza:
 *
 *     struct wa_node *iq = WA_NODE(arena, "iq", wa_str("id", id), wa_lit("type", "get"),
 *                                  wa_lit("xmlns", "encrypt"), wa_to("to", WA_SERVER_JID));
 *     wa_node_add(iq, wa_node_new(arena, "count"));
 *
 * An attribute whose value is absent (ptr NULL) is left out, so optional ones need no if.
 * JIDs must be written with wa_to/wa_jid: on the wire they are not strings, and strict peers
 * refuse a string where a JID belongs.
 */
#ifndef WA_NODE_H
#define WA_NODE_H

#include "base/arena.h"
#include "base/buf.h"
#include "wa/wire/jid.h"

struct wa_attr {
    struct bx_str key, value; /* a JID is in its text form */
    bool is_jid;
    struct wa_attr *next;
};

enum wa_content { WA_CONTENT_NONE, WA_CONTENT_NODES, WA_CONTENT_BYTES, WA_CONTENT_TEXT };

struct wa_node {
    struct bx_str tag;
    struct bx_arena *arena;
    struct wa_attr *attrs, *last_attr;
    struct wa_node *children, *last_child; /* NODES */
    struct wa_node *next;                  /* sibling */
    struct bx_str data;                    /* BYTES, TEXT */
    enum wa_content content;
    bool data_is_jid; /* TEXT came as a JID */
};

/* --- Building. Slices are borrowed until the node is encoded, unless said otherwise. --- */

struct wa_arg {
    const char *key;
    enum { WA_ARG_TEXT, WA_ARG_JID_TEXT, WA_ARG_JID, WA_ARG_NUMBER } kind;
    struct bx_str text;
    const struct wa_jid *jid;
    int64_t number;
};

static inline struct wa_arg wa_str(const char *key, struct bx_str value)
{
    return (struct wa_arg){.key = key, .kind = WA_ARG_TEXT, .text = value};
}
static inline struct wa_arg wa_lit(const char *key, const char *value) /* NULL: left out */
{
    return (struct wa_arg){.key = key, .kind = WA_ARG_TEXT, .text = bx_str(value)};
}
static inline struct wa_arg wa_to(const char *key, struct bx_str jid_text)
{
    return (struct wa_arg){.key = key, .kind = WA_ARG_JID_TEXT, .text = jid_text};
}
static inline struct wa_arg wa_jid(const char *key, const struct wa_jid *jid) /* NULL: left out */
{
    return (struct wa_arg){.key = key, .kind = WA_ARG_JID, .jid = jid};
}
static inline struct wa_arg wa_num(const char *key, int64_t number)
{
    return (struct wa_arg){.key = key, .kind = WA_ARG_NUMBER, .number = number};
}

struct wa_node *wa_node_new(struct bx_arena *arena, const char *tag);
struct wa_node *wa_node_of(struct bx_arena *arena, const char *tag, const struct wa_arg *args,
                           size_t count);
#define WA_NODE(arena, tag, ...)                                                                   \
    wa_node_of((arena), (tag), (const struct wa_arg[]){__VA_ARGS__},                               \
               sizeof((const struct wa_arg[]){__VA_ARGS__}) / sizeof(struct wa_arg))

/* Appends an attribute (no check for a second one of that key); numbers and struct JIDs are
 * written into the arena. */
void wa_node_put(struct wa_node *n, struct wa_arg arg);
/* Replaces or appends; an absent value removes. */
void wa_node_set(struct wa_node *n, struct wa_arg arg);

/* Appends a child (NULL: nothing happens); returns it. A node has one parent only. */
struct wa_node *wa_node_add(struct wa_node *parent, struct wa_node *child);

/* Bytes or text as content; return the node. */
struct wa_node *wa_node_bytes(struct wa_node *n, struct bx_str bytes);
struct wa_node *wa_node_text(struct wa_node *n, struct bx_str text);
/* A number in `width` big-endian bytes (ids 3, registration 4), kept in the arena. */
struct wa_node *wa_node_be(struct wa_node *n, uint64_t value, size_t width);

/* A deep copy into another arena, strings included. */
struct wa_node *wa_node_copy(struct bx_arena *arena, const struct wa_node *n);

/* --- Reading. --- */

#define wa_node_is(n, tag_literal) bx_str_is((n)->tag, tag_literal)

/* ptr is NULL when absent. */
struct bx_str wa_node_attr(const struct wa_node *n, const char *key);
bool wa_node_attr_is(const struct wa_node *n, const char *key, const char *value);
bool wa_node_has(const struct wa_node *n, const char *key);

/* BX_E_NOT_FOUND when absent, BX_E_INVALID when it is no JID / number. */
int wa_node_attr_jid(const struct wa_node *n, const char *key, struct wa_jid *out);
int wa_node_attr_u64(const struct wa_node *n, const char *key, uint64_t *out);
/* The same with a fallback for both failures. */
uint64_t wa_node_attr_u64_or(const struct wa_node *n, const char *key, uint64_t fallback);

/* First child with that tag (any tag when NULL); NULL when there is none or n is NULL, so lookups
 * can be nested. */
struct wa_node *wa_node_child(const struct wa_node *n, const char *tag);
/* Next sibling with that tag. */
struct wa_node *wa_node_next(const struct wa_node *n, const char *tag);
size_t wa_node_count(const struct wa_node *n, const char *tag);

#define WA_EACH_CHILD(parent, tag, child)                                                          \
    for (struct wa_node *child = wa_node_child((parent), (tag)); child;                            \
         child = wa_node_next(child, (tag)))

/* Content as bytes (BYTES or TEXT); ptr NULL when there is none or n is NULL. */
struct bx_str wa_node_data(const struct wa_node *n);
struct bx_str wa_node_child_data(const struct wa_node *n, const char *tag);
/* Exactly `width` big-endian bytes (at most 8). BX_E_NOT_FOUND, BX_E_INVALID. */
int wa_node_data_be(const struct wa_node *n, size_t width, uint64_t *out);
/* Exactly `len` bytes into out. BX_E_NOT_FOUND, BX_E_INVALID. */
int wa_node_data_exact(const struct wa_node *n, void *out, size_t len);

/* XML-like text for logs at debug level; bytes as their length only. */
int wa_node_print(const struct wa_node *n, struct bx_buf *out);

#endif
