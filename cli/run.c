/* SPDX-License-Identifier: BSD-3-Clause */
/* bulkhead run: all partitions of a plan, to their end. */
#include "cli/commands.h"
#include "cli/detach.h"
#include "cli/launch.h"
#include "partition/partition.h"

struct run_command_options {
	struct option_strings set;
	uint64_t timeout;
	const char *console;
	const char *log_dir;
	const char *name;
	bool detach;
	bool stats;
	bool json;
};

#define FIELD(f) offsetof(struct run_command_options, f)

static const struct option_spec run_specs[] = {
	{"set", "KEY=VALUE", OPTION_STRINGS, FIELD(set),
		"Override a key of the plan, such as partitions.linux.memory=1G. May be repeated."},
	{"timeout", "TIME", OPTION_DURATION, FIELD(timeout),
		"Stop everything after TIME (such as 90s or 5m), counted from the release."},
	{"console", "NAME", OPTION_STRING, FIELD(console),
		"Attach the terminal to partition NAME alone (Ctrl-A x ends the run), or show \"all\" "
		"with prefixes, or \"none\". Default: all, or the only one."},
	{"log-dir", "DIR", OPTION_STRING, FIELD(log_dir),
		"Keep what each serial port says in DIR/NAME.com1.log and so on."},
	{"name", "NAME", OPTION_STRING, FIELD(name),
		"The run's name, for `bulkhead list` and the others. Default: the plan's name, or its "
		"file's, with a number if that is taken."},
	{"detach", NULL, OPTION_FLAG, FIELD(detach),
		"Return once all partitions run, or with the reason why they do not; print the run's "
		"name. Its messages go on in DIR/bulkhead.log, if there is a --log-dir."},
	{"stats", NULL, OPTION_FLAG, FIELD(stats),
		"At the end, print each vCPU's exits by reason."},
	{"json", NULL, OPTION_FLAG, FIELD(json),
		"Print the result as one JSON object on standard output; consoles go to standard error."},
	{0},
};

static int run_run(const void *options, unsigned operand_count, char *const *operands)
{
	const struct run_command_options *o = options;
	struct run_options run = {
		.console = o->console,
		.name = o->name,
		.detach = o->detach,
		.log_dir = o->log_dir,
		.timeout_ns = o->timeout,
		.stats = o->stats,
		.json = o->json,
	};
	const struct plan_options plan_options = {
		.overrides = o->set.items,
		.override_count = o->set.count,
		.arch = partition_host_arch(),
	};
	struct partition_process spare = {0};
	struct plan *plan = NULL;
	struct diags diags;

	(void)operand_count;
	run.spare = &spare;
	if (o->detach) {
		struct detached d;

		if (o->console)
			return command_usage_error(&command_run,
				"--detach and --console exclude each other; `bulkhead console` attaches "
				"to a run");
		d = detach(o->log_dir, o->json);
		if (!d.child)
			return d.code;
		run.console = "none";
		run.ready_fd = d.ready_fd;
	}
	launch_ahead(&o->set, &spare);
	diags_init(&diags);
	plan_load(operands[0], &plan_options, &diags, &plan);
	return launch(plan, &run, &diags);
}

const struct command command_run = {
	.name = "run",
	.synopsis = "[OPTIONS] PLAN",
	.summary = "Run the partitions of a plan.",
	.details =
		"Checks the plan (a YAML file, or - for standard input) and this host, creates every "
		"partition, and starts them together once all are ready. Ends when all have ended. "
		"The last line says how each of them did.",
	.options = run_specs,
	.options_size = sizeof(struct run_command_options),
	.operands_min = 1,
	.operands_max = 1,
	.exit_codes = true,
	.run = run_run,
};
