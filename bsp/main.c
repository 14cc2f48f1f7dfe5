/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bulkhead-bsp: the process in which the BSP of a run lives. It is started by the supervisor with
 * every file already open, loads the BSP, makes a pinned thread per host core of the plan, and does
 * what the supervisor's messages say. Why the BSP has a process of its own: docs/adr/0005.
 */
#include "bsp/host.h"

#include "lib/ipc.h"
#include "lib/sandbox.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* ---- the launch block ---- */

static bool launch_valid(const struct host *host, size_t size)
{
	const struct bsp_launch *l = &host->launch;

	return l->version == BSP_LAUNCH_VERSION && l->size == sizeof(*l) && l->core_count > 0 &&
	       l->core_count <= BSP_CORES_MAX && l->file_count <= BSP_FILES_MAX &&
	       size == sizeof(*l) + l->core_count * sizeof(struct bsp_launch_core);
}

static int launch_read(struct host *host, int fd)
{
	struct stat st;
	size_t size, cores_size;
	uint8_t *bytes;

	if (fd < 0 || fstat(fd, &st))
		return -EPROTO;
	size = (size_t)st.st_size;
	if (size < sizeof(host->launch))
		return -EPROTO;
	bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return -errno;
	close(fd);
	memcpy(&host->launch, bytes, sizeof(host->launch));
	if (!launch_valid(host, size))
		return -EPROTO;
	cores_size = size - sizeof(host->launch);
	host->launch_cores = malloc(cores_size);
	host->cores = calloc(host->launch.core_count, sizeof(*host->cores));
	if (!host->launch_cores || !host->cores)
		return -ENOMEM;
	memcpy(host->launch_cores, bytes + sizeof(host->launch), cores_size);
	munmap(bytes, size);
	return 0;
}

/* The shared page, and what each core has of it. */
static int share(struct host *host)
{
	uint32_t n = host->launch.core_count;
	struct bsp_shared_core *shared = mmap(NULL, n * sizeof(*shared), PROT_READ | PROT_WRITE,
		MAP_SHARED, host->launch.shared_fd, 0);

	if (shared == MAP_FAILED)
		return -errno;
	fd_close(&host->launch.shared_fd);
	for (uint32_t i = 0; i < n; i++)
		host->cores[i] = (struct core){.host = host,
			.index = i,
			.launch = &host->launch_cores[i],
			.shared = &shared[i],
			.init_fd = -1};
	return 0;
}

/* ---- start-up ---- */

/* Adds a line to NOTE. */
static void PRINTF_LIKE(2, 3) append(char note[BSP_NOTE_MAX], const char *fmt, ...)
{
	size_t used = strlen(note);
	va_list ap;

	if (used && used < BSP_NOTE_MAX - 1)
		note[used++] = '\n';
	va_start(ap, fmt);
	vsnprintf(note + used, BSP_NOTE_MAX - used, fmt, ap);
	va_end(ap);
}

/*
 * Threads inherit the policy of this one: it takes real-time priority while there may be rights for
 * it, and gives its own back when the threads are there.
 */
static void take_priority(char note[BSP_NOTE_MAX])
{
	const struct sched_param param = {.sched_priority = CORE_PRIORITY};

	if (!sched_setscheduler(0, SCHED_FIFO, &param))
		return;
	/* The next best. */
	if (setpriority(PRIO_PROCESS, 0, CORE_NICE))
		append(note,
			"its threads have no real-time priority (SCHED_FIFO): %s; give bulkhead "
			"CAP_SYS_NICE, or raise `ulimit -r` to %d",
			strerror(errno), CORE_PRIORITY);
}

static void give_priority_back(void)
{
	const struct sched_param param = {0};

	sched_setscheduler(0, SCHED_OTHER, &param);
	setpriority(PRIO_PROCESS, 0, 0);
}

/* While there may be a right to. */
static void unlimit_memory(void)
{
	const struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};

	setrlimit(RLIMIT_MEMLOCK, &unlimited);
}

/*
 * No hook waits for a page: everything that is there now is locked, stacks included, and what comes
 * later where no limit could make an allocation fail for it.
 */
static void lock_memory(char note[BSP_NOTE_MAX])
{
	struct rlimit limit = {0};
	bool unlimited;

	getrlimit(RLIMIT_MEMLOCK, &limit);
	unlimited = limit.rlim_cur == RLIM_INFINITY;
	if (mlockall(MCL_CURRENT | (unlimited ? MCL_FUTURE : 0)))
		append(note, "its memory is not locked: %s; raise `ulimit -l`", strerror(errno));
}

static void settle(const struct host *host)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	for (unsigned i = 0; i < BSP_CORES_MAX && i < CPU_SETSIZE; i++) {
		if (host->launch.main_cores[i / 64] >> (i % 64) & 1)
			CPU_SET(i, &set);
	}
	if (CPU_COUNT(&set))
		sched_setaffinity(0, sizeof(set), &set);
}

static int fail(bool this_host, const char *text)
{
	struct bsp_message_failed head = {this_host};

	host_send(BSP_MSG_FAILED, &head, sizeof(head), text);
	return EXIT_FAILURE;
}

static int not_isolated(const struct diags *gaps)
{
	char text[BSP_TEXT_MAX];

	snprintf(text, sizeof(text), "it cannot be isolated, as lockdown: strict demands: %s",
		gaps->items[0].text);
	return fail(true, text);
}

/* All threads, locked down as the plan says; from here on the BSP's code is run. */
static int confine(struct host *host, struct diags *gaps, char note[BSP_NOTE_MAX])
{
	char text[BSP_TEXT_MAX];

	take_priority(note);
	unlimit_memory();
	host_lockdown_early(host, gaps);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (cores_start(host, text))
		return fail(true, text);
	give_priority_back();
	lock_memory(note);
	host_lockdown_late(host, gaps);
	if (gaps->count && host->launch.lockdown == BSP_LOCKDOWN_STRICT)
		return not_isolated(gaps);
	for (unsigned i = 0; i < gaps->count; i++)
		append(note, "NOT ISOLATED: %s", gaps->items[i].text);
	return 0;
}

static int start(struct host *host)
{
	char text[BSP_TEXT_MAX], note[BSP_NOTE_MAX] = "";
	struct diags gaps;
	int ret;

	settle(host);
	context_init(&host->context, BSP_NO_CORE, BSP_NON_SAFETY, "");
	if (host_load(host, text))
		return fail(false, text);
	fd_close(&host->launch.object_fd);
	if (share(host))
		return fail(true, "its page of times cannot be mapped; see what `bulkhead doctor` "
				  "says about this host");
	diags_init(&gaps);
	ret = confine(host, &gaps, note);
	diags_fini(&gaps);
	if (!ret)
		ipc_send(host->launch.control_fd, BSP_MSG_READY, note, strlen(note));
	return ret;
}

/* ---- the main thread ---- */

static bool all_ready(const struct host *host)
{
	return atomic_load(&host->ready) == host->launch.core_count;
}

static void set_deadline(struct host *host)
{
	host->context.deadline_ns = monotonic_ns() + host->launch.deadline_ns;
}

static bool on_init(struct host *host, const struct ipc_message *m)
{
	struct bsp_message_core init;

	if (m->size != sizeof(init))
		return false;
	memcpy(&init, m->payload, sizeof(init));
	return init.index < host->launch.core_count && !core_init(&host->cores[init.index]);
}

static bool on_state(struct host *host, const struct ipc_message *m)
{
	struct bsp_message_state state;

	if (m->size != sizeof(state))
		return false;
	memcpy(&state, m->payload, sizeof(state));
	state.partition[sizeof(state.partition) - 1] = '\0';
	if (!host->bsp.partition_state || !all_ready(host))
		return true;
	set_deadline(host);
	host->bsp.partition_state(&host->context, state.partition, state.state);
	return true;
}

static void shut_down(struct host *host)
{
	set_deadline(host);
	if (host->bsp.shutdown && all_ready(host) && !cores_any_fatal(host))
		host->bsp.shutdown(&host->context);
}

/* False when it is not a message that we may get: the supervisor is not what we think. */
static bool on_message(struct host *host, const struct ipc_message *m)
{
	switch (m->type) {
	case BSP_MSG_INIT:
		return on_init(host, m);
	case BSP_MSG_STATE:
		return on_state(host, m);
	default:
		return false;
	}
}

static int serve(struct host *host)
{
	struct pollfd p = {.fd = host->launch.control_fd, .events = POLLIN};
	static struct ipc_message m;

	for (;;) {
		int ret = ipc_receive(p.fd, &m);

		if (ret == -EAGAIN)
			poll(&p, 1, -1);
		else if (ret)
			return EXIT_FAILURE; /* the supervisor is gone: nobody is left to work for
					      */
		else if (m.type == BSP_MSG_SHUTDOWN)
			break;
		else if (!on_message(host, &m))
			return EXIT_FAILURE;
	}
	shut_down(host);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	static struct host host;
	static const int ignored[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ};

	if (argc != 2 || launch_read(&host, atoi(argv[1]))) {
		fprintf(stderr,
			"%s: this program is started by `bulkhead run`, for plans with "
			"bsp:; there is nothing to be done with it by hand\n",
			BSP_PROGRAM);
		return EXIT_FAILURE;
	}
	/* Ctrl-C reaches the whole foreground group; only the supervisor decides what it means. */
	for (unsigned i = 0; i < ARRAY_SIZE(ignored); i++)
		signal(ignored[i], SIG_IGN);
	sandbox_take_signals();
	/* One that was gone before has left a socket without a peer. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	the_host = &host;
	/* Not exit(): what the BSP has registered there may wait for its threads. */
	_exit(start(&host) ?: serve(&host));
}
