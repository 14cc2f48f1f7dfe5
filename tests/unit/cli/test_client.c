/* SPDX-License-Identifier: BSD-3-Clause */
/* Which run and partition a command is about, with supervisors of the test's own. */
#include "cli/client.h"
#include "cli/table.h"
#include "supervisor/rpc_server.h"
#include "tests/unit/unit.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static char parent[64], path[PATH_MAX];
static int dir;
static struct diags diags;

/* ---- supervisors ---- */

struct fake {
	const char *run, *first, *second; /* and its partitions */
};

static void call_status(struct rpc_call *call)
{
	const struct fake *f = call->ctx;

	rpc_reply(call, json_pack("{s:s, s:i, s:[{s:s},{s:s}]}", "run", f->run, "pid", getpid(),
				"partitions", "name", f->first, "name", f->second));
}

/* Two events come before the answer. */
static void call_noisy(struct rpc_call *call)
{
	rpc_subscribe(call);
	rpc_notify(call->server, "event", json_pack("{s:i}", "seq", 1));
	rpc_notify(call->server, "event", json_pack("{s:i}", "seq", 2));
	rpc_reply(call, json_string("answer"));
}

static void call_refuse(struct rpc_call *call)
{
	rpc_fail(call, RPC_ERROR_STATE, "a is paused: it cannot be paused");
}

static void call_die(struct rpc_call *call)
{
	(void)call;
	_exit(0);
}

static pid_t supervise(const char *run, const char *first, const char *second)
{
	static const struct rpc_method methods[] = {{"status", call_status}, {"noisy", call_noisy},
		{"refuse", call_refuse}, {"die", call_die}, {0}};
	struct fake fake = {run, first, second};
	int listen_fd = rundir_listen(dir, run);
	struct rpc_server_config config = {
		.listen_fd = listen_fd, .methods = methods, .ctx = &fake};
	struct rpc_server *server;
	pid_t pid;

	ck_assert_int_ge(listen_fd, 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (loop_create_epoll(&config.loop) || rpc_server_create(&config, &server))
			_exit(1);
		_exit(loop_run(config.loop) != 0);
	}
	close(listen_fd);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* ---- tests ---- */

#define ANY (TARGET_RUN | TARGET_PARTITION)

static const struct {
	const char *run, *name;
	unsigned kinds;
	enum bh_exit code;
	const char *found; /* "run" or "run/partition"; or what the diagnostic has */
} targets[] = {
	{NULL, "linux", ANY, 2, "several are meant: demo/linux, other/linux"},
	{"demo", "linux", ANY, 0, "demo/linux"},
	{NULL, "other/linux", ANY, 0, "other/linux"},
	{"other", "other/linux", ANY, 0, "other/linux"},
	{"demo", "other/linux", ANY, 2, "different runs"},
	{NULL, "rt", ANY, 0, "demo/rt"},
	{NULL, "demo", ANY, 0, "demo"},
	{NULL, "demo/", ANY, 0, "demo"},
	{NULL, "demo", TARGET_PARTITION, 2, "there is no \"demo\""},
	{NULL, "other", ANY, 2, "several are meant: other/, other/other"},
	{NULL, "other/", ANY, 0, "other"},
	{NULL, "other/other", ANY, 0, "other/other"},
	{NULL, NULL, ANY, 2, "several are meant: demo/, other/; name one, or give --run"},
	{"demo", NULL, ANY, 0, "demo"},
	{"nix", NULL, ANY, 2, "there is no run \"nix\"; these are going: demo, other"},
	{NULL, "nix/rt", ANY, 2, "there is no run \"nix\"; these are going: demo, other"},
	{NULL, "nix", ANY, 2, "there is no \"nix\""},
	{NULL, "", ANY, 2, "several are meant"},
	{NULL, "/", ANY, 2, "several are meant"},
};

START_TEST(targets_are_found)
{
	pid_t a = supervise("demo", "rt", "linux"), b = supervise("other", "linux", "other");
	const char *partition;
	struct client c;
	char found[128];

	ck_assert_int_eq(client_find(targets[_i].run, targets[_i].name, targets[_i].kinds, &diags,
				 &c, &partition),
		targets[_i].code);
	if (targets[_i].code == 0) {
		snprintf(found, sizeof(found), "%s%s%s", c.run, partition ? "/" : "",
			partition ?: "");
		ck_assert_str_eq(found, targets[_i].found);
		ck_assert_uint_eq(diags.count, 0);
	} else {
		ck_assert_uint_eq(diags.count, 1);
		ck_assert_ptr_nonnull(strstr(diags.items[0].text, targets[_i].found));
	}
	client_close(&c);
	end(a);
	end(b);
}
END_TEST

START_TEST(nothing_runs)
{
	const char *partition;
	struct client c, *all;

	ck_assert_uint_eq(clients_connect(&diags, &all), 0);
	ck_assert_int_eq(client_find(NULL, NULL, ANY, &diags, &c, &partition), BH_EXIT_USAGE);
	ck_assert_ptr_nonnull(strstr(diags.items[0].text, "no run is going"));
	end(supervise("dead", "a", "b"));
	ck_assert_uint_eq(clients_connect(&diags, &all), 0);
	free(all);
	ck_assert_uint_eq(diags.count, 1);
}
END_TEST

START_TEST(calls_and_events)
{
	pid_t pid = supervise("demo", "a", "b");
	json_t *result = NULL, *event;
	const char *partition;
	struct client c;

	ck_assert_int_eq(client_find(NULL, NULL, ANY, &diags, &c, &partition), 0);
	ck_assert_int_eq(client_call(&c, "noisy", NULL, &diags, &result), 0);
	ck_assert_str_eq(json_string_value(result), "answer");
	json_decref(result);
	for (int i = 1; i <= 2; i++) {
		ck_assert_int_eq(client_next_event(&c, 100, &event), 0);
		ck_assert_int_eq(json_integer_value(json_object_get(event, "seq")), i);
		json_decref(event);
	}
	ck_assert_int_eq(client_next_event(&c, 10, &event), 0);
	ck_assert_ptr_null(event);
	ck_assert_int_eq(client_call(&c, "refuse", NULL, &diags, &result), BH_EXIT_GUEST_FAILED);
	ck_assert_str_eq(diags.items[0].text, "demo: a is paused: it cannot be paused");
	ck_assert(!c.ended);
	ck_assert_int_eq(client_call(&c, "die", NULL, &diags, &result), BH_EXIT_HOST);
	ck_assert(c.ended);
	ck_assert_str_eq(diags.items[1].text, "demo: the run has ended");
	client_close(&c);
	waitpid(pid, NULL, 0);
}
END_TEST

START_TEST(a_supervisor_that_is_stopped_is_not_waited_for)
{
	pid_t a = supervise("demo", "a", "b"), b = supervise("sleeps", "c", "d");
	const char *partition;
	struct client c;

	kill(b, SIGSTOP);
	ck_assert_int_eq(client_find(NULL, "a", ANY, &diags, &c, &partition), 0);
	ck_assert_str_eq(c.run, "demo");
	ck_assert_uint_eq(diags.count, 1);
	ck_assert_ptr_nonnull(
		strstr(diags.items[0].text, "sleeps: its supervisor does not answer"));
	client_close(&c);
	end(a);
	end(b);
}
END_TEST

START_TEST(tables_are_aligned)
{
	struct table t = {.columns = 3, .right = 1 << 1};
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	table_row(&t, (const char *const[]){"NAME", "N", "LAST"});
	table_row(&t, (const char *const[]){"a", "1000", "x"});
	table_row(&t, (const char *const[]){"longer", "2", ""});
	table_print(&t, f);
	fclose(f);
	ck_assert_str_eq(text, "NAME       N  LAST\na       1000  x\nlonger     2  \n");
	free(text);
}
END_TEST

static void setup(void)
{
	snprintf(parent, sizeof(parent), "/tmp/test-client.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(parent));
	setenv("XDG_RUNTIME_DIR", parent, 1);
	dir = rundir_open(true, path);
	ck_assert_int_ge(dir, 0);
	diags_init(&diags);
}

static void teardown(void)
{
	char command[128];

	diags_fini(&diags);
	close(dir);
	snprintf(command, sizeof(command), "rm -rf '%s'", parent);
	ck_assert_int_eq(system(command), 0);
}

Suite *unit_suite(void)
{
	Suite *s = suite_create("cli/client");
	TCase *t = tcase_create("client");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 30);
	tcase_add_loop_test(t, targets_are_found, 0, (int)(sizeof(targets) / sizeof(targets[0])));
	tcase_add_test(t, nothing_runs);
	tcase_add_test(t, calls_and_events);
	tcase_add_test(t, a_supervisor_that_is_stopped_is_not_waited_for);
	tcase_add_test(t, tables_are_aligned);
	suite_add_tcase(s, t);
	return s;
}
