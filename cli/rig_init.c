/* SPDX-License-Identifier: BSD-3-Clause */
/* bulkhead rig-init: process 1 of the machine that `bulkhead rig` emulates. */
#include "cli/commands.h"
#include "partition/probe.h"
#include "rig/rig.h"

static void hold_kvm(void)
{
	partition_hold_kvm(HOST_KVM_DEVICE);
}

static int rig_init_run(const void *options, unsigned operand_count, char *const *operands)
{
	(void)options;
	(void)operand_count;
	(void)operands;
	rig_init(hold_kvm);
	return command_usage_error(
		&command_rig_init, "this is process 1 of an emulated machine, and nothing else");
}

static const struct option_spec no_options[] = {{0}};

const struct command command_rig_init = {
	.name = "rig-init",
	.synopsis = "",
	.summary = "Process 1 of the rig.",
	.options = no_options,
	.hidden = true,
	.run = rig_init_run,
};
