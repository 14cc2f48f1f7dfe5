/* SPDX-License-Identifier: BSD-3-Clause */
#include "vmm/arm64/call.h"

#include <endian.h>
#include <string.h>

bool arm64_ends_in_call(const uint8_t code[BACKTRACE_CODE])
{
	uint32_t insn;

	memcpy(&insn, code + BACKTRACE_CODE - sizeof(insn), sizeof(insn));
	insn = le32toh(insn);
	return (insn & 0xFC000000) == 0x94000000 || /* BL */
	       (insn & 0xFFFFFC1F) == 0xD63F0000 || /* BLR */
	       (insn & 0xFEFFF800) == 0xD63F0800;   /* BLRAA, BLRAB, BLRAAZ, BLRABZ */
}
