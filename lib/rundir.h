/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where runs are found: a folder of this user's with one Unix socket per run, NAME.sock.
 * $XDG_RUNTIME_DIR/bulkhead; for root, where that is not set or not root's, /run/bulkhead. The
 * folder is its owner's alone (0700), sockets have mode 0600. Any thread, but for the umask.
 */
#ifndef LIB_RUNDIR_H
#define LIB_RUNDIR_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/* Bytes of a run's name, the final NUL included: letters, digits, '.', '_' and '-', no dot first.
 */
#define RUN_NAME_MAX 64

bool run_name_valid(const char *name);

/* Makes a name of TEXT, whatever it is: what may not stand in one becomes '-'. */
void run_name_from(const char *text, char ret_name[RUN_NAME_MAX]);

/*
 * Opens the folder, and makes it first if CREATE says so. The descriptor, and its path in RET_PATH;
 * -ENOENT: there is none yet; -ENXIO: this user has no place for it ($XDG_RUNTIME_DIR is not set);
 * -EPERM: it is not this user's, or others may use it; or what mkdir or open said. RET_PATH is the
 * empty string where no path is known.
 */
int rundir_open(bool create, char ret_path[PATH_MAX]);

/*
 * A listening, non-blocking stream socket NAME.sock in the folder DIR_FD, for this user alone. One
 * that is there already and that nobody listens to any more is replaced. -EADDRINUSE: a live run
 * has it; -ETIMEDOUT: another start holds the folder's lock; else a negative errno.
 */
int rundir_listen(int dir_fd, const char *name);

/* Removes NAME.sock, which nobody listens to any more; else leaves it. */
void rundir_remove(int dir_fd, const char *name);

/*
 * Connects to NAME.sock. The descriptor (blocking); -ENOENT: no such run; -ECONNREFUSED: its
 * supervisor is dead; else a negative errno.
 */
int rundir_connect(int dir_fd, const char *name);

/*
 * Names of all sockets in the folder, sorted, live or not; at most RUNDIR_LIST_MAX. The caller
 * frees the array. How many, or a negative errno.
 */
#define RUNDIR_LIST_MAX 1024
int rundir_list(int dir_fd, char (**ret_names)[RUN_NAME_MAX]);

#endif
