/* make_digits DIR: four IDX files like MNIST's, small, with strokes in place of the digits 2, 3 and
 * 6: for tests of whole programs where the real ones are not at hand.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>

enum { SIDE = 28, CLASSES = 3, TRAIN = 2400, TEST = 600 };
static const unsigned char labels[CLASSES] = {2, 3, 6};

static void put_header(FILE *file, unsigned rank, unsigned n) {
    const unsigned words[] = {0x800 + rank, n, SIDE, SIDE};
    for (unsigned i = 0; i < rank + 1; i++) {
        for (int shift = 24; shift >= 0; shift -= 8) {
            fputc((int)(words[i] >> shift & 255U), file);
        }
    }
}

/* an upright, a level or a slanting stroke, three pixels wide, at some place and brightness */
static void put_stroke(FILE *file, unsigned class, unsigned i) {
    const int place = 6 + (int)(i * 7 % 15), ink = 156 + (int)(i * 37 % 100);
    for (int row = 0; row < SIDE; row++) {
        for (int column = 0; column < SIDE; column++) {
            const int off = class == 0   ? column - place
                            : class == 1 ? row - place
                                         : (row + column) / 2 - place;
            const int inside = row > 3 && row < 24 && column > 3 && column < 24;
            fputc(inside && abs(off) < 2 ? ink : 0, file);
        }
    }
}

static int put_set(const char *directory, const char *part, unsigned n) {
    char path[4096];
    snprintf(path, sizeof path, "%.4000s/%s-images-idx3-ubyte", directory, part);
    FILE *images = fopen(path, "wb");
    snprintf(path, sizeof path, "%.4000s/%s-labels-idx1-ubyte", directory, part);
    FILE *which = fopen(path, "wb");
    if (images == NULL || which == NULL) {
        perror(path);
        return 1;
    }
    put_header(images, 3, n);
    put_header(which, 1, n);
    for (unsigned i = 0; i < n; i++) {
        put_stroke(images, i % CLASSES, i / CLASSES);
        fputc(labels[i % CLASSES], which);
    }
    const int bad = fclose(images) | fclose(which);
    return bad != 0;
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: make_digits DIR\n");
        return 2;
    }
    return put_set(argv[1], "train", TRAIN) | put_set(argv[1], "t10k", TEST);
}
