/* What the parts of the page share. A section is the part of the page about one figure: of a figure
 * with runs of its own, or of a picture that another one's runs draw.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_ANALYSIS_PAGE_INTERNAL_H
#define JEBM_ANALYSIS_PAGE_INTERNAL_H

#include "html.h"
#include "outcome.h"
#include "page.h"
#include "words.h"

/* ---- small pieces ---- */

void jebm_page_badge(FILE *out, outcome o);
/* The marks of a claim of ours, and of one that was written after a run that judges it was seen;
 * nothing for other claims. */
void jebm_page_mark_ours(FILE *out, const jebm_claim *claim);
void jebm_page_mark_after(FILE *out, const jebm_claim *claim);

/* "Figure 6" for fig06, the name itself otherwise. Returns text. */
const char *jebm_page_figure_label(const char *name, char text[JEBM_NUMBER_TEXT]);
/* A link to the section of a figure, by its label. */
void jebm_page_figure_link(FILE *out, const char *name);
/* What a fidelity means, or "". */
const char *jebm_page_fidelity_meaning(const char *fidelity);

/* mean, interval and region of a judgement as texts */
typedef struct measured {
    char mean[JEBM_NUMBER_TEXT], interval[3 * JEBM_NUMBER_TEXT], region[3 * JEBM_NUMBER_TEXT];
} measured;
void jebm_page_measured(const jebm_judgement *j, measured *m);

/* The scales of the runs that are shown, in the order of jebm_scales. The array is the caller's to
 * free. */
jebm_words jebm_page_scales(const jebm_page *page);

/* Text, or number as text, at a key or at key/key; "" where there is none. */
const char *jebm_page_text(const json_t *object, const char *key, const char *inner);

/* A word as a shell reads it back, escaped for HTML. */
void jebm_page_shell_word(FILE *out, const char *word);

/* A link to a file of the results, where files are linked; else its text. */
void jebm_page_file(FILE *out, const jebm_page *page, const char *directory, const char *name,
                    const char *text);

/* ---- sections and what belongs to them ---- */

/* The figure whose section a claim stands in: a picture of the claim's figure that the claim's
 * source names ("Fig. 3" for fig03), else the claim's figure. */
const char *jebm_page_section_of(const jebm_page *page, const jebm_claim *claim);

/* The runs that a figure is drawn from; they stand together in the catalogue. */
typedef struct span {
    const jebm_stored_run *runs;
    size_t n;
} span;
span jebm_page_runs(const jebm_page *page, const char *figure);

/* How many claims have which outcome; section or fidelity NULL: of all. */
tally jebm_page_tally(const jebm_page *page, origin whose, const char *section,
                      const char *fidelity);
bool jebm_page_is_claimed(const jebm_page *page, const char *section);
/* The fidelities of these claims. The array is the caller's to free. */
jebm_words jebm_page_fidelities(const jebm_page *page, origin whose);

/* Has the page a section of this figure? It has of those that were run or that a claim is about. */
bool jebm_page_has_section(const jebm_page *page, const char *figure);

/* Does a drawing in SCALE/ belong to this figure: FIGURE-something? */
bool jebm_page_belongs(const jebm_loose_drawing *d, const char *figure);

/* Does the drawing of a run stand in the section of a picture, and not in that of the figure? */
bool jebm_page_is_picture(const jebm_page *page, const jebm_stored_run *run, const char *name);

/* Has a run a drawing that is called as the section? */
bool jebm_page_has_drawing(const jebm_stored_run *run, const char *section);

/* The id of the drawing of a section from the runs of a fidelity. Returns id. */
const char *jebm_page_drawing_id(const char *section, const char *fidelity, char id[JEBM_ID_TEXT]);

/* ---- parts of the page ---- */

void jebm_page_conclusion(FILE *out, const jebm_page *page);
void jebm_page_summary(FILE *out, const jebm_page *page);
void jebm_page_claims(FILE *out, const jebm_page *page);
void jebm_page_figure(FILE *out, const jebm_page *page, const jebm_known_figure *figure);
void jebm_page_reproduce(FILE *out, const jebm_page *page);

/* A drawing with its caption. */
void jebm_page_drawing(FILE *out, const jebm_page *page, const jebm_drawing *d, const char *id,
                       const char *alt, const char *caption, const char *detail);
/* The statements about a figure, and what was measured. */
void jebm_page_statements(FILE *out, const jebm_page *page, const char *section);
/* What departs from the claims, the preset or the published size. */
void jebm_page_deviations(FILE *out, const jebm_page *page, const char *section, span s);
/* What was run: times, machine, settings, the numbers at the end, the files. */
void jebm_page_run_facts(FILE *out, const jebm_page *page, span s);

/* The data of the curves of a figure's runs, once on the page, and the place in a section where the
 * script draws them. */
void jebm_page_curve_data(FILE *out, const jebm_page *page, span s);
void jebm_page_curve_place(FILE *out, const jebm_page *page, const char *section, span s);
/* The first column in a claim's quantity that summary.csv has; NULL where it has none. */
const char *jebm_page_quantity(const jebm_csv *summary, const jebm_claim *claim);
/* c of column c_mean, where c_se comes next; else NULL. */
char *jebm_page_quantity_at(const jebm_csv *summary, size_t column);
/* The field as a number; NaN where it is none. */
double jebm_page_number(const jebm_csv *csv, size_t row, size_t column);
/* Does another method or variant begin in this row? */
bool jebm_page_starts_cell(const jebm_csv *csv, size_t row);

#endif
