#include "store/sqlite/search_tokens.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/words.h"

#include <stdio.h>
#include <stdlib.h>

enum { START_CHARACTERS = 5, MARKING_EACH = 1024, DIGITS_MAX = 20, SCOPE_MAX = DIGITS_MAX + 3 };

struct entry_tokenizer {
    struct bx_words *words;
    struct bx_buf term; /* "\1n7 " and the word that is told */
};

static fts5_api *api_of(sqlite3 *db)
{
    fts5_api *api = NULL;
    sqlite3_stmt *stmt;
    if (sqlite3_prepare_v2(db, "SELECT fts5(?1)", -1, &stmt, NULL) != SQLITE_OK)
        return NULL;
    sqlite3_bind_pointer(stmt, 1, &api, "fts5_api_ptr", NULL);
    sqlite3_step(stmt);
    sqlite3_finalize(stmt);
    return api;
}

static int entry_open(void *api, const char **args, int count, Fts5Tokenizer **out)
{
    (void)api;
    (void)args;
    (void)count;
    struct entry_tokenizer *t = BX_NEW(struct entry_tokenizer);
    t->words = bx_words_new();
    bx_buf_init(&t->term, 0);
    *out = (Fts5Tokenizer *)t;
    return SQLITE_OK;
}

static void entry_close(Fts5Tokenizer *tokenizer)
{
    struct entry_tokenizer *t = (struct entry_tokenizer *)tokenizer;
    bx_words_free(t->words);
    bx_buf_done(&t->term);
    free(t);
}

struct telling {
    struct entry_tokenizer *t;
    size_t prefix; /* of t->term */
    bool marks;
    st_token_fn *on_token;
    void *ctx;
};

struct bx_str st_tokens_start(struct bx_str word)
{
    size_t characters = 0;
    for (size_t i = 0; i <= word.len; i++) {
        bool is_begin = i == word.len || ((unsigned char)word.ptr[i] & 0xc0) != 0x80;
        if (is_begin && characters++ == START_CHARACTERS)
            return bx_str_n(word.ptr, i);
    }
    return (struct bx_str){0};
}

static int start_tell(const struct telling *w, struct bx_str word, int start, int end)
{
    char term[sizeof ST_TERM_START + 4 * START_CHARACTERS];
    struct bx_str first = st_tokens_start(word);
    if (first.len == 0 || first.len > 4 * START_CHARACTERS)
        return SQLITE_OK;
    memcpy(term, ST_TERM_START, sizeof ST_TERM_START - 1);
    memcpy(term + sizeof ST_TERM_START - 1, first.ptr, first.len);
    return w->on_token(w->ctx, 0, term, (int)(sizeof ST_TERM_START - 1 + first.len), start, end);
}

/* What stands in t->term behind `from`; with a mark once more. */
static int term_tell(const struct telling *w, size_t from, int start, int end)
{
    struct bx_buf *term = &w->t->term;
    const char *ptr = bx_buf_view(term).ptr + from;
    int rc = w->on_token(w->ctx, 0, ptr, (int)(term->len - from), start, end);
    if (rc != SQLITE_OK || !w->marks)
        return rc;
    bx_buf_lit(term, "\1");
    rc = w->on_token(w->ctx, 0, bx_buf_view(term).ptr + from, (int)(term->len - from), start, end);
    term->len--;
    return rc;
}

/* A word, the word in its number, its start. */
static int on_word(void *arg, const struct bx_word *it)
{
    const struct telling *w = arg;
    struct bx_str word = it->text;
    int start = (int)it->start, end = (int)it->end;
    w->t->term.len = w->prefix;
    bx_buf_str(&w->t->term, word);
    int rc = term_tell(w, w->prefix, start, end);
    if (rc == SQLITE_OK)
        rc = term_tell(w, 0, start, end);
    return rc == SQLITE_OK ? start_tell(w, word, start, end) : rc;
}

/* By the text, so that it is taken out of the index as it went in. FNV-1a. */
static bool is_marking(struct bx_str text)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ (unsigned char)text.ptr[i]) * 16777619u;
    return (hash >> 8) % MARKING_EACH == 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The digits up to the next space as a term "\1" kind digits; the text goes on behind it. */
static int scope_tell(struct bx_str *text, char kind, struct bx_str *out, char *term,
                      const struct telling *w)
{
    size_t digits = 0;
    while (digits < text->len && digits < DIGITS_MAX && is_digit(text->ptr[digits]))
        digits++;
    if (digits == 0 || digits == text->len || text->ptr[digits] != ' ')
        return SQLITE_CORRUPT;
    int len = snprintf(term, SCOPE_MAX, "\1%c%.*s", kind, (int)digits, text->ptr);
    *text = bx_str_slice(*text, digits + 1, text->len);
    *out = bx_str_n(term, (size_t)len);
    return w->on_token(w->ctx, 0, term, len, 0, 0);
}

static int entry_tokenize(Fts5Tokenizer *tokenizer, void *ctx, int flags, const char *ptr, int len,
                          st_token_fn *on_token)
{
    struct entry_tokenizer *t = (struct entry_tokenizer *)tokenizer;
    struct telling w = {t, 0, false, on_token, ctx};
    struct bx_str text = bx_str_n(ptr, (size_t)len), number, chat;
    char number_term[SCOPE_MAX], chat_term[SCOPE_MAX];
    if (flags & FTS5_TOKENIZE_QUERY)
        return on_token(ctx, 0, ptr, len, 0, len);
    int rc = scope_tell(&text, 'n', &number, number_term, &w);
    if (rc == SQLITE_OK)
        rc = scope_tell(&text, 'c', &chat, chat_term, &w);
    if (rc != SQLITE_OK || text.len == 0)
        return rc;
    t->term.len = 0;
    bx_buf_str(&t->term, number);
    bx_buf_lit(&t->term, " ");
    w.prefix = t->term.len;
    w.marks = is_marking(text);
    return bx_words_cut(t->words, BX_WORDS_INDEX, text, on_word, &w);
}

int st_tokens_register(sqlite3 *db)
{
    static fts5_tokenizer ops = {entry_open, entry_close, entry_tokenize};
    fts5_api *api = api_of(db);
    return api ? api->xCreateTokenizer(api, "message_entry", NULL, &ops, NULL) : SQLITE_ERROR;
}
