/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The keys of what a partition's machine has beside its contract, and of what an arm64 machine is.
 */
#include "plan/schema.h"

static const char *const wish_names[] = {"auto", "off", "on", NULL};
static const char *const machine_names[] = {"standard", "testdev", NULL};
static const char *const gic_names[] = {"auto", "v2", "v3", NULL};
static const char *const psci_names[] = {"auto", "0.2", "1.0", "1.1", "1.2", "1.3", NULL};

#define ARM64(m) .offset = offsetof(struct plan_partition, arm64.m)

const struct key arm64_keys[] = {
	{.name = "gic",
		.type = KEY_ENUM,
		ARM64(gic),
		.names = gic_names,
		.def = "auto",
		.help = "Its interrupt controller, GICv2 or GICv3."},
	{.name = "its",
		.type = KEY_ENUM,
		ARM64(its),
		.names = wish_names,
		.def = "auto",
		.help = "Whether a GICv3 has an ITS, which takes the interrupt messages of PCI "
			"functions."},
	{.name = "pmu",
		.type = KEY_ENUM,
		ARM64(pmu),
		.names = wish_names,
		.def = "auto",
		.help = "Whether the vCPUs have performance counters, PMUv3."},
	{.name = "sve",
		.type = KEY_ENUM,
		ARM64(sve),
		.names = wish_names,
		.def = "auto",
		.help = "Whether they have scalable vectors, SVE."},
	{.name = "pauth",
		.type = KEY_ENUM,
		ARM64(pauth),
		.names = wish_names,
		.def = "auto",
		.help = "Whether they have pointer authentication."},
	{.name = "psci",
		.type = KEY_ENUM,
		ARM64(psci),
		.names = psci_names,
		.def = "auto",
		.help = "The version of PSCI, by which the guest starts vCPUs, powers off and resets. "
			"`auto` is the newest that this host's KVM has."},
	{.name = "overlay",
		.type = KEY_PATH,
		.nullable = true,
		.place = offsetof(struct plan_partition, locs[PLAN_KEY_OVERLAY]),
		ARM64(overlay),
		.def_doc = "none",
		.help = "A device tree overlay (.dtbo), applied to the guest's device tree."},
	{0},
};

#define PART(part) .offset = offsetof(struct plan_partition, machine.parts[PLAN_PART_##part])

/* The type, and the parts in the order of enum plan_machine_part. */
const struct key machine_keys[] = {
	{.name = "type",
		.type = KEY_ENUM,
		.offset = offsetof(struct plan_partition, machine.type),
		.names = machine_names,
		.def = "standard",
		.help = "`standard` has none of what follows, unless its key is `on`; `testdev` has all of "
			"it that its architecture has, unless its key is `off`."},
	{.name = "pvpanic",
		.type = KEY_ENUM,
		PART(PVPANIC),
		.names = wish_names,
		.def = "auto",
		.help = "A device by which the guest's kernel tells of its panic, which ends the "
			"partition as failed: a PCI function, and on x86-64 port 0x505, too."},
	{.name = "fw_cfg",
		.type = KEY_ENUM,
		PART(FW_CFG),
		.names = wish_names,
		.def = "auto",
		.help = "QEMU's interface for firmware: how many CPUs, how much memory, kernel, initrd, "
			"command line, files."},
	{.name = "chr_testdev",
		.type = KEY_ENUM,
		PART(CHR_TESTDEV),
		.names = wish_names,
		.def = "auto",
		.help = "arm64: a virtio console (without PCI, and of the legacy interface) by which the guest "
			"ends with an exit code."},
	{.name = "debug_port",
		.type = KEY_ENUM,
		PART(DEBUG_PORT),
		.names = wish_names,
		.def = "auto",
		.help = "x86-64: ports 0xE9 and 0x402, which say what is written to them where the first "
			"serial port does."},
	{.name = "test_ports",
		.type = KEY_ENUM,
		PART(TEST_PORTS),
		.names = wish_names,
		.def = "auto",
		.help = "x86-64: the ports and memory of QEMU's pc-testdev: echoes, interrupt lines."},
	{.name = "hpet",
		.type = KEY_ENUM,
		PART(HPET),
		.names = wish_names,
		.def = "auto",
		.help = "x86-64: a High Precision Event Timer with three timers."},
	{.name = "mp_table",
		.type = KEY_ENUM,
		PART(MP_TABLE),
		.names = wish_names,
		.def = "auto",
		.help = "x86-64: the tables of the MultiProcessor Specification, beside ACPI's."},
	{.name = "bios_pic",
		.type = KEY_ENUM,
		PART(BIOS_PIC),
		.names = wish_names,
		.def = "auto",
		.help = "x86-64: interrupt controllers and interval timer as a PC's BIOS leaves them, "
			"instead of as reset does."},
	{0},
};

const char *machine_part_name(enum plan_machine_part part)
{
	return machine_keys[1 + part].name; /* after the type */
}

bool machine_part_of(enum plan_arch arch, enum plan_machine_part part)
{
	if (part == PLAN_PART_CHR_TESTDEV)
		return arch == PLAN_ARCH_ARM64;
	return part < PLAN_PART_DEBUG_PORT || arch == PLAN_ARCH_X86_64;
}

bool plan_machine_has(const struct plan_partition *p, enum plan_machine_part part)
{
	enum plan_wish wish = p->machine.parts[part];

	if (!machine_part_of(p->arch, part))
		return false;
	return wish == PLAN_WISH_ON ||
	       (wish == PLAN_WISH_AUTO && p->machine.type == PLAN_MACHINE_TESTDEV);
}
