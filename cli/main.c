/* SPDX-License-Identifier: BSD-3-Clause */
/* The program: its list of subcommands, and the state every one of them can rely on. */
#include "cli/commands.h"

#include "partition/partition.h"
#include "partition/protocol.h"
#include "supervisor/supervisor.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <malloc.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

const struct command *const cli_commands[] = {
	&command_run,
	&command_boot,
	&command_test,
	&command_rig,
	&command_report,
	&command_list,
	&command_console,
	&command_stop,
	&command_kill,
	&command_pause,
	&command_resume,
	&command_restart,
	&command_events,
	&command_stats,
	&command_inspect,
	&command_dump,
	&command_check,
	&command_doctor,
	&command_version,
	&command_print_docs,
	&command_rig_init,
	NULL,
};

/*
 * Started with a standard descriptor closed, the next open() would take its place and receive our
 * messages.
 */
static void hold_standard_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0)
			(void)!open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
	}
}

/*
 * A buffer that calloc takes from the heap is cleared, one of its own pages is clear: its pages
 * cost nothing before they are used. And one heap for all threads: little is allocated once they
 * are there.
 */
static void tune_heap(void)
{
	mallopt(M_MMAP_THRESHOLD, 16384);
	mallopt(M_ARENA_MAX, 1);
}

/*
 * What a partition allocates is mostly large and mostly never touched: it shall not come out of
 * the heap's spare room, where the threshold does not hold.
 */
#define PARTITION_SPARE 8192

int main(int argc, char **argv)
{
	tune_heap();
	/* The supervisor's own re-execution: it comes before anything a user may say. */
	if (argc && strcmp(argv[0], PARTITION_ARGV0) == 0) {
		mallopt(M_TOP_PAD, PARTITION_SPARE);
		return partition_main(argc, argv);
	}
	if (argc && strcmp(argv[0], CORE_WRITER_ARGV0) == 0)
		return core_writer_main(argc, argv);
	hold_standard_descriptors();
	/* Descriptors that our caller left open are nobody's business, least of all a partition's.
	 */
	close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC);
	/* A reader that goes away, a file that may not grow: errors of write(2), not our end. What
	 * is ignored here is in the partition processes, too. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	/* Setting up a terminal from the background fails, instead of stopping us. */
	signal(SIGTTOU, SIG_IGN);
	/* Ignored by whoever started us, it would take away our children's ends. */
	signal(SIGCHLD, SIG_DFL);
	return commands_dispatch(cli_commands, argc, argv);
}
