/* MP4, M4A, 3GP and QuickTime: what the headers say, and the same file without what people and
 * cameras wrote into it (titles, places, devices). Sample data is not touched. */
#ifndef BOX_MP4_H
#define BOX_MP4_H

#include "base/buf.h"

enum { BOX_MP4_METADATA_MAX = 64 };

struct box_mp4 {
    uint32_t width, height; /* as shown */
    uint64_t duration_ms;
    char video_codec[5], audio_codec[5]; /* "avc1", "mp4a"; "" without such a track */
    uint32_t other_tracks;               /* neither video nor audio: timed metadata, subtitles */
    struct {
        uint64_t at, len; /* the whole box */
    } metadata[BOX_MP4_METADATA_MAX];
    uint32_t metadata_count;
};

/* BX_E_INVALID: no index that could be read. */
int box_mp4_read(int fd, struct box_mp4 *out);

/* Writes a copy of the file in which each metadata box is an empty `free` box of the same size. */
int box_mp4_strip(int fd, const struct box_mp4 *mp4, int out_fd);

#endif
