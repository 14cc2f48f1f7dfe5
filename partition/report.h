/* SPDX-License-Identifier: BSD-3-Clause */
/* What a partition's process has to say of its guest's fatal error, or panic. */
#ifndef PARTITION_REPORT_H
#define PARTITION_REPORT_H

#include "vmm/vm.h"

#include <stddef.h>

struct partition;

/* Bytes of the console's last lines, with what is put around them. */
#define REPORT_CONSOLE_MAX 2048
#define REPORT_MAX         (VM_REPORT_MAX + REPORT_CONSOLE_MAX)

/*
 * The report of whoever met it, then under REPORT_CONSOLE_TITLE what the guest said last; empty
 * for other ends. The guest runs no more.
 */
void report_compose(const struct partition *p, char ret_text[REPORT_MAX]);

#endif
