/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests of the device tree share: the machine as a partition has it, and its tree. */
#ifndef TESTS_FDT_FIXTURE_H
#define TESTS_FDT_FIXTURE_H

#include "devices/registry.h"
#include "fdt/fdt.h"
#include "lib/util.h"
#include "tests/unit/unit.h"
#include "vmm/device.h"
#include "vmm/layout_arm64.h"

#include <errno.h>
#include <libfdt.h>
#include <string.h>

#define BASE ((gpa_t)ARM64_RAM_BASE)

/* The one fixture of a test: check runs each test in a process of its own. */
static struct {
	struct machine m;
	struct diags diags;
	struct fdt_request req;
	struct chardev chr[DEVICES_SERIAL_PORTS];
	uint8_t page[4096] __attribute__((aligned(4096)));
	uint8_t memory[FDT_ROOM_MAX] __attribute__((aligned(4096)));
} f;

/* A machine of 512 MiB, of which the first 2 MiB are there. */
static inline void create_bare(unsigned vcpus)
{
	machine_fini(&f.m);
	memset(f.memory, 0, sizeof(f.memory));
	ck_assert_int_eq(machine_init(&f.m, GUEST_ARM64, 512 * MIB, vcpus), 0);
	ck_assert_int_eq(gmem_add(&f.m.gmem, BASE, sizeof(f.memory), f.memory), 0);
	f.req = (struct fdt_request){.base = BASE, .cmdline = ""};
}

/* Its choices are still open. */
static inline void create_open(unsigned vcpus)
{
	const struct devices_config cfg = {.serial = {&f.chr[0], &f.chr[1]}};

	create_bare(vcpus);
	ck_assert_int_eq(devices_create(&f.m, &cfg), 0);
}

static inline void create(unsigned vcpus)
{
	create_open(vcpus);
	machine_assume(&f.m);
}

/* One with a host bridge. */
/* A testdev machine, without the PCI that its pvpanic is on. */
static inline void create_testdev(void)
{
	const struct devices_config cfg = {
		.serial = {&f.chr[0], &f.chr[1]}, .fw_cfg = true, .chr_testdev = true};

	create_bare(1);
	machine_assume(&f.m);
	ck_assert_int_eq(devices_create(&f.m, &cfg), 0);
}

static inline void create_pci(enum machine_gic gic)
{
	const struct devices_config cfg = {.serial = {&f.chr[0], &f.chr[1]}, .pci = true};

	create_bare(1);
	f.m.arm64.gic = gic;
	machine_assume(&f.m);
	ck_assert_int_eq(devices_create(&f.m, &cfg), 0);
}

static inline void setup(void)
{
	diags_init(&f.diags);
	create(1);
}

static inline void teardown(void)
{
	machine_fini(&f.m);
	diags_fini(&f.diags);
}

static inline int try_build(void)
{
	f.req.room = fdt_room(&f.m, f.req.overlay.size);
	return fdt_build(&f.m, &f.req, &f.diags);
}

static inline void build(void)
{
	int ret = try_build();

	ck_assert_msg(!ret, "%s", f.diags.count ? f.diags.items[0].text : "no message");
	ck_assert_uint_eq(f.diags.count, 0);
	ck_assert_int_eq(fdt_check_full(f.memory, f.req.room), 0);
}

static inline int node_at(const char *path)
{
	int node = fdt_path_offset(f.memory, path);

	ck_assert_msg(node >= 0, "no node %s", path);
	return node;
}

/* The property is those bytes. */
static inline void assert_bytes(const char *path, const char *name, const void *want, size_t size)
{
	int length = 0;
	const void *p = fdt_getprop(f.memory, node_at(path), name, &length);

	ck_assert_msg(p, "no %s in %s", name, path);
	ck_assert_uint_eq((size_t)length, size);
	ck_assert_mem_eq(p, want, size);
}

static inline void assert_string(const char *path, const char *name, const char *want)
{
	assert_bytes(path, name, want, strlen(want) + 1);
}

static inline void assert_cells_are(
	const char *path, const char *name, const uint32_t *want, size_t count)
{
	int length = 0;
	const fdt32_t *p = fdt_getprop(f.memory, node_at(path), name, &length);

	ck_assert_msg(p, "no %s in %s", name, path);
	ck_assert_uint_eq((size_t)length, count * 4);
	for (size_t i = 0; i < count; i++)
		ck_assert_msg(fdt32_to_cpu(p[i]) == want[i], "%s %s: cell %zu is %#x, not %#x",
			path, name, i, fdt32_to_cpu(p[i]), want[i]);
}

#define assert_cells(path, name, ...)                                                              \
	assert_cells_are(path, name, (const uint32_t[]){__VA_ARGS__},                              \
		ARRAY_SIZE(((const uint32_t[]){__VA_ARGS__})))

static inline void assert_no_node(const char *path)
{
	ck_assert_msg(fdt_path_offset(f.memory, path) < 0, "there is %s", path);
}

static inline void assert_no_property(const char *path, const char *name)
{
	ck_assert_msg(!fdt_getprop(f.memory, node_at(path), name, NULL), "%s has %s", path, name);
}

static inline bool diag_has(const char *text)
{
	for (unsigned i = 0; i < f.diags.count; i++) {
		if (strstr(f.diags.items[i].text, text))
			return true;
	}
	return false;
}

/* The build fails with one error that has TEXT in it. */
static inline void assert_refused(const char *text)
{
	ck_assert_int_eq(try_build(), -EINVAL);
	ck_assert_uint_eq(f.diags.errors, 1);
	ck_assert_msg(diag_has(text), "wanted \"%s\", got \"%s\"", text, f.diags.items[0].text);
	diags_fini(&f.diags);
	diags_init(&f.diags);
}

#endif
