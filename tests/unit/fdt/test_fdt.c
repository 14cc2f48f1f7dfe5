/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tree as an operating system finds it: by path and property. With FDT_DUMP_DIR set, the trees
 * of several machines are also written to DIR/NAME.dtb, which is what tests/golden/run-dtb gives to
 * dtc.
 */
#include "lib/file.h"
#include "tests/unit/fdt/fixture.h"

#define STATUS 0x0A000000

START_TEST(root_and_memory)
{
	build();
	assert_cells("/", "#address-cells", 2);
	assert_cells("/", "#size-cells", 2);
	assert_bytes("/", "compatible", "bulkhead,partition\0linux,dummy-virt", 36);
	assert_string("/memory@40000000", "device_type", "memory");
	assert_cells("/memory@40000000", "reg", 0, 0x40000000, 0, 0x20000000);
	f.m.ranges[0].size = 8 * GIB;
	build();
	assert_cells("/memory@40000000", "reg", 0, 0x40000000, 2, 0);
	assert_no_node("/reserved-memory");
	assert_no_node("/__symbols__");
}
END_TEST

START_TEST(cpus)
{
	static const unsigned counts[] = {1, 4, 64};

	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		unsigned n = counts[i];
		char path[64];

		create(n);
		build();
		for (unsigned v = 0; v < n; v++) {
			snprintf(path, sizeof(path), "/cpus/cpu@%x", v % 16 | v / 16 << 8);
			assert_cells(path, "reg", v % 16 | v / 16 << 8);
			assert_string(path, "device_type", "cpu");
			assert_string(path, "compatible", "arm,arm-v8");
			assert_string(path, "enable-method", "psci");
			snprintf(path, sizeof(path), "/cpus/cpu-map/socket0/cluster0/core%u", v);
			assert_cells(path, "cpu", 0x8004 + v);
		}
		snprintf(path, sizeof(path), "/cpus/cpu-map/socket0/cluster0/core%u", n);
		assert_no_node(path);
	}
	ck_assert_int_eq(
		fdt_node_offset_by_phandle(f.memory, 0x8004 + 63), node_at("/cpus/cpu@30f"));
}
END_TEST

START_TEST(psci_by_version)
{
	build();
	assert_bytes("/psci", "compatible", "arm,psci-1.0\0arm,psci-0.2", 26);
	assert_string("/psci", "method", "hvc");
	f.m.arm64.psci = 2;
	build();
	assert_string("/psci", "compatible", "arm,psci-0.2");
}
END_TEST

START_TEST(timer_and_pmu)
{
	create(4);
	build();
	assert_bytes("/timer", "compatible", "arm,armv8-timer\0arm,armv7-timer", 32);
	assert_cells("/timer", "interrupts", 1, 13, 4, 1, 14, 4, 1, 11, 4, 1, 10, 4);
	assert_bytes("/timer", "always-on", "", 0);
	assert_string("/pmu", "compatible", "arm,armv8-pmuv3");
	assert_cells("/pmu", "interrupts", 1, 7, 4);
	f.m.arm64.gic = MACHINE_GIC_V2;
	build();
	assert_cells(
		"/timer", "interrupts", 1, 13, 0xF04, 1, 14, 0xF04, 1, 11, 0xF04, 1, 10, 0xF04);
	assert_cells("/pmu", "interrupts", 1, 7, 0xF04);
	f.m.arm64.pmu = MACHINE_OFF;
	build();
	assert_no_node("/pmu");
}
END_TEST

START_TEST(gic_v3)
{
	const char *intc = "/intc@8000000", *its = "/intc@8000000/its@8080000";

	build();
	assert_string(intc, "compatible", "arm,gic-v3");
	assert_cells(intc, "reg", 0, 0x08000000, 0, 0x10000, 0, 0x080A0000, 0, 0xF60000);
	assert_cells(intc, "#redistributor-regions", 1);
	assert_cells(intc, "#interrupt-cells", 3);
	assert_bytes(intc, "interrupt-controller", "", 0);
	assert_bytes(intc, "ranges", "", 0);
	assert_no_property(intc, "interrupts");
	ck_assert_int_eq(fdt_node_offset_by_phandle(f.memory, 0x8001), node_at(intc));
	assert_cells("/", "interrupt-parent", 0x8001);
	assert_string(its, "compatible", "arm,gic-v3-its");
	assert_cells(its, "reg", 0, 0x08080000, 0, 0x20000);
	assert_cells(its, "#msi-cells", 1);
	assert_bytes(its, "msi-controller", "", 0);
	f.m.arm64.its = MACHINE_OFF;
	build();
	assert_no_node(its);
}
END_TEST

START_TEST(gic_v2)
{
	const char *intc = "/intc@8000000";

	create_open(1);
	f.m.arm64.gic = MACHINE_GIC_V2;
	machine_assume(&f.m);
	build();
	assert_string(intc, "compatible", "arm,cortex-a15-gic");
	assert_cells(intc, "reg", 0, 0x08000000, 0, 0x10000, 0, 0x08010000, 0, 0x10000);
	assert_no_property(intc, "#redistributor-regions");
	assert_no_node("/intc@8000000/its@8080000");
}
END_TEST

/* A guest at EL2 calls PSCI by SMC, and has two interrupts more. */
START_TEST(nested)
{
	f.m.nested = true;
	build();
	assert_string("/psci", "method", "smc");
	assert_cells("/intc@8000000", "interrupts", 1, 9, 4);
	assert_cells("/timer", "interrupts", 1, 13, 4, 1, 14, 4, 1, 11, 4, 1, 10, 4, 1, 12, 4);
}
END_TEST

START_TEST(devices)
{
	uint32_t clock;

	build();
	clock = fdt_get_phandle(f.memory, node_at("/apb-pclk"));
	ck_assert_uint_ne(clock, 0);
	assert_cells("/apb-pclk", "clock-frequency", 24000000);
	assert_bytes("/pl011@9000000", "compatible", "arm,pl011\0arm,primecell", 24);
	assert_cells("/pl011@9000000", "reg", 0, 0x09000000, 0, 0x1000);
	assert_cells("/pl011@9000000", "interrupts", 0, 1, 4);
	assert_cells("/pl011@9000000", "clocks", clock, clock);
	assert_bytes("/pl011@9000000", "clock-names", "uartclk\0apb_pclk", 17);
	assert_cells("/pl011@9040000", "interrupts", 0, 8, 4);
	assert_bytes("/pl031@9010000", "compatible", "arm,pl031\0arm,primecell", 24);
	assert_cells("/pl031@9010000", "interrupts", 0, 2, 4);
	assert_cells("/pl031@9010000", "clocks", clock);
	assert_cells("/pl061@9030000", "interrupts", 0, 7, 4);
	assert_bytes("/pl061@9030000", "gpio-controller", "", 0);
	assert_cells("/pl061@9030000", "#gpio-cells", 2);
	assert_cells("/gpio-keys/poweroff", "gpios",
		fdt_get_phandle(f.memory, node_at("/pl061@9030000")), 3, 0);
	assert_cells("/gpio-keys/poweroff", "linux,code", 116);
	assert_string("/control@9fe0000", "compatible", "bulkhead,control");
	assert_cells("/control@9fe0000", "reg", 0, 0x09FE0000, 0, 0x1000);
}
END_TEST

static void device_forget(struct device *dev)
{
	(void)dev;
}

static void add_device(struct device *dev)
{
	dev->uid = 0;
	ck_assert_int_eq(machine_add_device(&f.m, dev), 0);
}

/* No clock, no button and no console where nothing has them; several windows, edges. */
START_TEST(other_devices)
{
	static const struct device_class odd = {
		.name = "odd", .fdt_compatible = "odd", .destroy = device_forget};
	static const struct device_class hidden = {.name = "hidden", .destroy = device_forget};
	static const struct device_class bare = {
		.name = "bare", .fdt_compatible = "x,bare", .destroy = device_forget};
	static struct device devs[] = {{.cls = &odd, .name = "ODD"},
		{.cls = &hidden, .name = "HID"}, {.cls = &bare, .name = "BARE"}};

	machine_fini(&f.m);
	ck_assert_int_eq(machine_init(&f.m, GUEST_ARM64, 512 * MIB, 1), 0);
	ck_assert_int_eq(gmem_add(&f.m.gmem, BASE, sizeof(f.memory), f.memory), 0);
	machine_assume(&f.m);
	for (unsigned i = 0; i < 3; i++)
		add_device(&devs[i]);
	ck_assert_int_eq(machine_add_window(&f.m, WINDOW_CALL, 7, 1, &devs[0], 0), 0);
	ck_assert_int_eq(machine_add_window(&f.m, WINDOW_MMIO, 0x0C000000, 0x200, &devs[0], 1), 0);
	ck_assert_int_eq(
		machine_add_window(&f.m, WINDOW_MMIO, 0x8000000000, 0x1000, &devs[0], 2), 0);
	ck_assert_int_eq(machine_add_window(&f.m, WINDOW_MMIO, 0x0D000000, 0x200, &devs[1], 0), 0);
	ck_assert_int_eq(machine_add_irq(&f.m, &devs[1], 8, true), 0);
	ck_assert_int_eq(machine_add_irq(&f.m, &devs[0], 9, false), 0);
	ck_assert_int_eq(machine_add_irq(&f.m, &devs[0], 10, true), 0);
	build();
	assert_cells("/odd@c000000", "reg", 0, 0x0C000000, 0, 0x200, 0x80, 0, 0, 0x1000);
	assert_cells("/odd@c000000", "interrupts", 0, 9, 1, 0, 10, 4);
	assert_no_property("/bare", "reg");
	assert_no_node("/hidden@d000000");
	assert_no_node("/apb-pclk");
	assert_no_node("/gpio-keys");
	assert_no_property("/chosen", "stdout-path");
}
END_TEST

START_TEST(virtio_mmio)
{
	static const struct device_class virtio = {
		.name = "virtio", .fdt_compatible = "virtio,mmio", .destroy = device_forget};
	static struct device dev = {.cls = &virtio, .name = "VIO"};

	add_device(&dev);
	ck_assert_int_eq(machine_add_window(&f.m, WINDOW_MMIO, 0x0A000000, 0x200, &dev, 0), 0);
	ck_assert_int_eq(machine_add_irq(&f.m, &dev, 16, false), 0);
	build();
	assert_string("/virtio_mmio@a000000", "compatible", "virtio,mmio");
	assert_cells("/virtio_mmio@a000000", "reg", 0, 0x0A000000, 0, 0x200);
	assert_cells("/virtio_mmio@a000000", "interrupts", 0, 16, 1);
	assert_bytes("/virtio_mmio@a000000", "dma-coherent", "", 0);
}
END_TEST

START_TEST(chosen)
{
	build();
	assert_string("/chosen", "stdout-path", "/pl011@9000000");
	assert_no_property("/chosen", "bootargs");
	assert_no_property("/chosen", "linux,initrd-start");
	assert_no_property("/chosen", "kaslr-seed");
	assert_no_property("/chosen", "rng-seed");
	f.req.cmdline = "console=ttyAMA0 quiet";
	f.req.initrd = 0x123456000;
	f.req.initrd_size = 0x1001;
	f.req.kaslr_seed = 0x0123456789ABCDEF;
	f.req.rng_seed[31] = 7;
	build();
	assert_string("/chosen", "bootargs", "console=ttyAMA0 quiet");
	assert_cells("/chosen", "linux,initrd-start", 1, 0x23456000);
	assert_cells("/chosen", "linux,initrd-end", 1, 0x23457001);
	assert_cells("/chosen", "kaslr-seed", 0x01234567, 0x89ABCDEF);
	assert_cells("/chosen", "rng-seed", 0, 0, 0, 0, 0, 0, 0, 7);
}
END_TEST

START_TEST(mappings)
{
	ck_assert_int_eq(machine_add_mapping(&f.m, STATUS, 4096, f.page, true, "status page"), 0);
	ck_assert_int_eq(
		machine_add_mapping(&f.m, STATUS + 4096, 4096, f.page, true, "something"), 0);
	build();
	assert_string("/reserved-memory/status@a000000", "compatible", "bulkhead,status");
	assert_cells("/reserved-memory/status@a000000", "reg", 0, STATUS, 0, 4096);
	assert_bytes("/reserved-memory/status@a000000", "no-map", "", 0);
	assert_bytes("/reserved-memory", "ranges", "", 0);
	assert_string("/reserved-memory/memory@a001000", "compatible", "bulkhead,memory");
	assert_no_node("/memory@a000000");
}
END_TEST

/* The longest command line, all devices there can be and the most vCPUs fit. */
START_TEST(pci)
{
	const char *pcie = "/pcie@3f000000";
	const fdt32_t *map;
	int length;

	build();
	assert_no_node(pcie);
	create_pci(MACHINE_GIC_V3);
	build();
	assert_string(pcie, "compatible", "pci-host-ecam-generic");
	assert_string(pcie, "device_type", "pci");
	assert_cells(pcie, "reg", 0, 0x3F000000, 0, 0x100000);
	assert_cells(pcie, "bus-range", 0, 0);
	assert_cells(pcie, "ranges", 0x01000000, 0, 0, 0, 0x3EFF0000, 0, 0x10000, 0x02000000, 0,
		0x10000000, 0, 0x10000000, 0, 0x2EFF0000, 0x43000000, 0x80, 0, 0x80, 0, 0x80, 0);
	assert_cells(pcie, "interrupt-map-mask", 0x1800, 0, 0, 7);
	assert_cells(pcie, "msi-map", 0, 0x8002, 0, 0x10000);
	assert_bytes(pcie, "dma-coherent", "", 0);
	map = fdt_getprop(f.memory, node_at(pcie), "interrupt-map", &length);
	ck_assert_ptr_nonnull(map);
	ck_assert_int_eq(length, 16 * 10 * 4);
	for (unsigned i = 0; i < 16; i++) {
		const uint32_t want[10] = {
			i / 4 << 11, 0, 0, i % 4 + 1, 0x8001, 0, 0, 0, 3 + (i / 4 + i) % 4, 4};

		for (unsigned c = 0; c < 10; c++)
			ck_assert_uint_eq(fdt32_to_cpu(map[10 * i + c]), want[c]);
	}
	assert_no_node("/intc@8000000/v2m@8020000");
	create_pci(MACHINE_GIC_V2);
	build();
	assert_no_property(pcie, "msi-map");
	assert_cells(pcie, "msi-parent", 0x7FFF);
	assert_cells("/intc@8000000/v2m@8020000", "reg", 0, 0x08020000, 0, 0x1000);
	assert_string("/intc@8000000/v2m@8020000", "compatible", "arm,gic-v2m-frame");
	assert_bytes("/intc@8000000/v2m@8020000", "msi-controller", "", 0);
}
END_TEST

START_TEST(room_is_enough)
{
	static const struct device_class wide = {.name = "wide",
		.fdt_compatible = "bulkhead,a-class-with-a-rather-long-name",
		.destroy = device_forget};
	static struct device devs[MACHINE_DEVICES_MAX];
	static char cmdline[2048];

	create(64);
	memset(cmdline, 'x', sizeof(cmdline) - 1);
	f.req.cmdline = cmdline;
	f.req.initrd_size = f.req.kaslr_seed = f.req.rng_seed[0] = 1;
	for (unsigned i = 0; f.m.device_count < MACHINE_DEVICES_MAX; i++) {
		devs[i] = (struct device){.cls = &wide};
		snprintf(devs[i].name, sizeof(devs[i].name), "DEV%u", i);
		add_device(&devs[i]);
		if (f.m.window_count < MACHINE_WINDOWS_MAX)
			ck_assert_int_eq(machine_add_window(&f.m, WINDOW_MMIO,
						 0x20000000 + i * 0x1000, 0x1000, &devs[i], 0),
				0);
		ck_assert_int_eq(machine_add_irq(&f.m, &devs[i], 100 + i, true), 0);
	}
	for (unsigned i = 0; i < MACHINE_MAPPINGS_MAX; i++)
		ck_assert_int_eq(machine_add_mapping(&f.m, STATUS + i * 4096, 4096, f.page, true,
					 "status page"),
			0);
	build();
	ck_assert_uint_le(fdt_room(&f.m, 0), 128 * KIB);
	ck_assert_uint_lt(fdt_room(&f.m, SIZE_MAX), FDT_ROOM_MAX);
}
END_TEST

START_TEST(refusals)
{
	struct machine saved = f.m;

	f.m.arch = GUEST_X86_64;
	assert_refused("its machine is not complete; this is a defect of Bulkhead");
	f.m = saved;
	f.m.arm64.gic = MACHINE_GIC_AUTO;
	assert_refused("its machine is not complete");
	f.m = saved;
	f.m.arm64.psci = 0;
	assert_refused("its machine is not complete");
	f.m = saved;
	f.req.base = BASE + sizeof(f.memory) - 4096;
	assert_refused("there is no memory for it");
	f.req.base = BASE;
	f.req.room = 1024;
	ck_assert_int_eq(fdt_build(&f.m, &f.req, &f.diags), -EINVAL);
	ck_assert(diag_has("cannot be made: FDT_ERR_NOSPACE"));
	ck_assert_uint_eq(f.memory[0], 0);
}
END_TEST

/* ---- golden trees ---- */

static void dump(const char *name)
{
	char path[512];
	FILE *file;

	build();
	snprintf(path, sizeof(path), "%s/%s.dtb", getenv("FDT_DUMP_DIR"), name);
	file = fopen(path, "w");
	ck_assert_msg(file, "%s", path);
	ck_assert_uint_eq(
		fwrite(f.memory, 1, fdt_totalsize(f.memory), file), fdt_totalsize(f.memory));
	ck_assert_int_eq(fclose(file), 0);
}

/* With the overlay that dtc has made in the same directory. */
static void dump_overlay(const char *name)
{
	struct file_map map;
	char path[512];

	snprintf(path, sizeof(path), "%s/%s.dtbo", getenv("FDT_DUMP_DIR"), name);
	ck_assert_msg(!file_map_path(path, &map), "%s", path);
	create(1);
	f.req.overlay = (struct fdt_overlay){.path = path, .data = map.data, .size = map.size};
	dump(name);
	file_unmap(&map);
}

START_TEST(testdev)
{
	const char *node = "/fw-cfg@9020000";

	build();
	assert_no_node(node);
	create_testdev();
	build();
	assert_string(node, "compatible", "qemu,fw-cfg-mmio");
	assert_cells(node, "reg", 0, 0x09020000, 0, 24);
	assert_bytes(node, "dma-coherent", "", 0);
	assert_no_property(node, "interrupts");
}
END_TEST

START_TEST(dumps)
{
	f.req.cmdline = "console=ttyAMA0";
	dump("gicv3-1");
	create(4);
	dump("gicv3-4");
	create(64);
	dump("gicv3-64");
	create(2);
	f.m.arm64.its = MACHINE_OFF;
	dump("no-its");
	create(2);
	f.m.arm64.pmu = MACHINE_OFF;
	f.m.arm64.psci = 2;
	dump("no-pmu-psci-0.2");
	create_open(8);
	f.m.arm64.gic = MACHINE_GIC_V2;
	machine_assume(&f.m);
	dump("gicv2");
	create(1);
	f.m.nested = true;
	dump("nested");
	create(1);
	f.req.cmdline = "console=ttyAMA0 root=/dev/ram0";
	f.req.initrd = 0x48000000;
	f.req.initrd_size = 0x123456;
	f.req.kaslr_seed = 0x1122334455667788;
	for (unsigned i = 0; i < sizeof(f.req.rng_seed); i++)
		f.req.rng_seed[i] = (uint8_t)(0xA0 + i);
	dump("initrd");
	create(1);
	ck_assert_int_eq(machine_add_mapping(&f.m, STATUS, 4096, f.page, true, "status page"), 0);
	dump("status-page");
	create_pci(MACHINE_GIC_V3);
	dump("pci");
	create_pci(MACHINE_GIC_V2);
	dump("pci-v2m");
	create_testdev();
	dump("testdev");
	dump_overlay("overlay");
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("fdt/fdt");
	TCase *t = tcase_create("fdt");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, testdev);
	tcase_add_test(t, root_and_memory);
	tcase_add_test(t, cpus);
	tcase_add_test(t, psci_by_version);
	tcase_add_test(t, timer_and_pmu);
	tcase_add_test(t, gic_v3);
	tcase_add_test(t, gic_v2);
	tcase_add_test(t, nested);
	tcase_add_test(t, devices);
	tcase_add_test(t, other_devices);
	tcase_add_test(t, virtio_mmio);
	tcase_add_test(t, chosen);
	tcase_add_test(t, mappings);
	tcase_add_test(t, pci);
	tcase_add_test(t, room_is_enough);
	tcase_add_test(t, refusals);
	if (getenv("FDT_DUMP_DIR"))
		tcase_add_test(t, dumps);
	suite_add_tcase(s, t);
	return s;
}
