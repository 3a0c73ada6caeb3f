/* Products of one fixed shape, made once and run by many threads: C = op(A) B or C += op(A) B, with
 * A [m][k] (or [k][m], transposed) and B [k][n] of the back end's element type, C [m][n] of floats.
 *
 * A product is immutable. An operand holds a B in the layout that the back end likes best; a call
 * holds what one thread needs.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_GEMM_INTERNAL_H
#define JEBM_GEMM_INTERNAL_H

#include "nn/gemm.h"

#include <stdint.h>

typedef struct jebm_product jebm_product;
typedef struct jebm_operand jebm_operand;
typedef struct jebm_product_call jebm_product_call;

typedef struct jebm_product_shape {
    size_t m, n, k;
    size_t lda, ldb, ldc; /* elements from row to row */
    size_t
        group; /* divides m; equal groups of this many rows give equal results, wherever they are */
    bool transposed; /* A is stored [k][m] */
    bool prepared; /* B is a jebm_operand; else a plain array [k][ldb] */
    bool accumulate; /* C += */
} jebm_product_shape;

/* bf16: the upper half of a float, rounded to nearest even */
static inline bool jebm_gemm_is_half(jebm_gemm_backend backend) {
    return backend == JEBM_GEMM_BF16;
}

/* JEBM_EUNSUPPORTED if the back end is not available or refuses the shape; JEBM_ENOMEM. */
jebm_status jebm_product_new(jebm_gemm_backend backend, const jebm_product_shape *shape,
                             jebm_product **out, jebm_error *err);
void jebm_product_free(jebm_product *p);

/* bytes of scratch that a call needs, and of an operand's array */
size_t jebm_product_scratch(const jebm_product *p);

/* NULL if there is not enough memory. */
jebm_operand *jebm_operand_new(const jebm_product *p);
void jebm_operand_free(jebm_operand *b);
/* from [k][ldb] floats */
void jebm_operand_set(const jebm_product *p, jebm_operand *b, const float *from);

/* scratch: borrowed, 64-byte aligned, shared by calls that do not run at the same time. NULL if
 * there is not enough memory. */
jebm_product_call *jebm_product_call_new(const jebm_product *p, void *scratch);
void jebm_product_call_free(jebm_product_call *call);

/* b: plain, or prepared, as the shape says; the other is NULL */
void jebm_product_run(const jebm_product *p, jebm_product_call *call, const void *a,
                      const void *plain, const jebm_operand *prepared, float *c);

/* ---- oneDNN's part: gemm_onednn.c, or gemm_without_onednn.c, where nothing is available ------ */

typedef struct jebm_dnnl_product jebm_dnnl_product;
typedef struct jebm_dnnl_operand jebm_dnnl_operand;
typedef struct jebm_dnnl_call jebm_dnnl_call;

bool jebm_dnnl_available(bool half);
/* false without oneDNN */
bool jebm_dnnl_version(char text[160]);
jebm_status jebm_dnnl_product_new(bool half, const jebm_product_shape *shape,
                                  jebm_dnnl_product **out, jebm_error *err);
void jebm_dnnl_product_free(jebm_dnnl_product *p);
size_t jebm_dnnl_scratch(const jebm_dnnl_product *p);
jebm_dnnl_operand *jebm_dnnl_operand_new(const jebm_dnnl_product *p);
void jebm_dnnl_operand_free(jebm_dnnl_operand *b);
void jebm_dnnl_operand_set(const jebm_dnnl_product *p, jebm_dnnl_operand *b, const float *from);
jebm_dnnl_call *jebm_dnnl_call_new(const jebm_dnnl_product *p, void *scratch);
void jebm_dnnl_call_free(jebm_dnnl_call *call);
void jebm_dnnl_run(const jebm_dnnl_product *p, jebm_dnnl_call *call, const void *a,
                   const void *plain, const jebm_dnnl_operand *prepared, float *c);
#endif
