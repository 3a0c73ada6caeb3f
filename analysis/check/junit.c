/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "junit.h"

#include "io/atomic_file.h"
#include "summary.h"

#include <stdlib.h>
#include <string.h>

/* text of an attribute or element; XML 1.0 has no control characters but blanks */
static void put_text(FILE *out, const char *text) {
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '&':
            fputs("&amp;", out);
            break;
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        default:
            fputc((unsigned char)*text < ' ' ? ' ' : *text, out);
        }
    }
}

/* NAME="text" behind a blank */
static void put_attribute(FILE *out, const char *name, const char *text) {
    fprintf(out, " %s=\"", name);
    put_text(out, text);
    fputc('"', out);
}

/* what was measured: verdict, mean, interval, predicate and the reason where there is one */
static void say_measured(const jebm_judgement *j, char *text, size_t size) {
    const jebm_interval *i = &j->interval;
    char mean[96] = "";
    if (i->n > 1) {
        snprintf(mean, sizeof mean, ", mean %.4g in [%.4g, %.4g]", i->mean, i->low, i->high);
    } else if (i->n == 1) {
        snprintf(mean, sizeof mean, ", %.4g in one run", i->mean);
    }
    snprintf(text, size, "%s%s%s%s; holds if %.400s%s%.256s", jebm_verdict_text(j->verdict),
             j->direction != JEBM_DIRECTION_NONE ? ": " : "", jebm_direction_text(j->direction),
             mean, j->claim->predicate, j->reason[0] != '\0' ? "; " : "", j->reason);
}

static void put_case(FILE *out, const jebm_judgement *j) {
    static const char *const elements[JEBM_NSTANDINGS] = {
        [JEBM_STANDING_HOLDS] = "system-out",
        [JEBM_STANDING_UNCLEAR] = "system-out",
        [JEBM_STANDING_FAILS] = "failure",
        [JEBM_STANDING_NOT_RUN] = "skipped",
    };
    const jebm_claim *c = j->claim;
    const jebm_standing standing = jebm_standing_of(j->verdict, j->direction);
    const char *element = elements[standing];
    char measured[1024];
    say_measured(j, measured, sizeof measured);
    fputs("    <testcase", out);
    put_attribute(out, "classname", c->figure);
    put_attribute(out, "name", c->id);
    fprintf(out, ">\n      <%s", element);
    if (standing == JEBM_STANDING_HOLDS || standing == JEBM_STANDING_UNCLEAR) {
        fputc('>', out);
        put_text(out, c->says);
        fputs(": ", out);
        put_text(out, measured);
        fprintf(out, "</%s>\n", element);
    } else {
        put_attribute(out, "message", measured);
        fputc('>', out);
        put_text(out, c->says);
        fprintf(out, "</%s>\n", element);
    }
    fputs("    </testcase>\n", out);
}

static void put_counts(FILE *out, const jebm_tally *t) {
    size_t tests = 0;
    for (size_t s = 0; s < JEBM_NSTANDINGS; s++) {
        tests += t->paper[s] + t->ours[s];
    }
    fprintf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"0\"", tests,
            t->paper[JEBM_STANDING_FAILS] + t->ours[JEBM_STANDING_FAILS]);
}

jebm_status jebm_junit_write(const char *path, const jebm_judgement *list, size_t n,
                             jebm_error *err) {
    jebm_tally *tallies;
    size_t ntallies;
    jebm_status status = jebm_summary_count(list, n, &tallies, &ntallies, err);
    jebm_atomic_file file;
    if (status == JEBM_OK) {
        status = jebm_atomic_open(&file, path, err);
    }
    if (status == JEBM_OK) {
        FILE *out = file.stream;
        fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"jebm-check\"", out);
        put_counts(out, &tallies[ntallies - 1]);
        fputs(">\n", out);
        for (size_t t = 0; t + 1 < ntallies; t++) {
            fputs("  <testsuite", out);
            put_attribute(out, "name", tallies[t].figure);
            put_counts(out, &tallies[t]);
            fprintf(out, " skipped=\"%zu\">\n",
                    tallies[t].paper[JEBM_STANDING_NOT_RUN] +
                        tallies[t].ours[JEBM_STANDING_NOT_RUN]);
            for (size_t i = 0; i < n; i++) {
                if (strcmp(list[i].claim->figure, tallies[t].figure) == 0) {
                    put_case(out, &list[i]);
                }
            }
            fputs("  </testsuite>\n", out);
        }
        fputs("</testsuites>\n", out);
        status = jebm_atomic_commit(&file, err);
    }
    free(tallies);
    return status;
}
