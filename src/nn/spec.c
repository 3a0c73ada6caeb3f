/* The line of text that describes a network.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "nn/network_internal.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* the largest number in a spec, and the most elements of an image within the network */
#define LARGEST 65536
#define MOST_ELEMENTS ((size_t)1 << 26)
#define MOST_WORDS 5

/* one layer being read */
typedef struct layer {
    size_t number; /* from 1 */
    const char *text; /* trimmed */
    size_t nwords;
    const char *word[MOST_WORDS];
    jebm_error *err;
} layer;

static jebm_status refuse(const layer *l, const char *expected) {
    return jebm_fail(l->err, JEBM_EINVAL, "network, layer %zu is '%s', expected %s", l->number,
                     l->text, expected);
}

/* ---- words ---------------------------------------------------------------------------------- */

/* an integer from least, the whole word */
static bool whole(const char *word, size_t least, size_t *out) {
    char *end = NULL;
    errno = 0;
    const long value = isdigit((unsigned char)word[0]) ? strtol(word, &end, 10) : -1;
    if (end == NULL || *end != '\0' || errno != 0 || value < (long)least || value > LARGEST) {
        return false;
    }
    *out = (size_t)value;
    return true;
}

/* words from `first` on: letter and number each, every letter at most once */
static bool options(const layer *l, size_t first, const char *letters, const size_t *least,
                    size_t *const *out) {
    bool seen[3] = {false};
    for (size_t w = first; w < l->nwords; w++) {
        const char *at = strchr(letters, l->word[w][0]);
        if (at == NULL || l->word[w][0] == '\0') {
            return false;
        }
        const size_t i = (size_t)(at - letters);
        if (seen[i] || !whole(l->word[w] + 1, least[i], out[i])) {
            return false;
        }
        seen[i] = true;
    }
    return true;
}

static bool is(const layer *l, const char *name) {
    return strcmp(l->word[0], name) == 0;
}

/* ---- layers --------------------------------------------------------------------------------- */

static jebm_shape shape_now(const jebm_spec *spec, jebm_shape input) {
    return spec->nstages > 0 ? spec->stage[spec->nstages - 1].out : input;
}

/* output of a window that is moved over the input; 0 if it does not fit */
static size_t extent(size_t in, size_t window, size_t stride, size_t padding) {
    return in + 2 * padding < window ? 0 : (in + 2 * padding - window) / stride + 1;
}

static jebm_status append(const layer *l, jebm_spec *spec, jebm_stage stage) {
    const jebm_shape in = stage.in;
    stage.out.height = extent(in.height, stage.window[0], stage.stride, stage.padding);
    stage.out.width = extent(in.width, stage.window[1], stage.stride, stage.padding);
    if (stage.out.height == 0 || stage.out.width == 0) {
        return jebm_fail(l->err, JEBM_EINVAL,
                         "network, layer %zu is '%s', but its input has %zu x %zu pixels only",
                         l->number, l->text, in.height, in.width);
    }
    stage.fan_in = in.channels * stage.window[0] * stage.window[1];
    const size_t bordered = (in.height + 2 * stage.padding) * (in.width + 2 * stage.padding);
    if (bordered * in.channels > MOST_ELEMENTS || stage.fan_in > MOST_ELEMENTS ||
        stage.out.height * stage.out.width * stage.out.channels > MOST_ELEMENTS ||
        stage.fan_in * stage.out.channels > MOST_ELEMENTS) {
        return jebm_fail(l->err, JEBM_EINVAL,
                         "network, layer %zu is '%s': larger than 2^26 elements", l->number,
                         l->text);
    }
    if (stage.kind == JEBM_STAGE_PRODUCT) {
        stage.weight = spec->nparams;
        stage.bias = stage.weight + stage.fan_in * stage.out.channels;
        spec->nparams = stage.bias + stage.out.channels;
    }
    spec->stage[spec->nstages++] = stage;
    return JEBM_OK;
}

static jebm_status read_conv(const layer *l, jebm_spec *spec, jebm_shape in) {
    size_t channels = 0, window = 0, stride = 1, padding = 0;
    const size_t least[] = {1, 1, 0};
    size_t *const out[] = {&window, &stride, &padding};
    if (l->nwords < 3 || !whole(l->word[1], 1, &channels) || !options(l, 2, "ksp", least, out) ||
        window == 0) {
        return refuse(l, "conv OUT kK [sS] [pP] with integers OUT, K, S > 0 and P >= 0");
    }
    if (padding >= window) {
        return refuse(l, "a padding P below the kernel K");
    }
    return append(l, spec,
                  (jebm_stage){.kind = JEBM_STAGE_PRODUCT,
                               .in = in,
                               .out.channels = channels,
                               .window = {window, window},
                               .stride = stride,
                               .padding = padding});
}

static jebm_status read_linear(const layer *l, jebm_spec *spec, jebm_shape in) {
    size_t channels = 0;
    if (l->nwords != 2 || !whole(l->word[1], 1, &channels)) {
        return refuse(l, "linear OUT with an integer OUT > 0");
    }
    return append(l, spec,
                  (jebm_stage){.kind = JEBM_STAGE_PRODUCT,
                               .linear = true,
                               .in = in,
                               .out.channels = channels,
                               .window = {in.height, in.width},
                               .stride = 1});
}

static jebm_status read_pool(const layer *l, jebm_spec *spec, jebm_shape in, jebm_stage_kind kind) {
    size_t window = 0, stride = 0;
    const size_t least[] = {1};
    size_t *const out[] = {&stride};
    if (l->nwords < 2 || !whole(l->word[1], 1, &window) || !options(l, 2, "s", least, out)) {
        return refuse(l, "maxpool K [sS] or avgpool K [sS] with integers K, S > 0");
    }
    return append(l, spec,
                  (jebm_stage){.kind = kind,
                               .in = in,
                               .out.channels = in.channels,
                               .window = {window, window},
                               .stride = stride > 0 ? stride : window});
}

/* onto the last stage, or onto one that copies, if that one has an activation already */
static jebm_status add_activation(const layer *l, jebm_spec *spec, jebm_shape in,
                                  jebm_activation act) {
    if (spec->nstages == 0 || spec->stage[spec->nstages - 1].act.kind != JEBM_ACT_NONE) {
        JEBM_TRY(append(l, spec,
                        (jebm_stage){.kind = JEBM_STAGE_AVGPOOL,
                                     .in = in,
                                     .out.channels = in.channels,
                                     .window = {1, 1},
                                     .stride = 1}));
    }
    spec->stage[spec->nstages - 1].act = act;
    return JEBM_OK;
}

static jebm_status read_leaky(const layer *l, jebm_spec *spec, jebm_shape in) {
    char *end = NULL;
    const double slope = l->nwords == 2 ? strtod(l->word[1], &end) : 0.0;
    if (end == NULL || *end != '\0' || !(slope > 0.0 && slope < 1.0)) {
        return refuse(l, "leaky A with 0 < A < 1");
    }
    return add_activation(l, spec, in, (jebm_activation){JEBM_ACT_LEAKY, (float)slope});
}

static jebm_status read_layer(const layer *l, jebm_spec *spec, jebm_shape in) {
    if (spec->logsoftmax) {
        return jebm_fail(l->err, JEBM_EINVAL,
                         "network, layer %zu is '%s', but logsoftmax must be the last layer",
                         l->number, l->text);
    }
    if (l->nwords > 0 && is(l, "conv")) {
        return read_conv(l, spec, in);
    }
    if (l->nwords > 0 && is(l, "linear")) {
        return read_linear(l, spec, in);
    }
    if (l->nwords > 0 && (is(l, "maxpool") || is(l, "avgpool"))) {
        return read_pool(l, spec, in, is(l, "maxpool") ? JEBM_STAGE_MAXPOOL : JEBM_STAGE_AVGPOOL);
    }
    if (l->nwords > 0 && is(l, "leaky")) {
        return read_leaky(l, spec, in);
    }
    if (l->nwords == 1 && is(l, "silu")) {
        return add_activation(l, spec, in, (jebm_activation){JEBM_ACT_SILU, 0.0f});
    }
    if (l->nwords == 1 && is(l, "relu")) {
        return add_activation(l, spec, in, (jebm_activation){JEBM_ACT_LEAKY, 0.0f});
    }
    if (l->nwords == 1 && is(l, "flatten")) {
        return JEBM_OK;
    }
    if (l->nwords == 1 && is(l, "logsoftmax")) {
        spec->logsoftmax = true;
        return JEBM_OK;
    }
    return refuse(l, "conv, linear, silu, relu, leaky, maxpool, avgpool, flatten or logsoftmax");
}

/* ---- the line ------------------------------------------------------------------------------- */

/* copy of text, cut off its white space at both ends */
static char *trimmed(const char *text, size_t length) {
    while (length > 0 && isspace((unsigned char)text[0])) {
        text++, length--;
    }
    while (length > 0 && isspace((unsigned char)text[length - 1])) {
        length--;
    }
    return strndup(text, length);
}

static jebm_status read_text(const char *text, size_t length, size_t number, jebm_spec *spec,
                             jebm_shape in, jebm_error *err) {
    char *shown = trimmed(text, length), *words = trimmed(text, length);
    layer l = {.number = number, .text = shown, .err = err};
    jebm_status status = JEBM_OK;
    if (shown == NULL || words == NULL) {
        status = jebm_fail(err, JEBM_ENOMEM, "network: not enough memory");
    }
    char *rest = words, *word = NULL;
    while (status == JEBM_OK && (word = strtok_r(rest, " \t\r\n", &rest)) != NULL) {
        if (l.nwords == MOST_WORDS) {
            status = refuse(&l, "fewer words (layers are separated by '|')");
        } else {
            l.word[l.nwords++] = word;
        }
    }
    if (status == JEBM_OK) {
        status = read_layer(&l, spec, in);
    }
    free(shown);
    free(words);
    return status;
}

static jebm_status check_input(jebm_shape in, jebm_error *err) {
    if (in.channels < 1 || in.height < 1 || in.width < 1 || in.channels > LARGEST ||
        in.height > LARGEST || in.width > LARGEST ||
        in.channels * in.height * in.width > MOST_ELEMENTS) {
        return jebm_fail(err, JEBM_EINVAL,
                         "network: images of %zu x %zu x %zu, expected channels, height and width "
                         "from 1 with a product up to 2^26",
                         in.channels, in.height, in.width);
    }
    return JEBM_OK;
}

jebm_status jebm_spec_parse(const char *text, jebm_shape input, jebm_spec *out, jebm_error *err) {
    *out = (jebm_spec){0};
    JEBM_TRY(check_input(input, err));
    size_t most = 1;
    for (const char *c = text; *c != '\0'; c++) {
        most += *c == '|';
    }
    jebm_spec spec = {.stage = calloc(most, sizeof *spec.stage)};
    if (spec.stage == NULL) {
        return jebm_fail(err, JEBM_ENOMEM, "network: not enough memory");
    }
    jebm_status status = JEBM_OK;
    for (size_t number = 1; status == JEBM_OK && number <= most; number++) {
        const size_t length = strcspn(text, "|");
        status = read_text(text, length, number, &spec, shape_now(&spec, input), err);
        text += length + (text[length] == '|');
    }
    if (status == JEBM_OK && spec.nparams == 0) {
        status =
            jebm_fail(err, JEBM_EINVAL,
                      "network: no layer has parameters, expected at least one conv or linear");
    }
    if (status != JEBM_OK) {
        free(spec.stage);
        return status;
    }
    *out = spec;
    return JEBM_OK;
}
