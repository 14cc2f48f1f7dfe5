/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig/image.h"

#include "lib/file.h"
#include "lib/util.h"
#include "rig/inside.h"
#include "rig/modules.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <sys/mman.h>

/* What Bulkhead and its devices take of a kernel; a package has some of it built in. */
static const char *const modules_needed[] = {"virtio_pci", "virtio_console", "kvm_amd", "tun",
	"bridge", "vhost_net", "vhost_vsock", NULL};

/* ---- the program ---- */

/* An ELF file's machine, and whether it needs a dynamic loader. */
struct program {
	unsigned machine;
	bool dynamic;
};

static bool read_program(const char *path, struct program *ret)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	Elf64_Ehdr e;

	if (fd < 0 || pread(fd, &e, sizeof(e), 0) != sizeof(e) ||
		memcmp(e.e_ident, ELFMAG, SELFMAG) != 0 || e.e_ident[EI_CLASS] != ELFCLASS64)
		return false;
	*ret = (struct program){.machine = e.e_machine};
	for (unsigned i = 0; i < e.e_phnum; i++) {
		Elf64_Phdr p;

		if (pread(fd, &p, sizeof(p), (off_t)(e.e_phoff + i * sizeof(p))) == sizeof(p))
			ret->dynamic = ret->dynamic || p.p_type == PT_INTERP;
	}
	return true;
}

bool image_runs_alone(const char *path, enum plan_arch arch)
{
	struct program p;

	return read_program(path, &p) && !p.dynamic &&
	       p.machine == (arch == PLAN_ARCH_ARM64 ? EM_AARCH64 : EM_X86_64);
}

bool image_find_program(const char *own, enum plan_arch arch, char ret_path[PATH_MAX])
{
	static const char *const places[2][4] = {
		[PLAN_ARCH_X86_64] = {"x86/bulkhead", "../bulkhead",
			"../lib/bulkhead/x86-64/bulkhead"},
		[PLAN_ARCH_ARM64] = {"arm64/bulkhead", "../bulkhead",
			"../lib/bulkhead/arm64/bulkhead"},
	};
	const char *slash = strrchr(own, '/');
	int n = slash ? (int)(slash - own) + 1 : 0;

	if (image_runs_alone(own, arch))
		return snprintf(ret_path, PATH_MAX, "%s", own) < PATH_MAX;
	for (const char *const *place = places[arch]; *place; place++) {
		if (snprintf(ret_path, PATH_MAX, "%.*s%s", n, own, *place) < PATH_MAX &&
			image_runs_alone(ret_path, arch))
			return true;
	}
	return false;
}

/* The file FROM as TO. */
static void put(struct rig_job *job, struct cpio *c, const char *from, const char *to)
{
	AUTO_CLOSE int fd = open(from, O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		cpio_file(c, to, fd);
	else
		diag_error(
			job->diags, NULL, NULL, "%s: %s; make it readable", from, strerror(errno));
}

/* Bulkhead, and beside it the process of its BSPs where that can run without libraries. */
static void put_programs(const struct rig_options *o, struct cpio *c)
{
	static const char *const places[] = {
		"bulkhead-bsp", "bulkhead-bsp.static", "../libexec/bulkhead/bulkhead-bsp.static"};
	const char *slash = strrchr(o->program, '/');
	int n = slash ? (int)(slash - o->program) + 1 : 0;
	char path[PATH_MAX];

	put(o->job, c, o->program, INSIDE_PROGRAM);
	for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
		if (snprintf(path, sizeof(path), "%.*s%s", n, o->program, places[i]) <
				(int)sizeof(path) &&
			image_runs_alone(path, o->arch)) {
			put(o->job, c, path, INSIDE_PROGRAM "-bsp");
			return;
		}
	}
}

/* ---- the command ---- */

static json_t *texts_json(json_t *list, const char *const *texts)
{
	for (; texts && *texts; texts++)
		json_array_append_new(list, json_string(*texts));
	return list;
}

/* NULL without memory. */
static char *front_text(const struct rig_options *o)
{
	char own[PATH_MAX];
	json_t *list;
	char *text;

	list = json_pack("[s, s, s, s]", file_own_program(own) ? "bulkhead" : own, "rig", "--arch",
		plan_arch_name(o->arch));
	texts_json(list, o->again);
	json_array_append_new(list, json_string("--"));
	text = json_dumps(list, JSON_COMPACT);
	json_decref(list);
	return text;
}

static json_t *env_json(const struct rig_options *o)
{
	static const char *const passed[] = {"TERM", "COLORTERM", "NO_COLOR", "LANG", "TZ",
		"GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "SOURCE_DATE_EPOCH"};
	AUTO_FREE char *front = front_text(o);
	json_t *list = json_pack("[s, s]",
		"PATH=" INSIDE_FOLDER
		":/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin",
		"HOME=/");

	for (unsigned i = 0; i < ARRAY_SIZE(passed); i++) {
		const char *value = getenv(passed[i]);

		if (value)
			json_array_append_new(list, json_sprintf("%s=%s", passed[i], value));
	}
	if (front)
		json_array_append_new(list, json_sprintf(INSIDE_VARIABLE "=%s", front));
	return list;
}

/* Who asks there for the host's name puts it into reports. */
static json_t *hostname_json(enum plan_arch arch)
{
	char host[33] = "";

	gethostname(host, sizeof(host) - 1);
	return json_sprintf("%.32s (emulated %s)", host, plan_arch_name(arch));
}

/* NULL when something is no UTF-8. */
static char *job_text(const struct rig_options *o, const struct rig_terminal *t)
{
	static const char *const self[] = {INSIDE_PROGRAM, NULL};
	json_t *argv = texts_json(texts_json(json_array(), o->exec ? NULL : self), o->argv);
	json_t *outputs = json_array(), *job;
	char *text;

	for (unsigned i = 0; i < o->job->output_count; i++)
		json_array_append_new(outputs, json_string(o->job->outputs[i].to));
	job = json_pack("{s:o, s:o, s:s, s:o, s:o, s:[b, b, b], s:i, s:i, s:b}", "argv", argv,
		"env", env_json(o), "cwd", o->job->cwd, "hostname", hostname_json(o->arch),
		"outputs", outputs, "terminal", t->is_one[0], t->is_one[1], t->is_one[2], "rows",
		(int)t->rows, "columns", (int)t->columns, "kvm", !o->exec);
	text = job ? json_dumps(job, JSON_COMPACT) : NULL;
	json_decref(job);
	return text;
}

/* ---- the archive ---- */

static void put_folders(struct cpio *c, const char *cwd)
{
	static const char *const folders[] = {
		"/proc", "/sys", "/dev", "/tmp", "/run", INSIDE_FOLDER};
	char path[PATH_MAX];

	for (unsigned i = 0; i < ARRAY_SIZE(folders); i++)
		cpio_folder(c, folders[i]);
	for (const char *slash = cwd; (slash = strchr(slash + 1, '/'));) {
		snprintf(path, sizeof(path), "%.*s", (int)(slash - cwd), cwd);
		cpio_folder(c, path);
	}
	if (cwd[1])
		cpio_folder(c, cwd);
	/* What process 1 gets as its standard descriptors. */
	cpio_device(c, "/dev/console", 5, 1);
}

int image_create(const struct rig_options *o, const char *modules, const struct rig_terminal *t,
	int *ret_fd, uint64_t *ret_size)
{
	AUTO_CLOSE int fd = memfd_create("rig-initrd", MFD_CLOEXEC);
	AUTO_FCLOSE FILE *f = fd < 0 ? NULL : fdopen(dup(fd), "we");
	AUTO_FREE char *text = job_text(o, t);
	struct cpio c = {.f = f};
	int ret;

	if (!text) {
		diag_error(o->job->diags, NULL, NULL,
			"an argument or a path is not UTF-8 text; the rig takes no other");
		return -EINVAL;
	}
	if (!f)
		return -errno;
	put_folders(&c, o->job->cwd);
	rig_job_write(o->job, &c);
	put_programs(o, &c);
	if (modules)
		modules_write(modules, modules_needed, INSIDE_MODULES, &c, o->job->diags);
	cpio_bytes(&c, INSIDE_JOB, text, strlen(text));
	ret = cpio_finish(&c);
	if (ret) {
		diag_error(o->job->diags, NULL, NULL,
			"the files for the rig cannot be put together: %s; free some memory",
			strerror(-ret));
		return ret;
	}
	*ret_fd = fd_release(&fd);
	*ret_size = c.size;
	return 0;
}
