/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The keys of a partition. Those of what its machine has beside the contract are in
 * plan/schema_machine.c, those of its devices in plan/schema_devices.c.
 */
#include "plan/schema.h"

const char *const role_names[] = {"non-safety", "safety", NULL};
const char *const contract_names[] = {"standard", "fusa", NULL};
const char *const image_type_names[] = {
	"auto", "multiboot", "multiboot2", "elf", "bzimage", "raw", "arm64-image", NULL};
const char *const hugepages_names[] = {"none", "2M", "1G", NULL};
const char *const on_fatal_names[] = {"stop", "safe-state", "restart", "park-vcpu", "spin", NULL};
const char *const on_reset_names[] = {"fail", "stop", "restart", NULL};
static const char *const on_violation_names[] = {"ignore", "inject", "serror", "fatal", NULL};

/* An address that any processor we know can have, and that an integer of JSON can say. */
#define ADDRESS_MAX (((uint64_t)1 << 48) - 1)

#define SECOND ((uint64_t)1000000000)

#define AT(m)    .offset = offsetof(struct plan_partition, m)
#define PLACE(k) .place = offsetof(struct plan_partition, locs[PLAN_KEY_##k])

static const struct key cpus_keys[] = {
	{.name = "count",
		.type = KEY_COUNT,
		.required = true,
		.offset = offsetof(struct plan_cpus, vcpus),
		.min = 1,
		.max = PLAN_VCPUS_MAX,
		.help = "How many vCPUs the partition has."},
	{.name = "on",
		.type = KEY_CPUS_ON,
		.def_doc =
			"the cores that this process may use, without those that other partitions own "
			"exclusively",
		.help = "The host cores that all of its vCPUs share, written as for `cpus`."},
	{0},
};

static const struct key memory_keys[] = {
	{.name = "size",
		.type = KEY_SIZE,
		.required = true,
		PLACE(MEMORY),
		AT(memory),
		.min = 2 * MIB,
		.max = 240 * GIB,
		.multiple = 4 * KIB,
		.help = "Guest memory, such as `512M`."},
	{.name = "hugepages",
		.type = KEY_ENUM,
		AT(hugepages),
		.names = hugepages_names,
		.def = "none",
		.help = "Size of the host pages that back it. `2M` and `1G` are taken from the "
			"host's pool of that size, and `size` must be a multiple of it. With "
			"`none` the host chooses: transparent huge pages where it has some, but "
			"for partitions with an `fs` device."},
	{.name = "lock",
		.type = KEY_BOOL,
		AT(lock),
		.def = "true",
		.help = "Whether all of it is allocated and locked before anything starts. `false` "
			"lets the host allocate it when the guest touches it, and swap it."},
	{0},
};

static const struct key image_keys[] = {
	{.name = "path",
		.type = KEY_PATH,
		.required = true,
		PLACE(IMAGE),
		AT(image),
		.help = "The file."},
	{.name = "type",
		.type = KEY_ENUM,
		AT(image_type),
		.names = image_type_names,
		.def = "auto",
		.help = "What it is. `auto` finds out from its first bytes; a flat binary is never "
			"guessed: say `raw`."},
	{.name = "load_address",
		.type = KEY_ADDRESS,
		.raw_image_only = true,
		AT(load_address),
		.def_doc = "`0x100000`; arm64: `0x40080000`",
		.max = ADDRESS_MAX,
		.help = "Raw images: where the first byte goes."},
	{.name = "entry",
		.type = KEY_ADDRESS,
		.raw_image_only = true,
		AT(entry),
		.def_doc = "`load_address`",
		.max = ADDRESS_MAX,
		.help = "Raw images: where the boot vCPU starts."},
	{0},
};

static const struct key module_keys[] = {
	{.name = "path",
		.type = KEY_PATH,
		.required = true,
		.offset = offsetof(struct plan_module, path),
		.help = "The file."},
	{.name = "string",
		.type = KEY_STRING,
		.offset = offsetof(struct plan_module, string),
		.def = "",
		.def_doc = "the file's base name",
		.help = "The string that the image finds with it; when empty, it finds that base name."},
	{0},
};

static const struct key_list modules_list = {
	.count = offsetof(struct plan_partition, module_count),
	.element_size = sizeof(struct plan_module),
	.element_loc = offsetof(struct plan_module, loc),
	.what = "modules",
	.example = "[a.bin, {path: b.bin, string: x}]",
};

static const struct key on_fatal_keys[] = {
	{.name = "action",
		.type = KEY_ENUM,
		.required = true,
		PLACE(ON_FATAL),
		AT(on_fatal),
		.names = on_fatal_names,
		.help = "`stop` ends the partition alone; `safe-state` calls the BSP and takes the "
			"platform to its safe state; `restart` starts the partition anew; "
			"`park-vcpu` takes the vCPU that met the error out for good, while the "
			"others go on; `spin` does the same and keeps its core busy."},
	{.name = "limit",
		.type = KEY_COUNT,
		AT(restart_limit),
		.restart_only = true,
		.def = "3",
		.min = 1,
		.max = 1000000,
		.help = "`restart`: how often. The error after the last restart ends the "
			"partition."},
	{0},
};

static const struct key status_page_keys[] = {
	{.name = "address",
		.type = KEY_ADDRESS,
		.required = true,
		.nullable = true,
		PLACE(STATUS_PAGE),
		AT(status_page),
		.multiple = 4 * KIB,
		.max = ADDRESS_MAX,
		.help = "Where the guest finds it: the address of a page outside of its memory."},
	{.name = "irq",
		.type = KEY_COUNT,
		.nullable = true,
		AT(status_irq),
		.def_doc = "none",
		.min = 5,
		.max = PLAN_STATUS_IRQ_MAX_ARM64,
		.help = "The interrupt line that is raised when it changes: x86-64: an IOAPIC pin, up "
			"to 23; arm64: a number of an SPI, the first being 0."},
	{0},
};

const struct key partition_keys[] = {
	{.name = "role",
		.type = KEY_ENUM,
		PLACE(ROLE),
		AT(role),
		.names = role_names,
		.def = "non-safety",
		.help = "At most one partition is the `safety` partition. Its fatal error is one of "
			"the whole platform, unless `on_fatal` says otherwise; that of any other "
			"partition is its own."},
	{.name = "contract",
		.type = KEY_ENUM,
		PLACE(CONTRACT),
		AT(contract),
		.names = contract_names,
		.def = "standard",
		.help = "What the guest finds when it starts: memory map, tables, registers. "
			"`fusa`, x86-64 alone, is that of ACRN's safety-certified edition, for both partitions of "
			"a plan: `docs/contract-fusa.md`."},
	{.name = "debug",
		.type = KEY_BOOL,
		AT(debug),
		.def = "false",
		.help = "With contract `fusa`: whether the guest also has the exit port 0xF4, by which "
			"it can end with an exit code. The contract itself has no way to end."},
	{.name = "machine",
		.type = KEY_GROUP,
		PLACE(MACHINE),
		.fields = machine_keys,
		.shorthand = "type",
		.def = "standard",
		.help = "What its machine has beside the contract: `standard`, `testdev` (what test images "
			"for QEMU's machines expect: `docs/testdev.md`), or a mapping."},
	{.name = "cpus",
		.type = KEY_CPUS,
		.required = true,
		PLACE(CPUS),
		.fields = cpus_keys,
		.help = "The host cores that the partition owns, such as `[2, 3]` or `2-3`: vCPU i "
			"runs on the i-th, and nothing else does. A non-safety partition may instead "
			"share cores: `{count: 2, on: [0, 1]}`."},
	{.name = "nested",
		.type = KEY_BOOL,
		PLACE(NESTED),
		AT(nested),
		.def = "false",
		.help = "Whether the guest can be a hypervisor itself: VMX or SVM on x86-64, EL2 on "
			"arm64. A host whose KVM does not offer that refuses the plan."},
	{.name = "arm64",
		.type = KEY_GROUP,
		.arm64_only = true,
		PLACE(ARM64),
		.fields = arm64_keys,
		.def_doc = "each of its keys `auto`, no overlay",
		.help = "In a plan for arm64: what its machine has. `auto` is what this host's KVM "
			"gives, and `on` what it must give."},
	{.name = "memory",
		.type = KEY_GROUP,
		.required = true,
		PLACE(MEMORY),
		.fields = memory_keys,
		.shorthand = "size",
		.help = "Guest memory: a size such as `512M`, or a mapping."},
	{.name = "image",
		.type = KEY_GROUP,
		.required = true,
		PLACE(IMAGE),
		.fields = image_keys,
		.shorthand = "path",
		.help = "The kernel or program that the partition runs: a path, or a mapping."},
	{.name = "cmdline",
		.type = KEY_STRING,
		PLACE(CMDLINE),
		AT(cmdline),
		.def = "",
		.help = "Its command line. A multiboot image finds its file's name and a space in front "
			"of it."},
	{.name = "initrd",
		.type = KEY_PATH,
		.nullable = true,
		PLACE(INITRD),
		AT(initrd),
		.def_doc = "none",
		.help = "Its initial RAM disk: a path, or `null` for none."},
	{.name = "symbols",
		.type = KEY_PATH,
		.nullable = true,
		PLACE(SYMBOLS),
		AT(symbols),
		.def_doc = "the image, if it is an ELF file",
		.help = "Where the names in backtraces of the guest come from "
			"([debugging.md](debugging.md)): an ELF file with symbols, such as a kernel's "
			"`vmlinux`, or its `System.map`. The guest does not get it."},
	{.name = "modules",
		.type = KEY_LIST,
		PLACE(MODULES),
		AT(modules),
		.def_doc = "none",
		.max = PLAN_MODULES_MAX,
		.list = &modules_list,
		.fields = module_keys,
		.shorthand = "path",
		.help = "A list of up to 64 multiboot modules: paths or mappings."},
	{.name = "serial",
		.type = KEY_PORTS,
		PLACE(SERIAL),
		AT(serial),
		.def_doc = "`[console]`; with contract `fusa` none",
		.max = PLAN_SERIAL_PORTS,
		.fields = serial_port_keys,
		.help = "A list of up to two serial ports: COM1 and COM2 on x86-64, UART0 and UART1 on "
			"arm64. Each is `console` (this "
			"run's console), `none` (the port is not there), `null` (it is there, but "
			"output goes nowhere), `pty` (a pseudo-terminal, whose name is printed), "
			"`file:PATH`, `socket:PATH`, `link:PARTITION.PORT`, or a mapping."},
	{.name = "devices",
		.type = KEY_LIST,
		PLACE(DEVICES),
		AT(devices),
		.def_doc = "none",
		.max = PLAN_DEVICES_MAX,
		.list = &devices_list,
		.help = "A list of up to 16 devices beside those that every machine has: mappings with a "
			"`type` and the keys of that type, or just the type."},
	{.name = "on_fatal",
		.type = KEY_GROUP,
		PLACE(ON_FATAL),
		.fields = on_fatal_keys,
		.shorthand = "action",
		.def_doc = "by `semantics`; as a rule `safe-state` for the safety partition, else "
			   "`stop`",
		.help = "What follows a fatal error in this partition: an action, or a mapping. "
			"Fatal are triple faults, failed entries, exits that nobody expects, errors "
			"inside KVM, a lost watchdog, the end of the partition's process."},
	{.name = "on_violation",
		.type = KEY_ENUM,
		PLACE(ON_VIOLATION),
		AT(on_violation),
		.names = on_violation_names,
		.def_doc = "by `semantics`; as a rule `ignore`",
		.help = "What follows an access to an address or port that the partition does not "
			"have: `ignore` (a read gives all-ones, a write is dropped), `inject` (the "
			"guest gets a fault), `serror` (arm64: the guest gets an SError instead) or `fatal` (a fatal error)."},
	{.name = "on_reset",
		.type = KEY_ENUM,
		AT(on_reset),
		.names = on_reset_names,
		.def = "fail",
		.help = "What it means when the guest resets itself: `fail` counts it as a failure, "
			"which is how a panic shows with `panic=-1`; `stop` as an ordinary end; "
			"`restart` starts the partition anew."},
	{.name = "watchdog",
		.type = KEY_TIME,
		.nullable = true,
		PLACE(WATCHDOG),
		AT(watchdog_ns),
		.def_doc = "none",
		.min = 1000000,
		.max = 3600 * SECOND,
		.help = "The guest kicks the control page's heartbeat at least once in this time, "
			"such as `200ms`; not to do so is a fatal error."},
	{.name = "status_page",
		.type = KEY_GROUP,
		PLACE(STATUS_PAGE),
		.fields = status_page_keys,
		.shorthand = "address",
		.def_doc = "none",
		.help = "Safety partition: a read-only page that tells the state of all partitions "
			"(`include/bulkhead/status.h`): its address, or a mapping."},
	{.name = "stop_timeout",
		.type = KEY_TIME,
		AT(stop_timeout_ns),
		.def = "10s",
		.max = 3600 * SECOND,
		.help = "How long the guest has to end itself when it is asked to stop; after that "
			"it is stopped."},
	{.name = "veto",
		.type = KEY_TIME,
		.nullable = true,
		PLACE(VETO),
		AT(veto_ns),
		.def_doc = "none",
		.min = 1000000,
		.max = 60 * SECOND,
		.help = "Safety partition: how long a stop waits for its veto, which it gives in the "
			"control page. Without an answer in this time the stop goes on."},
	{0},
};
