/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tables as an operating system finds them: from the RSDP on, by address. With ACPI_DUMP_DIR
 * set, the tables for 1, 4 and 64 vCPUs are also written to DIR/VCPUS/NAME.dat, and those of a
 * machine with PCI to DIR/pci/NAME.dat, of a testdev machine to DIR/testdev/NAME.dat, which is what
 * tests/golden/run-acpi gives to iasl.
 */
#include "acpi/acpi.h"
#include "acpi/mptable.h"
#include "devices/registry.h"
#include "lib/util.h"
#include "tests/unit/unit.h"
#include "vmm/device.h"
#include "vmm/layout_x86.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define MEMORY_SIZE 0x100000

static struct machine m;
static uint8_t memory[MEMORY_SIZE];

static void device_forget(struct device *dev)
{
	(void)dev;
}

static struct chardev chr[DEVICES_SERIAL_PORTS];

static const struct device_class uart = {
	.name = "uart", .acpi_hid = "PNP0501", .destroy = device_forget};
static void add_device(
	struct device *dev, enum window_space space, uint64_t base, uint64_t size, int irq)
{
	dev->uid = 0;
	ck_assert_int_eq(machine_add_device(&m, dev), 0);
	ck_assert_int_eq(machine_add_window(&m, space, base, size, dev, 0), 0);
	if (irq >= 0)
		ck_assert_int_eq(machine_add_irq(&m, dev, (uint32_t)irq, irq >= 16), 0);
}

/* With everything that a testdev machine has. */
static bool all_parts;

static void create_with(unsigned vcpus, bool pci)
{
	const struct devices_config cfg = {.serial = {&chr[0], &chr[1]},
		.pci = pci,
		.pvpanic = all_parts,
		.fw_cfg = all_parts,
		.debug_port = all_parts,
		.test_ports = all_parts,
		.hpet = all_parts};

	machine_fini(&m);
	memset(memory, 0, sizeof(memory));
	ck_assert_int_eq(machine_init(&m, GUEST_X86_64, 64 * MIB, vcpus), 0);
	ck_assert_int_eq(gmem_add(&m.gmem, 0, sizeof(memory), memory), 0);
	ck_assert_int_eq(devices_create(&m, &cfg), 0);
}

static void create(unsigned vcpus)
{
	create_with(vcpus, false);
}

static void build(unsigned vcpus)
{
	gpa_t rsdp = 0;

	create(vcpus);
	ck_assert_int_eq(acpi_build(&m, &rsdp), 0);
	ck_assert_uint_eq(rsdp, 0xF2400);
}

static uint64_t get(gpa_t at, unsigned bytes)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < bytes; i++)
		v |= (uint64_t)memory[at + i] << (8 * i);
	return v;
}

static uint8_t sum(gpa_t at, uint64_t n)
{
	uint8_t s = 0;

	for (uint64_t i = 0; i < n; i++)
		s += memory[at + i];
	return s;
}

/* Checks the header of the table at AT and returns its length. */
static uint64_t table_check(gpa_t at, const char *signature, uint8_t revision)
{
	uint64_t length = get(at + 4, 4);

	ck_assert_uint_eq(at % 16, 0);
	ck_assert_mem_eq(memory + at, signature, 4);
	ck_assert_uint_ge(length, 36);
	ck_assert_uint_le(at + length, X86_FIRMWARE_END);
	ck_assert_uint_eq(sum(at, length), 0);
	ck_assert_uint_eq(memory[at + 8], revision);
	ck_assert_mem_eq(memory + at + 10, "BULKHDBULKHEAD", 14);
	return length;
}

/* The table SIGNATURE that the XSDT lists. */
static gpa_t table_find(const char *signature)
{
	gpa_t xsdt = get(X86_ACPI_RSDP + 24, 8), found = 0;
	uint64_t length = get(xsdt + 4, 4);

	for (gpa_t at = xsdt + 36; at < xsdt + length; at += 8) {
		if (!memcmp(memory + get(at, 8), signature, 4)) {
			ck_assert_uint_eq(found, 0);
			found = get(at, 8);
		}
	}
	ck_assert_msg(found, "%s", signature);
	return found;
}

static gpa_t dsdt_find(void)
{
	return get(table_find("FACP") + 140, 8);
}

START_TEST(rsdp_and_xsdt)
{
	build(1);
	ck_assert_mem_eq(memory + 0xF2400, "RSD PTR ", 8);
	ck_assert_uint_eq(sum(0xF2400, 20), 0);
	ck_assert_uint_eq(sum(0xF2400, 36), 0);
	ck_assert_mem_eq(memory + 0xF2409, "BULKHD", 6);
	ck_assert_uint_eq(memory[0xF240F], 2);
	ck_assert_uint_eq(get(0xF2410, 4), 0); /* no RSDT */
	ck_assert_uint_eq(get(0xF2414, 4), 36);
	ck_assert_uint_eq(get(0xF2418, 8), 0xF2480);
	ck_assert_uint_eq(table_check(0xF2480, "XSDT", 1), 36 + 2 * 8);
	ck_assert_uint_eq(table_find("FACP"), 0xF2500);
	table_find("APIC");
}
END_TEST

START_TEST(fadt)
{
	static const struct {
		unsigned at, bytes;
		uint64_t value;
	} set[] = {
		{108, 1, 0x32}, /* CENTURY */
		{109, 2, 0x0005},
		{112, 4, 0x00100471},
		{128, 1, 0x0E},
		{131, 1, 4},
		{116, 8, 0xCF901000801},
		{244, 8, 0x40001000801},
		{256, 8, 0x40101000801},
	};
	uint8_t rest[276];
	gpa_t at;

	build(1);
	at = table_find("FACP");
	ck_assert_uint_eq(table_check(at, "FACP", 6), 276);
	ck_assert_uint_eq(get(at + 40, 4), get(at + 140, 8));
	memcpy(rest, memory + at, sizeof(rest));
	memset(rest, 0, 36);
	memset(rest + 40, 0, 4);
	memset(rest + 140, 0, 8);
	for (size_t i = 0; i < ARRAY_SIZE(set); i++) {
		ck_assert_msg(get(at + set[i].at, set[i].bytes) == set[i].value, "offset %u: %#lx",
			set[i].at, get(at + set[i].at, set[i].bytes));
		memset(rest + set[i].at, 0, set[i].bytes);
	}
	/* Everything else, legacy register blocks above all, is 0. */
	for (size_t i = 0; i < sizeof(rest); i++)
		ck_assert_msg(!rest[i], "offset %zu", i);
}
END_TEST

START_TEST(madt)
{
	static const uint8_t tail[] = {
		1, 12, 0, 0, 0x00, 0x00, 0xC0, 0xFE, 0, 0, 0, 0, /* I/O APIC */
		2, 10, 0, 0, 2, 0, 0, 0, 0, 0,                   /* IRQ 0 is GSI 2 */
		4, 6, 0xFF, 0, 0, 1,                             /* NMI at LINT1 */
	};
	static const unsigned counts[] = {1, 4, 64};

	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		gpa_t at;

		build(counts[i]);
		at = table_find("APIC");
		ck_assert_uint_eq(table_check(at, "APIC", 5), 44 + 8 * counts[i] + sizeof(tail));
		ck_assert_uint_eq(get(at + 36, 4), 0xFEE00000);
		ck_assert_uint_eq(get(at + 40, 4), 1);
		for (unsigned v = 0; v < counts[i]; v++) {
			const uint8_t lapic[] = {0, 8, (uint8_t)v, (uint8_t)v, 1, 0, 0, 0};

			ck_assert_mem_eq(memory + at + 44 + 8 * v, lapic, sizeof(lapic));
		}
		ck_assert_mem_eq(memory + at + 44 + 8 * counts[i], tail, sizeof(tail));
	}
}
END_TEST

START_TEST(dsdt)
{
	static const uint8_t com1_crs[] = {
		0x47, 0x01, 0xF8, 0x03, 0xF8, 0x03, 0x01, 0x08, 0x22, 0x10, 0x00, 0x79, 0x00};
	static const uint8_t rtc_crs[] = {
		0x47, 0x01, 0x70, 0x00, 0x70, 0x00, 0x01, 0x02, 0x79, 0x00};
	static const uint8_t s5[] = {
		0x08, '_', 'S', '5', '_', 0x12, 0x07, 0x04, 0x0A, 0x05, 0x00, 0x00, 0x00};
	uint64_t length;
	gpa_t at;

	build(2);
	at = dsdt_find();
	length = table_check(at, "DSDT", 2);
	ck_assert_ptr_nonnull(memmem(memory + at, length, "CP00", 4));
	ck_assert_ptr_nonnull(memmem(memory + at, length, "CP01", 4));
	ck_assert_ptr_null(memmem(memory + at, length, "CP02", 4));
	ck_assert_ptr_nonnull(memmem(memory + at, length, com1_crs, sizeof(com1_crs)));
	ck_assert_ptr_nonnull(memmem(memory + at, length, rtc_crs, sizeof(rtc_crs)));
	ck_assert_mem_eq(memory + at + length - sizeof(s5), s5, sizeof(s5));
}
END_TEST

START_TEST(memory_and_level_resources)
{
	static const uint8_t crs[] = {0x86, 9, 0, 1, 0x00, 0x00, 0x00, 0xD0, 0x00, 0x10, 0x00, 0x00,
		0x89, 6, 0, 0x01, 1, 18, 0, 0, 0, 0x79, 0x00};
	static struct device dev = {.cls = &uart, .name = "MEM"};
	gpa_t rsdp, at;

	create(1);
	add_device(&dev, WINDOW_MMIO, 0xD0000000, 0x1000, 18);
	ck_assert_int_eq(acpi_build(&m, &rsdp), 0);
	at = dsdt_find();
	ck_assert_ptr_nonnull(memmem(memory + at, get(at + 4, 4), crs, sizeof(crs)));
}
END_TEST

START_TEST(claims_its_place)
{
	const struct machine_claim *other = NULL;
	gpa_t rsdp = 0;

	build(64);
	ck_assert_int_eq(machine_claim(&m, 0xF2400, 1, "x", &other), -EEXIST);
	ck_assert_str_eq(other->what, "ACPI tables");
	ck_assert_uint_ge(
		other->base + other->size, table_find("APIC") + get(table_find("APIC") + 4, 4));
	create(1);
	ck_assert_int_eq(machine_claim(&m, 0xF2600, 16, "x", NULL), 0);
	ck_assert_int_eq(acpi_build(&m, &rsdp), -EEXIST);
	ck_assert_uint_eq(rsdp, 0);
	ck_assert_uint_eq(memory[0xF2400], 0);
}
END_TEST

START_TEST(refusals)
{
	static struct device bad_name = {.cls = &uart, .name = "com"};
	static struct device too_wide = {.cls = &uart, .name = "WIDE"};
	gpa_t rsdp = 7;

	create(1);
	add_device(&bad_name, WINDOW_PORT, 0x100, 8, -1);
	ck_assert_int_eq(acpi_build(&m, &rsdp), -EINVAL);
	create(1);
	add_device(&too_wide, WINDOW_PORT, 0x1000, 0x1000, -1);
	ck_assert_int_eq(acpi_build(&m, &rsdp), -ERANGE);
	create(1);
	m.arch = GUEST_ARM64;
	ck_assert_int_eq(acpi_build(&m, &rsdp), -EINVAL);
	create(1);
	m.gmem.count = 0;
	ck_assert_int_eq(acpi_build(&m, &rsdp), -EFAULT);
	ck_assert_int_eq(machine_claim(&m, 0xF2400, 16, "x", NULL), 0); /* nothing was claimed */
	ck_assert_uint_eq(rsdp, 7);
}
END_TEST

static void build_pci(void)
{
	gpa_t rsdp = 0;

	create_with(1, true);
	ck_assert_int_eq(acpi_build(&m, &rsdp), 0);
}

START_TEST(pci)
{
	static const uint8_t crs[] = {0x88, 0x0D, 0, 2, 0x0C, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
		0,                                     /* bus 0 */
		0x47, 1, 0xF8, 0x0C, 0xF8, 0x0C, 1, 8, /* 0xCF8 to 0xCFF */
		0x88, 0x0D, 0, 1, 0x0C, 3, 0, 0, 0, 0xC0, 0xFF, 0xFF, 0, 0, 0, 0x40, 0x87, 0x17, 0,
		0, 0x0C, 1, 0, 0, 0, 0, 0, 0, 0, 0x80, 0xFF, 0xFF, 0xFF, 0xDF, 0, 0, 0, 0, 0, 0, 0,
		0x60, 0x8A, 0x2B, 0, 0, 0x0C, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x40, 0, 0, 0,
		0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x40, 0,
		0, 0, 0x79, 0};
	/* Device 1, INTB: the third line. */
	static const uint8_t route[] = {
		0x12, 0x0B, 0x04, 0x0C, 0xFF, 0xFF, 0x01, 0x00, 0x01, 0x00, 0x0A, 18};
	static const uint8_t mcfg[] = {
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xE0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
	gpa_t at;

	build(1);
	at = dsdt_find();
	ck_assert_ptr_null(memmem(memory + at, get(at + 4, 4), "PCI0", 4));
	build_pci();
	at = dsdt_find();
	ck_assert_ptr_nonnull(memmem(memory + at, get(at + 4, 4), crs, sizeof(crs)));
	ck_assert_ptr_nonnull(memmem(memory + at, get(at + 4, 4), route, sizeof(route)));
	ck_assert_uint_eq(table_check(table_find("MCFG"), "MCFG", 1), 36 + sizeof(mcfg));
	ck_assert_mem_eq(memory + table_find("MCFG") + 36, mcfg, sizeof(mcfg));
}
END_TEST

/* ---- a testdev machine ---- */

static void build_testdev(void)
{
	all_parts = true;
	build_pci();
}

static bool dsdt_has(const char *text)
{
	gpa_t at = dsdt_find();

	return memmem(memory + at, get(at + 4, 4), text, strlen(text)) != NULL;
}

START_TEST(testdev)
{
	gpa_t at;

	build_pci();
	ck_assert(!dsdt_has("QEMU0001") && !dsdt_has("QEMU0002") && !dsdt_has("HPET"));
	build_testdev();
	at = table_find("HPET");
	ck_assert_uint_eq(table_check(at, "HPET", 1), 56);
	ck_assert_uint_eq(get(at + 36, 4), 0x8086A201);
	ck_assert_uint_eq(get(at + 40, 4), 64 << 8); /* memory */
	ck_assert_uint_eq(get(at + 44, 8), 0xFED00000);
	ck_assert_uint_eq(get(at + 52, 4), 10000 << 8);
	ck_assert(dsdt_has("QEMU0001") && dsdt_has("QEMU0002") && dsdt_has("HPET"));
	all_parts = false;
}
END_TEST

/* Checks MP tables and returns how many entries there are of each type, by type. */
static void mp_check(unsigned ret_counts[5])
{
	static const unsigned sizes[5] = {20, 8, 8, 8, 8};
	gpa_t table = get(0xF0004, 4), at = table + 44;
	unsigned entries = (unsigned)get(table + 34, 2), last = 0;

	memset(ret_counts, 0, 5 * sizeof(*ret_counts));
	ck_assert_mem_eq(memory + 0xF0000, "_MP_", 4);
	ck_assert_uint_eq(sum(0xF0000, 16), 0);
	ck_assert_uint_eq(get(0xF0008, 2), 0x0401);
	ck_assert_uint_eq(get(0xF000B, 5), 0);
	ck_assert_mem_eq(memory + table, "PCMP", 4);
	ck_assert_uint_eq(sum(table, get(table + 4, 2)), 0);
	ck_assert_mem_eq(memory + table + 8, "BULKHEADBULKHEAD    ", 20);
	ck_assert_uint_eq(get(table + 36, 4), 0xFEE00000);
	for (unsigned i = 0; i < entries; i++) {
		unsigned type = memory[at];

		ck_assert(type < 5 && type >= last);
		ret_counts[type]++;
		last = type;
		at += sizes[type];
	}
	ck_assert_uint_eq(at, table + get(table + 4, 2));
}

START_TEST(mp_tables)
{
	unsigned counts[5];
	gpa_t at = 0xF0010 + 44;

	create(3);
	ck_assert_int_eq(mptable_build(&m), 0);
	mp_check(counts);
	ck_assert(counts[0] == 3 && counts[1] == 1 && counts[2] == 1 && counts[3] == 15 &&
		  counts[4] == 2);
	for (unsigned i = 0; i < 3; i++, at += 20)
		ck_assert_uint_eq(get(at, 4), 0x00140000 | i << 8 | (i ? 1 : 3) << 24);
	ck_assert_mem_eq(memory + at, "\1\0ISA   ", 8);
	ck_assert_uint_eq(get(at + 8, 8), 0xFEC0000001110002);
	ck_assert_uint_eq(get(at + 16, 8), 0x0200000000000003); /* IRQ 0 to pin 2 */
	ck_assert_uint_eq(get(at + 24, 8), 0x0100010000000003);
	ck_assert_int_eq(mptable_build(&m), -EEXIST);

	create_with(64, true);
	ck_assert_int_eq(mptable_build(&m), 0);
	mp_check(counts);
	ck_assert(counts[0] == 64 && counts[1] == 2 && counts[3] == 15 + 128 && counts[4] == 2);
	at = 0xF0010 + 44 + 64 * 20;
	ck_assert_mem_eq(memory + at, "\1\0PCI   \1\1ISA   ", 16);
	/* INTB of device 3: active high, by level, as the DSDT wires it. */
	at += 24 + 15 * 8 + (3 * 4 + 1) * 8;
	ck_assert_uint_eq(get(at, 6), 0x0D00000D0003 & 0xFFFF00FFFFFF);
	ck_assert_uint_eq(memory[at + 7], m.pci.gsis[0]);
}
END_TEST

static void dump_table(const char *dir, const char *name, gpa_t at)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s.dat", dir, name);
	f = fopen(path, "w");
	ck_assert_msg(f, "%s", path);
	ck_assert_uint_eq(fwrite(memory + at, 1, get(at + 4, 4), f), get(at + 4, 4));
	ck_assert_int_eq(fclose(f), 0);
}

static void dump_all(const char *root, const char *name, bool with_mcfg)
{
	char dir[480];

	snprintf(dir, sizeof(dir), "%s/%s", root, name);
	ck_assert_msg(!mkdir(dir, 0777) || errno == EEXIST, "%s", dir);
	dump_table(dir, "xsdt", get(X86_ACPI_RSDP + 24, 8));
	dump_table(dir, "facp", table_find("FACP"));
	dump_table(dir, "dsdt", dsdt_find());
	dump_table(dir, "apic", table_find("APIC"));
	if (with_mcfg)
		dump_table(dir, "mcfg", table_find("MCFG"));
	if (all_parts)
		dump_table(dir, "hpet", table_find("HPET"));
}

START_TEST(dump)
{
	static const struct {
		unsigned vcpus;
		const char *name;
	} counts[] = {{1, "1"}, {4, "4"}, {64, "64"}};
	const char *root = getenv("ACPI_DUMP_DIR");

	for (size_t i = 0; root && i < ARRAY_SIZE(counts); i++) {
		build(counts[i].vcpus);
		dump_all(root, counts[i].name, false);
	}
	if (root) {
		build_pci();
		dump_all(root, "pci", true);
		build_testdev();
		dump_all(root, "testdev", true);
		all_parts = false;
	}
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("acpi/acpi");
	TCase *t = tcase_create("acpi");

	tcase_add_test(t, rsdp_and_xsdt);
	tcase_add_test(t, fadt);
	tcase_add_test(t, madt);
	tcase_add_test(t, dsdt);
	tcase_add_test(t, memory_and_level_resources);
	tcase_add_test(t, claims_its_place);
	tcase_add_test(t, refusals);
	tcase_add_test(t, pci);
	tcase_add_test(t, testdev);
	tcase_add_test(t, mp_tables);
	tcase_add_test(t, dump);
	suite_add_tcase(s, t);
	return s;
}
