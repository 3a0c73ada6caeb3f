/* The section of one figure: its drawings, then what the other parts say of it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "page_internal.h"

#include "app/share.h"

#include <stdlib.h>
#include <string.h>

/* ---- drawings ---- */

/* links to the files of a drawing, which are better to print or to put into a text */
static void put_drawing_files(FILE *out, const jebm_page *page, const jebm_drawing *d) {
    const struct {
        bool there;
        const char *ending, *text;
    } files[] = {{d->png, "png", "PNG"}, {d->svg, "svg", "SVG"}, {d->pdf, "pdf", "PDF"}};
    const char *slash = strrchr(d->file, '/');
    char *directory = jebm_format("%.*s", slash != NULL ? (int)(slash - d->file) : 0, d->file);
    for (size_t i = 0; directory != NULL && i < sizeof files / sizeof *files; i++) {
        char *name = jebm_format("%s.%s", d->name, files[i].ending);
        if (files[i].there && name != NULL && page->root != NULL) {
            fputs(" ", out);
            jebm_page_file(out, page, directory, name, files[i].text);
        }
        free(name);
    }
    free(directory);
}

void jebm_page_drawing(FILE *out, const jebm_page *page, const jebm_drawing *d, const char *id,
                       const char *alt, const char *caption, const char *detail) {
    const bool wide = 2 * d->width >= 3 * d->height;
    jebm_html_put(out, "<figure class=\"drawing%s\"", wide ? " wide" : "");
    if (id != NULL) {
        jebm_html_put(out, " id=\"%s\"", id);
    }
    jebm_html_put(out, "><div class=\"paper\"><img alt=\"%s\"", alt);
    if (d->width > 0 && d->height > 0) {
        jebm_html_put(out, " width=\"%zu\" height=\"%zu\"", (size_t)d->width, (size_t)d->height);
    }
    jebm_html_put(out, " src=\"data:%s;base64,", d->type);
    jebm_base64_put(out, d->bytes, d->size);
    jebm_html_put(out, "\"></div>\n<figcaption><strong>%s</strong> <span class=\"soft\">%s</span>",
                  caption, detail);
    put_drawing_files(out, page, d);
    fputs("</figcaption></figure>\n", out);
}

/* what a drawing shows, for its caption and for those who do not see it */
static char *describe(const jebm_stored_run *run, const char *name, const char *title) {
    char label[JEBM_NUMBER_TEXT], runs[JEBM_NUMBER_TEXT];
    const char *walkers = jebm_page_text(run->manifest, "preset", "walkers");
    snprintf(runs, sizeof runs, "%s", jebm_page_text(run->manifest, "runs", NULL));
    return jebm_format("%s%s%s. Scale %s, fidelity %s%s%s%s%s%s",
                       jebm_page_figure_label(name, label), *title != '\0' ? ": " : "", title,
                       run->scale, run->fidelity, *walkers != '\0' ? ", N = " : "", walkers,
                       *runs != '\0' ? ", " : "", runs, *runs != '\0' ? " runs" : "");
}

/* what stands beside the fidelity: its meaning, or what was set otherwise, or the file */
static char *detail_of(const jebm_stored_run *run, const jebm_drawing *d, const char *section) {
    const char *meaning = jebm_page_fidelity_meaning(run->fidelity);
    const char *override =
        json_string_value(json_array_get(json_object_get(run->manifest, "overrides"), 0));
    if (strcmp(d->name, section) != 0) {
        return jebm_format("%s", d->file);
    }
    if (run->other && override != NULL) {
        return jebm_format("fidelity %s with %s", jebm_page_text(run->manifest, "fidelity", NULL),
                           override);
    }
    return jebm_format("%s", *meaning != '\0' && !run->other ? meaning : d->file);
}

/* a run may have several pictures: those that are not called as the section say what they are */
static char *caption_of(const jebm_stored_run *run, const jebm_drawing *d, const char *section) {
    char label[JEBM_NUMBER_TEXT];
    const bool own = strcmp(d->name, section) == 0;
    return jebm_format("%s%s%s%s", own ? "" : jebm_page_figure_label(d->name, label),
                       own ? "" : ", ", run->other ? "Other runs: " : "", run->fidelity);
}

static void put_run_drawing(FILE *out, const jebm_page *page, const jebm_stored_run *run,
                            const jebm_drawing *d, const char *section, const char *title) {
    char *alt = describe(run, d->name, title), *caption = caption_of(run, d, section),
         *detail = detail_of(run, d, section);
    char id[JEBM_ID_TEXT];
    if (alt != NULL && caption != NULL && detail != NULL) {
        jebm_page_drawing(
            out, page, d,
            strcmp(d->name, section) == 0 ? jebm_page_drawing_id(section, run->fidelity, id) : NULL,
            alt, caption, detail);
    }
    free(alt);
    free(caption);
    free(detail);
}

/* those of the section: of a picture one, of a figure all that are no pictures with sections of
 * their own */
static void put_run_drawings(FILE *out, const jebm_page *page, const jebm_stored_run *run,
                             const char *section, const char *title) {
    size_t shown = 0, elsewhere = 0;
    const bool picture = jebm_page_is_picture(page, run, section);
    for (size_t k = 0; k < run->ndrawings; k++) {
        const jebm_drawing *d = &run->drawings[k];
        const bool here =
            picture ? strcmp(d->name, section) == 0 : !jebm_page_is_picture(page, run, d->name);
        if (here) {
            put_run_drawing(out, page, run, d, section, title);
            shown++;
        } else {
            elsewhere++;
        }
    }
    if (shown == 0 && (picture || elsewhere == 0)) {
        jebm_html_put(out, "<p class=\"missing\">%s holds no drawing%s%s: %s</p>\n", run->directory,
                      picture ? " called " : "", picture ? section : "",
                      !run->complete ? run->lack
                      : picture      ? "draw it with gnuplot, or run the figure again"
                                     : "its numbers stand below");
    }
}

/* Is there anything to say of drawings? Not where all stand in the sections of pictures. */
static bool draws_here(const jebm_page *page, const char *section, span s) {
    for (size_t i = 0; i < s.n; i++) {
        const jebm_stored_run *run = &s.runs[i];
        if (run->ndrawings == 0 || jebm_page_is_picture(page, run, section)) {
            return true;
        }
        for (size_t k = 0; k < run->ndrawings; k++) {
            if (!jebm_page_is_picture(page, run, run->drawings[k].name)) {
                return true;
            }
        }
    }
    for (size_t i = 0; i < page->catalogue->nloose; i++) {
        if (jebm_page_belongs(&page->catalogue->loose[i], section)) {
            return true;
        }
    }
    return false;
}

/* a scale may be so small that nothing can be read off its drawings */
static void put_machinery(FILE *out, span s) {
    for (size_t i = 0; i < s.n; i++) {
        const json_t *m = s.runs[i].manifest;
        if (strcmp(jebm_page_text(m, "shows", NULL), "machinery") != 0) {
            continue;
        }
        const char *answer = jebm_page_text(m, "answered_by", NULL);
        jebm_html_put(out,
                      "<p class=\"notice\"><strong>%s</strong>: scale %s shows that the machinery "
                      "works, and is too small to say anything about the paper.",
                      s.runs[i].fidelity, s.runs[i].scale);
        if (*answer != '\0') {
            jebm_html_put(out, " Scale %s answers: <code>./reproduce --scale %s</code>.", answer,
                          answer);
        }
        fputs("</p>\n", out);
    }
}

static void put_drawings(FILE *out, const jebm_page *page, const char *section, span s,
                         const char *title) {
    const jebm_catalogue *c = page->catalogue;
    if (!draws_here(page, section, s)) {
        return;
    }
    fputs("<h3>Our drawings</h3>\n<div class=\"drawings\">\n", out);
    for (size_t i = 0; i < s.n; i++) {
        put_run_drawings(out, page, &s.runs[i], section, title);
    }
    for (size_t i = 0; i < c->nloose; i++) {
        if (jebm_page_belongs(&c->loose[i], section)) {
            const jebm_drawing *d = &c->loose[i].drawing;
            char *alt = jebm_format("%s: %s", d->name, title);
            jebm_page_drawing(out, page, d, NULL, alt != NULL ? alt : d->name, d->name, d->file);
            free(alt);
        }
    }
    fputs("</div>\n", out);
}

/* ---- the section ---- */

/* the pictures that a figure's runs draw, where they have sections */
static void put_pictures(FILE *out, const jebm_page *page, const char *figure) {
    const jebm_catalogue *c = page->catalogue;
    bool any = false;
    for (size_t i = 0; i < c->nfigures; i++) {
        const jebm_known_figure *f = &c->figures[i];
        if (f->drawn_by != NULL && strcmp(f->drawn_by, figure) == 0 &&
            jebm_page_has_section(page, f->name)) {
            fputs(any ? ", " : "<p>These runs draw ", out);
            jebm_page_figure_link(out, f->name);
            any = true;
        }
    }
    fputs(any ? ".</p>\n" : "", out);
}

void jebm_page_figure(FILE *out, const jebm_page *page, const jebm_known_figure *figure) {
    const span s = jebm_page_runs(page, figure->name);
    const char *title = figure->title != NULL ? figure->title : "";
    const bool picture = figure->drawn_by != NULL;
    char id[JEBM_ID_TEXT], heading[JEBM_ID_TEXT], label[JEBM_NUMBER_TEXT];
    jebm_html_put(out,
                  "<section class=\"figure-section\" id=\"%s\" aria-labelledby=\"%s\">\n"
                  "<h2 id=\"%s\">%s <span class=\"subtitle\">%s</span></h2>\n",
                  jebm_html_id("figure-", figure->name, id),
                  jebm_html_id("title-", figure->name, heading), heading,
                  jebm_page_figure_label(figure->name, label), title);
    if (figure->departs != NULL) {
        jebm_html_put(out,
                      "<p>Fidelity <code>paper</code> is not to the letter of the text here: the "
                      "values of <code>%s</code> are ours, since the text has others or none "
                      "(docs/FIDELITY.md).</p>\n",
                      figure->departs);
    }
    if (s.n == 0) {
        fputs("<p class=\"missing\">Not run: there are no data of this figure here.</p>\n", out);
    } else {
        put_pictures(out, page, figure->name);
        put_machinery(out, s);
        put_drawings(out, page, figure->name, s, title);
    }
    if (s.n > 0 && (!picture || jebm_page_is_claimed(page, figure->name))) {
        jebm_page_curve_place(out, page, figure->name, s);
    }
    jebm_page_statements(out, page, figure->name);
    if (s.n > 0) {
        jebm_page_deviations(out, page, figure->name, s);
    }
    if (s.n > 0 && !picture) {
        jebm_page_run_facts(out, page, s);
        jebm_page_curve_data(out, page, s);
    } else if (s.n > 0) {
        fputs("<h3>Runs</h3>\n<p>Settings, times, numbers and files stand with the runs: ", out);
        jebm_page_figure_link(out, figure->drawn_by);
        fputs(".</p>\n", out);
    }
    fputs("</section>\n", out);
}
