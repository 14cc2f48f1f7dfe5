/* SPDX-License-Identifier: BSD-3-Clause */
/* Registers and commands of the Interrupt Translation Service, and of LPIs [IHI 0069 5, 12]. */
#ifndef GUESTLIB_ARM64_ITS_H
#define GUESTLIB_ARM64_ITS_H

#include "guest.h"

#define GITS_CTLR       0x0000
#define GITS_TYPER      0x0008
#define GITS_CBASER     0x0080
#define GITS_CWRITER    0x0088
#define GITS_CREADR     0x0090
#define GITS_BASER      0x0100 /* eight of 8 bytes */
#define GITS_TRANSLATER 0x10040
#define TYPER_PTA       (1 << 19)

#define GICR_CTLR       0x00
#define GICR_TYPER      0x08
#define GICR_PROPBASER  0x70
#define GICR_PENDBASER  0x78
#define CTLR_LPIS       1
#define PENDBASER_CLEAR (UINT64_C(1) << 62)

/* Of the tables' registers: write-back and inner shareable, but for those of the redistributor. */
#define BASER_VALID     (UINT64_C(1) << 63)
#define BASER_CACHEABLE (UINT64_C(7) << 59 | 1 << 10)
#define GICR_CACHEABLE  (7 << 7 | 1 << 10)
#define BASER_KEPT      UINT64_C(0x071F000000000300) /* type, entry size, page size */
#define BASER_TYPE(r)   ((r) >> 56 & 7)

#define LPI_ON  0xA1 /* priority 0xA0 */
#define LPI_OFF 0xA0

enum {
	CMD_MOVI = 0x01,
	CMD_INT = 0x03,
	CMD_SYNC = 0x05,
	CMD_MAPD = 0x08,
	CMD_MAPC = 0x09,
	CMD_MAPTI = 0x0A,
	CMD_INV = 0x0C,
	CMD_DISCARD = 0x0F
};

#endif
