/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/ipc.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int fds[2];
static struct ipc_message m;
static struct ipc_fds passed;

static void setup(void)
{
	ck_assert_int_eq(ipc_pair(fds), 0);
}

static void teardown(void)
{
	close(fds[0]);
	close(fds[1]);
}

START_TEST(messages_keep_their_bounds)
{
	ck_assert_int_eq(ipc_receive(fds[1], &m), -EAGAIN);
	ck_assert_int_eq(ipc_send(fds[0], 7, "hello", 5), 0);
	ck_assert_int_eq(ipc_send(fds[0], 8, NULL, 0), 0);
	ck_assert_int_eq(ipc_receive(fds[1], &m), 0);
	ck_assert_uint_eq(m.type, 7);
	ck_assert_uint_eq(m.size, 5);
	ck_assert_mem_eq(m.payload, "hello", 5);
	ck_assert_int_eq(ipc_receive(fds[1], &m), 0);
	ck_assert_uint_eq(m.type, 8);
	ck_assert_uint_eq(m.size, 0);
	ck_assert_int_eq(ipc_receive(fds[1], &m), -EAGAIN);
}
END_TEST

START_TEST(largest_and_too_large)
{
	static uint8_t payload[IPC_PAYLOAD_MAX + 1];

	payload[IPC_PAYLOAD_MAX - 1] = 0xA5;
	ck_assert_int_eq(ipc_send(fds[0], 1, payload, IPC_PAYLOAD_MAX), 0);
	ck_assert_int_eq(ipc_send(fds[0], 1, payload, IPC_PAYLOAD_MAX + 1), -EMSGSIZE);
	ck_assert_int_eq(ipc_receive(fds[1], &m), 0);
	ck_assert_uint_eq(m.size, IPC_PAYLOAD_MAX);
	ck_assert_uint_eq(m.payload[IPC_PAYLOAD_MAX - 1], 0xA5);
}
END_TEST

static void send_raw(uint16_t version, uint32_t size, size_t bytes)
{
	static struct ipc_message raw;

	raw.version = version;
	raw.size = size;
	ck_assert_int_eq(send(fds[0], &raw, bytes, 0), (ssize_t)bytes);
}

START_TEST(malformed_messages_are_refused)
{
	send_raw(IPC_VERSION, 0, 7); /* shorter than a header */
	ck_assert_int_eq(ipc_receive(fds[1], &m), -EPROTO);
	send_raw(IPC_VERSION + 1, 0, 8);
	ck_assert_int_eq(ipc_receive(fds[1], &m), -EPROTO);
	send_raw(IPC_VERSION, 5, 8 + 4); /* less than it says */
	ck_assert_int_eq(ipc_receive(fds[1], &m), -EPROTO);
	send_raw(IPC_VERSION, 3, 8 + 4); /* more than it says */
	ck_assert_int_eq(ipc_receive(fds[1], &m), -EPROTO);
	send_raw(IPC_VERSION, UINT32_MAX, 8);
	ck_assert_int_eq(ipc_receive(fds[1], &m), -EPROTO);
	send_raw(IPC_VERSION, 4, 8 + 4); /* the channel is fine after all that */
	ck_assert_int_eq(ipc_receive(fds[1], &m), 0);
}
END_TEST

START_TEST(a_peer_that_is_gone_or_does_not_read)
{
	int ret;

	do {
		ret = ipc_send(fds[0], 1, "x", 1);
	} while (!ret);
	ck_assert_int_eq(ret, -EAGAIN);
	close(fds[1]);
	ck_assert_int_eq(ipc_send(fds[0], 1, "x", 1), -EPIPE);
	ck_assert_int_eq(ipc_receive(fds[0], &m), -ENODATA);
	fds[1] = dup(fds[0]);
}
END_TEST

/* Whether what is written to FD arrives at READER. */
static bool is_writer_of(int fd, int reader)
{
	char byte = 0;

	return write(fd, "!", 1) == 1 && read(reader, &byte, 1) == 1 && byte == '!';
}

START_TEST(a_descriptor_comes_along)
{
	struct ipc_fds mine = {.count = 1};
	int p[2];

	ck_assert_int_eq(pipe2(p, O_CLOEXEC), 0);
	mine.list[0] = p[1];
	ck_assert_int_eq(ipc_send_fds(fds[0], 9, "abc", 3, &mine), 0);
	ck_assert_int_eq(ipc_send(fds[0], 10, NULL, 0), 0);
	ck_assert_int_eq(ipc_receive_fds(fds[1], 1, &m, &passed), 0);
	ck_assert_uint_eq(m.type, 9);
	ck_assert_mem_eq(m.payload, "abc", 3);
	ck_assert_uint_eq(passed.count, 1);
	ck_assert_int_eq(fcntl(passed.list[0], F_GETFD), FD_CLOEXEC);
	ck_assert(is_writer_of(passed.list[0], p[0]));
	ipc_fds_close(&passed);
	ck_assert_int_eq(ipc_receive_fds(fds[1], 1, &m, &passed), 0);
	ck_assert_uint_eq(passed.count, 0);
	ck_assert_int_eq(ipc_receive_fds(fds[1], 1, &m, &passed), -EAGAIN);
	ck_assert_uint_eq(passed.count, 0);
	close(p[0]);
	close(p[1]);
}
END_TEST

static unsigned open_descriptors(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

START_TEST(as_many_descriptors_as_there_may_be)
{
	unsigned before = open_descriptors();
	struct ipc_fds mine = {.count = IPC_FDS_MAX};
	int p[2];

	ck_assert_int_eq(pipe2(p, O_CLOEXEC), 0);
	for (unsigned i = 0; i < IPC_FDS_MAX; i++)
		mine.list[i] = p[i % 2];
	ck_assert_int_eq(ipc_send_fds(fds[0], 9, NULL, 0, &mine), 0);
	mine.count++;
	ck_assert_int_eq(ipc_send_fds(fds[0], 9, NULL, 0, &mine), -EMSGSIZE);
	ck_assert_int_eq(ipc_receive_fds(fds[1], IPC_FDS_MAX, &m, &passed), 0);
	ck_assert_uint_eq(passed.count, IPC_FDS_MAX);
	/* In their order. */
	ck_assert(is_writer_of(passed.list[IPC_FDS_MAX - 2], passed.list[IPC_FDS_MAX - 1]));
	ipc_fds_close(&passed);
	close(p[0]);
	close(p[1]);
	ck_assert_uint_eq(open_descriptors(), before);
}
END_TEST

/* A message with COUNT descriptors and SIZE bytes of a header for an empty payload. */
static void send_with_fds(unsigned count, size_t size)
{
	static struct ipc_message raw = {.version = IPC_VERSION};
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(8 * sizeof(int))];
	} control = {0};
	struct iovec iov = {.iov_base = &raw, .iov_len = size};
	struct msghdr msg = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = CMSG_SPACE(count * sizeof(int))};
	int list[8] = {0};

	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(&control.header), list, count * sizeof(int));
	ck_assert_int_eq(sendmsg(fds[0], &msg, 0), (ssize_t)size);
}

START_TEST(unwanted_descriptors_do_not_stay)
{
	unsigned before = open_descriptors();

	send_with_fds(2, 8);
	ck_assert_int_eq(ipc_receive_fds(fds[1], 1, &m, &passed), -EPROTO);
	send_with_fds(8, 8);
	ck_assert_int_eq(ipc_receive_fds(fds[1], 1, &m, &passed), -EPROTO);
	send_with_fds(1, 5); /* malformed, with a descriptor */
	ck_assert_int_eq(ipc_receive_fds(fds[1], 1, &m, &passed), -EPROTO);
	send_with_fds(1, 8);
	ck_assert_int_eq(ipc_receive(fds[1], &m), 0);
	ck_assert_uint_eq(open_descriptors(), before);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("lib/ipc");
	TCase *t = tcase_create("ipc");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, messages_keep_their_bounds);
	tcase_add_test(t, largest_and_too_large);
	tcase_add_test(t, malformed_messages_are_refused);
	tcase_add_test(t, a_peer_that_is_gone_or_does_not_read);
	tcase_add_test(t, a_descriptor_comes_along);
	tcase_add_test(t, as_many_descriptors_as_there_may_be);
	tcase_add_test(t, unwanted_descriptors_do_not_stay);
	suite_add_tcase(s, t);
	return s;
}
