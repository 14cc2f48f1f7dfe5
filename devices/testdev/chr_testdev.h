/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Behind a port: what kvm-unit-tests and its like end by where there is no exit port. A decimal
 * number and the letter q end the partition with that number as the guest's exit code, as QEMU's
 * -chardev testdev has it; anything else is ignored.
 */
#ifndef DEVICES_TESTDEV_CHR_TESTDEV_H
#define DEVICES_TESTDEV_CHR_TESTDEV_H

#include "devices/chardev.h"
#include "vmm/machine.h"

struct chr_testdev {
	uint32_t number; /* of the digits so far */
	bool digits;     /* there are some */
};

/* Takes BYTE; SERVICES of the machine that it ends. */
void chr_testdev_take(struct chr_testdev *t, uint8_t byte, const struct machine_services *services);

/* Takes what the guest has written to C. I/O thread. */
void chr_testdev_pump(struct chr_testdev *t, struct chardev *c, const struct machine *m);

#endif
