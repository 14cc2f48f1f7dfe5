/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The control page, and on arm64 the hypercalls beside it: what a guest and Bulkhead tell each
 * other about the guest's own partition.
 */
#ifndef DEVICES_CONTROL_PAGE_H
#define DEVICES_CONTROL_PAGE_H

#include "vmm/machine.h"

#include <stdatomic.h>

/*
 * What the page shows and where it leaves what the guest writes. The pointers are borrowed for the
 * machine's life and may be memory shared with another process, which writes stop_request and reads
 * the others; a NULL one is the device's own.
 */
struct control_page_config {
	uint32_t watchdog_us; /* a heartbeat is due that often; 0: there is no watchdog */
	_Atomic uint64_t *beats;
	_Atomic uint64_t *last_beat_ns;   /* CLOCK_MONOTONIC; 0: none so far */
	_Atomic uint64_t *longest_gap_ns; /* between two beats */
	_Atomic uint32_t *locked;         /* 0 or 1 */
	_Atomic uint32_t *stop_request;   /* enum bulkhead_stop_request */
	_Atomic uint32_t *stop_reply;     /* enum bulkhead_stop_reply, or 0: none so far */
};

/* 0, or the errors of machine_add_device and machine_add_window. */
int control_page_create(struct machine *m, const struct control_page_config *config);

#endif
