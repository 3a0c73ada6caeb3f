/* A short run of a target without libFuzzer: on every file of a corpus, and on as many mutations of
 * each as asked for, always the same ones.
 *
 *     fuzz_TARGET MUTATIONS DIRECTORY
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "fuzz.h"

#include <dirent.h>
#include <string.h>

#define SIZE_MAX_INPUT 65536

static uint32_t state;

/* Numerical Recipes' generator; its high bits will do. */
static size_t below(size_t n) {
    state = state * 1664525 + 1013904223;
    return (size_t)(((uint64_t)state * n) >> 32);
}

/* Flip a bit, set a byte, cut, or copy a piece of it over another; some of these, one after
 * another. */
static size_t mutate(uint8_t *bytes, size_t size) {
    for (size_t steps = 1 + below(4); steps > 0 && size > 0; steps--) {
        const size_t at = below(size);
        switch (below(4)) {
        case 0:
            bytes[at] = (uint8_t)(bytes[at] ^ 1U << below(8));
            break;
        case 1:
            bytes[at] = (uint8_t)below(256);
            break;
        case 2:
            size = at;
            break;
        default: {
            const size_t from = below(size), larger = at > from ? at : from;
            memmove(bytes + at, bytes + from, below(size - larger) + 1);
        }
        }
    }
    return size;
}

/* An exact copy each time, so that a sanitizer sees what is read behind the end. */
static void run(const uint8_t *bytes, size_t size) {
    uint8_t *copy = malloc(size > 0 ? size : 1);
    require(copy != NULL);
    memcpy(copy, bytes, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static void replay(const char *directory, const char *name, size_t mutations) {
    static uint8_t original[SIZE_MAX_INPUT], bytes[SIZE_MAX_INPUT];
    char path[4096];
    require((size_t)snprintf(path, sizeof path, "%s/%s", directory, name) < sizeof path);
    FILE *in = fopen(path, "rb");
    require(in != NULL);
    const size_t size = fread(original, 1, sizeof original, in);
    require(size < sizeof original);
    fclose(in);
    // a crash is in the file named last
    printf("%s: %zu bytes\n", name, size);
    fflush(stdout);
    run(original, size);
    state = 1;
    for (size_t i = 0; i < mutations; i++) {
        memcpy(bytes, original, size);
        run(bytes, mutate(bytes, size));
    }
}

static int visible(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

int main(int argc, char **argv) {
    require(argc == 3);
    struct dirent **entries;
    const int n = scandir(argv[2], &entries, visible, alphasort);
    require(n > 0);
    for (int i = 0; i < n; i++) {
        replay(argv[2], entries[i]->d_name, strtoul(argv[1], NULL, 10));
        free(entries[i]);
    }
    free(entries);
    return 0;
}
