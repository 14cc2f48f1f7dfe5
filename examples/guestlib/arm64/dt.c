/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A reader of flattened device trees [Devicetree Specification 0.4, chapter 5]: every offset is
 * held against the size of its block. Left out: interrupt parents (the GIC is everybody's), ranges.
 */
#include "arm64.h"

#define MAGIC      0xD00DFEED
#define TREE_MAX   (2U << 20)
#define BEGIN_NODE 1
#define END_NODE   2
#define PROPERTY   3
#define NOP        4
#define DEPTH_MAX  16

/* Of the header: 32-bit words. */
enum word {
	W_MAGIC,
	W_TOTAL,
	W_STRUCT,
	W_STRINGS,
	W_RESERVED,
	W_VERSION,
	W_COMPATIBLE,
	W_BOOT_CPU,
	W_STRINGS_SIZE,
	W_STRUCT_SIZE,
	WORDS
};

struct token {
	uint32_t type;
	const char *name; /* of a node or a property */
	const uint8_t *value;
	uint32_t size;
};

static const uint8_t *blob, *nodes, *strings;
static uint32_t total, nodes_size, strings_size;

static uint32_t big32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

bool dt_init(const void *address)
{
	const uint8_t *p = address;
	uint32_t w[WORDS];

	for (unsigned i = 0; i < WORDS; i++)
		w[i] = big32(p + 4 * i);
	if (w[W_MAGIC] != MAGIC || w[W_TOTAL] > TREE_MAX || w[W_STRUCT] % 4 ||
		w[W_STRUCT] > w[W_TOTAL] || w[W_STRUCT_SIZE] > w[W_TOTAL] - w[W_STRUCT] ||
		w[W_STRINGS] > w[W_TOTAL] || w[W_STRINGS_SIZE] > w[W_TOTAL] - w[W_STRINGS])
		return false;
	blob = p;
	total = w[W_TOTAL];
	nodes = p + w[W_STRUCT];
	nodes_size = w[W_STRUCT_SIZE];
	strings = p + w[W_STRINGS];
	strings_size = w[W_STRINGS_SIZE];
	return true;
}

const void *dt_blob(uint32_t *ret_size)
{
	*ret_size = total;
	return blob;
}

/* The text at AT in SIZE bytes, or NULL when it does not end there. */
static const char *text_at(const uint8_t *base, uint32_t size, uint32_t at)
{
	for (uint32_t i = at; i < size; i++)
		if (!base[i])
			return (const char *)base + at;
	return NULL;
}

/* Reads the token at *AT and goes past it; false at the end, or where the blob is broken. */
static bool token_next(uint32_t *at, struct token *ret)
{
	uint32_t i = *at;

	if (nodes_size < 4 || i > nodes_size - 4)
		return false;
	*ret = (struct token){.type = big32(nodes + i)};
	i += 4;
	if (ret->type == BEGIN_NODE) {
		ret->name = text_at(nodes, nodes_size, i);
		if (!ret->name)
			return false;
		i += (uint32_t)strlen(ret->name) + 1;
	} else if (ret->type == PROPERTY) {
		if (nodes_size - i < 8)
			return false;
		ret->size = big32(nodes + i);
		ret->name = text_at(strings, strings_size, big32(nodes + i + 4));
		i += 8;
		ret->value = nodes + i;
		if (!ret->name || ret->size > nodes_size - i)
			return false;
		i += ret->size;
	} else if (ret->type != END_NODE && ret->type != NOP) {
		return false;
	}
	*at = (i + 3) & ~3U;
	return true;
}

int dt_next(int node, int *depth)
{
	uint32_t at = node < 0 ? 0 : (uint32_t)node;
	struct token t;

	if (node >= 0 && !token_next(&at, &t))
		return -1;
	for (uint32_t start = at; token_next(&at, &t); start = at) {
		if (t.type == BEGIN_NODE) {
			++*depth;
			return (int)start;
		}
		if (t.type == END_NODE && --*depth < 0)
			break;
	}
	return -1;
}

const char *dt_name(int node)
{
	uint32_t at = (uint32_t)node;
	struct token t;

	return node >= 0 && token_next(&at, &t) && t.name ? t.name : "";
}

int dt_parent(int node)
{
	int parents[DEPTH_MAX], depth = -1;

	for (int i = dt_next(-1, &depth); i >= 0; i = dt_next(i, &depth)) {
		if (i == node)
			return depth && depth <= DEPTH_MAX ? parents[depth - 1] : -1;
		if (depth < DEPTH_MAX)
			parents[depth] = i;
	}
	return -1;
}

/* NAME has N characters; a node's unit address may be left out of it. */
static bool is_named(int node, const char *name, size_t n)
{
	const char *is = dt_name(node);

	return strncmp(is, name, n) == 0 && (!is[n] || is[n] == '@');
}

static int child_named(int node, const char *name, size_t n)
{
	int depth = 0;

	for (int i = dt_next(node, &depth); i >= 0 && depth > 0; i = dt_next(i, &depth))
		if (depth == 1 && is_named(i, name, n))
			return i;
	return -1;
}

int dt_path(const char *path)
{
	char name[32];
	size_t n = 0;
	int node = 0;

	if (*path != '/') {
		while (path[n] && path[n] != ':' && n < sizeof(name) - 1)
			n++;
		memcpy(name, path, n);
		name[n] = '\0';
		path = dt_string(dt_path("/aliases"), name);
		if (!path || *path != '/')
			return -1;
	}
	while (node >= 0 && *path == '/') {
		for (n = 0, path++; path[n] && path[n] != '/' && path[n] != ':';)
			n++;
		if (n)
			node = child_named(node, path, n);
		path += n;
	}
	return node;
}

const void *dt_property(int node, const char *name, uint32_t *ret_size)
{
	uint32_t at = (uint32_t)node;
	struct token t;

	if (node < 0 || !token_next(&at, &t))
		return NULL;
	while (token_next(&at, &t) && (t.type == PROPERTY || t.type == NOP)) {
		if (t.type == NOP || strcmp(t.name, name) != 0)
			continue;
		*ret_size = t.size;
		return t.value;
	}
	return NULL;
}

const char *dt_string(int node, const char *name)
{
	uint32_t size;
	const uint8_t *value = dt_property(node, name, &size);

	return value ? text_at(value, size, 0) : NULL;
}

bool dt_cell(int node, const char *name, unsigned i, uint32_t *ret_value)
{
	uint32_t size;
	const uint8_t *value = dt_property(node, name, &size);

	if (!value || i >= size / 4)
		return false;
	*ret_value = big32(value + 4 * i);
	return true;
}

static bool is_compatible(int node, const char *compatible)
{
	uint32_t size, at = 0;
	const uint8_t *value = dt_property(node, "compatible", &size);
	const char *text, *status = dt_string(node, "status");

	if (!value || (status && strcmp(status, "okay") != 0 && strcmp(status, "ok") != 0))
		return false;
	while ((text = text_at(value, size, at))) {
		if (strcmp(text, compatible) == 0)
			return true;
		at += (uint32_t)strlen(text) + 1;
	}
	return false;
}

int dt_compatible(int after, const char *compatible)
{
	int depth = DEPTH_MAX; /* is not looked at */

	if (after < 0)
		depth = -1;
	for (int i = dt_next(after, &depth); i >= 0; i = dt_next(i, &depth))
		if (is_compatible(i, compatible))
			return i;
	return -1;
}

/* CELLS cells of "reg" from the AT-th. */
static bool reg_number(int node, unsigned at, uint32_t cells, uint64_t *ret)
{
	uint64_t v = 0;
	uint32_t cell;

	for (uint32_t i = 0; i < cells; i++) {
		if (!dt_cell(node, "reg", at + i, &cell))
			return false;
		v = v << 32 | cell;
	}
	*ret = v;
	return true;
}

bool dt_reg(int node, unsigned i, uint64_t *ret_base, uint64_t *ret_size)
{
	uint32_t addresses = 2, sizes = 1; /* what the specification says where nothing does */
	int parent = dt_parent(node);
	uint64_t base, size;

	dt_cell(parent, "#address-cells", 0, &addresses);
	dt_cell(parent, "#size-cells", 0, &sizes);
	if (addresses > 2 || sizes > 2 ||
		!reg_number(node, i * (addresses + sizes), addresses, &base) ||
		!reg_number(node, i * (addresses + sizes) + addresses, sizes, &size))
		return false;
	*ret_base = base;
	*ret_size = size;
	return true;
}

unsigned dt_interrupt(int node, unsigned i)
{
	uint32_t kind, number;

	if (!dt_cell(node, "interrupts", 3 * i, &kind) ||
		!dt_cell(node, "interrupts", 3 * i + 1, &number))
		return 0;
	return number + (kind ? GIC_PPI : GIC_SPI);
}
