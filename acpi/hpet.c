/* SPDX-License-Identifier: BSD-3-Clause */
/* IA-PC High Precision Event Timer Table [IA-PC HPET 1.0a 3.2.4]. */
#include "acpi/tables.h"
#include "vmm/device.h"
#include "vmm/layout_x86.h"

#include <string.h>

#define HID_HPET "PNP0103"

/* The lower half of its capabilities register: revision 1, three timers, 64 bits, legacy routes. */
#define HARDWARE_ID 0x8086A201

#define MINIMUM_TICK 10000 /* of the counter, in periodic mode: 100 us */

/* Generic Address Structure [ACPI 6.4 5.2.3.2], its first four bytes: memory, 64 bits wide. */
#define GAS_MEMORY (0u | 64u << 8)

bool hpet_exists(const struct machine *m)
{
	for (unsigned i = 0; i < m->device_count; i++) {
		const char *hid = m->devices[i]->cls->acpi_hid;

		if (hid && !strcmp(hid, HID_HPET))
			return true;
	}
	return false;
}

void hpet_emit(struct aml *a, const struct acpi_context *ctx)
{
	(void)ctx;
	aml_u32(a, HARDWARE_ID);
	aml_u32(a, GAS_MEMORY);
	aml_u64(a, X86_HPET_BASE);
	aml_u8(a, 0); /* the first one */
	aml_u16(a, MINIMUM_TICK);
	aml_u8(a, 0); /* no page is to be kept from others */
}
