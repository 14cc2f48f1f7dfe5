/* SPDX-License-Identifier: BSD-3-Clause */
/* Clients of the control socket, honest and hostile, against a server with methods of its own. */
#include "supervisor/rpc_server.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#define MS 1000000

static struct loop *loop;
static struct rpc_server *server;
static struct sockaddr_un address;
static struct rpc_call kept;
static unsigned notified;
static int taken_fd;

static void expired(struct loop_timer *t)
{
	loop_stop(t->loop);
}

static void run_for(uint64_t ns)
{
	unit_run_loop(loop, ns);
}

/* ---- methods ---- */

static void call_echo(struct rpc_call *call)
{
	rpc_reply(call, json_incref(call->params) ?: json_null());
}

static void call_fail(struct rpc_call *call)
{
	rpc_fail(call, RPC_ERROR_STATE, "%s is not running", "a");
}

static void call_later(struct rpc_call *call)
{
	rpc_defer(call, &kept);
}

static void call_follow(struct rpc_call *call)
{
	rpc_subscribe(call);
	rpc_reply(call, json_true());
}

static void call_note(struct rpc_call *call)
{
	notified++;
	rpc_reply(call, json_null());
}

static void call_silent(struct rpc_call *call)
{
	(void)call;
}

static void call_large(struct rpc_call *call)
{
	static char text[100001];

	memset(text, 'x', 100000);
	rpc_reply(call, json_string(text));
}

static void call_take(struct rpc_call *call)
{
	if (rpc_take_connection(call, json_string("yours"), &taken_fd))
		rpc_fail(call, RPC_ERROR_BUSY, "not now");
}

static const struct rpc_method methods[] = {
	{"echo", call_echo},
	{"fail", call_fail},
	{"later", call_later},
	{"follow", call_follow},
	{"note", call_note},
	{"silent", call_silent},
	{"large", call_large},
	{"take", call_take},
	{0},
};

/* ---- clients ---- */

static int try_connect(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

static int client(void)
{
	int fd = try_connect();

	ck_assert_int_ge(fd, 0);
	run_for(2 * MS);
	return fd;
}

static char got[2 << 20];

/* What has arrived at FD; NULL at its end. */
static const char *arrived(int fd)
{
	size_t size = 0;
	ssize_t n;

	while ((n = recv(fd, got + size, sizeof(got) - 1 - size, MSG_DONTWAIT)) > 0)
		size += (size_t)n;
	got[size] = '\0';
	return (n == 0 || errno == ECONNRESET) && !size ? NULL : got;
}

static void say(int fd, const char *text)
{
	ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
	run_for(3 * MS);
}

#define CALL(id, method)   "{\"jsonrpc\":\"2.0\",\"id\":" #id ",\"method\":\"" method "\"}\n"
#define NOTE(method)       "{\"jsonrpc\":\"2.0\",\"method\":\"" method "\"}\n"
#define RESULT(id, result) "{\"jsonrpc\":\"2.0\",\"id\":" #id ",\"result\":" result "}\n"

START_TEST(requests_are_answered)
{
	int fd = client();

	say(fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\",\"params\":{\"a\":2}}\n");
	ck_assert_str_eq(arrived(fd), RESULT(1, "{\"a\":2}"));
	say(fd, CALL(2, "fail"));
	ck_assert_str_eq(arrived(fd), "{\"jsonrpc\":\"2.0\",\"id\":2,\"error\":{\"code\":2,"
				      "\"message\":\"a is not running\"}}\n");
	say(fd, CALL(3, "nonsense"));
	ck_assert_ptr_nonnull(strstr(arrived(fd), "\"code\":-32601"));
	say(fd, "garbage\n");
	ck_assert_ptr_nonnull(strstr(arrived(fd), "\"id\":null,\"error\":{\"code\":-32700"));
	say(fd, CALL(4, "silent"));
	ck_assert_ptr_nonnull(strstr(arrived(fd), "\"code\":-32603"));
	say(fd, NOTE("note"));
	say(fd, NOTE("nonsense"));
	ck_assert_str_eq(arrived(fd), "");
	ck_assert_uint_eq(notified, 1);
	close(fd);
	run_for(2 * MS);
	ck_assert_uint_eq(rpc_server_clients(server), 0);
}
END_TEST

START_TEST(lines_come_in_parts_and_together)
{
	int fd = client();

	say(fd, "{\"jsonrpc\":\"2.0\",\"id\":1,");
	say(fd, "\"method\":\"ec");
	ck_assert_str_eq(arrived(fd), "");
	say(fd, "ho\"}\n\n \r\n" CALL(2, "echo") CALL(3, "echo"));
	ck_assert_str_eq(arrived(fd), RESULT(1, "null") RESULT(2, "null") RESULT(3, "null"));
	/* Its end comes with its last requests: they are answered. */
	ck_assert_int_gt(send(fd, CALL(4, "echo") CALL(5, "later"),
				 strlen(CALL(4, "echo") CALL(5, "later")), 0),
		0);
	shutdown(fd, SHUT_WR);
	run_for(5 * MS);
	ck_assert_str_eq(arrived(fd), RESULT(4, "null"));
	rpc_reply(&kept, json_integer(9));
	run_for(2 * MS);
	ck_assert_str_eq(arrived(fd), RESULT(5, "9"));
	ck_assert_ptr_null(arrived(fd));
	close(fd);
}
END_TEST

START_TEST(a_client_that_went_gets_no_answer_of_another)
{
	int first = client(), second;

	say(first, CALL(1, "later"));
	close(first);
	run_for(2 * MS);
	ck_assert_uint_eq(rpc_server_clients(server), 0);
	second = client();
	rpc_reply(&kept, json_true());
	run_for(2 * MS);
	ck_assert_str_eq(arrived(second), "");
	close(second);
}
END_TEST

START_TEST(a_line_without_end_is_cut_off)
{
	static char text[64 * 1024];
	int fd = client();

	memset(text, ' ', sizeof(text));
	for (unsigned i = 0; i < 100; i++) {
		if (send(fd, text, sizeof(text), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			break;
		run_for(MS);
	}
	ck_assert_uint_eq(rpc_server_clients(server), 0);
	close(fd);
	fd = client();
	memset(text, '[', sizeof(text));
	ck_assert_int_gt(send(fd, text, RPC_LINE_MAX, MSG_NOSIGNAL), 0);
	run_for(3 * MS);
	ck_assert_ptr_nonnull(strstr(arrived(fd), "longer than"));
	ck_assert_ptr_null(arrived(fd));
	close(fd);
}
END_TEST

START_TEST(who_does_not_read_answers_gets_no_more)
{
	int fd = client(), other = client();

	/* 40 answers of 100 kB: the kernel holds two or so, the rest waits for this client. */
	for (unsigned i = 0; i < 40; i++)
		send(fd, CALL(1, "large"), strlen(CALL(1, "large")), MSG_DONTWAIT);
	run_for(20 * MS);
	ck_assert_uint_eq(rpc_server_clients(server), 2);
	say(other, CALL(2, "echo"));
	ck_assert_str_eq(arrived(other), RESULT(2, "null"));
	/* It reads after all: every request is answered. */
	for (unsigned i = 0, answers = 0; answers < 40; i++) {
		ck_assert_uint_lt(i, 1000);
		arrived(fd);
		for (const char *c = got; (c = strchr(c, '\n')) != NULL; c++)
			answers++;
		run_for(MS);
	}
	close(fd);
	close(other);
}
END_TEST

START_TEST(a_follower_who_does_not_read_is_dropped)
{
	static char text[10001];
	int deaf = client(), fd = client();
	size_t seen = 0;

	say(deaf, CALL(1, "follow"));
	say(fd, CALL(1, "follow"));
	arrived(fd);
	memset(text, 'x', 10000);
	for (unsigned i = 0; i < 200; i++) {
		rpc_notify(server, "event", json_pack("{s:s}", "text", text));
		run_for(MS / 10);
		seen += strlen(arrived(fd));
	}
	ck_assert_uint_eq(rpc_server_clients(server), 1);
	ck_assert_uint_gt(seen, 200 * 10000);
	close(deaf);
	close(fd);
}
END_TEST

START_TEST(idle_clients_make_room_and_busy_ones_do_not)
{
	int idle[RPC_CLIENTS_MAX], follower = client(), fd;

	say(follower, CALL(1, "follow"));
	for (unsigned i = 0; i < RPC_CLIENTS_MAX; i++)
		idle[i] = client();
	ck_assert_uint_eq(rpc_server_clients(server), RPC_CLIENTS_MAX);
	ck_assert_ptr_null(arrived(idle[0])); /* the oldest went */
	ck_assert_ptr_nonnull(arrived(idle[1]));
	rpc_notify(server, "event", json_object());
	run_for(MS);
	ck_assert_ptr_nonnull(strstr(arrived(follower), "event"));
	for (unsigned i = 1; i < RPC_CLIENTS_MAX; i++)
		say(idle[i], CALL(1, "follow"));
	fd = try_connect();
	run_for(2 * MS);
	ck_assert_ptr_nonnull(strstr(arrived(fd), "too many clients"));
	ck_assert_ptr_null(arrived(fd));
	close(fd);
	for (unsigned i = 0; i < RPC_CLIENTS_MAX; i++)
		close(idle[i]);
	close(follower);
}
END_TEST

START_TEST(a_connection_is_handed_over)
{
	int fd = client(), raw;
	char byte = 0;

	say(fd, CALL(1, "take") CALL(2, "echo"));
	ck_assert_ptr_nonnull(strstr(arrived(fd), "not now"));
	say(fd, CALL(3, "take"));
	ck_assert_str_eq(arrived(fd), RESULT(3, "\"yours\""));
	ck_assert_uint_eq(rpc_server_clients(server), 0);
	raw = taken_fd;
	ck_assert_int_eq(send(fd, "k", 1, 0), 1);
	ck_assert_int_eq(recv(raw, &byte, 1, MSG_DONTWAIT), 1);
	ck_assert_int_eq(byte, 'k');
	close(raw);
	close(fd);
}
END_TEST

START_TEST(no_descriptor_left_is_no_busy_loop)
{
	struct rlimit old, none = {0, 0};
	struct timespec before, after;
	int fd;

	getrlimit(RLIMIT_NOFILE, &old);
	none.rlim_max = old.rlim_max;
	fd = try_connect();
	ck_assert_int_ge(fd, 0);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
	{
		struct loop_timer t;

		ck_assert_int_eq(loop_timer_init(loop, &t, expired), 0);
		none.rlim_cur = 4;
		ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
		loop_timer_start(&t, 300 * MS);
		ck_assert_int_eq(loop_run(loop), 0);
		ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
		loop_timer_fini(&t);
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
	ck_assert_int_lt(
		(after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000,
		100);
	ck_assert_uint_eq(rpc_server_clients(server), 0);
	run_for(900 * MS); /* it tries again */
	ck_assert_uint_eq(rpc_server_clients(server), 1);
	close(fd);
}
END_TEST

START_TEST(other_users_are_turned_away)
{
	int status;
	pid_t pid;

	if (geteuid() != 0)
		return; /* only root can be somebody else */
	pid = fork();
	if (pid == 0) {
		char byte;
		int fd;

		if (setresuid(65534, 65534, 65534))
			_exit(2);
		fd = try_connect();
		_exit(fd >= 0 && read(fd, &byte, 1) == 0 ? 0 : 1);
	}
	for (unsigned i = 0; i < 100 && !waitpid(pid, &status, WNOHANG); i++)
		run_for(10 * MS);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 0);
	ck_assert_uint_eq(rpc_server_clients(server), 0);
}
END_TEST

static void setup(void)
{
	struct rpc_server_config config = {.methods = methods};

	ck_assert_int_eq(loop_create_epoll(&loop), 0);
	config.loop = loop;
	config.listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* An abstract address, which needs no file: NUL, then a name of our own. */
	address = (struct sockaddr_un){.sun_family = AF_UNIX};
	snprintf(
		address.sun_path + 1, sizeof(address.sun_path) - 1, "test-rpc-server-%d", getpid());
	ck_assert_int_eq(bind(config.listen_fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(config.listen_fd, 32), 0);
	ck_assert_int_eq(rpc_server_create(&config, &server), 0);
	notified = 0;
}

static void teardown(void)
{
	rpc_server_destroy(server);
	loop_destroy(loop);
}

Suite *unit_suite(void)
{
	Suite *s = suite_create("supervisor/rpc_server");
	TCase *t = tcase_create("server");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 30);
	tcase_add_test(t, requests_are_answered);
	tcase_add_test(t, lines_come_in_parts_and_together);
	tcase_add_test(t, a_client_that_went_gets_no_answer_of_another);
	tcase_add_test(t, a_line_without_end_is_cut_off);
	tcase_add_test(t, who_does_not_read_answers_gets_no_more);
	tcase_add_test(t, a_follower_who_does_not_read_is_dropped);
	tcase_add_test(t, idle_clients_make_room_and_busy_ones_do_not);
	tcase_add_test(t, a_connection_is_handed_over);
	tcase_add_test(t, no_descriptor_left_is_no_busy_loop);
	tcase_add_test(t, other_users_are_turned_away);
	suite_add_tcase(s, t);
	return s;
}
