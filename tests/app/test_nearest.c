/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/nearest.h"

#include <criterion/criterion.h>

static const char *const words[] = {"--scale", "--seed", "--set", "fig06", "iterations"};

Test(nearest, finds_the_word_with_one_slip) {
    static const char *const slips[][2] = {
        {"--scal", "--scale"}, {"--sacle", "--scale"},       {"--sed", "--seed"},
        {"fgi06", "fig06"},    {"Iterations", "iterations"}, {"iteration", "iterations"},
    };
    for (size_t i = 0; i < sizeof slips / sizeof *slips; i++) {
        const char *found = jebm_nearest(slips[i][0], words, 5);
        cr_assert_not_null(found, "%s", slips[i][0]);
        cr_expect_str_eq(found, slips[i][1]);
    }
}

Test(nearest, finds_nothing_like_a_stranger) {
    cr_expect_null(jebm_nearest("elephant", words, 5));
    cr_expect_null(jebm_nearest("", words, 5));
    cr_expect_null(jebm_nearest("x", NULL, 0));
    cr_expect_null(jebm_nearest("zz", (const char *const[]){"ab"}, 1));
}

Test(nearest, survives_words_of_any_length) {
    char word[5000];
    memset(word, 'a', sizeof word - 1);
    word[sizeof word - 1] = '\0';
    char hint[JEBM_HINT_TEXT];
    cr_expect_str_eq(jebm_nearest_hint("fig0", words, 5, hint), " (did you mean 'fig06'?)");
    jebm_nearest_hint(word, (const char *const[]){word}, 1, hint);
    cr_expect_lt(strlen(hint), sizeof hint);
}
