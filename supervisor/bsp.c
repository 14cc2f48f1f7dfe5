/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The life of the BSP's process: loading, bsp_init on one core after the other, its end. What it
 * says is checked like what a partition says.
 */
#include "supervisor/bsp.h"

#include "lib/ipc.h"
#include "lib/util.h"
#include "supervisor/run.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

/* Messages taken before others get their turn. */
#define MESSAGES_PER_TURN 16

/* More than can be left in the socket of a process that has ended. */
#define LAST_WORDS_MAX 1024

/* A shared object may come from a slow disk, and has constructors. */
#define LOAD_NS 10000000000

/* What a process gets beyond its own deadline, before it is taken for hung. */
#define MARGIN_NS 100000000

/* ---- words ---- */

/* The text after the SIZE bytes at the head of M, safe to print, lines joined. */
static const char *message_text(const struct ipc_message *m, size_t size, char buf[BSP_TEXT_MAX])
{
	size_t n = min_u64(m->size - size, BSP_TEXT_MAX - 1);

	for (size_t i = 0; i < n; i++) {
		uint8_t c = m->payload[size + i];

		buf[i] = isprint(c) ? (char)c : c == '\n' || c == '\t' ? ' ' : '?';
	}
	buf[n] = '\0';
	while (n && buf[n - 1] == ' ')
		buf[--n] = '\0';
	return buf;
}

static const char *core_says(const struct run_bsp *bsp, uint32_t index, char buf[32])
{
	if (index == BSP_MESSAGE_NO_CORE)
		buf[0] = '\0';
	else
		snprintf(buf, 32, "core %u: ", bsp->cores[index].core);
	return buf;
}

/* How its process ended: "was killed by signal 11 (SEGV)". */
static void describe_end(
	const struct run_bsp *bsp, const siginfo_t *info, char *ret_text, size_t size)
{
	bool told = info->si_code == CLD_EXITED && bsp->crashed &&
		    info->si_status == 128 + (int)bsp->crashed;
	int number = told ? (int)bsp->crashed : info->si_status;

	if (bsp->broke_protocol)
		snprintf(ret_text, size, "broke the protocol and was killed");
	else if (info->si_code == CLD_EXITED && !told)
		snprintf(ret_text, size, "ended with status %d", number);
	else
		snprintf(ret_text, size, "was killed by signal %d (%s)", number,
			number == SIGSYS ? "a system call that its lock-down forbids"
					 : sigabbrev_np(number) ?: "?");
}

/* ---- failing to start ---- */

static void kill_process(struct run_bsp *bsp)
{
	if (bsp->pid > 0)
		kill(bsp->pid, SIGKILL);
}

/* The start has failed: FMT is "cause; remedy". */
static void PRINTF_LIKE(3, 4)
	start_failed(struct run_bsp *bsp, enum bh_exit code, const char *fmt, ...)
{
	void (*done)(struct run * run, bool ok) = bsp->done;
	char text[2 * BSP_TEXT_MAX];
	va_list ap;

	if (bsp->phase >= BSP_OPERATIONAL)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	diag_error(bsp->diags, &bsp->run->plan->bsp.loc, "bsp", "%s", text);
	bsp->phase = BSP_FAILED;
	bsp->failure = code;
	loop_timer_stop(&bsp->timer);
	kill_process(bsp);
	bsp->done = NULL;
	if (done)
		done(bsp->run, false);
}

const char *bsp_path(const struct run_bsp *bsp)
{
	const struct plan_bsp *plan = &bsp->run->plan->bsp;

	return plan->kind == PLAN_BSP_FILE ? plan->path : "builtin";
}

static void init_failed(struct run_bsp *bsp, const char *reason)
{
	const struct bsp_core *c = &bsp->cores[bsp->next];

	start_failed(bsp, BH_EXIT_HOST,
		"bsp_init of %s failed on core %u (partition %s): %s; nothing was started: put right "
		"what it names, or use another BSP",
		bsp_path(bsp), c->core, c->partition->name, reason);
}

/* ---- bsp_init ---- */

static void init_next(struct run_bsp *bsp)
{
	struct bsp_message_core init = {bsp->next};
	void (*done)(struct run * run, bool ok) = bsp->done;
	int ret;

	if (bsp->next == bsp->core_count) {
		loop_timer_stop(&bsp->timer);
		bsp->phase = BSP_OPERATIONAL;
		bsp->done = NULL;
		bsp_expect_entered(bsp);
		loop_timer_start(&bsp->look, BSP_LOOK_NS);
		done(bsp->run, true);
		return;
	}
	ret = ipc_send(bsp->control.fd, BSP_MSG_INIT, &init, sizeof(init));
	if (ret && ret != -EPIPE) /* a process that has just ended tells why in a moment */
		init_failed(bsp, strerror(-ret));
	else
		loop_timer_start(&bsp->timer, bsp->run->plan->bsp.deadline_ns + MARGIN_NS);
}

/* Begins with it when both sides are ready for it. */
static void init_begin(struct run_bsp *bsp)
{
	if (bsp->phase != BSP_LOADED || !bsp->done)
		return;
	bsp->phase = BSP_INIT;
	init_next(bsp);
}

static bool on_ready(struct run_bsp *bsp, const struct ipc_message *m)
{
	char text[BSP_NOTE_MAX], *rest = text, *line;

	if (bsp->phase != BSP_LOADING)
		return false;
	snprintf(text, sizeof(text), "%.*s", (int)min_u64(m->size, sizeof(text) - 1),
		(const char *)m->payload);
	while ((line = strsep(&rest, "\n")) != NULL) {
		for (char *c = line; *c; c++)
			*c = isprint((unsigned char)*c) ? *c : '?';
		if (*line)
			run_say(bsp->run, "bsp: %s", line);
	}
	bsp->phase = BSP_LOADED;
	loop_timer_stop(&bsp->timer);
	init_begin(bsp);
	return true;
}

static bool on_failed(struct run_bsp *bsp, const struct ipc_message *m)
{
	struct bsp_message_failed failed;
	char text[BSP_TEXT_MAX];

	if (m->size < sizeof(failed) || bsp->phase != BSP_LOADING)
		return false;
	memcpy(&failed, m->payload, sizeof(failed));
	message_text(m, sizeof(failed), text);
	start_failed(
		bsp, failed.host ? BH_EXIT_HOST : BH_EXIT_USAGE, "%s: %s", bsp_path(bsp), text);
	return true;
}

static bool on_done(struct run_bsp *bsp, const struct ipc_message *m)
{
	struct bsp_message_done done;
	struct bsp_core *c;
	char text[BSP_TEXT_MAX];

	if (m->size < sizeof(done) || bsp->phase != BSP_INIT)
		return false;
	memcpy(&done, m->payload, sizeof(done));
	if (done.index != bsp->next)
		return false;
	c = &bsp->cores[bsp->next];
	c->init_start_ns = done.start_ns;
	c->init_end_ns = done.end_ns;
	c->init_ok = done.ok;
	if (!done.ok) {
		init_failed(bsp, message_text(m, sizeof(done), text));
		return true;
	}
	bsp->next++;
	init_next(bsp);
	return true;
}

static bool on_crashed(struct run_bsp *bsp, const struct ipc_message *m)
{
	struct bsp_message_crashed crashed;

	if (m->size != sizeof(crashed))
		return false;
	memcpy(&crashed, m->payload, sizeof(crashed));
	bsp->crashed = crashed.signal < NSIG ? crashed.signal : 0;
	return true;
}

static bool on_log(struct run_bsp *bsp, const struct ipc_message *m)
{
	struct bsp_message_core head;
	char text[BSP_TEXT_MAX], core[32];

	if (m->size < sizeof(head))
		return false;
	memcpy(&head, m->payload, sizeof(head));
	if (head.index >= bsp->core_count && head.index != BSP_MESSAGE_NO_CORE)
		return false;
	run_say(bsp->run, "bsp: %s%s", core_says(bsp, head.index, core),
		message_text(m, sizeof(head), text));
	return true;
}

/* ---- time ---- */

static void timer_expired(struct loop_timer *t)
{
	struct run_bsp *bsp = container_of(t, struct run_bsp, timer);
	char limit[BSP_DURATION_MAX], text[96];

	switch (bsp->phase) {
	case BSP_LOADING:
		start_failed(bsp, BH_EXIT_HOST,
			"%s has not been loaded within %s; see what its constructors wait for",
			bsp_path(bsp), bsp_duration(LOAD_NS, limit));
		break;
	case BSP_INIT:
		snprintf(text, sizeof(text), "it has not ended within its deadline of %s",
			bsp_duration(bsp->run->plan->bsp.deadline_ns, limit));
		init_failed(bsp, text);
		break;
	case BSP_OPERATIONAL:
		bsp_fatal_overstayed(bsp);
		break;
	default:
		break;
	}
}

/* ---- its process ---- */

static bool on_message(struct run_bsp *bsp, const struct ipc_message *m)
{
	switch (m->type) {
	case BSP_MSG_READY:
		return on_ready(bsp, m);
	case BSP_MSG_FAILED:
		return on_failed(bsp, m);
	case BSP_MSG_DONE:
		return on_done(bsp, m);
	case BSP_MSG_LOG:
		return on_log(bsp, m);
	case BSP_MSG_LEFT:
		return bsp_on_left(bsp, m);
	case BSP_MSG_CRASHED:
		return on_crashed(bsp, m);
	default:
		return false;
	}
}

static void bsp_receive(struct run_bsp *bsp, unsigned limit)
{
	static struct ipc_message m; /* single-threaded, and large */
	int ret = 0;

	while (limit-- && bsp->phase < BSP_FAILED &&
		(ret = ipc_receive(bsp->control.fd, &m)) == 0) {
		if (!on_message(bsp, &m)) {
			ret = -EPROTO;
			break;
		}
	}
	if ((ret && ret != -EAGAIN) || bsp->phase >= BSP_FAILED)
		loop_unwatch(bsp->run->loop, &bsp->control);
	if (ret == -EPROTO) {
		bsp->broke_protocol = true;
		kill_process(bsp);
	}
}

static void control_ready(struct loop_watch *w, uint32_t revents)
{
	(void)revents;
	bsp_receive(container_of(w, struct run_bsp, control), MESSAGES_PER_TURN);
}

/* It ended while it was needed: every bsp_fatal_error that was to come is lost. */
static void died_operational(struct run_bsp *bsp, const char *how)
{
	bool concluded;

	/* In a hook that nobody had told of: the partition that called it says why. */
	bsp_note_entered(bsp);
	bsp->phase = BSP_DEAD;
	loop_timer_stop(&bsp->timer);
	concluded = bsp_conclude_all(bsp, how);
	if (!concluded)
		run_say(bsp->run,
			"bsp: its process %s; without a BSP the platform is taken to its safe state as "
			"far as Bulkhead can",
			how);
	/* A partition that is about to end will lead to the safe state, and say why. */
	if (bsp->died && !concluded)
		bsp->died(bsp->run);
	bsp_call_settled(bsp);
}

static void process_exited(struct loop_watch *w, uint32_t revents)
{
	struct run_bsp *bsp = container_of(w, struct run_bsp, exited);
	siginfo_t info = {0};
	char how[96], text[160];

	(void)revents;
	if (waitid(P_PID, (id_t)bsp->pid, &info, WEXITED)) {
		info.si_code = CLD_EXITED;
		info.si_status = -1; /* somebody else has reaped it */
	}
	bsp->pid = 0;
	loop_unwatch(bsp->run->loop, w);
	fd_close(&w->fd);
	/* Its last words may still be in the socket. */
	bsp_receive(bsp, LAST_WORDS_MAX);
	describe_end(bsp, &info, how, sizeof(how));
	switch (bsp->phase) {
	case BSP_LOADING:
		start_failed(bsp, BH_EXIT_USAGE,
			"its process %s while %s was loaded; see its constructors and the libraries that "
			"it needs",
			how, bsp_path(bsp));
		break;
	case BSP_LOADED:
		start_failed(bsp, BH_EXIT_HOST,
			"its process %s before bsp_init; see what the constructors of %s have started",
			how, bsp_path(bsp));
		break;
	case BSP_INIT:
		snprintf(text, sizeof(text), "its process %s in bsp_init", how);
		init_failed(bsp, text);
		break;
	case BSP_OPERATIONAL:
		died_operational(bsp, how);
		break;
	default:
		break;
	}
}

/* ---- the life of it ---- */

static int watch_process(struct run_bsp *bsp)
{
	struct loop *loop = bsp->run->loop;
	int ret = loop_timer_init(loop, &bsp->timer, timer_expired);

	if (!ret)
		ret = loop_timer_init(loop, &bsp->look, bsp_fatal_look);

	if (!ret)
		ret = loop_watch(loop, &bsp->control);
	if (!ret)
		ret = loop_watch(loop, &bsp->exited);
	if (!ret)
		loop_timer_start(&bsp->timer, LOAD_NS);
	else
		diag_error(bsp->diags, &bsp->run->plan->bsp.loc, "bsp",
			"its process cannot be watched: %s; %s", strerror(-ret),
			diag_remedy(-ret) ?: DOCTOR_REMEDY);
	return ret ? -EIO : 0;
}

int run_bsp_start(struct run *run, struct diags *diags)
{
	struct run_bsp *bsp;
	int ret;

	if (run->plan->bsp.kind == PLAN_BSP_NONE)
		return 0;
	bsp = calloc(1, sizeof(*bsp));
	if (!bsp)
		return -ENOMEM;
	*bsp = (struct run_bsp){
		.run = run,
		.diags = diags,
		.control = {.fd = -1, .slot = -1, .events = POLLIN, .ready = control_ready},
		.exited = {.fd = -1, .slot = -1, .events = POLLIN, .ready = process_exited},
	};
	run->bsp = bsp;
	ret = bsp_spawn(bsp);
	if (!ret)
		ret = watch_process(bsp);
	if (ret) {
		bsp->phase = BSP_FAILED;
		bsp->failure = ret == -EINVAL ? BH_EXIT_USAGE : BH_EXIT_HOST;
	}
	return ret;
}

void run_bsp_init(struct run *run, void (*done)(struct run *run, bool ok))
{
	struct run_bsp *bsp = run->bsp;

	if (!bsp || bsp->phase >= BSP_OPERATIONAL) {
		done(run, !bsp || bsp->phase == BSP_OPERATIONAL);
		return;
	}
	bsp->done = done;
	init_begin(bsp);
}

void run_bsp_watch(struct run *run, void (*settled)(struct run *run), void (*died)(struct run *run),
	void (*alarmed)(struct run *run, unsigned host_core))
{
	if (!run->bsp)
		return;
	run->bsp->settled = settled;
	run->bsp->died = died;
	run->bsp->alarmed = alarmed;
}

int run_bsp_alarm_fd(const struct run *run, unsigned host_core)
{
	for (unsigned i = 0; run->bsp && i < run->bsp->core_count; i++) {
		if (run->bsp->cores[i].core == host_core)
			return run->bsp->cores[i].alarm_fd;
	}
	return -1;
}

void run_bsp_state(struct run *run, const char *partition, enum bsp_partition_state state)
{
	struct bsp_message_state m = {.state = state};

	if (!run->bsp || run->bsp->phase != BSP_OPERATIONAL)
		return;
	snprintf(m.partition, sizeof(m.partition), "%s", partition);
	/* One that does not read is stuck in an earlier call: it is not worth waiting for. */
	ipc_send(run->bsp->control.fd, BSP_MSG_STATE, &m, sizeof(m));
}

/* Waits until the process has ended, NS at most; or closes its socket, or the user insists. */
static void await_end(struct run_bsp *bsp, uint64_t ns)
{
	uint64_t now = monotonic_ns(), until = now + ns;

	while (now < until) {
		struct pollfd p[] = {{.fd = bsp->exited.fd, .events = POLLIN},
			{.fd = bsp->control.fd, .events = POLLIN},
			{.fd = bsp->run->signals.fd, .events = POLLIN}};

		poll(p, ARRAY_SIZE(p), (int)((until - now) / 1000000 + 1));
		bsp_receive(bsp, LAST_WORDS_MAX);
		if (p[0].revents || p[2].revents || p[1].revents & POLLHUP || bsp->broke_protocol)
			return;
		now = monotonic_ns();
	}
}

void run_bsp_stop(struct run *run)
{
	struct run_bsp *bsp = run->bsp;

	if (!bsp)
		return;
	bsp->done = NULL;
	bsp->settled = bsp->died = NULL;
	bsp->alarmed = NULL;
	loop_unwatch(run->loop, &bsp->exited);
	loop_unwatch(run->loop, &bsp->control);
	loop_timer_stop(&bsp->timer);
	if (bsp->pid <= 0)
		return;
	if (bsp->phase == BSP_OPERATIONAL && !ipc_send(bsp->control.fd, BSP_MSG_SHUTDOWN, NULL, 0))
		await_end(bsp, run->plan->bsp.deadline_ns + MARGIN_NS);
	kill_process(bsp); /* if it has not ended by itself */
	waitpid(bsp->pid, NULL, 0);
	bsp->pid = 0;
}

void run_bsp_destroy(struct run *run)
{
	struct run_bsp *bsp = run->bsp;

	if (!bsp)
		return;
	for (unsigned i = 0; i < bsp->core_count; i++)
		fd_close(&bsp->cores[i].alarm_fd);
	if (bsp->shared)
		munmap(bsp->shared, bsp->core_count * sizeof(*bsp->shared));
	loop_timer_fini(&bsp->timer);
	loop_timer_fini(&bsp->look);
	fd_close(&bsp->control.fd);
	fd_close(&bsp->exited.fd);
	free(bsp->cores);
	free(bsp);
	run->bsp = NULL;
}
