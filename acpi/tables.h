/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of acpi/ share: each table's emitter, and what it may know of the others. */
#ifndef ACPI_TABLES_H
#define ACPI_TABLES_H

#include "acpi/aml.h"
#include "vmm/machine.h"

#define ACPI_HEADER_SIZE 36 /* System Description Table Header [5.2.6] */

enum acpi_table_id {
	ACPI_XSDT,
	ACPI_FADT,
	ACPI_DSDT,
	ACPI_MADT,
	ACPI_MCFG,
	ACPI_HPET,
	ACPI_TABLES,
};

struct acpi_context {
	const struct machine *machine;
	gpa_t address[ACPI_TABLES];
};

/* Each appends its table's contents, which begin after the header. */
void fadt_emit(struct aml *a, const struct acpi_context *ctx);
void dsdt_emit(struct aml *a, const struct acpi_context *ctx);
void madt_emit(struct aml *a, const struct acpi_context *ctx);
void fusa_madt_emit(struct aml *a, const struct acpi_context *ctx);
void mcfg_emit(struct aml *a, const struct acpi_context *ctx);
void hpet_emit(struct aml *a, const struct acpi_context *ctx);

/* Whether M has an HPET. */
bool hpet_exists(const struct machine *m);

/* What makes the sum of all bytes 0. */
uint8_t acpi_checksum(const uint8_t *data, size_t n);

/* The part of the DSDT, in \_SB, that is about PCI: nothing where there is none. */
void pci_emit(struct aml *a, const struct machine *m);

#endif
