/* SPDX-License-Identifier: BSD-3-Clause */
/* What `bulkhead test` finds out about this host. */
#ifndef CLI_TEST_HOST_H
#define CLI_TEST_HOST_H

#include "suite/runner.h"

/* What this host has, as far as the COUNT ENTRIES ask. *RET starts as zeros. */
void test_host_find(const struct suite_entry *entries, unsigned count, struct suite_host *ret);

#endif
