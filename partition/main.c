/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The partition process. Its first thread builds the partition, then is its I/O thread: consoles
 * and the supervisor's messages. The vCPUs have threads of their own (vmm/vcpu.c).
 *
 * It opens no file: every descriptor was opened by the supervisor and comes with the launch.
 */
#include "partition/partition.h"

#include "lib/sandbox.h"
#include "partition/handover.h"
#include "partition/process.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* What ps shows as the argument ROOM. */
static void set_title(char *room, const char *name)
{
	size_t size = strlen(room);

	snprintf(room, size + 1, "%s", name);
	memset(room + strlen(room), 0, size - strlen(room));
}

int partition_main(int argc, char **argv)
{
	struct partition *p = calloc(1, sizeof(*p));
	int ret;

	if (argc != 3 || !p)
		return EXIT_FAILURE;
	p->supervisor_fd = atoi(argv[1]);
	if (handover_receive(p->supervisor_fd, &p->launch, &p->plan))
		_exit(EXIT_FAILURE);
	prctl(PR_SET_NAME, p->plan->name);
	set_title(argv[2], p->plan->name);
	/* Ctrl-C reaches the whole foreground group; only the supervisor decides what it means. */
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	/* Terminals that are not ours: an error of a call, not our end. */
	signal(SIGTTIN, SIG_IGN);
	signal(SIGTTOU, SIG_IGN); /* supervisor_gone restores the terminal from the background */
	sandbox_take_signals();
	ret = partition_start(p);
	if (!ret)
		ret = loop_run(p->loop);
	if (ret)
		serve_terminal_back(p);
	/* The kernel frees everything faster than we could; consoles are drained already. */
	_exit(ret ? EXIT_FAILURE : EXIT_SUCCESS);
}
