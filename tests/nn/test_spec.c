/* What a network's description may say, what it becomes, and how a wrong one is refused.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "nn/network.h"

#include <criterion/criterion.h>
#include <string.h>

#define MNIST                                                                        \
    "conv 16 k5 s2 p4 | silu | conv 32 k3 s2 p1 | silu | conv 64 k3 s2 p1 | silu | " \
    "conv 64 k3 s2 p1 | silu | flatten | linear 64 | silu | linear 1"

static jebm_network *made(const char *spec, jebm_shape shape) {
    jebm_network *net = NULL;
    jebm_error err = {0};
    cr_assert_eq(jebm_network_new(spec, shape, JEBM_GEMM_REFERENCE, 0, &net, &err), JEBM_OK, "%s",
                 err.text);
    return net;
}

/* section B.2 counts 76,993 parameters; products by hand: 256*16*25 + 64*32*144 + 16*64*288 +
 * 4*64*576 + 64*256 + 64 */
Test(spec, the_papers_network_has_its_parameters_and_products) {
    jebm_network *net = made(MNIST, (jebm_shape){1, 28, 28});
    size_t first = 0, count = 0;
    cr_expect_eq(jebm_network_nparams(net), 76993);
    cr_expect_eq(jebm_network_inputs(net), 784);
    cr_expect_eq(jebm_network_outputs(net), 1);
    cr_expect_eq(jebm_network_macs(net), 856128.0);
    jebm_network_last(net, &first, &count);
    cr_expect_eq(first, 76993 - 65);
    cr_expect_eq(count, 65);
    jebm_network_free(net);
}

Test(spec, spaces_and_the_order_of_options_do_not_matter) {
    jebm_network *a = made("  conv 4 p1 s2 k3|leaky 0.2 |  avgpool 2 s1 ", (jebm_shape){3, 9, 9});
    jebm_network *b = made("conv 4 k3 s2 p1 | leaky 0.2 | avgpool 2 s1", (jebm_shape){3, 9, 9});
    cr_expect_eq(jebm_network_nparams(a), 4 * 27 + 4);
    cr_expect_eq(jebm_network_nparams(b), 4 * 27 + 4);
    cr_expect_eq(jebm_network_outputs(a), 4 * 4 * 4);
    cr_expect_eq(jebm_network_outputs(b), 4 * 4 * 4);
    jebm_network_free(a);
    jebm_network_free(b);
}

Test(spec, a_stride_drops_what_does_not_fit) {
    jebm_network *net = made("conv 2 k3 s2 | maxpool 2 | conv 1 k1", (jebm_shape){1, 12, 11});
    cr_expect_eq(jebm_network_outputs(net), 2 * 2);
    jebm_network_free(net);
}

static const struct {
    const char *spec, *layer, *text, *expected;
} wrong[] = {
    {"conv 16", "layer 1", "'conv 16'", "conv OUT kK"},
    {"conv 16 k3 q1", "layer 1", "'conv 16 k3 q1'", "conv OUT kK"},
    {"conv 16 k3 k4", "layer 1", "'conv 16 k3 k4'", "conv OUT kK"},
    {"conv 0 k3", "layer 1", "'conv 0 k3'", "conv OUT kK"},
    {"conv 4 k3 s0", "layer 1", "'conv 4 k3 s0'", "conv OUT kK"},
    {"conv 4 k-3", "layer 1", "'conv 4 k-3'", "conv OUT kK"},
    {"conv 4 k3x", "layer 1", "'conv 4 k3x'", "conv OUT kK"},
    {"conv 4 k99999999999999999999", "layer 1", "'conv 4 k9", "conv OUT kK"},
    {"conv 4 k3 p3", "layer 1", "'conv 4 k3 p3'", "padding P below"},
    {"conv 4 k3 | silu | conv 4 k9", "layer 3", "'conv 4 k9'", "6 x 6 pixels"},
    {"silu | linear", "layer 2", "'linear'", "linear OUT"},
    {"linear 3.5", "layer 1", "'linear 3.5'", "linear OUT"},
    {"linear 4 | leaky 1.5", "layer 2", "'leaky 1.5'", "0 < A < 1"},
    {"linear 4 | leaky nan", "layer 2", "'leaky nan'", "0 < A < 1"},
    {"linear 4 | leaky", "layer 2", "'leaky'", "0 < A < 1"},
    {"maxpool", "layer 1", "'maxpool'", "maxpool K"},
    {"avgpool 2 s", "layer 1", "'avgpool 2 s'", "avgpool K"},
    {"maxpool 9 | linear 1", "layer 1", "'maxpool 9'", "8 x 8 pixels"},
    {"linear 4 | gelu", "layer 2", "'gelu'", "silu, relu"},
    {"linear 4 || silu", "layer 2", "''", "conv, linear"},
    {"", "layer 1", "''", "conv, linear"},
    {"silu now", "layer 1", "'silu now'", "silu"},
    {"conv 1 k3 s1 p1 and more", "layer 1", "'conv 1 k3 s1 p1 and more'", "fewer words"},
    {"linear 4 | logsoftmax | linear 1", "layer 3", "'linear 1'", "last layer"},
    {"silu | flatten", "no layer", "parameters", "conv or linear"},
    {"linear 65536 | linear 65536", "layer 2", "'linear 65536'", "2^26"},
};

Test(spec, a_wrong_layer_is_refused_by_one_line_that_names_it) {
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        jebm_network *net = NULL;
        jebm_error err = {0};
        const jebm_status status = jebm_network_new(wrong[i].spec, (jebm_shape){1, 8, 8},
                                                    JEBM_GEMM_REFERENCE, 0, &net, &err);
        cr_expect_eq(status, JEBM_EINVAL, "'%s'", wrong[i].spec);
        cr_expect_null(net);
        cr_expect_not_null(strstr(err.text, wrong[i].layer), "'%s': %s", wrong[i].spec, err.text);
        cr_expect_not_null(strstr(err.text, wrong[i].text), "'%s': %s", wrong[i].spec, err.text);
        cr_expect_not_null(strstr(err.text, wrong[i].expected), "'%s': %s", wrong[i].spec,
                           err.text);
        cr_expect_null(strchr(err.text, '\n'));
        jebm_network_free(net);
    }
}

Test(spec, images_without_pixels_are_refused) {
    jebm_network *net = NULL;
    jebm_error err = {0};
    cr_expect_eq(
        jebm_network_new("linear 1", (jebm_shape){1, 0, 8}, JEBM_GEMM_REFERENCE, 0, &net, &err),
        JEBM_EINVAL);
    cr_expect_not_null(strstr(err.text, "1 x 0 x 8"), "%s", err.text);
}

Test(spec, an_unknown_back_end_is_refused) {
    jebm_network *net = NULL;
    jebm_error err = {0};
    cr_expect_eq(
        jebm_network_new("linear 1", (jebm_shape){1, 1, 8}, JEBM_GEMM_COUNT, 0, &net, &err),
        JEBM_EUNSUPPORTED);
    cr_expect_not_null(strstr(err.text, "back end"), "%s", err.text);
}
