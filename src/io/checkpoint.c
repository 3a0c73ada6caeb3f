/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/checkpoint.h"

#include "io/atomic_file.h"
#include "io/digest.h"

#include <errno.h>
#include <hdf5.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define BLOCK_SIZE 512 /* smallest HDF5 user block */
#define BLOCK_FORMAT "jebm checkpoint\nschema %u\nbytes %zu\nsha256 %s\n"
#define SCHEMA 1u
#define GROWTH ((size_t)16 << 20)

struct jebm_checkpoint {
    char *path;
    hid_t file;
};

static jebm_status inner_failure(const jebm_checkpoint *c, const char *what, const char *name,
                                 jebm_error *err) {
    return jebm_fail(err, JEBM_EIO, "%s: HDF5 could not %s '%s' (not enough memory?)", c->path,
                     what, name);
}

static jebm_status allocate(const char *path, jebm_checkpoint **out, jebm_error *err) {
    *out = NULL;
    jebm_checkpoint *c = calloc(1, sizeof *c);
    if (c == NULL || (c->path = malloc(strlen(path) + 1)) == NULL) {
        free(c);
        return jebm_fail(err, JEBM_ENOMEM, "%s: not enough memory for a checkpoint", path);
    }
    strcpy(c->path, path);
    c->file = H5I_INVALID_HID;
    // errors are reported by us, in one line; HDF5's own trace would go to stderr
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    *out = c;
    return JEBM_OK;
}

/* A file that lives in memory only: what reaches the disk is our affair. */
static hid_t memory_access(void) {
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    if (access >= 0 && H5Pset_fapl_core(access, GROWTH, 0) < 0) {
        H5Pclose(access);
        return H5I_INVALID_HID;
    }
    return access;
}

/* HDF5 tells files in memory apart by name, and refuses one that exists on disk: nothing can lie
 * below a device. */
static const char *memory_name(const jebm_checkpoint *c, char name[64]) {
    snprintf(name, 64, "/dev/null/%p", (const void *)c);
    return name;
}

jebm_status jebm_checkpoint_create(const char *path, jebm_checkpoint **out, jebm_error *err) {
    JEBM_TRY(allocate(path, out, err));
    const hid_t access = memory_access();
    if (access >= 0) {
        char name[64];
        (*out)->file = H5Fcreate(memory_name(*out, name), H5F_ACC_TRUNC, H5P_DEFAULT, access);
        H5Pclose(access);
    }
    if ((*out)->file < 0) {
        const jebm_status status = inner_failure(*out, "create", "checkpoint", err);
        jebm_checkpoint_close(*out);
        *out = NULL;
        return status;
    }
    return JEBM_OK;
}

static hid_t file_type(jebm_type type) {
    return type == JEBM_F32   ? H5T_IEEE_F32LE
           : type == JEBM_F64 ? H5T_IEEE_F64LE
           : type == JEBM_U32 ? H5T_STD_U32LE
                              : H5T_STD_U64LE;
}

static hid_t memory_type(jebm_type type) {
    return type == JEBM_F32   ? H5T_NATIVE_FLOAT
           : type == JEBM_F64 ? H5T_NATIVE_DOUBLE
           : type == JEBM_U32 ? H5T_NATIVE_UINT32
                              : H5T_NATIVE_UINT64;
}

static size_t count_elements(const jebm_array *array) {
    size_t n = 1;
    for (size_t i = 0; i < array->rank; i++) {
        n *= array->shape[i];
    }
    return n;
}

/* Write one dataset GROUP/NAME, making the group on the way; without times, so that the same state
 * is the same bytes. */
static bool put_dataset(jebm_checkpoint *c, const char *path, hid_t stored, hid_t held, hid_t space,
                        const void *data, bool empty) {
    const hid_t links = H5Pcreate(H5P_LINK_CREATE);
    H5Pset_create_intermediate_group(links, 1);
    const hid_t timeless = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_obj_track_times(timeless, false);
    const hid_t set = H5Dcreate2(c->file, path, stored, space, links, timeless, H5P_DEFAULT);
    bool ok = set >= 0;
    if (ok && !empty) {
        ok = H5Dwrite(set, held, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0;
    }
    if (set >= 0) {
        H5Dclose(set);
    }
    H5Pclose(timeless);
    H5Pclose(links);
    return ok;
}

jebm_status jebm_checkpoint_put(jebm_checkpoint *c, const char *group, const jebm_array *array,
                                jebm_error *err) {
    char path[128];
    snprintf(path, sizeof path, "%.60s/%s", group, array->name);
    hsize_t shape[JEBM_ARRAY_RANK] = {0};
    if (array->rank > JEBM_ARRAY_RANK) {
        return jebm_fail(err, JEBM_EINVAL, "%s: array '%s' has rank %zu; at most %d is possible",
                         c->path, path, array->rank, JEBM_ARRAY_RANK);
    }
    for (size_t i = 0; i < array->rank; i++) {
        shape[i] = array->shape[i];
    }
    const hid_t space = H5Screate_simple((int)array->rank, shape, NULL);
    const bool ok =
        space >= 0 && put_dataset(c, path, file_type(array->type), memory_type(array->type), space,
                                  array->data, count_elements(array) == 0);
    if (space >= 0) {
        H5Sclose(space);
    }
    return ok ? JEBM_OK : inner_failure(c, "store", path, err);
}

jebm_status jebm_checkpoint_put_text(jebm_checkpoint *c, const char *name, const char *text,
                                     jebm_error *err) {
    char path[128];
    snprintf(path, sizeof path, "text/%.100s", name);
    const hid_t type = H5Tcopy(H5T_C_S1);
    const hid_t space = H5Screate(H5S_SCALAR);
    const bool ok = type >= 0 && space >= 0 && H5Tset_size(type, strlen(text) + 1) >= 0 &&
                    put_dataset(c, path, type, type, space, text, false);
    if (space >= 0) {
        H5Sclose(space);
    }
    if (type >= 0) {
        H5Tclose(type);
    }
    return ok ? JEBM_OK : inner_failure(c, "store", path, err);
}

jebm_status jebm_checkpoint_link(jebm_checkpoint *c, const char *group, const char *name,
                                 const char *target, jebm_error *err) {
    char path[128];
    snprintf(path, sizeof path, "%.60s/%.60s", group, name);
    const hid_t links = H5Pcreate(H5P_LINK_CREATE);
    H5Pset_create_intermediate_group(links, 1);
    const bool ok = H5Lcreate_hard(c->file, target, c->file, path, links, H5P_DEFAULT) >= 0;
    H5Pclose(links);
    return ok ? JEBM_OK : inner_failure(c, "link", path, err);
}

jebm_status jebm_checkpoint_put_attribute(jebm_checkpoint *c, const char *name, const char *text,
                                          jebm_error *err) {
    const hid_t type = H5Tcopy(H5T_C_S1);
    const hid_t space = H5Screate(H5S_SCALAR);
    bool ok = type >= 0 && space >= 0 && H5Tset_size(type, strlen(text) + 1) >= 0;
    const hid_t attribute =
        ok ? H5Acreate2(c->file, name, type, space, H5P_DEFAULT, H5P_DEFAULT) : H5I_INVALID_HID;
    ok = attribute >= 0 && H5Awrite(attribute, type, text) >= 0;
    if (attribute >= 0) {
        H5Aclose(attribute);
    }
    if (space >= 0) {
        H5Sclose(space);
    }
    if (type >= 0) {
        H5Tclose(type);
    }
    return ok ? JEBM_OK : inner_failure(c, "store", name, err);
}

/* The whole HDF5 file as bytes, behind room for the block of text. */
static jebm_status take_image(jebm_checkpoint *c, char **image, size_t *size, jebm_error *err) {
    *image = NULL;
    H5Fflush(c->file, H5F_SCOPE_GLOBAL);
    const ssize_t length = H5Fget_file_image(c->file, NULL, 0);
    if (length <= 0) {
        return inner_failure(c, "finish", "checkpoint", err);
    }
    char *bytes = calloc(1, BLOCK_SIZE + (size_t)length);
    if (bytes == NULL) {
        return jebm_fail(err, JEBM_ENOMEM, "%s: not enough memory for a checkpoint", c->path);
    }
    if (H5Fget_file_image(c->file, bytes + BLOCK_SIZE, (size_t)length) != length) {
        free(bytes);
        return inner_failure(c, "finish", "checkpoint", err);
    }
    *image = bytes;
    *size = (size_t)length;
    return JEBM_OK;
}

jebm_status jebm_checkpoint_commit(jebm_checkpoint *c, jebm_error *err) {
    char *image;
    size_t size = 0;
    jebm_status status = take_image(c, &image, &size, err);
    if (status == JEBM_OK) {
        char digest[JEBM_DIGEST_TEXT];
        jebm_digest_bytes(image + BLOCK_SIZE, size, digest);
        snprintf(image, BLOCK_SIZE, BLOCK_FORMAT, SCHEMA, size, digest);
        status = jebm_atomic_write(c->path, image, BLOCK_SIZE + size, err);
    }
    free(image);
    jebm_checkpoint_close(c);
    return status;
}

static jebm_status read_file(const char *path, char **bytes, size_t *size, jebm_error *err) {
    FILE *stream = fopen(path, "rb");
    struct stat facts;
    if (stream == NULL || fstat(fileno(stream), &facts) != 0) {
        const int reason = errno;
        if (stream != NULL) {
            fclose(stream);
        }
        return jebm_fail(err, JEBM_EIO, "%s: cannot be opened: %s", path, strerror(reason));
    }
    *size = S_ISREG(facts.st_mode) ? (size_t)facts.st_size : 0;
    *bytes = malloc(*size + 1);
    const bool whole = *bytes != NULL && fread(*bytes, 1, *size, stream) == *size;
    fclose(stream);
    if (!whole) {
        const bool memory = *bytes == NULL;
        free(*bytes);
        return jebm_fail(err, memory ? JEBM_ENOMEM : JEBM_EIO, "%s: %s", path,
                         memory ? "does not fit into memory" : "cannot be read to its end");
    }
    return JEBM_OK;
}

/* Compare the block of text with what follows it, by writing the block anew. */
static jebm_status verify(const char *path, const char *bytes, size_t size, jebm_error *err) {
    static const char magic[] = "jebm checkpoint\n";
    if (size < BLOCK_SIZE || memcmp(bytes, magic, strlen(magic)) != 0) {
        return jebm_fail(err, JEBM_EFORMAT,
                         "%s: is not a checkpoint of jebm (%zu bytes, no 'jebm checkpoint' at its "
                         "start); remove it to start anew",
                         path, size);
    }
    char head[BLOCK_SIZE + 1];
    memcpy(head, bytes, BLOCK_SIZE);
    head[BLOCK_SIZE] = '\0';
    unsigned schema = 0;
    if (sscanf(head + strlen(magic), "schema %u", &schema) != 1 || schema != SCHEMA) {
        return jebm_fail(err, JEBM_EFORMAT,
                         "%s: has checkpoint schema %u; this program reads schema %u: resume with "
                         "the version that wrote it, or remove it to start anew",
                         path, schema, SCHEMA);
    }
    char digest[JEBM_DIGEST_TEXT], expected[BLOCK_SIZE] = {0};
    jebm_digest_bytes(bytes + BLOCK_SIZE, size - BLOCK_SIZE, digest);
    snprintf(expected, sizeof expected, BLOCK_FORMAT, SCHEMA, size - BLOCK_SIZE, digest);
    if (memcmp(bytes, expected, BLOCK_SIZE) != 0) {
        return jebm_fail(err, JEBM_EFORMAT,
                         "%s: is cut or damaged (%zu bytes whose SHA-256 is not the one at its "
                         "start); remove it to start anew",
                         path, size);
    }
    return JEBM_OK;
}

jebm_status jebm_checkpoint_open(const char *path, jebm_checkpoint **out, jebm_error *err) {
    *out = NULL;
    char *bytes = NULL;
    size_t size = 0;
    JEBM_TRY(read_file(path, &bytes, &size, err));
    jebm_status status = verify(path, bytes, size, err);
    if (status == JEBM_OK) {
        status = allocate(path, out, err);
    }
    if (status == JEBM_OK) {
        const hid_t access = memory_access();
        if (access >= 0 && H5Pset_file_image(access, bytes + BLOCK_SIZE, size - BLOCK_SIZE) >= 0) {
            char name[64];
            (*out)->file = H5Fopen(memory_name(*out, name), H5F_ACC_RDONLY, access);
        }
        if (access >= 0) {
            H5Pclose(access);
        }
        if ((*out)->file < 0) {
            status = jebm_fail(err, JEBM_EFORMAT, "%s: HDF5 cannot read it", path);
            jebm_checkpoint_close(*out);
            *out = NULL;
        }
    }
    free(bytes);
    return status;
}

static jebm_status open_dataset(jebm_checkpoint *c, const char *path, hid_t *set, jebm_error *err) {
    *set = H5Dopen2(c->file, path, H5P_DEFAULT);
    if (*set < 0) {
        return jebm_fail(err, JEBM_EMISMATCH,
                         "%s: holds no '%s'; was it written by another version?", c->path, path);
    }
    return JEBM_OK;
}

/* Type and shape of an open dataset; false where a jebm_array cannot say them. */
static bool describe(hid_t set, jebm_array *array) {
    const hid_t type = H5Dget_type(set);
    const hid_t space = H5Dget_space(set);
    hsize_t shape[H5S_MAX_RANK] = {0};
    // a null dataspace would pass for a scalar, but has nothing to be read
    const bool filled = space >= 0 && H5Sget_simple_extent_type(space) != H5S_NULL;
    const int rank = filled ? H5Sget_simple_extent_dims(space, shape, NULL) : -1;
    bool known = false;
    for (jebm_type t = JEBM_F32; t <= JEBM_U64 && type >= 0; t++) {
        if (H5Tequal(type, file_type(t)) > 0) {
            array->type = t;
            known = true;
        }
    }
    if (space >= 0) {
        H5Sclose(space);
    }
    if (type >= 0) {
        H5Tclose(type);
    }
    if (!known || rank < 0 || rank > JEBM_ARRAY_RANK) {
        return false;
    }
    array->rank = (size_t)rank;
    for (size_t i = 0; i < JEBM_ARRAY_RANK; i++) {
        array->shape[i] = i < array->rank ? (size_t)shape[i] : 0;
    }
    return true;
}

static void write_shape(const jebm_array *a, char text[96]) {
    static const char *const types[] = {"float", "double", "uint32", "uint64"};
    size_t used = (size_t)snprintf(text, 96, "%s", types[a->type]);
    for (size_t i = 0; i < a->rank && used < 96; i++) {
        used += (size_t)snprintf(text + used, 96 - used, "[%zu]", a->shape[i]);
    }
}

static bool same_shape(const jebm_array *a, const jebm_array *b) {
    bool same = a->type == b->type && a->rank == b->rank;
    for (size_t i = 0; same && i < a->rank; i++) {
        same = a->shape[i] == b->shape[i];
    }
    return same;
}

static jebm_status describe_named(jebm_checkpoint *c, const char *path, hid_t *set,
                                  jebm_array *array, jebm_error *err) {
    JEBM_TRY(open_dataset(c, path, set, err));
    if (!describe(*set, array)) {
        H5Dclose(*set);
        return jebm_fail(err, JEBM_EMISMATCH,
                         "%s: '%s' is no array of float, double or uint64 of rank 0 to %d", c->path,
                         path, JEBM_ARRAY_RANK);
    }
    return JEBM_OK;
}

jebm_status jebm_checkpoint_shape(jebm_checkpoint *c, const char *group, jebm_array *array,
                                  jebm_error *err) {
    char path[128];
    snprintf(path, sizeof path, "%.60s/%s", group, array->name);
    hid_t set;
    JEBM_TRY(describe_named(c, path, &set, array, err));
    H5Dclose(set);
    return JEBM_OK;
}

jebm_status jebm_checkpoint_get(jebm_checkpoint *c, const char *group, const jebm_array *array,
                                jebm_error *err) {
    char path[128];
    snprintf(path, sizeof path, "%.60s/%s", group, array->name);
    jebm_array found = {0};
    hid_t set;
    JEBM_TRY(describe_named(c, path, &set, &found, err));
    jebm_status status = JEBM_OK;
    if (!same_shape(array, &found)) {
        char here[96], there[96];
        write_shape(array, here);
        write_shape(&found, there);
        status = jebm_fail(err, JEBM_EMISMATCH, "%s: '%s' is %s; expected %s", c->path, path, there,
                           here);
    } else if (count_elements(array) > 0 && H5Dread(set, memory_type(array->type), H5S_ALL, H5S_ALL,
                                                    H5P_DEFAULT, array->data) < 0) {
        status = inner_failure(c, "read", path, err);
    }
    H5Dclose(set);
    return status;
}

/* Bytes of a text of this space and type; 0 for anything but one string of fixed length. */
static size_t text_size(hid_t space, hid_t type) {
    const bool one = space >= 0 && H5Sget_simple_extent_npoints(space) == 1;
    return one && type >= 0 && H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) == 0
               ? H5Tget_size(type)
               : 0;
}

/* The text of an open dataset or attribute, called `name` in messages. */
static jebm_status read_text(const jebm_checkpoint *c, hid_t object, bool attribute,
                             const char *name, char **text, jebm_error *err) {
    const hid_t type = attribute ? H5Aget_type(object) : H5Dget_type(object);
    const hid_t space = attribute ? H5Aget_space(object) : H5Dget_space(object);
    const size_t size = text_size(space, type);
    char *copy = size > 0 ? calloc(1, size + 1) : NULL;
    if (copy != NULL &&
        (attribute ? H5Aread(object, type, copy)
                   : H5Dread(object, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, copy)) < 0) {
        free(copy);
        copy = NULL;
    }
    if (space >= 0) {
        H5Sclose(space);
    }
    if (type >= 0) {
        H5Tclose(type);
    }
    if (size == 0) {
        return jebm_fail(err, JEBM_EMISMATCH, "%s: '%s' is no text", c->path, name);
    }
    if (copy == NULL) {
        return inner_failure(c, "read", name, err);
    }
    *text = copy;
    return JEBM_OK;
}

jebm_status jebm_checkpoint_get_text(jebm_checkpoint *c, const char *name, char **text,
                                     jebm_error *err) {
    *text = NULL;
    char path[128];
    snprintf(path, sizeof path, "text/%.100s", name);
    hid_t set;
    JEBM_TRY(open_dataset(c, path, &set, err));
    const jebm_status status = read_text(c, set, false, path, text, err);
    H5Dclose(set);
    return status;
}

jebm_status jebm_checkpoint_get_attribute(jebm_checkpoint *c, const char *name, char **text,
                                          jebm_error *err) {
    *text = NULL;
    const hid_t attribute = H5Aopen(c->file, name, H5P_DEFAULT);
    if (attribute < 0) {
        return jebm_fail(err, JEBM_EMISMATCH,
                         "%s: has no attribute '%s'; was it written by another version?", c->path,
                         name);
    }
    const jebm_status status = read_text(c, attribute, true, name, text, err);
    H5Aclose(attribute);
    return status;
}

void jebm_checkpoint_close(jebm_checkpoint *c) {
    if (c == NULL) {
        return;
    }
    if (c->file >= 0) {
        H5Fclose(c->file);
    }
    free(c->path);
    free(c);
}
