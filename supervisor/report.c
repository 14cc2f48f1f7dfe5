/* SPDX-License-Identifier: BSD-3-Clause */
/* How it ended, in words, in JSON, and as an exit code. */
#include "supervisor/bsp.h"
#include "supervisor/run.h"

#include "lib/diag_json.h"
#include "lib/util.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdatomic.h>
#include <string.h>

/* ---- conclusions ---- */

bool child_is_fatal(const struct child *child)
{
	return child->has_result &&
	       (child->result.end == PARTITION_FATAL || child->result.end == PARTITION_CRASHED);
}

enum bh_exit child_exit_code(const struct child *child)
{
	if (child->failed && !child->run->released)
		return child->failed_host ? BH_EXIT_HOST : BH_EXIT_USAGE;
	if (child->failed)
		return BH_EXIT_DIED; /* it had run, and could not be started again */
	if (!child->has_result)
		return BH_EXIT_OK; /* never ran: somebody else's failure */
	if (child->parked)
		return BH_EXIT_DIED; /* a part of it did */
	switch (child->result.end) {
	case PARTITION_EXIT_CODE:
		return child->result.code ? BH_EXIT_GUEST_FAILED : BH_EXIT_OK;
	case PARTITION_PANIC:
		return BH_EXIT_GUEST_FAILED;
	case PARTITION_RESET:
		return child->plan->on_reset == PLAN_RESET_STOP ? BH_EXIT_OK : BH_EXIT_GUEST_FAILED;
	case PARTITION_FATAL:
	case PARTITION_CRASHED:
		return BH_EXIT_DIED;
	default: /* power-off; stopped, which is the run's matter */
		return BH_EXIT_OK;
	}
}

/* The gravest wins, in this order. */
static unsigned gravity(enum bh_exit code)
{
	static const enum bh_exit order[] = {BH_EXIT_OK, BH_EXIT_GUEST_FAILED, BH_EXIT_TIMEOUT,
		BH_EXIT_INTERRUPTED, BH_EXIT_DIED, BH_EXIT_SAFE_STATE, BH_EXIT_USAGE, BH_EXIT_HOST};
	unsigned i = 0;

	while (i + 1 < ARRAY_SIZE(order) && order[i] != code)
		i++;
	return i;
}

enum bh_exit run_exit_code(const struct run *run)
{
	static const enum bh_exit by_stop[] = {
		[STOP_NONE] = BH_EXIT_OK,
		[STOP_START_FAILED] = BH_EXIT_OK, /* the children say what */
		[STOP_TIMEOUT] = BH_EXIT_TIMEOUT,
		[STOP_INTERRUPTED] = BH_EXIT_INTERRUPTED,
		[STOP_SAFE_STATE] = BH_EXIT_SAFE_STATE,
		[STOP_COMMAND] = BH_EXIT_OK,
	};
	enum bh_exit worst = run->safe_state ? BH_EXIT_SAFE_STATE : by_stop[run->stop];

	if (gravity(run_bsp_exit_code(run)) > gravity(worst))
		worst = run_bsp_exit_code(run);

	for (unsigned i = 0; i < run->child_count; i++) {
		enum bh_exit code = child_exit_code(&run->children[i]);

		if (gravity(code) > gravity(worst))
			worst = code;
	}
	return worst;
}

static const char *const end_names[PARTITION_END_COUNT] = {
	[PARTITION_POWER_OFF] = "power-off",
	[PARTITION_RESET] = "reset",
	[PARTITION_EXIT_CODE] = "exit-code",
	[PARTITION_STOPPED] = "stopped",
	[PARTITION_PANIC] = "panic",
	[PARTITION_FATAL] = "fatal",
	[PARTITION_CRASHED] = "crashed",
};

static const char *end_name(const struct child *child)
{
	if (child->failed)
		return "not-created";
	return child->has_result ? end_names[child->result.end] : "not-started";
}

static const char *stopped_by(const struct child *child)
{
	static const char *const texts[] = {
		[STOP_NONE] = "stopped",
		[STOP_START_FAILED] = "not started",
		[STOP_TIMEOUT] = "stopped by the time limit",
		[STOP_INTERRUPTED] = "stopped by the user",
		[STOP_SAFE_STATE] = "stopped for the safe state",
		[STOP_COMMAND] = "stopped by command",
	};

	return texts[child->stopped_for];
}

/* What a process of QEMU exits with when its isa-debug-exit is given CODE. */
static unsigned qemu_exit_code(uint32_t code)
{
	return (code << 1 | 1) & 0xFF;
}

/* One partition's verdict: "ok, powered off (ACPI sleep register)". */
static void print_child(const struct child *child, FILE *f)
{
	const struct message_ended *r = &child->result;
	bool ok = child_exit_code(child) == BH_EXIT_OK;

	if (child->failed) {
		fprintf(f, "could not be created%s", child->restarts ? " again" : "");
		return;
	}
	if (!child->has_result) {
		fprintf(f, "not started");
		return;
	}
	switch (r->end) {
	case PARTITION_POWER_OFF:
		fprintf(f, "ok, powered off");
		break;
	case PARTITION_RESET:
		fprintf(f, "%s, reset by the guest (%s)", ok ? "ok" : "failed", r->how);
		break;
	case PARTITION_EXIT_CODE:
		fprintf(f, "%s, exit code %" PRIu32, ok ? "ok" : "failed", r->code);
		if (child->plan->machine.type == PLAN_MACHINE_TESTDEV)
			fprintf(f, " (QEMU would exit with %u)", qemu_exit_code(r->code));
		break;
	case PARTITION_PANIC:
		fprintf(f, "failed, %s", r->how);
		break;
	case PARTITION_STOPPED:
		fprintf(f, "%s%s", child->parked ? "died in part, " : "", stopped_by(child));
		break;
	default:
		fprintf(f, "died, %s", r->how);
	}
	if (child->restarts)
		fprintf(f, ", restarted %u time%s", child->restarts,
			child->restarts == 1 ? "" : "s");
	if (r->run_ns) {
		uint64_t centiseconds = (r->run_ns + 5000000) / 10000000;

		fprintf(f, " after %" PRIu64 ".%02" PRIu64 " s", centiseconds / 100,
			centiseconds % 100);
	}
}

static uint64_t sum_ports(const uint64_t bytes[PLAN_PORTS_MAX])
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < PLAN_PORTS_MAX; i++)
		sum += bytes[i];
	return sum;
}

static void report_losses(const struct child *child, FILE *f)
{
	uint64_t dropped = sum_ports(child->last.dropped), lost = sum_ports(child->last.log_lost);

	if (dropped)
		fprintf(f,
			"bulkhead: %s: %" PRIu64
			" bytes of console output were lost: the reader stalled "
			"or is gone, or its disk is full; --log-dir keeps a copy\n",
			child->plan->name, dropped);
	if (lost)
		fprintf(f,
			"bulkhead: %s: %" PRIu64
			" bytes are missing from the logs in --log-dir; see "
			"whether its disk is full\n",
			child->plan->name, lost);
	if (child->last.lines_lost)
		fprintf(f,
			"bulkhead: %s: %" PRIu64
			" lines that its guest logged were dropped: it logged faster than they "
			"can be shown\n",
			child->plan->name, child->last.lines_lost);
}

/* Of a guest that was never heard. */
static void report_hints(const struct child *child, FILE *f)
{
	json_t *hints, *hint;
	size_t i;

	if (!child->has_report || atomic_load(&child->shared->said))
		return;
	hints = inspection_hints(child->plan, child->last.unowned);
	json_array_foreach(hints, i, hint)
	{
		fprintf(f, "bulkhead: %s: no output: %s\n", child->plan->name,
			json_string_value(hint));
	}
	json_decref(hints);
}

void report_verdict(const struct run *run, enum bh_exit code, FILE *f)
{
	for (unsigned i = 0; i < run->child_count; i++) {
		report_losses(&run->children[i], f);
		report_hints(&run->children[i], f);
	}
	fprintf(f, "bulkhead: ");
	for (unsigned i = 0; i < run->child_count; i++) {
		fprintf(f, "%s: ", run->children[i].plan->name);
		print_child(&run->children[i], f);
		fprintf(f, "; ");
	}
	fprintf(f, "exit code %d\n", (int)code);
}

/* ---- counters ---- */

void report_stats(const struct run *run, FILE *f)
{
	for (unsigned i = 0; i < run->child_count; i++) {
		const struct child *child = &run->children[i];

		for (unsigned c = 0; c < child->counter_count; c++)
			fprintf(f, "bulkhead: %s: vCPU %" PRIu32 ": %12" PRIu64 " %s\n",
				child->plan->name, child->counters[c].vcpu,
				child->counters[c].count, child->counters[c].name);
	}
}

/* ---- JSON ---- */

static json_t *counters_json(const struct child *child)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < child->counter_count; i++) {
		const struct message_counter *c = &child->counters[i];

		json_array_append_new(
			list, json_pack("{s:i, s:s, s:I}", "vcpu", (int)c->vcpu, "name", c->name,
				      "count", (json_int_t)c->count));
	}
	return list;
}

/* TEXT's lines; NULL has none. */
static json_t *lines_json(const char *text)
{
	json_t *list = json_array();

	while (text && *text) {
		size_t n = strcspn(text, "\n");

		json_array_append_new(list, json_stringn(text, n));
		text += n + (text[n] == '\n');
	}
	return list;
}

static json_t *child_json(const struct child *child)
{
	const struct message_ended *r = &child->result;
	json_t *o = json_pack("{s:s, s:s, s:s, s:i}", "name", child->plan->name, "role",
		plan_role_name(child->plan->role), "end", end_name(child), "exit_code",
		child_exit_code(child));

	if (*child->machine)
		json_object_set_new(o, "machine", json_string(child->machine));
	json_object_set_new(o, "not_isolated", lines_json(child->gaps));
	json_object_set_new(o, "restarts", json_integer(child->restarts));
	json_object_set_new(o, "parked_vcpus", json_integer(child->parked));
	if (child->has_result) {
		json_object_set_new(o, "how",
			json_string(r->end == PARTITION_STOPPED ? stopped_by(child) : r->how));
		json_object_set_new(o, "guest_code",
			r->end == PARTITION_EXIT_CODE ? json_integer(r->code) : json_null());
		json_object_set_new(o, "qemu_exit_code",
			r->end == PARTITION_EXIT_CODE ? json_integer(qemu_exit_code(r->code))
						      : json_null());
		json_object_set_new(o, "run_ns", json_integer((json_int_t)r->run_ns));
		json_object_set_new(o, "console_dropped",
			json_integer((json_int_t)sum_ports(child->last.dropped)));
		json_object_set_new(
			o, "guest_log_dropped", json_integer((json_int_t)child->last.lines_lost));
		json_object_set_new(
			o, "beats", json_integer((json_int_t)atomic_load(&child->shared->beats)));
		json_object_set_new(o, "longest_beat_gap_ns",
			json_integer((json_int_t)atomic_load(&child->shared->longest_gap_ns)));
		json_object_set_new(o, "counters", counters_json(child));
	}
	json_object_set_new(
		o, "log_lost", json_integer((json_int_t)sum_ports(child->last.log_lost)));
	if (child->has_report) {
		json_object_set_new(o, "unowned", inspection_unowned_json(child->last.unowned));
		json_object_set_new(o, "hints", inspection_hints(child->plan, child->last.unowned));
	}
	if (child->report)
		json_object_set_new(o, "report", json_string(child->report));
	return o;
}

void report_json(const struct run *run, enum bh_exit code, const struct diags *diags, FILE *f)
{
	json_t *list = json_array(), *o;

	for (unsigned i = 0; i < run->child_count; i++)
		json_array_append_new(list, child_json(&run->children[i]));
	o = json_pack("{s:b, s:i, s:o, s:I, s:o, s:o, s:o}", "ok", code == BH_EXIT_OK, "exit_code",
		(int)code, "diagnostics", diags_json(diags), "released_ns",
		(json_int_t)run->released_ns, "partitions", list, "bsp", run_bsp_json(run),
		"safe_state", run_safe_state_json(run));
	json_object_set_new(o, "not_isolated", lines_json(run->gaps));
	json_dumpf(o, f, JSON_INDENT(2));
	fputc('\n', f);
	json_decref(o);
}
