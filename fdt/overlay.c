/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Overlays through libfdt, which trusts what it is given further than hostile bytes deserve: they
 * are checked whole before it applies them, and bounded in size and depth, since it recurses and
 * searches from the start for each node. Left out: memory reservations, which it ignores.
 */
#include "fdt/overlay.h"

#include "lib/size.h"
#include "lib/text.h"

#include <errno.h>
#include <libfdt.h>
#include <stdarg.h>
#include <string.h>

/* Linux' own limit [drivers/of/fdt.c, FDT_MAX_DEPTH]. */
#define DEPTH_MAX 64

#define TEXT_MAX 512

struct work {
	const struct fdt_overlay *overlay;
	struct diags *diags;
	uint8_t *fdto; /* a copy of its bytes, which libfdt changes */
	const void *fdt;
};

static int complain(struct work *w, const char *fmt, ...) PRINTF_LIKE(2, 3);
static int complain(struct work *w, const char *fmt, ...)
{
	char text[TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	diag_error(w->diags, &w->overlay->loc, w->overlay->field, "%s: %s", w->overlay->path, text);
	return -EINVAL;
}

/* What the overlay has for a name, safe to print. */
#define NAME_MAX_SHOWN 128

static char *show(const char *name, char buf[NAME_MAX_SHOWN + 1])
{
	text_sanitise_line((const uint8_t *)name, strnlen(name, NAME_MAX_SHOWN), buf);
	return buf;
}

/* Whether it is a blob at all, and one that its own header describes. */
static int check_blob(struct work *w)
{
	const struct fdt_overlay *o = w->overlay;
	int ret;

	if (o->size < sizeof(struct fdt_header) || fdt_magic(w->fdto) != FDT_MAGIC) {
		if (o->size && memmem(o->data, o->size, "/dts-v1/", 8))
			return complain(w,
				"a device tree's source; compile it: dtc -@ -I dts -O dtb -o FILE.dtbo");
		return complain(w,
			"no device tree blob (it does not begin with %#x); give a .dtbo as dtc -@ makes it",
			FDT_MAGIC);
	}
	if (fdt_totalsize(w->fdto) > o->size)
		return complain(w,
			"its header says %u bytes (totalsize), the file has %zu; the file is truncated",
			fdt_totalsize(w->fdto), o->size);
	ret = fdt_check_full(w->fdto, o->size);
	if (ret)
		return complain(w, "not a valid device tree blob (%s); compile it again with dtc",
			fdt_strerror(ret));
	return 0;
}

static int check_depth(struct work *w)
{
	int depth = 0;

	for (int node = 0; node >= 0 && depth >= 0; node = fdt_next_node(w->fdto, node, &depth)) {
		if (depth > DEPTH_MAX)
			return complain(w, "nodes nested deeper than %d; flatten it", DEPTH_MAX);
	}
	return 0;
}

/* Whether the property, of LENGTH bytes or an error, has a whole cell at OFFSET. */
static bool holds_cell(int length, uint64_t offset)
{
	return length >= 4 && offset <= (uint64_t)length - 4;
}

/*
 * Whether references may be put into the property: not into those that libfdt works by itself, or
 * what has been checked here would change behind our back.
 */
static bool may_change(const char *name, size_t length)
{
	static const char *const own[] = {"target-path", "phandle", "linux,phandle"};

	for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
		if (length == strlen(own[i]) && !memcmp(name, own[i], length))
			return false;
	}
	return true;
}

/* The nodes beside the fragments, __fixups__ and so on, are libfdt's too. */
static bool is_own_node(const char *name)
{
	return !strncmp(name, "__", 2);
}

/* One place where the phandle of a label goes: "/fragment@0:target:0". */
static bool fixup_is_valid(const struct work *w, const char *text)
{
	const char *name = strchr(text, ':'), *colon = name ? strchr(name + 1, ':') : NULL;
	int node, length = 0;
	uint64_t offset;

	if (!colon || parse_u64(colon + 1, &offset))
		return false;
	node = fdt_path_offset_namelen(w->fdto, text, (int)(name - text));
	if (*text != '/' || node < 0 || is_own_node(text + 1) ||
		!may_change(name + 1, (size_t)(colon - name) - 1))
		return false;
	return fdt_getprop_namelen(w->fdto, node, name + 1, (int)(colon - name - 1), &length) &&
	       holds_cell(length, offset);
}

/* All those of one label: strings, one after the other. */
static bool fixups_are_valid(const struct work *w, const char *list, int length)
{
	size_t rest = length > 0 ? (size_t)length : 0;

	if (!rest || list[rest - 1])
		return false;
	while (rest) {
		size_t size = strlen(list) + 1;

		if (!fixup_is_valid(w, list))
			return false;
		list += size;
		rest -= size;
	}
	return true;
}

/* Every label that the overlay refers to is one of the tree's. */
static int check_labels(struct work *w)
{
	int fixups = fdt_path_offset(w->fdto, "/__fixups__"), property, length;
	int symbols = fdt_path_offset(w->fdt, "/__symbols__");
	const char *label, *list;
	char shown[NAME_MAX_SHOWN + 1];
	int ret = 0;

	if (fixups < 0)
		return 0;
	fdt_for_each_property_offset(property, w->fdto, fixups)
	{
		list = fdt_getprop_by_offset(w->fdto, property, &label, &length);
		if (!list || !fixups_are_valid(w, list, length))
			return complain(w, "its node __fixups__ is damaged; compile it again");
		if (!fdt_getprop(w->fdt, symbols, label, NULL))
			ret = complain(w,
				"the partition's tree has no label \"%s\"; see docs/machine-arm64.md for those that it has, or name the node by target-path",
				show(label, shown));
	}
	return ret;
}

/*
 * References inside the overlay: FIXUPS is a copy of NODE whose properties list the offsets of
 * phandles. The depth is bounded by check_depth.
 */
static bool local_fixups_are_valid(const struct work *w, int node, int fixups)
{
	int property, child, twin, length, list_length;
	const char *name;

	fdt_for_each_property_offset(property, w->fdto, fixups)
	{
		const fdt32_t *list = fdt_getprop_by_offset(w->fdto, property, &name, &list_length);

		if (!list || list_length % 4 || !may_change(name, strlen(name)) ||
			!fdt_getprop(w->fdto, node, name, &length))
			return false;
		for (int i = 0; i < list_length / 4; i++) {
			if (!holds_cell(length, fdt32_ld(&list[i])))
				return false;
		}
	}
	fdt_for_each_subnode(child, w->fdto, fixups)
	{
		name = fdt_get_name(w->fdto, child, NULL);
		twin = name ? fdt_subnode_offset(w->fdto, node, name) : -1;
		if (twin < 0 || (node == 0 && is_own_node(name)) ||
			!local_fixups_are_valid(w, twin, child))
			return false;
	}
	return true;
}

static int check_local_fixups(struct work *w)
{
	int fixups = fdt_path_offset(w->fdto, "/__local_fixups__");

	if (fixups < 0 || local_fixups_are_valid(w, 0, fixups))
		return 0;
	return complain(w, "its node __local_fixups__ is damaged; compile it again");
}

/* A fragment that names its target by a path names one that is there. */
static int check_target(struct work *w, int fragment)
{
	char shown[NAME_MAX_SHOWN + 1];
	int length = 0;
	const char *path = fdt_getprop(w->fdto, fragment, "target-path", &length);

	if (!path || fdt_getprop(w->fdto, fragment, "target", NULL))
		return 0;
	if (length <= 0 || strnlen(path, (size_t)length) == (size_t)length)
		return complain(w, "a target-path is not a string; compile it again");
	if (fdt_path_offset(w->fdt, path) < 0)
		return complain(w, "target-path \"%s\" is not in the partition's tree; correct it",
			show(path, shown));
	return 0;
}

static int check_fragments(struct work *w)
{
	unsigned count = 0;
	int node, ret = 0;

	fdt_for_each_subnode(node, w->fdto, 0)
	{
		if (fdt_subnode_offset(w->fdto, node, "__overlay__") < 0)
			continue;
		count++;
		if (check_target(w, node))
			ret = -EINVAL;
	}
	if (!count)
		return complain(w,
			"no overlay: it has no node with __overlay__ in it; its source has to begin with /dts-v1/; /plugin/;");
	return ret;
}

static int apply(struct work *w, void *fdt, size_t room)
{
	int ret = fdt_open_into(fdt, fdt, (int)room);

	if (!ret)
		ret = fdt_overlay_apply(fdt, w->fdto);
	if (ret == -FDT_ERR_NOSPACE)
		return complain(
			w, "with it the device tree does not fit into %zu bytes; shorten it", room);
	if (ret)
		return complain(
			w, "it cannot be applied (%s); try fdtoverlay on it", fdt_strerror(ret));
	ret = fdt_pack(fdt);
	if (!ret)
		ret = fdt_check_full(fdt, room);
	if (ret)
		return complain(
			w, "what it makes of the device tree is not valid (%s)", fdt_strerror(ret));
	return 0;
}

int overlay_apply(void *fdt, size_t room, const struct fdt_overlay *overlay, struct diags *diags)
{
	AUTO_FREE uint8_t *copy = NULL;
	struct work w = {.overlay = overlay, .diags = diags, .fdt = fdt};
	int ret;

	if (overlay->size > FDT_OVERLAY_MAX)
		return complain(&w, "%zu bytes, at most %d are accepted; shorten it", overlay->size,
			FDT_OVERLAY_MAX);
	copy = malloc(overlay->size ? overlay->size : 1);
	if (!copy)
		return complain(&w, "out of memory; free some on the host");
	if (overlay->size)
		memcpy(copy, overlay->data, overlay->size);
	w.fdto = copy;
	ret = check_blob(&w);
	if (!ret)
		ret = check_depth(&w);
	if (!ret)
		ret = check_labels(&w);
	if (!ret)
		ret = check_local_fixups(&w);
	if (!ret)
		ret = check_fragments(&w);
	return ret ? ret : apply(&w, fdt, room);
}
