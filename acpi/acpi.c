/* SPDX-License-Identifier: BSD-3-Clause */
/* RSDP, XSDT, table headers, and where each table goes [ACPI 6.4 5.2.5 - 5.2.8]. */
#include "acpi/acpi.h"

#include "acpi/tables.h"
#include "lib/util.h"
#include "vmm/layout_x86.h"

#include <errno.h>
#include <string.h>

#define RSDP_SIZE   36
#define RSDP_V1     20 /* bytes that the first checksum covers */
#define TABLE_ALIGN 16

static void xsdt_emit(struct aml *a, const struct acpi_context *ctx);

static const struct ids {
	const char *oem, *oem_table, *creator;
	uint32_t creator_revision;
} own_ids = {"BULKHD", "BULKHEAD", "BLKH", 1}, fusa_ids = {"ACRN  ", "VIRTNUC7", "INTL", 0};

static const struct ids *ids_of(const struct machine *m)
{
	return machine_is_fusa(m) ? &fusa_ids : &own_ids;
}

/*
 * Every table but the RSDP, in the order of their addresses: as close to the table before as the
 * alignment lets it be, but not before RSDP + offset. A new table is one line here.
 */
struct table {
	char signature[5];
	uint8_t revision;
	bool listed;                             /* in the XSDT */
	bool (*exists)(const struct machine *m); /* NULL: always */
	uint16_t offset;
	void (*emit)(struct aml *a, const struct acpi_context *ctx); /* NULL: there is none */
};

static bool pci_exists(const struct machine *m)
{
	return m->pci.host;
}

static const struct table own_tables[ACPI_TABLES] = {
	[ACPI_XSDT] = {"XSDT", 1, false, NULL, 0x80, xsdt_emit},
	[ACPI_FADT] = {"FACP", 6, true, NULL, 0x100, fadt_emit},
	[ACPI_DSDT] = {"DSDT", 2, false, NULL, 0, dsdt_emit}, /* revision 2: 64-bit integers */
	[ACPI_MADT] = {"APIC", 5, true, NULL, 0, madt_emit},
	[ACPI_MCFG] = {"MCFG", 1, true, pci_exists, 0, mcfg_emit},
	[ACPI_HPET] = {"HPET", 1, true, hpet_exists, 0, hpet_emit},
};

/* The non-safety VM's, of the fusa contract (docs/contract-fusa.md). */
static const struct table fusa_tables[ACPI_TABLES] = {
	[ACPI_XSDT] = {"XSDT", 1, false, NULL, FUSA_XSDT - X86_ACPI_RSDP, xsdt_emit},
	[ACPI_MADT] = {"APIC", 4, true, NULL, FUSA_MADT - X86_ACPI_RSDP, fusa_madt_emit},
};

static const struct table *tables_of(const struct machine *m)
{
	return machine_is_fusa(m) ? fusa_tables : own_tables;
}

static bool table_exists(const struct machine *m, unsigned id)
{
	const struct table *t = &tables_of(m)[id];

	return t->emit && (!t->exists || t->exists(m));
}

static void xsdt_emit(struct aml *a, const struct acpi_context *ctx)
{
	const struct table *tables = tables_of(ctx->machine);

	for (unsigned i = 0; i < ACPI_TABLES; i++) {
		if (tables[i].listed && table_exists(ctx->machine, i))
			aml_u64(a, ctx->address[i]);
	}
}

uint8_t acpi_checksum(const uint8_t *data, size_t n)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += data[i];
	return (uint8_t)-sum;
}

/* Table T at BUF, which has SIZE bytes, zeroed here; *RET_LENGTH is what it took. */
static int table_emit(const struct table *t, const struct acpi_context *ctx, uint8_t *buf,
	size_t size, size_t *ret_length)
{
	const struct ids *ids = ids_of(ctx->machine);
	struct aml a, header;
	int ret;

	if (size < ACPI_HEADER_SIZE)
		return -ENOSPC;
	aml_init(&a, buf, size);
	aml_init(&header, buf, ACPI_HEADER_SIZE);
	a.used = ACPI_HEADER_SIZE;
	t->emit(&a, ctx);
	ret = aml_error(&a);
	if (ret)
		return ret;
	aml_bytes(&header, t->signature, 4);
	aml_u32(&header, (uint32_t)a.used);
	aml_u8(&header, t->revision);
	aml_u8(&header, 0); /* the checksum, below */
	aml_bytes(&header, ids->oem, 6);
	aml_bytes(&header, ids->oem_table, 8);
	aml_u32(&header, 1); /* OEM revision */
	aml_bytes(&header, ids->creator, 4);
	aml_u32(&header, ids->creator_revision);
	buf[9] = acpi_checksum(buf, a.used);
	*ret_length = a.used;
	return 0;
}

/* Root System Description Pointer [5.2.5.3]. */
static void rsdp_emit(uint8_t buf[RSDP_SIZE], const struct acpi_context *ctx)
{
	struct aml a;

	aml_init(&a, buf, RSDP_SIZE);
	aml_bytes(&a, "RSD PTR ", 8);
	aml_u8(&a, 0); /* checksum of the first 20 bytes, below */
	aml_bytes(&a, ids_of(ctx->machine)->oem, 6);
	aml_u8(&a, 2);  /* revision */
	aml_u32(&a, 0); /* no RSDT */
	aml_u32(&a, RSDP_SIZE);
	aml_u64(&a, ctx->address[ACPI_XSDT]);
	aml_u32(&a, 0); /* checksum of all, below; reserved */
	buf[8] = acpi_checksum(buf, RSDP_V1);
	buf[32] = acpi_checksum(buf, RSDP_SIZE);
}

/* Emits all tables into BUF, which stands for guest memory from the RSDP on. */
static int tables_emit(struct acpi_context *ctx, uint8_t *buf, size_t size, size_t *ret_used)
{
	const struct table *tables = tables_of(ctx->machine);
	size_t at = RSDP_SIZE, length;
	int ret;

	for (unsigned i = 0; i < ACPI_TABLES; i++) {
		if (!table_exists(ctx->machine, i))
			continue;
		at = max_u64(align_up(at, TABLE_ALIGN), tables[i].offset);
		if (at > size)
			return -ENOSPC;
		ctx->address[i] = X86_ACPI_RSDP + at;
		ret = table_emit(&tables[i], ctx, buf + at, size - at, &length);
		if (ret)
			return ret;
		at += length;
	}
	*ret_used = at;
	return 0;
}

int acpi_build(struct machine *m, gpa_t *ret_rsdp)
{
	struct acpi_context ctx = {.machine = m};
	const size_t size = X86_FIRMWARE_END - X86_ACPI_RSDP;
	AUTO_FREE uint8_t *buf = calloc(1, size);
	size_t used;
	int ret;

	if (m->arch != GUEST_X86_64)
		return -EINVAL;
	if (m->contract == MACHINE_FUSA_SAFETY) {
		*ret_rsdp = 0; /* nothing there but memory */
		return 0;
	}
	if (!buf)
		return -ENOMEM;
	/*
	 * Tables hold each other's addresses, also of tables behind them. The first pass finds the
	 * addresses, which depend on lengths alone; the second writes them.
	 */
	ret = tables_emit(&ctx, buf, size, &used);
	if (!ret)
		ret = tables_emit(&ctx, buf, size, &used);
	if (ret)
		return ret;
	rsdp_emit(buf, &ctx);
	if (!gmem_slice(&m->gmem, X86_ACPI_RSDP, used))
		return -EFAULT;
	ret = machine_claim(m, X86_ACPI_RSDP, used, "ACPI tables", NULL);
	if (!ret)
		ret = gmem_write(&m->gmem, X86_ACPI_RSDP, buf, used);
	if (!ret)
		*ret_rsdp = X86_ACPI_RSDP;
	return ret;
}
