/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig/outputs.h"

#include "lib/file.h"
#include "lib/util.h"
#include "rig/say.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static void failed(struct outputs *o, const char *path, int error)
{
	if (o->error)
		return;
	o->error = error;
	snprintf(o->failed, sizeof(o->failed), "%s", path);
}

/* A core is mostly holes, which come as zeros. What is no regular file has none. */
static int write_data(struct outputs *o, const uint8_t *bytes, size_t size)
{
	return o->regular ? sparse_write(&o->file, bytes, size)
			  : file_write_all(o->file.fd, bytes, size);
}

static void finish_file(struct outputs *o)
{
	int ret = o->file.fd >= 0 && o->regular ? sparse_finish(&o->file) : 0;

	if (ret)
		failed(o, "a file", ret);
	fd_close(&o->file.fd);
}

/* A name in a folder: nothing that leads elsewhere. */
static bool name_valid(const char *name)
{
	return *name && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/*
 * The folder that the last part of the path TEXT, cut into parts in place, is to be in, below the
 * output's own; nothing on the way is a link. The descriptor and that part, or a negative errno.
 */
static int open_parent(const struct rig_output *to, char *text, char **ret_name)
{
	int dir = open(to->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char *rest = NULL, *part = strtok_r(text, "/", &rest), *next;

	if (dir < 0)
		return -errno;
	for (; part; part = next) {
		int below;

		if (!name_valid(part))
			break;
		next = strtok_r(NULL, "/", &rest);
		if (!next) {
			*ret_name = part;
			return dir;
		}
		below = openat(dir, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		close(dir);
		if (below < 0)
			return -errno;
		dir = below;
	}
	close(dir);
	return -EBADMSG;
}

static void take_folder(struct outputs *o, const struct rig_output *to, char *path)
{
	char *name;
	int dir;

	if (!*path) {
		if (mkdir(to->path, 0777) && errno != EEXIST)
			failed(o, to->path, -errno);
		return;
	}
	dir = open_parent(to, path, &name);
	if (dir < 0) {
		failed(o, to->path, dir);
		return;
	}
	if (mkdirat(dir, name, 0777) && errno != EEXIST)
		failed(o, name, -errno);
	close(dir);
}

static void take_file(struct outputs *o, const struct rig_output *to, char *path, mode_t mode)
{
	const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY;
	AUTO_CLOSE int dir = -1;
	char *name = to->path;
	struct stat st;

	o->file.at = 0;
	if (!to->folder) {
		o->file.fd = open(to->path, flags, mode);
	} else {
		dir = open_parent(to, path, &name);
		if (dir < 0) {
			failed(o, to->path, dir);
			return;
		}
		o->file.fd = openat(dir, name, flags | O_NOFOLLOW, mode);
	}
	if (o->file.fd < 0)
		failed(o, name, -errno);
	o->regular = o->file.fd >= 0 && fstat(o->file.fd, &st) == 0 && S_ISREG(st.st_mode);
}

void outputs_take(struct outputs *o, const struct wire_frame *f)
{
	size_t head = f->type == WIRE_FILE ? 8 : 4;
	const struct rig_output *to;
	char path[PATH_MAX];
	unsigned index;
	int ret;

	if (f->type == WIRE_DATA) {
		ret = o->file.fd < 0 ? 0 : write_data(o, f->bytes, f->size);
		if (ret) {
			failed(o, "a file", ret);
			finish_file(o);
		}
		return;
	}
	finish_file(o);
	index = wire_u32(f, 0);
	if (f->size < head || f->size - head >= sizeof(path) || index >= o->job->output_count) {
		failed(o, "what comes out", -EBADMSG);
		return;
	}
	to = &o->job->outputs[index];
	memcpy(path, f->bytes + head, f->size - head);
	path[f->size - head] = '\0';
	if (f->type == WIRE_FILE)
		take_file(o, to, path, wire_u32(f, 4) & 0777);
	else if (to->folder)
		take_folder(o, to, path);
}

int outputs_finish(struct outputs *o)
{
	finish_file(o);
	if (o->error == -EBADMSG)
		rig_say("the emulated machine sent a file that belongs to no output of the "
			"command; it was left out");
	else if (o->error)
		rig_say("%s, which was written inside, cannot be written here: %s", o->failed,
			strerror(-o->error));
	return o->error;
}
