/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/ipc.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int fds[2];
static struct ipc_message m;

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

Suite *unit_suite(void)
{
	Suite *s = suite_create("lib/ipc");
	TCase *t = tcase_create("ipc");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, messages_keep_their_bounds);
	tcase_add_test(t, largest_and_too_large);
	tcase_add_test(t, malformed_messages_are_refused);
	tcase_add_test(t, a_peer_that_is_gone_or_does_not_read);
	suite_add_tcase(s, t);
	return s;
}
