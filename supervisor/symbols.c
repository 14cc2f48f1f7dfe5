/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Names for the addresses in reports. The file that has them may be large: it is read when nobody
 * waits for the supervisor, which is when no other partition runs.
 */
#include "supervisor/run.h"

#include "lib/symbolise.h"
#include "lib/text.h"
#include "lib/util.h"

#include <errno.h>
#include <string.h>

static bool others_run(const struct child *child)
{
	const struct run *run = child->run;

	for (unsigned i = 0; i < run->child_count; i++) {
		if (&run->children[i] != child && child_active(&run->children[i]))
			return true;
	}
	return false;
}

/* What is wrong with a file that the plan names is said. */
static void say_failure(const struct child *child, int error)
{
	if (child->plan->symbols)
		run_say(child->run, "%s: %s: %s; backtraces are without names", child->plan->name,
			child->plan->symbols,
			error == -EINVAL   ? "neither an ELF file nor a System.map"
			: error == -ENOENT ? "there are no symbols of code in it"
					   : strerror(-error));
}

/* True when the report has become another. */
static bool name_report(struct child *child)
{
	const char *path = child->plan->symbols ?: child->plan->image;
	char *named;
	bool changed;
	int ret;

	if (!child->report || child->report_named || !symbolise_wanted(child->report))
		return false;
	child->report_named = true;
	ret = symbolise_by(path, child->report, &named);
	if (ret) {
		say_failure(child, ret);
		return false;
	}
	changed = strcmp(named, child->report) != 0;
	free(child->report);
	child->report = named;
	return changed;
}

/* Without what the console has shown already. */
static void say(const struct child *child)
{
	AUTO_FREE char *text = strdup(child->report ?: "");
	char *console = text ? strstr(text, "\n" REPORT_CONSOLE_TITLE) : NULL;

	if (console)
		console[1] = '\0';
	run_say_lines(child->run, child->plan->name, text ?: "");
}

void child_say_report(struct child *child)
{
	if (!others_run(child))
		name_report(child);
	say(child);
}

void run_name_reports(struct run *run)
{
	for (unsigned i = 0; i < run->child_count; i++) {
		if (name_report(&run->children[i]))
			say(&run->children[i]);
	}
}
