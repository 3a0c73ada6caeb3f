/* The part of a walker's log-weight that lasts, and how uneven it is within each mode.
 *
 * In the well of mode k, with theta at rest, a step of ULA changes the log-weight of eq. (5)-(6) by
 * (h/4)(|x - m_k|^2 - |y - m_k|^2). So B = A + (h/4)|x - m_k|^2 changes with theta only, and A - B
 * forgets as fast as the walker does. docs/BIAS.md derives from B how fast the modes' weights
 * drift.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_GMM_LASTING_H
#define JEBM_GMM_LASTING_H

#include "core/ensemble.h"
#include "energy/energy.h"

/* cv2[modes]: squared coefficient of variation of exp(B) over the walkers of each mode, n sum w^2 /
 * (sum w)^2 - 1; NAN for a mode without walkers.
 *   e  an energy by jebm_gmm_new(), under whose theta the weights are
 *   h  the step if the weights are those of eq. (5)-(6); 0 for weights that leave the
 *      discretisation out: then B is A
 * A walker belongs to the mode of its largest responsibility. */
void mixture_lasting_cv2(const jebm_energy *e, const jebm_ensemble *walkers, double h, double *cv2);

#endif
