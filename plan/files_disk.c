/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The files behind disks: whether they can be a disk, and whether one that is written to is
 * somebody else's, too.
 */
#include "lib/util.h"
#include "plan/file_id.h"
#include "plan/schema.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define SECTOR 512

/* Files that have a disk in them, and are none themselves. */
static const struct format {
	const char *name;
	const char *magic;
	size_t size;
} formats[] = {
	{"a qcow2 image", "QFI\xFB", 4},
	{"a VMDK image", "KDMV", 4},
	{"a VMDK image", "# Disk DescriptorFile", 21},
	{"a VHDX image", "vhdxfile", 8},
	{"a VHD image", "conectix", 8},
	{"a QED image", "QED", 4},
	{"compressed by xz",
		"\xFD"
		"7zXZ",
		6},
	{"compressed by gzip", "\x1F\x8B\x08", 3},
	{"compressed by zstd", "\x28\xB5\x2F\xFD", 4},
};

/* VirtualBox has its magic number behind a text. */
static const struct format vdi = {"a VDI image", "\x7F\x10\xDA\xBE", 4};
#define VDI_AT 0x40

static const struct format *recognise(int fd)
{
	char head[VDI_AT + 4];
	ssize_t n = pread(fd, head, sizeof(head), 0);

	for (unsigned i = 0; i < ARRAY_SIZE(formats); i++) {
		if (n >= (ssize_t)formats[i].size &&
			memcmp(head, formats[i].magic, formats[i].size) == 0)
			return &formats[i];
	}
	if (n == sizeof(head) && memcmp(head + VDI_AT, vdi.magic, vdi.size) == 0)
		return &vdi;
	return NULL;
}

static void report_format(const struct plan_device *d, const struct format *format,
	const char *field, struct diags *diags)
{
	const char *path = d->blk.path;

	if (strncmp(format->name, "compressed", 10) == 0)
		diag_error(diags, &d->loc, field,
			"%s is %s, and only raw images are disks here; "
			"decompress it",
			path, format->name);
	else
		diag_error(diags, &d->loc, field,
			"%s is %s, and only raw images are disks here; convert it: qemu-img convert -O raw "
			"%s %s.raw",
			path, format->name, path, path);
}

static void check_disk(const struct plan_device *d, const char *field, struct diags *diags)
{
	const char *path = d->blk.path;
	/* O_NONBLOCK: opening a FIFO must not hang. */
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	const struct format *format;
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		diag_error(diags, &d->loc, field, "%s: %s; %s", path, strerror(errno),
			errno == ENOENT   ? "make it with: truncate -s 4G FILE, or correct the path"
			: errno == EACCES ? "make it readable, or join the group that may read it"
					  : "correct the path");
	else if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		diag_error(diags, &d->loc, field,
			"%s is neither a file nor a block device; give one of them", path);
	else if ((format = recognise(fd)))
		report_format(d, format, field, diags);
	else if (S_ISREG(st.st_mode) && (st.st_size == 0 || st.st_size % SECTOR))
		diag_error(diags, &d->loc, field,
			"%s has %lld bytes, and a disk has sectors of %d; make it larger: "
			"truncate -s %%4096 FILE, or -s 4G",
			path, (long long)st.st_size, SECTOR);
	else if (!d->blk.readonly && access(path, W_OK))
		diag_error(diags, &d->loc, field,
			"%s cannot be written: %s; make it writable, or add readonly: true", path,
			strerror(errno));
}

/* ---- files that are one ---- */

struct disk {
	const struct plan *plan;
	unsigned part, input; /* as plan_input counts */
	struct file_id id;
	const char *field;
	const struct diag_loc *loc;
	struct diags *diags;
};

/* True when the input J of partition P is read only, as all are that are no disks. */
static bool only_read(const struct plan_partition *p, unsigned j)
{
	unsigned first = plan_input_count(p) - p->device_count;

	return j < first || p->devices[j - first].blk.readonly;
}

/* Whether input J of partition P, and none before it, is the same file: then it is an error. */
static bool collides(const struct disk *d, unsigned p, unsigned j)
{
	const struct plan_partition *other = &d->plan->partitions[p];
	bool earlier = p < d->part || (p == d->part && j < d->input);
	char where[LOC_PLACE_MAX], name[EXCERPT_MAX];
	const struct diag_loc *loc;
	const char *path;

	/* Two that are both written to are told of once, at the second. */
	if ((p == d->part && j == d->input) || (!earlier && !only_read(other, j)))
		return false;
	path = plan_input(other, j, &loc);
	if (!path || !file_is(path, &d->id))
		return false;
	diag_error(d->diags, d->loc, d->field,
		"partition %s has this file, too%s, and it is written to; give each its own, or "
		"make both readonly",
		excerpt(other->name, name), loc_place(loc, where));
	return true;
}

static void check_owner(struct disk *d)
{
	if (d->plan->from_file && file_is(d->plan->path, &d->id))
		diag_error(d->diags, d->loc, d->field, "this is the plan itself; give a disk");
	for (unsigned p = 0; p < d->plan->partition_count; p++) {
		for (unsigned j = 0; j < plan_input_count(&d->plan->partitions[p]); j++) {
			if (collides(d, p, j))
				return;
		}
	}
}

void check_disks(const struct plan *plan, struct diags *diags)
{
	for (unsigned p = 0; p < plan->partition_count; p++) {
		const struct plan_partition *part = &plan->partitions[p];

		for (unsigned i = 0; i < part->device_count; i++) {
			char key[64], field[PLAN_FIELD_MAX];
			struct disk d = {.plan = plan,
				.part = p,
				.input = plan_input_count(part) - part->device_count + i,
				.loc = &part->devices[i].loc,
				.diags = diags};

			if (part->devices[i].type != PLAN_DEVICE_BLK || !part->devices[i].blk.path)
				continue;
			snprintf(key, sizeof(key), "devices.%u.path", i);
			d.field = plan_field(part, key, field);
			check_disk(&part->devices[i], d.field, diags);
			if (!part->devices[i].blk.readonly &&
				file_identify(part->devices[i].blk.path, &d.id))
				check_owner(&d);
		}
	}
}
