/* SPDX-License-Identifier: BSD-3-Clause */
/* The keys of `shared`: a table for each type of region. */
#include "plan/schema.h"

const char *const region_type_names[] = {
	[PLAN_REGION_IVSHMEM_V2] = "ivshmem-v2",
	[PLAN_REGION_IVSHMEM_V1] = "ivshmem-v1",
	NULL,
};

#define REGION(m) .offset = offsetof(struct plan_region, m)

static const struct key peer_keys[] = {
	{.name = "partition",
		.type = KEY_STRING,
		.required = true,
		.offset = offsetof(struct plan_peer, name),
		.help = "The partition."},
	{0},
};

static const struct key_list peers_list = {
	.count = offsetof(struct plan_region, peer_count),
	.element_size = sizeof(struct plan_peer),
	.element_loc = offsetof(struct plan_peer, loc),
	.what = "partitions",
	.example = "[rt, linux]",
};

static const struct key_list readers_list = {
	.count = offsetof(struct plan_region, reader_count),
	.element_size = sizeof(struct plan_peer),
	.element_loc = offsetof(struct plan_peer, loc),
	.what = "partitions",
	.example = "[linux]",
};

/* clang-format off: it knows no tables in macros */

#define REGION_KEYS                                                                                                \
	{.name = "type",                                                                                           \
		.type = KEY_ENUM,                                                                                  \
		.required = true,                                                                                  \
		REGION(type),                                                                                      \
		.names = region_type_names,                                                                        \
		.help = "`ivshmem-v2` is Jailhouse's, where each partition has a section that it alone "           \
			"writes; `ivshmem-v1` is ACRN's and QEMU's, one piece of memory."},                        \
		{.name = "peers",                                                                                  \
			.type = KEY_LIST,                                                                          \
			.required = true,                                                                          \
			REGION(peers),                                                                             \
			.max = PLAN_PEERS_MAX,                                                                     \
			.list = &peers_list,                                                                       \
			.fields = peer_keys,                                                                       \
			.shorthand = "partition",                                                                  \
			.help = "The partitions that share it, two to twelve; the first is peer 0. Each gets the " \
				"device `{type: ivshmem, region: NAME}` behind its others, unless its plan lists " \
				"it."},                                                                            \
	{                                                                                                          \
		.name = "vectors", .type = KEY_COUNT, REGION(vectors), .def = "2", .min = 1,                       \
		.max = PLAN_VECTORS_MAX,                                                                           \
		.help = "How many interrupts each peer has for the doorbells of the others."                       \
	}

/* clang-format on */

static const struct key v2_keys[] = {
	REGION_KEYS,
	{.name = "read_write",
		.type = KEY_SIZE,
		REGION(size),
		.def = "0",
		.multiple = 4 * KIB,
		.max = PLAN_SECTION_MAX,
		.help = "Size of the section that all peers write; 0: there is none."},
	{.name = "output",
		.type = KEY_SIZE,
		REGION(output),
		.def = "64K",
		.multiple = 4 * KIB,
		.max = PLAN_OUTPUT_MAX,
		.help = "Size of the section that each peer has for itself: it alone writes it, all read "
			"it."},
	{.name = "protocol",
		.type = KEY_COUNT,
		REGION(protocol),
		.def = "0",
		.max = 0xFFFF,
		.help = "What the peers have agreed to do with it, in the device's class code: 0 says "
			"nothing, 1 is Ethernet, 0x4000 to 0x7FFF are free."},
	{0},
};

static const struct key v1_keys[] = {
	REGION_KEYS,
	{.name = "size",
		.type = KEY_SIZE,
		.required = true,
		REGION(size),
		.min = 4 * KIB,
		.multiple = 4 * KIB,
		.max = PLAN_SECTION_MAX,
		.help = "Its size, a power of two."},
	{.name = "readers",
		.type = KEY_LIST,
		REGION(readers),
		.def_doc = "none",
		.max = PLAN_PEERS_MAX,
		.list = &readers_list,
		.fields = peer_keys,
		.shorthand = "partition",
		.help = "Those of the peers that may only read it."},
	{0},
};

/* By enum plan_region_type. */
static const struct key *const region_variants[] = {
	[PLAN_REGION_IVSHMEM_V2] = v2_keys,
	[PLAN_REGION_IVSHMEM_V1] = v1_keys,
};

const struct key_list regions_list = {
	.count = offsetof(struct plan, region_count),
	.element_size = sizeof(struct plan_region),
	.element_loc = offsetof(struct plan_region, loc),
	.element_name = offsetof(struct plan_region, name),
	.what = "regions",
	.example = "NAME: {type: ivshmem-v2, peers: [rt, linux]}",
	.variants = region_variants,
	.element_type = offsetof(struct plan_region, type),
};
