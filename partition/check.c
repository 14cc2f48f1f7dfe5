/* SPDX-License-Identifier: BSD-3-Clause */
#include "partition/build.h"
#include "partition/partition.h"

#include "lib/util.h"

#include <errno.h>
#include <string.h>

/* Maps a file that a plan names; an empty one is as good as none. */
static int map(const char *path, struct file_map *ret_map)
{
	int ret = file_map_path(path, ret_map);

	return ret || ret_map->size ? ret : -ENODATA;
}

static int map_files(const struct plan_partition *p, struct partition_files *files)
{
	int ret = map(p->image, &files->image);

	if (!ret && p->initrd)
		ret = map(p->initrd, &files->initrd);
	if (!ret && p->arm64.overlay)
		ret = map(p->arm64.overlay, &files->overlay);
	for (unsigned i = 0; !ret && i < p->module_count; i++)
		ret = map(p->modules[i].path, &files->modules[i]);
	return ret;
}

int partition_check(const struct plan_partition *p, struct diags *diags)
{
	AUTO_FREE struct chardev *ports = calloc(PLAN_PORTS_MAX, sizeof(*ports));
	AUTO_FREE struct partition_files *files = calloc(1, sizeof(*files));
	struct partition_request req = {.plan = p, .files = files, .kvm_fd = -1, .dry = true};
	struct partition_build build;
	int ret;

	if (!ports || !files)
		return -ENOMEM;
	for (unsigned i = 0; i < PLAN_PORTS_MAX; i++) {
		if (!plan_port(p, i))
			continue;
		chardev_init(&ports[i], -1);
		req.ports[i] = &ports[i];
	}
	ret = map_files(p, files);
	if (!ret) {
		ret = partition_build_memory(&req, diags, &build);
		if (!ret)
			ret = partition_build_machine(&req, diags, &build);
		if (!ret)
			ret = partition_build_load(&req, diags, &build);
		partition_build_fini(&build);
	}
	partition_files_unmap(files);
	return ret;
}
