/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/util.h"
#include "plan/plan.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>

/*
 * A host in a directory: cores 0-3 of which 2 is offline, 4-7 with 4+6 and 5+7 being siblings, 1
 * GiB available, three free hugepages of 2 MiB and none of 1 GiB.
 */
static char root[] = "/tmp/bulkhead-host-XXXXXX";

static void put(const char *path, const char *text)
{
	char full[512];
	FILE *f;

	snprintf(full, sizeof(full), "%s/%s", root, path);
	for (char *slash = strchr(full + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(full, 0755);
		*slash = '/';
	}
	f = fopen(full, "w");
	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

static void create_host(void)
{
#define CPU "sys/devices/system/cpu/"
#define MM  "sys/kernel/mm/hugepages/"
	ck_assert_ptr_nonnull(mkdtemp(root));
	put(CPU "online", "0-1,3-7\n");
	put(CPU "cpu2/online", "0\n");
	put(CPU "cpu3/topology/thread_siblings_list", "3\n");
	put(CPU "cpu4/topology/thread_siblings_list", "4,6\n");
	put(CPU "cpu5/topology/thread_siblings_list", "5,7\n");
	put(CPU "cpu6/topology/thread_siblings_list", "4,6\n");
	put(CPU "cpu7/topology/thread_siblings_list", "5,7\n");
	put("proc/meminfo", "MemTotal:        4194304 kB\nMemAvailable:    1048576 kB\n");
	put(MM "hugepages-2048kB/free_hugepages", "3\n");
	put(MM "hugepages-2048kB/nr_hugepages", "10\n");
	put("image", "x");
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

static void destroy_host(void)
{
	nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	strcpy(root + strlen(root) - 6, "XXXXXX");
}

/* The host returns RET for the partitions PARTS, and says EXPECTED. */
static void check(const char *parts, int ret, const char *expected)
{
	AUTO_FREE char *text = NULL, *out = NULL;
	struct plan *plan = NULL;
	struct diags diags;
	size_t size;
	FILE *f;

	ck_assert_int_gt(asprintf(&text, "partitions:\n%s", parts), 0);
	diags_init(&diags);
	if (plan_load_text("p", root, text, strlen(text), NULL, &diags, &plan))
		diags_print(&diags, stderr, "");
	ck_assert_ptr_nonnull(plan);
	ck_assert_int_eq(plan_check_host(plan, root, &diags), ret);
	plan_destroy(plan);
	f = open_memstream(&out, &size);
	diags_print(&diags, f, "");
	fclose(f);
	diags_fini(&diags);
	ck_assert_str_eq(out, expected);
}

START_TEST(a_plan_that_fits)
{
	check("  a: {cpus: [3], memory: 512M, image: image, serial: [file:log]}\n"
	      "  b: {cpus: [4, 6], memory: 512M, image: image}\n"
	      "  c: {cpus: {count: 2, on: 0-1}, memory: {size: 6M, hugepages: 2M}, image: image}\n",
		0, "");
}
END_TEST

START_TEST(cores_must_be_there)
{
	check("  a: {cpus: [2, 3], memory: 2M, image: image}\n"
	      "  b: {cpus: {count: 1, on: 8}, memory: 2M, image: image}\n",
		-EINVAL,
		"p:2:13: partitions.a.cpus: core 2 is offline; choose one of 0-1,3-7, or run: "
		"echo 1 > /sys/devices/system/cpu/cpu2/online\n"
		"p:3:13: partitions.b.cpus: this host has no core 8; choose one of 0-1,3-7\n");
}
END_TEST

START_TEST(siblings_are_not_torn_apart)
{
	check("  a: {cpus: [4], memory: 2M, image: image}\n"
	      "  b: {cpus: [6], memory: 2M, image: image}\n"
	      "  c: {cpus: {count: 1, on: 7}, memory: 2M, image: image}\n"
	      "  d: {cpus: [5], memory: 2M, image: image}\n",
		-EINVAL,
		"p:3:13: partitions.b.cpus: core 6 and core 4 of partition a (p:2:13) are "
		"hyper-threads of one physical core; give both to one partition\n"
		"p:5:13: partitions.d.cpus: core 5 and core 7 of partition c (p:4:13) are "
		"hyper-threads of one physical core; give both to one partition\n");
	check("  a: {cpus: [4], memory: 2M, image: image}\n", 0,
		"p:2:13: warning: partitions.a.cpus: core 4 has a hyper-thread sibling, core 6, "
		"that the host may use; give it to partition a too, or take it offline: "
		"echo 0 > /sys/devices/system/cpu/cpu6/online\n");
}
END_TEST

START_TEST(memory_must_be_there)
{
	check("  a: {cpus: [3], memory: 512M, image: image}\n"
	      "  b: {cpus: [1], memory: 513M, image: image}\n",
		-EINVAL,
		"p:3:26: partitions.b.memory: the partitions want 1025M in all, but this host has "
		"1G available; give them less, or free memory\n");
	check("  a: {cpus: [3], memory: {size: 4M, hugepages: 2M}, image: image}\n"
	      "  b: {cpus: [1], memory: {size: 4M, hugepages: 2M}, image: image}\n"
	      "  c: {cpus: [0], memory: {size: 1G, hugepages: 1G}, image: image}\n",
		-EINVAL,
		"p:2:33: partitions.a.memory.hugepages: the partitions want 4 hugepages of 2M, but "
		"3 are free; run: echo 11 > "
		"/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages\n"
		"p:4:33: partitions.c.memory.hugepages: this host has no hugepages of 1G; "
		"choose another size, or none\n");
}
END_TEST

/* A host that hides what it is, as containers do, is given the benefit of the doubt. */
START_TEST(what_is_not_known_is_not_refused)
{
	char bare[] = "/tmp/bulkhead-bare-XXXXXX";
	struct plan *plan = NULL;
	struct diags diags;
	AUTO_FREE char *text = NULL;

	ck_assert_ptr_nonnull(mkdtemp(bare));
	ck_assert_int_gt(
		asprintf(&text, "partitions: {a: {cpus: [900], memory: 240G, image: %s/image}}",
			root),
		0);
	diags_init(&diags);
	ck_assert_int_eq(plan_load_text("p", NULL, text, strlen(text), NULL, &diags, &plan), 0);
	ck_assert_int_eq(plan_check_host(plan, bare, &diags), 0);
	ck_assert_uint_eq(diags.count, 0);
	plan_destroy(plan);
	rmdir(bare);
}
END_TEST

/* The real host: nothing is known of it but that core 0 or another exists, and 1023 hardly does. */
START_TEST(the_real_host_is_asked)
{
	static const char text[] =
		"partitions: {a: {cpus: [1023], memory: 2M, image: /proc/self/exe}}";
	struct plan *plan = NULL;
	struct diags diags;

	diags_init(&diags);
	ck_assert_int_eq(plan_load_text("p", NULL, text, strlen(text), NULL, &diags, &plan), 0);
	if (sysconf(_SC_NPROCESSORS_CONF) <= 1023 &&
		access("/sys/devices/system/cpu/online", R_OK) == 0) {
		ck_assert_int_eq(plan_check_host(plan, "", &diags), -EINVAL);
		ck_assert_str_eq(diags.items[0].field, "partitions.a.cpus");
	}
	plan_destroy(plan);
	diags_fini(&diags);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("plan/host");
	TCase *t = tcase_create("host");

	tcase_add_checked_fixture(t, create_host, destroy_host);
	tcase_add_test(t, a_plan_that_fits);
	tcase_add_test(t, cores_must_be_there);
	tcase_add_test(t, siblings_are_not_torn_apart);
	tcase_add_test(t, memory_must_be_there);
	tcase_add_test(t, what_is_not_known_is_not_refused);
	tcase_add_test(t, the_real_host_is_asked);
	suite_add_tcase(s, t);
	return s;
}
