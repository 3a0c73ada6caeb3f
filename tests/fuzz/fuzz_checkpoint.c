/* The checkpoint reader, twice for each input. First on the bytes as they are: what is cut, foreign
 * or damaged is refused before HDF5 sees it. Then on a whole file with a right digest, whose
 * objects the bytes choose: any type, shape and layout that HDF5 has at a name where another was
 * expected.
 *
 * Damaged HDF5 behind a right digest is not tried: libhdf5 1.10 leaks, and crashes, within minutes
 * of it. The digest keeps that away unless it is forged.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/checkpoint.h"
#include "io/digest.h"

#include "fuzz.h"

#include <hdf5.h>
#include <string.h>
#include <unistd.h>

#define BLOCK 512
#define OBJECTS_MAX 16
#define ELEMENTS_MAX 65536 /* an array of more is not read */

static const char *const names[] = {"state/x",   "state/logw",       "state/position",
                                    "state/eve", "text/fingerprint", "text/empty"};
#define ARRAYS 4
#define NAMES 6

static char path[256];

static void remove_file(void) {
    unlink(path);
}

static void save(const void *head, size_t head_size, const void *bytes, size_t size) {
    if (path[0] == '\0') {
        const char *base = getenv("TMPDIR");
        snprintf(path, sizeof path, "%.200s/jebm-fuzz-XXXXXX", base != NULL ? base : "/tmp");
        const int fd = mkstemp(path);
        require(fd >= 0);
        close(fd);
        atexit(remove_file);
    }
    // a file that is cut to nothing first is written to the disk at once by some file systems
    FILE *out = fopen(path, "r+b");
    require(out != NULL);
    require(fwrite(head, 1, head_size, out) == head_size);
    require(fwrite(bytes, 1, size, out) == size);
    require(fflush(out) == 0 && ftruncate(fileno(out), (off_t)(head_size + size)) == 0);
    require(fclose(out) == 0);
}

/* Number of elements, 0 where it is too large to be read here. */
static size_t count(const jebm_array *array) {
    size_t n = 1;
    for (size_t i = 0; i < array->rank; i++) {
        if (array->shape[i] > ELEMENTS_MAX) {
            return 0;
        }
        n *= array->shape[i];
        if (n > ELEMENTS_MAX) {
            return 0;
        }
    }
    return n;
}

static void use_array(jebm_checkpoint *c, const char *name, bool made_here) {
    jebm_array array = {0};
    snprintf(array.name, sizeof array.name, "%s", name);
    jebm_error err = {0};
    const jebm_status status = jebm_checkpoint_shape(c, "state", &array, &err);
    if (status != JEBM_OK) {
        require(status == JEBM_EMISMATCH && strchr(err.text, '\n') == NULL);
        return;
    }
    require(array.rank <= JEBM_ARRAY_RANK);
    const size_t n = count(&array);
    const size_t size = n * (array.type == JEBM_F32 || array.type == JEBM_U32 ? 4 : 8);
    uint8_t *data = malloc(size + 1);
    require(data != NULL);
    memset(data, 0xa5, size + 1);
    array.data = data;
    if (n > 0) {
        require(jebm_checkpoint_get(c, "state", &array, &err) == JEBM_OK);
        // what make() leaves unwritten is read as zeros
        for (size_t i = 0; made_here && i < size; i++) {
            require(data[i] == 0);
        }
    }
    require(data[size] == 0xa5);
    free(data);
}

static void use_text(jebm_checkpoint *c, const char *name) {
    char *text = NULL;
    jebm_error err = {0};
    const jebm_status status = jebm_checkpoint_get_text(c, name, &text, &err);
    require((status == JEBM_OK) == (text != NULL));
    require(status == JEBM_OK || strchr(err.text, '\n') == NULL);
    require(text == NULL || strlen(text) < 1 << 20);
    free(text);
}

static void use_attribute(jebm_checkpoint *c, const char *name) {
    char *text = NULL;
    jebm_error err = {0};
    const jebm_status status = jebm_checkpoint_get_attribute(c, name, &text, &err);
    require((status == JEBM_OK) == (text != NULL));
    require(status == JEBM_OK || strchr(err.text, '\n') == NULL);
    free(text);
}

static jebm_status open_and_use(bool made_here) {
    jebm_checkpoint *c = NULL;
    jebm_error err = {0};
    const jebm_status status = jebm_checkpoint_open(path, &c, &err);
    if (status == JEBM_OK) {
        for (size_t i = 0; i < NAMES; i++) {
            const char *name = strchr(names[i], '/') + 1;
            if (i < ARRAYS) {
                use_array(c, name, made_here);
            } else {
                use_text(c, name);
                use_attribute(c, name);
            }
        }
    } else {
        require(c == NULL && status == JEBM_EFORMAT && strchr(err.text, '\n') == NULL);
    }
    jebm_checkpoint_close(c);
    return status;
}

static hid_t string_type(size_t size) {
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, size);
    return type;
}

static hid_t make_type(unsigned choice) {
    const hid_t plain[] = {H5T_IEEE_F32LE, H5T_IEEE_F64LE, H5T_STD_U32LE, H5T_STD_U64LE,
                           H5T_IEEE_F32BE, H5T_STD_I64LE,  H5T_STD_U8LE,  H5T_STD_REF_OBJ};
    const size_t nplain = sizeof plain / sizeof *plain;
    if (choice % 16 < nplain) {
        return H5Tcopy(plain[choice % 16]);
    }
    hid_t type;
    switch (choice % 16) {
    case 8:
        return string_type(H5T_VARIABLE);
    case 9:
        type = H5Tcreate(H5T_COMPOUND, 8);
        H5Tinsert(type, "a", 4, H5T_IEEE_F32LE);
        return type;
    case 10:
        return H5Tarray_create2(H5T_IEEE_F64LE, 1, (const hsize_t[]){5});
    case 11:
        return H5Tcreate(H5T_OPAQUE, 3);
    case 12:
        return H5Tvlen_create(H5T_IEEE_F64LE);
    default:
        return string_type(1 + choice / 4);
    }
}

static hid_t make_space(unsigned choice) {
    static const hsize_t extents[] = {1, 0, 2, 3, 4, 1000, 70000, (hsize_t)1 << 40};
    hsize_t shape[5];
    for (unsigned i = 0; i < 5; i++) {
        shape[i] = extents[(choice / 8 + i * choice) % 8];
    }
    const unsigned rank = choice % 8;
    return rank <= 5   ? H5Screate_simple((int)rank, shape, NULL)
           : rank == 6 ? H5Screate(H5S_SCALAR)
                       : H5Screate(H5S_NULL);
}

/* Contiguous, compact or in compressed chunks, where HDF5 allows it. */
static hid_t make_layout(unsigned choice, hid_t space) {
    const hid_t layout = H5Pcreate(H5P_DATASET_CREATE);
    if (choice % 4 == 1) {
        H5Pset_layout(layout, H5D_COMPACT);
    } else if (choice % 4 == 2) {
        const int rank = H5Sget_simple_extent_ndims(space);
        const hsize_t chunk[5] = {1, 1, 1, 1, 1};
        H5Pset_chunk(layout, rank > 0 ? rank : 1, chunk);
        H5Pset_deflate(layout, 1);
    }
    return layout;
}

/* One object of four bytes: name, type, space, layout. What HDF5 refuses to make is left out. */
static void make_object(hid_t file, const uint8_t *b) {
    const char *name = names[b[0] % NAMES];
    const hid_t links = H5Pcreate(H5P_LINK_CREATE);
    H5Pset_create_intermediate_group(links, 1);
    const hid_t type = make_type(b[1]), space = make_space(b[2]);
    const hid_t layout = make_layout(b[3], space);
    if (b[0] >= 0xf8) {
        H5Gclose(H5Gcreate2(file, name, links, H5P_DEFAULT, H5P_DEFAULT));
    } else if (b[0] >= 0xf0) {
        H5Lcreate_soft(names[b[1] % NAMES], file, name, links, H5P_DEFAULT);
    } else {
        H5Dclose(H5Dcreate2(file, name, type, space, links, layout, H5P_DEFAULT));
    }
    H5Pclose(layout);
    H5Sclose(space);
    H5Tclose(type);
    H5Pclose(links);
}

static void make(const uint8_t *bytes, size_t size) {
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_fapl_core(access, 1 << 16, 0);
    const hid_t file = H5Fcreate("/dev/null/fuzz", H5F_ACC_TRUNC, H5P_DEFAULT, access);
    require(file >= 0);
    for (size_t i = 0; i + 4 <= size && i / 4 < OBJECTS_MAX; i += 4) {
        make_object(file, bytes + i);
    }
    H5Fflush(file, H5F_SCOPE_GLOBAL);
    const ssize_t length = H5Fget_file_image(file, NULL, 0);
    char *image = length > 0 ? malloc((size_t)length) : NULL;
    require(image != NULL && H5Fget_file_image(file, image, (size_t)length) == length);
    H5Fclose(file);
    H5Pclose(access);
    char block[BLOCK] = {0}, digest[JEBM_DIGEST_TEXT];
    jebm_digest_bytes(image, (size_t)length, digest);
    snprintf(block, sizeof block, "jebm checkpoint\nschema 1\nbytes %zd\nsha256 %s\n", length,
             digest);
    save(block, BLOCK, image, (size_t)length);
    free(image);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    // HDF5 would print what it refuses to make
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    save("", 0, bytes, size);
    (void)open_and_use(false);
    make(bytes, size);
    require(open_and_use(true) == JEBM_OK);
    return 0;
}
