/* Inside the presets: values, the file as it was read, and what its reader shares with the
 * resolver.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_APP_PRESET_INTERNAL_H
#define JEBM_APP_PRESET_INTERNAL_H

#include "app/nearest.h"
#include "app/preset.h"

#define JEBM_MAX_REALS 32

typedef struct jebm_value {
    char *text; /* canonical: numbers as the shortest text that reads back, words in their order */
    uint64_t
        count; /* JEBM_KEY_COUNT; index for JEBM_KEY_CHOICE; set of indices for WORDS; 0 or 1 */
    size_t nreals;
    double reals[JEBM_MAX_REALS];
} jebm_value;

/* Read a value of the key's kind; false if the text is none. value->text is the caller's to free;
 * NULL after success means that memory ran out. */
bool jebm_value_parse(const jebm_key *key, const char *text, jebm_value *value);
bool jebm_value_copy(jebm_value *to, const jebm_value *from);

/* Index of word among the words of choices ("a|b|c"), or -1. */
int jebm_choice_find(const char *choices, const char *word, size_t length);
/* Number of words of choices, and the i-th of them cut out into word (at most 63 bytes). */
size_t jebm_choice_count(const char *choices);
void jebm_choice_word(const char *choices, size_t i, char word[64]);
/* The word nearest to one that is none, as jebm_nearest_hint. */
const char *jebm_choice_hint(const char *choices, const char *word, char hint[JEBM_HINT_TEXT]);

/* Index of the key of that name, or -1; the nearest one. */
int jebm_key_find(const jebm_key *const *keys, size_t nkeys, const char *name);
const char *jebm_key_hint(const jebm_key *const *keys, size_t nkeys, const char *name,
                          char hint[JEBM_HINT_TEXT]);

/* The first keys describe a figure and stand in [FIGURE] only. */
enum {
    JEBM_AT_TITLE,
    JEBM_AT_SCALES,
    JEBM_AT_FIDELITIES,
    JEBM_AT_LIKE,
    JEBM_AT_RUNS_OF,
    JEBM_AT_DRAWS,
    JEBM_AT_MACHINERY,
    JEBM_NDESCRIBING
};
bool jebm_key_describes(size_t key);

#define JEBM_LONGEST_NAME 48 /* inih cuts names at 49 */

/* [FIGURE:SCALE@FIDELITY]; scale and fidelity are -1 where the name leaves them out */
typedef struct jebm_section {
    char name[JEBM_LONGEST_NAME + 1];
    char figure[JEBM_LONGEST_NAME + 1];
    int scale, fidelity;
    size_t line;
} jebm_section;

typedef struct jebm_entry {
    size_t section, key, line;
    jebm_value value;
} jebm_entry;

struct jebm_preset_file {
    char *path;
    const jebm_key **keys; /* [nkeys] common ones first */
    size_t nkeys;
    jebm_section *sections;
    size_t nsections;
    jebm_entry *entries;
    size_t nentries;
    const char **figures; /* [nfigures] names of the sections without scale and fidelity */
    size_t nfigures;
};

/* The i-th word of `draws`; false beyond the last. */
bool jebm_picture_word(const char *words, size_t i, char name[JEBM_PICTURE_TEXT]);

bool jebm_preset_file_has(const jebm_preset_file *file, const char *figure);
/* The figure from which a figure starts, by `like` or by `runs_of`; NULL if none. */
const char *jebm_preset_file_parent(const jebm_preset_file *file, const char *figure);

#endif
