/* SPDX-License-Identifier: BSD-3-Clause */
#include "plan/schema.h"

#include "lib/suggest.h"

#include <string.h>
#include <sys/un.h>

const char *const arch_names[] = {"x86-64", "arm64", NULL};
const char *const role_names[] = {"non-safety", "safety", NULL};
const char *const contract_names[] = {"standard", "fusa", NULL};
const char *const image_type_names[] = {
	"auto", "multiboot", "multiboot2", "elf", "bzimage", "raw", "arm64-image", NULL};
const char *const hugepages_names[] = {"none", "2M", "1G", NULL};
const char *const on_fatal_names[] = {"stop", "safe-state", "restart", "park-vcpu", "spin", NULL};
const char *const on_reset_names[] = {"fail", "stop", "restart", NULL};
const char *const bsp_names[] = {"none", "builtin", NULL};
static const char *const on_violation_names[] = {"ignore", "inject", "serror", "fatal", NULL};
static const char *const semantics_names[] = {"acrn", "jailhouse", "bao", "xen", NULL};
static const char *const lockdown_names[] = {"auto", "strict", "off", NULL};
const char *const access_names[] = {"read", "write", "read-write", NULL};
static const char *const wish_names[] = {"auto", "off", "on", NULL};
static const char *const machine_names[] = {"standard", "testdev", NULL};
static const char *const gic_names[] = {"auto", "v2", "v3", NULL};
static const char *const psci_names[] = {"auto", "0.2", "1.0", "1.1", "1.2", "1.3", NULL};
static const char *const safe_stop_names[] = {"all", "non-safety", NULL};

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
			"host's pool of that size, and `size` must be a multiple of it."},
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

#define ARM64(m) .offset = offsetof(struct plan_partition, arm64.m)

static const struct key arm64_keys[] = {
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
		PLACE(OVERLAY),
		ARM64(overlay),
		.def_doc = "none",
		.help = "A device tree overlay (.dtbo), applied to the guest's device tree."},
	{0},
};

#define PART(part) .offset = offsetof(struct plan_partition, machine.parts[PLAN_PART_##part])

/* The type, and the parts in the order of enum plan_machine_part. */
static const struct key machine_keys[] = {
	{.name = "type",
		.type = KEY_ENUM,
		AT(machine.type),
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

static const struct key bsp_file_keys[] = {
	{.name = "path",
		.type = KEY_PATH,
		.required = true,
		.offset = offsetof(struct plan_bsp_file, path),
		.help = "The file or device; the BSP asks for it by this path, as the effective plan "
			"has it, or by its base name."},
	{.name = "access",
		.type = KEY_ENUM,
		.offset = offsetof(struct plan_bsp_file, access),
		.names = access_names,
		.def = "read",
		.help = "What it is opened for."},
	{0},
};

static const struct key_list bsp_files_list = {
	.count = offsetof(struct plan, bsp.file_count),
	.element_size = sizeof(struct plan_bsp_file),
	.element_loc = offsetof(struct plan_bsp_file, loc),
	.what = "files",
	.example = "[{path: /dev/gpiochip0, access: read-write}]",
};

static const struct key bsp_keys[] = {
	{.name = "path",
		.type = KEY_BSP,
		.required = true,
		.place = offsetof(struct plan, bsp.loc),
		.offset = offsetof(struct plan, bsp),
		.names = bsp_names,
		.help = "`builtin` (its fatal error logs and halts its core), `none`, or a shared "
			"object (docs/porting-a-bsp.md); one that is called so is `./builtin`."},
	{.name = "deadline",
		.type = KEY_TIME,
		.offset = offsetof(struct plan, bsp.deadline_ns),
		.def = "1s",
		.min = 1000000,
		.max = 60 * SECOND,
		.help = "How long one call of `bsp_init` may take, and how soon `bsp_fatal_error` must have the "
			"platform in its safe state."},
	{.name = "files",
		.type = KEY_LIST,
		.offset = offsetof(struct plan, bsp.files),
		.def_doc = "none",
		.max = PLAN_BSP_FILES_MAX,
		.list = &bsp_files_list,
		.fields = bsp_file_keys,
		.shorthand = "path",
		.help = "What the BSP may use, opened for it before it is locked down: up to 16 "
			"paths or mappings."},
	{0},
};

static const struct key safe_state_keys[] = {
	{.name = "stop",
		.type = KEY_ENUM,
		.offset = offsetof(struct plan, safe_state.stop),
		.names = safe_stop_names,
		.def = "all",
		.help = "Which partitions it stops: `all`, or `non-safety` to keep the safety "
			"partition running, if it is not the one that failed."},
	{.name = "command",
		.type = KEY_STRING,
		.nullable = true,
		.offset = offsetof(struct plan, safe_state.command),
		.def_doc = "none",
		.help = "A command for `/bin/sh`, run with the rights of whoever started the run; "
			"it finds `BULKHEAD_PARTITION` and `BULKHEAD_REASON` in its environment."},
	{.name = "notify",
		.type = KEY_PATH,
		.nullable = true,
		.offset = offsetof(struct plan, safe_state.notify),
		.def_doc = "none",
		.max = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1,
		.help = "A Unix datagram socket that is sent one line of JSON."},
	{.name = "eventfd",
		.type = KEY_COUNT,
		.nullable = true,
		.place = offsetof(struct plan, safe_state.eventfd_loc),
		.offset = offsetof(struct plan, safe_state.eventfd),
		.def_doc = "none",
		.min = 3,
		.max = 1023,
		.help = "An inherited descriptor of an eventfd that is signalled."},
	{0},
};

const struct key plan_keys[] = {
	{.name = "version", .type = KEY_VERSION, .def = "1", .help = "The version of this format."},
	{.name = "arch",
		.type = KEY_ENUM,
		.place = offsetof(struct plan, arch_loc),
		.offset = offsetof(struct plan, arch),
		.names = arch_names,
		.def_doc = "this host's",
		.help = "What its partitions are. `bulkhead check` takes either on any host; they run "
			"where the host's KVM runs guests of that architecture."},
	{.name = "name",
		.type = KEY_STRING,
		.nullable = true,
		.place = offsetof(struct plan, name_loc),
		.offset = offsetof(struct plan, name),
		.def_doc = "the plan's file name without its suffix",
		.help = "What the run is called in `bulkhead list` and by the commands that address it; "
			"written as a partition's name."},
	{.name = "semantics",
		.type = KEY_ENUM,
		.offset = offsetof(struct plan, semantics),
		.names = semantics_names,
		.def = "acrn",
		.help = "Whose way of dealing with errors is rehearsed, where a partition has no "
			"`on_fatal` or `on_violation` of its own. `acrn`: violations are ignored. "
			"`jailhouse`: a violation is fatal, and the vCPU is parked. `bao`: a "
			"violation is fatal, and the vCPU spins. `xen`: the guest gets a fault for a "
			"violation. Under `acrn` and `xen` a fatal error of the safety partition "
			"leads to the safe state, that of another stops it."},
	{.name = "bsp",
		.type = KEY_GROUP,
		.place = offsetof(struct plan, bsp.loc),
		.fields = bsp_keys,
		.shorthand = "path",
		.def_doc =
			"`builtin` if some partition's fatal error leads to the safe state, else "
			"`none`",
		.help = "The board support package: `builtin`, a path, or a mapping."},
	{.name = "safe_state",
		.type = KEY_GROUP,
		.place = offsetof(struct plan, safe_state.loc),
		.fields = safe_state_keys,
		.shorthand = "stop",
		.def = "all",
		.help = "What the safe state is, after the BSP has been called: which partitions "
			"stop, and who hears of it."},
	{.name = "lockdown",
		.type = KEY_ENUM,
		.offset = offsetof(struct plan, lockdown),
		.names = lockdown_names,
		.def = "auto",
		.help = "How the processes are locked down before the start (docs/lock-down.md): "
			"`auto` applies what this host allows and says what it could not, `strict` "
			"makes that an error, `off` is for debugging."},
	{.name = "housekeeping",
		.type = KEY_HOUSEKEEPING,
		.def_doc = "chosen at the start",
		.help = "The host cores for everything but vCPUs: I/O, supervision. Written as for "
			"`cpus`; none of them may belong to a partition."},
	{.name = "partitions",
		.type = KEY_PARTITIONS,
		.required = true,
		.max = PLAN_PARTITIONS_MAX,
		.fields = partition_keys,
		.help = "The partitions, each under its name: up to 32 of `a-z`, `0-9`, `-` and `_`, "
			"the first a letter."},
	{.name = "shared",
		.type = KEY_NAMED,
		.offset = offsetof(struct plan, regions),
		.def_doc = "none",
		.max = PLAN_REGIONS_MAX,
		.list = &regions_list,
		.help = "Regions of memory that partitions share, each under its name: who has part in "
			"it, and who may write what (docs/devices.md)."},
	{0},
};

const struct key *key_find(const struct key *keys, const char *name)
{
	for (; keys->name; keys++)
		if (strcmp(keys->name, name) == 0)
			return keys;
	return NULL;
}

const struct key *key_suggest(const struct key *keys, const char *name)
{
	while (keys->name && !name_is_close(name, keys->name))
		keys++;
	return keys->name ? keys : NULL;
}

bool partition_name_valid(const char *name)
{
	static const char *const more = "abcdefghijklmnopqrstuvwxyz0123456789_-";

	return name[0] >= 'a' && name[0] <= 'z' && strspn(name, more) == strlen(name) &&
	       strlen(name) <= PARTITION_NAME_MAX;
}

const char *plan_arch_name(enum plan_arch arch)
{
	return arch_names[arch];
}

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

const char *plan_role_name(enum plan_role role)
{
	return role_names[role];
}

const char *plan_field(const struct plan_partition *p, const char *key, char buf[PLAN_FIELD_MAX])
{
	char safe[EXCERPT_MAX];

	snprintf(buf, PLAN_FIELD_MAX, "partitions.%s.%s", excerpt(p->name ? p->name : "", safe),
		key);
	return buf;
}
