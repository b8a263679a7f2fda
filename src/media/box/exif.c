/* Just enough of TIFF to find one number in its first directory. */
#include "media/box/picture.h"

enum { TAG_ORIENTATION = 0x0112, TAG_STICKER_PACK = 0x5741, ENTRY_SIZE = 12 };

struct tiff {
    struct bx_str bytes;
    bool is_little;
    size_t entries; /* offset of the first one */
    uint32_t count;
};

static uint32_t get16(const struct tiff *t, size_t at)
{
    return t->is_little ? box_le16(t->bytes.ptr + at) : box_be16(t->bytes.ptr + at);
}

static uint32_t get32(const struct tiff *t, size_t at)
{
    return t->is_little ? box_le32(t->bytes.ptr + at) : box_be32(t->bytes.ptr + at);
}

static bool tiff_open(struct bx_str bytes, struct tiff *t)
{
    if (bytes.len < 10)
        return false;
    *t = (struct tiff){.bytes = bytes, .is_little = bytes.ptr[0] == 'I'};
    if (memcmp(bytes.ptr, t->is_little ? "II*\0" : "MM\0*", 4) != 0)
        return false;
    size_t at = get32(t, 4);
    if (at > bytes.len - 2)
        return false;
    t->entries = at + 2;
    t->count = get16(t, at);
    return t->count <= (bytes.len - t->entries) / ENTRY_SIZE;
}

unsigned box_exif_orientation(struct bx_str bytes)
{
    struct tiff t;
    if (!tiff_open(bytes, &t))
        return 1;
    for (uint32_t i = 0; i < t.count; i++) {
        size_t at = t.entries + (size_t)i * ENTRY_SIZE;
        if (get16(&t, at) != TAG_ORIENTATION)
            continue;
        uint32_t value = get16(&t, at + 8);
        return value >= 1 && value <= 8 ? value : 1;
    }
    return 1;
}

bool box_exif_is_sticker_pack(struct bx_str bytes)
{
    struct tiff t;
    return tiff_open(bytes, &t) && t.count == 1 && get16(&t, t.entries) == TAG_STICKER_PACK;
}
