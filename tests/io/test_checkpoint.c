/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/checkpoint.h"

#include "scratch.h"

#include <hdf5.h>
#include <signal.h>
#include <stdint.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static float x[4][3];
static double logw[4];
static uint64_t position[1] = {UINT64_MAX};
static uint32_t eve[3] = {0, 7, UINT32_MAX};
static double nothing[1];
static double scalar = 0.1;

static const jebm_array arrays[] = {
    {.name = "x", .type = JEBM_F32, .rank = 2, .shape = {4, 3}, .data = x},
    {.name = "logw", .type = JEBM_F64, .rank = 1, .shape = {4}, .data = logw},
    {.name = "position", .type = JEBM_U64, .rank = 1, .shape = {1}, .data = position},
    {.name = "eve", .type = JEBM_U32, .rank = 1, .shape = {3}, .data = eve},
    {.name = "nothing", .type = JEBM_F64, .rank = 2, .shape = {0, 5}, .data = nothing},
    {.name = "scalar", .type = JEBM_F64, .rank = 0, .data = &scalar},
};
#define NARRAYS (sizeof arrays / sizeof *arrays)

static void write_one(const char *path) {
    for (size_t i = 0; i < 4; i++) {
        logw[i] = 1.0 / (double)(i + 3);
        for (size_t j = 0; j < 3; j++) {
            x[i][j] = (float)(10 * i + j) / 7.0F;
        }
    }
    jebm_checkpoint *c;
    cr_assert_eq(jebm_checkpoint_create(path, &c, NULL), JEBM_OK);
    for (size_t i = 0; i < NARRAYS; i++) {
        cr_assert_eq(jebm_checkpoint_put(c, "state", &arrays[i], NULL), JEBM_OK);
    }
    cr_assert_eq(jebm_checkpoint_put_text(c, "fingerprint", "abc\ndef", NULL), JEBM_OK);
    cr_assert_eq(jebm_checkpoint_put_text(c, "empty", "", NULL), JEBM_OK);
    cr_assert_eq(jebm_checkpoint_commit(c, NULL), JEBM_OK);
}

Test(checkpoint, gives_back_every_bit) {
    const scratch s = scratch_new();
    const char *path = scratch_path(&s, "c.h5");
    write_one(path);
    static float x2[4][3] = {0};
    double logw2[4] = {0}, scalar2 = 0;
    uint64_t position2[1] = {0};
    uint32_t eve2[3] = {1, 1, 1};
    void *const into[NARRAYS] = {x2, logw2, position2, eve2, nothing, &scalar2};
    jebm_checkpoint *c;
    cr_assert_eq(jebm_checkpoint_open(path, &c, NULL), JEBM_OK);
    for (size_t i = 0; i < NARRAYS; i++) {
        jebm_array a = arrays[i];
        a.data = into[i];
        jebm_error err = {0};
        cr_expect_eq(jebm_checkpoint_get(c, "state", &a, &err), JEBM_OK, "%s", err.text);
    }
    cr_expect_arr_eq(x2, x, sizeof x);
    cr_expect_arr_eq(logw2, logw, sizeof logw);
    cr_expect_eq(position2[0], UINT64_MAX);
    cr_expect_arr_eq(eve2, eve, sizeof eve);
    cr_expect_eq(scalar2, 0.1);
    char *text;
    cr_assert_eq(jebm_checkpoint_get_text(c, "fingerprint", &text, NULL), JEBM_OK);
    cr_expect_str_eq(text, "abc\ndef");
    free(text);
    cr_assert_eq(jebm_checkpoint_get_text(c, "empty", &text, NULL), JEBM_OK);
    cr_expect_str_eq(text, "");
    free(text);
    jebm_array shape = {.name = "x"};
    cr_assert_eq(jebm_checkpoint_shape(c, "state", &shape, NULL), JEBM_OK);
    cr_expect(shape.type == JEBM_F32 && shape.rank == 2 && shape.shape[0] == 4 &&
              shape.shape[1] == 3);
    jebm_checkpoint_close(c);
    scratch_free(&s);
}

/* a second later, when a time would show */
Test(checkpoint, the_same_arrays_are_the_same_bytes) {
    const scratch s = scratch_new();
    size_t sizes[2];
    write_one(scratch_path(&s, "a.h5"));
    const struct timespec wait = {.tv_sec = 1, .tv_nsec = 100000000};
    nanosleep(&wait, NULL);
    write_one(scratch_path(&s, "b.h5"));
    char *a = scratch_get(scratch_path(&s, "a.h5"), &sizes[0]),
         *b = scratch_get(scratch_path(&s, "b.h5"), &sizes[1]);
    cr_expect_eq(sizes[0], sizes[1]);
    cr_expect_eq(memcmp(a, b, sizes[0]), 0);
    free(a);
    free(b);
    scratch_free(&s);
}

/* other programs (h5py, h5dump) open the file by its name and skip the user block */
Test(checkpoint, is_an_hdf5_file_to_others) {
    const scratch s = scratch_new();
    const char *path = scratch_path(&s, "c.h5");
    write_one(path);
    const hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    cr_assert_geq(file, 0);
    const hid_t set = H5Dopen2(file, "/state/logw", H5P_DEFAULT);
    cr_assert_geq(set, 0);
    double back[4];
    cr_assert_geq(H5Dread(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, back), 0);
    cr_expect_arr_eq(back, logw, sizeof logw);
    H5Dclose(set);
    H5Fclose(file);
    scratch_free(&s);
}

/* the attributes are the file's, a linked array is one array by two names */
Test(checkpoint, attributes_and_links_are_there_for_others_and_for_us) {
    const scratch s = scratch_new();
    const char *path = scratch_path(&s, "c.h5");
    jebm_checkpoint *c;
    cr_assert_eq(jebm_checkpoint_create(path, &c, NULL), JEBM_OK);
    cr_assert_eq(jebm_checkpoint_put(c, "walkers", &arrays[0], NULL), JEBM_OK);
    cr_assert_eq(jebm_checkpoint_link(c, "state", "x0", "walkers/x", NULL), JEBM_OK);
    jebm_error err = {0};
    cr_expect_eq(jebm_checkpoint_link(c, "state", "y0", "walkers/y", &err), JEBM_EIO);
    cr_assert_eq(jebm_checkpoint_put_attribute(c, "what", "a model", NULL), JEBM_OK);
    cr_expect_eq(jebm_checkpoint_put_attribute(c, "what", "another", &err), JEBM_EIO);
    cr_assert_eq(jebm_checkpoint_commit(c, NULL), JEBM_OK);

    const hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    cr_assert_geq(file, 0);
    H5O_info_t facts;
    cr_assert_geq(H5Oget_info_by_name2(file, "/state/x0", &facts, H5O_INFO_BASIC, H5P_DEFAULT), 0);
    cr_expect_eq(facts.rc, 2, "the array stands there %u times", facts.rc);
    char text[8] = "";
    const hid_t attribute = H5Aopen(file, "what", H5P_DEFAULT), type = H5Aget_type(attribute);
    cr_assert_geq(H5Aread(attribute, type, text), 0);
    cr_expect_str_eq(text, "a model");
    H5Tclose(type);
    H5Aclose(attribute);
    H5Fclose(file);

    char *ours = NULL;
    cr_assert_eq(jebm_checkpoint_open(path, &c, NULL), JEBM_OK);
    cr_assert_eq(jebm_checkpoint_get_attribute(c, "what", &ours, NULL), JEBM_OK);
    cr_expect_str_eq(ours, "a model");
    free(ours);
    cr_expect_eq(jebm_checkpoint_get_attribute(c, "who", &ours, &err), JEBM_EMISMATCH);
    cr_expect_not_null(strstr(err.text, "has no attribute 'who'"), "%s", err.text);
    cr_expect_null(ours);
    jebm_checkpoint_close(c);
    scratch_free(&s);
}

Test(checkpoint, another_name_type_or_shape_is_refused_and_the_data_left_alone) {
    const scratch s = scratch_new();
    const char *path = scratch_path(&s, "c.h5");
    write_one(path);
    jebm_checkpoint *c;
    cr_assert_eq(jebm_checkpoint_open(path, &c, NULL), JEBM_OK);
    double data[16] = {42};
    const struct {
        jebm_array array;
        const char *found;
    } cases[] = {
        {{.name = "y", .type = JEBM_F64, .rank = 1, .shape = {4}}, "holds no 'state/y'"},
        {{.name = "logw", .type = JEBM_F64, .rank = 1, .shape = {5}},
         "'state/logw' is double[4]; expected double[5]"},
        {{.name = "logw", .type = JEBM_U64, .rank = 1, .shape = {4}},
         "'state/logw' is double[4]; expected uint64[4]"},
        {{.name = "logw", .type = JEBM_U32, .rank = 1, .shape = {4}},
         "'state/logw' is double[4]; expected uint32[4]"},
        {{.name = "x", .type = JEBM_F32, .rank = 1, .shape = {12}},
         "'state/x' is float[4][3]; expected float[12]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        jebm_array a = cases[i].array;
        a.data = data;
        jebm_error err = {0};
        cr_expect_eq(jebm_checkpoint_get(c, "state", &a, &err), JEBM_EMISMATCH);
        cr_expect_not_null(strstr(err.text, cases[i].found), "%s", err.text);
    }
    cr_expect_eq(data[0], 42);
    char *text;
    cr_expect_eq(jebm_checkpoint_get_text(c, "none", &text, NULL), JEBM_EMISMATCH);
    cr_expect_null(text);
    jebm_checkpoint_close(c);
    scratch_free(&s);
}

Test(checkpoint, a_file_cut_anywhere_is_refused) {
    const scratch s = scratch_new();
    const char *path = scratch_path(&s, "c.h5");
    write_one(path);
    size_t size = 0;
    char *bytes = scratch_get(path, &size);
    for (size_t length = 0; length < size; length += length < 600 ? 37 : 331) {
        scratch_put(path, bytes, length);
        jebm_checkpoint *c;
        jebm_error err = {0};
        cr_expect_eq(jebm_checkpoint_open(path, &c, &err), JEBM_EFORMAT, "cut at %zu", length);
        cr_expect_not_null(strstr(err.text, "remove it to start anew"), "%s", err.text);
        cr_expect_null(c);
    }
    free(bytes);
    scratch_free(&s);
}

Test(checkpoint, a_flipped_bit_anywhere_is_refused) {
    const scratch s = scratch_new();
    const char *path = scratch_path(&s, "c.h5");
    write_one(path);
    size_t size = 0;
    char *bytes = scratch_get(path, &size);
    for (size_t at = 0; at < size; at += at < 512 ? 3 : 97) {
        bytes[at] ^= (char)(1 << (at % 8));
        scratch_put(path, bytes, size);
        jebm_checkpoint *c;
        cr_expect_eq(jebm_checkpoint_open(path, &c, NULL), JEBM_EFORMAT, "byte %zu", at);
        bytes[at] ^= (char)(1 << (at % 8));
    }
    free(bytes);
    scratch_free(&s);
}

Test(checkpoint, foreign_files_and_other_schemas_are_told_apart) {
    const scratch s = scratch_new();
    const char *path = scratch_path(&s, "c.h5");
    jebm_checkpoint *c;
    jebm_error err = {0};
    const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    H5Fclose(file);
    cr_expect_eq(jebm_checkpoint_open(path, &c, &err), JEBM_EFORMAT);
    cr_expect_not_null(strstr(err.text, "is not a checkpoint of jebm"), "%s", err.text);

    char block[1024] = "jebm checkpoint\nschema 99\nbytes 512\n";
    scratch_put(path, block, sizeof block);
    cr_expect_eq(jebm_checkpoint_open(path, &c, &err), JEBM_EFORMAT);
    cr_expect_not_null(strstr(err.text, "has checkpoint schema 99"), "%s", err.text);

    cr_expect_eq(jebm_checkpoint_open(scratch_path(&s, "none"), &c, &err), JEBM_EIO);
    cr_expect_eq(jebm_checkpoint_open(s.directory, &c, &err), JEBM_EFORMAT);
    scratch_free(&s);
}

Test(checkpoint, a_full_disk_leaves_the_old_checkpoint) {
    const scratch s = scratch_new();
    const char *path = scratch_path(&s, "c.h5");
    write_one(path);
    signal(SIGXFSZ, SIG_IGN);
    const struct rlimit small = {8192, RLIM_INFINITY};
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    double *large = calloc(100000, sizeof *large);
    const jebm_array a = {
        .name = "large", .type = JEBM_F64, .rank = 1, .shape = {100000}, .data = large};
    jebm_checkpoint *c;
    jebm_error err = {0};
    cr_assert_eq(jebm_checkpoint_create(path, &c, NULL), JEBM_OK);
    cr_assert_eq(jebm_checkpoint_put(c, "state", &a, NULL), JEBM_OK);
    cr_expect_eq(jebm_checkpoint_put(c, "state", &a, NULL), JEBM_EIO);
    cr_expect_eq(jebm_checkpoint_commit(c, &err), JEBM_EIO);
    cr_expect_not_null(strstr(err.text, "/c.h5: cannot be written"), "%s", err.text);
    cr_assert_eq(jebm_checkpoint_open(path, &c, NULL), JEBM_OK);
    jebm_checkpoint_close(c);
    cr_expect_neq(access(scratch_path(&s, "c.h5.part"), F_OK), 0);
    free(large);
    scratch_free(&s);
}
