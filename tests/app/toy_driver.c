/* A driver that is cheap and can be told to fail: random walkers whose state is all in arrays.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/driver.h"
#include "io/atomic_file.h"
#include "io/digest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct toy {
    size_t walkers;
    double c, low;
    double *x;
    float *shadow;
    uint64_t draw, step, diverge_at, pause_us;
    bool leaves;
} toy;

static const jebm_key keys[] = {
    {.name = "walkers", .kind = JEBM_KEY_COUNT, .low = 1, .high = 1e15, .help = "walkers, N"},
    {.name = "c", .kind = JEBM_KEY_REALS, .low = 0, .high = 10, .open_low = true, .help = "step"},
    {.name = "diverge_at",
     .kind = JEBM_KEY_COUNT,
     .high = 1e9,
     .initial = "0",
     .help = "step at which run 1 of the first cell diverges, 0 for never"},
    {.name = "reads", .kind = JEBM_KEY_BOOL, .initial = "no", .help = "wants DATA/toy.txt"},
    {.name = "leaves", .kind = JEBM_KEY_BOOL, .initial = "no", .help = "leaves files"},
    {.name = "pause_us", .kind = JEBM_KEY_COUNT, .high = 1e6, .initial = "0", .help = "slowness"},
};
static const char *const columns[] = {"mean", "low", "nothing"};

static jebm_status plan(const jebm_preset *preset, jebm_cell cells[JEBM_MAX_CELLS], size_t *ncells,
                        jebm_error *err) {
    double c[32];
    const size_t n = jebm_preset_reals(preset, "c", c);
    if (jebm_preset_count(preset, "walkers") == 13) {
        return jebm_fail(err, JEBM_EINVAL, "walkers = 13: expected a luckier number");
    }
    for (size_t i = 0; i < n; i++) {
        cells[i].index = i;
        strcpy(cells[i].method, "walk");
        snprintf(cells[i].variant, sizeof cells[i].variant, "c=%g", c[i]);
    }
    *ncells = n;
    return JEBM_OK;
}

static uint64_t memory(const jebm_preset *preset, const char **key) {
    *key = "walkers";
    return 12 * jebm_preset_count(preset, "walkers");
}

static jebm_status inputs(const jebm_preset *preset, const char *data, const char *directory,
                          json_t *found, jebm_error *err) {
    if (!jebm_preset_bool(preset, "reads")) {
        return JEBM_OK;
    }
    char path[256], digest[JEBM_DIGEST_TEXT];
    snprintf(path, sizeof path, "%s/toy.txt", data != NULL ? data : ".");
    JEBM_TRY(jebm_digest_file(path, digest, err));
    json_object_set_new(found, "text_sha256", json_string(digest));
    json_object_set_new(found, "notes", json_pack("{s:s}", "shared", directory));
    return JEBM_OK;
}

static void toy_close(void *state) {
    toy *t = state;
    free(t->x);
    free(t->shadow);
    free(t);
}

static jebm_status toy_open(const jebm_preset *preset, const jebm_cell *cell, size_t run,
                            void **state, jebm_error *err) {
    double c[32];
    jebm_preset_reals(preset, "c", c);
    toy *t = calloc(1, sizeof *t);
    if (t == NULL) {
        return jebm_fail(err, JEBM_ENOMEM, "no memory");
    }
    *state = t;
    t->walkers = (size_t)jebm_preset_count(preset, "walkers");
    t->c = c[cell->index];
    t->draw = 1000 * jebm_preset_seed(preset) + 100 * cell->index + run;
    t->leaves = jebm_preset_bool(preset, "leaves");
    t->pause_us = jebm_preset_count(preset, "pause_us");
    t->diverge_at = cell->index == 0 && run == 1 ? jebm_preset_count(preset, "diverge_at") : 0;
    t->x = calloc(t->walkers, sizeof *t->x);
    t->shadow = calloc(t->walkers, sizeof *t->shadow);
    return t->x != NULL && t->shadow != NULL ? JEBM_OK : jebm_fail(err, JEBM_ENOMEM, "no memory");
}

/* splitmix64, as a number in [-1, 1) */
static double draw(toy *t) {
    uint64_t z = t->draw += 0x9e3779b97f4a7c15U;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
    z = (z ^ z >> 27) * 0x94d049bb133111ebU;
    return (double)(int64_t)(z ^ z >> 31) / 9223372036854775808.0;
}

static jebm_status toy_step(void *state, jebm_error *err) {
    toy *t = state;
    if (t->pause_us > 0) {
        const struct timespec pause = {0, (long)t->pause_us * 1000};
        nanosleep(&pause, NULL);
    }
    t->step++;
    if (t->step == t->diverge_at) {
        return jebm_fail(err, JEBM_EDIVERGE, "told to");
    }
    for (size_t i = 0; i < t->walkers; i++) {
        t->x[i] += t->c * draw(t) + 1e-3 * (double)t->shadow[i];
        t->shadow[i] = (float)t->x[i];
        t->low = t->x[i] < t->low ? t->x[i] : t->low;
    }
    return JEBM_OK;
}

static jebm_status toy_record(void *state, double *row, jebm_error *err) {
    (void)err;
    toy *t = state;
    double sum = 0;
    for (size_t i = 0; i < t->walkers; i++) {
        sum += t->x[i];
    }
    row[0] = sum / (double)t->walkers;
    row[1] = t->low;
    row[2] = NAN;
    t->low = 0;
    return JEBM_OK;
}

static size_t toy_arrays(void *state, jebm_array arrays[JEBM_MAX_STATE]) {
    toy *t = state;
    arrays[0] = (jebm_array){"x", JEBM_F64, 1, {t->walkers}, t->x};
    arrays[1] = (jebm_array){"shadow", JEBM_F32, 2, {t->walkers, 1}, t->shadow};
    arrays[2] = (jebm_array){"draw", JEBM_U64, 1, {1}, &t->draw};
    arrays[3] = (jebm_array){"low", JEBM_F64, 1, {1}, &t->low};
    arrays[4] = (jebm_array){"step", JEBM_U64, 1, {1}, &t->step};
    return 5;
}

static jebm_status leave(const char *path, double value, jebm_error *err) {
    char text[64];
    snprintf(text, sizeof text, "value\n%.17g\n", value);
    return jebm_atomic_write(path, text, strlen(text), err);
}

static jebm_status toy_artefacts(void *state, const char *directory, const jebm_cell *cell,
                                 size_t run, jebm_error *err) {
    const toy *t = state;
    char path[512];
    if (!t->leaves) {
        return JEBM_OK;
    }
    snprintf(path, sizeof path, "%s/samples-%s-%zu.csv", directory, cell->variant, run);
    JEBM_TRY(leave(path, t->x[0], err));
    snprintf(path, sizeof path, "%s/images/%s-%zu.png", directory, cell->variant, run);
    JEBM_TRY(leave(path, t->x[t->walkers - 1], err));
    snprintf(path, sizeof path, "%s/images/shared.png", directory);
    return leave(path, 1, err);
}

static jebm_status restored(void *state, jebm_error *err) {
    (void)state;
    (void)err;
    return JEBM_OK;
}

int main(int argc, char **argv) {
    const jebm_driver driver = {
        .program = "toy",
        .purpose = "Random walks for the tests.",
        .presets = "toy.ini",
        .keys = keys,
        .nkeys = sizeof keys / sizeof *keys,
        .columns = columns,
        .ncolumns = 3,
        .plan = plan,
        .inputs = inputs,
        .memory = memory,
        .open = toy_open,
        .step = toy_step,
        .record = toy_record,
        .arrays = toy_arrays,
        .restored = restored,
        .artefacts = toy_artefacts,
        .close = toy_close,
    };
    return jebm_app_main(&driver, argc, argv);
}
