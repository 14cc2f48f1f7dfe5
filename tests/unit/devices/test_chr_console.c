/* SPDX-License-Identifier: BSD-3-Clause */
/* chr-testdev's console, driven as a legacy driver does: registers, requests, hostile queues. */
#include "devices/testdev/chr_console.h"
#include "tests/unit/devices/fixture.h"
#include "tests/unit/unit.h"

#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>

#define BASE   0x0A003E00
#define NUM    8
#define AVAIL  (NUM * 16)
#define USED   256 /* with this alignment */
#define BUFFER 0x800

static struct fixture fx;
static bool line;
static unsigned rises;

static void irq_set(void *ctx, uint32_t gsi, bool asserted)
{
	ck_assert_ptr_eq(ctx, &fx);
	ck_assert_uint_eq(gsi, 47);
	ck_assert(line != asserted);
	line = asserted;
	rises += asserted;
}

static void put(unsigned reg, uint32_t value)
{
	fixture_store(&fx, BASE + reg, 4, value);
}

static uint32_t get(unsigned reg)
{
	return (uint32_t)fixture_load(&fx, BASE + reg, 4);
}

static void set_up(uint32_t num, uint32_t align, uint32_t pfn)
{
	put(VIRTIO_MMIO_STATUS, 0);
	put(VIRTIO_MMIO_STATUS, 3);
	put(VIRTIO_MMIO_GUEST_PAGE_SIZE, 4096);
	put(VIRTIO_MMIO_QUEUE_SEL, 1);
	put(VIRTIO_MMIO_QUEUE_NUM, num);
	put(VIRTIO_MMIO_QUEUE_ALIGN, align);
	put(VIRTIO_MMIO_QUEUE_PFN, pfn);
	put(VIRTIO_MMIO_STATUS, 7);
}

static void setup(void)
{
	fixture_init_arm64(&fx);
	fx.m.services.irq_set = irq_set;
	line = false;
	rises = 0;
	ck_assert_int_eq(chr_console_create(&fx.m), 0);
	set_up(NUM, USED, ARM64_RAM_BASE / 4096);
}

static void teardown(void)
{
	machine_fini(&fx.m);
}

static void describe(unsigned i, uint64_t addr, uint32_t len, uint16_t flags, uint16_t next)
{
	const struct vring_desc d = {.addr = addr, .len = len, .flags = flags, .next = next};

	memcpy(fx.low + i * sizeof(d), &d, sizeof(d));
}

static uint16_t half(unsigned at)
{
	uint16_t v;

	memcpy(&v, fx.low + at, sizeof(v));
	return v;
}

static void put_half(unsigned at, uint16_t v)
{
	memcpy(fx.low + at, &v, sizeof(v));
}

/* Makes the chain from HEAD available, and notifies. */
static void offer(uint16_t head)
{
	uint16_t index = half(AVAIL + 2);

	put_half(AVAIL + 4 + 2 * (index % NUM), head);
	put_half(AVAIL + 2, (uint16_t)(index + 1));
	put(VIRTIO_MMIO_QUEUE_NOTIFY, 1);
}

static void say(const char *text)
{
	memcpy(fx.low + BUFFER, text, strlen(text));
	describe(0, ARM64_RAM_BASE + BUFFER, (uint32_t)strlen(text), 0, 0);
	offer(0);
}

START_TEST(registers)
{
	ck_assert_uint_eq(get(VIRTIO_MMIO_MAGIC_VALUE), 0x74726976);
	ck_assert_uint_eq(get(VIRTIO_MMIO_VERSION), 1);
	ck_assert_uint_eq(get(VIRTIO_MMIO_DEVICE_ID), 3);
	ck_assert_uint_eq(get(VIRTIO_MMIO_DEVICE_FEATURES), 0);
	ck_assert_uint_eq(get(VIRTIO_MMIO_QUEUE_NUM_MAX), 64);
	ck_assert_uint_eq(get(VIRTIO_MMIO_QUEUE_PFN), ARM64_RAM_BASE / 4096);
	ck_assert_uint_eq(get(VIRTIO_MMIO_STATUS), 7);
	ck_assert_uint_eq(fixture_load(&fx, BASE + VIRTIO_MMIO_CONFIG, 8), 0);
	put(VIRTIO_MMIO_QUEUE_SEL, 2);
	ck_assert_uint_eq(get(VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
	ck_assert_uint_eq(get(VIRTIO_MMIO_QUEUE_PFN), 0);
	put(VIRTIO_MMIO_QUEUE_PFN, 1);
	put(VIRTIO_MMIO_STATUS, 0);
	ck_assert_uint_eq(get(VIRTIO_MMIO_STATUS), 0);
	ck_assert_uint_eq(get(VIRTIO_MMIO_QUEUE_PFN), 0);
	say("1q");
	ck_assert_uint_eq(fx.ends, 0);
}
END_TEST

START_TEST(a_code)
{
	say("3q");
	ck_assert_uint_eq(fx.ends, 1);
	ck_assert_int_eq(fx.kind, END_EXIT_CODE);
	ck_assert_uint_eq(fx.code, 3);
	ck_assert_uint_eq(half(USED + 2), 1);
	ck_assert(line && get(VIRTIO_MMIO_INTERRUPT_STATUS) == 1);
	put(VIRTIO_MMIO_INTERRUPT_ACK, 1);
	ck_assert(!line);
	/* Round the ring, in pieces, without interrupts. */
	put_half(AVAIL, VRING_AVAIL_F_NO_INTERRUPT);
	for (unsigned i = 0; i < NUM; i++)
		say("1");
	say("q");
	ck_assert_uint_eq(fx.ends, 2);
	ck_assert_uint_eq(fx.code, 11111111);
	ck_assert_uint_eq(half(USED + 2), 10);
	ck_assert_uint_eq(rises, 1);
}
END_TEST

START_TEST(chains)
{
	memcpy(fx.low + BUFFER, "42q", 3);
	describe(3, ARM64_RAM_BASE + BUFFER, 1, VRING_DESC_F_NEXT, 5);
	describe(5, ARM64_RAM_BASE + BUFFER, 1, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, 6);
	describe(6, ARM64_RAM_BASE + BUFFER + 1, 2, 0, 0);
	offer(3);
	ck_assert_uint_eq(fx.code, 42);
	ck_assert_uint_eq(half(USED + 4), 3);
	/* Several at once. */
	put_half(AVAIL + 4 + 2, 3);
	put_half(AVAIL + 4 + 4, 3);
	put_half(AVAIL + 2, 3);
	put(VIRTIO_MMIO_QUEUE_NOTIFY, 1);
	ck_assert_uint_eq(fx.ends, 3);
	ck_assert_uint_eq(half(USED + 2), 3);
	put(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	put(VIRTIO_MMIO_QUEUE_NOTIFY, UINT32_MAX);
}
END_TEST

START_TEST(queues_that_cannot_be)
{
	static const struct {
		uint32_t num, align, pfn;
	} rows[] = {{0, 64, 0x40000}, {3, 64, 0x40000}, {128, 64, 0x40000}, {UINT32_MAX, 64, 1},
		{8, 0, 0x40000}, {8, 96, 0x40000}, {8, 64, 0}, {8, 64, UINT32_MAX},
		{64, 0x80000000, 0x40000}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		memset(fx.low, 0, sizeof(fx.low));
		set_up(rows[i].num, rows[i].align, rows[i].pfn);
		describe(0, ARM64_RAM_BASE + BUFFER, 2, 0, 0);
		put_half(64 * 16 + 2, 1);
		offer(0);
		ck_assert_uint_eq(fx.ends, 0);
		ck_assert(!line);
	}
}
END_TEST

START_TEST(chains_that_cannot_be)
{
	memset(fx.low + BUFFER, 'x', 16);
	describe(0, ARM64_RAM_BASE + BUFFER, 1, VRING_DESC_F_NEXT, 0); /* a loop */
	offer(0);
	describe(1, UINT64_MAX, 5, 0, 0);
	offer(1);
	describe(2, ARM64_RAM_BASE + BUFFER, 1, VRING_DESC_F_NEXT, NUM);
	offer(2);
	offer(NUM);
	ck_assert_uint_eq(half(USED + 2), 0);
	ck_assert(!line);
	/* A reset, and it goes on. */
	memset(fx.low, 0, sizeof(fx.low));
	set_up(NUM, USED, ARM64_RAM_BASE / 4096);
	describe(4, ARM64_RAM_BASE + BUFFER, UINT32_MAX, 0,
		0); /* no more of it than may be looked at */
	offer(4);
	ck_assert_uint_eq(half(USED + 2), 1);
	say("0q");
	ck_assert_uint_eq(fx.ends, 1);
	ck_assert_uint_eq(fx.code, 0);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("devices/chr_console");
	TCase *t = tcase_create("chr_console");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, registers);
	tcase_add_test(t, a_code);
	tcase_add_test(t, chains);
	tcase_add_test(t, queues_that_cannot_be);
	tcase_add_test(t, chains_that_cannot_be);
	suite_add_tcase(s, t);
	return s;
}
