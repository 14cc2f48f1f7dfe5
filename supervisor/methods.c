/* SPDX-License-Identifier: BSD-3-Clause */
/* The methods of the control protocol (docs/control-protocol.md), on the run. */
#include "supervisor/methods.h"

#include "lib/ipc.h"
#include "partition/partition.h"
#include "supervisor/control.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

/* A partition's process answers between two writes to a console; one that is stopped does not. */
#define STATS_PATIENCE_NS 2000000000

/* ---- parameters ---- */

static bool params_wrong(struct rpc_call *call, const json_error_t *error)
{
	rpc_fail(call, RPC_ERROR_PARAMS, "params: %s", error->text);
	return false;
}

/* The partition named PARTITION; NULL, and the call is answered, when there is none. */
static struct child *find_child(struct rpc_call *call, const char *partition)
{
	struct control *c = call->ctx;

	for (unsigned i = 0; partition && i < c->run->child_count; i++) {
		if (strcmp(c->run->children[i].plan->name, partition) == 0)
			return &c->run->children[i];
	}
	if (partition)
		rpc_fail(call, RPC_ERROR_PARTITION, "%s has no partition \"%.64s\"", c->name,
			partition);
	else
		rpc_fail(call, RPC_ERROR_PARAMS, "params: \"partition\" is missing");
	return NULL;
}

/* {"partition": NAME}, or nothing: *RET_PARTITION is NULL then. */
static bool take_partition(struct rpc_call *call, const char **ret_partition)
{
	json_error_t error;

	*ret_partition = NULL;
	if (!call->params)
		return true;
	return json_unpack_ex(call->params, &error, 0, "{s?s!}", "partition", ret_partition) == 0 ||
	       params_wrong(call, &error);
}

/* ---- status ---- */

static json_t *cores_json(const struct plan_cpus *cpus)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < cpus->core_count; i++)
		json_array_append_new(list, json_integer(cpus->cores[i]));
	return list;
}

static json_t *child_json(const struct child *child)
{
	const struct plan_partition *p = child->plan;
	json_t *o = json_pack("{s:s, s:s, s:s, s:I, s:I, s:b, s:o, s:I, s:I, s:I}", "name", p->name,
		"role", plan_role_name(p->role), "state", child_state_name(child), "pid",
		(json_int_t)child->pid, "vcpus", (json_int_t)p->cpus.vcpus, "shared_cores",
		p->cpus.shared, "cores", cores_json(&p->cpus), "memory", (json_int_t)p->memory,
		"restarts", (json_int_t)child->restarts, "beats",
		(json_int_t)atomic_load(&child->shared->beats));

	json_object_set_new(o, "restarting",
		json_boolean(child->restart_wanted || loop_timer_running(&child->restart_timer)));
	if (*child->machine)
		json_object_set_new(o, "machine", json_string(child->machine));
	if (child->has_result) {
		json_object_set_new(o, "how", rpc_text(child->result.how));
		json_object_set_new(o, "exit_code", json_integer(child_exit_code(child)));
	}
	return o;
}

static void call_status(struct rpc_call *call)
{
	const struct control *c = call->ctx;
	const struct run *run = c->run;
	uint64_t since = c->operational_ns;
	json_t *list = json_array();

	for (unsigned i = 0; i < run->child_count; i++)
		json_array_append_new(list, child_json(&run->children[i]));
	rpc_reply(call, json_pack("{s:i, s:s, s:I, s:s, s:o, s:b, s:I, s:I, s:o}", "protocol",
				CONTROL_PROTOCOL_VERSION, "run", c->name, "pid",
				(json_int_t)getpid(), "state", run_state_name(run), "plan",
				rpc_text(run->plan->path), "locked", run_locked(run), "uptime_ns",
				(json_int_t)(since ? monotonic_ns() - since : 0), "last_event",
				(json_int_t)run->events.count, "partitions", list));
}

/* ---- what changes the run ---- */

static bool being_stopped(const struct child *child)
{
	return child_active(child) && (child->stop_phase != STOP_PHASE_NONE || child->stop_sent);
}

/* CHILD, or somebody in the run if it is NULL. */
static bool any_being_stopped(const struct run *run, const struct child *child)
{
	bool any = child && being_stopped(child);

	for (unsigned i = 0; !child && i < run->child_count; i++)
		any = any || being_stopped(&run->children[i]);
	return any;
}

/* Answers with what became of asking for VERB ("paused") of CHILD, or of the run if it is NULL. */
static void conclude(struct rpc_call *call, const struct child *child, const char *verb, int ret)
{
	const struct control *c = call->ctx;
	const char *name = child ? child->plan->name : c->name;
	const char *state = child ? child_state_name(child) : run_state_name(c->run);
	const char *whom = child ? name : "the run";

	if (!ret)
		rpc_reply(call, json_pack("{s:s, s:s}", "name", name, "state", state));
	else if (ret == -EINVAL)
		rpc_fail(call, RPC_ERROR_STATE, "%s is %s%s: it cannot be %s", whom, state,
			any_being_stopped(c->run, child) ? ", and being stopped" : "", verb);
	else if (ret == -EBUSY)
		rpc_fail(call, RPC_ERROR_LOCKED,
			"%s cannot be %s: the safety partition has locked the run; wait until it "
			"unlocks, or end the supervisor with a signal",
			whom, verb);
	else
		rpc_fail(call, RPC_ERROR_INTERNAL, "%s cannot be %s: %s", whom, verb,
			strerror(-ret));
}

static void act(struct rpc_call *call, int (*action)(struct child *child), const char *verb)
{
	const char *partition;
	struct child *child;

	if (!take_partition(call, &partition))
		return;
	child = find_child(call, partition);
	if (child)
		conclude(call, child, verb, action(child));
}

static void call_pause(struct rpc_call *call)
{
	act(call, child_pause, "paused");
}

static void call_resume(struct rpc_call *call)
{
	act(call, child_resume, "resumed");
}

static void call_restart(struct rpc_call *call)
{
	act(call, child_restart, "restarted");
}

/* Gracefully; but in INIT nothing is running yet that could be in the middle of something. */
static int run_end(struct run *run)
{
	if (run->released || run->stop != STOP_NONE)
		return run_stop_gracefully(run);
	run_event(run, NULL, "stop", "stopped before the start");
	run_stop(run, STOP_COMMAND);
	return 0;
}

static int run_kill(struct run *run)
{
	if (run_locked(run))
		return -EBUSY;
	run_event(run, NULL, "stop", "killed");
	run_stop(run, STOP_COMMAND);
	return 0;
}

/* One partition, or without params all. */
static void act_on_all(struct rpc_call *call, int (*action)(struct child *child),
	int (*all)(struct run *run), const char *verb)
{
	const struct control *c = call->ctx;
	const char *partition;

	if (!take_partition(call, &partition))
		return;
	if (partition)
		act(call, action, verb);
	else
		conclude(call, NULL, verb, all(c->run));
}

static void call_stop(struct rpc_call *call)
{
	act_on_all(call, child_stop_gracefully, run_end, "stopped");
}

static void call_kill(struct rpc_call *call)
{
	act_on_all(call, child_kill, run_kill, "killed");
}

/* ---- events ---- */

json_t *event_json(const struct event *e)
{
	return json_pack("{s:I, s:I, s:I, s:o, s:s, s:o}", "seq", (json_int_t)e->number, "time_ns",
		(json_int_t)e->realtime_ns, "monotonic_ns", (json_int_t)e->monotonic_ns,
		"partition", e->partition[0] ? rpc_text(e->partition) : json_null(), "kind",
		e->kind, "text", rpc_text(e->text));
}

static void call_events(struct rpc_call *call)
{
	const struct control *c = call->ctx;
	const struct event_log *log = &c->run->events;
	json_int_t since = 0;
	json_error_t error;
	int follow = 0;
	json_t *list;

	if (call->params && json_unpack_ex(call->params, &error, 0, "{s?I, s?b!}", "since", &since,
				    "follow", &follow)) {
		params_wrong(call, &error);
		return;
	}
	list = json_array();
	if (since < 0)
		since = 0;
	for (const struct event *e = event_after(log, (uint64_t)since); e;
		e = event_after(log, e->number))
		json_array_append_new(list, event_json(e));
	if (follow)
		rpc_subscribe(call);
	rpc_reply(call, json_pack("{s:I, s:o}", "last", (json_int_t)log->count, "events", list));
}

static void happened(struct event_follower *f, const struct event *e)
{
	struct control *c = container_of(f, struct control, follower);

	rpc_notify(c->server, "event", event_json(e));
}

/* ---- stats ---- */

static json_t *stats_json(const struct child *child)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < child->counter_count; i++) {
		const struct message_counter *m = &child->counters[i];

		json_array_append_new(
			list, json_pack("{s:I, s:o, s:I}", "vcpu", (json_int_t)m->vcpu, "name",
				      rpc_text(m->name), "count", (json_int_t)m->count));
	}
	return json_pack("{s:s, s:s, s:I, s:o}", "partition", child->plan->name, "state",
		child_state_name(child), "beats", (json_int_t)atomic_load(&child->shared->beats),
		"counters", list);
}

static void stats_done(struct child *child, void *ctx)
{
	struct control *c = ctx;

	for (unsigned i = 0; i < STATS_WAITING_MAX; i++) {
		struct stats_waiting *w = &c->stats_waiting[i];

		if (w->child != child)
			continue;
		w->child = NULL;
		rpc_reply(&w->call, stats_json(child));
	}
}

static void stats_late(struct loop_timer *t)
{
	struct control *c = container_of(t, struct control, stats_timer);
	uint64_t now = monotonic_ns(), next = UINT64_MAX;

	for (unsigned i = 0; i < STATS_WAITING_MAX; i++) {
		struct stats_waiting *w = &c->stats_waiting[i];
		const char *name = w->child ? w->child->plan->name : NULL;

		if (!name)
			continue;
		if (w->deadline_ns > now) {
			next = min_u64(next, w->deadline_ns);
			continue;
		}
		w->child = NULL;
		rpc_fail(&w->call, RPC_ERROR_TIMEOUT,
			"the process of %s does not answer; see whether it is stopped", name);
	}
	if (next != UINT64_MAX)
		loop_timer_start(t, next - now);
}

static void call_stats(struct rpc_call *call)
{
	struct control *c = call->ctx;
	struct stats_waiting *w = NULL;
	const char *partition;
	struct child *child;
	int ret;

	child = take_partition(call, &partition) ? find_child(call, partition) : NULL;
	if (!child)
		return;
	for (unsigned i = 0; !w && i < STATS_WAITING_MAX; i++) {
		if (!c->stats_waiting[i].child)
			w = &c->stats_waiting[i];
	}
	if (!w) {
		rpc_fail(call, RPC_ERROR_BUSY, "too many wait for counters; try again");
		return;
	}
	w->child = child;
	w->deadline_ns = monotonic_ns() + STATS_PATIENCE_NS;
	rpc_defer(call, &w->call);
	/* -EBUSY: somebody waits for the same. */
	ret = child_request_stats(child, stats_done, c);
	if (ret && ret != -EBUSY) {
		w->child = NULL;
		rpc_fail(&w->call, RPC_ERROR_TIMEOUT, "the process of %s cannot be asked: %s",
			partition, strerror(-ret));
	} else if (!loop_timer_running(&c->stats_timer)) {
		loop_timer_start(&c->stats_timer, STATS_PATIENCE_NS);
	}
}

/* ---- what a guest is at ---- */

struct inspect_call {
	struct inspect_waiter waiter;
	struct rpc_call call;
	struct control *control;
};

/* Where names for its addresses are; whoever asks may be in another folder. */
static json_t *symbols_json(const struct child *child)
{
	AUTO_FREE char *path = realpath(child->plan->symbols ?: child->plan->image, NULL);

	return path ? rpc_text(path) : json_null();
}

static json_t *inspected_json(const struct child *child, const struct inspection *in)
{
	char *summary = NULL, *text = NULL;
	size_t size;
	FILE *f = open_memstream(&summary, &size);
	json_t *o = inspection_json(in);

	if (f) {
		inspection_summarise(in, f);
		fclose(f);
	}
	f = open_memstream(&text, &size);
	if (f) {
		inspection_print(in, f);
		fclose(f);
	}
	json_object_update_new(
		o, json_pack("{s:s, s:s, s:o, s:o, s:o}", "partition", child->plan->name, "state",
			   child_state_name(child), "summary", json_string(summary ?: ""), "text",
			   json_string(text ?: ""), "symbols", symbols_json(child)));
	free(summary);
	free(text);
	return o;
}

static void inspected(
	struct inspect_waiter *w, struct child *child, const struct inspection *in, const char *why)
{
	struct inspect_call *i = container_of(w, struct inspect_call, waiter);

	i->control->inspecting--;
	if (in)
		rpc_reply(&i->call, inspected_json(child, in));
	else
		rpc_fail(&i->call, RPC_ERROR_TIMEOUT, "%s: %s", child->plan->name, why);
	free(i);
}

static void call_inspect(struct rpc_call *call)
{
	struct control *c = call->ctx;
	struct inspect_call *i;
	const char *partition;
	struct child *child;
	int ret;

	child = take_partition(call, &partition) ? find_child(call, partition) : NULL;
	if (!child)
		return;
	if (!child_active(child)) {
		conclude(call, child, "inspected", -EINVAL);
		return;
	}
	if (c->inspecting == INSPECTING_MAX) {
		rpc_fail(call, RPC_ERROR_BUSY, "too many wait for an inspection; try again");
		return;
	}
	i = calloc(1, sizeof(*i));
	if (i)
		*i = (struct inspect_call){.waiter.done = inspected, .control = c};
	ret = i ? child_inspect(child, &i->waiter) : -ENOMEM;
	if (ret) {
		free(i);
		conclude(call, child, "inspected", ret);
		return;
	}
	c->inspecting++;
	rpc_defer(call, &i->call);
}

/* ---- consoles ---- */

/* A number from 1, or a name; without either that which is the partition's console. -1: none. */
static int find_port(const struct plan_partition *p, const json_t *wanted)
{
	int main = plan_port_main(p);
	char number[24];

	if (json_is_string(wanted))
		return plan_port_find(p, json_string_value(wanted));
	if (!wanted && main >= 0)
		return main;
	if (wanted && !json_is_integer(wanted))
		return -1;
	snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT,
		wanted ? json_integer_value(wanted) : 1);
	return plan_port_find(p, number);
}

/* "com1, hvc0", or "none". */
static const char *list_ports(const struct plan_partition *p, char *buf, size_t size)
{
	char label[PLAN_PORT_NAME_MAX];
	size_t used = 0;

	snprintf(buf, size, "none");
	for (unsigned i = 0; i < PLAN_PORTS_MAX; i++) {
		if (plan_port(p, i))
			used += (size_t)snprintf(buf + used, size - used, "%s%s", used ? ", " : "",
				plan_port_label(p, i, label));
	}
	return buf;
}

static void call_attach(struct rpc_call *call)
{
	struct ipc_fds fds = {.count = 1};
	struct message_attach m;
	const char *partition = NULL;
	json_t *wanted = NULL;
	char ports[PLAN_PORTS_MAX * (PLAN_PORT_NAME_MAX + 2)];
	int port, writer = 1, fd, ret;
	struct child *child;
	json_error_t error;

	if (call->params && json_unpack_ex(call->params, &error, 0, "{s?s, s?o, s?b!}", "partition",
				    &partition, "port", &wanted, "writer", &writer)) {
		params_wrong(call, &error);
		return;
	}
	child = find_child(call, partition);
	if (!child)
		return;
	port = find_port(child->plan, wanted);
	if (port < 0) {
		rpc_fail(call, RPC_ERROR_PARAMS, "%s has no such port; it has %s", partition,
			list_ports(child->plan, ports, sizeof(ports)));
		return;
	}
	if (!child_active(child)) {
		rpc_fail(call, RPC_ERROR_STATE, "%s is %s: it has no console to attach to",
			partition, child_state_name(child));
		return;
	}
	if (rpc_take_connection(
		    call, json_pack("{s:s, s:i}", "partition", partition, "port", port + 1), &fd)) {
		rpc_fail(call, RPC_ERROR_BUSY,
			"the connection has other requests or answers under way; use one of its own");
		return;
	}
	m = (struct message_attach){.port = (uint32_t)port, .writer = (uint32_t)writer};
	/* What cannot be passed on is closed: the client sees the end of the console. */
	fds.list[0] = fd;
	ret = ipc_send_fds(child->control.fd, MSG_ATTACH, &m, sizeof(m), &fds);
	if (ret)
		run_event(child->run, child, "error", "a console cannot be attached: %s",
			strerror(-ret));
	close(fd);
}

/* ---- cores ---- */

static void call_dump(struct rpc_call *call)
{
	const char *partition;
	struct child *child;
	int fd, ret;

	child = take_partition(call, &partition) ? find_child(call, partition) : NULL;
	if (!child)
		return;
	ret = child_may_dump(child);
	if (ret) {
		conclude(call, child, "dumped", ret);
		return;
	}
	if (rpc_take_connection(call,
		    json_pack("{s:s, s:I}", "partition", partition, "size_max",
			    (json_int_t)partition_core_max(child->plan)),
		    &fd)) {
		rpc_fail(call, RPC_ERROR_BUSY,
			"the connection has other requests or answers under way; use one of its own");
		return;
	}
	ret = child_dump(child, fd);
	if (ret)
		run_event(child->run, child, "error", "no core: %s", strerror(-ret));
	close(fd);
}

/* ---- the server ---- */

static const struct rpc_method methods[] = {
	{"status", call_status},
	{"stop", call_stop},
	{"kill", call_kill},
	{"pause", call_pause},
	{"resume", call_resume},
	{"restart", call_restart},
	{"events", call_events},
	{"stats", call_stats},
	{"inspect", call_inspect},
	{"attach", call_attach},
	{"dump", call_dump},
	{0},
};

int methods_serve(struct control *c)
{
	const struct rpc_server_config config = {
		.loop = c->run->loop, .listen_fd = c->listen_fd, .methods = methods, .ctx = c};
	int ret = loop_timer_init(c->run->loop, &c->stats_timer, stats_late);

	if (ret) {
		fd_close(&c->listen_fd);
		return ret;
	}
	ret = rpc_server_create(&config, &c->server);
	if (ret) {
		loop_timer_fini(&c->stats_timer);
		c->listen_fd = -1;
		return ret;
	}
	c->follower.happened = happened;
	event_follow(&c->run->events, &c->follower);
	return 0;
}

void methods_stop(struct control *c)
{
	event_unfollow(&c->run->events, &c->follower);
	for (unsigned i = 0; i < STATS_WAITING_MAX; i++) {
		if (c->stats_waiting[i].child)
			rpc_fail(&c->stats_waiting[i].call, RPC_ERROR_STATE, "the run has ended");
	}
	for (unsigned i = 0; i < c->run->child_count; i++)
		child_inspect_end(&c->run->children[i]);
	loop_timer_fini(&c->stats_timer);
	rpc_server_destroy(c->server);
	c->server = NULL;
}
