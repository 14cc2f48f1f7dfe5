/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The files that a plan names: whether inputs can be read and outputs written, and whether an
 * output, which is emptied at the start, is at the same time something else. Files are told apart
 * by device and inode, so other spellings, links and mounts of one file are that file. Nothing is
 * changed or opened for writing.
 */
#include "plan/file_id.h"
#include "plan/schema.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

/* ---- each file alone ---- */

static void check_input(
	struct diags *diags, const char *path, const struct diag_loc *loc, const char *field)
{
	/* O_NONBLOCK: opening a FIFO must not hang. */
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		diag_error(diags, loc, field, "%s: %s; %s", path, strerror(errno),
			errno == EACCES ? "make it readable" : "correct the path");
	else if (!S_ISREG(st.st_mode))
		diag_error(diags, loc, field, "%s is not a regular file; give a file", path);
	else if (st.st_size == 0)
		diag_error(diags, loc, field, "%s is empty; build or fetch it again", path);
}

static void check_output(struct diags *diags, const struct plan_port *s, const char *field)
{
	char dir[PATH_MAX];
	struct stat st;

	if (stat(s->path, &st) == 0) {
		if (s->kind == PLAN_PORT_SOCKET && !S_ISSOCK(st.st_mode))
			diag_error(diags, &s->loc, field,
				"%s is there, and no socket; remove it, or give another path",
				s->path);
		else if (S_ISDIR(st.st_mode))
			diag_error(
				diags, &s->loc, field, "%s is a directory; give a file", s->path);
		else if (access(s->path, W_OK))
			diag_error(diags, &s->loc, field,
				"%s cannot be written: %s; make it writable, or give another",
				s->path, strerror(errno));
	} else if (access(file_directory(s->path, dir), W_OK | X_OK)) {
		diag_error(diags, &s->loc, field,
			"%s cannot be created: %s; make its directory writable, or give another",
			s->path, strerror(errno));
	}
}

/* An input of a partition: each may be missing but the image; then its modules, then its disks. */
enum { INPUT_IMAGE, INPUT_INITRD, INPUT_OVERLAY, INPUT_SYMBOLS, INPUT_MODULES };

unsigned plan_input_count(const struct plan_partition *part)
{
	return INPUT_MODULES + part->module_count + part->device_count;
}

const char *plan_input(
	const struct plan_partition *part, unsigned i, const struct diag_loc **ret_loc)
{
	unsigned devices = INPUT_MODULES + part->module_count;

	switch (i) {
	case INPUT_IMAGE:
		*ret_loc = &part->locs[PLAN_KEY_IMAGE];
		return part->image;
	case INPUT_INITRD:
		*ret_loc = &part->locs[PLAN_KEY_INITRD];
		return part->initrd;
	case INPUT_OVERLAY:
		*ret_loc = &part->locs[PLAN_KEY_OVERLAY];
		return part->arm64.overlay;
	case INPUT_SYMBOLS:
		*ret_loc = &part->locs[PLAN_KEY_SYMBOLS];
		return part->symbols;
	default:
		break;
	}
	if (i < devices) {
		*ret_loc = &part->modules[i - INPUT_MODULES].loc;
		return part->modules[i - INPUT_MODULES].path;
	}
	*ret_loc = &part->devices[i - devices].loc;
	return part->devices[i - devices].blk.path;
}

static void check_files(const struct plan_partition *part, struct diags *diags)
{
	static const char *const keys[] = {[INPUT_IMAGE] = "image",
		[INPUT_INITRD] = "initrd",
		[INPUT_OVERLAY] = "arm64.overlay",
		[INPUT_SYMBOLS] = "symbols"};
	char field[PLAN_FIELD_MAX], key[PLAN_PORT_KEY_MAX];

	for (unsigned i = 0; i < INPUT_MODULES + part->module_count; i++) {
		const struct diag_loc *loc;
		const char *path = plan_input(part, i, &loc);

		if (i < INPUT_MODULES)
			snprintf(key, sizeof(key), "%s", keys[i]);
		else
			snprintf(key, sizeof(key), "modules.%u", i - INPUT_MODULES);
		if (path)
			check_input(diags, path, loc, plan_field(part, key, field));
	}
	for (unsigned i = 0; i < PLAN_PORTS_MAX; i++) {
		const struct plan_port *port = plan_port(part, i);

		if (port && port->path)
			check_output(
				diags, port, plan_field(part, plan_port_key(part, i, key), field));
	}
}

/* ---- files that are one ---- */

#define LOG_DIR_FIELD "--log-dir"

/* The outputs of a run: the files and sockets of its ports, then the logs of all its ports. */
struct outputs {
	const struct plan *plan;
	const char *log_dir; /* NULL: there are no logs */
	struct diags *diags;
};

struct output {
	const struct plan_partition *part;
	unsigned port;
	bool log;
	struct file_id id;
	char path[PATH_MAX];
};

static unsigned port_count(const struct outputs *all)
{
	return all->plan->partition_count * PLAN_PORTS_MAX;
}

/* False when output I is not there. */
static bool output_get(const struct outputs *all, unsigned i, struct output *o)
{
	const struct plan_port *port;

	o->log = i >= port_count(all);
	o->part = &all->plan->partitions[i % port_count(all) / PLAN_PORTS_MAX];
	o->port = i % PLAN_PORTS_MAX;
	port = plan_port(o->part, o->port);
	if (!port || (!o->log && !port->path))
		return false;
	if (!o->log)
		snprintf(o->path, sizeof(o->path), "%s", port->path);
	else if (plan_log_path(all->log_dir, o->part, o->port, o->path))
		return false;
	return file_identify(o->path, &o->id);
}

static void report_overwrite(const struct outputs *all, const struct output *o, const char *what)
{
	char key[PLAN_PORT_KEY_MAX], field[PLAN_FIELD_MAX];

	if (o->log)
		diag_error(all->diags, NULL, LOG_DIR_FIELD,
			"%s would overwrite %s; name another directory", o->path, what);
	else
		diag_error(all->diags, &plan_port(o->part, o->port)->loc,
			plan_field(o->part, plan_port_key(o->part, o->port, key), field),
			"output would overwrite %s; use another file", what);
}

/* O is the file that FIRST is, too. */
static void report_shared(
	const struct outputs *all, const struct output *o, const struct output *first)
{
	const struct diag_loc *loc = &plan_port(first->part, first->port)->loc;
	char key[PLAN_PORT_KEY_MAX], field[PLAN_FIELD_MAX], where[LOC_PLACE_MAX];

	if (!o->log)
		diag_error(all->diags, &plan_port(o->part, o->port)->loc,
			plan_field(o->part, plan_port_key(o->part, o->port, key), field),
			"a port of partition %s%s writes to the same file; use two files",
			first->part->name, loc_place(loc, where));
	else if (!first->log)
		diag_error(all->diags, NULL, LOG_DIR_FIELD,
			"%s is what a port of partition %s%s writes to; name another "
			"directory",
			o->path, first->part->name, loc_place(loc, where));
	else
		diag_error(all->diags, NULL, LOG_DIR_FIELD,
			"%s is the same file as %s; name another directory", o->path, first->path);
}

/* Output I must not be the plan, nor what anybody loads, nor an output before it. */
static void check_alone(const struct outputs *all, unsigned i)
{
	char what[LOC_PLACE_MAX + 64], where[LOC_PLACE_MAX];
	struct output o, first;

	if (!output_get(all, i, &o))
		return;
	if (all->plan->from_file && file_is(all->plan->path, &o.id))
		report_overwrite(all, &o, "the plan");
	for (unsigned p = 0; p < all->plan->partition_count; p++) {
		const struct plan_partition *part = &all->plan->partitions[p];

		for (unsigned j = 0; j < plan_input_count(part); j++) {
			const struct diag_loc *loc;
			const char *path = plan_input(part, j, &loc);

			if (!path || !file_is(path, &o.id))
				continue;
			snprintf(what, sizeof(what), "what partition %s %s%s", part->name,
				j < INPUT_MODULES + part->module_count ? "loads" : "has as a disk",
				loc_place(loc, where));
			report_overwrite(all, &o, what);
		}
	}
	for (unsigned j = 0; j < i; j++)
		if (output_get(all, j, &first) && file_same(&first.id, &o.id))
			report_shared(all, &o, &first);
}

static void check_object(const struct plan_bsp *bsp, struct diags *diags)
{
	AUTO_CLOSE int fd = -1;
	unsigned errors = diags->errors;
	char magic[4];

	check_input(diags, bsp->path, &bsp->loc, "bsp");
	if (diags->errors > errors)
		return;
	fd = open(bsp->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0 && (read(fd, magic, sizeof(magic)) != sizeof(magic) ||
			       memcmp(magic, "\177ELF", sizeof(magic)) != 0))
		diag_error(diags, &bsp->loc, "bsp",
			"%s is no shared object; build one with cc -shared -fPIC", bsp->path);
}

/* What the BSP is and may use. Devices are no regular files, and opening one may do something. */
static void check_bsp(const struct plan_bsp *bsp, struct diags *diags)
{
	static const int modes[] = {[PLAN_ACCESS_READ] = R_OK,
		[PLAN_ACCESS_WRITE] = W_OK,
		[PLAN_ACCESS_READ_WRITE] = R_OK | W_OK};

	if (bsp->kind == PLAN_BSP_FILE)
		check_object(bsp, diags);
	for (unsigned i = 0; i < bsp->file_count; i++) {
		const struct plan_bsp_file *f = &bsp->files[i];

		if (access(f->path, modes[f->access]))
			diag_error(diags, &f->loc, "bsp.files",
				"%s cannot be opened with access %s: %s; correct the path or its "
				"permissions",
				f->path, access_names[f->access], strerror(errno));
	}
}

int plan_check_files(const struct plan *plan, struct diags *diags)
{
	const struct outputs all = {.plan = plan, .diags = diags};
	unsigned errors = diags->errors;

	check_bsp(&plan->bsp, diags);
	for (unsigned i = 0; i < plan->partition_count; i++)
		check_files(&plan->partitions[i], diags);
	for (unsigned i = 0; i < plan->partition_count; i++)
		check_fs_files(&plan->partitions[i], diags);
	check_disks(plan, diags);
	for (unsigned i = 0; i < port_count(&all); i++)
		check_alone(&all, i);
	return diags->errors > errors ? -EINVAL : 0;
}

int plan_check_log_dir(const struct plan *plan, const char *dir, struct diags *diags)
{
	const struct outputs all = {.plan = plan, .log_dir = dir, .diags = diags};
	unsigned errors = diags->errors;

	for (unsigned i = port_count(&all); i < 2 * port_count(&all); i++)
		check_alone(&all, i);
	return diags->errors > errors ? -EINVAL : 0;
}
