/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A run whose partitions' processes are dummies: the test says what they say.
 */
#ifndef TESTS_UNIT_SUPERVISOR_WORLD_H
#define TESTS_UNIT_SUPERVISOR_WORLD_H

#include "lib/ipc.h"
#include "lib/util.h"
#include "supervisor/helper.h"
#include "supervisor/run.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define MS 1000000ull

enum { SAFETY, LINUX, CHILDREN };

static struct run run;
static struct plan plan;
static struct plan_partition partitions[CHILDREN];
static struct run_options options;
static int peers[CHILDREN]; /* the processes' ends of the sockets */
static char *said;
static size_t said_size;

static inline void setup(void)
{
	static char image[] = "/no-such-image", *names[] = {"safety", "linux"};
	static unsigned cores[] = {0, 1};

	memset(&run, 0, sizeof(run));
	memset(&plan, 0, sizeof(plan));
	for (unsigned i = 0; i < CHILDREN; i++) {
		partitions[i] = (struct plan_partition){.name = names[i],
			.role = i == SAFETY ? PLAN_SAFETY : PLAN_NON_SAFETY,
			.image = image,
			.on_fatal = i == SAFETY ? PLAN_FATAL_SAFE_STATE : PLAN_FATAL_RESTART,
			.restart_limit = 3,
			.stop_timeout_ns = 60000 * MS,
			.cpus = {.vcpus = 1, .core_count = 1, .cores = &cores[i]}};
		peers[i] = -1;
	}
	plan.partition_count = CHILDREN;
	plan.partitions = partitions;
	run.plan = &plan;
	run.options = &options;
	run.kvm_fd = run.line_fd = run.console_out = run.console_in = run.console_child = -1;
	run.err = open_memstream(&said, &said_size);
	ck_assert_int_eq(loop_create_epoll(&run.loop), 0);
	ck_assert_int_eq(loop_timer_init(run.loop, &run.timeout, NULL), 0);
	ck_assert_int_eq(event_log_init(&run.events), 0);
	run.children = calloc(CHILDREN, sizeof(*run.children));
	for (; run.child_count < CHILDREN; run.child_count++)
		ck_assert_int_eq(
			child_init(&run.children[run.child_count], &run, run.child_count), 0);
}

static inline void teardown(void)
{
	for (unsigned i = 0; i < CHILDREN; i++) {
		struct child *c = &run.children[i];

		fd_close(&peers[i]);
		if (c->pid > 0) {
			kill(c->pid, SIGKILL);
			waitpid(c->pid, NULL, 0);
		}
		loop_unwatch(run.loop, &c->control);
		loop_unwatch(run.loop, &c->exited);
	}
	run_safety_fini(&run);
	for (unsigned i = 0; i < CHILDREN; i++)
		child_fini(&run.children[i]);
	free(run.children);
	event_log_fini(&run.events);
	loop_destroy(run.loop);
	fclose(run.err);
	free(said);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1); /* no process is left */
}

/* ---- doing ---- */

/* Gives child I a process, which does nothing. */
static inline struct child *spawn(unsigned i)
{
	struct child *c = &run.children[i];
	struct diags diags;
	int pair[2];

	diags_init(&diags);
	ck_assert_int_eq(ipc_pair(pair), 0);
	c->control.fd = pair[0];
	peers[i] = pair[1];
	c->pid = fork();
	if (!c->pid) {
		for (;;)
			pause();
	}
	c->exited.fd = (int)syscall(SYS_pidfd_open, c->pid, 0);
	c->state = CHILD_STARTING;
	ck_assert_int_eq(child_watch(c, &diags), 0);
	diags_fini(&diags);
	return c;
}

static inline struct child *start(unsigned i)
{
	struct child *c = spawn(i);

	child_release(c);
	return c;
}

static inline void start_all(void)
{
	run.released = run.all_ready = true;
	for (unsigned i = 0; i < CHILDREN; i++)
		start(i);
}

/* Child I's process says something. */
static inline void say(unsigned i, enum partition_message type, const void *payload, size_t size)
{
	ck_assert_int_eq(ipc_send(peers[i], (uint16_t)type, payload, size), 0);
	child_receive(&run.children[i], 1);
}

static inline void say_ended(unsigned i, enum partition_end end, enum bulkhead_partition_end cause)
{
	const struct message_ended m = {.end = end, .cause = cause, .vcpu = -1};

	say(i, MSG_ENDED, &m, sizeof(m));
}

/* Takes what child I's process was sent: how many messages of TYPE are among it. */
static inline unsigned sent(unsigned i, enum partition_message type)
{
	struct ipc_message m;
	unsigned count = 0;

	while (ipc_receive(peers[i], &m) == 0)
		count += m.type == type;
	return count;
}

/* Runs the loop for so long; the run's end ends it before. */
static inline void run_for(uint64_t ns)
{
	unit_run_loop(run.loop, ns);
}

static inline void die(unsigned i)
{
	kill(run.children[i].pid, SIGKILL);
	for (unsigned n = 0; n < 2000 && run.children[i].pid; n++)
		run_for(5 * MS);
	ck_assert_int_eq(run.children[i].pid, 0);
	fd_close(&peers[i]);
}

#endif
