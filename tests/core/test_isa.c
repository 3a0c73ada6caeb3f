/* Each Criterion test is a process of its own, so each may decide the variant anew.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/isa.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[JEBM_ISA_COUNT] = {"baseline", "avx2", "avx512"};

Test(isa, select_switches_or_leaves_everything_as_it_was) {
    for (int isa = 0; isa < JEBM_ISA_COUNT; isa++) {
        const jebm_isa before = jebm_isa_current();
        const jebm_status status = jebm_isa_select((jebm_isa)isa);
        cr_expect(status == JEBM_OK || status == JEBM_EUNSUPPORTED);
        cr_expect_eq(jebm_isa_current(), status == JEBM_OK ? (jebm_isa)isa : before);
        cr_expect_str_eq(jebm_isa_name(), names[jebm_isa_current()]);
    }
    cr_expect_eq(jebm_isa_select(JEBM_ISA_BASELINE), JEBM_OK);
    cr_expect_eq(jebm_isa_select(JEBM_ISA_COUNT), JEBM_EUNSUPPORTED);
    cr_expect_eq(jebm_isa_select((jebm_isa)-1), JEBM_EUNSUPPORTED);
    cr_expect_eq(jebm_isa_current(), JEBM_ISA_BASELINE);
}

Test(isa, what_was_built_is_there_where_the_cpu_has_it) {
#if defined(JEBM_HAVE_AVX2)
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    cr_expect_eq(jebm_isa_select(JEBM_ISA_AVX2), avx2 ? JEBM_OK : JEBM_EUNSUPPORTED);
#else
    cr_expect_eq(jebm_isa_select(JEBM_ISA_AVX2), JEBM_EUNSUPPORTED);
#endif
#if defined(JEBM_HAVE_AVX512)
    if (!__builtin_cpu_supports("avx512f")) {
        cr_expect_eq(jebm_isa_select(JEBM_ISA_AVX512), JEBM_EUNSUPPORTED);
    }
#else
    cr_expect_eq(jebm_isa_select(JEBM_ISA_AVX512), JEBM_EUNSUPPORTED);
#endif
}

/* the best variant of this machine, not above `limit` */
static jebm_isa best(int limit) {
    while (jebm_isa_select((jebm_isa)limit) != JEBM_OK) {
        limit--;
    }
    return (jebm_isa)limit;
}

Test(isa, without_the_variable_the_best_variant_is_used) {
    unsetenv("JEBM_ISA");
    const jebm_isa current = jebm_isa_current();
    cr_expect_eq(current, best(JEBM_ISA_COUNT - 1));
    cr_expect_eq(jebm_isa_check(NULL), JEBM_OK);
}

Test(isa, an_empty_variable_is_none) {
    setenv("JEBM_ISA", "", 1);
    const jebm_isa current = jebm_isa_current();
    cr_expect_eq(current, best(JEBM_ISA_COUNT - 1));
    cr_expect_eq(jebm_isa_check(NULL), JEBM_OK);
}

Test(isa, baseline_lowers_the_choice) {
    setenv("JEBM_ISA", "baseline", 1);
    cr_expect_eq(jebm_isa_check(NULL), JEBM_OK);
    cr_expect_str_eq(jebm_isa_name(), "baseline");
}

Test(isa, avx2_lowers_the_choice) {
    setenv("JEBM_ISA", "avx2", 1);
    cr_expect_eq(jebm_isa_check(NULL), JEBM_OK);
    const jebm_isa current = jebm_isa_current();
    cr_expect_eq(current, best(JEBM_ISA_AVX2));
}

Test(isa, avx512_asks_for_no_more_than_there_is) {
    setenv("JEBM_ISA", "avx512", 1);
    cr_expect_eq(jebm_isa_check(NULL), JEBM_OK);
    const jebm_isa current = jebm_isa_current();
    cr_expect_eq(current, best(JEBM_ISA_AVX512));
}

Test(isa, the_first_decision_is_kept) {
    setenv("JEBM_ISA", "baseline", 1);
    cr_expect_eq(jebm_isa_current(), JEBM_ISA_BASELINE);
    unsetenv("JEBM_ISA");
    cr_expect_eq(jebm_isa_current(), JEBM_ISA_BASELINE);
}

Test(isa, another_word_is_refused_by_name) {
    static const char *const words[] = {"AVX2", "avx", "avx2 ", "sse2", "0"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        jebm_error err;
        setenv("JEBM_ISA", words[i], 1);
        cr_expect_eq(jebm_isa_check(&err), JEBM_EINVAL, "%s", words[i]);
        cr_expect_eq(err.status, JEBM_EINVAL);
        cr_expect_not_null(strstr(err.text, words[i]));
        cr_expect_not_null(strstr(err.text, "baseline, avx2 or avx512"));
    }
}
