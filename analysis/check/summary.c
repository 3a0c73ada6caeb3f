/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "summary.h"

#include "io/atomic_file.h"

#include <stdlib.h>
#include <string.h>

static const char *const texts[JEBM_NSTANDINGS] = {
#define JEBM_X(code, text) text,
    JEBM_STANDING_LIST(JEBM_X)
#undef JEBM_X
};

const char *jebm_standing_text(jebm_standing standing) {
    return texts[standing];
}

jebm_standing jebm_standing_of(jebm_verdict verdict, jebm_direction direction) {
    switch (verdict) {
    case JEBM_VERDICT_EXACT:
    case JEBM_VERDICT_WITHIN:
        return JEBM_STANDING_HOLDS;
    case JEBM_VERDICT_DEVIATES:
        return JEBM_STANDING_FAILS;
    case JEBM_VERDICT_UNDERPOWERED:
        return JEBM_STANDING_UNCLEAR;
    case JEBM_VERDICT_NOT_RUN:
        return JEBM_STANDING_NOT_RUN;
    default:
        return direction == JEBM_DIRECTION_HOLDS   ? JEBM_STANDING_HOLDS
               : direction == JEBM_DIRECTION_FAILS ? JEBM_STANDING_FAILS
                                                   : JEBM_STANDING_UNCLEAR;
    }
}

static void count(jebm_tally *t, const jebm_judgement *j) {
    size_t *by = j->claim->kind == JEBM_CLAIM_OURS ? t->ours : t->paper;
    by[jebm_standing_of(j->verdict, j->direction)]++;
    t->after += j->claim->after;
    for (size_t s = 0; s < JEBM_NSCALES; s++) {
        t->scales[s] |= strcmp(j->scale, jebm_scales[s]) == 0;
    }
}

jebm_status jebm_summary_count(const jebm_judgement *list, size_t nlist, jebm_tally **tallies,
                               size_t *n, jebm_error *err) {
    // every claim has a figure of its own at worst
    jebm_tally *t = calloc(nlist + 1, sizeof *t);
    *tallies = t;
    *n = 0;
    if (t == NULL) {
        return jebm_fail(err, JEBM_ENOMEM, "no memory for the summary of %zu claims", nlist);
    }
    for (size_t i = 0; i < nlist; i++) {
        const char *figure = list[i].claim->figure;
        size_t k = 0;
        while (k < *n && strcmp(t[k].figure, figure) != 0) {
            k++;
        }
        if (k == *n) {
            snprintf(t[(*n)++].figure, sizeof t->figure, "%s", figure);
        }
        count(&t[k], &list[i]);
    }
    jebm_tally *all = &t[(*n)++];
    snprintf(all->figure, sizeof all->figure, "all");
    for (size_t i = 0; i < nlist; i++) {
        count(all, &list[i]);
    }
    return JEBM_OK;
}

/* the scales, largest first; "several" where they take more room than there is */
static const char *scale_phrase(const jebm_tally *t, size_t room, char text[64]) {
    text[0] = '\0';
    for (size_t s = JEBM_NSCALES; s-- > 0;) {
        const size_t used = strlen(text);
        if (t->scales[s]) {
            snprintf(text + used, 64 - used, "%s%s", used > 0 ? ", " : "", jebm_scales[s]);
        }
    }
    return text[0] == '\0' ? "-" : strlen(text) > room ? "several" : text;
}

/* a 0 is a dot, so that the eye finds what there is */
static void put_counts(FILE *out, const size_t counts[JEBM_NSTANDINGS]) {
    for (size_t s = 0; s < JEBM_NSTANDINGS; s++) {
        char number[24] = ".";
        if (counts[s] > 0) {
            snprintf(number, sizeof number, "%zu", counts[s]);
        }
        fprintf(out, " %*s", (int)strlen(texts[s]), number);
    }
}

static void put_heads(FILE *out) {
    for (size_t s = 0; s < JEBM_NSTANDINGS; s++) {
        fprintf(out, " %s", texts[s]);
    }
}

jebm_status jebm_summary_print(FILE *out, const jebm_judgement *list, size_t n, jebm_error *err) {
    jebm_tally *tallies;
    size_t ntallies;
    JEBM_TRY(jebm_summary_count(list, n, &tallies, &ntallies, err));
    fprintf(out, "%-14s |%-36s |%-36s |\n%-14s |", "", " the paper's claims", " our own claims",
            "figure");
    put_heads(out);
    fputs(" |", out);
    put_heads(out);
    fputs(" | scale\n", out);
    for (size_t i = 0; i < ntallies; i++) {
        const jebm_tally *t = &tallies[i];
        char scales[64];
        fprintf(out, "%-14.14s |", t->figure);
        put_counts(out, t->paper);
        fputs(" |", out);
        put_counts(out, t->ours);
        fputs(" |", out);
        if (i + 1 < ntallies) {
            fprintf(out, " %s", scale_phrase(t, 7, scales));
        }
        fputc('\n', out);
    }
    if (tallies[ntallies - 1].after > 0) {
        fprintf(out, "%zu of the %zu claims were written after a run that judges them\n",
                tallies[ntallies - 1].after, n);
    }
    free(tallies);
    return JEBM_OK;
}

static void put_cells(FILE *out, const size_t *counts, size_t n) {
    for (size_t s = 0; s < n; s++) {
        if (counts[s] > 0) {
            fprintf(out, " %zu |", counts[s]);
        } else {
            fputs(" |", out);
        }
    }
}

jebm_status jebm_summary_markdown(const char *path, const jebm_judgement *list, size_t n,
                                  jebm_error *err) {
    jebm_tally *tallies;
    size_t ntallies;
    JEBM_TRY(jebm_summary_count(list, n, &tallies, &ntallies, err));
    jebm_atomic_file file;
    jebm_status status = jebm_atomic_open(&file, path, err);
    if (status == JEBM_OK) {
        FILE *out = file.stream;
        fputs("| figure | scale |", out);
        for (size_t s = 0; s < JEBM_NSTANDINGS; s++) {
            fprintf(out, " %s |", texts[s]);
        }
        for (size_t s = 0; s < JEBM_NSTANDINGS; s++) {
            fprintf(out, " ours: %s |", texts[s]);
        }
        fputs(" written after the runs |\n| --- | --- |", out);
        for (size_t s = 0; s < 2 * JEBM_NSTANDINGS + 1; s++) {
            fputs(" --: |", out);
        }
        fputc('\n', out);
        for (size_t i = 0; i < ntallies; i++) {
            const jebm_tally *t = &tallies[i];
            char scales[64];
            fprintf(out, "| %s |%s%s |", t->figure, i + 1 < ntallies ? " " : "",
                    i + 1 < ntallies ? scale_phrase(t, sizeof scales, scales) : "");
            put_cells(out, t->paper, JEBM_NSTANDINGS);
            put_cells(out, t->ours, JEBM_NSTANDINGS);
            put_cells(out, &t->after, 1);
            fputc('\n', out);
        }
        status = jebm_atomic_commit(&file, err);
    }
    free(tallies);
    return status;
}
