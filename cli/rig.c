/* SPDX-License-Identifier: BSD-3-Clause */
/* bulkhead rig: a command inside an emulated machine that has full KVM. */
#include "rig/rig.h"
#include "cli/commands.h"
#include "cli/words.h"
#include "partition/partition.h"

#include <errno.h>
#include <string.h>

struct rig_command_options {
	const char *arch;
	const char *kernel, *modules;
	const char *program;
	unsigned cpus;
	uint64_t memory;
	struct option_strings files;
	bool exec;
	const char *log;
	struct option_strings qemu;
};

#define FIELD(f) offsetof(struct rig_command_options, f)

static const struct option_spec rig_specs[] = {
	{"arch", "ARCH", OPTION_STRING, FIELD(arch),
		"x86-64 or arm64. Default: what the plan or the images are for."},
	{"kernel", "FILE", OPTION_STRING, FIELD(kernel),
		"The machine's Linux, with KVM. Default: Debian's for clouds, downloaded once."},
	{"modules", "DIR", OPTION_STRING, FIELD(modules),
		"Where the modules of --kernel are, if it does not have all built in."},
	{"program", "FILE", OPTION_STRING, FIELD(program),
		"The static bulkhead that runs inside. Default: this one, or for the other "
		"architecture the one that the build has put beside it."},
	{"cpus", "N", OPTION_UNSIGNED, FIELD(cpus),
		"Cores of the machine. Default: what the command takes."},
	{"memory", "SIZE", OPTION_SIZE, FIELD(memory),
		"Memory of the machine. Default: what the command takes."},
	{"file", "SRC[=DST]", OPTION_STRINGS, FIELD(files),
		"One more file or folder that is there inside, at the same path or at DST. May be "
		"repeated."},
	{"exec", NULL, OPTION_FLAG, FIELD(exec),
		"COMMAND is a program inside (see --file), such as a script that calls bulkhead, and "
		"not a command of bulkhead."},
	{"log", "FILE", OPTION_STRING, FIELD(log), "Keep what the machine's own Linux says."},
	{"qemu", "ARG", OPTION_STRINGS, FIELD(qemu),
		"One more argument for QEMU, written as --qemu=ARG. May be repeated."},
	{0},
};

/* Both architectures, as a plan has them. */
static const enum plan_arch archs[] = {PLAN_ARCH_X86_64, PLAN_ARCH_ARM64};

static int parse_arch(const char *text, enum plan_arch *ret)
{
	for (unsigned i = 0; i < ARRAY_SIZE(archs); i++) {
		if (strcmp(text, plan_arch_name(archs[i])) == 0) {
			*ret = archs[i];
			return BH_EXIT_OK;
		}
	}
	return command_usage_error(
		&command_rig, "--arch %s: there is no such one; write x86-64 or arm64", text);
}

/* "SRC", or "SRC=DST". */
static void put_file(struct rig_job *job, const char *text)
{
	const char *equals = strrchr(text, '=');
	AUTO_FREE char *from = equals ? strndup(text, (size_t)(equals - text)) : strdup(text);

	if (!from)
		return;
	if (access(from, R_OK))
		diag_error(job->diags, NULL, "--file", "%s: %s; give one that is there", from,
			strerror(errno));
	else
		rig_job_put(job, from, equals ? equals + 1 : from);
}

/* Finds out what ARGV, a command of bulkhead, takes along. *RET_HELP: only its help is wanted. */
static int gather(unsigned argc, char *const *argv, struct rig_job *job, bool *ret_help)
{
	const struct command *cmd = command_find(cli_commands, argv[0]);
	/* Parsing puts them into another order. */
	AUTO_FREE char **copy = calloc(argc + 1, sizeof(*copy));
	struct option_result parsed;
	void *options;
	int code;

	if (!cmd || cmd->hidden || (!cmd->gather && cmd != &command_doctor))
		return command_usage_error(&command_rig,
			"%s does not run inside; run, boot, test, check and doctor do (--exec is for "
			"programs)",
			argv[0]);
	if (!copy)
		return BH_EXIT_HOST;
	for (unsigned i = 1; i < argc; i++)
		copy[i - 1] = argv[i];
	code = command_parse(cmd, (int)argc - 1, copy, &options, &parsed);
	*ret_help = !code && parsed.help;
	if (*ret_help)
		command_print_help(cmd, stdout);
	else if (!code && cmd->gather)
		code = cmd->gather(options, parsed.operand_count, parsed.operands, job);
	command_forget(cmd, options, &parsed);
	return code;
}

/* What makes such a machine again, but --arch, and --log, which would be written anew. */
static void again_words(const struct rig_command_options *o, struct words *ret_words)
{
	struct rig_command_options again = *o;

	again.arch = again.log = NULL;
	again.exec = false;
	words_add_options(ret_words, rig_specs, &again);
}

static int start(const struct rig_command_options *o, enum plan_arch arch, const char *const *argv,
	struct rig_job *job)
{
	struct words again = {0};
	struct rig_options options = {.job = job,
		.arch = o->arch ? arch : rig_job_arch(job),
		.argv = argv,
		.exec = o->exec,
		.program = o->program,
		.kernel = o->kernel,
		.modules = o->modules,
		.cpus = o->cpus,
		.memory = o->memory,
		.log = o->log,
		.qemu = o->qemu.items,
		.qemu_count = o->qemu.count};
	int code;

	again_words(o, &again);
	options.again = (const char *const *)again.items;
	fflush(stdout);
	code = rig_run(&options);
	words_fini(&again);
	return code;
}

static int rig_command_run(const void *values, unsigned operand_count, char *const *operands)
{
	const struct rig_command_options *o = values;
	enum plan_arch arch = partition_host_arch();
	int code = o->arch ? parse_arch(o->arch, &arch) : BH_EXIT_OK;
	AUTO_FREE const char **argv = calloc(operand_count + 1, sizeof(*argv));
	struct rig_job job = {0};
	struct diags diags;
	bool help = false;

	if (!argv)
		return BH_EXIT_HOST;
	memcpy(argv, operands, operand_count * sizeof(*argv));
	diags_init(&diags);
	if (!code && rig_job_init(&job, arch, &diags))
		code = BH_EXIT_HOST;
	for (unsigned i = 0; !code && i < o->files.count; i++)
		put_file(&job, o->files.items[i]);
	if (!code && !o->exec)
		code = gather(operand_count, operands, &job, &help);
	if (!code && diags.errors)
		code = BH_EXIT_USAGE;
	if (!code && !help)
		code = start(o, arch, argv, &job);
	else
		diags_print(&diags, stderr, "bulkhead: ");
	diags_fini(&diags);
	rig_job_fini(&job);
	return code;
}

const struct command command_rig = {
	.name = "rig",
	.synopsis = "[OPTIONS] -- COMMAND [ARGUMENTS]...",
	.summary = "Run a command inside an emulated machine that has full KVM.",
	.details =
		"COMMAND is run, boot, test, check or doctor with its own options: it runs as it would "
		"here, in a machine that QEMU emulates, with its files at the same paths; what it "
		"writes comes back when it ends. For hosts without a KVM that can run the guests, and "
		"for guests of another architecture (docs/rig.md). What takes how long in there says "
		"nothing about real machines.\n"
		"The exit code is that of COMMAND; 3 also when the machine could not be had or failed, "
		"130 when it was interrupted.",
	.options = rig_specs,
	.options_size = sizeof(struct rig_command_options),
	.operands_min = 1,
	.operands_max = 4096,
	.separated = true,
	.run = rig_command_run,
};
