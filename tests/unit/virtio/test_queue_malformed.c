/* SPDX-License-Identifier: BSD-3-Clause */
/* What a driver may not do to a queue, and may do without harm. */
#include "tests/unit/unit.h"
#include "tests/unit/virtio/queue_fixture.h"

#include <errno.h>
#include <sys/mman.h>

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
	Suite *s = suite_create("virtio/queue_malformed");
	TCase *tc = tcase_create("queue_malformed");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_loop_test(tc, bad_buffers, 0, 2);
	tcase_add_loop_test(tc, bad_total, 0, 2);
	tcase_add_loop_test(tc, bad_tables, 0, 2);
	tcase_add_test(tc, bad_split_chains);
	tcase_add_test(tc, bad_split_rings);
	tcase_add_test(tc, bad_packed);
	suite_add_tcase(s, tc);
	return s;
}
