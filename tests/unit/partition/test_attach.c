/* SPDX-License-Identifier: BSD-3-Clause */
/* Consoles attached to a port that runs, alone and behind a console whose reader stalls. */
#include "lib/util.h"
#include "partition/attach.h"
#include "partition/console.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#define MS 1000000

static struct loop *loop;
static struct attach *attach;
static char typed[1024]; /* what the guest got */
static size_t typed_size, room;
static bool taken;

static size_t input(void *ctx, const uint8_t *data, size_t n)
{
	(void)ctx;
	n = min_u64(n, room);
	if (!data)
		return n;
	memcpy(typed + typed_size, data, n);
	typed_size += n;
	room -= n;
	return n;
}

static bool input_taken(void *ctx)
{
	(void)ctx;
	return taken;
}

static void run_for(uint64_t ns)
{
	unit_run_loop(loop, ns);
}

/* The client's end of a new attachment; what attach_add said is *RET. */
static int client(bool writer, int *ret)
{
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	*ret = attach_add(attach, pair[1], writer);
	return pair[0];
}

static int attached(bool writer)
{
	int ret, fd = client(writer, &ret);

	ck_assert_int_eq(ret, 0);
	return fd;
}

static void says(const char *text)
{
	attach_output(attach, (const uint8_t *)text, strlen(text));
}

static char got[400000];

/* What has arrived at FD, as text; NULL at its end. */
static const char *arrived(int fd)
{
	size_t size = 0;
	ssize_t n;

	while ((n = recv(fd, got + size, sizeof(got) - 1 - size, MSG_DONTWAIT)) > 0)
		size += (size_t)n;
	got[size] = '\0';
	return n == 0 && !size ? NULL : got;
}

static bool sends(int fd, const char *text)
{
	return send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text);
}

START_TEST(late_readers_see_what_was_and_what_comes)
{
	int a, b;

	says("hello\n");
	a = attached(false);
	ck_assert_str_eq(arrived(a), "hello\n");
	says("world\n");
	b = attached(false);
	ck_assert_str_eq(arrived(a), "world\n");
	ck_assert_str_eq(arrived(b), "hello\nworld\n");
	ck_assert_uint_eq(attach_count(attach), 2);
	close(a);
	run_for(5 * MS);
	ck_assert_uint_eq(attach_count(attach), 1);
	attach_finish(attach);
	ck_assert_ptr_null(arrived(b));
	close(b);
}
END_TEST

START_TEST(the_history_is_the_last_64_kib)
{
	static char text[100001];
	const char *seen;
	int fd;

	for (unsigned i = 0; i < 100000; i++)
		text[i] = (char)('a' + i % 23);
	says(text);
	fd = attached(false);
	seen = arrived(fd);
	ck_assert_uint_eq(strlen(seen), ATTACH_HISTORY);
	ck_assert_str_eq(seen, text + 100000 - ATTACH_HISTORY);
	close(fd);
}
END_TEST

START_TEST(who_does_not_read_loses_only_its_own)
{
	static char text[1001];
	int slow = attached(false), fast = attached(false);
	size_t total = 0, slow_total;
	unsigned lost;
	const char *note;

	memset(text, 'x', 1000);
	for (unsigned i = 0; i < 2000; i++) {
		says(text);
		total += strlen(arrived(fast));
	}
	ck_assert_uint_eq(total, 2000000);
	ck_assert_uint_eq(attach_count(attach), 2);
	slow_total = strlen(arrived(slow));
	run_for(5 * MS); /* now its socket is writable again */
	says("last");
	note = strstr(arrived(slow), "[bulkhead: ");
	ck_assert_ptr_nonnull(note);
	ck_assert_int_eq(sscanf(note, "[bulkhead: %u bytes lost", &lost), 1);
	ck_assert_uint_eq(slow_total + lost + ATTACH_HISTORY, 2000000);
	ck_assert_str_eq(note + strlen(note) - 5, "xlast");
	close(slow);
	close(fast);
}
END_TEST

START_TEST(one_writes)
{
	int a = attached(true), b = attached(true), c = attached(false);

	ck_assert(sends(a, "one "));
	run_for(5 * MS);
	ck_assert(sends(b, "two "));
	ck_assert(sends(c, "three "));
	run_for(5 * MS);
	ck_assert_str_eq(typed, "one ");
	ck_assert_str_eq(arrived(a), "");
	ck_assert_ptr_nonnull(strstr(arrived(b), "input comes from another console"));
	ck_assert_str_eq(arrived(c), "");
	close(a);
	run_for(5 * MS);
	ck_assert(sends(b, "now")); /* it is free */
	ck_assert(sends(c, "never"));
	run_for(5 * MS);
	ck_assert_str_eq(typed, "one now");
	close(b);
	close(c);
}
END_TEST

START_TEST(nobody_writes_where_the_run_does)
{
	int a = attached(true);

	taken = true;
	ck_assert(sends(a, "one "));
	run_for(5 * MS);
	ck_assert_str_eq(typed, "");
	ck_assert_ptr_nonnull(strstr(arrived(a), "this one only shows"));
	taken = false;
	ck_assert(sends(a, "two"));
	run_for(5 * MS);
	ck_assert_str_eq(typed, "two");
	close(a);
}
END_TEST

START_TEST(keys_wait_for_room)
{
	int a = attached(true);

	room = 3;
	ck_assert(sends(a, "abcdef"));
	run_for(5 * MS);
	ck_assert_str_eq(typed, "abc");
	room = 2;
	attach_room(attach);
	run_for(5 * MS);
	ck_assert_str_eq(typed, "abcde");
	/* It goes while its keys still wait: that is noticed. */
	close(a);
	run_for(5 * MS);
	ck_assert_uint_eq(attach_count(attach), 0);
}
END_TEST

START_TEST(the_end_of_its_keys_is_not_its_end)
{
	int a = attached(true), b = attached(true);

	ck_assert(sends(a, "x"));
	run_for(2 * MS);
	ck_assert_int_eq(shutdown(a, SHUT_WR), 0);
	run_for(5 * MS);
	says("still");
	ck_assert_str_eq(arrived(a), "still");
	ck_assert(sends(b, "y"));
	run_for(5 * MS);
	ck_assert_str_eq(typed, "xy");
	close(a);
	close(b);
}
END_TEST

START_TEST(there_is_a_limit)
{
	int fds[ATTACH_CLIENTS_MAX + 1], ret;

	for (unsigned i = 0; i < ATTACH_CLIENTS_MAX; i++)
		fds[i] = attached(false);
	fds[ATTACH_CLIENTS_MAX] = client(false, &ret);
	ck_assert_int_eq(ret, -ENOSPC);
	ck_assert_ptr_nonnull(strstr(arrived(fds[ATTACH_CLIENTS_MAX]), "too many consoles"));
	ck_assert_ptr_null(arrived(fds[ATTACH_CLIENTS_MAX]));
	close(fds[0]);
	run_for(5 * MS);
	close(attached(false));
	for (unsigned i = 1; i <= ATTACH_CLIENTS_MAX; i++)
		close(fds[i]);
}
END_TEST

/* A run's own reader that takes nothing: an attached one gets everything, and so does the log. */
START_TEST(a_stalled_run_does_not_stall_the_attached)
{
	static struct chardev chardev;
	static struct console_line line;
	static uint8_t text[1000];
	struct partition_port port = {.out_fd = -1, .in_fd = -1, .log_fd = -1};
	struct console_config config = {.loop = loop,
		.chardev = &chardev,
		.port = &port,
		.label = "a",
		.owner = 1,
		.line = &line};
	struct console *console;
	int out[2], pair[2];
	size_t seen = 0, written = 0;
	ssize_t shown;

	ck_assert_int_eq(pipe2(out, O_CLOEXEC | O_NONBLOCK), 0);
	port.out_fd = out[1];
	chardev_init(&chardev, -1);
	ck_assert_int_eq(console_create(&config, &console), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	ck_assert_int_eq(console_attach(console, pair[1], true), 0);
	memset(text, 'x', sizeof(text));
	/* The first flood fills all buffers; the guest is held up until the reader has stalled. */
	for (unsigned i = 0; i < 400; i++) {
		written += ring_push(&chardev.tx, text, sizeof(text));
		console_pump(console);
		seen += strlen(arrived(pair[0]));
	}
	ck_assert_uint_lt(written, 400000);
	run_for(300 * MS);
	ck_assert(atomic_load(&chardev.stalled));
	for (unsigned i = 0; i < 400; i++) {
		ck_assert_uint_eq(ring_push(&chardev.tx, text, sizeof(text)), sizeof(text));
		written += sizeof(text);
		console_pump(console);
		ck_assert_uint_eq(ring_used(&chardev.tx), 0);
		seen += strlen(arrived(pair[0]));
	}
	ck_assert_uint_eq(seen + strlen(arrived(pair[0])), written);
	/* What the run's reader missed is counted: the pipe has its first bytes. */
	console_finish(console);
	shown = read(out[0], got, sizeof(got));
	ck_assert_int_gt(shown, 0);
	ck_assert_uint_eq(atomic_load(&chardev.dropped), written - (size_t)shown);
	console_destroy(console);
	close(pair[0]);
	close(out[0]);
	close(out[1]);
}
END_TEST

static void setup(void)
{
	struct attach_config config = {.input = input, .input_taken = input_taken};

	ck_assert_int_eq(loop_create(&loop), 0);
	config.loop = loop;
	ck_assert_int_eq(attach_create(&config, &attach), 0);
	memset(typed, 0, sizeof(typed));
	typed_size = 0;
	room = sizeof(typed) - 1;
	taken = false;
}

static void teardown(void)
{
	attach_destroy(attach);
	loop_destroy(loop);
}

Suite *unit_suite(void)
{
	Suite *s = suite_create("partition/attach");
	TCase *t = tcase_create("attach");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, late_readers_see_what_was_and_what_comes);
	tcase_add_test(t, the_history_is_the_last_64_kib);
	tcase_add_test(t, who_does_not_read_loses_only_its_own);
	tcase_add_test(t, one_writes);
	tcase_add_test(t, nobody_writes_where_the_run_does);
	tcase_add_test(t, keys_wait_for_room);
	tcase_add_test(t, the_end_of_its_keys_is_not_its_end);
	tcase_add_test(t, there_is_a_limit);
	tcase_add_test(t, a_stalled_run_does_not_stall_the_attached);
	suite_add_tcase(s, t);
	return s;
}
