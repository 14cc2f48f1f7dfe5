/* SPDX-License-Identifier: BSD-3-Clause */
/* The file system device, and with it the front-end of vhost-user; the back-end is the test. */
#include "devices/virtio/fs.h"
#include "tests/unit/unit.h"
#include "tests/unit/virtio/world.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/vhost_types.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>

#define SIZE     16
#define QUEUES   2
#define PATIENCE 20000000 /* nanoseconds */
#define REST     200000000
#define FDS_MAX  8

#define PROTOCOL ((uint64_t)1 << 30)
#define FEATURES                                                                                   \
	(V1 | PROTOCOL | (uint64_t)1 << VIRTIO_RING_F_INDIRECT_DESC |                              \
		(uint64_t)1 << VIRTIO_RING_F_EVENT_IDX | (uint64_t)1 << VIRTIO_F_RING_PACKED)
#define MQ        ((uint64_t)1 << 0)
#define REPLY_ACK ((uint64_t)1 << 3)

enum {
	GET_FEATURES = 1,
	SET_FEATURES = 2,
	SET_OWNER = 3,
	SET_MEM_TABLE = 5,
	SET_VRING_NUM = 8,
	SET_VRING_ADDR = 9,
	SET_VRING_BASE = 10,
	GET_VRING_BASE = 11,
	SET_VRING_KICK = 12,
	SET_VRING_CALL = 13,
	GET_PROTOCOL_FEATURES = 15,
	SET_PROTOCOL_FEATURES = 16,
	GET_QUEUE_NUM = 17,
	SET_VRING_ENABLE = 18,
};

/* A message as the back-end reads it. */
struct got {
	uint32_t request, flags, size;
	union {
		uint64_t number;
		struct vhost_vring_state state;
		struct vhost_vring_addr addr;
		struct {
			uint32_t count, padding;
			uint64_t regions[8][4];
		} memory;
	};
} __attribute__((packed));

static struct loop *loop;
static struct driver drv;
static int server = -1; /* the back-end's end of the socket */
static int memory_fd = -1;
static struct got got;
static int fds[FDS_MAX];
static unsigned fd_count;
static char notice[NOTICE_MAX];
static unsigned notices;

static void told(void *ctx, const char *device, const char *text)
{
	(void)ctx;
	ck_assert_str_eq(device, "fs0");
	snprintf(notice, sizeof(notice), "%s", text);
	notices++;
}

static const struct notice_sink sink = {.tell = told};

/* ---- the back-end ---- */

static void drop_fds(void)
{
	while (fd_count)
		close(fds[--fd_count]);
}

/* The next message. False when there is none. */
static bool next(void)
{
	char control[CMSG_SPACE(sizeof(fds))];
	struct iovec iov = {.iov_base = &got, .iov_len = 12};
	struct msghdr msg = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control)};
	struct cmsghdr *c;

	drop_fds();
	memset(&got, 0, sizeof(got));
	if (recvmsg(server, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != 12)
		return false;
	c = CMSG_FIRSTHDR(&msg);
	if (c) {
		fd_count = (unsigned)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(fds, CMSG_DATA(c), fd_count * sizeof(int));
	}
	ck_assert_uint_eq(got.flags & 3, 1);
	ck_assert_uint_le(got.size, sizeof(got) - 12);
	if (got.size)
		ck_assert_int_eq(recv(server, &got.number, got.size, MSG_DONTWAIT), got.size);
	return true;
}

static void expect_request(uint32_t request)
{
	ck_assert(next());
	ck_assert_uint_eq(got.request, request);
}

static void answer(uint32_t request, uint64_t number)
{
	const struct vhost_user_answer a = {.request = request, .flags = 5, .size = 8};
	struct vhost_user_answer copy = a;

	memcpy(copy.payload, &number, sizeof(number));
	ck_assert_int_eq(send(server, &copy, sizeof(copy), MSG_NOSIGNAL), sizeof(copy));
}

/* What an ordinary one says of itself; it may say so before it is asked. */
static void introduce(uint64_t features, uint64_t protocol, uint64_t queues)
{
	answer(GET_FEATURES, features);
	if (!(features & PROTOCOL))
		return;
	answer(GET_PROTOCOL_FEATURES, protocol);
	if (protocol & MQ)
		answer(GET_QUEUE_NUM, queues);
	if (protocol & REPLY_ACK)
		answer(SET_MEM_TABLE, 0);
}

/* ---- the device ---- */

static int connect_server(void)
{
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	server = pair[1];
	return pair[0];
}

static int create(int fd, struct virtio_device **ret_device)
{
	const struct fs_config cfg = {.loop = loop,
		.socket_fd = fd,
		.tag = "share",
		.memory = {.fd = memory_fd, .data = ram},
		.notice = {.sink = &sink, .device = "fs0"},
		.patience_ns = PATIENCE};

	return virtio_fs_create(&w.m, &cfg, ret_device);
}

static void setup(void)
{
	world_init();
	notices = 0;
	notice[0] = '\0';
	memory_fd = memfd_create("memory", MFD_CLOEXEC);
	ck_assert_int_eq(loop_create(&loop), 0);
}

static void teardown(void)
{
	machine_fini(&w.m);
	loop_destroy(loop);
	drop_fds();
	fd_close(&server);
	fd_close(&memory_fd);
}

static void make(uint64_t features, uint64_t protocol)
{
	struct virtio_device *v;
	int fd = connect_server();

	introduce(features, protocol, 5);
	ck_assert_int_eq(create(fd, &v), 0);
	world_add(v);
}

static void setup_made(void)
{
	setup();
	make(FEATURES, MQ | REPLY_ACK);
	while (next())
		;
}

static void start(void)
{
	const uint64_t event_idx = (uint64_t)1 << VIRTIO_RING_F_EVENT_IDX;
	struct virtq_layout layout;

	negotiate(event_idx);
	driver_init(&drv, event_idx | V1, SIZE);
	layout = driver_layout(&drv);
	for (unsigned i = 0; i < QUEUES; i++) {
		out(VIRTIO_MMIO_QUEUE_SEL, i);
		write_layout(&layout);
		out(VIRTIO_MMIO_QUEUE_READY, 1);
	}
	out(VIRTIO_MMIO_STATUS, ALL_OK);
}

/* What it is told after that is read, and acknowledged. */
static void serve(void)
{
	while (next()) {
		if (got.request == SET_VRING_ENABLE && got.flags & 8)
			answer(SET_VRING_ENABLE, 0);
		if (got.request == GET_VRING_BASE)
			answer(GET_VRING_BASE, (uint64_t)7 << 32 | got.state.index);
	}
	unit_run_loop(loop, 1000000);
}

static void expect_given_up(const char *why)
{
	char byte;

	ck_assert_uint_eq(notices, 1);
	ck_assert_msg(strstr(notice, why), "%s", notice);
	ck_assert(in(VIRTIO_MMIO_STATUS)&VIRTIO_CONFIG_S_NEEDS_RESET);
	/* It hears of it; and a device without it is reset at once, and fails again. */
	unit_run_loop(loop, 1000000);
	while (recv(server, &byte, 1, MSG_DONTWAIT) == 1)
		;
	ck_assert(recv(server, &byte, 1, MSG_DONTWAIT) == 0 || errno == ECONNRESET);
	start();
	ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), ALL_OK | VIRTIO_CONFIG_S_NEEDS_RESET);
	out(VIRTIO_MMIO_STATUS, 0);
	ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), 0);
	ck_assert_uint_eq(notices, 1);
}

START_TEST(what_it_is)
{
	ck_assert_uint_eq(in(VIRTIO_MMIO_DEVICE_ID), 26);
	for (unsigned i = 0; i < 9; i++)
		ck_assert_uint_eq(in(VIRTIO_MMIO_CONFIG + 4 * i), i == 0   ? 0x72616873
								  : i == 1 ? 0x65
									   : 0);
	ck_assert_uint_eq(in(VIRTIO_MMIO_CONFIG + 36), 1);
	out(VIRTIO_MMIO_QUEUE_SEL, QUEUES);
	ck_assert_uint_eq(in(VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
	out(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	ck_assert_uint_eq(in(VIRTIO_MMIO_DEVICE_FEATURES), FEATURES & 0xBFFFFFFF);
	out(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	ck_assert_uint_eq(in(VIRTIO_MMIO_DEVICE_FEATURES), 1);
}
END_TEST

START_TEST(meets_its_server)
{
	make(FEATURES, MQ | REPLY_ACK | 0xF0);
	expect_request(GET_FEATURES);
	expect_request(GET_PROTOCOL_FEATURES);
	expect_request(SET_PROTOCOL_FEATURES);
	ck_assert_uint_eq(got.number, MQ | REPLY_ACK);
	expect_request(GET_QUEUE_NUM);
	expect_request(SET_OWNER);
	expect_request(SET_MEM_TABLE);
	ck_assert_uint_eq(got.flags, 9);
	ck_assert_uint_eq(got.size, 8 + 32);
	ck_assert_uint_eq(got.memory.count, 1);
	ck_assert_uint_eq(got.memory.regions[0][0], RAM_BASE);
	ck_assert_uint_eq(got.memory.regions[0][1], RAM_SIZE);
	ck_assert_uint_eq(got.memory.regions[0][2], (uintptr_t)ram);
	ck_assert_uint_eq(got.memory.regions[0][3], 0);
	ck_assert_uint_eq(fd_count, 1);
	ck_assert(!next());
}
END_TEST

START_TEST(starts_and_stops)
{
	for (unsigned round = 0; round < 2; round++) {
		start();
		ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), ALL_OK);
		expect_request(SET_FEATURES);
		ck_assert_uint_eq(
			got.number, V1 | PROTOCOL | (uint64_t)1 << VIRTIO_RING_F_EVENT_IDX);
		for (unsigned i = 0; i < QUEUES; i++) {
			eventfd_t count;

			expect_request(SET_VRING_NUM);
			ck_assert_uint_eq(got.state.index, i);
			ck_assert_uint_eq(got.state.num, SIZE);
			expect_request(SET_VRING_BASE);
			ck_assert_uint_eq(got.state.num, 0);
			expect_request(SET_VRING_ADDR);
			ck_assert_uint_eq(got.addr.index, i);
			ck_assert_uint_eq(got.addr.desc_user_addr, (uintptr_t)at(DESC_AT));
			ck_assert_uint_eq(got.addr.avail_user_addr, (uintptr_t)at(DRIVER_AT));
			ck_assert_uint_eq(got.addr.used_user_addr, (uintptr_t)at(DEVICE_AT));
			expect_request(SET_VRING_CALL);
			ck_assert_uint_eq(got.number, i);
			ck_assert_uint_eq(fd_count, 1);
			/* What it signals there becomes an interrupt. */
			eventfd_write(fds[0], 1);
			unit_run_loop(loop, 1000000);
			ck_assert(w.line);
			out(VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_VRING);
			expect_request(SET_VRING_KICK);
			ck_assert_uint_eq(got.number, i);
			ck_assert_uint_eq(fd_count, 1);
			/* Rung at the start, since there may be requests already. */
			ck_assert_int_eq(eventfd_read(fds[0], &count), 0);
			ring(i);
			ck_assert_int_eq(eventfd_read(fds[0], &count), 0);
			expect_request(SET_VRING_ENABLE);
			ck_assert_uint_eq(got.state.num, 1);
			ck_assert_uint_eq(got.flags, 9);
			answer(SET_VRING_ENABLE, 0);
		}
		ck_assert(!next());
		unit_run_loop(loop, 1000000);
		/* The driver waits until its memory is left alone. */
		out(VIRTIO_MMIO_STATUS, 0);
		for (unsigned i = 0; i < QUEUES; i++) {
			ck_assert_uint_ne(in(VIRTIO_MMIO_STATUS), 0);
			expect_request(GET_VRING_BASE);
			ck_assert_uint_eq(got.state.index, i);
			answer(GET_VRING_BASE, (uint64_t)3 << 32 | i);
			unit_run_loop(loop, 1000000);
		}
		ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), 0);
		ck_assert(!next());
	}
	ck_assert_uint_eq(notices, 0);
}
END_TEST

/* One that knows nothing but the least. */
START_TEST(old_server)
{
	make(V1, 0);
	expect_request(GET_FEATURES);
	expect_request(SET_OWNER);
	expect_request(SET_MEM_TABLE);
	ck_assert_uint_eq(got.flags, 1);
	out(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	ck_assert_uint_eq(in(VIRTIO_MMIO_DEVICE_FEATURES), 0);
	start();
	/* It offered no event index, and so the driver's wish for it was refused. */
	ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS)&VIRTIO_CONFIG_S_DRIVER_OK, 0);
	negotiate(0);
	out(VIRTIO_MMIO_STATUS, ALL_OK);
	expect_request(SET_FEATURES);
	ck_assert_uint_eq(got.number, V1);
	ck_assert(!next()); /* no queue, nothing to serve */
	out(VIRTIO_MMIO_STATUS, 0);
	ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), 0);
}
END_TEST

/* A driver that breaks the rules: the device fails, its server lets go, all can begin anew. */
START_TEST(broken_driver)
{
	start();
	serve();
	out(VIRTIO_MMIO_QUEUE_SEL, 1);
	out(VIRTIO_MMIO_QUEUE_READY, 0);
	ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), ALL_OK | VIRTIO_CONFIG_S_NEEDS_RESET);
	expect_request(GET_VRING_BASE);
	answer(GET_VRING_BASE, 0);
	expect_request(GET_VRING_BASE);
	answer(GET_VRING_BASE, 1);
	out(VIRTIO_MMIO_STATUS, 0);
	unit_run_loop(loop, 1000000);
	ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), 0);
	start();
	serve();
	ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), ALL_OK);
	ck_assert_uint_eq(notices, 0);
}
END_TEST

START_TEST(server_dies)
{
	if (_i) {
		start();
		serve();
	} else {
		negotiate(0);
	}
	if (_i == 2) { /* while a reset waits for it */
		out(VIRTIO_MMIO_STATUS, 0);
		ck_assert_uint_ne(in(VIRTIO_MMIO_STATUS), 0);
	}
	shutdown(server, SHUT_RDWR);
	unit_run_loop(loop, 1000000);
	if (_i == 2) {
		ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), 0);
		start();
	}
	expect_given_up("has gone away");
}
END_TEST

START_TEST(server_does_not_answer)
{
	start();
	if (_i) {
		serve();
		out(VIRTIO_MMIO_STATUS, 0);
		unit_run_loop(loop, REST);
		ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), 0);
		start();
	} else {
		unit_run_loop(loop, REST);
	}
	expect_given_up("does not answer");
}
END_TEST

/* One that reads nothing: nobody waits for it. */
START_TEST(server_does_not_listen)
{
	struct pollfd p = {.fd = server, .events = POLLOUT};
	static char garbage[4096];
	int ours = -1;

	/* The device's end: the only other socket there is. */
	for (int fd = 3; fd < 64 && ours < 0; fd++) {
		int type;
		socklen_t size = sizeof(type);

		if (fd != server && getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0)
			ours = fd;
	}
	ck_assert_int_ge(ours, 0);
	ck_assert_int_eq(poll(&p, 1, 0), 1);
	while (send(ours, garbage, sizeof(garbage), MSG_DONTWAIT) > 0)
		;
	start();
	ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), ALL_OK | VIRTIO_CONFIG_S_NEEDS_RESET);
	expect_given_up("does not take");
}
END_TEST

static const struct {
	struct vhost_user_answer answer;
	size_t size;
	const char *why;
} hostile[] = {
	{{.request = SET_VRING_ENABLE, .flags = 1, .size = 8}, 20, "breaks the rules"},
	{{.request = SET_VRING_ENABLE, .flags = 6, .size = 8}, 20, "breaks the rules"},
	{{.request = SET_VRING_ENABLE, .flags = 5, .size = 0}, 12, "breaks the rules"},
	{{.request = SET_VRING_ENABLE, .flags = 5, .size = 0xFFFFFFFF}, 12, "breaks the rules"},
	{{.request = GET_VRING_BASE, .flags = 5, .size = 8}, 20, "breaks the rules"},
	{{.request = SET_VRING_ENABLE, .flags = 5, .size = 8, .payload = {1}}, 20, "refuses"},
	{{.request = SET_VRING_ENABLE, .flags = 5, .size = 8}, 19, "does not answer"},
};

START_TEST(hostile_server)
{
	start();
	ck_assert_int_eq(
		send(server, &hostile[_i].answer, hostile[_i].size, 0), (ssize_t)hostile[_i].size);
	unit_run_loop(loop, REST);
	expect_given_up(hostile[_i].why);
}
END_TEST

/* An answer that nobody has asked for; in pieces; with descriptors. */
START_TEST(unasked_answer)
{
	answer(GET_VRING_BASE, 0);
	unit_run_loop(loop, 1000000);
	start();
	expect_given_up("breaks the rules");
}
END_TEST

START_TEST(descriptors_are_not_taken)
{
	struct vhost_user_answer a = {.request = SET_VRING_ENABLE, .flags = 5, .size = 8};
	char control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec iov = {.iov_base = &a, .iov_len = 7};
	struct msghdr msg = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	int pipe_fds[2];
	char byte;

	start();
	ck_assert_int_eq(pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK), 0);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &pipe_fds[1], sizeof(int));
	ck_assert_int_eq(sendmsg(server, &msg, 0), 7);
	close(pipe_fds[1]);
	unit_run_loop(loop, 1000000);
	ck_assert_int_eq(read(pipe_fds[0], &byte, 1), 0); /* nobody has its other end */
	close(pipe_fds[0]);
	ck_assert_int_eq(send(server, (char *)&a + 7, 13, 0), 13);
	answer(SET_VRING_ENABLE, 0);
	unit_run_loop(loop, REST);
	ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), ALL_OK);
	ck_assert_uint_eq(notices, 0);
}
END_TEST

static const struct {
	uint64_t features, protocol, queues;
	int error;
	bool gone;
} misfits[] = {
	{PROTOCOL, MQ, 2, -EOPNOTSUPP, false}, /* no virtio 1 */
	{FEATURES, MQ, 1, -EOPNOTSUPP, false}, /* one queue */
	{FEATURES, MQ | REPLY_ACK, 2, -ETIMEDOUT, false},
	{FEATURES, MQ | REPLY_ACK, 2, -ECONNRESET, true},
};

START_TEST(not_made)
{
	struct virtio_device *v;
	int fd = connect_server();

	answer(GET_FEATURES, misfits[_i].features);
	answer(GET_PROTOCOL_FEATURES, misfits[_i].protocol);
	answer(GET_QUEUE_NUM, misfits[_i].queues);
	if (misfits[_i].gone)
		shutdown(server, SHUT_WR);
	ck_assert_int_eq(create(fd, &v), misfits[_i].error);
	ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
}
END_TEST

START_TEST(memory_refused)
{
	struct virtio_device *v;
	int fd = connect_server();

	answer(GET_FEATURES, FEATURES);
	answer(GET_PROTOCOL_FEATURES, REPLY_ACK);
	answer(SET_MEM_TABLE, 1);
	ck_assert_int_eq(create(fd, &v), -EPROTO);
}
END_TEST

START_TEST(no_vhost_user)
{
	struct virtio_device *v;
	int fd = connect_server();

	send(server, "HTTP/1.1 400 Bad Request", 24, 0);
	ck_assert_int_eq(create(fd, &v), -EPROTO);
}
END_TEST

/* Only seen whether it can be: no loop, no server. */
START_TEST(dry)
{
	const struct fs_config cfg = {.socket_fd = -1,
		.tag = "123456789012345678901234567890123456",
		.memory = {.fd = -1}};
	struct virtio_device *v;

	ck_assert_int_eq(virtio_fs_create(&w.m, &cfg, &v), 0);
	ck_assert_mem_eq(v->config, cfg.tag, 36);
	virtio_destroy(v);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("virtio/fs");
	TCase *made = tcase_create("made"), *meeting = tcase_create("meeting");

	tcase_add_checked_fixture(made, setup_made, teardown);
	tcase_add_test(made, what_it_is);
	tcase_add_test(made, starts_and_stops);
	tcase_add_test(made, broken_driver);
	tcase_add_loop_test(made, server_dies, 0, 3);
	tcase_add_loop_test(made, server_does_not_answer, 0, 2);
	tcase_add_test(made, server_does_not_listen);
	tcase_add_loop_test(made, hostile_server, 0, (int)ARRAY_SIZE(hostile));
	tcase_add_test(made, unasked_answer);
	tcase_add_test(made, descriptors_are_not_taken);
	suite_add_tcase(s, made);
	tcase_add_checked_fixture(meeting, setup, teardown);
	tcase_add_test(meeting, meets_its_server);
	tcase_add_test(meeting, old_server);
	tcase_add_loop_test(meeting, not_made, 0, (int)ARRAY_SIZE(misfits));
	tcase_add_test(meeting, memory_refused);
	tcase_add_test(meeting, no_vhost_user);
	tcase_add_test(meeting, dry);
	suite_add_tcase(s, meeting);
	return s;
}
