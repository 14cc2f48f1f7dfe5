/* SPDX-License-Identifier: BSD-3-Clause */
/* The start of a partition process: what it builds, in which order, and when it is locked down. */
#include "partition/process.h"

#include "include/bulkhead/status.h"
#include "lib/ipc.h"
#include "lib/util.h"
#include "partition/choice.h"
#include "partition/tell.h"
#include "vmm/ahead.h"
#include "vmm/vcpu.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

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

/* ---- the parts ---- */

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

static void device_notice(void *ctx, const char *device, const char *text)
{
	const struct partition *p = ctx;

	tell_notice(p->supervisor_fd, device, text);
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
	p->notices = (struct notice_sink){.tell = device_notice, .ctx = p};
	p->wake.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (p->wake.fd < 0)
		return -errno;
	for (unsigned i = 0; i < PLAN_PORTS_MAX; i++) {
		if (plan_port(p->plan, i))
			chardev_init(&p->ports[i], p->wake.fd);
	}
	/* Those of the plan are watched from the first; for others it can wait (start_io). */
	if (!p->plan->device_count && !plan_machine_has(p->plan, PLAN_PART_HPET))
		return 0;
	return loop_create(&p->loop);
}

/* Without devices there are a few events: they are not worth setting up an io_uring. */
static int start_io(struct partition *p)
{
	int ret = p->loop ? 0 : loop_create_epoll(&p->loop);

	return ret ? ret : serve_io(p);
}

/* The first serial port goes by the partition's name alone, whatever others there are. */
static void set_label(struct partition *p, unsigned i)
{
	char label[PLAN_PORT_NAME_MAX];

	snprintf(p->labels[i], sizeof(p->labels[i]), i ? "%s.%s" : "%s", p->plan->name,
		plan_port_label(p->plan, i, label));
}

static int start_consoles(struct partition *p)
{
	for (unsigned i = 0; i < PLAN_PORTS_MAX; i++) {
		const struct plan_port *port = plan_port(p->plan, i);
		struct console_config config = {
			.loop = p->loop,
			.chardev = &p->ports[i],
			.port = &p->launch.ports[i],
			.label = p->labels[i],
			.owner = p->launch.index * PLAN_PORTS_MAX + i + 1,
			.line = port && port->kind == PLAN_PORT_CONSOLE ? p->line : NULL,
			.colour = (int)p->launch.index,
			.quit = serve_quit,
			.ctx = p,
		};
		int ret;

		if (!port || port->kind == PLAN_PORT_TESTDEV)
			continue;
		set_label(p, i);
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
		.device_mtus = p->launch.device_mtus,
		.region_fds = p->launch.region_fds,
		.notices = &p->notices,
		.status = p->status};
	struct diags diags;
	int ret;

	for (unsigned i = 0; i < PLAN_PORTS_MAX; i++)
		req.ports[i] = plan_port(p->plan, i) ? &p->ports[i] : NULL;
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
		ret = serve_vm(p);
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
	return serve_ready(p, gaps, size);
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
	int ret;

	p->lockdown.disk_threads = p->build.disk_threads;
	ret = partition_lockdown_enter(&p->lockdown);
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
	ret = tell(p, "mapping what it shares", prepare_devices(p));
	if (!ret)
		ret = build(p, NULL, partition_build_machine);
	for (unsigned i = 0; i < REGION_FDS_MAX; i++) /* mapped, or copied */
		fd_close(&p->launch.region_fds[i]);
	if (!ret)
		ret = tell(p, what, vm_ahead_start(p->launch.kvm_fd, &p->build.machine, &ahead));
	if (!ret)
		ret = enter(p);
	if (!ret)
		ret = tell(p, "starting its I/O thread", start_io(p));
	if (!ret)
		ret = tell(p, "starting its consoles", start_consoles(p));
	if (ret)
		return ret;
	ret = tell(p, what, vm_ahead_finish(ahead, &p->vm, &what));
	if (!ret)
		ret = tell(p, "starting its devices", machine_start(&p->build.machine));
	return ret;
}

int partition_start(struct partition *p)
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
	return ret;
}
