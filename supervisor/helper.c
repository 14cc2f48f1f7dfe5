/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/helper.h"

#include "lib/text.h"
#include "lib/util.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define READY_STEP_NS 1000000

/* One that takes longer is taken for ready: its device has to wait then. */
#define READY_MAX_NS 3000000000

/* Lines of its that are shown: what it says later is for nobody. */
#define LINES_MAX 64
#define LINE_MAX_ 240

struct helper {
	struct helper *next; /* of the child's */
	struct child *child;
	unsigned device;
	char name[32];
	const char *remedy;
	pid_t pid;                /* 0: it is gone */
	struct loop_watch exited; /* its pidfd */
	struct loop_watch said;   /* its standard error */
	char line[LINE_MAX_ + 1]; /* that is not finished, or was the last */
	size_t line_size;
	unsigned lines;
	bool (*ready)(int ready_fd);
	int ready_fd;
	bool starting;
	bool ending; /* killed: nobody wants to know more of it */
	uint64_t begun_ns;
	struct loop_timer ready_timer;
};

int helper_find(const char *name, char ret_path[PATH_MAX])
{
	const char *path = getenv("PATH") ?: "/usr/local/bin:/usr/bin:/bin";

	while (*path) {
		int n = (int)strcspn(path, ":");

		if (n && snprintf(ret_path, PATH_MAX, "%.*s/%s", n, path, name) < PATH_MAX &&
			access(ret_path, X_OK) == 0)
			return 0;
		path += n + (path[n] == ':');
	}
	return -ENOENT;
}

/* ---- what it says ---- */

static void show_line(struct helper *h)
{
	char text[LINE_MAX_ + 1];

	text_sanitise_line((const uint8_t *)h->line, h->line_size, text);
	memcpy(h->line, text, sizeof(text));
	h->line_size = 0;
	/* That its partition has gone away, it says after the end, which others tell better. */
	if (!*text || h->child->has_result || h->lines++ >= LINES_MAX)
		return;
	run_say(h->child->run, "%s: %s: %s: %s", h->child->plan->name,
		h->child->plan->devices[h->device].name, h->name, text);
}

static void said_ready(struct loop_watch *w, uint32_t revents)
{
	struct helper *h = container_of(w, struct helper, said);
	char bytes[512];
	ssize_t n = read(w->fd, bytes, sizeof(bytes));

	(void)revents;
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		loop_unwatch(h->child->run->loop, w);
	for (ssize_t i = 0; i < n; i++) {
		if (bytes[i] == '\n' || h->line_size == LINE_MAX_)
			show_line(h);
		if (bytes[i] != '\n')
			h->line[h->line_size++] = bytes[i];
	}
}

/* ---- its start ---- */

static void set_started(struct helper *h)
{
	h->starting = false;
	loop_timer_stop(&h->ready_timer);
	fd_close(&h->ready_fd);
}

static void ready_expired(struct loop_timer *t)
{
	struct helper *h = container_of(t, struct helper, ready_timer);

	if (!h->ready(h->ready_fd) && monotonic_ns() - h->begun_ns < READY_MAX_NS) {
		loop_timer_start(t, READY_STEP_NS);
		return;
	}
	set_started(h);
	run_check_ready(h->child->run);
}

bool helpers_starting(const struct child *child)
{
	for (const struct helper *h = child->helpers; h; h = h->next) {
		if (h->starting)
			return true;
	}
	return false;
}

/* ---- its end ---- */

/* It has ended before it could be of use: the partition cannot be started. */
static void fail_start(struct helper *h, const siginfo_t *info)
{
	struct child *child = h->child;
	const struct plan_partition *p = child->plan;
	char key[32], field[PLAN_FIELD_MAX];
	struct diags diags;
	size_t size;
	FILE *f;

	diags_init(&diags);
	snprintf(key, sizeof(key), "devices.%u", h->device);
	diag_error(&diags, &p->devices[h->device].loc, plan_field(p, key, field),
		"%s could not start (%s %d); %s", h->name,
		info->si_code == CLD_EXITED ? "exit code" : "signal", info->si_status, h->remedy);
	free(child->report);
	child->report = NULL;
	f = open_memstream(&child->report, &size);
	if (f) {
		diags_print(&diags, f, "");
		fclose(f);
	}
	diags_fini(&diags);
	/* What its process may still have to say is of no interest. */
	loop_unwatch(child->run->loop, &child->control);
	fd_close(&child->control.fd);
	child->failed_host = true;
	child_not_created(child);
	if (child_alive(child))
		kill(child->pid, SIGKILL);
}

/* It is gone, or was never there. */
static void helper_destroy(struct helper *h)
{
	struct loop *loop = h->child->run->loop;
	struct helper **at = &h->child->helpers;

	while (*at != h)
		at = &(*at)->next;
	*at = h->next;
	loop_unwatch(loop, &h->exited);
	loop_unwatch(loop, &h->said);
	fd_close(&h->exited.fd);
	fd_close(&h->said.fd);
	fd_close(&h->ready_fd);
	loop_timer_fini(&h->ready_timer);
	free(h);
}

static void helper_exited(struct loop_watch *w, uint32_t revents)
{
	struct helper *h = container_of(w, struct helper, exited);
	struct loop *loop = h->child->run->loop;
	bool starting = h->starting;
	siginfo_t info = {0};

	(void)revents;
	waitid(P_PID, (id_t)h->pid, &info, WEXITED);
	h->pid = 0;
	if (h->ending) {
		helper_destroy(h);
		return;
	}
	loop_unwatch(loop, w);
	set_started(h);
	/* Its last words: a few lines that the pipe holds. */
	while (h->said.slot >= 0 && poll(&(struct pollfd){h->said.fd, POLLIN, 0}, 1, 0) > 0)
		said_ready(&h->said, POLLIN);
	if (starting && child_alive(h->child) && !h->child->stop_sent) {
		fail_start(h, &info);
		run_check_ready(h->child->run);
	}
}

/* One whose end the loop does not hear of is waited for: it was just started. */
static void helper_end(struct helper *h, bool wait)
{
	if (h->pid > 0)
		kill(h->pid, SIGKILL);
	while (wait && h->pid > 0 && waitpid(h->pid, NULL, 0) < 0 && errno == EINTR) {
	}
	if (wait || h->pid <= 0) {
		helper_destroy(h);
		return;
	}
	h->ending = true;
	set_started(h);
	loop_unwatch(h->child->run->loop, &h->said);
}

void helpers_end(struct child *child)
{
	struct helper *next;

	for (struct helper *h = child->helpers; h; h = next) {
		next = h->next;
		helper_end(h, false);
	}
}

bool helpers_ending(const struct child *child)
{
	for (const struct helper *h = child->helpers; h; h = h->next) {
		if (h->ending)
			return true;
	}
	return false;
}

void helpers_fini(struct child *child)
{
	while (child->helpers)
		helper_end(child->helpers, true);
}

/* ---- the process ---- */

/* In the new process: it has the caller's signal mask and handlers until here. */
_Noreturn static void become(const struct helper_program *p, int said_fd, pid_t parent)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* Ctrl-C at a terminal is for the supervisor to hear. */
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == parent && null >= 0 && dup2(null, STDIN_FILENO) >= 0 &&
		dup2(null, STDOUT_FILENO) >= 0 && dup2(said_fd, STDERR_FILENO) >= 0 &&
		fcntl(p->fd, F_SETFD, 0) == 0)
		execv(p->path, p->argv);
	dprintf(STDERR_FILENO, "%s: %s\n", p->path, strerror(errno));
	_exit(127);
}

static int spawn(struct helper *h, const struct helper_program *p)
{
	pid_t parent = getpid();
	int said[2];

	if (pipe2(said, O_CLOEXEC))
		return -errno;
	h->said.fd = said[0];
	fcntl(said[0], F_SETFL, O_NONBLOCK);
	h->pid = fork();
	if (h->pid == 0)
		become(p, said[1], parent);
	close(said[1]);
	if (h->pid < 0)
		return -errno;
	h->exited.fd = (int)syscall(SYS_pidfd_open, h->pid, 0);
	return h->exited.fd < 0 ? -errno : 0;
}

int helper_start(const struct helper_program *p)
{
	struct loop *loop = p->child->run->loop;
	struct helper *h = calloc(1, sizeof(*h));
	int ret;

	if (!h)
		return -ENOMEM;
	*h = (struct helper){.next = p->child->helpers,
		.child = p->child,
		.device = p->device,
		.remedy = p->remedy,
		.exited = {.fd = -1, .slot = -1, .events = POLLIN, .ready = helper_exited},
		.said = {.fd = -1, .slot = -1, .events = POLLIN, .ready = said_ready},
		.ready = p->ready,
		.ready_fd = p->ready_fd,
		.starting = p->ready,
		.begun_ns = monotonic_ns()};
	snprintf(h->name, sizeof(h->name), "%s", p->argv[0]);
	p->child->helpers = h;
	ret = loop_timer_init(loop, &h->ready_timer, ready_expired);
	if (!ret)
		ret = spawn(h, p);
	if (!ret)
		ret = loop_watch(loop, &h->exited);
	if (!ret)
		ret = loop_watch(loop, &h->said);
	if (!ret && h->starting)
		loop_timer_start(&h->ready_timer, READY_STEP_NS);
	if (ret)
		helper_end(h, true);
	return ret;
}
