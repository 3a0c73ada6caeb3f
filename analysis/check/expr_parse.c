/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "expr_internal.h"

#include "app/nearest.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const function_names[] = {
#define X(name, type, fewest, most) #name,
    FUNCTIONS(X)
#undef X
};

static const struct {
    kind type;
    size_t fewest, most;
} functions[] = {
#define X(name, type, fewest, most) {type, fewest, most},
    FUNCTIONS(X)
#undef X
};

const char *jebm_expr_function_name(function f) {
    return function_names[f];
}

/* ---- parser: recursive descent, one token of lookahead by peeking at characters ---- */

typedef struct parser {
    jebm_expr *e;
    const char *text, *at;
    bool in_column, in_across;
    size_t depth;
    jebm_error *err;
} parser;

static node *parse_sum(parser *p);

static char peek(parser *p) {
    while (isspace((unsigned char)*p->at)) {
        p->at++;
    }
    return *p->at;
}

/* the first complaint is the one that counts */
static node *complain(parser *p, const char *place, const char *expected) {
    if (p->err == NULL || p->err->status == JEBM_OK) {
        const size_t n = strcspn(place, " \t,()");
        const size_t shown = n > 0 ? (n < 24 ? n : 24) : (*place != '\0');
        jebm_fail(p->err, JEBM_EINVAL, "character %td: found %s%.*s%s, expected %s",
                  place - p->text + 1, *place ? "'" : "the end", (int)shown, place,
                  *place ? "'" : "", expected);
    }
    return NULL;
}

static bool accept(parser *p, char c) {
    if (peek(p) != c) {
        return false;
    }
    p->at++;
    return true;
}

static node *make(parser *p, kind type) {
    if (p->e->count == MAX_NODES) {
        return complain(p, p->at, "a shorter expression");
    }
    node *n = &p->e->nodes[p->e->count++];
    n->type = type;
    return n;
}

/* copy a name of letters, digits and '_'; false where there is none or it is too long */
static bool read_name(parser *p, char name[NAME]) {
    size_t n = 0;
    if (!isalpha((unsigned char)*p->at)) {
        return false;
    }
    while (isalnum((unsigned char)*p->at) || *p->at == '_') {
        if (n == NAME - 1) {
            return false;
        }
        name[n++] = *p->at++;
    }
    name[n] = '\0';
    return true;
}

static node *parse_number(parser *p) {
    char *end;
    const char *start = p->at;
    const double value = strtod(start, &end);
    if (end == start || !isfinite(value)) {
        return complain(p, start, "a finite number");
    }
    p->at = end;
    const bool steps = *end == 'K' && !isalnum((unsigned char)end[1]) && end[1] != '_';
    if (steps && p->in_column) {
        return complain(p, start, "a column's arithmetic, where K has no meaning");
    }
    p->at += steps;
    node *n = make(p, steps ? LAST_STEP : NUMBER);
    if (n != NULL) {
        n->number = value;
    }
    return n;
}

static bool parse_args(parser *p, node *n) {
    const size_t most = functions[n->f].most;
    const bool in_across = p->in_across;
    p->in_across = in_across || n->type == ACROSS;
    if (!accept(p, '(')) {
        complain(p, p->at, "'(' after a function's name");
        return false;
    }
    do {
        if (n->nargs == most) {
            complain(p, p->at, "')': the function takes no further argument");
            return false;
        }
        // the first argument of a reduction is a column's arithmetic, the others are numbers
        const bool in_column = p->in_column;
        p->in_column = in_column || (n->type == REDUCE && n->nargs == 0);
        node *arg = parse_sum(p);
        p->in_column = in_column;
        if (arg == NULL) {
            return false;
        }
        n->args[n->nargs++] = arg;
    } while (accept(p, ','));
    p->in_across = in_across;
    // from and to come together: two arguments are right only where two is the least or the most
    const size_t fewest = functions[n->f].fewest;
    const bool few = n->nargs < fewest || (n->type == REDUCE && fewest == 1 && n->nargs == 2);
    if (few || !accept(p, ')')) {
        complain(p, p->at, few ? "',' and a further argument" : "',' or ')'");
        return false;
    }
    return true;
}

static node *parse_function(parser *p, const char *start, const char *name) {
    size_t f = 0;
    while (f < NFUNCTIONS && strcmp(name, function_names[f]) != 0) {
        f++;
    }
    if (f == NFUNCTIONS) {
        char hint[JEBM_HINT_TEXT], expected[JEBM_HINT_TEXT + 16];
        snprintf(expected, sizeof expected, "a function%s",
                 jebm_nearest_hint(name, function_names, NFUNCTIONS, hint));
        return complain(p, start, expected);
    }
    const kind type = functions[f].type;
    if (p->in_column && type != SCALAR) {
        return complain(p, start, "a column or its arithmetic: reductions do not nest");
    }
    if (p->in_across && type == ACROSS) {
        return complain(p, start, "a reduction: spread, lowest and highest do not nest");
    }
    node *n = make(p, type);
    if (n == NULL) {
        return NULL;
    }
    n->f = (function)f;
    p->e->across |= type == ACROSS;
    return parse_args(p, n) ? n : NULL;
}

static node *parse_named(parser *p) {
    const char *start = p->at;
    char name[NAME];
    if (!read_name(p, name)) {
        return complain(p, start, "a name of at most 31 characters");
    }
    if (peek(p) == '(') {
        return parse_function(p, start, name);
    }
    if (!p->in_column && strcmp(name, "K") == 0) {
        node *n = make(p, LAST_STEP);
        if (n != NULL) {
            n->number = 1.0;
        }
        return n;
    }
    if (!p->in_column) {
        return complain(p, start, "a number or a reduction such as last(...) around a column");
    }
    node *n = make(p, COLUMN);
    if (n != NULL) {
        memcpy(n->name, name, NAME);
    }
    return n;
}

static node *parse_setting(parser *p) {
    char name[NAME];
    const char *start = p->at++;
    if (!read_name(p, name)) {
        return complain(p, start, "'$' and the name of a setting");
    }
    node *n = make(p, SETTING);
    if (n != NULL) {
        memcpy(n->name, name, NAME);
    }
    return n;
}

/* {method} or {method variant} before a reduction */
static node *parse_cell(parser *p) {
    const char *start = p->at++;
    char method[NAME], variant[NAME] = "-";
    int read = 0;
    if (sscanf(p->at, " %31[^ \t{}] %n", method, &read) != 1 || read == 0) {
        return complain(p, start, "'{method}' or '{method variant}'");
    }
    p->at += read;
    if (*p->at != '}') {
        read = 0;
        if (sscanf(p->at, "%31[^ \t{}] %n", variant, &read) != 1 || read == 0) {
            return complain(p, p->at, "a variant or '}'");
        }
        p->at += read;
    }
    if (*p->at != '}' || p->in_column) {
        return complain(p, start, "'{method}' or '{method variant}' before a reduction");
    }
    p->at++;
    peek(p);
    const char *inner = p->at;
    node *n = isalpha((unsigned char)*inner) ? parse_named(p) : NULL;
    if (n == NULL || n->type != REDUCE) {
        return complain(p, inner, "a reduction after the cell");
    }
    memcpy(n->name, method, NAME);
    memcpy(n->variant, variant, NAME);
    return n;
}

static node *parse_atom(parser *p) {
    const char c = peek(p);
    if (isdigit((unsigned char)c) || c == '.') {
        return parse_number(p);
    }
    if (c == '$') {
        return parse_setting(p);
    }
    if (c == '{') {
        return parse_cell(p);
    }
    if (isalpha((unsigned char)c)) {
        return parse_named(p);
    }
    if (accept(p, '(')) {
        node *n = parse_sum(p);
        return n == NULL || accept(p, ')') ? n : complain(p, p->at, "')'");
    }
    return complain(p, p->at, "a number, a function, a $setting or '('");
}

static node *parse_factor(parser *p) {
    if (p->depth == MAX_DEPTH) {
        return complain(p, p->at, "less nesting");
    }
    p->depth++;
    node *n;
    if (accept(p, '-')) {
        node *arg = parse_factor(p);
        n = arg == NULL ? NULL : make(p, NEGATE);
        if (n != NULL) {
            n->args[0] = arg;
        }
    } else {
        n = parse_atom(p);
    }
    p->depth--;
    return n;
}

/* left-associative chain of two operators over the next level of precedence */
static node *parse_chain(parser *p, const char *ops, node *(*next)(parser *)) {
    node *left = next(p);
    while (left != NULL && peek(p) != '\0' && strchr(ops, *p->at) != NULL) {
        const char op = *p->at++;
        node *right = next(p);
        node *n = right == NULL ? NULL : make(p, BINARY);
        if (n != NULL) {
            n->op = op;
            n->args[0] = left;
            n->args[1] = right;
        }
        left = n;
    }
    return left;
}

static node *parse_product(parser *p) {
    return parse_chain(p, "*/", parse_factor);
}

static node *parse_sum(parser *p) {
    return parse_chain(p, "+-", parse_product);
}

jebm_status jebm_expr_parse(const char *text, jebm_expr **expr, jebm_error *err) {
    jebm_expr *e = calloc(1, sizeof *e);
    if (e == NULL) {
        return jebm_fail(err, JEBM_ENOMEM, "no memory for an expression");
    }
    jebm_error why = {0};
    parser p = {.e = e, .text = text, .at = text, .err = &why};
    e->root = parse_sum(&p);
    if (e->root != NULL && peek(&p) != '\0') {
        e->root = complain(&p, p.at, "an operator or the end");
    }
    if (e->root == NULL) {
        jebm_expr_free(e);
        return jebm_fail(err, JEBM_EINVAL, "%s", why.text);
    }
    *expr = e;
    return JEBM_OK;
}

void jebm_expr_free(jebm_expr *expr) {
    free(expr);
}

bool jebm_expr_is_across(const jebm_expr *expr) {
    return expr->across;
}

bool jebm_expr_needs_method(const jebm_expr *expr) {
    bool needs = false;
    for (size_t i = 0; i < expr->count; i++) {
        needs |= expr->nodes[i].type == REDUCE && expr->nodes[i].name[0] == '\0';
    }
    return needs;
}
