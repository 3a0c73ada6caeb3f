/* Where data sets lie: directories, files and the digests of the published ones.
 *
 * A set in the form of MNIST is four files, DIRECTORY/{train,t10k}-{images-idx3,labels-idx1}-ubyte,
 * each plain or .gz; the plain one is read if both are there.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_FILES_H
#define JEBM_FILES_H

#include "core/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define JEBM_PATH_SIZE 4096

typedef enum jebm_split { JEBM_TRAIN, JEBM_TEST } jebm_split;

/* The directory of a set ("mnist", "fashion-mnist"). BASE is option (--data; NULL: not given), else
 * $JEBM_DATA, else $XDG_CACHE_HOME/jebm, else ~/.cache/jebm; the files are in BASE/SET or in BASE
 * itself. Without an option the place where Debian's package dataset-fashion-mnist puts that set is
 * tried last.
 *   path  [size]  out  the directory
 *
 * Errors   JEBM_EIO: says what is missing, where it looked, and the command that gets it;
 *          JEBM_EINVAL for a path longer than size or JEBM_PATH_SIZE. */
JEBM_API jebm_status jebm_data_directory(const char *option, const char *set, char *path,
                                         size_t size, jebm_error *err);

/* The two files of one part of a set. Errors   JEBM_EIO: names the one that is missing. */
JEBM_API jebm_status jebm_mnist_find(const char *directory, jebm_split split,
                                     char images[JEBM_PATH_SIZE], char labels[JEBM_PATH_SIZE],
                                     jebm_error *err);

/* Is this digest of jebm_mnist_load() that of the published set ("mnist" or "fashion-mnist")? Plain
 * files hold no checksum: a flipped bit, or another set's files, shows nowhere else.
 *
 * Errors   JEBM_EMISMATCH if not; JEBM_EINVAL for a set of unknown digest. */
JEBM_API jebm_status jebm_mnist_verify(const char *set, jebm_split split, const char *digest,
                                       const char *directory, jebm_error *err);

#ifdef __cplusplus
}
#endif

#endif
