/* SPDX-License-Identifier: BSD-3-Clause */
/* QEMU's firmware configuration device: both forms, every item, DMA. */
#include "devices/testdev/fw_cfg.h"
#include "lib/util.h"
#include "tests/unit/devices/fixture.h"
#include "tests/unit/unit.h"

#include <endian.h>
#include <errno.h>

#define BASE 0x09020000

static struct fixture fx;
static gpa_t low; /* where fx.low is */

static void setup_x86(void)
{
	fixture_init(&fx, 64 * MIB);
	fx.m.vcpus = 3;
	low = 0;
	ck_assert_int_eq(fw_cfg_create(&fx.m), 0);
}

static void setup_arm64(void)
{
	fixture_init_arm64(&fx);
	low = ARM64_RAM_BASE;
	ck_assert_int_eq(fw_cfg_create(&fx.m), 0);
}

static void teardown(void)
{
	machine_fini(&fx.m);
}

static void select_key(uint16_t key)
{
	if (fx.m.arch == GUEST_ARM64)
		fixture_store(&fx, BASE + 8, 2, htobe16(key));
	else
		fixture_out(&fx, 0x510, 2, key);
}

static uint8_t next(void)
{
	return fx.m.arch == GUEST_ARM64 ? (uint8_t)fixture_load(&fx, BASE, 1) : inb(&fx, 0x511);
}

static void expect_bytes(const void *want, size_t size)
{
	const uint8_t *bytes = want;

	for (size_t i = 0; i < size; i++)
		ck_assert_msg(next() == bytes[i], "byte %zu", i);
}

static uint64_t number(uint16_t key, unsigned bytes)
{
	uint64_t value = 0;

	select_key(key);
	for (unsigned i = 0; i < bytes; i++)
		value |= (uint64_t)next() << (8 * i);
	return value;
}

START_TEST(what_it_tells_of_a_pc)
{
	ck_assert_uint_eq(next(), 0); /* nothing selected */
	select_key(0);
	expect_bytes("QEMU\0\0", 6); /* zeros after the end */
	ck_assert_uint_eq(number(1, 4), 3);
	ck_assert_uint_eq(number(3, 8), 64 * MIB);
	ck_assert_uint_eq(number(5, 2), 3);
	ck_assert_uint_eq(number(0x0F, 2), 3);
	ck_assert_uint_eq(number(0x1234, 4), 0);
	ck_assert_uint_eq(number(0xFFFF, 4), 0);
	/* Either port reads; accesses that there are not read 0 and select nothing. */
	select_key(0);
	ck_assert_uint_eq(inb(&fx, 0x510), 'Q');
	ck_assert_uint_eq(fixture_in(&fx, 0x510, 2), 0);
	fixture_out(&fx, 0x510, 1, 5);
	outb(&fx, 0x511, 7);
	ck_assert_uint_eq(inb(&fx, 0x511), 'E');
}
END_TEST

START_TEST(what_it_tells_of_a_virt_board)
{
	select_key(0);
	ck_assert_uint_eq(fixture_load(&fx, BASE, 4), 0x554D4551); /* as it lies in memory */
	ck_assert_uint_eq(number(3, 8), MACHINE_RAM_MIN);
	ck_assert_uint_eq(number(5, 2), 1);
	select_key(0x19);
	expect_bytes("\0\0\0\0", 4); /* no files */
	select_key(3);
	ck_assert_uint_eq(fixture_load(&fx, BASE, 8), MACHINE_RAM_MIN);
	ck_assert_uint_eq(fixture_load(&fx, BASE + 8, 2), 0); /* the selector is only written */
	select_key(0);
	fixture_store(&fx, BASE + 8, 1, 5);
	fixture_store(&fx, BASE + 8, 4, 5);
	fixture_store(&fx, BASE, 8, 5);
	ck_assert_uint_eq(next(), 'Q');
}
END_TEST

START_TEST(directory)
{
	uint8_t entry[64];

	select_key(0x19);
	expect_bytes("\0\0\0\1", 4);
	for (unsigned i = 0; i < sizeof(entry); i++)
		entry[i] = next();
	ck_assert_mem_eq(entry, "\0\0\0\x3C\0\x20\0\0etc/e820", 17);
	select_key(0x20);
	for (unsigned i = 0; i < 3; i++) {
		uint64_t base = 0, size = 0;

		for (unsigned b = 0; b < 8; b++)
			base |= (uint64_t)next() << (8 * b);
		for (unsigned b = 0; b < 8; b++)
			size |= (uint64_t)next() << (8 * b);
		ck_assert_uint_eq(base, fx.m.ranges[i].base);
		ck_assert_uint_eq(size, fx.m.ranges[i].size);
		expect_bytes(i == 1 ? "\2\0\0\0" : "\1\0\0\0", 4);
	}
	ck_assert_uint_eq(next(), 0);
}
END_TEST

START_TEST(what_it_boots)
{
	static uint8_t kernel[4096];
	struct fw_cfg_boot boot = {.kernel = kernel,
		.kernel_size = sizeof(kernel),
		.initrd = (const uint8_t *)"initrd",
		.initrd_size = 6,
		.cmdline = "a=b c"};

	memset(kernel, 0x11, sizeof(kernel));
	ck_assert_int_eq(fw_cfg_add_boot(&fx.m, &boot), 0);
	ck_assert_uint_eq(number(0x08, 4), sizeof(kernel));
	ck_assert_uint_eq(number(0x17, 4), 0);
	ck_assert_uint_eq(number(0x18, 4), 0);
	select_key(0x11);
	expect_bytes(kernel, sizeof(kernel));
	ck_assert_uint_eq(next(), 0);
	ck_assert_uint_eq(number(0x0B, 4), 6);
	select_key(0x12);
	expect_bytes("initrd", 7); /* a zero after its end */
	ck_assert_uint_eq(number(0x14, 4), 6);
	select_key(0x15);
	expect_bytes("a=b c", 6);
}
END_TEST

START_TEST(bzimage_in_two_parts)
{
	static uint8_t kernel[4096];
	const struct fw_cfg_boot boot = {
		.kernel = kernel, .kernel_size = sizeof(kernel), .cmdline = ""};

	memcpy(kernel + 0x202, "HdrS", 4);
	kernel[0x1F1] = 3;
	kernel[4 * 512] = 0x77;
	ck_assert_int_eq(fw_cfg_add_boot(&fx.m, &boot), 0);
	ck_assert_uint_eq(number(0x17, 4), 4 * 512);
	ck_assert_uint_eq(number(0x08, 4), sizeof(kernel) - 4 * 512);
	select_key(0x11);
	ck_assert_uint_eq(next(), 0x77);
	ck_assert_uint_eq(number(0x0B, 4), 0);
	ck_assert_uint_eq(number(0x14, 4), 1);
}
END_TEST

/* One whose header says more than there is stays whole. */
START_TEST(bzimage_that_lies)
{
	static uint8_t kernel[1024];
	const struct fw_cfg_boot boot = {
		.kernel = kernel, .kernel_size = sizeof(kernel), .cmdline = ""};

	memcpy(kernel + 0x202, "HdrS", 4);
	kernel[0x1F1] = 200;
	ck_assert_int_eq(fw_cfg_add_boot(&fx.m, &boot), 0);
	ck_assert_uint_eq(number(0x17, 4), 0);
	ck_assert_uint_eq(number(0x08, 4), sizeof(kernel));
}
END_TEST

START_TEST(no_device)
{
	const struct fw_cfg_boot boot = {.cmdline = ""};

	machine_fini(&fx.m);
	fixture_init(&fx, 64 * MIB);
	ck_assert_int_eq(fw_cfg_add_boot(&fx.m, &boot), -ENODEV);
}
END_TEST

/* ---- DMA ---- */

#define REQUEST 0x100
#define BUFFER  0x200

/* Runs a request; what the control field has become. */
static uint32_t dma(uint32_t control, uint32_t length, uint64_t address)
{
	const uint64_t at = low + REQUEST;
	uint32_t fields[2] = {htobe32(control), htobe32(length)};
	uint64_t to = htobe64(address);

	memcpy(fx.low + REQUEST, fields, sizeof(fields));
	memcpy(fx.low + REQUEST + 8, &to, sizeof(to));
	if (fx.m.arch == GUEST_ARM64) {
		fixture_store(&fx, BASE + 16, 8, htobe64(at));
	} else {
		fixture_out(&fx, 0x514, 4, htobe32((uint32_t)(at >> 32)));
		fixture_out(&fx, 0x518, 4, htobe32((uint32_t)at));
	}
	memcpy(fields, fx.low + REQUEST, sizeof(fields[0]));
	return be32toh(fields[0]);
}

static void check_dma(void)
{
	memset(fx.low, 0xEE, sizeof(fx.low));
	ck_assert_uint_eq(dma(0x0000000A, 8, low + BUFFER), 0); /* select 0 and read */
	ck_assert_mem_eq(fx.low + BUFFER, "QEMU\0\0\0\0\xEE", 9);
	/* Select, skip, read on. */
	ck_assert_uint_eq(dma(0x00000008, 0, 0), 0);
	ck_assert_uint_eq(dma(0x00000004, 2, 0), 0);
	ck_assert_uint_eq(dma(0x00000002, 2, low + BUFFER), 0);
	ck_assert_mem_eq(fx.low + BUFFER, "MU", 2);
	ck_assert_uint_eq(dma(0x00000004, UINT32_MAX, 0), 0);
	ck_assert_uint_eq(dma(0x00000002, 0, UINT64_MAX), 0);
	/* Nothing can be written; no place, or too much beyond the end. */
	ck_assert_uint_eq(dma(0x00000018, 4, low + BUFFER), 1);
	ck_assert_uint_eq(dma(0x0000000A, 4, UINT64_MAX - 2), 1);
	ck_assert_uint_eq(dma(0x0000000A, 4, low + sizeof(fx.low) - 2), 1);
	ck_assert_uint_eq(dma(0x0000000A, UINT32_MAX, low + BUFFER), 1);
	ck_assert_uint_eq(dma(0x0000000A, sizeof(fx.low), low + BUFFER), 1);
	ck_assert_uint_eq(dma(0xFFFF000A, 4, low + BUFFER), 0); /* no such key: zeros */
	ck_assert_mem_eq(fx.low + BUFFER, "\0\0\0\0", 4);
	/* Over its own request. */
	ck_assert_uint_eq(dma(0x0000000A, 16, low + REQUEST), 0);
}

START_TEST(dma_of_a_pc)
{
	check_dma();
	/* The address register says who it is, and takes requests that lie nowhere. */
	ck_assert_uint_eq(fixture_in(&fx, 0x514, 4), 0x554D4551);
	ck_assert_uint_eq(fixture_in(&fx, 0x518, 4), 0x47464320);
	ck_assert_uint_eq(fixture_in(&fx, 0x51B, 1), 'G');
	fixture_out(&fx, 0x514, 4, UINT32_MAX);
	fixture_out(&fx, 0x518, 4, UINT32_MAX);
	fixture_out(&fx, 0x514, 8, UINT64_MAX);
	fixture_out(&fx, 0x516, 2, UINT16_MAX);
}
END_TEST

START_TEST(dma_of_a_virt_board)
{
	check_dma();
	ck_assert_uint_eq(fixture_load(&fx, BASE + 16, 8), 0x47464320554D4551);
	fixture_store(&fx, BASE + 16, 8, UINT64_MAX);
	fixture_store(&fx, BASE + 20, 2, 0);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("devices/fw_cfg");
	TCase *pc = tcase_create("pc"), *virt = tcase_create("virt");

	tcase_add_checked_fixture(pc, setup_x86, teardown);
	tcase_add_test(pc, what_it_tells_of_a_pc);
	tcase_add_test(pc, directory);
	tcase_add_test(pc, what_it_boots);
	tcase_add_test(pc, bzimage_in_two_parts);
	tcase_add_test(pc, bzimage_that_lies);
	tcase_add_test(pc, no_device);
	tcase_add_test(pc, dma_of_a_pc);
	tcase_add_checked_fixture(virt, setup_arm64, teardown);
	tcase_add_test(virt, what_it_tells_of_a_virt_board);
	tcase_add_test(virt, what_it_boots);
	tcase_add_test(virt, dma_of_a_virt_board);
	suite_add_tcase(s, pc);
	suite_add_tcase(s, virt);
	return s;
}
