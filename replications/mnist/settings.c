/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mnist.h"

#include "energy/convnet.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define COUNT(low, high) JEBM_KEY_COUNT, low, high, false, false, NULL
#define REAL(low, high, open_low) JEBM_KEY_REAL, low, high, open_low, false, NULL
#define REALS(low, high, open_low) JEBM_KEY_REALS, low, high, open_low, false, NULL
#define BELOW_1 JEBM_KEY_REAL, 0, 1, false, true, NULL
#define CHOICE(words) JEBM_KEY_CHOICE, 0, 0, false, false, words
#define WORDS(words) JEBM_KEY_WORDS, 0, 0, false, false, words
#define BOOL JEBM_KEY_BOOL, 0, 0, false, false, NULL
#define TEXT JEBM_KEY_TEXT, 0, 0, false, false, NULL

/* order as in the choices of the keys */
enum { METHOD_JARZYNSKI, METHOD_UNWEIGHTED, METHOD_PCD, METHOD_PCD_NOISE, METHOD_CD, METHODS };
enum { TRIGGER_ESS, TRIGGER_CV, TRIGGER_INTERVAL, TRIGGER_NEVER };
enum { DATA_DRAWN, DATA_EACH };
enum { STUDY_NONE, STUDY_QUIRKS, STUDY_EVALUATE };

static const char *const methods[METHODS] = {"jarzynski", "unweighted", "pcd", "pcd_noise", "cd"};

const char *const mnist_quirks[NQUIRKS] = {"tempered",       "regularised",   "unweighed_refusal",
                                           "stale_weights",  "stale_start",   "unpermuted_energies",
                                           "fresh_gradient", "released_log_z"};

const jebm_key mnist_keys[] = {
    /* the data */
    {"data_set", TEXT, "mnist",
     "images to learn: mnist, fashion-mnist, or a directory with a / in its name that holds grey "
     "images of one's own in four IDX files named as MNIST's"},
    {"classes", REALS(0, 9, false), "2 3 6", "labels of the classes learnt, two to ten"},
    {"counts", REALS(0, 1e6, false), "5600 2800 1400",
     "training images of each, the first of the file; 0: all; a single 0: all of each"},
    {"data_noise", REAL(0, 10, false), "0",
     "standard deviation of noise that training and test images carry, reflected at the cube"},
    {"verify", BOOL, "yes",
     "refuse files of mnist and fashion-mnist that are not the published ones"},
    {"classifier", TEXT, "-",
     "file of the classifier that tells modes apart; -: trained once, kept beside the runs"},
    /* the energy */
    {"network", TEXT, NULL, "layers of F, as in src/nn/network.h; U = F/T"},
    {"temperature", REAL(0, 1e6, true), NULL, "T"},
    {"zero_last", BOOL, NULL, "the last layer starts at 0, so that U = 0 at the start"},
    {"confine", REAL(0, 1e6, false), "0",
     "0: pixels live on [-1, 1]; else on the line, U + |x|^2/(2 s^2) with this s"},
    {"backend", CHOICE("auto|reference|openblas|onednn"), "auto",
     "matrix products; auto: onednn, openblas, reference, the first that is there"},
    {"drift", CHOICE("fp32|bf16"), "fp32", "precision of the drift; U is fp32 always"},
    /* the walkers */
    {"methods", WORDS("jarzynski|unweighted|pcd|pcd_noise|cd"), NULL,
     "algorithms to run; pcd starts at data, pcd_noise at noise, burned in"},
    {"walkers", COUNT(2, 1e7), NULL, "walkers N"},
    {"batch", COUNT(1, 1e7), NULL, "walkers N' that move together and give the gradient"},
    {"batches", COUNT(1, 1000), "1", "mini-batches of walkers that move in an update"},
    {"inner", COUNT(1, 1e5), NULL, "ULA steps of a mini-batch in an update"},
    {"cd_steps", COUNT(1, 1e5), NULL, "ULA steps P of contrastive divergence, from data"},
    {"h", REALS(0, 1e3, true), NULL, "time steps of ULA, a variant each of jarzynski"},
    {"final_h", REAL(0, 1e3, false), "0",
     "h falls geometrically to this at the last update; 0: it stays"},
    {"sigma", REAL(0, 1e3, false), "0",
     "noise of the released sampler instead of sqrt(2h); see quirk tempered; 0: none"},
    {"clip", REAL(0, 1e12, false), "0",
     "coordinates of the drift are clamped to this, in both densities; 0: none"},
    {"data_start", CHOICE("drawn|each"), "drawn",
     "pcd and cd start at images drawn with replacement, or walker i at image i mod n"},
    {"burn_in", COUNT(0, 1e9), "0", "ULA steps at theta_0 before the training, weighed"},
    {"noise_burn_in", COUNT(0, 1e9), "0", "the same of pcd_noise"},
    {"evaluation", COUNT(0, 1e7), "0",
     "walkers of a second population that never enters the gradient; 0: none"},
    {"ess_every", COUNT(0, 1e9), "0", "updates between two looks at the ESS; 0: N/N'"},
    /* resampling */
    {"resampling", CHOICE("multinomial|stratified|systematic|residual|ssp|killing"), "systematic",
     "resampling scheme"},
    {"trigger", CHOICE("ess|cv|interval|never"), "ess", "when to resample"},
    {"c", REALS(0, 1e6, true), "1",
     "thresholds, a variant each: resample when ESS < 1/(1+c), or CV > sqrt(c)"},
    {"lag", COUNT(1, 1e9), "1000", "updates between resamplings of trigger interval"},
    {"resample_from", COUNT(0, 1e18), "0", "no resampling before this update"},
    /* the optimizer */
    {"data_batch", COUNT(1, 1e6), NULL, "data points n' of a gradient"},
    {"optimizer", CHOICE("gd|adam"), "adam", "gradient descent or Adam"},
    {"rate", REAL(0, 1e6, false), NULL, "learning rate"},
    {"beta_1", BELOW_1, "0", "Adam's decay of the mean"},
    {"beta_2", BELOW_1, "0.999", "Adam's decay of the square"},
    {"epsilon", REAL(0, 1, true), "1e-8", "Adam's epsilon"},
    {"final_rate", REAL(0, 1, false), "1e-6", "the rate falls linearly to this factor ..."},
    {"decay", COUNT(0, 1e9), "0", "... at this update; 0: the last"},
    {"max_norm", REAL(0, 1e9, false), "0", "longer gradients are shortened to it; 0: none"},
    {"alpha", REAL(0, 1e6, false), "0",
     "weight of E_data U^2 + E_model U^2 in the loss, with quirk regularised"},
    {"ess_cost", JEBM_KEY_REALS, 0, 1, false, true, NULL, "0",
     "shares of the ESS that an update may cost, a variant each; 0: any"},
    /* how good log Z is */
    {"ais_steps", COUNT(0, 1e7), "0",
     "after the last update: log Z by annealed importance sampling with N walkers, from the "
     "reference density and back from the resampled walkers, each in this many steps; 0: neither"},
    {"ais_power", REAL(0, 16, true), "2", "the path's steps are at (k/ais_steps)^ais_power"},
    {"ais_walkers", COUNT(0, 1e7), "0", "walkers of it, at most N; 0: N"},
    {"ais_h", REAL(0, 1e3, false), "0",
     "time step of it where it ends at the model, larger before; 0: that of the last update"},
    {"models", TEXT, "-",
     "study evaluate: directory of the runs whose models are evaluated; -: mnist, beside this one"},
    /* the released code */
    {"quirks", WORDS("none|" MNIST_QUIRKS), "none", "what the released code does otherwise"},
    {"study", CHOICE("none|quirks|evaluate"), "none",
     "quirks: variants of jarzynski with all quirks, with all but one, with one, with none; "
     "evaluate: no training, annealing of models, each step with four times the steps"},
    /* the pictures */
    {"images", COUNT(4, 400), "64", "images of a grid"},
};
const size_t mnist_nkeys = sizeof mnist_keys / sizeof mnist_keys[0];

/* ---- cells ---------------------------------------------------------------------------------- */

/* A cell's number says what it is: its method, and which threshold, cost, set of quirks or h. */
enum { FIRST_THRESHOLD = 0, FIRST_COST = 32, FIRST_QUIRKS = 64, FIRST_STEP = 96 };

/* of the study: all, all but one, one, none */
enum { ALL_QUIRKS = (1 << NQUIRKS) - 1, NSTUDIED = 2 * NQUIRKS + 2 };

static unsigned studied(size_t i) {
    return i == 0             ? ALL_QUIRKS
           : i <= NQUIRKS     ? ALL_QUIRKS & ~(1U << (i - 1))
           : i < NSTUDIED - 1 ? 1U << (i - 1 - NQUIRKS)
                              : 0;
}

static void name_studied(size_t i, char text[32]) {
    if (i == 0 || i == NSTUDIED - 1) {
        snprintf(text, 32, "%s", i == 0 ? "all" : "none");
    } else {
        snprintf(text, 32, "%s-%s", i <= NQUIRKS ? "all" : "only", mnist_quirks[(i - 1) % NQUIRKS]);
    }
}

static unsigned quirks_of(const jebm_preset *preset) {
    unsigned set = 0;
    for (unsigned i = 0; i < NQUIRKS; i++) {
        set |= jebm_preset_has(preset, "quirks", mnist_quirks[i]) ? 1U << i : 0;
    }
    return set;
}

/* the value of a list that a variant stands for, where its variants are [first, first + 32) */
static double chosen(const jebm_preset *preset, const char *key, size_t variant, size_t first) {
    double list[32];
    jebm_preset_reals(preset, key, list);
    return list[variant >= first && variant < first + 32 ? variant - first : 0];
}

mnist_cell mnist_cell_of(const jebm_preset *preset, const jebm_cell *cell) {
    static const jebm_method trained[METHODS] = {JEBM_METHOD_JARZYNSKI, JEBM_METHOD_UNWEIGHTED,
                                                 JEBM_METHOD_PCD, JEBM_METHOD_PCD, JEBM_METHOD_CD};
    const size_t method = cell->index >> 8, variant = cell->index & 255;
    const bool studied_one = variant >= FIRST_QUIRKS && variant < FIRST_STEP;
    return (mnist_cell){
        .method = trained[method],
        .from_noise = method == METHOD_PCD_NOISE,
        .c = chosen(preset, "c", variant, FIRST_THRESHOLD),
        .ess_cost =
            method == METHOD_JARZYNSKI ? chosen(preset, "ess_cost", variant, FIRST_COST) : 0.0,
        .h = chosen(preset, "h", variant, FIRST_STEP),
        .quirks = studied_one ? studied(variant - FIRST_QUIRKS) : quirks_of(preset),
        .stream = method,
    };
}

static void add(jebm_cell *cells, size_t *n, size_t method, size_t variant, const char *name,
                double value) {
    jebm_cell *cell = &cells[(*n)++];
    cell->index = method << 8 | variant;
    snprintf(cell->method, sizeof cell->method, "%s", methods[method]);
    if (strchr(name, '=') != NULL) {
        snprintf(cell->variant, sizeof cell->variant, "%.12s%.10g", name, value);
    } else {
        snprintf(cell->variant, sizeof cell->variant, "%.31s", name);
    }
}

/* the variants of method jarzynski */
static void add_weighted(const jebm_preset *preset, jebm_cell *cells, size_t *n) {
    const size_t trigger = jebm_preset_choice(preset, "trigger");
    double c[32], costs[32], h[32];
    const size_t nc = jebm_preset_reals(preset, "c", c),
                 ncosts = jebm_preset_reals(preset, "ess_cost", costs),
                 nh = jebm_preset_reals(preset, "h", h);
    if (jebm_preset_choice(preset, "study") == STUDY_QUIRKS) {
        for (size_t i = 0; i < NSTUDIED; i++) {
            char name[32];
            name_studied(i, name);
            add(cells, n, METHOD_JARZYNSKI, FIRST_QUIRKS + i, name, 0.0);
        }
    } else if (ncosts > 1) {
        for (size_t i = 0; i < ncosts; i++) {
            add(cells, n, METHOD_JARZYNSKI, FIRST_COST + i, "ess_cost=", costs[i]);
        }
    } else if (nh > 1) {
        for (size_t i = 0; i < nh; i++) {
            add(cells, n, METHOD_JARZYNSKI, FIRST_STEP + i, "h=", h[i]);
        }
    } else if (trigger == TRIGGER_NEVER) {
        add(cells, n, METHOD_JARZYNSKI, 0, "never", 0.0);
    } else if (trigger == TRIGGER_INTERVAL) {
        add(cells, n, METHOD_JARZYNSKI, 0, "lag=", (double)jebm_preset_count(preset, "lag"));
    } else {
        for (size_t i = 0; i < nc; i++) {
            add(cells, n, METHOD_JARZYNSKI, FIRST_THRESHOLD + i, "c=", c[i]);
        }
    }
}

/* ---- what no single key can show ------------------------------------------------------------ */

static jebm_status check_lists(const jebm_preset *preset, jebm_error *err) {
    double list[32];
    JEBM_TRY(jebm_preset_distinct(preset, "c", err));
    JEBM_TRY(jebm_preset_distinct(preset, "ess_cost", err));
    JEBM_TRY(jebm_preset_distinct(preset, "h", err));
    const bool many_c = jebm_preset_reals(preset, "c", list) > 1,
               many_costs = jebm_preset_reals(preset, "ess_cost", list) > 1,
               many_h = jebm_preset_reals(preset, "h", list) > 1,
               studying = jebm_preset_choice(preset, "study") == STUDY_QUIRKS;
    if (many_c + many_costs + many_h + studying > 1) {
        return jebm_fail(err, JEBM_EINVAL,
                         "keys 'c', 'ess_cost', 'h' and 'study' make variants: several of them do; "
                         "expected one");
    }
    if (strcmp(jebm_preset_text(preset, "quirks"), "none") != 0 &&
        jebm_preset_has(preset, "quirks", "none")) {
        return jebm_fail(err, JEBM_EINVAL, "key 'quirks' is '%s': none or others, not both",
                         jebm_preset_text(preset, "quirks"));
    }
    return JEBM_OK;
}

bool mnist_evaluates(const jebm_preset *preset) {
    return jebm_preset_choice(preset, "study") == STUDY_EVALUATE;
}

static jebm_status check_annealing(const jebm_preset *preset, jebm_error *err) {
    const uint64_t walkers = jebm_preset_count(preset, "walkers"),
                   annealed = jebm_preset_count(preset, "ais_walkers");
    if (annealed > walkers) {
        return jebm_fail(err, JEBM_EINVAL,
                         "key 'ais_walkers' is %llu, expected at most walkers = %llu",
                         (unsigned long long)annealed, (unsigned long long)walkers);
    }
    if (mnist_evaluates(preset)) {
        const uint64_t steps = jebm_preset_count(preset, "ais_steps"),
                       times = jebm_preset_count(preset, "iterations");
        if (steps == 0 || times > MNIST_EVALUATIONS) {
            return jebm_fail(err, JEBM_EINVAL,
                             "study evaluate: ais_steps is %llu and iterations is %llu, expected "
                             "steps, and at most %d iterations",
                             (unsigned long long)steps, (unsigned long long)times,
                             MNIST_EVALUATIONS);
        }
    } else if (strcmp(jebm_preset_text(preset, "models"), "-") != 0) {
        return jebm_fail(err, JEBM_EINVAL, "key 'models' is '%s', but study is not evaluate",
                         jebm_preset_text(preset, "models"));
    }
    return JEBM_OK;
}

static jebm_status check_sizes(const jebm_preset *preset, jebm_error *err) {
    const uint64_t walkers = jebm_preset_count(preset, "walkers"),
                   batch = jebm_preset_count(preset, "batch"),
                   evaluation = jebm_preset_count(preset, "evaluation"),
                   images = jebm_preset_count(preset, "images");
    if (batch > walkers) {
        return jebm_fail(err, JEBM_EINVAL, "key 'batch' is %llu, expected at most walkers = %llu",
                         (unsigned long long)batch, (unsigned long long)walkers);
    }
    if (images > walkers) {
        return jebm_fail(err, JEBM_EINVAL, "key 'images' is %llu, expected at most walkers = %llu",
                         (unsigned long long)images, (unsigned long long)walkers);
    }
    if (evaluation > 0 && evaluation * batch < walkers) {
        return jebm_fail(err, JEBM_EINVAL,
                         "key 'evaluation' is %llu, expected at least walkers/batch = %llu, so "
                         "that one of them moves in an update",
                         (unsigned long long)evaluation,
                         (unsigned long long)((walkers + batch - 1) / batch));
    }
    return JEBM_OK;
}

static jebm_status check_quirks(const jebm_preset *preset, const mnist_cell *cell,
                                jebm_error *err) {
    const bool tempered = cell->quirks >> QUIRK_TEMPERED & 1;
    if (tempered && jebm_preset_real(preset, "sigma") == 0.0) {
        return jebm_fail(err, JEBM_EINVAL,
                         "quirk tempered: sigma is 0, expected the noise of the released sampler");
    }
    if (jebm_preset_real(preset, "sigma") > 0.0 && jebm_preset_real(preset, "final_h") > 0.0) {
        return jebm_fail(err, JEBM_EINVAL,
                         "keys 'sigma' and 'final_h' are both set: the released sampler has one h");
    }
    if (jebm_preset_real(preset, "sigma") > 0.0 && jebm_preset_real(preset, "confine") > 0.0) {
        return jebm_fail(err, JEBM_EINVAL,
                         "keys 'sigma' and 'confine' are both set: the released code has a cube");
    }
    return JEBM_OK;
}

jebm_status mnist_plan(const jebm_preset *preset, jebm_cell *cells, size_t *ncells,
                       jebm_error *err) {
    JEBM_TRY(mnist_inputs_check(preset, err));
    JEBM_TRY(check_sizes(preset, err));
    JEBM_TRY(check_lists(preset, err));
    JEBM_TRY(check_annealing(preset, err));
    *ncells = 0;
    for (size_t i = 0; i < METHODS; i++) {
        if (!jebm_preset_has(preset, "methods", methods[i])) {
            continue;
        }
        if (i == METHOD_JARZYNSKI) {
            add_weighted(preset, cells, ncells);
        } else {
            add(cells, ncells, i, 0, "-", 0.0);
        }
    }
    for (size_t i = 0; i < *ncells; i++) {
        const mnist_cell cell = mnist_cell_of(preset, &cells[i]);
        JEBM_TRY(check_quirks(preset, &cell, err));
    }
    return JEBM_OK;
}

/* ---- one run -------------------------------------------------------------------------------- */

/* what a stream of random numbers is for; the rest of its number is the cell and the run */
enum {
    STREAM_THETA = 1,
    STREAM_WALKERS,
    STREAM_EVALUATION,
    STREAM_PICTURES,
    STREAM_RESAMPLED,
    STREAM_FORWARD,
    STREAM_REVERSE
};

static jebm_rng stream(const jebm_preset *preset, unsigned purpose, size_t cell, size_t run) {
    return jebm_rng_make(jebm_preset_seed(preset),
                         (uint64_t)run << 32 | (uint64_t)cell << 8 | purpose);
}

jebm_rng mnist_picture_stream(const jebm_preset *preset, size_t run) {
    return stream(preset, STREAM_PICTURES, 0, run);
}

void mnist_annealing_streams(const jebm_preset *preset, size_t run, size_t step,
                             jebm_rng streams[3]) {
    static const unsigned purposes[] = {STREAM_RESAMPLED, STREAM_FORWARD, STREAM_REVERSE};
    for (size_t i = 0; i < 3; i++) {
        streams[i] = stream(preset, purposes[i], step, run);
    }
}

/* The released sampler, x - h grad F + sigma xi, is ULA of U = F/T with T = sigma^2/(2h) and time
 * step sigma^2/2. So without quirk tempered it makes the same moves, and the weights are those of
 * that U. What is to stay the same in F has to be scaled with 1/T. */
typedef struct sampler {
    double h, sigma, temperature, scale; /* of grad U against the key's */
} sampler;

static sampler sampler_of(const jebm_preset *preset, const mnist_cell *cell) {
    const double h = cell->h, sigma = jebm_preset_real(preset, "sigma"),
                 temperature = jebm_preset_real(preset, "temperature");
    if (sigma == 0.0 || cell->quirks >> QUIRK_TEMPERED & 1) {
        return (sampler){h, sigma, temperature, 1.0};
    }
    const double lower = sigma * sigma / (2.0 * h);
    return (sampler){0.5 * sigma * sigma, 0.0, temperature * lower, 1.0 / lower};
}

double mnist_temperature(const jebm_preset *preset, const mnist_cell *cell) {
    return sampler_of(preset, cell).temperature;
}

jebm_status mnist_energy(const jebm_preset *preset, const mnist_cell *cell,
                         const mnist_inputs *inputs, size_t run, jebm_energy **energy,
                         jebm_error *err) {
    const jebm_convnet_config config = {
        .spec = jebm_preset_text(preset, "network"),
        .shape = {inputs->train.channels, inputs->train.height, inputs->train.width},
        .temperature = mnist_temperature(preset, cell),
        .confine = jebm_preset_real(preset, "confine"),
        .backend = inputs->backend,
        .drift = inputs->drift,
        .zero_last = jebm_preset_bool(preset, "zero_last"),
    };
    return jebm_convnet_new(&config, stream(preset, STREAM_THETA, 0, run), energy, err);
}

static jebm_optimizer_config optimizer_of(const jebm_preset *preset, double scale) {
    const uint64_t decay = jebm_preset_count(preset, "decay");
    const double final_rate = jebm_preset_real(preset, "final_rate");
    return (jebm_optimizer_config){
        .kind = jebm_preset_choice(preset, "optimizer") == 0 ? JEBM_GRADIENT_DESCENT : JEBM_ADAM,
        .schedule = final_rate == 1.0 ? JEBM_SCHEDULE_CONSTANT : JEBM_SCHEDULE_LINEAR,
        .end = final_rate,
        .horizon = decay > 0 ? decay : jebm_preset_count(preset, "iterations"),
        .beta_1 = jebm_preset_real(preset, "beta_1"),
        .beta_2 = jebm_preset_real(preset, "beta_2"),
        .epsilon = jebm_preset_real(preset, "epsilon") * scale,
        .max_norm = jebm_preset_real(preset, "max_norm") * scale,
    };
}

static void set_resampling(const jebm_preset *preset, const mnist_cell *cell,
                           jebm_trainer_config *c) {
    static const jebm_trigger triggers[] = {[TRIGGER_ESS] = JEBM_TRIGGER_ESS,
                                            [TRIGGER_CV] = JEBM_TRIGGER_CV,
                                            [TRIGGER_INTERVAL] = JEBM_TRIGGER_INTERVAL,
                                            [TRIGGER_NEVER] = JEBM_TRIGGER_NEVER};
    c->scheme = (jebm_resampling)jebm_preset_choice(preset, "resampling");
    c->trigger = cell->method == JEBM_METHOD_JARZYNSKI
                     ? triggers[jebm_preset_choice(preset, "trigger")]
                     : JEBM_TRIGGER_NEVER;
    c->threshold = c->trigger == JEBM_TRIGGER_CV ? sqrt(cell->c) : 1.0 / (1.0 + cell->c);
    c->interval = jebm_preset_count(preset, "lag");
    c->resample_from = jebm_preset_count(preset, "resample_from");
}

static void set_populations(const jebm_preset *preset, const mnist_cell *cell, size_t run,
                            jebm_trainer_config *c) {
    const uint64_t walkers = jebm_preset_count(preset, "walkers"),
                   batch = jebm_preset_count(preset, "batch"),
                   evaluation = jebm_preset_count(preset, "evaluation");
    c->npopulations = evaluation > 0 && cell->method == JEBM_METHOD_JARZYNSKI ? 2 : 1;
    c->walkers[0] = walkers;
    c->walkers[1] = evaluation;
    c->batch[0] = batch;
    /* the same share of them moves */
    c->batch[1] = (evaluation * batch + walkers - 1) / walkers;
    c->rng[0] = stream(preset, STREAM_WALKERS, cell->stream, run);
    c->rng[1] = stream(preset, STREAM_EVALUATION, cell->stream, run);
}

static void set_quirks(const mnist_cell *cell, jebm_trainer_config *c) {
    const unsigned q = cell->quirks;
    c->assume_2h = q >> QUIRK_TEMPERED & 1;
    c->alpha = q >> QUIRK_REGULARISED & 1 ? c->alpha : 0.0;
    c->unweighed_refusal = q >> QUIRK_UNWEIGHED_REFUSAL & 1;
    c->stale_weights = q >> QUIRK_STALE_WEIGHTS & 1;
    c->stale_start = q >> QUIRK_STALE_START & 1;
    c->unpermuted_energies = q >> QUIRK_UNPERMUTED_ENERGIES & 1;
    c->fresh_gradient = q >> QUIRK_FRESH_GRADIENT & 1;
    c->released_log_z = q >> QUIRK_RELEASED_LOG_Z & 1;
}

jebm_trainer_config mnist_training(const jebm_preset *preset, const mnist_cell *cell, size_t run) {
    const sampler s = sampler_of(preset, cell);
    const bool weighted = cell->method == JEBM_METHOD_JARZYNSKI,
               from_data = cell->method == JEBM_METHOD_CD ||
                           (cell->method == JEBM_METHOD_PCD && !cell->from_noise);
    jebm_trainer_config c = {
        .method = cell->method,
        .rule = JEBM_WEIGHTS_EXACT,
        .gradient = JEBM_GRADIENT_BATCH,
        .data_batch = jebm_preset_count(preset, "data_batch"),
        .ess_every = jebm_preset_count(preset, "ess_every"),
        .inner = jebm_preset_count(preset, "inner"),
        .batches = jebm_preset_count(preset, "batches"),
        .cd_steps = jebm_preset_count(preset, "cd_steps"),
        .h = s.h,
        .final_h = jebm_preset_real(preset, "final_h"),
        .h_horizon = jebm_preset_count(preset, "iterations"),
        .bound = jebm_preset_real(preset, "confine") == 0.0 ? 1.0 : 0.0,
        .clip = jebm_preset_real(preset, "clip") * s.scale,
        .sigma = s.sigma,
        .start = cell->from_noise ? JEBM_START_REFERENCE : JEBM_START_METHOD,
        .start_each = jebm_preset_choice(preset, "data_start") == DATA_EACH,
        .burn_in = from_data || mnist_evaluates(preset) ? 0
                   : cell->from_noise                   ? jebm_preset_count(preset, "noise_burn_in")
                                                        : jebm_preset_count(preset, "burn_in"),
        .optimizer = optimizer_of(preset, s.scale),
        .alpha = jebm_preset_real(preset, "alpha") / s.scale,
        .ess_cost = cell->ess_cost,
    };
    set_populations(preset, cell, run, &c);
    set_resampling(preset, cell, &c);
    set_quirks(cell, &c);
    if (!weighted) {
        /* about weights, which there are none of */
        c.stale_weights = c.stale_start = c.unpermuted_energies = c.released_log_z = false;
    }
    /* Adam does not see how gradients are scaled */
    const double factor = c.optimizer.kind == JEBM_ADAM ? 1.0 : 1.0 / s.scale;
    for (size_t i = 0; i < JEBM_MAX_GROUPS; i++) {
        c.rate[i] = factor * jebm_preset_real(preset, "rate");
    }
    return c;
}
