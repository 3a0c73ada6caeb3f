/* Presets: typed settings of a figure, read from an INI file, overridden by scale, fidelity and
 * the command line, in that order.
 *
 * A preset file has, for a figure F, the sections
 *     [F]            what all its scales and fidelities share
 *     [F:SCALE]      one of JEBM_SCALE_LIST
 *     [F@FIDELITY]   paper or code
 *     [F:SCALE@FIDELITY]
 * read in that order, each overriding the ones before; `--set key=value` comes last. A section
 * `like = G` first takes everything from G's sections (one level deep).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_APP_PRESET_H
#define JEBM_APP_PRESET_H

#include "core/status.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* The scales, smallest first: the only list of them. */
#define JEBM_SCALE_LIST(FIRST, NEXT) FIRST("smoke") NEXT("quick") NEXT("reduced") NEXT("paper")
#define JEBM_FIRST_WORD(word) word
#define JEBM_NEXT_CHOICE(word) "|" word
#define JEBM_NEXT_IN_TEXT(word) ", " word
#define JEBM_SCALES JEBM_SCALE_LIST(JEBM_FIRST_WORD, JEBM_NEXT_CHOICE) /* "a|b|c" */
#define JEBM_SCALES_TEXT JEBM_SCALE_LIST(JEBM_FIRST_WORD, JEBM_NEXT_IN_TEXT) /* "a, b, c" */
enum { JEBM_NSCALES = 4 };
extern const char *const jebm_scales[JEBM_NSCALES];
#define JEBM_SCALE_USUAL "quick" /* where none is asked for */
#define JEBM_SCALE_PUBLISHED "paper" /* the sizes of the paper */

/* What a fidelity follows, in words. */
const char *jebm_fidelity_words(const char *fidelity);

typedef enum jebm_key_kind {
    JEBM_KEY_COUNT, /* integer in [low, high]; accepts 10000 and 1e4 */
    JEBM_KEY_REAL, /* finite real in [low, high] (ends excluded where open_low/open_high) */
    JEBM_KEY_BOOL, /* yes or no */
    JEBM_KEY_CHOICE, /* one of the words in `choices`, separated by '|' */
    JEBM_KEY_REALS, /* 1 to 32 reals, separated by blanks or commas, each in [low, high] */
    JEBM_KEY_WORDS, /* one or more distinct words of `choices` */
    JEBM_KEY_TEXT /* free text */
} jebm_key_kind;

typedef struct jebm_key {
    const char *name;
    jebm_key_kind kind;
    double low, high;
    bool open_low, open_high;
    const char *choices;
    const char *initial; /* default value as text, or NULL: the preset must give one */
    const char *help; /* one line for --describe, with the paper's symbol and unit */
} jebm_key;

typedef struct jebm_preset jebm_preset;

/* Typed access. A name that is not a key, or one of another kind, is a bug: it asserts. */
uint64_t jebm_preset_count(const jebm_preset *p, const char *key);
double jebm_preset_real(const jebm_preset *p, const char *key);
bool jebm_preset_bool(const jebm_preset *p, const char *key);
/* Index of the chosen word in the key's `choices`. */
size_t jebm_preset_choice(const jebm_preset *p, const char *key);
/* values[] receives up to 32 reals; returns how many. */
size_t jebm_preset_reals(const jebm_preset *p, const char *key, double values[32]);
/* Is the word (an element of the key's choices) among the chosen ones? */
bool jebm_preset_has(const jebm_preset *p, const char *key, const char *word);
/* The value as text, as it stands in the manifest. Borrowed, lives as long as the preset. */
const char *jebm_preset_text(const jebm_preset *p, const char *key);
uint64_t jebm_preset_seed(const jebm_preset *p);
const char *jebm_preset_figure(const jebm_preset *p);
const char *jebm_preset_scale(const jebm_preset *p);
const char *jebm_preset_fidelity(const jebm_preset *p);
/* JEBM_EINVAL if a key of reals lists a value twice: where each makes a variant. */
jebm_status jebm_preset_distinct(const jebm_preset *p, const char *key, jebm_error *err);

/* Name of the i-th picture that is drawn of the runs; false beyond the last. */
#define JEBM_PICTURE_TEXT 64
bool jebm_preset_picture(const jebm_preset *p, size_t i, char name[JEBM_PICTURE_TEXT]);

/* Does this scale only show that the machinery works? answer receives the next larger scale of the
 * figure that answers, "" if it has none. */
bool jebm_preset_machinery(const jebm_preset *p, const char **answer);

/* All keys in order, the application's first, then the driver's. */
size_t jebm_preset_nkeys(const jebm_preset *p);
const jebm_key *jebm_preset_key(const jebm_preset *p, size_t i);
/* Does the key decide numbers, and so belong into the fingerprint of a run? (title, scales,
 * fidelities, like, runs_of, draws, machinery and departs do not.) */
bool jebm_key_decides(const jebm_key *key);
/* Does a key of this name say what a figure is (title, scales, ...) and set nothing of a run? */
bool jebm_key_is_description(const char *name);
/* What values a key takes, as words: "an integer from 1 to 10000". */
void jebm_key_expected(const jebm_key *key, char *text, size_t size);

/* Keys that every driver's presets have:
 *     title         text, one line for --list             only in [F]
 *     scales        which of JEBM_SCALE_LIST F has        only in [F]
 *     fidelities    which of paper code F has             only in [F]
 *     like          figure whose settings come first      only in [F], initially -
 *     runs_of       figure whose runs F draws, so that F has no settings of its own; implies like
 *     draws         pictures drawn of the runs, as analysis/figures/NAME.gp each; initially -, the
 *                   figure's own name. A NAME asked for is the figure that draws it. Only in [F]
 *     machinery     scales of F that are too small to answer anything and only show that the
 *                   machinery works; initially smoke. Only in [F]
 *     departs       keys whose values are ours in fidelity paper, since the text has others or none;
 *                   initially -, none of note. Only in [F]
 *     runs          independent repetitions R of each cell
 *     iterations    steps of a run K
 *     record_every  steps between two rows of trajectory.csv
 *     record_first  steps between two rows before step record_until, initially 0: no rows there
 *     record_until  initially 0: record_every */
typedef struct jebm_preset_file jebm_preset_file;

/* Read and check a whole preset file: every section name, key and value in it, whichever figure is
 * asked for later. keys are the driver's and must outlive the file and its presets.
 *
 * Errors   JEBM_EINVAL with file, line, section and key, what was found and what is expected. */
jebm_status jebm_preset_file_read(const char *path, const jebm_key *keys, size_t nkeys,
                                  jebm_preset_file **file, jebm_error *err);
/* The same for text at hand; path is only for messages. */
jebm_status jebm_preset_file_parse(const char *path, const char *text, size_t size,
                                   const jebm_key *keys, size_t nkeys, jebm_preset_file **file,
                                   jebm_error *err);
void jebm_preset_file_free(jebm_preset_file *file);
size_t jebm_preset_file_nfigures(const jebm_preset_file *file);
const char *jebm_preset_file_figure(const jebm_preset_file *file, size_t i);
/* The figure of that name, or else the one that draws a picture of that name; NULL if none. */
const char *jebm_preset_file_find(const jebm_preset_file *file, const char *name);

typedef struct jebm_preset_request {
    const char *figure;
    const char *scale; /* NULL: JEBM_SCALE_USUAL, or the first that the figure has */
    const char *fidelity; /* NULL: paper, or the first that the figure has */
    const char *const *overrides; /* [noverrides] "key=value" */
    size_t noverrides;
    uint64_t seed;
} jebm_preset_request;

/* Settings of one figure, scale and fidelity. *preset is the caller's to free.
 *
 * Errors   JEBM_EINVAL for an unknown figure, scale, fidelity or override, or a missing key. */
jebm_status jebm_preset_resolve(const jebm_preset_file *file, const jebm_preset_request *request,
                                jebm_preset **preset, jebm_error *err);
void jebm_preset_free(jebm_preset *preset);

#endif
