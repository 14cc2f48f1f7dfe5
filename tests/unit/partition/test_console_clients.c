/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports whose other side is a client of a socket, or another partition. */
#include "lib/util.h"
#include "partition/console.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define MS 1000000

static struct loop *loop;
static struct partition_port port;
static struct chardev chardev;
static struct console *console;
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static socklen_t address_size;

/* What the guest took, and whether its device believes that somebody is there. */
static char input[16384];
static size_t input_size, takes;
static bool open_told;

static size_t receive(void *ctx, const uint8_t *data, size_t n)
{
	(void)ctx;
	n = min_u64(min_u64(n, takes), sizeof(input) - 1 - input_size);
	memcpy(input + input_size, data, n);
	input_size += n;
	input[input_size] = '\0';
	return n;
}

static void changed(void *ctx)
{
	(void)ctx;
	open_told = chardev.open;
}

static void make(uint32_t flags)
{
	const struct console_config config = {
		.loop = loop, .chardev = &chardev, .port = &port, .label = "a", .owner = 1};

	port.flags |= flags;
	chardev_init(&chardev, -1);
	chardev.front = (struct chardev_front){.receive = receive, .changed = changed};
	ck_assert_int_eq(console_create(&config, &console), 0);
}

static void listening(void)
{
	port.in_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	address_size = sizeof(sa_family_t); /* the kernel finds a name */
	ck_assert_int_eq(bind(port.in_fd, (struct sockaddr *)&address, address_size), 0);
	address_size = sizeof(address);
	ck_assert_int_eq(getsockname(port.in_fd, (struct sockaddr *)&address, &address_size), 0);
	ck_assert_int_eq(listen(port.in_fd, 4), 0);
}

static int client(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, address_size), 0);
	unit_run_loop(loop, 5 * MS);
	return fd;
}

static void writes(int fd, const char *what)
{
	ck_assert_int_eq(write(fd, what, strlen(what)), (ssize_t)strlen(what));
	unit_run_loop(loop, 5 * MS);
}

static void guest_says(const char *what)
{
	ck_assert_uint_eq(
		chardev_write(&chardev, (const uint8_t *)what, strlen(what)), strlen(what));
	console_pump(console);
	unit_run_loop(loop, 5 * MS);
}

/* What came to FD; "gone" at the end. */
static const char *came(int fd)
{
	static char got[CHARDEV_TX_SIZE * 4];
	ssize_t n = read(fd, got, sizeof(got) - 1);

	if (n == 0)
		return "gone";
	got[n < 0 ? 0 : n] = '\0';
	return got;
}

START_TEST(one_client_at_a_time)
{
	int one, two;

	listening();
	make(PORT_LISTEN);
	ck_assert(!open_told);
	guest_says("to nobody");
	ck_assert_uint_eq(atomic_load(&chardev.dropped), 0);
	one = client();
	ck_assert(open_told);
	guest_says("to one");
	ck_assert_str_eq(came(one), "to one");
	writes(one, "from one");
	ck_assert_str_eq(input, "from one");
	two = client();
	writes(two, ", from two");
	ck_assert_str_eq(input, "from one");
	close(one);
	unit_run_loop(loop, 5 * MS);
	ck_assert(open_told);
	ck_assert_str_eq(input, "from one, from two");
	guest_says("to two");
	ck_assert_str_eq(came(two), "to two");
	close(two);
	unit_run_loop(loop, 5 * MS);
	ck_assert(!open_told);
}
END_TEST

/* A client that has said all it will say still gets its answer. */
START_TEST(half_a_close)
{
	int fd;

	listening();
	make(PORT_LISTEN);
	console_pump(console);
	fd = client();
	writes(fd, "question");
	shutdown(fd, SHUT_WR);
	unit_run_loop(loop, 5 * MS);
	ck_assert_str_eq(input, "question");
	ck_assert(open_told);
	guest_says("answer");
	ck_assert_str_eq(came(fd), "answer");
	close(fd);
	unit_run_loop(loop, 5 * MS);
	ck_assert(!open_told);
}
END_TEST

/* What a client sent before it went reaches a guest that takes its time, all of it. */
START_TEST(last_words)
{
	char many[12000];
	int fd;

	listening();
	make(PORT_LISTEN);
	takes = 0;
	console_pump(console);
	fd = client();
	memset(many, 'm', sizeof(many));
	ck_assert_int_eq(write(fd, many, sizeof(many)), sizeof(many));
	close(fd);
	unit_run_loop(loop, 20 * MS);
	guest_says("to one who is gone"); /* which is no reason to drop what it sent */
	ck_assert(open_told);
	takes = 1000;
	for (unsigned i = 0; i < 20; i++) {
		console_pump(console);
		unit_run_loop(loop, 2 * MS);
	}
	ck_assert_uint_eq(input_size, sizeof(many));
	ck_assert(!open_told);
	fd = client();
	ck_assert(open_told);
	close(fd);
}
END_TEST

static void flood(void)
{
	static uint8_t bytes[8192];

	memset(bytes, 'f', sizeof(bytes));
	for (unsigned i = 0; i < 200; i++) {
		chardev_write(&chardev, bytes, sizeof(bytes));
		console_pump(console);
	}
}

/* A channel waits for a reader that stalls; a console does not. */
START_TEST(a_reader_that_stalls)
{
	uint64_t total = 0;
	const char *got;
	int fd;

	listening();
	make(PORT_LISTEN | (_i ? PORT_PATIENT : 0));
	fd = client();
	flood();
	unit_run_loop(loop, 300 * MS);
	ck_assert_int_eq(atomic_load(&chardev.stalled), !_i);
	ck_assert_int_eq(ring_free(&chardev.tx) == 0, _i);
	flood();
	if (!_i)
		ck_assert_uint_gt(atomic_load(&chardev.dropped), 0);
	else
		ck_assert_uint_eq(atomic_load(&chardev.dropped), 0);
	for (unsigned i = 0; i < 50; i++) {
		got = came(fd);
		total += strlen(got);
		unit_run_loop(loop, 2 * MS);
	}
	ck_assert_uint_gt(total, CHARDEV_TX_SIZE);
	ck_assert(console_drained(console));
	close(fd);
	unit_run_loop(loop, 5 * MS);
	flood();
	ck_assert(console_drained(console));
}
END_TEST

/* The other partition's end of a link: input needs no sign of life from this guest. */
START_TEST(a_link)
{
	int ends[2];

	ck_assert_int_eq(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
	port.in_fd = port.out_fd = ends[0];
	make(PORT_EARLY);
	port.in_fd = -1;
	ck_assert(open_told);
	writes(ends[1], "over");
	ck_assert_str_eq(input, "over");
	guest_says("back");
	ck_assert_str_eq(came(ends[1]), "back");
	flood();
	unit_run_loop(loop, 300 * MS);
	flood(); /* a peer that does not read holds up nobody */
	ck_assert_uint_gt(atomic_load(&chardev.dropped), 0);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

static void setup(void)
{
	signal(SIGPIPE, SIG_IGN);
	ck_assert_int_eq(loop_create(&loop), 0);
	port = (struct partition_port){.out_fd = -1, .in_fd = -1, .log_fd = -1};
	takes = sizeof(input);
	input_size = 0;
}

static void teardown(void)
{
	console_destroy(console);
	loop_destroy(loop);
	fd_close(&port.in_fd);
}

Suite *unit_suite(void)
{
	Suite *s = suite_create("partition/console_clients");
	TCase *t = tcase_create("clients");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, one_client_at_a_time);
	tcase_add_test(t, half_a_close);
	tcase_add_test(t, last_words);
	tcase_add_loop_test(t, a_reader_that_stalls, 0, 2);
	tcase_add_test(t, a_link);
	suite_add_tcase(s, t);
	return s;
}
