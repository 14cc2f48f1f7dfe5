/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is kept of a case, in a folder of its own: plan.yaml, a log of each console with times,
 * events.jsonl, result.json, messages.log, registers.txt, diagnosis.txt, repeat.sh, and cores,
 * where these are wanted, which `bulkhead run` writes. All others are bounded, and says where it
 * was cut. That one of them cannot be written fails no case: its reader sees that it is missing.
 */
#include "suite/job.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

/* Of a console, from its start; then its end. */
#define CONSOLE_MAX (4 * MIB)
#define EVENTS_MAX  (1 * MIB)

struct artifact {
	FILE *f;
	const struct match_port *port;
	uint64_t written; /* bytes of the guest's */
	uint64_t cut;     /* ... and those that are left out */
	bool line_start;
};

struct artifacts {
	char path[PATH_MAX];
	int dir_fd;
	FILE *events;
	uint64_t events_size;
	bool events_cut;
};

static FILE *create(struct artifacts *a, const char *name, mode_t mode)
{
	int fd = openat(
		a->dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");

	if (fd >= 0 && !f)
		close(fd);
	return f;
}

static void write_file(struct artifacts *a, const char *name, const char *bytes, size_t size)
{
	FILE *f = create(a, name, 0666);

	if (!f)
		return;
	fwrite(bytes, 1, size, f);
	fclose(f);
}

/* TEXT as one word for a shell. */
static void print_quoted(FILE *f, const char *text)
{
	fputc('\'', f);
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\''", f);
		else
			fputc(*text, f);
	}
	fputc('\'', f);
}

static void write_repeat(struct artifacts *a, const struct job *job)
{
	AUTO_FREE char *cwd = getcwd(NULL, 0);
	FILE *f = create(a, "repeat.sh", 0777);

	if (!f)
		return;
	fputs("#!/bin/sh\n# Runs this case again; arguments are added to the command, such as\n"
	      "# --artifacts DIR --cores.\n"
	      "# Its guests alone, on this terminal: bulkhead run plan.yaml\ncd ",
		f);
	print_quoted(f, cwd ? cwd : ".");
	fputs(" && exec", f);
	for (char *const *word = job->options->repeat; word && *word; word++) {
		fputc(' ', f);
		print_quoted(f, *word);
	}
	fputs(" --filter=", f);
	print_quoted(f, job->test->name);
	fputs(" \"$@\"\n", f);
	fclose(f);
}

/* DIR/CASE, or DIR/SUITE.CASE when there is more than one suite; of a retry, with .N. */
static int make_path(struct artifacts *a, const struct job *job)
{
	const struct suite_runner_options *o = job->options;
	unsigned attempt = job->entry->result.attempts;
	bool several = false;
	int n;

	for (unsigned i = 1; i < o->count; i++)
		several = several || o->entries[i].suite != o->entries[0].suite;
	several = several && strcmp(job->entry->suite->name, job->test->name) != 0;
	n = snprintf(a->path, sizeof(a->path), "%s/%s%s%s", o->artifacts,
		several ? job->entry->suite->name : "", several ? "." : "", job->test->name);
	if (attempt > 1 && n > 0 && n < PATH_MAX - 16)
		snprintf(a->path + n, sizeof(a->path) - (size_t)n, ".%u", attempt);
	return n < 0 || n >= PATH_MAX - 16 ? -ENAMETOOLONG : 0;
}

struct artifacts *artifacts_create(const struct job *job, const char *plan, size_t plan_size)
{
	struct artifacts *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->dir_fd = -1;
	if (!make_path(a, job) && (!mkdir(a->path, 0777) || errno == EEXIST))
		a->dir_fd = open(a->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (a->dir_fd < 0) {
		free(a);
		return NULL;
	}
	write_file(a, "plan.yaml", plan, plan_size);
	write_repeat(a, job);
	a->events = create(a, "events.jsonl", 0666);
	return a;
}

const char *artifacts_path(const struct artifacts *a)
{
	return a->path;
}

/* ---- consoles ---- */

struct artifact *artifact_console(struct artifacts *a, const struct match_port *port)
{
	struct artifact *log = calloc(1, sizeof(*log));
	char name[160];

	if (!log)
		return NULL;
	snprintf(name, sizeof(name), "%.64s.%s.log", port->partition, port->port);
	log->port = port;
	log->line_start = true;
	log->f = create(a, name, 0666);
	if (!log->f) {
		free(log);
		return NULL;
	}
	return log;
}

void artifact_write(struct artifact *log, uint64_t ns, const char *bytes, size_t size)
{
	if (log->written >= CONSOLE_MAX) {
		log->cut += size;
		return;
	}
	log->written += size;
	while (size) {
		const char *newline = memchr(bytes, '\n', size);
		size_t n = newline ? (size_t)(newline - bytes) + 1 : size;

		/* One that belongs to the line before. */
		if (log->line_start && *bytes == '\r') {
			bytes++;
			size--;
			continue;
		}
		if (log->line_start)
			fprintf(log->f, "[%5" PRIu64 ".%06" PRIu64 "] ", ns / 1000000000,
				ns / 1000 % 1000000);
		fwrite(bytes, 1, n, log->f);
		log->line_start = newline;
		bytes += n;
		size -= n;
	}
}

void artifact_close(struct artifact *log)
{
	if (!log)
		return;
	if (!log->line_start)
		fputc('\n', log->f);
	if (log->cut) {
		AUTO_FREE char *tail = match_port_tail(log->port, 200);

		fprintf(log->f,
			"[bulkhead: cut here: %" PRIu64
			" more bytes came, of which these are the last]\n%s\n",
			log->cut, tail ? tail : "");
	}
	fclose(log->f);
	free(log);
}

/* ---- the rest ---- */

void artifacts_event(struct artifacts *a, const char *line, size_t size)
{
	if (!a->events || a->events_cut)
		return;
	if (a->events_size + size > EVENTS_MAX) {
		a->events_cut = true;
		fputs("{\"kind\":\"cut\",\"text\":\"more events came\"}\n", a->events);
		return;
	}
	a->events_size += size;
	fwrite(line, 1, size, a->events);
}

/* Those of fatal ends that were to be. */
static void remove_cores(const struct artifacts *a, const struct plan *plan)
{
	char name[NAME_MAX];

	for (unsigned i = 0; i < plan->partition_count; i++) {
		snprintf(name, sizeof(name), "%s.core", plan->partitions[i].name);
		unlinkat(a->dir_fd, name, 0);
	}
}

void artifacts_finish(struct artifacts *a, const struct job *job, const json_t *run)
{
	const struct suite_result *r = &job->entry->result;
	json_t *o = json_pack("{s:s, s:s, s:s, s:s*, s:f, s:O*}", "suite", job->entry->suite->name,
		"case", job->test->name, "verdict", suite_verdict_name(r->verdict), "cause",
		*r->cause ? r->cause : NULL, "seconds", (double)r->ns / 1e9, "run", run);
	AUTO_FREE char *text = NULL;

	if (o && r->text)
		json_object_set_new(o, "text", json_string(r->text));
	text = o ? json_dumps(o, JSON_INDENT(2)) : NULL;
	json_decref(o);
	if (text)
		write_file(a, "result.json", text, strlen(text));
	if (r->messages)
		write_file(a, "messages.log", r->messages, strlen(r->messages));
	if (r->report)
		write_file(a, "registers.txt", r->report, strlen(r->report));
	if (r->verdict == SUITE_PASS)
		remove_cores(a, job->test->plan);
	if (job->diagnosis.size)
		write_file(a, "diagnosis.txt", job->diagnosis.bytes, job->diagnosis.size);
}

void artifacts_destroy(struct artifacts *a)
{
	if (!a)
		return;
	if (a->events)
		fclose(a->events);
	close(a->dir_fd);
	free(a);
}
