/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Network devices of all partitions: names of the host's interfaces, addresses, which keys go
 * together, and what no two of them can have.
 */
#include "plan/schema.h"

#include <ctype.h>
#include <net/if.h>
#include <string.h>

bool plan_net_mac(const char *text, uint8_t ret_mac[PLAN_MAC_SIZE])
{
	uint8_t mac[PLAN_MAC_SIZE], any = 0;

	for (unsigned i = 0; i < PLAN_MAC_SIZE; i++, text += 3) {
		char digits[3] = {text[0], text[0] ? text[1] : '\0', '\0'};

		if (!isxdigit((unsigned char)digits[0]) || !isxdigit((unsigned char)digits[1]) ||
			text[2] != (i + 1 < PLAN_MAC_SIZE ? ':' : '\0'))
			return false;
		mac[i] = (uint8_t)strtoul(digits, NULL, 16);
		any |= mac[i];
	}
	/* A station's own, neither a group nor nobody [IEEE 802 8.2]. */
	if (mac[0] & 1 || !any)
		return false;
	memcpy(ret_mac, mac, sizeof(mac));
	return true;
}

/* FNV-1a, of which each bit depends on all of the text. */
static uint64_t hash_add(uint64_t hash, const char *text)
{
	do
		hash = (hash ^ (uint8_t)*text) * 0x100000001B3;
	while (*text++);
	return hash;
}

void net_default_mac(
	const char *plan, const char *partition, const char *device, char ret_text[PLAN_MAC_TEXT])
{
	uint64_t hash = hash_add(0xCBF29CE484222325, plan ? plan : "");

	hash = hash_add(hash_add(hash, partition), device);
	hash ^= hash >> 32;
	/* Locally administered. */
	snprintf(ret_text, PLAN_MAC_TEXT, "02:%02x:%02x:%02x:%02x:%02x",
		(unsigned)(hash >> 32 & 0xFF), (unsigned)(hash >> 24 & 0xFF),
		(unsigned)(hash >> 16 & 0xFF), (unsigned)(hash >> 8 & 0xFF),
		(unsigned)(hash & 0xFF));
}

/* One device, and where messages about it go. */
struct net {
	const struct plan *plan;
	unsigned part, at;
	const struct plan_device *device;
	struct diags *diags;
	char field[PLAN_FIELD_MAX];
};

static const char *field_of(struct net *n, const char *name)
{
	char key[64];

	snprintf(key, sizeof(key), "devices.%u.%s", n->at, name);
	return plan_field(&n->plan->partitions[n->part], key, n->field);
}

/* What the kernel takes as an interface's name [Linux dev_valid_name]. */
static bool interface_valid(const char *name)
{
	if (!*name || strlen(name) >= IFNAMSIZ || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return false;
	for (; *name; name++) {
		if (*name == '/' || *name == ':' || *name == '%' || isspace((unsigned char)*name))
			return false;
	}
	return true;
}

static void check_interface(struct net *n, const char *key, const char *name)
{
	char buf[EXCERPT_MAX];

	if (name && !interface_valid(name))
		diag_error(n->diags, &n->device->loc, field_of(n, key),
			"\"%s\" cannot be the name of a network interface; use up to %d "
			"characters without space, / : and %%",
			excerpt(name, buf), IFNAMSIZ - 1);
}

/* HAVE excludes KEY, or KEY means nothing without it. */
static void refuse(struct net *n, const char *key, const char *why)
{
	diag_error(n->diags, &n->device->loc, field_of(n, key), "%s", why);
}

static void check_net(struct net *n)
{
	const struct plan_net *net = &n->device->net;
	bool tap = plan_net_is_tap(net);
	uint8_t mac[PLAN_MAC_SIZE];
	char buf[EXCERPT_MAX];

	check_interface(n, "tap", net->tap);
	check_interface(n, "bridge", net->bridge);
	if (net->socket && tap)
		refuse(n, "socket",
			"a network is behind a socket, or behind a tap device; remove socket, or "
			"tap and bridge");
	if (net->forward && (net->socket || tap))
		refuse(n, "forward",
			"ports are forwarded by the passt that is started for the device, without "
			"socket, tap or bridge; remove it, or these");
	if (net->forward &&
		(!*net->forward || strspn(net->forward, "0123456789:,-") != strlen(net->forward)))
		refuse(n, "forward",
			"not a list of TCP ports; write HOST:GUEST, as in 2222:22,8080:80");
	if (net->queues > 1 && !tap)
		refuse(n, "queues",
			"only a tap device has several; remove it, or give tap or bridge");
	if (net->vhost == PLAN_WISH_ON && !tap)
		refuse(n, "vhost",
			"the kernel serves tap devices only; remove it, or give tap or bridge");
	if (net->mac && !plan_net_mac(net->mac, mac))
		diag_error(n->diags, &n->device->loc, field_of(n, "mac"),
			"\"%s\" is not the address of a station; write it as 02:00:00:00:00:01, the "
			"first byte even",
			excerpt(net->mac, buf));
}

static bool same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

/* E, of partition OTHER, comes before N's. */
static void check_pair(
	struct net *n, const struct plan_partition *other, const struct plan_device *e)
{
	const struct plan_net *a = &n->device->net, *b = &e->net;
	uint8_t mac_a[PLAN_MAC_SIZE], mac_b[PLAN_MAC_SIZE];
	char where[LOC_TEXT_MAX];

	loc_text(&e->loc, where);
	if (same(a->tap, b->tap))
		diag_error(n->diags, &n->device->loc, field_of(n, "tap"),
			"%s is the tap device of %s of partition %s (%s), too; give each its own, and "
			"connect them by a bridge",
			a->tap, e->name, other->name, where);
	if (same(a->socket, b->socket))
		diag_error(n->diags, &n->device->loc, field_of(n, "socket"),
			"%s of partition %s (%s) is at the same socket, which serves one; start "
			"another passt",
			e->name, other->name, where);
	if (a->mac && b->mac && plan_net_mac(a->mac, mac_a) && plan_net_mac(b->mac, mac_b) &&
		memcmp(mac_a, mac_b, sizeof(mac_a)) == 0)
		diag_error(n->diags, &n->device->loc, field_of(n, "mac"),
			"%s is the address of %s of partition %s (%s), too; give one of them another",
			a->mac, e->name, other->name, where);
}

void validate_nets(const struct plan *plan, struct diags *diags)
{
	struct net n = {.plan = plan, .diags = diags};

	for (n.part = 0; n.part < plan->partition_count; n.part++) {
		for (n.at = 0; n.at < plan->partitions[n.part].device_count; n.at++) {
			n.device = &plan->partitions[n.part].devices[n.at];
			if (n.device->type != PLAN_DEVICE_NET)
				continue;
			check_net(&n);
			for (unsigned p = 0; p <= n.part; p++) {
				const struct plan_partition *other = &plan->partitions[p];
				unsigned count = p == n.part ? n.at : other->device_count;

				for (unsigned i = 0; i < count; i++) {
					if (other->devices[i].type == PLAN_DEVICE_NET)
						check_pair(&n, other, &other->devices[i]);
				}
			}
		}
	}
}
