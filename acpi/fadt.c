/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fixed ACPI Description Table, revision 6.4 [ACPI 6.4 5.2.9], of a hardware-reduced machine
 * [ACPI 6.4 4.1]: sleep and reset registers, no PM1 or GPE blocks, no PM timer, no SCI, no FACS.
 */
#include "acpi/tables.h"
#include "lib/util.h"
#include "vmm/layout_x86.h"

#define FADT_SIZE  276
#define FADT_MINOR 4

/* Fixed feature flags [table 5.10]. */
#define FLAG_WBINVD        (1u << 0)
#define FLAG_PWR_BUTTON    (1u << 4) /* no fixed power button */
#define FLAG_SLP_BUTTON    (1u << 5) /* no fixed sleep button */
#define FLAG_FIX_RTC       (1u << 6) /* no RTC wake status in fixed registers */
#define FLAG_RESET_REG_SUP (1u << 10)
#define FLAG_HW_REDUCED    (1u << 20)

/* IA-PC boot flags [table 5.11]. Not set: 8042, MSI not supported, CMOS RTC not present. */
#define BOOT_LEGACY_DEVICES (1u << 0) /* serial ports at ISA addresses */
#define BOOT_NO_VGA         (1u << 2)

/* Where PC firmware keeps the century in CMOS memory. */
#define RTC_CENTURY 0x32

/* Generic Address Structure [5.2.3.2], its first four bytes: I/O space, 8 bits, byte access. */
#define GAS_IO_BYTE (1u | 8u << 8 | 1u << 24)

void fadt_emit(struct aml *a, const struct acpi_context *ctx)
{
	const uint64_t dsdt = ctx->address[ACPI_DSDT];
	/* Offsets are the specification's [table 5.9]; what is not named here is 0. */
	const struct {
		uint16_t offset;
		uint8_t bytes;
		uint64_t value;
	} fields[] = {
		{40, 4, dsdt}, /* DSDT: for who does not know X_DSDT, the same address */
		{108, 1, RTC_CENTURY},
		{109, 2, BOOT_LEGACY_DEVICES | BOOT_NO_VGA},
		{112, 4,
			FLAG_WBINVD | FLAG_PWR_BUTTON | FLAG_SLP_BUTTON | FLAG_FIX_RTC |
				FLAG_RESET_REG_SUP | FLAG_HW_REDUCED},
		{116, 4, GAS_IO_BYTE}, /* RESET_REG */
		{120, 8, X86_PORT_RESET},
		{128, 1, X86_RESET_VALUE},
		{131, 1, FADT_MINOR},
		{140, 8, dsdt},        /* X_DSDT */
		{244, 4, GAS_IO_BYTE}, /* SLEEP_CONTROL_REG */
		{248, 8, X86_PORT_SLEEP_CTRL},
		{256, 4, GAS_IO_BYTE}, /* SLEEP_STATUS_REG */
		{260, 8, X86_PORT_SLEEP_STS},
	};
	uint8_t fadt[FADT_SIZE] = {0};

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		for (unsigned b = 0; b < fields[i].bytes; b++)
			fadt[fields[i].offset + b] = (uint8_t)(fields[i].value >> (8 * b));
	}
	aml_bytes(a, fadt + ACPI_HEADER_SIZE, sizeof(fadt) - ACPI_HEADER_SIZE);
}
