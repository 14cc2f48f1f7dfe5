/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/launch.h"

#include "cli/checks.h"
#include "lib/size.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* While little else is open: a descriptor of our own could be taken for the inherited one later. */
static int check_eventfd(
	const struct plan *plan, const struct run_options *options, struct diags *diags)
{
	struct partition_process *spare = options->spare;
	int fd = (int)plan->safe_state.eventfd, flags;
	bool ours;

	if (!fd)
		return 0;
	ours = fd == options->ready_fd ||
	       (process_wait(spare) == 0 && (fd == spare->pidfd || fd == spare->control_fd));
	flags = fcntl(fd, F_GETFL);
	if (flags >= 0 && (flags & O_ACCMODE) != O_RDONLY && !ours)
		return 0;
	diag_error(diags, &plan->safe_state.eventfd_loc, "safe_state.eventfd",
		"this program has inherited no descriptor %d that it could write to; start it with "
		"an eventfd there, or remove this key",
		fd);
	return -EBADF;
}

static bool is_console(const struct plan *plan, const struct run_port *port)
{
	for (unsigned i = 0; i < plan->partition_count; i++) {
		const struct plan_partition *p = &plan->partitions[i];
		int number = plan_port_find(p, port->port);

		if (strcmp(p->name, port->partition) == 0 && number >= 0)
			return plan_port(p, (unsigned)number)->kind == PLAN_PORT_CONSOLE;
	}
	return false;
}

/* The ports that are to be connected to descriptors are there. */
static int check_ports(
	const struct plan *plan, const struct run_options *options, struct diags *diags)
{
	int ret = 0;

	for (unsigned i = 0; i < options->port_count; i++) {
		const struct run_port *port = &options->ports[i];

		if (is_console(plan, port))
			continue;
		diag_error(diags, NULL, "--port",
			"the plan has no partition %s whose port %s is a console; name one that it "
			"has",
			port->partition, port->port);
		ret = -EINVAL;
	}
	return ret;
}

void launch_ahead(const struct option_strings *set, struct partition_process *ret_spare)
{
	bool isolate = true;

	for (unsigned i = 0; i < set->count; i++)
		isolate = isolate && strcmp(set->items[i], "lockdown=off") != 0;
	if (process_start(isolate, ret_spare))
		*ret_spare = (struct partition_process){0};
}

/* By then, a guest that boots has said something. */
#define SILENCE_DEFAULT_NS 5000000000

int take_silence(const struct command *cmd, const char *text, struct run_options *ret_run)
{
	uint64_t ns = 0;

	if (text && strcmp(text, "off") != 0 && (parse_duration(text, &ns) || !ns))
		return command_usage_error(
			cmd, "--silence %s: not a time; write it like 10s, or off", text);
	ret_run->silence_ns = text ? ns : SILENCE_DEFAULT_NS;
	ret_run->silence_first = !text;
	return BH_EXIT_OK;
}

int launch(struct plan *plan, const struct run_options *options, struct diags *diags)
{
	enum bh_exit code = BH_EXIT_USAGE;

	if (plan)
		code = plan_check(plan, CHECK_FILES | CHECK_HOST, diags);
	if (plan && options->log_dir && plan_check_log_dir(plan, options->log_dir, diags))
		code = BH_EXIT_USAGE;
	if (plan && check_ports(plan, options, diags))
		code = BH_EXIT_USAGE;
	if (plan && check_eventfd(plan, options, diags))
		code = BH_EXIT_USAGE;
	if (code != BH_EXIT_OK && options->json)
		diags_print_json(diags, code);
	else
		diags_print(diags, stderr, "bulkhead: ");
	diags_fini(diags);
	if (code == BH_EXIT_OK)
		code = (enum bh_exit)supervisor_run(plan, options);
	process_end(options->spare); /* that the plan had no use for */
	plan_destroy(plan);
	return code;
}
