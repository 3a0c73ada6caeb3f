/* What the targets share. Each is one function in libFuzzer's form; replay.c calls it on the
 * committed corpus, ./long-run links it with libFuzzer.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_TESTS_FUZZ_H
#define JEBM_TESTS_FUZZ_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* An assertion in every build: a broken one is a crash to libFuzzer. */
#define require(condition)                                                          \
    do {                                                                            \
        if (!(condition)) {                                                         \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                \
        }                                                                           \
    } while (0)

#endif
