/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Debian's linux-image-cloud-ARCH: small, and with all that the rig takes. Apt gets it with lists
 * and a state of its own in the cache, filled from the host's sources: for another architecture
 * than the host's, without root, and without a change to the host's apt. A kernel's folder appears
 * whole or not at all; what a download has got is kept for the next try.
 */
#include "rig/kernel.h"

#include "lib/util.h"
#include "rig/say.h"
#include "rig/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define SHOWN_MAX (1 * MIB)

struct fetch {
	const char *arch; /* Debian's name */
	struct diags *diags;
	char folder[PATH_MAX - 256]; /* of this architecture in the cache */
	char options[8][PATH_MAX];   /* apt's */
};

bool rig_cache_path(char ret_path[PATH_MAX])
{
	const char *own = getenv("BULKHEAD_CACHE"), *cache = getenv("XDG_CACHE_HOME");
	const char *home = getenv("HOME");
	int n = -1;

	if (own && *own)
		n = snprintf(ret_path, PATH_MAX, "%s", own);
	else if (cache && *cache == '/')
		n = snprintf(ret_path, PATH_MAX, "%s/bulkhead", cache);
	else if (home && *home == '/')
		n = snprintf(ret_path, PATH_MAX, "%s/.cache/bulkhead", home);
	/* Names of files follow. */
	return n > 0 && n < PATH_MAX - 512;
}

bool rig_kernel_package(const char *shown, char *ret_name, size_t size)
{
	static const char key[] = "\nDepends:", start[] = "linux-image-";
	const char *at = strstr(shown, key), *end;
	size_t n;

	if (!at)
		return false;
	end = at + 1 + strcspn(at + 1, "\n");
	at = strstr(at, start);
	if (!at || at > end)
		return false;
	n = strcspn(at, " ,|(:\n");
	if (n <= strlen(start) || n >= size)
		return false;
	snprintf(ret_name, size, "%.*s", (int)n, at);
	return true;
}

/* ---- programs ---- */

/* Apt's PROGRAM with our options and the words that follow. Terminated by NULL. */
static void apt_words(const struct fetch *f, const char *const *words, const char *ret_argv[32])
{
	unsigned n = 0;

	ret_argv[n++] = *words++;
	for (unsigned i = 0; i < ARRAY_SIZE(f->options) && f->options[i][0]; i++) {
		ret_argv[n++] = "-o";
		ret_argv[n++] = f->options[i];
	}
	while (*words && n < 31)
		ret_argv[n++] = *words++;
	ret_argv[n] = NULL;
}

static int failed(struct fetch *f, const char *what, int ret)
{
	diag_error(f->diags, NULL, NULL,
		"%s failed%s%s; is there a network, and a Debian mirror among apt's sources? Else "
		"give --kernel FILE and --modules DIR",
		what, ret < 0 ? ": " : ", see above", ret < 0 ? strerror(-ret) : "");
	return ret < 0 ? ret : -EIO;
}

static int apt_run(struct fetch *f, const char *dir, const char *const *words)
{
	const char *argv[32];
	const struct tool t = {.argv = argv, .dir = dir, .out = -1, .err = -1};
	int ret;

	apt_words(f, words, argv);
	ret = tool_run(&t);
	return ret ? failed(f, words[0], ret) : 0;
}

/* What apt knows of PACKAGE; NULL: nothing. */
static char *apt_show(struct fetch *f, const char *package)
{
	const char *argv[32];
	struct tool t = {.argv = argv, .err = open("/dev/null", O_WRONLY | O_CLOEXEC)};
	char *shown = NULL;
	size_t size;

	apt_words(
		f, (const char *[]){"apt-cache", "--no-all-versions", "show", package, NULL}, argv);
	if (tool_capture(&t, SHOWN_MAX, &shown, &size))
		shown = NULL;
	fd_close(&t.err);
	return shown;
}

/* ---- the steps ---- */

static int make_folders(const char *path)
{
	char part[PATH_MAX];

	for (const char *slash = path; (slash = strchr(slash + 1, '/'));) {
		snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
		mkdir(part, 0777);
	}
	return mkdir(path, 0777) && errno != EEXIST ? -errno : 0;
}

static int prepare(struct fetch *f)
{
	static const char *const folders[] = {"apt/lists/partial", "apt/archives/partial", "deb"};
	const char *const options[] = {"APT::Architecture=%s", "APT::Architectures=%s",
		"Dir::State=%s/apt", "Dir::State::status=%s/apt/status", "Dir::Cache=%s/apt",
		"Acquire::Languages=none", geteuid() ? "" : "APT::Sandbox::User=root"};
	char path[PATH_MAX];
	int fd, ret = 0;

	for (unsigned i = 0; !ret && i < ARRAY_SIZE(folders); i++) {
		snprintf(path, sizeof(path), "%s/%s", f->folder, folders[i]);
		ret = make_folders(path);
	}
	snprintf(path, sizeof(path), "%s/apt/status", f->folder);
	fd = ret ? -1 : open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	if (!ret && fd < 0)
		ret = -errno;
	cleanup_close(&fd);
	if (ret)
		diag_error(f->diags, NULL, NULL,
			"%s: %s; point XDG_CACHE_HOME to a folder of yours", path, strerror(-ret));
	for (unsigned i = 0; i < ARRAY_SIZE(options); i++) {
		const char *value = strstr(options[i], "Arch") ? f->arch : f->folder;
		const char *at = strstr(options[i], "%s");

		snprintf(f->options[i], sizeof(f->options[i]), "%.*s%s%s",
			(int)(at ? (size_t)(at - options[i]) : strlen(options[i])), options[i],
			at ? value : "", at ? at + 2 : "");
	}
	return ret;
}

/* Downloads the package into F's folder. 0 and its name, or a negative errno. */
static int download(struct fetch *f, char *ret_name, size_t size)
{
	const char *quiet = isatty(STDERR_FILENO) ? "-q=0" : "-qq";
	char meta[64], deb[PATH_MAX];
	AUTO_FREE char *shown = NULL;
	int ret;

	snprintf(meta, sizeof(meta), "linux-image-cloud-%s", f->arch);
	snprintf(deb, sizeof(deb), "%s/deb", f->folder);
	rig_say("getting the list of Debian's packages for %s", f->arch);
	ret = apt_run(f, NULL, (const char *[]){"apt-get", "-qq", "update", NULL});
	if (ret)
		return ret;
	shown = apt_show(f, meta);
	if (!shown || !rig_kernel_package(shown, ret_name, size)) {
		diag_error(f->diags, NULL, NULL,
			"none of apt's sources has the package %s for %s; add a Debian mirror, or "
			"give --kernel FILE and --modules DIR",
			meta, f->arch);
		return -ENOENT;
	}
	rig_say("downloading %s for %s", ret_name, f->arch);
	return apt_run(f, deb, (const char *[]){"apt-get", quiet, "download", ret_name, NULL});
}

/* The one path that PATTERN, below ROOT, stands for. */
static bool find_one(const char *root, const char *pattern, char ret_path[PATH_MAX])
{
	char full[PATH_MAX];
	glob_t found;
	bool ok = false;

	if (snprintf(full, sizeof(full), "%s/%s", root, pattern) >= (int)sizeof(full))
		return false;
	if (glob(full, 0, NULL, &found) == 0) {
		ok = snprintf(ret_path, PATH_MAX, "%s", found.gl_pathv[0]) < PATH_MAX;
		globfree(&found);
	}
	return ok;
}

static bool look(const char *folder, struct rig_kernel *ret)
{
	return find_one(folder, "root/boot/vmlinuz-*", ret->image) &&
	       (find_one(folder, "root/lib/modules/*", ret->modules) ||
		       find_one(folder, "root/usr/lib/modules/*", ret->modules));
}

/* The package as files, in the folder "root". */
static int unpack(struct fetch *f, const char *package, struct rig_kernel *ret)
{
	char pattern[160], deb[PATH_MAX], fresh[PATH_MAX], root[PATH_MAX], removed[PATH_MAX];
	const struct tool unpack = {.argv = (const char *[]){"dpkg-deb", "-x", deb, fresh, NULL},
				  .out = -1,
				  .err = -1},
			  clean = {.argv = (const char *[]){"rm", "-rf", fresh, removed, NULL},
				  .out = -1,
				  .err = -1};
	int code;

	snprintf(removed, sizeof(removed), "%s/deb", f->folder);
	snprintf(fresh, sizeof(fresh), "%s/new", f->folder);
	snprintf(root, sizeof(root), "%s/root", f->folder);
	snprintf(pattern, sizeof(pattern), "%s_*.deb", package);
	if (!find_one(removed, pattern, deb))
		return failed(f, "apt-get download", -ENOENT);
	rig_say("unpacking %s", strrchr(deb, '/') + 1);
	code = tool_run(&unpack);
	if (code)
		return failed(f, "dpkg-deb", code);
	code = rename(fresh, root) ? -errno : 0;
	tool_run(&clean);
	if (!code && look(f->folder, ret))
		return 0;
	diag_error(f->diags, NULL, NULL,
		"%s has no kernel and modules where they are expected; remove that folder and try "
		"again, or give --kernel FILE and --modules DIR",
		root);
	return code ?: -ENOENT;
}

/* With the cache's lock held. */
static int fetch(struct fetch *f, struct rig_kernel *ret)
{
	static const char *const tools[] = {"apt-get", "apt-cache", "dpkg-deb"};
	char package[128];
	int code;

	for (unsigned i = 0; i < ARRAY_SIZE(tools); i++) {
		if (tool_exists(tools[i]))
			continue;
		diag_error(f->diags, NULL, NULL,
			"there is no kernel for the rig yet, and without %s it cannot be got from "
			"Debian; give --kernel FILE and --modules DIR",
			tools[i]);
		return -ENOENT;
	}
	code = prepare(f);
	if (!code)
		code = download(f, package, sizeof(package));
	return code ?: unpack(f, package, ret);
}

int rig_kernel_find(enum plan_arch arch, struct diags *diags, struct rig_kernel *ret_kernel)
{
	AUTO_FREE struct fetch *f = calloc(1, sizeof(*f));
	char cache[PATH_MAX], lock[PATH_MAX];
	AUTO_CLOSE int fd = -1;

	if (!f)
		return -ENOMEM;
	if (!rig_cache_path(cache)) {
		diag_error(diags, NULL, NULL,
			"there is no place to keep a kernel in; set HOME or XDG_CACHE_HOME, or give "
			"--kernel FILE and --modules DIR");
		return -ENOENT;
	}
	f->arch = arch == PLAN_ARCH_ARM64 ? "arm64" : "amd64";
	f->diags = diags;
	snprintf(f->folder, sizeof(f->folder), "%.*s/rig/%s", PATH_MAX - 300, cache, f->arch);
	if (look(f->folder, ret_kernel))
		return 0;
	make_folders(f->folder);
	snprintf(lock, sizeof(lock), "%s/lock", f->folder);
	/* Several users of one cache wait for each other here. */
	fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0 || flock(fd, LOCK_EX)) {
		diag_error(diags, NULL, NULL, "%s: %s; point XDG_CACHE_HOME to a folder of yours",
			lock, strerror(errno));
		return -EACCES;
	}
	return look(f->folder, ret_kernel) ? 0 : fetch(f, ret_kernel);
}
