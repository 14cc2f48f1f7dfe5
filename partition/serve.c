/* SPDX-License-Identifier: BSD-3-Clause */
/* What the I/O thread of a partition does: consoles, the supervisor's messages, the end. */
#include "partition/process.h"

#include "devices/power_button.h"
#include "include/bulkhead/status.h"
#include "lib/ipc.h"
#include "lib/util.h"
#include "partition/report.h"
#include "partition/tell.h"
#include "partition/unowned.h"
#include "vmm/vm.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

/* At the end, consoles get this long to take what the guest wrote last. */
#define DRAIN_LIMIT_NS 1000000000
#define DRAIN_STEP_NS  2000000

/* ---- the end ---- */

static void send_report(const struct partition *p)
{
	struct message_report report = {0};
	char text[REPORT_MAX];

	for (unsigned i = 0; i < PLAN_PORTS_MAX; i++) {
		report.dropped[i] = atomic_load(&p->ports[i].dropped);
		if (p->consoles[i])
			report.log_lost[i] = console_log_lost(p->consoles[i]);
	}
	report.lines_lost = guestlog_lost(&p->guestlog);
	unowned_list(p->vm, report.unowned);
	report_compose(p, text);
	tell_report(p->supervisor_fd, &report, text);
}

/* So that the supervisor sees a guest that says nothing, or nothing more. */
static void publish_said(const struct partition *p)
{
	uint64_t said = guestlog_count(&p->guestlog);

	for (unsigned i = 0; i < PLAN_PORTS_MAX; i++) {
		if (plan_port(p->plan, i))
			said += chardev_written(&p->ports[i]);
	}
	atomic_store(&p->shared->said, said);
}

static void finish(struct partition *p)
{
	for (unsigned i = 0; i < PLAN_PORTS_MAX; i++) {
		if (p->consoles[i])
			console_finish(p->consoles[i]);
	}
	guestlog_flush(&p->guestlog);
	publish_said(p);
	tell_stats(p->supervisor_fd, p->vm);
	send_report(p);
	loop_stop(p->loop);
}

static bool consoles_drained(const struct partition *p)
{
	for (unsigned i = 0; i < PLAN_PORTS_MAX; i++) {
		if (p->consoles[i] && !console_drained(p->consoles[i]))
			return false;
	}
	return true;
}

/* Nothing is left to do but to wait for a core, if there is to be one. */
static void finish_unless_dumping(struct partition *p)
{
	if (p->drained && !p->core_due && !dump_busy(&p->dump))
		finish(p);
}

/* Once stopped: waits for the consoles to take what is left, within the limit. */
static void drain(struct loop_timer *t)
{
	struct partition *p = container_of(t, struct partition, drain_timer);

	for (unsigned i = 0; i < PLAN_PORTS_MAX; i++) {
		if (p->consoles[i])
			console_pump(p->consoles[i]);
	}
	p->drained = consoles_drained(p) || monotonic_ns() > p->drain_deadline_ns;
	if (p->drained)
		finish_unless_dumping(p);
	else
		loop_timer_start(&p->drain_timer, DRAIN_STEP_NS);
}

/* The guest runs no more. The supervisor hears of it at once: others may have to be stopped. */
static void stop(struct partition *p, struct message_ended m, const char *how)
{
	if (p->stopping)
		return;
	p->stopping = true;
	inspector_stop(&p->inspector);
	p->core_due = p->launch.cores && (m.end == PARTITION_FATAL || m.end == PARTITION_PANIC);
	vm_stop(p->vm);
	m.stopped_ns = monotonic_ns();
	m.run_ns = p->released_ns ? monotonic_ns() - p->released_ns : 0;
	snprintf(m.how, sizeof(m.how), "%s", how);
	/* The guest's last words come before its end, unless others have to be stopped for it. */
	if (m.end != PARTITION_FATAL)
		guestlog_flush(&p->guestlog);
	ipc_send(p->supervisor_fd, MSG_ENDED, &m, sizeof(m));
	p->drain_deadline_ns = monotonic_ns() + DRAIN_LIMIT_NS;
	drain(&p->drain_timer);
}

static void vm_has_ended(struct loop_watch *w, uint32_t revents)
{
	static const struct {
		enum partition_end end;
		enum bulkhead_partition_end cause;
	} ends[] = {
		[END_POWER_OFF] = {PARTITION_POWER_OFF, BULKHEAD_END_POWER_OFF},
		[END_RESET] = {PARTITION_RESET, BULKHEAD_END_RESET},
		[END_EXIT_CODE] = {PARTITION_EXIT_CODE, BULKHEAD_END_EXIT_CODE},
		[END_PANIC] = {PARTITION_PANIC, BULKHEAD_END_PANIC},
		[END_TRIPLE_FAULT] = {PARTITION_FATAL, BULKHEAD_END_TRIPLE_FAULT},
		[END_INTERNAL_ERROR] = {PARTITION_FATAL, BULKHEAD_END_INTERNAL_ERROR},
		[END_FAIL_ENTRY] = {PARTITION_FATAL, BULKHEAD_END_FAIL_ENTRY},
		[END_UNKNOWN_EXIT] = {PARTITION_FATAL, BULKHEAD_END_UNKNOWN_EXIT},
		[END_MONITOR_ERROR] = {PARTITION_FATAL, BULKHEAD_END_MONITOR_ERROR},
		[END_VIOLATION] = {PARTITION_FATAL, BULKHEAD_END_VIOLATION},
		[END_WATCHDOG] = {PARTITION_FATAL, BULKHEAD_END_WATCHDOG},
	};
	struct partition *p = container_of(w, struct partition, ended);
	struct message_ended m = {0};
	const struct vm_end *end;
	struct vm_end parked;

	(void)revents;
	while (vm_take_parked(p->vm, &parked))
		tell_parked(p->supervisor_fd, &parked, p->plan->on_fatal == PLAN_FATAL_SPIN);
	end = vm_ended(p->vm);
	if (!end)
		return;
	loop_unwatch(p->loop, w);
	m.end = ends[end->kind].end;
	m.cause = ends[end->kind].cause;
	m.code = end->code;
	m.vcpu = end->vcpu;
	m.event_ns = end->event_ns;
	stop(p, m, end->how);
}

void serve_terminal_back(const struct partition *p)
{
	for (unsigned i = 0; p->launch.has_termios && i < PLAN_PORTS_MAX; i++) {
		if (p->launch.ports[i].flags & PORT_TERMINAL)
			tcsetattr(p->launch.ports[i].in_fd, TCSANOW, &p->launch.termios);
	}
}

/* The supervisor is gone: nobody is left to report to, but the terminal must not stay raw. */
static void supervisor_gone(struct partition *p)
{
	serve_terminal_back(p);
	_exit(EXIT_FAILURE);
}

static void attach(struct partition *p, const struct ipc_message *m, struct ipc_fds *fds)
{
	struct message_attach a;

	memcpy(&a, m->payload, sizeof(a));
	if (m->size == sizeof(a) && fds->count && a.port < PLAN_PORTS_MAX && p->consoles[a.port])
		console_attach(p->consoles[a.port], fds->list[0], a.writer);
	else
		ipc_fds_close(fds);
}

static void stop_requested(struct partition *p)
{
	const struct message_ended m = {
		.end = PARTITION_STOPPED, .cause = BULKHEAD_END_STOPPED, .vcpu = -1};

	stop(p, m, "stopped by the supervisor");
}

static void button_let_go(struct loop_timer *t)
{
	struct partition *p = container_of(t, struct partition, button_timer);

	if (!power_button_release(&p->build.machine))
		loop_timer_start(t, POWER_BUTTON_NS);
}

/* Unless something still needs it to stand still. */
static void resume(struct partition *p)
{
	if (!p->paused && !p->stopping && !dump_busy(&p->dump))
		vm_resume(p->vm);
}

static void core_done(struct partition *p, int error, uint64_t bytes)
{
	tell_core(p->supervisor_fd, error, bytes);
	resume(p);
	finish_unless_dumping(p);
}

/* Into the socket in FDS; without one there is to be none. */
static void core(struct partition *p, struct ipc_fds *fds)
{
	int ret = dump_busy(&p->dump) ? -EBUSY : 0;

	p->core_due = false;
	/* The registers of a vCPU that does not leave the guest cannot be had. */
	if (fds->count && !ret && !p->stopping)
		ret = vm_pause(p->vm);
	if (fds->count && !ret) {
		dump_start(&p->dump, fds->list[0]);
		return;
	}
	if (fds->count)
		core_done(p, ret, 0);
	else
		finish_unless_dumping(p);
	ipc_fds_close(fds);
}

/* What the supervisor may want of a guest that has not ended. */
static void obey(struct partition *p, uint16_t type)
{
	switch (type) {
	case MSG_START:
		p->released_ns = monotonic_ns();
		vm_release(p->vm);
		return;
	case MSG_STOP:
		stop_requested(p);
		return;
	case MSG_POWER_BUTTON:
		power_button_press(&p->build.machine);
		loop_timer_start(&p->button_timer, POWER_BUTTON_NS);
		return;
	case MSG_PAUSE:
		vm_pause(p->vm);
		p->paused = true;
		ipc_send(p->supervisor_fd, MSG_PAUSED, NULL, 0);
		return;
	case MSG_RESUME:
		p->paused = false;
		resume(p);
		ipc_send(p->supervisor_fd, MSG_RESUMED, NULL, 0);
		return;
	case MSG_STATS_REQUEST:
		tell_stats(p->supervisor_fd, p->vm);
		ipc_send(p->supervisor_fd, MSG_STATS_END, NULL, 0);
		return;
	case MSG_INSPECT:
		inspector_start(&p->inspector);
		return;
	case MSG_FAULT:
		vm_fault(p->vm, 0, END_WATCHDOG, "lost watchdog",
			"the guest did not kick its watchdog in time");
		return;
	}
}

/* The size is that of the one port that has a terminal. */
static void window_changed(struct partition *p, const struct ipc_message *m)
{
	struct partition_window window;

	memcpy(&window, m->payload, sizeof(window));
	for (unsigned i = 0; m->size == sizeof(window) && i < PLAN_PORTS_MAX; i++) {
		if (p->consoles[i] && p->launch.ports[i].flags & PORT_TERMINAL)
			console_resize(p->consoles[i], window);
	}
}

/* False when the supervisor has said nothing. */
static bool receive(struct partition *p, struct ipc_message *ret_message, struct ipc_fds *ret_fds)
{
	int ret = ipc_receive_fds(p->supervisor_fd, 1, ret_message, ret_fds);

	if (ret == -EAGAIN)
		return false;
	if (ret)
		supervisor_gone(p);
	return true;
}

static void handle(struct partition *p, const struct ipc_message *m, struct ipc_fds *fds)
{
	if (m->type == MSG_ATTACH) {
		attach(p, m, fds);
		return;
	}
	if (m->type == MSG_CORE) {
		core(p, fds);
		return;
	}
	ipc_fds_close(fds);
	if (m->type == MSG_WINDOW)
		window_changed(p, m);
	else if (!p->stopping)
		obey(p, m->type);
}

static void control_ready(struct loop_watch *w, uint32_t revents)
{
	struct partition *p = container_of(w, struct partition, control);
	struct ipc_message m;
	struct ipc_fds fds;

	(void)revents;
	if (receive(p, &m, &fds))
		handle(p, &m, &fds);
}

int serve_ready(struct partition *p, const char *gaps, size_t size)
{
	struct ipc_message m;
	struct ipc_fds fds;
	bool any = receive(p, &m, &fds), start = any && m.type == MSG_START;
	int ret;

	if (start)
		handle(p, &m, &fds);
	ret = ipc_send(p->supervisor_fd, MSG_READY, gaps, size);
	if (any && !start)
		handle(p, &m, &fds);
	return ret;
}

static void chardevs_ready(struct loop_watch *w, uint32_t revents)
{
	struct partition *p = container_of(w, struct partition, wake);
	uint64_t count;

	(void)revents;
	(void)!read(w->fd, &count, sizeof(count));
	guestlog_pump(&p->guestlog);
	for (unsigned i = 0; i < PLAN_PORTS_MAX; i++) {
		const struct plan_port *port = plan_port(p->plan, i);

		if (p->consoles[i])
			console_pump(p->consoles[i]);
		else if (port && port->kind == PLAN_PORT_TESTDEV)
			chr_testdev_pump(&p->testdevs[i], &p->ports[i], &p->build.machine);
	}
	publish_said(p);
}

void serve_quit(void *ctx)
{
	struct partition *p = ctx;

	ipc_send(p->supervisor_fd, MSG_QUIT, NULL, 0);
}

/* ---- setting it up ---- */

static int watch(struct partition *p, struct loop_watch *w, int fd,
	void (*ready)(struct loop_watch *w, uint32_t revents))
{
	*w = (struct loop_watch){.fd = fd, .events = POLLIN, .ready = ready, .slot = -1};
	return loop_watch(p->loop, w);
}

int serve_io(struct partition *p)
{
	int ret = loop_timer_init(p->loop, &p->drain_timer, drain);

	if (!ret)
		ret = loop_timer_init(p->loop, &p->button_timer, button_let_go);
	if (!ret)
		ret = alarm_init(&p->alarm, p->loop, &p->build.machine);
	if (!ret)
		ret = inspector_init(&p->inspector, p);
	if (!ret)
		ret = dump_init(&p->dump, p, core_done);
	if (!ret)
		ret = guestlog_init(&p->guestlog, p->loop, p->supervisor_fd, p->wake.fd);
	if (!ret)
		ret = watch(p, &p->wake, p->wake.fd, chardevs_ready);
	if (!ret)
		ret = watch(p, &p->control, p->supervisor_fd, control_ready);
	return ret;
}

int serve_vm(struct partition *p)
{
	return watch(p, &p->ended, p->vm->end_fd, vm_has_ended);
}
