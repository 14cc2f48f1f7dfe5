/* SPDX-License-Identifier: BSD-3-Clause */
/* What the loaders make of a file, for those who may not ask them. */
#include "partition/partition.h"

#include "lib/file.h"
#include "lib/util.h"
#include "loader/loader.h"

#include <fcntl.h>

/* Of a file's start, compressed or not: no header of a Linux image is beyond it. */
#define HEAD_SIZE (64 * KIB)

bool partition_image_fd_is_linux(int fd)
{
	AUTO_FREE uint8_t *head = malloc(HEAD_SIZE);
	ssize_t size = head ? pread(fd, head, HEAD_SIZE, 0) : -1;
	enum image_type type;

	if (size <= 0)
		return false;
	type = image_type_detect(head, (size_t)size);
	return type == IMAGE_BZIMAGE || type == IMAGE_ARM64;
}

bool partition_image_is_linux(const char *path)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	return fd >= 0 && partition_image_fd_is_linux(fd);
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
