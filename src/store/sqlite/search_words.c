#include "store/sqlite/search_words.h"

#include "store/sqlite/search_tokens.h"

#include <ctype.h>

enum { SNIPPET_WORDS = 12, SNIPPET_BEFORE = 3 };

/* ---- cutting ---- */

void st_words_done(struct st_conn *conn)
{
    if (conn->words.tokenizer)
        conn->words.ops.xDelete(conn->words.tokenizer);
}

static int tokenize(struct st_conn *conn, int flags, struct bx_str text, st_token_fn *on_token,
                    void *ctx)
{
    if (text.len == 0)
        return SQLITE_OK;
    if (!conn->words.tokenizer &&
        st_tokens_words(conn->db, &conn->words.ops, &conn->words.tokenizer) != SQLITE_OK)
        return BX_E_INTERNAL;
    return conn->words.ops.xTokenize(conn->words.tokenizer, ctx, flags, text.ptr, (int)text.len,
                                     on_token);
}

/* ---- what was typed ---- */

struct typed {
    struct st_words *words;
    struct bx_arena *a;
    size_t end;     /* of the last word */
    bool was_there; /* it is typed a second time */
};

static bool has_word(const struct st_words *words, struct bx_str word)
{
    for (size_t i = 0; i < words->count; i++)
        if (bx_str_eq(words->items[i], word))
            return true;
    return false;
}

static int on_typed(void *ctx, int flags, const char *token, int len, int start, int end)
{
    (void)flags;
    (void)start;
    struct typed *t = ctx;
    struct bx_str word = bx_str_n(token, (size_t)len);
    if (t->words->count == ST_WORDS_MAX)
        return SQLITE_DONE;
    t->was_there = has_word(t->words, word);
    t->end = (size_t)end;
    if (!t->was_there)
        t->words->items[t->words->count++] = bx_arena_str(t->a, word);
    return SQLITE_OK;
}

int st_words_of(struct st_conn *conn, struct bx_str text, bool is_prefix, struct bx_arena *a,
                struct st_words *out)
{
    struct typed t = {.words = out, .a = a};
    out->count = 0;
    int rc = tokenize(conn, FTS5_TOKENIZE_QUERY, text, on_typed, &t);
    out->is_last_start = is_prefix && out->count && t.end == text.len && !t.was_there;
    return rc < 0 ? rc : BX_OK;
}

/* The words that a token is, as bits. */
static uint64_t words_hit(const struct st_words *words, struct bx_str token)
{
    uint64_t hit = 0;
    for (size_t i = 0; i < words->count; i++) {
        bool may_be_start = words->is_last_start && i == words->count - 1;
        if (may_be_start ? bx_str_starts(token, words->items[i])
                         : bx_str_eq(token, words->items[i]))
            hit |= UINT64_C(1) << i;
    }
    return hit;
}

/* ---- asking a text ---- */

struct asked {
    const struct st_words *words;
    uint64_t missing;
};

static int on_asked(void *ctx, int flags, const char *token, int len, int start, int end)
{
    (void)flags;
    (void)start;
    (void)end;
    struct asked *q = ctx;
    q->missing &= ~words_hit(q->words, bx_str_n(token, (size_t)len));
    return q->missing ? SQLITE_OK : SQLITE_DONE;
}

static bool is_ascii(struct bx_str s)
{
    unsigned char all = 0;
    for (size_t i = 0; i < s.len; i++)
        all |= (unsigned char)s.ptr[i];
    return all < 0x80;
}

/* `word` is in lower case; both ASCII. */
static bool stands_in(struct bx_str text, struct bx_str word)
{
    for (size_t i = 0; i + word.len <= text.len; i++) {
        size_t n = 0;
        while (n < word.len && tolower((unsigned char)text.ptr[i + n]) == word.ptr[n])
            n++;
        if (n == word.len)
            return true;
    }
    return false;
}

/* Plain bytes say no to most texts before they are cut into words: in ASCII folding is lower case.
 */
static bool may_occur(const struct st_words *words, uint64_t set, struct bx_str text)
{
    if (!is_ascii(text))
        return true;
    for (size_t i = 0; i < words->count; i++)
        if ((set >> i & 1) && !stands_in(text, words->items[i]))
            return false;
    return true;
}

bool st_words_occur(struct st_conn *conn, const struct st_words *words, uint64_t set,
                    struct bx_str text)
{
    struct asked q = {words, set};
    if (!may_occur(words, set, text))
        return false;
    if (set)
        tokenize(conn, FTS5_TOKENIZE_DOCUMENT, text, on_asked, &q);
    return q.missing == 0;
}

/* ---- snippets ---- */

struct piece {
    size_t start, end;
    uint64_t hit;
};

struct pieces {
    const struct st_words *words;
    struct bx_arena *a;
    struct piece *rows;
    size_t count, cap;
};

static int on_piece(void *ctx, int flags, const char *token, int len, int start, int end)
{
    (void)flags;
    struct pieces *p = ctx;
    if (p->count == p->cap) {
        size_t cap = p->cap ? 2 * p->cap : 64;
        struct piece *grown = bx_arena_alloc(p->a, cap * sizeof *grown);
        if (p->count)
            memcpy(grown, p->rows, p->count * sizeof *grown);
        p->rows = grown;
        p->cap = cap;
    }
    p->rows[p->count++] = (struct piece){(size_t)start, (size_t)end,
                                         words_hit(p->words, bx_str_n(token, (size_t)len))};
    return SQLITE_OK;
}

/* How many of the sought words stand in the window that begins here. */
static int window_worth(const struct pieces *p, size_t from)
{
    uint64_t hit = 0;
    for (size_t i = from; i < p->count && i < from + SNIPPET_WORDS; i++)
        hit |= p->rows[i].hit;
    return __builtin_popcountll(hit);
}

static size_t window_find(const struct pieces *p)
{
    size_t best = 0;
    int worth = window_worth(p, 0);
    for (size_t i = 1; i + SNIPPET_WORDS <= p->count; i++) {
        int here = p->rows[i + SNIPPET_WORDS - 1].hit ? window_worth(p, i) : 0;
        if (here > worth) {
            worth = here;
            best = i;
        }
    }
    /* A hit at the end shows too little of what follows: begin shortly before the first one. */
    size_t first = best;
    while (first < p->count && !p->rows[first].hit)
        first++;
    size_t from = first > SNIPPET_BEFORE ? first - SNIPPET_BEFORE : 0;
    return first < p->count && p->count > SNIPPET_WORDS && window_worth(p, from) == worth ? from
                                                                                          : best;
}

struct bx_str st_words_snippet(struct st_conn *conn, const struct st_words *words,
                               struct bx_str text, struct bx_arena *a)
{
    struct pieces p = {.words = words, .a = a};
    text = bx_str_trim(text);
    tokenize(conn, FTS5_TOKENIZE_DOCUMENT, text, on_piece, &p);
    size_t from = window_find(&p), to = from + SNIPPET_WORDS, at = 0;
    if (to > p.count)
        to = p.count;
    struct bx_buf out;
    bx_buf_init(&out, 0);
    if (from > 0) {
        bx_buf_lit(&out, "…");
        at = p.rows[from].start;
    }
    for (size_t i = from; i < to; i++) {
        const struct piece *r = &p.rows[i];
        bx_buf_str(&out, bx_str_slice(text, at, r->start));
        if (r->hit)
            bx_buf_lit(&out, "\2");
        bx_buf_str(&out, bx_str_slice(text, r->start, r->end));
        if (r->hit)
            bx_buf_lit(&out, "\3");
        at = r->end;
    }
    if (to < p.count)
        bx_buf_lit(&out, "…");
    else
        bx_buf_str(&out, bx_str_slice(text, at, text.len));
    struct bx_str snippet = bx_arena_str(a, bx_buf_view(&out));
    bx_buf_done(&out);
    return snippet;
}
