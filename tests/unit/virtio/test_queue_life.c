/* SPDX-License-Identifier: BSD-3-Clause */
/* Queues that work for a long time: what is lost once in a while, is lost here. */
#include "tests/unit/unit.h"
#include "tests/unit/virtio/queue_fixture.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>

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

Suite *unit_suite(void)
{
	Suite *s = suite_create("virtio/queue_life");
	TCase *tc = tcase_create("queue_life");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, long_life, 0, SHAPES);
	tcase_add_loop_test(tc, two_threads, 0, SHAPES);
	suite_add_tcase(s, tc);
	return s;
}
