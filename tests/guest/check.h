/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the test images share: each prints a line for everything it checks, and guest_main returns
 * checks_failed(), so that the exit code is 0 exactly when all of it held.
 */
#ifndef TESTS_GUEST_CHECK_H
#define TESTS_GUEST_CHECK_H

#include "guest.h"

/* One for all files of an image. */
__attribute__((weak)) unsigned check_failures;

#define check(condition, ...) (check_begin(condition), kprintf(__VA_ARGS__), kprintf("\n"))

static inline void check_begin(bool ok)
{
	kprintf(ok ? "ok      " : "FAILED  ");
	check_failures += !ok;
}

static inline int checks_failed(void)
{
	return check_failures != 0;
}

#endif
