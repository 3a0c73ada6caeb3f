/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/preset_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BLANKS " \t,"
#define TEXT_SIZE 1024

int jebm_choice_find(const char *choices, const char *word, size_t length) {
    int index = 0;
    for (const char *c = choices; *c != '\0'; index++) {
        const size_t n = strcspn(c, "|");
        if (n == length && length > 0 && memcmp(c, word, n) == 0) {
            return index;
        }
        c += n + (c[n] == '|');
    }
    return -1;
}

size_t jebm_choice_count(const char *choices) {
    size_t n = 1;
    for (const char *c = choices; *c != '\0'; c++) {
        n += *c == '|';
    }
    return n;
}

void jebm_choice_word(const char *choices, size_t i, char word[64]) {
    for (; i > 0; i--) {
        choices += strcspn(choices, "|");
        choices += *choices == '|';
    }
    snprintf(word, 64, "%.*s", (int)strcspn(choices, "|"), choices);
}

static bool in_range(const jebm_key *key, double x) {
    return (key->open_low ? x > key->low : x >= key->low) &&
           (key->open_high ? x < key->high : x <= key->high);
}

/* Decimal floating point and nothing else: no nan, inf, hexadecimal, blanks or overflow. */
static bool parse_real(const char *text, size_t length, double *x) {
    char copy[64];
    if (length == 0 || length >= sizeof copy) {
        return false;
    }
    memcpy(copy, text, length);
    copy[length] = '\0';
    if (strspn(copy, "0123456789.eE+-") != length) {
        return false;
    }
    char *end;
    errno = 0;
    *x = strtod(copy, &end);
    return end != copy && *end == '\0' && errno == 0 && isfinite(*x);
}

/* 10000 or 1e4; beyond 2^53 only the plain form says exactly what is meant. */
static bool parse_count(const char *text, uint64_t *count) {
    if (*text != '\0' && strspn(text, "0123456789") == strlen(text)) {
        errno = 0;
        *count = strtoull(text, NULL, 10);
        return errno == 0;
    }
    double x;
    if (!parse_real(text, strlen(text), &x) || x < 0 || x > 9007199254740992.0 || x != floor(x)) {
        return false;
    }
    *count = (uint64_t)x;
    return true;
}

/* the fewest digits that read back as the same number */
static size_t put_real(char *text, size_t size, double x) {
    int n = 0;
    for (int digits = 15; digits <= 17; digits++) {
        n = snprintf(text, size, "%.*g", digits, x);
        if (strtod(text, NULL) == x) {
            break;
        }
    }
    return (size_t)n;
}

static bool parse_reals(const jebm_key *key, const char *text, jebm_value *value, char *canonical) {
    size_t used = 0;
    for (const char *next = text + strspn(text, BLANKS); *next != '\0';) {
        const size_t length = strcspn(next, BLANKS);
        double x;
        if (value->nreals == JEBM_MAX_REALS || !parse_real(next, length, &x) || !in_range(key, x)) {
            return false;
        }
        if (used > 0) {
            canonical[used++] = ' ';
        }
        used += put_real(canonical + used, TEXT_SIZE - used, x);
        value->reals[value->nreals++] = x;
        next += length;
        next += strspn(next, BLANKS);
    }
    return value->nreals > 0;
}

static bool parse_words(const jebm_key *key, const char *text, jebm_value *value, char *canonical) {
    for (const char *next = text + strspn(text, BLANKS); *next != '\0';) {
        const size_t length = strcspn(next, BLANKS);
        const int index = jebm_choice_find(key->choices, next, length);
        if (index < 0 || (value->count >> index & 1) != 0) {
            return false;
        }
        value->count |= (uint64_t)1 << index;
        next += length;
        next += strspn(next, BLANKS);
    }
    size_t used = 0;
    for (size_t i = 0; i < jebm_choice_count(key->choices); i++) {
        char word[64];
        jebm_choice_word(key->choices, i, word);
        if ((value->count >> i & 1) != 0 && used < TEXT_SIZE) {
            used += (size_t)snprintf(canonical + used, TEXT_SIZE - used, "%s%s",
                                     used > 0 ? " " : "", word);
        }
    }
    return value->count != 0;
}

static bool parse_text(const char *text) {
    for (const char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ') {
            return false;
        }
    }
    return true;
}

static bool parse(const jebm_key *key, const char *text, jebm_value *value, char *canonical) {
    int index;
    snprintf(canonical, TEXT_SIZE, "%s", text);
    switch (key->kind) {
    case JEBM_KEY_COUNT:
        if (!parse_count(text, &value->count) || !in_range(key, (double)value->count)) {
            return false;
        }
        snprintf(canonical, TEXT_SIZE, "%" PRIu64, value->count);
        return true;
    case JEBM_KEY_REAL:
        value->nreals = 1;
        if (!parse_real(text, strlen(text), value->reals) || !in_range(key, value->reals[0])) {
            return false;
        }
        put_real(canonical, TEXT_SIZE, value->reals[0]);
        return true;
    case JEBM_KEY_BOOL:
        value->count = strcmp(text, "yes") == 0;
        return value->count != 0 || strcmp(text, "no") == 0;
    case JEBM_KEY_CHOICE:
        index = jebm_choice_find(key->choices, text, strlen(text));
        value->count = (uint64_t)index;
        return index >= 0;
    case JEBM_KEY_REALS:
        return parse_reals(key, text, value, canonical);
    case JEBM_KEY_WORDS:
        return parse_words(key, text, value, canonical);
    case JEBM_KEY_TEXT:
        return parse_text(text);
    }
    return false;
}

bool jebm_value_parse(const jebm_key *key, const char *text, jebm_value *value) {
    char canonical[TEXT_SIZE];
    memset(value, 0, sizeof *value);
    if (*text == '\0' || strlen(text) >= TEXT_SIZE || !parse(key, text, value, canonical)) {
        return false;
    }
    value->text = malloc(strlen(canonical) + 1);
    if (value->text != NULL) {
        strcpy(value->text, canonical);
    }
    return true;
}

bool jebm_value_copy(jebm_value *to, const jebm_value *from) {
    char *text = malloc(strlen(from->text) + 1);
    if (text == NULL) {
        return false;
    }
    strcpy(text, from->text);
    free(to->text);
    *to = *from;
    to->text = text;
    return true;
}

void jebm_key_expected(const jebm_key *key, char *text, size_t size) {
    char range[128];
    char low[32], high[32];
    put_real(low, sizeof low, key->low);
    put_real(high, sizeof high, key->high);
    if (isinf(key->low) && isinf(key->high)) {
        snprintf(range, sizeof range, "(finite)");
    } else if (isinf(key->high)) {
        snprintf(range, sizeof range, "%s %s", key->open_low ? "above" : "from", low);
    } else {
        snprintf(range, sizeof range, "%s %s %s %s", key->open_low ? "above" : "from", low,
                 key->open_high ? "and below" : "to", high);
    }
    switch (key->kind) {
    case JEBM_KEY_COUNT:
        snprintf(text, size, "an integer %s", range);
        break;
    case JEBM_KEY_REAL:
        snprintf(text, size, "a real number %s", range);
        break;
    case JEBM_KEY_BOOL:
        snprintf(text, size, "yes or no");
        break;
    case JEBM_KEY_CHOICE:
        snprintf(text, size, "one of %s", key->choices);
        break;
    case JEBM_KEY_REALS:
        snprintf(text, size, "1 to %d real numbers %s", JEBM_MAX_REALS, range);
        break;
    case JEBM_KEY_WORDS:
        snprintf(text, size, "one or more of %s, each once", key->choices);
        break;
    case JEBM_KEY_TEXT:
        snprintf(text, size, "a line of text");
        break;
    }
}
