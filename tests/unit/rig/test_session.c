/* SPDX-License-Identifier: BSD-3-Clause */
/* The front, with a process in place of the emulated machine. */
#include "lib/exitcode.h"
#include "lib/file.h"
#include "lib/util.h"
#include "rig/session.h"
#include "rig/wire.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/socket.h>

/* The machine's ends. */
static int wire, kernel;

/* Runs a session with MACHINE at the other side, in a process of its own. */
static int run(void (*machine)(void))
{
	int wires[2], logs[2], errors[2];
	struct rig_job job = {0};
	struct rig_terminal terminal = {0};
	struct emulator e;
	struct session_spec spec = {
		.job = &job, .machine = &e, .terminal = &terminal, .log_fd = -1};
	sigset_t set;
	int code;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, wires), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, logs), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, errors), 0);
	e = (struct emulator){.wire_fd = wires[0], .log_fd = logs[0], .errors_fd = errors[0]};
	e.pid = fork();
	if (e.pid == 0) {
		wire = wires[1];
		kernel = logs[1];
		close(wires[0]);
		close(logs[0]);
		machine();
		_exit(0);
	}
	e.pidfd = pidfd_open(e.pid, 0);
	close(wires[1]);
	close(logs[1]);
	close(errors[1]);
	code = session_run(&spec);
	emulator_end(&e);
	return code;
}

/* What MACHINE's session prints, in TEXT, and its exit code. */
static int run_and_read(void (*machine)(void), int fd, char *text, size_t size)
{
	int file = memfd_create("output", MFD_CLOEXEC), saved = dup(fd), code;
	ssize_t n;

	dup2(file, fd);
	code = run(machine);
	fflush(stderr);
	dup2(saved, fd);
	close(saved);
	n = pread(file, text, size - 1, 0);
	ck_assert_int_ge(n, 0);
	text[n] = '\0';
	close(file);
	return code;
}

/* Waits for a frame of TYPE. */
static struct wire_frame await(enum wire_type type)
{
	static struct wire_reader r;
	struct wire_frame f;

	for (;;) {
		while (wire_next(&r, &f) > 0) {
			if (f.type == type)
				return f;
		}
		if (wire_read(&r, wire) <= 0)
			_exit(1);
	}
}

static void say(const char *text)
{
	(void)!write(kernel, text, strlen(text));
}

static void ends_well(void)
{
	wire_write(wire, WIRE_READY, NULL, 0);
	wire_write(wire, WIRE_OUTPUT, "one\n", 4);
	wire_write(wire, WIRE_OUTPUT, "two\n", 4);
	wire_write_u32(wire, WIRE_EXIT, 4);
	pause();
}

START_TEST(output_and_code)
{
	char text[64];

	ck_assert_int_eq(run_and_read(ends_well, STDOUT_FILENO, text, sizeof(text)), 4);
	ck_assert_str_eq(text, "one\ntwo\n");
}
END_TEST

/* Its last words count, though it is gone already. */
static void ends_and_dies(void)
{
	wire_write(wire, WIRE_READY, NULL, 0);
	wire_write_u32(wire, WIRE_EXIT, 1);
}

static void echoes(void)
{
	struct wire_frame f;
	size_t total = 0;

	wire_write(wire, WIRE_READY, NULL, 0);
	while (total < 10000) {
		f = await(WIRE_INPUT);
		/* Never more on its way than was said. */
		if (f.size > WIRE_INPUT_MAX)
			_exit(1);
		total += f.size;
		wire_write_u32(wire, WIRE_TOOK, (uint32_t)f.size);
	}
	await(WIRE_INPUT_END);
	wire_write_u32(wire, WIRE_EXIT, total == 10000 ? 7 : 8);
	pause();
}

START_TEST(input)
{
	int file = memfd_create("input", MFD_CLOEXEC);

	ck_assert_int_eq(run(ends_and_dies), 1);
	ck_assert_int_eq(ftruncate(file, 10000), 0);
	dup2(file, STDIN_FILENO);
	ck_assert_int_eq(run(echoes), 7);
}
END_TEST

static void panics(void)
{
	wire_write(wire, WIRE_READY, NULL, 0);
	say("all is well\nKernel panic - not syncing: test\n");
}

static void dies(void)
{
	say("hello\n");
}

static void fails(void)
{
	wire_write(wire, WIRE_FAILED, "no KVM", 6);
	pause();
}

static void babbles(void)
{
	static const char zeros[64];

	wire_write(wire, WIRE_READY, NULL, 0);
	(void)!write(wire, zeros, sizeof(zeros));
	pause();
}

START_TEST(failures)
{
	static const struct {
		void (*machine)(void);
		const char *said;
	} cases[] = {
		{panics, "kernel | Kernel panic - not syncing: test\nbulkhead rig: the emulated "
			 "machine's kernel panicked"},
		{dies, "kernel | hello\nbulkhead rig: the emulated machine did not come up"},
		{fails, "bulkhead rig: no KVM"},
		{babbles, "sends what nobody understands"},
	};
	char text[2048];

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		int code = run_and_read(cases[i].machine, STDERR_FILENO, text, sizeof(text));

		ck_assert_int_eq(code, BH_EXIT_HOST);
		ck_assert_msg(strstr(text, cases[i].said), "%u: %s", i, text);
	}
}
END_TEST

/* Says that it is up, and waits until that was heard: then it hears of the end of the input. */
static void come_up(void)
{
	wire_write(wire, WIRE_READY, NULL, 0);
	await(WIRE_INPUT_END);
}

/* A signal reaches the command, which ends as it likes. */
static void is_told(void)
{
	struct wire_frame f;

	come_up();
	kill(getppid(), SIGTERM);
	f = await(WIRE_SIGNAL);
	wire_write_u32(wire, WIRE_EXIT, wire_u32(&f, 0) == SIGTERM ? 9 : 10);
	pause();
}

/* Before it is up nobody is there to be told; one that does not listen is told once. */
static void starts_up(void)
{
	kill(getppid(), SIGTERM);
	pause();
}

static void is_deaf(void)
{
	come_up();
	kill(getppid(), SIGTERM);
	await(WIRE_SIGNAL);
	kill(getppid(), SIGTERM);
	pause();
}

START_TEST(signals)
{
	dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), STDIN_FILENO);
	ck_assert_int_eq(run(is_told), 9);
	ck_assert_int_eq(run(starts_up), BH_EXIT_INTERRUPTED);
	ck_assert_int_eq(run(is_deaf), BH_EXIT_INTERRUPTED);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("rig/session");
	TCase *t = tcase_create("session");

	tcase_add_test(t, output_and_code);
	tcase_add_test(t, input);
	tcase_add_test(t, failures);
	tcase_add_test(t, signals);
	suite_add_tcase(s, t);
	return s;
}
