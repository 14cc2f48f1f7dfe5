/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Starting the BSP's process: it receives descriptors only, as a partition does (spawn.c).
 */
#include "supervisor/bsp.h"

#include "lib/file.h"
#include "lib/ipc.h"
#include "lib/sandbox.h"
#include "lib/util.h"
#include "supervisor/net.h"
#include "supervisor/run.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

_Static_assert(BSP_CORES_MAX == PLAN_CORES_MAX, "every core of a plan can be told of");
_Static_assert(BSP_FILES_MAX == PLAN_BSP_FILES_MAX, "every file of a plan can be given");

extern char **environ;

/* ---- cores ---- */

static bool lists_core(const struct plan_cpus *cpus, unsigned core)
{
	for (unsigned i = 0; i < cpus->core_count; i++) {
		if (cpus->cores[i] == core)
			return true;
	}
	return false;
}

static bool owned_exclusively(const struct plan *plan, unsigned core)
{
	for (unsigned i = 0; i < plan->partition_count; i++) {
		const struct plan_cpus *cpus = &plan->partitions[i].cpus;

		if (!cpus->shared && lists_core(cpus, core))
			return true;
	}
	return false;
}

/* Whether P's vCPUs may run on CORE: those that share without saying where have all free ones. */
static bool has_core(const struct run *run, const struct plan_partition *p, unsigned core)
{
	if (p->cpus.core_count)
		return lists_core(&p->cpus, core);
	return core < CPU_SETSIZE && CPU_ISSET(core, &run->allowed) &&
	       !owned_exclusively(run->plan, core);
}

static const struct plan_partition *core_partition(const struct run *run, unsigned core)
{
	const struct plan_partition *found = NULL;

	for (unsigned i = 0; i < run->plan->partition_count; i++) {
		const struct plan_partition *p = &run->plan->partitions[i];

		if (has_core(run, p, core) && (!found || p->role == PLAN_SAFETY))
			found = p;
	}
	return found;
}

static int make_cores(struct run_bsp *bsp)
{
	bsp->cores = calloc(PLAN_CORES_MAX, sizeof(*bsp->cores));
	if (!bsp->cores)
		return -ENOMEM;
	for (unsigned core = 0; core < PLAN_CORES_MAX; core++) {
		const struct plan_partition *p = core_partition(bsp->run, core);
		struct bsp_core *c = &bsp->cores[bsp->core_count];

		if (!p)
			continue;
		*c = (struct bsp_core){.core = core,
			.partition = p,
			.alarm_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
		if (c->alarm_fd < 0)
			return -errno;
		bsp->core_count++;
	}
	return bsp->core_count ? 0 : -EINVAL;
}

/* ---- what the process gets ---- */

struct bsp_files {
	struct run_bsp *bsp;
	bool host_error; /* something could not be opened because of a limit of this host */
	int owned[BSP_FILES_MAX + 4];
	unsigned owned_count;
	struct bsp_launch launch;
};

static int keep(struct bsp_files *f, int fd)
{
	if (fd >= 0)
		f->owned[f->owned_count++] = fd;
	return fd;
}

static int open_for_bsp(
	struct bsp_files *f, const struct diag_loc *loc, const char *path, int flags)
{
	/* O_NONBLOCK: a FIFO that nobody reads must not hang us. */
	int fd = keep(f, open(path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
	int error = errno;

	if (fd >= 0)
		return fd;
	f->host_error = f->host_error || error == EMFILE || error == ENFILE || error == ENOMEM;
	diag_error(f->bsp->diags, loc, "bsp", "%s cannot be opened: %s; %s", path, strerror(error),
		diag_remedy(error) ?: "see the path and its permissions");
	return -1;
}

static void open_files(struct bsp_files *f)
{
	static const int flags[] = {[PLAN_ACCESS_READ] = O_RDONLY,
		[PLAN_ACCESS_WRITE] = O_WRONLY,
		[PLAN_ACCESS_READ_WRITE] = O_RDWR};
	const struct plan_bsp *plan = &f->bsp->run->plan->bsp;
	struct bsp_launch *l = &f->launch;

	l->object_fd = -1;
	if (plan->kind == PLAN_BSP_FILE) {
		l->object_fd = open_for_bsp(f, &plan->loc, plan->path, O_RDONLY);
		snprintf(l->object, sizeof(l->object), "%s", plan->path);
	}
	l->file_count = plan->file_count;
	for (unsigned i = 0; i < plan->file_count; i++) {
		const struct plan_bsp_file *file = &plan->files[i];

		l->files[i].fd = open_for_bsp(f, &file->loc, file->path, flags[file->access]);
		snprintf(l->files[i].path, sizeof(l->files[i].path), "%s", file->path);
	}
}

/* The page of times: sealed, so that nobody takes it away from under the others. */
static int make_shared(struct bsp_files *f)
{
	struct run_bsp *bsp = f->bsp;
	size_t size = bsp->core_count * sizeof(*bsp->shared);
	int fd = keep(f, memfd_create("bulkhead-bsp", MFD_CLOEXEC | MFD_ALLOW_SEALING));
	void *shared;

	if (fd < 0 || ftruncate(fd, (off_t)size) ||
		fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW))
		return -errno;
	shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (shared == MAP_FAILED)
		return -errno;
	bsp->shared = shared;
	f->launch.shared_fd = fd;
	return 0;
}

/* The launch block and the cores in one sealed memfd. */
static int launch_seal(struct bsp_files *f)
{
	static const enum bsp_lockdown lockdowns[] = {[PLAN_LOCKDOWN_AUTO] = BSP_LOCKDOWN_AUTO,
		[PLAN_LOCKDOWN_STRICT] = BSP_LOCKDOWN_STRICT,
		[PLAN_LOCKDOWN_OFF] = BSP_LOCKDOWN_OFF};
	const struct run_bsp *bsp = f->bsp;
	struct bsp_launch *l = &f->launch;
	size_t size = sizeof(*l) + bsp->core_count * sizeof(struct bsp_launch_core);
	AUTO_FREE uint8_t *bytes = malloc(size);
	int fd;

	if (!bytes)
		return -ENOMEM;
	l->version = BSP_LAUNCH_VERSION;
	l->size = sizeof(*l);
	l->core_count = bsp->core_count;
	l->lockdown = lockdowns[bsp->run->plan->lockdown];
	l->deadline_ns = bsp->run->plan->bsp.deadline_ns;
	_Static_assert(sizeof(l->main_cores) == sizeof(bsp->run->io_cores), "the same cores");
	memcpy(l->main_cores, bsp->run->io_cores, sizeof(l->main_cores));
	memcpy(bytes, l, sizeof(*l));
	for (unsigned i = 0; i < bsp->core_count; i++) {
		const struct bsp_core *c = &bsp->cores[i];
		struct bsp_launch_core core = {.core = c->core,
			.role = c->partition->role == PLAN_SAFETY ? BSP_SAFETY : BSP_NON_SAFETY,
			.alarm_fd = c->alarm_fd};

		snprintf(core.partition, sizeof(core.partition), "%s", c->partition->name);
		memcpy(bytes + sizeof(*l) + i * sizeof(core), &core, sizeof(core));
	}
	fd = memfd_create_sealed("bulkhead-bsp-launch", bytes, size);
	return fd < 0 ? fd : keep(f, fd);
}

/* ---- the process ---- */

/* The program beside ours, or where an installation has it. 0 or -ENOENT. */
static int find_program(char ret_path[PATH_MAX])
{
	static const char *const places[] = {"", "../libexec/bulkhead/"};
	char own[PATH_MAX];
	char *slash;

	file_own_program(own);
	slash = strrchr(own, '/');
	if (!slash)
		return -ENOENT;
	slash[1] = '\0';
	for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
		if (snprintf(ret_path, PATH_MAX, "%s%s%s", own, places[i], BSP_PROGRAM) <
				PATH_MAX &&
			!access(ret_path, X_OK))
			return 0;
	}
	return -ENOENT;
}

static int find_or_say(const struct diag_loc *loc, struct diags *diags, char ret_path[PATH_MAX])
{
	int ret = find_program(ret_path);

	if (ret)
		diag_error(diags, loc, "bsp",
			"the program %s is not beside bulkhead, nor in ../libexec/bulkhead/; "
			"install it there",
			BSP_PROGRAM);
	return ret;
}

int supervisor_check_programs(const struct plan *plan, struct diags *diags)
{
	unsigned errors = diags->errors;
	char program[PATH_MAX];

	if (plan->bsp.kind != PLAN_BSP_NONE)
		find_or_say(&plan->bsp.loc, diags, program);
	net_check(plan, diags);
	return diags->errors > errors ? -ENOENT : 0;
}

static int spawn(struct bsp_files *f, const char *program, int launch_fd)
{
	struct run_bsp *bsp = f->bsp;
	size_t count = bsp->core_count + f->owned_count;
	AUTO_FREE int *fds = calloc(count, sizeof(*fds));
	char number[16];
	char *argv[] = {BSP_PROGRAM, number, NULL};
	const struct sandbox_spawn process = {
		.path = program,
		.argv = argv,
		.envp = environ,
		.fds = fds,
		.fd_count = (unsigned)count,
		.isolate = bsp->run->plan->lockdown != PLAN_LOCKDOWN_OFF,
	};

	if (!fds)
		return -ENOMEM;
	snprintf(number, sizeof(number), "%d", launch_fd);
	for (unsigned i = 0; i < bsp->core_count; i++)
		fds[i] = bsp->cores[i].alarm_fd;
	memcpy(fds + bsp->core_count, f->owned, f->owned_count * sizeof(*fds));
	return sandbox_spawn(&process, &bsp->pid, &bsp->exited.fd);
}

/* Everything but the files of the plan: negative errno. */
static int prepare(struct bsp_files *f, int *ret_launch_fd)
{
	struct run_bsp *bsp = f->bsp;
	int pair[2], ret = make_cores(bsp);

	if (!ret)
		ret = make_shared(f);
	if (!ret)
		ret = ipc_pair(pair);
	if (!ret) {
		bsp->control.fd = pair[0];
		f->launch.control_fd = keep(f, pair[1]);
		ret = launch_seal(f);
	}
	if (ret >= 0)
		*ret_launch_fd = ret;
	return ret < 0 ? ret : 0;
}

int bsp_spawn(struct run_bsp *bsp)
{
	AUTO_FREE struct bsp_files *f = calloc(1, sizeof(*f));
	const struct diag_loc *loc = &bsp->run->plan->bsp.loc;
	unsigned errors = bsp->diags->errors;
	char program[PATH_MAX];
	int ret, launch_fd;

	if (!f)
		return -ENOMEM;
	f->bsp = bsp;
	if (find_or_say(loc, bsp->diags, program))
		return -EIO;
	open_files(f);
	ret = bsp->diags->errors == errors ? 0 : f->host_error ? -EIO : -EINVAL;
	if (!ret)
		ret = prepare(f, &launch_fd);
	if (!ret)
		ret = spawn(f, program, launch_fd);
	for (unsigned i = 0; i < f->owned_count; i++)
		close(f->owned[i]);
	if (ret && bsp->diags->errors == errors) {
		diag_error(bsp->diags, loc, "bsp", "its process cannot be started: %s; %s",
			strerror(-ret), diag_remedy(-ret) ?: DOCTOR_REMEDY);
		ret = -EIO;
	}
	return ret;
}
