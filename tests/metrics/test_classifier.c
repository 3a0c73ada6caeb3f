/* The classifier on images of our own: bars that lie, stand or slant, in noise.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "metrics/classifier_internal.h"

#include "core/rng.h"
#include "io/checkpoint.h"
#include "law.h"
#include "scratch.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#ifdef _OPENMP
#include <omp.h>
#endif

enum { SIDE = 28, D = SIDE * SIDE };
static const uint8_t bars[3] = {9, 0, 5}; /* labels: neither dense nor in order */

/* a bar of bright pixels somewhere in the middle, and noise on everything */
static void paint(jebm_rng rng, uint32_t image, int kind, float *x) {
    uint32_t words[4];
    jebm_rng_words(rng, image, 1, 0, words);
    const int middle = 8 + (int)(words[0] % 12), from = 3 + (int)(words[1] % 6);
    jebm_rng_normals(rng, 0, 0, image, 1, D, 0.2F, x);
    for (int i = 0; i < D; i++) {
        const int row = i / SIDE, column = i % SIDE;
        const int across = kind == 0   ? row - middle
                           : kind == 1 ? column - middle
                                       : row - column - middle / 2 + 7;
        const int along = kind == 0 ? column : row;
        x[i] += abs(across) <= 1 && along >= from && along < from + 16 ? 1.0F : -1.0F;
    }
}

static jebm_images paint_set(size_t n, uint64_t stream) {
    jebm_images m = {.n = n, .channels = 1, .height = SIDE, .width = SIDE};
    m.x = malloc(n * D * sizeof *m.x);
    m.label = malloc(n);
    for (uint32_t i = 0; i < n; i++) {
        const int kind = i % 7 < 4 ? 0 : i % 7 < 6 ? 1 : 2; /* 4 : 2 : 1 */
        paint(jebm_rng_make(1, stream), i, kind, m.x + (size_t)i * D);
        m.label[i] = bars[kind];
    }
    return m;
}

static void drop_set(jebm_images *m) {
    free(m->x);
    free(m->label);
}

static jebm_classifier_config settings(size_t epochs) {
    jebm_classifier_config c = jebm_classifier_usual(3, bars);
    c.epochs = epochs;
    c.batch = 40; /* two blocks and a half */
    return c;
}

static jebm_classifier *trained(const jebm_classifier_config *config, const jebm_images *train,
                                const jebm_images *test) {
    jebm_classifier *c = NULL;
    jebm_error err = {0};
    cr_assert_eq(jebm_classifier_train(config, train, test, 7, NULL, NULL, &c, &err), JEBM_OK, "%s",
                 err.text);
    return c;
}

static float *classified(const jebm_classifier *c, size_t n, const float *x,
                         const jebm_dropout *dropout) {
    float *log_p = malloc(n * jebm_classifier_about(c)->nclasses * sizeof *log_p);
    cr_assert_eq(jebm_classifier_classify(c, n, x, dropout, log_p, NULL), JEBM_OK);
    return log_p;
}

typedef struct history {
    size_t passes, stop_after;
    double loss[32];
} history;

static bool note(void *context, size_t epoch, double loss) {
    history *h = context;
    cr_assert_eq(epoch, h->passes);
    h->loss[h->passes++] = loss;
    return h->passes != h->stop_after;
}

/* the sum of all passes' losses */
static bool total(void *context, size_t epoch, double loss) {
    history *h = context;
    (void)epoch;
    h->loss[0] += loss;
    return true;
}

Test(classifier, learns_to_tell_bars_apart) {
    jebm_images train = paint_set(490, 1), test = paint_set(210, 2);
    const jebm_classifier_config config = settings(8);
    history h = {0};
    jebm_classifier *c = NULL;
    cr_assert_eq(jebm_classifier_train(&config, &train, &test, 7, note, &h, &c, NULL), JEBM_OK);
    cr_expect_eq(h.passes, 8);
    cr_expect(h.loss[0] > 0.0 && h.loss[0] < 1.5 * log(3.0), "%g", h.loss[0]);
    cr_expect_lt(h.loss[7], 0.1 * h.loss[0]);

    const jebm_classifier_facts *f = jebm_classifier_about(c);
    cr_expect_geq(f->accuracy, 0.98, "%g", f->accuracy);
    cr_expect(f->nclasses == 3 && f->ntrain == 490 && f->ntest == 210);
    cr_expect_arr_eq(f->classes, bars, 3);
    cr_expect_str_eq(f->body, JEBM_CLASSIFIER_BODY);
    cr_expect(f->shape.channels == 1 && f->shape.height == SIDE && f->shape.width == SIDE);
    jebm_classifier_free(c);
    drop_set(&train);
    drop_set(&test);
}

Test(classifier, the_confusion_is_a_count_of_the_test_images) {
    jebm_images train = paint_set(490, 1), test = paint_set(210, 2);
    const jebm_classifier_config config = settings(1); /* too little to be right always */
    jebm_classifier *c = trained(&config, &train, &test);
    const jebm_classifier_facts *f = jebm_classifier_about(c);
    float *log_p = classified(c, test.n, test.x, NULL);
    uint64_t expected[3][3] = {{0}};
    uint8_t found[210];
    double confidence[210];
    jebm_likeliest(test.n, 3, log_p, found, confidence);
    for (size_t i = 0; i < test.n; i++) {
        const size_t truth = test.label[i] == 9 ? 0 : test.label[i] == 0 ? 1 : 2;
        size_t best = 0;
        double sum = 0.0;
        for (size_t j = 0; j < 3; j++) {
            const double p = exp((double)log_p[3 * i + j]);
            sum += p;
            best = p > exp((double)log_p[3 * i + best]) ? j : best;
        }
        cr_expect_float_eq(sum, 1.0, 1e-6); /* float log-probabilities */
        cr_expect_eq(found[i], best);
        cr_expect_eq(confidence[i], exp((double)log_p[3 * i + best]));
        expected[truth][best]++;
    }
    uint64_t right = 0;
    for (size_t i = 0; i < 3; i++) {
        cr_expect_arr_eq(f->confusion[i], expected[i], sizeof expected[i]);
        cr_expect_eq(f->confusion[i][0] + f->confusion[i][1] + f->confusion[i][2], i == 0   ? 120u
                                                                                   : i == 1 ? 60u
                                                                                            : 30u);
        right += expected[i][i];
    }
    cr_expect_eq(f->accuracy, (double)right / 210.0);
    free(log_p);
    jebm_classifier_free(c);
    drop_set(&train);
    drop_set(&test);
}

/* 2 channels of 4x5 pixels */
enum { ROWS = 4, COLUMNS = 5, PLANE = ROWS * COLUMNS, TINY = 2 * PLANE, SETTLED = 30 };

static void paint_tiny(jebm_images *m, float *x, uint8_t *label) {
    *m = (jebm_images){SETTLED, 2, ROWS, COLUMNS, x, label};
    jebm_rng_normals(jebm_rng_make(2, 3), 0, 0, 0, SETTLED, TINY, 2.0F, x);
    for (size_t i = 0; i < SETTLED; i++) {
        label[i] = bars[i * i % 3];
    }
}

static size_t class_of(uint8_t label) {
    return label == bars[0] ? 0 : label == bars[1] ? 1 : 2;
}

/* A rate too small to move anything: each pass sees the network as it began, so its mean loss can
 * be computed from what the classifier says of the images. */
static jebm_classifier *settled(const jebm_images *m, size_t epochs, unsigned shift, history *h) {
    const jebm_classifier_config config = {.body = "linear 6 | relu",
                                           .nclasses = 3,
                                           .classes = {9, 0, 5},
                                           .backend = jebm_gemm_default(),
                                           .epochs = epochs,
                                           .batch = SETTLED,
                                           .rate = 1e-300,
                                           .shift = shift};
    jebm_classifier *c = NULL;
    jebm_error err = {0};
    cr_assert_eq(jebm_classifier_train(&config, m, m, 7, total, h, &c, &err), JEBM_OK, "%s",
                 err.text);
    return c;
}

Test(classifier, a_pass_shows_every_image_once_with_its_class) {
    static float x[SETTLED * TINY];
    uint8_t label[SETTLED];
    jebm_images m;
    paint_tiny(&m, x, label);
    history h = {0};
    jebm_classifier *c = settled(&m, 1, 0, &h);
    float *log_p = classified(c, SETTLED, x, NULL);
    double expected = 0.0;
    for (size_t i = 0; i < SETTLED; i++) {
        expected -= (double)log_p[3 * i + class_of(label[i])] / SETTLED;
    }
    /* two ways through the network in float: some roundings of 2^-24 of numbers up to 10 */
    cr_expect_float_eq(h.loss[0], expected, 1e-5);
    free(log_p);
    jebm_classifier_free(c);
}

/* The mean over all 25 shifts of every image, against 1000 passes with shifts drawn at random. */
Test(classifier, images_are_shifted_evenly_and_bring_in_background) {
    enum { PASSES = 1000, SHIFT = 2, SHIFTS = 25 };
    static float x[SETTLED * TINY], moved[SETTLED * SHIFTS * TINY];
    uint8_t label[SETTLED];
    jebm_images m;
    paint_tiny(&m, x, label);
    history h = {0};
    jebm_classifier *c = settled(&m, PASSES, SHIFT, &h);
    for (int i = 0; i < SETTLED * SHIFTS * TINY; i++) {
        const int image = i / TINY / SHIFTS, shift = i / TINY % SHIFTS, plane = i / PLANE % 2;
        const int row = i / COLUMNS % ROWS - (shift / 5 - SHIFT);
        const int column = i % COLUMNS - (shift % 5 - SHIFT);
        const bool inside = row >= 0 && row < ROWS && column >= 0 && column < COLUMNS;
        moved[i] = inside ? x[image * TINY + plane * PLANE + row * COLUMNS + column] : -1.0F;
    }
    float *log_p = classified(c, SETTLED * SHIFTS, moved, NULL);
    double expected = 0.0, variance = 0.0;
    for (size_t i = 0; i < SETTLED; i++) {
        double sum = 0.0, sum_2 = 0.0;
        for (size_t s = 0; s < SHIFTS; s++) {
            const double loss = -(double)log_p[3 * (i * SHIFTS + s) + class_of(label[i])];
            sum += loss / SHIFTS;
            sum_2 += loss * loss / SHIFTS;
        }
        expected += sum / SETTLED;
        variance += (sum_2 - sum * sum) / SETTLED / SETTLED;
    }
    cr_expect_float_eq(h.loss[0] / PASSES, expected, LAW_ERRORS * sqrt(variance / PASSES));
    free(log_p);
    jebm_classifier_free(c);
}

Test(classifier, is_the_same_to_the_bit_for_any_number_of_threads) {
    jebm_images train = paint_set(130, 1), test = paint_set(150, 2);
    const jebm_classifier_config config = settings(2);
    jebm_classifier *first = NULL;
    float *expected = NULL;
    for (int threads = 1; threads <= 3; threads++) {
#ifdef _OPENMP
        omp_set_num_threads(threads);
#endif
        jebm_classifier *c = trained(&config, &train, &test);
        float *log_p = classified(c, test.n, test.x, NULL);
        if (first == NULL) {
            first = c;
            expected = log_p;
            continue;
        }
        cr_expect_arr_eq(c->theta, first->theta, c->nparams * sizeof *c->theta);
        cr_expect_arr_eq(log_p, expected, test.n * 3 * sizeof *log_p);
        free(log_p);
        jebm_classifier_free(c);
    }
    free(expected);
    jebm_classifier_free(first);
    drop_set(&train);
    drop_set(&test);
}

Test(classifier, an_image_is_classified_alike_in_any_company) {
    jebm_images train = paint_set(130, 1), test = paint_set(150, 2);
    const jebm_classifier_config config = settings(1);
    const jebm_dropout dropout = {3, 4};
    jebm_classifier *c = trained(&config, &train, &test);
    float *all = classified(c, test.n, test.x, NULL),
          *dropped = classified(c, 150, test.x, &dropout);
    for (size_t i = 0; i < test.n; i += 37) {
        float *alone = classified(c, 1, test.x + i * D, NULL);
        cr_expect_arr_eq(alone, all + 3 * i, 3 * sizeof *alone);
        free(alone);
    }
    float *few = classified(c, 5, test.x, &dropout);
    cr_expect_arr_eq(few, dropped, 15 * sizeof *few);
    free(few);
    free(all);
    free(dropped);
    jebm_classifier_free(c);
    drop_set(&train);
    drop_set(&test);
}

Test(classifier, comes_back_from_its_file_to_the_bit) {
    const scratch s = scratch_new();
    const char *path = scratch_path(&s, "classifier.h5");
    jebm_images train = paint_set(130, 1), test = paint_set(150, 2);
    const jebm_classifier_config config = settings(1);
    jebm_classifier *c = trained(&config, &train, &test), *back = NULL;
    jebm_error err = {0};
    cr_assert_eq(jebm_classifier_save(c, path, &err), JEBM_OK, "%s", err.text);
    cr_assert_eq(jebm_classifier_load(path, config.backend, &back, &err), JEBM_OK, "%s", err.text);
    cr_assert_eq(back->nparams, c->nparams);
    cr_expect_arr_eq(back->theta, c->theta, c->nparams * sizeof *c->theta);
    const jebm_classifier_facts *f = jebm_classifier_about(c), *g = jebm_classifier_about(back);
    cr_expect_arr_eq(&g->shape, &f->shape, sizeof f->shape);
    cr_expect_arr_eq(g->classes, f->classes, sizeof f->classes);
    cr_expect_arr_eq(g->confusion, f->confusion, sizeof f->confusion);
    cr_expect(g->nclasses == f->nclasses && g->ntrain == f->ntrain && g->ntest == f->ntest &&
              g->accuracy == f->accuracy);
    cr_expect_str_eq(g->body, f->body);
    char fingerprint[JEBM_DIGEST_TEXT];
    jebm_classifier_fingerprint(&config, &train, &test, 7, fingerprint);
    cr_expect_str_eq(g->fingerprint, fingerprint);
    float *log_p = classified(c, test.n, test.x, NULL);
    float *again = classified(back, test.n, test.x, NULL);
    cr_expect_arr_eq(again, log_p, test.n * 3 * sizeof *log_p);
    free(log_p);
    free(again);
    jebm_classifier_free(back);
    jebm_classifier_free(c);
    drop_set(&train);
    drop_set(&test);
    scratch_free(&s);
}

/* a classifier of two inputs whose hidden units are the inputs, and whose outputs are those */
static jebm_classifier *identity(void) {
    const uint8_t classes[2] = {0, 1};
    const double theta[12] = {1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0};
    const jebm_shape shape = {2, 1, 1};
    jebm_classifier *c = NULL;
    jebm_error err = {0};
    cr_assert_eq(jebm_classifier_new("linear 2", shape, 2, classes, jebm_gemm_default(), &c, &err),
                 JEBM_OK, "%s", err.text);
    cr_assert_eq(c->nparams, 12);
    memcpy(c->theta, theta, sizeof theta);
    jebm_classifier_refresh(c);
    return c;
}

/* Hidden units (1, 3) become (0 or 2, 0 or 6), each with probability 1/4; log p_0 - log p_1 is
 * their difference. */
Test(classifier, dropout_clears_or_doubles_each_hidden_unit) {
    enum { N = 4000 };
    jebm_classifier *c = identity();
    static float x[N][2];
    for (size_t i = 0; i < N; i++) {
        x[i][0] = 1.0F;
        x[i][1] = 3.0F;
    }
    const jebm_dropout dropout = {5, 0}, later = {5, 1}, other = {6, 0};
    float *log_p = classified(c, N, x[0], &dropout);
    float *of_step = classified(c, N, x[0], &later), *of_seed = classified(c, N, x[0], &other);
    const double difference[4] = {0.0, 2.0, -6.0, -4.0};
    const double expected[4] = {N / 4.0, N / 4.0, N / 4.0, N / 4.0};
    double count[4] = {0}, same_step = 0.0, same_seed = 0.0;
    for (size_t i = 0; i < N; i++) {
        for (size_t k = 0; k < 4; k++) {
            count[k] += fabs((double)(log_p[2 * i] - log_p[2 * i + 1]) - difference[k]) < 1e-4;
        }
        same_step += log_p[2 * i] == of_step[2 * i];
        same_seed += log_p[2 * i] == of_seed[2 * i];
    }
    cr_expect_eq(count[0] + count[1] + count[2] + count[3], N);
    cr_expect(law_chi_square(law_pearson(4, count, expected), 3.0));
    /* independent masks agree in 1 of 4 images */
    const double off = LAW_ERRORS * sqrt(N * 3.0 / 16.0);
    cr_expect_float_eq(same_step, N / 4.0, off);
    cr_expect_float_eq(same_seed, N / 4.0, off);
    float *none = classified(c, N, x[0], NULL);
    cr_expect_float_eq(none[0] - none[1], -2.0F, 1e-6F);
    free(none);
    free(log_p);
    free(of_step);
    free(of_seed);
    jebm_classifier_free(c);
}

Test(classifier, progress_may_stop_the_training) {
    jebm_images train = paint_set(70, 1), test = paint_set(35, 2);
    const jebm_classifier_config config = settings(5);
    history h = {.stop_after = 2};
    jebm_classifier *c = (jebm_classifier *)&h;
    jebm_error err = {0};
    cr_expect_eq(jebm_classifier_train(&config, &train, &test, 7, note, &h, &c, &err),
                 JEBM_EINTERRUPT);
    cr_expect_null(c);
    cr_expect_eq(h.passes, 2);
    cr_expect_not_null(strstr(err.text, "after pass 2 of 5"), "%s", err.text);
    drop_set(&train);
    drop_set(&test);
}

Test(classifier, the_fingerprint_knows_every_setting_and_every_pixel) {
    enum { CHANGES = 12 };
    jebm_images train = paint_set(14, 1), test = paint_set(7, 2);
    char prints[CHANGES + 1][JEBM_DIGEST_TEXT];
    for (int change = 0; change <= CHANGES; change++) {
        jebm_classifier_config c = settings(3);
        c.body = change == 1 ? "linear 5" : c.body;
        c.nclasses -= change == 2;
        c.classes[1] = change == 3 ? 77 : c.classes[1];
        c.backend = change == 4 ? (jebm_gemm_backend)(1 - (c.backend == 1)) : c.backend;
        c.epochs += change == 5;
        c.batch += change == 6;
        c.rate *= change == 7 ? 1.0 + 1e-15 : 1.0;
        c.shift += change == 8;
        train.x[5] += change == 9 ? 1e-6F : 0.0F;
        train.label[3] = (uint8_t)(train.label[3] + (change == 10));
        test.x[5000] += change == 11 ? 1e-6F : 0.0F;
        jebm_classifier_fingerprint(&c, &train, &test, change == 12 ? 8 : 7, prints[change]);
        cr_expect_eq(strlen(prints[change]), 64);
        for (int before = 0; before < change; before++) {
            cr_expect_str_neq(prints[change], prints[before], "changes %d and %d", before, change);
        }
    }
    drop_set(&train);
    drop_set(&test);
}

Test(classifier, what_makes_no_sense_is_refused_with_a_line) {
    jebm_images train = paint_set(40, 1), test = paint_set(14, 2), none = train, wide = test;
    none.n = 0;
    wide.width = 14;
    wide.height = 56;
    const struct {
        const char *body, *found;
        size_t nclasses, epochs, batch;
        double rate;
        unsigned shift;
        uint8_t last; /* class */
        const jebm_images *train, *test;
        jebm_status status;
    } cases[] = {
        {"linear 9", "1 classes", 1, 1, 9, 1e-3, 0, 5, &train, &test, JEBM_EINVAL},
        {"linear 9", "17 classes", 17, 1, 9, 1e-3, 0, 5, &train, &test, JEBM_EINVAL},
        {"linear 9", "class 0 is listed twice", 3, 1, 9, 1e-3, 0, 0, &train, &test, JEBM_EINVAL},
        {"linear 9", "0 epochs", 3, 0, 9, 1e-3, 0, 5, &train, &test, JEBM_EINVAL},
        {"linear 9", "mini-batches of 0", 3, 1, 0, 1e-3, 0, 5, &train, &test, JEBM_EINVAL},
        {"linear 9", "rate 0", 3, 1, 9, 0.0, 0, 5, &train, &test, JEBM_EINVAL},
        {"linear 9", "rate nan", 3, 1, 9, (double)NAN, 0, 5, &train, &test, JEBM_EINVAL},
        {"linear 9", "shifted by 28", 3, 1, 9, 1e-3, 28, 5, &train, &test, JEBM_EINVAL},
        {"linear 9", "label 5, which is none", 3, 1, 9, 1e-3, 0, 4, &train, &test, JEBM_EINVAL},
        {"linear 9", "training set has 0 images", 3, 1, 9, 1e-3, 0, 5, &none, &test, JEBM_EINVAL},
        {"linear 9", "test set has 0 images", 3, 1, 9, 1e-3, 0, 5, &train, &none, JEBM_EINVAL},
        {"linear 9", "test images 1x56x14", 3, 1, 9, 1e-3, 0, 5, &train, &wide, JEBM_EINVAL},
        {"lineal 9", "lineal", 3, 1, 9, 1e-3, 0, 5, &train, &test, JEBM_EINVAL},
        {"linear 9", "lower it", 3, 3, 9, 1e300, 0, 5, &train, &test, JEBM_EDIVERGE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        jebm_classifier_config c = {.body = cases[i].body,
                                    .nclasses = cases[i].nclasses,
                                    .classes = {9, 0, cases[i].last},
                                    .backend = jebm_gemm_default(),
                                    .epochs = cases[i].epochs,
                                    .batch = cases[i].batch,
                                    .rate = cases[i].rate,
                                    .shift = cases[i].shift};
        jebm_classifier *out = (jebm_classifier *)&c;
        jebm_error err = {0};
        cr_expect_eq(
            jebm_classifier_train(&c, cases[i].train, cases[i].test, 7, NULL, NULL, &out, &err),
            cases[i].status, "case %zu: %s", i, err.text);
        cr_expect_not_null(strstr(err.text, cases[i].found), "case %zu: %s", i, err.text);
        cr_expect_null(out);
    }
    drop_set(&train);
    drop_set(&test);
}

/* a file as jebm_classifier_save() writes it, with one thing wrong */
typedef struct forgery {
    const char *found; /* in the line that refuses it */
    jebm_status status;
    size_t nclasses; /* rows of classes and confusion */
    size_t nparams;
    uint64_t width, count; /* of the images; in the confusion */
    uint32_t last; /* class */
    double theta;
    const char *body, *fingerprint, *missing;
} forgery;

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void put(jebm_checkpoint *file, const forgery *f, jebm_array array) {
    if (f->missing == NULL || strcmp(f->missing, array.name) != 0) {
        cr_assert_eq(jebm_checkpoint_put(file, "classifier", &array, NULL), JEBM_OK);
    }
}

static void forge(const char *path, const forgery *f) {
    uint64_t shape[3] = {1, 1, f->width}, confusion[20 * 20] = {f->count}, ntrain = 3;
    uint32_t classes[20];
    double theta[32] = {f->theta};
    for (uint32_t j = 0; j < 20; j++) {
        classes[j] = j + 1 == f->nclasses ? f->last : j;
    }
    jebm_checkpoint *file;
    cr_assert_eq(jebm_checkpoint_create(path, &file, NULL), JEBM_OK);
    put(file, f, (jebm_array){"shape", JEBM_U64, 1, {3}, shape});
    put(file, f, (jebm_array){"classes", JEBM_U32, 1, {f->nclasses}, classes});
    put(file, f, (jebm_array){"ntrain", JEBM_U64, 0, {0}, &ntrain});
    put(file, f, (jebm_array){"confusion", JEBM_U64, 2, {f->nclasses, f->nclasses}, confusion});
    put(file, f, (jebm_array){"theta", JEBM_F64, 1, {f->nparams}, theta});
    if (f->missing == NULL || strcmp(f->missing, "body") != 0) {
        cr_assert_eq(jebm_checkpoint_put_text(file, "body", f->body, NULL), JEBM_OK);
    }
    cr_assert_eq(jebm_checkpoint_put_text(file, "fingerprint", f->fingerprint, NULL), JEBM_OK);
    cr_assert_eq(jebm_checkpoint_commit(file, NULL), JEBM_OK);
}

Test(classifier, a_hostile_file_is_refused_with_one_line) {
    /* "linear 3" of 4 inputs: 15 parameters, its head of 2 classes: 8 */
    const forgery cases[] = {
        {"", JEBM_OK, 2, 23, 4, 9, 1, 0.5, "linear 3", HASH, NULL},
        {"holds no 'classifier/classes'", JEBM_EMISMATCH, 2, 23, 4, 9, 1, 0.5, "linear 3", HASH,
         "classes"},
        {"holds no 'classifier/theta'", JEBM_EMISMATCH, 2, 23, 4, 9, 1, 0.5, "linear 3", HASH,
         "theta"},
        {"holds no 'text/body'", JEBM_EMISMATCH, 2, 23, 4, 9, 1, 0.5, "linear 3", HASH, "body"},
        {"of 0 classes", JEBM_EFORMAT, 0, 23, 4, 9, 1, 0.5, "linear 3", HASH, NULL},
        {"of 1 classes", JEBM_EFORMAT, 1, 23, 4, 9, 1, 0.5, "linear 3", HASH, NULL},
        {"of 17 classes", JEBM_EFORMAT, 17, 23, 4, 9, 1, 0.5, "linear 3", HASH, NULL},
        {"double[22]; expected double[23]", JEBM_EMISMATCH, 2, 22, 4, 9, 1, 0.5, "linear 3", HASH,
         NULL},
        {"images of 1x1x0", JEBM_EFORMAT, 2, 23, 0, 9, 1, 0.5, "linear 3", HASH, NULL},
        {"images of 1x1x18446744073709551615", JEBM_EFORMAT, 2, 23, UINT64_MAX, 9, 1, 0.5,
         "linear 3", HASH, NULL},
        {"confusion of classes 0 and 0", JEBM_EFORMAT, 2, 23, 4, UINT64_MAX, 1, 0.5, "linear 3",
         HASH, NULL},
        {"tested on no image", JEBM_EFORMAT, 2, 23, 4, 0, 1, 0.5, "linear 3", HASH, NULL},
        {"label 256", JEBM_EFORMAT, 2, 23, 4, 9, 256, 0.5, "linear 3", HASH, NULL},
        {"class 0 is listed twice", JEBM_EFORMAT, 2, 23, 4, 9, 0, 0.5, "linear 3", HASH, NULL},
        {"parameter 0 of the classifier is inf", JEBM_EFORMAT, 2, 23, 4, 9, 1, (double)INFINITY,
         "linear 3", HASH, NULL},
        {"parable", JEBM_EFORMAT, 2, 23, 4, 9, 1, 0.5, "parable 3", HASH, NULL},
        {"", JEBM_EFORMAT, 2, 23, 4, 9, 1, 0.5, "", HASH, NULL},
        {"is no SHA-256", JEBM_EFORMAT, 2, 23, 4, 9, 1, 0.5, "linear 3", "abc", NULL},
        {"is no SHA-256", JEBM_EFORMAT, 2, 23, 4, 9, 1, 0.5, "linear 3", HASH "0", NULL},
    };
    const scratch s = scratch_new();
    const char *path = scratch_path(&s, "c.h5");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        jebm_classifier *c = NULL;
        jebm_error err = {0};
        forge(path, &cases[i]);
        cr_expect_eq(jebm_classifier_load(path, jebm_gemm_default(), &c, &err), cases[i].status,
                     "case %zu: %s", i, err.text);
        cr_expect_not_null(strstr(err.text, cases[i].found), "case %zu: %s", i, err.text);
        cr_expect_null(strchr(err.text, '\n'));
        cr_expect_eq(c != NULL, cases[i].status == JEBM_OK);
        cr_expect(c != NULL || strstr(err.text, "/c.h5: ") != NULL, "case %zu: %s", i, err.text);
        jebm_classifier_free(c);
    }
    jebm_classifier *c = NULL;
    cr_expect_eq(jebm_classifier_load(scratch_path(&s, "none"), jebm_gemm_default(), &c, NULL),
                 JEBM_EIO);
    cr_expect_null(c);
    scratch_free(&s);
}

Test(classifier, the_likeliest_of_equals_is_the_first) {
    const float log_p[6] = {-2.0F, -1.0F, -1.0F, 0.0F, -INFINITY, -INFINITY};
    uint8_t found[2];
    double confidence[2];
    jebm_likeliest(2, 3, log_p, found, confidence);
    cr_expect(found[0] == 1 && found[1] == 0);
    cr_expect_float_eq(confidence[0], exp(-1.0), 1e-15);
    cr_expect_eq(confidence[1], 1.0);
    jebm_likeliest(1, 3, log_p, found, NULL);
    jebm_classifier_free(NULL);
}
