/* SPDX-License-Identifier: BSD-3-Clause */
/* What the loaders make of a file, for those who may not ask them. */
#include "partition/partition.h"

#include "lib/file.h"
#include "loader/loader.h"

bool partition_image_is_linux(const char *path)
{
	struct file_map map;
	bool is_linux;

	if (file_map_path(path, &map))
		return false;
	is_linux = image_type_detect(map.data, map.size) == IMAGE_BZIMAGE;
	file_unmap(&map);
	return is_linux;
}
