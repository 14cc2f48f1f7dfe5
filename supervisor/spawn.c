/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Opening what partitions get, and starting their processes. A partition receives descriptors only,
 * with its launch.
 */
#include "supervisor/bsp.h"
#include "supervisor/child_files.h"
#include "supervisor/control.h"
#include "supervisor/helper.h"
#include "supervisor/process.h"
#include "supervisor/run.h"

#include "lib/file.h"
#include "lib/terminal.h"
#include "lib/util.h"
#include "partition/handover.h"
#include "partition/partition.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define KVM_DEVICE "/dev/kvm"

/* ---- cores ---- */

enum core_owner {
	OWNER_EXCLUSIVE, /* a partition whose vCPUs have their cores to themselves */
	OWNER_SAFETY,    /* the safety partition */
};

static bool core_owned(const struct plan *plan, unsigned core, enum core_owner owner)
{
	for (unsigned i = 0; i < plan->partition_count; i++) {
		const struct plan_partition *p = &plan->partitions[i];

		if (owner == OWNER_SAFETY ? p->role != PLAN_SAFETY : p->cpus.shared)
			continue;
		for (unsigned c = 0; c < p->cpus.core_count; c++) {
			if (p->cpus.cores[c] == core)
				return true;
		}
	}
	return false;
}

/* Adds the cores that this process may use and that nobody of the kind OWNER has. How many. */
static unsigned add_free_cores(
	const struct run *run, enum core_owner owner, uint64_t words[CORE_WORDS])
{
	unsigned found = 0;

	for (unsigned core = 0; core < PLAN_CORES_MAX && core < CPU_SETSIZE; core++) {
		if (!CPU_ISSET(core, &run->allowed) || core_owned(run->plan, core, owner))
			continue;
		cores_add(words, core);
		found++;
	}
	return found;
}

/*
 * Housekeeping cores: what the plan says; else the cores that no partition has to itself; else
 * those that the safety partition does not have. All zero: anywhere.
 */
static void choose_io_cores(const struct run *run, uint64_t words[CORE_WORDS])
{
	const struct plan *plan = run->plan;

	for (unsigned i = 0; i < plan->housekeeping_count; i++)
		cores_add(words, plan->housekeeping[i]);
	if (!plan->housekeeping_count && !add_free_cores(run, OWNER_EXCLUSIVE, words))
		add_free_cores(run, OWNER_SAFETY, words);
}

/* Where the vCPUs of a partition that shares cores run. False when there is no core for them. */
static bool choose_vcpu_cores(
	const struct run *run, const struct plan_partition *p, uint64_t words[CORE_WORDS])
{
	for (unsigned i = 0; i < p->cpus.core_count; i++)
		cores_add(words, p->cpus.cores[i]);
	return p->cpus.core_count || add_free_cores(run, OWNER_EXCLUSIVE, words);
}

/* The supervisor's own work is housekeeping, too. */
static void settle_on_io_cores(struct run *run)
{
	cpu_set_t cores;

	if (sched_getaffinity(0, sizeof(run->allowed), &run->allowed))
		return;
	control_exclude_claimed(run, &run->allowed);
	choose_io_cores(run, run->io_cores);
	cores_to_set(run->io_cores, &cores);
	/* Where this is refused, the plan's check against the host has said so, or will. */
	if (CPU_COUNT(&cores))
		sched_setaffinity(0, sizeof(cores), &cores);
}

/* ---- what the run shares ---- */

static int open_kvm(struct run *run, struct diags *diags)
{
	int error;

	run->kvm_fd = open(KVM_DEVICE, O_RDWR | O_CLOEXEC);
	if (run->kvm_fd >= 0)
		return 0;
	error = errno;
	diag_error(diags, NULL, NULL, "%s cannot be opened: %s; %s", KVM_DEVICE, strerror(error),
		diag_remedy(error) ?: "`bulkhead doctor` says why and what to do");
	return -error;
}

static bool same_file(int a, int b)
{
	struct stat x, y;

	return !fstat(a, &x) && !fstat(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static int open_line(struct run *run)
{
	void *line;

	/* Sealed: nobody takes the page away from under those who share it. */
	run->line_fd = memfd_create("bulkhead-line", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (run->line_fd < 0 || ftruncate(run->line_fd, sizeof(*run->line)) ||
		fcntl(run->line_fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW))
		return -errno;
	line = mmap(NULL, sizeof(*run->line), PROT_READ | PROT_WRITE, MAP_SHARED, run->line_fd, 0);
	if (line == MAP_FAILED)
		return -errno;
	run->line = line;
	return 0;
}

int run_open(struct run *run, struct diags *diags)
{
	const struct run_options *o = run->options;
	int ret = open_kvm(run, diags);

	if (ret)
		return ret;
	settle_on_io_cores(run);
	ret = open_line(run);
	if (!ret && (!o->console || strcmp(o->console, "none") != 0)) {
		run->console_out = open_console(o->json ? STDERR_FILENO : STDOUT_FILENO, O_WRONLY);
		ret = run->console_out < 0 ? run->console_out : 0;
		run->err_is_console = same_file(run->console_out, STDERR_FILENO);
	}
	/* A terminal whose foreground we are not in is not ours to read. */
	if (!ret && run->console_child >= 0 && isatty(STDIN_FILENO) && !terminal_is_ours()) {
		run_say(run, "in the background of the terminal: the console takes no input");
	} else if (!ret && run->console_child >= 0) {
		terminal_find(run);
		run->console_in = open_console(STDIN_FILENO, O_RDONLY);
		ret = run->console_in < 0 ? run->console_in : 0;
	}
	if (ret) {
		diag_error(diags, NULL, NULL, "the console cannot be set up: %s; %s",
			strerror(-ret),
			diag_remedy(-ret) ?: "see whether standard input and output are open");
		return ret;
	}
	if (o->log_dir && mkdir(o->log_dir, 0777) && errno != EEXIST) {
		ret = -errno;
		diag_error(diags, NULL, "--log-dir",
			"%s cannot be made: %s; name a directory that can", o->log_dir,
			strerror(-ret));
	}
	return ret ? ret : run_core_dir(run, diags);
}

void run_close(struct run *run)
{
	if (run->line)
		munmap(run->line, sizeof(*run->line));
	fd_close(&run->line_fd);
	fd_close(&run->kvm_fd);
	fd_close(&run->console_out);
	fd_close(&run->console_in);
}

/* ---- what a child gets ---- */

int child_keep(struct child_files *f, int fd)
{
	if (fd >= 0)
		f->owned[f->owned_count++] = fd;
	return fd;
}

void child_open_failed(
	struct child_files *f, const char *key, const struct diag_loc *loc, const char *path)
{
	char field[PLAN_FIELD_MAX];
	int error = errno;

	f->host_error = f->host_error || error == EMFILE || error == ENFILE || error == ENOMEM;
	diag_error(f->diags, loc, plan_field(f->child->plan, key, field),
		"%s cannot be opened: %s; %s", path, strerror(error),
		diag_remedy(error) ?: "see the path and its permissions");
}

static int open_input(
	struct child_files *f, const char *key, const struct diag_loc *loc, const char *path)
{
	/* O_NONBLOCK: a FIFO must not hang us; it is refused later, as not being a regular file. */
	int fd = child_keep(f, open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK));

	if (fd < 0)
		child_open_failed(f, key, loc, path);
	return fd;
}

/*
 * A Linux kernel on arm64 finds its console in the device tree. Later nobody looks at the file any
 * more, which is not ours: whoever may write to it would make us wait, or worse.
 */
static bool lacks_console(const struct plan_partition *p, int image_fd)
{
	return p->arch == PLAN_ARCH_X86_64 && p->cmdline && !strstr(p->cmdline, "console=") &&
	       partition_image_fd_is_linux(image_fd);
}

static void open_images(struct child_files *f)
{
	const struct plan_partition *p = f->child->plan;
	struct partition_launch *l = &f->launch;

	l->image_fd = open_input(f, "image", &p->locs[PLAN_KEY_IMAGE], p->image);
	f->child->lacks_console = lacks_console(p, l->image_fd);
	if (p->initrd)
		l->initrd_fd = open_input(f, "initrd", &p->locs[PLAN_KEY_INITRD], p->initrd);
	if (p->arm64.overlay)
		l->overlay_fd = open_input(
			f, "arm64.overlay", &p->locs[PLAN_KEY_OVERLAY], p->arm64.overlay);
	for (unsigned i = 0; i < p->module_count; i++)
		l->module_fds[i] = open_input(f, "modules", &p->modules[i].loc, p->modules[i].path);
}

/* Where its I/O thread runs: a start has cores of its own (process.c), which are no longer meant.
 */
static void launch_cores(const struct run *run, uint64_t words[CORE_WORDS])
{
	cpu_set_t cores;

	memcpy(words, run->io_cores, sizeof(run->io_cores));
	cores_to_set(words, &cores);
	for (unsigned core = 0; !CPU_COUNT(&cores) && core < PLAN_CORES_MAX && core < CPU_SETSIZE;
		core++) {
		if (CPU_ISSET(core, &run->allowed))
			cores_add(words, core);
	}
}

static void launch_init(struct child_files *f)
{
	const struct plan_partition *p = f->child->plan;
	struct partition_launch *l = &f->launch;

	l->version = PARTITION_LAUNCH_VERSION;
	l->size = sizeof(*l);
	l->index = f->child->index;
	l->kvm_fd = f->child->run->kvm_fd;
	l->line_fd = f->child->run->line_fd;
	l->image_fd = l->initrd_fd = l->overlay_fd = -1;
	l->shared_fd = l->status_fd = l->status_irq_fd = -1;
	for (unsigned i = 0; i < PLAN_VCPUS_MAX; i++)
		l->alarm_fds[i] = -1;
	l->shared_fd = f->child->shared_fd;
	l->status_fd = run_status_fd(f->child->run, f->child);
	l->status_irq_fd = run_status_irq_fd(f->child->run, f->child);
	if (p->on_fatal == PLAN_FATAL_SAFE_STATE) {
		for (unsigned i = 0; i < p->cpus.vcpus && i < p->cpus.core_count; i++)
			l->alarm_fds[i] = run_bsp_alarm_fd(f->child->run, p->cpus.cores[i]);
	}
	for (unsigned i = 0; i < PLAN_MODULES_MAX; i++)
		l->module_fds[i] = -1;
	for (unsigned i = 0; i < PLAN_DEVICES_MAX; i++) {
		for (unsigned k = 0; k < DEVICE_FDS_MAX; k++)
			l->device_fds[i][k] = -1;
	}
	for (unsigned i = 0; i < REGION_FDS_MAX; i++)
		l->region_fds[i] = -1;
	for (unsigned i = 0; i < PLAN_PORTS_MAX; i++)
		l->ports[i] = (struct partition_port){.out_fd = -1, .in_fd = -1, .log_fd = -1};
	l->cores = f->child->run->options->core_dir != NULL;
	launch_cores(f->child->run, l->io_cores);
	if (p->cpus.shared && !choose_vcpu_cores(f->child->run, p, l->vcpu_cores))
		diag_error(f->diags, &p->locs[PLAN_KEY_CPUS], p->name,
			"every core that this process may use belongs to another partition; name cores "
			"to share (cpus.on), or give the others fewer");
}

/* ---- the process ---- */

/* Gives the child its process, and the process what it is for. */
static int launch(struct child_files *f)
{
	struct child *child = f->child;
	struct partition_process process;
	bool isolate = child->plan->lockdown != PLAN_LOCKDOWN_OFF;
	int ret = process_get(child->run->options->spare, isolate, &process);

	if (ret)
		return ret;
	ret = handover_send(process.control_fd, &f->launch, child->plan);
	if (ret) {
		process_end(&process);
		return ret;
	}
	child->pid = process.pid;
	child->exited.fd = process.pidfd;
	child->control.fd = process.control_fd;
	child->state = CHILD_STARTING;
	return 0;
}

int child_spawn(struct child *child, struct diags *diags)
{
	AUTO_FREE struct child_files *f = calloc(1, sizeof(*f));
	unsigned errors = diags->errors;
	int ret;

	if (!f)
		return -ENOMEM;
	f->child = child;
	f->diags = diags;
	launch_init(f);
	open_images(f);
	child_open_ports(f);
	child_open_devices(f);
	ret = diags->errors == errors ? launch(f) : f->host_error ? -EMFILE : -EINVAL;
	for (unsigned i = 0; i < f->owned_count; i++)
		close(f->owned[i]);
	if (ret)
		helpers_end(child);
	if (ret && diags->errors == errors)
		diag_error(diags, &child->plan->locs[PLAN_KEY_PARTITION], child->plan->name,
			"its process cannot be started: %s; %s", strerror(-ret),
			diag_remedy(-ret) ?: DOCTOR_REMEDY);
	return ret;
}
