/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/isa.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[JEBM_ISA_COUNT] = {"baseline", "avx2", "avx512"};

/* undecided is -1; written once before threads start, or by jebm_isa_select() */
static int current = -1;

static bool supported(jebm_isa isa) {
    switch (isa) {
    case JEBM_ISA_BASELINE:
        return true;
#if defined(JEBM_HAVE_AVX2)
    case JEBM_ISA_AVX2:
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
#if defined(JEBM_HAVE_AVX512)
    case JEBM_ISA_AVX512:
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
#endif
    default:
        return false;
    }
}

/* highest variant that JEBM_ISA allows; JEBM_ISA_COUNT if its value is no variant's name */
static jebm_isa allowed(void) {
    const char *word = getenv("JEBM_ISA");
    if (word == NULL || word[0] == '\0') {
        return JEBM_ISA_COUNT - 1;
    }
    int isa = 0;
    while (isa < JEBM_ISA_COUNT && strcmp(word, names[isa]) != 0) {
        isa++;
    }
    return (jebm_isa)isa;
}

jebm_status jebm_isa_check(jebm_error *err) {
    if (allowed() == JEBM_ISA_COUNT) {
        return jebm_fail(err, JEBM_EINVAL,
                         "environment variable JEBM_ISA is '%s', expected baseline, avx2 or avx512",
                         getenv("JEBM_ISA"));
    }
    return JEBM_OK;
}

jebm_isa jebm_isa_current(void) {
    if (current < 0) {
        int isa = (int)allowed();
        isa = isa == JEBM_ISA_COUNT ? JEBM_ISA_COUNT - 1 : isa;
        while (!supported((jebm_isa)isa)) {
            isa--;
        }
        current = isa;
    }
    return (jebm_isa)current;
}

const char *jebm_isa_name(void) {
    return names[jebm_isa_current()];
}

jebm_status jebm_isa_select(jebm_isa isa) {
    if ((int)isa < 0 || isa >= JEBM_ISA_COUNT || !supported(isa)) {
        return JEBM_EUNSUPPORTED;
    }
    current = (int)isa;
    return JEBM_OK;
}
