/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a plan for one architecture cannot have of the other's, and what the parts of an arm64
 * machine cannot be together. Whether the host has them is found out at the start.
 */
#include "plan/schema.h"

#define GICV2_VCPUS_MAX 8 /* [GICv2 2.3.2] */

static bool image_fits(const struct plan_partition *part)
{
	switch (part->image_type) {
	case PLAN_IMAGE_MULTIBOOT:
	case PLAN_IMAGE_MULTIBOOT2:
	case PLAN_IMAGE_BZIMAGE:
		return part->arch == PLAN_ARCH_X86_64;
	case PLAN_IMAGE_ARM64:
		return part->arch == PLAN_ARCH_ARM64;
	case PLAN_IMAGE_AUTO:
	case PLAN_IMAGE_ELF:
	case PLAN_IMAGE_RAW:
		break;
	}
	return true;
}

static void validate_x86(const struct plan_partition *part, struct diags *diags)
{
	char field[PLAN_FIELD_MAX];

	if (part->on_violation == PLAN_VIOLATION_SERROR)
		diag_error(diags, &part->locs[PLAN_KEY_ON_VIOLATION],
			plan_field(part, "on_violation", field),
			"there is no SError on x86-64, which the plan is for; use inject");
	if (part->status_irq > PLAN_STATUS_IRQ_MAX_X86)
		diag_error(diags, &part->locs[PLAN_KEY_STATUS_PAGE],
			plan_field(part, "status_page.irq", field),
			"%u is too much; give an IOAPIC pin, at most %d", part->status_irq,
			PLAN_STATUS_IRQ_MAX_X86);
}

static void validate_gic(const struct plan_partition *part, struct diags *diags)
{
	char field[PLAN_FIELD_MAX];

	if (part->arm64.gic != PLAN_GIC_V2)
		return;
	if (part->cpus.vcpus > GICV2_VCPUS_MAX)
		diag_error(diags, &part->locs[PLAN_KEY_ARM64], plan_field(part, "arm64.gic", field),
			"a GICv2 has %d vCPUs at most, and the partition has %u; use v3, or give it "
			"fewer",
			GICV2_VCPUS_MAX, part->cpus.vcpus);
	if (part->arm64.its == PLAN_WISH_ON)
		diag_error(diags, &part->locs[PLAN_KEY_ARM64], plan_field(part, "arm64.its", field),
			"an ITS takes a GICv3, and arm64.gic is v2; use v3, or leave the ITS out");
}

static void validate_arm64(const struct plan_partition *part, struct diags *diags)
{
	char field[PLAN_FIELD_MAX];

	if (part->contract == PLAN_FUSA)
		diag_error(diags, &part->locs[PLAN_KEY_CONTRACT],
			plan_field(part, "contract", field),
			"fusa is a contract of x86-64, and the plan is for arm64; use standard");
	else if (part->debug)
		diag_error(diags, &part->locs[PLAN_KEY_CONTRACT], plan_field(part, "debug", field),
			"only with contract: fusa, which is one of x86-64; leave it out");
	if (part->module_count)
		diag_error(diags, &part->locs[PLAN_KEY_MODULES], plan_field(part, "modules", field),
			"modules are for multiboot images, which are for x86-64; leave them out");
	validate_gic(part, diags);
}

/* Parts of the other architecture's machines that the plan insists on. */
static void validate_parts(const struct plan_partition *part, struct diags *diags)
{
	char key[64], field[PLAN_FIELD_MAX];

	for (unsigned i = 0; i < PLAN_PART_COUNT; i++) {
		if (machine_part_of(part->arch, i) || part->machine.parts[i] != PLAN_WISH_ON)
			continue;
		snprintf(key, sizeof(key), "machine.%s", machine_part_name(i));
		diag_error(diags, &part->locs[PLAN_KEY_MACHINE], plan_field(part, key, field),
			"machines of %s have no such part, and the plan is for it; leave it out",
			arch_names[part->arch]);
	}
}

void validate_arch(const struct plan *plan, struct diags *diags)
{
	for (unsigned i = 0; i < plan->partition_count; i++) {
		const struct plan_partition *part = &plan->partitions[i];
		char field[PLAN_FIELD_MAX];

		if (!image_fits(part))
			diag_error(diags, &part->locs[PLAN_KEY_IMAGE],
				plan_field(part, "image.type", field),
				"there are no images of type %s for %s, which the plan is for; use "
				"another, or change arch",
				image_type_names[part->image_type], arch_names[part->arch]);
		validate_parts(part, diags);
		if (plan->arch == PLAN_ARCH_ARM64)
			validate_arm64(part, diags);
		else
			validate_x86(part, diags);
	}
}
