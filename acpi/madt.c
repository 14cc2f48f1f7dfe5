/* SPDX-License-Identifier: BSD-3-Clause */
/* Multiple APIC Description Table [ACPI 6.4 5.2.12]: KVM's in-kernel interrupt controllers. */
#include "acpi/tables.h"
#include "vmm/layout_x86.h"

/*
 * PCAT_COMPAT: there are two 8259s, as a PC has them, and who takes over the APICs must mask them.
 * A hardware-reduced Linux leaves them alone with or without the flag.
 */
#define PCAT_COMPAT 0x1

#define LAPIC_ENABLED 0x1

/* As in KVM's IOAPIC. It need not differ from the local APICs' ids: xAPICs have no shared bus. */
#define IOAPIC_ID 0

#define CONFORMING     0 /* polarity and trigger mode as on the ISA bus */
#define ALL_PROCESSORS 0xFF

static void lapic_emit(struct aml *a, uint8_t vcpu)
{
	aml_u8(a, 0); /* Processor Local APIC [5.2.12.2] */
	aml_u8(a, 8);
	aml_u8(a, vcpu); /* processor UID, as in the DSDT */
	aml_u8(a, vcpu); /* APIC id */
	aml_u32(a, LAPIC_ENABLED);
}

static void ioapic_emit(struct aml *a)
{
	aml_u8(a, 1); /* I/O APIC [5.2.12.3] */
	aml_u8(a, 12);
	aml_u8(a, IOAPIC_ID);
	aml_u8(a, 0);
	aml_u32(a, X86_IOAPIC_BASE);
	aml_u32(a, 0); /* its first GSI */
}

/* The PIT, IRQ 0, is wired to pin 2; all other lines keep their number. */
static void timer_override_emit(struct aml *a)
{
	aml_u8(a, 2); /* Interrupt Source Override [5.2.12.5] */
	aml_u8(a, 10);
	aml_u8(a, 0);  /* ISA */
	aml_u8(a, 0);  /* IRQ 0 */
	aml_u32(a, 2); /* GSI 2 */
	aml_u16(a, CONFORMING);
}

static void lapic_nmi_emit(struct aml *a)
{
	aml_u8(a, 4); /* Local APIC NMI [5.2.12.7] */
	aml_u8(a, 6);
	aml_u8(a, ALL_PROCESSORS);
	aml_u16(a, CONFORMING);
	aml_u8(a, 1); /* LINT1 */
}

void madt_emit(struct aml *a, const struct acpi_context *ctx)
{
	aml_u32(a, X86_LAPIC_BASE);
	aml_u32(a, PCAT_COMPAT);
	for (unsigned i = 0; i < ctx->machine->vcpus; i++)
		lapic_emit(a, (uint8_t)i);
	ioapic_emit(a);
	timer_override_emit(a);
	lapic_nmi_emit(a);
}

/* The fusa contract: local APICs and nothing else. */
void fusa_madt_emit(struct aml *a, const struct acpi_context *ctx)
{
	aml_u32(a, X86_LAPIC_BASE);
	aml_u32(a, 0); /* no 8259s */
	for (unsigned i = 0; i < ctx->machine->vcpus; i++)
		lapic_emit(a, (uint8_t)i);
}
