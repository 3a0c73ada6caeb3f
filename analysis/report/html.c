/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "html.h"

#include <assert.h>
#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* ---- text ---- */

/* Length of the UTF-8 sequence at s (RFC 3629: shortest form, no surrogates), or 0. */
static size_t utf8_length(const unsigned char *s) {
    if (s[0] < 0x80) {
        return 1;
    }
    const size_t n = s[0] >= 0xC2 && s[0] <= 0xDF   ? 2
                     : (s[0] & 0xF0) == 0xE0        ? 3
                     : s[0] >= 0xF0 && s[0] <= 0xF4 ? 4
                                                    : 0;
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    const bool overlong = (s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xF0 && s[1] < 0x90);
    const bool beyond = (s[0] == 0xED && s[1] > 0x9F) || (s[0] == 0xF4 && s[1] > 0x8F);
    return overlong || beyond ? 0 : n;
}

/* C0 but for tab and newline, DEL, and C1, which in UTF-8 is C2 80 to C2 9F */
static bool is_control(const unsigned char *s) {
    return (s[0] < 0x20 && s[0] != '\t' && s[0] != '\n') || s[0] == 0x7F ||
           (s[0] == 0xC2 && s[1] < 0xA0);
}

void jebm_html_text(FILE *out, const char *text) {
    for (const unsigned char *s = (const unsigned char *)text; *s != '\0';) {
        const size_t n = utf8_length(s);
        if (n == 0 || is_control(s)) {
            fputs("\xEF\xBF\xBD", out);
        } else if (*s == '&') {
            fputs("&amp;", out);
        } else if (*s == '<') {
            fputs("&lt;", out);
        } else if (*s == '>') {
            fputs("&gt;", out);
        } else if (*s == '"') {
            fputs("&quot;", out);
        } else if (*s == '\'') {
            fputs("&#39;", out);
        } else {
            fwrite(s, 1, n, out);
        }
        s += n > 0 ? n : 1;
    }
}

void jebm_html_put(FILE *out, const char *format, ...) {
    va_list args;
    va_start(args, format);
    for (const char *at = format; *at != '\0';) {
        const size_t plain = strcspn(at, "%");
        fwrite(at, 1, plain, out);
        at += plain;
        if (strncmp(at, "%s", 2) == 0) {
            jebm_html_text(out, va_arg(args, const char *));
            at += 2;
        } else if (strncmp(at, "%zu", 3) == 0) {
            fprintf(out, "%zu", va_arg(args, size_t));
            at += 3;
        } else if (strncmp(at, "%lld", 4) == 0) {
            fprintf(out, "%lld", va_arg(args, long long));
            at += 4;
        } else if (*at == '%') {
            assert(at[1] == '%');
            fputc('%', out);
            at += 2;
        }
    }
    va_end(args);
}

const char *jebm_html_id(const char *prefix, const char *text, char id[JEBM_ID_TEXT]) {
    size_t n = (size_t)snprintf(id, JEBM_ID_TEXT, "%s", prefix);
    for (; *text != '\0' && n + 4 < JEBM_ID_TEXT; text++) {
        const unsigned char c = (unsigned char)*text;
        if ((c < 0x80 && isalnum(c)) || c == '-' || c == '.') {
            id[n++] = (char)c;
            id[n] = '\0';
        } else {
            n += (size_t)snprintf(id + n, JEBM_ID_TEXT - n, "_%02X", c);
        }
    }
    return id;
}

/* ---- numbers ---- */

static void append(char text[JEBM_NUMBER_TEXT], const char *more) {
    const size_t used = strlen(text);
    snprintf(text + used, JEBM_NUMBER_TEXT - used, "%s", more);
}

/* a real minus sign, and none in front of a zero */
static void append_number(char text[JEBM_NUMBER_TEXT], const char *number) {
    if (*number == '-') {
        number++;
        append(text, strspn(number, "0.") < strlen(number) ? "\xE2\x88\x92" : "");
    }
    append(text, number);
}

/* "x 10^e" with raised digits that need no markup, so that it can stand in attributes */
static void append_power(char text[JEBM_NUMBER_TEXT], int exponent) {
    static const char *const raised[] = {
        "\xE2\x81\xB0", "\xC2\xB9",     "\xC2\xB2",     "\xC2\xB3",     "\xE2\x81\xB4",
        "\xE2\x81\xB5", "\xE2\x81\xB6", "\xE2\x81\xB7", "\xE2\x81\xB8", "\xE2\x81\xB9"};
    char digits[16];
    snprintf(digits, sizeof digits, "%d", exponent < 0 ? -exponent : exponent);
    append(text, "\xC3\x97"
                 "10");
    append(text, exponent < 0 ? "\xE2\x81\xBB" : "");
    for (const char *d = digits; *d != '\0'; d++) {
        append(text, raised[*d - '0']);
    }
}

/* decimal exponent of the leading digit */
static int leading(double x) {
    return (int)floor(log10(fabs(x)));
}

static void strip_zeros(char *number) {
    if (strchr(number, '.') != NULL) {
        char *end = number + strlen(number);
        while (end[-1] == '0') {
            *--end = '\0';
        }
        if (end[-1] == '.') {
            end[-1] = '\0';
        }
    }
}

static int clamp(int x, int low, int high) {
    return x < low ? low : x > high ? high : x;
}

const char *jebm_number_text(double x, double half, char text[JEBM_NUMBER_TEXT]) {
    const bool uncertain = half > 0 && isfinite(half);
    text[0] = '\0';
    if (isnan(x)) {
        append(text, "\xE2\x80\x93");
        return text;
    }
    if (isinf(x)) {
        append(text, x < 0 ? "\xE2\x88\x92\xE2\x88\x9E" : "\xE2\x88\x9E");
        return text;
    }
    const double size = uncertain ? fmax(fabs(x), half) : fabs(x);
    if (size == 0) {
        append(text, "0");
        return text;
    }
    char number[JEBM_NUMBER_TEXT];
    const int top = leading(size), last = uncertain ? leading(half) - 1 : top - 3;
    if (top < -4 || top >= 6) {
        const int decimals = x != 0 ? clamp(leading(x) - last, 0, 5) : 0;
        snprintf(number, sizeof number, "%.*e", decimals, x);
        char *e = strchr(number, 'e');
        *e = '\0';
        if (!uncertain) {
            strip_zeros(number);
        }
        append_number(text, number);
        if (x != 0) {
            append_power(text, atoi(e + 1));
        }
        return text;
    }
    snprintf(number, sizeof number, "%.*f", clamp(-last, 0, clamp(5 - top, 0, 9)), x);
    if (!uncertain) {
        strip_zeros(number);
    }
    append_number(text, number);
    return text;
}

const char *jebm_duration_text(double seconds, char text[JEBM_NUMBER_TEXT]) {
    const bool usable = seconds >= 0 && seconds < 1e9;
    const long long whole = usable ? llround(seconds) : 0;
    if (!usable) {
        snprintf(text, JEBM_NUMBER_TEXT, "\xE2\x80\x93");
    } else if (whole < 60) {
        snprintf(text, JEBM_NUMBER_TEXT, "%.*f s", seconds < 9.95 ? 1 : 0, seconds);
    } else if (whole < 3600) {
        snprintf(text, JEBM_NUMBER_TEXT, "%lld min %lld s", whole / 60, whole % 60);
    } else {
        snprintf(text, JEBM_NUMBER_TEXT, "%lld h %lld min", whole / 3600, whole % 3600 / 60);
    }
    return text;
}

/* ---- images ---- */

void jebm_base64_put(FILE *out, const unsigned char *bytes, size_t size) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < size; i += 3) {
        const size_t n = size - i < 3 ? size - i : 3;
        const unsigned b0 = bytes[i], b1 = n > 1 ? bytes[i + 1] : 0, b2 = n > 2 ? bytes[i + 2] : 0;
        const char four[4] = {digits[b0 >> 2], digits[(b0 & 3) << 4 | b1 >> 4],
                              n > 1 ? digits[(b1 & 15) << 2 | b2 >> 6] : '=',
                              n > 2 ? digits[b2 & 63] : '='};
        fwrite(four, 1, 4, out);
    }
}

/* ---- order ---- */

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_numbered(const char *name) {
    return strncmp(name, "fig", 3) == 0 && is_digit(name[3]);
}

int jebm_name_order(const char *a, const char *b) {
    const char *const a0 = a, *const b0 = b;
    if (is_numbered(a) != is_numbered(b)) {
        return is_numbered(a) ? -1 : 1;
    }
    while (*a != '\0' && *b != '\0') {
        if (is_digit(*a) && is_digit(*b)) {
            a += strspn(a, "0");
            b += strspn(b, "0");
            const size_t m = strspn(a, "0123456789"), n = strspn(b, "0123456789");
            const int order = m != n ? (m < n ? -1 : 1) : strncmp(a, b, m);
            if (order != 0) {
                return order;
            }
            a += m;
            b += n;
        } else if (*a != *b) {
            return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
        } else {
            a++;
            b++;
        }
    }
    // fig6 and fig06 differ all the same
    return *a != *b ? (*a == '\0' ? -1 : 1) : strcmp(a0, b0);
}
