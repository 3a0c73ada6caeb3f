/* Which claims, runs and drawings belong to which section.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "page_internal.h"

#include "app/preset.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Does a source name the figure of this name: "Fig. 3, Section 4.2" for fig03? */
static bool source_names(const char *source, const char *name) {
    const size_t digits = strncmp(name, "fig", 3) == 0 ? strspn(name + 3, "0123456789") : 0;
    if (digits == 0 || name[3 + digits] != '\0') {
        return false;
    }
    const long wanted = strtol(name + 3, NULL, 10);
    for (const char *at = source; (at = strstr(at, "Fig. ")) != NULL;) {
        at += 5;
        if (isdigit((unsigned char)*at) && strtol(at, NULL, 10) == wanted) {
            return true;
        }
    }
    return false;
}

const char *jebm_page_section_of(const jebm_page *page, const jebm_claim *claim) {
    const jebm_catalogue *c = page->catalogue;
    for (size_t i = 0; i < c->nfigures; i++) {
        const jebm_known_figure *figure = &c->figures[i];
        if (figure->drawn_by != NULL && strcmp(figure->drawn_by, claim->figure) == 0 &&
            source_names(claim->source, figure->name)) {
            return figure->name;
        }
    }
    return claim->figure;
}

/* the figure that the runs are of */
static const char *runner(const jebm_page *page, const char *name) {
    const jebm_known_figure *figure = jebm_catalogue_figure(page->catalogue, name);
    return figure != NULL && figure->drawn_by != NULL ? figure->drawn_by : name;
}

span jebm_page_runs(const jebm_page *page, const char *name) {
    const jebm_catalogue *c = page->catalogue;
    const char *figure = runner(page, name);
    span s = {c->runs, 0};
    for (size_t i = 0; i < c->nruns; i++) {
        if (strcmp(c->runs[i].figure, figure) == 0) {
            s.runs = s.n == 0 ? &c->runs[i] : s.runs;
            s.n++;
        }
    }
    return s;
}

tally jebm_page_tally(const jebm_page *page, origin whose, const char *section,
                      const char *fidelity) {
    tally t = {0};
    for (size_t i = 0; i < page->n; i++) {
        const jebm_claim *c = page->list[i].claim;
        if (jebm_origin_of(c) == whose &&
            (section == NULL || strcmp(jebm_page_section_of(page, c), section) == 0) &&
            (fidelity == NULL || strcmp(c->fidelity, fidelity) == 0)) {
            jebm_tally_add(&t, jebm_outcome_of(&page->list[i]));
        }
    }
    return t;
}

bool jebm_page_is_claimed(const jebm_page *page, const char *section) {
    return jebm_page_tally(page, ORIGIN_PAPER, section, NULL).total > 0 ||
           jebm_page_tally(page, ORIGIN_OURS, section, NULL).total > 0;
}

jebm_words jebm_page_fidelities(const jebm_page *page, origin whose) {
    jebm_words all = {0};
    for (size_t i = 0; i < page->n; i++) {
        if (jebm_origin_of(page->list[i].claim) == whose) {
            jebm_words_add(&all, page->list[i].claim->fidelity);
        }
    }
    return all;
}

bool jebm_page_has_drawing(const jebm_stored_run *run, const char *section) {
    for (size_t k = 0; k < run->ndrawings; k++) {
        if (strcmp(run->drawings[k].name, section) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_drawn(span s, const char *section) {
    for (size_t i = 0; i < s.n; i++) {
        if (jebm_page_has_drawing(&s.runs[i], section)) {
            return true;
        }
    }
    return false;
}

bool jebm_page_has_section(const jebm_page *page, const char *name) {
    const span s = jebm_page_runs(page, name);
    const bool picture = strcmp(runner(page, name), name) != 0;
    return (picture ? is_drawn(s, name) : s.n > 0) || jebm_page_is_claimed(page, name);
}

jebm_words jebm_page_scales(const jebm_page *page) {
    const jebm_catalogue *c = page->catalogue;
    jebm_words all = {0};
    for (size_t k = 0; k < JEBM_NSCALES; k++) {
        for (size_t i = 0; i < c->nruns; i++) {
            if (strcmp(c->runs[i].scale, jebm_scales[k]) == 0) {
                jebm_words_add(&all, jebm_scales[k]);
            }
        }
    }
    return all;
}

bool jebm_page_belongs(const jebm_loose_drawing *d, const char *figure) {
    const size_t n = strlen(figure);
    return strncmp(d->drawing.name, figure, n) == 0 &&
           (d->drawing.name[n] == '-' || d->drawing.name[n] == '\0');
}

bool jebm_page_is_picture(const jebm_page *page, const jebm_stored_run *run, const char *name) {
    const jebm_known_figure *figure = jebm_catalogue_figure(page->catalogue, name);
    return figure != NULL && figure->drawn_by != NULL && strcmp(figure->drawn_by, run->figure) == 0;
}

const char *jebm_page_drawing_id(const char *section, const char *fidelity, char id[JEBM_ID_TEXT]) {
    char first[JEBM_ID_TEXT];
    jebm_html_id("drawing-", section, first);
    snprintf(first + strlen(first), sizeof first - strlen(first), "-");
    return jebm_html_id(first, fidelity, id);
}
