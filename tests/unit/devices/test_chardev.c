/* SPDX-License-Identifier: BSD-3-Clause */
#include "devices/chardev.h"
#include "tests/unit/unit.h"

#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>

static struct chardev dev;
static unsigned drained;

static void count_drained(void *ctx)
{
	ck_assert_ptr_eq(ctx, &dev);
	drained++;
}

static uint64_t wakeups(int fd)
{
	uint64_t n = 0;

	return read(fd, &n, sizeof(n)) == sizeof(n) ? n : 0;
}

static void setup(void)
{
	drained = 0;
	chardev_init(&dev, eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
	dev.front = (struct chardev_front){.ctx = &dev, .drained = count_drained};
}

static void teardown(void)
{
	close(dev.wake_fd);
}

static void drop_all(void)
{
	const uint8_t *data;
	size_t n;

	while ((n = ring_peek(&dev.tx, &data)))
		chardev_tx_drop(&dev, n);
}

static void fill(void)
{
	for (unsigned i = 0; i < CHARDEV_TX_SIZE; i++)
		ck_assert(chardev_put(&dev, (uint8_t)i));
}

START_TEST(wakes_once_per_burst)
{
	for (unsigned i = 0; i < 100; i++)
		ck_assert(chardev_put(&dev, (uint8_t)i));
	ck_assert_uint_eq(wakeups(dev.wake_fd), 1);
	drop_all();
	ck_assert(chardev_put(&dev, 'x'));
	ck_assert_uint_eq(wakeups(dev.wake_fd), 1);
	chardev_kick(&dev);
	ck_assert_uint_eq(wakeups(dev.wake_fd), 1);
	ck_assert_uint_eq(drained, 0);
}
END_TEST

START_TEST(full_ring_is_busy_until_drained)
{
	const uint8_t *data;

	fill();
	ck_assert(!chardev_put(&dev, 'x'));
	ck_assert(!chardev_put(&dev, 'x'));
	ck_assert_uint_eq(drained, 0);
	chardev_tx_drop(&dev, 1);
	ck_assert_uint_eq(drained, 1);
	chardev_tx_drop(&dev, 1);
	ck_assert_uint_eq(drained, 1);
	ck_assert(chardev_put(&dev, 'y'));
	ck_assert_uint_eq(ring_peek(&dev.tx, &data), CHARDEV_TX_SIZE - 2);
	ck_assert_uint_eq(data[0], 2);
	ck_assert_uint_eq(dev.dropped, 0);
}
END_TEST

START_TEST(stalled_reader_loses_bytes)
{
	fill();
	ck_assert(!chardev_put(&dev, 'x'));
	chardev_set_stalled(&dev, true);
	ck_assert_uint_eq(drained, 1);
	for (unsigned i = 0; i < 5; i++)
		ck_assert(chardev_put(&dev, 'x'));
	ck_assert_uint_eq(dev.dropped, 5);
	chardev_set_stalled(&dev, false);
	ck_assert(!chardev_put(&dev, 'x'));
	drop_all();
	ck_assert(chardev_put(&dev, 'x'));
	ck_assert_uint_eq(dev.dropped, 5);
}
END_TEST

START_TEST(nobody_drains)
{
	struct chardev *c = &dev;
	int fd = c->wake_fd;

	chardev_init(c, -1);
	chardev_kick(c);
	fill();
	ck_assert(!chardev_put(c, 'x'));
	chardev_tx_drop(c, 1); /* a front that is not there is not called */
	ck_assert(chardev_put(c, 'x'));
	c->wake_fd = fd;
}
END_TEST

/* What was written last stays to be seen, read or not, for as long as it is in the ring. */
START_TEST(last)
{
	static uint8_t bytes[2 * CHARDEV_TX_SIZE];
	uint8_t got[CHARDEV_TX_SIZE + 1];

	ck_assert_uint_eq(chardev_last(&dev, got, sizeof(got)), 0);
	chardev_write(&dev, (const uint8_t *)"hello", 5);
	drop_all();
	chardev_write(&dev, (const uint8_t *)"world", 5);
	ck_assert_uint_eq(chardev_last(&dev, got, sizeof(got)), 10);
	ck_assert_mem_eq(got, "helloworld", 10);
	ck_assert_uint_eq(chardev_last(&dev, got, 3), 3);
	ck_assert_mem_eq(got, "rld", 3);
	for (unsigned i = 0; i < 2; i++) {
		drop_all();
		chardev_write(&dev, bytes, CHARDEV_TX_SIZE - 1);
	}
	chardev_write(&dev, (const uint8_t *)"!", 1);
	ck_assert_uint_eq(chardev_last(&dev, got, sizeof(got)), CHARDEV_TX_SIZE);
	ck_assert_uint_eq(got[CHARDEV_TX_SIZE - 1], '!');
}
END_TEST

/* Many bytes at a time: as far as there is room; for a reader that has stalled, all of them. */
START_TEST(many_at_a_time)
{
	static uint8_t bytes[CHARDEV_TX_SIZE];
	struct chardev *c = &dev;
	const uint8_t *data;

	memset(bytes, 'm', sizeof(bytes));
	ck_assert_uint_eq(chardev_write(c, bytes, 0), 0);
	ck_assert_uint_eq(chardev_write(c, bytes, sizeof(bytes) - 10), sizeof(bytes) - 10);
	ck_assert(!atomic_load(&c->refused));
	ck_assert_uint_eq(chardev_write(c, bytes, 30), 10);
	ck_assert(atomic_load(&c->refused));
	ck_assert_uint_eq(chardev_write(c, bytes, 30), 0);
	chardev_set_stalled(c, true);
	ck_assert_uint_eq(chardev_write(c, bytes, 30), 30);
	ck_assert_uint_eq(atomic_load(&c->dropped), 30);
	ck_assert_uint_eq(ring_peek(&c->tx, &data), sizeof(bytes));
}
END_TEST

#define STREAM 200000

static void *produce(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < STREAM; i++) {
		while (!chardev_put(&dev, (uint8_t)(i * 7)))
			sched_yield();
	}
	return NULL;
}

/* The consumer sleeps whenever it has seen nothing: a lost wake-up would hang here. */
START_TEST(stream_between_threads)
{
	int fd = eventfd(0, EFD_CLOEXEC);
	unsigned seen = 0;
	pthread_t thread;

	close(dev.wake_fd);
	dev.wake_fd = fd;
	ck_assert_int_eq(pthread_create(&thread, NULL, produce, NULL), 0);
	while (seen < STREAM) {
		const uint8_t *data;
		size_t n = ring_peek(&dev.tx, &data);

		if (!n) {
			ck_assert_uint_gt(wakeups(fd), 0);
			continue;
		}
		for (size_t i = 0; i < n; i++)
			ck_assert_uint_eq(data[i], (uint8_t)((seen + i) * 7));
		seen += (unsigned)n;
		chardev_tx_drop(&dev, n);
	}
	pthread_join(thread, NULL);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("devices/chardev");
	TCase *t = tcase_create("chardev");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, wakes_once_per_burst);
	tcase_add_test(t, full_ring_is_busy_until_drained);
	tcase_add_test(t, stalled_reader_loses_bytes);
	tcase_add_test(t, nobody_drains);
	tcase_add_test(t, last);
	tcase_add_test(t, many_at_a_time);
	tcase_add_test(t, stream_between_threads);
	suite_add_tcase(s, t);
	return s;
}
