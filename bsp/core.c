/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The thread of a host core: calls bsp_init there when it is told to, then waits for the core's
 * eventfd and calls bsp_fatal_error.
 */
#include "bsp/host.h"

#include "lib/ipc.h"

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>

/* Stacks are locked in memory: the usual 8 MiB for each core would be a waste. */
#define CORE_STACK_SIZE (128 * KIB)

struct host *the_host;

static __thread struct core *current;

struct core *core_current(void)
{
	return current;
}

/* ---- what a hook can call ---- */

/* Each packet is one system call that keeps no state here, so that any thread may send. */
void host_send(uint16_t type, const void *head, size_t size, const char *text)
{
	uint8_t bytes[sizeof(struct bsp_message_done) + BSP_TEXT_MAX];
	size_t length = strnlen(text, BSP_TEXT_MAX - 1);

	if (size)
		memcpy(bytes, head, size);
	memcpy(bytes + size, text, length);
	ipc_send(the_host->launch.control_fd, type, bytes, size + length);
}

void host_vlog(const struct core *core, const char *fmt, va_list ap)
{
	struct bsp_message_core head = {core ? core->index : BSP_MESSAGE_NO_CORE};
	char text[BSP_TEXT_MAX];

	vsnprintf(text, sizeof(text), fmt, ap);
	host_send(BSP_MSG_LOG, &head, sizeof(head), text);
}

void host_log(const struct core *core, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	host_vlog(core, fmt, ap);
	va_end(ap);
}

static void BSP_PRINTF(2, 3) context_log(const struct bsp_context *ctx, const char *fmt, ...)
{
	va_list ap;

	(void)ctx;
	va_start(ap, fmt);
	host_vlog(current, fmt, ap);
	va_end(ap);
}

static int context_file(const struct bsp_context *ctx, const char *name)
{
	const struct bsp_launch *l = &the_host->launch;

	(void)ctx;
	for (unsigned i = 0; i < l->file_count; i++) {
		const char *path = l->files[i].path, *base = strrchr(path, '/');

		if (strcmp(name, path) == 0 || (base && strcmp(name, base + 1) == 0))
			return l->files[i].fd;
	}
	return -ENOENT;
}

static int BSP_PRINTF(2, 3) context_fail(const struct bsp_context *ctx, const char *fmt, ...)
{
	va_list ap;

	(void)ctx;
	if (current) {
		va_start(ap, fmt);
		vsnprintf(current->reason, sizeof(current->reason), fmt, ap);
		va_end(ap);
	}
	return -1;
}

static __attribute__((noreturn)) void context_halt(const struct bsp_context *ctx)
{
	(void)ctx;
	if (!current)
		abort(); /* the main thread has no core to halt */
	core_halt(current, "called halt()");
}

void context_init(struct bsp_context *ctx, uint32_t core, uint32_t role, const char *partition)
{
	*ctx = (struct bsp_context){
		.size = sizeof(*ctx),
		.core = core,
		.role = role,
		.partition = partition,
		.file = context_file,
		.log = context_log,
		.fail = context_fail,
		.halt = context_halt,
	};
}

/* ---- the ends of a hook ---- */

static _Noreturn void sleep_forever(void)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	for (;;)
		poll(NULL, 0, -1);
}

static void init_done(struct core *core, bool ok)
{
	struct host *host = core->host;
	struct bsp_message_done head = {.index = core->index, .ok = ok, .start_ns = core->start_ns};

	head.end_ns = monotonic_ns();
	atomic_store(&core->shared->state, ok ? BSP_CORE_READY : BSP_CORE_FAILED);
	if (ok)
		atomic_fetch_add(&host->ready, 1);
	atomic_store(&host->initialising, 0);
	host_send(BSP_MSG_DONE, &head, sizeof(head), ok ? "" : core->reason);
}

static void fatal_ended(struct core *core, enum bsp_core_state state)
{
	struct bsp_message_core head = {core->index};

	atomic_store(&core->shared->ended_ns, monotonic_ns());
	atomic_store(&core->shared->state, state);
	host_send(BSP_MSG_LEFT, &head, sizeof(head), "");
}

_Noreturn void core_halt(struct core *core, const char *how)
{
	switch (atomic_load(&core->shared->state)) {
	case BSP_CORE_INIT:
		if (!core->reason[0])
			snprintf(core->reason, sizeof(core->reason), "bsp_init %s", how);
		init_done(core, false);
		break;
	case BSP_CORE_FATAL:
		fatal_ended(core, BSP_CORE_HALTED);
		break;
	default:
		break;
	}
	sleep_forever();
}

/* ---- privileged instructions ---- */

/* Says what the BSP did that a process may not; it is about to die of it. */
static void log_privileged(const struct core *core, const uint8_t *pc)
{
	Dl_info info = {0};
	char bytes[16] = "";

	dladdr(pc, &info);
	for (unsigned i = 0; i < arch_privileged_bytes; i++)
		snprintf(bytes + 3 * i, sizeof(bytes) - 3 * i, " %02x", pc[i]);
	host_log(core,
		"an instruction that only a kernel may execute, at offset 0x%zx of the BSP "
		"(bytes%s)",
		info.dli_fbase ? (size_t)(pc - (const uint8_t *)info.dli_fbase) : 0, bytes);
}

/*
 * A crash of the BSP ends the process, but for the instructions that we know how to replace. It is
 * told, because the signal itself is not seen from outside: process 1 of a pid namespace is not
 * killed by what it sends to itself, abort() included.
 */
static void on_crash(int signal_number, siginfo_t *info, void *context)
{
	struct bsp_message_crashed head = {BSP_MESSAGE_NO_CORE, (uint32_t)signal_number};
	ucontext_t *u = context;

	if (current && arch_is_privileged(signal_number, info->si_code)) {
		switch (arch_privileged(u)) {
		case PRIVILEGED_HALT:
			core_halt(current, "executed an instruction that halts the core");
		case PRIVILEGED_SKIP:
			return;
		case PRIVILEGED_NONE:
			log_privileged(current, arch_pc(u));
		}
	}
	if (current)
		head.index = current->index;
	host_send(BSP_MSG_CRASHED, &head, sizeof(head), "");
	_exit(128 + signal_number);
}

static void catch_crashes(void)
{
	static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT};
	struct sigaction action = {.sa_sigaction = on_crash, .sa_flags = SA_SIGINFO};

	for (unsigned i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &action, NULL);
}

/* ---- the thread ---- */

static void run_init(struct core *core)
{
	const struct host *host = core->host;
	int ret;

	core->start_ns = monotonic_ns();
	core->context.deadline_ns = core->start_ns + host->launch.deadline_ns;
	atomic_store(&core->shared->state, BSP_CORE_INIT);
	ret = host->bsp.init(&core->context);
	if (ret && !core->reason[0])
		snprintf(core->reason, sizeof(core->reason), "bsp_init returned %d%s%s%s", ret,
			ret < 0 ? " (" : "", ret < 0 ? strerror(-ret) : "", ret < 0 ? ")" : "");
	init_done(core, !ret);
	if (ret)
		sleep_forever();
}

/* The time of the event from what the eventfd held; see BSP_ALARM. */
static uint64_t event_time(struct core *core, uint64_t value)
{
	uint64_t now = monotonic_ns(), known = atomic_load(&core->shared->event_ns);

	if (value >= BSP_ALARM_TIME_MIN && value <= now)
		return value;
	return known && known <= now ? known : now;
}

/* Nobody is told before the hook is entered: to wake the supervisor takes longer than to get here.
 */
static void run_fatal(struct core *core, uint64_t value)
{
	const struct host *host = core->host;
	uint64_t event = event_time(core, value);

	atomic_store(&core->shared->event_ns, event);
	core->context.event_ns = event;
	core->context.deadline_ns = event + host->launch.deadline_ns;
	atomic_store(&core->shared->state, BSP_CORE_FATAL);
	atomic_store(&core->shared->entered_ns, monotonic_ns());
	host->bsp.fatal_error(&core->context);
	fatal_ended(core, BSP_CORE_RETURNED);
	sleep_forever();
}

/* The descriptor is shared with a partition, which could make it blocking or not as it likes. */
static uint64_t wait_for(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	uint64_t value;

	do {
		poll(&p, 1, -1);
	} while (read(fd, &value, sizeof(value)) != sizeof(value));
	return value;
}

static void *core_main(void *arg)
{
	struct core *core = arg;
	const struct host *host = core->host;
	uint64_t value;
	char name[16];

	snprintf(name, sizeof(name), "bsp/core%u", core->launch->core);
	prctl(PR_SET_NAME, name);
	current = core;
	wait_for(core->init_fd);
	run_init(core);
	value = wait_for(core->launch->alarm_fd);
	/* Nobody has been released before that; who raises the alarm anyhow has to wait. */
	while (atomic_load(&host->ready) < host->launch.core_count)
		poll(NULL, 0, 1);
	run_fatal(core, value);
	return NULL;
}

int core_init(struct core *core)
{
	uint64_t one = 1;

	if (atomic_exchange(&core->host->initialising, 1))
		return -EBUSY;
	if (atomic_load(&core->shared->state) != BSP_CORE_IDLE) {
		atomic_store(&core->host->initialising, 0);
		return -EBUSY;
	}
	return write(core->init_fd, &one, sizeof(one)) == sizeof(one) ? 0 : -errno;
}

bool cores_any_fatal(const struct host *host)
{
	for (uint32_t i = 0; i < host->launch.core_count; i++) {
		if (atomic_load(&host->cores[i].shared->state) >= BSP_CORE_FATAL)
			return true;
	}
	return false;
}

static int core_start(struct core *core)
{
	pthread_attr_t attr;
	cpu_set_t set;
	int ret;

	context_init(
		&core->context, core->launch->core, core->launch->role, core->launch->partition);
	core->init_fd = eventfd(0, EFD_CLOEXEC);
	if (core->init_fd < 0)
		return -errno;
	CPU_ZERO(&set);
	CPU_SET(core->launch->core, &set);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, CORE_STACK_SIZE);
	pthread_attr_setaffinity_np(&attr, sizeof(set), &set);
	ret = pthread_create(&core->thread, &attr, core_main, core);
	pthread_attr_destroy(&attr);
	return -ret;
}

int cores_start(struct host *host, char ret_text[BSP_TEXT_MAX])
{
	int ret = 0;

	catch_crashes();
	for (uint32_t i = 0; !ret && i < host->launch.core_count; i++) {
		ret = core_start(&host->cores[i]);
		if (ret)
			snprintf(ret_text, BSP_TEXT_MAX,
				"no thread of it can run on core %u: %s; see what `bulkhead "
				"doctor` says about this host",
				host->cores[i].launch->core, strerror(-ret));
	}
	return ret;
}
