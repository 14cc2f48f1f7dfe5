/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A program under measurement: started, watched on two pipes, timed until it has been reaped.
 * Times are CLOCK_MONOTONIC in nanoseconds. One thread.
 */
#ifndef BENCH_PROCESS_H
#define BENCH_PROCESS_H

#include <stdint.h>
#include <sys/types.h>

#define PROCESS_REPORT_MAX 8192

struct process {
	pid_t pid;
	int pidfd;
	int console; /* the guest's console */
	int report;  /* the program's other output */
	uint64_t started_ns;
};

uint64_t now_ns(void);

/*
 * Starts ARGV, its standard input empty. CONSOLE_FD, STDOUT_FILENO or STDERR_FILENO, is where it
 * writes the guest's console. 0 or -errno; started_ns is the time just before.
 */
int process_start(char *const argv[], int console_fd, struct process *ret_process);

/* Reads the console until BYTE comes; when. -ETIMEDOUT, or -EPIPE when the program closed it. */
int process_wait_byte(struct process *p, char byte, uint64_t *ret_ns);

/*
 * Waits until the program has ended (killing it first when KILL_IT, or when it takes too long:
 * -ETIMEDOUT) and reaps it; when. RET_REPORT gets the start of what it said, as a string.
 */
int process_finish(
	struct process *p, int kill_it, uint64_t *ret_ns, char ret_report[PROCESS_REPORT_MAX]);

/*
 * The proportional set size of PID and all its descendants in bytes, without guest RAM: each
 * mapping that is as large as RAM_SIZE or up to 1 MiB larger. -ENOENT without such a mapping.
 */
int process_tree_pss(pid_t pid, uint64_t ram_size, uint64_t *ret_bytes);

#endif
