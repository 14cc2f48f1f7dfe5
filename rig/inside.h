/* SPDX-License-Identifier: BSD-3-Clause */
/* What the front and process 1 of the emulated machine both know of its file system. */
#ifndef RIG_INSIDE_H
#define RIG_INSIDE_H

#define INSIDE_FOLDER  "/.bulkhead"
#define INSIDE_PROGRAM INSIDE_FOLDER "/bulkhead"
#define INSIDE_MODULES INSIDE_FOLDER "/modules"

/*
 * The command as JSON: "argv" and "env" (arrays of texts), "cwd", "hostname", "outputs" (array of
 * paths), "terminal" (three booleans: which of the standard descriptors are one), "rows",
 * "columns", "kvm" (whether there must be one).
 */
#define INSIDE_JOB INSIDE_FOLDER "/job"

/*
 * In the command's environment: how it was started on the host, up to the command itself, as JSON:
 * an array of words, such as ["/usr/bin/bulkhead", "rig", "--arch", "arm64", "--"].
 */
#define INSIDE_VARIABLE "BULKHEAD_RIG"

/* The name of the port that rig/wire.h is spoken through. */
#define INSIDE_PORT "org.bulkhead.rig"

/* The subcommand of bulkhead that process 1 runs. */
#define INSIDE_INIT "rig-init"

#endif
