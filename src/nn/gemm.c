/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nn/gemm_internal.h"

#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[JEBM_GEMM_COUNT] = {"reference", "openblas", "onednn", "bf16"};

struct jebm_product {
    jebm_gemm_backend backend;
    jebm_product_shape shape;
    jebm_dnnl_product *dnnl; /* NULL with the others */
};

struct jebm_operand {
    float *values; /* [k][ldb]; NULL with oneDNN */
    jebm_dnnl_operand *dnnl;
};

struct jebm_product_call {
    jebm_dnnl_call *dnnl;
};

/* ---- which there are ------------------------------------------------------------------------ */

const char *jebm_gemm_name(jebm_gemm_backend backend) {
    return (size_t)backend < JEBM_GEMM_COUNT ? names[backend] : NULL;
}

bool jebm_gemm_available(jebm_gemm_backend backend) {
    switch (backend) {
    case JEBM_GEMM_REFERENCE:
    case JEBM_GEMM_OPENBLAS:
        return true;
    case JEBM_GEMM_ONEDNN:
    case JEBM_GEMM_BF16:
        return jebm_dnnl_available(jebm_gemm_is_half(backend));
    default:
        return false;
    }
}

jebm_gemm_backend jebm_gemm_default(void) {
    return jebm_gemm_available(JEBM_GEMM_ONEDNN) ? JEBM_GEMM_ONEDNN : JEBM_GEMM_OPENBLAS;
}

bool jebm_gemm_version(jebm_gemm_backend backend, char text[160]) {
    if (backend == JEBM_GEMM_OPENBLAS) {
        snprintf(text, 160, "%s", openblas_get_config());
        return true;
    }
    return (backend == JEBM_GEMM_ONEDNN || backend == JEBM_GEMM_BF16) && jebm_dnnl_version(text);
}

#define WARNING(core)                                                                          \
    "OpenBLAS does not know this CPU and uses kernels of an older one, without AVX2: set the " \
    "environment variable OPENBLAS_CORETYPE=" core " before the program starts"

const char *jebm_gemm_warning(void) {
#if defined(__x86_64__)
    /* the slow ones, which are not going to become more */
    static const char *const old[] = {
        "Katmai",    "Coppermine", "Northwood", "Prescott",    "Banias", "Atom",    "Core2",
        "Penryn",    "Dunnington", "Nehalem",   "Sandybridge", "Athlon", "Opteron", "Opteron_SSE3",
        "Barcelona", "Bobcat",     "Bulldozer", "Piledriver",  "Nano"};
    if (!__builtin_cpu_supports("avx2")) {
        return NULL;
    }
    const char *core = openblas_get_corename();
    for (size_t i = 0; i < sizeof old / sizeof old[0]; i++) {
        if (strcmp(core, old[i]) == 0) {
            return __builtin_cpu_supports("avx512f") ? WARNING("SkylakeX") : WARNING("Haswell");
        }
    }
#endif
    return NULL;
}

/* ---- products ------------------------------------------------------------------------------- */

static jebm_status create(jebm_product *p, jebm_error *err) {
    switch (p->backend) {
    case JEBM_GEMM_ONEDNN:
    case JEBM_GEMM_BF16:
        return jebm_dnnl_product_new(jebm_gemm_is_half(p->backend), &p->shape, &p->dnnl, err);
    case JEBM_GEMM_OPENBLAS:
        /* threads are the callers' */
        openblas_set_num_threads(1);
        return JEBM_OK;
    default:
        return JEBM_OK;
    }
}

jebm_status jebm_product_new(jebm_gemm_backend backend, const jebm_product_shape *shape,
                             jebm_product **out, jebm_error *err) {
    *out = NULL;
    if (!jebm_gemm_available(backend)) {
        return jebm_fail(err, JEBM_EUNSUPPORTED,
                         "matrix products: back end %s is not in this build or not for this CPU; "
                         "%s is there",
                         names[backend], names[jebm_gemm_default()]);
    }
    jebm_product *p = calloc(1, sizeof *p);
    if (p == NULL) {
        return jebm_fail(err, JEBM_ENOMEM, "matrix products: not enough memory");
    }
    p->backend = backend;
    p->shape = *shape;
    const jebm_status status = create(p, err);
    if (status != JEBM_OK) {
        jebm_product_free(p);
        return status;
    }
    *out = p;
    return JEBM_OK;
}

void jebm_product_free(jebm_product *p) {
    if (p != NULL) {
        jebm_dnnl_product_free(p->dnnl);
    }
    free(p);
}

size_t jebm_product_scratch(const jebm_product *p) {
    return p->dnnl != NULL ? jebm_dnnl_scratch(p->dnnl) : 0;
}

/* ---- operands and calls --------------------------------------------------------------------- */

jebm_operand *jebm_operand_new(const jebm_product *p) {
    jebm_operand *b = calloc(1, sizeof *b);
    if (b == NULL) {
        return NULL;
    }
    if (p->dnnl != NULL) {
        b->dnnl = jebm_dnnl_operand_new(p->dnnl);
    } else {
        b->values = calloc(p->shape.k * p->shape.ldb, sizeof *b->values);
    }
    if (b->dnnl == NULL && b->values == NULL) {
        free(b);
        return NULL;
    }
    return b;
}

void jebm_operand_free(jebm_operand *b) {
    if (b != NULL) {
        jebm_dnnl_operand_free(b->dnnl);
        free(b->values);
    }
    free(b);
}

void jebm_operand_set(const jebm_product *p, jebm_operand *b, const float *from) {
    if (b->dnnl != NULL) {
        jebm_dnnl_operand_set(p->dnnl, b->dnnl, from);
    } else {
        memcpy(b->values, from, p->shape.k * p->shape.ldb * sizeof *from);
    }
}

jebm_product_call *jebm_product_call_new(const jebm_product *p, void *scratch) {
    jebm_product_call *call = calloc(1, sizeof *call);
    if (call != NULL && p->dnnl != NULL) {
        call->dnnl = jebm_dnnl_call_new(p->dnnl, scratch);
        if (call->dnnl == NULL) {
            free(call);
            call = NULL;
        }
    }
    return call;
}

void jebm_product_call_free(jebm_product_call *call) {
    if (call != NULL) {
        jebm_dnnl_call_free(call->dnnl);
    }
    free(call);
}

/* ---- what they do --------------------------------------------------------------------------- */

static void run_reference(const jebm_product_shape *s, const float *a, const float *b, float *c) {
    for (size_t i = 0; i < s->m; i++) {
        for (size_t j = 0; j < s->n; j++) {
            double sum = s->accumulate ? c[i * s->ldc + j] : 0.0;
            for (size_t l = 0; l < s->k; l++) {
                const float left = s->transposed ? a[l * s->lda + i] : a[i * s->lda + l];
                sum += (double)left * (double)b[l * s->ldb + j];
            }
            c[i * s->ldc + j] = (float)sum;
        }
    }
}

/* OpenBLAS's Fortran entry: its cblas_sgemm has the name of GSL's, which is slow and found first.
 * In Fortran's order of elements the transposed arrays stand there, and C' = B' op(A)'. */
void sgemm_(const char *op_b, const char *op_a, const blasint *n, const blasint *m,
            const blasint *k, const float *alpha, const float *b, const blasint *ldb,
            const float *a, const blasint *lda, const float *beta, float *c, const blasint *ldc);

/* group by group, for a row's rounding depends on where it stands among those of a call */
static void run_openblas(const jebm_product_shape *s, const float *a, const float *b, float *c) {
    const blasint m = (blasint)s->group, n = (blasint)s->n, k = (blasint)s->k;
    const blasint lda = (blasint)s->lda, ldb = (blasint)s->ldb, ldc = (blasint)s->ldc;
    const float alpha = 1.0f, beta = s->accumulate ? 1.0f : 0.0f;
    for (size_t i = 0; i < s->m; i += s->group) {
        sgemm_("N", s->transposed ? "T" : "N", &n, &m, &k, &alpha, b, &ldb,
               a + i * (s->transposed ? 1 : s->lda), &lda, &beta, c + i * s->ldc, &ldc);
    }
}

void jebm_product_run(const jebm_product *p, jebm_product_call *call, const void *a,
                      const void *plain, const jebm_operand *prepared, float *c) {
    if (p->dnnl != NULL) {
        jebm_dnnl_run(p->dnnl, call->dnnl, a, plain, prepared != NULL ? prepared->dnnl : NULL, c);
        return;
    }
    const float *b = prepared != NULL ? prepared->values : plain;
    if (p->backend == JEBM_GEMM_OPENBLAS) {
        run_openblas(&p->shape, a, b, c);
    } else {
        run_reference(&p->shape, a, b, c);
    }
}
