/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mnist.h"

#include "app/share.h"
#include "io/atomic_file.h"
#include "io/image.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CAPTION_TEXT 16
enum { ZOOM = 2, GAP = 4 };

/* A grid being put together: which walker or image is in which cell. */
typedef struct sheet {
    size_t n; /* cells */
    const float **cells; /* [n] */
    char (*text)[CAPTION_TEXT]; /* [n] */
    const char **captions; /* [n] */
    size_t *order; /* [n] what is in the cells */
} sheet;

static void sheet_free(sheet *s) {
    free(s->cells);
    free(s->text);
    free(s->captions);
    free(s->order);
}

static jebm_status sheet_init(size_t n, sheet *s, jebm_error *err) {
    *s = (sheet){.n = n,
                 .cells = calloc(n, sizeof *s->cells),
                 .text = calloc(n, sizeof *s->text),
                 .captions = calloc(n, sizeof *s->captions),
                 .order = calloc(n, sizeof *s->order)};
    if (s->cells == NULL || s->text == NULL || s->captions == NULL || s->order == NULL) {
        return jebm_fail(err, JEBM_ENOMEM, "no memory for a grid of %zu images", n);
    }
    return JEBM_OK;
}

static jebm_status write_sheet(const sheet *s, const jebm_images *like, bool captions,
                               const char *path, jebm_error *err) {
    const size_t columns = (size_t)ceil(sqrt((double)s->n));
    const size_t rows = (s->n + columns - 1) / columns;
    const float **cells = calloc(rows * columns, sizeof *cells);
    const char **texts = calloc(rows * columns, sizeof *texts);
    jebm_status status = jebm_fail(err, JEBM_ENOMEM, "no memory for a grid of images");
    if (cells != NULL && texts != NULL) {
        memcpy(cells, s->cells, s->n * sizeof *cells);
        memcpy(texts, s->captions, s->n * sizeof *texts);
        const jebm_grid grid = {.rows = rows,
                                .columns = columns,
                                .channels = like->channels,
                                .height = like->height,
                                .width = like->width,
                                .zoom = ZOOM,
                                .gap = GAP,
                                .cells = cells,
                                .captions = captions ? texts : NULL};
        status = jebm_grid_write(path, &grid, err);
    }
    free(cells);
    free(texts);
    return status;
}

/* ---- which walkers -------------------------------------------------------------------------- */

/* steps of the pictures' stream of random numbers */
enum { DRAW_RESAMPLE, DRAW_PLAIN, DRAW_TEST, DRAW_SHUFFLE };

/* s->n of n indices by systematic resampling with weights p (NULL: equal): of each walker as many
 * as its weight has, but for rounding. */
static void draw(sheet *s, size_t n, const double *p, jebm_rng rng, uint64_t use) {
    const double u = jebm_rng_uniform(rng, 0, JEBM_LANE_RESAMPLE, use);
    double below = 0.0; /* weight of the walkers before i */
    size_t i = 0;
    for (size_t k = 0; k < s->n; k++) {
        const double at = ((double)k + u) / (double)s->n;
        while (i + 1 < n && below + (p != NULL ? p[i] : 1.0 / (double)n) < at) {
            below += p != NULL ? p[i] : 1.0 / (double)n;
            i++;
        }
        s->order[k] = i;
    }
}

static void shuffle(sheet *s, jebm_rng rng) {
    for (size_t k = s->n; k > 1; k--) {
        const double u = jebm_rng_uniform(rng, (uint32_t)k, JEBM_LANE_RESAMPLE, DRAW_SHUFFLE);
        // u is on (0, 1]
        const size_t j = (size_t)ceil(u * (double)k) - 1, kept = s->order[k - 1];
        s->order[k - 1] = s->order[j];
        s->order[j] = kept;
    }
}

typedef struct ranked {
    double logw;
    size_t walker;
} ranked;

static int by_weight(const void *left, const void *right) {
    const ranked *a = left, *b = right;
    return a->logw != b->logw ? (a->logw < b->logw ? -1 : 1)
                              : (a->walker > b->walker) - (a->walker < b->walker);
}

/* Walkers at even distances in the order of their weights, captions N p_i. */
static jebm_status draw_ranked(sheet *s, const jebm_ensemble *e, const double *p, jebm_error *err) {
    ranked *all = malloc(e->n * sizeof *all);
    if (all == NULL) {
        return jebm_fail(err, JEBM_ENOMEM, "no memory to sort %zu walkers", e->n);
    }
    for (size_t i = 0; i < e->n; i++) {
        all[i] = (ranked){e->logw[i], i};
    }
    qsort(all, e->n, sizeof *all, by_weight);
    for (size_t k = 0; k < s->n; k++) {
        const size_t i = all[k * (e->n - 1) / (s->n - 1)].walker;
        s->order[k] = i;
        snprintf(s->text[k], CAPTION_TEXT, "%.2g", (double)e->n * p[i]);
        s->captions[k] = s->text[k];
    }
    free(all);
    return JEBM_OK;
}

static void fill(sheet *s, const float *x, size_t d) {
    for (size_t k = 0; k < s->n; k++) {
        s->cells[k] = x + s->order[k] * d;
    }
}

/* ---- the files of a run --------------------------------------------------------------------- */

static jebm_status write_named(const sheet *s, const jebm_images *like, bool captions,
                               const char *directory, const char *name, const char *what,
                               jebm_error *err) {
    char *path = jebm_format("%s/images/%s%s.png", directory, name, what);
    const jebm_status status = path == NULL ? jebm_fail(err, JEBM_ENOMEM, "no memory for a path")
                                            : write_sheet(s, like, captions, path, err);
    free(path);
    return status;
}

static jebm_status draw_walkers(mnist_run *x, sheet *s, const char *directory, const char *name,
                                jebm_error *err) {
    const jebm_ensemble *e = jebm_trainer_ensemble(x->trainer, 0);
    const jebm_images *like = &x->inputs->train;
    const jebm_rng rng = mnist_picture_stream(x->preset, x->run);
    draw(s, e->n, NULL, rng, DRAW_PLAIN);
    fill(s, e->x, e->d);
    JEBM_TRY(write_named(s, like, false, directory, name, "-walkers", err));
    if (x->cell.method != JEBM_METHOD_JARZYNSKI) {
        return JEBM_OK;
    }
    draw(s, e->n, x->p, rng, DRAW_RESAMPLE);
    fill(s, e->x, e->d);
    JEBM_TRY(write_named(s, like, false, directory, name, "-resampled", err));
    JEBM_TRY(draw_ranked(s, e, x->p, err));
    fill(s, e->x, e->d);
    return write_named(s, like, true, directory, name, "-weights", err);
}

/* the same for every run */
static jebm_status draw_tests(const mnist_run *x, sheet *s, const char *directory,
                              jebm_error *err) {
    const jebm_images *test = &x->inputs->test;
    const jebm_rng rng = mnist_picture_stream(x->preset, 0);
    draw(s, test->n, NULL, rng, DRAW_TEST);
    shuffle(s, rng);
    fill(s, test->x, test->channels * test->height * test->width);
    return write_named(s, test, false, directory, "test", "", err);
}

static void print_samples(const mnist_run *x, FILE *out) {
    const jebm_ensemble *e = jebm_trainer_ensemble(x->trainer, 0);
    const jebm_classifier_facts *c = jebm_classifier_about(x->inputs->classifier);
    fputs("walker,log_weight,weight,class,confidence,distance,energy\n", out);
    for (size_t i = 0; i < e->n; i++) {
        fprintf(out, "%zu,%.17g,%.17g,%u,%.17g,%.17g,%.17g\n", i, e->logw[i],
                (double)e->n * x->p[i], c->classes[x->class_of[i]], x->confidence[i],
                x->distance[i], e->U[i]);
    }
}

static jebm_status write_samples(const mnist_run *x, const char *directory, const char *name,
                                 jebm_error *err) {
    jebm_atomic_file file;
    char *path = jebm_format("%s/samples-%s.csv", directory, name);
    jebm_status status = path == NULL ? jebm_fail(err, JEBM_ENOMEM, "no memory for a path")
                                      : jebm_atomic_open(&file, path, err);
    if (status == JEBM_OK) {
        print_samples(x, file.stream);
        status = jebm_atomic_commit(&file, err);
    }
    free(path);
    return status;
}

jebm_status mnist_pictures(mnist_run *x, const char *directory, const jebm_cell *cell,
                           jebm_error *err) {
    sheet s;
    char *name = mnist_name_of(cell, x->run);
    jebm_status status = sheet_init(jebm_preset_count(x->preset, "images"), &s, err);
    if (status == JEBM_OK && name == NULL) {
        status = jebm_fail(err, JEBM_ENOMEM, "no memory for a name");
    }
    if (status == JEBM_OK) {
        status = mnist_measure(x, err);
    }
    if (status == JEBM_OK) {
        status = write_samples(x, directory, name, err);
    }
    if (status == JEBM_OK) {
        status = draw_walkers(x, &s, directory, name, err);
    }
    if (status == JEBM_OK) {
        status = draw_tests(x, &s, directory, err);
    }
    sheet_free(&s);
    free(name);
    return status;
}
