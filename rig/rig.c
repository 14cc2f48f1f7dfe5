/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig/rig.h"

#include "lib/exitcode.h"
#include "lib/file.h"
#include "lib/size.h"
#include "lib/util.h"
#include "rig/emulator.h"
#include "rig/kernel.h"
#include "rig/say.h"
#include "rig/session.h"
#include "rig/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>

/* What the machine's own Linux and bulkhead take. */
#define MARGIN   (384 * MIB)
#define CPUS_MAX 64

static int check_qemu(const struct rig_options *o)
{
	const char *package, *qemu = emulator_program(o->arch, &package);

	if (tool_exists(qemu))
		return 0;
	diag_error(o->job->diags, NULL, NULL,
		"%s, which emulates the machine, is not here; install the package %s", qemu,
		package);
	return -ENOENT;
}

/* The program for the machine, in *O: as given, or found. */
static int find_program(struct rig_options *o, char ret_path[PATH_MAX])
{
	char own[PATH_MAX];

	file_own_program(own);
	if (o->program && image_runs_alone(o->program, o->arch))
		return 0;
	if (!o->program && image_find_program(own, o->arch, ret_path)) {
		o->program = ret_path;
		return 0;
	}
	if (o->program)
		diag_error(o->job->diags, NULL, "--program",
			"%s is no static program for %s; give bulkhead as `make ARCH=%s` builds it",
			o->program, plan_arch_name(o->arch),
			o->arch == PLAN_ARCH_ARM64 ? "arm64" : "x86");
	else
		diag_error(o->job->diags, NULL, NULL,
			"there is no static bulkhead for %s near %s; build one (make ARCH=%s), or give "
			"--program FILE",
			plan_arch_name(o->arch), own, o->arch == PLAN_ARCH_ARM64 ? "arm64" : "x86");
	return -ENOENT;
}

/* The kernel, given or not, in *RET. */
static int find_kernel(const struct rig_options *o, struct rig_kernel *ret)
{
	const char *const paths[] = {o->kernel, o->modules};

	if (!o->kernel)
		return rig_kernel_find(o->arch, o->job->diags, ret);
	for (unsigned i = 0; i < ARRAY_SIZE(paths); i++) {
		if (paths[i] && access(paths[i], R_OK)) {
			diag_error(o->job->diags, NULL, i ? "--modules" : "--kernel",
				"%s: %s; give one that can be read", paths[i], strerror(errno));
			return -ENOENT;
		}
	}
	snprintf(ret->image, sizeof(ret->image), "%s", o->kernel);
	snprintf(ret->modules, sizeof(ret->modules), "%s", o->modules ?: "");
	return 0;
}

static int check_size(const struct rig_options *o)
{
	uint64_t size = rig_job_size(o->job);
	char have[QUANTITY_MAX], fits[QUANTITY_MAX];

	if (size <= RIG_FILES_MAX)
		return 0;
	diag_error(o->job->diags, NULL, NULL,
		"the files come to %s, and no more than %s fit into the rig; run less at a time, or "
		"make them smaller",
		format_size(size, have), format_size(RIG_FILES_MAX, fits));
	return -EFBIG;
}

/* Memory for the plans, the archive and what is unpacked from it, which may be half of all. */
static uint64_t default_memory(const struct rig_job *job, uint64_t archive)
{
	uint64_t guests = max_u64(job->memory, min_u64(job->all_memory, 2 * GIB));

	return align_up(guests + 2 * archive + MARGIN, 64 * MIB);
}

static unsigned default_cpus(const struct rig_job *job)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	uint64_t cpus = online > 0 ? min_u64((uint64_t)online, 4) : 2;

	return (unsigned)min_u64(max_u64(max_u64(cpus, job->cores), 2), CPUS_MAX);
}

static void announce(const struct emulator_spec *spec)
{
	char memory[QUANTITY_MAX];

	rig_say("emulating an %s machine (QEMU TCG) with %u cores and %s; times in it say nothing "
		"about real machines",
		plan_arch_name(spec->arch), spec->cpus, format_size(spec->memory, memory));
}

/* Signals come through a descriptor, and none ends us with a machine left or a terminal raw. */
static void block_signals(sigset_t *ret_before)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH};
	sigset_t set;

	sigemptyset(&set);
	for (unsigned i = 0; i < ARRAY_SIZE(numbers); i++)
		sigaddset(&set, numbers[i]);
	sigprocmask(SIG_BLOCK, &set, ret_before);
	signal(SIGPIPE, SIG_IGN);
}

static int run_machine(const struct rig_options *o, const struct emulator_spec *spec,
	const struct rig_terminal *terminal)
{
	AUTO_CLOSE int log = -1;
	struct session_spec session = {.job = o->job, .terminal = terminal, .log_fd = -1};
	struct emulator machine = {0};
	sigset_t before;
	int code;

	if (o->log) {
		log = open(o->log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
		if (log < 0) {
			rig_say("--log %s: %s; name another file", o->log, strerror(errno));
			return BH_EXIT_HOST;
		}
	}
	announce(spec);
	block_signals(&before);
	code = emulator_start(spec, &machine);
	if (code) {
		rig_say("QEMU cannot be started: %s", strerror(-code));
		code = BH_EXIT_HOST;
	} else {
		session.machine = &machine;
		session.log_fd = log;
		code = session_run(&session);
		emulator_end(&machine);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	return code;
}

/* Everything before the machine starts. 0 with SPEC complete, or a negative errno. */
static int prepare(struct rig_options *o, const struct rig_terminal *terminal,
	struct rig_kernel *kernel, char program[PATH_MAX], struct emulator_spec *spec)
{
	uint64_t archive = 0;
	int ret = check_qemu(o) ?: find_program(o, program) ?: check_size(o);

	if (!ret)
		ret = find_kernel(o, kernel);
	if (!ret)
		ret = image_create(o, kernel->modules[0] ? kernel->modules : NULL, terminal,
			&spec->initrd_fd, &archive);
	*spec = (struct emulator_spec){.arch = o->arch,
		.kernel = kernel->image,
		.initrd_fd = spec->initrd_fd,
		.cpus = o->cpus ?: default_cpus(o->job),
		.memory = o->memory ?: default_memory(o->job, archive),
		.extra = o->qemu,
		.extra_count = o->qemu_count};
	return ret ?: o->job->diags->errors ? -EINVAL : 0;
}

int rig_run(const struct rig_options *options)
{
	struct rig_options o = *options;
	struct emulator_spec spec = {.initrd_fd = -1};
	AUTO_FREE struct rig_kernel *kernel = calloc(1, sizeof(*kernel));
	struct rig_terminal terminal;
	char program[PATH_MAX];
	int code = BH_EXIT_HOST, ret;

	session_terminal(&terminal);
	ret = kernel ? prepare(&o, &terminal, kernel, program, &spec) : -ENOMEM;
	diags_print(o.job->diags, stderr, "bulkhead rig: ");
	if (!ret)
		code = run_machine(&o, &spec, &terminal);
	else if (!o.job->diags->errors)
		rig_say("the emulated machine cannot be put together: %s", strerror(-ret));
	cleanup_close(&spec.initrd_fd);
	return code;
}
