/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/preset.h"

#include "scratch.h"

#include <math.h>

static const jebm_key keys[] = {
    {.name = "walkers", .kind = JEBM_KEY_COUNT, .low = 1, .high = 1e9, .help = "walkers, N"},
    {.name = "step", .kind = JEBM_KEY_REAL, .high = 1, .open_low = true, .initial = "0.1"},
    {.name = "energy", .kind = JEBM_KEY_REAL, .low = -INFINITY, .high = INFINITY, .initial = "0"},
    {.name = "exact", .kind = JEBM_KEY_BOOL, .initial = "no"},
    {.name = "scheme", .kind = JEBM_KEY_CHOICE, .choices = "systematic|none", .initial = "none"},
    {.name = "c", .kind = JEBM_KEY_REALS, .low = 0, .high = 1, .open_high = true, .initial = "0.5"},
    {.name = "methods", .kind = JEBM_KEY_WORDS, .choices = "cd|pcd|jarzynski", .initial = "pcd"},
    {.name = "note", .kind = JEBM_KEY_TEXT, .initial = "-"},
};
#define NKEYS (sizeof keys / sizeof *keys)

#define BASE                                                                                     \
    "[f]\ntitle = T\nscales = paper quick\nfidelities = paper code\nruns = 2\niterations = 10\n" \
    "record_every = 5\nwalkers = 7\n"

static jebm_status parse(const char *text, jebm_preset_file **file, jebm_error *err) {
    return jebm_preset_file_parse("p.ini", text, strlen(text), keys, NKEYS, file, err);
}

static jebm_preset *resolve(const char *text, const jebm_preset_request *request) {
    jebm_preset_file *file;
    jebm_preset *p;
    jebm_error err = {0};
    cr_assert_eq(parse(text, &file, &err), JEBM_OK, "%s", err.text);
    cr_assert_eq(jebm_preset_resolve(file, request, &p, &err), JEBM_OK, "%s", err.text);
    jebm_preset_file_free(file);
    return p;
}

Test(preset, every_kind_of_value_is_read) {
    const char *text = BASE "step = 1E-3\nenergy = -2.5e1\nexact = yes\nscheme = systematic\n"
                            "c = 0.25,0.5 , 0.125\nmethods = jarzynski cd\nnote = a b: c = d\n";
    jebm_preset *p = resolve(text, &(jebm_preset_request){.figure = "f", .seed = 5});
    double c[32];
    cr_expect_eq(jebm_preset_count(p, "walkers"), 7);
    cr_expect_eq(jebm_preset_real(p, "step"), 1e-3);
    cr_expect_eq(jebm_preset_real(p, "energy"), -25.0);
    cr_expect(jebm_preset_bool(p, "exact"));
    cr_expect_eq(jebm_preset_choice(p, "scheme"), 0);
    cr_assert_eq(jebm_preset_reals(p, "c", c), 3);
    cr_expect(c[0] == 0.25 && c[1] == 0.5 && c[2] == 0.125);
    cr_expect(jebm_preset_has(p, "methods", "jarzynski") && jebm_preset_has(p, "methods", "cd") &&
              !jebm_preset_has(p, "methods", "pcd"));
    cr_expect_str_eq(jebm_preset_text(p, "note"), "a b: c = d");
    cr_expect_eq(jebm_preset_seed(p), 5);
    // texts are canonical, however the value was written
    cr_expect_str_eq(jebm_preset_text(p, "step"), "0.001");
    cr_expect_str_eq(jebm_preset_text(p, "c"), "0.25 0.5 0.125");
    cr_expect_str_eq(jebm_preset_text(p, "methods"), "cd jarzynski");
    jebm_preset_free(p);
}

Test(preset, counts_may_be_written_in_powers_of_ten_and_reals_keep_every_bit) {
    jebm_preset *p = resolve(BASE "[f:quick]\nwalkers = 1e4\nstep = 0.12345678901234568\n",
                             &(jebm_preset_request){.figure = "f"});
    cr_expect_eq(jebm_preset_count(p, "walkers"), 10000);
    cr_expect_str_eq(jebm_preset_text(p, "walkers"), "10000");
    cr_expect_eq(strtod(jebm_preset_text(p, "step"), NULL), 0.12345678901234568);
    jebm_preset_free(p);
}

Test(preset, sections_override_in_the_stated_order_and_set_comes_last) {
    const char *text = "[g]\nlike = f\nrecord_every = 3\n[g@code]\nwalkers = 50\n" BASE
                       "step = 0.1\n[f:quick@code]\nstep = 0.4\nwalkers = 40\n"
                       "[f@code]\nstep = 0.3\nwalkers = 30\n[f:quick]\nstep = 0.2\nwalkers = 20\n";
    const struct {
        const char *figure, *scale, *fidelity;
        double step;
        uint64_t walkers, record_every;
    } cases[] = {
        {"f", "paper", "paper", 0.1, 7, 5},  {"f", "quick", "paper", 0.2, 20, 5},
        {"f", "paper", "code", 0.3, 30, 5},  {"f", "quick", "code", 0.4, 40, 5},
        {"g", "quick", "paper", 0.2, 20, 3}, {"g", "quick", "code", 0.4, 50, 3},
        {"f", NULL, NULL, 0.2, 20, 5},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const jebm_preset_request request = {
            .figure = cases[i].figure, .scale = cases[i].scale, .fidelity = cases[i].fidelity};
        jebm_preset *p = resolve(text, &request);
        cr_expect_eq(jebm_preset_real(p, "step"), cases[i].step, "case %zu", i);
        cr_expect_eq(jebm_preset_count(p, "walkers"), cases[i].walkers, "case %zu", i);
        cr_expect_eq(jebm_preset_count(p, "record_every"), cases[i].record_every, "case %zu", i);
        jebm_preset_free(p);
    }
    const char *const overrides[] = {"walkers=1", "walkers=2e0", "runs=9"};
    jebm_preset *p = resolve(
        text, &(jebm_preset_request){
                  .figure = "g", .fidelity = "code", .overrides = overrides, .noverrides = 3});
    cr_expect(jebm_preset_count(p, "walkers") == 2 && jebm_preset_count(p, "runs") == 9);
    cr_expect_str_eq(jebm_preset_scale(p), "quick");
    cr_expect_str_eq(jebm_preset_fidelity(p), "code");
    jebm_preset_free(p);
}

Test(preset, a_figure_that_draws_anothers_runs_has_its_settings) {
    jebm_preset *p = resolve(BASE "[g]\ntitle = G\nruns_of = f\n",
                             &(jebm_preset_request){.figure = "g", .scale = "paper"});
    cr_expect_str_eq(jebm_preset_text(p, "runs_of"), "f");
    cr_expect_str_eq(jebm_preset_text(p, "title"), "G");
    cr_expect_eq(jebm_preset_count(p, "walkers"), 7);
    jebm_preset_free(p);
}

Test(preset, a_scale_that_only_shows_machinery_names_the_next_larger_one_that_answers) {
    const char *text = "[f]\ntitle = T\nscales = smoke quick paper\nfidelities = paper\nruns = 1\n"
                       "iterations = 1\nrecord_every = 1\nwalkers = 1\n"
                       "[g]\ntitle = G\nlike = f\nmachinery = quick smoke\n"
                       "[h]\ntitle = H\nlike = f\nscales = quick\nmachinery = quick\n";
    const struct {
        const char *figure, *scale, *answer;
        bool machinery;
    } cases[] = {{"f", "smoke", "quick", true}, {"f", "quick", "paper", false},
                 {"g", "smoke", "paper", true}, {"g", "quick", "paper", true},
                 {"g", "paper", "", false},     {"h", "quick", "", true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        jebm_preset *p = resolve(
            text, &(jebm_preset_request){.figure = cases[i].figure, .scale = cases[i].scale});
        const char *answer;
        cr_expect_eq(jebm_preset_machinery(p, &answer), cases[i].machinery, "case %zu", i);
        cr_expect_str_eq(answer, cases[i].answer, "case %zu", i);
        jebm_preset_free(p);
    }
}

Test(preset, the_usual_scale_is_no_smaller_one_that_stands_before_it) {
    jebm_preset *p = resolve("[f]\ntitle = T\nscales = smoke quick paper\nfidelities = paper\n"
                             "runs = 1\niterations = 1\nrecord_every = 1\nwalkers = 1\n",
                             &(jebm_preset_request){.figure = "f"});
    cr_expect_str_eq(jebm_preset_scale(p), "quick");
    cr_expect_str_eq(jebm_preset_text(p, "scales"), "smoke quick paper");
    jebm_preset_free(p);
}

Test(preset, a_figure_draws_the_pictures_it_names_and_they_lead_to_it) {
    static const char text[] = BASE "draws = one two-b\n[g]\nlike = f\n";
    jebm_preset_file *file = NULL;
    jebm_error err = {0};
    cr_assert_eq(parse(text, &file, &err), JEBM_OK, "%s", err.text);
    cr_expect_str_eq(jebm_preset_file_find(file, "two-b"), "f");
    cr_expect_str_eq(jebm_preset_file_find(file, "g"), "g");
    cr_expect_null(jebm_preset_file_find(file, "two"));
    jebm_preset_file_free(file);
    char name[JEBM_PICTURE_TEXT];
    jebm_preset *p = resolve(text, &(jebm_preset_request){.figure = "f"});
    cr_expect(jebm_preset_picture(p, 0, name));
    cr_expect_str_eq(name, "one");
    cr_expect(jebm_preset_picture(p, 1, name));
    cr_expect_str_eq(name, "two-b");
    cr_expect(!jebm_preset_picture(p, 2, name));
    jebm_preset_free(p);
    // a figure like it has its own
    p = resolve(text, &(jebm_preset_request){.figure = "g"});
    cr_expect(jebm_preset_picture(p, 0, name));
    cr_expect_str_eq(name, "g");
    cr_expect(!jebm_preset_picture(p, 1, name));
    jebm_preset_free(p);
}

/* what stands after BASE (lines 1 to 8), and what the refusal says */
static const struct {
    const char *text, *found;
} bad[] = {
    {"wlakers = 7\n", "p.ini:9: [f] has the unknown key 'wlakers' (did you mean 'walkers'?)"},
    {"walkers = 7\n", "p.ini:9: [f] has the key 'walkers' twice, first at line 8"},
    {"[f:papr]\n", "p.ini:9: section [f:papr] names the scale 'papr'; expected one of smoke, "
                   "quick, reduced, paper (did you mean 'paper'?)"},
    {"[f@cod]\n", "p.ini:9: section [f@cod] names the fidelity 'cod'; expected paper or code (did "
                  "you mean 'code'?)"},
    {"[fgi:paper]\n", "p.ini:9: section [fgi:paper] belongs to no figure: there is no [fgi]"},
    {"[f]\n", "p.ini:9: section [f] stands already at line 1"},
    {"[F]\n", "p.ini:9: section [F] names no figure"},
    {"[]\n", "p.ini:9: section [] names no figure"},
    {"[g\n", "p.ini:9: found '[g'; expected [FIGURE]"},
    {"[g] x\n", "p.ini:9: found '[g] x'; expected [FIGURE]"},
    {"[a234567890b234567890c234567890d234567890e2345678x]\n", "name has 49 bytes; at most 48"},
    {"[f:paper]\ntitle = x\n",
     "p.ini:10: [f:paper] has the key 'title', which may stand in [f] only"},
    {"garbage\n", "p.ini:9: expected [SECTION], KEY = VALUE or a comment"},
    {"step = 0.1\n  0.2\n", "p.ini:10: the line is indented"},
    {"step =\n", "p.ini:9: [f] step = '': expected a real number above 0 to 1"},
    {"step = 0\n", "p.ini:9: [f] step = '0': expected a real number above 0 to 1"},
    {"step = 1.5\n", "step = '1.5': expected"},
    {"step = nan\n", "step = 'nan': expected"},
    {"energy = inf\n", "energy = 'inf': expected a real number (finite)"},
    {"energy = 1e999\n", "energy = '1e999': expected"},
    {"energy = 1e-999\n", "energy = '1e-999': expected"},
    {"energy = 0x1p3\n", "energy = '0x1p3': expected"},
    {"energy = 1 2\n", "energy = '1 2': expected"},
    {"energy = 1.0abc\n", "energy = '1.0abc': expected"},
    {"energy = -\n", "energy = '-': expected"},
    {"[f:quick]\nwalkers = 0\n",
     "p.ini:10: [f:quick] walkers = '0': expected an integer from 1 to"},
    {"[f:quick]\nwalkers = -1\n", "walkers = '-1': expected"},
    {"[f:quick]\nwalkers = 1.5\n", "walkers = '1.5': expected"},
    {"[f:quick]\nwalkers = 1e10\n", "walkers = '1e10': expected"},
    {"[f:quick]\nwalkers = 99999999999999999999\n", "walkers = '99999999999999999999': expected"},
    {"[f:quick]\nwalkers = 1e400\n", "walkers = '1e400': expected"},
    {"exact = true\n", "exact = 'true': expected yes or no"},
    {"scheme = nones\n", "scheme = 'nones': expected one of systematic|none"},
    {"scheme = systematic|none\n", "scheme = 'systematic|none': expected"},
    {"c = 0.1 1\n", "c = '0.1 1': expected 1 to 32 real numbers from 0 and below 1"},
    {"c = ,\n", "c = ',': expected"},
    {"c = 0.1 x\n", "c = '0.1 x': expected"},
    {"c = 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n", "c = '0 0"},
    {"methods = pcd pcd\n", "methods = 'pcd pcd': expected one or more of cd|pcd|jarzynski, each"},
    {"methods = pdc\n", "methods = 'pdc': expected"},
    {"like = g\n", "p.ini:9: [f] like = 'g': there is no such figure"},
    {"like = f\n", "p.ini:9: [f] like = 'f': expected another figure"},
    {"[g]\nlike = f\n[h]\nlike = g\n", "p.ini:12: [h] like = 'g': expected another figure that has "
                                       "neither like nor runs_of"},
    {"[g]\nruns_of = f\nwalkers = 3\n", "p.ini:11: [g] sets 'walkers', but it draws the runs of f"},
    {"[g]\nruns_of = f\n[g:quick]\nwalkers = 3\n", "p.ini:12: [g:quick] sets 'walkers', but it"},
    {"draws = a B\n", "p.ini:9: [f] draws 'B'; expected names of lower-case letters"},
    {"[g]\nlike = f\ndraws = a f\n", "p.ini:11: [g] draws 'f' as does f; expected names"},
    {"draws = a b\n[g]\nlike = f\ndraws = c b\n", "p.ini:12: [g] draws 'b' as does f; expected"},
    {"[f:paper]\ndraws = a\n",
     "p.ini:10: [f:paper] has the key 'draws', which may stand in [f] only"},
};

Test(preset, a_hostile_file_is_refused_with_its_line) {
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[2048];
        snprintf(text, sizeof text, BASE "%s", bad[i].text);
        jebm_preset_file *file;
        jebm_error err = {0};
        cr_expect_eq(parse(text, &file, &err), JEBM_EINVAL, "%s", bad[i].text);
        cr_expect_null(file);
        cr_expect_not_null(strstr(err.text, bad[i].found), "%s%s", bad[i].text, err.text);
        cr_expect_null(strchr(err.text, '\n'));
    }
}

Test(preset, a_key_before_the_first_section_and_a_zero_byte_are_refused) {
    jebm_preset_file *file;
    jebm_error err = {0};
    cr_expect_eq(parse("walkers = 3\n", &file, &err), JEBM_EINVAL);
    cr_expect_not_null(strstr(err.text, "p.ini:1: key 'walkers' stands before the first section"));
    cr_expect_eq(
        jebm_preset_file_parse("p.ini", "[f]\nruns = 1\0000\n", 15, keys, NKEYS, &file, &err),
        JEBM_EINVAL);
    cr_expect_not_null(strstr(err.text, "p.ini:2: the line holds a 0 byte"), "%s", err.text);
}

Test(preset, a_long_line_is_kept_whole_or_refused_but_never_cut) {
    for (size_t length = 100; length < 400; length++) {
        char text[1024], note[512];
        memset(note, 'x', length);
        note[length] = '\0';
        snprintf(text, sizeof text, BASE "note = %s\n", note);
        jebm_preset_file *file;
        jebm_error err = {0};
        if (parse(text, &file, &err) == JEBM_OK) {
            jebm_preset *p;
            cr_assert_eq(jebm_preset_resolve(file, &(jebm_preset_request){.figure = "f"}, &p, NULL),
                         JEBM_OK);
            cr_expect_str_eq(jebm_preset_text(p, "note"), note);
            jebm_preset_free(p);
            jebm_preset_file_free(file);
        } else {
            cr_expect_gt(length, 170);
            cr_expect_not_null(strstr(err.text, "p.ini:9: the line has"), "%s", err.text);
        }
    }
}

static const struct {
    const char *figure, *scale, *fidelity, *override, *found;
} requests[] = {
    {"gif1", NULL, NULL, NULL, "unknown figure 'gif1' (did you mean 'fig1'?)"},
    {"fig1", "quikc", NULL, NULL, "unknown scale 'quikc' (did you mean 'quick'?)"},
    {"fig1", "reduced", NULL, NULL, "fig1 has no scale 'reduced'; it has quick"},
    {"fig1", NULL, "code", NULL, "fig1 has no fidelity 'code'; it has paper"},
    {"fig1", NULL, NULL, "wlakers=3", "--set wlakers=3: unknown key 'wlakers' (did you mean"},
    {"fig1", NULL, NULL, "walkers", "--set walkers: expected key=value"},
    {"fig1", NULL, NULL, "=3", "--set =3: expected key=value"},
    {"fig1", NULL, NULL, "walkers=0", "--set walkers=0: '0' found; expected an integer from 1"},
    {"fig1", NULL, NULL, "title=x", "--set title=x: 'title' describes the figure"},
    {"fig1", NULL, NULL, NULL, "p.ini: [fig1] misses the key 'walkers' at scale quick"},
};

Test(preset, a_request_that_cannot_be_met_is_refused_with_the_nearest) {
    jebm_preset_file *file;
    cr_assert_eq(parse("[fig1]\ntitle = T\nscales = quick\nfidelities = paper\nruns = 1\n"
                       "iterations = 1\nrecord_every = 1\n",
                       &file, NULL),
                 JEBM_OK);
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        const char *const overrides[] = {requests[i].override};
        const jebm_preset_request request = {.figure = requests[i].figure,
                                             .scale = requests[i].scale,
                                             .fidelity = requests[i].fidelity,
                                             .overrides = overrides,
                                             .noverrides = requests[i].override != NULL};
        jebm_preset *p;
        jebm_error err = {0};
        cr_expect_eq(jebm_preset_resolve(file, &request, &p, &err), JEBM_EINVAL, "%zu", i);
        cr_expect_null(p);
        cr_expect_not_null(strstr(err.text, requests[i].found), "%zu: %s", i, err.text);
    }
    jebm_preset_file_free(file);
}

Test(preset, a_file_that_cannot_be_read_is_named) {
    const scratch s = scratch_new();
    jebm_preset_file *file;
    jebm_error err = {0};
    cr_expect_eq(jebm_preset_file_read(scratch_path(&s, "none.ini"), keys, NKEYS, &file, &err),
                 JEBM_EIO);
    cr_expect_not_null(strstr(err.text, "/none.ini: cannot be opened"));
    cr_expect_eq(jebm_preset_file_read(s.directory, keys, NKEYS, &file, &err), JEBM_EIO);
    scratch_free(&s);
}

Test(preset, expected_values_are_described) {
    char text[256];
    jebm_key_expected(&keys[1], text, sizeof text);
    cr_expect_str_eq(text, "a real number above 0 to 1");
    jebm_key_expected(&keys[5], text, sizeof text);
    cr_expect_str_eq(text, "1 to 32 real numbers from 0 and below 1");
}
