/* jebm-report: one self-contained HTML page of verdicts, figures and settings from stored results.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/preset.h"
#include "app/share.h"
#include "command.h"
#include "io/atomic_file.h"
#include "page.h"
#include "way.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: jebm-report [options]\n"
    "Write one self-contained HTML page of verdicts, figures, numbers and settings from stored\n"
    "results; nothing is run, and the claims are judged anew.\n"
    "\n"
    "  --results DIR     directory with results in it or below (default: results/runs)\n"
    "  --scale SCALE     " JEBM_SCALES_TEXT " (default: the largest with complete data)\n"
    "  --claims FILE     claims to judge (default: the analysis/claims.ini that came with the "
    "program)\n"
    "  --out FILE        page to write (default: DIR/report.html)\n"
    "  --help, --version\n"
    "\n"
    "Exit status: 0 written (whatever the verdicts), 1 data missing their manifest's digest, cut "
    "or\n"
    "corrupt, 2 usage, claims file or no results.\n";

enum { RESULTS = 1, SCALE, CLAIMS, OUT, HELP, VERSION };

static const struct option long_options[] = {{"results", required_argument, NULL, RESULTS},
                                             {"scale", required_argument, NULL, SCALE},
                                             {"claims", required_argument, NULL, CLAIMS},
                                             {"out", required_argument, NULL, OUT},
                                             {"help", no_argument, NULL, HELP},
                                             {"version", no_argument, NULL, VERSION},
                                             {NULL, 0, NULL, 0}};

typedef struct options {
    const char *results, *scale, *claims, *out;
    int action; /* 0, HELP or VERSION */
} options;

static jebm_status parse_options(int argc, char **argv, options *o, jebm_error *err) {
    *o = (options){.results = "results/runs"};
    opterr = 0;
    for (int code; (code = getopt_long(argc, argv, "", long_options, NULL)) != -1;) {
        switch (code) {
        case RESULTS:
            o->results = optarg;
            break;
        case SCALE:
            o->scale = optarg;
            JEBM_TRY(jebm_command_check_scale(optarg, err));
            break;
        case CLAIMS:
            o->claims = optarg;
            break;
        case OUT:
            o->out = optarg;
            break;
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

/* The text of a file below the share directory. */
static jebm_status read_share(const char *relative, char **text, jebm_error *err) {
    char *path;
    *text = NULL;
    JEBM_TRY(jebm_share_path(relative, &path, err));
    FILE *in = fopen(path, "rb");
    size_t size = 0;
    FILE *copy = open_memstream(text, &size);
    bool ok = in != NULL && copy != NULL;
    for (int c; ok && (c = getc(in)) != EOF;) {
        ok = putc(c, copy) != EOF;
    }
    ok = ok && !ferror(in);
    if (in != NULL) {
        fclose(in);
    }
    if (copy != NULL) {
        ok = fclose(copy) == 0 && ok;
    }
    const jebm_status status =
        ok ? JEBM_OK
           : jebm_fail(err, JEBM_EIO,
                       "%s: cannot be read; it comes with the program: install it again, or set "
                       "JEBM_SHARE",
                       path);
    free(path);
    return status;
}

/* ---- writing ---- */

static jebm_status write_page(const jebm_page *page, const char *path, jebm_error *err) {
    jebm_atomic_file file;
    JEBM_TRY(jebm_atomic_open(&file, path, err));
    jebm_page_put(file.stream, page);
    const long size = ftell(file.stream);
    JEBM_TRY(jebm_atomic_commit(&file, err));
    size_t figures = 0;
    for (size_t i = 0; i < page->catalogue->nruns; i++) {
        figures += i == 0 || strcmp(page->catalogue->runs[i].figure,
                                    page->catalogue->runs[i - 1].figure) != 0;
    }
    size_t ours = 0;
    for (size_t i = 0; i < page->n; i++) {
        ours += page->list[i].claim->kind == JEBM_CLAIM_OURS;
    }
    printf("%s: %zu claim%s of the paper, %zu of ours, %zu figure%s, %.1f MB\n", path,
           page->n - ours, page->n - ours == 1 ? "" : "s", ours, figures, figures == 1 ? "" : "s",
           1e-6 * (double)size);
    return JEBM_OK;
}

static jebm_status read_parts(char *texts[1 + JEBM_PAGE_SCRIPTS], jebm_error *err) {
    static const char *const files[1 + JEBM_PAGE_SCRIPTS] = {
        "analysis/report/report.css", "analysis/report/report.js", "analysis/report/curves.js"};
    for (size_t i = 0; i < 1 + JEBM_PAGE_SCRIPTS; i++) {
        JEBM_TRY(read_share(files[i], &texts[i], err));
    }
    return JEBM_OK;
}

static jebm_status write_report(const options *o, jebm_page *page, jebm_error *err) {
    char *texts[1 + JEBM_PAGE_SCRIPTS] = {NULL}, *path = NULL, *root = NULL;
    jebm_status status = read_parts(texts, err);
    if (status == JEBM_OK) {
        page->style = texts[0];
        memcpy(page->scripts, texts + 1, sizeof page->scripts);
        path =
            o->out != NULL ? jebm_format("%s", o->out) : jebm_format("%s/report.html", o->results);
        root = path != NULL ? jebm_way(path, o->results) : NULL;
        page->root = root;
        status = path != NULL ? write_page(page, path, err)
                              : jebm_fail(err, JEBM_ENOMEM, "not enough memory for a path");
    }
    for (size_t i = 0; i < 1 + JEBM_PAGE_SCRIPTS; i++) {
        free(texts[i]);
    }
    free(path);
    free(root);
    return status;
}

/* Judge all claims, then enter their figures: a figure that nobody has run is shown as such. */
static jebm_status report(const options *o, const jebm_claims *claims, jebm_catalogue *catalogue,
                          jebm_error *err) {
    jebm_judgements judgements;
    JEBM_TRY(jebm_command_judge(claims, o->results, o->scale, NULL, NULL, &judgements, err));
    jebm_status status = JEBM_OK;
    for (size_t i = 0; i < claims->count && status == JEBM_OK; i++) {
        status = jebm_catalogue_add_figure(catalogue, claims->list[i].figure, NULL, err);
    }
    if (status == JEBM_OK) {
        jebm_page page = {.catalogue = catalogue, .list = judgements.list, .n = judgements.n};
        status = write_report(o, &page, err);
    }
    jebm_judgements_free(&judgements);
    return status;
}

static jebm_status read_and_report(const options *o, const jebm_claims *claims, jebm_error *err) {
    jebm_catalogue catalogue;
    JEBM_TRY(jebm_catalogue_read(o->results, o->scale, &catalogue, err));
    jebm_status status = jebm_catalogue_add_presets(&catalogue, err);
    if (status == JEBM_OK) {
        status = report(o, claims, &catalogue, err);
    }
    jebm_catalogue_free(&catalogue);
    return status;
}

static jebm_status run(const options *o, jebm_error *err) {
    jebm_claims claims;
    JEBM_TRY(jebm_command_claims(o->claims, &claims, err));
    const jebm_status status = read_and_report(o, &claims, err);
    jebm_claims_free(&claims);
    return status;
}

int main(int argc, char **argv) {
    options o;
    jebm_error err = {0};
    jebm_status status = parse_options(argc, argv, &o, &err);
    if (status == JEBM_OK && (o.action == HELP || o.action == VERSION)) {
        jebm_command_tell("jebm-report", o.action == HELP ? usage : NULL);
    } else if (status == JEBM_OK) {
        status = run(&o, &err);
    }
    return jebm_command_end("jebm-report", status, &err);
}
