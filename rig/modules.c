/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a module depends on it says itself, in its section .modinfo, as "depends=a,b": no index that
 * somebody would have to make is needed. Packages have modules as they are, or compressed.
 */
#include "rig/modules.h"

#include "lib/util.h"
#include "rig/tool.h"

#include <errno.h>
#include <fts.h>
#include <string.h>
#include <sys/stat.h>

#define MODULES_MAX     128
#define MODULE_SIZE_MAX (64 * MIB)
#define NAME_MAX_BYTES  64
#define DEPTH_MAX       16

struct search {
	const char *dir, *folder;
	struct cpio *c;
	struct diags *diags;
	char done[MODULES_MAX][NAME_MAX_BYTES]; /* those written */
	unsigned count;
};

bool module_is(const char *file, const char *name)
{
	for (; *name; name++, file++) {
		char a = *file == '-' ? '_' : *file, b = *name == '-' ? '_' : *name;

		if (a != b)
			return false;
	}
	return strcmp(file, ".ko") == 0 || strcmp(file, ".ko.xz") == 0 ||
	       strcmp(file, ".ko.zst") == 0 || strcmp(file, ".ko.gz") == 0;
}

const char *module_depends(const char *bytes, size_t size, size_t *ret_size)
{
	static const char key[] = "\0depends=";
	const size_t length = sizeof(key) - 1;
	const char *at = memmem(bytes, size, key, length);

	if (!at)
		return NULL;
	*ret_size = strnlen(at + length, size - (size_t)(at + length - bytes));
	return at + length;
}

/* The path of the module NAME below DIR, the caller's; NULL: there is none. */
static char *find(const char *dir, const char *name)
{
	char *roots[] = {(char *)(uintptr_t)dir, NULL};
	FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	char *path = NULL;
	const FTSENT *e;

	while (tree && !path && (e = fts_read(tree))) {
		if (e->fts_info == FTS_F && module_is(e->fts_name, name))
			path = strdup(e->fts_path);
	}
	if (tree)
		fts_close(tree);
	return path;
}

/* The module's bytes, decompressed; the caller's. 0 or a negative errno; the reason is told. */
static int read_module(struct search *s, const char *path, char **ret_bytes, size_t *ret_size)
{
	static const char *const readers[][2] = {
		{".ko", "cat"}, {".xz", "xz"}, {".zst", "zstd"}, {".gz", "gzip"}};
	const char *suffix = strrchr(path, '.'), *program = "cat";
	struct tool t = {.err = -1};
	int ret;

	for (unsigned i = 0; suffix && i < ARRAY_SIZE(readers); i++) {
		if (strcmp(suffix, readers[i][0]) == 0)
			program = readers[i][1];
	}
	t.argv = strcmp(program, "cat") == 0 ? (const char *[]){program, path, NULL}
					     : (const char *[]){program, "-dc", path, NULL};
	ret = tool_capture(&t, MODULE_SIZE_MAX, ret_bytes, ret_size);
	if (ret)
		diag_error(s->diags, NULL, NULL, "%s cannot be read with %s: %s; %s", path, program,
			ret < 0 ? strerror(-ret) : "it fails",
			ret == -ENOENT ? "install it" : "get the kernel's modules again");
	return ret;
}

/* Recursion is bounded by DEPTH. */
static void put(struct search *s, const char *name, size_t length, unsigned depth)
{
	AUTO_FREE char *path = NULL, *bytes = NULL;
	char wanted[NAME_MAX_BYTES], to[PATH_MAX];
	const char *depends;
	size_t size, rest;

	if (!length || length >= sizeof(wanted) || !depth || s->count == MODULES_MAX)
		return;
	snprintf(wanted, sizeof(wanted), "%.*s", (int)length, name);
	for (unsigned i = 0; i < s->count; i++) {
		if (strcmp(s->done[i], wanted) == 0)
			return;
	}
	path = find(s->dir, wanted);
	if (!path || read_module(s, path, &bytes, &size))
		return;
	depends = module_depends(bytes, size, &rest);
	while (depends && rest) {
		size_t n = 0;

		while (n < rest && depends[n] != ',')
			n++;
		put(s, depends, n, depth - 1);
		depends += n + (n < rest);
		rest -= n + (n < rest);
	}
	if (s->count == MODULES_MAX)
		return;
	snprintf(to, sizeof(to), "%s/%03u-%s.ko", s->folder, s->count, wanted);
	memcpy(s->done[s->count++], wanted, sizeof(wanted));
	cpio_bytes(s->c, to, bytes, size);
}

void modules_write(const char *dir, const char *const *names, const char *folder, struct cpio *c,
	struct diags *diags)
{
	AUTO_FREE struct search *s = calloc(1, sizeof(*s));

	if (!s)
		return;
	s->dir = dir;
	s->folder = folder;
	s->c = c;
	s->diags = diags;
	cpio_folder(c, folder);
	for (unsigned i = 0; names[i]; i++)
		put(s, names[i], strlen(names[i]), DEPTH_MAX);
}
