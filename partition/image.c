/* SPDX-License-Identifier: BSD-3-Clause */
/* What the loaders make of a file, for those who may not ask them. */
#include "partition/partition.h"

#include "lib/file.h"
#include "loader/loader.h"

bool partition_image_is_linux(const char *path)
{
	struct file_map map;
	enum image_type type;

	if (file_map_path(path, &map))
		return false;
	type = image_type_detect(map.data, map.size);
	file_unmap(&map);
	return type == IMAGE_BZIMAGE || type == IMAGE_ARM64;
}

bool partition_image_may_be_for(enum plan_arch arch, const char *path)
{
	struct file_map map;
	bool may_be;

	if (file_map_path(path, &map))
		return true;
	may_be = image_may_be_for(
		arch == PLAN_ARCH_ARM64 ? GUEST_ARM64 : GUEST_X86_64, map.data, map.size);
	file_unmap(&map);
	return may_be;
}
