/* SPDX-License-Identifier: BSD-3-Clause */
/* The devices of a partition: names, slots, and what goes with what. */
#include "plan/schema.h"

#include <string.h>

static void validate_name(
	const struct plan_partition *part, unsigned at, const char *field, struct diags *diags)
{
	const struct plan_device *d = &part->devices[at];
	char where[LOC_TEXT_MAX], name[EXCERPT_MAX];

	if (!partition_name_valid(d->name))
		diag_error(diags, &d->loc, field,
			"not a device's name; use up to 32 of a-z, 0-9, - and _, the first a letter");
	for (unsigned i = 0; i < at; i++) {
		if (strcmp(part->devices[i].name, d->name) != 0)
			continue;
		diag_error(diags, &d->loc, field,
			"\"%s\" is the name of another device (%s), too; "
			"give one of them another",
			excerpt(d->name, name), loc_text(&part->devices[i].loc, where));
		return;
	}
}

static void validate_slot(
	const struct plan_partition *part, unsigned at, const char *field, struct diags *diags)
{
	const struct plan_device *d = &part->devices[at];
	char where[LOC_TEXT_MAX];

	if (d->transport == PLAN_TRANSPORT_MMIO) {
		if (d->slot)
			diag_error(diags, &d->loc, field,
				"a slot is for PCI, and this is transport: mmio; remove one of the two");
		return;
	}
	for (unsigned i = 0; i < at; i++) {
		if (part->devices[i].slot != d->slot)
			continue;
		diag_error(diags, &d->loc, field,
			"slot %u is taken by %s (%s); give one of them another", d->slot,
			part->devices[i].name, loc_text(&part->devices[i].loc, where));
		return;
	}
}

static void validate_mmio(const struct plan_partition *part, struct diags *diags)
{
	unsigned count = 0;
	char field[PLAN_FIELD_MAX];

	for (unsigned i = 0; i < part->device_count; i++)
		count += part->devices[i].transport == PLAN_TRANSPORT_MMIO;
	if (part->arch == PLAN_ARCH_X86_64 && count > PLAN_MMIO_DEVICES_MAX_X86)
		diag_error(diags, &part->locs[PLAN_KEY_DEVICES], plan_field(part, "devices", field),
			"%u devices have transport: mmio; at most %d may, the others are for pci",
			count, PLAN_MMIO_DEVICES_MAX_X86);
}

static void validate_fs(const struct plan_partition *part, unsigned at, struct diags *diags)
{
	const struct plan_device *d = &part->devices[at];
	char key[64], field[PLAN_FIELD_MAX], where[LOC_TEXT_MAX];

	snprintf(key, sizeof(key), "devices.%u", at);
	plan_field(part, key, field);
	if (!d->fs.path == !d->fs.socket)
		diag_error(diags, &d->loc, field,
			d->fs.path
				? "path and socket; a folder is shared by a server that we start, "
				  "or by one that runs: give one of them"
				: "nothing to share; give path: FOLDER, or socket: of a server");
	if (d->fs.socket && d->fs.readonly)
		diag_error(diags, &d->loc, field,
			"readonly with a socket; start its server with --readonly, and remove this");
	if (!d->fs.tag)
		return;
	snprintf(key, sizeof(key), "devices.%u.tag", at);
	plan_field(part, key, field);
	if (!*d->fs.tag || strlen(d->fs.tag) > PLAN_TAG_MAX)
		diag_error(diags, &d->loc, field, "%zu bytes; a tag has 1 to %d", strlen(d->fs.tag),
			PLAN_TAG_MAX);
	for (unsigned i = 0; i < at; i++) {
		const struct plan_device *e = &part->devices[i];

		if (e->type != PLAN_DEVICE_FS || !e->fs.tag || strcmp(e->fs.tag, d->fs.tag) != 0)
			continue;
		diag_error(diags, &d->loc, field,
			"%s (%s) has this tag, too; give one of them another", e->name,
			loc_text(&e->loc, where));
		return;
	}
}

static void validate_blk(const struct plan_partition *part, unsigned at, struct diags *diags)
{
	const struct plan_device *d = &part->devices[at];
	char key[64], field[PLAN_FIELD_MAX];

	if (!d->blk.serial)
		return;
	snprintf(key, sizeof(key), "devices.%u.serial", at);
	if (strlen(d->blk.serial) > PLAN_BLK_SERIAL_MAX)
		diag_error(diags, &d->loc, plan_field(part, key, field),
			"%zu bytes; a serial number has up to %d", strlen(d->blk.serial),
			PLAN_BLK_SERIAL_MAX);
}

/* A cid is an address on the host; and Linux has one such device. */
static void validate_vsock(const struct plan *plan, unsigned part, unsigned at, struct diags *diags)
{
	const struct plan_device *d = &plan->partitions[part].devices[at];
	char key[64], field[PLAN_FIELD_MAX], where[LOC_TEXT_MAX], name[EXCERPT_MAX];

	snprintf(key, sizeof(key), "devices.%u.cid", at);
	plan_field(&plan->partitions[part], key, field);
	for (unsigned p = 0; p <= part; p++) {
		const struct plan_partition *other = &plan->partitions[p];

		for (unsigned i = 0; i < (p == part ? at : other->device_count); i++) {
			const struct plan_device *e = &other->devices[i];

			if (e->type != PLAN_DEVICE_VSOCK ||
				(p != part && e->vsock.cid != d->vsock.cid))
				continue;
			loc_text(&e->loc, where);
			if (p == part)
				diag_error(diags, &d->loc, field,
					"a second vsock beside %s (%s); a partition has one, remove the "
					"other",
					e->name, where);
			else
				diag_error(diags, &d->loc, field,
					"%u is the cid of partition %s (%s), too; give one of them "
					"another",
					d->vsock.cid, excerpt(other->name, name), where);
			return;
		}
	}
}

void validate_cids(const struct plan *plan, struct diags *diags)
{
	for (unsigned p = 0; p < plan->partition_count; p++) {
		const struct plan_partition *part = &plan->partitions[p];

		for (unsigned i = 0; i < part->device_count; i++) {
			if (part->devices[i].type == PLAN_DEVICE_VSOCK &&
				part->devices[i].vsock.cid)
				validate_vsock(plan, p, i, diags);
		}
	}
}

void validate_devices(const struct plan_partition *part, struct diags *diags)
{
	char field[PLAN_FIELD_MAX];

	if (part->contract == PLAN_FUSA && part->device_count)
		diag_error(diags, &part->locs[PLAN_KEY_DEVICES], plan_field(part, "devices", field),
			"the contract fusa has no devices but its own; remove them, or use standard");
	validate_mmio(part, diags);
	for (unsigned i = 0; i < part->device_count; i++) {
		const struct plan_device *d = &part->devices[i];
		char key[64];

		if (!d->name)
			continue; /* refused already */
		snprintf(key, sizeof(key), "devices.%u.name", i);
		validate_name(part, i, plan_field(part, key, field), diags);
		snprintf(key, sizeof(key), "devices.%u.slot", i);
		validate_slot(part, i, plan_field(part, key, field), diags);
		if (d->type == PLAN_DEVICE_FS)
			validate_fs(part, i, diags);
		if (d->type == PLAN_DEVICE_BLK)
			validate_blk(part, i, diags);
	}
}
