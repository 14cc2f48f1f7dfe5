/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What partition processes say. They handle guest input, so nothing here is trusted: each message
 * is held against the state its sender is in, and text is made safe to print.
 */
#include "supervisor/run.h"

#include "lib/ipc.h"
#include "lib/text.h"
#include "lib/util.h"
#include "supervisor/lockdown.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>

/* A copy of N bytes from a partition process as text that is safe to print. */
static char *sanitise(const uint8_t *bytes, size_t n)
{
	char *text = malloc(n + 1);

	if (!text)
		return NULL;
	for (size_t i = 0; i < n; i++)
		text[i] = isprint(bytes[i]) || bytes[i] == '\n' ? (char)bytes[i] : '?';
	text[n] = '\0';
	return text;
}

/* So many lines of a guest's are told in a second; a partition process sends fewer. */
#define LOG_LINES_PER_S 200
#define NS_PER_S        1000000000

/* A line of its guest's more; false: it is one too many. */
static bool log_counts(struct child *child)
{
	uint64_t now = monotonic_ns();

	if (now - child->log_since_ns >= NS_PER_S) {
		child->log_since_ns = now;
		child->log_lines = 0;
	}
	return child->log_lines++ < LOG_LINES_PER_S;
}

static bool on_log(struct child *child, const struct ipc_message *m)
{
	struct message_log log;
	char text[MESSAGE_LOG_MAX + 1];
	size_t size = m->size - sizeof(log);

	if (m->size < sizeof(log) || size > MESSAGE_LOG_MAX || child->has_report ||
		(!child_state_active(child->state) && child->state != CHILD_ENDED))
		return false;
	memcpy(&log, m->payload, sizeof(log));
	child->log_dropped += log.dropped;
	if (!log_counts(child)) {
		child->log_dropped++;
		return true;
	}
	if (child->log_dropped)
		run_say(child->run,
			"%s: %" PRIu64 " lines that its guest logged were dropped: it logs faster "
			"than they can be shown",
			child->plan->name, child->log_dropped);
	child->log_dropped = 0;
	if (!size)
		return true;
	text_sanitise_line(m->payload + sizeof(log), size, text);
	run_event(child->run, child, "log", "%s", text);
	run_say(child->run, "%s: guest says: %s", child->plan->name, text);
	return true;
}

/* Of one partition: each device has a handful of causes, and says each once. */
#define NOTICES_MAX 128

static bool on_notice(struct child *child, const struct ipc_message *m)
{
	char text[MESSAGE_LOG_MAX + 1];

	if (m->size > MESSAGE_LOG_MAX || child->has_report)
		return false;
	if (child->notices++ >= NOTICES_MAX)
		return true;
	text_sanitise_line(m->payload, m->size, text);
	run_event(child->run, child, "device", "%s", text);
	run_say(child->run, "%s: %s", child->plan->name, text);
	return true;
}

static void sanitise_field(char *field, size_t size)
{
	field[size - 1] = '\0';
	for (char *c = field; *c; c++) {
		if (!isprint((unsigned char)*c))
			*c = '?';
	}
}

static bool on_failed(struct child *child, const struct ipc_message *m)
{
	struct message_failed failed;

	if (m->size < sizeof(failed) || child->state != CHILD_STARTING)
		return false;
	memcpy(&failed, m->payload, sizeof(failed));
	child->failed_host = failed.host;
	child->report = sanitise(m->payload + sizeof(failed), m->size - sizeof(failed));
	child_not_created(child);
	return true;
}

static bool on_stats(struct child *child, const struct ipc_message *m)
{
	unsigned n = (unsigned)(m->size / sizeof(struct message_counter));
	struct message_counter *list;

	if (!n || (child->state != CHILD_ENDED && !child->stats_done) || m->size % sizeof(*list) ||
		child->counter_count + n > CHILD_COUNTERS_MAX)
		return false;
	list = reallocarray(child->counters, child->counter_count + n, sizeof(*list));
	if (!list)
		return false;
	child->counters = list;
	memcpy(list + child->counter_count, m->payload, n * sizeof(*list));
	for (unsigned i = 0; i < n; i++, child->counter_count++)
		sanitise_field(list[child->counter_count].name, sizeof(list->name));
	return true;
}

static bool on_ended(struct child *child, const struct ipc_message *m)
{
	struct message_ended ended;

	if (m->size != sizeof(ended) || !child_state_active(child->state))
		return false;
	memcpy(&ended, m->payload, sizeof(ended));
	if (ended.end >= PARTITION_CRASHED || ended.cause >= BULKHEAD_END_CRASHED)
		return false;
	sanitise_field(ended.how, sizeof(ended.how));
	/* Times that have not been yet would make the reaction look better than it was. */
	ended.event_ns = min_u64(ended.event_ns, monotonic_ns());
	ended.stopped_ns = min_u64(ended.stopped_ns, monotonic_ns());
	child->counter_count = 0; /* the final ones follow */
	child->result = ended;
	child->has_result = true;
	if (ended.end == PARTITION_PANIC)
		run_event(child->run, child, "panic", "%s", ended.how);
	child_concluded(child);
	return true;
}

static bool on_report(struct child *child, const struct ipc_message *m)
{
	if (m->size < sizeof(child->last) || child->state != CHILD_ENDED || child->has_report)
		return false;
	memcpy(&child->last, m->payload, sizeof(child->last));
	if (!inspection_check_unowned(child->last.unowned))
		return false;
	child->has_report = true;
	if (m->size > sizeof(child->last))
		child->report =
			sanitise(m->payload + sizeof(child->last), m->size - sizeof(child->last));
	if (child->report)
		child_say_report(child);
	if (child->has_result && child->result.end == PARTITION_FATAL)
		run_say(child->run, "%s: %s; %s", child->plan->name, child->result.how,
			child_fatal_consequence(child));
	return true;
}

static bool parks(const struct child *child)
{
	return child->plan->on_fatal == PLAN_FATAL_PARK_VCPU ||
	       child->plan->on_fatal == PLAN_FATAL_SPIN;
}

static bool on_parked(struct child *child, const struct ipc_message *m)
{
	struct message_parked parked;
	AUTO_FREE char *report = NULL;

	if (m->size < sizeof(parked) || !child_state_active(child->state) || !parks(child) ||
		child->parked >= child->plan->cpus.vcpus)
		return false;
	memcpy(&parked, m->payload, sizeof(parked));
	sanitise_field(parked.how, sizeof(parked.how));
	report = sanitise(m->payload + sizeof(parked), m->size - sizeof(parked));
	child_vcpu_parked(child, &parked, report ? report : "");
	return true;
}

static bool on_machine(struct child *child, const struct ipc_message *m)
{
	AUTO_FREE char *text = sanitise(m->payload, m->size);

	if (child->state != CHILD_STARTING)
		return false;
	snprintf(child->machine, sizeof(child->machine), "%s", text ? text : "");
	run_event(child->run, child, "machine", "%s", child->machine);
	return true;
}

/* One message of the child. False when it is not one that it may send now. */
static bool on_message(struct child *child, const struct ipc_message *m)
{
	switch (m->type) {
	case MSG_READY:
		if (child->state != CHILD_STARTING)
			return false;
		child_say_gaps(child, m);
		child_set_state(child, CHILD_READY);
		if (child->start_sent) /* its end may be what it says next */
			run_check_ready(child->run);
		return true;
	case MSG_MACHINE:
		return on_machine(child, m);
	case MSG_FAILED:
		return on_failed(child, m);
	case MSG_STATS:
		return on_stats(child, m);
	case MSG_ENDED:
		return on_ended(child, m);
	case MSG_REPORT:
		return on_report(child, m);
	case MSG_PAUSED:
		return child_on_paused(child);
	case MSG_RESUMED:
		return child_on_resumed(child);
	case MSG_STATS_END:
		return child_on_stats_end(child);
	case MSG_PARKED:
		return on_parked(child, m);
	case MSG_LOG:
		return on_log(child, m);
	case MSG_VCPU:
		return child_on_vcpu(child, m->payload, m->size);
	case MSG_INSPECTED:
		return child_on_inspected(child, m->payload, m->size);
	case MSG_NOTICE:
		return on_notice(child, m);
	case MSG_CORE_DONE:
		return child_on_core_done(child, m);
	case MSG_QUIT:
		/* Only a user at its console can have asked for it. */
		if (!child->run->has_terminal || child->run->console_child != (int)child->index)
			return false;
		run_stop(child->run, STOP_INTERRUPTED);
		return true;
	default:
		return false;
	}
}

void child_receive(struct child *child, unsigned limit)
{
	static struct ipc_message m; /* single-threaded, and large */
	int ret = 0;

	while (limit-- && (ret = ipc_receive(child->control.fd, &m)) == 0) {
		if (!on_message(child, &m)) {
			ret = -EPROTO;
			break;
		}
	}
	if (ret && ret != -EAGAIN)
		loop_unwatch(child->run->loop, &child->control);
	if (ret == -EPROTO && child->pid > 0) {
		child->broke_protocol = true;
		kill(child->pid, SIGKILL);
	}
}
