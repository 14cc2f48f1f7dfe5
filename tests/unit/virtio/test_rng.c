/* SPDX-License-Identifier: BSD-3-Clause */
#include "devices/virtio/rng.h"
#include "tests/unit/unit.h"
#include "tests/unit/virtio/world.h"

#include <fcntl.h>
#include <unistd.h>

#define SIZE   16
#define PERIOD 62500000 /* nanoseconds, of which each has BUDGET bytes */
#define BUDGET 65536
#define STEP   1024 /* bytes that one request gets */

/* Of the loop tests. */
static const uint64_t shapes[] = {0,
	(uint64_t)1 << VIRTIO_RING_F_INDIRECT_DESC | (uint64_t)1 << VIRTIO_RING_F_EVENT_IDX,
	(uint64_t)1 << VIRTIO_F_RING_PACKED,
	(uint64_t)1 << VIRTIO_F_RING_PACKED | (uint64_t)1 << VIRTIO_RING_F_INDIRECT_DESC |
		(uint64_t)1 << VIRTIO_RING_F_EVENT_IDX};

#define SHAPES ((int)ARRAY_SIZE(shapes))

static struct loop *loop;
static struct driver drv;
static int entropy[2]; /* a pipe: what is written to [1] is random */

static void setup(void)
{
	struct virtio_rng_config cfg = {0};
	struct virtio_device *v;

	world_init();
	ck_assert_int_eq(pipe2(entropy, O_NONBLOCK | O_CLOEXEC), 0);
	ck_assert_int_ge(fcntl(entropy[1], F_SETPIPE_SZ, 4 * BUDGET), 0);
	ck_assert_int_eq(loop_create(&loop), 0);
	cfg.loop = loop;
	cfg.entropy_fd = entropy[0];
	ck_assert_int_eq(virtio_rng_create(&w.m, &cfg, &v), 0);
	world_add(v);
	memset(at(DATA_AT), 0, RAM_SIZE - DATA_AT);
}

static void teardown(void)
{
	machine_fini(&w.m);
	loop_destroy(loop);
	close(entropy[0]);
	close(entropy[1]);
}

static void give(const char *text)
{
	ck_assert_int_eq(write(entropy[1], text, strlen(text)), (ssize_t)strlen(text));
}

static int ask(unsigned offset, uint32_t len)
{
	const struct buffer b = {.addr = RAM_BASE + DATA_AT + offset, .len = len, .write = true};
	int id = driver_add(&drv, &b, 1);

	ck_assert_int_ge(id, 0);
	return id;
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

START_TEST(what_it_is)
{
	ck_assert_uint_eq(in(VIRTIO_MMIO_DEVICE_ID), 4);
	out(VIRTIO_MMIO_QUEUE_SEL, 1);
	ck_assert_uint_eq(in(VIRTIO_MMIO_QUEUE_NUM_MAX), 0); /* one queue */
	ck_assert_uint_eq(in(VIRTIO_MMIO_CONFIG), 0);
	out(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	ck_assert_uint_eq(in(VIRTIO_MMIO_DEVICE_FEATURES)&0xFFFFFF, 0);
}
END_TEST

START_TEST(fills_buffers)
{
	const struct buffer pieces[] = {{.addr = RAM_BASE + DATA_AT + 100, .len = 3, .write = true},
		{.addr = RAM_BASE + DATA_AT + 200, .len = 5, .write = true}};
	int a, b, c;

	start_device(&drv, shapes[_i], SIZE);
	give("abcdefghijklmnop");
	a = ask(0, 4);
	if (driver_has(&drv, VIRTIO_RING_F_INDIRECT_DESC))
		b = driver_add_indirect(&drv, pieces, 2);
	else
		b = driver_add(&drv, pieces, 2);
	c = ask(300, 100);
	ring(0);
	unit_run_loop(loop, 1000000);
	expect_used(a, 4);
	expect_used(b, 8);
	expect_used(c, 4); /* all there was */
	expect_none();
	ck_assert_mem_eq(at(DATA_AT), "abcd\0", 5);
	ck_assert_mem_eq(at(DATA_AT + 100), "efg\0", 4);
	ck_assert_mem_eq(at(DATA_AT + 200), "hijkl\0", 6);
	ck_assert_mem_eq(at(DATA_AT + 300), "mnop\0", 5);
	ck_assert(w.line);
	ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), ALL_OK);
}
END_TEST

/* A long buffer is filled in part [VIRTIO 1.2 5.4.6.2]. */
START_TEST(long_buffer)
{
	static char many[2 * STEP + 1];
	int id;

	start_device(&drv, shapes[_i], SIZE);
	memset(many, 'x', sizeof(many) - 1);
	give(many);
	id = ask(0, 2 * STEP);
	ring(0);
	unit_run_loop(loop, 1000000);
	expect_used(id, STEP);
	expect_none();
	ck_assert_uint_eq(ram[DATA_AT + STEP - 1], 'x');
	ck_assert_uint_eq(ram[DATA_AT + STEP], 0);
}
END_TEST

/* A host that has no random numbers yet: the request waits, and is not lost. */
START_TEST(no_entropy_yet)
{
	int id;

	start_device(&drv, shapes[_i], SIZE);
	id = ask(0, 4);
	ring(0);
	unit_run_loop(loop, 2 * PERIOD);
	expect_none();
	ck_assert(!w.line);
	give("abcd");
	unit_run_loop(loop, 2 * PERIOD);
	expect_used(id, 4);
	ck_assert_mem_eq(at(DATA_AT), "abcd", 4);
	ck_assert(w.line);
}
END_TEST

/* However much it asks for, a guest gets a budget for each period and no more. */
START_TEST(budget)
{
	static char many[4 * BUDGET];
	uint64_t begun, periods;
	uint32_t len, total = 0;
	unsigned id;

	start_device(&drv, shapes[_i], SIZE);
	ck_assert_int_eq(write(entropy[1], many, sizeof(many)), sizeof(many));
	begun = monotonic_ns();
	for (unsigned i = 0; i < 100; i++) {
		const struct buffer b = {.addr = RAM_BASE + DATA_AT, .len = STEP, .write = true};

		while (driver_add(&drv, &b, 1) >= 0)
			;
		ring(0);
		unit_run_loop(loop, PERIOD / 50);
		while (driver_used(&drv, &id, &len))
			total += len;
	}
	/* What came in the first period, and in each that began since. */
	periods = (monotonic_ns() - begun) / PERIOD + 1;
	ck_assert_uint_le(total, periods * BUDGET);
	ck_assert_uint_ge(total, 2 * BUDGET);
}
END_TEST

START_TEST(broken_requests)
{
	const struct buffer readable = {.addr = RAM_BASE + DATA_AT, .len = 4};
	const struct buffer mixed[] = {
		readable, {.addr = RAM_BASE + DATA_AT + 8, .len = 4, .write = true}};
	const struct buffer empty = {.addr = RAM_BASE + DATA_AT, .write = true};

	give("abcdefgh");
	for (unsigned i = 0; i < 3; i++) {
		start_device(&drv, shapes[_i], SIZE);
		if (i == 0)
			driver_add(&drv, &readable, 1);
		else if (i == 1)
			driver_add(&drv, mixed, 2);
		else
			driver_add(&drv, &empty, 1);
		ring(0);
		unit_run_loop(loop, 1000000);
		ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), ALL_OK | VIRTIO_CONFIG_S_NEEDS_RESET);
		ck_assert_uint_eq(in(VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_MMIO_INT_CONFIG);
		expect_none();
	}
	start_device(&drv, shapes[_i], SIZE);
	ask(0, 8);
	ring(0);
	unit_run_loop(loop, 1000000);
	ck_assert_mem_eq(at(DATA_AT), "abcdefgh", 8); /* nothing was wasted on the broken ones */
}
END_TEST

/* A reset while a request waits for the next period. */
START_TEST(reset_while_waiting)
{
	int id;

	start_device(&drv, shapes[_i], SIZE);
	ask(0, 4);
	ring(0);
	unit_run_loop(loop, 1000000);
	start_device(&drv, shapes[_i], SIZE);
	give("abcd");
	unit_run_loop(loop, 2 * PERIOD);
	expect_none();
	id = ask(0, 4);
	ring(0);
	unit_run_loop(loop, 1000000);
	expect_used(id, 4);
}
END_TEST

/* Only seen whether it can be: no loop, no entropy. */
START_TEST(dry)
{
	const struct virtio_rng_config cfg = {.entropy_fd = -1};
	struct virtio_device *v;

	ck_assert_int_eq(virtio_rng_create(&w.m, &cfg, &v), 0);
	virtio_destroy(v);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("virtio/rng");
	TCase *tc = tcase_create("rng");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, what_it_is);
	tcase_add_loop_test(tc, fills_buffers, 0, SHAPES);
	tcase_add_loop_test(tc, long_buffer, 0, SHAPES);
	tcase_add_loop_test(tc, no_entropy_yet, 0, SHAPES);
	tcase_add_loop_test(tc, budget, 0, SHAPES);
	tcase_add_loop_test(tc, broken_requests, 0, SHAPES);
	tcase_add_loop_test(tc, reset_while_waiting, 0, SHAPES);
	tcase_add_test(tc, dry);
	suite_add_tcase(s, tc);
	return s;
}
