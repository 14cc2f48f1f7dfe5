/* SPDX-License-Identifier: BSD-3-Clause */
/* What file system devices share: folders that can be read, sockets of who serves them. */
#include "plan/schema.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static void check_folder(const struct plan_device *d, const char *field, struct diags *diags)
{
	AUTO_CLOSE int fd = open(d->fs.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == ENOTDIR)
		diag_error(diags, &d->loc, field, "%s is no folder; give one", d->fs.path);
	else if (fd < 0)
		diag_error(diags, &d->loc, field, "%s: %s; %s", d->fs.path, strerror(errno),
			errno == EACCES ? "make it readable" : "correct the path");
}

static void check_socket(const struct plan_device *d, const char *field, struct diags *diags)
{
	struct stat st;

	if (stat(d->fs.socket, &st))
		diag_error(diags, &d->loc, field,
			"%s: %s; start its server first: virtiofsd --socket-path=%s --shared-dir "
			"FOLDER",
			d->fs.socket, strerror(errno), d->fs.socket);
	else if (!S_ISSOCK(st.st_mode))
		diag_error(diags, &d->loc, field, "%s is no socket; give that of a virtiofsd",
			d->fs.socket);
}

void check_fs_files(const struct plan_partition *part, struct diags *diags)
{
	for (unsigned i = 0; i < part->device_count; i++) {
		const struct plan_device *d = &part->devices[i];
		char key[64], field[PLAN_FIELD_MAX];

		if (d->type != PLAN_DEVICE_FS)
			continue;
		snprintf(key, sizeof(key), "devices.%u.%s", i, d->fs.path ? "path" : "socket");
		plan_field(part, key, field);
		if (d->fs.path)
			check_folder(d, field, diags);
		else
			check_socket(d, field, diags);
	}
}
