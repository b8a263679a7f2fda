/* Sends mutated files through wabox-media, each in a process of its own, as waboxd does:
 *
 *     media_flood WABOX_MEDIA RUNS CORPUS_FILE...
 *
 * The seed is fixed, so run N is always the same input. Ends with a failure when a helper died, was
 * killed by the clock, or used more memory than it may; an input that does is written to
 * flood-N.bin. The quick subset is a test; the full run is 100,000 inputs. */
#include "base/clock.h"
#include "base/mem.h"
#include "media/media.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

enum { RUNNING = 4, INPUT_MAX = 256 << 10, MEMORY_KB = 512 << 10, CODES = 32 };

struct sample {
    uint8_t *data;
    size_t len;
};

static uint64_t seed = 0x9e3779b97f4a7c15u;
static struct net_loop *loop;
static struct md_runner *runner;
static struct sample *corpus;
static size_t corpus_count;
static unsigned long runs, started, finished, bad, codes[CODES], thumbs;

static uint64_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* Few edits, so that many inputs get past the headers; some of them go into the first 64 bytes. */
static size_t mutate(uint8_t *out, const struct sample *from)
{
    static const uint8_t edges[] = {0, 1, 0x7f, 0x80, 0xff};
    size_t len = from->len;
    memcpy(out, from->data, len);
    for (uint64_t edits = 1 + next_random() % (next_random() % 3 ? 3 : 12); edits; edits--) {
        size_t at = len ? next_random() % (next_random() % 4 == 0 && len > 64 ? 64 : len) : 0;
        switch (next_random() % 6) {
        case 0:
            if (len)
                out[at] ^= (uint8_t)(1u << next_random() % 8);
            break;
        case 1:
            if (len)
                out[at] = edges[next_random() % BX_LEN(edges)];
            break;
        case 2: /* a number of four bytes */
            for (size_t i = at; i < at + 4 && i < len; i++)
                out[i] = (uint8_t)(next_random() % 3 ? 0xff : next_random());
            break;
        case 3: /* a piece of another place */
            if (len > 16)
                memmove(out + at, out + next_random() % len, (len - at) / 4 < len / 4 ? 8 : 4);
            break;
        case 4:
            if (next_random() % 4 == 0)
                len = at;
            break;
        default: /* of another file */
            if (next_random() % 4 == 0) {
                const struct sample *other = &corpus[next_random() % corpus_count];
                size_t n = other->len < 64 ? other->len : 64;
                memcpy(out + at, other->data, n);
                len = at + n > len ? at + n : len;
            }
            break;
        }
    }
    return len;
}

struct run {
    unsigned long number;
    int in, out;
};

static void keep(const struct run *r)
{
    char name[64];
    uint8_t block[4096];
    ssize_t n;
    snprintf(name, sizeof name, "flood-%lu.bin", r->number);
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    for (off_t at = 0; fd >= 0 && (n = pread(r->in, block, sizeof block, at)) > 0; at += n) {
        if (write(fd, block, (size_t)n) < 0)
            break;
    }
    if (fd >= 0)
        close(fd);
}

static void start_more(void);

static void on_done(const struct md_result *result, void *arg)
{
    struct run *r = arg;
    codes[-result->rc % CODES]++;
    thumbs += result->thumb.len > 0;
    bool is_bad = result->rc == BX_E_CORRUPT || result->rc == BX_E_TIMEOUT;
    if (is_bad) {
        bad++;
        printf("run %lu: %s\n", r->number, bx_err_name(result->rc));
        keep(r);
    }
    close(r->in);
    close(r->out);
    free(r);
    if (++finished == runs)
        net_loop_stop(loop);
    else
        start_more();
}

static void start_one(void)
{
    static uint8_t input[2 * INPUT_MAX];
    struct run *r = BX_NEW(struct run);
    size_t len = mutate(input, &corpus[next_random() % corpus_count]);
    r->number = started++;
    r->in = memfd_create("in", MFD_CLOEXEC);
    r->out = memfd_create("out", MFD_CLOEXEC);
    BX_ASSERT(r->in >= 0 && r->out >= 0 && write(r->in, input, len) == (ssize_t)len);
    enum md_kind kind = md_format_info(md_sniff(input, len))->kind;
    struct md_job job = {.op = next_random() % 2 ? MD_PROBE : MD_PREPARE,
                         .kind = next_random() % 4 ? kind : next_random() % MD_KIND_COUNT,
                         .key = r->number % 7,
                         .in_fd = r->in,
                         .out_fd = r->out};
    BX_ASSERT(md_run(runner, &job, on_done, r, NULL) >= 0);
}

static void start_more(void)
{
    while (started < runs && started - finished < 2 * (unsigned long)RUNNING)
        start_one();
}

static void load(const char *path)
{
    struct sample *s = &corpus[corpus_count];
    FILE *f = fopen(path, "re");
    s->data = bx_calloc(1, INPUT_MAX);
    if (!f)
        return;
    s->len = fread(s->data, 1, INPUT_MAX - 128, f);
    corpus_count += s->len > 0;
    fclose(f);
}

int main(int argc, char **argv)
{
    struct rusage usage;
    if (argc < 4) {
        fprintf(stderr, "usage: media_flood WABOX_MEDIA RUNS CORPUS_FILE...\n");
        return 2;
    }
    runs = strtoul(argv[2], NULL, 10);
    corpus = bx_calloc((size_t)argc, sizeof *corpus);
    for (int i = 3; i < argc; i++)
        load(argv[i]);
    const char *tools = getenv("FLOOD_TOOLS"); /* "": the system's; unset: none, which is faster */
    struct md_runner_opts opts = {.program = argv[1],
                                  .max_running = RUNNING,
                                  .tool_paths = !tools   ? "/nonexistent"
                                                : *tools ? tools
                                                         : NULL};
    if (!corpus_count || runs == 0 || net_loop_new(&loop) < 0 ||
        md_runner_new(loop, &opts, &runner) < 0)
        return 2;
    uint64_t began = bx_mono_ms();
    start_more();
    net_loop_run(loop);
    uint64_t took = bx_mono_ms() - began;
    getrusage(RUSAGE_CHILDREN, &usage);
    printf("%lu runs in %llu ms, %lu with a thumbnail, %lu bad, largest helper %ld KiB\n", finished,
           (unsigned long long)took, thumbs, bad, usage.ru_maxrss);
    for (int i = 0; i < CODES; i++) {
        if (codes[i])
            printf("  %-20s %lu\n", bx_err_name(-i), codes[i]);
    }
    return bad || usage.ru_maxrss > MEMORY_KB;
}
