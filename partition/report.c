/* SPDX-License-Identifier: BSD-3-Clause */
#include "partition/report.h"

#include "lib/text.h"
#include "partition/process.h"

#include <string.h>

#define LINES_MAX 8
#define BYTES_MAX 1024 /* of them; what is made of a byte is as long */

/* The port that the guest has said most on. */
static int port_find(const struct partition *p)
{
	uint64_t most = 0;
	int found = -1;

	for (int i = 0; i < PLAN_PORTS_MAX; i++) {
		uint64_t said = plan_port(p->plan, (unsigned)i) ? chardev_written(&p->ports[i]) : 0;

		if (said > most) {
			most = said;
			found = i;
		}
	}
	return found;
}

/* The start of the last LINES_MAX lines of N bytes that do not end in a newline. */
static size_t last_lines(const uint8_t *bytes, size_t n)
{
	unsigned lines = LINES_MAX;

	for (size_t at = n; at; at--) {
		if (bytes[at - 1] == '\n' && !--lines)
			return at;
	}
	return 0;
}

static void print_lines(const uint8_t *bytes, size_t n, FILE *f)
{
	char line[BYTES_MAX + 1];

	for (size_t at = last_lines(bytes, n), end; at < n; at = end + 1) {
		const uint8_t *newline = memchr(bytes + at, '\n', n - at);

		end = newline ? (size_t)(newline - bytes) : n;
		text_sanitise_line(bytes + at, end - at, line);
		fprintf(f, "    %s\n", line);
	}
}

static void print_console(const struct partition *p, FILE *f)
{
	char label[PLAN_PORT_NAME_MAX];
	uint8_t bytes[BYTES_MAX];
	int port = port_find(p);
	size_t n = port < 0 ? 0 : chardev_last(&p->ports[port], bytes, sizeof(bytes));

	while (n && (bytes[n - 1] == '\n' || bytes[n - 1] == '\r'))
		n--;
	if (!n)
		return;
	fprintf(f, REPORT_CONSOLE_TITLE "%s:\n", plan_port_label(p->plan, (unsigned)port, label));
	print_lines(bytes, n, f);
}

void report_compose(const struct partition *p, char ret_text[REPORT_MAX])
{
	const struct vm_end *end = vm_ended(p->vm);
	FILE *f;

	*ret_text = '\0';
	if (!end || !*end->report)
		return;
	f = fmemopen(ret_text, REPORT_MAX, "w");
	if (!f)
		return;
	fputs(end->report, f);
	print_console(p, f);
	fclose(f);
}
