/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * make bench: Bulkhead beside a bare KVM_RUN loop (floor.c) and QEMU, with the same guests
 * (guest.S), interleaved run by run so that a noisy host is noisy for all.
 *
 * Doorbells between two guests are measured beside two VMs that have nothing else (doorbell.h).
 *
 *   bench OUT [RUNS]     OUT is the build folder, to get bench.json; RUNS of each start
 *
 * Figures of disk and network are not taken here but by tests/bench/rig, in an emulated machine:
 * its samples, if there are any, are read from OUT/tests/bench/rig.samples, and join the table. So
 * do the cases per second of tests/bench/cases.
 *
 * Exits to user space of QEMU cannot be counted from outside and are null. Missing a goal is
 * reported and is no failure.
 */
#include "lib/util.h"
#include "tests/bench/doorbell.h"
#include "tests/bench/figures.h"
#include "tests/bench/process.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <string.h>

#define RAM_MIB "128"
#define RAM     (128 * MIB)

#define RUNS_START   25
#define RUNS_PORT    41
#define RUNS_STEADY  3
#define RUNS_BELL    7
#define SETTLE_US    500000
#define PORT_EXITS   8000 /* of the guest, between its markers */
#define MARKER_EXITS 2    /* of the other guests: their marker and their end */
#define ARGS_MAX     32

/* Ways to run a system; of QEMU's, the quickest that works here is taken. */
struct variant {
	const char *text;
	const char *args[8];
};

static const struct system_class {
	bool is_qemu;
	int counting_console; /* the guest's console when exits are counted; -1: they cannot be */
	struct variant variants[3];
} classes[SYSTEMS] = {
	[BULKHEAD] = {false, STDERR_FILENO,
		{{"bulkhead boot", {"bulkhead", "boot", "--memory", RAM_MIB "M", "--cpus", "1"}}}},
	[FLOOR] = {false, STDOUT_FILENO, {{"tests/bench/floor.c", {"tests/bench/floor"}}}},
	[MICROVM] = {true, -1,
		{{"-M microvm", {"-M", "microvm"}},
			{"-M microvm -bios qboot.rom", {"-M", "microvm", "-bios", "qboot.rom"}}}},
	[PC] = {true, -1,
		{{"-M pc", {"-M", "pc"}},
			{"-M pc -bios qboot.rom", {"-M", "pc", "-bios", "qboot.rom"}}}},
};

static const char *const qemu_args[] = {"-accel", "kvm", "-m", RAM_MIB, "-smp", "1", "-nodefaults",
	"-no-user-config", "-display", "none", "-serial", "stdio", "-device",
	"isa-debug-exit,iobase=0xf4,iosize=4", "-no-reboot", "-kernel"};

struct bench {
	const char *out;
	const struct variant *variant[SYSTEMS]; /* NULL: does not run here */
	char why[SYSTEMS][256];                 /* the reason then */
	struct samples samples;
};

/* ---- running a system ---- */

/* How Bulkhead is run; the others know one way. */
enum mode { PLAIN, UNLOCKED, COUNTING };

struct command {
	char program[4096], image[4096];
	const char *args[ARGS_MAX];
	unsigned count;
};

static void command_add(struct command *c, const char *arg)
{
	c->args[c->count++] = arg;
}

static void command_init(
	struct command *c, const struct bench *b, int system, const char *guest, enum mode mode)
{
	const char *const *args = b->variant[system]->args;

	*c = (struct command){.count = 0};
	snprintf(c->image, sizeof(c->image), "%s/tests/bench/%s.elf", b->out, guest);
	if (classes[system].is_qemu) {
		command_add(c, "qemu-system-x86_64");
	} else {
		snprintf(c->program, sizeof(c->program), "%s/%s", b->out, *args++);
		command_add(c, c->program);
	}
	while (*args)
		command_add(c, *args++);
	for (unsigned i = 0; classes[system].is_qemu && i < ARRAY_SIZE(qemu_args); i++)
		command_add(c, qemu_args[i]);
	if (system == BULKHEAD && mode == UNLOCKED) {
		command_add(c, "--set");
		command_add(c, "lockdown=off");
	}
	if (system == BULKHEAD && mode == COUNTING) {
		command_add(c, "--stats");
		command_add(c, "--json");
	}
	command_add(c, c->image);
}

/* A run that did not do what it must: the system is left out from here on. Returns false. */
static bool leave_out(struct bench *b, int system, const char *guest, int error, char *report)
{
	report[strcspn(report, "\n")] = '\0';
	snprintf(b->why[system], sizeof(b->why[system]), "%s guest: %s%s%.160s", guest,
		strerror(-error), report[0] ? ": " : "", report);
	b->variant[system] = NULL;
	return false;
}

/* False, and left out, when it cannot even be executed. */
static bool system_start(
	struct bench *b, int system, const char *guest, enum mode mode, struct process *ret_process)
{
	char report[PROCESS_REPORT_MAX];
	struct command c;
	int ret;

	command_init(&c, b, system, guest, mode);
	ret = process_start((char *const *)c.args,
		mode == COUNTING ? classes[system].counting_console : STDOUT_FILENO, ret_process);
	if (!ret)
		return true;
	snprintf(report, sizeof(report), "%s", c.args[0]);
	return leave_out(b, system, guest, ret, report);
}

/* ---- what is measured; false when the system has been left out ---- */

static bool measure_start_as(struct bench *b, int system, enum mode mode)
{
	char report[PROCESS_REPORT_MAX] = "";
	struct process p;
	uint64_t first, end;
	int ret, err;

	if (!system_start(b, system, "start", mode, &p))
		return false;
	ret = process_wait_byte(&p, 'S', &first);
	err = process_finish(&p, ret != 0, &end, report);
	if (ret || err)
		return leave_out(b, system, "start", ret ? ret : err, report);
	samples_add(&b->samples, mode == UNLOCKED ? START_UNLOCKED : START, system,
		(double)(first - p.started_ns) / 1e6);
	if (mode != UNLOCKED)
		samples_add(&b->samples, START_STOP, system, (double)(end - p.started_ns) / 1e6);
	return true;
}

static bool measure_start(struct bench *b, int system)
{
	return measure_start_as(b, system, PLAIN) &&
	       (system != BULKHEAD || measure_start_as(b, system, UNLOCKED));
}

static bool measure_port(struct bench *b, int system)
{
	char report[PROCESS_REPORT_MAX] = "";
	uint64_t first, last, end;
	struct process p;
	int ret, err;

	if (!system_start(b, system, "port", PLAIN, &p))
		return false;
	ret = process_wait_byte(&p, 'S', &first);
	if (!ret)
		ret = process_wait_byte(&p, 'E', &last);
	err = process_finish(&p, ret != 0, &end, report);
	if (ret || err)
		return leave_out(b, system, "port", ret ? ret : err, report);
	samples_add(&b->samples, PORT_EXIT, system, (double)(last - first) / 1e3 / PORT_EXITS);
	return true;
}

/* Every return from KVM_RUN in Bulkhead's result; "unclaimed ..." are port exits counted again. */
static int parse_result(const char *text, uint64_t *ret_exits)
{
	json_t *result = json_loads(text, 0, NULL), *counter;
	uint64_t exits = 0;
	size_t i;

	json_array_foreach(json_object_get(json_array_get(json_object_get(result, "partitions"), 0),
				   "counters"),
		i, counter)
	{
		const char *name = json_string_value(json_object_get(counter, "name"));

		if (name && strncmp(name, "unclaimed", 9) != 0)
			exits += (uint64_t)json_integer_value(json_object_get(counter, "count"));
	}
	json_decref(result);
	if (exits < MARKER_EXITS)
		return -EPROTO;
	*ret_exits = exits;
	return 0;
}

static int parse_exits(int system, const char *report, uint64_t *ret_exits)
{
	if (system == BULKHEAD)
		return parse_result(report, ret_exits);
	*ret_exits = strtoull(report, NULL, 10);
	return *ret_exits < MARKER_EXITS ? -EPROTO : 0;
}

/* A guest that idles or computes for a while; and once it does, the memory this takes. */
static bool measure_steady(struct bench *b, int system, const char *guest, int figure, bool memory)
{
	bool counting = classes[system].counting_console >= 0;
	char report[PROCESS_REPORT_MAX] = "";
	uint64_t first = 0, end = 0, exits = 0, bytes = 0;
	struct process p;
	int ret, err;

	if (!system_start(b, system, guest, counting ? COUNTING : PLAIN, &p))
		return false;
	ret = process_wait_byte(&p, 'S', &first);
	if (!ret && memory) {
		usleep(SETTLE_US);
		ret = process_tree_pss(p.pid, RAM, &bytes);
	}
	err = process_finish(&p, ret || !counting, &end, report);
	if (!ret)
		ret = err;
	if (!ret && counting)
		ret = parse_exits(system, report, &exits);
	if (ret)
		return leave_out(b, system, guest, ret, report);
	if (memory)
		samples_add(&b->samples, MEMORY, system, (double)bytes / KIB);
	if (counting)
		samples_add(&b->samples, figure, system,
			(double)(exits - MARKER_EXITS) / ((double)(end - first) / 1e9));
	return true;
}

static bool measure_idle(struct bench *b, int system)
{
	return measure_steady(b, system, "idle", EXITS_IDLE, true);
}

static bool measure_compute(struct bench *b, int system)
{
	return classes[system].counting_console < 0 ||
	       measure_steady(b, system, "compute", EXITS_COMPUTE, false);
}

/* Between two guests, of which the others know nothing. */
static bool measure_doorbell(struct bench *b, int system)
{
	char report[PROCESS_REPORT_MAX] = "";
	double us;
	int ret;

	if (system != BULKHEAD && system != FLOOR)
		return true;
	ret = doorbell_measure(b->out, system == FLOOR, &us, report);
	if (ret == -ENODEV)
		return true;
	if (ret)
		return leave_out(b, system, "doorbell", ret, report);
	samples_add(&b->samples, DOORBELL, system, us);
	return true;
}

/* RUNS rounds of all systems, each round starting with another one. */
static void measure_all(struct bench *b, const char *what, unsigned runs,
	bool (*measure)(struct bench *b, int system))
{
	fprintf(stderr, "bench: %s, %u runs of each\n", what, runs);
	for (unsigned run = 0; run < runs; run++) {
		for (unsigned i = 0; i < SYSTEMS; i++) {
			int system = (int)((run + i) % SYSTEMS);

			if (b->variant[system])
				measure(b, system);
		}
	}
}

/* Finds the quickest variant of a system that runs here, by three starts of each. */
static void choose_variant(struct bench *b, int system)
{
	const struct variant *best = NULL;
	double best_ms = INFINITY;

	for (const struct variant *v = classes[system].variants; v->text; v++) {
		bool works = true;
		double ms;

		b->variant[system] = v;
		for (unsigned i = 0; works && i < 3; i++)
			works = measure_start(b, system);
		ms = samples_median(&b->samples, START, system);
		if (works && ms < best_ms) {
			best = v;
			best_ms = ms;
		}
		samples_drop(&b->samples, system);
	}
	b->variant[system] = best;
}

/* ---- the result ---- */

static void print_host(struct bench *b)
{
	samples_print(&b->samples, 0, RIG, (int[2]){FLOOR, MICROVM});
	printf("\nMedians; " RAM_MIB " MiB, one vCPU.");
	for (int s = MICROVM; s < SYSTEMS; s++) {
		if (b->variant[s])
			printf(" %s: qemu-system-x86_64 %s -accel kvm.", system_titles[s],
				b->variant[s]->text);
		else
			printf(" %s: does not run here (%s).", system_titles[s], b->why[s]);
	}
	putchar('\n');
}

static void print_rig(struct bench *b)
{
	samples_print(&b->samples, RIG, FIGURES, (int[2]){PC, MICROVM});
	printf("\nMedians of Debian's Linux, one vCPU, in the emulated machine (tests/bench/rig): to "
	       "compare, not to\ntake for what hardware does. pc: qemu-system-x86_64 -M pc -accel "
	       "kvm. equal: missed, but by\nless than the starts of either differ among themselves "
	       "(rank-sum test, 5%%).\n");
}

/* What is measured on this host. False when Bulkhead or the floor does not run here. */
static bool measure_host(struct bench *b, unsigned runs)
{
	fputs("bench: seeing what runs here\n", stderr);
	for (int s = 0; s < SYSTEMS; s++)
		choose_variant(b, s);
	if (b->variant[BULKHEAD] && b->variant[FLOOR]) {
		measure_all(b, "start", runs, measure_start);
		measure_all(b, "port exits", RUNS_PORT, measure_port);
		measure_all(b, "idle, and memory", RUNS_STEADY, measure_idle);
		measure_all(b, "computing", RUNS_STEADY, measure_compute);
		measure_all(b, "doorbells", RUNS_BELL, measure_doorbell);
		samples_read(&b->samples, b->out, "cases");
		print_host(b);
	}
	for (int s = BULKHEAD; s <= FLOOR; s++) {
		if (!b->variant[s])
			fprintf(stderr, "bench: %s failed: %s\n", system_titles[s], b->why[s]);
	}
	return b->variant[BULKHEAD] && b->variant[FLOOR];
}

int main(int argc, char **argv)
{
	static struct bench bench;
	struct bench *b = &bench;
	int runs = argc > 2 ? atoi(argv[2]) : RUNS_START, fd;
	bool ok = true;

	if (argc < 2 || runs < 1 || runs > RUNS_MAX) {
		fprintf(stderr, "usage: bench OUT [RUNS]; RUNS is 1 to %d\n", RUNS_MAX);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	b->out = argv[1];
	fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (fd >= 0) {
		close(fd);
		ok = measure_host(b, (unsigned)runs);
	} else {
		printf("SKIP bench on this host: /dev/kvm cannot be opened: %s\n", strerror(errno));
	}
	if (samples_read(&b->samples, b->out, "rig"))
		print_rig(b);
	return samples_write(&b->samples, b->out) || !ok;
}
