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
 * its samples, if there are any, are read from OUT/tests/bench/rig.samples, and join the table.
 *
 * Exits to user space of QEMU cannot be counted from outside and are null. Missing a goal is
 * reported and is no failure.
 */
#include "lib/util.h"
#include "tests/bench/doorbell.h"
#include "tests/bench/process.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <string.h>

#define RAM_MIB "128"
#define RAM     (128 * MIB)

#define RUNS_MAX     201
#define RUNS_START   25
#define RUNS_PORT    41
#define RUNS_STEADY  3
#define RUNS_BELL    7
#define SETTLE_US    500000
#define PORT_EXITS   8000 /* of the guest, between its markers */
#define MARKER_EXITS 2    /* of the other guests: their marker and their end */
#define ARGS_MAX     32

enum { BULKHEAD, FLOOR, MICROVM, PC, SYSTEMS };

enum {
	START,
	START_UNLOCKED,
	START_STOP,
	PORT_EXIT,
	MEMORY,
	EXITS_IDLE,
	EXITS_COMPUTE,
	DOORBELL,
	RIG, /* from here on: the emulated machine's */
	BLK_READ_4K_1 = RIG,
	BLK_READ_4K_16,
	BLK_READ,
	BLK_WRITE,
	NET_SEND,
	NET_RECEIVE,
	NET_ROUND_TRIP,
	NET_SEND_VHOST,
	NET_RECEIVE_VHOST,
	NET_ROUND_TRIP_VHOST,
	FIGURES
};

struct goal {
	int peer; /* SYSTEMS: none, LIMIT is in the figure's unit */
	double limit;
	bool at_least; /* LIMIT is a lower one */
	const char *text;
};

#define AS_FAST_AS_QEMU                                                                            \
	{                                                                                          \
		{                                                                                  \
			PC, 1, true, "at least pc"                                                 \
		}                                                                                  \
	}
#define AS_SOON_AS_QEMU                                                                            \
	{                                                                                          \
		{                                                                                  \
			PC, 1, false, "at most pc"                                                 \
		}                                                                                  \
	}

static const struct figure {
	const char *key, *unit;
	int decimals;
	struct goal goals[3]; /* up to one without text */
} figures[FIGURES] = {
	[START] = {"start", "ms", 2,
		{{FLOOR, 1.5, false, "at most 1.5x floor"},
			{MICROVM, 1 / 3.0, false, "1/3 of microvm"}}},
	/* The same without what the others do not have either: the lock-down of the processes. */
	[START_UNLOCKED] = {"start_unlocked", "ms", 2, {{0}}},
	[START_STOP] = {"start_stop", "ms", 2, {{0}}},
	[PORT_EXIT] = {"port_exit", "us", 3, {{FLOOR, 1.02, false, "at most 1.02x floor"}}},
	[MEMORY] = {"memory", "KiB", 0, {{SYSTEMS, 4096, false, "at most 4096 KiB"}}},
	[EXITS_IDLE] = {"exits_idle", "1/s", 1, {{SYSTEMS, 0, false, "0"}}},
	[EXITS_COMPUTE] = {"exits_compute", "1/s", 1, {{SYSTEMS, 0, false, "0"}}},
	[DOORBELL] = {"doorbell", "us", 2, {{FLOOR, 1.1, false, "at most 1.1x floor"}}},
	[BLK_READ_4K_1] = {"blk_read_4k_1", "1/s", 0, AS_FAST_AS_QEMU},
	[BLK_READ_4K_16] = {"blk_read_4k_16", "1/s", 0, AS_FAST_AS_QEMU},
	[BLK_READ] = {"blk_read", "MiB/s", 1, AS_FAST_AS_QEMU},
	[BLK_WRITE] = {"blk_write", "MiB/s", 1, AS_FAST_AS_QEMU},
	[NET_SEND] = {"net_send", "MiB/s", 1, AS_FAST_AS_QEMU},
	[NET_RECEIVE] = {"net_receive", "MiB/s", 1, AS_FAST_AS_QEMU},
	[NET_ROUND_TRIP] = {"net_round_trip", "us", 0, AS_SOON_AS_QEMU},
	[NET_SEND_VHOST] = {"net_send_vhost", "MiB/s", 1, AS_FAST_AS_QEMU},
	[NET_RECEIVE_VHOST] = {"net_receive_vhost", "MiB/s", 1, AS_FAST_AS_QEMU},
	[NET_ROUND_TRIP_VHOST] = {"net_round_trip_vhost", "us", 0, AS_SOON_AS_QEMU},
};

/* Ways to run a system; of QEMU's, the quickest that works here is taken. */
struct variant {
	const char *text;
	const char *args[8];
};

static const struct system_class {
	const char *key, *title;
	bool is_qemu;
	int counting_console; /* the guest's console when exits are counted; -1: they cannot be */
	struct variant variants[3];
} classes[SYSTEMS] = {
	[BULKHEAD] = {"bulkhead", "bulkhead", false, STDERR_FILENO,
		{{"bulkhead boot", {"bulkhead", "boot", "--memory", RAM_MIB "M", "--cpus", "1"}}}},
	[FLOOR] = {"floor", "floor", false, STDOUT_FILENO,
		{{"tests/bench/floor.c", {"tests/bench/floor"}}}},
	[MICROVM] = {"qemu_microvm", "microvm", true, -1,
		{{"-M microvm", {"-M", "microvm"}},
			{"-M microvm -bios qboot.rom", {"-M", "microvm", "-bios", "qboot.rom"}}}},
	[PC] = {"qemu_pc", "pc", true, -1,
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
	double samples[FIGURES][SYSTEMS][RUNS_MAX];
	unsigned counts[FIGURES][SYSTEMS];
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

static void add_sample(struct bench *b, int figure, int system, double value)
{
	b->samples[figure][system][b->counts[figure][system]++] = value;
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
	add_sample(b, mode == UNLOCKED ? START_UNLOCKED : START, system,
		(double)(first - p.started_ns) / 1e6);
	if (mode != UNLOCKED)
		add_sample(b, START_STOP, system, (double)(end - p.started_ns) / 1e6);
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
	add_sample(b, PORT_EXIT, system, (double)(last - first) / 1e3 / PORT_EXITS);
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
		add_sample(b, MEMORY, system, (double)bytes / KIB);
	if (counting)
		add_sample(b, figure, system,
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
	add_sample(b, DOORBELL, system, us);
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

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* NAN without samples. */
static double median(struct bench *b, int figure, int system)
{
	unsigned n = b->counts[figure][system];
	double *v = b->samples[figure][system];

	qsort(v, n, sizeof(*v), compare);
	if (!n)
		return NAN;
	return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
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
		ms = median(b, START, system);
		if (works && ms < best_ms) {
			best = v;
			best_ms = ms;
		}
		b->counts[START][system] = b->counts[START_STOP][system] = 0;
		b->counts[START_UNLOCKED][system] = 0;
	}
	b->variant[system] = best;
}

/* ---- the emulated machine ---- */

static int find_figure(const char *key)
{
	for (int f = RIG; f < FIGURES; f++) {
		if (!strcmp(figures[f].key, key))
			return f;
	}
	return -1;
}

static int find_system(const char *key)
{
	for (int s = 0; s < SYSTEMS; s++) {
		if (!strcmp(classes[s].key, key))
			return s;
	}
	return -1;
}

/* False: there are none. */
static bool read_rig(struct bench *b)
{
	AUTO_FREE char *path = NULL;
	AUTO_FCLOSE FILE *f = NULL;
	char figure[32], system[32];
	bool any = false;
	double value;

	if (asprintf(&path, "%s/tests/bench/rig.samples", b->out) < 0)
		return false;
	f = fopen(path, "re");
	while (f && fscanf(f, "%31s %31s %lf", figure, system, &value) == 3) {
		int fi = find_figure(figure), si = find_system(system);

		if (fi < 0 || si < 0 || b->counts[fi][si] == RUNS_MAX)
			continue;
		add_sample(b, fi, si, value);
		any = true;
	}
	return any;
}

/* ---- the result ---- */

static void print_number(double value, int width, int decimals)
{
	if (isnan(value))
		printf(" %*s", width, "-");
	else
		printf(" %*.*f", width, decimals, value);
}

/* "1.5x floor: reached", for each goal of the figure. */
static void print_goals(const struct figure *f, const double medians[SYSTEMS])
{
	for (const struct goal *g = f->goals; g->text; g++) {
		double value = medians[BULKHEAD];

		if (g->peer != SYSTEMS)
			value /= medians[g->peer];
		printf("%s%s: %s", g == f->goals ? "  " : ", ", g->text,
			isnan(value)                                            ? "not measured"
			: (g->at_least ? value >= g->limit : value <= g->limit) ? "reached"
										: "missed");
	}
}

static double ratio(const double medians[SYSTEMS], int peer)
{
	return medians[peer] > 0 ? medians[BULKHEAD] / medians[peer] : NAN;
}

/* Figures FIRST up to END, and how they compare with those of PEERS, two of the systems. */
static void print_table(struct bench *b, int first, int end, const int peers[2])
{
	printf("\n%-20s %-5s", "figure", "unit");
	for (unsigned s = 0; s < SYSTEMS; s++)
		printf(" %10s", classes[s].title);
	printf("   /%-8s /%-8s to reach\n", classes[peers[0]].title, classes[peers[1]].title);
	for (int f = first; f < end; f++) {
		double medians[SYSTEMS];

		printf("%-20s %-5s", figures[f].key, figures[f].unit);
		for (int s = 0; s < SYSTEMS; s++) {
			/* The others are never locked down. */
			medians[s] = median(b, f == START_UNLOCKED && s != BULKHEAD ? START : f, s);
			print_number(medians[s], 10, figures[f].decimals);
		}
		print_number(ratio(medians, peers[0]), 9, 3);
		print_number(ratio(medians, peers[1]), 9, 3);
		print_goals(&figures[f], medians);
		putchar('\n');
	}
}

static void print_host(struct bench *b)
{
	print_table(b, 0, RIG, (int[2]){FLOOR, MICROVM});
	printf("\nMedians; " RAM_MIB " MiB, one vCPU.");
	for (int s = MICROVM; s < SYSTEMS; s++) {
		if (b->variant[s])
			printf(" %s: qemu-system-x86_64 %s -accel kvm.", classes[s].title,
				b->variant[s]->text);
		else
			printf(" %s: does not run here (%s).", classes[s].title, b->why[s]);
	}
	putchar('\n');
}

static void print_rig(struct bench *b)
{
	print_table(b, RIG, FIGURES, (int[2]){PC, MICROVM});
	printf("\nMedians of Debian's Linux, one vCPU, in the emulated machine (tests/bench/rig): to "
	       "compare, not to\ntake for what hardware does. pc: qemu-system-x86_64 -M pc -accel "
	       "kvm.\n");
}

static int write_json(struct bench *b)
{
	AUTO_FREE char *path = NULL;
	json_t *list = json_array();
	int ret;

	for (int f = 0; f < FIGURES; f++) {
		json_t *o = json_pack("{s:s, s:s, s:s}", "figure", figures[f].key, "unit",
			figures[f].unit, "measured_on", f < RIG ? "host" : "rig");

		for (int s = 0; s < SYSTEMS; s++) {
			double value = median(b, f, s);

			json_object_set_new(
				o, classes[s].key, isnan(value) ? json_null() : json_real(value));
		}
		json_array_append_new(list, o);
	}
	ret = asprintf(&path, "%s/bench.json", b->out) < 0
		      ? -1
		      : json_dump_file(list, path, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	json_decref(list);
	if (ret)
		fprintf(stderr, "bench: %s cannot be written\n", path ? path : "bench.json");
	return ret;
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
		print_host(b);
	}
	for (int s = BULKHEAD; s <= FLOOR; s++) {
		if (!b->variant[s])
			fprintf(stderr, "bench: %s failed: %s\n", classes[s].title, b->why[s]);
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
	if (read_rig(b))
		print_rig(b);
	return write_json(b) || !ok;
}
