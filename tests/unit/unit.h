/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A unit test file defines unit_suite(); tests/unit/unit.c is its main. Build one with
 * `make unit`; run one by itself from build/tests/unit/LAYER/test_X.
 */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <check.h>

Suite *unit_suite(void);

#endif
