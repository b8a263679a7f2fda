#include "media/box/audio.h"

#include "base/err.h"
#include "base/mem.h"
#include "media/box/file.h"
#include "media/box/picture.h"

#include <math.h>
#include <opusenc.h>
#include <opusfile.h>
#include <stdlib.h>

enum {
    OPUS_RATE = 48000,
    BLOCK_SAMPLES_MAX = 3 * OPUS_RATE, /* of a block that are decoded; the rest is skipped */
    DECODE_SAMPLES = 5760 * 2,
    AUDIO_S_MAX = 2 * 3600
};

void box_waveform(const double means[MD_WAVEFORM], uint8_t out[MD_WAVEFORM])
{
    double loudest = 0;
    for (unsigned i = 0; i < MD_WAVEFORM; i++)
        loudest = means[i] > loudest ? means[i] : loudest;
    for (unsigned i = 0; i < MD_WAVEFORM; i++) {
        double share = loudest > 0 ? floor(100 * (means[i] / loudest)) : 0;
        out[i] = share >= 100 ? 100 : share > 0 ? (uint8_t)share : 0;
    }
}

/* --- Ogg Opus --- */

struct source {
    int fd;
    uint64_t at, size;
};

static int on_read(void *arg, unsigned char *out, int len)
{
    struct source *s = arg;
    ssize_t n = box_file_read(s->fd, s->at, out, (size_t)len);
    if (n < 0)
        return -1;
    s->at += (uint64_t)n;
    return (int)n;
}

static int on_seek(void *arg, opus_int64 offset, int whence)
{
    struct source *s = arg;
    int64_t base = whence == SEEK_SET ? 0 : (int64_t)(whence == SEEK_END ? s->size : s->at);
    if (offset < -base || offset > INT64_MAX - base)
        return -1;
    s->at = (uint64_t)(base + offset);
    return 0;
}

static opus_int64 on_tell(void *arg)
{
    const struct source *s = arg;
    return (opus_int64)s->at;
}

/* Mean |x| of one block of `len` samples; a long block is represented by its beginning. */
static double block_mean(OggOpusFile *f, int64_t len, bool *is_over)
{
    static float samples[DECODE_SAMPLES];
    int64_t want = len < BLOCK_SAMPLES_MAX ? len : BLOCK_SAMPLES_MAX, got = 0;
    double sum = 0;
    while (got < want) {
        int64_t left = (want - got) * 2;
        int n =
            op_read_float_stereo(f, samples, left < DECODE_SAMPLES ? (int)left : DECODE_SAMPLES);
        if (n == OP_HOLE)
            continue;
        if (n <= 0) {
            *is_over = true;
            break;
        }
        for (int i = 0; i < n; i++)
            sum += fabs(((double)samples[2 * i] + (double)samples[2 * i + 1]) / 2);
        got += n;
    }
    return got ? sum / (double)got : 0;
}

static void read_blocks(OggOpusFile *f, int64_t total, struct md_result *out)
{
    double means[MD_WAVEFORM] = {0};
    int64_t block = total / MD_WAVEFORM;
    bool is_over = false;
    for (unsigned i = 0; i < MD_WAVEFORM && !is_over && block > 0; i++) {
        if (block > BLOCK_SAMPLES_MAX && i && op_pcm_seek(f, block * i) < 0)
            break;
        means[i] = block_mean(f, block, &is_over);
    }
    box_waveform(means, out->waveform);
    out->has_waveform = true;
}

int box_opus_read(int fd, struct md_result *out)
{
    static const OpusFileCallbacks calls = {on_read, on_seek, on_tell, NULL};
    struct source source = {.fd = fd, .size = box_file_size(fd)};
    int error;
    OggOpusFile *f = op_open_callbacks(&source, &calls, NULL, 0, &error);
    if (!f)
        return BX_E_INVALID;
    int64_t total = op_pcm_total(f, -1);
    if (total > 0 && total / OPUS_RATE < 86400 * 365) {
        out->duration_ms = (uint64_t)total * 1000 / OPUS_RATE;
        if (total / OPUS_RATE <= AUDIO_S_MAX)
            read_blocks(f, total, out);
    }
    op_free(f);
    return total > 0 ? BX_OK : BX_E_INVALID;
}

int box_pcm_read(int fd, uint32_t rate, struct md_result *out)
{
    struct bx_str file;
    double means[MD_WAVEFORM] = {0};
    int rc = box_file_map(fd, 256 << 20, &file);
    if (rc < 0)
        return rc;
    size_t samples = file.len / 2, block = samples / MD_WAVEFORM;
    for (size_t i = 0; i < MD_WAVEFORM && block; i++) {
        double sum = 0;
        for (size_t k = 0; k < block; k++)
            sum += fabs((double)(int16_t)box_le16(file.ptr + (i * block + k) * 2));
        means[i] = sum / (double)block;
    }
    box_file_unmap(file);
    if (!samples)
        return BX_E_INVALID;
    box_waveform(means, out->waveform);
    out->has_waveform = true;
    out->duration_ms = (uint64_t)samples * 1000 / rate;
    return BX_OK;
}

/* --- WAV --- */

struct wav {
    uint32_t channels, rate, bits;
    bool is_float;
    uint64_t at, len; /* of the samples */
};

static bool parse_format(const char *c, struct wav *w)
{
    uint32_t tag = box_le16(c);
    if (tag == 0xfffe) /* extensible: the tag is the start of a GUID */
        tag = box_le16(c + 24);
    w->channels = box_le16(c + 2);
    w->rate = box_le32(c + 4);
    w->bits = box_le16(c + 14);
    w->is_float = tag == 3;
    bool is_known =
        (tag == 1 && (w->bits == 8 || w->bits == 16 || w->bits == 24 || w->bits == 32)) ||
        (tag == 3 && w->bits == 32);
    return is_known && w->channels >= 1 && w->channels <= 8 && w->rate >= 1000 && w->rate <= 192000;
}

static int wav_open(int fd, struct wav *w)
{
    uint64_t size = box_file_size(fd), at = 12;
    bool has_format = false;
    *w = (struct wav){0};
    for (unsigned chunks = 0; chunks < 256 && size - at >= 8 && at < size; chunks++) {
        char c[48] = {0};
        if (box_file_read(fd, at, c, sizeof c) < 8)
            return BX_E_INVALID;
        uint64_t len = box_le32(c + 4);
        if (memcmp(c, "fmt ", 4) == 0 && len >= 16) {
            has_format = true;
            if (!parse_format(c + 8, w))
                return BX_E_UNSUPPORTED;
        } else if (memcmp(c, "data", 4) == 0 && has_format) {
            w->at = at + 8;
            w->len = len < size - w->at ? len : size - w->at;
            return BX_OK;
        }
        at += 8 + len + (len & 1);
    }
    return BX_E_INVALID;
}

int box_wav_read(int fd, struct md_result *out)
{
    struct wav w;
    int rc = wav_open(fd, &w);
    if (rc < 0)
        return rc;
    out->duration_ms = w.len * 1000 / ((uint64_t)w.rate * w.channels * (w.bits / 8));
    return BX_OK;
}

static float sample_at(const struct wav *w, const char *p)
{
    float f;
    switch (w->bits) {
    case 8:
        return (float)((int)(uint8_t)*p - 128) / 128;
    case 16:
        return (float)(int16_t)box_le16(p) / 32768;
    case 24:
        return (float)((int32_t)((uint32_t)box_le16(p) << 8 | (uint32_t)(uint8_t)p[2] << 24) /
                       256) /
               8388608;
    default:
        if (!w->is_float)
            return (float)(int32_t)box_le32(p) / 2147483648.0f;
        memcpy(&f, p, sizeof f);
        return isfinite(f) ? fmaxf(-1, fminf(1, f)) : 0;
    }
}

struct sink {
    int fd;
    uint64_t at;
    int rc;
};

static int on_write(void *arg, const unsigned char *bytes, opus_int32 len)
{
    struct sink *s = arg;
    s->rc = box_file_write_at(s->fd, s->at, bytes, (size_t)len);
    s->at += (uint64_t)len;
    return s->rc < 0;
}

static int on_close(void *arg)
{
    (void)arg;
    return 0;
}

/* Channels beyond what is wanted are mixed into one. */
static void mix(const struct wav *w, const char *frame, unsigned channels, float *out)
{
    unsigned bytes = w->bits / 8;
    if (channels == w->channels) {
        for (unsigned c = 0; c < channels; c++)
            out[c] = sample_at(w, frame + c * bytes);
        return;
    }
    float sum = 0;
    for (unsigned c = 0; c < w->channels; c++)
        sum += sample_at(w, frame + c * bytes);
    out[0] = sum / (float)w->channels;
}

enum { FRAMES = 1024 };

static int encode_frames(int in_fd, const struct wav *w, unsigned channels, OggOpusEnc *enc)
{
    static char raw[FRAMES * 8 * 4];
    static float samples[FRAMES * 2];
    size_t frame = (size_t)w->channels * (w->bits / 8);
    uint64_t at = w->at, end = w->at + w->len - w->len % frame;
    while (at < end) {
        size_t want = end - at < FRAMES * frame ? (size_t)(end - at) : FRAMES * frame;
        ssize_t n = box_file_read(in_fd, at, raw, want);
        if (n < (ssize_t)frame)
            return n < 0 ? (int)n : BX_E_TRUNCATED;
        size_t count = (size_t)n / frame;
        for (size_t i = 0; i < count; i++)
            mix(w, raw + i * frame, channels, samples + i * channels);
        if (ope_encoder_write_float(enc, samples, (int)count) != OPE_OK)
            return BX_E_IO;
        at += count * frame;
    }
    return ope_encoder_drain(enc) == OPE_OK ? BX_OK : BX_E_IO;
}

int box_wav_to_opus(int in_fd, int out_fd, bool is_voice)
{
    static const OpusEncCallbacks calls = {on_write, on_close};
    struct wav w;
    struct sink sink = {.fd = out_fd};
    int error, rc = wav_open(in_fd, &w);
    if (rc < 0)
        return rc;
    if (w.len / ((uint64_t)w.rate * w.channels * (w.bits / 8)) > AUDIO_S_MAX)
        return BX_E_TOO_BIG;
    unsigned channels = is_voice || w.channels != 2 ? 1 : 2;
    OggOpusComments *comments = ope_comments_create();
    OggOpusEnc *enc =
        comments ? ope_encoder_create_callbacks(&calls, &sink, comments, (opus_int32)w.rate,
                                                (int)channels, 0, &error)
                 : NULL;
    rc = BX_E_NOMEM;
    if (enc) {
        ope_encoder_ctl(enc, OPUS_SET_BITRATE(is_voice ? 32000 : 96000));
        ope_encoder_ctl(enc, OPUS_SET_SIGNAL(is_voice ? OPUS_SIGNAL_VOICE : OPUS_AUTO));
        ope_encoder_ctl(enc, OPUS_SET_COMPLEXITY(5));
        rc = encode_frames(in_fd, &w, channels, enc);
        ope_encoder_destroy(enc);
    }
    if (comments)
        ope_comments_destroy(comments);
    return rc >= 0 && sink.rc < 0 ? sink.rc : rc;
}

/* --- frames: MP3, AAC in ADTS, AMR --- */

struct frame {
    uint64_t len;
    uint32_t samples, rate;
};

static bool mp3_frame(const uint8_t *b, struct frame *f)
{
    static const uint16_t kbits[2][16] = {
        {0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0},
        {0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0}};
    static const uint32_t rates[4] = {44100, 48000, 32000, 0};
    unsigned version = b[1] >> 3 & 3; /* 3: MPEG 1, 2: MPEG 2, 0: MPEG 2.5 */
    if (b[0] != 0xff || (b[1] & 0xe6) != 0xe2 || version == 1)
        return false;
    uint32_t rate = rates[b[2] >> 2 & 3] >> (version == 3 ? 0 : version == 2 ? 1 : 2);
    uint32_t kbit = kbits[version != 3][b[2] >> 4];
    if (!rate || !kbit)
        return false;
    f->samples = version == 3 ? 1152 : 576;
    f->rate = rate;
    f->len = f->samples / 8 * kbit * 1000 / rate + (b[2] >> 1 & 1);
    return true;
}

static bool aac_frame(const uint8_t *b, struct frame *f)
{
    static const uint32_t rates[16] = {96000, 88200, 64000, 48000, 44100, 32000, 24000,
                                       22050, 16000, 12000, 11025, 8000,  7350};
    f->rate = rates[b[2] >> 2 & 15];
    f->samples = 1024;
    f->len = (uint64_t)(b[3] & 3) << 11 | (uint64_t)b[4] << 3 | b[5] >> 5;
    return b[0] == 0xff && (b[1] & 0xf6) == 0xf0 && f->rate && f->len >= 7;
}

static bool amr_frame(const uint8_t *b, struct frame *f)
{
    static const uint8_t sizes[16] = {13, 14, 16, 18, 20, 21, 27, 32, 6, 0, 0, 0, 0, 0, 0, 1};
    f->rate = 8000;
    f->samples = 160;
    f->len = sizes[b[0] >> 3 & 15];
    return f->len != 0 && !(b[0] & 0x80);
}

/* ID3v2 at the start: its size is in groups of seven bits. */
static uint64_t skip_id3(int fd)
{
    uint8_t b[10] = {0};
    if (box_file_read(fd, 0, b, sizeof b) < 10 || memcmp(b, "ID3", 3) != 0)
        return 0;
    uint64_t len = (uint64_t)(b[6] & 127) << 21 | (uint64_t)(b[7] & 127) << 14 |
                   (uint64_t)(b[8] & 127) << 7 | (b[9] & 127);
    return 10 + len + (b[5] & 0x10 ? 10 : 0);
}

/* What players append behind the audio: ID3v1, APE. */
static bool is_tag(int fd, uint64_t at)
{
    char b[4] = {0};
    return box_file_read(fd, at, b, sizeof b) == 4 &&
           (memcmp(b, "TAG", 3) == 0 || memcmp(b, "APET", 4) == 0);
}

int box_frames_read(int fd, enum md_format format, struct md_result *out, uint64_t *begin,
                    uint64_t *end)
{
    uint64_t at = format == MD_AMR ? 6 : skip_id3(fd), frames = 0, us = 0, size = box_file_size(fd);
    struct frame f = {0};
    *begin = format == MD_AMR ? 0 : at;
    while (at < size && us / 1000000 < AUDIO_S_MAX * 12) {
        uint8_t b[8] = {0};
        if (box_file_read(fd, at, b, sizeof b) < 1)
            break;
        bool is_frame = format == MD_MP3   ? mp3_frame(b, &f)
                        : format == MD_AAC ? aac_frame(b, &f)
                                           : amr_frame(b, &f);
        if (!is_frame)
            break;
        us += (uint64_t)f.samples * 1000000 / f.rate;
        at += f.len;
        frames++;
    }
    *end = at < size && is_tag(fd, at) ? at : size;
    if (frames == 0)
        return BX_E_INVALID;
    out->duration_ms = us / 1000;
    return BX_OK;
}
