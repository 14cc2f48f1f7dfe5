/* SPDX-License-Identifier: BSD-3-Clause */
/* The devices of a machine, by architecture and contract: explicit lists. */
#ifndef DEVICES_REGISTRY_H
#define DEVICES_REGISTRY_H

#include "devices/chardev.h"
#include "devices/control_page.h"
#include "devices/rtc.h"
#include "lib/loop.h"
#include "vmm/machine.h"

#define DEVICES_SERIAL_PORTS 2

struct devices_config {
	/*
	 * What is behind the serial ports, COM1 and COM2 or UART0 and UART1, borrowed for the
	 * machine's life; NULL: no such port.
	 */
	struct chardev *serial[DEVICES_SERIAL_PORTS];
	struct rtc_config rtc; /* zeroed: the host's clock */
	/* Zeroed: no watchdog, and nobody looks at it. fusa: there only with a watchdog. */
	struct control_page_config control;
	bool pci;   /* a host bridge, for functions that are added later; not under fusa */
	bool debug; /* fusa: the exit port beside what the contract has */
	/* What a standard machine may have for test images (devices/testdev/). */
	bool pvpanic, fw_cfg;
	bool chr_testdev;                  /* arm64 */
	bool debug_port, test_ports, hpet; /* x86 */
	struct loop *loop;                 /* the I/O thread's; NULL: it will not run */
};

/*
 * Adds every device of its architecture and contract to M, whose guest memory is there. 0, or the
 * first device's error (-ENOMEM, -ENOSPC, -EEXIST, -EFAULT); what was added until then is M's and
 * goes with machine_fini.
 */
int devices_create(struct machine *m, const struct devices_config *cfg);

#endif
