/* SPDX-License-Identifier: BSD-3-Clause */
#include "devices/virtio/net.h"
#include "tests/unit/unit.h"
#include "tests/unit/virtio/world.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/virtio_net.h>
#include <sys/socket.h>
#include <unistd.h>

#define SIZE   16
#define HEADER 12

#define RX   0
#define TX   1
#define MS   1000000
#define MRG  ((uint64_t)1 << VIRTIO_NET_F_MRG_RXBUF)
#define CTRL ((uint64_t)1 << VIRTIO_NET_F_CTRL_VQ)
#define MQ   ((uint64_t)1 << VIRTIO_NET_F_MQ)

/* Of the loop tests. */
static const uint64_t shapes[] = {0,
	(uint64_t)1 << VIRTIO_RING_F_INDIRECT_DESC | (uint64_t)1 << VIRTIO_RING_F_EVENT_IDX,
	(uint64_t)1 << VIRTIO_F_RING_PACKED,
	(uint64_t)1 << VIRTIO_F_RING_PACKED | (uint64_t)1 << VIRTIO_RING_F_INDIRECT_DESC |
		(uint64_t)1 << VIRTIO_RING_F_EVENT_IDX};

#define SHAPES ((int)ARRAY_SIZE(shapes))

static struct loop *loop;
static struct driver drv;
/* Of each pair: the device's end, and ours. A socket of packets stands for a tap device. */
static int ends[VIRTIO_NET_PAIRS_MAX][2];
static unsigned pairs, lost;

static const uint8_t mac[6] = {0x02, 1, 2, 3, 4, 5};

static void told(void *ctx, const char *device, const char *text)
{
	ck_assert_ptr_eq(ctx, &lost);
	ck_assert_str_eq(device, "net7");
	ck_assert_ptr_nonnull(strstr(text, "the guest's network link is down"));
	lost++;
}

static const struct notice_sink sink = {.tell = told, .ctx = &lost};

static void make(enum virtio_net_backend backend, unsigned count)
{
	int type = backend == VIRTIO_NET_TAP ? SOCK_SEQPACKET : SOCK_STREAM;
	struct virtio_net_setup s = {.backend = backend,
		.pairs = count,
		.vhost_fds = {-1, -1, -1, -1},
		.notice = {.sink = &sink, .device = "net7"}};
	struct virtio_device *v;

	world_init();
	lost = 0;
	pairs = count;
	ck_assert_int_eq(loop_create(&loop), 0);
	s.loop = loop;
	memcpy(s.mac, mac, sizeof(mac));
	for (unsigned i = 0; i < count; i++) {
		ck_assert_int_eq(
			socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends[i]), 0);
		s.fds[i] = ends[i][0];
	}
	ck_assert_int_eq(virtio_net_create(&w.m, &s, &v), 0);
	world_add(v);
	memset(at(DATA_AT), 0, RAM_SIZE - DATA_AT);
}

static void setup(void)
{
	make(VIRTIO_NET_TAP, 1);
}

static void setup_stream(void)
{
	make(VIRTIO_NET_STREAM, 1);
}

static void teardown(void)
{
	machine_fini(&w.m);
	loop_destroy(loop);
	for (unsigned i = 0; i < pairs; i++) {
		close(ends[i][0]);
		close(ends[i][1]);
	}
}

/* ---- the guest: one queue at a time ---- */

static void start_on(unsigned queue, uint64_t features)
{
	struct virtq_layout layout;

	negotiate(features);
	driver_init(&drv, features | V1, SIZE);
	layout = driver_layout(&drv);
	out(VIRTIO_MMIO_QUEUE_SEL, queue);
	write_layout(&layout);
	out(VIRTIO_MMIO_QUEUE_READY, 1);
	out(VIRTIO_MMIO_STATUS, ALL_OK);
	ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), ALL_OK);
	unit_run_loop(loop, MS);
}

static struct buffer buffer(unsigned offset, uint32_t len, bool write)
{
	return (struct buffer){.addr = RAM_BASE + DATA_AT + offset, .len = len, .write = write};
}

static int give(unsigned offset, uint32_t len)
{
	const struct buffer b = buffer(offset, len, true);

	return driver_add(&drv, &b, 1);
}

static void work(unsigned queue)
{
	ring(queue);
	unit_run_loop(loop, MS);
}

static void expect_used(int id, uint32_t len)
{
	uint32_t used_len;
	unsigned used;

	ck_assert(driver_used(&drv, &used, &used_len));
	ck_assert_int_eq((int)used, id);
	ck_assert_uint_eq(used_len, len);
}

static void expect_none(void)
{
	uint32_t len;
	unsigned id;

	ck_assert(!driver_used(&drv, &id, &len));
}

static void expect_broken(void)
{
	ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), ALL_OK | VIRTIO_CONFIG_S_NEEDS_RESET);
}

/* ---- the network ---- */

/* Frame NUMBER: bytes that tell one from another. */
static void fill(uint8_t *frame, size_t size, unsigned number)
{
	for (size_t i = 0; i < size; i++)
		frame[i] = (uint8_t)(number + i * 7 + (i >> 8));
}

static void send_raw(const void *data, size_t size)
{
	ck_assert_int_eq(write(ends[0][1], data, size), (ssize_t)size);
}

/* As a tap device hands it over: after a header whose last field is not its own. */
static void send_frame(unsigned number, size_t size)
{
	uint8_t bytes[HEADER + 70000];

	memset(bytes, 0, HEADER);
	bytes[10] = bytes[11] = 0xFF;
	fill(bytes + HEADER, size, number);
	send_raw(bytes, HEADER + size);
}

/* As a stream has it: after its length. */
static void stream_frame(unsigned number, size_t size)
{
	uint8_t bytes[4 + 70000];
	uint32_t length = htonl((uint32_t)size);

	memcpy(bytes, &length, 4);
	fill(bytes + 4, size, number);
	send_raw(bytes, 4 + size);
}

static uint16_t buffers_at(unsigned offset)
{
	uint16_t n;

	memcpy(&n, at(DATA_AT + offset + 10), sizeof(n));
	return n;
}

static void expect_frame(const uint8_t *frame, unsigned number, size_t size)
{
	uint8_t bytes[70000];

	fill(bytes, size, number);
	ck_assert_mem_eq(frame, bytes, size);
}

static uint16_t link_status(void)
{
	return (uint16_t)(in(VIRTIO_MMIO_CONFIG + 4) >> 16);
}

START_TEST(what_it_is)
{
	uint64_t features;

	ck_assert_uint_eq(in(VIRTIO_MMIO_DEVICE_ID), 1);
	ck_assert_uint_eq(in(VIRTIO_MMIO_CONFIG), 0x03020102);
	ck_assert_uint_eq(in(VIRTIO_MMIO_CONFIG + 4), 0x00010504); /* the link is up */
	out(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	features = in(VIRTIO_MMIO_DEVICE_FEATURES);
	ck_assert_uint_eq(features & 0xFFFFFF,
		(uint64_t)1 << VIRTIO_NET_F_CSUM | 1 << VIRTIO_NET_F_GUEST_CSUM |
			1 << VIRTIO_NET_F_MAC | 1 << VIRTIO_NET_F_GUEST_TSO4 |
			1 << VIRTIO_NET_F_GUEST_TSO6 | 1 << VIRTIO_NET_F_GUEST_ECN |
			1 << VIRTIO_NET_F_HOST_TSO4 | 1 << VIRTIO_NET_F_HOST_TSO6 |
			1 << VIRTIO_NET_F_HOST_ECN | 1 << VIRTIO_NET_F_MRG_RXBUF |
			1 << VIRTIO_NET_F_STATUS);
	out(VIRTIO_MMIO_QUEUE_SEL, 2);
	ck_assert_uint_eq(in(VIRTIO_MMIO_QUEUE_NUM_MAX), 0); /* two queues */
}
END_TEST

/* Nobody computes a checksum on a stream. */
START_TEST(what_a_stream_is)
{
	out(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	ck_assert_uint_eq(in(VIRTIO_MMIO_DEVICE_FEATURES)&0xFFFFFF,
		1 << VIRTIO_NET_F_MAC | 1 << VIRTIO_NET_F_MRG_RXBUF | 1 << VIRTIO_NET_F_STATUS);
}
END_TEST

START_TEST(sends)
{
	uint8_t got[4096];
	struct buffer b[3];
	int a, c;

	start_on(TX, shapes[_i]);
	fill(at(DATA_AT + HEADER), 100, 1);
	b[0] = buffer(0, HEADER + 100, false);
	a = driver_add(&drv, b, 1);
	/* The header and the frame in pieces. */
	b[0] = buffer(1000, 5, false);
	b[1] = buffer(2000, 27, false);
	b[2] = buffer(3000, 80, false);
	fill(at(DATA_AT + 2007), 20, 2);
	fill(at(DATA_AT + 3000), 80, 3);
	c = driver_add(&drv, b, 3);
	work(TX);
	expect_used(a, 0);
	expect_used(c, 0);
	ck_assert_int_eq(read(ends[0][1], got, sizeof(got)), HEADER + 100);
	expect_frame(got + HEADER, 1, 100);
	ck_assert_int_eq(read(ends[0][1], got, sizeof(got)), HEADER + 100);
	expect_frame(got + HEADER, 2, 20);
	expect_frame(got + HEADER + 20, 3, 80);
	ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), ALL_OK);
}
END_TEST

static unsigned used_when_told;

static void note_used(void *ctx, uint32_t gsi, bool asserted)
{
	if (asserted)
		used_when_told = *(uint16_t *)at(DEVICE_AT + offsetof(struct vring_used, idx));
	world_irq_set(ctx, gsi, asserted);
}

/* Of a split queue's first frame the driver hears before the second is moved. */
START_TEST(each_frame_is_told)
{
	start_on(_i, 0);
	w.m.services.irq_set = note_used;
	for (unsigned i = 0; i < 2; i++) {
		const struct buffer b = buffer(i * 2048, HEADER + 100, _i == RX);

		ck_assert_int_ge(driver_add(&drv, &b, 1), 0);
		if (_i == RX)
			send_frame(i, 100);
	}
	used_when_told = 0;
	work((unsigned)_i);
	ck_assert_uint_eq(used_when_told, 1);
	expect_used(0, _i == RX ? HEADER + 100 : 0);
	expect_used(1, _i == RX ? HEADER + 100 : 0);
}
END_TEST

START_TEST(receives)
{
	int ids[3];

	start_on(RX, shapes[_i]);
	send_frame(1, 60);
	unit_run_loop(loop, MS); /* no buffer yet */
	for (int i = 0; i < 3; i++)
		ids[i] = give((unsigned)i * 2048, 1530);
	work(RX);
	send_frame(2, 1514);
	unit_run_loop(loop, MS);
	expect_used(ids[0], HEADER + 60);
	expect_used(ids[1], HEADER + 1514);
	expect_none();
	expect_frame(at(DATA_AT + HEADER), 1, 60);
	expect_frame(at(DATA_AT + 2048 + HEADER), 2, 1514);
	ck_assert_uint_eq(buffers_at(0), 1);
	ck_assert_uint_eq(buffers_at(2048), 1);
	ck_assert(w.line);
	/* The next one, and one for which there is no buffer, until there is. */
	send_frame(3, 1518);
	send_frame(4, 70);
	unit_run_loop(loop, MS);
	expect_used(ids[2], HEADER + 1518);
	expect_none();
	ids[0] = give(0, 1530);
	work(RX);
	expect_used(ids[0], HEADER + 70);
	expect_frame(at(DATA_AT + HEADER), 4, 70);
}
END_TEST

/* What a buffer does not hold is dropped, and what follows is not. */
START_TEST(too_long)
{
	int id;

	start_on(RX, shapes[_i]);
	id = give(0, 1530);
	work(RX);
	send_frame(1, 3000);
	send_frame(2, 100);
	unit_run_loop(loop, MS);
	expect_used(id, HEADER + 100);
	expect_none();
	expect_frame(at(DATA_AT + HEADER), 2, 100);
}
END_TEST

/* A frame in as many buffers as it takes, even if the header is in several. */
START_TEST(merged)
{
	int ids[6];

	start_on(RX, shapes[_i] | MRG);
	for (int i = 0; i < 6; i++) {
		const struct buffer b[2] = {buffer((unsigned)i * 2048, 11, true),
			buffer((unsigned)i * 2048 + 11, 589, true)};

		ids[i] = driver_add(&drv, b, 2);
	}
	send_frame(1, 1500);
	send_frame(2, 50);
	work(RX);
	expect_used(ids[0], 600);
	expect_used(ids[1], 600);
	expect_used(ids[2], HEADER + 1500 - 1200);
	expect_used(ids[3], HEADER + 50);
	expect_none();
	ck_assert_uint_eq(buffers_at(0), 3);
	ck_assert_uint_eq(buffers_at(3 * 2048), 1);
	memmove(at(DATA_AT + 600), at(DATA_AT + 2048), 600);
	memmove(at(DATA_AT + 1200), at(DATA_AT + 2 * 2048), 312);
	expect_frame(at(DATA_AT + HEADER), 1, 1500);
	expect_frame(at(DATA_AT + 3 * 2048 + HEADER), 2, 50);
}
END_TEST

/* The driver sees all buffers of a frame, or none: also at the end of the ring. */
START_TEST(merged_for_long)
{
	unsigned next = 0, done = 0;
	int ids[SIZE];

	start_on(RX, shapes[_i] | MRG);
	for (unsigned i = 0; i < SIZE; i++)
		ids[next++ % SIZE] = give(i * 2048, 1530 / 3);
	work(RX);
	for (unsigned i = 0; i < 100; i++) {
		size_t size = 20 + i * 13;
		unsigned n = (unsigned)(HEADER + size + 509) / 510;

		send_frame(i, size);
		unit_run_loop(loop, MS / 10);
		for (unsigned k = 0; k < n; k++) {
			uint32_t len;
			unsigned id;

			ck_assert(driver_used(&drv, &id, &len));
			ck_assert_int_eq((int)id, ids[done++ % SIZE]);
		}
		expect_none();
		for (unsigned k = 0; k < n; k++) {
			ids[next % SIZE] = give(next % SIZE * 2048, 510);
			next++;
		}
		work(RX);
	}
	ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), ALL_OK);
}
END_TEST

/* A driver that never gives enough buffers gets what fits, a little later. */
START_TEST(few_buffers)
{
	int id;

	start_on(RX, shapes[_i] | MRG);
	id = give(0, 600);
	work(RX);
	send_frame(1, 100);
	unit_run_loop(loop, MS);
	expect_none();
	unit_run_loop(loop, 50 * MS);
	expect_used(id, HEADER + 100);
	/* From then on it does not wait. */
	send_frame(2, 1000);
	send_frame(3, 200);
	id = give(0, 600);
	work(RX);
	expect_used(id, HEADER + 200);
	expect_none();
}
END_TEST

START_TEST(broken_requests)
{
	const struct {
		unsigned queue, count;
		struct buffer b[2];
	} cases[] = {
		{RX, 1, {buffer(0, 100, false)}},
		{RX, 2, {buffer(0, 100, false), buffer(100, 1530, true)}},
		{RX, 1, {buffer(0, HEADER - 1, true)}},
		{TX, 1, {buffer(0, 100, true)}},
		{TX, 2, {buffer(0, 100, false), buffer(100, 100, true)}},
		{TX, 1, {buffer(0, HEADER - 1, false)}},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		start_on(cases[i].queue, shapes[_i]);
		driver_add(&drv, cases[i].b, cases[i].count);
		work(cases[i].queue);
		expect_broken();
	}
	start_on(TX, shapes[_i]);
	ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), ALL_OK);
}
END_TEST

/* Who does not take frames makes the queue wait, and nothing is lost. */
START_TEST(slow_reader)
{
	const struct buffer b = buffer(0, HEADER + 1000, false);
	unsigned sent = 0, received = 0, id;
	uint8_t got[4096];
	uint32_t len;

	start_on(TX, shapes[_i]);
	for (unsigned i = 0; i < 1000; i++) {
		while (driver_add(&drv, &b, 1) >= 0)
			;
		work(TX);
		if (!driver_used(&drv, &id, &len))
			break;
		sent++;
		while (driver_used(&drv, &id, &len))
			sent++;
	}
	ck_assert_uint_lt(sent, 1000);
	while (read(ends[0][1], got, sizeof(got)) == HEADER + 1000)
		received++;
	unit_run_loop(loop, MS);
	while (read(ends[0][1], got, sizeof(got)) == HEADER + 1000)
		received++;
	while (driver_used(&drv, &id, &len))
		sent++;
	ck_assert_uint_eq(received, sent);
	ck_assert_uint_gt(sent, SIZE);
}
END_TEST

START_TEST(reset_in_between)
{
	int id;

	start_on(RX, shapes[_i] | MRG);
	for (unsigned i = 0; i < 4; i++)
		give(i * 2048, 1530);
	work(RX);
	start_on(RX, shapes[_i]);
	send_frame(1, 60);
	unit_run_loop(loop, MS);
	ck_assert_uint_eq(*(uint8_t *)at(DATA_AT + HEADER), 0); /* not into the old buffers */
	id = give(8192, 1530);
	work(RX);
	expect_used(id, HEADER + 60);
	/* A device that is not set up does not look at its network again and again. */
	out(VIRTIO_MMIO_STATUS, 0);
	settle();
	send_frame(2, 60);
	unit_run_loop(loop, MS);
	ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), 0);
}
END_TEST

START_TEST(stream_both_ways)
{
	struct buffer b[2] = {buffer(0, HEADER, false), buffer(100, 200, false)};
	uint8_t got[512];
	int id;

	start_on(TX, shapes[_i]);
	fill(at(DATA_AT + 100), 200, 9);
	id = driver_add(&drv, b, 2);
	work(TX);
	expect_used(id, 0);
	ck_assert_int_eq(read(ends[0][1], got, sizeof(got)), 4 + 200);
	ck_assert_mem_eq(got, "\0\0\0\xC8", 4);
	expect_frame(got + 4, 9, 200);
	/* What is no frame goes nowhere. */
	b[1] = buffer(100, 13, false);
	id = driver_add(&drv, b, 2);
	work(TX);
	expect_used(id, 0);
	ck_assert_int_eq(read(ends[0][1], got, sizeof(got)), -1);

	start_on(RX, shapes[_i]);
	memset(at(DATA_AT), 0xFF, 4096);
	id = give(0, 1530);
	work(RX);
	stream_frame(5, 300);
	stream_frame(6, 2000); /* too long for the next buffer */
	stream_frame(7, 400);
	unit_run_loop(loop, MS);
	expect_used(id, HEADER + 300);
	ck_assert_mem_eq(at(DATA_AT), "\0\0\0\0\0\0\0\0\0\0\1\0", HEADER);
	expect_frame(at(DATA_AT + HEADER), 5, 300);
	id = give(2048, 1530);
	work(RX);
	expect_used(id, HEADER + 400);
	ck_assert_uint_eq(lost, 0);
}
END_TEST

/* Frames that come a byte at a time, and a long one in many buffers. */
START_TEST(stream_in_pieces)
{
	static uint8_t bytes[4 + 20000];
	uint32_t length = htonl(20000);
	uint32_t len, total = 0;
	unsigned id, n = 0;

	start_on(RX, shapes[_i] | MRG);
	for (unsigned i = 0; i < SIZE; i++)
		give(i * 2048, 1500);
	work(RX);
	memcpy(bytes, &length, 4);
	fill(bytes + 4, 20000, 1);
	for (unsigned i = 0; i < 100; i++) {
		send_raw(bytes + i, 1);
		unit_run_loop(loop, MS / 20);
	}
	send_raw(bytes + 100, sizeof(bytes) - 100);
	unit_run_loop(loop, MS);
	for (; driver_used(&drv, &id, &len); n++) {
		memmove(at(DATA_AT + n * 1500), at(DATA_AT + n * 2048), 1500);
		total += len;
	}
	ck_assert_uint_eq(n, 14);
	ck_assert_uint_eq(total, HEADER + 20000);
	expect_frame(at(DATA_AT + HEADER), 1, 20000);
	ck_assert_uint_eq(buffers_at(0), 14);
}
END_TEST

/* A reader that takes part of a frame gets the rest of it later, and then the next one. */
START_TEST(stream_slow_reader)
{
	static uint8_t all[16 << 20];
	const struct buffer b = buffer(0, HEADER + 1000, false);
	size_t size = 0;
	unsigned id;
	uint32_t len;
	ssize_t n;
	int small = 4096;

	ck_assert_int_eq(setsockopt(ends[0][0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
	start_on(TX, shapes[_i]);
	fill(at(DATA_AT + HEADER), 1000, 1);
	for (unsigned i = 0; i < 50; i++) {
		while (driver_add(&drv, &b, 1) >= 0)
			;
		work(TX);
		while (driver_used(&drv, &id, &len))
			;
		n = read(ends[0][1], all + size, 700);
		size += n > 0 ? (size_t)n : 0;
	}
	for (unsigned idle = 0; idle < 3;) {
		n = read(ends[0][1], all + size, sizeof(all) - size);
		size += n > 0 ? (size_t)n : 0;
		idle = n > 0 ? 0 : idle + 1;
		unit_run_loop(loop, MS / 10);
	}
	ck_assert_uint_gt(size / 1004, SIZE);
	ck_assert_uint_eq(size % 1004, 0);
	for (size_t i = 0; i < size; i += 1004) {
		expect(memcmp(all + i, "\0\0\3\xE8", 4) == 0);
		expect(memcmp(all + i + 4, at(DATA_AT + HEADER), 1000) == 0);
	}
}
END_TEST

static void expect_lost(void)
{
	const struct buffer b = buffer(0, HEADER + 60, false);
	int id;

	unit_run_loop(loop, MS);
	ck_assert_uint_eq(lost, 1);
	ck_assert_uint_eq(link_status(), 0);
	ck_assert_uint_eq(
		in(VIRTIO_MMIO_INTERRUPT_STATUS)&VIRTIO_MMIO_INT_CONFIG, VIRTIO_MMIO_INT_CONFIG);
	ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), ALL_OK);
	/* What is sent goes nowhere, and the driver does not wait for it. */
	start_on(TX, 0);
	ck_assert_uint_eq(link_status(), 0);
	id = driver_add(&drv, &b, 1);
	work(TX);
	expect_used(id, 0);
	ck_assert_uint_eq(lost, 1);
}

START_TEST(stream_nonsense)
{
	const char *const lengths[] = {
		"\0\0\0\0", "\0\0\0\x0D", "\0\1\0\0", "\xFF\xFF\xFF\xFF", "\x80\0\0\0"};

	start_on(RX, 0);
	give(0, 1530);
	work(RX);
	send_raw(lengths[_i], 4);
	expect_lost();
}
END_TEST

START_TEST(stream_ends)
{
	start_on(RX, 0);
	give(0, 1530);
	work(RX);
	if (_i)
		send_raw("\0\0\1\0abcd", 8);
	shutdown(ends[0][1], SHUT_RDWR);
	expect_lost();
}
END_TEST

/* ---- several pairs ---- */

static void setup_pairs(void)
{
	make(VIRTIO_NET_TAP, 3);
}

/* A driver of one pair finds the control queue behind it. */
START_TEST(control_without_pairs)
{
	out(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	ck_assert_uint_eq(in(VIRTIO_MMIO_DEVICE_FEATURES) & (CTRL | MQ), CTRL | MQ);
	ck_assert_uint_eq(in(VIRTIO_MMIO_CONFIG + 8) & 0xFFFF, 3);
	out(VIRTIO_MMIO_QUEUE_SEL, 6);
	ck_assert_uint_ne(in(VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
	out(VIRTIO_MMIO_QUEUE_SEL, 7);
	ck_assert_uint_eq(in(VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
}
END_TEST

/* Only seen whether it can be: no loop, nothing behind it. */
START_TEST(dry)
{
	const struct virtio_net_setup s = {
		.pairs = 4, .fds = {-1, -1, -1, -1}, .vhost_fds = {-1, -1, -1, -1}};
	struct virtio_device *v;

	ck_assert_int_eq(virtio_net_create(&w.m, &s, &v), 0);
	virtio_destroy(v);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("virtio/net");
	TCase *tc = tcase_create("packets");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, what_it_is);
	tcase_add_loop_test(tc, sends, 0, SHAPES);
	tcase_add_loop_test(tc, each_frame_is_told, RX, TX + 1);
	tcase_add_loop_test(tc, receives, 0, SHAPES);
	tcase_add_loop_test(tc, too_long, 0, SHAPES);
	tcase_add_loop_test(tc, merged, 0, SHAPES);
	tcase_add_loop_test(tc, merged_for_long, 0, SHAPES);
	tcase_add_loop_test(tc, few_buffers, 0, SHAPES);
	tcase_add_loop_test(tc, broken_requests, 0, SHAPES);
	tcase_add_loop_test(tc, slow_reader, 0, SHAPES);
	tcase_add_loop_test(tc, reset_in_between, 0, SHAPES);
	tcase_add_test(tc, dry);
	suite_add_tcase(s, tc);
	tc = tcase_create("stream");
	tcase_add_checked_fixture(tc, setup_stream, teardown);
	tcase_add_test(tc, what_a_stream_is);
	tcase_add_loop_test(tc, stream_both_ways, 0, SHAPES);
	tcase_add_loop_test(tc, stream_in_pieces, 0, SHAPES);
	tcase_add_loop_test(tc, stream_slow_reader, 0, SHAPES);
	tcase_add_loop_test(tc, stream_nonsense, 0, 5);
	tcase_add_loop_test(tc, stream_ends, 0, 2);
	suite_add_tcase(s, tc);
	tc = tcase_create("pairs");
	tcase_add_checked_fixture(tc, setup_pairs, teardown);
	tcase_add_test(tc, control_without_pairs);
	suite_add_tcase(s, tc);
	return s;
}
