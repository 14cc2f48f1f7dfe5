/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What `shared` means for partitions: each peer of a region has a device for it, and each such
 * device knows its region.
 */
#include "plan/schema.h"

#include <string.h>

static struct plan_partition *find_partition(const struct plan *plan, const char *name)
{
	for (unsigned i = 0; name && i < plan->partition_count; i++) {
		if (plan->partitions[i].name && strcmp(plan->partitions[i].name, name) == 0)
			return &plan->partitions[i];
	}
	return NULL;
}

static int peer_id(const struct plan_peer *peers, unsigned count, const char *partition)
{
	for (unsigned i = 0; i < count; i++) {
		if (peers[i].name && partition && strcmp(peers[i].name, partition) == 0)
			return (int)i;
	}
	return -1;
}

int plan_region_peer(const struct plan_region *r, const struct plan_partition *p)
{
	return peer_id(r->peers, r->peer_count, p->name);
}

const struct plan_region *plan_region_find(const struct plan *plan, const char *name)
{
	for (unsigned i = 0; name && i < plan->region_count; i++) {
		if (plan->regions[i].name && strcmp(plan->regions[i].name, name) == 0)
			return &plan->regions[i];
	}
	return NULL;
}

unsigned plan_region_fds(const struct plan_region_end *e)
{
	unsigned files = e->type == PLAN_REGION_IVSHMEM_V2 ? 1 + 2 * e->peers : 1;

	return files + e->peers * e->vectors;
}

static bool has_device(const struct plan_partition *part, const struct plan_region *r)
{
	for (unsigned i = 0; i < part->device_count; i++) {
		const struct plan_device *d = &part->devices[i];

		if (d->type == PLAN_DEVICE_IVSHMEM && d->ivshmem.region &&
			strcmp(d->ivshmem.region, r->name) == 0)
			return true;
	}
	return false;
}

/* A device for R behind those that PART has. */
static void add_device(struct parse *p, struct plan_partition *part, const struct plan_region *r,
	const struct diag_loc *loc)
{
	struct plan_device *devices =
		arena_alloc(p->arena, (part->device_count + 1) * sizeof(*devices));

	if (!devices)
		return;
	if (part->device_count)
		memcpy(devices, part->devices, part->device_count * sizeof(*devices));
	else
		part->locs[PLAN_KEY_DEVICES] = *loc;
	devices[part->device_count++] = (struct plan_device){
		.type = PLAN_DEVICE_IVSHMEM, .ivshmem.region = r->name, .loc = *loc};
	part->devices = devices;
}

static void tell_device(
	const struct plan *plan, const struct plan_partition *part, struct plan_device *d)
{
	const struct plan_region *r = plan_region_find(plan, d->ivshmem.region);
	int id = r ? plan_region_peer(r, part) : -1;

	if (id < 0)
		return; /* refused later */
	d->ivshmem.end = (struct plan_region_end){
		.type = r->type,
		.id = (unsigned)id,
		.peers = r->peer_count,
		.vectors = r->vectors,
		.protocol = r->protocol,
		.size = r->size,
		.output = r->output,
		.readonly = peer_id(r->readers, r->reader_count, part->name) >= 0,
	};
}

void parse_shared_devices(struct parse *p, struct plan *plan)
{
	for (unsigned i = 0; i < plan->region_count; i++) {
		const struct plan_region *r = &plan->regions[i];

		for (unsigned k = 0; r->name && k < r->peer_count; k++) {
			struct plan_partition *part = find_partition(plan, r->peers[k].name);

			if (part && part->contract != PLAN_FUSA && !has_device(part, r))
				add_device(p, part, r, &r->peers[k].loc);
		}
	}
	for (unsigned i = 0; i < plan->partition_count; i++) {
		struct plan_partition *part = &plan->partitions[i];

		parse_device_defaults(p, plan, part);
		for (unsigned k = 0; k < part->device_count; k++) {
			if (part->devices[k].type == PLAN_DEVICE_IVSHMEM)
				tell_device(plan, part, &part->devices[k]);
		}
	}
}
