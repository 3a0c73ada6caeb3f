/* How many threads there are and which one this is, with or without OpenMP: for scratch that is one
 * thread's own. No number may depend on either.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_THREADS_H
#define JEBM_THREADS_H

#include <stddef.h>

#if defined(_OPENMP)
#include <omp.h>
#endif

static inline size_t jebm_thread_count(void) {
#if defined(_OPENMP)
    return (size_t)omp_get_max_threads();
#else
    return 1;
#endif
}

static inline size_t jebm_thread_index(void) {
#if defined(_OPENMP)
    return (size_t)omp_get_thread_num();
#else
    return 0;
#endif
}

#endif
