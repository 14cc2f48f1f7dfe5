/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/file.h"
#include "lib/util.h"
#include "plan/plan.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

static const char text[] = "partitions:\n"
			   "  rt:\n"
			   "    role: safety\n"
			   "    cpus: [5, 3]\n"
			   "    memory: {size: 6M, hugepages: 2M, lock: false}\n"
			   "    image: {path: rt.bin, type: raw, load_address: 1M, entry: 2M}\n"
			   "    cmdline: a b\n"
			   "    modules: [m, {path: n, string: s}]\n"
			   "    serial: [file:log, pty]\n"
			   "  linux: {cpus: {count: 3}, memory: 1G, image: k, initrd: i}\n";

static struct plan *load(void)
{
	const char *set = "partitions.rt.cmdline=set";
	const struct plan_options options = {.overrides = &set, .override_count = 1};
	struct plan *plan = NULL;
	struct diags diags;

	diags_init(&diags);
	ck_assert_int_eq(
		plan_load_text("p.yaml", "/d", text, strlen(text), &options, &diags, &plan), 0);
	diags_fini(&diags);
	return plan;
}

static void assert_same_loc(const struct diag_loc *a, const struct diag_loc *b)
{
	ck_assert_str_eq(a->file, b->file);
	ck_assert_uint_eq(a->line, b->line);
	ck_assert_uint_eq(a->column, b->column);
}

START_TEST(a_partition_comes_back)
{
	struct plan *plan = load();
	const struct plan_partition *rt = &plan->partitions[0];
	struct plan_partition *p = NULL;
	AUTO_FREE void *buf = NULL;
	size_t size = 0;

	ck_assert_int_eq(plan_partition_encode(rt, &buf, &size), 0);
	ck_assert_int_eq(plan_partition_decode(buf, size, &p), 0);
	ck_assert_str_eq(p->name, "rt");
	ck_assert_int_eq(p->role, PLAN_SAFETY);
	ck_assert_int_eq(p->contract, PLAN_STANDARD);
	ck_assert_uint_eq(p->cpus.vcpus, 2);
	ck_assert(!p->cpus.shared);
	ck_assert_uint_eq(p->cpus.core_count, 2);
	ck_assert_uint_eq(p->cpus.cores[0], 5);
	ck_assert_uint_eq(p->cpus.cores[1], 3);
	ck_assert_uint_eq(p->memory, 6 * MIB);
	ck_assert_int_eq(p->hugepages, PLAN_HUGEPAGES_2M);
	ck_assert(!p->lock);
	ck_assert_str_eq(p->image, "/d/rt.bin");
	ck_assert_int_eq(p->image_type, PLAN_IMAGE_RAW);
	ck_assert_uint_eq(p->load_address, 1 * MIB);
	ck_assert_uint_eq(p->entry, 2 * MIB);
	ck_assert_str_eq(p->cmdline, "set");
	ck_assert_ptr_null(p->initrd);
	ck_assert_uint_eq(p->module_count, 2);
	ck_assert_str_eq(p->modules[0].path, "/d/m");
	ck_assert_str_eq(p->modules[0].string, "");
	ck_assert_str_eq(p->modules[1].string, "s");
	assert_same_loc(&p->modules[1].loc, &rt->modules[1].loc);
	ck_assert_int_eq(p->serial[0].kind, PLAN_PORT_FILE);
	ck_assert_str_eq(p->serial[0].path, "/d/log");
	ck_assert_int_eq(p->serial[1].kind, PLAN_PORT_PTY);
	ck_assert_int_eq(p->on_fatal, PLAN_FATAL_SAFE_STATE);
	ck_assert_int_eq(p->on_reset, PLAN_RESET_FAIL);
	for (unsigned i = 0; i < PLAN_KEY_COUNT; i++)
		assert_same_loc(&p->locs[i], &rt->locs[i]);
	plan_partition_destroy(p);

	free(buf);
	ck_assert_int_eq(plan_partition_encode(&plan->partitions[1], &buf, &size), 0);
	plan_destroy(plan);
	ck_assert_int_eq(plan_partition_decode(buf, size, &p), 0);
	ck_assert(p->cpus.shared);
	ck_assert_uint_eq(p->cpus.vcpus, 3);
	ck_assert_uint_eq(p->cpus.core_count, 0);
	ck_assert_str_eq(p->initrd, "/d/i");
	ck_assert_uint_eq(p->module_count, 0);
	plan_partition_destroy(p);
	plan_partition_destroy(NULL);
}
END_TEST

START_TEST(other_sizes_are_refused)
{
	struct plan *plan = load();
	struct plan_partition *p = NULL;
	AUTO_FREE uint8_t *longer = NULL;
	AUTO_FREE void *buf = NULL;
	size_t size = 0;

	ck_assert_int_eq(plan_partition_encode(&plan->partitions[0], &buf, &size), 0);
	for (size_t n = 0; n < size; n++) {
		AUTO_FREE void *shorter = malloc(n + 1);

		memcpy(shorter, buf, n);
		ck_assert_int_eq(plan_partition_decode(shorter, n, &p), -EINVAL);
	}
	longer = calloc(1, size + 1);
	memcpy(longer, buf, size);
	ck_assert_int_eq(plan_partition_decode(longer, size + 1, &p), -EINVAL);
	ck_assert_ptr_null(p);
	plan_destroy(plan);
}
END_TEST

/* Whatever one changed byte makes of it: refused, or a partition within its bounds. */
START_TEST(changed_bytes_stay_in_bounds)
{
	struct plan *plan = load();
	AUTO_FREE uint8_t *buf = NULL;
	unsigned refused = 0;
	size_t size = 0;

	ck_assert_int_eq(plan_partition_encode(&plan->partitions[0], (void **)&buf, &size), 0);
	for (size_t n = 0; n < size; n++) {
		struct plan_partition *p = NULL;

		buf[n] ^= 0x80;
		if (plan_partition_decode(buf, size, &p)) {
			refused++;
		} else {
			ck_assert_uint_le(p->cpus.vcpus, PLAN_VCPUS_MAX);
			ck_assert_uint_eq(p->cpus.core_count, p->cpus.vcpus);
			ck_assert_uint_lt(p->cpus.cores[0], PLAN_CORES_MAX);
			ck_assert_int_le((int)p->role, PLAN_SAFETY);
			ck_assert_ptr_nonnull(p->cmdline);
			ck_assert_ptr_nonnull(p->serial[0].path);
			plan_partition_destroy(p);
		}
		buf[n] ^= 0x80;
	}
	ck_assert_uint_gt(refused, 100);
	plan_destroy(plan);
}
END_TEST

/* The fuzzer's seeds are of this version: others would be refused at their first bytes. */
START_TEST(seeds_of_the_fuzzer_are_partitions)
{
	static const char *const names[] = {"linux", "rt", "arm64", "console", "link"};
	const char *src = getenv("BULKHEAD_SRC");

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct plan_partition *p = NULL;
		struct file_map map = {0};
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/plan_wire/%s", src ? src : ".",
			names[i]);
		ck_assert_msg(file_map_path(path, &map) == 0, "%s cannot be read", path);
		ck_assert_msg(plan_partition_decode(map.data, map.size, &p) == 0,
			"%s is of another version; make it anew", path);
		plan_partition_destroy(p);
		file_unmap(&map);
	}
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("plan/wire");
	TCase *t = tcase_create("wire");

	tcase_add_test(t, a_partition_comes_back);
	tcase_add_test(t, other_sizes_are_refused);
	tcase_add_test(t, changed_bytes_stay_in_bounds);
	tcase_add_test(t, seeds_of_the_fuzzer_are_partitions);
	suite_add_tcase(s, t);
	return s;
}
