/* SPDX-License-Identifier: BSD-3-Clause */
/* Device memory, for images that look at the machine itself: the same names on every architecture.
 */
#ifndef GUESTLIB_MMIO_H
#define GUESTLIB_MMIO_H

#include "guest.h"

#include <bulkhead/control.h>

#define MMIO_CONTROL_PAGE BULKHEAD_CONTROL_ADDRESS_ARM64

/* An address of the standard machine that nobody has; mapped, and so are the 128 KiB from there. */
#define MMIO_NOWHERE 0x0B000000

/*
 * One access of exactly this size, by the plainest of loads and stores: a data abort on it tells
 * size and register in its syndrome.
 */
#define MMIO_ACCESSORS(bits, suffix, width)                                                        \
	static inline uint##bits##_t mmio_read##bits(uint64_t address)                             \
	{                                                                                          \
		uint##bits##_t v;                                                                  \
                                                                                                   \
		__asm__ volatile("ldr" suffix " %" width "0, [%1]"                                 \
				 : "=r"(v)                                                         \
				 : "r"(address)                                                    \
				 : "memory");                                                      \
		return v;                                                                          \
	}                                                                                          \
	static inline void mmio_write##bits(uint64_t address, uint##bits##_t v)                    \
	{                                                                                          \
		__asm__ volatile("str" suffix " %" width "0, [%1]"                                 \
				 :                                                                 \
				 : "r"(v), "r"(address)                                            \
				 : "memory");                                                      \
	}

MMIO_ACCESSORS(8, "b", "w")
MMIO_ACCESSORS(16, "h", "w")
MMIO_ACCESSORS(32, "", "w")
MMIO_ACCESSORS(64, "", "x")

#undef MMIO_ACCESSORS

#endif
