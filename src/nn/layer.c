/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/isa.h"
#include "core/kernel.h"
#include "nn/layer_internal.h"

const jebm_layer_kernels *jebm_layers(void) {
    static const jebm_layer_kernels *const table[JEBM_ISA_COUNT] = JEBM_PICK(jebm_layer_kernels);
    return table[jebm_isa_current()];
}
