/* SPDX-License-Identifier: BSD-3-Clause */
#include "partition/unowned.h"

#include "lib/util.h"
#include "vmm/layout_arm64.h"
#include "vmm/layout_x86.h"
#include "vmm/vcpu.h"

#include <string.h>

_Static_assert(UNOWNED_MAX == HISTORY_UNOWNED, "a message takes what the VM keeps");

/* From `base` to `end`; what is written below `text_end` is meant for a reader. */
struct known {
	enum guest_arch arch;
	enum window_space space;
	uint64_t base, end, text_end;
	const char *name;
};

#define PORTS(first, count, what)                                                                  \
	{                                                                                          \
		GUEST_X86_64, WINDOW_PORT, first, (first) + (count), 0, what                       \
	}
#define TEXT(first, count, what)                                                                   \
	{                                                                                          \
		GUEST_X86_64, WINDOW_PORT, first, (first) + (count), (first) + 1, what             \
	}
#define X86_MEMORY(first, count, what)                                                             \
	{                                                                                          \
		GUEST_X86_64, WINDOW_MMIO, first, (first) + (count), 0, what                       \
	}
#define ARM64_MEMORY(first, count, what)                                                           \
	{                                                                                          \
		GUEST_ARM64, WINDOW_MMIO, first, (first) + (count), 0, what                        \
	}

static const struct known knowns[] = {
	TEXT(X86_PORT_COM1, 8, "COM1"),
	TEXT(X86_PORT_COM2, 8, "COM2"),
	TEXT(X86_PORT_COM3, 8, "COM3"),
	TEXT(X86_PORT_COM4, 8, "COM4"),
	TEXT(X86_PORT_DEBUG, 1, "debug console"),
	TEXT(X86_PORT_DEBUG2, 1, "debug console"),
	TEXT(X86_PORT_LPT1, 3, "parallel port"),
	PORTS(X86_PORT_I8042_DATA, 1, "keyboard controller"),
	PORTS(X86_PORT_I8042_CMD, 1, "keyboard controller"),
	PORTS(X86_PORT_PIC1, 2, "interrupt controller"),
	PORTS(X86_PORT_PIC2, 2, "interrupt controller"),
	PORTS(X86_PORT_PIT, 4, "interval timer"),
	PORTS(X86_PORT_RTC, 2, "clock and CMOS"),
	PORTS(X86_PORT_POST, 1, "POST code"),
	PORTS(X86_PORT_EXIT, 4, "isa-debug-exit"),
	PORTS(X86_PORT_IDE1, 8, "IDE disk"),
	PORTS(X86_PORT_IDE2, 8, "IDE disk"),
	PORTS(X86_PORT_VGA, X86_PORT_VGA_END - X86_PORT_VGA, "VGA"),
	PORTS(X86_PORT_PVPANIC, 1, "pvpanic"),
	PORTS(X86_PORT_FW_CFG, 12, "fw_cfg"),
	PORTS(X86_PORT_ACPI_PM, 0x80, "QEMU's power management"),
	PORTS(X86_PORT_PCI_ADDR, 8, "PCI configuration"),
	{GUEST_X86_64, WINDOW_MMIO, X86_LOW_RAM_END, X86_VGA_END, X86_VGA_END, "VGA memory"},
	X86_MEMORY(X86_HPET_BASE, X86_HPET_SIZE, "HPET"),
	X86_MEMORY(X86_IOAPIC_BASE, 0x1000, "I/O APIC"),
	X86_MEMORY(X86_LAPIC_BASE, 0x1000, "local APIC"),
	{GUEST_ARM64, WINDOW_MMIO, ARM64_UART0_BASE, ARM64_UART0_BASE + 0x1000,
		ARM64_UART0_BASE + 4, "UART0"},
	{GUEST_ARM64, WINDOW_MMIO, ARM64_UART1_BASE, ARM64_UART1_BASE + 0x1000,
		ARM64_UART1_BASE + 4, "UART1"},
	ARM64_MEMORY(ARM64_FW_CFG_BASE, 0x18, "fw_cfg"),
	ARM64_MEMORY(ARM64_GICC_BASE, ARM64_GICC_SIZE, "GICv2 CPU interface"),
	ARM64_MEMORY(ARM64_ITS_BASE, ARM64_ITS_SIZE, "GIC ITS"),
	ARM64_MEMORY(ARM64_GICR_BASE, ARM64_GICR_SIZE, "GIC redistributor"),
};

uint8_t space_told(enum window_space space)
{
	static const uint8_t spaces[] = {[WINDOW_PORT] = SPACE_PORT,
		[WINDOW_MMIO] = SPACE_MEMORY,
		[WINDOW_CALL] = SPACE_CALL};

	return spaces[space];
}

const char *unowned_name(
	enum guest_arch arch, enum window_space space, uint64_t address, bool *ret_console)
{
	for (unsigned i = 0; i < ARRAY_SIZE(knowns); i++) {
		const struct known *k = &knowns[i];

		if (k->arch != arch || k->space != space || address < k->base || address >= k->end)
			continue;
		*ret_console = address < k->text_end;
		return k->name;
	}
	*ret_console = false;
	return NULL;
}

void unowned_list(const struct vm *vm, struct message_unowned ret_list[UNOWNED_MAX])
{
	struct history_count list[HISTORY_UNOWNED];
	unsigned count = 0;

	memset(ret_list, 0, UNOWNED_MAX * sizeof(*ret_list));
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		history_merge_unowned(&vm->vcpus[i].history, list, &count);
	for (unsigned i = 0; i < count; i++) {
		const struct vm_access *a = &list[i].access;
		bool console;
		const char *name = unowned_name(vm->machine->arch, a->space, a->address, &console);

		ret_list[i] = (struct message_unowned){
			.address = a->address,
			.count = list[i].count,
			.space = space_told(a->space),
			.write = a->write,
			.console = console && a->write,
		};
		snprintf(ret_list[i].name, sizeof(ret_list[i].name), "%s", name ?: "");
	}
}
