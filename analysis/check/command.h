/* What jebm-check, jebm-report and jebm-pack share as commands: their options' errors, the claims that
 * the first two judge, and the end of main().
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_ANALYSIS_COMMAND_H
#define JEBM_ANALYSIS_COMMAND_H

#include "claims.h"
#include "judge.h"

struct option;

/* JEBM_EINVAL and why getopt_long() refused a word: no value, or unknown (and the nearest). */
jebm_status jebm_command_bad_option(const struct option *options, const char *word,
                                    jebm_error *err);

/* JEBM_EINVAL unless it is one of jebm_scales. */
jebm_status jebm_command_check_scale(const char *scale, jebm_error *err);

/* jebm_claims_load(); path NULL: the claims that came with the program. */
jebm_status jebm_command_claims(const char *path, jebm_claims *claims, jebm_error *err);

/* Verdicts on the wanted claims, in their order. */
typedef struct jebm_judgements {
    jebm_judgement *list; /* [n] */
    size_t n;
} jebm_judgements;

/* Judge each claim that `wanted` (NULL: all) is true of, by the results in a directory at a scale
 * (NULL: the largest complete one). JEBM_EINVAL where the directory has no results at the scale.
 * After an error nothing is to be freed. */
jebm_status jebm_command_judge(const jebm_claims *claims, const char *directory, const char *scale,
                               bool (*wanted)(const jebm_claim *claim, const void *context),
                               const void *context, jebm_judgements *judgements, jebm_error *err);
void jebm_judgements_free(jebm_judgements *judgements);

/* Print how the program is used, or its version where usage is NULL. */
void jebm_command_tell(const char *program, const char *usage);

/* Flush standard output, say an error in one line; the exit status. */
int jebm_command_end(const char *program, jebm_status status, jebm_error *err);

#endif
