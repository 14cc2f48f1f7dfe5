/* SPDX-License-Identifier: BSD-3-Clause */
/* High Precision Event Timer. */
#ifndef DEVICES_TESTDEV_HPET_H
#define DEVICES_TESTDEV_HPET_H

#include "lib/loop.h"
#include "vmm/machine.h"

struct hpet_config {
	/* The I/O thread's, on which timers expire, borrowed for the machine's life; NULL: they do
	 * when hpet_expired is called. */
	struct loop *loop;
	/* What time it is, in nanoseconds, never less than before; NULL: CLOCK_MONOTONIC. */
	uint64_t (*now)(void *ctx);
	void *ctx;
};

/* 0, or the errors of machine_add_device, _window, _irq, or of a timer of the host's. */
int hpet_create(struct machine *m, const struct hpet_config *cfg);

/* Lets M's HPET see what time it is. I/O thread. */
void hpet_expired(const struct machine *m);

#endif
