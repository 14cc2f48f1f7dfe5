/* SPDX-License-Identifier: BSD-3-Clause */
/* bulkhead boot: one partition from the command line, without a plan file. */
#include "cli/commands.h"
#include "cli/device_option.h"
#include "cli/images.h"
#include "cli/launch.h"
#include "lib/size.h"
#include "partition/partition.h"
#include "rig/job.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

struct boot_options {
	const char *initrd;
	const char *symbols;
	const char *cmdline;
	uint64_t memory;
	unsigned cpus;
	struct option_strings modules;
	const char *type;
	const char *machine;
	struct option_strings devices, disks, shares, nets;
	struct option_strings set;
	uint64_t timeout;
	const char *silence;
	const char *log_dir;
	const char *core_dir;
	bool print;
	bool stats;
	bool json;
};

#define FIELD(f) offsetof(struct boot_options, f)

static const struct option_spec boot_specs[] = {
	{"initrd", "FILE", OPTION_STRING, FIELD(initrd),
		"Initial RAM disk of a Linux kernel (arm64: of any image), or a multiboot image's first "
		"module."},
	{"cmdline", "TEXT", OPTION_STRING, FIELD(cmdline),
		"The image's command line. Default: console=ttyS0 (arm64: ttyAMA0) for Linux, nothing for "
		"others."},
	{"memory", "SIZE", OPTION_SIZE, FIELD(memory), "Guest memory. Default: 512M."},
	{"cpus", "N", OPTION_UNSIGNED, FIELD(cpus),
		"Number of vCPUs; they share the host's cores. Default: 1."},
	{"module", "FILE[ STRING]", OPTION_STRINGS, FIELD(modules),
		"A multiboot module and its string. May be repeated."},
	{"type", "TYPE", OPTION_STRING, FIELD(type),
		"Do not recognise the image: it is multiboot, multiboot2, elf, bzimage, arm64-image or raw."},
	{"machine", "TYPE", OPTION_STRING, FIELD(machine),
		"standard, or testdev: with the devices that test images for QEMU's machines expect "
		"(docs/testdev.md). Default: standard."},
	{"device", "TYPE[,KEY=VALUE...]", OPTION_STRINGS, FIELD(devices),
		"Add a device, with the keys that a plan gives it (docs/devices.md): rng, or "
		"rng,slot=5. A comma within a value is written twice. May be repeated."},
	{"share", "FOLDER:TAG[,KEY=VALUE...]", OPTION_STRINGS, FIELD(shares),
		"Share a folder: the guest mounts it with `mount -t virtiofs TAG /mnt`. The same as "
		"--device fs,path=FOLDER,tag=TAG. May be repeated."},
	{"disk", "FILE[,KEY=VALUE...]", OPTION_STRINGS, FIELD(disks),
		"Add a disk: a raw image or a block device; FILE,readonly cannot be written to. May be "
		"repeated."},
	{"net", "WHAT[,KEY=VALUE...]", OPTION_OPTIONALS, FIELD(nets),
		"Add a network device. WHAT is passt (the default; it takes no rights), tap:NAME, "
		"bridge:NAME, socket:PATH or none. tap:NAME is the same as --device net,tap=NAME, and so "
		"on. May be repeated."},
	{"set", "KEY=VALUE", OPTION_STRINGS, FIELD(set),
		"Set any other key of a plan, such as partitions.guest.on_reset=stop. May be repeated."},
	{"timeout", "TIME", OPTION_DURATION, FIELD(timeout),
		"Stop after TIME (such as 90s or 5m), counted from the start of the guest."},
	{"silence", "TIME", OPTION_STRING, FIELD(silence), SILENCE_OPTION_HELP},
	{"log-dir", "DIR", OPTION_STRING, FIELD(log_dir),
		"Keep what each port says in DIR/guest.com1.log and so on."},
	{"symbols", "FILE", OPTION_STRING, FIELD(symbols),
		"An ELF file with symbols (vmlinux), or a System.map: for names in backtraces. Default: "
		"the image, if it is an ELF file."},
	{"core-dir", "DIR", OPTION_STRING, FIELD(core_dir),
		"When the guest dies or panics, write an ELF core to DIR/guest.core, for gdb "
		"and crash (docs/debugging.md); SIGQUIT ends the run with one, too."},
	{"print", NULL, OPTION_FLAG, FIELD(print),
		"Print the plan that says the same, and start nothing."},
	{"stats", NULL, OPTION_FLAG, FIELD(stats),
		"At the end, print each vCPU's exits by reason."},
	{"json", NULL, OPTION_FLAG, FIELD(json),
		"Print the result as one JSON object on standard output; the console goes to standard "
		"error."},
	{0},
};

static json_t *modules_json(const struct option_strings *modules)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < modules->count; i++) {
		const char *item = modules->items[i];
		const char *space = strchr(item, ' ');
		json_t *path =
			space ? json_stringn(item, (size_t)(space - item)) : json_string(item);

		if (space)
			json_array_append_new(
				list, json_pack("{s:o, s:s}", "path", path, "string", space + 1));
		else
			json_array_append_new(list, path);
	}
	return list;
}

static const char *default_cmdline(
	const struct boot_options *o, const char *image, enum plan_arch arch)
{
	bool is_linux =
		o->type && strcmp(o->type, "auto") != 0
			? strcmp(o->type, "bzimage") == 0 || strcmp(o->type, "arm64-image") == 0
			: partition_image_is_linux(image);

	if (!is_linux)
		return "";
	return arch == PLAN_ARCH_ARM64 ? "console=ttyAMA0" : "console=ttyS0";
}

/* The options that add a device: each is one way to write some of them. */
struct device_option {
	const char *name;
	const struct option_strings *given;
	const char *type, *first; /* as device_option_parse takes them */
	const char *last;         /* key of what follows the last colon of FIRST; NULL: nothing */
};

/* Takes the value of LAST out of that of FIRST. False: there is no colon between them. */
static bool split_value(json_t *device, const char *first, const char *last)
{
	const char *text = json_string_value(json_object_get(device, first)) ?: "";
	const char *colon = strrchr(text, ':');
	json_t *value;

	if (!colon)
		return false;
	json_object_set_new(device, last, json_string(colon + 1));
	value = json_stringn(text, (size_t)(colon - text));
	json_object_set_new(device, first, value);
	return value;
}

/*
 * "KIND:VALUE,REST" as the device "net,KIND=VALUE,REST". 0 and *RET_DEVICE, which is NULL for none;
 * or as device_option_parse.
 */
static int net_parse(const char *text, json_t **ret_device, const char **ret_error)
{
	static const char *const kinds[] = {"tap", "bridge", "socket"};
	size_t n = strcspn(text, ":,");
	AUTO_FREE char *device = NULL;

	*ret_device = NULL;
	*ret_error = "write passt, tap:NAME, bridge:NAME, socket:PATH or none";
	if (strcmp(text, "none") == 0)
		return 0;
	if (!*text || (strncmp(text, "passt", max_u64(n, 5)) == 0 && text[n] != ':')) {
		if (asprintf(&device, "net%s", text + n) < 0)
			return -ENOMEM;
	}
	for (size_t i = 0; i < ARRAY_SIZE(kinds) && text[n] == ':'; i++) {
		if (strncmp(text, kinds[i], n) != 0 || kinds[i][n])
			continue;
		if (asprintf(&device, "net,%s=%s", kinds[i], text + n + 1) < 0)
			return -ENOMEM;
	}
	return device ? device_option_parse(device, NULL, "type", ret_device, ret_error) : -EINVAL;
}

/* Adds the network devices to LIST. False: a usage error was printed. */
static bool add_nets(const struct option_strings *nets, json_t *list)
{
	for (unsigned i = 0; i < nets->count; i++) {
		const char *error;
		json_t *device;

		if (net_parse(nets->items[i], &device, &error)) {
			command_usage_error(&command_boot, "--net %s: %s", nets->items[i], error);
			return false;
		}
		if (device)
			json_array_append_new(list, device);
	}
	return true;
}

/* Owned by the caller; NULL: a usage error was printed. */
static json_t *devices_json(const struct boot_options *o)
{
	const struct device_option options[] = {
		{"device", &o->devices, NULL, "type", NULL},
		{"disk", &o->disks, "blk", "path", NULL},
		{"share", &o->shares, "fs", "path", "tag"},
	};
	json_t *list = json_array();

	for (unsigned k = 0; k < ARRAY_SIZE(options); k++) {
		const struct device_option *option = &options[k];

		for (unsigned i = 0; i < option->given->count; i++) {
			const char *text = option->given->items[i];
			const char *error = "no memory; free some";
			json_t *device = NULL;

			device_option_parse(text, option->type, option->first, &device, &error);
			if (device && option->last &&
				!split_value(device, option->first, option->last)) {
				json_decref(device);
				device = NULL;
				error = "there is no tag; write it as FOLDER:TAG";
			}
			if (!device) {
				json_decref(list);
				command_usage_error(
					&command_boot, "--%s %s: %s", option->name, text, error);
				return NULL;
			}
			json_array_append_new(list, device);
		}
	}
	if (add_nets(&o->nets, list))
		return list;
	json_decref(list);
	return NULL;
}

/*
 * The plan as text: JSON, which is YAML. Takes DEVICES. Owned by the caller; NULL when something is
 * no UTF-8.
 */
static char *plan_text(
	const struct boot_options *o, const char *image, enum plan_arch arch, json_t *devices)
{
	char memory[QUANTITY_MAX];
	json_t *guest, *plan;
	char *text;

	guest = json_pack("{s:{s:i}, s:{s:s, s:b}, s:{s:s, s:s}, s:s}", "cpus", "count",
		o->cpus ? (int)o->cpus : 1, "memory", "size",
		format_size(o->memory ? o->memory : 512 * MIB, memory), "lock", 0, "image", "path",
		image, "type", o->type ? o->type : "auto", "cmdline",
		o->cmdline ? o->cmdline : default_cmdline(o, image, arch));
	if (o->machine)
		json_object_set_new(guest, "machine", json_string(o->machine));
	if (o->initrd)
		json_object_set_new(guest, "initrd", json_string(o->initrd));
	if (o->symbols)
		json_object_set_new(guest, "symbols", json_string(o->symbols));
	if (o->modules.count)
		json_object_set_new(guest, "modules", modules_json(&o->modules));
	if (json_array_size(devices))
		json_object_set(guest, "devices", devices);
	json_decref(devices);
	plan = json_pack("{s:{s:o}}", "partitions", "guest", guest);
	text = json_dumps(plan, JSON_COMPACT);
	json_decref(plan);
	return text;
}

#define TEXT_NAME "command line"

static void forget_device_places(struct plan_device *d)
{
	d->loc = (struct diag_loc){0};
	for (unsigned i = 0; i < d->console.port_count; i++)
		d->console.ports[i].loc = (struct diag_loc){0};
}

/* The places in the text above would tell nobody anything: messages name the key alone. */
static void forget_places(struct plan *plan)
{
	plan->housekeeping_loc = (struct diag_loc){0};
	for (unsigned i = 0; i < plan->partition_count; i++) {
		struct plan_partition *p = &plan->partitions[i];

		memset(p->locs, 0, sizeof(p->locs));
		for (unsigned m = 0; m < p->module_count; m++)
			p->modules[m].loc = (struct diag_loc){0};
		for (unsigned s = 0; s < PLAN_SERIAL_PORTS; s++)
			p->serial[s].loc = (struct diag_loc){0};
		for (unsigned d = 0; d < p->device_count; d++)
			forget_device_places(&p->devices[d]);
	}
}

/* The same for the messages made while it was read; those about --set keep theirs. */
static void forget_message_places(struct diags *diags)
{
	for (unsigned i = 0; i < diags->count; i++) {
		struct diag *d = &diags->items[i];

		if (d->file && strcmp(d->file, TEXT_NAME) == 0) {
			free(d->file);
			d->file = NULL;
		}
	}
}

/*
 * The plan that the options stand for, with every error in DIAGS; NULL when there is one.
 * BH_EXIT_OK, or a usage error was printed.
 */
static int load(const struct boot_options *o, const char *image, enum plan_arch preferred,
	struct diags *diags, struct plan **ret_plan)
{
	const struct plan_options options = {
		.overrides = o->set.items,
		.override_count = o->set.count,
		.arch = image_arch(image, preferred),
	};
	json_t *devices = devices_json(o);
	AUTO_FREE char *text = NULL;

	*ret_plan = NULL;
	if (!devices)
		return BH_EXIT_USAGE;
	text = plan_text(o, image, options.arch, devices);
	if (!text)
		return command_usage_error(&command_boot, "an argument is not UTF-8 text");
	if (plan_load_text(TEXT_NAME, NULL, text, strlen(text), &options, diags, ret_plan) == 0)
		forget_places(*ret_plan);
	forget_message_places(diags);
	return BH_EXIT_OK;
}

static int boot_run(const void *options, unsigned operand_count, char *const *operands)
{
	const struct boot_options *o = options;
	struct partition_process spare = {0};
	struct run_options run = {
		.spare = &spare,
		.log_dir = o->log_dir,
		.core_dir = o->core_dir,
		.timeout_ns = o->timeout,
		.stats = o->stats,
		.json = o->json,
		.quiet = true,
		.default_name =
			strrchr(operands[0], '/') ? strrchr(operands[0], '/') + 1 : operands[0],
	};
	struct plan *plan;
	struct diags diags;
	int code;

	(void)operand_count;
	if (take_silence(&command_boot, o->silence, &run))
		return BH_EXIT_USAGE;
	if (!o->print)
		launch_ahead(&o->set, &spare);
	diags_init(&diags);
	code = load(o, operands[0], partition_host_arch(), &diags, &plan);
	if (!code && (!plan || !o->print))
		return launch(plan, &run, &diags);
	process_end(&spare);
	diags_print(&diags, stderr, "bulkhead: ");
	diags_fini(&diags);
	if (!code)
		plan_print_yaml(plan, stdout);
	plan_destroy(plan);
	return code;
}

static int boot_gather(
	const void *options, unsigned operand_count, char *const *operands, struct rig_job *job)
{
	const struct boot_options *o = options;
	struct plan *plan;
	int code = load(o, operands[0], job->arch, job->diags, &plan);

	(void)operand_count;
	if (!plan)
		return code ?: BH_EXIT_USAGE;
	rig_job_plan(job, plan);
	rig_job_output(job, o->log_dir, true);
	rig_job_output(job, o->core_dir, true);
	plan_destroy(plan);
	return BH_EXIT_OK;
}

const struct command command_boot = {
	.name = "boot",
	.synopsis = "[OPTIONS] IMAGE",
	.summary = "Boot one image, without a plan: the shortest way from a kernel to a console.",
	.details =
		"IMAGE is a Linux kernel (bzImage; arm64: Image), a multiboot or ELF kernel, or a flat "
		"binary (--type raw). "
		"On a terminal, Ctrl-A x ends the run.",
	.options = boot_specs,
	.options_size = sizeof(struct boot_options),
	.operands_min = 1,
	.operands_max = 1,
	.exit_codes = true,
	.run = boot_run,
	.gather = boot_gather,
};
