/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"
#include "tests/unit/virtio/queue_fixture.h"

#include <errno.h>

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

Suite *unit_suite(void)
{
	Suite *s = suite_create("virtio/queue");
	TCase *tc = tcase_create("queue");

	tcase_add_checked_fixture(tc, setup, NULL);
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
	tcase_add_loop_test(tc, kicks, 0, SHAPES);
	tcase_add_loop_test(tc, interrupts, 0, SHAPES);
	tcase_add_loop_test(tc, event_index, 0, SHAPES);
	tcase_add_test(tc, event_flags);
	suite_add_tcase(s, tc);
	return s;
}
