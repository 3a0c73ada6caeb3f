/* Rank correlation.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_RANK_H
#define JEBM_RANK_H

#include "core/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Spearman's correlation of a[n] and b[n]: Pearson's of their ranks, equal values sharing the mean
 * of theirs. Infinities have ranks as any other value. NAN if one of them is constant, or n < 2.
 * JEBM_EINVAL for a NaN, JEBM_ENOMEM. */
JEBM_API jebm_status jebm_spearman(size_t n, const double *a, const double *b, double *rho,
                                   jebm_error *err);

#ifdef __cplusplus
}
#endif

#endif
