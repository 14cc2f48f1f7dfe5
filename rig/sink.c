/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig/sink.h"

#include "lib/terminal.h"
#include "lib/util.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>

/*
 * What a pipe or socket takes that polls writable [POSIX PIPE_BUF on Linux]. A terminal promises
 * nothing: where it cannot be opened again, this fits unless somebody stops it just now.
 */
#define WRITE_MAX          4096
#define WRITE_MAX_TERMINAL 256

void sink_open(struct sink *k, int fd)
{
	int ours = fd < 0 ? -1 : open_console(fd, O_WRONLY);
	bool blocks = isatty(ours) && !(fcntl(ours, F_GETFL) & O_NONBLOCK);

	*k = (struct sink){
		.fd = ours < 0 ? -1 : ours, .write_max = blocks ? WRITE_MAX_TERMINAL : WRITE_MAX};
}

void sink_close(struct sink *k)
{
	fd_close(&k->fd);
}

size_t sink_write(struct sink *k, const uint8_t *bytes, size_t size)
{
	struct pollfd p = {.fd = k->fd, .events = POLLOUT};

	while (size && p.fd >= 0) {
		ssize_t n;

		if (poll(&p, 1, 0) <= 0)
			return size;
		n = write(p.fd, bytes, (size_t)min_u64(size, k->write_max));
		if (n < 0 && errno == EAGAIN)
			return size;
		if (n < 0 && errno != EINTR)
			return 0;
		if (n > 0) {
			bytes += n;
			size -= (size_t)n;
		}
	}
	return 0;
}
