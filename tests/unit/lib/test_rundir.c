/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/rundir.h"
#include "lib/util.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char parent[4096], path[PATH_MAX];
static int dir;

START_TEST(names)
{
	char name[RUN_NAME_MAX];

	ck_assert(run_name_valid("demo-1.2_x"));
	ck_assert(!run_name_valid(""));
	ck_assert(!run_name_valid(".hidden"));
	ck_assert(!run_name_valid("-x"));
	ck_assert(!run_name_valid("a/b"));
	ck_assert(!run_name_valid("a b"));
	ck_assert(!run_name_valid(
		"0123456789012345678901234567890123456789012345678901234567890123"));
	run_name_from("My plan (new)", name);
	ck_assert_str_eq(name, "My-plan-new-");
	run_name_from("../..", name);
	ck_assert_str_eq(name, "run");
	run_name_from("--help", name);
	ck_assert_str_eq(name, "help");
	run_name_from("\xc3\xa4", name);
	ck_assert_str_eq(name, "run");
	run_name_from(
		"0123456789012345678901234567890123456789012345678901234567890123456789", name);
	ck_assert_uint_eq(strlen(name), RUN_NAME_MAX - 1);
	ck_assert(run_name_valid(name));
}
END_TEST

START_TEST(a_folder_for_its_owner_alone)
{
	struct stat st;
	char again[PATH_MAX];
	int fd;

	ck_assert_int_eq(fstat(dir, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0700);
	ck_assert_int_eq(strncmp(path, parent, strlen(parent)), 0);
	ck_assert_str_eq(path + strlen(parent), "/bulkhead");
	ck_assert_int_eq(chmod(path, 0750), 0);
	ck_assert_int_eq(rundir_open(true, again), -EPERM);
	ck_assert_str_eq(again, path);
	ck_assert_int_eq(rmdir(path), 0);
	ck_assert_int_eq(rundir_open(false, again), -ENOENT);
	ck_assert_int_eq(symlink("/", path), 0);
	ck_assert_int_lt(rundir_open(true, again), 0);
	ck_assert_int_eq(unlink(path), 0);
	fd = rundir_open(true, again);
	ck_assert_int_ge(fd, 0);
	close(fd);
	if (geteuid() != 0) {
		unsetenv("XDG_RUNTIME_DIR");
		ck_assert_int_eq(rundir_open(true, again), -ENXIO);
	}
}
END_TEST

START_TEST(a_socket_is_found_and_removed)
{
	int fd = rundir_listen(dir, "demo"), client;
	char(*found)[RUN_NAME_MAX];
	struct stat st;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fstatat(dir, "demo.sock", &st, 0), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	ck_assert_int_eq(rundir_listen(dir, "demo"), -EADDRINUSE);
	ck_assert_int_eq(rundir_listen(dir, "../x"), -EINVAL);
	client = rundir_connect(dir, "demo");
	ck_assert_int_ge(client, 0);
	ck_assert_int_eq(fcntl(client, F_GETFL) & O_NONBLOCK, 0);
	ck_assert_int_eq(rundir_connect(dir, "other"), -ENOENT);
	ck_assert_int_eq(mknodat(dir, "alpha.sock", S_IFREG | 0600, 0), 0);
	ck_assert_int_eq(mknodat(dir, "noise.txt", S_IFREG | 0600, 0), 0);
	ck_assert_int_eq(mknodat(dir, "bad name.sock", S_IFREG | 0600, 0), 0);
	ck_assert_int_eq(rundir_list(dir, &found), 2);
	ck_assert_str_eq(found[0], "alpha");
	ck_assert_str_eq(found[1], "demo");
	free(found);
	rundir_remove(dir, "demo"); /* it lives */
	ck_assert_int_eq(fstatat(dir, "demo.sock", &st, 0), 0);
	close(fd);
	close(client);
	rundir_remove(dir, "demo");
	ck_assert_int_eq(fstatat(dir, "demo.sock", &st, 0), -1);
}
END_TEST

START_TEST(the_socket_of_a_dead_run_is_replaced)
{
	int status, fd;
	pid_t pid = fork();

	if (pid == 0) {
		rundir_listen(dir, "demo");
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(rundir_connect(dir, "demo"), -ECONNREFUSED);
	fd = rundir_listen(dir, "demo");
	ck_assert_int_ge(fd, 0);
	close(fd);
}
END_TEST

START_TEST(a_start_that_hangs_holds_up_nobody_for_ever)
{
	char again[PATH_MAX];
	int other = rundir_open(false, again);

	ck_assert_int_ge(other, 0);
	ck_assert_int_eq(flock(other, LOCK_EX), 0);
	ck_assert_int_eq(rundir_listen(dir, "demo"), -ETIMEDOUT);
	close(other);
}
END_TEST

/* Longer than the path of a socket may be. */
START_TEST(the_place_may_have_a_long_name)
{
	char long_parent[8192];
	int fd, listener, client;

	snprintf(long_parent, sizeof(long_parent), "%s/%0150d", parent, 7);
	ck_assert_int_eq(mkdir(long_parent, 0700), 0);
	setenv("XDG_RUNTIME_DIR", long_parent, 1);
	fd = rundir_open(true, path);
	ck_assert_int_ge(fd, 0);
	listener = rundir_listen(fd, "demo");
	ck_assert_int_ge(listener, 0);
	client = rundir_connect(fd, "demo");
	ck_assert_int_ge(client, 0);
	close(client);
	close(listener);
	rundir_remove(fd, "demo");
	close(fd);
}
END_TEST

static void setup(void)
{
	const char *tmp = getenv("TMPDIR") ?: "/tmp";

	snprintf(parent, sizeof(parent), "%s/test-rundir.XXXXXX", tmp);
	ck_assert_ptr_nonnull(mkdtemp(parent));
	setenv("XDG_RUNTIME_DIR", parent, 1);
	dir = rundir_open(true, path);
	ck_assert_int_ge(dir, 0);
}

static void teardown(void)
{
	char command[4200];

	close(dir);
	snprintf(command, sizeof(command), "rm -rf '%s'", parent);
	ck_assert_int_eq(system(command), 0);
}

Suite *unit_suite(void)
{
	Suite *s = suite_create("lib/rundir");
	TCase *t = tcase_create("rundir");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 20);
	tcase_add_test(t, names);
	tcase_add_test(t, a_folder_for_its_owner_alone);
	tcase_add_test(t, a_socket_is_found_and_removed);
	tcase_add_test(t, the_socket_of_a_dead_run_is_replaced);
	tcase_add_test(t, a_start_that_hangs_holds_up_nobody_for_ever);
	tcase_add_test(t, the_place_may_have_a_long_name);
	suite_add_tcase(s, t);
	return s;
}
