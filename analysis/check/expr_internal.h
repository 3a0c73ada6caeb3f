/* The tree of an expression, shared by its parser and its evaluation.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_ANALYSIS_EXPR_INTERNAL_H
#define JEBM_ANALYSIS_EXPR_INTERNAL_H

#include "expr.h"

enum { MAX_ARGS = 8, MAX_NODES = 256, MAX_DEPTH = 64, NAME = 32 };

typedef enum kind {
    NUMBER,
    LAST_STEP,
    SETTING,
    COLUMN,
    NEGATE,
    BINARY,
    SCALAR,
    ACROSS,
    REDUCE
} kind;

/* functions: name, kind, fewest and most arguments */
#define FUNCTIONS(X)                 \
    X(abs, SCALAR, 1, 1)             \
    X(log, SCALAR, 1, 1)             \
    X(sqrt, SCALAR, 1, 1)            \
    X(least, SCALAR, 1, MAX_ARGS)    \
    X(greatest, SCALAR, 1, MAX_ARGS) \
    X(spread, ACROSS, 1, 1)          \
    X(lowest, ACROSS, 1, 1)          \
    X(highest, ACROSS, 1, 1)         \
    X(last, REDUCE, 1, 1)            \
    X(at, REDUCE, 2, 2)              \
    X(below, REDUCE, 2, 2)           \
    X(crossings, REDUCE, 2, 2)       \
    X(mean, REDUCE, 1, 3)            \
    X(min, REDUCE, 1, 3)             \
    X(max, REDUCE, 1, 3)             \
    X(argmin, REDUCE, 1, 3)          \
    X(argmax, REDUCE, 1, 3)          \
    X(slope, REDUCE, 1, 3)

typedef enum function {
#define X(name, type, fewest, most) F_##name,
    FUNCTIONS(X)
#undef X
        NFUNCTIONS
} function;

typedef struct node {
    kind type;
    double number; /* NUMBER; the factor of LAST_STEP */
    char name[NAME]; /* SETTING, COLUMN; the method of a REDUCE in another cell, else empty */
    char variant[NAME];
    char op; /* BINARY */
    function f;
    struct node *args[MAX_ARGS];
    size_t nargs;
} node;

struct jebm_expr {
    node nodes[MAX_NODES];
    size_t count;
    node *root;
    bool across;
};

/* Name of a function as it stands in an expression. */
const char *jebm_expr_function_name(function f);

#endif
