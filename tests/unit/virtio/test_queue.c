/* SPDX-License-Identifier: BSD-3-Clause */
#include "devices/virtio/queue.h"
#include "lib/util.h"
#include "tests/unit/unit.h"
#include "tests/unit/virtio/driver.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#define PACKED    ((uint64_t)1 << VIRTIO_F_RING_PACKED)
#define INDIRECT  ((uint64_t)1 << VIRTIO_RING_F_INDIRECT_DESC)
#define EVENT_IDX ((uint64_t)1 << VIRTIO_RING_F_EVENT_IDX)

/* Of the loop tests: each combination that shapes a queue. */
static const uint64_t shapes[] = {0, INDIRECT, EVENT_IDX, INDIRECT | EVENT_IDX, PACKED,
	PACKED | INDIRECT, PACKED | EVENT_IDX, PACKED | INDIRECT | EVENT_IDX};

#define SHAPES ((int)ARRAY_SIZE(shapes))
#define SIZE   16

static struct gmem mem;
static struct driver drv;
static struct virtq q;
static struct virtq_chain chain;

static void setup(void)
{
	mem = (struct gmem){0};
	ck_assert_int_eq(gmem_add(&mem, RAM_BASE, sizeof(ram), ram), 0);
}

static void start(uint64_t features, uint16_t size)
{
	struct virtq_layout layout;

	driver_init(&drv, features, size);
	layout = driver_layout(&drv);
	ck_assert_int_eq(virtq_init(&q, &mem, &layout), 0);
}

static gpa_t data(unsigned offset)
{
	return RAM_BASE + DATA_AT + offset;
}

static struct buffer readable(unsigned offset, uint32_t len)
{
	return (struct buffer){.addr = data(offset), .len = len};
}

static struct buffer writable(unsigned offset, uint32_t len)
{
	return (struct buffer){.addr = data(offset), .len = len, .write = true};
}

static int add_one(void)
{
	struct buffer b = writable(0, 64);

	return driver_add(&drv, &b, 1);
}

static int pop(void)
{
	return virtq_pop(&q, &chain);
}

/* ---- setting up ---- */

START_TEST(queue_sizes)
{
	static const struct {
		unsigned size;
		int split, packed;
	} sizes[] = {{0, -EINVAL, -EINVAL}, {1, 0, 0}, {3, -EINVAL, 0}, {128, 0, 0},
		{255, -EINVAL, 0}, {256, 0, 0}, {257, -EINVAL, -EINVAL}, {512, -EINVAL, -EINVAL},
		{65535, -EINVAL, -EINVAL}};

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		driver_init(&drv, 0, (uint16_t)sizes[i].size);
		struct virtq_layout l = driver_layout(&drv);

		ck_assert_int_eq(virtq_init(&q, &mem, &l), sizes[i].split);
		l.features = PACKED;
		ck_assert_int_eq(virtq_init(&q, &mem, &l), sizes[i].packed);
	}
}
END_TEST

START_TEST(area_alignment)
{
	static const unsigned align[2][3] = {{16, 2, 4}, {16, 4, 4}};

	for (unsigned packed = 0; packed < 2; packed++) {
		for (unsigned area = 0; area < 3; area++) {
			for (unsigned off = 1; off <= 16; off++) {
				int want = off % align[packed][area] ? -EINVAL : 0;

				driver_init(&drv, packed ? PACKED : 0, SIZE);
				struct virtq_layout l = driver_layout(&drv);
				gpa_t *areas[] = {&l.desc, &l.driver, &l.device};

				*areas[area] += off;
				ck_assert_int_eq(virtq_init(&q, &mem, &l), want);
			}
		}
	}
}
END_TEST

/* Wholly in guest memory, to the last byte. */
START_TEST(area_bounds)
{
	static const unsigned bytes[2][3] = {
		{16 * SIZE, 6 + 2 * SIZE, 8 * SIZE + 6}, {16 * SIZE, 4, 4}};
	static const unsigned align[2][3] = {{16, 2, 4}, {16, 4, 4}};

	for (unsigned packed = 0; packed < 2; packed++) {
		for (unsigned area = 0; area < 3; area++) {
			driver_init(&drv, packed ? PACKED : 0, SIZE);
			struct virtq_layout l = driver_layout(&drv);
			gpa_t *areas[] = {&l.desc, &l.driver, &l.device};
			gpa_t last = align_down(
				RAM_BASE + RAM_SIZE - bytes[packed][area], align[packed][area]);
			const gpa_t outside[] = {last + align[packed][area], RAM_BASE + RAM_SIZE, 0,
				RAM_BASE - 16, 0xFFFFFFFFFFFFFFF0};

			*areas[area] = last;
			ck_assert_int_eq(virtq_init(&q, &mem, &l), 0);
			for (unsigned i = 0; i < ARRAY_SIZE(outside); i++) {
				memset(&q, 0x5A, sizeof(q));
				*areas[area] = outside[i];
				ck_assert_int_eq(virtq_init(&q, &mem, &l), -EFAULT);
				ck_assert_uint_eq(q.size, 0x5A5A); /* untouched */
			}
		}
	}
}
END_TEST

/* ---- requests ---- */

START_TEST(empty)
{
	start(shapes[_i], SIZE);
	ck_assert_int_eq(pop(), -EAGAIN);
	add_one();
	ck_assert_int_eq(pop(), 0);
	ck_assert_int_eq(pop(), -EAGAIN);
}
END_TEST

START_TEST(round_trip)
{
	const struct buffer b[] = {readable(0, 5), readable(100, 7), writable(200, 3),
		writable(300, 1), writable(400, 12)};
	unsigned id;
	uint32_t len;
	char text[32];

	start(shapes[_i], SIZE);
	memcpy(at(DATA_AT), "hello", 5);
	memcpy(at(DATA_AT + 100), ", world", 7);
	int added = driver_add(&drv, b, 5);
	ck_assert_int_eq(pop(), 0);
	ck_assert_uint_eq(chain.readable, 2);
	ck_assert_uint_eq(chain.writable, 3);
	ck_assert_uint_eq(chain.readable_size, 12);
	ck_assert_uint_eq(chain.writable_size, 16);
	ck_assert_ptr_eq(chain.iov[3].iov_base, at(DATA_AT + 300));
	ck_assert_uint_eq(virtq_chain_read(&chain, 0, text, sizeof(text)), 12);
	ck_assert_mem_eq(text, "hello, world", 12);
	ck_assert_uint_eq(virtq_chain_write(&chain, 0, "good-bye, moon!!", 16), 16);
	ck_assert(!driver_used(&drv, &id, &len));
	virtq_push(&q, &chain, 16);
	ck_assert(driver_used(&drv, &id, &len));
	ck_assert_int_eq((int)id, added);
	ck_assert_uint_eq(len, 16);
	ck_assert_mem_eq(at(DATA_AT + 200), "goo", 3);
	ck_assert_mem_eq(at(DATA_AT + 300), "d", 1);
	ck_assert_mem_eq(at(DATA_AT + 400), "-bye, moon!!", 12);
	ck_assert(!driver_used(&drv, &id, &len));
	ck_assert_uint_eq(q.in_flight, 0);
	ck_assert_uint_eq(drv.free, SIZE);
}
END_TEST

/* What a device that wrote nothing gives back. */
START_TEST(nothing_written)
{
	const struct buffer b = readable(0, 5);
	unsigned id;
	uint32_t len;

	start(shapes[_i], SIZE);
	driver_add(&drv, &b, 1);
	ck_assert_int_eq(pop(), 0);
	ck_assert_uint_eq(chain.writable, 0);
	virtq_push(&q, &chain, 0);
	ck_assert(driver_used(&drv, &id, &len));
	ck_assert_uint_eq(len, 0);
}
END_TEST

START_TEST(parts_of_chains)
{
	const struct buffer b[] = {
		readable(0, 4), readable(10, 4), writable(20, 4), writable(30, 4)};
	struct iovec part[2];
	char text[9] = {0};

	start(shapes[_i], SIZE);
	memcpy(at(DATA_AT), "0123------4567", 14);
	memset(at(DATA_AT + 20), '.', 20);
	driver_add(&drv, b, 4);
	ck_assert_int_eq(pop(), 0);
	ck_assert_uint_eq(virtq_chain_read(&chain, 2, text, 4), 4);
	ck_assert_str_eq(text, "2345");
	ck_assert_uint_eq(virtq_chain_read(&chain, 4, text, 8), 4);
	ck_assert_str_eq(text, "4567");
	ck_assert_uint_eq(virtq_chain_read(&chain, 8, text, 8), 0);
	ck_assert_uint_eq(virtq_chain_read(&chain, SIZE_MAX, text, 8), 0);
	ck_assert_uint_eq(virtq_chain_read(&chain, 0, text, 0), 0);
	ck_assert_uint_eq(virtq_chain_write(&chain, 3, "ab", 2), 2);
	ck_assert_uint_eq(virtq_chain_write(&chain, 7, "yz", 2), 1);
	ck_assert_mem_eq(at(DATA_AT + 20), "...a......b..y......", 20);
	/* As buffers. */
	ck_assert_uint_eq(virtq_iov_slice(chain.iov, chain.readable, 1, 5, part), 2);
	ck_assert_ptr_eq(part[0].iov_base, at(DATA_AT + 1));
	ck_assert_uint_eq(part[0].iov_len, 3);
	ck_assert_ptr_eq(part[1].iov_base, at(DATA_AT + 10));
	ck_assert_uint_eq(part[1].iov_len, 2);
	ck_assert_uint_eq(virtq_iov_slice(chain.iov, chain.readable, 4, 4, part), 1);
	ck_assert_uint_eq(virtq_iov_slice(chain.iov, chain.readable, 6, SIZE_MAX, part), 1);
	ck_assert_uint_eq(part[0].iov_len, 2);
	ck_assert_uint_eq(virtq_iov_slice(chain.iov, chain.readable, 0, 0, part), 0);
	ck_assert_uint_eq(virtq_iov_slice(chain.iov, chain.readable, 8, 1, part), 0);
}
END_TEST

/* Empty buffers are nobody's, wherever they are. */
START_TEST(empty_buffers)
{
	const struct buffer b[] = {{.addr = 1}, readable(0, 4), {.addr = UINT64_MAX, .write = true},
		{.addr = 0}, writable(8, 4)};

	start(shapes[_i], SIZE);
	driver_add(&drv, b, 5);
	ck_assert_int_eq(pop(), 0);
	ck_assert_uint_eq(chain.readable, 1);
	ck_assert_uint_eq(chain.writable, 1);
	driver_add(&drv, b, 1);
	ck_assert_int_eq(pop(), 0);
	ck_assert_uint_eq(chain.readable + chain.writable, 0);
}
END_TEST

START_TEST(unpop)
{
	const struct buffer b[] = {writable(0, 1), writable(10, 2), writable(20, 3)};
	unsigned id;
	uint32_t len;

	start(shapes[_i], 4);
	/* Three entries each: it happens at every place of a packed ring, the wrap included. */
	for (unsigned i = 0; i < 9; i++) {
		int added = driver_add(&drv, b, 3);

		ck_assert_int_eq(pop(), 0);
		virtq_unpop(&q, &chain);
		ck_assert_uint_eq(q.in_flight, 0);
		memset(&chain, 0, sizeof(chain));
		ck_assert_int_eq(pop(), 0);
		ck_assert_uint_eq(chain.writable_size, 6);
		virtq_push(&q, &chain, i % 7);
		ck_assert(driver_used(&drv, &id, &len));
		ck_assert_int_eq((int)id, added);
		ck_assert_uint_eq(len, i % 7);
		ck_assert_int_eq(pop(), -EAGAIN);
	}
}
END_TEST

/* The longest chain that there may be, without and with a table. */
START_TEST(longest_chain)
{
	struct buffer b[VIRTQ_IOV_MAX];

	for (unsigned i = 0; i < ARRAY_SIZE(b); i++)
		b[i] = writable(i, 1);
	start(shapes[_i], VIRTQ_SIZE_MAX);
	ck_assert_int_ge(driver_add(&drv, b, VIRTQ_SIZE_MAX), 0);
	ck_assert_int_eq(pop(), 0);
	ck_assert_uint_eq(chain.writable, VIRTQ_SIZE_MAX);
	if (!driver_has(&drv, VIRTIO_RING_F_INDIRECT_DESC))
		return;
	/* In a queue of one entry. */
	start(shapes[_i], 1);
	ck_assert_int_ge(driver_add_indirect(&drv, b, INDIRECT_MAX), 0);
	ck_assert_int_eq(pop(), 0);
	ck_assert_uint_eq(chain.writable, INDIRECT_MAX);
	ck_assert_uint_eq(chain.slots, 1);
}
END_TEST

/* Normal descriptors, then one that refers to a table [VIRTIO 1.2 2.7.5.3.2]. */
START_TEST(mixed_indirect)
{
	const struct buffer tail[] = {readable(50, 6), writable(60, 7)};
	const struct buffer head = readable(0, 5);

	start(INDIRECT, SIZE);
	driver_add_indirect(&drv, tail, 2);
	drv.next_avail--;
	drv.added--;
	/* The write flag of it is ignored. */
	split_desc(0)->flags |= VRING_DESC_F_WRITE;
	*split_desc(9) = split_desc_of(&head, true, 0);
	split_offer(&drv, 9);
	ck_assert_int_eq(pop(), 0);
	ck_assert_uint_eq(chain.id, 9);
	ck_assert_uint_eq(chain.readable_size, 11);
	ck_assert_uint_eq(chain.writable_size, 7);
}
END_TEST

/* ---- a long life ---- */

static uint32_t seed;

static unsigned any(unsigned below)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % below;
}

/* What is with the device, and what the driver expects back. */
struct life {
	struct virtq_chain popped[SIZE]; /* in the order of their coming */
	unsigned count;
	uint32_t sizes[SIZE];   /* by id */
	uint32_t written[SIZE]; /* by id */
	unsigned returned;
	bool kicked, interrupted;
};

static struct life life;

static void life_driver_adds(void)
{
	struct buffer b[5];
	unsigned n = 1 + any(5);
	uint32_t size = 0;
	int id;

	for (unsigned i = 0; i < n; i++) {
		b[i] = writable(i * 256, 1 + any(200));
		size += b[i].len;
	}
	if (driver_has(&drv, VIRTIO_RING_F_INDIRECT_DESC) && any(2))
		id = driver_add_indirect(&drv, b, n);
	else
		id = driver_add(&drv, b, n);
	if (id >= 0)
		life.sizes[id] = size;
	if (driver_wants_kick(&drv))
		life.kicked = true;
}

/* Works when it was kicked, until there is nothing; then asks for kicks. */
static void life_device_pops(void)
{
	int ret;

	if (!life.kicked)
		return;
	virtq_kicks_stop(&q);
	while (life.count < SIZE && any(8)) {
		ret = virtq_pop(&q, &life.popped[life.count]);
		if (ret) {
			expect(ret == -EAGAIN);
			expect(!virtq_kicks_start(&q)); /* nobody adds meanwhile */
			life.kicked = false;
			return;
		}
		expect(life.popped[life.count].writable_size ==
			life.sizes[life.popped[life.count].id]);
		life.count++;
	}
}

static void life_device_pushes(void)
{
	while (life.count && any(4)) {
		unsigned i = any(life.count);
		struct virtq_chain *c = &life.popped[i];
		uint32_t written = any(c->writable_size + 1);

		life.written[c->id] = written;
		virtq_push(&q, c, written);
		*c = life.popped[--life.count];
	}
	if (virtq_interrupt_needed(&q))
		life.interrupted = true;
}

static void life_driver_takes(void)
{
	unsigned id;
	uint32_t len;

	if (!life.interrupted)
		return;
	life.interrupted = false;
	driver_interrupts_off(&drv);
	for (;;) {
		while (driver_used(&drv, &id, &len)) {
			expect(len == life.written[id]);
			life.returned++;
		}
		driver_interrupts_on(&drv);
		if (is_packed(&drv) || used_ring()->idx == drv.next_used)
			break;
	}
}

/*
 * Both sides sleep until they are told of work: if a notification is lost, the life ends early. The
 * indices of a split ring go round.
 */
START_TEST(long_life)
{
	seed = (uint32_t)_i + 1;
	life = (struct life){0};
	start(shapes[_i], SIZE);
	for (unsigned i = 0; i < 400000; i++) {
		switch (any(4)) {
		case 0:
			life_driver_adds();
			break;
		case 1:
			life_device_pops();
			break;
		case 2:
			life_device_pushes();
			break;
		case 3:
			life_driver_takes();
			break;
		}
	}
	ck_assert_uint_gt(life.returned, 70000);
}
END_TEST

/* ---- two threads ---- */

#define REQUESTS 20000
#define LOST_MS  10000 /* nothing takes so long */

static int kick_fd, interrupt_fd;

static bool wait_for(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	eventfd_t count;

	return poll(&p, 1, LOST_MS) == 1 && !eventfd_read(fd, &count);
}

/* The device's: sleeps when there is nothing, after it has asked to be woken. NULL, or what went
 * wrong. */
static void *device_thread(void *arg)
{
	unsigned served = 0;

	(void)arg;
	while (served < REQUESTS) {
		int ret = pop();

		if (ret == -EBADMSG)
			return "malformed";
		if (!ret) {
			virtq_chain_write(&chain, 0, &served, sizeof(served));
			virtq_push(&q, &chain, sizeof(served));
			served++;
		}
		if (virtq_interrupt_needed(&q))
			eventfd_write(interrupt_fd, 1);
		if (ret && !virtq_kicks_start(&q) && !wait_for(kick_fd))
			return "a kick was lost";
		if (ret)
			virtq_kicks_stop(&q);
	}
	return NULL;
}

/* Each request has memory that no other one in work has. */
static struct buffer request(unsigned n)
{
	return writable(n % 64 * 64, sizeof(n));
}

/* How many came back, in the order in which they went; -1 when one was not served. */
static int take_served(unsigned returned)
{
	unsigned id, number, n = 0;
	uint32_t len;

	while (driver_used(&drv, &id, &len)) {
		struct buffer b = request(returned + n);

		memcpy(&number, at(b.addr - RAM_BASE), sizeof(number));
		if (len != sizeof(number) || number != returned + n)
			return -1;
		n++;
	}
	return (int)n;
}

/* The driver's side: in a small ring both sleep often. NULL, or what went wrong. */
static const char *drive(void)
{
	unsigned added = 0, returned = 0;
	bool asked = false; /* to be woken */

	while (returned < REQUESTS) {
		struct buffer b = request(added);
		int n;

		while (added < REQUESTS && driver_add(&drv, &b, 1) >= 0)
			b = request(++added);
		if (driver_wants_kick(&drv))
			eventfd_write(kick_fd, 1);
		n = take_served(returned);
		if (n < 0)
			return "a buffer came back before it was written";
		returned += (unsigned)n;
		if (n) {
			driver_interrupts_off(&drv);
			asked = false;
		} else if (!asked) {
			driver_interrupts_on(&drv);
			asked = true;
		} else if (!wait_for(interrupt_fd)) {
			return "an interrupt was lost";
		}
	}
	return NULL;
}

/* If either misses what the other wrote before it went to sleep, both sleep for good. */
START_TEST(two_threads)
{
	const char *drivers;
	pthread_t thread;
	void *devices;

	start(shapes[_i], 4);
	kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	interrupt_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ck_assert_int_eq(pthread_create(&thread, NULL, device_thread, NULL), 0);
	drivers = drive();
	pthread_join(thread, &devices);
	ck_assert_msg(!drivers && !devices, "%s; %s", drivers ?: "", (char *)devices ?: "");
	close(kick_fd);
	close(interrupt_fd);
}
END_TEST

/* ---- notifications ---- */

START_TEST(kicks)
{
	start(shapes[_i], SIZE);
	ck_assert(!virtq_kicks_start(&q));
	add_one();
	ck_assert(driver_wants_kick(&drv));
	virtq_kicks_stop(&q);
	ck_assert_int_eq(pop(), 0);
	for (unsigned i = 0; i < 5; i++) {
		add_one();
		ck_assert(!driver_wants_kick(&drv));
	}
	/* They came before we asked again. */
	ck_assert(virtq_kicks_start(&q));
	for (unsigned i = 0; i < 5; i++)
		ck_assert_int_eq(pop(), 0);
	ck_assert(!virtq_kicks_start(&q));
	add_one();
	ck_assert(driver_wants_kick(&drv));
}
END_TEST

static void push_one(void)
{
	ck_assert_int_ge(add_one(), 0);
	ck_assert_int_eq(pop(), 0);
	virtq_push(&q, &chain, 1);
}

START_TEST(interrupts)
{
	unsigned id;
	uint32_t len;

	start(shapes[_i], SIZE);
	ck_assert(!virtq_interrupt_needed(&q));
	driver_interrupts_on(&drv);
	push_one();
	ck_assert(virtq_interrupt_needed(&q));
	ck_assert(!virtq_interrupt_needed(&q)); /* once is enough */
	driver_interrupts_off(&drv);
	for (unsigned i = 0; i < 3; i++) {
		push_one();
		ck_assert(!virtq_interrupt_needed(&q));
	}
	while (driver_used(&drv, &id, &len))
		;
	driver_interrupts_on(&drv);
	ck_assert(!virtq_interrupt_needed(&q));
	push_one();
	push_one();
	push_one();
	ck_assert(virtq_interrupt_needed(&q));
	/* With an event index the driver need not switch it off: it is behind. */
	push_one();
	ck_assert(virtq_interrupt_needed(&q) != driver_has(&drv, VIRTIO_RING_F_EVENT_IDX));
}
END_TEST

/* The event is that of one entry and no other, also beyond the end of the ring. */
START_TEST(event_index)
{
	start(shapes[_i] | EVENT_IDX, shapes[_i] & PACKED ? 5 : 8);
	for (unsigned i = 0; i < 50; i++) {
		unsigned id, wait = i % drv.size;
		uint32_t len;

		driver_interrupts_on(&drv);
		if (!is_packed(&drv)) {
			*used_event(&drv) = (uint16_t)(drv.next_used + wait);
		} else {
			unsigned to = drv.next_used + wait;
			unsigned wrap = drv.used_wrap ^ (to >= drv.size);

			driver_event()->off_wrap = (uint16_t)(to % drv.size | wrap << 15);
		}
		for (unsigned k = 0; k <= wait; k++) {
			push_one();
			ck_assert_msg(virtq_interrupt_needed(&q) == (k == wait), "%u: %u of %u", i,
				k, wait);
		}
		for (unsigned k = 0; k <= wait; k++)
			ck_assert(driver_used(&drv, &id, &len));
	}
}
END_TEST

/* Flags that the other kind of driver would use mean nothing. */
START_TEST(event_flags)
{
	start(EVENT_IDX, SIZE);
	avail_ring()->flags = VRING_AVAIL_F_NO_INTERRUPT;
	push_one();
	ck_assert(virtq_interrupt_needed(&q));
	virtq_kicks_stop(&q);
	ck_assert_uint_eq(used_ring()->flags, 0); /* MUST [VIRTIO 1.2 2.7.10.2] */

	start(PACKED, SIZE);
	driver_event()->flags = VRING_PACKED_EVENT_FLAG_DESC; /* not negotiated */
	driver_event()->off_wrap = 7;
	push_one();
	ck_assert(virtq_interrupt_needed(&q));
	start(PACKED | EVENT_IDX, SIZE);
	driver_event()->flags = VRING_PACKED_EVENT_FLAG_DISABLE;
	push_one();
	ck_assert(!virtq_interrupt_needed(&q));
	driver_event()->flags = VRING_PACKED_EVENT_FLAG_ENABLE;
	push_one();
	ck_assert(virtq_interrupt_needed(&q));
}
END_TEST

/* ---- malformed rings ---- */

static const uint64_t formats[] = {INDIRECT, PACKED | INDIRECT};

#define bad_chain(...)                                                                             \
	do {                                                                                       \
		const struct buffer bad_list[] = {__VA_ARGS__};                                    \
		start(formats[_i], SIZE);                                                          \
		driver_add(&drv, bad_list, ARRAY_SIZE(bad_list));                                  \
		ck_assert_int_eq(pop(), -EBADMSG);                                                 \
		start(formats[_i], SIZE);                                                          \
		driver_add_indirect(&drv, bad_list, ARRAY_SIZE(bad_list));                         \
		ck_assert_int_eq(pop(), -EBADMSG);                                                 \
	} while (0)

START_TEST(bad_buffers)
{
	/* Readable after writable. */
	bad_chain(writable(0, 1), readable(1, 1));
	bad_chain(readable(0, 1), writable(1, 1), readable(2, 1));
	/* Not in memory, or not wholly. */
	bad_chain({.addr = 0, .len = 1});
	bad_chain(readable(0, 1), {.addr = RAM_BASE - 1, .len = 2, .write = true});
	bad_chain({.addr = RAM_BASE + RAM_SIZE - 1, .len = 2});
	bad_chain({.addr = RAM_BASE + RAM_SIZE, .len = 1});
	bad_chain({.addr = UINT64_MAX, .len = 1});
	bad_chain({.addr = UINT64_MAX - 1, .len = UINT32_MAX});
	bad_chain({.addr = RAM_BASE, .len = UINT32_MAX});
}
END_TEST

/* 2^32 bytes; one less is fine. */
START_TEST(bad_total)
{
	const size_t big = (size_t)8 << 30;
	void *hva = mmap(NULL, big, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct buffer b[] = {{.addr = (uint64_t)1 << 33, .len = 0x80000000},
		{.addr = (uint64_t)3 << 32, .len = 0x7FFFFFFF, .write = true},
		{.addr = (uint64_t)1 << 33, .len = 1, .write = true}};

	ck_assert_ptr_ne(hva, MAP_FAILED);
	ck_assert_int_eq(gmem_add(&mem, (uint64_t)1 << 33, big, hva), 0);
	start(formats[_i], SIZE);
	driver_add(&drv, b, 2);
	ck_assert_int_eq(pop(), 0);
	ck_assert_uint_eq(chain.readable_size + chain.writable_size, UINT32_MAX);
	driver_add(&drv, b, 3);
	ck_assert_int_eq(pop(), -EBADMSG);
	munmap(hva, big);
}
END_TEST

START_TEST(bad_tables)
{
	const struct buffer b[] = {readable(0, 1), writable(1, 1)};
	static const struct {
		uint64_t addr;
		uint32_t len;
	} tables[] = {{RAM_BASE + INDIRECT_AT, 0}, {RAM_BASE + INDIRECT_AT, 15},
		{RAM_BASE + INDIRECT_AT, 33}, {RAM_BASE + INDIRECT_AT, 16 * (VIRTQ_IOV_MAX + 1)},
		{RAM_BASE + INDIRECT_AT, UINT32_MAX & ~15u}, {RAM_BASE + RAM_SIZE - 16, 32},
		{0, 32}, {UINT64_MAX - 15, 32}};

	for (unsigned i = 0; i < ARRAY_SIZE(tables); i++) {
		start(formats[_i], SIZE);
		driver_add_indirect(&drv, b, 2);
		if (is_packed(&drv)) {
			packed_desc(0)->addr = tables[i].addr;
			packed_desc(0)->len = tables[i].len;
		} else {
			split_desc(0)->addr = tables[i].addr;
			split_desc(0)->len = tables[i].len;
		}
		ck_assert_msg(pop() == -EBADMSG, "table %u", i);
	}
	/* Not negotiated. */
	start(formats[_i] & ~INDIRECT, SIZE);
	driver_add_indirect(&drv, b, 2);
	ck_assert_int_eq(pop(), -EBADMSG);
	/* One that is not aligned is fine, and so is the longest. */
	start(formats[_i], SIZE);
	memset(at(INDIRECT_AT), 0, 65536);
	driver_add_indirect(&drv, b, 1);
	if (is_packed(&drv)) {
		packed_desc(0)->addr += 16 * 9 + 3;
		packed_desc(0)->len = 16 * VIRTQ_IOV_MAX;
	} else {
		split_desc(0)->addr += 16 * 9 + 3;
		split_desc(0)->len = 16 * VIRTQ_IOV_MAX;
	}
	ck_assert_int_eq(pop(), 0);
	ck_assert_uint_eq(chain.readable + chain.writable, 0);
}
END_TEST

START_TEST(bad_split_chains)
{
	const struct buffer b[] = {readable(0, 1), readable(1, 1), readable(2, 1)};
	struct vring_desc *table = at(INDIRECT_AT);

	/* Circles, of three, of one, and in a table. */
	start(INDIRECT, SIZE);
	driver_add(&drv, b, 3);
	split_desc(2)->flags |= VRING_DESC_F_NEXT;
	ck_assert_int_eq(pop(), -EBADMSG);
	start(INDIRECT, SIZE);
	driver_add(&drv, b, 1);
	split_desc(0)->flags |= VRING_DESC_F_NEXT;
	ck_assert_int_eq(pop(), -EBADMSG);
	start(INDIRECT, SIZE);
	driver_add_indirect(&drv, b, 3);
	table[2].flags |= VRING_DESC_F_NEXT;
	ck_assert_int_eq(pop(), -EBADMSG);
	/* Beyond the ring, beyond a table. */
	start(INDIRECT, SIZE);
	driver_add(&drv, b, 2);
	split_desc(0)->next = SIZE;
	ck_assert_int_eq(pop(), -EBADMSG);
	start(INDIRECT, SIZE);
	driver_add_indirect(&drv, b, 3);
	table[0].next = 3;
	ck_assert_int_eq(pop(), -EBADMSG);
	/* A table in a table; a table in the middle. */
	start(INDIRECT, SIZE);
	driver_add_indirect(&drv, b, 3);
	table[2] = *split_desc(0);
	ck_assert_int_eq(pop(), -EBADMSG);
	start(INDIRECT, SIZE);
	driver_add_indirect(&drv, b, 3);
	split_desc(0)->flags |= VRING_DESC_F_NEXT;
	ck_assert_int_eq(pop(), -EBADMSG);
}
END_TEST

START_TEST(bad_split_rings)
{
	/* Heads that are no descriptors. */
	start(0, SIZE);
	split_offer(&drv, SIZE);
	ck_assert_int_eq(pop(), -EBADMSG);
	start(0, SIZE);
	split_offer(&drv, 0xFFFF);
	ck_assert_int_eq(pop(), -EBADMSG);
	/* An index that leaps, forwards or back. */
	start(0, SIZE);
	avail_ring()->idx = SIZE + 1;
	ck_assert_int_eq(pop(), -EBADMSG);
	start(0, SIZE);
	avail_ring()->idx = 0xFFFF;
	ck_assert_int_eq(pop(), -EBADMSG);
	/* The same head again and again: never more requests in work than the queue has entries. */
	start(0, SIZE);
	add_one();
	for (unsigned i = 0; i < SIZE; i++) {
		ck_assert_int_eq(pop(), 0);
		split_offer(&drv, 0);
	}
	ck_assert_uint_eq(q.in_flight, SIZE);
	ck_assert_int_eq(pop(), -EBADMSG);
}
END_TEST

START_TEST(bad_packed)
{
	const struct buffer b[] = {readable(0, 1), readable(1, 1), readable(2, 1)};
	const uint16_t avail = 1 << VRING_PACKED_DESC_F_AVAIL;

	/* A chain without end. */
	start(PACKED, SIZE);
	for (unsigned i = 0; i < SIZE; i++)
		*packed_desc(i) = (struct vring_packed_desc){
			.addr = data(0), .len = 1, .flags = VRING_DESC_F_NEXT | avail};
	ck_assert_int_eq(pop(), -EBADMSG);
	/* One that runs into those in work. */
	start(PACKED, SIZE);
	driver_add(&drv, b, 3);
	ck_assert_int_eq(pop(), 0);
	for (unsigned i = 3; i < SIZE; i++)
		*packed_desc(i) = *packed_desc(0);
	ck_assert_int_eq(pop(), -EBADMSG);
	/* Entries that are given twice: more in work than there are. */
	start(PACKED, SIZE);
	for (unsigned i = 0; i < SIZE; i++) {
		add_one();
		ck_assert_int_eq(pop(), 0);
	}
	ck_assert_int_eq(pop(), -EAGAIN);
	packed_desc(0)->flags = 1u << VRING_PACKED_DESC_F_USED;
	ck_assert_int_eq(pop(), -EBADMSG);
	/* A table in a list: first, last. */
	start(PACKED | INDIRECT, SIZE);
	driver_add(&drv, b, 3);
	packed_desc(0)->flags |= VRING_DESC_F_INDIRECT;
	ck_assert_int_eq(pop(), -EBADMSG);
	start(PACKED | INDIRECT, SIZE);
	driver_add(&drv, b, 3);
	packed_desc(2)->flags |= VRING_DESC_F_INDIRECT;
	ck_assert_int_eq(pop(), -EBADMSG);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("virtio/queue");
	TCase *tc = tcase_create("queue");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, queue_sizes);
	tcase_add_test(tc, area_alignment);
	tcase_add_test(tc, area_bounds);
	tcase_add_loop_test(tc, empty, 0, SHAPES);
	tcase_add_loop_test(tc, round_trip, 0, SHAPES);
	tcase_add_loop_test(tc, nothing_written, 0, SHAPES);
	tcase_add_loop_test(tc, parts_of_chains, 0, SHAPES);
	tcase_add_loop_test(tc, empty_buffers, 0, SHAPES);
	tcase_add_loop_test(tc, unpop, 0, SHAPES);
	tcase_add_loop_test(tc, longest_chain, 0, SHAPES);
	tcase_add_test(tc, mixed_indirect);
	tcase_add_loop_test(tc, long_life, 0, SHAPES);
	tcase_add_loop_test(tc, two_threads, 0, SHAPES);
	tcase_add_loop_test(tc, kicks, 0, SHAPES);
	tcase_add_loop_test(tc, interrupts, 0, SHAPES);
	tcase_add_loop_test(tc, event_index, 0, SHAPES);
	tcase_add_test(tc, event_flags);
	tcase_add_loop_test(tc, bad_buffers, 0, 2);
	tcase_add_loop_test(tc, bad_total, 0, 2);
	tcase_add_loop_test(tc, bad_tables, 0, 2);
	tcase_add_test(tc, bad_split_chains);
	tcase_add_test(tc, bad_split_rings);
	tcase_add_test(tc, bad_packed);
	suite_add_tcase(s, tc);
	return s;
}
