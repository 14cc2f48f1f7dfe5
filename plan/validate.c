/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What concerns several keys of a partition, or several partitions. Each message stands at the
 * later offender and names the earlier one. Fields that the parser has refused are zero here, and
 * no reason for a second complaint.
 */
#include "lib/size.h"
#include "plan/schema.h"

#include <inttypes.h>
#include <string.h>

static const char *part_name(const struct plan_partition *part, char buf[EXCERPT_MAX])
{
	return excerpt(part->name ? part->name : "", buf);
}

static bool lists_core(const unsigned *cores, unsigned count, unsigned core)
{
	for (unsigned i = 0; i < count; i++)
		if (cores[i] == core)
			return true;
	return false;
}

static bool uses_core(const struct plan_partition *part, unsigned core)
{
	return lists_core(part->cpus.cores, part->cpus.core_count, core);
}

static void validate_safety(const struct plan *plan, struct diags *diags)
{
	const struct plan_partition *first = NULL;
	char field[PLAN_FIELD_MAX], where[LOC_TEXT_MAX], name[EXCERPT_MAX];

	for (unsigned i = 0; i < plan->partition_count; i++) {
		const struct plan_partition *part = &plan->partitions[i];

		if (part->role != PLAN_SAFETY)
			continue;
		if (first)
			diag_error(diags, &part->locs[PLAN_KEY_ROLE],
				plan_field(part, "role", field),
				"a second safety partition beside %s (%s); make one of them "
				"non-safety",
				part_name(first, name),
				loc_text(&first->locs[PLAN_KEY_ROLE], where));
		else
			first = part;
		if (part->cpus.shared)
			diag_error(diags, &part->locs[PLAN_KEY_CPUS],
				plan_field(part, "cpus", field),
				"a safety partition (%s) cannot share cores; list the cores that "
				"it owns, such as [2, 3]",
				loc_text(&part->locs[PLAN_KEY_ROLE], where));
	}
}

/* PART, the later of the two in the plan, and OTHER both want CORE. */
static void report_core(const struct plan_partition *part, const struct plan_partition *other,
	unsigned core, struct diags *diags)
{
	char field[PLAN_FIELD_MAX], where[LOC_TEXT_MAX], name[EXCERPT_MAX];

	part_name(other, name);
	loc_text(&other->locs[PLAN_KEY_CPUS], where);
	plan_field(part, "cpus", field);
	if (part->cpus.shared)
		diag_error(diags, &part->locs[PLAN_KEY_CPUS], field,
			"core %u cannot be shared: partition %s (%s) owns it; remove it from one "
			"of the two",
			core, name, where);
	else if (other->cpus.shared)
		diag_error(diags, &part->locs[PLAN_KEY_CPUS], field,
			"core %u cannot be owned: partition %s (%s) shares it; remove it from one "
			"of the two",
			core, name, where);
	else
		diag_error(diags, &part->locs[PLAN_KEY_CPUS], field,
			"core %u is owned twice: partition %s (%s) has it too; remove it from one "
			"of the two",
			core, name, where);
}

static void validate_cores(const struct plan *plan, unsigned at, struct diags *diags)
{
	const struct plan_partition *part = &plan->partitions[at];
	char field[PLAN_FIELD_MAX], where[LOC_TEXT_MAX];

	for (unsigned c = 0; c < part->cpus.core_count; c++) {
		unsigned core = part->cpus.cores[c];

		for (unsigned i = 0; i < at; i++) {
			const struct plan_partition *other = &plan->partitions[i];

			if ((part->cpus.shared && other->cpus.shared) || !uses_core(other, core))
				continue;
			report_core(part, other, core, diags);
			break;
		}
		if (!part->cpus.shared &&
			lists_core(plan->housekeeping, plan->housekeeping_count, core))
			diag_error(diags, &part->locs[PLAN_KEY_CPUS],
				plan_field(part, "cpus", field),
				"core %u is for housekeeping (%s); remove it from one of the two",
				core, loc_text(&plan->housekeeping_loc, where));
	}
}

static void validate_memory(const struct plan_partition *part, struct diags *diags)
{
	static const uint64_t page_sizes[] = {[PLAN_HUGEPAGES_NONE] = 4 * KIB,
		[PLAN_HUGEPAGES_2M] = 2 * MIB,
		[PLAN_HUGEPAGES_1G] = GIB};
	char field[PLAN_FIELD_MAX], size[QUANTITY_MAX];

	if (part->memory % page_sizes[part->hugepages])
		diag_error(diags, &part->locs[PLAN_KEY_MEMORY], plan_field(part, "memory", field),
			"%s is not a multiple of its %s hugepages; give a multiple, or smaller "
			"pages",
			format_size(part->memory, size), hugepages_names[part->hugepages]);
}

/* What only the safety partition can have. */
static void validate_privileges(const struct plan_partition *part, struct diags *diags)
{
	char field[PLAN_FIELD_MAX];

	if (part->role == PLAN_SAFETY)
		return;
	if (part->status_page)
		diag_error(diags, &part->locs[PLAN_KEY_STATUS_PAGE],
			plan_field(part, "status_page", field),
			"only the safety partition sees the state of the others; remove it, or "
			"give this partition the role safety");
	if (part->veto_ns)
		diag_error(diags, &part->locs[PLAN_KEY_VETO], plan_field(part, "veto", field),
			"only the safety partition can veto a stop; remove it, or give this "
			"partition the role safety");
}

/* Without a BSP nobody could take the platform to its safe state. */
static void validate_bsp(const struct plan *plan, struct diags *diags)
{
	char field[PLAN_FIELD_MAX], where[LOC_TEXT_MAX];

	for (unsigned i = 0; i < plan->partition_count; i++) {
		const struct plan_partition *part = &plan->partitions[i];

		if (plan->bsp.kind != PLAN_BSP_NONE || part->on_fatal != PLAN_FATAL_SAFE_STATE)
			continue;
		diag_error(diags, &part->locs[PLAN_KEY_ON_FATAL],
			plan_field(part, "on_fatal", field),
			"safe-state without a BSP (%s) to take the platform there; use bsp: "
			"builtin, or another action",
			loc_text(&plan->bsp.loc, where));
	}
}

void validate_plan(const struct plan *plan, struct diags *diags)
{
	validate_bsp(plan, diags);
	validate_safety(plan, diags);
	validate_arch(plan, diags);
	validate_cids(plan, diags);
	validate_ports(plan, diags);
	validate_nets(plan, diags);
	if (plan->arch == PLAN_ARCH_X86_64)
		validate_fusa(plan, diags);
	validate_shared(plan, diags);
	for (unsigned i = 0; i < plan->partition_count; i++) {
		validate_cores(plan, i, diags);
		validate_memory(&plan->partitions[i], diags);
		validate_privileges(&plan->partitions[i], diags);
		validate_devices(&plan->partitions[i], diags);
	}
}
