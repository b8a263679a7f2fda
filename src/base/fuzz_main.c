/* Runs a libFuzzer entry without libFuzzer: N fixed-seed inputs, first every file of a corpus
 * folder and mutations of them. So every fuzzer is also a test that any compiler can run: fuzz_x
 * [runs] [corpus files...]
 */
#include "base/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 4096 };

static uint64_t seed = 0x9e3779b97f4a7c15u;

static uint64_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

struct sample {
    uint8_t *data;
    size_t len;
};

static struct sample load(const char *path)
{
    struct sample s = {bx_calloc(1, INPUT_MAX), 0};
    FILE *f = fopen(path, "re");
    if (f) {
        s.len = fread(s.data, 1, INPUT_MAX, f);
        fclose(f);
    }
    return s;
}

static size_t mutate(uint8_t *out, const struct sample *from)
{
    size_t len = from->len;
    memcpy(out, from->data, len);
    for (uint64_t edits = 1 + next_random() % 8; edits; edits--) {
        size_t at = len ? next_random() % len : 0;
        switch (next_random() % 5) {
        case 0: /* flip a bit */
            if (len)
                out[at] ^= (uint8_t)(1u << next_random() % 8);
            break;
        case 1: /* another byte */
            if (len)
                out[at] = (uint8_t)next_random();
            break;
        case 2: /* cut */
            len = at;
            break;
        case 3: /* insert a byte */
            if (len < INPUT_MAX) {
                memmove(out + at + 1, out + at, len - at);
                out[at] = (uint8_t)next_random();
                len++;
            }
            break;
        default: /* repeat a piece */
            if (len && len + (len - at) <= INPUT_MAX) {
                memmove(out + len, out + at, len - at);
                len += len - at;
            }
            break;
        }
    }
    return len;
}

/* Each input is an exact-size heap copy, so AddressSanitizer sees a read one byte past its end. */
static void run_one(const uint8_t *data, size_t len)
{
    uint8_t *copy = bx_realloc(NULL, len ? len : 1, 1);
    memcpy(copy, data, len);
    LLVMFuzzerTestOneInput(copy, len);
    free(copy);
}

int main(int argc, char **argv)
{
    unsigned long runs = argc > 1 ? strtoul(argv[1], NULL, 10) : 200000;
    size_t count = argc > 2 ? (size_t)argc - 2 : 0;
    struct sample *corpus = bx_calloc(count + 1, sizeof *corpus);
    uint8_t *input = bx_calloc(1, 2 * INPUT_MAX);
    for (size_t i = 0; i < count; i++) {
        corpus[i] = load(argv[i + 2]);
        run_one(corpus[i].data, corpus[i].len);
    }
    for (unsigned long i = 0; i < runs; i++) {
        size_t len;
        if (count && next_random() % 4) {
            len = mutate(input, &corpus[next_random() % count]);
        } else {
            len = next_random() % 256;
            for (size_t k = 0; k < len; k++)
                input[k] = (uint8_t)next_random();
        }
        run_one(input, len);
    }
    for (size_t i = 0; i < count; i++)
        free(corpus[i].data);
    free(corpus);
    free(input);
    printf("%lu runs, %zu corpus files, no finding\n", runs, count);
    return 0;
}
