/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a plan leaves open of a machine, decided by the host's KVM: its interrupt controller, its
 * processors' features. Who decided what is told in words.
 */
#ifndef PARTITION_CHOICE_H
#define PARTITION_CHOICE_H

#include "lib/diag.h"
#include "plan/plan.h"
#include "vmm/machine.h"

/*
 * Decides for M, as yet without devices: as the plan says; what it leaves open by the KVM that
 * KVM_FD is open on, or for KVM_FD -1, for a machine that will not run, as an ordinary host would
 * have it. 0, or a negative errno with a reason in DIAGS.
 */
int choice_make(const struct plan_partition *p, int kvm_fd, struct machine *m, struct diags *diags);

/*
 * What the choice was, and whose: "GICv3 with ITS, PSCI 1.1, PMU; this host's KVM has no SVE; gic
 * as the plan says". Empty on x86-64, where there is none. Returns BUF.
 */
#define CHOICE_TEXT_MAX 256
char *choice_describe(
	const struct plan_partition *p, const struct machine *m, char buf[CHOICE_TEXT_MAX]);

#endif
