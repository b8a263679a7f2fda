#include "store/sqlite/search_words.h"

#include "base/words.h"

enum { SNIPPET_WORDS = 12, SNIPPET_UNITS = 32, SNIPPET_BEFORE = 3 };

/* ---- cutting ---- */

void st_words_done(struct st_conn *conn)
{
    bx_words_free(conn->words);
}

static int cut(struct st_conn *conn, enum bx_words_for what, struct bx_str text,
               bx_word_fn *on_word, void *arg)
{
    if (!conn->words)
        conn->words = bx_words_new();
    return bx_words_cut(conn->words, what, text, on_word, arg);
}

/* ---- what was typed ---- */

struct typed {
    struct st_words *words;
    struct bx_arena *a;
    size_t end;         /* of the last word */
    bool is_whole_word; /* the last one is typed a second time, or nothing longer begins with it */
};

static bool has_word(const struct st_words *words, struct bx_str word)
{
    for (size_t i = 0; i < words->count; i++)
        if (bx_str_eq(words->items[i], word))
            return true;
    return false;
}

static int on_typed(void *arg, const struct bx_word *word)
{
    struct typed *t = arg;
    if (t->words->count == ST_WORDS_MAX)
        return 1;
    bool was_there = has_word(t->words, word->text);
    t->is_whole_word = was_there || word->is_whole;
    t->end = word->end;
    if (!was_there)
        t->words->items[t->words->count++] = bx_arena_str(t->a, word->text);
    return 0;
}

int st_words_of(struct st_conn *conn, struct bx_str text, bool is_prefix, struct bx_arena *a,
                struct st_words *out)
{
    struct typed t = {.words = out, .a = a};
    out->count = 0;
    int rc = cut(conn, BX_WORDS_QUERY, text, on_typed, &t);
    out->is_last_start = is_prefix && out->count && t.end == text.len && !t.is_whole_word;
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

static int on_asked(void *arg, const struct bx_word *word)
{
    struct asked *q = arg;
    q->missing &= ~words_hit(q->words, word->text);
    return q->missing == 0;
}

static bool is_ascii(struct bx_str s)
{
    unsigned char all = 0;
    for (size_t i = 0; i < s.len; i++)
        all |= (unsigned char)s.ptr[i];
    return all < 0x80;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* A number may stand in the text with separators. */
static bool is_number(struct bx_str word)
{
    for (size_t i = 0; i < word.len; i++)
        if (word.ptr[i] < '0' || word.ptr[i] > '9')
            return false;
    return true;
}

/* `word` is in lower case; both ASCII. */
static bool stands_in(struct bx_str text, struct bx_str word)
{
    for (size_t i = 0; i + word.len <= text.len; i++) {
        size_t n = 0;
        while (n < word.len && lower(text.ptr[i + n]) == word.ptr[n])
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
        if ((set >> i & 1) && !is_number(words->items[i]) && !stands_in(text, words->items[i]))
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
        cut(conn, BX_WORDS_INDEX, text, on_asked, &q);
    return q.missing == 0;
}

/* ---- snippets ---- */

struct piece {
    size_t start, end;
    uint64_t hit;
    bool goes_on; /* a hit that the next piece is part of */
};

struct pieces {
    const struct st_words *words;
    struct bx_arena *a;
    struct piece *rows;
    size_t count, cap, units;
    size_t window; /* pieces of a snippet */
};

static void piece_add(struct pieces *p, struct piece piece)
{
    if (p->count == p->cap) {
        size_t cap = p->cap ? 2 * p->cap : 64;
        struct piece *grown = bx_arena_alloc(p->a, cap * sizeof *grown);
        if (p->count)
            memcpy(grown, p->rows, p->count * sizeof *grown);
        p->rows = grown;
        p->cap = cap;
    }
    p->rows[p->count++] = piece;
}

/* A pair or a joined number is no piece of its own: it lies over those it is made of. */
static void pieces_cover(struct pieces *p, const struct bx_word *word, uint64_t hit)
{
    for (size_t i = p->count; i-- > 0 && p->rows[i].end > word->start;) {
        p->rows[i].hit |= hit;
        p->rows[i].goes_on |= i + 1 < p->count;
    }
}

static int on_piece(void *arg, const struct bx_word *word)
{
    struct pieces *p = arg;
    uint64_t hit = words_hit(p->words, word->text);
    bool is_own = word->kind == BX_WORD || word->kind == BX_WORD_UNIT;
    bool is_same = is_own && p->count && p->rows[p->count - 1].end >= word->end;
    p->units += word->kind == BX_WORD_UNIT;
    if (is_same) /* a sign that is several words */
        p->rows[p->count - 1].hit |= hit;
    else if (is_own)
        piece_add(p, (struct piece){word->start, word->end, hit, false});
    else if (hit)
        pieces_cover(p, word, hit);
    return 0;
}

/* How many of the sought words stand in the window that begins here. */
static int window_worth(const struct pieces *p, size_t from)
{
    uint64_t hit = 0;
    for (size_t i = from; i < p->count && i < from + p->window; i++)
        hit |= p->rows[i].hit;
    return __builtin_popcountll(hit);
}

static size_t window_find(const struct pieces *p)
{
    size_t best = 0;
    int worth = window_worth(p, 0);
    for (size_t i = 1; i + p->window <= p->count; i++) {
        int here = p->rows[i + p->window - 1].hit ? window_worth(p, i) : 0;
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
    return first < p->count && p->count > p->window && window_worth(p, from) == worth ? from : best;
}

struct bx_str st_words_snippet(struct st_conn *conn, const struct st_words *words,
                               struct bx_str text, struct bx_arena *a)
{
    struct pieces p = {.words = words, .a = a};
    text = bx_str_trim(text);
    cut(conn, BX_WORDS_INDEX, text, on_piece, &p);
    p.window = 2 * p.units > p.count ? SNIPPET_UNITS : SNIPPET_WORDS;
    size_t from = window_find(&p), to = from + p.window, at = 0;
    bool is_inside = false;
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
        if (r->hit && !is_inside)
            bx_buf_lit(&out, "\2");
        bx_buf_str(&out, bx_str_slice(text, r->start, r->end));
        is_inside = r->hit && r->goes_on && i + 1 < to;
        if (r->hit && !is_inside)
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
