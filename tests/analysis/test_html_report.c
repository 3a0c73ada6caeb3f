/* The report as HTML: texts, numbers, what it makes of a results directory, and jebm-report.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "html.h"
#include "page.h"
#include "way.h"

#include "fixture.h"

#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <zlib.h>

static scratch place;
static jebm_catalogue catalogue;
static jebm_error err;
static char *page; /* the last one made */

static void setup(void) {
    place = scratch_new();
}

static void teardown(void) {
    free(page);
    jebm_catalogue_free(&catalogue);
    scratch_free(&place);
}

TestSuite(html_report, .init = setup, .fini = teardown);

/* ---- texts and numbers ---- */

static void expect_escaped(const char *text, const char *expected) {
    char *out = NULL;
    size_t size;
    FILE *stream = open_memstream(&out, &size);
    jebm_html_text(stream, text);
    fclose(stream);
    cr_expect_str_eq(out, expected, "%s gave %s", text, out);
    free(out);
}

#define REPLACED "\xEF\xBF\xBD"

Test(html_report, text_cannot_leave_its_place) {
    expect_escaped("a<b>&\"c\" 'd'", "a&lt;b&gt;&amp;&quot;c&quot; &#39;d&#39;");
    expect_escaped("&amp;", "&amp;amp;");
    expect_escaped("tab\tand\nnewline", "tab\tand\nnewline");
    expect_escaped("\x1b[1m\x7f", REPLACED "[1m" REPLACED);
    expect_escaped("z\xC3\xA4 \xE2\x88\x9E \xF0\x9F\x8E\xB2",
                   "z\xC3\xA4 \xE2\x88\x9E \xF0\x9F\x8E\xB2");
    // a lone byte, '<' in two bytes, a surrogate, beyond U+10FFFF, C1, a sequence that is cut
    expect_escaped("\xE4<", REPLACED "&lt;");
    expect_escaped("\xC0\xBC", REPLACED REPLACED);
    expect_escaped("\xED\xA0\x80", REPLACED REPLACED REPLACED);
    expect_escaped("\xF4\x90\x80\x80", REPLACED REPLACED REPLACED REPLACED);
    expect_escaped("\xC2\x85", REPLACED);
    expect_escaped("\xE2\x88", REPLACED REPLACED);
}

Test(html_report, ids_differ_where_texts_do) {
    char a[JEBM_ID_TEXT], b[JEBM_ID_TEXT];
    cr_expect_str_eq(jebm_html_id("claim-", "x/c=0.1@paper", a), "claim-x_2Fc_3D0.1_40paper");
    cr_expect_str_neq(jebm_html_id("", "a_2F", a), jebm_html_id("", "a/", b));
    jebm_html_id("", "\"><img src=x>\xE4", a);
    cr_expect_eq(a[strspn(a, "ABCDEFabcdefghijklmnopqrstuvwxyz0123456789_-.")], '\0', "%s", a);
}

Test(html_report, a_number_has_the_digits_that_its_interval_leaves) {
    static const struct {
        double x, half;
        const char *text;
    } cases[] = {
        {0.29087602, 0.0393, "0.291"},
        {0.0393, 0.0393, "0.039"},
        {-9.99012, 0.0241,
         "\xE2\x88\x92"
         "9.990"},
        {4123.4, 250, "4123"},
        {0.7135123, 0.00027, "0.71351"},
        {-0.0001, 0.0393, "0.000"},
        {1, 0, "1"},
        {0.2828427, 0, "0.2828"},
        {0, 0, "0"},
        {0, 1e-9, "0"},
        {1e-9, 0,
         "1\xC3\x97"
         "10\xE2\x81\xBB\xE2\x81\xB9"},
        {7.09e-13, 1.9e-12,
         "7\xC3\x97"
         "10\xE2\x81\xBB\xC2\xB9\xC2\xB3"},
        {9.9999999e-6, 0,
         "1\xC3\x97"
         "10\xE2\x81\xBB\xE2\x81\xB5"},
        {1234567, 0,
         "1.235\xC3\x97"
         "10\xE2\x81\xB6"},
        {5e-324, 0,
         "4.941\xC3\x97"
         "10\xE2\x81\xBB\xC2\xB3\xC2\xB2\xE2\x81\xB4"},
        {INFINITY, 0, "\xE2\x88\x9E"},
        {NAN, NAN, "\xE2\x80\x93"},
        {2.5, NAN, "2.5"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[JEBM_NUMBER_TEXT];
        cr_expect_str_eq(jebm_number_text(cases[i].x, cases[i].half, text), cases[i].text,
                         "%g +- %g gave %s", cases[i].x, cases[i].half, text);
    }
}

Test(html_report, durations_are_read_at_a_glance) {
    char text[JEBM_NUMBER_TEXT];
    cr_expect_str_eq(jebm_duration_text(3.21, text), "3.2 s");
    cr_expect_str_eq(jebm_duration_text(59.6, text), "1 min 0 s");
    cr_expect_str_eq(jebm_duration_text(282.6, text), "4 min 43 s");
    cr_expect_str_eq(jebm_duration_text(7500, text), "2 h 5 min");
    cr_expect_str_eq(jebm_duration_text(NAN, text), "\xE2\x80\x93");
}

/* RFC 4648, section 10 */
Test(html_report, base64_gives_the_vectors_of_its_rfc) {
    static const char *const vectors[][2] = {
        {"", ""},        {"f", "Zg=="},        {"fo", "Zm8="},
        {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"\xff\xfe\xfd", "//79"}};
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        char *out = NULL;
        size_t size;
        FILE *stream = open_memstream(&out, &size);
        jebm_base64_put(stream, (const unsigned char *)vectors[i][0], strlen(vectors[i][0]));
        fclose(stream);
        cr_expect_str_eq(out, vectors[i][1]);
        free(out);
    }
}

Test(html_report, figures_come_in_the_order_of_their_numbers) {
    static const char *const order[] = {"fig1",  "fig01", "fig06",   "fig06-x", "fig9",
                                        "fig10", "bias",  "figures", "schemes"};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        for (size_t k = 0; k < sizeof order / sizeof *order; k++) {
            const int found = jebm_name_order(order[i], order[k]);
            // of fig1 and fig01 it only matters that they differ
            if (i + k != 1) {
                cr_expect((found > 0) == (i > k) && (found < 0) == (i < k), "%s, %s: %d", order[i],
                          order[k], found);
            }
        }
    }
    cr_expect_neq(jebm_name_order("fig1", "fig01"), 0);
}

/* ---- results made up for a test ---- */

typedef struct made {
    const char *scale, *directory, *fidelity, *figure, *title, *method, *override;
    bool incomplete;
    const char *runs_of, *draws, *answered_by;
} made;

static const char *path_in(const made *m, const char *name) {
    static char path[1024];
    snprintf(path, sizeof path, "%s/%s/%s/%s/%s", place.directory, m->scale, m->directory,
             m->figure, name);
    return path;
}

static json_t *digest_of(const char *text) {
    char digest[JEBM_DIGEST_TEXT];
    jebm_digest_bytes(text, strlen(text), digest);
    return json_pack("{s:s, s:i}", "sha256", digest, "rows", 2);
}

static void put_result(const made *m) {
    char trajectory[512], summary[512];
    const char *method = m->method != NULL ? m->method : "cd";
    snprintf(trajectory, sizeof trajectory,
             "method,variant,run,step,p\n%s,-,0,4,0.48\n%s,-,1,4,0.49\n", method, method);
    snprintf(summary, sizeof summary,
             "method,variant,step,runs,p_mean,p_se,p_min,p_max\n%s,-,0,2,0.5,0,0.5,0.5\n"
             "%s,-,4,2,0.485,0.005,0.48,0.49\n",
             method, method);
    json_t *manifest = json_pack(
        "{s:i, s:s, s:s, s:s, s:s?, s:s, s:s, s:s, s:i, s:i, s:b, s:{s:s, s:s}, s:[], s:{s:o, s:o},"
        " s:{s:s, s:s, s:i}, s:{s:f}, s:s, s:[]}",
        "schema", 1, "program", "jebm-toy", "version", "1", "figure", m->figure, "runs_of",
        m->title, "fingerprint", "f", "scale", m->scale, "fidelity", m->fidelity, "seed", 7, "runs",
        2, "complete", !m->incomplete, "preset", "title", m->title ? m->title : "a title",
        "walkers", "100", "overrides", "files", "trajectory.csv", digest_of(trajectory),
        "summary.csv", digest_of(summary), "environment", "cpu", m->title ? m->title : "a machine",
        "git_revision", "0123456789abcdef", "cores", 2, "timing", "wall_seconds", 282.6, "finished",
        "2026-11-22T04:00:00Z", "diverged");
    cr_assert_not_null(manifest);
    if (m->override != NULL) {
        json_array_append_new(json_object_get(manifest, "overrides"), json_string(m->override));
    }
    if (m->title != NULL) {
        json_array_append_new(json_object_get(manifest, "diverged"),
                              json_pack("{s:s, s:s, s:i, s:i, s:s}", "method", m->title, "variant",
                                        m->title, "run", 0, "step", 3, "why", m->title));
    }
    if (m->runs_of != NULL) {
        json_object_set_new(manifest, "runs_of", json_string(m->runs_of));
    }
    if (m->answered_by != NULL) {
        json_object_set_new(manifest, "shows", json_string("machinery"));
        json_object_set_new(manifest, "answered_by", json_string(m->answered_by));
    }
    if (m->draws != NULL) {
        json_object_set_new(json_object_get(manifest, "preset"), "draws", json_string(m->draws));
    }
    char *text = json_dumps(manifest, JSON_INDENT(1));
    fixture_make_directories((char *)path_in(m, "x"));
    scratch_put(path_in(m, "manifest.json"), text, strlen(text));
    scratch_put(path_in(m, "trajectory.csv"), trajectory, strlen(trajectory));
    scratch_put(path_in(m, "summary.csv"), summary, strlen(summary));
    free(text);
    json_decref(manifest);
}

static const char svg[] = "<?xml version=\"1.0\"?>\n<svg \n width=\"30\" height=\"20\"></svg>";
static const unsigned char png[33] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n', 0, 0, 0, 13, 'I',
                                      'H',  'D', 'R', 0,   0,    2,    1,    0,    0, 0, 5, 8,  2};

static const char plain_claims[] =
    "[x]\nfigure = fig06\nfidelity = paper code\nsource = Fig. 6\nkind = ours\n"
    "says = it stays\nmethod = cd\nquantity = last(p)\npredicate = > 0.1\nnote = of our own\n"
    "[y]\nfigure = fig10\nfidelity = code\nsource = Fig. 10\nkind = ours\n"
    "says = never run\nmethod = cd\nquantity = last(p)\npredicate = < $walkers/1000\n";

/* The page of what lies in the scratch directory. */
static void make_page(const char *text, const char *scale) {
    jebm_claims claims;
    const char *path = scratch_path(&place, "claims.ini");
    scratch_put(path, text, strlen(text));
    cr_assert_eq(jebm_claims_load(path, &claims, &err), JEBM_OK, "%s", err.text);
    jebm_catalogue_free(&catalogue);
    cr_assert_eq(jebm_catalogue_read(place.directory, scale, &catalogue, &err), JEBM_OK, "%s",
                 err.text);
    jebm_judgement list[8];
    jebm_results results;
    cr_assert_eq(jebm_results_open(&results, place.directory, scale, &err), JEBM_OK, "%s",
                 err.text);
    for (size_t i = 0; i < claims.count; i++) {
        cr_assert_eq(jebm_judge(&claims.list[i], &results, &list[i], &err), JEBM_OK, "%s",
                     err.text);
        cr_assert_eq(jebm_catalogue_add_figure(&catalogue, claims.list[i].figure, NULL, &err),
                     JEBM_OK);
    }
    const jebm_page made_up = {.catalogue = &catalogue,
                               .list = list,
                               .n = claims.count,
                               .style = "body { color: black }\n",
                               .scripts = {"/* one */\n", "/* two */\n"},
                               .root = ""};
    free(page);
    page = NULL;
    size_t size;
    FILE *stream = open_memstream(&page, &size);
    jebm_page_put(stream, &made_up);
    fclose(stream);
    for (size_t i = 0; i < claims.count; i++) {
        jebm_judgement_free(&list[i]);
    }
    jebm_results_free(&results);
    jebm_claims_free(&claims);
}

static void expect_in_page(const char *words) {
    cr_expect_not_null(strstr(page, words), "expected '%s' in the page", words);
}

static void expect_not_in_page(const char *words) {
    const char *at = strstr(page, words);
    cr_expect_null(at, "expected no '%s', found '%.80s'", words, at);
}

/* Every element that is opened is closed, in order; every attribute is quoted. */
static void expect_well_formed(void) {
    static const char *const alone[] = {"meta", "link", "img", "input", "!DOCTYPE"};
    char open[64][24];
    size_t depth = 0;
    for (const char *at = page; (at = strchr(at, '<')) != NULL;) {
        at++;
        const bool closes = *at == '/';
        at += closes;
        const size_t n = strcspn(at, " >/\n");
        cr_assert(n > 0 && n < sizeof *open && (isalpha((unsigned char)*at) || *at == '!'),
                  "a stray '<': %.60s", at - 1);
        char name[24];
        snprintf(name, sizeof name, "%.*s", (int)n, at);
        // attributes: a '>' or '<' within quotes would have been escaped
        const char *end = at + n;
        for (bool quoted = false; quoted || *end != '>'; end++) {
            cr_assert(*end != '\0' && *end != '<', "a tag that does not end: %.60s", at - 1);
            quoted ^= *end == '"';
        }
        bool single = end[-1] == '/';
        for (size_t i = 0; i < sizeof alone / sizeof *alone; i++) {
            single |= strcmp(name, alone[i]) == 0;
        }
        if (closes) {
            cr_assert(depth > 0 && strcmp(open[depth - 1], name) == 0, "</%s> closes <%s>", name,
                      depth > 0 ? open[depth - 1] : "nothing");
            depth--;
        } else if (!single) {
            cr_assert_lt(depth, 64);
            memcpy(open[depth++], name, sizeof name);
        }
        at = end;
    }
    cr_expect_eq(depth, 0, "<%s> is left open", depth > 0 ? open[depth - 1] : "");
}

/* Every link within the page has a target, and every id is there once. */
static void expect_links(void) {
    for (const char *at = page; (at = strstr(at, " href=\"#")) != NULL; at++) {
        char wanted[400];
        const size_t n = strcspn(at + 8, "\"");
        snprintf(wanted, sizeof wanted, " id=\"%.*s\"", (int)n, at + 8);
        cr_expect_not_null(strstr(page, wanted), "no element has%s", wanted);
    }
    for (const char *at = page; (at = strstr(at, " id=\"")) != NULL; at++) {
        char same[400];
        snprintf(same, sizeof same, "%.*s\"", (int)strcspn(at + 5, "\"") + 5, at);
        cr_expect_null(strstr(at + 1, same), "twice:%s", same);
    }
}

static const made paper = {"paper", "paper", "paper", "fig06", NULL, NULL,
                           NULL,    false,   NULL,    NULL,    NULL};
static const made code = {"paper", "code", "code", "fig06", NULL, NULL,
                          NULL,    false,  NULL,   NULL,    NULL};

/* ---- the page ---- */

Test(html_report, shows_verdicts_numbers_settings_and_what_was_not_run) {
    put_result(&paper);
    put_result(&code);
    scratch_put(path_in(&paper, "fig06.svg"), svg, strlen(svg));
    make_page(plain_claims, NULL);
    expect_well_formed();
    expect_links();
    // x@paper, x@code and y@code, of which the last was not run
    expect_in_page("1 of 1 claims hold.");
    expect_in_page("1 of 2 claims hold, 1 was not run.");
    expect_in_page("<strong>Figure 10</strong>");
    // Student's t with one degree of freedom: 12.706 * 0.005 = 0.0635
    expect_in_page(">0.485 \xC2\xB1 0.064<");
    expect_in_page("4 min 43 s");
    expect_in_page("jebm-toy fig06 --scale paper --fidelity code --seed 7\n");
    expect_in_page("alt=\"Figure 6: a title. Scale paper, fidelity paper, N = 100, 2 runs\" "
                   "width=\"30\" height=\"20\" src=\"data:image/svg+xml;base64,PD94bWwg");
    expect_in_page("&lt; $walkers/1000");
    expect_not_in_page(place.directory);
}

Test(html_report, hostile_text_stays_text) {
    static const char hostile[] = "</title></style><script>alert(1)</script>\"'><img src=x "
                                  "onerror=alert(2)>&lt;%s%n\x01";
    const made bad = {
        "paper", "paper", "paper", "fig06", hostile, "<b>'x'</b>&amp;", "c='; rm -rf $HOME'<i>",
        false,   NULL,    NULL,    NULL};
    // its name is hostile, too
    const made worse = {"paper", "\"><svg onload=alert(3)>",
                        "x<y",   "a&b <i>",
                        hostile, NULL,
                        NULL,    false,
                        NULL,    NULL,
                        NULL};
    put_result(&bad);
    put_result(&worse);
    scratch_put(scratch_path(&place, "paper/<u>.png"), png, sizeof png);
    make_page("[x]\nfigure = fig06\nfidelity = paper\nsource = <s> & \"s\"\nkind = ours\n"
              "says = <script>alert(4)</script>\nmethod = cd\nquantity = last(p)\n"
              "predicate = > 0.1\nnote = <!-- & -->\n",
              NULL);
    expect_well_formed();
    expect_links();
    expect_not_in_page("<script>alert");
    expect_not_in_page("<img src=x");
    expect_not_in_page("<svg onload");
    expect_not_in_page("<b>");
    expect_not_in_page("<i>");
    expect_not_in_page("<u>");
    expect_not_in_page("\x01");
    expect_in_page("&lt;script&gt;alert(1)&lt;/script&gt;");
    // as a shell reads it back: '...'\''...'
    expect_in_page("--set &#39;c=&#39;\\&#39;&#39;; rm -rf $HOME&#39;\\&#39;&#39;&lt;i&gt;&#39;");
}

Test(html_report, equal_results_give_equal_bytes_in_whatever_order_they_were_made) {
    const made list[] = {
        paper, code, {"paper", "zz", "paper", "fig06", NULL, NULL, "a=1", false, NULL, NULL, NULL}};
    char *first = NULL;
    for (size_t turn = 0; turn < 2; turn++) {
        for (size_t i = 0; i < 3; i++) {
            const made *m = &list[turn == 0 ? i : 2 - i];
            put_result(m);
            scratch_put(path_in(m, turn == 0 ? "a.png" : "b.png"), png, sizeof png);
            scratch_put(path_in(m, turn == 0 ? "b.png" : "a.png"), png, sizeof png);
        }
        make_page(plain_claims, NULL);
        if (turn == 0) {
            first = strdup(page);
            scratch_free(&place);
            cr_assert_eq(mkdir(place.directory, 0777), 0);
        }
    }
    cr_expect_str_eq(page, first);
    free(first);
}

Test(html_report, a_run_that_is_no_fidelity_stands_apart_under_its_own_name) {
    const made apart = {"paper",  "paper-rates", "paper", "fig06", NULL, NULL,
                        "rate=1", false,         NULL,    NULL,    NULL};
    put_result(&paper);
    put_result(&apart);
    scratch_put(path_in(&apart, "fig06.png"), png, sizeof png);
    make_page(plain_claims, NULL);
    expect_in_page("Other runs: paper-rates");
    expect_in_page("paper-rates: run with <code>rate=1</code> instead of the preset");
    expect_in_page("--set rate=1 --out results/runs/paper/paper-rates\n");
    // 2 * 256 + 1 pixels wide
    expect_in_page("width=\"513\" height=\"5\"");
}

Test(html_report, a_drawing_that_is_missing_or_broken_is_said_to_be) {
    put_result(&paper);
    put_result(&code);
    scratch_put(path_in(&code, "fig06.png"), "not a PNG", 9);
    scratch_put(path_in(&code, "fig06.svg"), "not an SVG", 10);
    make_page(plain_claims, NULL);
    expect_in_page("paper/paper/fig06 holds no drawing");
    expect_in_page("paper/code/fig06 holds no drawing");
    expect_not_in_page("<img");
}

Test(html_report, all_pictures_of_a_run_are_shown_under_their_names) {
    put_result(&paper);
    scratch_put(path_in(&paper, "fig06.png"), png, sizeof png);
    scratch_put(path_in(&paper, "fig03.png"), png, sizeof png);
    scratch_put(path_in(&paper, "more.svg"), svg, strlen(svg));
    make_page(plain_claims, NULL);
    expect_in_page("<strong>paper</strong>");
    expect_in_page("<strong>Figure 3, paper</strong>");
    expect_in_page("<strong>more, paper</strong>");
    expect_in_page("alt=\"Figure 3");
}

Test(html_report, a_large_svg_gives_way_to_the_png) {
    put_result(&paper);
    char *large = calloc(1, JEBM_DRAWING_SVG_BYTES + 2);
    memset(large, ' ', JEBM_DRAWING_SVG_BYTES + 1);
    memcpy(large, svg, strlen(svg));
    scratch_put(path_in(&paper, "fig06.svg"), large, JEBM_DRAWING_SVG_BYTES + 1);
    make_page(plain_claims, NULL);
    expect_in_page("data:image/svg+xml");
    scratch_put(path_in(&paper, "fig06.png"), png, sizeof png);
    make_page(plain_claims, NULL);
    expect_not_in_page("data:image/svg+xml");
    expect_in_page("data:image/png");
    scratch_put(path_in(&paper, "fig06.svg"), large, JEBM_DRAWING_SVG_BYTES);
    make_page(plain_claims, NULL);
    expect_in_page("data:image/svg+xml");
    free(large);
}

Test(html_report, an_unfinished_run_gives_way_to_a_smaller_one_that_finished) {
    made unfinished = paper, small = paper;
    unfinished.incomplete = true;
    small.scale = "quick";
    put_result(&unfinished);
    put_result(&small);
    make_page(plain_claims, NULL);
    expect_in_page("scaled: holds");
    expect_in_page("./reproduce --scale quick\n");
    expect_not_in_page("did not finish");
    make_page(plain_claims, "paper");
    expect_in_page("paper: its run did not finish");
}

Test(html_report, drawings_beside_the_fidelities_go_to_their_figure_or_to_the_others) {
    put_result(&paper);
    scratch_put(scratch_path(&place, "paper/fig06-all.png"), png, sizeof png);
    scratch_put(scratch_path(&place, "paper/costs.svg"), svg, strlen(svg));
    make_page(plain_claims, NULL);
    const char *figure = strstr(page, "<h2 id=\"title-fig06\""),
               *other = strstr(page, "Other drawings");
    const char *all = strstr(page, "paper/fig06-all.png"), *costs = strstr(page, "paper/costs.svg");
    cr_assert(figure != NULL && other != NULL && all != NULL && costs != NULL);
    cr_expect(figure < all && all < other && other < costs);
}

Test(html_report, changed_or_absent_results_are_refused) {
    cr_expect_eq(jebm_catalogue_read(place.directory, NULL, &catalogue, &err), JEBM_EINVAL);
    cr_expect_not_null(strstr(err.text, "run ./reproduce"), "%s", err.text);
    put_result(&paper);
    cr_expect_eq(jebm_catalogue_read(place.directory, "quick", &catalogue, &err), JEBM_EINVAL);
    scratch_put(path_in(&paper, "summary.csv"), "changed\n", 8);
    cr_expect_eq(jebm_catalogue_read(place.directory, NULL, &catalogue, &err), JEBM_EFORMAT);
    cr_expect_not_null(strstr(err.text, "summary.csv"), "%s", err.text);
    scratch_put(path_in(&paper, "manifest.json"), "{", 1);
    cr_expect_eq(jebm_catalogue_read(place.directory, NULL, &catalogue, &err), JEBM_EFORMAT);
}

/* ---- whose claims, and what of them holds ---- */

/* p is 0.49 and 0.48 in the end: mean 0.485, Student's interval 0.42 to 0.55 */
static const char mixed_claims[] =
    "[holds]\nfigure = fig06\nfidelity = paper code\nsource = Fig. 6\nkind = qualitative\n"
    "says = it stays\nmethod = cd\nquantity = last(p)\npredicate = > 0.1\n"
    "[fails]\nfigure = fig06\nfidelity = paper\nsource = Fig. 6\nkind = reported\n"
    "says = it vanishes\nmethod = cd\nquantity = last(p)\npredicate = < 0.1\n"
    "[lacks]\nfigure = fig06\nfidelity = paper\nsource = Fig. 6\nkind = qualitative\n"
    "says = PCD does, too\nmethod = pcd\nquantity = last(p)\npredicate = < 0.1\n"
    "[own]\nfigure = fig06\nfidelity = paper\nsource = docs\nkind = ours\n"
    "says = of our own\nmethod = cd\nquantity = last(p)\npredicate = > 0.1\nwritten = after\n";

Test(html_report, the_conclusion_says_what_holds_at_which_size_and_of_whom) {
    put_result(&paper);
    put_result(&code);
    make_page(mixed_claims, NULL);
    expect_well_formed();
    expect_links();
    expect_in_page("Of the paper\xE2\x80\x99s 4 claims, 3 were judged at the published size and "
                   "settings: <strong>2 hold, 1 does not</strong>.");
    expect_in_page("with fidelity <em>paper</em> (as the text prints it), 1 holds, 1 does not; "
                   "with fidelity <em>code</em>");
    expect_in_page("1 is <em>not run</em>");
    expect_in_page("Something does not hold in <a href=\"#figure-fig06\">Figure 6</a> (1 of 4)");
    expect_in_page("<a class=\"says\" href=\"#statement-fails\">it vanishes</a>");
    expect_in_page("1 more claim is our own");
    // the reason stands in the table of all claims, and ours are marked there
    expect_in_page("not run</span><span class=\"reason\">");
    expect_in_page(">of our own</a> <span class=\"mark\">ours</span>");
    expect_in_page("1 of our claims was written after a run that judges it was seen.");
    expect_in_page(">written after</span>");
    // 4 + 1 claims: never 5
    expect_not_in_page("5 claims");
}

Test(html_report, at_a_smaller_size_the_conclusion_neither_confirms_nor_refutes) {
    made small = paper;
    small.scale = "quick";
    put_result(&small);
    make_page(mixed_claims, NULL);
    expect_in_page("None of the paper\xE2\x80\x99s 4 claims was judged at the published size");
    expect_in_page("2 are only <em>scaled</em>, at a smaller size or other settings (scale quick), "
                   "and cannot confirm or refute the paper: there 1 holds, 1 does not.");
    expect_in_page("2 are <em>not run</em>");
}

Test(html_report, a_scale_that_shows_machinery_only_says_so_and_names_the_one_that_answers) {
    made small = paper;
    small.scale = "quick";
    put_result(&small);
    make_page(plain_claims, NULL);
    expect_not_in_page("machinery");
    small.answered_by = "reduced";
    put_result(&small);
    make_page(plain_claims, NULL);
    expect_well_formed();
    expect_in_page("scale quick shows that the machinery works, and is too small to say anything");
    expect_in_page("Scale reduced answers: <code>./reproduce --scale reduced</code>.");
    small.answered_by = "";
    put_result(&small);
    make_page(plain_claims, NULL);
    expect_in_page("shows that the machinery works");
    expect_not_in_page(" answers: ");
}

/* ---- pictures that a figure's runs draw ---- */

Test(html_report, each_picture_has_its_section_with_the_claims_whose_source_names_it) {
    made drawing = paper;
    drawing.figure = "toy";
    drawing.draws = "fig03 fig04";
    put_result(&drawing);
    scratch_put(path_in(&drawing, "fig03.svg"), svg, strlen(svg));
    scratch_put(path_in(&drawing, "fig04.svg"), svg, strlen(svg));
    make_page("[of-3]\nfigure = toy\nfidelity = paper\nsource = Fig. 3 left, Section 4.2\n"
              "kind = qualitative\nsays = three\nmethod = cd\nquantity = last(p)\n"
              "predicate = > 0.1\n"
              "[of-34]\nfigure = toy\nfidelity = paper\nsource = Fig. 34\nkind = qualitative\n"
              "says = none of them\nmethod = cd\nquantity = last(p)\npredicate = > 0.1\n",
              NULL);
    expect_well_formed();
    expect_links();
    const char *three = strstr(page, "<section class=\"figure-section\" id=\"figure-fig03\"");
    const char *four = strstr(page, "<section class=\"figure-section\" id=\"figure-fig04\"");
    const char *toy = strstr(page, "<section class=\"figure-section\" id=\"figure-toy\"");
    cr_assert(three != NULL && four != NULL && toy != NULL && three < four && four < toy);
    const char *claim = strstr(page, "<tr id=\"claim-of-3_40paper\"");
    const char *other = strstr(page, "<tr id=\"claim-of-34_40paper\"");
    cr_assert(claim != NULL && other != NULL);
    cr_expect(three < claim && claim < four, "the claim of Figure 3 stands elsewhere");
    cr_expect(toy < other, "the claim of Figure 34 stands with Figure 3 or 4");
    // the script's first sentence
    expect_in_page(">Figure 3 <span class=\"subtitle\">relative error of the masses");
    // the section of the runs has no drawings of its own, so it does not announce any
    cr_expect_null(strstr(toy, "Our drawings"));
    // each drawing once
    const char *image = strstr(page, "<img");
    for (size_t i = 0; i < 2; i++, image = strstr(image + 1, "<img")) {
        cr_assert_not_null(image);
    }
    cr_expect_null(image);
}

/* ---- files and curves ---- */

Test(html_report, the_files_that_are_there_are_linked_and_no_others) {
    put_result(&paper);
    scratch_put(path_in(&paper, "fig06.svg"), svg, strlen(svg));
    scratch_put(path_in(&paper, "fig06.pdf"), "%PDF", 4);
    make_page(plain_claims, NULL);
    expect_in_page("<a href=\"paper/paper/fig06/summary.csv\">summary.csv</a>");
    expect_in_page("<a href=\"paper/paper/fig06/trajectory.csv\">trajectory.csv</a>");
    expect_in_page("<a href=\"paper/paper/fig06/manifest.json\">manifest.json</a>");
    expect_in_page("<a href=\"paper/paper/fig06/fig06.pdf\">PDF</a>");
    expect_not_in_page("trajectory.csv.gz");
    expect_not_in_page("fig06.png");
    scratch_put(path_in(&paper, "trajectory.csv.gz"), "", 0);
    make_page(plain_claims, NULL);
    expect_in_page("<a href=\"paper/paper/fig06/trajectory.csv.gz\">trajectory.csv.gz</a>");
}

static void expect_way(const char *from, const char *to, const char *expected) {
    char *page_path = strdup(scratch_path(&place, from)), *way;
    way = jebm_way(page_path, *to == '/' ? to : scratch_path(&place, to));
    cr_expect(expected == NULL ? way == NULL : way != NULL && strcmp(way, expected) == 0,
              "from %s to %s: %s", from, to, way != NULL ? way : "none");
    free(page_path);
    free(way);
}

Test(html_report, the_way_to_the_results_is_relative) {
    fixture_make_directories((char *)scratch_path(&place, "a/b/x"));
    fixture_make_directories((char *)scratch_path(&place, "ab/x"));
    expect_way("report.html", "", "");
    expect_way("report.html", "a/b", "a/b/");
    expect_way("a/b/report.html", "a", "../");
    expect_way("a/b/report.html", "ab", "../../ab/");
    expect_way("a/report.html", "absent", NULL);
    // nothing in common but the root
    expect_way("report.html", "/usr", NULL);
}

/* what the script does: base64, zlib, JSON */
static json_t *unpacked(const char *attributes) {
    const char *at = strstr(page, attributes);
    cr_assert_not_null(at, "no data with %s", attributes);
    at = strchr(at, '>') + 1;
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned char packed[4096];
    char text[16384];
    uLongf npacked = 0, ntext = sizeof text - 1;
    unsigned bits = 0, value = 0;
    for (const char *digit; *at != '<' && *at != '='; at++) {
        cr_assert((digit = strchr(digits, *at)) != NULL && npacked < sizeof packed);
        value = value << 6 | (unsigned)(digit - digits);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            packed[npacked++] = (unsigned char)(value >> bits);
        }
    }
    cr_assert_eq(uncompress((Bytef *)text, &ntext, packed, npacked), Z_OK);
    text[ntext] = '\0';
    json_t *curves = json_loads(text, 0, NULL);
    cr_assert_not_null(curves);
    return curves;
}

Test(html_report, curves_are_those_of_the_summary_and_a_claim_leads_to_its_own) {
    put_result(&paper);
    scratch_put(path_in(&paper, "fig06.svg"), svg, strlen(svg));
    made copy = paper;
    copy.figure = "fig07";
    copy.runs_of = "fig06";
    put_result(&copy);
    make_page(plain_claims, NULL);
    json_t *curves = unpacked("data-figure=\"fig06\" data-run=\"paper\" data-copy-of=\"\"");
    cr_expect_str_eq(json_string_value(json_array_get(json_object_get(curves, "quantities"), 0)),
                     "p");
    const json_t *cell = json_array_get(json_object_get(curves, "cells"), 0);
    cr_expect_str_eq(json_string_value(json_object_get(cell, "method")), "cd");
    const struct {
        const char *name;
        double values[2];
    } lists[] = {{"mean", {0.5, 0.485}}, {"low", {0.5, 0.48}}, {"high", {0.5, 0.49}}};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        const json_t *list = json_array_get(json_object_get(cell, lists[i].name), 0);
        cr_assert_eq(json_array_size(list), 2);
        for (size_t k = 0; k < 2; k++) {
            cr_expect_float_eq(json_number_value(json_array_get(list, k)), lists[i].values[k],
                               1e-12, "%s %zu", lists[i].name, k);
        }
    }
    const json_t *steps = json_object_get(cell, "steps");
    cr_expect_eq(json_integer_value(json_array_get(steps, 1)), 4);
    json_decref(curves);
    // the same runs are not packed twice
    expect_in_page("data-figure=\"fig07\" data-run=\"paper\" data-copy-of=\"fig06\"></script>");
    expect_in_page("<a class=\"panel\" href=\"#drawing-fig06-paper\" data-curves=\"curves-fig06\" "
                   "data-run=\"paper\" data-quantity=\"p\"");
    expect_links();
}

/* ---- the program ---- */

static void expect(const char *options, int exit_status, const char *words) {
    char command[2048];
    snprintf(command, sizeof command, "'%s' --claims %s/claims.ini --results %s %s > %s/out 2>&1",
             getenv("JEBM_REPORT"), place.directory, place.directory, options, place.directory);
    const int outcome = system(command);
    char *out = scratch_get(scratch_path(&place, "out"), NULL);
    cr_assert(WIFEXITED(outcome), "%s", command);
    cr_expect_eq(WEXITSTATUS(outcome), exit_status, "%s: exit %d\n%s", options,
                 WEXITSTATUS(outcome), out);
    cr_expect_not_null(strstr(out, words), "%s: wanted '%s' in\n%s", options, words, out);
    cr_expect(exit_status == 0 || strcspn(out, "\n") + 1 == strlen(out), "not one line:\n%s", out);
    free(out);
}

Test(html_report, the_program_writes_a_page_or_one_line) {
    cr_assert_not_null(getenv("JEBM_REPORT"), "set JEBM_REPORT to the program");
    scratch_put(scratch_path(&place, "claims.ini"), plain_claims, strlen(plain_claims));
    expect("", 2, "found no manifest.json in it or below: run ./reproduce first");
    expect("--scale quick", 2, "found no manifest.json");
    expect("--scale tiny", 2, "expected one of smoke, quick, reduced, paper");
    expect("--otu x", 2, "did you mean 'out'?");
    expect("--out", 2, "option --out needs a value");
    expect("stray", 2, "found argument 'stray'");
    expect("--help", 0, "usage: jebm-report");
    expect("--version", 0, "jebm-report ");
    put_result(&paper);
    expect("", 0, "report.html: 0 claims of the paper, 3 of ours, 1 figure,");
    char *before = scratch_get(scratch_path(&place, "report.html"), NULL);
    cr_assert_not_null(before);
    cr_expect_not_null(strstr(before, "prefers-color-scheme"), "the style sheet is missing");
    cr_expect_not_null(strstr(before, "use strict"), "the script is missing");
    // what fails leaves the old page
    scratch_put(path_in(&paper, "trajectory.csv"), "changed\n", 8);
    expect("", 1, "trajectory.csv");
    char *after = scratch_get(scratch_path(&place, "report.html"), NULL);
    cr_expect_str_eq(after, before);
    put_result(&paper);
    // whose option it is that helps
    scratch_put(path_in(&paper, "summary.csv"), "changed\n", 8);
    expect("", 1, "the driver's --force runs it again");
    put_result(&paper);
    expect("--out /nowhere/at/all.html", 1, "/nowhere/at/all.html");
    // a page that lies elsewhere finds the files from there; one that shares only the root has no
    // links
    fixture_make_directories((char *)scratch_path(&place, "pages/x"));
    char option[1024];
    snprintf(option, sizeof option, "--out %s", scratch_path(&place, "pages/p.html"));
    expect(option, 0, "pages/p.html: 0 claims of the paper");
    char *elsewhere = scratch_get(scratch_path(&place, "pages/p.html"), NULL);
    cr_expect_not_null(strstr(elsewhere, "<a href=\"../paper/paper/fig06/summary.csv\">"));
    free(elsewhere);
    free(before);
    free(after);
}
