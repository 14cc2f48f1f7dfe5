/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/bench/figures.h"

#include "lib/util.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

const char *const system_keys[SYSTEMS] = {
	[BULKHEAD] = "bulkhead", [FLOOR] = "floor", [MICROVM] = "qemu_microvm", [PC] = "qemu_pc"};
const char *const system_titles[SYSTEMS] = {
	[BULKHEAD] = "bulkhead", [FLOOR] = "floor", [MICROVM] = "microvm", [PC] = "pc"};

struct goal {
	int peer; /* SYSTEMS: none, LIMIT is in the figure's unit */
	double limit;
	bool at_least; /* LIMIT is a lower one */
	const char *text;
	bool scatters; /* LIMIT is 1, and the runs differ by more than the two do: "equal" is enough
			*/
};

#define AS_FAST_AS_QEMU                                                                            \
	{                                                                                          \
		{                                                                                  \
			PC, 1, true, "at least pc", true                                           \
		}                                                                                  \
	}
#define AS_SOON_AS_QEMU                                                                            \
	{                                                                                          \
		{                                                                                  \
			PC, 1, false, "at most pc", true                                           \
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
	[CASES] = {"cases", "1/s", 1, {{MICROVM, 3, true, "at least 3x microvm"}}},
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

void samples_add(struct samples *s, int figure, int system, double value)
{
	if (s->counts[figure][system] < RUNS_MAX)
		s->values[figure][system][s->counts[figure][system]++] = value;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double samples_median(struct samples *s, int figure, int system)
{
	unsigned n = s->counts[figure][system];
	double *v = s->values[figure][system];

	qsort(v, n, sizeof(*v), compare);
	if (!n)
		return NAN;
	return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

void samples_drop(struct samples *s, int system)
{
	for (int f = 0; f < FIGURES; f++)
		s->counts[f][system] = 0;
}

static int find_figure(const char *key)
{
	for (int f = 0; f < FIGURES; f++) {
		if (!strcmp(figures[f].key, key))
			return f;
	}
	return -1;
}

static int find_system(const char *key)
{
	for (int i = 0; i < SYSTEMS; i++) {
		if (!strcmp(system_keys[i], key))
			return i;
	}
	return -1;
}

bool samples_read(struct samples *s, const char *out, const char *name)
{
	AUTO_FREE char *path = NULL;
	AUTO_FCLOSE FILE *f = NULL;
	char figure[32], system[32];
	bool any = false;
	double value;

	if (asprintf(&path, "%s/tests/bench/%s.samples", out, name) < 0)
		return false;
	f = fopen(path, "re");
	while (f && fscanf(f, "%31s %31s %lf", figure, system, &value) == 3) {
		int fi = find_figure(figure), si = find_system(system);

		if (fi < 0 || si < 0)
			continue;
		samples_add(s, fi, si, value);
		any = true;
	}
	return any;
}

static void print_number(double value, int width, int decimals)
{
	if (isnan(value))
		printf(" %*s", width, "-");
	else
		printf(" %*.*f", width, decimals, value);
}

/*
 * Whether Bulkhead's values are lower than PEER's (or higher), by more than the one's runs differ
 * among themselves: a one-sided rank-sum test of Mann and Whitney, at 5%.
 */
static bool is_apart(const struct samples *s, int figure, int peer, bool lower)
{
	unsigned n = s->counts[figure][BULKHEAD], m = s->counts[figure][peer];
	double pairs = (double)n * m, apart = 0;

	for (unsigned i = 0; i < n; i++) {
		for (unsigned k = 0; k < m; k++) {
			double difference =
				s->values[figure][peer][k] - s->values[figure][BULKHEAD][i];

			apart += difference == 0 ? 0.5 : (difference > 0) == lower;
		}
	}
	return apart - pairs / 2 > 1.645 * sqrt(pairs * (n + m + 1) / 12);
}

static const char *judge(
	const struct samples *s, int figure, const struct goal *g, const double medians[SYSTEMS])
{
	double value = medians[BULKHEAD] / (g->peer == SYSTEMS ? 1 : medians[g->peer]);

	if (isnan(value))
		return "not measured";
	if (g->at_least ? value >= g->limit : value <= g->limit)
		return "reached";
	return g->scatters && !is_apart(s, figure, g->peer, g->at_least) ? "equal" : "missed";
}

/* "1.5x floor: reached", for each goal of the figure. */
static void print_goals(const struct samples *s, int figure, const double medians[SYSTEMS])
{
	const struct goal *goals = figures[figure].goals;

	for (const struct goal *g = goals; g->text; g++)
		printf("%s%s: %s", g == goals ? "  " : ", ", g->text, judge(s, figure, g, medians));
}

static double ratio(const double medians[SYSTEMS], int peer)
{
	return medians[peer] > 0 ? medians[BULKHEAD] / medians[peer] : NAN;
}

void samples_print(struct samples *s, int first, int end, const int peers[2])
{
	printf("\n%-20s %-5s", "figure", "unit");
	for (int i = 0; i < SYSTEMS; i++)
		printf(" %10s", system_titles[i]);
	printf("   /%-8s /%-8s to reach\n", system_titles[peers[0]], system_titles[peers[1]]);
	for (int f = first; f < end; f++) {
		double medians[SYSTEMS];

		printf("%-20s %-5s", figures[f].key, figures[f].unit);
		for (int i = 0; i < SYSTEMS; i++) {
			/* The others are never locked down. */
			medians[i] = samples_median(
				s, f == START_UNLOCKED && i != BULKHEAD ? START : f, i);
			print_number(medians[i], 10, figures[f].decimals);
		}
		print_number(ratio(medians, peers[0]), 9, 3);
		print_number(ratio(medians, peers[1]), 9, 3);
		print_goals(s, f, medians);
		putchar('\n');
	}
}

int samples_write(struct samples *s, const char *out)
{
	AUTO_FREE char *path = NULL;
	json_t *list = json_array();
	int ret;

	for (int f = 0; f < FIGURES; f++) {
		json_t *o = json_pack("{s:s, s:s, s:s}", "figure", figures[f].key, "unit",
			figures[f].unit, "measured_on", f < RIG ? "host" : "rig");

		for (int i = 0; i < SYSTEMS; i++) {
			double value = samples_median(s, f, i);

			json_object_set_new(
				o, system_keys[i], isnan(value) ? json_null() : json_real(value));
		}
		json_array_append_new(list, o);
	}
	ret = asprintf(&path, "%s/bench.json", out) < 0
		      ? -1
		      : json_dump_file(list, path, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	json_decref(list);
	if (ret)
		fprintf(stderr, "bench: %s cannot be written\n", path ? path : "bench.json");
	return ret;
}
