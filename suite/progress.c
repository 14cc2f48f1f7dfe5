/* SPDX-License-Identifier: BSD-3-Clause */
#include "suite/progress.h"

#include "lib/util.h"

#include <string.h>
#include <sys/ioctl.h>

#define SLOWEST 5

/* Of the slowest, those are told that take that long. */
#define SLOW_NS 1000000000

void progress_init(struct progress *p, FILE *f, unsigned total)
{
	struct winsize size = {0};

	*p = (struct progress){.f = f, .total = total, .width = 80};
	p->live = isatty(fileno(f));
	if (p->live && ioctl(fileno(f), TIOCGWINSZ, &size) == 0 && size.ws_col)
		p->width = size.ws_col;
}

static void hide(struct progress *p)
{
	if (p->shown)
		fputs("\r\033[K", p->f);
	p->shown = false;
}

static void show(struct progress *p)
{
	char line[256];

	if (!p->live)
		return;
	hide(p);
	snprintf(line, sizeof(line), "[%u/%u] %u running, %u failed; %s", p->over, p->total,
		p->running, p->failed, p->latest ? p->latest : "");
	fprintf(p->f, "%.*s", (int)p->width - 1, line);
	fflush(p->f);
	p->shown = true;
}

void progress_started(struct progress *p, const struct suite_entry *e)
{
	if (e->result.attempts == 1)
		p->running++;
	p->latest = e->test->name;
	show(p);
}

void progress_tick(struct progress *p)
{
	show(p);
}

/* Each line of the SIZE bytes at TEXT, indented. */
static void print_lines(struct progress *p, const char *text, int size)
{
	while (size) {
		const char *newline = memchr(text, '\n', (size_t)size);
		int n = newline ? (int)(newline - text) : size;

		fprintf(p->f, "  | %.*s\n", n, text);
		n += newline != NULL;
		text += n;
		size -= n;
	}
}

static void print_text_lines(struct progress *p, const char *text)
{
	print_lines(p, text, text ? (int)strlen(text) : 0);
}

static const char *word(const struct suite_result *r)
{
	static const char *const words[] = {"NOT RUN", "PASS", "FAIL", "SKIP"};

	return words[r->verdict];
}

void progress_finished(struct progress *p, const struct suite_entry *e)
{
	const struct suite_result *r = &e->result;

	hide(p);
	p->over++;
	p->failed += r->verdict == SUITE_FAIL;
	if (p->running && r->attempts)
		p->running--;
	fprintf(p->f, "%s %s/%s", word(r), e->suite->name, e->test->name);
	if (r->text)
		fprintf(p->f, ": %s", r->text);
	if (r->attempts)
		fprintf(p->f, " (%.2f s)", (double)r->ns / 1e9);
	if (r->flaky)
		fprintf(p->f, " flaky, attempt %u of %u: %s", r->attempts, r->attempts, r->flaky);
	fputc('\n', p->f);
	if (r->verdict == SUITE_FAIL) {
		print_text_lines(p, r->tail);
		if (r->report)
			print_lines(p, r->report, report_size_below(r->report, r->tail));
		else if (strcmp(r->cause, "plan") == 0 || strcmp(r->cause, "crash") == 0)
			print_text_lines(p, r->messages);
	}
	fflush(p->f);
	show(p);
}

static int slower(const void *a, const void *b)
{
	const struct suite_entry *const *x = a, *const *y = b;
	uint64_t first = (*x)->result.ns, second = (*y)->result.ns;

	return (second > first) - (second < first);
}

static void print_slowest(struct progress *p, const struct suite_entry *entries, unsigned count)
{
	AUTO_FREE const struct suite_entry **sorted = calloc(count + 1, sizeof(*sorted));

	if (!sorted || count < 2)
		return;
	for (unsigned i = 0; i < count; i++)
		sorted[i] = &entries[i];
	qsort(sorted, count, sizeof(*sorted), slower);
	if (sorted[0]->result.ns < SLOW_NS)
		return;
	fputs("slowest:\n", p->f);
	for (unsigned i = 0; i < count && i < SLOWEST && sorted[i]->result.ns >= SLOW_NS; i++)
		fprintf(p->f, "  %7.2f s  %s/%s\n", (double)sorted[i]->result.ns / 1e9,
			sorted[i]->suite->name, sorted[i]->test->name);
}

void progress_summary(
	struct progress *p, const struct suite_entry *entries, unsigned count, uint64_t ns)
{
	unsigned counts[4] = {0}, flaky = 0;

	hide(p);
	for (unsigned i = 0; i < count; i++) {
		counts[entries[i].result.verdict]++;
		flaky += entries[i].result.flaky != NULL;
	}
	print_slowest(p, entries, count);
	if (counts[SUITE_FAIL] && p->over > 10) {
		fputs("failed:\n", p->f);
		for (unsigned i = 0; i < count; i++) {
			if (entries[i].result.verdict == SUITE_FAIL)
				fprintf(p->f, "  %s/%s: %s\n", entries[i].suite->name,
					entries[i].test->name,
					entries[i].result.text ? entries[i].result.text : "");
		}
	}
	if (flaky)
		fprintf(p->f, "%u flaky\n", flaky);
	if (counts[SUITE_NOT_RUN])
		fprintf(p->f, "%u not run, counted as skipped\n", counts[SUITE_NOT_RUN]);
	fprintf(p->f, "%u case%s in %.2f s%s\n", count, count == 1 ? "" : "s", (double)ns / 1e9,
		p->emulated ? " (emulated: times say nothing about real machines)" : "");
	fprintf(p->f, "%u passed, %u failed, %u skipped\n", counts[SUITE_PASS], counts[SUITE_FAIL],
		counts[SUITE_SKIP] + counts[SUITE_NOT_RUN]);
	fflush(p->f);
}
