/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A partition as bytes. What decodes must come through another round unchanged.
 */
#include "plan/plan.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Encodes and destroys P. */
static void *encode(struct plan_partition *p, size_t *ret_size)
{
	void *buf = NULL;

	if (plan_partition_encode(p, &buf, ret_size))
		abort();
	plan_partition_destroy(p);
	return buf;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE void *first = NULL, *second = NULL;
	struct plan_partition *p = NULL;
	size_t first_size, second_size;

	if (plan_partition_decode(data, size, &p))
		return 0;
	first = encode(p, &first_size);
	if (plan_partition_decode(first, first_size, &p))
		abort();
	second = encode(p, &second_size);
	if (first_size != second_size || memcmp(first, second, first_size) != 0)
		abort();
	return 0;
}
