/* SPDX-License-Identifier: BSD-3-Clause */
/* The serial port of the arm64 machine. */
#ifndef DEVICES_PL011_H
#define DEVICES_PL011_H

#include "devices/chardev.h"
#include "vmm/machine.h"

struct pl011_config {
	const char *name; /* "UART0" */
	gpa_t base;       /* of its page */
	uint32_t gsi;
	struct chardev *chardev; /* borrowed for the machine's life; its front is filled in here */
};

/* 0, or the errors of machine_add_device, machine_add_window and machine_add_irq. */
int pl011_create(struct machine *m, const struct pl011_config *cfg);

#endif
