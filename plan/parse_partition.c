/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Partitions, and the defaults in them that depend on other keys.
 */
#include "plan/schema.h"

#include <inttypes.h>
#include <string.h>

static bool slot_taken(const struct plan_partition *part, unsigned slot)
{
	for (unsigned i = 0; i < part->device_count; i++) {
		if (part->devices[i].slot == slot)
			return true;
	}
	return false;
}

/* A console without ports is one on this run's console. */
static void default_ports(struct parse *p, struct plan_device *d)
{
	if (d->type != PLAN_DEVICE_CONSOLE || d->console.ports)
		return;
	d->console.ports = arena_alloc(p->arena, sizeof(*d->console.ports));
	if (!d->console.ports)
		return;
	d->console.ports[0] = (struct plan_port){.kind = PLAN_PORT_CONSOLE, .loc = d->loc};
	d->console.port_count = 1;
}

static void net_defaults(struct parse *p, const struct plan *plan,
	const struct plan_partition *part, struct plan_device *d)
{
	char mac[PLAN_MAC_TEXT];

	if (d->type != PLAN_DEVICE_NET || d->net.mac)
		return;
	net_default_mac(plan->name, part->name, d->name, mac);
	d->net.mac = arena_strndup(p->arena, mac, strlen(mac));
}

void parse_device_defaults(struct parse *p, const struct plan *plan, struct plan_partition *part)
{
	unsigned free_slot = 1;

	for (unsigned i = 0; i < part->device_count; i++) {
		struct plan_device *d = &part->devices[i];
		char name[PARTITION_NAME_MAX + 1];
		unsigned number = 0;

		for (unsigned k = 0; k < i; k++)
			number += part->devices[k].type == d->type;
		if (!d->name) {
			snprintf(name, sizeof(name), "%s%u", device_type_names[d->type], number);
			d->name = arena_strndup(p->arena, name, strlen(name));
		}
		default_ports(p, d);
		if (d->name && part->name)
			net_defaults(p, plan, part, d);
		if (d->transport != PLAN_TRANSPORT_PCI || d->slot)
			continue;
		while (slot_taken(part, free_slot))
			free_slot++;
		d->slot = free_slot;
	}
}

/* The defaults that depend on other keys. */
static void partition_defaults(
	const struct plan *plan, const struct node *map, struct plan_partition *part)
{
	static const struct {
		enum plan_on_violation on_violation;
		enum plan_on_fatal on_fatal, on_fatal_safety;
	} semantics[] = {
		[PLAN_SEMANTICS_ACRN] = {PLAN_VIOLATION_IGNORE, PLAN_FATAL_STOP,
			PLAN_FATAL_SAFE_STATE},
		[PLAN_SEMANTICS_JAILHOUSE] = {PLAN_VIOLATION_FATAL, PLAN_FATAL_PARK_VCPU,
			PLAN_FATAL_PARK_VCPU},
		[PLAN_SEMANTICS_BAO] = {PLAN_VIOLATION_FATAL, PLAN_FATAL_SPIN, PLAN_FATAL_SPIN},
		[PLAN_SEMANTICS_XEN] = {PLAN_VIOLATION_INJECT, PLAN_FATAL_STOP,
			PLAN_FATAL_SAFE_STATE},
	};
	const struct node *image = node_find(map, "image");
	bool mapping = image && image->kind == NODE_MAP;

	if (!node_find(map, "on_violation"))
		part->on_violation = semantics[plan->semantics].on_violation;
	if (!node_find(map, "on_fatal")) {
		part->on_fatal = part->role == PLAN_SAFETY
					 ? semantics[plan->semantics].on_fatal_safety
					 : semantics[plan->semantics].on_fatal;
		part->restart_limit = 3;
	}
	if (part->contract == PLAN_FUSA && !node_find(map, "serial"))
		part->serial[0].kind = PLAN_PORT_NONE;
	if (!mapping || !node_find(image, "load_address"))
		part->load_address = plan->arch == PLAN_ARCH_ARM64 ? PLAN_LOAD_ADDRESS_ARM64
								   : PLAN_LOAD_ADDRESS_X86;
	if (!mapping || !node_find(image, "entry"))
		part->entry = part->load_address;
	part->lockdown = plan->lockdown;
	part->arch = plan->arch;
}

/* The value of KEY in the group GROUP of MAP, if the group is written as a mapping and has it. */
static const struct node *group_find(const struct node *map, const char *group, const char *key)
{
	const struct node *n = node_find(map, group);

	return n && n->kind == NODE_MAP ? node_find(n, key) : NULL;
}

/* Keys that mean nothing beside the value of another one in their group. */
static void check_companions(
	struct parse *p, const struct node *map, const struct plan_partition *part)
{
	const struct node *action = group_find(map, "on_fatal", "action");
	const struct node *limit = group_find(map, "on_fatal", "limit");
	const struct node *address = group_find(map, "status_page", "address");
	const struct node *irq = group_find(map, "status_page", "irq");
	char sub[PLAN_FIELD_MAX];

	if (action && limit && part->on_fatal != PLAN_FATAL_RESTART &&
		action->kind == NODE_SCALAR &&
		strcmp(action->text, on_fatal_names[part->on_fatal]) == 0)
		diag_error(p->diags, &limit->loc, plan_field(part, "on_fatal.limit", sub),
			"only the action restart has a limit; remove it, or use that action");
	if (part->arch != PLAN_ARCH_ARM64 && node_find(map, "arm64"))
		diag_error(p->diags, &node_find(map, "arm64")->loc, plan_field(part, "arm64", sub),
			"the plan is for %s; remove it, or say arch: arm64",
			arch_names[part->arch]);
	if (address && irq && node_is_null(address) && !node_is_null(irq))
		diag_error(p->diags, &irq->loc, plan_field(part, "status_page.irq", sub),
			"there is no page that it could tell of; give status_page.address, or null "
			"here, too");
}

static void parse_partition(struct parse *p, const struct node_item *item, const struct plan *plan,
	struct plan_partition *part, const char *field)
{
	const struct node *map = item->value;

	part->name = arena_strndup(p->arena, item->key->text, strlen(item->key->text));
	for (unsigned i = 0; i < PLAN_KEY_COUNT; i++)
		part->locs[i] = item->key->loc;
	part->serial[0] = (struct plan_port){.kind = PLAN_PORT_CONSOLE, .loc = item->key->loc};
	part->serial[1] = (struct plan_port){.kind = PLAN_PORT_NONE, .loc = item->key->loc};
	if (!partition_name_valid(item->key->text))
		diag_error(p->diags, &item->key->loc, field,
			"not a partition name; use up to 32 of a-z, 0-9, - and _, "
			"the first a letter");
	if (map->kind != NODE_MAP) {
		diag_error(p->diags, &map->loc, field,
			"%s instead of the partition's keys; give at least cpus, memory and image",
			node_is_null(map) ? "nothing" : node_kind_name(map));
		return;
	}
	parse_fields(p, partition_keys, map, part, field);
	partition_defaults(plan, map, part);
	check_companions(p, map, part);
}

void parse_partitions(struct parse *p, const struct key *key, const struct node *n,
	struct plan *plan, const char *field)
{
	if (n->kind == NODE_LIST && n->count) {
		diag_error(p->diags, &n->loc, field,
			"this is a list; give each partition under its name, as NAME: {cpus: ..., memory: ..., image: ...}");
		return;
	}
	if (n->kind != NODE_MAP || !n->count) {
		diag_error(p->diags, &n->loc, field,
			"there is no partition; add one, as NAME: {cpus: ..., memory: ..., "
			"image: ...}");
		return;
	}
	check_keys(p, NULL, n, field);
	if (n->count > key->max) {
		diag_error(p->diags, &n->loc, field, "%u partitions; a plan has at most %" PRIu64,
			n->count, key->max);
		return;
	}
	plan->partitions = arena_alloc(p->arena, n->count * sizeof(*plan->partitions));
	if (!plan->partitions)
		return;
	for (const struct node_item *i = n->first; i; i = i->next) {
		char sub[PLAN_FIELD_MAX];

		parse_partition(p, i, plan, &plan->partitions[plan->partition_count++],
			field_join(sub, field, i->key->text));
	}
}
