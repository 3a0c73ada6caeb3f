/* The number of the numerics: which numbers the same settings give.
 *
 * It is the number of entries under Numerics in CHANGELOG.md, raised by hand with each of them. It
 * enters the fingerprint of a run, so that a run begun by a program of other numerics is neither
 * continued nor merged.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_APP_NUMERICS_H
#define JEBM_APP_NUMERICS_H

#define JEBM_NUMERICS 6

#endif
