/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Left out: links are followed, so that inside everything is a file or folder; a block device is
 * not copied; what a guest writes to its disks stays inside.
 */
#include "rig/job.h"

#include "lib/size.h"
#include "lib/util.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define FOLDER_DEPTH_MAX 32

int rig_job_init(struct rig_job *job, enum plan_arch arch, struct diags *diags)
{
	*job = (struct rig_job){.diags = diags, .arch = arch};
	job->cwd = getcwd(NULL, 0);
	return job->cwd ? 0 : -errno;
}

void rig_job_fini(struct rig_job *job)
{
	for (unsigned i = 0; i < job->file_count; i++) {
		free(job->files[i].to);
		free(job->files[i].from);
	}
	for (unsigned i = 0; i < job->output_count; i++) {
		free(job->outputs[i].path);
		free(job->outputs[i].to);
	}
	free(job->files);
	free(job->outputs);
	free(job->cwd);
	*job = (struct rig_job){0};
}

static void no_memory(struct rig_job *job)
{
	diag_error(job->diags, NULL, NULL, "no memory for the list of files; free some");
}

/* Takes FROM, which is NULL for a folder. */
static void add(struct rig_job *job, const char *to, char *from, uint64_t size)
{
	char *copy = strdup(to);

	if (job->file_count == job->file_room) {
		unsigned room = job->file_room ? job->file_room * 2 : 64;
		struct rig_file *files = reallocarray(job->files, room, sizeof(*files));

		if (files) {
			job->files = files;
			job->file_room = room;
		}
	}
	if (!copy || job->file_count == job->file_room) {
		no_memory(job);
		free(copy);
		free(from);
		return;
	}
	job->files[job->file_count++] = (struct rig_file){.to = copy, .from = from, .size = size};
}

/*
 * PATH without "." and "..", absolute, into RET. Every folder on the way is added: inside, too, one
 * that ".." leaves must be there. False when it is too long.
 */
static bool put_folders(struct rig_job *job, const char *path, char ret[PATH_MAX])
{
	char full[2 * PATH_MAX], *rest = NULL;
	size_t n = 0;

	if (snprintf(full, sizeof(full), "%s/%s", *path == '/' ? "" : job->cwd, path) >=
		(int)sizeof(full))
		return false;
	*ret = '\0';
	for (char *part = strtok_r(full, "/", &rest); part; part = strtok_r(NULL, "/", &rest)) {
		if (n)
			add(job, ret, NULL, 0);
		if (strcmp(part, ".") == 0)
			continue;
		if (strcmp(part, "..") == 0) {
			char *slash = strrchr(ret, '/');

			n = slash ? (size_t)(slash - ret) : 0;
			ret[n] = '\0';
			continue;
		}
		if (n + 1 + strlen(part) >= PATH_MAX)
			return false;
		n += (size_t)snprintf(ret + n, PATH_MAX - n, "/%s", part);
	}
	return n;
}

/* Where the machine has something of its own. */
static bool is_hidden(const char *to)
{
	static const char *const folders[] = {"/proc", "/sys", "/dev", "/.bulkhead"};

	for (unsigned i = 0; i < ARRAY_SIZE(folders); i++) {
		size_t n = strlen(folders[i]);

		if (strncmp(to, folders[i], n) == 0 && (!to[n] || to[n] == '/'))
			return true;
	}
	return false;
}

static void put_file(struct rig_job *job, const char *from, const char *to, const struct stat *st)
{
	char *copy;

	if (!S_ISREG(st->st_mode)) {
		if (S_ISBLK(st->st_mode))
			diag_error(job->diags, NULL, NULL,
				"%s is a block device, of which the rig makes no copy; give a file",
				from);
		return;
	}
	if (access(from, R_OK)) {
		diag_error(
			job->diags, NULL, NULL, "%s: %s; make it readable", from, strerror(errno));
		return;
	}
	if ((uint64_t)st->st_size > RIG_FILES_MAX) {
		char have[QUANTITY_MAX], fits[QUANTITY_MAX];

		diag_error(job->diags, NULL, NULL,
			"%s has %s, and no more than %s fits into the rig; make it smaller", from,
			format_size((uint64_t)st->st_size, have), format_size(RIG_FILES_MAX, fits));
		return;
	}
	copy = strdup(from);
	if (copy)
		add(job, to, copy, (uint64_t)st->st_size);
	else
		no_memory(job);
}

/* A folder, and those that it was met in. */
struct folder {
	const struct stat *st;
	const struct folder *in;
	unsigned depth;
};

static bool is_in(const struct stat *st, const struct folder *f)
{
	for (; f; f = f->in) {
		if (f->st->st_dev == st->st_dev && f->st->st_ino == st->st_ino)
			return true;
	}
	return false;
}

/* Links that lead back to a folder above are left out. Recursion is bounded. */
static void put_tree(
	struct rig_job *job, const char *from, const char *to, const struct folder *above)
{
	struct folder here = {.in = above, .depth = above ? above->depth + 1 : 0};
	AUTO_CLOSEDIR DIR *dir = NULL;
	const struct dirent *e;
	struct stat st;

	if (stat(from, &st))
		return;
	if (!S_ISDIR(st.st_mode)) {
		put_file(job, from, to, &st);
		return;
	}
	if (is_in(&st, above))
		return;
	here.st = &st;
	add(job, to, NULL, 0);
	dir = opendir(from);
	if (!dir || here.depth == FOLDER_DEPTH_MAX) {
		diag_error(job->diags, NULL, NULL, "%s: %s", from,
			dir ? "too many folders in each other; give one that is flatter"
			    : "it cannot be read; make it readable");
		return;
	}
	while ((e = readdir(dir))) {
		AUTO_FREE char *below = NULL, *target = NULL;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (asprintf(&below, "%s/%s", from, e->d_name) < 0 ||
			asprintf(&target, "%s/%s", to, e->d_name) < 0) {
			no_memory(job);
			return;
		}
		put_tree(job, below, target, &here);
	}
}

void rig_job_put(struct rig_job *job, const char *from, const char *to)
{
	char full[PATH_MAX];

	if (access(from, F_OK))
		return;
	if (!put_folders(job, to, full)) {
		diag_error(job->diags, NULL, NULL,
			"%s: no path that a file can have inside; give another", to);
		return;
	}
	if (is_hidden(full)) {
		diag_error(job->diags, NULL, NULL,
			"%s is where the emulated machine has its own files; use a copy elsewhere",
			full);
		return;
	}
	put_tree(job, from, full, NULL);
}

void rig_job_input(struct rig_job *job, const char *path)
{
	rig_job_put(job, path, path);
}

/* Whether the folder that PATH is to be in is there. */
static bool has_parent(const char *path)
{
	const char *slash = strrchr(path, '/');
	AUTO_FREE char *parent = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");

	return parent && access(parent, F_OK) == 0;
}

void rig_job_output(struct rig_job *job, const char *path, bool folder)
{
	struct rig_output *outputs;
	char full[PATH_MAX];

	/* Where it cannot be written here, it shall not be inside. */
	if (!path || strcmp(path, "-") == 0 || !has_parent(path) || !put_folders(job, path, full) ||
		is_hidden(full))
		return;
	for (unsigned i = 0; i < job->output_count; i++) {
		if (strcmp(job->outputs[i].to, full) == 0)
			return;
	}
	if (job->output_count == RIG_OUTPUTS_MAX) {
		diag_error(job->diags, NULL, NULL,
			"more than %d files are written; give the command less to do at a time",
			RIG_OUTPUTS_MAX);
		return;
	}
	outputs = reallocarray(job->outputs, job->output_count + 1, sizeof(*outputs));
	if (!outputs) {
		no_memory(job);
		return;
	}
	job->outputs = outputs;
	outputs[job->output_count] =
		(struct rig_output){.path = strdup(path), .to = strdup(full), .folder = folder};
	if (!outputs[job->output_count].path || !outputs[job->output_count].to)
		no_memory(job);
	job->output_count++;
}

/* ---- plans ---- */

static void put_partition(struct rig_job *job, const struct plan_partition *p)
{
	for (unsigned i = 0; i < plan_input_count(p); i++) {
		const struct diag_loc *loc;
		const char *path = plan_input(p, i, &loc);

		if (path)
			rig_job_input(job, path);
	}
	for (unsigned i = 0; i < p->device_count; i++) {
		if (p->devices[i].fs.path)
			rig_job_input(job, p->devices[i].fs.path);
	}
	for (unsigned i = 0; i < PLAN_PORTS_MAX; i++) {
		const struct plan_port *port = plan_port(p, i);

		if (port && port->kind == PLAN_PORT_FILE)
			rig_job_output(job, port->path, false);
	}
}

/* Named cores and one more for everything else; of those that have no number, as many. */
static unsigned cores_of(const struct plan *plan)
{
	unsigned highest = 0, most = 1;

	for (unsigned i = 0; i < plan->housekeeping_count; i++)
		highest = (unsigned)max_u64(highest, plan->housekeeping[i]);
	for (unsigned p = 0; p < plan->partition_count; p++) {
		const struct plan_cpus *cpus = &plan->partitions[p].cpus;

		for (unsigned i = 0; i < cpus->core_count; i++)
			highest = (unsigned)max_u64(highest, cpus->cores[i]);
		most = (unsigned)max_u64(most, cpus->vcpus);
	}
	return (unsigned)max_u64(highest + 2, most + 1);
}

void rig_job_plan(struct rig_job *job, const struct plan *plan)
{
	uint64_t memory = 0;

	if (plan->from_file)
		rig_job_input(job, plan->path);
	if (plan->bsp.path)
		rig_job_input(job, plan->bsp.path);
	for (unsigned i = 0; i < plan->bsp.file_count; i++) {
		if (plan->bsp.files[i].access != PLAN_ACCESS_WRITE)
			rig_job_input(job, plan->bsp.files[i].path);
	}
	for (unsigned i = 0; i < plan->partition_count; i++) {
		put_partition(job, &plan->partitions[i]);
		memory += plan->partitions[i].memory;
	}
	for (unsigned i = 0; i < plan->region_count; i++)
		memory += plan->regions[i].size +
			  plan->regions[i].output * plan->regions[i].peer_count;
	job->archs[plan->arch] = true;
	job->cores = (unsigned)max_u64(job->cores, cores_of(plan));
	job->memory = max_u64(job->memory, memory);
	job->all_memory += memory;
}

enum plan_arch rig_job_arch(const struct rig_job *job)
{
	for (unsigned i = 0; i < ARRAY_SIZE(job->archs); i++) {
		if (job->archs[i] && !job->archs[job->arch])
			return (enum plan_arch)i;
	}
	return job->arch;
}

/* ---- into the archive ---- */

/* Folders before what is in them; a file before a folder of the same path. */
static int compare(const void *a, const void *b)
{
	const struct rig_file *x = a, *y = b;
	int order = strcmp(x->to, y->to);

	return order ? order : !x->from - !y->from;
}

/* Sorts the files, so that the same paths follow each other. */
static void sort(struct rig_job *job)
{
	if (job->file_count)
		qsort(job->files, job->file_count, sizeof(*job->files), compare);
}

static bool is_repeated(const struct rig_job *job, unsigned i)
{
	return i && strcmp(job->files[i].to, job->files[i - 1].to) == 0;
}

uint64_t rig_job_size(struct rig_job *job)
{
	uint64_t size = 0;

	sort(job);
	for (unsigned i = 0; i < job->file_count; i++)
		size += is_repeated(job, i) ? 0 : job->files[i].size;
	return size;
}

void rig_job_write(struct rig_job *job, struct cpio *c)
{
	sort(job);
	for (unsigned i = 0; i < job->file_count; i++) {
		const struct rig_file *f = &job->files[i];
		AUTO_CLOSE int fd = -1;

		if (is_repeated(job, i))
			continue;
		if (!f->from) {
			cpio_folder(c, f->to);
			continue;
		}
		fd = open(f->from, O_RDONLY | O_CLOEXEC);
		if (fd >= 0)
			cpio_file(c, f->to, fd);
		else
			diag_error(job->diags, NULL, NULL, "%s: %s; make it readable", f->from,
				strerror(errno));
	}
}
