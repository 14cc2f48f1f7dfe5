/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Opening what is behind a disk. The file is locked for as long as the partition has it, so that no
 * other run writes to it: by an open file description lock [fcntl(2)], as QEMU does, too.
 */
#include "supervisor/disk.h"

#include "lib/util.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static void report(const struct opening *o, const char *cause)
{
	char field[PLAN_FIELD_MAX], key[48];

	snprintf(key, sizeof(key), "%s.path", o->key);
	diag_error(o->files->diags, &o->device->loc, plan_field(o->files->child->plan, key, field),
		"%s: %s", o->device->blk.path, cause);
}

/*
 * As long as it may take what is left of a process that has just died to let go of its disk: the
 * kernel may still write for it. Before a restart, others have waited (disks_taken).
 */
#define TRIES    300
#define SLEEP_US 10000

static struct flock lock_of(const struct plan_device *d)
{
	return (struct flock){.l_type = d->blk.readonly ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET};
}

static void lock(const struct opening *o, int fd)
{
	unsigned tries = o->files->child->restarts ? 0 : TRIES;
	struct flock lock = lock_of(o->device);

	do {
		/* A file system without locks has none that could be in the way. */
		if (fcntl(fd, F_OFD_SETLK, &lock) == 0 || (errno != EAGAIN && errno != EACCES))
			return;
		if (tries)
			usleep(SLEEP_US);
	} while (tries--);
	report(o, o->device->blk.readonly
			  ? "another program writes to it; end that, or give a copy"
			  : "another program has it; end that, give a copy, or make both readonly");
}

static int flags_of(const struct plan_device *d)
{
	return (d->blk.readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC;
}

/* To ask it takes no right to write, whose end would have udev look at a block device. */
static bool disk_taken(const struct plan_device *d)
{
	AUTO_CLOSE int fd = open(d->blk.path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct flock lock = lock_of(d);

	return fd >= 0 && fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

bool disks_taken(const struct plan_partition *p)
{
	for (unsigned i = 0; i < p->device_count; i++) {
		if (p->devices[i].type == PLAN_DEVICE_BLK && disk_taken(&p->devices[i]))
			return true;
	}
	return false;
}

void disk_open(struct opening *o)
{
	const struct plan_device *d = o->device;
	int flags = flags_of(d);

	o->fds[0] = child_keep(o->files, open(d->blk.path, flags));
	if (o->fds[0] < 0) {
		child_open_failed(o->files, o->key, &d->loc, d->blk.path);
		return;
	}
	lock(o, o->fds[0]);
	/* Where the file system knows no O_DIRECT, the partition says so. */
	if (d->blk.cache == PLAN_CACHE_NONE)
		o->fds[1] = child_keep(o->files, open(d->blk.path, flags | O_DIRECT));
}
