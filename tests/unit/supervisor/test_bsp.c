/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The supervisor's side of a BSP, with the real process and the BSPs of tests/bsp/, in a run that
 * has no partitions' processes.
 */
#include "lib/util.h"
#include "supervisor/bsp.h"
#include "supervisor/run.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define SECOND 1000000000ull

static struct run run;
static struct plan plan;
static struct plan_partition partitions[2];
static struct plan_bsp_file files[1];
static struct diags diags;
static unsigned cores[2]; /* the host's first two that we may use */
static unsigned core_count;
static char *said;
static size_t said_size;
static char dir[64], mode_path[PATH_MAX], object_path[PATH_MAX];
static struct loop_timer limit;
static int result; /* of run_bsp_init: -1 none yet */
static bool died;
static int alarmed; /* the core of an alarm that nobody had announced; -1: none */

static void out_of_time(struct loop_timer *t)
{
	(void)t;
	ck_abort_msg("the loop was never stopped");
}

static void setup(void)
{
	cpu_set_t set;

	memset(&run, 0, sizeof(run));
	memset(&plan, 0, sizeof(plan));
	memset(partitions, 0, sizeof(partitions));
	result = -1;
	died = false;
	alarmed = -1;
	sched_getaffinity(0, sizeof(set), &set);
	core_count = 0;
	for (unsigned i = 0; i < CPU_SETSIZE && core_count < 2; i++) {
		if (CPU_ISSET(i, &set))
			cores[core_count++] = i;
	}
	for (unsigned i = 0; i < core_count; i++)
		partitions[i] = (struct plan_partition){.name = i ? "linux" : "safety",
			.role = i ? PLAN_NON_SAFETY : PLAN_SAFETY,
			.cpus = {.vcpus = 1, .core_count = 1, .cores = &cores[i]}};
	plan.partition_count = core_count;
	plan.partitions = partitions;
	plan.bsp.deadline_ns = SECOND;
	plan.bsp.loc = (struct diag_loc){"plan.yaml", 3, 6};
	strcpy(dir, "/tmp/bulkhead-bsp.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(mode_path, sizeof(mode_path), "%s/mode", dir);
	files[0] = (struct plan_bsp_file){.path = mode_path, .access = PLAN_ACCESS_READ};
	run.plan = &plan;
	run.allowed = set;
	run.signals = LOOP_WATCH_INIT;
	run.err = open_memstream(&said, &said_size);
	diags_init(&diags);
	ck_assert_int_eq(loop_create_epoll(&run.loop), 0);
	ck_assert_int_eq(loop_timer_init(run.loop, &limit, out_of_time), 0);
	loop_timer_start(&limit, 20 * SECOND);
}

static void teardown(void)
{
	run_bsp_stop(&run);
	run_bsp_destroy(&run);
	loop_timer_fini(&limit);
	loop_destroy(run.loop);
	diags_fini(&diags);
	fclose(run.err);
	free(said);
	unlink(mode_path);
	rmdir(dir);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1); /* no process is left */
}

/* ---- doing ---- */

static void use_bsp(const char *name, const char *mode)
{
	char own[PATH_MAX - 64];
	ssize_t n = readlink("/proc/self/exe", own, sizeof(own) - 1);
	FILE *f = fopen(mode_path, "w");

	ck_assert_int_gt((int)n, 0);
	ck_assert_ptr_nonnull(f);
	own[n] = '\0';
	for (unsigned up = 0; up < 4; up++) /* OUT/tests/unit/supervisor/test_bsp */
		*strrchr(own, '/') = '\0';
	snprintf(object_path, sizeof(object_path), "%s/tests/bsp/%s.so", own, name);
	fputs(mode, f);
	fclose(f);
	plan.bsp.kind = PLAN_BSP_FILE;
	plan.bsp.path = object_path;
	plan.bsp.files = files;
	plan.bsp.file_count = 1;
}

static void on_alarmed(struct run *r, unsigned host_core)
{
	(void)r;
	alarmed = (int)host_core;
}

static void init_done(struct run *r, bool ok)
{
	result = ok;
	loop_stop(r->loop);
}

static void settled(struct run *r)
{
	if (!run_bsp_busy(r))
		loop_stop(r->loop);
}

static void on_died(struct run *r)
{
	died = true;
	loop_stop(r->loop);
}

/* Starts the BSP and has bsp_init called; what came of it. */
static bool init(void)
{
	ck_assert_int_eq(run_bsp_start(&run, &diags), 0);
	run_bsp_watch(&run, settled, on_died, on_alarmed);
	run_bsp_init(&run, init_done);
	if (result < 0)
		ck_assert_int_eq(loop_run(run.loop), 0);
	ck_assert_int_ge(result, 0);
	return result;
}

static void fails_with(enum bh_exit code, const char *text)
{
	ck_assert(!init());
	ck_assert_uint_eq(run_bsp_exit_code(&run), code);
	ck_assert_uint_eq(diags.count, 1);
	ck_assert_str_eq(diags.items[0].field, "bsp");
	ck_assert_uint_eq(diags.items[0].line, 3);
	ck_assert_msg(strstr(diags.items[0].text, text) != NULL, "\"%s\" lacks \"%s\"",
		diags.items[0].text, text);
}

static bool PRINTF_LIKE(1, 2) has_said(const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fflush(run.err);
	if (!strstr(said, text))
		fprintf(stderr, "not said: %s\nbut:\n%s", text, said);
	return strstr(said, text) != NULL;
}

/*
 * Calls bsp_fatal_error as a vCPU does, tells the supervisor as its partition does, and waits until
 * nothing of it is pending.
 */
static uint64_t raise_alarm(unsigned core)
{
	uint64_t now = monotonic_ns();
	int fd = run_bsp_alarm_fd(&run, cores[core]);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, &now, sizeof(now)), sizeof(now));
	run_bsp_fatal(&run, cores[core], now);
	ck_assert_int_eq(loop_run(run.loop), 0);
	return now;
}

/* ---- bsp_init ---- */

START_TEST(no_bsp_is_no_failure)
{
	ck_assert(init());
	ck_assert_ptr_null(run.bsp);
	ck_assert_int_eq(run_bsp_alarm_fd(&run, cores[0]), -1);
	run_bsp_fatal(&run, cores[0], 0);
	ck_assert(!run_bsp_busy(&run));
}
END_TEST

START_TEST(init_is_called_once_per_core_and_never_twice_at_a_time)
{
	use_bsp("hooks", "");
	ck_assert(init());
	ck_assert_uint_eq(run.bsp->core_count, core_count);
	for (unsigned i = 0; i < core_count; i++) {
		const struct bsp_core *c = &run.bsp->cores[i];

		ck_assert(has_said("init on core %u cpu %u of %s role %d", cores[i], cores[i],
			partitions[i].name, i == 0));
		ck_assert_uint_lt(c->init_start_ns, c->init_end_ns);
		if (i)
			ck_assert_uint_le(run.bsp->cores[i - 1].init_end_ns, c->init_start_ns);
	}
}
END_TEST

START_TEST(cores_that_are_shared_have_their_turn_once)
{
	unsigned first[1] = {cores[0]};

	partitions[0].role = PLAN_NON_SAFETY;
	partitions[0].cpus =
		(struct plan_cpus){.vcpus = 3, .shared = true, .core_count = 1, .cores = first};
	partitions[1] = (struct plan_partition){.name = "safety",
		.role = PLAN_SAFETY,
		.cpus = {.vcpus = 2, .shared = true}}; /* all that this process may use */
	plan.partition_count = 2;
	plan.bsp.kind = PLAN_BSP_BUILTIN;
	ck_assert(init());
	ck_assert_uint_eq(run.bsp->core_count, (unsigned)CPU_COUNT(&run.allowed));
	ck_assert_str_eq(run.bsp->cores[0].partition->name, "safety");
}
END_TEST

START_TEST(a_reason_names_the_core)
{
	char mode[32], text[128];

	snprintf(mode, sizeof(mode), "init fail %u\n", cores[core_count - 1]);
	snprintf(text, sizeof(text), "failed on core %u (partition %s): the platform is not ours;",
		cores[core_count - 1], partitions[core_count - 1].name);
	use_bsp("hooks", mode);
	fails_with(BH_EXIT_HOST, text);
}
END_TEST

START_TEST(an_errno_is_a_reason)
{
	use_bsp("hooks", "init errno\n");
	fails_with(BH_EXIT_HOST, "bsp_init returned -5 (Input/output error)");
}
END_TEST

START_TEST(a_crash_is_a_reason)
{
	use_bsp("hooks", "init crash\n");
	fails_with(BH_EXIT_HOST, "its process was killed by signal 11 (SEGV) in bsp_init");
}
END_TEST

START_TEST(an_exit_is_a_reason)
{
	use_bsp("hooks", "init exit\n");
	fails_with(BH_EXIT_HOST, "its process ended with status 7 in bsp_init");
}
END_TEST

START_TEST(a_halt_is_a_reason)
{
	use_bsp("hooks", "init halt\n");
	fails_with(BH_EXIT_HOST, "bsp_init called halt()");
}
END_TEST

START_TEST(an_abort_is_a_reason)
{
	use_bsp("hooks", "init abort\n");
	fails_with(BH_EXIT_HOST, "its process was killed by signal 6 (ABRT) in bsp_init");
}
END_TEST

START_TEST(it_opens_nothing_and_starts_nobody)
{
	use_bsp("hooks", _i ? "init fork\n" : "init open\n");
	fails_with(BH_EXIT_HOST, "(a system call that its lock-down forbids) in bsp_init");
}
END_TEST

START_TEST(one_that_hangs_is_given_up)
{
	plan.bsp.deadline_ns = SECOND / 10;
	use_bsp("hooks", "init hang\n");
	fails_with(BH_EXIT_HOST, "it has not ended within its deadline of 100 ms");
}
END_TEST

static const char *const lies[] = {"no-such-type", "ready-again", "failed-late", "done-short",
	"done-of-another", "log-of-another", "log-short", "left-of-another", "left-short",
	"crashed-long"};

START_TEST(one_that_breaks_the_protocol_is_killed)
{
	char mode[64];

	snprintf(mode, sizeof(mode), "lie %s\n", lies[_i]);
	use_bsp("hooks", mode);
	fails_with(BH_EXIT_HOST, "its process broke the protocol and was killed in bsp_init");
}
END_TEST

/* ---- what is no BSP ---- */

START_TEST(other_interfaces_are_refused)
{
	use_bsp("old-abi", "");
	fails_with(BH_EXIT_USAGE, "was built for BSP interface 42, this is 1; rebuild it");
}
END_TEST

START_TEST(other_structures_are_refused)
{
	use_bsp("short", "");
	fails_with(BH_EXIT_USAGE, "says 8 bytes and has 8, but interface 1 has");
}
END_TEST

START_TEST(a_missing_hook_is_named)
{
	use_bsp("no-fatal", "");
	fails_with(BH_EXIT_USAGE, "it has no fatal_error, which is mandatory");
}
END_TEST

START_TEST(what_exports_nothing_is_refused)
{
	use_bsp("nothing", "");
	fails_with(BH_EXIT_USAGE, "exports no bulkhead_bsp, nor ACRN's bsp_init");
}
END_TEST

START_TEST(a_symbol_that_nobody_has_is_named)
{
	use_bsp("unresolved", "");
	fails_with(BH_EXIT_USAGE, "undefined symbol: vmx_off");
}
END_TEST

START_TEST(a_text_file_is_no_shared_object)
{
	use_bsp("hooks", "this is no ELF file, but long enough to have had the header of one\n");
	plan.bsp.path = mode_path;
	fails_with(BH_EXIT_USAGE, "it cannot be loaded: ");
}
END_TEST

START_TEST(files_that_are_not_there_are_named)
{
	use_bsp("hooks", "");
	files[0].path = "/no/such/file";
	plan.bsp.path = "/no/such/board.so";
	ck_assert_int_eq(run_bsp_start(&run, &diags), -EINVAL);
	ck_assert_uint_eq(diags.count, 2);
	ck_assert_ptr_nonnull(strstr(diags.items[0].text, "/no/such/board.so cannot be opened"));
	ck_assert_ptr_nonnull(strstr(diags.items[1].text, "/no/such/file cannot be opened"));
	ck_assert_uint_eq(run_bsp_exit_code(&run), BH_EXIT_USAGE);
}
END_TEST

/* ---- bsp_fatal_error ---- */

START_TEST(fatal_error_runs_on_the_core_that_met_it)
{
	unsigned last = core_count - 1;
	struct bsp_shared_core *s;
	uint64_t event;

	use_bsp("hooks", "");
	ck_assert(init());
	event = raise_alarm(last);
	s = &run.bsp->shared[last];
	ck_assert(has_said("fatal error on core %u cpu %u of %s", cores[last], cores[last],
		partitions[last].name));
	ck_assert(has_said("core %u: bsp_fatal_error was entered ", cores[last]));
	ck_assert(has_said("and halted the core "));
	ck_assert_uint_eq(atomic_load(&s->state), BSP_CORE_HALTED);
	ck_assert_uint_ge(atomic_load(&s->event_ns), event);
	ck_assert_uint_le(atomic_load(&s->event_ns), event + BSP_ALARM);
	ck_assert_uint_ge(atomic_load(&s->entered_ns), event);
	ck_assert_uint_ge(atomic_load(&s->ended_ns), atomic_load(&s->entered_ns));
	if (last)
		ck_assert_uint_eq(atomic_load(&run.bsp->shared[0].state), BSP_CORE_READY);
	/* Once: what the supervisor knows afterwards, or the vCPU says again, changes nothing. */
	run_bsp_fatal(&run, cores[last], event);
	ck_assert(!run_bsp_busy(&run));
}
END_TEST

START_TEST(an_alarm_that_nobody_announces_is_noticed)
{
	uint64_t now = monotonic_ns();

	plan.bsp.kind = PLAN_BSP_BUILTIN;
	ck_assert(init());
	ck_assert_int_eq(write(run_bsp_alarm_fd(&run, cores[0]), &now, sizeof(now)), sizeof(now));
	ck_assert_int_eq(loop_run(run.loop), 0);
	ck_assert(has_said("core %u: bsp_fatal_error was entered ", cores[0]));
	ck_assert_int_eq(alarmed, (int)cores[0]);
}
END_TEST

START_TEST(the_supervisor_can_call_it_too_on_several_cores)
{
	uint64_t event = monotonic_ns();

	plan.bsp.kind = PLAN_BSP_BUILTIN;
	ck_assert(init());
	for (unsigned i = 0; i < core_count; i++)
		run_bsp_fatal(&run, cores[i], event);
	ck_assert(run_bsp_busy(&run));
	ck_assert_int_eq(loop_run(run.loop), 0);
	for (unsigned i = 0; i < core_count; i++) {
		ck_assert(has_said("core %u: fatal error of %s; the core is halted", cores[i],
			partitions[i].name));
		ck_assert_uint_eq(atomic_load(&run.bsp->shared[i].event_ns), event);
	}
}
END_TEST

START_TEST(one_that_returns_is_reported)
{
	use_bsp("hooks", "fatal return\n");
	ck_assert(init());
	raise_alarm(0);
	ck_assert(has_said("after the event and returned "));
	ck_assert_uint_eq(atomic_load(&run.bsp->shared[0].state), BSP_CORE_RETURNED);
}
END_TEST

START_TEST(one_that_overstays_is_reported)
{
	uint64_t event;

	plan.bsp.deadline_ns = SECOND / 10;
	use_bsp("hooks", "fatal hang\n");
	ck_assert(init());
	event = raise_alarm(0);
	ck_assert_uint_ge(monotonic_ns() - event, SECOND / 10);
	ck_assert(has_said("has not ended within its deadline of 100 ms"));
}
END_TEST

/* Nobody's fault but the host's: the thread has no time to run. */
START_TEST(one_that_is_never_entered_is_reported)
{
	siginfo_t info;

	plan.bsp.deadline_ns = SECOND / 10;
	use_bsp("hooks", "");
	ck_assert(init());
	kill(run.bsp->pid, SIGSTOP);
	ck_assert_int_eq(waitid(P_PID, (id_t)run.bsp->pid, &info, WSTOPPED), 0);
	run_bsp_fatal(&run, cores[0], monotonic_ns());
	ck_assert_int_eq(loop_run(run.loop), 0);
	ck_assert(has_said("core %u: bsp_fatal_error was not entered within its deadline of 100 ms",
		cores[0]));
}
END_TEST

/* A partition shares its core's eventfd: it may take the alarm away, but not once it is dead. */
START_TEST(an_alarm_that_is_stolen_is_raised_again)
{
	uint64_t first = monotonic_ns(), taken;
	siginfo_t info;

	use_bsp("hooks", "");
	ck_assert(init());
	kill(run.bsp->pid, SIGSTOP);
	ck_assert_int_eq(waitid(P_PID, (id_t)run.bsp->pid, &info, WSTOPPED), 0);
	run_bsp_fatal(&run, cores[0], first);
	ck_assert_int_eq(
		read(run_bsp_alarm_fd(&run, cores[0]), &taken, sizeof(taken)), sizeof(taken));
	kill(run.bsp->pid, SIGCONT);
	run_bsp_fatal(&run, cores[0], monotonic_ns());
	ck_assert_int_eq(loop_run(run.loop), 0);
	ck_assert(has_said("core %u: bsp_fatal_error was entered ", cores[0]));
	/* The event is the first all the same. */
	ck_assert_uint_eq(atomic_load(&run.bsp->shared[0].event_ns), first);
}
END_TEST

/* Those who share the eventfd can fill it, and have writes to it wait. */
START_TEST(an_alarm_that_is_full_holds_up_nobody)
{
	uint64_t full = UINT64_MAX - 1;
	siginfo_t info;
	int fd;

	plan.bsp.deadline_ns = SECOND / 10;
	use_bsp("hooks", "");
	ck_assert(init());
	kill(run.bsp->pid, SIGSTOP);
	ck_assert_int_eq(waitid(P_PID, (id_t)run.bsp->pid, &info, WSTOPPED), 0);
	fd = run_bsp_alarm_fd(&run, cores[0]);
	ck_assert_int_eq(write(fd, &full, sizeof(full)), sizeof(full));
	ck_assert_int_eq(fcntl(fd, F_SETFL, 0), 0);
	run_bsp_fatal(&run, cores[0], monotonic_ns());
	ck_assert_int_eq(loop_run(run.loop), 0);
	ck_assert(has_said("core %u: bsp_fatal_error was not entered", cores[0]));
}
END_TEST

START_TEST(one_that_crashes_is_reported)
{
	use_bsp("hooks", "fatal crash\n");
	ck_assert(init());
	raise_alarm(0);
	ck_assert(has_said("its process was killed by signal 11 (SEGV) in bsp_fatal_error"));
	/* The fatal error that it was called for is the event. */
	ck_assert(!died);
}
END_TEST

START_TEST(a_bsp_that_dies_while_it_is_needed_is_an_event)
{
	use_bsp("hooks", "state crash\n");
	ck_assert(init());
	run_bsp_state(&run, "linux", BSP_PARTITION_RUNNING);
	ck_assert_int_eq(loop_run(run.loop), 0);
	ck_assert(died);
	ck_assert(has_said("its process was killed by signal 11 (SEGV); without a BSP"));
	ck_assert_uint_eq(run_bsp_exit_code(&run), BH_EXIT_OK);
}
END_TEST

/* ---- the rest of its life ---- */

START_TEST(states_and_the_end_are_told)
{
	use_bsp("hooks", "");
	ck_assert(init());
	run_bsp_state(&run, "linux", BSP_PARTITION_FAILED);
	run_bsp_stop(&run);
	ck_assert(has_said("bsp: partition linux is in state %d", BSP_PARTITION_FAILED));
	ck_assert(has_said("bsp: shutdown"));
	ck_assert_int_eq(run.bsp->pid, 0);
}
END_TEST

START_TEST(no_shutdown_after_a_fatal_error)
{
	use_bsp("hooks", "");
	ck_assert(init());
	raise_alarm(0);
	run_bsp_stop(&run);
	fflush(run.err);
	ck_assert_ptr_null(strstr(said, "bsp: shutdown"));
}
END_TEST

START_TEST(a_shutdown_that_hangs_is_ended)
{
	uint64_t start;

	plan.bsp.deadline_ns = SECOND / 10;
	use_bsp("hooks", "shutdown hang\n");
	ck_assert(init());
	start = monotonic_ns();
	run_bsp_stop(&run);
	ck_assert_uint_lt(monotonic_ns() - start, 5 * SECOND);
}
END_TEST

/* ---- ACRN's form ---- */

START_TEST(panic_in_an_acrn_init_is_a_reason)
{
	char text[64];

	if (core_count < 2)
		return;
	snprintf(text, sizeof(text), "panic: core %u is one too many", cores[1]);
	use_bsp("acrn-panic", "");
	fails_with(BH_EXIT_HOST, text);
}
END_TEST

#ifdef __x86_64__
#define ARCH_BSPS       "x86/"
#define ARCH_BYTES      "(bytes 0f 32 "
#define ARCH_PRIVILEGED "signal 11 (SEGV)"
#else
#define ARCH_BSPS       "arm64/"
#define ARCH_BYTES      "(bytes 00 10 38 d5)"
#define ARCH_PRIVILEGED "signal 4 (ILL)"
#endif

START_TEST(an_acrn_bsp_halts_by_an_instruction)
{
	use_bsp(ARCH_BSPS "acrn-halt", "");
	ck_assert(init());
	raise_alarm(0);
	ck_assert(has_said("core %u: halting", cores[0]));
	ck_assert(has_said("and halted the core "));
}
END_TEST

START_TEST(an_instruction_for_kernels_is_named)
{
	use_bsp(ARCH_BSPS "acrn-register", "");
	fails_with(BH_EXIT_HOST, "its process was killed by " ARCH_PRIVILEGED " in bsp_init");
	ck_assert(has_said("only a kernel may execute, at offset 0x"));
	ck_assert(has_said(ARCH_BYTES));
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("supervisor/bsp");
	TCase *t = tcase_create("bsp");

	tcase_set_timeout(t, 30);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, no_bsp_is_no_failure);
	tcase_add_test(t, init_is_called_once_per_core_and_never_twice_at_a_time);
	tcase_add_test(t, cores_that_are_shared_have_their_turn_once);
	tcase_add_test(t, a_reason_names_the_core);
	tcase_add_test(t, an_errno_is_a_reason);
	tcase_add_test(t, a_crash_is_a_reason);
	tcase_add_test(t, an_exit_is_a_reason);
	tcase_add_test(t, a_halt_is_a_reason);
	tcase_add_test(t, an_abort_is_a_reason);
	tcase_add_loop_test(t, it_opens_nothing_and_starts_nobody, 0, 2);
	tcase_add_test(t, one_that_hangs_is_given_up);
	tcase_add_loop_test(t, one_that_breaks_the_protocol_is_killed, 0, ARRAY_SIZE(lies));
	tcase_add_test(t, other_interfaces_are_refused);
	tcase_add_test(t, other_structures_are_refused);
	tcase_add_test(t, a_missing_hook_is_named);
	tcase_add_test(t, what_exports_nothing_is_refused);
	tcase_add_test(t, a_symbol_that_nobody_has_is_named);
	tcase_add_test(t, a_text_file_is_no_shared_object);
	tcase_add_test(t, files_that_are_not_there_are_named);
	tcase_add_test(t, fatal_error_runs_on_the_core_that_met_it);
	tcase_add_test(t, an_alarm_that_nobody_announces_is_noticed);
	tcase_add_test(t, the_supervisor_can_call_it_too_on_several_cores);
	tcase_add_test(t, one_that_returns_is_reported);
	tcase_add_test(t, one_that_overstays_is_reported);
	tcase_add_test(t, one_that_is_never_entered_is_reported);
	tcase_add_test(t, an_alarm_that_is_stolen_is_raised_again);
	tcase_add_test(t, an_alarm_that_is_full_holds_up_nobody);
	tcase_add_test(t, one_that_crashes_is_reported);
	tcase_add_test(t, a_bsp_that_dies_while_it_is_needed_is_an_event);
	tcase_add_test(t, states_and_the_end_are_told);
	tcase_add_test(t, no_shutdown_after_a_fatal_error);
	tcase_add_test(t, a_shutdown_that_hangs_is_ended);
	tcase_add_test(t, panic_in_an_acrn_init_is_a_reason);
	tcase_add_test(t, an_acrn_bsp_halts_by_an_instruction);
	tcase_add_test(t, an_instruction_for_kernels_is_named);
	suite_add_tcase(s, t);
	return s;
}
