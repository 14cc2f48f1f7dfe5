/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/images.h"

#include "partition/partition.h"

enum plan_arch image_arch(const char *image, enum plan_arch preferred)
{
	enum plan_arch other = preferred == PLAN_ARCH_ARM64 ? PLAN_ARCH_X86_64 : PLAN_ARCH_ARM64;

	return partition_image_may_be_for(preferred, image) ||
			       !partition_image_may_be_for(other, image)
		       ? preferred
		       : other;
}
