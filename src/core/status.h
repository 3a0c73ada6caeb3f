/* Status codes, error texts and named state arrays: the vocabulary every other room shares.
 *
 * One convention everywhere: a function that can fail returns jebm_status, 0 (JEBM_OK) is success,
 * results travel through pointers. Nothing in the library prints or exits; only app/ and the
 * drivers do.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_STATUS_H
#define JEBM_STATUS_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define JEBM_API __attribute__((visibility("default")))
#define JEBM_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define JEBM_API
#define JEBM_PRINTF(fmt, args)
#endif

/* code, exit status of a program that ends with it, text */
#define JEBM_STATUS_LIST(X)                                          \
    X(JEBM_OK, 0, "success")                                         \
    X(JEBM_EINVAL, 2, "invalid argument or setting")                 \
    X(JEBM_ENOMEM, 1, "not enough memory")                           \
    X(JEBM_EIO, 1, "input or output failed")                         \
    X(JEBM_EFORMAT, 1, "malformed or foreign file")                  \
    X(JEBM_EMISMATCH, 1, "data of another run or shape")             \
    X(JEBM_EDIVERGE, 1, "the run diverged")                          \
    X(JEBM_EUNSUPPORTED, 1, "not supported by this energy or build") \
    X(JEBM_EINTERRUPT, 130, "interrupted")                           \
    X(JEBM_ECLAIM, 3, "a claim's verdict is worse than the reference's")

typedef enum jebm_status {
#define JEBM_X(code, exit_status, text) code,
    JEBM_STATUS_LIST(JEBM_X)
#undef JEBM_X
} jebm_status;

/* Static text of a status; never NULL. */
JEBM_API const char *jebm_status_text(jebm_status status);

/* Exit status that a program reports for it (0, 1, 2, 3 or 130). */
JEBM_API int jebm_status_exit(jebm_status status);

/* What went wrong, as one line without a newline: file and place, what was found, what was
 * expected, what to do. */
typedef struct jebm_error {
    jebm_status status;
    char text[768];
} jebm_error;

/* Fill err (may be NULL) with a printf-style line and return status, so that callers can write
 * `return jebm_fail(err, JEBM_EINVAL, "...")`. Texts longer than the buffer are cut. */
JEBM_API jebm_status jebm_fail(jebm_error *err, jebm_status status, const char *format, ...)
    JEBM_PRINTF(3, 4);

/* Evaluate a call; leave the enclosing function with its status unless it is JEBM_OK. */
#define JEBM_TRY(call)                               \
    do {                                             \
        const jebm_status jebm_try_status_ = (call); \
        if (jebm_try_status_ != JEBM_OK) {           \
            return jebm_try_status_;                 \
        }                                            \
    } while (0)

/* A named array: how a live object lists the state that a checkpoint must hold.
 * data is borrowed and writable; shape[0..rank) are the extents, row-major, rank <= 4. */
typedef enum jebm_type { JEBM_F32, JEBM_F64, JEBM_U32, JEBM_U64 } jebm_type;

#define JEBM_ARRAY_RANK 4
typedef struct jebm_array {
    char name[48];
    jebm_type type;
    size_t rank;
    size_t shape[JEBM_ARRAY_RANK];
    void *data;
} jebm_array;

#ifdef __cplusplus
}
#endif

#endif
