/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tree as an operating system finds it: by path and property. With FDT_DUMP_DIR set, the trees
 * of several machines are also written to DIR/NAME.dtb, which is what tests/golden/run-dtb gives to
 * dtc.
 */
#include "fdt/fdt.h"
#include "lib/util.h"
#include "tests/unit/unit.h"
#include "vmm/device.h"
#include "vmm/layout_arm64.h"

#include <errno.h>
#include <libfdt.h>
#include <string.h>

#define BASE ARM64_RAM_BASE

static struct machine m;
static struct diags diags;
static struct fdt_request req;
static uint8_t memory[FDT_ROOM_MAX] __attribute__((aligned(4096)));

static void device_forget(struct device *dev)
{
	(void)dev;
}

static const struct device_class pl011 = {
	.name = "pl011", .fdt_compatible = "arm,pl011", .destroy = device_forget};
static const struct device_class pl031 = {
	.name = "pl031", .fdt_compatible = "arm,pl031", .destroy = device_forget};
static const struct device_class pl061 = {
	.name = "pl061", .fdt_compatible = "arm,pl061", .destroy = device_forget};
static const struct device_class control = {
	.name = "control", .fdt_compatible = "bulkhead,control", .destroy = device_forget};
static const struct device_class hidden = {.name = "hidden", .destroy = device_forget};

static struct device devices[] = {
	{.cls = &pl011, .name = "COM1"},
	{.cls = &pl011, .name = "COM2"},
	{.cls = &pl031, .name = "RTC"},
	{.cls = &pl061, .name = "GPIO"},
	{.cls = &control, .name = "CTRL"},
	{.cls = &hidden, .name = "HID"},
};

static void add_device(unsigned i, gpa_t base, int spi)
{
	devices[i].uid = 0;
	ck_assert_int_eq(machine_add_device(&m, &devices[i]), 0);
	ck_assert_int_eq(machine_add_window(&m, WINDOW_MMIO, base, 0x1000, &devices[i], 0), 0);
	if (spi >= 0)
		ck_assert_int_eq(machine_add_irq(&m, &devices[i], (uint32_t)spi, true), 0);
}

/* A machine of 512 MiB, of which the first 2 MiB are there. */
static void create(unsigned vcpus)
{
	machine_fini(&m);
	memset(memory, 0, sizeof(memory));
	ck_assert_int_eq(machine_init(&m, GUEST_ARM64, 512 * MIB, vcpus), 0);
	ck_assert_int_eq(gmem_add(&m.gmem, BASE, sizeof(memory), memory), 0);
	machine_assume(&m);
	add_device(0, ARM64_UART0_BASE, ARM64_SPI_UART0);
	add_device(1, ARM64_UART1_BASE, ARM64_SPI_UART1);
	add_device(2, ARM64_RTC_BASE, ARM64_SPI_RTC);
	add_device(3, ARM64_GPIO_BASE, ARM64_SPI_GPIO);
	add_device(4, ARM64_CONTROL_BASE, -1);
	add_device(5, 0x0B000000, -1);
	req = (struct fdt_request){.base = BASE, .cmdline = "console=ttyAMA0"};
}

static void setup(void)
{
	diags_init(&diags);
	create(1);
}

static void teardown(void)
{
	machine_fini(&m);
	diags_fini(&diags);
}

static void build(void)
{
	int ret;

	req.room = fdt_room(&m, req.overlay.size);
	ret = fdt_build(&m, &req, &diags);
	ck_assert_msg(!ret, "%s", diags.count ? diags.items[0].text : "no message");
	ck_assert_uint_eq(diags.count, 0);
	ck_assert_int_eq(fdt_check_full(memory, req.room), 0);
}

START_TEST(builds)
{
	build();
}
END_TEST

static void dump(const char *dir, const char *name)
{
	char path[512];
	FILE *f;

	build();
	snprintf(path, sizeof(path), "%s/%s.dtb", dir, name);
	f = fopen(path, "w");
	ck_assert_msg(f, "%s", path);
	ck_assert_uint_eq(fwrite(memory, 1, fdt_totalsize(memory), f), fdt_totalsize(memory));
	ck_assert_int_eq(fclose(f), 0);
}

START_TEST(dumps)
{
	const char *dir = getenv("FDT_DUMP_DIR");

	if (!dir)
		return;
	dump(dir, "1");
	create(4);
	dump(dir, "4");
	create(64);
	dump(dir, "64");
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("fdt/fdt");
	TCase *t = tcase_create("fdt");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, builds);
	tcase_add_test(t, dumps);
	suite_add_tcase(s, t);
	return s;
}
