/* jebm-check: judge the claims of the paper by stored results.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/nearest.h"
#include "app/preset.h"
#include "command.h"
#include "compare.h"
#include "junit.h"
#include "plans.h"
#include "report.h"
#include "summary.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: jebm-check [options]\n"
    "Judge the claims of the paper by stored trajectories and manifests; nothing is run.\n"
    "\n"
    "  --claims FILE     claims to judge (default: the analysis/claims.ini that came with the "
    "program)\n"
    "  --results DIR     directory with results in it or below (default: results/runs)\n"
    "  --scale SCALE     " JEBM_SCALES_TEXT " (default: the largest with complete data)\n"
    "  --claim ID        judge only this claim, all its variants and fidelities; may be repeated\n"
    "  --summary         print one line a figure instead of one a claim\n"
    "  --baseline FILE   verdicts of an earlier --json: exit 3 if one got worse\n"
    "  --json FILE       write the verdicts with their numbers\n"
    "  --markdown FILE   write the verdicts as a table\n"
    "  --junit FILE      write the verdicts as JUnit XML: what does not hold is a failure\n"
    "  --brief FILE      write a table of one line a statement, as in "
    "results/reference/VERDICTS.md\n"
    "  --by-figure FILE  write a table of one line a figure, as in the README\n"
    "  --compare A B     compare the numbers of two results directories, and judge nothing; exit "
    "3\n"
    "                    beyond |a - b| <= atol + rtol max(|a|, |b|)\n"
    "  --rtol R, --atol A, --until STEP    of --compare (default: 1e-5, 1e-8, all steps)\n"
    "  --plan FILE       hold the claims against what a driver's --plan printed, and judge "
    "nothing;\n"
    "                    exit 2 if one can never be answered at a scale; once for each driver\n"
    "  --list            print what each claim says and how it is measured, and judge nothing\n"
    "  --help, --version\n"
    "\n"
    "Exit status: 0 judged (whatever the verdicts), 1 data missing their manifest's digest, cut "
    "or\n"
    "corrupt, 2 usage, claims file or no results, 3 a verdict worse than the baseline's\n"
    "or numbers beyond the tolerance.\n";

enum {
    CLAIMS = 1,
    RESULTS,
    SCALE,
    CLAIM,
    SUMMARY,
    BASELINE,
    JSON,
    MARKDOWN,
    JUNIT,
    BRIEF,
    BY_FIGURE,
    COMPARE,
    RTOL,
    ATOL,
    UNTIL,
    PLAN,
    LIST,
    HELP,
    VERSION
};

static const struct option long_options[] = {{"claims", required_argument, NULL, CLAIMS},
                                             {"results", required_argument, NULL, RESULTS},
                                             {"scale", required_argument, NULL, SCALE},
                                             {"claim", required_argument, NULL, CLAIM},
                                             {"summary", no_argument, NULL, SUMMARY},
                                             {"baseline", required_argument, NULL, BASELINE},
                                             {"json", required_argument, NULL, JSON},
                                             {"markdown", required_argument, NULL, MARKDOWN},
                                             {"brief", required_argument, NULL, BRIEF},
                                             {"by-figure", required_argument, NULL, BY_FIGURE},
                                             {"plan", required_argument, NULL, PLAN},
                                             {"junit", required_argument, NULL, JUNIT},
                                             {"compare", required_argument, NULL, COMPARE},
                                             {"rtol", required_argument, NULL, RTOL},
                                             {"atol", required_argument, NULL, ATOL},
                                             {"until", required_argument, NULL, UNTIL},
                                             {"list", no_argument, NULL, LIST},
                                             {"help", no_argument, NULL, HELP},
                                             {"version", no_argument, NULL, VERSION},
                                             {NULL, 0, NULL, 0}};

typedef struct options {
    const char *claims, *results, *scale, *baseline, *json, *markdown, *brief, *by_figure, *junit;
    const char *trees[2]; /* --compare */
    jebm_tolerance tolerance;
    const char *ids[64];
    size_t nids;
    const char *plans[16];
    size_t nplans;
    bool summary;
    int action; /* 0, LIST, HELP or VERSION */
} options;

static jebm_status parse_tolerance(const char *name, const char *text, double *value,
                                   jebm_error *err) {
    char *end;
    *value = strtod(text, &end);
    return end > text && *end == '\0' && *value >= 0.0 && isfinite(*value)
               ? JEBM_OK
               : jebm_fail(err, JEBM_EINVAL, "%s '%.40s': expected a number from 0", name, text);
}

static jebm_status parse_options(int argc, char **argv, options *o, jebm_error *err) {
    *o = (options){.results = "results/runs", .tolerance = {1e-5, 1e-8, INFINITY}};
    opterr = 0;
    for (int code; (code = getopt_long(argc, argv, "", long_options, NULL)) != -1;) {
        switch (code) {
        case CLAIMS:
            o->claims = optarg;
            break;
        case RESULTS:
            o->results = optarg;
            break;
        case SCALE:
            o->scale = optarg;
            JEBM_TRY(jebm_command_check_scale(optarg, err));
            break;
        case CLAIM:
            if (o->nids == sizeof o->ids / sizeof *o->ids) {
                return jebm_fail(err, JEBM_EINVAL, "found more than 64 times --claim");
            }
            o->ids[o->nids++] = optarg;
            break;
        case SUMMARY:
            o->summary = true;
            break;
        case BASELINE:
            o->baseline = optarg;
            break;
        case JSON:
            o->json = optarg;
            break;
        case MARKDOWN:
            o->markdown = optarg;
            break;
        case BRIEF:
            o->brief = optarg;
            break;
        case BY_FIGURE:
            o->by_figure = optarg;
            break;
        case JUNIT:
            o->junit = optarg;
            break;
        case COMPARE:
            o->trees[0] = optarg;
            if (optind == argc) {
                return jebm_fail(err, JEBM_EINVAL, "--compare %.60s: expected two directories",
                                 optarg);
            }
            o->trees[1] = argv[optind++];
            break;
        case RTOL:
            JEBM_TRY(parse_tolerance("--rtol", optarg, &o->tolerance.rtol, err));
            break;
        case UNTIL:
            JEBM_TRY(parse_tolerance("--until", optarg, &o->tolerance.until, err));
            break;
        case ATOL:
            JEBM_TRY(parse_tolerance("--atol", optarg, &o->tolerance.atol, err));
            break;
        case PLAN:
            if (o->nplans == sizeof o->plans / sizeof *o->plans) {
                return jebm_fail(err, JEBM_EINVAL, "found more than 16 times --plan");
            }
            o->plans[o->nplans++] = optarg;
            break;
        case LIST:
        case HELP:
        case VERSION:
            o->action = code;
            break;
        default:
            return jebm_command_bad_option(long_options, argv[optind - 1], err);
        }
    }
    if (optind < argc) {
        return jebm_fail(err, JEBM_EINVAL, "found argument '%.60s', expected options only",
                         argv[optind]);
    }
    return JEBM_OK;
}

/* an id names a section, or one claim of it: SECTION[/VARIANT]@FIDELITY */
static bool names(const char *id, const jebm_claim *c) {
    return strcmp(id, c->section) == 0 || strcmp(id, c->id) == 0;
}

static bool chosen(const jebm_claim *c, const void *context) {
    const options *o = context;
    bool any = o->nids == 0;
    for (size_t i = 0; i < o->nids && !any; i++) {
        any = names(o->ids[i], c);
    }
    return any;
}

static jebm_status unknown_id(const char *id, const jebm_claims *claims, jebm_error *err) {
    const char **sections = malloc(claims->count * sizeof *sections);
    char hint[JEBM_HINT_TEXT] = "";
    if (sections != NULL) {
        for (size_t c = 0; c < claims->count; c++) {
            sections[c] = claims->list[c].section;
        }
        jebm_nearest_hint(id, sections, claims->count, hint);
    }
    free(sections);
    return jebm_fail(err, JEBM_EINVAL, "found --claim %.60s, expected an id of %s%s; see --list",
                     id, claims->path, hint);
}

static jebm_status check_ids(const options *o, const jebm_claims *claims, jebm_error *err) {
    for (size_t i = 0; i < o->nids; i++) {
        size_t c = 0;
        while (c < claims->count && !names(o->ids[i], &claims->list[c])) {
            c++;
        }
        if (c == claims->count) {
            return unknown_id(o->ids[i], claims, err);
        }
    }
    return JEBM_OK;
}

static jebm_status report(const options *o, const jebm_judgement *list, size_t n, jebm_error *err) {
    if (o->summary) {
        JEBM_TRY(jebm_summary_print(stdout, list, n, err));
    } else {
        jebm_report_table(stdout, list, n);
    }
    if (o->json != NULL) {
        JEBM_TRY(jebm_report_json(o->json, list, n, err));
    }
    if (o->markdown != NULL) {
        JEBM_TRY(jebm_report_markdown(o->markdown, list, n, err));
    }
    if (o->brief != NULL) {
        JEBM_TRY(jebm_report_brief(o->brief, list, n, err));
    }
    if (o->by_figure != NULL) {
        JEBM_TRY(jebm_summary_markdown(o->by_figure, list, n, err));
    }
    if (o->junit != NULL) {
        JEBM_TRY(jebm_junit_write(o->junit, list, n, err));
    }
    if (o->baseline == NULL) {
        return JEBM_OK;
    }
    jebm_losses losses;
    JEBM_TRY(jebm_report_compare(stdout, o->baseline, list, n, o->nids == 0, &losses, err));
    if (losses.lost > 0) {
        return jebm_fail(err, JEBM_ECLAIM, "%zu claim%s worse than in %s", losses.lost,
                         losses.lost == 1 ? " is" : "s are", o->baseline);
    }
    return JEBM_OK;
}

/* which claims some scale can never answer */
static jebm_status check_plans(const options *o, const jebm_claims *claims, jebm_error *err) {
    jebm_plans plans = {0};
    size_t failures = 0;
    jebm_status status = JEBM_OK;
    for (size_t i = 0; i < o->nplans && status == JEBM_OK; i++) {
        status = jebm_plans_read(o->plans[i], &plans, err);
    }
    if (status == JEBM_OK) {
        status = jebm_plans_check(stdout, claims, &plans, chosen, o, &failures, err);
    }
    if (status == JEBM_OK && failures > 0) {
        status = jebm_fail(err, JEBM_EINVAL,
                           "%s: %zu time%s a claim has no answer at a scale: mend it, or give it "
                           "'scales = ...'",
                           claims->path, failures, failures == 1 ? "" : "s");
    } else if (status == JEBM_OK) {
        printf("%zu claims have an answer at each of their scales, by %zu plans\n", claims->count,
               plans.n);
    }
    jebm_plans_free(&plans);
    return status;
}

static jebm_status judge(const options *o, const jebm_claims *claims, jebm_error *err) {
    JEBM_TRY(check_ids(o, claims, err));
    if (o->action == LIST) {
        jebm_report_list(stdout, claims);
        return JEBM_OK;
    }
    if (o->nplans > 0) {
        return check_plans(o, claims, err);
    }
    jebm_judgements judgements;
    JEBM_TRY(jebm_command_judge(claims, o->results, o->scale, chosen, o, &judgements, err));
    const jebm_status status = report(o, judgements.list, judgements.n, err);
    jebm_judgements_free(&judgements);
    return status;
}

static jebm_status compare(const options *o, jebm_error *err) {
    size_t beyond;
    JEBM_TRY(jebm_compare(stdout, o->trees[0], o->trees[1], &o->tolerance, &beyond, err));
    return beyond == 0 ? JEBM_OK
                       : jebm_fail(err, JEBM_ECLAIM, "%zu difference%s beyond the tolerance",
                                   beyond, beyond == 1 ? " is" : "s are");
}

static jebm_status run(const options *o, jebm_error *err) {
    if (o->trees[0] != NULL) {
        return compare(o, err);
    }
    jebm_claims claims;
    JEBM_TRY(jebm_command_claims(o->claims, &claims, err));
    const jebm_status status = judge(o, &claims, err);
    jebm_claims_free(&claims);
    return status;
}

int main(int argc, char **argv) {
    options o;
    jebm_error err = {0};
    jebm_status status = parse_options(argc, argv, &o, &err);
    if (status == JEBM_OK && (o.action == HELP || o.action == VERSION)) {
        jebm_command_tell("jebm-check", o.action == HELP ? usage : NULL);
    } else if (status == JEBM_OK) {
        status = run(&o, &err);
    }
    return jebm_command_end("jebm-check", status, &err);
}
