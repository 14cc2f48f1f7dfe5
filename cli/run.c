/* SPDX-License-Identifier: BSD-3-Clause */
/* bulkhead run: all partitions of a plan, to their end. */
#include "cli/commands.h"
#include "cli/detach.h"
#include "cli/launch.h"
#include "lib/size.h"
#include "partition/partition.h"
#include "rig/job.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

struct run_command_options {
	struct option_strings set;
	uint64_t timeout;
	const char *console;
	const char *log_dir;
	const char *core_dir;
	const char *name;
	struct option_strings ports;
	unsigned events_fd;
	uint64_t sample;
	const char *silence;
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
	{"silence", "TIME", OPTION_STRING, FIELD(silence), SILENCE_OPTION_HELP},
	{"console", "NAME", OPTION_STRING, FIELD(console),
		"Attach the terminal to partition NAME alone (Ctrl-A x ends the run), or show \"all\" "
		"with prefixes, or \"none\". Default: all, or the only one."},
	{"log-dir", "DIR", OPTION_STRING, FIELD(log_dir),
		"Keep what each port says in DIR/NAME.com1.log and so on."},
	{"core-dir", "DIR", OPTION_STRING, FIELD(core_dir),
		"When a partition dies or panics, write an ELF core to DIR/NAME.core, for gdb "
		"and crash (docs/debugging.md); SIGQUIT ends the run with one, too."},
	{"name", "NAME", OPTION_STRING, FIELD(name),
		"The run's name, for `bulkhead list` and the others. Default: the plan's name, or its "
		"file's, with a number if that is taken."},
	{"port", "NAME.PORT=FD", OPTION_STRINGS, FIELD(ports),
		"Connect port PORT (com1, com2, hvc0...) of partition NAME, if it is a console in the "
		"plan, to the inherited descriptor FD, both ways. May be repeated."},
	{"events-fd", "FD", OPTION_UNSIGNED, FIELD(events_fd),
		"Write each event (docs/control-protocol.md) to the inherited descriptor FD, a line of "
		"JSON each."},
	{"sample", "TIME", OPTION_DURATION, FIELD(sample),
		"With --events-fd: also write, every TIME, how many exits and heartbeats each partition "
		"has counted."},
	{"detach", NULL, OPTION_FLAG, FIELD(detach),
		"Return once all partitions run, or with the reason why they do not; print the run's "
		"name. Its messages go on in DIR/bulkhead.log, if there is a --log-dir."},
	{"stats", NULL, OPTION_FLAG, FIELD(stats),
		"At the end, print each vCPU's exits by reason."},
	{"json", NULL, OPTION_FLAG, FIELD(json),
		"Print the result as one JSON object on standard output; consoles go to standard error."},
	{0},
};

/* Whether FD, which OPTION names, is a descriptor that this program was started with. */
static int check_inherited(const char *option, unsigned fd)
{
	if (fd > STDERR_FILENO && fd <= INT_MAX && fcntl((int)fd, F_GETFD) >= 0)
		return BH_EXIT_OK;
	return command_usage_error(&command_run,
		"%s: this program has inherited no descriptor %u; start it with one, of a number from 3 up",
		option, fd);
}

/* "linux.com1=7". */
static int parse_port(const char *text, struct run_port *ret_port)
{
	const char *dot = strchr(text, '.'), *equals = strrchr(text, '=');
	size_t name = dot ? (size_t)(dot - text) : 0;
	size_t port = dot && equals > dot ? (size_t)(equals - dot) - 1 : 0;
	uint64_t fd = 0;

	if (!name || !port || name >= sizeof(ret_port->partition) ||
		port >= sizeof(ret_port->port) || parse_u64(equals + 1, &fd) || fd > INT_MAX)
		return command_usage_error(&command_run,
			"--port %s: not NAME.PORT=FD; write it like linux.com1=7", text);
	*ret_port = (struct run_port){.fd = (int)fd};
	memcpy(ret_port->partition, text, name);
	memcpy(ret_port->port, dot + 1, port);
	return check_inherited("--port", (unsigned)fd);
}

/* *RET_PORTS is the caller's in any case. */
static int parse_ports(const struct option_strings *texts, struct run_port **ret_ports)
{
	int ret = BH_EXIT_OK;

	*ret_ports = calloc(texts->count + 1, sizeof(**ret_ports));
	for (unsigned i = 0; !ret && *ret_ports && i < texts->count; i++)
		ret = parse_port(texts->items[i], &(*ret_ports)[i]);
	return *ret_ports ? ret : BH_EXIT_HOST;
}

static int run_run(const void *options, unsigned operand_count, char *const *operands)
{
	const struct run_command_options *o = options;
	struct run_options run = {
		.console = o->console,
		.name = o->name,
		.detach = o->detach,
		.log_dir = o->log_dir,
		.core_dir = o->core_dir,
		.timeout_ns = o->timeout,
		.stats = o->stats,
		.json = o->json,
		.port_count = o->ports.count,
		.events_fd = (int)o->events_fd,
		.sample_ns = o->sample,
	};
	AUTO_FREE struct run_port *ports = NULL;
	int ret = parse_ports(&o->ports, &ports);
	const struct plan_options plan_options = {
		.overrides = o->set.items,
		.override_count = o->set.count,
		.arch = partition_host_arch(),
	};
	struct partition_process spare = {0};
	struct plan *plan = NULL;
	struct diags diags;

	(void)operand_count;
	if (!ret && o->events_fd)
		ret = check_inherited("--events-fd", o->events_fd);
	if (!ret)
		ret = take_silence(&command_run, o->silence, &run);
	if (ret)
		return ret;
	run.ports = ports;
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

/* What has to do with descriptors of this process, or goes on after it, has no place inside. */
static int run_gather(
	const void *options, unsigned operand_count, char *const *operands, struct rig_job *job)
{
	const struct run_command_options *o = options;
	const struct plan_options plan_options = {
		.overrides = o->set.items,
		.override_count = o->set.count,
		.arch = job->arch,
	};
	struct plan *plan;

	(void)operand_count;
	if (o->detach || o->ports.count || o->events_fd || strcmp(operands[0], "-") == 0)
		return command_usage_error(&command_run,
			"--detach, --port, --events-fd and a plan from standard input do not work in "
			"the rig");
	if (plan_load(operands[0], &plan_options, job->diags, &plan))
		return BH_EXIT_USAGE;
	rig_job_plan(job, plan);
	rig_job_output(job, o->log_dir, true);
	rig_job_output(job, o->core_dir, true);
	plan_destroy(plan);
	return BH_EXIT_OK;
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
	.gather = run_gather,
};
