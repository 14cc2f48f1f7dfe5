/* SPDX-License-Identifier: BSD-3-Clause */
/* The ACPI sleep registers. */
#ifndef DEVICES_ACPI_PM_H
#define DEVICES_ACPI_PM_H

#include "vmm/machine.h"

/* 0, or the errors of machine_add_device and machine_add_window. */
int acpi_pm_create(struct machine *m);

#endif
