/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/ring.h"
#include "tests/unit/unit.h"

#include <pthread.h>
#include <sched.h>

static uint8_t bytes[64];
static struct ring r;

static void setup(void)
{
	ring_init(&r, bytes, sizeof(bytes));
}

START_TEST(takes_what_fits)
{
	uint8_t data[100] = {1, 2, 3};
	const uint8_t *at;

	ck_assert_uint_eq(ring_push(&r, data, 100), 64);
	ck_assert_uint_eq(ring_push(&r, data, 1), 0);
	ck_assert_uint_eq(ring_used(&r), 64);
	ck_assert_uint_eq(ring_free(&r), 0);
	ck_assert_uint_eq(ring_peek(&r, &at), 64);
	ck_assert_uint_eq(at[2], 3);
	ring_drop(&r, 60);
	/* Four at the end of the buffer, then ten at its start: two runs. */
	ck_assert_uint_eq(ring_push(&r, data, 10), 10);
	ck_assert_uint_eq(ring_peek(&r, &at), 4);
	ring_drop(&r, 4);
	ck_assert_uint_eq(ring_peek(&r, &at), 10);
	ck_assert_uint_eq(at[0], 1);
}
END_TEST

#define STREAM 200000

static void *produce(void *arg)
{
	(void)arg;
	for (uint32_t i = 0; i < STREAM;) {
		uint8_t byte = (uint8_t)(i * 7);

		if (ring_push(&r, &byte, 1))
			i++;
		else
			sched_yield();
	}
	return NULL;
}

START_TEST(two_threads_lose_nothing)
{
	const uint8_t *at;
	pthread_t producer;
	uint32_t seen = 0;

	ck_assert_int_eq(pthread_create(&producer, NULL, produce, NULL), 0);
	while (seen < STREAM) {
		size_t n = ring_peek(&r, &at);

		for (size_t i = 0; i < n; i++)
			ck_assert_uint_eq(at[i], (uint8_t)((seen + i) * 7));
		ring_drop(&r, n);
		seen += (uint32_t)n;
		if (!n)
			sched_yield();
	}
	pthread_join(producer, NULL);
	ck_assert_uint_eq(ring_used(&r), 0);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("lib/ring");
	TCase *t = tcase_create("ring");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, takes_what_fits);
	tcase_add_test(t, two_threads_lose_nothing);
	suite_add_tcase(s, t);
	return s;
}
