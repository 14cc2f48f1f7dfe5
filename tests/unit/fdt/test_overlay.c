/* SPDX-License-Identifier: BSD-3-Clause */
/* Overlays of a plan: what they may do, and what they are refused for. */
#include "tests/unit/fdt/fixture.h"

static uint8_t blob[2 * FDT_OVERLAY_MAX];

/* Hands the overlay over from a heap copy of its exact size, so that a sanitizer sees overruns. */
static void give(size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, blob, size);
	free((void *)f.req.overlay.data);
	f.req.overlay = (struct fdt_overlay){
		.path = "board.dtbo", .data = copy, .size = size, .field = "overlay"};
}

static void overlay_begin(void)
{
	ck_assert_int_eq(fdt_create(blob, sizeof(blob)), 0);
	ck_assert_int_eq(fdt_finish_reservemap(blob), 0);
	ck_assert_int_eq(fdt_begin_node(blob, ""), 0);
}

static void begin(const char *name)
{
	ck_assert_int_eq(fdt_begin_node(blob, name), 0);
}

static void end(void)
{
	ck_assert_int_eq(fdt_end_node(blob), 0);
}

static void string(const char *name, const char *value)
{
	ck_assert_int_eq(fdt_property_string(blob, name, value), 0);
}

static void overlay_end(void)
{
	end();
	ck_assert_int_eq(fdt_finish(blob), 0);
	give(fdt_totalsize(blob));
}

/* A fragment that puts a node into the node that PATH names; NULL: that the label uart0 does. */
static void one_fragment(const char *path, const char *label)
{
	overlay_begin();
	begin("fragment@0");
	if (path)
		string("target-path", path);
	else
		ck_assert_int_eq(fdt_property_u32(blob, "target", UINT32_MAX), 0);
	begin("__overlay__");
	string("note", "hello");
	begin("child");
	end();
	end();
	end();
	if (label) {
		begin("__fixups__");
		string(label, "/fragment@0:target:0");
		end();
	}
	overlay_end();
}

static void teardown_overlay(void)
{
	free((void *)f.req.overlay.data);
	teardown();
}

START_TEST(by_path)
{
	one_fragment("/chosen", NULL);
	build();
	assert_string("/chosen", "note", "hello");
	node_at("/chosen/child");
	assert_string("/chosen", "stdout-path", "/pl011@9000000");
	assert_no_node("/__fixups__");
}
END_TEST

START_TEST(by_label)
{
	one_fragment(NULL, "uart0");
	build();
	assert_string("/pl011@9000000", "note", "hello");
}
END_TEST

/* All labels that docs/machine-arm64.md names. */
START_TEST(labels)
{
	static const struct {
		const char *label, *path;
	} all[] = {
		{"chosen", "/chosen"},
		{"cpu0", "/cpus/cpu@0"},
		{"cpu17", "/cpus/cpu@101"},
		{"pmu", "/pmu"},
		{"intc", "/intc@8000000"},
		{"its", "/intc@8000000/its@8080000"},
		{"uart0", "/pl011@9000000"},
		{"uart1", "/pl011@9040000"},
		{"rtc", "/pl031@9010000"},
		{"gpio0", "/pl061@9030000"},
		{"control", "/control@9fe0000"},
		{"status", "/reserved-memory/status@a000000"},
		{"apb_pclk", "/apb-pclk"},
	};

	create(18);
	ck_assert_int_eq(
		machine_add_mapping(&f.m, 0x0A000000, 4096, f.page, true, "status page"), 0);
	for (unsigned i = 1; i < 3; i++)
		ck_assert_int_eq(machine_add_mapping(&f.m, 0x0A000000 + i * 4096, 4096, f.page,
					 false, "something"),
			0);
	one_fragment("/", NULL);
	build();
	assert_no_property("/__symbols__", "memory");
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		assert_string("/__symbols__", all[i].label, all[i].path);
}
END_TEST

static void refuse(size_t size, const char *text)
{
	give(size);
	assert_refused(text);
	ck_assert_uint_eq(f.memory[0], 0);
}

START_TEST(no_blob)
{
	strcpy((char *)blob, "/* x */ /dts-v1/;\n/plugin/;\n");
	refuse(28, "board.dtbo: a device tree's source; compile it: dtc -@");
	refuse(0, "no device tree blob (it does not begin with 0xd00dfeed)");
	refuse(39, "a device tree's source");
	memset(blob, 0, 64);
	refuse(64, "no device tree blob");
	refuse(FDT_OVERLAY_MAX + 1, "65537 bytes, at most 65536 are accepted; shorten it");
}
END_TEST

START_TEST(damaged)
{
	uint32_t size;

	one_fragment("/chosen", NULL);
	size = (uint32_t)f.req.overlay.size;
	refuse(size - 1, "its header says");
	fdt_set_off_dt_struct(blob, size);
	refuse(size, "not a valid device tree blob (FDT_ERR_");
	one_fragment("/chosen", NULL);
	/* A node without its end. */
	memset(blob + fdt_off_dt_struct(blob) + fdt_size_dt_struct(blob) - 8, 0, 4);
	refuse(size, "not a valid device tree blob (FDT_ERR_");
}
END_TEST

START_TEST(no_fragments)
{
	overlay_begin();
	string("compatible", "a,board");
	begin("chosen");
	end();
	overlay_end();
	assert_refused(
		"no overlay: it has no node with __overlay__ in it; its source has to begin");
}
END_TEST

START_TEST(unknown_targets)
{
	one_fragment("/soc/uart", NULL);
	assert_refused("target-path \"/soc/uart\" is not in the partition's tree; correct it");
	one_fragment(NULL, "uart9");
	assert_refused("the partition's tree has no label \"uart9\"; see docs/machine-arm64.md");
	one_fragment(NULL, NULL);
	assert_refused("it cannot be applied (FDT_ERR_BADPHANDLE)");
	overlay_begin();
	begin("fragment@0");
	ck_assert_int_eq(fdt_property(blob, "target-path", "/chosen", 7), 0);
	begin("__overlay__");
	end();
	end();
	overlay_end();
	assert_refused("a target-path is not a string");
}
END_TEST

/* What fixups name, libfdt writes to. */
static void refuse_fixup(const char *text, size_t size)
{
	overlay_begin();
	begin("fragment@0");
	string("target-path", "/chosen");
	begin("__overlay__");
	ck_assert_int_eq(fdt_property_u32(blob, "cell", UINT32_MAX), 0);
	end();
	end();
	begin("__fixups__");
	ck_assert_int_eq(fdt_property(blob, "uart0", text, (int)size), 0);
	end();
	overlay_end();
	assert_refused("its node __fixups__ is damaged; compile it again");
}

START_TEST(bad_fixups)
{
	static const char *const bad[] = {
		"",
		"/fragment@0",
		"/fragment@0:target-path",
		"/fragment@0/__overlay__:cell:1",
		"/fragment@0/__overlay__:cell:4294967292",
		"/fragment@0/__overlay__:cell:18446744073709551612",
		"/fragment@0/__overlay__:cell:-4",
		"/fragment@0/__overlay__:cell:",
		"/fragment@0/__overlay__:sell:0",
		"/fragment@1/__overlay__:cell:0",
		"fragment@0/__overlay__:cell:0",
		":cell:0",
		"/fragment@0:target-path:0",
		"/__fixups__:uart0:0",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		refuse_fixup(bad[i], strlen(bad[i]) + 1);
	refuse_fixup("x", 0);
	refuse_fixup("/fragment@0/__overlay__:cell:0", 30);
	refuse_fixup("/fragment@0/__overlay__:cell:0\0/fragment@0/__overlay__:cell:1", 62);
}
END_TEST

/* The cell at OFFSET of SIZE bytes of a property that has 8. */
static void local_fixup(const char *name, uint32_t offset, int size, const char *node)
{
	const fdt32_t cell[] = {cpu_to_fdt32(offset), 0};

	overlay_begin();
	begin("fragment@0");
	string("target-path", "/chosen");
	begin("__overlay__");
	ck_assert_int_eq(fdt_property_u64(blob, "cells", 0x100000001), 0);
	ck_assert_int_eq(fdt_property_u32(blob, "phandle", 1), 0);
	end();
	end();
	begin("__local_fixups__");
	begin("fragment@0");
	if (strcmp(node, ".") != 0)
		begin(node);
	ck_assert_int_eq(fdt_property(blob, name, cell, size), 0);
	if (strcmp(node, ".") != 0)
		end();
	end();
	end();
	overlay_end();
}

START_TEST(bad_local_fixups)
{
	const char *text = "its node __local_fixups__ is damaged; compile it again";

	local_fixup("cells", 4, 4, "__overlay__");
	build();
	local_fixup("cells", 5, 4, "__overlay__");
	assert_refused(text);
	local_fixup("cells", UINT32_MAX, 4, "__overlay__");
	assert_refused(text);
	local_fixup("cells", 4, 6, "__overlay__");
	assert_refused(text);
	local_fixup("other", 4, 4, "__overlay__");
	assert_refused(text);
	local_fixup("cells", 4, 4, "elsewhere");
	assert_refused(text);
	local_fixup("target-path", 0, 4, ".");
	assert_refused(text);
	local_fixup("phandle", 0, 4, "__overlay__");
	assert_refused(text);
}
END_TEST

/* Their nodes are no place for references. */
START_TEST(fixups_of_fixups)
{
	const fdt32_t cell = cpu_to_fdt32(0);

	overlay_begin();
	begin("fragment@0");
	string("target-path", "/chosen");
	begin("__overlay__");
	end();
	end();
	begin("__symbols__");
	string("label", "/fragment@0");
	end();
	begin("__local_fixups__");
	begin("__symbols__");
	ck_assert_int_eq(fdt_property(blob, "label", &cell, 4), 0);
	end();
	end();
	overlay_end();
	assert_refused("its node __local_fixups__ is damaged");
}
END_TEST

START_TEST(names_are_shown_safely)
{
	one_fragment(NULL, "\033[31m\377");
	assert_refused("has no label \"?[31m?\"");
	one_fragment("/\033[31m", NULL);
	assert_refused("target-path \"/?[31m\" is not");
}
END_TEST

static void nested_nodes(unsigned depth)
{
	overlay_begin();
	begin("fragment@0");
	string("target-path", "/");
	begin("__overlay__");
	for (unsigned i = 0; i < depth; i++)
		begin("n");
	for (unsigned i = 0; i < depth; i++)
		end();
	end();
	end();
	overlay_end();
}

START_TEST(depth)
{
	nested_nodes(62);
	build();
	nested_nodes(63);
	assert_refused("nodes nested deeper than 64; flatten it");
	nested_nodes(5000);
	assert_refused("nodes nested deeper than 64");
}
END_TEST

/* An overlay of the greatest size is applied; paths of many labels may take more than there is. */
START_TEST(biggest)
{
	static uint8_t data[FDT_OVERLAY_MAX - 256];
	char name[32];

	overlay_begin();
	begin("fragment@0");
	string("target-path", "/chosen");
	begin("__overlay__");
	ck_assert_int_eq(fdt_property(blob, "data", data, sizeof(data)), 0);
	end();
	end();
	overlay_end();
	build();
	assert_bytes("/chosen", "data", data, sizeof(data));
	overlay_begin();
	begin("fragment@0");
	string("target-path", "/intc@8000000/its@8080000");
	begin("__overlay__");
	for (unsigned i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "p%u", i);
		ck_assert_int_eq(fdt_property(blob, name, data, 200), 0);
	}
	end();
	end();
	overlay_end();
	f.req.room = fdt_room(&f.m, 0);
	ck_assert_int_eq(fdt_build(&f.m, &f.req, &f.diags), -EINVAL);
	ck_assert(diag_has("with it the device tree does not fit into"));
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("fdt/overlay");
	TCase *t = tcase_create("overlay");

	tcase_add_checked_fixture(t, setup, teardown_overlay);
	tcase_add_test(t, by_path);
	tcase_add_test(t, by_label);
	tcase_add_test(t, labels);
	tcase_add_test(t, no_blob);
	tcase_add_test(t, damaged);
	tcase_add_test(t, no_fragments);
	tcase_add_test(t, unknown_targets);
	tcase_add_test(t, bad_fixups);
	tcase_add_test(t, bad_local_fixups);
	tcase_add_test(t, fixups_of_fixups);
	tcase_add_test(t, names_are_shown_safely);
	tcase_add_test(t, depth);
	tcase_add_test(t, biggest);
	suite_add_tcase(s, t);
	return s;
}
