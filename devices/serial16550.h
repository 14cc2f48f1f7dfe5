/* SPDX-License-Identifier: BSD-3-Clause */
/* A PC's serial port. */
#ifndef DEVICES_SERIAL16550_H
#define DEVICES_SERIAL16550_H

#include "devices/chardev.h"
#include "vmm/machine.h"

struct serial16550_config {
	const char *name; /* "COM1" */
	uint16_t port;    /* first of its 8 ports */
	uint32_t gsi;
	struct chardev *chardev; /* borrowed for the machine's life; its front is filled in here */
};

/* 0, or the errors of machine_add_device, machine_add_window and machine_add_irq. */
int serial16550_create(struct machine *m, const struct serial16550_config *cfg);

#endif
