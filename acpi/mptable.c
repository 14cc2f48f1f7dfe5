/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * MultiProcessor Specification 1.4, May 1997: the floating pointer structure [4.1] and the
 * configuration table [4.2, 4.3], which says the same as the MADT. The machine is in virtual wire
 * mode [3.6.2.2]. Left out: the extended section.
 */
#include "acpi/mptable.h"

#include "acpi/tables.h"
#include "lib/util.h"
#include "vmm/layout_x86.h"

#include <errno.h>

#define POINTER_SIZE 16
#define HEADER_SIZE  44
#define SPEC_1_4     4
#define LENGTH_AT    4 /* of the base table, in the header */
#define COUNT_AT     34
#define SIZE_MAX_MP  (X86_ACPI_RSDP - X86_MP_BASE)

enum { ENTRY_PROCESSOR, ENTRY_BUS, ENTRY_IOAPIC, ENTRY_IO_INTERRUPT, ENTRY_LOCAL_INTERRUPT };

/* A processor that has what a local APIC asks for; which one it is, CPUID tells. */
#define PROCESSOR_ENABLED   0x1
#define PROCESSOR_BOOT      0x2
#define PROCESSOR_SIGNATURE 0x600 /* family 6 */
#define PROCESSOR_FEATURES  0x201 /* FPU, APIC */
#define LAPIC_VERSION       0x14

/* As KVM's IOAPIC has them. */
#define IOAPIC_ID      0
#define IOAPIC_VERSION 0x11
#define IOAPIC_ENABLED 0x1

#define INT_VECTORED 0
#define INT_NMI      1
#define INT_EXTINT   3

#define CONFORMING        0x0
#define ACTIVE_HIGH_LEVEL 0xD
#define ALL_LAPICS        0xFF

#define ISA_IRQS    16
#define ISA_CASCADE 2
#define PCI_DEVICES 32

static void processor_emit(struct aml *a, unsigned vcpu)
{
	aml_u8(a, ENTRY_PROCESSOR);
	aml_u8(a, (uint8_t)vcpu); /* APIC id */
	aml_u8(a, LAPIC_VERSION);
	aml_u8(a, (uint8_t)(PROCESSOR_ENABLED | (vcpu ? 0 : PROCESSOR_BOOT)));
	aml_u32(a, PROCESSOR_SIGNATURE);
	aml_u32(a, PROCESSOR_FEATURES);
	aml_u64(a, 0);
}

static void bus_emit(struct aml *a, uint8_t id, const char type[6])
{
	aml_u8(a, ENTRY_BUS);
	aml_u8(a, id);
	aml_bytes(a, type, 6);
}

static void ioapic_emit(struct aml *a)
{
	aml_u8(a, ENTRY_IOAPIC);
	aml_u8(a, IOAPIC_ID);
	aml_u8(a, IOAPIC_VERSION);
	aml_u8(a, IOAPIC_ENABLED);
	aml_u32(a, X86_IOAPIC_BASE);
}

struct interrupt {
	uint8_t entry, type;
	uint16_t flags;
	uint8_t bus, irq; /* the source */
	uint8_t apic, pin;
};

static void interrupt_emit(struct aml *a, const struct interrupt *i)
{
	aml_u8(a, i->entry);
	aml_u8(a, i->type);
	aml_u16(a, i->flags);
	aml_u8(a, i->bus);
	aml_u8(a, i->irq);
	aml_u8(a, i->apic);
	aml_u8(a, i->pin);
}

/* How many there are. */
static unsigned isa_emit(struct aml *a, uint8_t bus)
{
	unsigned count = 0;

	for (uint8_t irq = 0; irq < ISA_IRQS; irq++) {
		if (irq == ISA_CASCADE)
			continue;
		interrupt_emit(a, &(struct interrupt){.entry = ENTRY_IO_INTERRUPT,
					  .type = INT_VECTORED,
					  .flags = CONFORMING,
					  .bus = bus,
					  .irq = irq,
					  .apic = IOAPIC_ID,
					  .pin = irq == X86_IRQ_TIMER ? X86_IRQ_TIMER_GSI : irq});
		count++;
	}
	return count;
}

/* Each pin of each device on PCI bus 0; the source is device << 2 | pin [4.3.4, D.3]. */
static unsigned pci_interrupts_emit(struct aml *a, const struct machine_pci *pci)
{
	for (unsigned i = 0; i < PCI_DEVICES * MACHINE_PCI_LINES; i++) {
		unsigned line = (i / MACHINE_PCI_LINES + i) % MACHINE_PCI_LINES;

		interrupt_emit(a, &(struct interrupt){.entry = ENTRY_IO_INTERRUPT,
					  .type = INT_VECTORED,
					  .flags = ACTIVE_HIGH_LEVEL,
					  .bus = 0,
					  .irq = (uint8_t)i,
					  .apic = IOAPIC_ID,
					  .pin = (uint8_t)pci->gsis[line]});
	}
	return PCI_DEVICES * MACHINE_PCI_LINES;
}

static unsigned local_emit(struct aml *a, uint8_t isa)
{
	interrupt_emit(a, &(struct interrupt){.entry = ENTRY_LOCAL_INTERRUPT,
				  .type = INT_EXTINT,
				  .bus = isa,
				  .apic = 0, /* the boot processor */
				  .pin = 0});
	interrupt_emit(a, &(struct interrupt){.entry = ENTRY_LOCAL_INTERRUPT,
				  .type = INT_NMI,
				  .bus = isa,
				  .apic = ALL_LAPICS,
				  .pin = 1});
	return 2;
}

/* Entries in the order of their types, as they must be; how many there are. */
static unsigned entries_emit(struct aml *a, const struct machine *m)
{
	uint8_t isa = m->pci.host ? 1 : 0; /* PCI's bus has the number that PCI knows it by */
	unsigned count = 0;

	for (; count < m->vcpus; count++)
		processor_emit(a, count);
	if (m->pci.host)
		bus_emit(a, 0, "PCI   ");
	bus_emit(a, isa, "ISA   ");
	ioapic_emit(a);
	count += isa + 2u + isa_emit(a, isa);
	if (m->pci.host)
		count += pci_interrupts_emit(a, &m->pci);
	return count + local_emit(a, isa);
}

static void header_emit(struct aml *a)
{
	aml_bytes(a, "PCMP", 4);
	aml_u16(a, 0); /* length, below */
	aml_u8(a, SPEC_1_4);
	aml_u8(a, 0); /* checksum, below */
	aml_bytes(a, "BULKHEADBULKHEAD    ", 20);
	aml_u32(a, 0); /* no table of an OEM's */
	aml_u16(a, 0);
	aml_u16(a, 0); /* entries, below */
	aml_u32(a, X86_LAPIC_BASE);
	aml_u32(a, 0); /* no extended section */
}

static void pointer_emit(struct aml *a)
{
	aml_bytes(a, "_MP_", 4);
	aml_u32(a, X86_MP_BASE + POINTER_SIZE);
	aml_u8(a, POINTER_SIZE / 16);
	aml_u8(a, SPEC_1_4);
	aml_u8(a, 0);  /* checksum, below */
	aml_u8(a, 0);  /* the table is there */
	aml_u32(a, 0); /* no IMCR: virtual wire mode */
}

int mptable_build(struct machine *m)
{
	uint8_t buf[SIZE_MAX_MP], *table = buf + POINTER_SIZE;
	unsigned count;
	struct aml a;
	size_t size;
	int ret;

	if (m->arch != GUEST_X86_64 || machine_is_fusa(m))
		return -EINVAL;
	aml_init(&a, buf, sizeof(buf));
	pointer_emit(&a);
	header_emit(&a);
	count = entries_emit(&a, m);
	ret = aml_error(&a);
	if (ret)
		return ret;
	size = a.used - POINTER_SIZE;
	table[LENGTH_AT] = (uint8_t)size;
	table[LENGTH_AT + 1] = (uint8_t)(size >> 8);
	table[COUNT_AT] = (uint8_t)count;
	table[COUNT_AT + 1] = (uint8_t)(count >> 8);
	table[7] = acpi_checksum(table, size);
	buf[10] = acpi_checksum(buf, POINTER_SIZE);
	if (!gmem_slice(&m->gmem, X86_MP_BASE, a.used))
		return -EFAULT;
	ret = machine_claim(m, X86_MP_BASE, a.used, "MP tables", NULL);
	return ret ? ret : gmem_write(&m->gmem, X86_MP_BASE, buf, a.used);
}
