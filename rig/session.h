/* SPDX-License-Identifier: BSD-3-Clause */
/* The front's part while the emulated machine runs: consoles, signals, files, the end. */
#ifndef RIG_SESSION_H
#define RIG_SESSION_H

#include "rig/emulator.h"
#include "rig/image.h"

/* What a session is about; all stays the caller's. */
struct session_spec {
	const struct rig_job *job;
	const struct emulator *machine;
	const struct rig_terminal *terminal;
	int log_fd; /* a file for the machine's kernel messages; -1: none */
};

/* How this process is connected to its terminal, if it has one. */
void session_terminal(struct rig_terminal *ret_terminal);

/*
 * Until the command has ended, or cannot. Signals that end a process, and SIGWINCH, are blocked
 * already. An exit code, as rig_run has it.
 */
int session_run(const struct session_spec *spec);

#endif
