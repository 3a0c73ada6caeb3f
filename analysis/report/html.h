/* Text, numbers and images as HTML. Whatever comes from a file is escaped here and nowhere else.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_ANALYSIS_HTML_H
#define JEBM_ANALYSIS_HTML_H

#include <stddef.h>
#include <stdio.h>

#define JEBM_NUMBER_TEXT 64
#define JEBM_ID_TEXT 320

/* Text for an element or a quoted attribute: & < > " ' become references; control characters and
 * bytes that are no UTF-8 become U+FFFD. */
void jebm_html_text(FILE *out, const char *text);

/* printf into HTML: the format is HTML as it stands, each %s is escaped. Knows %s, %zu, %lld and %%
 * only, without flags. */
void jebm_html_put(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* prefix + text as the value of an id attribute and the fragment of a link: letters, digits, '-'
 * and
 * '.' stay, any other byte becomes _XX, so that different texts have different ids. Returns id. */
const char *jebm_html_id(const char *prefix, const char *text, char id[JEBM_ID_TEXT]);

/* A number with the digits that its uncertainty leaves it: half, half the width of its interval,
 * sets the last one (two digits of half are shown); where half is no positive number there are four
 * significant digits. NaN is a dash. Returns text, UTF-8 without characters special to HTML. */
const char *jebm_number_text(double x, double half, char text[JEBM_NUMBER_TEXT]);

/* Seconds as "3.2 s", "4 min 43 s", "2 h 5 min". */
const char *jebm_duration_text(double seconds, char text[JEBM_NUMBER_TEXT]);

/* RFC 4648, with padding. */
void jebm_base64_put(FILE *out, const unsigned char *bytes, size_t size);

/* Compare names as people order them: digits by their value, fig9 before fig10; and names that
 * begin with "fig" and a digit before all others. As strcmp. */
int jebm_name_order(const char *a, const char *b);

#endif
