/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Names for the addresses in reports. The file that has them may be large: it is read when nobody
 * waits for the supervisor, which is when no other partition runs.
 */
#include "supervisor/run.h"

#include "lib/symbolise.h"
#include "lib/util.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* NULL: there are none, which is said where the plan names a file for them. */
static struct symbols *load(const struct child *child)
{
	const char *path = child->plan->symbols ?: child->plan->image;
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct symbols *symbols = NULL;
	int ret = fd < 0 ? -errno : symbols_load(fd, &symbols);

	if (ret && child->plan->symbols)
		run_say(child->run, "%s: %s: %s; backtraces are without names", child->plan->name,
			path,
			ret == -EINVAL   ? "neither an ELF file nor a System.map"
			: ret == -ENOENT ? "there are no symbols of code in it"
					 : strerror(-ret));
	return symbols;
}

static bool others_run(const struct child *child)
{
	const struct run *run = child->run;

	for (unsigned i = 0; i < run->child_count; i++) {
		if (&run->children[i] != child && child_active(&run->children[i]))
			return true;
	}
	return false;
}

/* True when the report has become another. */
static bool name_report(struct child *child)
{
	struct symbols *symbols = NULL;
	char *named = NULL;
	bool changed;

	if (!child->report || child->report_named || !symbolise_wanted(child->report))
		return false;
	child->report_named = true;
	symbols = load(child);
	if (symbols)
		named = symbolise(child->report, symbols);
	symbols_free(symbols);
	changed = named && strcmp(named, child->report) != 0;
	if (named) {
		free(child->report);
		child->report = named;
	}
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
