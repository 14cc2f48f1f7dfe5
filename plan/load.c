/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Text and overrides -> tree -> plan, each step only if the one before it left something to work
 * on.
 */
#include "lib/util.h"
#include "plan/schema.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>

/* Paths become part of the plan, which must replay from its printed form: YAML is Unicode. */
static bool utf8_valid(const char *text)
{
	json_t *string = json_string(text);
	bool valid = string != NULL;

	json_decref(string);
	return valid;
}

char *absolute_dir(const char *dir)
{
	AUTO_FREE char *cwd = NULL;
	char *path = NULL;

	if (dir && *dir == '/')
		path = strdup(dir);
	else if ((cwd = getcwd(NULL, 0)) && asprintf(&path, "%s/%s", cwd, dir ? dir : "") < 0)
		path = NULL;
	if (path && !utf8_valid(path)) {
		free(path);
		path = NULL;
	}
	return path;
}

static void apply_overrides(struct tree *t, const struct plan_options *options,
	struct plan_box *box, struct diags *diags)
{
	for (unsigned i = 0; i < options->override_count; i++) {
		const char *arg = options->overrides[i];
		char *name = arena_alloc(&box->arena, strlen(arg) + sizeof("--set ''"));

		if (!name)
			return;
		sprintf(name, "--set '%s'", arg);
		tree_override(t, arg, name, diags);
	}
}

/* The steps; BOX is filled in as far as they come. */
static void load(struct plan_box *box, const struct tree_source *src, const char *dir,
	const struct plan_options *options, struct diags *diags)
{
	AUTO_FREE char *absolute = absolute_dir(dir);
	struct parse p = {.arena = &box->arena, .diags = diags, .dir = absolute};
	struct diag_loc loc = {.file = src->name};
	unsigned errors = diags->errors;
	struct tree t = {0};

	if (!absolute) {
		diag_error(diags, &loc, NULL,
			"the path of the plan's directory is not UTF-8, or cannot be told; move the "
			"plan elsewhere");
		return;
	}
	if (!tree_parse(&t, src, diags))
		apply_overrides(&t, options, box, diags);
	if (diags->errors == errors && !t.arena.failed) {
		box->plan.arch = options->arch;
		parse_plan(&p, t.root, &box->plan);
		validate_plan(&box->plan, diags);
	}
	if (t.arena.failed)
		box->arena.failed = true;
	tree_fini(&t);
}

int plan_from_tree(const struct node *root, const char *name, const char *dir,
	const struct plan_options *options, struct diags *diags, struct plan **ret_plan)
{
	struct plan_box *box = calloc(1, sizeof(*box));
	struct parse p = {.arena = &box->arena, .diags = diags, .dir = dir};
	unsigned errors = diags->errors;

	if (box) {
		box->plan.path = arena_strndup(&box->arena, name, strlen(name));
		box->plan.arch = options->arch;
		parse_plan(&p, root, &box->plan);
		validate_plan(&box->plan, diags);
	}
	if (!box || box->arena.failed)
		diag_error(diags, &root->loc, NULL, "no memory to read it; free some");
	if (diags->errors == errors) {
		*ret_plan = &box->plan;
		return 0;
	}
	plan_destroy(box ? &box->plan : NULL);
	return -EINVAL;
}

int plan_load_text(const char *name, const char *dir, const char *text, size_t size,
	const struct plan_options *options, struct diags *diags, struct plan **ret_plan)
{
	static const struct plan_options no_options = {0};
	struct plan_box *box = calloc(1, sizeof(*box));
	struct diag_loc loc = {.file = name};
	unsigned errors = diags->errors;

	if (box)
		box->plan.path = arena_strndup(&box->arena, name, strlen(name));
	if (size > TREE_TEXT_MAX) {
		diag_error(diags, &loc, NULL, "larger than 1 MiB; no plan needs that");
	} else if (box && box->plan.path) {
		struct tree_source src = {.name = box->plan.path, .text = text, .size = size};

		load(box, &src, dir, options ? options : &no_options, diags);
	}
	if (!box || box->arena.failed)
		diag_error(diags, &loc, NULL, "no memory to read it; free some");
	if (diags->errors == errors) {
		*ret_plan = &box->plan;
		return 0;
	}
	plan_destroy(box ? &box->plan : NULL);
	return -EINVAL;
}

int text_read(const char *path, char **ret_text, size_t *ret_size)
{
	bool is_stdin = strcmp(path, "-") == 0;
	AUTO_CLOSE int own = is_stdin ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	AUTO_FREE char *text = NULL;
	int fd = is_stdin ? STDIN_FILENO : own;
	size_t size = 0;

	if (fd < 0)
		return -errno;
	text = malloc(TREE_TEXT_MAX + 1);
	if (!text)
		return -ENOMEM;
	while (size <= TREE_TEXT_MAX) {
		ssize_t n = read(fd, text + size, TREE_TEXT_MAX + 1 - size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		size += (size_t)n;
	}
	*ret_text = text;
	*ret_size = size;
	text = NULL;
	return 0;
}

int plan_load(const char *path, const struct plan_options *options, struct diags *diags,
	struct plan **ret_plan)
{
	bool is_stdin = strcmp(path, "-") == 0;
	const char *slash = strrchr(path, '/');
	AUTO_FREE char *dir = slash ? strndup(path, (size_t)(slash - path) + 1) : NULL;
	AUTO_FREE char *text = NULL;
	struct diag_loc loc = {.file = path};
	size_t size = 0;
	int ret = text_read(path, &text, &size);

	if (ret) {
		diag_error(diags, &loc, NULL,
			"the plan cannot be read: %s; give the path of a YAML file, or - for "
			"standard input",
			strerror(-ret));
		return -EINVAL;
	}
	ret = plan_load_text(is_stdin ? "<stdin>" : path, is_stdin ? NULL : dir, text, size,
		options, diags, ret_plan);
	if (!ret)
		(*ret_plan)->from_file = !is_stdin;
	return ret;
}

void plan_destroy(struct plan *plan)
{
	struct plan_box *box;

	if (!plan)
		return;
	box = container_of(plan, struct plan_box, plan);
	arena_fini(&box->arena);
	free(box);
}
