/* SPDX-License-Identifier: BSD-3-Clause */
/* What is opened for one partition, on its way into the launch block. */
#ifndef SUPERVISOR_CHILD_FILES_H
#define SUPERVISOR_CHILD_FILES_H

#include "lib/diag.h"
#include "partition/protocol.h"
#include "supervisor/run.h"

/* Descriptors that were opened for one child: sent to it, then closed here. */
#define OWNED_FDS_MAX                                                                              \
	(PLAN_MODULES_MAX + PLAN_DEVICES_MAX * DEVICE_FDS_MAX + 3 * PLAN_PORTS_MAX + 8)

struct child_files {
	struct child *child;
	struct diags *diags;
	bool host_error; /* something could not be opened because of a limit of this host */
	int owned[OWNED_FDS_MAX];
	unsigned owned_count;
	unsigned region_fds; /* of the launch's, that have been filled in */
	struct partition_launch launch;
};

/* One device of the plan, and where its descriptors go. */
struct opening {
	struct child_files *files;
	const struct plan_device *device;
	int32_t *fds;
	char key[32]; /* "devices.3" */
};

/* Notes FD as the child's (-1 is none). Returns it. */
int child_keep(struct child_files *f, int fd);

/* An error: PATH, which the partition's key KEY names at LOC, cannot be opened, as errno says. */
void child_open_failed(
	struct child_files *f, const char *key, const struct diag_loc *loc, const char *path);

/* The same of DEVICE, which the kernel's module MODULE makes. */
void opening_vhost_failed(struct opening *o, const char *device, const char *module);

/* What is behind its ports (supervisor/ports.c). */
void child_open_ports(struct child_files *f);

/* The devices of its plan (supervisor/devices.c). */
void child_open_devices(struct child_files *f);

#endif
