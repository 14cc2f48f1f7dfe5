/* SPDX-License-Identifier: BSD-3-Clause */
/* `run --detach`: the run goes on in a session of its own, once it has started. */
#ifndef CLI_DETACH_H
#define CLI_DETACH_H

#include <stdbool.h>

struct detached {
	bool child;   /* we are the process of the run */
	int ready_fd; /* in it: gets the run's name when it is OPERATIONAL (run_options.ready_fd) */
	int code;     /* in the other: an enum bh_exit, all is done */
};

/*
 * Forks. The new process has no terminal and no input; what it writes goes where ours does until
 * the run is OPERATIONAL, then to LOG_DIR/bulkhead.log (made if it is not there), or nowhere if
 * LOG_DIR is NULL. The caller's process waits for that, or for the failure of the start, and says
 * which run it is, as JSON if asked to.
 */
struct detached detach(const char *log_dir, bool json);

#endif
