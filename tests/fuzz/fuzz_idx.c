/* The IDX reader on any bytes: refuses in one line or gives an array that is all there.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "data/idx.h"

#include "fuzz.h"

#include <string.h>

static void read_as(const uint8_t *bytes, size_t size, size_t rank) {
    FILE *stream = fmemopen((void *)(uintptr_t)bytes, size, "r");
    require(stream != NULL);
    jebm_idx idx;
    jebm_error err = {0};
    const jebm_status status = jebm_idx_read_stream(stream, "input", rank, &idx, NULL, &err);
    fclose(stream);
    if (status != JEBM_OK) {
        require(idx.data == NULL && idx.rank == 0);
        require(status == JEBM_EFORMAT && err.status == status);
        require(strncmp(err.text, "input: ", 7) == 0 && strchr(err.text, '\n') == NULL);
        return;
    }
    size_t n = 1;
    for (size_t i = 0; i < rank; i++) {
        require(idx.shape[i] > 0 && n <= JEBM_IDX_SIZE_MAX / idx.shape[i]);
        n *= idx.shape[i];
    }
    // a sanitizer sees whether all are there
    uint8_t *copy = malloc(n);
    require(copy != NULL);
    memcpy(copy, idx.data, n);
    free(copy);
    jebm_idx_free(&idx);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    // fmemopen() takes no empty buffer
    if (size > 0) {
        read_as(bytes, size, 1);
        read_as(bytes, size, 3);
    }
    return 0;
}
