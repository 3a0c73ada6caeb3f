/* Feed-forward networks described by a line of text, cut into tiles of images that stay in cache
 * through the whole network.
 *
 *   spec   layers separated by '|', in order, for instance the paper's MNIST network:
 *          "conv 16 k5 s2 p4 | silu | conv 32 k3 s2 p1 | silu | conv 64 k3 s2 p1 | silu |
 *           conv 64 k3 s2 p1 | silu | flatten | linear 64 | silu | linear 1"
 *     conv OUT kK [sS] [pP]      2-d convolution with bias, square kernel, stride S (1), zero
 *                                padding P (0)
 *     linear OUT                 with bias; its input is flattened channel by channel, as PyTorch
 *                                does it (flatten before it may be written, and changes nothing)
 *     silu | relu | leaky A      x/(1+exp(-x)), max(x, 0), max(x, A x) with 0 < A < 1
 *     maxpool K [sS] | avgpool K [sS]   without padding; stride S = K unless given
 *     logsoftmax                 of all outputs of an image; last layer only
 *
 * Parameters theta [nparams] are doubles, layer by layer, weight before bias, in PyTorch's layout:
 * conv [out][in][k][k], linear [out][in]. Images are [channels][height][width] floats.
 *
 * A network is immutable and shared by threads. jebm_weights is theta in the form that the kernels
 * want; jebm_workspace is one thread's scratch. Nothing below allocates after those were made.
 * An image's results do not depend on which other images are in the call, nor on threads.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_NETWORK_H
#define JEBM_NETWORK_H

#include "core/rng.h"
#include "core/status.h"
#include "nn/gemm.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct jebm_network jebm_network;
typedef struct jebm_weights jebm_weights;
typedef struct jebm_workspace jebm_workspace;

typedef struct jebm_shape {
    size_t channels, height, width;
} jebm_shape;

/* Parse a spec for images of a shape and prepare its products on a back end.
 *   tile  images worked on at a time; 0: 16
 * JEBM_EINVAL with the layer, what was found and what was expected; JEBM_EUNSUPPORTED if the back
 * end is not in this build or not for this CPU; JEBM_ENOMEM. */
JEBM_API jebm_status jebm_network_new(const char *spec, jebm_shape input, jebm_gemm_backend backend,
                                      size_t tile, jebm_network **out, jebm_error *err);
JEBM_API void jebm_network_free(jebm_network *net);

JEBM_API size_t jebm_network_nparams(const jebm_network *net);
JEBM_API size_t jebm_network_inputs(const jebm_network *net); /* channels * height * width */
JEBM_API size_t jebm_network_outputs(const jebm_network *net);
JEBM_API size_t jebm_network_tile(const jebm_network *net);
JEBM_API jebm_gemm_backend jebm_network_backend(const jebm_network *net);
/* Multiply-adds of the products of one forward pass of one image. */
JEBM_API double jebm_network_macs(const jebm_network *net);

/* PyTorch's default initialisation of conv and linear: weight and bias uniform on
 * [-1/sqrt(fan_in), 1/sqrt(fan_in)]. Draws at (index = parameter, JEBM_LANE_THETA, step 0). */
JEBM_API void jebm_network_init(const jebm_network *net, jebm_rng rng, double *theta);

/* Range of the parameters of the last layer that has any: theta[*first .. *first + *count). */
JEBM_API void jebm_network_last(const jebm_network *net, size_t *first, size_t *count);

/* Layers that have parameters, and those of one of them: its word ("conv" or "linear"; static), and
 * arrays "weight" and "bias" in their shapes whose data lie in theta [nparams]. i < layers. */
JEBM_API size_t jebm_network_layers(const jebm_network *net);
JEBM_API const char *jebm_network_layer(const jebm_network *net, size_t i, double *theta,
                                        jebm_array arrays[2]);

JEBM_API jebm_status jebm_weights_new(const jebm_network *net, jebm_weights **out, jebm_error *err);
JEBM_API void jebm_weights_free(jebm_weights *weights);
/* Bring weights up to theta [nparams]. */
JEBM_API void jebm_weights_set(const jebm_network *net, jebm_weights *weights, const double *theta);

JEBM_API jebm_status jebm_workspace_new(const jebm_network *net, jebm_workspace **out,
                                        jebm_error *err);
JEBM_API void jebm_workspace_free(jebm_workspace *ws);
JEBM_API uint64_t jebm_workspace_bytes(const jebm_network *net);

/* Outputs y [n][outputs] at x [n][inputs]. */
JEBM_API void jebm_network_forward(const jebm_network *net, const jebm_weights *weights, size_t n,
                                   const float *x, float *y, jebm_workspace *ws);

/* Of a network with one output F: F [n] (NULL: not wanted) and grad [n][inputs] = grad_x F. */
JEBM_API void jebm_network_gradient(const jebm_network *net, const jebm_weights *weights, size_t n,
                                    const float *x, float *F, float *grad, jebm_workspace *ws);

/* What a loss makes of one image's outputs: dy[outputs] = d loss / d y. */
typedef void (*jebm_output_gradient)(void *context, size_t image, const float *y, float *dy);

/* g [nparams] += sum over images of d loss_i / d theta, back-propagated from dy(i, y_i). Products
 * in the back end's precision, sums over the tiles in double. */
JEBM_API void jebm_network_backward(const jebm_network *net, const jebm_weights *weights, size_t n,
                                    const float *x, jebm_output_gradient loss, void *context,
                                    double *g, jebm_workspace *ws);

#ifdef __cplusplus
}
#endif

#endif
