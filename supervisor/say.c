/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/say.h"

#include "lib/util.h"
#include "supervisor/run.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>

/* A pipe that polls writable takes this much without blocking [POSIX PIPE_BUF on Linux]. */
#define WRITE_MAX 4096

struct say {
	int fd;
	bool dead;
};

static ssize_t say_write(void *cookie, const char *text, size_t size)
{
	struct say *s = cookie;
	size_t done = 0;

	while (done < size && !s->dead) {
		struct pollfd p = {.fd = s->fd, .events = POLLOUT};
		ssize_t n = -1;

		if (poll(&p, 1, SAY_PATIENCE_MS) > 0)
			n = write(s->fd, text + done, min_u64(size - done, WRITE_MAX));
		if (n > 0)
			done += (size_t)n;
		else if (n < 0 && (errno == EINTR || errno == EAGAIN) && p.revents)
			continue;
		else
			s->dead = true;
	}
	return (ssize_t)size; /* nobody could do anything about what is lost */
}

static int say_close(void *cookie)
{
	struct say *s = cookie;

	close(s->fd);
	free(s);
	return 0;
}

FILE *say_open(int fd)
{
	const cookie_io_functions_t functions = {.write = say_write, .close = say_close};
	struct say *s = calloc(1, sizeof(*s));
	FILE *f = NULL;

	if (s) {
		s->fd = fd;
		f = fopencookie(s, "w", functions);
	}
	if (!f) {
		close(fd);
		free(s);
		return NULL;
	}
	setvbuf(f, NULL, _IOLBF, BUFSIZ);
	return f;
}

void run_end_line(struct run *run)
{
	uint32_t open_by = 0;

	if (run->line && run->err_is_console)
		open_by = atomic_exchange(&run->line->open_by, 0);
	if (open_by & CONSOLE_LINE_COLOURED)
		fputs(CONSOLE_RESET_COLOUR, run->err);
	if (open_by)
		fputs(run->raw ? "\r\n" : "\n", run->err);
}

void run_say_lines(struct run *run, const char *name, const char *text)
{
	while (*text) {
		int n = (int)strcspn(text, "\n");

		if (n)
			run_say(run, "%s%s%.*s", name ? name : "", name ? ": " : "", n, text);
		text += n + (text[n] == '\n');
	}
}

void run_say(struct run *run, const char *fmt, ...)
{
	va_list ap;

	run_end_line(run);
	fputs("bulkhead: ", run->err);
	va_start(ap, fmt);
	vfprintf(run->err, fmt, ap);
	va_end(ap);
	fputs(run->raw ? "\r\n" : "\n", run->err);
}
