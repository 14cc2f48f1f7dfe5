/* SPDX-License-Identifier: BSD-3-Clause */
/* Opening what is behind the devices of a partition. */
#include "supervisor/child_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#define ENTROPY "/dev/random"

/* The device I of the plan, and where its descriptors go. */
struct opening {
	struct child_files *files;
	const struct plan_device *device;
	int32_t *fds;
	char key[32]; /* "devices.3" */
};

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

void child_open_devices(struct child_files *f)
{
	static void (*const openers[])(struct opening * o) = {
		[PLAN_DEVICE_RNG] = open_rng,
	};
	const struct plan_partition *p = f->child->plan;

	for (unsigned i = 0; i < p->device_count; i++) {
		struct opening o = {
			.files = f, .device = &p->devices[i], .fds = f->launch.device_fds[i]};

		snprintf(o.key, sizeof(o.key), "devices.%u", i);
		openers[p->devices[i].type](&o);
	}
}
