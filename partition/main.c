/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The partition process. Its first thread builds the partition, then is its I/O thread: consoles
 * and the supervisor's messages. The vCPUs have threads of their own (vmm/vcpu.c).
 *
 * It opens no file: every descriptor was opened by the supervisor and comes with the launch.
 */
#include "partition/partition.h"

#include "devices/power_button.h"
#include "include/bulkhead/status.h"
#include "lib/ipc.h"
#include "lib/sandbox.h"
#include "lib/util.h"
#include "partition/alarm.h"
#include "partition/build.h"
#include "partition/choice.h"
#include "partition/console.h"
#include "partition/guestlog.h"
#include "partition/handover.h"
#include "partition/lockdown.h"
#include "partition/protocol.h"
#include "partition/tell.h"
#include "vmm/ahead.h"
#include "vmm/vcpu.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* At the end, consoles get this long to take what the guest wrote last. */
#define DRAIN_LIMIT_NS 1000000000
#define DRAIN_STEP_NS  2000000

struct partition {
	int supervisor_fd;
	struct partition_launch launch;
	struct plan_partition *plan;
	struct partition_build build;
	struct vm *vm;
	struct partition_lockdown lockdown;

	struct loop *loop;
	struct loop_watch control;
	struct loop_watch ended;
	struct loop_watch wake; /* chardevs want the I/O thread */
	struct loop_timer drain_timer;
	struct loop_timer button_timer; /* to the end of a press of the power button */
	struct alarm alarm;
	struct chardev ports[PLAN_SERIAL_PORTS];
	char labels[PLAN_SERIAL_PORTS][48];
	struct console *consoles[PLAN_SERIAL_PORTS];
	struct console_line *line;
	struct guestlog guestlog;
	struct partition_shared *shared;
	void *status; /* the status page; NULL: the plan gives none */

	bool stopping;
	uint64_t released_ns;
	uint64_t drain_deadline_ns;
};

/* ---- fatal errors ---- */

/* On the thread of the vCPU that met it: its core's BSP is called before all else. */
static void vcpu_met_fatal(void *ctx, unsigned vcpu, uint64_t event_ns)
{
	const struct partition *p = ctx;

	if (p->launch.alarm_fds[vcpu] >= 0)
		(void)!write(p->launch.alarm_fds[vcpu], &event_ns, sizeof(event_ns));
}

static void guest_logs(void *ctx, const char *text, size_t size)
{
	guestlog_put(&((struct partition *)ctx)->guestlog, text, size);
}

static void set_policy(struct partition *p)
{
	static const enum vm_violation violations[] = {
		[PLAN_VIOLATION_IGNORE] = VM_VIOLATION_IGNORE,
		[PLAN_VIOLATION_INJECT] = VM_VIOLATION_INJECT,
		[PLAN_VIOLATION_SERROR] = VM_VIOLATION_SERROR,
		[PLAN_VIOLATION_FATAL] = VM_VIOLATION_FATAL,
	};
	static const enum vm_fatal fatals[] = {
		[PLAN_FATAL_STOP] = VM_FATAL_END,
		[PLAN_FATAL_SAFE_STATE] = VM_FATAL_END,
		[PLAN_FATAL_RESTART] = VM_FATAL_END,
		[PLAN_FATAL_PARK_VCPU] = VM_FATAL_PARK,
		[PLAN_FATAL_SPIN] = VM_FATAL_SPIN,
	};
	const struct vm_policy policy = {
		.on_violation = violations[p->plan->on_violation],
		.on_fatal = fatals[p->plan->on_fatal],
		.fatal = vcpu_met_fatal,
		.log = guest_logs,
		.ctx = p,
	};

	vm_set_policy(p->vm, &policy);
}

/* ---- the end ---- */

static void send_report(const struct partition *p)
{
	struct message_report report = {0};

	for (unsigned i = 0; i < PLAN_SERIAL_PORTS; i++) {
		report.dropped[i] = atomic_load(&p->ports[i].dropped);
		if (p->consoles[i])
			report.log_lost[i] = console_log_lost(p->consoles[i]);
	}
	report.lines_lost = guestlog_lost(&p->guestlog);
	tell_report(p->supervisor_fd, &report, vm_ended(p->vm));
}

static void finish(struct partition *p)
{
	for (unsigned i = 0; i < PLAN_SERIAL_PORTS; i++) {
		if (p->consoles[i])
			console_finish(p->consoles[i]);
	}
	guestlog_flush(&p->guestlog);
	tell_stats(p->supervisor_fd, p->vm);
	send_report(p);
	loop_stop(p->loop);
}

static bool consoles_drained(const struct partition *p)
{
	for (unsigned i = 0; i < PLAN_SERIAL_PORTS; i++) {
		if (p->consoles[i] && !console_drained(p->consoles[i]))
			return false;
	}
	return true;
}

/* Once stopped: waits for the consoles to take what is left, within the limit. */
static void drain(struct loop_timer *t)
{
	struct partition *p = container_of(t, struct partition, drain_timer);

	for (unsigned i = 0; i < PLAN_SERIAL_PORTS; i++) {
		if (p->consoles[i])
			console_pump(p->consoles[i]);
	}
	if (consoles_drained(p) || monotonic_ns() > p->drain_deadline_ns)
		finish(p);
	else
		loop_timer_start(&p->drain_timer, DRAIN_STEP_NS);
}

/* The guest runs no more. The supervisor hears of it at once: others may have to be stopped. */
static void stop(struct partition *p, struct message_ended m, const char *how)
{
	if (p->stopping)
		return;
	p->stopping = true;
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

static void terminal_restore(const struct partition *p)
{
	if (p->launch.has_termios)
		tcsetattr(p->launch.ports[0].in_fd, TCSANOW, &p->launch.termios);
}

/* The supervisor is gone: nobody is left to report to, but the terminal must not stay raw. */
static void supervisor_gone(struct partition *p)
{
	terminal_restore(p);
	_exit(EXIT_FAILURE);
}

static void attach(struct partition *p, const struct ipc_message *m, struct ipc_fds *fds)
{
	struct message_attach a;

	memcpy(&a, m->payload, sizeof(a));
	if (m->size == sizeof(a) && fds->count && a.port < PLAN_SERIAL_PORTS && p->consoles[a.port])
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
		ipc_send(p->supervisor_fd, MSG_PAUSED, NULL, 0);
		return;
	case MSG_RESUME:
		vm_resume(p->vm);
		ipc_send(p->supervisor_fd, MSG_RESUMED, NULL, 0);
		return;
	case MSG_STATS_REQUEST:
		tell_stats(p->supervisor_fd, p->vm);
		ipc_send(p->supervisor_fd, MSG_STATS_END, NULL, 0);
		return;
	case MSG_FAULT:
		vm_fault(p->vm, 0, END_WATCHDOG, "lost watchdog",
			"the guest did not kick its watchdog in time");
		return;
	}
}

static void control_ready(struct loop_watch *w, uint32_t revents)
{
	struct partition *p = container_of(w, struct partition, control);
	struct ipc_message m;
	struct ipc_fds fds;
	int ret = ipc_receive_fds(w->fd, 1, &m, &fds);

	(void)revents;
	if (ret == -EAGAIN)
		return;
	if (ret)
		supervisor_gone(p);
	if (m.type == MSG_ATTACH) {
		attach(p, &m, &fds);
		return;
	}
	ipc_fds_close(&fds);
	if (!p->stopping)
		obey(p, m.type);
}

static void chardevs_ready(struct loop_watch *w, uint32_t revents)
{
	struct partition *p = container_of(w, struct partition, wake);
	uint64_t count;

	(void)revents;
	(void)!read(w->fd, &count, sizeof(count));
	guestlog_pump(&p->guestlog);
	for (unsigned i = 0; i < PLAN_SERIAL_PORTS; i++) {
		if (p->consoles[i])
			console_pump(p->consoles[i]);
	}
}

static void quit_requested(void *ctx)
{
	struct partition *p = ctx;

	ipc_send(p->supervisor_fd, MSG_QUIT, NULL, 0);
}

/* ---- start-up ---- */

static int watch(struct partition *p, struct loop_watch *w, int fd,
	void (*ready)(struct loop_watch *w, uint32_t revents))
{
	*w = (struct loop_watch){.fd = fd, .events = POLLIN, .ready = ready, .slot = -1};
	return loop_watch(p->loop, w);
}

/* vCPU i on its own core, or all vCPUs on the cores that they share. */
static void vcpu_affinity(const struct partition *p, cpu_set_t *sets)
{
	const struct plan_cpus *cpus = &p->plan->cpus;

	for (unsigned i = 0; i < cpus->vcpus; i++) {
		if (cpus->shared) {
			cores_to_set(p->launch.vcpu_cores, &sets[i]);
			continue;
		}
		CPU_ZERO(&sets[i]);
		CPU_SET(cpus->cores[i], &sets[i]);
	}
}

static int map_shared(int fd, size_t size, int protection, void **ret_address)
{
	void *address = mmap(NULL, size, protection, MAP_SHARED, fd, 0);

	if (address == MAP_FAILED)
		return -errno;
	*ret_address = address;
	return 0;
}

/* What the machine's devices need of this process. */
static int prepare_devices(struct partition *p)
{
	int ret = map_shared(
		p->launch.line_fd, sizeof(*p->line), PROT_READ | PROT_WRITE, (void **)&p->line);

	if (!ret)
		ret = map_shared(p->launch.shared_fd, sizeof(*p->shared), PROT_READ | PROT_WRITE,
			(void **)&p->shared);
	if (!ret && p->launch.status_fd >= 0)
		ret = map_shared(p->launch.status_fd, BULKHEAD_STATUS_SIZE, PROT_READ, &p->status);
	if (ret)
		return ret;
	p->wake.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (p->wake.fd < 0)
		return -errno;
	for (unsigned i = 0; i < PLAN_SERIAL_PORTS; i++)
		chardev_init(&p->ports[i], p->wake.fd);
	/* Those of the plan are watched from the first; for others it can wait (start_io). */
	return p->plan->device_count ? loop_create(&p->loop) : 0;
}

static int start_io(struct partition *p)
{
	int ret = p->loop ? 0 : loop_create(&p->loop);

	if (!ret)
		ret = loop_timer_init(p->loop, &p->drain_timer, drain);
	if (!ret)
		ret = loop_timer_init(p->loop, &p->button_timer, button_let_go);
	if (!ret)
		ret = alarm_init(&p->alarm, p->loop, &p->build.machine);
	if (!ret)
		ret = guestlog_init(&p->guestlog, p->loop, p->supervisor_fd, p->wake.fd);
	if (!ret)
		ret = watch(p, &p->wake, p->wake.fd, chardevs_ready);
	if (!ret)
		ret = watch(p, &p->control, p->supervisor_fd, control_ready);
	return ret;
}

static int start_consoles(struct partition *p)
{
	for (unsigned i = 0; i < PLAN_SERIAL_PORTS; i++) {
		struct console_config config = {
			.loop = p->loop,
			.chardev = &p->ports[i],
			.port = &p->launch.ports[i],
			.label = p->labels[i],
			.owner = p->launch.index * PLAN_SERIAL_PORTS + i + 1,
			.line = p->plan->serial[i].kind == PLAN_SERIAL_CONSOLE ? p->line : NULL,
			.quit = quit_requested,
			.ctx = p,
		};
		int ret;

		if (p->plan->serial[i].kind == PLAN_SERIAL_NONE)
			continue;
		snprintf(p->labels[i], sizeof(p->labels[i]), i ? "%s.com%u" : "%s", p->plan->name,
			i + 1);
		ret = console_create(&config, &p->consoles[i]);
		if (ret)
			return ret;
	}
	return 0;
}

static int map_files(struct partition *p, struct partition_files *files)
{
	int ret = file_map_fd(p->launch.image_fd, &files->image);

	if (!ret && p->launch.initrd_fd >= 0)
		ret = file_map_fd(p->launch.initrd_fd, &files->initrd);
	if (!ret && p->launch.overlay_fd >= 0)
		ret = file_map_fd(p->launch.overlay_fd, &files->overlay);
	for (unsigned i = 0; !ret && i < p->plan->module_count; i++)
		ret = file_map_fd(p->launch.module_fds[i], &files->modules[i]);
	fd_close(&p->launch.image_fd);
	fd_close(&p->launch.initrd_fd);
	fd_close(&p->launch.overlay_fd);
	for (unsigned i = 0; i < p->plan->module_count; i++)
		fd_close(&p->launch.module_fds[i]);
	return ret;
}

/* One step of building; on failure the supervisor has been told. */
static int build(struct partition *p, const struct partition_files *files,
	int (*step)(const struct partition_request *req, struct diags *diags,
		struct partition_build *b))
{
	struct partition_request req = {.plan = p->plan,
		.files = files,
		.kvm_fd = p->launch.kvm_fd,
		.rtc = {.alarm = alarm_set, .ctx = &p->alarm},
		.shared = p->shared,
		.loop = p->loop,
		.device_fds = p->launch.device_fds,
		.status = p->status};
	struct diags diags;
	int ret;

	for (unsigned i = 0; i < PLAN_SERIAL_PORTS; i++)
		req.ports[i] = p->plan->serial[i].kind == PLAN_SERIAL_NONE ? NULL : &p->ports[i];
	diags_init(&diags);
	ret = step(&req, &diags, &p->build);
	if (ret)
		tell_failed(p->supervisor_fd, ret != -EINVAL, &diags);
	diags_fini(&diags);
	return ret;
}

/* The same for what is in the files. */
static int load(struct partition *p)
{
	AUTO_FREE struct partition_files *files = calloc(1, sizeof(*files));
	int ret = files ? map_files(p, files) : -ENOMEM;

	if (ret) {
		tell_failed_host(p->supervisor_fd, p->plan, "mapping its images", ret);
		return ret;
	}
	ret = build(p, files, partition_build_load);
	partition_files_unmap(files);
	return ret;
}

/*
 * The safety partition's vCPUs come before whatever else the host has put on their cores. Threads
 * inherit it from the one that makes them: this one has it until they are there, from before its
 * capabilities go. Where it is refused, isolated cores (`bulkhead doctor`) do more anyway.
 */
#define VCPU_PRIORITY (-20)

static void set_priority(const struct partition *p, int priority)
{
	if (p->plan->role == PLAN_SAFETY)
		setpriority(PRIO_PROCESS, 0, priority);
}

static int start_vm(struct partition *p, const char **ret_what)
{
	cpu_set_t affinity[PLAN_VCPUS_MAX];
	int ret = 0;

	vcpu_affinity(p, affinity);
	set_policy(p);
	if (p->launch.status_irq_fd >= 0) {
		*ret_what = "KVM_IRQFD for the status page";
		ret = vm_irqfd(p->vm, p->launch.status_irq_fd, p->plan->status_irq);
	}
	if (!ret)
		ret = vm_start(p->vm, &p->build.entry, affinity, p->plan->name, ret_what);
	set_priority(p, 0);
	if (!ret) {
		*ret_what = "watching for the VM's end";
		ret = watch(p, &p->ended, p->vm->end_fd, vm_has_ended);
	}
	return ret;
}

/* The one that owns the terminal outlives the supervisor for as long as restoring it takes. */
static void die_with_supervisor(const struct partition *p)
{
	if (!p->launch.has_termios)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
}

/* What depends on the host is told to whoever runs it. */
static int send_machine(const struct partition *p)
{
	char text[CHOICE_TEXT_MAX];

	choice_describe(p->plan, &p->build.machine, text);
	return *text ? ipc_send(p->supervisor_fd, MSG_MACHINE, text, strlen(text)) : 0;
}

/* Locks the process down for good, and tells that the partition can be released. */
static int send_ready(struct partition *p)
{
	char gaps[IPC_PAYLOAD_MAX];
	size_t size;
	int ret;

	fd_close(&p->launch.kvm_fd);
	ret = partition_lockdown_last(&p->lockdown);
	if (ret) {
		tell_failed(p->supervisor_fd, true, &p->lockdown.gaps);
		return ret;
	}
	size = partition_lockdown_text(&p->lockdown, gaps, sizeof(gaps));
	return ipc_send(p->supervisor_fd, MSG_READY, gaps, size);
}

/* Tells of RET, unless it is 0. Returns it. */
static int tell(const struct partition *p, const char *what, int ret)
{
	if (ret)
		tell_failed_host(p->supervisor_fd, p->plan, what, ret);
	return ret;
}

/* The cores that its own work is done on, and memory: by right of what is about to be lost. */
static int prepare(struct partition *p)
{
	static const struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
	cpu_set_t cores;

	cores_to_set(p->launch.io_cores, &cores);
	if (CPU_COUNT(&cores) && sched_setaffinity(0, sizeof(cores), &cores))
		return tell(p, "moving to its cores", -errno);
	set_priority(p, VCPU_PRIORITY);
	/* Where it may not be raised, the limit may suffice all the same. */
	setrlimit(RLIMIT_MEMLOCK, &unlimited);
	return build(p, NULL, partition_build_memory);
}

/* Locks the process down as far as building allows. */
static int enter(struct partition *p)
{
	int ret = partition_lockdown_enter(&p->lockdown);

	if (ret)
		tell_failed(p->supervisor_fd, true, &p->lockdown.gaps);
	die_with_supervisor(p);
	return ret;
}

/*
 * KVM takes about as long to create a VM as the kernel to separate this process from the others:
 * the one is done by a thread of its own, beside the other.
 */
static int create(struct partition *p)
{
	const char *what = "starting a thread";
	struct vm_ahead *ahead;
	int ret;

	partition_lockdown_first(p->plan, &p->lockdown);
	ret = tell(p, what, vm_ahead_start(p->launch.kvm_fd, &ahead));
	if (!ret)
		ret = tell(p, "mapping what it shares", prepare_devices(p));
	if (!ret)
		ret = build(p, NULL, partition_build_machine);
	if (ret)
		return ret;
	vm_ahead_go_on(ahead, &p->build.machine);
	ret = enter(p);
	if (!ret)
		ret = tell(p, "starting its I/O thread", start_io(p));
	if (!ret)
		ret = tell(p, "starting its consoles", start_consoles(p));
	if (ret)
		return ret;
	ret = vm_ahead_finish(ahead, &p->vm, &what);
	return tell(p, what, ret);
}

static int partition_run(struct partition *p)
{
	const char *what;
	int ret;

	die_with_supervisor(p);
	ret = prepare(p);
	if (!ret)
		ret = create(p);
	if (!ret) /* not before: now there is but one thread, which is locked down */
		ret = load(p);
	if (ret)
		return ret;
	ret = start_vm(p, &what);
	if (ret)
		return tell(p, what, ret);
	ret = send_machine(p);
	if (!ret)
		ret = send_ready(p);
	return ret ? ret : loop_run(p->loop);
}

/* What ps shows as the argument ROOM. */
static void set_title(char *room, const char *name)
{
	size_t size = strlen(room);

	snprintf(room, size + 1, "%s", name);
	memset(room + strlen(room), 0, size - strlen(room));
}

int partition_main(int argc, char **argv)
{
	struct partition *p = calloc(1, sizeof(*p));
	int ret;

	if (argc != 3 || !p)
		return EXIT_FAILURE;
	p->supervisor_fd = atoi(argv[1]);
	if (handover_receive(p->supervisor_fd, &p->launch, &p->plan))
		_exit(EXIT_FAILURE);
	prctl(PR_SET_NAME, p->plan->name);
	set_title(argv[2], p->plan->name);
	/* Ctrl-C reaches the whole foreground group; only the supervisor decides what it means. */
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	/* Terminals that are not ours: an error of a call, not our end. */
	signal(SIGTTIN, SIG_IGN);
	signal(SIGTTOU, SIG_IGN); /* supervisor_gone restores the terminal from the background */
	sandbox_take_signals();
	ret = partition_run(p);
	if (ret)
		terminal_restore(p);
	/* The kernel frees everything faster than we could; consoles are drained already. */
	_exit(ret ? EXIT_FAILURE : EXIT_SUCCESS);
}
