/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ELF cores of partitions (docs/debugging.md). A partition's process writes one into a socket; for
 * `dump` that is the client's connection, which makes the file. For --core-dir a process of ours
 * does, so that neither the partition nor the supervisor waits for a disk: CORE_WRITER_ARGV0.
 */
#include "supervisor/run.h"

#include "lib/corefile.h"
#include "lib/ipc.h"
#include "lib/sandbox.h"
#include "lib/util.h"
#include "partition/partition.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* The process ends a core that takes too long, and has this long to say so. */
#define CORE_GRACE_NS 5000000000

extern char **environ;

/* ---- the process that makes the file ---- */

/* argv[1] is the socket's number, argv[2] the file's, argv[3] how many bytes it may get. */
int core_writer_main(int argc, char **argv)
{
	struct diags gaps;
	uint64_t size;

	if (argc != 4)
		return EINVAL;
	/* What comes is a guest's: nothing is within reach but the two. */
	diags_init(&gaps);
	sandbox_enter(&gaps);
	diags_fini(&gaps);
	return -corefile_receive(
		&(struct corefile_source){
			.head = "", .in = atoi(argv[1]), .max = strtoull(argv[3], NULL, 10)},
		atoi(argv[2]), &size);
}

static void writer_exited(struct loop_watch *w, uint32_t revents)
{
	struct core_writer *cw = container_of(w, struct core_writer, exited);
	struct child *child = cw->child;
	struct run *run = child->run;
	siginfo_t info = {.si_code = CLD_EXITED, .si_status = EIO};

	(void)revents;
	waitid(P_PID, (id_t)cw->pid, &info, WEXITED);
	cw->pid = 0;
	loop_unwatch(run->loop, w);
	fd_close(&w->fd);
	if (info.si_code == CLD_EXITED && info.si_status == 0) {
		run_event(run, child, "core", "%s", cw->path);
		run_say(run, "%s: core: %s", child->plan->name, cw->path);
	} else {
		unlink(cw->path);
		run_event(run, child, "error", "no core: %s cannot be written", cw->path);
		run_say(run, "%s: no core: %s cannot be written: %s", child->plan->name, cw->path,
			info.si_code != CLD_EXITED  ? "its writer was killed"
			: info.si_status == ENODATA ? "the partition did not finish it"
						    : strerror(info.si_status));
	}
	run_check_done(run);
}

/* What a former run has left there stays until there is more to come than a start. */
static int open_file(struct child *child, char path[PATH_MAX])
{
	const char *dir = child->run->options->core_dir;
	char number[16] = "";
	int fd;

	if (child->restarts)
		snprintf(number, sizeof(number), ".%u", child->restarts);
	if (snprintf(path, PATH_MAX, "%s/%s%s.core", dir, child->plan->name, number) >= PATH_MAX)
		return -ENAMETOOLONG;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	return fd < 0 ? -errno : fd;
}

/* Leaves no file that open_file has made. */
static void leave_file(const char *path, int file)
{
	struct stat st;

	if (!fstat(file, &st) && S_ISREG(st.st_mode) && !st.st_size)
		unlink(path);
}

static void end_writer(struct child *child)
{
	struct core_writer *cw = &child->core_writer;

	if (cw->pid > 0) {
		kill(cw->pid, SIGKILL);
		waitpid(cw->pid, NULL, 0);
	}
	cw->pid = 0;
	loop_unwatch(child->run->loop, &cw->exited);
	fd_close(&cw->exited.fd);
}

/* Starts a process that makes FILE of what comes from IN. */
static int spawn_writer(struct child *child, int in, int file)
{
	struct core_writer *cw = &child->core_writer;
	char numbers[3][24];
	char *argv[] = {CORE_WRITER_ARGV0, numbers[0], numbers[1], numbers[2], NULL};

	snprintf(numbers[0], sizeof(numbers[0]), "%d", in);
	snprintf(numbers[1], sizeof(numbers[1]), "%d", file);
	snprintf(numbers[2], sizeof(numbers[2]), "%" PRIu64, partition_core_max(child->plan));
	return sandbox_spawn(&(struct sandbox_spawn){.path = "/proc/self/exe",
				     .argv = argv,
				     .envp = environ,
				     .fds = (const int[]){in, file},
				     .fd_count = 2},
		&cw->pid, &cw->exited.fd);
}

/* Starts the writer of the child's core; *RET_FD is where that goes. */
static int start_writer(struct child *child, int *ret_fd)
{
	struct core_writer *cw = &child->core_writer;
	AUTO_CLOSE int file = open_file(child, cw->path);
	int pair[2], ret;

	if (file < 0)
		return file;
	ret = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) ? -errno : 0;
	if (!ret) {
		ret = spawn_writer(child, pair[1], file);
		close(pair[1]);
		if (!ret)
			ret = loop_watch(child->run->loop, &cw->exited);
		if (!ret && ftruncate(file, 0))
			ret = -errno;
		if (ret)
			close(pair[0]);
	}
	if (ret) {
		end_writer(child);
		leave_file(cw->path, file);
		return ret;
	}
	*ret_fd = pair[0];
	return 0;
}

/* ---- asking for one ---- */

static int ask(struct child *child, int fd)
{
	struct ipc_fds fds = {.count = 1, .list = {fd}};
	int ret = ipc_send_fds(child->control.fd, MSG_CORE, NULL, 0, &fds);

	if (ret)
		return ret;
	loop_timer_start(&child->core_timer, partition_core_ns(child->plan) + CORE_GRACE_NS);
	child_watchdog_forgive(child);
	return 0;
}

int child_may_dump(const struct child *child)
{
	if (!child_active(child) || child->stop_sent)
		return -EINVAL;
	if (child_core_pending(child) || run_locked(child->run))
		return -EBUSY;
	return 0;
}

int child_dump(struct child *child, int fd)
{
	return child_may_dump(child) ?: ask(child, fd);
}

/* A core into --core-dir. */
static int dump_to_file(struct child *child)
{
	bool busy = child_core_pending(child) || child->core_writer.pid;
	int fd = -1, ret = busy ? -EBUSY : start_writer(child, &fd);

	if (!ret)
		ret = ask(child, fd);
	fd_close(&fd);
	if (ret)
		run_say(child->run, "%s: no core: %s: %s", child->plan->name,
			child->run->options->core_dir, strerror(-ret));
	return ret;
}

void child_core_at_end(struct child *child)
{
	const struct message_ended *r = &child->result;

	if (!child->run->options->core_dir || !child_alive(child) ||
		(r->end != PARTITION_FATAL && r->end != PARTITION_PANIC))
		return;
	/* It waits to be told, whether there is to be one or not. */
	if (dump_to_file(child))
		ipc_send(child->control.fd, MSG_CORE, NULL, 0);
}

void run_dump(struct run *run)
{
	for (unsigned i = 0; run->options->core_dir && i < run->child_count; i++) {
		if (child_active(&run->children[i]) && !run->children[i].stop_sent)
			dump_to_file(&run->children[i]);
	}
}

/* ---- its end ---- */

/* The guest runs again, or should. */
static void core_over(struct child *child)
{
	loop_timer_stop(&child->core_timer);
	if (child->state == CHILD_RUNNING) {
		child_watchdog_start(child);
		child_silence_start(child);
	}
}

/* The process does not say that it is done: its watchdog, and who wants a core, wait no longer. */
static void core_late(struct loop_timer *t)
{
	struct child *child = container_of(t, struct child, core_timer);

	child->cores_late++;
	core_over(child);
	run_event(child->run, child, "error", "the core was not finished in time");
}

bool child_on_core_done(struct child *child, const struct ipc_message *m)
{
	struct message_core done;

	if (m->size != sizeof(done) || (!child->cores_late && !child_core_pending(child)))
		return false;
	/* Answers come in turn: that of one which nobody waits for any more is no lie. */
	if (child->cores_late) {
		child->cores_late--;
		return true;
	}
	memcpy(&done, m->payload, sizeof(done));
	core_over(child);
	if (done.error)
		run_event(child->run, child, "error", "the core was not finished: %s",
			strerror((int)min_u64(done.error, INT_MAX)));
	return true;
}

bool child_core_pending(const struct child *child)
{
	return loop_timer_running(&child->core_timer);
}

bool run_cores_busy(const struct run *run)
{
	for (unsigned i = 0; i < run->child_count; i++) {
		if (run->children[i].core_writer.pid)
			return true;
	}
	return false;
}

void run_abandon_cores(struct run *run)
{
	for (unsigned i = 0; i < run->child_count; i++) {
		if (run->children[i].core_writer.pid > 0)
			kill(run->children[i].core_writer.pid, SIGKILL);
	}
}

void child_core_gone(struct child *child)
{
	loop_timer_stop(&child->core_timer);
	child->cores_late = 0;
}

int child_core_init(struct child *child)
{
	child->core_writer = (struct core_writer){.child = child,
		.exited = {.fd = -1, .slot = -1, .events = POLLIN, .ready = writer_exited}};
	return loop_timer_init(child->run->loop, &child->core_timer, core_late);
}

void child_core_fini(struct child *child)
{
	end_writer(child);
	loop_timer_fini(&child->core_timer);
}

int run_core_dir(struct run *run, struct diags *diags)
{
	const char *dir = run->options->core_dir;

	if (!dir || !mkdir(dir, 0777) || errno == EEXIST)
		return 0;
	diag_error(diags, NULL, "--core-dir", "%s cannot be made: %s; name a directory that can",
		dir, strerror(errno));
	return -EINVAL;
}
