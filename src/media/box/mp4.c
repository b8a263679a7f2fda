/* A walk over boxes with a cap on their number and depth. Only fixed places of five kinds of box
 * are read; a size that lies ends the walk. */
#include "media/box/mp4.h"

#include "base/err.h"
#include "base/mem.h"
#include "media/box/file.h"
#include "media/box/picture.h"

enum { BOXES_MAX = 4096, DEPTH_MAX = 8, HEADER = 8, BOX_BYTES = 128 };

struct walk {
    int fd;
    struct box_mp4 *out;
    unsigned boxes;
    bool has_header;
    /* of the track that is being read */
    uint32_t track_width, track_height;
    char handler[5];
};

struct box {
    char type[5];
    uint64_t at, len, header;
};

static bool next_box(struct walk *w, uint64_t at, uint64_t end, struct box *b)
{
    char bytes[16];
    if (end - at < HEADER || ++w->boxes > BOXES_MAX ||
        box_file_read(w->fd, at, bytes, sizeof bytes) < HEADER)
        return false;
    *b = (struct box){.at = at, .len = box_be32(bytes), .header = HEADER};
    memcpy(b->type, bytes + 4, 4);
    if (b->len == 1) {
        b->len = (uint64_t)box_be32(bytes + 8) << 32 | box_be32(bytes + 12);
        b->header = 16;
    } else if (b->len == 0) {
        b->len = end - at;
    }
    return b->len >= b->header && b->len <= end - at;
}

/* The first bytes of a box's content; the rest of the array is zero. */
static size_t content(const struct walk *w, const struct box *b, char out[BOX_BYTES])
{
    memset(out, 0, BOX_BYTES);
    uint64_t len = b->len - b->header;
    ssize_t n = box_file_read(w->fd, b->at + b->header, out, len < BOX_BYTES ? len : BOX_BYTES);
    return n < 0 ? 0 : (size_t)n;
}

static void on_movie_header(struct walk *w, const struct box *b)
{
    char c[BOX_BYTES];
    content(w, b, c);
    bool is_long = c[0] == 1;
    uint64_t scale = box_be32(c + (is_long ? 20 : 12));
    uint64_t duration =
        is_long ? (uint64_t)box_be32(c + 24) << 32 | box_be32(c + 28) : box_be32(c + 16);
    w->has_header = true;
    if (scale && duration < UINT64_MAX / 1000 && duration / scale < 86400u * 365)
        w->out->duration_ms = duration * 1000 / scale;
}

static void on_track_header(struct walk *w, const struct box *b)
{
    char c[BOX_BYTES];
    content(w, b, c);
    size_t at = c[0] == 1 ? 52 : 40; /* the matrix */
    uint32_t width = box_be32(c + at + 36) >> 16, height = box_be32(c + at + 40) >> 16;
    bool is_turned = box_be32(c + at) == 0 && box_be32(c + at + 4) != 0;
    w->track_width = is_turned ? height : width;
    w->track_height = is_turned ? width : height;
}

static void on_handler(struct walk *w, const struct box *b)
{
    char c[BOX_BYTES];
    content(w, b, c);
    memcpy(w->handler, c + 8, 4);
    if (strcmp(w->handler, "vide") != 0 && strcmp(w->handler, "soun") != 0)
        w->out->other_tracks++;
}

static void on_samples(struct walk *w, const struct box *b)
{
    char c[BOX_BYTES];
    if (content(w, b, c) < 16)
        return;
    if (strcmp(w->handler, "vide") == 0 && !w->out->video_codec[0]) {
        memcpy(w->out->video_codec, c + 12, 4);
        w->out->width = w->track_width;
        w->out->height = w->track_height;
    } else if (strcmp(w->handler, "soun") == 0 && !w->out->audio_codec[0]) {
        memcpy(w->out->audio_codec, c + 12, 4);
    }
}

static void on_metadata(struct walk *w, const struct box *b)
{
    struct box_mp4 *o = w->out;
    if (b->len > b->header && o->metadata_count < BOX_MP4_METADATA_MAX) {
        o->metadata[o->metadata_count].at = b->at;
        o->metadata[o->metadata_count++].len = b->len;
    }
}

static void walk_boxes(struct walk *w, uint64_t at, uint64_t end, unsigned depth);

static const struct {
    const char *type;
    void (*on_box)(struct walk *w, const struct box *b); /* NULL: look inside */
} kinds[] = {
    {"moov", NULL},
    {"trak", NULL},
    {"mdia", NULL},
    {"minf", NULL},
    {"stbl", NULL},
    {"mvhd", on_movie_header},
    {"tkhd", on_track_header},
    {"hdlr", on_handler},
    {"stsd", on_samples},
    {"udta", on_metadata},
    {"meta", on_metadata},
    {"uuid", on_metadata},
};

static void walk_boxes(struct walk *w, uint64_t at, uint64_t end, unsigned depth)
{
    struct box b;
    while (at < end && next_box(w, at, end, &b)) {
        for (size_t i = 0; i < BX_LEN(kinds); i++) {
            if (strcmp(kinds[i].type, b.type) != 0)
                continue;
            if (kinds[i].on_box)
                kinds[i].on_box(w, &b);
            else if (depth < DEPTH_MAX)
                walk_boxes(w, b.at + b.header, b.at + b.len, depth + 1);
        }
        at += b.len;
    }
}

int box_mp4_read(int fd, struct box_mp4 *out)
{
    struct box_mp4 mp4 = {0};
    struct walk w = {.fd = fd, .out = &mp4};
    walk_boxes(&w, 0, box_file_size(fd), 0);
    if (!w.has_header)
        return BX_E_INVALID;
    *out = mp4;
    return BX_OK;
}

static int empty_box(int fd, uint64_t at, uint64_t len)
{
    static const char zeros[4096];
    char header[16] = "\0\0\0\1free";
    /* Both forms of a header keep the box's size; the long form is 16 bytes. */
    size_t size = len > UINT32_MAX ? 16 : HEADER;
    for (unsigned i = 0; i < 4 && size == HEADER; i++)
        header[i] = (char)(len >> (24 - 8 * i));
    for (unsigned i = 0; i < 8 && size == 16; i++)
        header[8 + i] = (char)(len >> (56 - 8 * i));
    int rc = box_file_write_at(fd, at, header, size);
    for (uint64_t done = size; done < len && rc >= 0; done += sizeof zeros)
        rc = box_file_write_at(fd, at + done, zeros,
                               len - done < sizeof zeros ? (size_t)(len - done) : sizeof zeros);
    return rc;
}

int box_mp4_strip(int fd, const struct box_mp4 *mp4, int out_fd)
{
    int rc = box_file_copy(fd, 0, box_file_size(fd), out_fd);
    for (uint32_t i = 0; i < mp4->metadata_count && rc >= 0; i++)
        rc = empty_box(out_fd, mp4->metadata[i].at, mp4->metadata[i].len);
    return rc;
}
