/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command.h"

#include "app/nearest.h"
#include "app/preset.h"
#include "app/share.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

jebm_status jebm_command_bad_option(const struct option *options, const char *word,
                                    jebm_error *err) {
    enum { MOST = 32 };
    const char *names[MOST];
    size_t n = 0;
    for (; options[n].name != NULL && n < MOST; n++) {
        names[n] = options[n].name;
        if (strncmp(word, "--", 2) == 0 && strcmp(word + 2, names[n]) == 0) {
            return jebm_fail(err, JEBM_EINVAL, "option %s needs a value; see --help", word);
        }
    }
    char hint[JEBM_HINT_TEXT];
    return jebm_fail(err, JEBM_EINVAL, "found option '%.60s', expected one of --help%s", word,
                     jebm_nearest_hint(word + strspn(word, "-"), names, n, hint));
}

jebm_status jebm_command_check_scale(const char *scale, jebm_error *err) {
    for (size_t i = 0; i < JEBM_NSCALES; i++) {
        if (strcmp(scale, jebm_scales[i]) == 0) {
            return JEBM_OK;
        }
    }
    char hint[JEBM_HINT_TEXT];
    return jebm_fail(err, JEBM_EINVAL,
                     "found --scale %.40s, expected one of " JEBM_SCALES_TEXT "%s", scale,
                     jebm_nearest_hint(scale, jebm_scales, JEBM_NSCALES, hint));
}

jebm_status jebm_command_claims(const char *path, jebm_claims *claims, jebm_error *err) {
    if (path != NULL) {
        return jebm_claims_load(path, claims, err);
    }
    char *shipped;
    JEBM_TRY(jebm_share_path("analysis/claims.ini", &shipped, err));
    const jebm_status status = jebm_claims_load(shipped, claims, err);
    free(shipped);
    return status;
}

jebm_status jebm_command_judge(const jebm_claims *claims, const char *directory, const char *scale,
                               bool (*wanted)(const jebm_claim *claim, const void *context),
                               const void *context, jebm_judgements *judgements, jebm_error *err) {
    *judgements = (jebm_judgements){calloc(claims->count + 1, sizeof *judgements->list), 0};
    if (judgements->list == NULL) {
        return jebm_fail(err, JEBM_ENOMEM, "no memory for %zu verdicts", claims->count);
    }
    jebm_results results;
    jebm_status status = jebm_results_open(&results, directory, scale, err);
    if (status == JEBM_OK) {
        status = jebm_tree_expect(&results.tree, directory, scale, err);
    }
    for (size_t i = 0; i < claims->count && status == JEBM_OK; i++) {
        const jebm_claim *claim = &claims->list[i];
        if (wanted == NULL || wanted(claim, context)) {
            status = jebm_judge(claim, &results, &judgements->list[judgements->n], err);
            judgements->n += status == JEBM_OK;
        }
    }
    jebm_results_free(&results);
    if (status != JEBM_OK) {
        jebm_judgements_free(judgements);
    }
    return status;
}

void jebm_judgements_free(jebm_judgements *judgements) {
    for (size_t i = 0; i < judgements->n; i++) {
        jebm_judgement_free(&judgements->list[i]);
    }
    free(judgements->list);
    *judgements = (jebm_judgements){0};
}

void jebm_command_tell(const char *program, const char *usage) {
    if (usage != NULL) {
        fputs(usage, stdout);
    } else {
        printf("%s %s\n", program, JEBM_VERSION);
    }
}

int jebm_command_end(const char *program, jebm_status status, jebm_error *err) {
    if (status == JEBM_OK && (fflush(stdout) != 0 || ferror(stdout))) {
        status = jebm_fail(err, JEBM_EIO, "standard output cannot be written");
    }
    if (status != JEBM_OK) {
        fflush(stdout);
        fprintf(stderr, "%s: %s\n", program, err->text);
    }
    return jebm_status_exit(status);
}
