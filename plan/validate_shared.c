/* SPDX-License-Identifier: BSD-3-Clause */
/* Regions of shared memory and the devices that show them: who is a peer of what, and sizes. */
#include "lib/size.h"
#include "plan/schema.h"

#include <inttypes.h>
#include <string.h>

/* "shared.NAME.KEY". */
static const char *region_field(
	const struct plan_region *r, const char *key, char buf[PLAN_FIELD_MAX])
{
	char safe[EXCERPT_MAX];

	snprintf(buf, PLAN_FIELD_MAX, "shared.%s.%s", excerpt(r->name, safe), key);
	return buf;
}

static const struct plan_partition *find_partition(const struct plan *plan, const char *name)
{
	for (unsigned i = 0; i < plan->partition_count; i++) {
		if (plan->partitions[i].name && strcmp(plan->partitions[i].name, name) == 0)
			return &plan->partitions[i];
	}
	return NULL;
}

/* The first of COUNT peers that is called NAME, or NULL. */
static const struct plan_peer *find_peer(
	const struct plan_peer *peers, unsigned count, const char *name)
{
	for (unsigned i = 0; i < count; i++) {
		if (peers[i].name && strcmp(peers[i].name, name) == 0)
			return &peers[i];
	}
	return NULL;
}

static void validate_peer(
	const struct plan *plan, const struct plan_region *r, unsigned at, struct diags *diags)
{
	const struct plan_peer *peer = &r->peers[at];
	const struct plan_peer *first = find_peer(r->peers, at, peer->name);
	const struct plan_partition *part = find_partition(plan, peer->name);
	char field[PLAN_FIELD_MAX], where[LOC_TEXT_MAX], name[EXCERPT_MAX], key[32];

	snprintf(key, sizeof(key), "peers.%u", at);
	region_field(r, key, field);
	excerpt(peer->name, name);
	if (!part)
		diag_error(diags, &peer->loc, field,
			"the plan has no partition \"%s\"; name one of `partitions`", name);
	else if (part->contract == PLAN_FUSA)
		diag_error(diags, &peer->loc, field,
			"partition %s has contract: fusa (%s), which has no devices but its own; take "
			"it out, or give it the contract standard",
			name, loc_text(&part->locs[PLAN_KEY_CONTRACT], where));
	if (first)
		diag_error(diags, &peer->loc, field,
			"partition %s is listed twice, first at %s; remove one of the two", name,
			loc_text(&first->loc, where));
}

static void validate_readers(const struct plan_region *r, struct diags *diags)
{
	char field[PLAN_FIELD_MAX], where[LOC_TEXT_MAX], name[EXCERPT_MAX], key[32];
	unsigned writers = r->peer_count;

	for (unsigned i = 0; i < r->reader_count; i++) {
		const struct plan_peer *reader = &r->readers[i], *first;

		if (!reader->name)
			continue;
		snprintf(key, sizeof(key), "readers.%u", i);
		first = find_peer(r->readers, i, reader->name);
		if (!find_peer(r->peers, r->peer_count, reader->name))
			diag_error(diags, &reader->loc, region_field(r, key, field),
				"partition %s is none of its peers (%s); add it there, or remove it "
				"here",
				excerpt(reader->name, name), loc_text(&r->loc, where));
		else if (first)
			diag_error(diags, &reader->loc, region_field(r, key, field),
				"partition %s is listed twice, first at %s; remove one of the two",
				excerpt(reader->name, name), loc_text(&first->loc, where));
		else
			writers--;
	}
	if (r->reader_count && !writers)
		diag_error(diags, &r->readers[0].loc, region_field(r, "readers", field),
			"all of its peers may only read it, so that nobody can put anything there; "
			"take one out");
}

static void validate_region(
	const struct plan *plan, const struct plan_region *r, struct diags *diags)
{
	char field[PLAN_FIELD_MAX], size[QUANTITY_MAX];

	if (!partition_name_valid(r->name)) {
		char name[EXCERPT_MAX];

		snprintf(field, sizeof(field), "shared.%s", excerpt(r->name, name));
		diag_error(diags, &r->loc, field,
			"not a region's name; use up to 32 of a-z, 0-9, - and _, the first a letter");
	}
	for (unsigned i = 0; i < r->peer_count; i++) {
		if (r->peers[i].name)
			validate_peer(plan, r, i, diags);
	}
	if (r->peers && r->peer_count < 2)
		diag_error(diags, &r->loc, region_field(r, "peers", field),
			"%s of a region that is there to be shared; list two at least",
			r->peer_count ? "one peer" : "no peer");
	if (r->type == PLAN_REGION_IVSHMEM_V1 && r->size & (r->size - 1))
		diag_error(diags, &r->loc, region_field(r, "size", field),
			"%s is no power of two, as the size of a BAR is; give one, such as 1M",
			format_size(r->size, size));
	validate_readers(r, diags);
}

/* The device AT of PART is one of a region. */
static void validate_end(const struct plan *plan, const struct plan_partition *part, unsigned at,
	struct diags *diags)
{
	const struct plan_device *d = &part->devices[at];
	const struct plan_region *r = plan_region_find(plan, d->ivshmem.region);
	char field[PLAN_FIELD_MAX], where[LOC_TEXT_MAX], name[EXCERPT_MAX], key[48];

	snprintf(key, sizeof(key), "devices.%u.region", at);
	plan_field(part, key, field);
	excerpt(d->ivshmem.region, name);
	if (!r) {
		diag_error(diags, &d->loc, field,
			"`shared` has no region \"%s\"; add it there, with its peers, or remove the "
			"device",
			name);
		return;
	}
	if (plan_region_peer(r, part) < 0)
		diag_error(diags, &d->loc, field,
			"this partition is none of the peers of %s (%s); add it there, or remove the "
			"device",
			name, loc_text(&r->loc, where));
	for (unsigned i = 0; i < at; i++) {
		const struct plan_device *other = &part->devices[i];

		if (other->type != PLAN_DEVICE_IVSHMEM || !other->ivshmem.region ||
			strcmp(other->ivshmem.region, d->ivshmem.region) != 0)
			continue;
		diag_error(diags, &d->loc, field,
			"%s has a device here already, %s (%s); remove one of the two", name,
			other->name ? other->name : "another", loc_text(&other->loc, where));
		return;
	}
}

static void validate_ends(
	const struct plan *plan, const struct plan_partition *part, struct diags *diags)
{
	char field[PLAN_FIELD_MAX];
	unsigned bells = 0;

	for (unsigned i = 0; i < part->device_count; i++) {
		const struct plan_device *d = &part->devices[i];

		if (d->type != PLAN_DEVICE_IVSHMEM || !d->ivshmem.region)
			continue;
		validate_end(plan, part, i, diags);
		bells += d->ivshmem.end.peers * d->ivshmem.end.vectors;
	}
	plan_field(part, "devices", field);
	if (bells > PLAN_DOORBELLS_MAX)
		diag_error(diags, &part->locs[PLAN_KEY_DEVICES], field,
			"%u doorbells in all regions of `shared` that it has part in, one for each "
			"vector of each peer; at most %d can be: give the regions fewer vectors",
			bells, PLAN_DOORBELLS_MAX);
	/* More than it could list itself: those are counted where they are read. */
	if (part->device_count > PLAN_DEVICES_MAX)
		diag_error(diags, &part->locs[PLAN_KEY_DEVICES], field,
			"%u devices with those of the regions of `shared`; at most %d can be",
			part->device_count, PLAN_DEVICES_MAX);
}

void validate_shared(const struct plan *plan, struct diags *diags)
{
	for (unsigned i = 0; i < plan->region_count; i++) {
		if (plan->regions[i].name)
			validate_region(plan, &plan->regions[i], diags);
	}
	for (unsigned i = 0; i < plan->partition_count; i++)
		validate_ends(plan, &plan->partitions[i], diags);
}
