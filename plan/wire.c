/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One partition as bytes, from the supervisor to the partition process. Both are the same binary,
 * so there is one version and the host's byte order; a version that differs is refused.
 *
 * One function names the fields in their order, for writing and for reading alike. Integers have
 * their natural size; a string is its length plus one (0: NULL) and its bytes without the NUL; a
 * place names its file only when it differs from the one before.
 */
#include "plan/schema.h"

#include <errno.h>
#include <string.h>

#define WIRE_MAGIC   0x50424B48u /* "HKBP" */
#define WIRE_VERSION 6u

struct wire {
	FILE *out;               /* writing; NULL: reading */
	const unsigned char *at; /* reading: what is left */
	size_t left;
	struct arena *arena; /* reading: where strings and arrays go */
	const char *file;    /* of the place before */
	int error;           /* sticky: -EINVAL, -ENOMEM */
};

/* SIZE bytes from or to DATA. After an error DATA reads as zeros. */
static void wire_bytes(struct wire *w, void *data, size_t size)
{
	if (w->out) {
		if (fwrite(data, 1, size, w->out) != size)
			w->error = -ENOMEM;
		return;
	}
	if (!w->error && size > w->left)
		w->error = -EINVAL;
	if (w->error) {
		memset(data, 0, size);
		return;
	}
	memcpy(data, w->at, size);
	w->at += size;
	w->left -= size;
}

static void wire_check(struct wire *w, bool ok)
{
	if (!ok && !w->error)
		w->error = -EINVAL;
}

/* An unsigned or an enum, from MIN to MAX. */
static void wire_unsigned(struct wire *w, void *value, unsigned min, unsigned max)
{
	unsigned v = min;

	if (w->out)
		memcpy(&v, value, sizeof(v));
	wire_bytes(w, &v, sizeof(v));
	wire_check(w, v >= min && v <= max);
	if (!w->out)
		memcpy(value, &v, sizeof(v));
}

static void wire_u64(struct wire *w, uint64_t *value)
{
	wire_bytes(w, value, sizeof(*value));
}

static void wire_bool(struct wire *w, bool *value)
{
	unsigned v = *value;

	wire_unsigned(w, &v, 0, 1);
	*value = v == 1;
}

static void wire_string(struct wire *w, char **text, bool nullable)
{
	unsigned n = w->out && *text ? (unsigned)strlen(*text) + 1 : 0;

	wire_unsigned(w, &n, nullable ? 0 : 1, UINT32_MAX);
	if (w->out) {
		if (n)
			wire_bytes(w, *text, n - 1);
		return;
	}
	*text = NULL;
	if (w->error || !n)
		return;
	if (n - 1 > w->left || memchr(w->at, '\0', n - 1)) {
		w->error = -EINVAL;
		return;
	}
	*text = arena_strndup(w->arena, (const char *)w->at, n - 1);
	if (!*text)
		w->error = -ENOMEM;
	w->at += n - 1;
	w->left -= n - 1;
}

static void wire_loc(struct wire *w, struct diag_loc *loc)
{
	bool same = w->out && loc->file == w->file;
	char *file = (char *)(uintptr_t)loc->file;

	wire_bool(w, &same);
	if (!same)
		wire_string(w, &file, true);
	else if (!w->out)
		file = (char *)(uintptr_t)w->file;
	w->file = file;
	loc->file = file;
	wire_bytes(w, &loc->line, sizeof(loc->line));
	wire_bytes(w, &loc->column, sizeof(loc->column));
}

/* Reading: *COUNT zeroed elements of SIZE bytes; writing: what is there. */
static void *wire_array(struct wire *w, void *array, unsigned *count, unsigned max, size_t size)
{
	wire_unsigned(w, count, 0, max);
	if (w->out)
		return array;
	if (!w->error) {
		array = arena_alloc(w->arena, (*count + 1) * size);
		if (array)
			return array;
		w->error = -ENOMEM;
	}
	*count = 0;
	return NULL;
}

static void wire_cpus(struct wire *w, struct plan_cpus *cpus)
{
	wire_unsigned(w, &cpus->vcpus, 1, PLAN_VCPUS_MAX);
	wire_bool(w, &cpus->shared);
	cpus->cores =
		wire_array(w, cpus->cores, &cpus->core_count, PLAN_CORES_MAX, sizeof(*cpus->cores));
	for (unsigned i = 0; i < cpus->core_count; i++)
		wire_unsigned(w, &cpus->cores[i], 0, PLAN_CORES_MAX - 1);
	wire_check(w, cpus->shared || cpus->core_count == cpus->vcpus);
}

static void wire_port(struct wire *w, struct plan_port *port)
{
	wire_unsigned(w, &port->kind, 0, PLAN_PORT_LINK);
	wire_string(w, &port->path, true);
	wire_check(w, (port->kind == PLAN_PORT_FILE || port->kind == PLAN_PORT_SOCKET) ==
			      (port->path != NULL));
	wire_string(w, &port->link, true);
	wire_check(w, (port->kind == PLAN_PORT_LINK) == (port->link != NULL));
	wire_string(w, &port->name, true);
	wire_check(w, !port->name || port_name_valid(port->name));
	wire_loc(w, &port->loc);
}

static void wire_ivshmem(struct wire *w, struct plan_device *d)
{
	struct plan_region_end *e = &d->ivshmem.end;

	wire_string(w, &d->ivshmem.region, false);
	wire_unsigned(w, &e->type, 0, PLAN_REGION_IVSHMEM_V1);
	wire_unsigned(w, &e->id, 0, PLAN_PEERS_MAX - 1);
	wire_unsigned(w, &e->peers, 2, PLAN_PEERS_MAX);
	wire_check(w, e->id < e->peers);
	wire_unsigned(w, &e->vectors, 1, PLAN_VECTORS_MAX);
	wire_unsigned(w, &e->protocol, 0, UINT16_MAX);
	wire_u64(w, &e->size);
	wire_u64(w, &e->output);
	wire_check(w, e->size <= PLAN_SECTION_MAX && e->size % (4 * KIB) == 0);
	wire_check(w, e->output <= PLAN_OUTPUT_MAX && e->output % (4 * KIB) == 0);
	wire_bool(w, &e->readonly);
}

static void wire_fs(struct wire *w, struct plan_device *d)
{
	wire_string(w, &d->fs.tag, false);
	wire_string(w, &d->fs.path, true);
	wire_string(w, &d->fs.socket, true);
	wire_bool(w, &d->fs.readonly);
	wire_check(w, !d->fs.path == !!d->fs.socket);
}

static void wire_net(struct wire *w, struct plan_net *net)
{
	uint8_t mac[PLAN_MAC_SIZE];

	wire_string(w, &net->tap, true);
	wire_string(w, &net->bridge, true);
	wire_string(w, &net->socket, true);
	wire_string(w, &net->forward, true);
	wire_string(w, &net->mac, false);
	wire_check(w, !net->mac || plan_net_mac(net->mac, mac));
	wire_unsigned(w, &net->queues, 1, PLAN_NET_QUEUES_MAX);
	wire_unsigned(w, &net->vhost, 0, PLAN_WISH_ON);
}

static void wire_blk(struct wire *w, struct plan_device *d)
{
	wire_string(w, &d->blk.path, false);
	wire_bool(w, &d->blk.readonly);
	wire_unsigned(w, &d->blk.cache, 0, PLAN_CACHE_NONE);
	wire_string(w, &d->blk.serial, true);
	wire_check(w, !d->blk.serial || strlen(d->blk.serial) <= PLAN_BLK_SERIAL_MAX);
	wire_bool(w, &d->blk.discard);
	wire_unsigned(w, &d->blk.queues, 1, PLAN_BLK_QUEUES_MAX);
}

static void wire_device(struct wire *w, struct plan_device *d)
{
	wire_unsigned(w, &d->type, 0, PLAN_DEVICE_BLK);
	wire_string(w, &d->name, false);
	wire_check(w, !d->name || partition_name_valid(d->name));
	wire_unsigned(w, &d->transport, 0, PLAN_TRANSPORT_MMIO);
	wire_unsigned(w, &d->slot, 0, PLAN_SLOT_MAX);
	wire_unsigned(w, &d->vsock.cid, 0, PLAN_CID_MAX);
	wire_check(w, d->type != PLAN_DEVICE_VSOCK || d->vsock.cid >= PLAN_CID_MIN);
	if (d->type == PLAN_DEVICE_IVSHMEM)
		wire_ivshmem(w, d);
	d->console.ports = wire_array(w, d->console.ports, &d->console.port_count,
		PLAN_CONSOLE_PORTS, sizeof(*d->console.ports));
	for (unsigned i = 0; i < d->console.port_count; i++)
		wire_port(w, &d->console.ports[i]);
	wire_check(w, (d->type == PLAN_DEVICE_CONSOLE) == (d->console.port_count > 0));
	if (d->type == PLAN_DEVICE_FS)
		wire_fs(w, d);
	if (d->type == PLAN_DEVICE_NET)
		wire_net(w, &d->net);
	if (d->type == PLAN_DEVICE_BLK)
		wire_blk(w, d);
	wire_loc(w, &d->loc);
}

static void wire_arm64(struct wire *w, struct plan_arm64 *a)
{
	wire_unsigned(w, &a->gic, 0, PLAN_GIC_V3);
	wire_unsigned(w, &a->its, 0, PLAN_WISH_ON);
	wire_unsigned(w, &a->pmu, 0, PLAN_WISH_ON);
	wire_unsigned(w, &a->sve, 0, PLAN_WISH_ON);
	wire_unsigned(w, &a->pauth, 0, PLAN_WISH_ON);
	wire_unsigned(w, &a->psci, 0, PLAN_PSCI_1_3);
	wire_string(w, &a->overlay, true);
}

static void wire_machine(struct wire *w, struct plan_machine *m)
{
	wire_unsigned(w, &m->type, 0, PLAN_MACHINE_TESTDEV);
	for (unsigned i = 0; i < PLAN_PART_COUNT; i++)
		wire_unsigned(w, &m->parts[i], 0, PLAN_WISH_ON);
}

static void wire_partition(struct wire *w, struct plan_partition *p)
{
	unsigned magic = WIRE_MAGIC, version = WIRE_VERSION, bells = 0;

	wire_unsigned(w, &magic, WIRE_MAGIC, WIRE_MAGIC);
	wire_unsigned(w, &version, WIRE_VERSION, WIRE_VERSION);
	wire_string(w, &p->name, false);
	wire_check(w, !p->name || partition_name_valid(p->name));
	wire_unsigned(w, &p->role, 0, PLAN_SAFETY);
	wire_unsigned(w, &p->arch, 0, PLAN_ARCH_ARM64);
	wire_unsigned(w, &p->contract, 0, PLAN_FUSA);
	wire_bool(w, &p->debug);
	wire_machine(w, &p->machine);
	wire_cpus(w, &p->cpus);
	wire_bool(w, &p->nested);
	wire_arm64(w, &p->arm64);
	wire_u64(w, &p->memory);
	wire_check(w, p->memory && p->memory % (4 * KIB) == 0);
	wire_unsigned(w, &p->hugepages, 0, PLAN_HUGEPAGES_1G);
	wire_bool(w, &p->lock);
	wire_string(w, &p->image, false);
	wire_unsigned(w, &p->image_type, 0, PLAN_IMAGE_ARM64);
	wire_u64(w, &p->load_address);
	wire_u64(w, &p->entry);
	wire_string(w, &p->cmdline, false);
	wire_string(w, &p->initrd, true);
	p->modules =
		wire_array(w, p->modules, &p->module_count, PLAN_MODULES_MAX, sizeof(*p->modules));
	for (unsigned i = 0; i < p->module_count; i++) {
		wire_string(w, &p->modules[i].path, false);
		wire_string(w, &p->modules[i].string, false);
		wire_loc(w, &p->modules[i].loc);
	}
	for (unsigned i = 0; i < PLAN_SERIAL_PORTS; i++)
		wire_port(w, &p->serial[i]);
	p->devices =
		wire_array(w, p->devices, &p->device_count, PLAN_DEVICES_MAX, sizeof(*p->devices));
	for (unsigned i = 0; i < p->device_count; i++) {
		wire_device(w, &p->devices[i]);
		if (p->devices[i].type != PLAN_DEVICE_IVSHMEM)
			continue;
		bells += p->devices[i].ivshmem.end.peers * p->devices[i].ivshmem.end.vectors;
	}
	wire_check(w, bells <= PLAN_DOORBELLS_MAX);
	wire_check(w, plan_device_port(p, p->device_count) <= PLAN_PORTS_MAX);
	wire_unsigned(w, &p->on_fatal, 0, PLAN_FATAL_SPIN);
	wire_unsigned(w, &p->restart_limit, 0, UINT32_MAX);
	wire_unsigned(w, &p->on_violation, 0, PLAN_VIOLATION_FATAL);
	wire_unsigned(w, &p->on_reset, 0, PLAN_RESET_RESTART);
	wire_u64(w, &p->watchdog_ns);
	wire_u64(w, &p->status_page);
	wire_check(w, p->status_page % (4 * KIB) == 0);
	wire_unsigned(w, &p->status_irq, 0, PLAN_STATUS_IRQ_MAX_ARM64);
	wire_u64(w, &p->stop_timeout_ns);
	wire_u64(w, &p->veto_ns);
	wire_unsigned(w, &p->lockdown, 0, PLAN_LOCKDOWN_OFF);
	for (unsigned i = 0; i < PLAN_KEY_COUNT; i++)
		wire_loc(w, &p->locs[i]);
}

int plan_partition_encode(const struct plan_partition *p, void **ret_buf, size_t *ret_size)
{
	struct plan_partition copy = *p; /* writing changes nothing, but reading would */
	char *buf = NULL;
	size_t size = 0;
	struct wire w = {.out = open_memstream(&buf, &size)};

	if (!w.out)
		return -ENOMEM;
	wire_partition(&w, &copy);
	if (fclose(w.out) || w.error) {
		free(buf);
		return w.error ? w.error : -ENOMEM;
	}
	*ret_buf = buf;
	*ret_size = size;
	return 0;
}

int plan_partition_decode(const void *buf, size_t size, struct plan_partition **ret_partition)
{
	struct partition_box *box = calloc(1, sizeof(*box));
	struct wire w = {.at = buf, .left = size};

	if (!box)
		return -ENOMEM;
	w.arena = &box->arena;
	wire_partition(&w, &box->partition);
	wire_check(&w, w.left == 0);
	if (w.error) {
		plan_partition_destroy(&box->partition);
		return w.error;
	}
	*ret_partition = &box->partition;
	return 0;
}

void plan_partition_destroy(struct plan_partition *p)
{
	struct partition_box *box;

	if (!p)
		return;
	box = container_of(p, struct partition_box, partition);
	arena_fini(&box->arena);
	free(box);
}
