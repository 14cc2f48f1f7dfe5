/* SPDX-License-Identifier: BSD-3-Clause */
/* bulkhead inspect: what the guests of a run are at just now. */
#include "cli/ask.h"

#include "lib/symbolise.h"
#include "lib/util.h"

/* With names in the backtraces, where the image, or what the plan names, has them. */
static void print_named(const json_t *o)
{
	const char *text = json_text(o, "text"), *symbols = json_text(o, "symbols");
	AUTO_FREE char *named = NULL;

	if (*symbols && symbolise_wanted(text))
		symbolise_by(symbols, text, &named);
	fputs(named ?: text, stdout);
}

static void print_all(const json_t *all)
{
	const json_t *o;
	size_t i;

	json_array_foreach(all, i, o)
	{
		printf("%s%s is %s: %s\n\n", i ? "\n" : "", json_text(o, "partition"),
			json_text(o, "state"), json_text(o, "summary"));
		print_named(o);
	}
}

static int inspect_run(const void *options, unsigned operand_count, char *const *operands)
{
	const struct ask a = {.command = &command_inspect, .running = true, .print = print_all};

	return ask_run(&a, options, operand_count, operands);
}

const struct command command_inspect = {
	.name = "inspect",
	.synopsis = "[OPTIONS] [NAME]",
	.summary = "Show what the guests of a run are at, such as one that says nothing.",
	.details =
		"For each vCPU: whether it runs, spins in one place, is halted and whether an "
		"interrupt could wake it, its registers and last exits. For the partition: the ports "
		"and addresses that its guest has used and nobody owns, what each console has got, "
		"and hints. The guest goes on; its vCPUs are held for microseconds.\n"
		"NAME is a partition, a run, or RUN/PARTITION. A supervisor that gets SIGUSR1 prints the "
		"same to its standard error.",
	.options = ask_specs,
	.options_size = sizeof(struct ask_options),
	.operands_max = 1,
	.run = inspect_run,
};
