/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What comes out of the rig's emulated machine: frames, and the files in them. And what is read of
 * packages: a module's dependencies, what apt says.
 */
#include "rig/kernel.h"
#include "rig/modules.h"
#include "rig/outputs.h"

#include "lib/util.h"

#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/tmp/fuzz-rig.XXXXXX";
static char out[64], report[64], outside[64], trap[64];
static struct rig_output list[] = {
	{.path = out, .to = (char[]){"/out"}, .folder = true},
	{.path = report, .to = (char[]){"/report"}},
};
static const struct rig_job job = {.outputs = list, .output_count = ARRAY_SIZE(list)};

static void remove_folder(void)
{
	char command[80];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	(void)!system(command);
}

/* A folder of our own, and an output in it, beside which nothing may appear. */
static void make_folder(void)
{
	if (*out)
		return;
	if (!mkdtemp(folder))
		abort();
	atexit(remove_folder);
	snprintf(out, sizeof(out), "%s/out", folder);
	snprintf(report, sizeof(report), "%s/report", folder);
	snprintf(outside, sizeof(outside), "%s/x", folder);
	snprintf(trap, sizeof(trap), "%s/link", out);
	if (mkdir(out, 0700) || symlink("..", trap))
		abort();
}

static void take_frames(const uint8_t *data, size_t size)
{
	AUTO_FREE struct wire_reader *r = calloc(1, sizeof(*r));
	struct outputs o = {.job = &job, .file.fd = -1};
	struct wire_frame f;

	if (!r)
		return;
	r->end = (size_t)min_u64(size, sizeof(r->bytes));
	memcpy(r->bytes, data, r->end);
	while (wire_next(r, &f) > 0) {
		/* A few names, so that the folder stays small. */
		if (f.type == WIRE_DATA || f.size < 32)
			outputs_take(&o, &f);
	}
	fd_close(&o.file.fd);
	if (access(outside, F_OK) == 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = strndup((const char *)data, size);
	char name[32];
	size_t length;

	make_folder();
	take_frames(data, size);
	if (text)
		rig_kernel_package(text, name, sizeof(name));
	if (module_depends((const char *)data, size, &length) && length > size)
		abort();
	return 0;
}
