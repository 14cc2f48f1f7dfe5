/* SPDX-License-Identifier: BSD-3-Clause */
/* What a guest finds in memory where a PC's BIOS leaves things. */
#ifndef DEVICES_BIOS_H
#define DEVICES_BIOS_H

#include "vmm/machine.h"

/*
 * Writes it to M's guest memory, which must be there. 0, -EFAULT when it is not, -EEXIST when the
 * reset vector's place is taken.
 */
int bios_write(struct machine *m);

#endif
