/* Checkpoints: named arrays and texts in one HDF5 file that appears whole or not at all.
 *
 * The file starts with a 512-byte block of text (a valid HDF5 user block, which HDF5's own tools
 * skip): format, schema version, length and SHA-256 of all that follows. It is checked before HDF5
 * sees a byte, so that a cut, foreign or damaged file is refused and never parsed.
 * Arrays are datasets GROUP/NAME, texts are scalar string datasets text/NAME or attributes of the
 * whole file. The same arrays and texts, put in the same order, are the same bytes.
 * HDF5 keeps global state: use these from one thread at a time.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_IO_CHECKPOINT_H
#define JEBM_IO_CHECKPOINT_H

#include "core/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct jebm_checkpoint jebm_checkpoint;

/* Start a checkpoint in memory; path is touched by commit only. */
JEBM_API jebm_status jebm_checkpoint_create(const char *path, jebm_checkpoint **checkpoint,
                                            jebm_error *err);
/* Copy an array (any extent may be 0) or a text into it; a name may be used once. */
JEBM_API jebm_status jebm_checkpoint_put(jebm_checkpoint *checkpoint, const char *group,
                                         const jebm_array *array, jebm_error *err);
JEBM_API jebm_status jebm_checkpoint_put_text(jebm_checkpoint *checkpoint, const char *name,
                                              const char *text, jebm_error *err);
/* Let GROUP/NAME be another name of the array TARGET ("group/name") that is there already. */
JEBM_API jebm_status jebm_checkpoint_link(jebm_checkpoint *checkpoint, const char *group,
                                          const char *name, const char *target, jebm_error *err);
/* Say something about the whole file, for whoever reads it with HDF5's own tools. */
JEBM_API jebm_status jebm_checkpoint_put_attribute(jebm_checkpoint *checkpoint, const char *name,
                                                   const char *text, jebm_error *err);
/* Write the file (io/atomic_file.h) and close the checkpoint whatever the outcome. */
JEBM_API jebm_status jebm_checkpoint_commit(jebm_checkpoint *checkpoint, jebm_error *err);

/* Open a file that commit wrote.
 *
 * Errors   JEBM_EIO if it cannot be read; JEBM_EFORMAT if it is cut, foreign, damaged or of another
 *          schema version. */
JEBM_API jebm_status jebm_checkpoint_open(const char *path, jebm_checkpoint **checkpoint,
                                          jebm_error *err);
/* Overwrite array->data by the array of that name.
 *
 * Errors   JEBM_EMISMATCH if there is none, or of another type or shape; data is then untouched. */
JEBM_API jebm_status jebm_checkpoint_get(jebm_checkpoint *checkpoint, const char *group,
                                         const jebm_array *array, jebm_error *err);
/* Fill type, rank and shape of the array called array->name; data is left alone. */
JEBM_API jebm_status jebm_checkpoint_shape(jebm_checkpoint *checkpoint, const char *group,
                                           jebm_array *array, jebm_error *err);
/* Text of that name; *text is the caller's to free. */
JEBM_API jebm_status jebm_checkpoint_get_text(jebm_checkpoint *checkpoint, const char *name,
                                              char **text, jebm_error *err);
JEBM_API jebm_status jebm_checkpoint_get_attribute(jebm_checkpoint *checkpoint, const char *name,
                                                   char **text, jebm_error *err);

/* Release without writing; takes NULL. */
JEBM_API void jebm_checkpoint_close(jebm_checkpoint *checkpoint);

#ifdef __cplusplus
}
#endif

#endif
