/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/preset_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct jebm_preset {
    char figure[JEBM_LONGEST_NAME + 1], scale[16], fidelity[16];
    const jebm_key **keys;
    jebm_value *values; /* [nkeys]; text NULL where none was given yet */
    size_t nkeys;
    uint64_t seed;
};

static jebm_status no_memory(const char *path, jebm_error *err) {
    return jebm_fail(err, JEBM_ENOMEM, "%s: not enough memory for the presets", path);
}

/* Take over one section of a figure; description keys of a parent stay with the parent. */
static jebm_status take_section(const jebm_preset_file *file, jebm_preset *p, const char *figure,
                                int scale, int fidelity, bool own, jebm_error *err) {
    for (size_t i = 0; i < file->nentries; i++) {
        const jebm_entry *e = &file->entries[i];
        const jebm_section *s = &file->sections[e->section];
        if (strcmp(s->figure, figure) != 0 || s->scale != scale || s->fidelity != fidelity ||
            (!own &&
             (e->key == JEBM_AT_LIKE || e->key == JEBM_AT_RUNS_OF || e->key == JEBM_AT_DRAWS))) {
            continue;
        }
        if (!jebm_value_copy(&p->values[e->key], &e->value)) {
            return no_memory(file->path, err);
        }
    }
    return JEBM_OK;
}

static jebm_status take_figure(const jebm_preset_file *file, jebm_preset *p, const char *figure,
                               int scale, int fidelity, bool own, jebm_error *err) {
    JEBM_TRY(take_section(file, p, figure, -1, -1, own, err));
    if (scale >= 0) {
        JEBM_TRY(take_section(file, p, figure, scale, -1, own, err));
        JEBM_TRY(take_section(file, p, figure, -1, fidelity, own, err));
        JEBM_TRY(take_section(file, p, figure, scale, fidelity, own, err));
    }
    return JEBM_OK;
}

static jebm_status take_sections(const jebm_preset_file *file, jebm_preset *p, int scale,
                                 int fidelity, jebm_error *err) {
    const char *parent = jebm_preset_file_parent(file, p->figure);
    if (parent != NULL) {
        JEBM_TRY(take_figure(file, p, parent, scale, fidelity, false, err));
    }
    return take_figure(file, p, p->figure, scale, fidelity, true, err);
}

/* The asked-for word if the figure has it; the usual one, or else the first that it has, if none
 * was asked for. */
static jebm_status choose(const jebm_preset_file *file, const jebm_preset *p, size_t key,
                          const char *what, const char *asked, const char *usual, int *index,
                          char word[16], jebm_error *err) {
    const char *choices = file->keys[key]->choices, *offered = p->values[key].text;
    char text[64], hint[JEBM_HINT_TEXT];
    if (offered == NULL) {
        return jebm_fail(err, JEBM_EINVAL, "%s: [%s] misses the key '%s'", file->path, p->figure,
                         file->keys[key]->name);
    }
    *index = jebm_choice_find(choices, usual, strlen(usual));
    if (asked == NULL && (p->values[key].count >> *index & 1) == 0) {
        *index = 0;
    }
    while (asked == NULL && (p->values[key].count >> *index & 1) == 0) {
        ++*index;
    }
    if (asked != NULL) {
        *index = jebm_choice_find(choices, asked, strlen(asked));
    }
    if (*index < 0) {
        return jebm_fail(err, JEBM_EINVAL, "unknown %s '%s'%s; there are %s", what, asked,
                         jebm_choice_hint(choices, asked, hint), choices);
    }
    jebm_choice_word(choices, (size_t)*index, text);
    if ((p->values[key].count >> *index & 1) == 0) {
        return jebm_fail(err, JEBM_EINVAL, "%s has no %s '%s'; it has %s", p->figure, what, text,
                         offered);
    }
    snprintf(word, 16, "%.15s", text);
    return JEBM_OK;
}

static jebm_status apply_override(const jebm_preset_file *file, jebm_preset *p, const char *text,
                                  jebm_error *err) {
    char name[64], buffer[256];
    const char *equals = strchr(text, '=');
    if (equals == NULL || equals == text) {
        return jebm_fail(err, JEBM_EINVAL, "--set %s: expected key=value", text);
    }
    snprintf(name, sizeof name, "%.*s", (int)(equals - text < 63 ? equals - text : 63), text);
    const int key = jebm_key_find(p->keys, p->nkeys, name);
    if (key < 0) {
        return jebm_fail(err, JEBM_EINVAL,
                         "--set %s: unknown key '%s'%s; --describe %s lists them all", text, name,
                         jebm_key_hint(p->keys, p->nkeys, name, buffer), p->figure);
    }
    if (jebm_key_describes((size_t)key)) {
        return jebm_fail(err, JEBM_EINVAL, "--set %s: '%s' describes the figure and cannot be set",
                         text, name);
    }
    jebm_value value;
    if (!jebm_value_parse(p->keys[key], equals + 1, &value)) {
        jebm_key_expected(p->keys[key], buffer, sizeof buffer);
        return jebm_fail(err, JEBM_EINVAL, "--set %s: '%s' found; expected %s", text, equals + 1,
                         buffer);
    }
    if (value.text == NULL) {
        return no_memory(file->path, err);
    }
    free(p->values[key].text);
    p->values[key] = value;
    return JEBM_OK;
}

static jebm_status take_initials(jebm_preset *p, const char *path, jebm_error *err) {
    for (size_t i = 0; i < p->nkeys; i++) {
        const jebm_key *key = p->keys[i];
        if (key->initial != NULL) {
            const bool ok = jebm_value_parse(key, key->initial, &p->values[i]);
            assert(ok && "a key's initial value must be one of its values");
            if (!ok || p->values[i].text == NULL) {
                return no_memory(path, err);
            }
        }
    }
    return JEBM_OK;
}

static jebm_status resolve(const jebm_preset_file *file, const jebm_preset_request *request,
                           jebm_preset *p, jebm_error *err) {
    JEBM_TRY(take_initials(p, file->path, err));
    // scales and fidelities first, from the sections that belong to all of them
    JEBM_TRY(take_sections(file, p, -1, -1, err));
    int scale, fidelity;
    JEBM_TRY(choose(file, p, JEBM_AT_SCALES, "scale", request->scale, JEBM_SCALE_USUAL, &scale,
                    p->scale, err));
    JEBM_TRY(choose(file, p, JEBM_AT_FIDELITIES, "fidelity", request->fidelity, "paper", &fidelity,
                    p->fidelity, err));
    JEBM_TRY(take_sections(file, p, scale, fidelity, err));
    for (size_t i = 0; i < request->noverrides; i++) {
        JEBM_TRY(apply_override(file, p, request->overrides[i], err));
    }
    for (size_t i = 0; i < p->nkeys; i++) {
        if (p->values[i].text == NULL) {
            char text[256];
            jebm_key_expected(p->keys[i], text, sizeof text);
            return jebm_fail(
                err, JEBM_EINVAL,
                "%s: [%s] misses the key '%s' at scale %s, fidelity %s; expected %s (%s)",
                file->path, p->figure, p->keys[i]->name, p->scale, p->fidelity, text,
                p->keys[i]->help);
        }
    }
    return JEBM_OK;
}

jebm_status jebm_preset_resolve(const jebm_preset_file *file, const jebm_preset_request *request,
                                jebm_preset **out, jebm_error *err) {
    *out = NULL;
    char hint[JEBM_HINT_TEXT];
    if (!jebm_preset_file_has(file, request->figure)) {
        return jebm_fail(err, JEBM_EINVAL, "unknown figure '%s'%s; --list shows them all",
                         request->figure,
                         jebm_nearest_hint(request->figure, file->figures, file->nfigures, hint));
    }
    jebm_preset *p = calloc(1, sizeof *p);
    if (p == NULL) {
        return no_memory(file->path, err);
    }
    p->keys = malloc(file->nkeys * sizeof *p->keys);
    p->values = calloc(file->nkeys, sizeof *p->values);
    jebm_status status = JEBM_OK;
    if (p->keys == NULL || p->values == NULL) {
        status = no_memory(file->path, err);
    } else {
        p->nkeys = file->nkeys;
        memcpy(p->keys, file->keys, file->nkeys * sizeof *p->keys);
        p->seed = request->seed;
        strcpy(p->figure, request->figure);
        status = resolve(file, request, p, err);
    }
    if (status != JEBM_OK) {
        jebm_preset_free(p);
        return status;
    }
    *out = p;
    return JEBM_OK;
}

void jebm_preset_free(jebm_preset *p) {
    if (p == NULL) {
        return;
    }
    for (size_t i = 0; i < p->nkeys; i++) {
        free(p->values[i].text);
    }
    free(p->keys);
    free(p->values);
    free(p);
}

/* ------------------------------------------------------------------------------------ access */

static const jebm_value *get(const jebm_preset *p, const char *name, int kind) {
    const int key = jebm_key_find(p->keys, p->nkeys, name);
    assert(key >= 0 && "no such preset key");
    assert((kind < 0 || (int)p->keys[key]->kind == kind) && "preset key of another kind");
    (void)kind;
    return &p->values[key];
}

uint64_t jebm_preset_count(const jebm_preset *p, const char *key) {
    return get(p, key, JEBM_KEY_COUNT)->count;
}

double jebm_preset_real(const jebm_preset *p, const char *key) {
    return get(p, key, JEBM_KEY_REAL)->reals[0];
}

bool jebm_preset_bool(const jebm_preset *p, const char *key) {
    return get(p, key, JEBM_KEY_BOOL)->count != 0;
}

size_t jebm_preset_choice(const jebm_preset *p, const char *key) {
    return (size_t)get(p, key, JEBM_KEY_CHOICE)->count;
}

size_t jebm_preset_reals(const jebm_preset *p, const char *key, double values[32]) {
    const jebm_value *value = get(p, key, JEBM_KEY_REALS);
    memcpy(values, value->reals, value->nreals * sizeof *values);
    return value->nreals;
}

jebm_status jebm_preset_distinct(const jebm_preset *p, const char *key, jebm_error *err) {
    const jebm_value *value = get(p, key, JEBM_KEY_REALS);
    for (size_t i = 0; i < value->nreals; i++) {
        for (size_t j = 0; j < i; j++) {
            if (value->reals[i] == value->reals[j]) {
                return jebm_fail(err, JEBM_EINVAL,
                                 "key '%s' lists %g twice, expected distinct values", key,
                                 value->reals[i]);
            }
        }
    }
    return JEBM_OK;
}

bool jebm_preset_has(const jebm_preset *p, const char *key, const char *word) {
    const jebm_value *value = get(p, key, JEBM_KEY_WORDS);
    const jebm_key *k = p->keys[jebm_key_find(p->keys, p->nkeys, key)];
    const int index = jebm_choice_find(k->choices, word, strlen(word));
    assert(index >= 0 && "no such word among the key's choices");
    return (value->count >> index & 1) != 0;
}

const char *jebm_preset_text(const jebm_preset *p, const char *key) {
    return get(p, key, -1)->text;
}

uint64_t jebm_preset_seed(const jebm_preset *p) {
    return p->seed;
}

const char *jebm_preset_figure(const jebm_preset *p) {
    return p->figure;
}

const char *jebm_preset_scale(const jebm_preset *p) {
    return p->scale;
}

const char *jebm_preset_fidelity(const jebm_preset *p) {
    return p->fidelity;
}

bool jebm_preset_picture(const jebm_preset *p, size_t i, char name[JEBM_PICTURE_TEXT]) {
    const char *words = p->values[JEBM_AT_DRAWS].text;
    if (strcmp(words, "-") == 0) {
        snprintf(name, JEBM_PICTURE_TEXT, "%s", p->figure);
        return i == 0;
    }
    return jebm_picture_word(words, i, name);
}

bool jebm_preset_machinery(const jebm_preset *p, const char **answer) {
    const uint64_t small = p->values[JEBM_AT_MACHINERY].count,
                   has = p->values[JEBM_AT_SCALES].count;
    const int scale = jebm_choice_find(JEBM_SCALES, p->scale, strlen(p->scale));
    *answer = "";
    for (int i = JEBM_NSCALES - 1; i > scale; i--) {
        *answer = (has >> i & 1) != 0 && (small >> i & 1) == 0 ? jebm_scales[i] : *answer;
    }
    return (small >> scale & 1) != 0;
}

size_t jebm_preset_nkeys(const jebm_preset *p) {
    return p->nkeys;
}

const jebm_key *jebm_preset_key(const jebm_preset *p, size_t i) {
    return p->keys[i];
}
