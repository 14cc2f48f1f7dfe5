/* SPDX-License-Identifier: BSD-3-Clause */
#include "plan/schema.h"

#include "lib/suggest.h"

#include <string.h>
#include <sys/un.h>

const char *const arch_names[] = {"x86-64", "arm64", NULL};
const char *const bsp_names[] = {"none", "builtin", NULL};
static const char *const semantics_names[] = {"acrn", "jailhouse", "bao", "xen", NULL};
static const char *const lockdown_names[] = {"auto", "strict", "off", NULL};
const char *const access_names[] = {"read", "write", "read-write", NULL};
static const char *const safe_stop_names[] = {"all", "non-safety", NULL};

#define SECOND ((uint64_t)1000000000)

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
