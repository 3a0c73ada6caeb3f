/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/image.h"

#include "io/font.h"

#include "scratch.h"

#include <math.h>
#include <png.h>
#include <signal.h>
#include <stdint.h>
#include <sys/resource.h>
#include <unistd.h>

/* A picture as libpng reads it: 8 bits a sample, grey or red, green, blue. */
typedef struct picture {
    png_image facts;
    uint8_t *pixels;
    size_t channels;
} picture;

static picture picture_read(const char *path) {
    picture p = {.facts = {.version = PNG_IMAGE_VERSION}};
    cr_assert(png_image_begin_read_from_file(&p.facts, path), "%s", p.facts.message);
    const png_uint_32 format = p.facts.format;
    cr_assert(format == PNG_FORMAT_GRAY || format == PNG_FORMAT_RGB);
    p.channels = format == PNG_FORMAT_GRAY ? 1 : 3;
    p.pixels = malloc(PNG_IMAGE_SIZE(p.facts));
    cr_assert(png_image_finish_read(&p.facts, NULL, p.pixels, 0, NULL), "%s", p.facts.message);
    return p;
}

static int at(const picture *p, size_t y, size_t x, size_t channel) {
    return p->pixels[(y * p->facts.width + x) * p->channels + channel];
}

/* Pixels that are not paper in a rectangle. */
static size_t marked(const picture *p, size_t y, size_t x, size_t height, size_t width) {
    size_t count = 0;
    for (size_t i = y; i < y + height; i++) {
        for (size_t j = x; j < x + width; j++) {
            count += at(p, i, j, 0) != 255;
        }
    }
    return count;
}

static picture written(const jebm_grid *grid) {
    const scratch s = scratch_new();
    const char *path = scratch_path(&s, "a.png");
    jebm_error err = {0};
    cr_assert_eq(jebm_grid_write(path, grid, &err), JEBM_OK, "%s", err.text);
    const picture p = picture_read(path);
    size_t height = 0, width = 0;
    cr_expect_eq(jebm_grid_size(grid, &height, &width, NULL), JEBM_OK);
    cr_expect(p.facts.height == height && p.facts.width == width);
    scratch_free(&s);
    return p;
}

/* Two rows of three cells of 2 x 3, values by a formula; the fifth is left blank. */
static float values[6][2 * 3];
static const float *cells[6];

static jebm_grid sample(void) {
    for (size_t i = 0; i < 6; i++) {
        for (size_t j = 0; j < 6; j++) {
            values[i][j] = (float)((double)(40 * i + 3 * j) / 127.5 - 1);
        }
        cells[i] = i == 4 ? NULL : values[i];
    }
    return (jebm_grid){.rows = 2,
                       .columns = 3,
                       .channels = 1,
                       .height = 2,
                       .width = 3,
                       .zoom = 4,
                       .gap = 5,
                       .cells = cells};
}

Test(image, every_pixel_of_a_grey_grid_is_where_and_what_it_should_be) {
    const jebm_grid grid = sample();
    const picture p = written(&grid);
    cr_assert_eq(p.channels, 1);
    cr_assert(p.facts.height == 5 + 2 * (8 + 5) && p.facts.width == 5 + 3 * (12 + 5));
    for (size_t y = 0; y < p.facts.height; y++) {
        for (size_t x = 0; x < p.facts.width; x++) {
            int expected = 255;
            if (y % 13 >= 5 && x % 17 >= 5) {
                const size_t cell = y / 13 * 3 + x / 17;
                const size_t pixel = (y % 13 - 5) / 4 * 3 + (x % 17 - 5) / 4;
                expected = cell == 4 ? 255 : (int)(40 * cell + 3 * pixel);
            }
            cr_expect_eq(at(&p, y, x, 0), expected, "%zu, %zu", y, x);
        }
    }
    free(p.pixels);
}

/* planes in, interleaved out; and the values between two levels go to the nearer one */
Test(image, colours_come_from_their_planes_and_are_rounded) {
    static const float image[3][2] = {{-1.0F, 1.0F},
                                      {0.0F, -0.996F}, /* 127.5 rounds up; 0.51 to 1 */
                                      {-0.9962F, 0.9962F}}; /* 0.4845 to 0; 254.5155 to 255 */
    const float *const cell = &image[0][0];
    const jebm_grid grid = {
        .rows = 1, .columns = 1, .channels = 3, .height = 1, .width = 2, .zoom = 1, .cells = &cell};
    const picture p = written(&grid);
    cr_assert(p.channels == 3 && p.facts.height == 1 && p.facts.width == 2);
    static const int expected[2][3] = {{0, 128, 0}, {255, 1, 255}};
    for (size_t i = 0; i < 6; i++) {
        cr_expect_eq(at(&p, 0, i / 3, i % 3), expected[i / 3][i % 3]);
    }
    free(p.pixels);
}

Test(image, captions_and_title_are_drawn_in_their_own_room) {
    jebm_grid grid = sample();
    const char *const captions[6] = {"log w -3.2", NULL, "", "b", "~", "|"};
    grid.captions = captions;
    grid.title = "Figure 2";
    grid.text_zoom = 2;
    const picture p = written(&grid);
    // 10 characters of 6 columns but the last one's blank; cells are 12 wide
    const size_t column = 2 * (10 * 6 - 1), row = 8 + 2 * (2 + 7), top = 5 + 2 * 7 + 5;
    cr_assert(p.facts.width == 5 + 3 * (column + 5));
    cr_assert(p.facts.height == top + 2 * (row + 5));
    for (size_t i = 0; i < 6; i++) {
        const size_t y = top + i / 3 * (row + 5), x = 5 + i % 3 * (column + 5);
        cr_expect_eq(marked(&p, y + 8, x, 4, column), 0, "leading of cell %zu", i);
        cr_expect_eq(marked(&p, y + 12, x, 14, column) > 0, captions[i] != NULL && i != 2,
                     "caption of cell %zu", i);
        // the image is in the middle of its column
        cr_expect_eq(marked(&p, y, x, 8, column), i == 4 ? 0 : 8 * 12);
        cr_expect_eq(marked(&p, y, x + (column - 12) / 2, 8, 12), i == 4 ? 0 : 8 * 12);
    }
    // the '|' of the last cell: one column, zoomed by 2, in the middle of the character
    const size_t y = top + row + 5 + 12, x = 5 + 2 * (column + 5) + (column - 10) / 2;
    cr_expect_eq(marked(&p, y, x, 14, 10), 14 * 2);
    cr_expect_eq(marked(&p, y, x + 4, 14, 2), 14 * 2);
    cr_expect_gt(marked(&p, 5, 5, 14, 2 * (8 * 6 - 1)), 0);
    cr_expect_eq(marked(&p, 19, 0, 5, p.facts.width), 0);
    free(p.pixels);
}

Test(image, a_long_title_widens_the_picture) {
    jebm_grid grid = sample();
    grid.title = "a title that is wider than three small cells";
    const picture p = written(&grid);
    cr_expect_eq(p.facts.width, 2 * 5 + strlen(grid.title) * 6 - 1);
    cr_expect_gt(marked(&p, 5, p.facts.width - 10, 7, 5), 0);
    free(p.pixels);
}

Test(image, the_same_grid_gives_the_same_bytes) {
    const scratch s = scratch_new();
    jebm_grid grid = sample();
    grid.title = "twice";
    size_t size[2] = {0};
    char *bytes[2];
    for (size_t i = 0; i < 2; i++) {
        const char *path = scratch_path(&s, i == 0 ? "a.png" : "b.png");
        cr_assert_eq(jebm_grid_write(path, &grid, NULL), JEBM_OK);
        bytes[i] = scratch_get(path, &size[i]);
    }
    cr_assert_eq(size[0], size[1]);
    cr_expect_eq(memcmp(bytes[0], bytes[1], size[0]), 0);
    free(bytes[0]);
    free(bytes[1]);
    scratch_free(&s);
}

Test(image, hostile_arguments_are_refused_and_leave_no_file) {
    const scratch s = scratch_new();
    const char *path = scratch_path(&s, "a.png");
    static const char *const bell[6] = {NULL, "a\abc"};
    enum { CASES = 12 };
    jebm_grid grids[CASES];
    for (size_t i = 0; i < CASES; i++) {
        grids[i] = sample();
    }
    grids[0].rows = 0;
    grids[1].zoom = 0;
    grids[2].channels = 2;
    grids[3].columns = SIZE_MAX;
    grids[4].zoom = 65535;
    grids[5].gap = SIZE_MAX;
    grids[6].title = "caf\xc3\xa9";
    grids[7].captions = bell;
    grids[8].text_zoom = 65536;
    grids[9].rows = grids[9].columns = 65535;
    grids[10].title = "a long title";
    grids[10].text_zoom = 65535;
    grids[11].height = 0;
    static const char *const words[CASES] = {
        "rows is 0; expected 1 to 65535",
        "zoom is 0;",
        "channels is 2; expected 1 or 3",
        "columns is 18446744073709551615;",
        "the picture has 262155 x 589835 pixels; expected at most 2^28",
        "gap is 18446744073709551615; expected 0 to",
        "byte 3 of a text is 0xc3; expected printable ASCII",
        "byte 1 of a text is 0x07;",
        "text_zoom is 65536;",
        "the picture has 851960 x 1114100 pixels",
        "the picture has 589846 x 4652995 pixels",
        "height is 0;"};
    for (size_t i = 0; i < CASES; i++) {
        jebm_error err = {0};
        cr_expect_eq(jebm_grid_write(path, &grids[i], &err), JEBM_EINVAL);
        cr_expect_not_null(strstr(err.text, words[i]), "expected '%s' in: %s", words[i], err.text);
    }
    cr_expect_neq(access(path, F_OK), 0);
    scratch_free(&s);
}

Test(image, values_outside_the_cube_are_refused_not_clamped) {
    const scratch s = scratch_new();
    const jebm_grid grid = sample();
    const float outside[] = {1.0001F, -1.0001F, NAN, INFINITY};
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
        values[2][4] = outside[i];
        jebm_error err = {0};
        cr_expect_eq(jebm_grid_write(scratch_path(&s, "a.png"), &grid, &err), JEBM_EINVAL);
        cr_expect_not_null(strstr(err.text, "cell 2 holds"), "%s", err.text);
        cr_expect_not_null(strstr(err.text, "in channel 0, row 1, column 1; expected -1 to 1"));
    }
    cr_expect_neq(access(scratch_path(&s, "a.png"), F_OK), 0);
    scratch_free(&s);
}

Test(image, a_full_disk_is_an_error_and_keeps_the_old_file) {
    const scratch s = scratch_new();
    const char *path = scratch_path(&s, "a.png");
    scratch_put(path, "old", 3);
    const jebm_grid grid = sample();
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){.rlim_cur = 20, .rlim_max = RLIM_INFINITY});
    signal(SIGXFSZ, SIG_IGN);
    jebm_error err = {0};
    cr_expect_eq(jebm_grid_write(path, &grid, &err), JEBM_EIO);
    size_t size = 0;
    char *bytes = scratch_get(path, &size);
    cr_expect_str_eq(bytes, "old");
    free(bytes);
    scratch_free(&s);
}

Test(font, printable_characters_differ_and_others_are_blank) {
    char drawn[256][36] = {{0}};
    for (int c = 0; c < 256; c++) {
        size_t ink = 0;
        for (size_t i = 0; i < 35; i++) {
            const bool dark = jebm_font_ink((char)c, i / 5, i % 5);
            drawn[c][i] = dark ? '#' : '.';
            ink += dark;
        }
        cr_expect_eq(ink > 0, c > ' ' && c <= '~', "%d", c);
        for (int other = ' '; other < c && c <= '~'; other++) {
            cr_expect_str_neq(drawn[c], drawn[other], "'%c' is drawn as '%c'", c, other);
        }
    }
    cr_expect_not(jebm_font_ink('#', 7, 0));
    cr_expect_not(jebm_font_ink('#', 0, 5));
}
