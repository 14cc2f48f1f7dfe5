/* SPDX-License-Identifier: BSD-3-Clause */
/* Opening what is behind the devices of a partition. */
#include "supervisor/child_files.h"
#include "supervisor/disk.h"
#include "supervisor/net.h"
#include "supervisor/share.h"
#include "supervisor/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/vhost.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#define ENTROPY     "/dev/random"
#define VHOST_VSOCK "/dev/vhost-vsock"

static int open_path(struct opening *o, const char *path, int flags)
{
	int fd = child_keep(o->files, open(path, flags | O_CLOEXEC));

	if (fd < 0)
		child_open_failed(o->files, o->key, &o->device->loc, path);
	return fd;
}

static void open_rng(struct opening *o)
{
	o->fds[0] = open_path(o, ENTROPY, O_RDONLY | O_NONBLOCK);
}

/* What to do when DEVICE, which MODULE makes, cannot be opened, as errno says. */
void opening_vhost_failed(struct opening *o, const char *device, const char *module)
{
	char field[PLAN_FIELD_MAX];
	int error = errno;

	plan_field(o->files->child->plan, o->key, field);
	o->files->host_error = true;
	if (error == ENOENT || error == ENODEV || error == ENXIO)
		diag_error(o->files->diags, &o->device->loc, field,
			"this host has no %s; load its module: modprobe %s", device, module);
	else if (error == EACCES || error == EPERM)
		diag_error(o->files->diags, &o->device->loc, field,
			"%s cannot be opened: %s; join the group that may (ls -l %s), often kvm",
			device, strerror(error), device);
	else
		child_open_failed(o->files, o->key, &o->device->loc, device);
}

/* It has its cid for as long as the descriptor is open. */
static void open_vsock(struct opening *o)
{
	uint64_t cid = o->device->vsock.cid;
	char field[PLAN_FIELD_MAX];
	int error;

	o->fds[0] = child_keep(o->files, open(VHOST_VSOCK, O_RDWR | O_CLOEXEC));
	if (o->fds[0] < 0) {
		opening_vhost_failed(o, VHOST_VSOCK, "vhost_vsock");
		return;
	}
	if (ioctl(o->fds[0], VHOST_VSOCK_SET_GUEST_CID, &cid) == 0)
		return;
	error = errno;
	plan_field(o->files->child->plan, o->key, field);
	if (error == EADDRINUSE)
		diag_error(o->files->diags, &o->device->loc, field,
			"cid %u belongs to another guest on this host; give another",
			o->device->vsock.cid);
	else
		diag_error(o->files->diags, &o->device->loc, field,
			"the host refuses cid %u: %s; give another", o->device->vsock.cid,
			strerror(error));
}

/* Made with the run. */
static void open_ivshmem(struct opening *o)
{
	struct child_files *f = o->files;

	child_shared_fds(f->child, o->device, &f->launch.region_fds[f->region_fds]);
	f->region_fds += plan_region_fds(&o->device->ivshmem.end);
}

/* Its ports have what it needs (supervisor/ports.c). */
static void open_nothing(struct opening *o)
{
	(void)o;
}

static void open_fs(struct opening *o)
{
	o->fds[0] = child_keep(o->files, o->device->fs.path ? share_start(o) : share_connect(o));
}

void child_open_devices(struct child_files *f)
{
	static void (*const openers[])(struct opening * o) = {
		[PLAN_DEVICE_RNG] = open_rng,
		[PLAN_DEVICE_VSOCK] = open_vsock,
		[PLAN_DEVICE_FS] = open_fs,
		[PLAN_DEVICE_NET] = net_open,
		[PLAN_DEVICE_BLK] = disk_open,
		[PLAN_DEVICE_IVSHMEM] = open_ivshmem,
		[PLAN_DEVICE_CONSOLE] = open_nothing,
	};
	const struct plan_partition *p = f->child->plan;

	for (unsigned i = 0; i < p->device_count; i++) {
		struct opening o = {
			.files = f, .device = &p->devices[i], .fds = f->launch.device_fds[i]};

		snprintf(o.key, sizeof(o.key), "devices.%u", i);
		openers[p->devices[i].type](&o);
	}
}
