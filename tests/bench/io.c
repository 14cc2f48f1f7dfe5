/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Measures a disk and a network as the programs of a Linux guest have them, with system calls and
 * nothing else; the same program in the guests of every monitor.
 *
 *   io disk DEVICE           reads and writes a block device with O_DIRECT, through Linux's own
 *                            asynchronous requests (io_submit), so that as many as wanted are under
 *                            way; all that is on it is lost
 *   io net ADDRESS SUFFIX    TCP to `io serve` at an IPv4 address; SUFFIX ends the figures' names
 *   io serve                 the other end of that, for every connection a process
 *
 * Prints a line `io FIGURE VALUE DONE` each, DONE being how many requests, MiB or round trips there
 * were in all, before the measurement as well: blk_read_4k_1 and _16 (1/s; 4 KiB at random places,
 * 1 or 16 under way), blk_read and blk_write (MiB/s; 128 KiB each in sequence, 4 under way),
 * net_send and net_receive (MiB/s), net_round_trip (us; one byte there and back).
 */
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MEASURE_NS 800000000ull /* of each figure */
#define WARM_UP_NS 200000000ull /* before that */
#define MIB        (1ul << 20)

#define PORT       5555
#define BLOCK      4096
#define STREAK     (128ul << 10)
#define DEPTH_MAX  16
#define TCP_BUFFER (64ul << 10)

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* ---- a rate ---- */

struct meter {
	uint64_t start, end; /* of what counts */
	uint64_t first;      /* when that began, and what had been done then */
	uint64_t done_before, done;
};

static struct meter meter_start(void)
{
	uint64_t now = now_ns();

	return (struct meter){.start = now + WARM_UP_NS, .end = now + WARM_UP_NS + MEASURE_NS};
}

/* AMOUNT more is done. False when that was enough. */
static bool meter_add(struct meter *m, uint64_t amount)
{
	uint64_t now = now_ns();

	m->done += amount;
	if (!m->first && now >= m->start) {
		m->first = now;
		m->done_before = m->done;
	}
	if (now < m->end || !m->first)
		return true;
	m->end = now;
	return false;
}

/* What was done a second. */
static double meter_rate(const struct meter *m)
{
	return (double)(m->done - m->done_before) * 1e9 / (double)(m->end - m->first);
}

static void print_figure(const char *name, const char *suffix, double value, uint64_t done)
{
	printf("io %s%s %.3f %llu\n", name, suffix, value, (unsigned long long)done);
	fflush(stdout);
}

/* ---- disk ---- */

struct disk {
	int fd;
	uint64_t size, next; /* bytes; where a sequence goes on */
	uint64_t random;
	aio_context_t aio;
	uint8_t *buffer; /* STREAK for each request */
};

static uint64_t next_random(struct disk *d)
{
	/* xorshift64 */
	d->random ^= d->random << 13;
	d->random ^= d->random >> 7;
	d->random ^= d->random << 17;
	return d->random;
}

/* Request number I is given out again: of SIZE bytes, at a random place or where the last ended. */
static void submit(struct disk *d, struct iocb *cb, unsigned i, bool write, size_t size)
{
	struct iocb *list = cb;
	uint64_t at;

	if (size == BLOCK) {
		at = next_random(d) % (d->size / BLOCK) * BLOCK;
	} else {
		at = d->next;
		d->next = d->next + 2 * size <= d->size ? d->next + size : 0;
	}
	*cb = (struct iocb){.aio_data = i,
		.aio_lio_opcode = write ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD,
		.aio_fildes = (uint32_t)d->fd,
		.aio_buf = (uintptr_t)(d->buffer + i * STREAK),
		.aio_nbytes = size,
		.aio_offset = (int64_t)at};
	if (syscall(SYS_io_submit, d->aio, 1, &list) != 1)
		err(EXIT_FAILURE, "io_submit");
}

static struct meter measure_disk(struct disk *d, bool write, size_t size, unsigned depth)
{
	struct io_event events[DEPTH_MAX];
	struct meter m = meter_start();
	struct iocb cbs[DEPTH_MAX];
	unsigned under_way = depth;
	bool more = true;

	for (unsigned i = 0; i < depth; i++)
		submit(d, &cbs[i], i, write, size);
	while (under_way) {
		long n = syscall(SYS_io_getevents, d->aio, 1L, (long)depth, events, NULL);

		if (n < 1)
			err(EXIT_FAILURE, "io_getevents");
		if (more)
			more = meter_add(&m, (uint64_t)n);
		for (long i = 0; i < n; i++) {
			if (events[i].res != (int64_t)size)
				errx(EXIT_FAILURE, "the disk gave %lld", (long long)events[i].res);
			if (more)
				submit(d, &cbs[events[i].data], (unsigned)events[i].data, write,
					size);
			else
				under_way--;
		}
	}
	return m;
}

/* DEPTH requests of BLOCK at once, in requests a second; or of STREAK, in MiB a second. */
static void print_disk(struct disk *d, const char *name, bool write, size_t size, unsigned depth)
{
	struct meter m = measure_disk(d, write, size, depth);

	print_figure(name, "", meter_rate(&m) * (size == BLOCK ? 1 : (double)STREAK / MIB), m.done);
}

static int disk(const char *path)
{
	struct disk d = {
		.fd = open(path, O_RDWR | O_DIRECT | O_CLOEXEC), .random = 88172645463325252};

	if (d.fd < 0 || ioctl(d.fd, BLKGETSIZE64, &d.size))
		err(EXIT_FAILURE, "%s", path);
	if (syscall(SYS_io_setup, DEPTH_MAX, &d.aio))
		err(EXIT_FAILURE, "io_setup");
	d.buffer = mmap(NULL, DEPTH_MAX * STREAK, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (d.buffer == MAP_FAILED)
		err(EXIT_FAILURE, "memory");
	print_disk(&d, "blk_write", true, STREAK, 4);
	print_disk(&d, "blk_read", false, STREAK, 4);
	print_disk(&d, "blk_read_4k_1", false, BLOCK, 1);
	print_disk(&d, "blk_read_4k_16", false, BLOCK, 16);
	return 0;
}

/* ---- network ---- */

static uint8_t tcp_buffer[TCP_BUFFER];

/* What a connection is for, its first byte. */
enum { SINK = 's', SOURCE = 'r', ECHO = 'e' };

static int connect_for(const char *address, uint8_t purpose)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (inet_pton(AF_INET, address, &to.sin_addr) != 1)
		errx(EXIT_FAILURE, "%s is no IPv4 address", address);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)))
		err(EXIT_FAILURE, "%s", address);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (write(fd, &purpose, 1) != 1)
		err(EXIT_FAILURE, "%s", address);
	return fd;
}

static void print_stream(const char *address, bool send, const char *name, const char *suffix)
{
	int fd = connect_for(address, send ? SINK : SOURCE);
	struct meter m = meter_start();
	ssize_t n;

	do {
		n = send ? write(fd, tcp_buffer, TCP_BUFFER) : read(fd, tcp_buffer, TCP_BUFFER);
		if (n <= 0)
			err(EXIT_FAILURE, "%s", address);
	} while (meter_add(&m, (uint64_t)n));
	close(fd);
	print_figure(name, suffix, meter_rate(&m) / MIB, m.done / MIB);
}

static void print_round_trips(const char *address, const char *suffix)
{
	int fd = connect_for(address, ECHO);
	struct meter m = meter_start();

	do {
		if (write(fd, tcp_buffer, 1) != 1 || read(fd, tcp_buffer, 1) != 1)
			err(EXIT_FAILURE, "%s", address);
	} while (meter_add(&m, 1));
	close(fd);
	print_figure("net_round_trip", suffix, 1e6 / meter_rate(&m), m.done);
}

static int net(const char *address, const char *suffix)
{
	print_stream(address, true, "net_send", suffix);
	print_stream(address, false, "net_receive", suffix);
	print_round_trips(address, suffix);
	return 0;
}

static void serve_connection(int fd)
{
	uint8_t purpose;
	ssize_t n = read(fd, &purpose, 1);

	while (n > 0) {
		if (purpose == SOURCE)
			n = write(fd, tcp_buffer, TCP_BUFFER);
		else if ((n = read(fd, tcp_buffer, TCP_BUFFER)) > 0 && purpose == ECHO)
			n = write(fd, tcp_buffer, (size_t)n);
	}
}

static int serve(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), connection, on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) || listen(fd, 8))
		err(EXIT_FAILURE, "port %d", PORT);
	signal(SIGCHLD, SIG_IGN);
	while ((connection = accept(fd, NULL, NULL)) >= 0) {
		setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		if (!fork()) {
			serve_connection(connection);
			return 0;
		}
		close(connection);
	}
	err(EXIT_FAILURE, "accept");
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	if (argc == 3 && !strcmp(argv[1], "disk"))
		return disk(argv[2]);
	if (argc == 4 && !strcmp(argv[1], "net"))
		return net(argv[2], argv[3]);
	if (argc == 2 && !strcmp(argv[1], "serve"))
		return serve();
	fprintf(stderr, "usage: io disk DEVICE | io net ADDRESS SUFFIX | io serve\n");
	return 2;
}
