/* SPDX-License-Identifier: BSD-3-Clause */
/* Consoles between a chardev and pipes, files and terminals, on a real event loop. */
#include "lib/util.h"
#include "partition/console.h"
#include "partition/linefmt.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <termios.h>

#define MS 1000000

static struct loop *loop;
static struct console_line line;

/* A port as the partition process has it, and the guest's side of its input. */
struct port {
	struct chardev chardev;
	struct partition_port config;
	struct console *console;
	size_t takes;     /* bytes of input that the guest takes at a time */
	char input[8192]; /* what it took */
	size_t input_size;
	unsigned quits;
	bool off_console; /* a file or the like of its own */
};

static struct port a, b;

static size_t receive(void *ctx, const uint8_t *data, size_t n)
{
	struct port *p = ctx;

	n = min_u64(min_u64(n, p->takes), sizeof(p->input) - p->input_size);
	memcpy(p->input + p->input_size, data, n);
	p->input_size += n;
	return n;
}

static void quit(void *ctx)
{
	struct port *p = ctx;

	p->quits++;
	loop_stop(loop);
}

/* LABEL's port: OUT_FD, IN_FD, LOG_FD and flags are P->config. */
static void port_open(struct port *p, const char *label, uint32_t owner)
{
	struct console_config config = {
		.loop = loop,
		.chardev = &p->chardev,
		.port = &p->config,
		.label = label,
		.owner = owner,
		.line = p->off_console ? NULL : &line,
		.quit = quit,
		.ctx = p,
	};

	chardev_init(&p->chardev, -1);
	p->chardev.front = (struct chardev_front){.ctx = p, .receive = receive};
	ck_assert_int_eq(console_create(&config, &p->console), 0);
}

static struct partition_port nowhere(void)
{
	return (struct partition_port){.out_fd = -1, .in_fd = -1, .log_fd = -1};
}

static size_t guest_writes(struct port *p, const char *text)
{
	return ring_push(&p->chardev.tx, (const uint8_t *)text, strlen(text));
}

static void guest_says(struct port *p, const char *text)
{
	ck_assert_uint_eq(guest_writes(p, text), strlen(text));
	console_pump(p->console);
}

static void expired(struct loop_timer *t)
{
	(void)t;
	loop_stop(loop);
}

static void run_for(uint64_t ns)
{
	struct loop_timer timer;

	ck_assert_int_eq(loop_timer_init(loop, &timer, expired), 0);
	loop_timer_start(&timer, ns);
	ck_assert_int_eq(loop_run(loop), 0);
	loop_timer_fini(&timer);
}

/* What came out at FD (not blocking) so far. */
static const char *come_out(int fd)
{
	static char text[262144];
	size_t size = 0;
	ssize_t n;

	while ((n = read(fd, text + size, sizeof(text) - 1 - size)) > 0)
		size += (size_t)n;
	text[size] = '\0';
	return text;
}

static void open_pipe(int fds[2])
{
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
}

static void block(int fd)
{
	ck_assert_int_eq(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK), 0);
}

/* ---- input ---- */

START_TEST(escapes_outlive_a_guest_that_does_not_read)
{
	char keys[6000];
	int in[2], out[2];

	open_pipe(in);
	open_pipe(out);
	a.config.in_fd = in[0];
	a.config.out_fd = out[1];
	a.config.flags = PORT_TERMINAL;
	port_open(&a, "a", 1);
	console_pump(a.console);
	memset(keys, 'k', sizeof(keys));
	ck_assert_int_eq(write(in[1], keys, sizeof(keys)), sizeof(keys));
	run_for(20 * MS);
	ck_assert_int_eq(write(in[1], "\001h\001x", 4), 4);
	run_for(2000 * MS);
	ck_assert_uint_eq(a.quits, 1);
	ck_assert_ptr_nonnull(strstr(come_out(out[0]), "Ctrl-A x  end the run"));
	/* The guest finds what was typed first, in order; later keys had no room. */
	a.takes = 16;
	for (unsigned i = 0; i < 1000; i++)
		console_pump(a.console);
	ck_assert_uint_gt(a.input_size, 16);
	ck_assert_uint_lt(a.input_size, sizeof(keys));
	ck_assert_int_eq(memcmp(a.input, keys, a.input_size), 0);
	ck_assert_int_eq(write(in[1], "\001\001z", 3), 3);
	run_for(20 * MS);
	ck_assert_int_eq(memcmp(a.input + a.input_size - 2, "\001z", 2), 0);
}
END_TEST

/* It is offered nothing either: its receiver may be set up any moment, which empties it. */
START_TEST(escapes_need_no_guest)
{
	int in[2];

	open_pipe(in);
	a.config.in_fd = in[0];
	a.config.flags = PORT_TERMINAL;
	a.takes = 100;
	port_open(&a, "a", 1);
	ck_assert_int_eq(write(in[1], "key\001x", 5), 5);
	run_for(2000 * MS);
	ck_assert_uint_eq(a.quits, 1);
	ck_assert_uint_eq(a.input_size, 0);
	console_pump(a.console);
	ck_assert_uint_eq(a.input_size, 3);
	ck_assert_int_eq(memcmp(a.input, "key", 3), 0);
}
END_TEST

/* _i: whether it is a terminal. */
START_TEST(input_before_there_is_a_device)
{
	int in[2];

	open_pipe(in);
	a.config.in_fd = in[0];
	a.config.flags = _i ? PORT_TERMINAL : 0;
	a.takes = 100;
	port_open(&a, "a", 1);
	a.chardev.front = (struct chardev_front){0};
	ck_assert_int_eq(write(in[1], "key", 3), 3);
	run_for(20 * MS);
	console_pump(a.console);
	ck_assert_int_eq(write(in[1], "\001x", 2), 2);
	run_for(20 * MS);
	ck_assert_uint_eq(a.quits, (unsigned)_i);
	a.chardev.front = (struct chardev_front){.ctx = &a, .receive = receive};
	console_pump(a.console);
	run_for(20 * MS);
	ck_assert_uint_eq(a.input_size, _i ? 3 : 5);
	ck_assert_int_eq(memcmp(a.input, "key\001x", a.input_size), 0);
}
END_TEST

START_TEST(input_that_is_no_terminal_s_is_never_lost)
{
	char bytes[3000];
	int in[2];

	open_pipe(in);
	a.config.in_fd = in[0];
	port_open(&a, "a", 1);
	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)i; /* Ctrl-A too, which means nothing here */
	ck_assert_int_eq(write(in[1], bytes, sizeof(bytes)), sizeof(bytes));
	close(in[1]);
	console_pump(a.console);
	run_for(20 * MS);
	ck_assert_uint_eq(a.input_size, 0);
	a.takes = 7;
	for (unsigned i = 0; i < 200 && a.input_size < sizeof(bytes); i++) {
		for (unsigned k = 0; k < 100; k++)
			console_pump(a.console);
		run_for(MS);
	}
	ck_assert_uint_eq(a.input_size, sizeof(bytes));
	ck_assert_int_eq(memcmp(a.input, bytes, sizeof(bytes)), 0);
	ck_assert_uint_eq(a.quits, 0);
}
END_TEST

/* Both see it readable, one reads it, and the other must not wait for more. */
START_TEST(a_shared_input_does_not_block)
{
	int in[2];

	open_pipe(in);
	block(in[0]);
	a.takes = b.takes = 100;
	a.config.in_fd = in[0];
	b.config.in_fd = dup(in[0]);
	port_open(&a, "a", 1);
	port_open(&b, "b", 2);
	console_pump(a.console);
	console_pump(b.console);
	for (unsigned i = 0; i < 20; i++) {
		ck_assert_int_eq(write(in[1], "k", 1), 1);
		run_for(2 * MS);
		ck_assert_uint_eq(a.input_size + b.input_size, i + 1);
	}
}
END_TEST

/* ---- output ---- */

/* More of them than all buffers hold, without any text or line end. */
START_TEST(endless_colours_come_through)
{
	static const char colour[] = "\033[38;2;100;120;140m";
	size_t count = 0, resets = 0, shown = 0;
	int out[2];

	open_pipe(out);
	a.config.out_fd = out[1];
	a.config.flags = PORT_PREFIX;
	port_open(&a, "a", 1);
	for (unsigned i = 0; i < 20; i++) {
		while (ring_free(&a.chardev.tx) >= strlen(colour)) {
			guest_writes(&a, colour);
			count++;
		}
		for (unsigned k = 0; k < 100 && ring_used(&a.chardev.tx); k++) {
			console_pump(a.console);
			for (const char *at = come_out(out[0]); (at = strchr(at, '\033')); at++) {
				shown += !strncmp(at, colour, strlen(colour));
				resets += !strncmp(at, CONSOLE_RESET_COLOUR "\n",
					strlen(CONSOLE_RESET_COLOUR) + 1);
			}
		}
		ck_assert_uint_eq(ring_used(&a.chardev.tx), 0);
	}
	ck_assert_uint_gt(shown, count - 2000);
	ck_assert_uint_gt(resets, count * strlen(colour) / LINEFMT_LINE_MAX / 2);
	ck_assert_uint_eq(atomic_load(&a.chardev.dropped), 0);
}
END_TEST

/* One pump deals with all that is queued while the reader takes it: nobody wakes us again. */
START_TEST(nothing_stays_behind_a_full_buffer)
{
	static char text[CHARDEV_TX_SIZE];
	int out[2];

	open_pipe(out);
	ck_assert_int_ge(fcntl(out[1], F_SETPIPE_SZ, 1 << 20), 1 << 20);
	a.config.out_fd = out[1];
	a.config.flags = PORT_PREFIX;
	port_open(&a, "a", 1);
	/* A colour before each letter: only line breaks for length, which do not align with
	 * anything. */
	for (size_t i = 0; i + 6 < sizeof(text); i += 6)
		memcpy(text + i, "\033[31mx", 6);
	guest_says(&a, text);
	ck_assert_uint_eq(ring_used(&a.chardev.tx), 0);
	guest_says(&a, "\n");
	ck_assert(console_drained(a.console));
}
END_TEST

START_TEST(a_terminal_that_takes_nothing_does_not_block)
{
	static char text[CHARDEV_TX_SIZE];
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK), slave = -1;
	struct termios t;

	if (master < 0)
		return; /* no terminals here */
	ck_assert_int_eq(unlockpt(master), 0);
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	ck_assert_int_ge(slave, 0);
	ck_assert_int_eq(tcgetattr(slave, &t), 0);
	cfmakeraw(&t);
	ck_assert_int_eq(tcsetattr(slave, TCSANOW, &t), 0);
	a.config.out_fd = slave;
	a.config.in_fd = slave; /* one descriptor for both is fine */
	port_open(&a, "a", 1);
	memset(text, 'x', sizeof(text) - 1);
	for (unsigned i = 0; i < 4; i++) {
		guest_writes(&a, text);
		console_pump(a.console);
	}
	ck_assert_uint_gt(ring_used(&a.chardev.tx), 0);
	ck_assert(!console_drained(a.console));
	/* The kernel moves bytes between the terminal's two buffers at its leisure: room that it
	 * makes late is progress, after which the wait begins anew. */
	for (unsigned i = 0; i < 50 && !atomic_load(&a.chardev.stalled); i++)
		run_for(100 * MS);
	ck_assert(atomic_load(&a.chardev.stalled));
	ck_assert(!console_drained(a.console));
	for (unsigned i = 0; i < 100 && !console_drained(a.console); i++) {
		come_out(master);
		run_for(2 * MS);
	}
	ck_assert_uint_eq(ring_used(&a.chardev.tx), 0);
	ck_assert(!atomic_load(&a.chardev.stalled));
	ck_assert_int_eq(write(master, "k", 1), 1);
	a.takes = 1;
	run_for(20 * MS);
	ck_assert_uint_eq(a.input_size, 1);
}
END_TEST

START_TEST(bytes_that_a_log_does_not_take_are_counted)
{
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	ck_assert_int_ge(full, 0);
	a.config.log_fd = full;
	port_open(&a, "a", 1);
	guest_says(&a, "0123456789");
	ck_assert_uint_eq(console_log_lost(a.console), 10);
	ck_assert_uint_eq(atomic_load(&a.chardev.dropped), 0);
	ck_assert(console_drained(a.console));
}
END_TEST

START_TEST(bytes_that_nothing_takes_are_counted_for_each)
{
	static char text[CHARDEV_TX_SIZE];
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC), out[2];

	ck_assert_int_ge(full, 0);
	open_pipe(out);
	close(out[0]);
	a.config.log_fd = full;
	a.config.out_fd = out[1];
	port_open(&a, "a", 1);
	memset(text, 'x', sizeof(text) - 1);
	guest_says(&a, text);
	ck_assert(console_drained(a.console));
	console_finish(a.console);
	ck_assert_uint_eq(console_log_lost(a.console), sizeof(text) - 1);
	ck_assert_uint_eq(atomic_load(&a.chardev.dropped), sizeof(text) - 1);
}
END_TEST

/* The end waits for a reader that only pauses: what it misses is a guest's last words. _i: flags.
 */
START_TEST(a_stalled_reader_is_not_the_end)
{
	static char text[8192];
	bool shown = false;
	int out[2];

	open_pipe(out);
	ck_assert_int_ge(fcntl(out[1], F_SETPIPE_SZ, 4096), 4096);
	a.config.out_fd = out[1];
	a.config.flags = (uint32_t)_i;
	port_open(&a, "a", 1);
	memset(text, '\n', sizeof(text) - 1);
	guest_says(&a, text);
	run_for(400 * MS);
	ck_assert(atomic_load(&a.chardev.stalled));
	guest_says(&a, "panic"); /* no newline: it may wait for one, but not be forgotten */
	ck_assert(!console_drained(a.console));
	for (unsigned i = 0; i < 500 && !console_drained(a.console); i++) {
		shown = shown || strstr(come_out(out[0]), "panic");
		run_for(2 * MS);
		console_pump(a.console);
	}
	ck_assert(console_drained(a.console));
	ck_assert(shown || strstr(come_out(out[0]), "panic"));
	console_finish(a.console);
	ck_assert_uint_eq(atomic_load(&a.chardev.dropped), 0);
}
END_TEST

START_TEST(the_end_with_a_reader_that_stalled)
{
	static char text[CHARDEV_TX_SIZE];
	int out[2], log[2];
	size_t shown;

	open_pipe(out);
	open_pipe(log);
	ck_assert_int_ge(fcntl(out[1], F_SETPIPE_SZ, 4096), 4096);
	ck_assert_int_ge(fcntl(log[1], F_SETPIPE_SZ, 1 << 20), 1 << 20);
	a.config.out_fd = out[1];
	a.config.log_fd = log[1];
	port_open(&a, "a", 1);
	memset(text, 'x', sizeof(text) - 1);
	guest_says(&a, text);
	console_finish(a.console);
	shown = strlen(come_out(out[0]));
	ck_assert_uint_gt(shown, 0);
	ck_assert_uint_lt(shown, 8192);
	ck_assert_uint_eq(atomic_load(&a.chardev.dropped), sizeof(text) - 1 - shown);
	ck_assert_uint_eq(strlen(come_out(log[0])), sizeof(text) - 1);
}
END_TEST

/* ---- a console that is shared ---- */

static void open_shared(int out)
{
	a.config.out_fd = out;
	b.config.out_fd = out;
	a.config.flags = b.config.flags = PORT_PREFIX;
	port_open(&a, "a", 1);
	port_open(&b, "b", 2);
}

START_TEST(unfinished_lines_do_not_mix)
{
	int out[2];

	open_pipe(out);
	open_shared(out[1]);
	guest_says(&a, "one");
	run_for(60 * MS);
	guest_says(&b, "two\n");
	guest_says(&a, " more\n");
	ck_assert_str_eq(come_out(out[0]), "a | one\nb | two\na |  more\n");
	guest_says(&a, "end");
	console_finish(a.console);
	console_finish(b.console);
	ck_assert_str_eq(come_out(out[0]), "a | end\n");
}
END_TEST

START_TEST(colours_stay_in_their_line)
{
	int out[2];

	open_pipe(out);
	open_shared(out[1]);
	guest_says(&a, "\033[8mhidden");
	run_for(60 * MS);
	ck_assert_uint_eq(atomic_load(&line.open_by), 1 | CONSOLE_LINE_COLOURED);
	guest_says(&b, "two\n");
	ck_assert_str_eq(come_out(out[0]), "a | \033[8mhidden" CONSOLE_RESET_COLOUR "\nb | two\n");
	guest_says(&b, "\033[1mthree\nfour");
	console_finish(b.console);
	ck_assert_str_eq(come_out(out[0]), "b | \033[1mthree" CONSOLE_RESET_COLOUR "\nb | four\n");
	ck_assert_uint_eq(atomic_load(&line.open_by), 0);
}
END_TEST

START_TEST(a_line_that_is_never_given_back)
{
	uint64_t since = monotonic_ns();
	int out[2];

	open_pipe(out);
	open_shared(out[1]);
	for (unsigned i = 0; i < 200; i++) {
		atomic_store(&line.writer, 77);
		guest_says(&a, "x\n");
	}
	ck_assert_uint_eq(strlen(come_out(out[0])), 200 * strlen("a | x\n"));
	ck_assert_uint_lt(monotonic_ns() - since, 1000 * MS);
}
END_TEST

/* Nothing is added to what the guest wrote, but others can know where its line stands. */
START_TEST(a_raw_console_says_where_its_line_stands)
{
	static const struct {
		const char *text;
		uint32_t open_by;
	} steps[] = {
		{"login: ", 1},
		{"root\r", 1},
		{"\n", 0},
		{"\r", 0},
		{"\033[1mbold", 1 | CONSOLE_LINE_COLOURED},
		{" more", 1 | CONSOLE_LINE_COLOURED},
		{"\r\n# ", 1},
	};
	int out[2];

	open_pipe(out);
	a.config.out_fd = out[1];
	port_open(&a, "a", 1);
	for (unsigned i = 0; i < ARRAY_SIZE(steps); i++) {
		guest_says(&a, steps[i].text);
		ck_assert_uint_eq(atomic_load(&line.open_by), steps[i].open_by);
		ck_assert_str_eq(come_out(out[0]), steps[i].text);
	}
	console_finish(a.console);
	ck_assert_str_eq(come_out(out[0]), "");
	ck_assert_uint_eq(atomic_load(&line.open_by), 1);
	/* The partition's other port, under a prefix. */
	b.config.out_fd = out[1];
	b.config.flags = PORT_PREFIX;
	port_open(&b, "b", 2);
	guest_says(&b, "two\n");
	ck_assert_str_eq(come_out(out[0]), "\nb | two\n");
}
END_TEST

START_TEST(a_file_is_no_line_of_the_console)
{
	int out[2];

	open_pipe(out);
	a.config.out_fd = out[1];
	a.off_console = true;
	port_open(&a, "a", 1);
	guest_says(&a, "one");
	ck_assert_str_eq(come_out(out[0]), "one");
	ck_assert_uint_eq(atomic_load(&line.open_by), 0);
}
END_TEST

/* A file that has room for ROOM more bytes, then is full. */
static void limit(int fd, off_t room)
{
	struct rlimit r;

	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &r), 0);
	r.rlim_cur = room < 0 ? r.rlim_max : (rlim_t)(lseek(fd, 0, SEEK_CUR) + room);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &r), 0);
}

/* The write that ends b's line and goes on with a's gets no further than _i bytes. */
START_TEST(a_write_cut_short_loses_no_prefix)
{
	static const char *const expected[] = {
		[1] = "a | one\nb | two\na |  more\n", /* the line end */
		[2] = "a | one\nb | two\na\na |  more\n",
		[3] = "a | one\nb | two\na \na |  more\n",
		[4] = "a | one\nb | two\na |\na |  more\n",
		[5] = "a | one\nb | two\na |  more\n", /* and the prefix */
	};
	FILE *f = tmpfile();
	char text[100] = "";
	int fd;

	ck_assert_ptr_nonnull(f);
	fd = fileno(f);
	signal(SIGXFSZ, SIG_IGN);
	open_shared(fd);
	guest_says(&a, "one");
	run_for(60 * MS);
	guest_says(&b, "two");
	run_for(60 * MS);
	limit(fd, _i);
	guest_says(&a, " more\n");
	limit(fd, -1);
	console_pump(a.console);
	ck_assert_int_gt(pread(fd, text, sizeof(text) - 1, 0), 0);
	ck_assert_str_eq(text, expected[_i]);
	fclose(f);
}
END_TEST

static void setup(void)
{
	ck_assert_int_eq(loop_create(&loop), 0);
	a.config = b.config = nowhere();
	signal(SIGPIPE, SIG_IGN);
}

static void teardown(void)
{
	console_destroy(a.console);
	console_destroy(b.console);
	loop_destroy(loop);
}

Suite *unit_suite(void)
{
	Suite *s = suite_create("partition/console");
	TCase *t = tcase_create("console");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, escapes_outlive_a_guest_that_does_not_read);
	tcase_add_test(t, escapes_need_no_guest);
	tcase_add_loop_test(t, input_before_there_is_a_device, 0, 2);
	tcase_add_test(t, input_that_is_no_terminal_s_is_never_lost);
	tcase_add_test(t, a_shared_input_does_not_block);
	tcase_add_test(t, endless_colours_come_through);
	tcase_add_test(t, nothing_stays_behind_a_full_buffer);
	tcase_add_test(t, a_terminal_that_takes_nothing_does_not_block);
	tcase_add_test(t, bytes_that_a_log_does_not_take_are_counted);
	tcase_add_test(t, bytes_that_nothing_takes_are_counted_for_each);
	tcase_add_loop_test(t, a_stalled_reader_is_not_the_end, 0, PORT_PREFIX + 1);
	tcase_add_test(t, the_end_with_a_reader_that_stalled);
	tcase_add_test(t, unfinished_lines_do_not_mix);
	tcase_add_test(t, colours_stay_in_their_line);
	tcase_add_test(t, a_raw_console_says_where_its_line_stands);
	tcase_add_test(t, a_file_is_no_line_of_the_console);
	tcase_add_test(t, a_line_that_is_never_given_back);
	tcase_add_loop_test(t, a_write_cut_short_loses_no_prefix, 1, 6);
	suite_add_tcase(s, t);
	return s;
}
