/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The device tree of the arm64 machine, emitted from struct machine [Devicetree Specification 0.4].
 */
#ifndef FDT_FDT_H
#define FDT_FDT_H

#include "lib/diag.h"
#include "vmm/machine.h"

#include <stddef.h>

/* The most a tree may take [Linux Documentation/arch/arm64/booting.rst 2]. */
#define FDT_ROOM_MAX (2 * 1024 * 1024)
/* The biggest overlay that is accepted, in bytes. */
#define FDT_OVERLAY_MAX (64 * 1024)

/* A tree overlay of the plan's (.dtbo): hostile input. */
struct fdt_overlay {
	const char *path;    /* for messages; NULL: there is none */
	const uint8_t *data; /* may be NULL when SIZE is 0 */
	size_t size;         /* bytes */
	struct diag_loc loc; /* where the plan names it */
	const char *field;   /* "partitions.linux.arm64.overlay" */
};

struct fdt_request {
	gpa_t base;    /* where it goes; claimed by whoever asks */
	uint64_t room; /* bytes there */
	const char *cmdline;
	gpa_t initrd;
	uint64_t initrd_size; /* 0: there is none */
	uint64_t kaslr_seed;  /* 0: none */
	uint8_t rng_seed[32]; /* all 0: none */
	struct fdt_overlay overlay;
};

/*
 * The room that the tree of M, whose devices and mappings are there, takes at most, with an overlay
 * of OVERLAY_SIZE bytes (0: none). Less than FDT_ROOM_MAX.
 */
uint64_t fdt_room(const struct machine *m, size_t overlay_size);

/*
 * Writes the tree of M, whose devices and choices (arch_machine_choose, machine_assume) are final,
 * into its guest memory. 0, or -EINVAL with at least one error in DIAGS.
 */
int fdt_build(const struct machine *m, const struct fdt_request *req, struct diags *diags);

#endif
