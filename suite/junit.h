/* SPDX-License-Identifier: BSD-3-Clause */
/* JUnit files of several tests, whoever has written them, as one. */
#ifndef SUITE_JUNIT_H
#define SUITE_JUNIT_H

#include "suite/report.h"

/*
 * Writes the outermost test suites of the SIZE bytes of XML at TEXT to F as they are, but for their
 * ids, which go on from *ID; adds what they count to *SUM. 0; -EINVAL when this is no such file,
 * and F may have a part of it then.
 */
int junit_copy_suites(
	const char *text, size_t size, FILE *f, unsigned *id, struct suite_summary *sum);

#endif
