/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What an architecture's folder gives to the rest of the library, beside the functions of guest.h
 * that it implements itself: guest_exit, console_write's arch_console_write, console_read, time_ns,
 * the timer, and everything about CPUs and interrupts.
 */
#ifndef GUESTLIB_ARCH_H
#define GUESTLIB_ARCH_H

#include "guest.h"

#define GUEST_RANGES_MAX  32
#define GUEST_MODULES_MAX 64
#define CMDLINE_MAX       2048

/* What the loader told, in one form for all boot protocols. Filled in by arch_init. */
struct boot {
	const char *protocol; /* "multiboot", "multiboot2", "none" */
	const char *loader;   /* its name, "" if unknown */
	char cmdline[CMDLINE_MAX];
	struct memory_range ranges[GUEST_RANGES_MAX];
	unsigned range_count;
	struct boot_module modules[GUEST_MODULES_MAX];
	unsigned module_count;
};

extern struct boot boot;

/* Console first, then everything that guest_main may rely on. CPU 0, interrupts off. */
void arch_init(void);

/* Sends bytes to the console; the caller holds the console's lock. */
void arch_console_write(const char *text, size_t size);

#endif
