/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/image.h"

#include "io/atomic_file.h"
#include "io/font.h"

#include <math.h>
#include <png.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define EXTENT_MAX 65535 /* so that no product of ours overflows 64 bits */
#define SIDE_MAX 1000000 /* libpng's own limit */
#define PIXELS_MAX ((uint64_t)1 << 28)
#define LEADING 2 /* font pixels between an image and its caption */
#define PAPER 255
#define INK 0

/* All in pixels of the picture. */
typedef struct layout {
    uint64_t text_zoom;
    uint64_t cell_height, cell_width; /* of the magnified image */
    uint64_t column_width, row_height; /* without gaps */
    uint64_t caption_at; /* below the top of the row */
    uint64_t first_row; /* below the top of the picture */
    uint64_t height, width;
} layout;

typedef struct canvas {
    size_t channels, height, width;
    uint8_t *pixels; /* [height][width][channels] */
} canvas;

static const char *caption_of(const jebm_grid *grid, size_t cell) {
    return grid->captions != NULL ? grid->captions[cell] : NULL;
}

static jebm_status check_extents(const jebm_grid *g, jebm_error *err) {
    const struct {
        const char *name;
        size_t value, least;
    } extents[] = {{"rows", g->rows, 1},          {"columns", g->columns, 1},
                   {"height", g->height, 1},      {"width", g->width, 1},
                   {"zoom", g->zoom, 1},          {"gap", g->gap, 0},
                   {"text_zoom", g->text_zoom, 0}};
    for (size_t i = 0; i < sizeof extents / sizeof *extents; i++) {
        if (extents[i].value < extents[i].least || extents[i].value > EXTENT_MAX) {
            return jebm_fail(err, JEBM_EINVAL, "image grid: %s is %zu; expected %zu to %d",
                             extents[i].name, extents[i].value, extents[i].least, EXTENT_MAX);
        }
    }
    if (g->channels != 1 && g->channels != 3) {
        return jebm_fail(err, JEBM_EINVAL, "image grid: channels is %zu; expected 1 or 3",
                         g->channels);
    }
    return JEBM_OK;
}

static jebm_status check_text(const char *text, jebm_error *err) {
    const size_t length = strlen(text);
    for (size_t i = 0; i < length; i++) {
        if (text[i] < ' ' || text[i] > '~') {
            return jebm_fail(err, JEBM_EINVAL,
                             "image grid: byte %zu of a text is 0x%02x; expected printable ASCII",
                             i, (unsigned)(unsigned char)text[i]);
        }
    }
    if (length > EXTENT_MAX) {
        return jebm_fail(err, JEBM_EINVAL,
                         "image grid: a text has %zu characters; expected at most %d", length,
                         EXTENT_MAX);
    }
    return JEBM_OK;
}

static uint64_t text_width(const char *text, uint64_t zoom) {
    const size_t length = strlen(text);
    return length == 0 ? 0 : (length * JEBM_FONT_ADVANCE - 1) * zoom;
}

static uint64_t larger(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

/* Extents of the picture from those of a row and a column. */
static jebm_status add_up(const jebm_grid *g, layout *l, jebm_error *err) {
    l->height = l->first_row + g->rows * (l->row_height + g->gap);
    l->width = g->gap + g->columns * (l->column_width + g->gap);
    if (g->title != NULL) {
        l->width = larger(l->width, 2 * g->gap + text_width(g->title, l->text_zoom));
    }
    if (l->height > SIDE_MAX || l->width > SIDE_MAX || l->height * l->width > PIXELS_MAX) {
        return jebm_fail(err, JEBM_EINVAL,
                         "image grid: the picture has %llu x %llu pixels; expected at most 2^28, "
                         "and %d a side",
                         (unsigned long long)l->height, (unsigned long long)l->width, SIDE_MAX);
    }
    return JEBM_OK;
}

static jebm_status arrange(const jebm_grid *g, layout *l, jebm_error *err) {
    JEBM_TRY(check_extents(g, err));
    *l = (layout){.text_zoom = larger(g->text_zoom, 1),
                  .cell_height = (uint64_t)g->height * g->zoom,
                  .cell_width = (uint64_t)g->width * g->zoom,
                  .first_row = g->gap};
    l->row_height = l->cell_height;
    l->column_width = l->cell_width;
    l->caption_at = l->cell_height + LEADING * l->text_zoom;
    if (g->title != NULL) {
        JEBM_TRY(check_text(g->title, err));
        l->first_row += JEBM_FONT_HEIGHT * l->text_zoom + larger(g->gap, LEADING * l->text_zoom);
    }
    // first without captions: so many cells that their captions must not even be counted
    JEBM_TRY(add_up(g, l, err));
    for (size_t i = 0; i < g->rows * g->columns; i++) {
        const char *caption = caption_of(g, i);
        if (caption != NULL) {
            JEBM_TRY(check_text(caption, err));
            l->column_width = larger(l->column_width, text_width(caption, l->text_zoom));
            l->row_height = l->caption_at + JEBM_FONT_HEIGHT * l->text_zoom;
        }
    }
    return add_up(g, l, err);
}

jebm_status jebm_grid_size(const jebm_grid *grid, size_t *height, size_t *width, jebm_error *err) {
    layout l;
    JEBM_TRY(arrange(grid, &l, err));
    *height = l.height;
    *width = l.width;
    return JEBM_OK;
}

static void fill(canvas *c, size_t y, size_t x, size_t side, const uint8_t *colour) {
    for (size_t i = y; i < y + side; i++) {
        for (size_t j = x; j < x + side; j++) {
            memcpy(c->pixels + (i * c->width + j) * c->channels, colour, c->channels);
        }
    }
}

static void draw_text(canvas *c, size_t y, size_t x, size_t zoom, const char *text) {
    static const uint8_t ink[3] = {INK, INK, INK};
    for (; *text != '\0'; text++, x += JEBM_FONT_ADVANCE * zoom) {
        for (size_t i = 0; i < JEBM_FONT_HEIGHT; i++) {
            for (size_t j = 0; j < JEBM_FONT_WIDTH; j++) {
                if (jebm_font_ink(*text, i, j)) {
                    fill(c, y + i * zoom, x + j * zoom, zoom, ink);
                }
            }
        }
    }
}

static jebm_status draw_cell(canvas *c, const jebm_grid *g, size_t cell, size_t y, size_t x,
                             jebm_error *err) {
    const float *image = g->cells[cell];
    const size_t plane = g->height * g->width;
    for (size_t i = 0; image != NULL && i < plane; i++) {
        uint8_t colour[3] = {0};
        for (size_t channel = 0; channel < g->channels; channel++) {
            const double value = (double)image[channel * plane + i];
            if (!(value >= -1 && value <= 1)) {
                return jebm_fail(err, JEBM_EINVAL,
                                 "image grid: cell %zu holds %g in channel %zu, row %zu, column "
                                 "%zu; expected -1 to 1",
                                 cell, value, channel, i / g->width, i % g->width);
            }
            colour[channel] = (uint8_t)lround((value + 1) * 127.5);
        }
        fill(c, y + i / g->width * g->zoom, x + i % g->width * g->zoom, g->zoom, colour);
    }
    return JEBM_OK;
}

static jebm_status draw(canvas *c, const jebm_grid *g, const layout *l, jebm_error *err) {
    if (g->title != NULL) {
        draw_text(c, g->gap, g->gap, l->text_zoom, g->title);
    }
    for (size_t i = 0; i < g->rows * g->columns; i++) {
        const size_t y = l->first_row + i / g->columns * (l->row_height + g->gap);
        const size_t x = g->gap + i % g->columns * (l->column_width + g->gap);
        JEBM_TRY(draw_cell(c, g, i, y, x + (l->column_width - l->cell_width) / 2, err));
        const char *caption = caption_of(g, i);
        if (caption != NULL) {
            const size_t width = text_width(caption, l->text_zoom);
            draw_text(c, y + l->caption_at, x + (l->column_width - width) / 2, l->text_zoom,
                      caption);
        }
    }
    return JEBM_OK;
}

static void write_bytes(png_structp png, png_bytep bytes, size_t size) {
    // a full disk is found by the file's commit
    fwrite(bytes, 1, size, png_get_io_ptr(png));
}

static void flush_nothing(png_structp png) {
    (void)png;
}

/* libpng's own would print */
static void fail_silently(png_structp png, png_const_charp text) {
    (void)text;
    png_longjmp(png, 1);
}

static void warn_silently(png_structp png, png_const_charp text) {
    (void)png;
    (void)text;
}

/* False if libpng had not enough memory, all that can fail here. */
static bool encode(FILE *stream, const canvas *c) {
    png_structp png =
        png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, fail_silently, warn_silently);
    png_infop info = png != NULL ? png_create_info_struct(png) : NULL;
    if (info == NULL || setjmp(png_jmpbuf(png))) {
        png_destroy_write_struct(&png, &info);
        return false;
    }
    png_set_write_fn(png, stream, write_bytes, flush_nothing);
    png_set_IHDR(png, info, (png_uint_32)c->width, (png_uint_32)c->height, 8,
                 c->channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    for (size_t i = 0; i < c->height; i++) {
        png_write_row(png, c->pixels + i * c->width * c->channels);
    }
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    return true;
}

static jebm_status write_canvas(const char *path, const canvas *c, jebm_error *err) {
    jebm_atomic_file file;
    JEBM_TRY(jebm_atomic_open(&file, path, err));
    if (!encode(file.stream, c)) {
        jebm_atomic_abandon(&file);
        return jebm_fail(err, JEBM_ENOMEM, "%s: not enough memory to write it", path);
    }
    return jebm_atomic_commit(&file, err);
}

jebm_status jebm_grid_write(const char *path, const jebm_grid *grid, jebm_error *err) {
    layout l;
    JEBM_TRY(arrange(grid, &l, err));
    canvas c = {.channels = grid->channels, .height = l.height, .width = l.width};
    const size_t size = c.height * c.width * c.channels;
    c.pixels = malloc(size);
    if (c.pixels == NULL) {
        return jebm_fail(err, JEBM_ENOMEM, "%s: not enough memory for a picture of %zu x %zu", path,
                         c.height, c.width);
    }
    memset(c.pixels, PAPER, size);
    jebm_status status = draw(&c, grid, &l, err);
    if (status == JEBM_OK) {
        status = write_canvas(path, &c, err);
    }
    free(c.pixels);
    return status;
}
