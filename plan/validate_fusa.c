/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a plan with contract: fusa may say (docs/contract-fusa.md): two VMs at most, a safety and a
 * non-safety one, on cores of their own, and nothing that the contract has no place for.
 */
#include "lib/size.h"
#include "plan/schema.h"

#define FUSA_MEMORY_MAX (2 * GIB)

static void validate_partitions(const struct plan *plan, struct diags *diags)
{
	const struct plan_partition *non_safety = NULL, *fusa = NULL, *standard = NULL;
	char field[PLAN_FIELD_MAX], where[LOC_TEXT_MAX];

	for (unsigned i = 0; i < plan->partition_count; i++) {
		const struct plan_partition *part = &plan->partitions[i];

		if (part->contract != PLAN_FUSA) {
			standard = part;
			continue;
		}
		fusa = part;
		if (part->role != PLAN_NON_SAFETY)
			continue;
		if (non_safety)
			diag_error(diags, &part->locs[PLAN_KEY_ROLE],
				plan_field(part, "role", field),
				"a second non-safety partition (the first: %s), but the fusa contract "
				"has two VMs, a safety and a non-safety one; remove it, or use "
				"contract: standard",
				loc_text(&non_safety->locs[PLAN_KEY_PARTITION], where));
		else
			non_safety = part;
	}
	if (fusa && standard)
		diag_error(diags, &standard->locs[PLAN_KEY_CONTRACT],
			plan_field(standard, "contract", field),
			"standard beside a partition with contract fusa (%s), which is a matter of "
			"the whole platform; give all partitions the same",
			loc_text(&fusa->locs[PLAN_KEY_CONTRACT], where));
}

static void validate_machine(const struct plan_partition *part, struct diags *diags)
{
	char field[PLAN_FIELD_MAX], size[QUANTITY_MAX];

	if (part->cpus.shared && part->role != PLAN_SAFETY)
		diag_error(diags, &part->locs[PLAN_KEY_CPUS], plan_field(part, "cpus", field),
			"the fusa contract has one core per vCPU; list the cores that it owns, such "
			"as [1, 2]");
	if (part->role == PLAN_SAFETY && part->cpus.vcpus > 1)
		diag_error(diags, &part->locs[PLAN_KEY_CPUS], plan_field(part, "cpus", field),
			"%u vCPUs, but the fusa contract drops INIT and SIPI in the safety "
			"partition, so that only one could run; give it one core",
			part->cpus.vcpus);
	if (part->memory > FUSA_MEMORY_MAX)
		diag_error(diags, &part->locs[PLAN_KEY_MEMORY],
			plan_field(part, "memory.size", field),
			"%s, but the fusa contract has one piece of RAM, which ends at 2G at most; "
			"give it less",
			format_size(part->memory, size));
	if (part->veto_ns && !part->watchdog_ns)
		diag_error(diags, &part->locs[PLAN_KEY_VETO], plan_field(part, "veto", field),
			"a veto is given in the control page, which the fusa contract has only with "
			"a watchdog; give it one, or leave the veto out");
	if (part->status_irq)
		diag_error(diags, &part->locs[PLAN_KEY_STATUS_PAGE],
			plan_field(part, "status_page.irq", field),
			"the fusa contract has no interrupt lines; leave it out, and let the guest "
			"poll the page");
}

static void validate_parts(const struct plan_partition *part, struct diags *diags)
{
	char field[PLAN_FIELD_MAX];
	bool any = false;

	for (unsigned i = 0; i < PLAN_PART_COUNT; i++)
		any |= plan_machine_has(part, i);
	if (any)
		diag_error(diags, &part->locs[PLAN_KEY_MACHINE], plan_field(part, "machine", field),
			"the fusa contract has none of these parts; leave the key out, or use "
			"contract: standard");
}

static void validate_nested(const struct plan_partition *part, struct diags *diags)
{
	char field[PLAN_FIELD_MAX];

	if (part->nested)
		diag_error(diags, &part->locs[PLAN_KEY_NESTED], plan_field(part, "nested", field),
			"the fusa contract shows no VMX; leave it out, or use contract: standard");
}

static void validate_images(const struct plan_partition *part, struct diags *diags)
{
	bool safety = part->role == PLAN_SAFETY;
	enum plan_image_type wanted = safety ? PLAN_IMAGE_RAW : PLAN_IMAGE_BZIMAGE;
	char field[PLAN_FIELD_MAX];

	if (part->image_type != PLAN_IMAGE_AUTO && part->image_type != wanted)
		diag_error(diags, &part->locs[PLAN_KEY_IMAGE],
			plan_field(part, "image.type", field),
			"%s, but the fusa contract's %s partition runs %s; leave it out",
			image_type_names[part->image_type], role_names[part->role],
			safety ? "a raw image" : "a Linux bzImage");
	if (part->initrd)
		diag_error(diags, &part->locs[PLAN_KEY_INITRD], plan_field(part, "initrd", field),
			"the fusa contract has no initrd; leave it out, and build an initramfs "
			"into the kernel");
	if (part->module_count)
		diag_error(diags, &part->locs[PLAN_KEY_MODULES], plan_field(part, "modules", field),
			"the fusa contract has no modules; leave them out, or use contract: "
			"standard");
	if (safety && part->cmdline && *part->cmdline)
		diag_error(diags, &part->locs[PLAN_KEY_CMDLINE], plan_field(part, "cmdline", field),
			"the fusa contract gives the safety partition no command line; leave it "
			"out");
}

void validate_fusa(const struct plan *plan, struct diags *diags)
{
	char field[PLAN_FIELD_MAX];

	validate_partitions(plan, diags);
	for (unsigned i = 0; i < plan->partition_count; i++) {
		const struct plan_partition *part = &plan->partitions[i];

		if (part->contract == PLAN_FUSA) {
			validate_machine(part, diags);
			validate_parts(part, diags);
			validate_nested(part, diags);
			validate_images(part, diags);
		} else if (part->debug) {
			diag_error(diags, &part->locs[PLAN_KEY_CONTRACT],
				plan_field(part, "debug", field),
				"only with contract: fusa, because the standard one has the exit "
				"port anyway; leave it out");
		}
	}
}
