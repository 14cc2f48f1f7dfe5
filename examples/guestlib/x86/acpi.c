/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ACPI tables, read in place: RSDP, XSDT or RSDT, MADT [ACPI 6.5 5.2.5, 5.2.7, 5.2.8, 5.2.12]. AML
 * is not interpreted.
 */
#include "x86.h"

/* Where ACRN and Bulkhead have it; looked at first, because a scan is slow where KVM is. */
#define RSDP_USUAL  0xF2400
#define BIOS_START  0xE0000
#define BIOS_END    0x100000
#define MADT_HEADER 44

#define MADT_ENABLED 1

uint8_t acpi_sum(const void *p, size_t size)
{
	const uint8_t *bytes = p;
	uint8_t sum = 0;

	for (size_t i = 0; i < size; i++)
		sum = (uint8_t)(sum + bytes[i]);
	return sum;
}

static bool is_rsdp(uint64_t address)
{
	const void *p = (const void *)address;

	return *(const uint64_t *)p == 0x2052545020445352 /* "RSD PTR " */ && acpi_sum(p, 20) == 0;
}

const struct acpi_rsdp *acpi_rsdp(void)
{
	static const struct acpi_rsdp *found;

	if (found)
		return found;
	if (is_rsdp(RSDP_USUAL))
		return found = (const void *)RSDP_USUAL;
	for (uint64_t at = BIOS_START; at < BIOS_END; at += 16)
		if (is_rsdp(at))
			return found = (const void *)at;
	return NULL;
}

const struct acpi_header *acpi_table(unsigned i)
{
	const struct acpi_rsdp *rsdp = acpi_rsdp();
	bool wide = rsdp && rsdp->revision >= 2 && rsdp->xsdt;
	const struct acpi_header *root;
	const uint8_t *entries;
	uint64_t address = 0;

	if (!rsdp)
		return NULL;
	root = (const void *)(wide ? rsdp->xsdt : rsdp->rsdt);
	entries = (const uint8_t *)(root + 1);
	if (i >= (root->length - sizeof(*root)) / (wide ? 8 : 4))
		return NULL;
	memcpy(&address, entries + i * (wide ? 8 : 4), wide ? 8 : 4);
	return (const void *)address;
}

const struct acpi_header *acpi_find(const char *signature)
{
	const struct acpi_header *table;

	for (unsigned i = 0; (table = acpi_table(i)); i++)
		if (memcmp(table->signature, signature, 4) == 0)
			return table;
	return NULL;
}

const uint8_t *madt_entry(unsigned type, unsigned i)
{
	const struct acpi_header *madt = acpi_find("APIC");
	const uint8_t *p = (const uint8_t *)madt;

	if (!madt)
		return NULL;
	for (uint32_t at = MADT_HEADER; at + 2 <= madt->length && p[at + 1] >= 2; at += p[at + 1])
		if (p[at] == type && i-- == 0)
			return p + at;
	return NULL;
}

unsigned acpi_isa_gsi(unsigned irq)
{
	const uint8_t *e;

	for (unsigned i = 0; (e = madt_entry(MADT_OVERRIDE, i)); i++)
		if (e[2] == 0 && e[3] == irq)
			return e[4];
	return irq;
}

/* APIC ids of all enabled processors, the boot CPU's first. */
static uint32_t apic_ids[CPUS_MAX];
static unsigned apic_id_count;

static void add_cpu(uint32_t apic_id)
{
	for (unsigned i = 0; i < apic_id_count; i++)
		if (apic_ids[i] == apic_id)
			return;
	if (apic_id_count < CPUS_MAX)
		apic_ids[apic_id_count++] = apic_id;
}

unsigned cpu_count(void)
{
	const uint8_t *e;
	uint32_t flags, id;

	if (apic_id_count)
		return apic_id_count;
	add_cpu(lapic_id());
	for (unsigned i = 0; (e = madt_entry(MADT_LAPIC, i)); i++) {
		memcpy(&flags, e + 4, 4);
		if (flags & MADT_ENABLED)
			add_cpu(e[3]);
	}
	for (unsigned i = 0; (e = madt_entry(MADT_X2APIC, i)); i++) {
		memcpy(&id, e + 4, 4);
		memcpy(&flags, e + 8, 4);
		if (flags & MADT_ENABLED)
			add_cpu(id);
	}
	return apic_id_count;
}

uint32_t cpu_apic_id(unsigned cpu)
{
	return cpu < cpu_count() ? apic_ids[cpu] : UINT32_MAX;
}
