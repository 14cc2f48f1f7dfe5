/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the program's exit code means: one contract for every subcommand, partition and
 * architecture. When several apply to a run the gravest wins: see supervisor/report.c.
 */
#ifndef LIB_EXITCODE_H
#define LIB_EXITCODE_H

enum bh_exit {
	BH_EXIT_OK = 0,            /* everything ended as wanted */
	BH_EXIT_GUEST_FAILED = 1,  /* a guest reported failure */
	BH_EXIT_USAGE = 2,         /* wrong usage, or a plan that is not valid */
	BH_EXIT_HOST = 3,          /* this host cannot do it */
	BH_EXIT_DIED = 4,          /* a partition died: triple fault, internal error, crash */
	BH_EXIT_SAFE_STATE = 5,    /* the platform went to its safe state */
	BH_EXIT_NOTHING_RAN = 77,  /* `test`: everything was skipped */
	BH_EXIT_TIMEOUT = 124,     /* the time limit passed */
	BH_EXIT_INTERRUPTED = 130, /* stopped by the user: SIGINT, SIGTERM */
};

#endif
