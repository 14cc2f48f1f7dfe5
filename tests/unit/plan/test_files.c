/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/util.h"
#include "plan/plan.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>

/*
 * A directory of files: image, initrd and module; hard, soft: two more names of image; here: a
 * symbolic link to the directory itself; dangling: one to what is not there, new.
 */
static char root[] = "/tmp/bulkhead-files-XXXXXX";
static char start[512];

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

static void create_files(void)
{
	ck_assert_ptr_nonnull(getcwd(start, sizeof(start)));
	ck_assert_ptr_nonnull(mkdtemp(root));
	ck_assert_int_eq(chdir(root), 0);
	put("image", "x");
	put("initrd", "x");
	put("module", "x");
	put("empty", "");
	ck_assert_int_eq(mkdir("dir", 0755), 0);
	ck_assert_int_eq(link("image", "hard"), 0);
	ck_assert_int_eq(symlink("image", "soft"), 0);
	ck_assert_int_eq(symlink(".", "here"), 0);
	ck_assert_int_eq(symlink("new", "dangling"), 0);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

static void destroy_files(void)
{
	ck_assert_int_eq(chdir(start), 0);
	nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	strcpy(root + strlen(root) - 6, "XXXXXX");
}

/* Takes "ROOT/" out of TEXT wherever it stands. */
static void shorten(char *text)
{
	size_t n = strlen(root) + 1;

	for (char *at = text; (at = strstr(at, root));)
		memmove(at, at + n, strlen(at + n) + 1);
}

/*
 * plan.yaml with the partitions PARTS, and logs in LOG_DIR unless that is NULL, gets EXPECTED, in
 * which paths are relative.
 */
static void check(const char *parts, const char *log_dir, const char *expected)
{
	AUTO_FREE char *text = NULL, *out = NULL;
	struct plan *plan = NULL;
	struct diags diags;
	size_t size;
	FILE *f;

	ck_assert_int_gt(asprintf(&text, "partitions:\n%s", parts), 0);
	put("plan.yaml", text);
	diags_init(&diags);
	if (plan_load("plan.yaml", NULL, &diags, &plan) == 0) {
		int ret = log_dir ? plan_check_log_dir(plan, log_dir, &diags)
				  : plan_check_files(plan, &diags);

		ck_assert_int_eq(ret, *expected ? -EINVAL : 0);
	}
	plan_destroy(plan);
	f = open_memstream(&out, &size);
	diags_print(&diags, f, "");
	fclose(f);
	diags_fini(&diags);
	shorten(out);
	ck_assert_str_eq(out, expected);
}

#define A "  a: {cpus: [1], memory: 2M, image: image, "
#define B "  b: {cpus: [2], memory: 2M, image: initrd, "

START_TEST(files_must_be_there)
{
	check("  a:\n"
	      "    cpus: [3]\n"
	      "    memory: 2M\n"
	      "    image: missing\n"
	      "    initrd: empty\n"
	      "    modules: [image, dir]\n"
	      "    serial: [file:here, file:no/log]\n",
		NULL,
		"plan.yaml:5:12: partitions.a.image: missing: No such file or directory; correct "
		"the path\n"
		"plan.yaml:6:13: partitions.a.initrd: empty is empty; build or fetch it again\n"
		"plan.yaml:7:22: partitions.a.modules.1: dir is not a regular file; give a file\n"
		"plan.yaml:8:14: partitions.a.serial.0: here is a directory; give a file\n"
		"plan.yaml:8:25: partitions.a.serial.1: no/log cannot be created: No such file or "
		"directory; make its directory writable, or give another\n");
}
END_TEST

START_TEST(outputs_of_their_own)
{
	check(A "serial: [file:log1, file:log2]}\n" B "serial: [file:dir/log1, file:here/log3]}\n",
		NULL, "");
	/* Two that cannot be created are not one for that. */
	check(A "serial: [file:no/log1, file:no/log2]}\n", NULL,
		"plan.yaml:2:53: partitions.a.serial.0: no/log1 cannot be created: No such file or "
		"directory; make its directory writable, or give another\n"
		"plan.yaml:2:67: partitions.a.serial.1: no/log2 cannot be created: No such file or "
		"directory; make its directory writable, or give another\n");
}
END_TEST

START_TEST(outputs_to_one_file)
{
	static const struct {
		const char *first, *second;
	} pairs[] = {{"log", "./log"}, {"log", "here/log"}, {"here/here/log", "dir/../log"},
		{"new", "dangling"}, {"dangling", "here/dangling"}, {"old", "old2"}};

	put("old", "x");
	ck_assert_int_eq(link("old", "old2"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		AUTO_FREE char *parts = NULL;

		ck_assert_int_gt(
			asprintf(&parts,
				A "serial: [{file: %s}]}\n" B "serial: [none, {file: %s}]}\n",
				pairs[i].first, pairs[i].second),
			0);
		check(parts, NULL,
			"plan.yaml:3:60: partitions.b.serial.1: a port of partition a "
			"(plan.yaml:2:53) writes to the same file; use two files\n");
	}
	check(A "serial: [file:log, {file: ./log}]}\n", NULL,
		"plan.yaml:2:63: partitions.a.serial.1: a port of partition a "
		"(plan.yaml:2:53) writes to the same file; use two files\n");
}
END_TEST

START_TEST(outputs_over_inputs)
{
	static const char *const names[] = {"image", "hard", "soft", "here/hard"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		AUTO_FREE char *parts = NULL;

		ck_assert_int_gt(
			asprintf(&parts, A "}\n" B "serial: [{file: %s}]}\n", names[i]), 0);
		check(parts, NULL,
			"plan.yaml:3:54: partitions.b.serial.0: output would overwrite what "
			"partition a loads (plan.yaml:2:37); use another file\n");
	}
	check(A "initrd: initrd, modules: [hard, here/module], serial: [file:module]}\n", NULL,
		"plan.yaml:2:99: partitions.a.serial.0: output would overwrite what partition a "
		"loads (plan.yaml:2:76); use another file\n");
	check(A "initrd: initrd, serial: [console, file:dir/../initrd]}\n", NULL,
		"plan.yaml:2:78: partitions.a.serial.1: output would overwrite what partition a "
		"loads (plan.yaml:2:52); use another file\n");
}
END_TEST

START_TEST(outputs_over_the_plan)
{
	static const char text[] = "partitions: {a: {cpus: [1], memory: 2M, image: image, serial: "
				   "[\"file:command line\"]}}\n";
	struct plan *plan = NULL;
	struct diags diags;

	check(A "serial: [file:here/plan.yaml]}\n", NULL,
		"plan.yaml:2:53: partitions.a.serial.0: output would overwrite the plan; use "
		"another file\n");
	/* What stands for the path of a plan that is no file is no file. */
	put("command line", "x");
	diags_init(&diags);
	ck_assert_int_eq(
		plan_load_text("command line", NULL, text, strlen(text), NULL, &diags, &plan), 0);
	ck_assert_int_eq(plan_check_files(plan, &diags), 0);
	plan_destroy(plan);
	diags_fini(&diags);
}
END_TEST

START_TEST(places_that_are_not_known_are_not_named)
{
	static const char text[] =
		"partitions: {a: {cpus: [1], memory: 2M, image: image, serial: [file:image]}}\n";
	struct plan *plan = NULL;
	struct diags diags;

	diags_init(&diags);
	ck_assert_int_eq(
		plan_load_text("command line", NULL, text, strlen(text), NULL, &diags, &plan), 0);
	plan->partitions[0].locs[PLAN_KEY_IMAGE] = (struct diag_loc){0};
	ck_assert_int_eq(plan_check_files(plan, &diags), -EINVAL);
	ck_assert_str_eq(diags.items[0].text,
		"output would overwrite what partition a loads; use another file");
	plan_destroy(plan);
	diags_fini(&diags);
}
END_TEST

START_TEST(logs_of_their_own)
{
	check(A "}\n" B "serial: [file:log, pty]}\n", "dir", "");
	check(A "serial: [console, console]}\n", "not-there-yet", "");
	/* A port that is not there has no log. */
	ck_assert_int_eq(symlink("../image", "dir/a.com2.log"), 0);
	check(A "}\n", "dir", "");
}
END_TEST

START_TEST(logs_over_other_files)
{
	ck_assert_int_eq(symlink("../image", "dir/a.com1.log"), 0);
	put("plan.yaml", "x");
	ck_assert_int_eq(link("plan.yaml", "dir/a.com2.log"), 0);
	ck_assert_int_eq(symlink("b.com2.log", "dir/b.com1.log"), 0);
	check(A "serial: [console, null]}\n" B "serial: [console, file:dir/b.com2.log]}\n", "dir",
		"--log-dir: dir/a.com1.log would overwrite what partition a loads "
		"(plan.yaml:2:37); name another directory\n"
		"--log-dir: dir/a.com2.log would overwrite the plan; name another directory\n"
		"--log-dir: dir/b.com1.log is what a port of partition b (plan.yaml:3:63) "
		"writes to; name another directory\n"
		"--log-dir: dir/b.com2.log is what a port of partition b (plan.yaml:3:63) "
		"writes to; name another directory\n"
		"--log-dir: dir/b.com2.log is the same file as dir/b.com1.log; name another "
		"directory\n");
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("plan/files");
	TCase *t = tcase_create("files");

	tcase_add_checked_fixture(t, create_files, destroy_files);
	tcase_add_test(t, files_must_be_there);
	tcase_add_test(t, outputs_of_their_own);
	tcase_add_test(t, outputs_to_one_file);
	tcase_add_test(t, outputs_over_inputs);
	tcase_add_test(t, outputs_over_the_plan);
	tcase_add_test(t, places_that_are_not_known_are_not_named);
	tcase_add_test(t, logs_of_their_own);
	tcase_add_test(t, logs_over_other_files);
	suite_add_tcase(s, t);
	return s;
}
