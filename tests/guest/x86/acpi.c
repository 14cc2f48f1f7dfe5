/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The firmware tables as a guest without an AML interpreter sees them: places, checksums,
 * revisions, the hardware-reduced FADT, and the MADT against cpus= [ACPI 6.5 5.2].
 */
#include "../check.h"
#include "x86.h"

#define TABLES_START 0xF0000
#define TABLES_END   0x100000

/* Offsets in the FADT [ACPI 6.5 table 5.9]. */
#define FADT_FLAGS       112
#define FADT_RESET_REG   116
#define FADT_RESET_VALUE 128
#define FADT_X_DSDT      140
#define FADT_SLEEP_CTRL  244
#define FADT_SLEEP_STS   256

#define FADT_RESET_SUPPORTED  (1U << 10)
#define FADT_HARDWARE_REDUCED (1U << 20)

static uint64_t field(const void *table, unsigned offset, unsigned size)
{
	uint64_t v = 0;

	memcpy(&v, (const uint8_t *)table + offset, size);
	return v;
}

static void check_table(const struct acpi_header *t)
{
	uint64_t at = (uint64_t)t;

	check(at >= TABLES_START && at + t->length <= TABLES_END,
		"%c%c%c%c at 0x%lx, %u bytes, revision %u", t->signature[0], t->signature[1],
		t->signature[2], t->signature[3], at, t->length, t->revision);
	check(acpi_sum(t, t->length) == 0, "its checksum holds");
}

static void check_fadt(const struct acpi_header *fadt)
{
	uint64_t flags;

	check(fadt != NULL, "there is a FADT");
	if (!fadt)
		return;
	flags = field(fadt, FADT_FLAGS, 4);
	check(flags & FADT_HARDWARE_REDUCED, "hardware-reduced ACPI");
	check(flags & FADT_RESET_SUPPORTED, "there is a reset register");
	/* Generic addresses: space 1 is I/O, the address is at offset 4. */
	check(field(fadt, FADT_RESET_REG, 1) == 1 &&
			field(fadt, FADT_RESET_REG + 4, 8) == PORT_RESET &&
			field(fadt, FADT_RESET_VALUE, 1) == 0x0E,
		"reset register: port 0xCF9, value 0x0E");
	check(field(fadt, FADT_SLEEP_CTRL, 1) == 1 &&
			field(fadt, FADT_SLEEP_CTRL + 4, 8) == PORT_SLEEP_CTRL &&
			field(fadt, FADT_SLEEP_STS + 4, 8) == PORT_SLEEP_CTRL + 1,
		"sleep control port 0x400, status port 0x401");
	check(field(fadt, FADT_X_DSDT, 8) != 0, "there is a DSDT");
	if (field(fadt, FADT_X_DSDT, 8))
		check_table((const void *)field(fadt, FADT_X_DSDT, 8));
}

static void check_madt(uint64_t cpus)
{
	const struct acpi_header *madt = acpi_find("APIC");
	const uint8_t *e;
	unsigned n = 0;

	check(madt != NULL, "there is a MADT");
	if (!madt)
		return;
	check(field(madt, 36, 4) == LAPIC_BASE, "local APICs at 0xFEE00000");
	for (; (e = madt_entry(MADT_LAPIC, n)); n++)
		if (e[3] != n || field(e, 4, 4) != 1)
			check(false, "local APIC entry %u: id %u, enabled", n, e[3]);
	check(n == cpus, "%u local APIC entries, ids from 0", n);
	e = madt_entry(MADT_IOAPIC, 0);
	check(e && field(e, 4, 4) == 0xFEC00000 && field(e, 8, 4) == 0,
		"an IOAPIC at 0xFEC00000, GSI 0");
	check(acpi_isa_gsi(0) == 2, "ISA interrupt 0 is GSI 2");
	check(acpi_isa_gsi(4) == 4, "ISA interrupt 4 is GSI 4");
}

int guest_main(void)
{
	const struct acpi_rsdp *rsdp = acpi_rsdp();
	const struct acpi_header *t;

	check((uint64_t)rsdp == 0xF2400, "RSDP at 0xF2400");
	if (!rsdp)
		return 1;
	check(rsdp->revision == 2 && rsdp->length == 36, "RSDP revision 2");
	check(acpi_sum(rsdp, 20) == 0 && acpi_sum(rsdp, 36) == 0, "both RSDP checksums hold");
	check(rsdp->xsdt != 0, "there is an XSDT");
	check_table((const void *)rsdp->xsdt);
	for (unsigned i = 0; (t = acpi_table(i)); i++)
		check_table(t);
	check_fadt(acpi_find("FACP"));
	check_madt(cmdline_number("cpus", 1));
	return checks_failed();
}
