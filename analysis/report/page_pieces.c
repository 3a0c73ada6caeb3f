/* Small pieces that several parts of the page are made of.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "page_internal.h"

#include "app/share.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void jebm_page_badge(FILE *out, outcome o) {
    const outcome_look *look = &jebm_outcome_looks[o];
    jebm_html_put(out, "<span class=\"badge v-%s\"><span aria-hidden=\"true\">%s</span> %s</span>",
                  look->class, look->sign, look->text);
}

void jebm_page_mark_ours(FILE *out, const jebm_claim *claim) {
    if (jebm_origin_of(claim) == ORIGIN_OURS) {
        fputs(" <span class=\"mark\">ours</span>", out);
    }
}

void jebm_page_mark_after(FILE *out, const jebm_claim *claim) {
    if (claim->after) {
        fputs(" <span class=\"mark\" title=\"written after a run that judges it was seen\">written "
              "after</span>",
              out);
    }
}

const char *jebm_page_figure_label(const char *name, char text[JEBM_NUMBER_TEXT]) {
    const size_t digits = strncmp(name, "fig", 3) == 0 ? strspn(name + 3, "0123456789") : 0;
    if (digits > 0 && name[3 + digits] == '\0' && digits < 9) {
        snprintf(text, JEBM_NUMBER_TEXT, "Figure %ld", strtol(name + 3, NULL, 10));
    } else {
        snprintf(text, JEBM_NUMBER_TEXT, "%.60s", name);
    }
    return text;
}

void jebm_page_figure_link(FILE *out, const char *name) {
    char id[JEBM_ID_TEXT], label[JEBM_NUMBER_TEXT];
    jebm_html_put(out, "<a href=\"#%s\">%s</a>", jebm_html_id("figure-", name, id),
                  jebm_page_figure_label(name, label));
}

const char *jebm_page_fidelity_meaning(const char *fidelity) {
    return strcmp(fidelity, "paper") == 0  ? "as the text prints it"
           : strcmp(fidelity, "code") == 0 ? "as the authors\xE2\x80\x99 released script has it"
                                           : "";
}

void jebm_page_measured(const jebm_judgement *j, measured *m) {
    const jebm_interval *i = &j->interval;
    char low[JEBM_NUMBER_TEXT], high[JEBM_NUMBER_TEXT];
    const double half = i->n > 1 ? 0.5 * (i->high - i->low) : 0;
    jebm_number_text(i->mean, half, m->mean);
    snprintf(m->interval, sizeof m->interval, "\xE2\x80\x93");
    if (i->n > 1) {
        snprintf(m->interval, sizeof m->interval, "%s to %s", jebm_number_text(i->low, half, low),
                 jebm_number_text(i->high, half, high));
    } else if (i->n == 1) {
        snprintf(m->interval, sizeof m->interval, "one run");
    }
    const jebm_region *r = &j->region;
    if (!j->has_region) {
        snprintf(m->region, sizeof m->region, "%.180s", j->claim->predicate);
    } else if (isinf(r->low) || isinf(r->high)) {
        const bool below = isinf(r->low);
        snprintf(m->region, sizeof m->region, "%c %s", below ? '<' : '>',
                 jebm_number_text(below ? r->high : r->low, 0, high));
    } else {
        snprintf(m->region, sizeof m->region, "%s to %s", jebm_number_text(r->low, 0, low),
                 jebm_number_text(r->high, 0, high));
    }
}

const char *jebm_page_text(const json_t *object, const char *key, const char *inner) {
    static char number[JEBM_NUMBER_TEXT];
    const json_t *value = json_object_get(object, key);
    if (inner != NULL) {
        value = json_object_get(value, inner);
    }
    if (json_is_integer(value)) {
        snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value));
        return number;
    }
    return json_is_string(value) ? json_string_value(value) : "";
}

void jebm_page_shell_word(FILE *out, const char *word) {
    static const char safe[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+./:,@%";
    if (*word != '\0' && word[strspn(word, safe)] == '\0') {
        jebm_html_text(out, word);
        return;
    }
    fputs("&#39;", out);
    for (const char *at = word; *at != '\0';) {
        char piece[256];
        const size_t n = strcspn(at, "'");
        const int length = (int)(n < sizeof piece ? n : sizeof piece - 1);
        snprintf(piece, sizeof piece, "%.*s", length, at);
        jebm_html_text(out, piece);
        at += length;
        if (*at == '\'') {
            fputs("&#39;\\&#39;&#39;", out);
            at++;
        }
    }
    fputs("&#39;", out);
}

/* a path as a relative reference: every byte but these as %XX, so that no name is taken for a
 * scheme, a query or a fragment */
static void put_reference(FILE *out, const char *path) {
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./=";
    for (const unsigned char *s = (const unsigned char *)path; *s != '\0'; s++) {
        fprintf(out, strchr(plain, *s) != NULL ? "%c" : "%%%02X", *s);
    }
}

void jebm_page_file(FILE *out, const jebm_page *page, const char *directory, const char *name,
                    const char *text) {
    if (page->root == NULL) {
        jebm_html_text(out, text);
        return;
    }
    fputs("<a href=\"", out);
    put_reference(out, page->root);
    put_reference(out, directory);
    fputs("/", out);
    put_reference(out, name);
    jebm_html_put(out, "\">%s</a>", text);
}
