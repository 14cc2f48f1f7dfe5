/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Loaders: image bytes -> guest memory + the state in which the boot vCPU starts. Pure functions of
 * their input: no files, no KVM, no host architecture. Images are hostile input.
 */
#ifndef LOADER_LOADER_H
#define LOADER_LOADER_H

#include "lib/diag.h"
#include "vmm/entry.h"
#include "vmm/machine.h"

#include <stddef.h>

enum image_type {
	IMAGE_AUTO, /* recognise it */
	IMAGE_MULTIBOOT,
	IMAGE_MULTIBOOT2,
	IMAGE_ELF,
	IMAGE_BZIMAGE,
	IMAGE_ARM64, /* an arm64 Linux Image, also packed as an EFI zboot image */
	IMAGE_RAW,
};

/* A file the plan names. Bytes are borrowed; they must stay while loader_load runs. */
struct loader_file {
	const char *path;    /* for messages */
	struct diag_loc loc; /* where the plan names it */
	const char *field;   /* "partitions.linux.initrd" */
	const uint8_t *data;
	size_t size;
	const char *string; /* a module's string ("" if none); unused elsewhere */
};

#define LOADER_MODULES_MAX 64

struct loader_request {
	struct loader_file image;
	enum image_type type;
	const struct loader_file *initrd; /* NULL: none */
	const struct loader_file *modules;
	unsigned module_count;
	struct loader_file cmdline; /* path unused; string is the command line ("" if none) */
	/* Raw images: where the first byte goes and where to start. Ignored for other types. */
	gpa_t load_address;
	gpa_t entry;
	gpa_t acpi_rsdp;   /* x86: where the RSDP is; 0: none */
	uint64_t dtb_room; /* arm64: bytes for the device tree, at most 2 MiB */
};

/*
 * Loads REQ into M (whose RAM is laid out, and whose tables are claimed already) and its gmem.
 * Claims what it uses. 0 and *RET_ENTRY, or -EINVAL with at least one error in DIAGS, in which
 * case guest memory holds garbage and must not be run.
 */
int loader_load(struct machine *m, const struct loader_request *req, struct entry_state *ret_entry,
	struct diags *diags);

/* What the bytes look like: never IMAGE_AUTO; IMAGE_RAW when they look like nothing else. */
enum image_type image_type_detect(const uint8_t *data, size_t size);

/* False when the bytes tell that they are for another architecture than ARCH. */
bool image_may_be_for(enum guest_arch arch, const uint8_t *data, size_t size);

/* "multiboot", "bzimage", ... */
const char *image_type_name(enum image_type type);

#endif
