/* SPDX-License-Identifier: BSD-3-Clause */
#include "plan/schema.h"

#include "lib/suggest.h"

#include <string.h>

const char *const role_names[] = {"non-safety", "safety", NULL};
const char *const contract_names[] = {"standard", NULL};
const char *const image_type_names[] = {
	"auto", "multiboot", "multiboot2", "elf", "bzimage", "raw", NULL};
const char *const hugepages_names[] = {"none", "2M", "1G", NULL};
const char *const serial_names[] = {"none", "null", "console", "file", "pty", NULL};
const char *const on_fatal_names[] = {"stop", "safe-state", NULL};
const char *const on_reset_names[] = {"fail", "stop", NULL};

#define AT(m)    .offset = offsetof(struct plan_partition, m)
#define PLACE(k) .loc = 1 + PLAN_KEY_##k

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

/* An address that any processor we know can have, and that an integer of JSON can say. */
#define ADDRESS_MAX (((uint64_t)1 << 48) - 1)

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
		.def = "0x100000",
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

static const struct key serial_keys[] = {
	{.name = "file",
		.type = KEY_PATH,
		.required = true,
		.offset = offsetof(struct plan_serial, path),
		.help = "The file that takes the output; created, or emptied at the start."},
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
		AT(contract),
		.names = contract_names,
		.def = "standard",
		.help = "What the guest finds when it starts: memory map, tables, registers."},
	{.name = "cpus",
		.type = KEY_CPUS,
		.required = true,
		PLACE(CPUS),
		.fields = cpus_keys,
		.help = "The host cores that the partition owns, such as `[2, 3]` or `2-3`: vCPU i "
			"runs on the i-th, and nothing else does. A non-safety partition may instead "
			"share cores: `{count: 2, on: [0, 1]}`."},
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
		.type = KEY_MODULES,
		PLACE(MODULES),
		.def_doc = "none",
		.max = PLAN_MODULES_MAX,
		.fields = module_keys,
		.shorthand = "path",
		.help = "A list of up to 64 multiboot modules: paths or mappings."},
	{.name = "serial",
		.type = KEY_SERIAL,
		PLACE(SERIAL),
		.def_doc = "`[console]`",
		.max = PLAN_SERIAL_PORTS,
		.fields = serial_keys,
		.help = "A list of up to two serial ports, COM1 and COM2. Each is `console` (this "
			"run's console), `none` (the port is not there), `null` (it is there, but "
			"output goes nowhere), `pty` (a pseudo-terminal, whose name is printed), or "
			"`file:PATH`, also written `{file: PATH}`."},
	{.name = "on_fatal",
		.type = KEY_ENUM,
		AT(on_fatal),
		.names = on_fatal_names,
		.def_doc = "`safe-state` for the safety partition, else `stop`",
		.help = "What follows a fatal error in this partition: `stop` ends it alone, "
			"`safe-state` ends all of them and takes the platform to its safe state."},
	{.name = "on_reset",
		.type = KEY_ENUM,
		AT(on_reset),
		.names = on_reset_names,
		.def = "fail",
		.help = "What it means when the guest resets itself: `fail` counts it as a failure, "
			"which is how a panic shows with `panic=-1`; `stop` as an ordinary end."},
	{0},
};

const struct key plan_keys[] = {
	{.name = "version", .type = KEY_VERSION, .def = "1", .help = "The version of this format."},
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
