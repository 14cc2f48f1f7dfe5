/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a partition process tells the supervisor that is more than a word: each on CONTROL_FD, in
 * the form that partition/protocol.h has for it. A supervisor that is gone is noticed elsewhere.
 */
#ifndef PARTITION_TELL_H
#define PARTITION_TELL_H

#include "lib/diag.h"
#include "partition/protocol.h"
#include "vmm/vm.h"

#include <stdbool.h>

/* The partition cannot be created, as DIAGS say. HOST: it is this host that cannot. */
void tell_failed(int control_fd, bool host, const struct diags *diags);

/* The same, because doing WHAT failed with ERROR, a negative errno. */
void tell_failed_host(
	int control_fd, const struct plan_partition *plan, const char *what, int error);

/* All counters that are not zero; the VM may be running. */
void tell_stats(int control_fd, const struct vm *vm);

/* REPORT, and TEXT about a fatal error or a panic, or "". */
void tell_report(int control_fd, const struct message_report *report, const char *text);

/* A core was written, up to BYTES, or not: ERROR is a negative errno. */
void tell_core(int control_fd, int error, uint64_t bytes);

/* DEVICE of the plan has something to say. Any thread. */
void tell_notice(int control_fd, const char *device, const char *text);

/* A vCPU has met the fatal error END and sleeps, or spins, from now on. */
void tell_parked(int control_fd, const struct vm_end *end, bool spinning);

#endif
