/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/options.h"

#include "app/nearest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* JEBM_X(enumerator, name, value or NULL, help). Those up to RESUME say what to run, which a merge
 * learns from its parts. */
#define OPTION_LIST(JEBM_X)                                                                       \
    JEBM_X(SCALE, "scale", "S", JEBM_SCALES_TEXT " (default: " JEBM_SCALE_USUAL ")")              \
    JEBM_X(FIDELITY, "fidelity", "F",                                                             \
           "paper (the text) or code (the authors' script) (default: paper)")                     \
    JEBM_X(RUNS, "runs", "R", "independent repetitions of each cell, 1 to 10000")                 \
    JEBM_X(SEED, "seed", "S", "seed of all random numbers (default: 1)")                          \
    JEBM_X(SET, "set", "KEY=VALUE", "override a key of the preset; may be repeated")              \
    JEBM_X(RUNS_FROM, "runs-from", "A", "compute only the runs from A (default: 1) ...")          \
    JEBM_X(RUNS_TO, "runs-to", "B", "... to B (default: R) of each cell: a part, for --merge")    \
    JEBM_X(DATA, "data", "DIR", "where the data sets are (default: $JEBM_DATA)")                  \
    JEBM_X(RESUME, "resume", NULL, "go on from the last checkpoint")                              \
    JEBM_X(MERGE, "merge", "DIR", "put parts together; once for each part, DIR as its --out was") \
    JEBM_X(OUT, "out", "DIR", "write DIR/FIGURE/ (default: results/runs/SCALE/FIDELITY)")         \
    JEBM_X(FORCE, "force", NULL, "replace the run that DIR/FIGURE holds")                         \
    JEBM_X(THREADS, "threads", "T", "threads, 1 to 1024 (default: all); no result depends on it") \
    JEBM_X(NO_FIGURE, "no-figure", NULL, "do not draw")                                           \
    JEBM_X(LIST, "list", NULL, "list the figures")                                                \
    JEBM_X(DESCRIBE, "describe", NULL, "show every key of FIGURE with value, range and meaning")  \
    JEBM_X(PLAN, "plan", NULL, "print cells, columns and recorded steps of all figures as JSON")  \
    JEBM_X(HEADING, "heading", "TEXT",                                                            \
           "a short progress for a caller: TEXT, the figure, its share and the time left")        \
    JEBM_X(AFTERWARDS, "afterwards", "S",                                                         \
           "seconds that the caller's other figures will take, for the time left in all")         \
    JEBM_X(QUIET, "quiet", NULL, "no progress on standard error")                                 \
    JEBM_X(HELP, "help", NULL, "show this")                                                       \
    JEBM_X(VERSION, "version", NULL, "show the version")

typedef enum option {
#define JEBM_X(code, name, value, help) code,
    OPTION_LIST(JEBM_X)
#undef JEBM_X
        NOPTIONS
} option;

static const struct {
    const char *name, *value, *help;
} known[] = {
#define JEBM_X(code, name, value, help) {"--" name, value, help},
    OPTION_LIST(JEBM_X)
#undef JEBM_X
};

void jebm_options_help(const jebm_driver *driver) {
    printf("Usage: %s FIGURE [OPTION]...\n%s\n\nOptions:\n", driver->program, driver->purpose);
    for (size_t i = 0; i < NOPTIONS; i++) {
        char left[32];
        if (i == DATA && driver->inputs == NULL) {
            continue;
        }
        snprintf(left, sizeof left, "%s%s%s", known[i].name, known[i].value != NULL ? " " : "",
                 known[i].value != NULL ? known[i].value : "");
        printf("  %-18s %s\n", left, known[i].help);
    }
    printf("\nA figure spread over machines, and put together again; the settings are the parts':\n"
           "  %s FIGURE --runs-to 10 --out A\n"
           "  %s FIGURE --runs-from 11 --out B\n"
           "  %s FIGURE --merge A --merge B --out DIR\n",
           driver->program, driver->program, driver->program);
    printf("\nExit status: 0 done, 1 failed or diverged, 2 wrong usage, 130 or 143 interrupted.\n"
           "Environment: JEBM_SHARE (presets and figure scripts), JEBM_CHECKPOINT_SECONDS "
           "(default 30),\n"
           "             JEBM_ISA (baseline, avx2 or avx512: at most these kernels).\n");
}

static jebm_status find_option(const char *name, option *found, jebm_error *err) {
    const char *names[NOPTIONS];
    char hint[JEBM_HINT_TEXT];
    for (size_t i = 0; i < NOPTIONS; i++) {
        names[i] = known[i].name;
        if (strcmp(name, names[i]) == 0) {
            *found = (option)i;
            return JEBM_OK;
        }
    }
    return jebm_fail(err, JEBM_EINVAL, "unknown option '%.80s'%s; --help lists them all", name,
                     jebm_nearest_hint(name, names, NOPTIONS, hint));
}

static jebm_status parse_integer(const char *name, const char *text, uint64_t low, uint64_t high,
                                 uint64_t *value, jebm_error *err) {
    errno = 0;
    const bool digits = *text != '\0' && strspn(text, "0123456789") == strlen(text);
    *value = digits ? strtoull(text, NULL, 10) : 0;
    if (!digits || errno != 0 || *value < low || *value > high) {
        return jebm_fail(err, JEBM_EINVAL, "%s '%.80s': expected an integer from %llu to %llu",
                         name, text, (unsigned long long)low, (unsigned long long)high);
    }
    return JEBM_OK;
}

static jebm_status set_value(jebm_options *o, option which, const char *text, jebm_error *err) {
    uint64_t number = 0;
    switch (which) {
    case SCALE:
        o->scale = text;
        break;
    case FIDELITY:
        o->fidelity = text;
        break;
    case RUNS:
        JEBM_TRY(parse_integer("--runs", text, 1, 10000, &number, err));
        snprintf(o->runs, sizeof o->runs, "runs=%llu", (unsigned long long)number);
        break;
    case RUNS_FROM:
        return parse_integer("--runs-from", text, 1, 10000, &o->runs_from, err);
    case RUNS_TO:
        return parse_integer("--runs-to", text, 1, 10000, &o->runs_to, err);
    case MERGE:
        if (*text == '\0') {
            return jebm_fail(err, JEBM_EINVAL, "--merge '': expected the directory of a part");
        }
        o->parts[o->nparts++] = text;
        break;
    case SEED:
        // JSON integers are signed
        return parse_integer("--seed", text, 0, INT64_MAX, &o->seed, err);
    case THREADS:
        JEBM_TRY(parse_integer("--threads", text, 1, 1024, &number, err));
        o->threads = (int)number;
        break;
    case HEADING:
        o->heading = text;
        break;
    case AFTERWARDS:
        return parse_integer("--afterwards", text, 0, 1000000000, &o->afterwards, err);
    case SET:
        o->overrides[o->noverrides++] = text;
        break;
    default:
        if (*text == '\0') {
            return jebm_fail(err, JEBM_EINVAL, "%s '': expected a directory", known[which].name);
        }
        *(which == DATA ? &o->data : &o->out) = text;
    }
    return JEBM_OK;
}

static void set_flag(jebm_options *o, option which) {
    bool *const flags[NOPTIONS] = {
        [RESUME] = &o->resume, [FORCE] = &o->force,       [NO_FIGURE] = &o->no_figure,
        [LIST] = &o->list,     [DESCRIBE] = &o->describe, [PLAN] = &o->plan,
        [QUIET] = &o->quiet,   [HELP] = &o->help,         [VERSION] = &o->version,
    };
    *flags[which] = true;
}

/* One word of the command line, and the next one where an option takes it. */
static jebm_status take_word(jebm_options *o, int argc, char **argv, int *i, jebm_error *err) {
    const char *word = argv[*i];
    if (word[0] != '-') {
        if (o->figure != NULL) {
            return jebm_fail(err, JEBM_EINVAL,
                             "found the figures '%.80s' and '%.80s'; expected one", o->figure,
                             word);
        }
        o->figure = word;
        return JEBM_OK;
    }
    char name[128];
    const char *equals = strncmp(word, "--", 2) == 0 ? strchr(word, '=') : NULL;
    snprintf(name, sizeof name, "%.*s",
             equals != NULL && equals - word < 127 ? (int)(equals - word) : 127, word);
    option which = HELP;
    if (strcmp(name, "-h") != 0) {
        JEBM_TRY(find_option(name, &which, err));
    }
    if (which <= RESUME) {
        o->setting = known[which].name;
    }
    if (known[which].value == NULL) {
        set_flag(o, which);
        return equals == NULL
                   ? JEBM_OK
                   : jebm_fail(err, JEBM_EINVAL, "option '%s' takes no value; found '%.80s'", name,
                               equals + 1);
    }
    if (equals == NULL && *i + 1 == argc) {
        return jebm_fail(err, JEBM_EINVAL, "option '%s' misses its value %s", name,
                         known[which].value);
    }
    return set_value(o, which, equals != NULL ? equals + 1 : argv[++*i], err);
}

static jebm_status check_together(const jebm_options *o, jebm_error *err) {
    if (o->resume && o->force) {
        return jebm_fail(err, JEBM_EINVAL,
                         "--resume and --force exclude each other: go on, or start anew?");
    }
    if (o->runs_to > 0 && o->runs_from > o->runs_to) {
        return jebm_fail(
            err, JEBM_EINVAL,
            "--runs-from %llu --runs-to %llu: expected the first run not to come after "
            "the last",
            (unsigned long long)o->runs_from, (unsigned long long)o->runs_to);
    }
    if (o->nparts > 0 && o->setting != NULL) {
        return jebm_fail(err, JEBM_EINVAL,
                         "--merge takes what was run from the parts and runs nothing: leave out %s",
                         o->setting);
    }
    if (o->figure == NULL && !o->list && !o->plan && !o->help && !o->version) {
        return jebm_fail(err, JEBM_EINVAL,
                         "no figure given; --list shows them all, --help the usage");
    }
    return JEBM_OK;
}

jebm_status jebm_options_parse(jebm_options *o, int argc, char **argv, jebm_error *err) {
    memset(o, 0, sizeof *o);
    o->seed = 1;
    o->overrides = calloc((size_t)argc + 1, sizeof *o->overrides);
    o->parts = calloc((size_t)argc + 1, sizeof *o->parts);
    if (o->overrides == NULL || o->parts == NULL) {
        jebm_options_free(o);
        return jebm_fail(err, JEBM_ENOMEM, "not enough memory for the command line");
    }
    jebm_status status = JEBM_OK;
    for (int i = 1; i < argc && status == JEBM_OK; i++) {
        status = take_word(o, argc, argv, &i, err);
    }
    if (status == JEBM_OK) {
        status = check_together(o, err);
    }
    if (status != JEBM_OK) {
        jebm_options_free(o);
        return status;
    }
    if (o->runs[0] != '\0') {
        o->overrides[o->noverrides++] = o->runs;
    }
    return JEBM_OK;
}

void jebm_options_free(jebm_options *o) {
    if (o == NULL) {
        return;
    }
    free(o->overrides);
    free(o->parts);
    o->overrides = o->parts = NULL;
}
