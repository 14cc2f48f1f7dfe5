/* SPDX-License-Identifier: BSD-3-Clause */
/* The devices of the fusa contract: what there is, and nothing else. */
#include "devices/pci/config.h"
#include "devices/registry.h"
#include "lib/util.h"
#include "tests/unit/devices/fixture.h"
#include "tests/unit/unit.h"

static struct fixture fx;
static struct chardev chr;
static struct timespec the_time;

static void now(void *ctx, struct timespec *ret_now)
{
	(void)ctx;
	*ret_now = the_time;
}

static void create(bool serial, bool debug)
{
	const struct devices_config cfg = {
		.serial = {serial ? &chr : NULL, NULL}, .rtc.now = now, .debug = debug};

	chardev_init(&chr, -1);
	memset(&fx, 0, sizeof(fx));
	ck_assert_int_eq(machine_init_fusa(&fx.m, MACHINE_FUSA_NON_SAFETY, MACHINE_RAM_MIN, 1), 0);
	fx.m.services = (struct machine_services){
		.ctx = &fx, .irq_set = fixture_irq_set, .end = fixture_end};
	ck_assert_int_eq(devices_create(&fx.m, &cfg), 0);
}

static unsigned ports_with_device(void)
{
	unsigned n = 0;

	for (uint64_t port = 0; port < 0x10000; port++)
		n += machine_find_window(&fx.m, WINDOW_PORT, port) != NULL;
	return n;
}

START_TEST(nothing_but_clock_and_pci)
{
	create(false, false);
	ck_assert_uint_eq(fx.m.device_count, 2);
	ck_assert_uint_eq(ports_with_device(), 5 + 4 + 4);
	for (unsigned i = 0; i < fx.m.window_count; i++)
		ck_assert_int_eq(fx.m.windows[i].space, WINDOW_PORT);
	machine_fini(&fx.m);
	create(true, false);
	ck_assert_uint_eq(fx.m.device_count, 3);
	ck_assert_uint_eq(inb(&fx, 0x3F8 + 5), 0x60);
	machine_fini(&fx.m);
	create(false, true);
	ck_assert_uint_eq(fx.m.device_count, 3);
	fixture_out(&fx, 0xF4, 4, 7);
	ck_assert_uint_eq(fx.ends, 1);
	ck_assert_uint_eq(fx.code, 7);
	machine_fini(&fx.m);
}
END_TEST

static uint8_t rtc(uint8_t index)
{
	outb(&fx, 0x70, index);
	return inb(&fx, 0x71);
}

START_TEST(clock_reads)
{
	static const uint8_t want[14] = {
		0x58, 0, 0x59, 0, 0x23, 0, 0x07, 0x29, 0x02, 0x20, 0, 0x02, 0, 0x80};

	create(false, false);
	the_time.tv_sec = 1583020798; /* Saturday 2020-02-29 23:59:58 UTC */
	/* Bit 7 of the index is no part of it: on a PC it masks NMIs. */
	for (unsigned i = 0; i < 256; i++)
		ck_assert_msg(rtc((uint8_t)i) == (i % 128 < sizeof(want) ? want[i % 128] : 0),
			"%#x: %#x", i, rtc((uint8_t)i));
	the_time.tv_sec += 2; /* Sunday, 1 March */
	ck_assert_uint_eq(rtc(0), 0x00);
	ck_assert_uint_eq(rtc(6), 0x01);
	ck_assert_uint_eq(rtc(7), 0x01);
	ck_assert_uint_eq(rtc(8), 0x03);
	machine_fini(&fx.m);
}
END_TEST

START_TEST(clock_is_read_only)
{
	create(false, false);
	rtc(0x0B);
	for (unsigned size = 1; size <= 4; size *= 2) {
		fixture_out(&fx, 0x71, size, 0xFFFFFFFF);
		ck_assert_uint_eq(fixture_in(&fx, 0x71, size), 2);
		ck_assert_uint_eq(fixture_in(&fx, 0x70, size), 0);
	}
	fixture_out(&fx, 0x70, 2, 0x0D0D); /* the index takes single bytes */
	fixture_out(&fx, 0x70, 4, 0x0D0D0D0D);
	ck_assert_uint_eq(inb(&fx, 0x71), 2);
	outb(&fx, 0x72, 0x0D);
	ck_assert_uint_eq(inb(&fx, 0x72), 0xFF);
	ck_assert_uint_eq(inb(&fx, 0x71), 2);
	machine_fini(&fx.m);
}
END_TEST

static uint32_t pci_read(uint32_t address)
{
	fixture_out(&fx, 0xCF8, 4, address);
	return (uint32_t)fixture_in(&fx, 0xCFC, 4);
}

START_TEST(host_bridge)
{
	create(false, false);
	for (uint32_t at = 0; at < 256; at += 4) {
		uint32_t want = at == 0 ? 0x5AF08086 : at == 8 ? 0x0600000B : 0;

		ck_assert_uint_eq(pci_read(0x80000000 | at), want);
		fixture_out(&fx, 0xCFC, 4, 0xFFFFFFFF);
		ck_assert_uint_eq(fixture_in(&fx, 0xCFC, 4), want);
	}
	for (uint32_t bdf = 1; bdf < 0x10000; bdf++)
		ck_assert_uint_eq(pci_read(0x80000000 | bdf << 8), 0xFFFFFFFF);
	ck_assert_uint_eq(pci_read(0), 0xFFFFFFFF);
	ck_assert_uint_eq(pci_read(0xFF000003), 0x5AF08086); /* reserved bits */
	ck_assert_uint_eq(fixture_in(&fx, 0xCF8, 4), 0x80000000);
	ck_assert_uint_eq(fixture_in(&fx, 0xCFE, 2), 0x5AF0);
	ck_assert_uint_eq(fixture_in(&fx, 0xCFD, 1), 0x80);
	fixture_out(&fx, 0xCF8, 2, 0x1234);
	fixture_out(&fx, 0xCFB, 1, 0);
	ck_assert_uint_eq(fixture_in(&fx, 0xCF8, 4), 0x80000000);
	ck_assert_uint_eq(fixture_in(&fx, 0xCF8, 2), 0xFFFF);
	ck_assert_uint_eq(fixture_in(&fx, 0xCF9, 1), 0xFF);
	machine_fini(&fx.m);
}
END_TEST

START_TEST(config_masks)
{
	struct pci_config c = {0};

	pci_config_set(&c, 0x04, 2, 0x0010, 0x0407);
	pci_config_write(&c, 0x04, 4, 0xFFFFFFFF);
	ck_assert_uint_eq(pci_config_read(&c, 0x04, 4), 0x0417);
	pci_config_write(&c, 0x05, 1, 0);
	ck_assert_uint_eq(pci_config_read(&c, 0x04, 2), 0x0017);
	pci_config_set(&c, 0xFFE, 4, 0x11223344, 0xFFFFFFFF); /* past the end is nothing */
	ck_assert_uint_eq(pci_config_read(&c, 0xFFE, 4), 0xFFFF3344);
	pci_config_write(&c, 0xFFF, 4, 0xAABBCCDD);
	ck_assert_uint_eq(pci_config_read(&c, 0xFFE, 2), 0xDD44);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("devices/fusa");
	TCase *t = tcase_create("fusa");

	tcase_add_test(t, nothing_but_clock_and_pci);
	tcase_add_test(t, clock_reads);
	tcase_add_test(t, clock_is_read_only);
	tcase_add_test(t, host_bridge);
	tcase_add_test(t, config_masks);
	suite_add_tcase(s, t);
	return s;
}
