/* Stands in for gemm_onednn.c in a build without oneDNN. Since nothing is available nothing is ever
 * made, and what works on it is not called, or with NULL only.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "nn/gemm_internal.h"

bool jebm_dnnl_version(char text[160]) {
    (void)text;
    return false;
}

bool jebm_dnnl_available(bool half) {
    (void)half;
    return false;
}

jebm_status jebm_dnnl_product_new(bool half, const jebm_product_shape *shape,
                                  jebm_dnnl_product **out, jebm_error *err) {
    (void)half, (void)shape;
    *out = NULL;
    return jebm_fail(err, JEBM_EUNSUPPORTED, "this build is without oneDNN");
}

void jebm_dnnl_product_free(jebm_dnnl_product *p) {
    (void)p;
}

size_t jebm_dnnl_scratch(const jebm_dnnl_product *p) {
    (void)p;
    return 0;
}

jebm_dnnl_operand *jebm_dnnl_operand_new(const jebm_dnnl_product *p) {
    (void)p;
    return NULL;
}

void jebm_dnnl_operand_free(jebm_dnnl_operand *b) {
    (void)b;
}

void jebm_dnnl_operand_set(const jebm_dnnl_product *p, jebm_dnnl_operand *b, const float *from) {
    (void)p, (void)b, (void)from;
}

jebm_dnnl_call *jebm_dnnl_call_new(const jebm_dnnl_product *p, void *scratch) {
    (void)p, (void)scratch;
    return NULL;
}

void jebm_dnnl_call_free(jebm_dnnl_call *call) {
    (void)call;
}

void jebm_dnnl_run(const jebm_dnnl_product *p, jebm_dnnl_call *call, const void *a,
                   const void *plain, const jebm_dnnl_operand *prepared, float *c) {
    (void)p, (void)call, (void)a, (void)plain, (void)prepared, (void)c;
}
