/* Any entry: the same terms each time; each word stands beside itself within the number; no kind of
 * term is taken for another. */
#include "store/sqlite/search_tokens.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static sqlite3 *db; /* for as long as the process */
static fts5_tokenizer ops;
static Fts5Tokenizer *tokenizer;

static void tokenizer_open(void)
{
    fts5_api *api = NULL;
    sqlite3_stmt *stmt;
    void *user;
    BX_ASSERT(sqlite3_open(":memory:", &db) == SQLITE_OK);
    BX_ASSERT(st_tokens_register(db) == SQLITE_OK);
    BX_ASSERT(sqlite3_prepare_v2(db, "SELECT fts5(?1)", -1, &stmt, NULL) == SQLITE_OK);
    sqlite3_bind_pointer(stmt, 1, &api, "fts5_api_ptr", NULL);
    sqlite3_step(stmt);
    sqlite3_finalize(stmt);
    BX_ASSERT(api && api->xFindTokenizer(api, "message_entry", &user, &ops) == SQLITE_OK);
    BX_ASSERT(ops.xCreate(user, NULL, 0, &tokenizer) == SQLITE_OK);
}

struct told {
    size_t words, in_number, starts, scopes;
    uint32_t hash;
};

static int on_term(void *ctx, int flags, const char *token, int len, int start, int end)
{
    struct told *t = ctx;
    struct bx_str term = bx_str_n(token, (size_t)len);
    (void)flags;
    BX_ASSERT(len > 0 && start >= 0 && start <= end);
    for (int i = 0; i < len; i++)
        t->hash = (t->hash ^ (unsigned char)token[i]) * 16777619u;
    bool is_in_number = bx_str_starts(term, BX_STR("\1n")) && memchr(token, ' ', (size_t)len);
    if (is_in_number)
        t->in_number++;
    else if (bx_str_starts(term, BX_STR(ST_TERM_START)))
        t->starts++;
    else if (token[0] == 1)
        t->scopes++;
    else
        t->words++;
    /* Behind a word there may be its mark, within one there is none. */
    const char *mark = memchr(token + 1, 1, (size_t)len - 1);
    BX_ASSERT(!mark || (mark == token + len - 1 && (token[0] != 1 || is_in_number)));
    return SQLITE_OK;
}

static int tell(const struct bx_buf *entry, struct told *out)
{
    struct bx_str view = bx_buf_view(entry);
    *out = (struct told){.hash = 2166136261u};
    return ops.xTokenize(tokenizer, out, FTS5_TOKENIZE_DOCUMENT, view.ptr, (int)view.len, on_term);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct told once, again;
    struct bx_buf entry;
    if (!tokenizer)
        tokenizer_open();
    bx_buf_init(&entry, 0);
    if (size && data[0] & 1)
        bx_buf_lit(&entry, "7 12 ");
    bx_buf_append(&entry, data, size);
    int rc = tell(&entry, &once);
    BX_ASSERT(tell(&entry, &again) == rc && once.hash == again.hash);
    BX_ASSERT(once.words == once.in_number && once.starts <= once.words);
    BX_ASSERT(rc == SQLITE_OK ? once.scopes == 2 : once.words == 0 && once.scopes <= 1);
    bx_buf_done(&entry);
    return 0;
}
