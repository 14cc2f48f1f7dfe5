/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tables of the MultiProcessor Specification 1.4, emitted from struct machine: for kernels that
 * look for processors there, and not in ACPI's.
 */
#ifndef ACPI_MPTABLE_H
#define ACPI_MPTABLE_H

#include "vmm/machine.h"

/*
 * Writes them at X86_MP_BASE of M's guest memory, whose devices are complete, and claims their
 * place as "MP tables". 0; -EINVAL when M is no standard x86 machine; -EEXIST when something else
 * has their place; -EFAULT when there is no memory behind it.
 */
int mptable_build(struct machine *m);

#endif
