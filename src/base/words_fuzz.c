/* Any bytes: words lie in the text, have neither space nor control character, are folded, and are
 * the same each time; what a query asks for is in the index of the same text. */
#include "base/words.h"

#include "base/buf.h"
#include "base/fold.h"
#include "base/mem.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct told {
    struct bx_str text;
    struct bx_buf words; /* each between two NULs */
    const struct told *index;
    bool is_all; /* which the index has to have */
};

static int on_word(void *arg, const struct bx_word *word)
{
    struct told *t = arg;
    BX_ASSERT(word->start < word->end && word->end <= t->text.len && word->text.len);
    BX_ASSERT(bx_utf8_is_valid(word->text));
    for (size_t i = 0; i < word->text.len; i++)
        BX_ASSERT((unsigned char)word->text.ptr[i] > ' ' && word->text.ptr[i] != 127);
    size_t from = t->words.len;
    bx_buf_lit(&t->words, "\0");
    bx_buf_str(&t->words, word->text);
    bx_buf_lit(&t->words, "\0");
    struct bx_str entry = bx_str_slice(bx_buf_view(&t->words), from, t->words.len);
    if (t->index)
        BX_ASSERT(memmem(t->index->words.data, t->index->words.len, entry.ptr, entry.len));
    return 0;
}

static void text_write(struct bx_buf *out, const uint8_t *data, size_t size)
{
    static const char *const pieces[] = {"1",      "23",       ".",    "-",  " ",    "(", ")",
                                         "kg",     "Rp",       "東",   "京", "ไ",    "ที่", "한",
                                         "👍",      "\u200d",   "🏽", "🇮",  "é",    "ß", "½",
                                         "\u0301", "か\u3099", "ａ",   "٣",  "\xff", "ﷺ", "\u200b"};
    for (size_t i = 0; i < size; i++)
        bx_buf_str(out, bx_str(pieces[data[i] % BX_LEN(pieces)]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct bx_words *w; /* for as long as the process */
    struct bx_buf text;
    bx_buf_init(&text, 0);
    if (!w)
        w = bx_words_new();
    if (size && data[0] & 1)
        bx_buf_append(&text, data, size);
    else
        text_write(&text, data, size < 512 ? size : 512);
    struct told index = {.text = bx_buf_view(&text)};
    struct told query = {.text = bx_buf_view(&text), .index = &index};
    bx_buf_init(&index.words, 0);
    bx_buf_init(&query.words, 0);
    BX_ASSERT(bx_words_cut(w, BX_WORDS_INDEX, index.text, on_word, &index) == 0);
    BX_ASSERT(bx_words_cut(w, BX_WORDS_QUERY, index.text, on_word, &query) == 0);
    BX_ASSERT((index.words.len > 0) == (query.words.len > 0));
    bx_buf_done(&text);
    bx_buf_done(&index.words);
    bx_buf_done(&query.words);
    return 0;
}
