/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "claims.h"

#include "app/nearest.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_VALUE = 1024, MAX_WORDS = JEBM_CLAIM_ACROSS };

#define KEYS(X)        \
    X(figure, true)    \
    X(fidelity, true)  \
    X(source, true)    \
    X(kind, true)      \
    X(says, true)      \
    X(method, false)   \
    X(variant, false)  \
    X(across, false)   \
    X(scales, false)   \
    X(partial, false)  \
    X(written, false)  \
    X(quantity, true)  \
    X(low, false)      \
    X(high, false)     \
    X(predicate, true) \
    X(note, false)

enum {
#define X(name, required) KEY_##name,
    KEYS(X)
#undef X
        NKEYS
};

static const char *const key_names[] = {
#define X(name, required) #name,
    KEYS(X)
#undef X
};

static const bool key_required[] = {
#define X(name, required) required,
    KEYS(X)
#undef X
};

static const char *const kind_names[] = {"exact", "reported", "qualitative", "ours"};
static const char *const written_names[] = {"before", "after"};
static const char *const fidelity_names[] = {"paper", "code"};

const char *jebm_claim_kind_text(jebm_claim_kind kind) {
    return kind_names[kind];
}

/* ---- predicates ---- */

static jebm_status parse_pair(const char *text, size_t n, const char *rest, jebm_predicate *p,
                              jebm_error *err) {
    char first[MAX_VALUE];
    if (n >= sizeof first) {
        return jebm_fail(err, JEBM_EINVAL, "a shorter predicate was expected");
    }
    memcpy(first, text, n);
    first[n] = '\0';
    JEBM_TRY(jebm_expr_parse(first, &p->a, err));
    return jebm_expr_parse(rest, &p->b, err);
}

static jebm_status parse_interval(const char *text, jebm_predicate *p, jebm_error *err) {
    const char *comma = strchr(text, ',');
    size_t n = strlen(text);
    while (n > 0 && isspace((unsigned char)text[n - 1])) {
        n--;
    }
    if (text[0] != '[' || comma == NULL || text[n - 1] != ']' || n >= MAX_VALUE) {
        return jebm_fail(err, JEBM_EINVAL, "found 'in %.40s', expected 'in [a, b]'", text);
    }
    char high[MAX_VALUE];
    snprintf(high, sizeof high, "%.*s", (int)(text + n - 1 - (comma + 1)), comma + 1);
    return parse_pair(text + 1, (size_t)(comma - text - 1), high, p, err);
}

jebm_status jebm_predicate_parse(const char *text, jebm_predicate *p, jebm_error *err) {
    memset(p, 0, sizeof *p);
    while (isspace((unsigned char)*text)) {
        text++;
    }
    p->form = *text;
    if (*text == '<' || *text == '>') {
        return jebm_expr_parse(text + 1, &p->a, err);
    }
    if (*text == '=') {
        const char *tolerance = strstr(text, "+-");
        if (tolerance == NULL) {
            return jebm_fail(err, JEBM_EINVAL, "found '%.40s', expected '= value +- tolerance'",
                             text);
        }
        return parse_pair(text + 1, (size_t)(tolerance - text - 1), tolerance + 2, p, err);
    }
    if (strncmp(text, "in", 2) == 0) {
        text += 2;
        return parse_interval(text + strspn(text, " \t"), p, err);
    }
    return jebm_fail(err, JEBM_EINVAL,
                     "found '%.40s', expected '= value +- tolerance', '< x', '> x' or 'in [a, b]'",
                     text);
}

void jebm_predicate_free(jebm_predicate *p) {
    if (p != NULL) {
        jebm_expr_free(p->a);
        jebm_expr_free(p->b);
        p->a = p->b = NULL;
    }
}

jebm_status jebm_predicate_eval(const jebm_predicate *p, jebm_expr_env *env, jebm_region *region,
                                jebm_error *err) {
    double a, b = 0.0;
    JEBM_TRY(jebm_expr_eval(p->a, env, &a, err));
    if (p->b != NULL) {
        JEBM_TRY(jebm_expr_eval(p->b, env, &b, err));
    }
    *region = (jebm_region){.low = -INFINITY, .high = INFINITY, .open = p->form != 'i'};
    if (p->form == '<') {
        region->high = a;
    } else if (p->form == '>') {
        region->low = a;
    } else {
        *region = p->form == '=' ? (jebm_region){a - b, a + b, false} : (jebm_region){a, b, false};
    }
    if (isnan(a) || isnan(b) || region->low > region->high) {
        return jebm_fail(err, JEBM_EMISMATCH, "the predicate's region [%g, %g] is empty",
                         region->low, region->high);
    }
    return JEBM_OK;
}

/* ---- reading a file ---- */

/* the section that is being read */
typedef struct draft {
    char section[49];
    size_t line;
    char *values[NKEYS];
    size_t lines[NKEYS];
} draft;

typedef struct reader {
    FILE *file;
    size_t line;
    bool indented; /* the present line goes on with the value before */
    size_t header; /* line of the last section header */
    size_t headers, sections; /* headers seen and sections with keys, to notice empty ones */
    int last_key;
    draft draft;
    jebm_claims *claims;
    jebm_error *err;
    jebm_status status;
} reader;

/* inih has no line numbers for its handler: count them where the lines are read */
static char *read_line(char *buffer, int size, void *stream) {
    reader *r = stream;
    if (r->status != JEBM_OK || fgets(buffer, size, r->file) == NULL) {
        return NULL;
    }
    r->line++;
    r->indented = buffer[0] == ' ' || buffer[0] == '\t';
    if (buffer[0] == '[') {
        r->headers++;
        r->header = r->line;
    }
    const size_t n = strlen(buffer);
    if (n > 0 && buffer[n - 1] != '\n' && !feof(r->file)) {
        r->status = jebm_fail(r->err, JEBM_EINVAL,
                              "%s:%zu: found a line of %zu characters or more, expected fewer: go "
                              "on in the next line, indented",
                              r->claims->path, r->line, n);
        return NULL;
    }
    return buffer;
}

static void draft_clear(draft *d) {
    for (size_t k = 0; k < NKEYS; k++) {
        free(d->values[k]);
    }
    memset(d, 0, sizeof *d);
}

static size_t split(const char *text, char words[MAX_WORDS][32]) {
    size_t n = 0;
    for (const char *at = text + strspn(text, " \t,"); *at != '\0'; at += strspn(at, " \t,")) {
        const size_t length = strcspn(at, " \t,");
        if (n == MAX_WORDS || length >= 32) {
            return SIZE_MAX;
        }
        memcpy(words[n], at, length);
        words[n++][length] = '\0';
        at += length;
    }
    return n;
}

static jebm_status fail_key(const reader *r, size_t key, const char *expected) {
    const draft *d = &r->draft;
    return jebm_fail(r->err, JEBM_EINVAL, "%s:%zu: [%s] %s = %.60s: expected %s", r->claims->path,
                     d->lines[key], d->section, key_names[key], d->values[key], expected);
}

/* which of the names a value is; SIZE_MAX after an error line */
static size_t choose(const reader *r, size_t key, const char *word, const char *const *names,
                     size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (strcmp(word, names[i]) == 0) {
            return i;
        }
    }
    char expected[160] = "one of";
    for (size_t i = 0; i < n; i++) {
        const size_t used = strlen(expected);
        snprintf(expected + used, sizeof expected - used, " %s", names[i]);
    }
    char hint[JEBM_HINT_TEXT];
    const size_t used = strlen(expected);
    snprintf(expected + used, sizeof expected - used, "%s",
             jebm_nearest_hint(word, names, n, hint));
    fail_key(r, key, expected);
    return SIZE_MAX;
}

static jebm_status fail_expression(const reader *r, size_t key, const jebm_error *why) {
    return fail_key(r, key, why->text);
}

/* copies are what makes every claim own its texts; "" stands for a key that is not given */
static char *copy_value(const draft *d, size_t key) {
    return d->values[key] == NULL ? NULL : strdup(d->values[key]);
}

static jebm_status copy_word(const reader *r, size_t key, char word[32]) {
    const char *value = r->draft.values[key];
    if (value == NULL) {
        return JEBM_OK;
    }
    char words[MAX_WORDS][32];
    if (split(value, words) != 1) {
        return fail_key(r, key, "one word of at most 31 characters");
    }
    memcpy(word, words[0], 32);
    return JEBM_OK;
}

/* an expression over a run's rows, with the keys that it needs beside it */
static jebm_status parse_value(const reader *r, const jebm_claim *c, size_t key,
                               jebm_expr **value) {
    jebm_error why = {0};
    if (jebm_expr_parse(r->draft.values[key], value, &why) != JEBM_OK) {
        return fail_expression(r, key, &why);
    }
    if (jebm_expr_is_across(*value) && c->nacross == 0) {
        return fail_key(r, key, "a key 'across' beside spread(), lowest() or highest()");
    }
    if (jebm_expr_needs_method(*value) && c->method[0] == '\0') {
        return fail_key(r, key, "a key 'method' beside it, or a {cell} before each reduction");
    }
    return JEBM_OK;
}

static jebm_status parse_claim_texts(const reader *r, jebm_claim *c) {
    const draft *d = &r->draft;
    jebm_error why = {0};
    JEBM_TRY(parse_value(r, c, KEY_quantity, &c->value));
    if ((d->values[KEY_low] == NULL) != (d->values[KEY_high] == NULL)) {
        return fail_key(r, d->values[KEY_low] != NULL ? KEY_low : KEY_high,
                        "the other end of the interval, 'low' or 'high', beside it");
    }
    if (d->values[KEY_low] != NULL) {
        JEBM_TRY(parse_value(r, c, KEY_low, &c->low));
        JEBM_TRY(parse_value(r, c, KEY_high, &c->high));
    }
    if (jebm_predicate_parse(d->values[KEY_predicate], &c->region, &why) != JEBM_OK) {
        return fail_expression(r, KEY_predicate, &why);
    }
    c->source = copy_value(d, KEY_source);
    c->says = copy_value(d, KEY_says);
    c->quantity = copy_value(d, KEY_quantity);
    c->predicate = copy_value(d, KEY_predicate);
    c->note = copy_value(d, KEY_note);
    const bool copied = c->source && c->says && c->quantity && c->predicate &&
                        (c->note || d->values[KEY_note] == NULL);
    return copied ? JEBM_OK : jebm_fail(r->err, JEBM_ENOMEM, "no memory for a claim");
}

static void claim_free(jebm_claim *c) {
    free(c->source);
    free(c->says);
    free(c->quantity);
    free(c->predicate);
    free(c->note);
    jebm_expr_free(c->value);
    jebm_expr_free(c->low);
    jebm_expr_free(c->high);
    jebm_predicate_free(&c->region);
}

/* the scales that a key lists; initially where it is not given */
static jebm_status take_scales(const reader *r, size_t key, bool initially,
                               bool scales[JEBM_NSCALES]) {
    const char *value = r->draft.values[key];
    char words[MAX_WORDS][32];
    const size_t n = value != NULL ? split(value, words) : 0;
    if (n == SIZE_MAX) {
        return fail_key(r, key, "one or more of " JEBM_SCALES_TEXT);
    }
    for (size_t i = 0; i < JEBM_NSCALES; i++) {
        scales[i] = value == NULL && initially;
    }
    for (size_t i = 0; i < n; i++) {
        const size_t scale = choose(r, key, words[i], jebm_scales, JEBM_NSCALES);
        if (scale == SIZE_MAX) {
            return JEBM_EINVAL;
        }
        scales[scale] = true;
    }
    return JEBM_OK;
}

static jebm_status take_written(const reader *r, jebm_claim *c) {
    const char *value = r->draft.values[KEY_written];
    const size_t written = value != NULL ? choose(r, KEY_written, value, written_names, 2) : 0;
    c->after = written == 1;
    return written == SIZE_MAX ? JEBM_EINVAL : JEBM_OK;
}

static jebm_status add_claim(reader *r, const char *fidelity, const char *variant) {
    jebm_claims *claims = r->claims;
    const draft *d = &r->draft;
    jebm_claim *list = realloc(claims->list, (claims->count + 1) * sizeof *list);
    if (list == NULL) {
        return jebm_fail(r->err, JEBM_ENOMEM, "no memory for the claims");
    }
    claims->list = list;
    jebm_claim *c = &list[claims->count++];
    memset(c, 0, sizeof *c);
    c->line = d->line;
    memcpy(c->section, d->section, sizeof c->section);
    snprintf(c->fidelity, sizeof c->fidelity, "%.15s", fidelity);
    snprintf(c->variant, sizeof c->variant, "%.31s", variant);
    snprintf(c->id, sizeof c->id, "%s%s%.31s@%.8s", d->section, variant[0] ? "/" : "", variant,
             fidelity);
    JEBM_TRY(copy_word(r, KEY_figure, c->figure));
    JEBM_TRY(copy_word(r, KEY_method, c->method));
    c->nacross = d->values[KEY_across] ? split(d->values[KEY_across], c->across) : 0;
    if (c->nacross == SIZE_MAX) {
        c->nacross = 0;
        return fail_key(r, KEY_across, "at most 16 words of at most 31 characters");
    }
    const size_t kind = choose(r, KEY_kind, d->values[KEY_kind], kind_names,
                               sizeof kind_names / sizeof *kind_names);
    if (kind == SIZE_MAX) {
        return JEBM_EINVAL;
    }
    c->kind = (jebm_claim_kind)kind;
    JEBM_TRY(take_scales(r, KEY_scales, true, c->scales));
    JEBM_TRY(take_scales(r, KEY_partial, false, c->partial));
    JEBM_TRY(take_written(r, c));
    return parse_claim_texts(r, c);
}

/* the section is complete: one claim for each fidelity and variant */
static jebm_status finish_section(reader *r) {
    draft *d = &r->draft;
    if (d->section[0] == '\0') {
        return JEBM_OK;
    }
    for (size_t k = 0; k < NKEYS; k++) {
        if (key_required[k] && d->values[k] == NULL) {
            return jebm_fail(r->err, JEBM_EINVAL, "%s:%zu: [%s] has no '%s': every claim needs one",
                             r->claims->path, d->line, d->section, key_names[k]);
        }
    }
    char fidelities[MAX_WORDS][32], variants[MAX_WORDS][32] = {""};
    const size_t nf = split(d->values[KEY_fidelity], fidelities);
    size_t nv = d->values[KEY_variant] ? split(d->values[KEY_variant], variants) : 1;
    if (nf == 0 || nf == SIZE_MAX) {
        return fail_key(r, KEY_fidelity, "'paper', 'code' or both");
    }
    if (nv == 0 || nv == SIZE_MAX) {
        return fail_key(r, KEY_variant, "1 to 16 words of at most 31 characters");
    }
    for (size_t f = 0; f < nf; f++) {
        if (choose(r, KEY_fidelity, fidelities[f], fidelity_names, 2) == SIZE_MAX) {
            return JEBM_EINVAL;
        }
        for (size_t v = 0; v < nv; v++) {
            JEBM_TRY(add_claim(r, fidelities[f], variants[v]));
        }
    }
    draft_clear(d);
    return JEBM_OK;
}

static jebm_status start_section(reader *r, const char *section) {
    JEBM_TRY(finish_section(r));
    draft *d = &r->draft;
    r->sections++;
    r->last_key = -1;
    if (section[0] == '\0' || strlen(section) >= sizeof d->section - 1) {
        return jebm_fail(r->err, JEBM_EINVAL,
                         "%s:%zu: found a key %s, expected it in a section [id] of 1 to 47 "
                         "characters",
                         r->claims->path, r->line, section[0] ? "in a longer one" : "in none");
    }
    for (size_t i = 0; i < r->claims->count; i++) {
        if (strcmp(section, r->claims->list[i].section) == 0) {
            return jebm_fail(r->err, JEBM_EINVAL, "%s:%zu: [%s] is already at line %zu: ids differ",
                             r->claims->path, r->header, section, r->claims->list[i].line);
        }
    }
    memcpy(d->section, section, strlen(section) + 1);
    d->line = r->header;
    return JEBM_OK;
}

static jebm_status append(reader *r, size_t key, const char *value) {
    char **have = &r->draft.values[key];
    const size_t n = strlen(*have), more = strlen(value);
    char *longer = n + more + 2 < MAX_VALUE ? realloc(*have, n + more + 2) : NULL;
    if (longer == NULL) {
        return fail_key(r, key, "a text shorter than 1024 characters");
    }
    longer[n] = ' ';
    memcpy(longer + n + 1, value, more + 1);
    *have = longer;
    return JEBM_OK;
}

static jebm_status read_pair(reader *r, const char *section, const char *name, const char *value) {
    if (r->header != r->draft.line || r->draft.section[0] == '\0') {
        JEBM_TRY(start_section(r, section));
    }
    draft *d = &r->draft;
    size_t key = 0;
    while (key < NKEYS && strcmp(name, key_names[key]) != 0) {
        key++;
    }
    if (key == NKEYS) {
        char hint[JEBM_HINT_TEXT];
        return jebm_fail(r->err, JEBM_EINVAL,
                         "%s:%zu: [%s] found key '%.40s', expected a key of a claim%s",
                         r->claims->path, r->line, section, name,
                         jebm_nearest_hint(name, key_names, NKEYS, hint));
    }
    if (d->values[key] != NULL && r->indented && r->last_key == (int)key) {
        return append(r, key, value);
    }
    if (d->values[key] != NULL) {
        return jebm_fail(r->err, JEBM_EINVAL, "%s:%zu: [%s] '%s' is already given at line %zu",
                         r->claims->path, r->line, section, name, d->lines[key]);
    }
    r->last_key = (int)key;
    d->lines[key] = r->line;
    d->values[key] = strdup(value);
    if (value[0] == '\0') {
        return fail_key(r, key, "a value");
    }
    return d->values[key] ? JEBM_OK : jebm_fail(r->err, JEBM_ENOMEM, "no memory for a claim");
}

static int on_pair(void *user, const char *section, const char *name, const char *value) {
    reader *r = user;
    if (r->status == JEBM_OK) {
        r->status = read_pair(r, section, name, value);
    }
    return r->status == JEBM_OK;
}

static jebm_status read_file(reader *r) {
    const int bad_line = ini_parse_stream(read_line, r, on_pair, r);
    JEBM_TRY(r->status);
    if (bad_line != 0) {
        return jebm_fail(r->err, JEBM_EINVAL,
                         "%s:%d: found neither '[id]' nor 'key = value' nor a comment",
                         r->claims->path, bad_line);
    }
    JEBM_TRY(finish_section(r));
    if (r->sections != r->headers || r->claims->count == 0) {
        return jebm_fail(r->err, JEBM_EINVAL,
                         "%s: found %zu section headers and keys in %zu, expected keys in each of "
                         "at least one",
                         r->claims->path, r->headers, r->sections);
    }
    return JEBM_OK;
}

jebm_status jebm_claims_load(const char *path, jebm_claims *claims, jebm_error *err) {
    memset(claims, 0, sizeof *claims);
    snprintf(claims->path, sizeof claims->path, "%s", path);
    reader r = {.file = fopen(path, "r"), .claims = claims, .err = err, .last_key = -1};
    if (r.file == NULL) {
        return jebm_fail(err, JEBM_EINVAL, "%s: %s: give the claims file with --claims", path,
                         strerror(errno));
    }
    const jebm_status status = read_file(&r);
    fclose(r.file);
    draft_clear(&r.draft);
    if (status != JEBM_OK) {
        jebm_claims_free(claims);
    }
    return status;
}

void jebm_claims_free(jebm_claims *claims) {
    if (claims == NULL) {
        return;
    }
    for (size_t i = 0; i < claims->count; i++) {
        claim_free(&claims->list[i]);
    }
    free(claims->list);
    memset(claims, 0, sizeof *claims);
}
