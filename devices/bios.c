/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * There is no BIOS, but some kernels count on what it leaves behind [IBM PC AT Technical Reference,
 * section 5]: the size of base memory in the BIOS data area (Xen places its trampoline by it), the
 * reset vector F000:FFF0 (a hardware-reduced Linux jumps there to reboot), and interrupt vectors
 * that return, so that a BIOS call does nothing instead of running wild. Left out: every service
 * behind those interrupts, and the rest of the data area, which is zero.
 */
#include "devices/bios.h"

#include "lib/util.h"
#include "vmm/layout_x86.h"

#include <endian.h>

#define IVT_VECTORS     256
#define BDA_BASE_MEMORY 0x413 /* a word, in KiB */

/* Segment F000: the address of the dummy return in every PC BIOS, and of the reset vector. */
#define BIOS_SEGMENT 0xF000
#define DUMMY_RETURN 0xFF53
#define RESET_VECTOR 0xFFF0

static int write_code(
	struct machine *m, uint16_t offset, const uint8_t *code, size_t size, const char *what)
{
	gpa_t at = (gpa_t)BIOS_SEGMENT * 16 + offset;
	int ret = machine_claim(m, at, size, what, NULL);

	return ret ? ret : gmem_write(&m->gmem, at, code, size);
}

static int write_vectors(struct machine *m)
{
	static const uint8_t iret[] = {0xCF};
	struct {
		uint16_t offset, segment;
	} ivt[IVT_VECTORS];
	int ret = write_code(m, DUMMY_RETURN, iret, sizeof(iret), "dummy interrupt return");

	for (unsigned i = 0; i < IVT_VECTORS; i++) {
		ivt[i].offset = htole16(DUMMY_RETURN);
		ivt[i].segment = htole16(BIOS_SEGMENT);
	}
	return ret ? ret : gmem_write(&m->gmem, 0, ivt, sizeof(ivt));
}

int bios_write(struct machine *m)
{
	static const uint8_t reset[] = {
		0xBA, X86_PORT_RESET & 0xFF, X86_PORT_RESET >> 8, /* mov dx, port */
		0xB0, X86_RESET_VALUE,                            /* mov al, value */
		0xEE,                                             /* out dx, al */
		0xF4,                                             /* hlt */
		0xEB, 0xFD,                                       /* jmp to the hlt */
	};
	const uint16_t base_memory = htole16(X86_LOW_RAM_END / KIB);
	int ret = write_vectors(m);

	if (!ret)
		ret = gmem_write(&m->gmem, BDA_BASE_MEMORY, &base_memory, sizeof(base_memory));
	if (!ret)
		ret = write_code(m, RESET_VECTOR, reset, sizeof(reset), "reset vector");
	return ret;
}
