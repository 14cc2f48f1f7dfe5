/* SPDX-License-Identifier: BSD-3-Clause */
#include "vmm/x86/call.h"

#define CALL_REL32      0xE8
#define CALL_REL32_SIZE 5
#define GROUP_5         0xFF
#define GROUP_5_CALL    2 /* in the reg field of ModRM */
#define GROUP_5_MAX     7

/* Bytes of opcode, ModRM, SIB and displacement, for addresses of 32 and 64 bits [SDM 2A 2.1.5]. */
static unsigned group_5_size(uint8_t modrm, uint8_t sib)
{
	unsigned mod = modrm >> 6, rm = modrm & 7, size = 2;

	if (mod == 3)
		return size;
	size += rm == 4;
	if (mod == 1)
		return size + 1;
	if (mod == 2 || rm == 5 || (rm == 4 && (sib & 7) == 5))
		return size + 4;
	return size;
}

bool x86_ends_in_call(const uint8_t code[BACKTRACE_CODE])
{
	const uint8_t *end = code + BACKTRACE_CODE;

	if (end[-CALL_REL32_SIZE] == CALL_REL32)
		return true;
	for (int n = 2; n <= GROUP_5_MAX; n++) {
		const uint8_t *modrm = end - n + 1;

		if (modrm[-1] == GROUP_5 && (*modrm >> 3 & 7) == GROUP_5_CALL &&
			group_5_size(*modrm, n > 2 ? modrm[1] : 0) == (unsigned)n)
			return true;
	}
	return false;
}
