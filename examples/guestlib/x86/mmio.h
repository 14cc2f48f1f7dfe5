/* SPDX-License-Identifier: BSD-3-Clause */
/* Device memory, for images that look at the machine itself: the same names on every architecture.
 */
#ifndef GUESTLIB_MMIO_H
#define GUESTLIB_MMIO_H

#include "guest.h"

#include <bulkhead/control.h>

#define MMIO_CONTROL_PAGE BULKHEAD_CONTROL_ADDRESS_X86

/* An address of the standard machine that nobody has; mapped, and so are the 128 KiB from there. */
#define MMIO_NOWHERE 0x90000000

/* Device memory: one access of exactly this size, by a plain MOV. */
#define MMIO_ACCESSORS(bits)                                                                       \
	static inline uint##bits##_t mmio_read##bits(uint64_t address)                             \
	{                                                                                          \
		uint##bits##_t v;                                                                  \
                                                                                                   \
		__asm__ volatile("mov %1, %0"                                                      \
				 : "=a"(v)                                                         \
				 : "m"(*(volatile uint##bits##_t *)address)                        \
				 : "memory");                                                      \
		return v;                                                                          \
	}                                                                                          \
	static inline void mmio_write##bits(uint64_t address, uint##bits##_t v)                    \
	{                                                                                          \
		__asm__ volatile("mov %1, %0"                                                      \
				 : "=m"(*(volatile uint##bits##_t *)address)                       \
				 : "a"(v)                                                          \
				 : "memory");                                                      \
	}

MMIO_ACCESSORS(8)
MMIO_ACCESSORS(16)
MMIO_ACCESSORS(32)
MMIO_ACCESSORS(64)

#undef MMIO_ACCESSORS

#endif
