/* Decoders called directly, where no sandbox is needed because the pictures are our own. */
#include "media/box/picture.h"

#include "base/mem.h"
#include "base/test.h"
#include "media/box/audio.h"

#include <math.h>

static struct box_raster striped(uint32_t width, uint32_t height)
{
    struct box_raster r;
    assert_rc(box_raster_init(&r, width, height), BX_OK);
    for (size_t i = 0; i < (size_t)width * height; i++) {
        bool is_left = i % width < width / 2, is_top = i / width < height / 2;
        uint8_t pixel[4] = {is_left ? 255 : 0, is_top ? 255 : 0, 0, 255};
        memcpy(r.rgba + i * 4, pixel, 4);
    }
    return r;
}

static const uint8_t *pixel(const struct box_raster *r, uint32_t x, uint32_t y)
{
    return r->rgba + ((size_t)y * r->width + x) * 4;
}

TEST(scaling_averages_the_area_under_a_pixel)
{
    struct box_raster r, small;
    assert_rc(box_raster_init(&r, 3, 1), BX_OK);
    const uint8_t row[12] = {0, 0, 0, 255, 90, 0, 0, 255, 180, 0, 0, 255};
    memcpy(r.rgba, row, sizeof row);
    assert_rc(box_raster_scale(&r, 2, 1, &small), BX_OK);
    assert_int_equal(pixel(&small, 0, 0)[0], 30); /* 2/3 of 0, 1/3 of 90 */
    assert_int_equal(pixel(&small, 1, 0)[0], 150);
    box_raster_done(&small);
    box_raster_done(&r);
}

TEST(scaling_keeps_the_colour_of_what_is_visible)
{
    struct box_raster r, small;
    assert_rc(box_raster_init(&r, 2, 1), BX_OK);
    const uint8_t row[8] = {200, 100, 50, 255, 0, 0, 0, 0};
    memcpy(r.rgba, row, sizeof row);
    assert_rc(box_raster_scale(&r, 1, 1, &small), BX_OK);
    const uint8_t want[4] = {200, 100, 50, 128};
    assert_memory_equal(pixel(&small, 0, 0), want, 4);
    assert_true(small.has_alpha);
    box_raster_done(&small);
    box_raster_done(&r);
}

TEST(every_orientation_shows_the_same_corner)
{
    /* Where the red and green (top left) corner of the stored picture is shown. */
    static const struct {
        unsigned orientation;
        bool is_right, is_bottom, is_swapped;
    } rows[] = {{1, 0, 0, 0}, {2, 1, 0, 0}, {3, 1, 1, 0}, {4, 0, 1, 0},
                {5, 0, 0, 1}, {6, 1, 0, 1}, {7, 1, 1, 1}, {8, 0, 1, 1}};
    for (size_t i = 0; i < BX_LEN(rows); i++) {
        struct box_raster r = striped(40, 20);
        assert_rc(box_raster_orient(&r, rows[i].orientation), BX_OK);
        assert_int_equal(r.width, rows[i].is_swapped ? 20 : 40);
        const uint8_t *p =
            pixel(&r, rows[i].is_right ? r.width - 1 : 0, rows[i].is_bottom ? r.height - 1 : 0);
        assert_int_equal(p[0], 255);
        assert_int_equal(p[1], 255);
        box_raster_done(&r);
    }
}

TEST(a_picture_fits_without_growing_or_vanishing)
{
    static const struct {
        uint32_t width, height, max, want_width, want_height;
    } rows[] = {{100, 50, 480, 100, 50},
                {4000, 3000, 480, 480, 360},
                {30000, 1, 480, 480, 1},
                {1, 30000, 100, 1, 100}};
    for (size_t i = 0; i < BX_LEN(rows); i++) {
        uint32_t width, height;
        box_fit(rows[i].width, rows[i].height, rows[i].max, &width, &height);
        assert_int_equal(width, rows[i].want_width);
        assert_int_equal(height, rows[i].want_height);
    }
}

static int encode_jpeg(const struct box_raster *r, struct bx_buf *out)
{
    return box_jpeg_encode(r, 90, out);
}

static int encode_webp(const struct box_raster *r, struct bx_buf *out)
{
    return box_webp_encode(r, 90, out);
}

TEST(what_is_encoded_is_read_again)
{
    static const struct {
        int (*encode)(const struct box_raster *, struct bx_buf *);
        enum md_format format;
    } rows[] = {{encode_jpeg, MD_JPEG}, {box_png_encode, MD_PNG}, {encode_webp, MD_WEBP}};
    for (size_t i = 0; i < BX_LEN(rows); i++) {
        struct box_raster r = striped(640, 320), back;
        struct box_picture p;
        struct bx_buf b;
        bx_buf_init(&b, 0);
        assert_rc(rows[i].encode(&r, &b), BX_OK);
        assert_rc(box_picture_read(bx_buf_view(&b), &p), BX_OK);
        assert_int_equal(p.format, rows[i].format);
        assert_int_equal(p.width, 640);
        assert_false(p.has_metadata);
        assert_rc(box_picture_decode(bx_buf_view(&b), &p, 100, &back), BX_OK);
        assert_int_equal(back.width, 100);
        assert_int_equal(back.height, 50);
        assert_true(pixel(&back, 2, 2)[0] > 240 && pixel(&back, 97, 2)[0] < 15);
        assert_true(pixel(&back, 2, 2)[1] > 240 && pixel(&back, 2, 47)[1] < 15);
        box_raster_done(&back);
        box_raster_done(&r);
        bx_buf_done(&b);
    }
}

TEST(the_waveform_is_that_of_other_clients)
{
    /* A triangle of 6400 samples; what an unmodified client's loop made of it. */
    static const char want[] = "0104070b0e1114171a1e2124272a2e3134373a3d4144474a4d5054575a5d6063"
                               "64605d5a5754504d4a4744413d3a3734312e2a2724211e1a1714110e0b070401";
    double means[MD_WAVEFORM];
    uint8_t got[MD_WAVEFORM], expected[MD_WAVEFORM];
    for (unsigned block = 0; block < MD_WAVEFORM; block++) {
        float sum = 0; /* in single precision, like the samples there */
        for (unsigned k = 0; k < 100; k++) {
            unsigned i = block * 100 + k;
            double x = i < 3200 ? i / 3200.0 : 1 - (i - 3200) / 3200.0;
            sum += fabsf((float)x);
        }
        means[block] = (double)sum / 100;
    }
    box_waveform(means, got);
    assert_rc(bx_hex_decode(bx_str(want), expected, sizeof expected), BX_OK);
    for (unsigned i = 0; i < MD_WAVEFORM; i++)
        assert_in_range(got[i] + 1 - expected[i], 0, 2);
    double silence[MD_WAVEFORM] = {0};
    box_waveform(silence, got);
    assert_int_equal(got[0], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scaling_averages_the_area_under_a_pixel),
        cmocka_unit_test(scaling_keeps_the_colour_of_what_is_visible),
        cmocka_unit_test(every_orientation_shows_the_same_corner),
        cmocka_unit_test(a_picture_fits_without_growing_or_vanishing),
        cmocka_unit_test(what_is_encoded_is_read_again),
        cmocka_unit_test(the_waveform_is_that_of_other_clients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
