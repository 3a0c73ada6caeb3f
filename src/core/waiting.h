/* How long threads of OpenMP spin while they wait for each other.
 *
 * Left to itself libgomp lets them spin for milliseconds. On a machine with any other load a thread
 * that spins takes the core of the one that it waits for, and an iteration lasts 5 to 40 times as
 * long. A short spin costs nothing on an idle machine: benchmarks/bench_threads measures both.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_WAITING_H
#define JEBM_WAITING_H

#include "core/status.h"

/* Call this first in main, with main's argv. OpenMP reads from the environment, before main, how
 * threads wait. Where the user has not said it (OMP_WAIT_POLICY; GOMP_SPINCOUNT; KMP_BLOCKTIME or
 * KMP_LIBRARY), this says it, and executes the program once more: the same process with the same
 * arguments. The function returns in the second image, where everything is set; in the first one
 * only if the program cannot be executed again (no /proc), and then OpenMP's own choice stays. */
JEBM_API void jebm_waiting_limit(char **argv);

#endif
