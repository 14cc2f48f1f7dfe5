/* SPDX-License-Identifier: BSD-3-Clause */
#include "partition/line_writer.h"

#include "lib/util.h"
#include "partition/linefmt.h"

#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>

/* A pipe that polls writable takes 4096 bytes without blocking [POSIX PIPE_BUF on Linux], of which
 * some may be a prefix. */
#define WRITE_MAX (4096 - LINEFMT_EXPANSION)

/* A terminal that polls writable promises nothing, but this fits unless somebody stops it just now.
 */
#define WRITE_MAX_TERMINAL 256

/*
 * A write to a shared console is over long before this, unless its process does not run. Each wait
 * in vain halves the patience, each other write restores a little: a process that never gives the
 * line back costs little.
 */
#define LINE_PATIENCE_NS      8000000
#define LINE_PATIENCE_STEP_NS 100000

/* In console_line.open_by instead of an owner: a line of which only a part of the prefix came out.
 */
#define LINE_BROKEN (CONSOLE_LINE_COLOURED - 1)

size_t line_write_max(int fd)
{
	struct stat st;
	int flags = fcntl(fd, F_GETFL);
	bool blocks = flags >= 0 && !(flags & O_NONBLOCK);

	return blocks && fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) ? WRITE_MAX_TERMINAL
								    : WRITE_MAX;
}

void line_writer_init(
	struct line_writer *w, struct console_line *line, uint32_t owner, const char *prefix)
{
	*w = (struct line_writer){
		.line = line, .owner = owner, .prefix = prefix, .patience_ns = LINE_PATIENCE_NS};
}

bool line_is_ours(const struct line_writer *w)
{
	return (atomic_load(&w->line->open_by) & ~CONSOLE_LINE_COLOURED) == w->owner;
}

/*
 * Takes the console's line for one write. Whoever holds it writes without blocking and gives it
 * back at once, unless it died or was stopped in between: that holds up nobody for long. At worst
 * lines mix.
 */
static void line_take(struct line_writer *w)
{
	_Atomic uint32_t *writer = &w->line->writer;
	uint64_t since = 0;
	uint32_t nobody = 0;

	while (!atomic_compare_exchange_weak(writer, &nobody, w->owner)) {
		uint64_t now = monotonic_ns();

		if (!since)
			since = now;
		if (now - since > w->patience_ns) {
			w->patience_ns /= 2;
			atomic_store(writer, w->owner);
			return;
		}
		nobody = 0;
		sched_yield();
	}
	w->patience_ns = min_u64(w->patience_ns + LINE_PATIENCE_STEP_NS, LINE_PATIENCE_NS);
}

static void line_give(struct line_writer *w)
{
	uint32_t me = w->owner;

	atomic_compare_exchange_strong(&w->line->writer, &me, 0);
}

/* Of a prefix that is cut short. */
static uint32_t prefix_colour(const struct line_writer *w)
{
	return w->prefix[0] == '\033' ? CONSOLE_LINE_COLOURED : 0;
}

/* Looks at what was written of ours: the state of the last line. */
static void note_written(struct line_writer *w, const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (bytes[i] == '\r')
			continue; /* it leaves the line as it is, empty or not */
		w->mid_line = bytes[i] != '\n';
		/* Any escape may be a colour; those of prefixes do no harm. */
		w->coloured = w->mid_line && (w->coloured || bytes[i] == '\033');
	}
}

/* For console_line.open_by. */
static uint32_t line_state(const struct line_writer *w)
{
	return w->mid_line ? w->owner | (w->coloured ? CONSOLE_LINE_COLOURED : 0) : 0;
}

ssize_t line_write_alone(struct line_writer *w, int fd, const uint8_t *bytes, size_t size)
{
	ssize_t n = write(fd, bytes, size);

	if (n > 0 && w->line) {
		note_written(w, bytes, (size_t)n);
		atomic_store(&w->line->open_by, line_state(w));
	}
	return n;
}

ssize_t line_write_shared(struct line_writer *w, int fd, const uint8_t *bytes, size_t size)
{
	static const char line_end[] = CONSOLE_RESET_COLOUR "\n";
	_Atomic uint32_t *open_by = &w->line->open_by;
	struct iovec iov[3] = {{(void *)(uintptr_t)line_end, 0}, {(void *)(uintptr_t)w->prefix, 0},
		{(void *)(uintptr_t)bytes, size}};
	uint32_t open, coloured;
	bool ours;
	ssize_t n;

	line_take(w);
	open = atomic_load(open_by);
	coloured = open & CONSOLE_LINE_COLOURED;
	ours = (open & ~CONSOLE_LINE_COLOURED) == w->owner;
	if (open && !ours) {
		size_t skip = coloured ? 0 : strlen(CONSOLE_RESET_COLOUR);

		iov[0].iov_base = (void *)(uintptr_t)(line_end + skip);
		iov[0].iov_len = strlen(line_end) - skip;
	}
	if (w->mid_line && !ours)
		iov[1].iov_len = strlen(w->prefix);
	n = writev(fd, iov, ARRAY_SIZE(iov));
	if (n > 0) {
		size_t end = iov[0].iov_len, lead = end + iov[1].iov_len, done = (size_t)n;

		n = done > lead ? (ssize_t)(done - lead) : 0;
		note_written(w, bytes, (size_t)n);
		if (done > lead || (done == lead && lead > end))
			open = line_state(w);
		else if (done >= end)
			open = done == end ? 0 : LINE_BROKEN | prefix_colour(w);
		atomic_store(open_by, open);
	}
	line_give(w);
	return n;
}
