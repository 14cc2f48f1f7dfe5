/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ACPI tables of the x86 machines, emitted from struct machine alone [ACPI 6.4].
 *
 * RSDP at X86_ACPI_RSDP, the other tables behind it up to X86_FIRMWARE_END: XSDT, FADT (hardware-
 * reduced), DSDT, MADT, MCFG where there is PCI, and HPET where there is one. There is no RSDT, no
 * FACS and no SSDT. Under the fusa contract there are RSDP, XSDT and MADT alone, byte for byte as
 * ACRN's safety-certified edition has them, and in the safety VM none.
 */
#ifndef ACPI_ACPI_H
#define ACPI_ACPI_H

#include "vmm/machine.h"

/*
 * Writes the tables for M, whose devices are complete, into its guest memory and claims their place
 * as "ACPI tables"; *RET_RSDP is where the RSDP is, 0 when the machine's contract has none. 0;
 * -EINVAL when M is not an x86 machine or a device's name is not an ACPI name; -ERANGE when one of
 * its windows cannot be described; -ENOSPC when the tables do not fit; -EEXIST when something else
 * has their place; -EFAULT when there is no memory behind it; -ENOMEM. Nothing is written on
 * failure.
 */
int acpi_build(struct machine *m, gpa_t *ret_rsdp);

#endif
