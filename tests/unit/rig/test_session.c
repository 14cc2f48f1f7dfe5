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
#include <sys/wait.h>
#include <termios.h>

/* The machine's ends. */
static int wire, kernel;

/* Runs a session with MACHINE at the other side, in a process of its own. */
static int run(void (*machine)(void))
{
	int wires[2], logs[2], errors[2];
	struct rig_output output = {.path = (char[]){"/dev/null"}};
	struct rig_job job = {.outputs = &output, .output_count = 1};
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

/* Headers of frames that never come. */
static void starts_a_frame(void)
{
	uint8_t header[8];

	wire_write(wire, WIRE_READY, NULL, 0);
	wire_put_u32(header, WIRE_OUTPUT);
	wire_put_u32(header + 4, 100);
	(void)!write(wire, header, sizeof(header));
	say("hello\n");
}

static void starts_a_large_frame(void)
{
	uint8_t header[8];

	wire_write(wire, WIRE_READY, NULL, 0);
	wire_put_u32(header, WIRE_OUTPUT);
	wire_put_u32(header + 4, WIRE_BYTES_MAX + 1);
	(void)!write(wire, header, sizeof(header));
	pause();
}

static void starts_a_file(void)
{
	static const uint8_t name[8] = {0, 0, 0, 0, 0244, 1};

	wire_write(wire, WIRE_READY, NULL, 0);
	wire_write(wire, WIRE_FILE, name, sizeof(name));
	wire_write(wire, WIRE_DATA, "half", 4);
}

static void sends_a_strange_file(void)
{
	static const uint8_t name[8] = {77};

	wire_write(wire, WIRE_READY, NULL, 0);
	wire_write(wire, WIRE_FILE, name, sizeof(name));
	wire_write_u32(wire, WIRE_EXIT, 0);
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
		{starts_a_frame, "kernel | hello\nbulkhead rig: the emulated machine ended in the "
				 "middle of what it had to say; its last lines are above\n"},
		{starts_a_large_frame, "sends what nobody understands"},
		{starts_a_file, "bulkhead rig: the emulated machine ended in the middle of a file "
				"that it had to send, which may be incomplete\n"},
		{sends_a_strange_file, "sent a file that belongs to no output of the command"},
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

/* ---- readers who do not read ---- */

#define MUCH (1024 * 1024)

static uint8_t pattern(size_t at)
{
	return (uint8_t)(at / 1000 + at % 251);
}

/* More than fits between it and its reader. */
static void say_much(void)
{
	uint8_t bytes[1024];

	for (size_t at = 0; at < MUCH; at += sizeof(bytes)) {
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = pattern(at + i);
		wire_write(wire, WIRE_OUTPUT, bytes, sizeof(bytes));
	}
}

/* The front gets SIGTERM later, COUNT times. */
static void tell_later(unsigned count)
{
	pid_t front = getppid();

	if (fork())
		return;
	while (count--) {
		usleep(300000);
		kill(front, SIGTERM);
	}
	_exit(0);
}

static void says_much_and_dies(void)
{
	wire_write(wire, WIRE_READY, NULL, 0);
	say_much();
	wire_write_u32(wire, WIRE_EXIT, 7);
}

static void is_told_while_it_speaks(void)
{
	struct wire_frame f;

	come_up();
	tell_later(1);
	say_much();
	f = await(WIRE_SIGNAL);
	wire_write_u32(wire, WIRE_EXIT, wire_u32(&f, 0) == SIGTERM ? 9 : 10);
	pause();
}

static void speaks_on(void)
{
	come_up();
	tell_later(2);
	for (;;)
		say_much();
}

static void make_terminal(int pair[2])
{
	struct termios raw;

	pair[0] = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	ck_assert_int_eq(grantpt(pair[0]) ?: unlockpt(pair[0]), 0);
	pair[1] = open(ptsname(pair[0]), O_RDWR | O_NOCTTY | O_CLOEXEC);
	ck_assert_int_eq(tcgetattr(pair[1], &raw), 0);
	cfmakeraw(&raw);
	ck_assert_int_eq(tcsetattr(pair[1], TCSANOW, &raw), 0);
}

/* The exit code of MACHINE's session, and what the other end of its output is. */
static int run_into(bool terminal, void (*machine)(void), int *ret_other)
{
	int pair[2], saved = dup(STDOUT_FILENO), code;

	if (terminal)
		make_terminal(pair);
	else
		ck_assert_int_eq(pipe2(pair, O_CLOEXEC), 0);
	dup2(pair[1], STDOUT_FILENO);
	close(pair[1]);
	*ret_other = pair[0];
	code = run(machine);
	/* It is shared with whoever has started us. */
	ck_assert_int_eq(fcntl(STDOUT_FILENO, F_GETFL) & O_NONBLOCK, 0);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	return code;
}

/* What comes is what was said from its beginning on. How much. */
static size_t read_all(int fd)
{
	uint8_t bytes[3000];
	size_t total = 0;
	ssize_t n;

	while ((n = read(fd, bytes, sizeof(bytes))) > 0) {
		for (ssize_t i = 0; i < n; i++, total++)
			ck_assert_uint_eq(bytes[i], pattern(total % MUCH));
	}
	close(fd);
	return total;
}

/* Nothing is lost or reordered, though the machine is gone long before all is read. */
START_TEST(slow_reader)
{
	int pair[2], status;
	pid_t reader;

	signal(SIGPIPE, SIG_IGN);
	ck_assert_int_eq(pipe2(pair, O_CLOEXEC), 0);
	reader = fork();
	if (!reader) {
		close(pair[1]);
		usleep(300000);
		_exit(read_all(pair[0]) == MUCH ? 0 : 1);
	}
	dup2(pair[1], STDOUT_FILENO);
	close(pair[1]);
	ck_assert_int_eq(run(says_much_and_dies), 7);
	close(STDOUT_FILENO);
	ck_assert_int_eq(waitpid(reader, &status, 0), reader);
	ck_assert_int_eq(status, 0);
}
END_TEST

/* A signal is heard, and so is what the command makes of it; what nobody reads is lost. */
START_TEST(no_reader)
{
	uint64_t before = monotonic_ns();
	size_t total;
	int out;

	dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), STDIN_FILENO);
	ck_assert_int_eq(run_into(_i, is_told_while_it_speaks, &out), 9);
	total = read_all(out);
	ck_assert_uint_gt(total, 4096);
	ck_assert_uint_lt(total, MUCH);
	ck_assert_int_eq(run_into(_i, speaks_on, &out), BH_EXIT_INTERRUPTED);
	ck_assert_uint_gt(read_all(out), 4096);
	/* Nobody had to be given up on. */
	ck_assert_uint_lt(monotonic_ns() - before, 15 * 1000000000ull);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("rig/session");
	TCase *t = tcase_create("session");

	tcase_set_timeout(t, 30);
	tcase_add_test(t, output_and_code);
	tcase_add_test(t, input);
	tcase_add_test(t, failures);
	tcase_add_test(t, signals);
	tcase_add_test(t, slow_reader);
	tcase_add_loop_test(t, no_reader, 0, 2); /* pipe, terminal */
	suite_add_tcase(s, t);
	return s;
}
