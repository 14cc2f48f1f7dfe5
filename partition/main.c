/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The partition process. Its first thread builds the partition, then is its I/O thread: consoles
 * and the supervisor's messages. The vCPUs have threads of their own (vmm/vcpu.c).
 *
 * It opens no file: every descriptor was opened by the supervisor and is named in the launch block.
 */
#include "partition/partition.h"

#include "lib/ipc.h"
#include "lib/util.h"
#include "partition/build.h"
#include "partition/console.h"
#include "partition/explain.h"
#include "partition/lockdown.h"
#include "partition/protocol.h"
#include "vmm/vcpu.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>

/* At the end, consoles get this long to take what the guest wrote last. */
#define DRAIN_LIMIT_NS 1000000000
#define DRAIN_STEP_NS  2000000

struct partition {
	struct partition_launch launch;
	struct plan_partition *plan;
	struct partition_build build;
	struct vm *vm;
	struct diags gaps; /* of the lock-down */

	struct loop *loop;
	struct loop_watch control;
	struct loop_watch ended;
	struct loop_watch wake; /* chardevs want the I/O thread */
	struct loop_timer drain_timer;
	struct chardev ports[PLAN_SERIAL_PORTS];
	char labels[PLAN_SERIAL_PORTS][48];
	struct console *consoles[PLAN_SERIAL_PORTS];
	struct console_line *line;

	bool stopping;
	uint64_t released_ns;
	uint64_t drain_deadline_ns;
};

/* ---- the launch block ---- */

static int launch_read(struct partition *p, int fd)
{
	struct stat st;
	int ret = -EPROTO;
	uint8_t *bytes;

	if (fstat(fd, &st))
		return -errno;
	if ((size_t)st.st_size <= sizeof(p->launch))
		return -EPROTO;
	bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return -errno;
	memcpy(&p->launch, bytes, sizeof(p->launch));
	if (p->launch.version == PARTITION_LAUNCH_VERSION && p->launch.size == sizeof(p->launch))
		ret = plan_partition_decode(bytes + sizeof(p->launch),
			(size_t)st.st_size - sizeof(p->launch), &p->plan);
	munmap(bytes, (size_t)st.st_size);
	close(fd);
	return ret;
}

/* ---- messages ---- */

static void send_failed(struct partition *p, bool host, const struct diags *diags)
{
	struct {
		struct message_failed failed;
		char text[IPC_PAYLOAD_MAX - sizeof(struct message_failed)];
	} message = {.failed.host = host};
	FILE *f = fmemopen(message.text, sizeof(message.text), "w");

	if (f) {
		diags_print(diags, f, "");
		fclose(f);
	}
	ipc_send(p->launch.control_fd, MSG_FAILED, &message,
		sizeof(message.failed) + strnlen(message.text, sizeof(message.text)));
}

static void send_failed_host(struct partition *p, const char *what, int error)
{
	struct diags diags;

	diags_init(&diags);
	explain_host_error(p->plan, what, error, &diags);
	send_failed(p, true, &diags);
	diags_fini(&diags);
}

/* Appends a counter that is not zero; the batch is sent when it is full. */
struct counter_batch {
	int fd;
	unsigned count;
	struct message_counter items[64];
};

static void batch_flush(struct counter_batch *b)
{
	if (b->count)
		ipc_send(b->fd, MSG_STATS, b->items, b->count * sizeof(b->items[0]));
	b->count = 0;
}

static void batch_add(struct counter_batch *b, unsigned vcpu, const char *name, uint64_t count)
{
	struct message_counter *c = &b->items[b->count];

	if (!count)
		return;
	*c = (struct message_counter){.vcpu = vcpu, .count = count};
	snprintf(c->name, sizeof(c->name), "%s", name);
	if (++b->count == ARRAY_SIZE(b->items))
		batch_flush(b);
}

static void send_stats(struct partition *p)
{
	struct counter_batch batch = {.fd = p->launch.control_fd};

	for (unsigned i = 0; i < p->vm->vcpu_count; i++) {
		const struct vcpu_counters *c = &p->vm->vcpus[i].counters;

		for (unsigned r = 0; r < VCPU_EXITS_MAX; r++)
			batch_add(&batch, i, arch_exits[r].name, c->exits[r]);
		batch_add(&batch, i, "unknown", c->exits[VCPU_EXITS_MAX]);
		batch_add(&batch, i, "kicks", c->signals);
		batch_add(&batch, i, "unclaimed ports", c->unclaimed_port);
		batch_add(&batch, i, "unclaimed addresses", c->unclaimed_mmio);
	}
	batch_flush(&batch);
}

static void send_report(struct partition *p)
{
	const struct vm_end *end = vm_ended(p->vm);
	struct {
		struct message_report report;
		char text[IPC_PAYLOAD_MAX - sizeof(struct message_report)];
	} message = {0};

	for (unsigned i = 0; i < PLAN_SERIAL_PORTS; i++) {
		message.report.dropped[i] = atomic_load(&p->ports[i].dropped);
		if (p->consoles[i])
			message.report.log_lost[i] = console_log_lost(p->consoles[i]);
	}
	if (end)
		snprintf(message.text, sizeof(message.text), "%s", end->report);
	ipc_send(p->launch.control_fd, MSG_REPORT, &message,
		sizeof(message.report) + strlen(message.text));
}

/* ---- the end ---- */

static void finish(struct partition *p)
{
	for (unsigned i = 0; i < PLAN_SERIAL_PORTS; i++) {
		if (p->consoles[i])
			console_finish(p->consoles[i]);
	}
	send_stats(p);
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
static void stop(struct partition *p, enum partition_end end, uint32_t code, const char *how)
{
	struct message_ended m = {.end = end, .code = code};

	if (p->stopping)
		return;
	p->stopping = true;
	vm_stop(p->vm);
	m.run_ns = p->released_ns ? monotonic_ns() - p->released_ns : 0;
	snprintf(m.how, sizeof(m.how), "%s", how);
	ipc_send(p->launch.control_fd, MSG_ENDED, &m, sizeof(m));
	p->drain_deadline_ns = monotonic_ns() + DRAIN_LIMIT_NS;
	drain(&p->drain_timer);
}

static void vm_has_ended(struct loop_watch *w, uint32_t revents)
{
	static const enum partition_end ends[] = {
		[END_POWER_OFF] = PARTITION_POWER_OFF,
		[END_RESET] = PARTITION_RESET,
		[END_EXIT_CODE] = PARTITION_EXIT_CODE,
		[END_TRIPLE_FAULT] = PARTITION_FATAL,
		[END_INTERNAL_ERROR] = PARTITION_FATAL,
		[END_FAIL_ENTRY] = PARTITION_FATAL,
		[END_UNKNOWN_EXIT] = PARTITION_FATAL,
		[END_MONITOR_ERROR] = PARTITION_FATAL,
		[END_VIOLATION] = PARTITION_FATAL,
		[END_WATCHDOG] = PARTITION_FATAL,
	};
	struct partition *p = container_of(w, struct partition, ended);
	const struct vm_end *end = vm_ended(p->vm);

	(void)revents;
	loop_unwatch(p->loop, w);
	if (!end)
		return;
	stop(p, ends[end->kind], end->code, end->how);
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

static void control_ready(struct loop_watch *w, uint32_t revents)
{
	struct partition *p = container_of(w, struct partition, control);
	struct ipc_message m;
	int ret = ipc_receive(w->fd, &m);

	(void)revents;
	if (ret == -EAGAIN)
		return;
	if (ret)
		supervisor_gone(p);
	if (m.type == MSG_START && !p->released_ns) {
		p->released_ns = monotonic_ns();
		vm_release(p->vm);
	} else if (m.type == MSG_STOP) {
		stop(p, PARTITION_STOPPED, 0, "stopped by the supervisor");
	}
}

static void chardevs_ready(struct loop_watch *w, uint32_t revents)
{
	struct partition *p = container_of(w, struct partition, wake);
	uint64_t count;

	(void)revents;
	(void)!read(w->fd, &count, sizeof(count));
	for (unsigned i = 0; i < PLAN_SERIAL_PORTS; i++) {
		if (p->consoles[i])
			console_pump(p->consoles[i]);
	}
}

static void quit_requested(void *ctx)
{
	struct partition *p = ctx;

	ipc_send(p->launch.control_fd, MSG_QUIT, NULL, 0);
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

static int start_io(struct partition *p)
{
	cpu_set_t cores;
	int wake_fd, ret;

	cores_to_set(p->launch.io_cores, &cores);
	if (CPU_COUNT(&cores) && sched_setaffinity(0, sizeof(cores), &cores))
		return -errno;
	p->line = mmap(
		NULL, sizeof(*p->line), PROT_READ | PROT_WRITE, MAP_SHARED, p->launch.line_fd, 0);
	if (p->line == MAP_FAILED)
		return -errno;
	wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (wake_fd < 0)
		return -errno;
	ret = loop_create(&p->loop);
	if (!ret)
		ret = loop_timer_init(p->loop, &p->drain_timer, drain);
	if (!ret)
		ret = watch(p, &p->wake, wake_fd, chardevs_ready);
	if (!ret)
		ret = watch(p, &p->control, p->launch.control_fd, control_ready);
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

		chardev_init(&p->ports[i], p->wake.fd);
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
	for (unsigned i = 0; !ret && i < p->plan->module_count; i++)
		ret = file_map_fd(p->launch.module_fds[i], &files->modules[i]);
	fd_close(&p->launch.image_fd);
	fd_close(&p->launch.initrd_fd);
	for (unsigned i = 0; i < p->plan->module_count; i++)
		fd_close(&p->launch.module_fds[i]);
	return ret;
}

/* Builds the machine; on failure the supervisor has been told. */
static int build(struct partition *p)
{
	AUTO_FREE struct partition_files *files = calloc(1, sizeof(*files));
	struct partition_request req = {.plan = p->plan, .files = files};
	struct diags diags;
	int ret = files ? map_files(p, files) : -ENOMEM;

	if (ret) {
		send_failed_host(p, "mapping its images", ret);
		return ret;
	}
	for (unsigned i = 0; i < PLAN_SERIAL_PORTS; i++)
		req.ports[i] = p->consoles[i] ? &p->ports[i] : NULL;
	diags_init(&diags);
	ret = partition_build_init(&req, &diags, &p->build);
	if (ret)
		send_failed(p, ret != -EINVAL, &diags);
	diags_fini(&diags);
	partition_files_unmap(files);
	return ret;
}

static int create_vm(struct partition *p, const char **ret_what)
{
	cpu_set_t affinity[PLAN_VCPUS_MAX];
	int ret = vm_create(p->launch.kvm_fd, &p->build.machine, &p->vm, ret_what);

	vcpu_affinity(p, affinity);
	if (!ret)
		ret = vm_start(p->vm, &p->build.entry, affinity, p->plan->name, ret_what);
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

/* Locks the process down for good, and tells that the partition can be released. */
static int send_ready(struct partition *p)
{
	char gaps[IPC_PAYLOAD_MAX];
	size_t size;
	int ret;

	fd_close(&p->launch.kvm_fd);
	ret = partition_lockdown_late(p->plan, &p->gaps);
	if (ret) {
		send_failed(p, true, &p->gaps);
		return ret;
	}
	size = partition_lockdown_text(&p->gaps, gaps, sizeof(gaps));
	return ipc_send(p->launch.control_fd, MSG_READY, gaps, size);
}

static int partition_run(struct partition *p)
{
	const char *what = "starting its I/O thread";
	int ret = start_io(p);

	if (!ret)
		ret = start_consoles(p);
	if (ret) {
		send_failed_host(p, what, ret);
		return ret;
	}
	ret = build(p);
	if (ret)
		return ret;
	partition_lockdown_memory(p->plan, &p->gaps);
	die_with_supervisor(p);
	ret = create_vm(p, &what);
	if (ret) {
		send_failed_host(p, what, ret);
		return ret;
	}
	ret = send_ready(p);
	return ret ? ret : loop_run(p->loop);
}

int partition_main(int argc, char **argv)
{
	struct partition *p = calloc(1, sizeof(*p));
	int ret;

	if (argc != 3 || !p || launch_read(p, atoi(argv[2])) < 0)
		return EXIT_FAILURE;
	prctl(PR_SET_NAME, argv[1]);
	/* Ctrl-C reaches the whole foreground group; only the supervisor decides what it means. */
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	/* Terminals that are not ours: an error of a call, not our end. */
	signal(SIGTTIN, SIG_IGN);
	signal(SIGTTOU, SIG_IGN); /* supervisor_gone restores the terminal from the background */
	if (partition_lockdown_early(p->plan, &p->gaps)) {
		send_failed(p, true, &p->gaps);
		_exit(EXIT_FAILURE);
	}
	die_with_supervisor(p);
	ret = partition_run(p);
	if (ret)
		terminal_restore(p);
	/* The kernel frees everything faster than we could; consoles are drained already. */
	_exit(ret ? EXIT_FAILURE : EXIT_SUCCESS);
}
