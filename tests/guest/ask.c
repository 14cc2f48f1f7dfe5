/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The other side of echo.c, on a line to it: sends lines=N lines and wants each back in brackets.
 * A line that gets lost, as when its peer starts anew, is sent again. Ends with "quit", the exit
 * code being 0 when all came back.
 */
#include "check.h"

#define PATIENCE (200 * NS_PER_MS) /* with one answer */
#define LIMIT    (20 * NS_PER_S)   /* with all of them */
#define LINE     64

/* The next line that comes before DEADLINE. */
static bool read_line(uint64_t deadline, char line[LINE])
{
	unsigned n = 0;

	while (time_ns() < deadline) {
		int c = console_read();

		if (c < 0) {
			cpu_relax();
		} else if (c == '\n' || c == '\r') {
			line[n] = '\0';
			if (n)
				return true;
		} else if (n < LINE - 1) {
			line[n++] = (char)c;
		}
	}
	return false;
}

/* Line I of them there and back. */
static bool ask(unsigned i)
{
	uint64_t deadline = time_ns() + PATIENCE;
	char line[LINE];
	unsigned back = 0;

	kprintf("line %u\n", i);
	while (read_line(deadline, line)) {
		const char *at = strstr(line, "[line ");

		if (!at)
			continue;
		for (at += 6, back = 0; *at >= '0' && *at <= '9'; at++)
			back = back * 10 + (unsigned)(*at - '0');
		if (*at == ']' && back == i)
			return true;
	}
	return false;
}

int guest_main(void)
{
	unsigned lines = (unsigned)cmdline_number("lines", 20), i = 0;
	uint64_t start = time_ns();

	while (i < lines) {
		i += ask(i);
		if (time_ns() - start > LIMIT)
			return 1;
	}
	kprintf("quit\n");
	return 0;
}
