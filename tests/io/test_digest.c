/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/digest.h"

#include "scratch.h"

static const struct {
    const char *text, *digest;
} vectors[] = {
    // FIPS 180-4 examples (NIST, SHA256.pdf) and the empty message
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnop"
     "qrsmnopqrstnopqrstu",
     "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
};

Test(digest, agrees_with_the_published_vectors) {
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        char text[JEBM_DIGEST_TEXT];
        jebm_digest_bytes(vectors[i].text, strlen(vectors[i].text), text);
        cr_expect_str_eq(text, vectors[i].digest, "vector %zu: %s", i, text);
    }
}

Test(digest, of_a_million_a_is_the_published_one_however_it_is_cut) {
    char *a = malloc(1000000);
    memset(a, 'a', 1000000);
    const size_t cuts[] = {1, 55, 56, 63, 64, 65, 1000, 1000000};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        jebm_digest digest;
        jebm_digest_init(&digest);
        for (size_t at = 0; at < 1000000; at += cuts[i]) {
            jebm_digest_add(&digest, a + at, cuts[i] < 1000000 - at ? cuts[i] : 1000000 - at);
        }
        char text[JEBM_DIGEST_TEXT];
        jebm_digest_text(&digest, text);
        cr_expect_str_eq(text, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
                         "cut at %zu", cuts[i]);
    }
    free(a);
}

Test(digest, of_a_file_is_that_of_its_bytes) {
    const scratch s = scratch_new();
    const char *path = scratch_path(&s, "file");
    scratch_put(path, "abc", 3);
    char text[JEBM_DIGEST_TEXT];
    cr_assert_eq(jebm_digest_file(path, text, NULL), JEBM_OK);
    cr_expect_str_eq(text, vectors[1].digest);

    jebm_error err;
    cr_expect_eq(jebm_digest_file(scratch_path(&s, "none"), text, &err), JEBM_EIO);
    cr_expect_not_null(strstr(err.text, "/none: cannot be opened: No such file"));
    cr_expect_eq(jebm_digest_file(s.directory, text, &err), JEBM_EIO);
    scratch_free(&s);
}
