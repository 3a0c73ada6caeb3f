/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/preset_internal.h"

#include "app/nearest.h"

#include <errno.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>

/* what inih takes on a line (200 with its end), in every build of it */
#define LONGEST_LINE 190
#define LARGEST_FILE ((size_t)1 << 20)
#define FIDELITIES "paper|code"

/* the first JEBM_NDESCRIBING describe a figure and may stand in its own section only */
static const jebm_key common_keys[] = {
    {.name = "title", .kind = JEBM_KEY_TEXT, .help = "what the figure shows"},
    {.name = "scales", .kind = JEBM_KEY_WORDS, .choices = JEBM_SCALES, .help = "scales it has"},
    {.name = "fidelities",
     .kind = JEBM_KEY_WORDS,
     .choices = FIDELITIES,
     .help = "fidelities it has: the paper's text, the authors' released code"},
    {.name = "like",
     .kind = JEBM_KEY_TEXT,
     .initial = "-",
     .help = "figure whose settings come first"},
    {.name = "runs_of",
     .kind = JEBM_KEY_TEXT,
     .initial = "-",
     .help = "figure whose runs it draws"},
    {.name = "draws",
     .kind = JEBM_KEY_TEXT,
     .initial = "-",
     .help = "pictures drawn of its runs; -: one of its own name"},
    {.name = "machinery",
     .kind = JEBM_KEY_WORDS,
     .choices = JEBM_SCALES,
     .initial = "smoke",
     .help = "scales too small to answer anything: they show that the machinery works"},
    {.name = "departs",
     .kind = JEBM_KEY_TEXT,
     .initial = "-",
     .help = "keys whose values are ours in fidelity paper: the text has others or none; -: none"},
    {.name = "runs",
     .kind = JEBM_KEY_COUNT,
     .low = 1,
     .high = 10000,
     .help = "independent repetitions of each cell"},
    {.name = "iterations",
     .kind = JEBM_KEY_COUNT,
     .low = 1,
     .high = 1e9,
     .help = "steps of a run, K"},
    {.name = "record_every",
     .kind = JEBM_KEY_COUNT,
     .low = 1,
     .high = 1e9,
     .help = "steps between two rows of trajectory.csv"},
    {.name = "record_first",
     .kind = JEBM_KEY_COUNT,
     .low = 0,
     .high = 1e9,
     .initial = "0",
     .help = "steps between two rows up to record_until, where much happens; 0: none"},
    {.name = "record_until",
     .kind = JEBM_KEY_COUNT,
     .low = 0,
     .high = 1e9,
     .initial = "0",
     .help = "last step that record_first holds for; 0: the first record_every"},
};
#define NCOMMON (sizeof common_keys / sizeof *common_keys)

#define NEXT_ELEMENT(word) , word
const char *const jebm_scales[JEBM_NSCALES] = {JEBM_SCALE_LIST(JEBM_FIRST_WORD, NEXT_ELEMENT)};

const char *jebm_fidelity_words(const char *fidelity) {
    return strcmp(fidelity, "code") == 0 ? "the released script" : "the paper's text";
}

/* what inih's callbacks share */
typedef struct reader {
    jebm_preset_file *file;
    const char *next, *end;
    size_t line;
    bool failed;
    jebm_error *err;
    jebm_status status;
} reader;

bool jebm_key_decides(const jebm_key *key) {
    for (size_t i = 0; i < JEBM_NDESCRIBING; i++) {
        if (key == &common_keys[i]) {
            return false;
        }
    }
    return true;
}

bool jebm_key_describes(size_t key) {
    return key < JEBM_NDESCRIBING;
}

bool jebm_key_is_description(const char *name) {
    size_t i = 0;
    while (i < JEBM_NDESCRIBING && strcmp(common_keys[i].name, name) != 0) {
        i++;
    }
    return i < JEBM_NDESCRIBING;
}

static jebm_status no_memory(const char *path, jebm_error *err) {
    return jebm_fail(err, JEBM_ENOMEM, "%s: not enough memory for the presets", path);
}

static void *grow(void *list, size_t n, size_t size) {
    // doubled whenever n is a power of two
    return (n & (n - 1)) == 0 ? realloc(list, (n == 0 ? 1 : 2 * n) * size) : list;
}

int jebm_key_find(const jebm_key *const *keys, size_t nkeys, const char *name) {
    for (size_t i = 0; i < nkeys; i++) {
        if (strcmp(keys[i]->name, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

const char *jebm_key_hint(const jebm_key *const *keys, size_t nkeys, const char *name,
                          char hint[JEBM_HINT_TEXT]) {
    hint[0] = '\0';
    const char **names = malloc((nkeys + 1) * sizeof *names);
    if (names != NULL) {
        for (size_t i = 0; i < nkeys; i++) {
            names[i] = keys[i]->name;
        }
        jebm_nearest_hint(name, names, nkeys, hint);
        free(names);
    }
    return hint;
}

const char *jebm_choice_hint(const char *choices, const char *word, char hint[JEBM_HINT_TEXT]) {
    char words[8][64];
    const char *list[8];
    const size_t n = jebm_choice_count(choices);
    for (size_t i = 0; i < n && i < 8; i++) {
        jebm_choice_word(choices, i, words[i]);
        list[i] = words[i];
    }
    return jebm_nearest_hint(word, list, n < 8 ? n : 8, hint);
}

/* -------------------------------------------------------------------------------- sections */

static bool is_name(const char *text) {
    const size_t length = strlen(text);
    return length > 0 && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-") == length;
}

/* Split NAME into figure, scale and fidelity. */
static jebm_status split_name(reader *r, jebm_section *s, jebm_error *err) {
    const char *path = r->file->path;
    char rest[JEBM_LONGEST_NAME + 1], hint[JEBM_HINT_TEXT];
    strcpy(rest, s->name);
    s->scale = s->fidelity = -1;
    char *fidelity = strchr(rest, '@');
    if (fidelity != NULL) {
        *fidelity++ = '\0';
        s->fidelity = jebm_choice_find(FIDELITIES, fidelity, strlen(fidelity));
        if (s->fidelity < 0) {
            return jebm_fail(
                err, JEBM_EINVAL,
                "%s:%zu: section [%s] names the fidelity '%s'; expected paper or code%s", path,
                r->line, s->name, fidelity, jebm_choice_hint(FIDELITIES, fidelity, hint));
        }
    }
    char *scale = strchr(rest, ':');
    if (scale != NULL) {
        *scale++ = '\0';
        s->scale = jebm_choice_find(JEBM_SCALES, scale, strlen(scale));
        if (s->scale < 0) {
            return jebm_fail(
                err, JEBM_EINVAL,
                "%s:%zu: section [%s] names the scale '%s'; expected one of " JEBM_SCALES_TEXT "%s",
                path, r->line, s->name, scale, jebm_choice_hint(JEBM_SCALES, scale, hint));
        }
    }
    if (!is_name(rest)) {
        return jebm_fail(err, JEBM_EINVAL,
                         "%s:%zu: section [%s] names no figure; expected lower-case letters, "
                         "digits, '_' and '-', then maybe :SCALE and @FIDELITY",
                         path, r->line, s->name);
    }
    strcpy(s->figure, rest);
    return JEBM_OK;
}

static jebm_status add_section(reader *r, const char *name, size_t length) {
    jebm_preset_file *file = r->file;
    if (length > JEBM_LONGEST_NAME) {
        return jebm_fail(r->err, JEBM_EINVAL,
                         "%s:%zu: the section's name has %zu bytes; at most %d are possible",
                         file->path, r->line, length, JEBM_LONGEST_NAME);
    }
    jebm_section s = {.line = r->line};
    memcpy(s.name, name, length);
    JEBM_TRY(split_name(r, &s, r->err));
    for (size_t i = 0; i < file->nsections; i++) {
        if (strcmp(file->sections[i].name, s.name) == 0) {
            return jebm_fail(r->err, JEBM_EINVAL,
                             "%s:%zu: section [%s] stands already at line %zu; merge the two",
                             file->path, r->line, s.name, file->sections[i].line);
        }
    }
    jebm_section *grown = grow(file->sections, file->nsections, sizeof *grown);
    if (grown == NULL) {
        return no_memory(file->path, r->err);
    }
    file->sections = grown;
    grown[file->nsections++] = s;
    return JEBM_OK;
}

/* ------------------------------------------------------------------------- lines and entries */

/* What inih would cut, join or overlook is refused here, line by line. */
static jebm_status check_line(reader *r, const char *line, size_t length) {
    const char *path = r->file->path;
    if (length > LONGEST_LINE) {
        return jebm_fail(r->err, JEBM_EINVAL,
                         "%s:%zu: the line has %zu bytes; at most %d are possible: shorten it",
                         path, r->line, length, LONGEST_LINE);
    }
    if (memchr(line, '\0', length) != NULL) {
        return jebm_fail(r->err, JEBM_EINVAL, "%s:%zu: the line holds a 0 byte; expected text",
                         path, r->line);
    }
    const size_t blank = strspn(line, " \t\r\n");
    if (blank >= length || line[blank] == ';' || line[blank] == '#') {
        return JEBM_OK;
    }
    if (blank > 0) {
        return jebm_fail(r->err, JEBM_EINVAL,
                         "%s:%zu: the line is indented; a section or key starts at the margin, and "
                         "a value ends with its line",
                         path, r->line);
    }
    if (line[0] != '[') {
        return JEBM_OK;
    }
    const char *end = memchr(line, ']', length);
    if (end == NULL || line + length != end + 1 + strspn(end + 1, " \t\r")) {
        return jebm_fail(r->err, JEBM_EINVAL,
                         "%s:%zu: found '%.*s'; expected [FIGURE], [FIGURE:SCALE], "
                         "[FIGURE@FIDELITY] or [FIGURE:SCALE@FIDELITY] and nothing after it",
                         path, r->line, (int)length, line);
    }
    return add_section(r, line + 1, (size_t)(end - line - 1));
}

/* inih's way to ask for a line: also where lines are counted */
static char *next_line(char *buffer, int size, void *stream) {
    reader *r = stream;
    if (r->failed || r->next == r->end) {
        return NULL;
    }
    r->line++;
    const char *newline = memchr(r->next, '\n', (size_t)(r->end - r->next));
    const size_t length = (size_t)((newline != NULL ? newline : r->end) - r->next);
    char line[LONGEST_LINE + 1];
    const size_t held = length < sizeof line ? length : sizeof line - 1;
    memcpy(line, r->next, held);
    line[held] = '\0';
    r->status = check_line(r, line, length);
    if (r->status != JEBM_OK || (size_t)size < length + 2) {
        r->failed = true;
        return NULL;
    }
    memcpy(buffer, line, length);
    strcpy(buffer + length, "\n");
    r->next += length + (newline != NULL);
    return buffer;
}

static jebm_status check_entry(reader *r, const char *name, const char *value, jebm_entry *e) {
    const jebm_preset_file *file = r->file;
    char text[256];
    if (file->nsections == 0) {
        return jebm_fail(r->err, JEBM_EINVAL,
                         "%s:%zu: key '%s' stands before the first section; expected [FIGURE]",
                         file->path, r->line, name);
    }
    e->section = file->nsections - 1;
    e->line = r->line;
    const jebm_section *s = &file->sections[e->section];
    const int key = jebm_key_find(file->keys, file->nkeys, name);
    if (key < 0) {
        return jebm_fail(r->err, JEBM_EINVAL, "%s:%zu: [%s] has the unknown key '%s'%s", file->path,
                         r->line, s->name, name,
                         jebm_key_hint(file->keys, file->nkeys, name, text));
    }
    e->key = (size_t)key;
    if (jebm_key_describes(e->key) && (s->scale >= 0 || s->fidelity >= 0)) {
        return jebm_fail(r->err, JEBM_EINVAL,
                         "%s:%zu: [%s] has the key '%s', which may stand in [%s] only", file->path,
                         r->line, s->name, name, s->figure);
    }
    for (size_t i = 0; i < file->nentries; i++) {
        if (file->entries[i].section == e->section && file->entries[i].key == e->key) {
            return jebm_fail(r->err, JEBM_EINVAL,
                             "%s:%zu: [%s] has the key '%s' twice, first at line %zu", file->path,
                             r->line, s->name, name, file->entries[i].line);
        }
    }
    if (!jebm_value_parse(file->keys[key], value, &e->value)) {
        jebm_key_expected(file->keys[key], text, sizeof text);
        return jebm_fail(r->err, JEBM_EINVAL, "%s:%zu: [%s] %s = '%s': expected %s", file->path,
                         r->line, s->name, name, value, text);
    }
    return e->value.text == NULL ? no_memory(file->path, r->err) : JEBM_OK;
}

/* inih's way to hand over a pair; 0 tells it that something is wrong */
static int take_pair(void *user, const char *section_name, const char *name, const char *value) {
    (void)section_name;
    reader *r = user;
    if (r->failed) {
        return 0;
    }
    jebm_preset_file *file = r->file;
    jebm_entry *grown = grow(file->entries, file->nentries, sizeof *grown);
    if (grown == NULL) {
        r->status = no_memory(file->path, r->err);
    } else {
        file->entries = grown;
        memset(&grown[file->nentries], 0, sizeof *grown);
        r->status = check_entry(r, name, value != NULL ? value : "", &grown[file->nentries]);
        file->nentries += r->status == JEBM_OK;
    }
    r->failed = r->status != JEBM_OK;
    return !r->failed;
}

/* ---------------------------------------------------------------------------- the whole file */

bool jebm_preset_file_has(const jebm_preset_file *file, const char *figure) {
    for (size_t i = 0; i < file->nfigures; i++) {
        if (strcmp(file->figures[i], figure) == 0) {
            return true;
        }
    }
    return false;
}

/* The entry of a key in the section [figure], or NULL. */
static const jebm_entry *find_entry(const jebm_preset_file *file, const char *figure, size_t key) {
    for (size_t i = 0; i < file->nentries; i++) {
        const jebm_entry *e = &file->entries[i];
        if (e->key == key && strcmp(file->sections[e->section].name, figure) == 0) {
            return e;
        }
    }
    return NULL;
}

static const char *find_text(const jebm_preset_file *file, const char *figure, size_t key) {
    const jebm_entry *e = find_entry(file, figure, key);
    return e != NULL && strcmp(e->value.text, "-") != 0 ? e->value.text : NULL;
}

const char *jebm_preset_file_parent(const jebm_preset_file *file, const char *figure) {
    const char *runs_of = find_text(file, figure, JEBM_AT_RUNS_OF);
    return runs_of != NULL ? runs_of : find_text(file, figure, JEBM_AT_LIKE);
}

static jebm_status check_figures(const jebm_preset_file *file, jebm_error *err) {
    char hint[JEBM_HINT_TEXT];
    for (size_t i = 0; i < file->nsections; i++) {
        const jebm_section *s = &file->sections[i];
        if (!jebm_preset_file_has(file, s->figure)) {
            return jebm_fail(err, JEBM_EINVAL,
                             "%s:%zu: section [%s] belongs to no figure: there is no [%s]%s",
                             file->path, s->line, s->name, s->figure,
                             jebm_nearest_hint(s->figure, file->figures, file->nfigures, hint));
        }
    }
    return JEBM_OK;
}

static jebm_status check_parent(const jebm_preset_file *file, const jebm_entry *e,
                                jebm_error *err) {
    const char *own = file->sections[e->section].name, *parent = e->value.text;
    const char *key = file->keys[e->key]->name;
    char hint[JEBM_HINT_TEXT];
    if (strcmp(parent, "-") == 0) {
        return JEBM_OK;
    }
    if (!jebm_preset_file_has(file, parent)) {
        return jebm_fail(err, JEBM_EINVAL, "%s:%zu: [%s] %s = '%s': there is no such figure%s",
                         file->path, e->line, own, key, parent,
                         jebm_nearest_hint(parent, file->figures, file->nfigures, hint));
    }
    if (strcmp(parent, own) == 0 || jebm_preset_file_parent(file, parent) != NULL) {
        return jebm_fail(err, JEBM_EINVAL,
                         "%s:%zu: [%s] %s = '%s': expected another figure that has neither like "
                         "nor runs_of itself",
                         file->path, e->line, own, key, parent);
    }
    return JEBM_OK;
}

/* like and runs_of go one level deep, and a figure that draws another's runs sets nothing. */
static jebm_status check_parents(const jebm_preset_file *file, jebm_error *err) {
    for (size_t i = 0; i < file->nentries; i++) {
        const jebm_entry *e = &file->entries[i];
        const jebm_section *s = &file->sections[e->section];
        if (e->key == JEBM_AT_LIKE || e->key == JEBM_AT_RUNS_OF) {
            JEBM_TRY(check_parent(file, e, err));
        }
        const char *runs_of = find_text(file, s->figure, JEBM_AT_RUNS_OF);
        const bool other_like =
            e->key == JEBM_AT_LIKE && runs_of != NULL && strcmp(e->value.text, runs_of) != 0;
        if (runs_of != NULL && (!jebm_key_describes(e->key) || other_like)) {
            return jebm_fail(err, JEBM_EINVAL,
                             "%s:%zu: [%s] sets '%s', but it draws the runs of %s: set it there",
                             file->path, e->line, s->name, file->keys[e->key]->name, runs_of);
        }
    }
    return JEBM_OK;
}

bool jebm_picture_word(const char *words, size_t i, char name[JEBM_PICTURE_TEXT]) {
    const char *at = words + strspn(words, " ");
    for (; i > 0 && *at != '\0'; i--) {
        at += strcspn(at, " ");
        at += strspn(at, " ");
    }
    const size_t length = strcspn(at, " ");
    snprintf(name, JEBM_PICTURE_TEXT, "%.*s", (int)length, at);
    return length > 0;
}

const char *jebm_preset_file_find(const jebm_preset_file *file, const char *name) {
    char word[JEBM_PICTURE_TEXT];
    for (size_t i = 0; i < file->nfigures; i++) {
        if (strcmp(file->figures[i], name) == 0) {
            return file->figures[i];
        }
    }
    for (size_t i = 0; i < file->nfigures; i++) {
        const char *draws = find_text(file, file->figures[i], JEBM_AT_DRAWS);
        for (size_t k = 0; draws != NULL && jebm_picture_word(draws, k, word); k++) {
            if (strcmp(word, name) == 0) {
                return file->figures[i];
            }
        }
    }
    return NULL;
}

/* A picture belongs to one figure: its name leads there. */
static jebm_status check_pictures(const jebm_preset_file *file, jebm_error *err) {
    char name[JEBM_PICTURE_TEXT];
    for (size_t i = 0; i < file->nentries; i++) {
        const jebm_entry *e = &file->entries[i];
        const char *own = file->sections[e->section].name;
        if (e->key != JEBM_AT_DRAWS || strcmp(e->value.text, "-") == 0) {
            continue;
        }
        for (size_t k = 0; jebm_picture_word(e->value.text, k, name); k++) {
            const char *found = jebm_preset_file_find(file, name);
            if (!is_name(name) || strcmp(found, own) != 0) {
                return jebm_fail(err, JEBM_EINVAL,
                                 "%s:%zu: [%s] draws '%s'%s%s; expected names of lower-case "
                                 "letters, digits, '_' and '-' that no other figure has or draws",
                                 file->path, e->line, own, name, is_name(name) ? " as does " : "",
                                 is_name(name) ? found : "");
            }
        }
    }
    return JEBM_OK;
}

/* What departs from the text are keys that decide something. */
static jebm_status check_departures(const jebm_preset_file *file, jebm_error *err) {
    char name[JEBM_PICTURE_TEXT], hint[JEBM_HINT_TEXT];
    for (size_t i = 0; i < file->nentries; i++) {
        const jebm_entry *e = &file->entries[i];
        if (e->key != JEBM_AT_DEPARTS || strcmp(e->value.text, "-") == 0) {
            continue;
        }
        for (size_t k = 0; jebm_picture_word(e->value.text, k, name); k++) {
            const int key = jebm_key_find(file->keys, file->nkeys, name);
            if (key < 0 || jebm_key_describes((size_t)key)) {
                return jebm_fail(err, JEBM_EINVAL,
                                 "%s:%zu: [%s] departs in '%s'; expected keys that a figure's "
                                 "settings have%s",
                                 file->path, e->line, file->sections[e->section].name, name,
                                 jebm_key_hint(file->keys, file->nkeys, name, hint));
            }
        }
    }
    return JEBM_OK;
}

static jebm_status parse_all(jebm_preset_file *file, const char *text, size_t size,
                             jebm_error *err) {
    reader r = {.file = file, .next = text, .end = text + size, .err = err, .status = JEBM_OK};
    const int bad = ini_parse_stream(next_line, &r, take_pair, &r);
    // inih goes on after a line that it cannot read, so its own finding may be the earlier one
    if (bad > 0 && (!r.failed || (size_t)bad < r.line)) {
        return jebm_fail(err, JEBM_EINVAL, "%s:%d: expected [SECTION], KEY = VALUE or a comment",
                         file->path, bad);
    }
    if (r.failed) {
        return r.status != JEBM_OK
                   ? r.status
                   : jebm_fail(err, JEBM_EINVAL, "%s:%zu: line too long", file->path, r.line);
    }
    if (bad != 0) {
        return no_memory(file->path, err);
    }
    file->figures = calloc(file->nsections + 1, sizeof *file->figures);
    if (file->figures == NULL) {
        return no_memory(file->path, err);
    }
    for (size_t i = 0; i < file->nsections; i++) {
        if (strcmp(file->sections[i].name, file->sections[i].figure) == 0) {
            file->figures[file->nfigures++] = file->sections[i].name;
        }
    }
    JEBM_TRY(check_figures(file, err));
    JEBM_TRY(check_parents(file, err));
    JEBM_TRY(check_pictures(file, err));
    return check_departures(file, err);
}

jebm_status jebm_preset_file_parse(const char *path, const char *text, size_t size,
                                   const jebm_key *keys, size_t nkeys, jebm_preset_file **out,
                                   jebm_error *err) {
    *out = NULL;
    jebm_preset_file *file = calloc(1, sizeof *file);
    if (file == NULL) {
        return no_memory(path, err);
    }
    file->path = malloc(strlen(path) + 1);
    file->keys = calloc(NCOMMON + nkeys, sizeof *file->keys);
    jebm_status status = JEBM_OK;
    if (file->path == NULL || file->keys == NULL) {
        status = no_memory(path, err);
    } else {
        strcpy(file->path, path);
        for (; file->nkeys < NCOMMON + nkeys; file->nkeys++) {
            file->keys[file->nkeys] =
                file->nkeys < NCOMMON ? &common_keys[file->nkeys] : &keys[file->nkeys - NCOMMON];
        }
        status = parse_all(file, text, size, err);
    }
    if (status != JEBM_OK) {
        jebm_preset_file_free(file);
        return status;
    }
    *out = file;
    return JEBM_OK;
}

jebm_status jebm_preset_file_read(const char *path, const jebm_key *keys, size_t nkeys,
                                  jebm_preset_file **file, jebm_error *err) {
    *file = NULL;
    FILE *stream = fopen(path, "rb");
    if (stream == NULL) {
        return jebm_fail(err, JEBM_EIO, "%s: cannot be opened: %s", path, strerror(errno));
    }
    char *text = malloc(LARGEST_FILE + 1);
    if (text == NULL) {
        fclose(stream);
        return no_memory(path, err);
    }
    const size_t size = fread(text, 1, LARGEST_FILE + 1, stream);
    const int reason = ferror(stream) ? errno : 0;
    fclose(stream);
    jebm_status status;
    if (reason != 0) {
        status = jebm_fail(err, JEBM_EIO, "%s: cannot be read: %s", path, strerror(reason));
    } else if (size > LARGEST_FILE) {
        status = jebm_fail(err, JEBM_EINVAL, "%s: is larger than %zu bytes; no preset file is",
                           path, LARGEST_FILE);
    } else {
        status = jebm_preset_file_parse(path, text, size, keys, nkeys, file, err);
    }
    free(text);
    return status;
}

void jebm_preset_file_free(jebm_preset_file *file) {
    if (file == NULL) {
        return;
    }
    for (size_t i = 0; i < file->nentries; i++) {
        free(file->entries[i].value.text);
    }
    free(file->path);
    free(file->keys);
    free(file->sections);
    free(file->entries);
    free(file->figures);
    free(file);
}

size_t jebm_preset_file_nfigures(const jebm_preset_file *file) {
    return file->nfigures;
}

const char *jebm_preset_file_figure(const jebm_preset_file *file, size_t i) {
    return file->figures[i];
}
