/* oneDNN's matmul behind the seam.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "nn/gemm_internal.h"

#include <dnnl.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef _OPENMP
#include <omp.h>
#else
/* in a build without OpenMP oneDNN still brings it */
int omp_get_max_threads(void);
void omp_set_num_threads(int threads);
#endif

struct jebm_dnnl_product {
    jebm_product_shape shape;
    bool half;
    dnnl_engine_t engine;
    dnnl_primitive_desc_t desc;
    dnnl_primitive_t primitive;
    const dnnl_memory_desc_t *a, *b, *c, *scratchpad; /* of desc */
    size_t scratch; /* bytes */
    dnnl_memory_desc_t plain_b; /* an operand's source */
    dnnl_primitive_t reorder; /* from plain_b to b; NULL unless B is prepared */
};

struct jebm_dnnl_operand {
    dnnl_stream_t stream;
    dnnl_memory_t from, to;
    void *data;
};

struct jebm_dnnl_call {
    dnnl_stream_t stream;
    dnnl_memory_t a, b, c, scratchpad;
};

bool jebm_dnnl_version(char text[160]) {
    const dnnl_version_t *v = dnnl_version();
    snprintf(text, 160, "%d.%d.%d", v->major, v->minor, v->patch);
    return true;
}

/* below AVX-512 oneDNN has no products in bf16 */
bool jebm_dnnl_available(bool half) {
    return !half ||
           (dnnl_get_effective_cpu_isa() & dnnl_cpu_isa_avx512_core) == dnnl_cpu_isa_avx512_core;
}

/* Threads are the callers': oneDNN shall neither start any nor cut its work, and with it the order
 * of sums, by how many there are. It asks OpenMP, when a primitive is made and when some are run.
 */
static int alone(void) {
    const int threads = omp_get_max_threads();
    omp_set_num_threads(1);
    return threads;
}

static void not_alone(int threads) {
    omp_set_num_threads(threads);
}

/* a 2-d array with a row stride, stored transposed or not */
static void matrix(dnnl_memory_desc_t *desc, dnnl_data_type_t type, size_t rows, size_t columns,
                   size_t stride, bool transposed) {
    const dnnl_dims_t dims = {(dnnl_dim_t)rows, (dnnl_dim_t)columns};
    const dnnl_dims_t strides = {transposed ? 1 : (dnnl_dim_t)stride,
                                 transposed ? (dnnl_dim_t)stride : 1};
    dnnl_memory_desc_init_by_strides(desc, 2, dims, type, strides);
}

static dnnl_status_t describe(jebm_dnnl_product *p) {
    const jebm_product_shape *s = &p->shape;
    const dnnl_data_type_t type = p->half ? dnnl_bf16 : dnnl_f32;
    dnnl_memory_desc_t a, b, c;
    matrix(&a, type, s->m, s->k, s->lda, s->transposed);
    matrix(&b, type, s->k, s->n, s->ldb, false);
    matrix(&c, dnnl_f32, s->m, s->n, s->ldc, false);
    matrix(&p->plain_b, dnnl_f32, s->k, s->n, s->ldb, false);
    if (s->prepared) {
        const dnnl_dims_t dims = {(dnnl_dim_t)s->k, (dnnl_dim_t)s->n};
        dnnl_memory_desc_init_by_tag(&b, 2, dims, type, dnnl_format_tag_any);
    }
    dnnl_primitive_attr_t attr = NULL;
    dnnl_post_ops_t after = NULL;
    dnnl_status_t status = dnnl_primitive_attr_create(&attr);
    if (status == dnnl_success) {
        status = dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user);
    }
    if (status == dnnl_success && s->accumulate) {
        status = dnnl_post_ops_create(&after);
        if (status == dnnl_success) {
            dnnl_post_ops_append_sum(after, 1.0f);
            status = dnnl_primitive_attr_set_post_ops(attr, after);
        }
    }
    dnnl_matmul_desc_t matmul;
    if (status == dnnl_success) {
        status = dnnl_matmul_desc_init(&matmul, &a, &b, NULL, &c);
    }
    if (status == dnnl_success) {
        status = dnnl_primitive_desc_create(&p->desc, &matmul, attr, p->engine, NULL);
    }
    dnnl_post_ops_destroy(after);
    dnnl_primitive_attr_destroy(attr);
    return status;
}

static dnnl_status_t make_reorder(jebm_dnnl_product *p) {
    dnnl_primitive_desc_t desc = NULL;
    dnnl_status_t status =
        dnnl_reorder_primitive_desc_create(&desc, &p->plain_b, p->engine, p->b, p->engine, NULL);
    if (status == dnnl_success) {
        status = dnnl_primitive_create(&p->reorder, desc);
    }
    dnnl_primitive_desc_destroy(desc);
    return status;
}

static dnnl_status_t create(jebm_dnnl_product *p) {
    dnnl_status_t status = dnnl_engine_create(&p->engine, dnnl_cpu, 0);
    if (status == dnnl_success) {
        status = describe(p);
    }
    if (status == dnnl_success) {
        status = dnnl_primitive_create(&p->primitive, p->desc);
    }
    if (status == dnnl_success) {
        p->a = dnnl_primitive_desc_query_md(p->desc, dnnl_query_src_md, 0);
        p->b = dnnl_primitive_desc_query_md(p->desc, dnnl_query_weights_md, 0);
        p->c = dnnl_primitive_desc_query_md(p->desc, dnnl_query_dst_md, 0);
        p->scratchpad = dnnl_primitive_desc_query_md(p->desc, dnnl_query_scratchpad_md, 0);
        p->scratch = dnnl_memory_desc_get_size(p->scratchpad);
        if (p->shape.prepared) {
            status = make_reorder(p);
        }
    }
    return status;
}

jebm_status jebm_dnnl_product_new(bool half, const jebm_product_shape *shape,
                                  jebm_dnnl_product **out, jebm_error *err) {
    *out = NULL;
    jebm_dnnl_product *p = calloc(1, sizeof *p);
    if (p == NULL) {
        return jebm_fail(err, JEBM_ENOMEM, "matrix products: not enough memory");
    }
    p->shape = *shape;
    p->half = half;
    const int threads = alone();
    const dnnl_status_t status = create(p);
    not_alone(threads);
    if (status != dnnl_success) {
        jebm_dnnl_product_free(p);
        return jebm_fail(err, status == dnnl_out_of_memory ? JEBM_ENOMEM : JEBM_EUNSUPPORTED,
                         "oneDNN refuses the %s product %zu x %zu x %zu (status %d); choose "
                         "another back end",
                         half ? "bf16" : "fp32", shape->m, shape->n, shape->k, (int)status);
    }
    *out = p;
    return JEBM_OK;
}

void jebm_dnnl_product_free(jebm_dnnl_product *p) {
    if (p == NULL) {
        return;
    }
    dnnl_primitive_destroy(p->reorder);
    dnnl_primitive_destroy(p->primitive);
    dnnl_primitive_desc_destroy(p->desc);
    dnnl_engine_destroy(p->engine);
    free(p);
}

size_t jebm_dnnl_scratch(const jebm_dnnl_product *p) {
    return p->scratch;
}

static dnnl_memory_t memory_of(const dnnl_memory_desc_t *desc, dnnl_engine_t engine, void *data) {
    dnnl_memory_t memory = NULL;
    return dnnl_memory_create(&memory, desc, engine, data) == dnnl_success ? memory : NULL;
}

static dnnl_stream_t stream_of(dnnl_engine_t engine) {
    dnnl_stream_t stream = NULL;
    return dnnl_stream_create(&stream, engine, dnnl_stream_default_flags) == dnnl_success ? stream
                                                                                          : NULL;
}

jebm_dnnl_operand *jebm_dnnl_operand_new(const jebm_dnnl_product *p) {
    jebm_dnnl_operand *b = calloc(1, sizeof *b);
    if (b == NULL) {
        return NULL;
    }
    const size_t bytes = dnnl_memory_desc_get_size(p->b);
    b->data = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (b->data != NULL) {
        b->stream = stream_of(p->engine);
        b->from = memory_of(&p->plain_b, p->engine, DNNL_MEMORY_NONE);
        b->to = memory_of(p->b, p->engine, b->data);
    }
    if (b->stream == NULL || b->from == NULL || b->to == NULL) {
        jebm_dnnl_operand_free(b);
        return NULL;
    }
    return b;
}

void jebm_dnnl_operand_free(jebm_dnnl_operand *b) {
    if (b == NULL) {
        return;
    }
    dnnl_memory_destroy(b->to);
    dnnl_memory_destroy(b->from);
    dnnl_stream_destroy(b->stream);
    free(b->data);
    free(b);
}

/* oneDNN only reads what it gets as a source, but its handles know no const */
static void *unconst(const void *p) {
    union {
        const void *in;
        void *out;
    } u = {.in = p};
    return u.out;
}

void jebm_dnnl_operand_set(const jebm_dnnl_product *p, jebm_dnnl_operand *b, const float *from) {
    dnnl_memory_set_data_handle(b->from, unconst(from));
    const dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, b->from}, {DNNL_ARG_TO, b->to}};
    const int threads = alone();
    dnnl_primitive_execute(p->reorder, b->stream, 2, args);
    not_alone(threads);
}

jebm_dnnl_call *jebm_dnnl_call_new(const jebm_dnnl_product *p, void *scratch) {
    jebm_dnnl_call *call = calloc(1, sizeof *call);
    if (call == NULL) {
        return NULL;
    }
    call->stream = stream_of(p->engine);
    call->a = memory_of(p->a, p->engine, DNNL_MEMORY_NONE);
    call->b = memory_of(p->b, p->engine, DNNL_MEMORY_NONE);
    call->c = memory_of(p->c, p->engine, DNNL_MEMORY_NONE);
    call->scratchpad = memory_of(p->scratchpad, p->engine, scratch);
    if (call->stream == NULL || call->a == NULL || call->b == NULL || call->c == NULL ||
        call->scratchpad == NULL) {
        jebm_dnnl_call_free(call);
        return NULL;
    }
    return call;
}

void jebm_dnnl_call_free(jebm_dnnl_call *call) {
    if (call == NULL) {
        return;
    }
    dnnl_memory_destroy(call->a);
    dnnl_memory_destroy(call->b);
    dnnl_memory_destroy(call->c);
    dnnl_memory_destroy(call->scratchpad);
    dnnl_stream_destroy(call->stream);
    free(call);
}

void jebm_dnnl_run(const jebm_dnnl_product *p, jebm_dnnl_call *call, const void *a,
                   const void *plain, const jebm_dnnl_operand *prepared, float *c) {
    dnnl_memory_set_data_handle(call->a, unconst(a));
    dnnl_memory_set_data_handle(call->b, prepared != NULL ? prepared->data : unconst(plain));
    dnnl_memory_set_data_handle(call->c, c);
    const dnnl_exec_arg_t args[] = {{DNNL_ARG_SRC, call->a},
                                    {DNNL_ARG_WEIGHTS, call->b},
                                    {DNNL_ARG_DST, call->c},
                                    {DNNL_ARG_SCRATCHPAD, call->scratchpad}};
    const int threads = alone();
    dnnl_primitive_execute(p->primitive, call->stream, 4, args);
    not_alone(threads);
}
