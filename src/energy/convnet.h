/* Energies of images: a network F_theta at a temperature,
 *
 *   U_theta(x) = F_theta(x) / T                        on the cube [-1, 1]^d (moves with bound = 1)
 *   U_theta(x) = F_theta(x) / T + |x|^2 / (2 s^2)      on R^d, with a confining s
 *
 * The reference density is the one of F = 0: uniform on the cube (log Z = d log 2), or N(0, s^2 I)
 * (log Z = d/2 log 2 pi s^2). Walkers start there with A_0 = U_ref - U_{theta_0}, so every log Z,
 * hence every cross-entropy, is absolute. One parameter group, "theta".
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_CONVNET_H
#define JEBM_CONVNET_H

#include "energy/energy.h"
#include "nn/network.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct jebm_convnet_config {
    const char *spec; /* nn/network.h; one output. Borrowed for the call */
    jebm_shape shape; /* of an image */
    double temperature; /* T > 0 */
    double confine; /* s > 0 on R^d; 0: the cube */
    jebm_gemm_backend backend; /* of U and of grad_theta U */
    jebm_gemm_backend drift; /* of grad_x U; weights stay exact with any: DESIGN, core/langevin.h */
    bool zero_last; /* the last layer starts at 0, so that U_{theta_0} is U_ref */
    size_t tile; /* images that a thread takes through the network at a time; 0: as it fits */
} jebm_convnet_config;

/* theta_0 from PyTorch's default initialisation with draws of rng. Scratch is made for the threads
 * that parallel regions have at this call; see jebm_energy_room() for more of them.
 * JEBM_EINVAL (spec, or not one output; T, s), JEBM_EUNSUPPORTED (back end), JEBM_ENOMEM. */
JEBM_API jebm_status jebm_convnet_new(const jebm_convnet_config *config, jebm_rng rng,
                                      jebm_energy **out, jebm_error *err);

/* The path of metrics/ais.h from the reference density to theta [nparams]: the last layer's
 * parameters times beta, so that F becomes beta F. */
JEBM_API void jebm_convnet_temper(const double *theta, double beta, jebm_energy *e);

/* The network of an energy that jebm_convnet_new() made. Borrowed. */
JEBM_API const jebm_network *jebm_convnet_network(const jebm_energy *e);

#ifdef __cplusplus
}
#endif

#endif
