/* SPDX-License-Identifier: BSD-3-Clause */
#include "partition/build.h"
#include "partition/partition.h"

#include "lib/util.h"

#include <errno.h>
#include <string.h>

struct file_check {
	const struct plan_partition *plan;
	struct diags *diags;
	bool failed;
};

static void check_file(struct file_check *c, const char *key, const struct diag_loc *loc,
	const char *path, struct file_map *ret_map)
{
	char field[96];
	int ret = file_map_path(path, ret_map);

	if (!ret)
		return;
	snprintf(field, sizeof(field), "partitions.%s.%s", c->plan->name, key);
	diag_error(c->diags, loc, field,
		"%s cannot be read: %s; name a regular file that you may read", path,
		ret == -EINVAL ? "not a regular file" : strerror(-ret));
	c->failed = true;
}

int partition_check(const struct plan_partition *p, struct diags *diags)
{
	AUTO_FREE struct chardev *ports = calloc(PLAN_SERIAL_PORTS, sizeof(*ports));
	AUTO_FREE struct partition_files *files = calloc(1, sizeof(*files));
	struct file_check c = {.plan = p, .diags = diags};
	struct partition_request req = {.plan = p, .files = files, .dry = true};
	struct partition_build build;
	int ret = -EINVAL;

	if (!ports || !files)
		return -ENOMEM;
	for (unsigned i = 0; i < PLAN_SERIAL_PORTS; i++) {
		chardev_init(&ports[i], -1);
		req.ports[i] = p->serial[i].kind == PLAN_SERIAL_NONE ? NULL : &ports[i];
	}
	check_file(&c, "image", &p->locs[PLAN_KEY_IMAGE], p->image, &files->image);
	if (p->initrd)
		check_file(&c, "initrd", &p->locs[PLAN_KEY_INITRD], p->initrd, &files->initrd);
	for (unsigned i = 0; i < p->module_count; i++)
		check_file(
			&c, "modules", &p->modules[i].loc, p->modules[i].path, &files->modules[i]);
	if (!c.failed) {
		ret = partition_build_init(&req, diags, &build);
		partition_build_fini(&build);
	}
	partition_files_unmap(files);
	return ret;
}
