/* SPDX-License-Identifier: BSD-3-Clause */
/* JUnit files that somebody else has written: what is copied of one is copied again as it is. */
#include "suite/junit.h"

#include "lib/util.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int copy(const char *text, size_t size, char **ret_text, size_t *ret_size)
{
	struct suite_summary sum = {0};
	FILE *f = open_memstream(ret_text, ret_size);
	unsigned id = 0;
	int ret;

	if (!f)
		abort();
	ret = junit_copy_suites(text, size, f, &id, &sum);
	fclose(f);
	return ret;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *once = NULL, *twice = NULL;
	size_t once_size, twice_size;

	if (copy((const char *)data, size, &once, &once_size) || !once_size)
		return 0;
	if (copy(once, once_size, &twice, &twice_size) || !twice_size)
		abort();
	return 0;
}
