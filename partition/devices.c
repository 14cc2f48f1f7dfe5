/* SPDX-License-Identifier: BSD-3-Clause */
#include "partition/devices.h"

#include "devices/ivshmem.h"
#include "devices/pci/pci.h"
#include "devices/virtio/blk.h"
#include "devices/virtio/console.h"
#include "devices/virtio/fs.h"
#include "devices/virtio/mmio.h"
#include "devices/virtio/net.h"
#include "devices/virtio/pci.h"
#include "devices/virtio/rng.h"
#include "devices/virtio/vsock.h"
#include "vmm/layout_arm64.h"
#include "vmm/layout_x86.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

_Static_assert(PLAN_MMIO_DEVICES_MAX_X86 <= X86_VIRTIO_DEVICES, "there is a place for each");
_Static_assert(PLAN_CONSOLE_PORTS <= VIRTIO_CONSOLE_PORTS, "one device may have them all");
_Static_assert(PLAN_DEVICES_MAX <= ARM64_CHR_TESTDEV, "there is a place for each");
_Static_assert(PLAN_NET_QUEUES_MAX == VIRTIO_NET_PAIRS_MAX, "the same pairs");

_Static_assert(PLAN_PEERS_MAX <= IVSHMEM_PEERS_MAX, "a region may have them");
_Static_assert(PLAN_VECTORS_MAX <= IVSHMEM_VECTORS_MAX, "a peer may have them");
_Static_assert(PEER_PAGE_SIZE == IVSHMEM_PAGE &&
		       sizeof(struct peer_page) == sizeof(struct ivshmem_peer_page),
	"the supervisor and the device have the same");

/* One device in the making. */
struct making {
	const struct partition_devices *req;
	const struct plan_device *device;
	unsigned index;     /* of it in the plan */
	const int32_t *fds; /* NULL: it will not run */
	struct machine *m;
	const int32_t *region_fds; /* of the next ivshmem device; NULL: likewise */
	unsigned mmio_slot;        /* of the next virtio device without PCI */
};

static int fd_of(const struct making *d, unsigned n)
{
	return d->fds ? d->fds[n] : -1;
}

/* ---- where a virtio device goes ---- */

static int add_mmio(struct making *d, struct virtio_device *v)
{
	bool arm64 = d->m->arch == GUEST_ARM64;
	unsigned slot = d->mmio_slot++;
	char name[8];
	const struct virtio_mmio_config cfg = {
		.name = name,
		.base = (arm64 ? ARM64_VIRTIO_BASE : X86_VIRTIO_BASE) +
			(gpa_t)slot * VIRTIO_MMIO_SIZE,
		.gsi = (arm64 ? ARM64_SPI_VIRTIO : X86_VIRTIO_GSI) + slot,
	};

	snprintf(name, sizeof(name), "VR%02X", slot & 0xFF);
	return virtio_mmio_create(d->m, &cfg, v);
}

static int add_virtio(struct making *d, struct virtio_device *v)
{
	char name[8];
	const struct virtio_pci_config cfg = {
		.name = name, .devfn = PCI_DEVFN((int)d->device->slot, 0)};

	if (d->device->transport == PLAN_TRANSPORT_MMIO)
		return add_mmio(d, v);
	snprintf(name, sizeof(name), "VP%02X", d->device->slot & 0xFF);
	return virtio_pci_create(d->m, &cfg, v);
}

/* ---- one function for each type ---- */

static int add_rng(struct making *d)
{
	const struct virtio_rng_config cfg = {.loop = d->req->loop, .entropy_fd = fd_of(d, 0)};
	struct virtio_device *v;
	int ret = virtio_rng_create(d->m, &cfg, &v);

	return ret ? ret : add_virtio(d, v);
}

static int add_vsock(struct making *d)
{
	const struct vsock_config cfg = {
		.loop = d->req->loop, .vhost_fd = fd_of(d, 0), .cid = d->device->vsock.cid};
	struct virtio_device *v;
	int ret = virtio_vsock_create(d->m, &cfg, &v);

	return ret ? ret : add_virtio(d, v);
}

static int add_ivshmem(struct making *d)
{
	const struct plan_region_end *e = &d->device->ivshmem.end;
	char name[8];
	const struct ivshmem_config cfg = {
		.name = name,
		.devfn = PCI_DEVFN((int)d->device->slot, 0),
		.v2 = e->type == PLAN_REGION_IVSHMEM_V2,
		.id = e->id,
		.peers = e->peers,
		.vectors = e->vectors,
		.protocol = (uint16_t)e->protocol,
		.size = e->size,
		.output = e->output,
		.readonly = e->readonly,
		.loop = d->req->loop,
		.fds = d->region_fds,
	};

	if (d->region_fds)
		d->region_fds += plan_region_fds(e);
	snprintf(name, sizeof(name), "IV%02X", d->device->slot & 0xFF);
	return ivshmem_create(d->m, &cfg);
}

static int add_console(struct making *d)
{
	unsigned first = plan_device_port(d->req->plan, d->index);
	struct virtio_console_setup cfg = {
		.loop = d->req->loop, .port_count = d->device->console.port_count};
	struct virtio_device *v;
	int ret;

	for (unsigned i = 0; i < d->device->console.port_count; i++) {
		cfg.ports[i].chardev = d->req->ports[first + i];
		cfg.ports[i].name = d->device->console.ports[i].name;
	}
	ret = virtio_console_create(d->m, &cfg, &v);

	return ret ? ret : add_virtio(d, v);
}

static int add_fs(struct making *d)
{
	const struct fs_config cfg = {
		.loop = d->req->loop,
		.socket_fd = fd_of(d, 0),
		.tag = d->device->fs.tag,
		.memory = d->req->memory,
		.notice = {.sink = d->req->notices, .device = d->device->name},
	};
	struct virtio_device *v;
	int ret = virtio_fs_create(d->m, &cfg, &v);

	return ret ? ret : add_virtio(d, v);
}

static int add_net(struct making *d)
{
	const struct plan_net *net = &d->device->net;
	struct virtio_net_setup setup = {
		.loop = d->req->loop,
		.backend = plan_net_is_tap(net) ? VIRTIO_NET_TAP : VIRTIO_NET_STREAM,
		.mtu = d->req->mtus ? d->req->mtus[d->index] : 0,
		.pairs = net->queues,
		.notice = {.sink = d->req->notices, .device = d->device->name},
	};
	struct virtio_device *v;
	int ret;

	plan_net_mac(net->mac, setup.mac);
	for (unsigned i = 0; i < VIRTIO_NET_PAIRS_MAX; i++) {
		setup.fds[i] = fd_of(d, i);
		setup.vhost_fds[i] = fd_of(d, PLAN_NET_QUEUES_MAX + i);
	}
	ret = virtio_net_create(d->m, &setup, &v);
	return ret ? ret : add_virtio(d, v);
}

/* Its errors are those of the file; a machine that will not run has an empty disk. */
static int add_blk(struct making *d)
{
	const struct plan_device *p = d->device;
	struct virtio_blk_setup cfg = {
		.loop = d->req->loop,
		.notice = {.sink = d->req->notices, .device = p->name},
		.fd = fd_of(d, 0),
		.direct_fd = fd_of(d, 1),
		.readonly = p->blk.readonly,
		.discard = p->blk.discard,
		.queues = p->blk.queues,
		.serial = p->blk.serial,
		.pinned = d->req->plan->lock,
	};
	struct virtio_device *v;
	int ret;

	if (cfg.fd >= 0) {
		off_t size = lseek(cfg.fd, 0, SEEK_END); /* of a block device, too */

		if (size < 0)
			return -errno;
		cfg.size = (uint64_t)size;
		if (p->blk.cache == PLAN_CACHE_NONE && cfg.direct_fd < 0)
			notice_tell(&cfg.notice,
				"its file system has no O_DIRECT; cache: none is writeback here");
	}
	ret = virtio_blk_create(d->m, &cfg, &v);
	if (!ret && virtio_blk_has_threads(v))
		*d->req->ret_disk_threads = true;
	return ret ? ret : add_virtio(d, v);
}

static int (*const makers[])(struct making *d) = {
	[PLAN_DEVICE_RNG] = add_rng,
	[PLAN_DEVICE_VSOCK] = add_vsock,
	[PLAN_DEVICE_IVSHMEM] = add_ivshmem,
	[PLAN_DEVICE_CONSOLE] = add_console,
	[PLAN_DEVICE_FS] = add_fs,
	[PLAN_DEVICE_NET] = add_net,
	[PLAN_DEVICE_BLK] = add_blk,
};

bool partition_wants_pci(const struct plan_partition *p)
{
	for (unsigned i = 0; i < p->device_count; i++) {
		if (p->devices[i].transport == PLAN_TRANSPORT_PCI)
			return true;
	}
	return plan_machine_has(p, PLAN_PART_PVPANIC);
}

static const char *remedy(int error)
{
	switch (error) {
	case -ETIMEDOUT:
	case -ECONNRESET:
	case -EPIPE:
	case -EPROTO:
	case -EOPNOTSUPP:
		return "see what the process behind it says, or start another";
	default:
		return "give the partition fewer devices, or less memory";
	}
}

int partition_add_devices(
	const struct partition_devices *req, struct machine *m, struct diags *diags)
{
	const struct plan_partition *p = req->plan;
	struct making d = {.req = req, .m = m, .region_fds = req->region_fds};

	for (unsigned i = 0; i < p->device_count; i++) {
		char key[32], field[PLAN_FIELD_MAX];
		int ret;

		d.device = &p->devices[i];
		d.index = i;
		d.fds = req->fds ? req->fds[i] : NULL;
		ret = makers[d.device->type](&d);
		if (!ret)
			continue;
		snprintf(key, sizeof(key), "devices.%u", i);
		diag_error(diags, &d.device->loc, plan_field(p, key, field),
			"%s cannot be made: %s; %s", d.device->name, strerror(-ret), remedy(ret));
		return ret;
	}
	return 0;
}
