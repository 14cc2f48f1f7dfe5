/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/util.h"
#include "rig/job.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char folder[] = "/tmp/test-job.XXXXXX";
static struct rig_job job;
static struct diags diags;

static void setup(void)
{
	strcpy(folder, "/tmp/test-job.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
	diags_init(&diags);
	ck_assert_int_eq(rig_job_init(&job, PLAN_ARCH_X86_64, &diags), 0);
}

static void teardown(void)
{
	char command[64];

	rig_job_fini(&job);
	diags_fini(&diags);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(system(command), 0);
}

static void make_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

/* What is put at PATH (below the folder): 'f' a file, 'd' a folder, 0 nothing. */
static char kind_at(const char *path)
{
	char full[256];

	snprintf(full, sizeof(full), "%s%s", folder, path);
	for (unsigned i = 0; i < job.file_count; i++) {
		if (strcmp(job.files[i].to, full) == 0)
			return job.files[i].from ? 'f' : 'd';
	}
	return 0;
}

/* Paths stay as they are, and what they pass on the way is there. */
START_TEST(paths)
{
	mkdir("a", 0755);
	mkdir("b", 0755);
	make_file("b/image", "12345");
	rig_job_input(&job, "a/.././b//image");
	ck_assert_int_eq(kind_at("/a"), 'd');
	ck_assert_int_eq(kind_at("/b"), 'd');
	ck_assert_int_eq(kind_at("/b/image"), 'f');
	rig_job_input(&job, "b/image");
	rig_job_put(&job, "b/image", "/boot/x");
	ck_assert_uint_eq(rig_job_size(&job), 10);
	ck_assert_uint_eq(diags.errors, 0);
}
END_TEST

START_TEST(folders)
{
	mkdir("a", 0755);
	mkdir("a/empty", 0755);
	make_file("a/file", "1");
	ck_assert_int_eq(symlink("file", "a/link"), 0);
	rig_job_put(&job, "a", "c");
	ck_assert_int_eq(kind_at("/c"), 'd');
	ck_assert_int_eq(kind_at("/c/empty"), 'd');
	ck_assert_int_eq(kind_at("/c/file"), 'f');
	ck_assert_int_eq(kind_at("/c/link"), 'f');
	/* Who wants what is not there says so inside. */
	rig_job_input(&job, "missing");
	ck_assert_int_eq(kind_at("/missing"), 0);
	ck_assert_uint_eq(diags.errors, 0);
	/* Folders that hold themselves come to an end. */
	ck_assert_int_eq(symlink("..", "a/empty/up"), 0);
	ck_assert_int_eq(symlink(".", "a/here"), 0);
	rig_job_put(&job, "a", "d");
	ck_assert_int_eq(kind_at("/d/empty"), 'd');
	ck_assert_int_eq(kind_at("/d/here"), 0);
	ck_assert_int_eq(kind_at("/d/empty/up"), 0);
	ck_assert_uint_eq(diags.errors, 0);
}
END_TEST

START_TEST(refused)
{
	int fd;

	make_file("file", "1");
	rig_job_put(&job, "file", "/dev/x");
	rig_job_put(&job, "file", "/a/../proc/x");
	rig_job_put(&job, "file", "/..");
	ck_assert_uint_eq(diags.errors, 3);
	fd = open("large", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_eq(ftruncate(fd, (off_t)RIG_FILES_MAX + 1), 0);
	close(fd);
	rig_job_input(&job, "large");
	ck_assert_uint_eq(diags.errors, 4);
	ck_assert_ptr_nonnull(strstr(diags.items[3].text, "no more than 1G fits"));
}
END_TEST

START_TEST(outputs)
{
	mkdir("out", 0755);
	rig_job_output(&job, NULL, false);
	rig_job_output(&job, "-", false);
	rig_job_output(&job, "nowhere/file", false);
	rig_job_output(&job, "/dev/null", false);
	ck_assert_uint_eq(job.output_count, 0);
	rig_job_output(&job, "out/report", false);
	rig_job_output(&job, "./out//report", false);
	rig_job_output(&job, "artifacts", true);
	ck_assert_uint_eq(job.output_count, 2);
	ck_assert_int_eq(kind_at("/out"), 'd');
	ck_assert_ptr_nonnull(strstr(job.outputs[0].to, "/out/report"));
	ck_assert(job.outputs[1].folder);
}
END_TEST

START_TEST(plans)
{
	char text[512];
	struct plan *plan = unit_load_plan("partitions:\n"
					   "  a: {cpus: [2, 5], memory: 64M, image: /i/a}\n"
					   "  b: {cpus: {count: 2}, memory: 32M, image: /i/b}\n",
		text, sizeof(text));

	ck_assert_msg(plan, "%s", text);
	rig_job_plan(&job, plan);
	ck_assert_uint_eq(job.cores, 7);
	ck_assert_uint_eq(job.memory, 96 * MIB);
	ck_assert_int_eq(rig_job_arch(&job), PLAN_ARCH_X86_64);
	job.arch = PLAN_ARCH_ARM64;
	ck_assert_int_eq(rig_job_arch(&job), PLAN_ARCH_X86_64);
	job.archs[PLAN_ARCH_ARM64] = true;
	ck_assert_int_eq(rig_job_arch(&job), PLAN_ARCH_ARM64);
	plan_destroy(plan);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("rig/job");
	TCase *t = tcase_create("job");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, paths);
	tcase_add_test(t, folders);
	tcase_add_test(t, refused);
	tcase_add_test(t, outputs);
	tcase_add_test(t, plans);
	suite_add_tcase(s, t);
	return s;
}
