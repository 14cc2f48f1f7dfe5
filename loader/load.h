/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the loaders share: one load in progress, claiming and filling guest memory, and images as
 * lists of segments. Internal to loader/. Everything returns 0, or -EINVAL with an error in the
 * load's diagnostics; one thread.
 */
#ifndef LOADER_LOAD_H
#define LOADER_LOAD_H

#include "lib/diag.h"
#include "lib/util.h"
#include "loader/loader.h"
#include "vmm/entry.h"
#include "vmm/machine.h"

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct load {
	struct machine *m;
	const struct loader_request *req;
	struct diags *diags;
	/* The image itself: the file's bytes, or what they decompress to. */
	const uint8_t *data;
	size_t size;
	uint8_t *buf;             /* owned: what DATA is in, when it has been decompressed */
	const char *unpacked;     /* in messages after the image's path: " (gzip, decompressed)" */
	struct entry_state entry; /* what loader_load returns in the end */
};

/* A little-endian number anywhere in memory. */
static inline uint16_t get_le16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return le16toh(v);
}

static inline uint32_t get_le32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

static inline uint64_t get_le64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

static inline void put_le16(uint8_t *p, uint16_t v)
{
	v = htole16(v);
	memcpy(p, &v, sizeof(v));
}

static inline void put_le32(uint8_t *p, uint32_t v)
{
	v = htole32(v);
	memcpy(p, &v, sizeof(v));
}

static inline void put_le64(uint8_t *p, uint64_t v)
{
	v = htole64(v);
	memcpy(p, &v, sizeof(v));
}

/* ---- place.c: messages, and guest memory ---- */

/* Adds an error or a warning about FILE, its path in front. load_error returns -EINVAL. */
int load_error(struct load *l, const struct loader_file *file, const char *fmt, ...)
	PRINTF_LIKE(3, 4);
void load_warning(struct load *l, const struct loader_file *file, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

/* The error for -ENOSPC from machine_claim and machine_place. */
int load_too_many(struct load *l, const struct loader_file *file, const char *what);

/* The last component of a file's path: what a guest may see of it. */
const char *load_base_name(const struct loader_file *file);

/* Bytes for the guest: FILE_SIZE of them from DATA, then zeros up to MEM_SIZE. */
struct piece {
	char what[24]; /* in messages: "image segment 1" */
	gpa_t base;
	uint64_t mem_size;
	const uint8_t *data;
	uint64_t file_size;
};

/* Claims the piece's memory and fills it; FILE is what an error is about. */
int piece_load(struct load *l, const struct loader_file *file, const struct piece *p);
/* The two halves of it: memory that is claimed first, filled later or in part. */
int piece_claim(struct load *l, const struct loader_file *file, const struct piece *p);
int piece_fill(struct load *l, const struct loader_file *file, const struct piece *p);

/*
 * The lowest address that anything without an address of its own is given: page 0 has a PC's
 * interrupt vectors and BIOS data, and is where NULL points.
 */
#define LOAD_LOWEST 0x1000

/*
 * machine_place, at PREFERRED or above if there is room, anywhere that SEARCH allows if not. Its
 * errors, and no message.
 */
int load_place(struct load *l, gpa_t preferred, const struct machine_search *search,
	const char *what, gpa_t *ret_base);

/*
 * Takes SIZE bytes of low RAM (below X86_LOW_RAM_END), at PREFERRED or above it if that is free,
 * elsewhere if not (an image may want the usual place for itself).
 */
int load_place_low(struct load *l, const struct loader_file *file, gpa_t preferred, uint64_t size,
	struct piece *ret_piece, const char *what);

/* Puts a flat GDT into low memory and the segment part of the entry state beside it. */
int load_boot_gdt(struct load *l);

/* The same at BASE, which must be free. */
int load_boot_gdt_at(struct load *l, gpa_t base);

/* RAM below 4 GiB that an image may ask for: the last usable byte. */
gpa_t load_ram_last(const struct load *l);

/*
 * Ends the load of an image that knows nothing of its surroundings but how it is started: at PC,
 * on x86 with a GDT, on arm64 with the initrd and the room for the device tree.
 */
int load_finish(struct load *l, gpa_t pc);

/* ---- place.c: images as segments ---- */

#define IMAGE_SEGMENTS_MAX 32

/* An image with physical addresses, as parsed; base <= every segment < end. */
struct image {
	struct piece segments[IMAGE_SEGMENTS_MAX];
	unsigned count;
	gpa_t base;
	gpa_t end;
	gpa_t entry; /* inside a segment */
};

/* Appends a segment; the piece must not wrap. -EINVAL with an error when there are too many. */
int image_add(struct load *l, struct image *image, const struct piece *p);

/* An error unless the image has a segment that holds IMAGE->entry, on x86 below 4 GiB. */
int image_check_entry(struct load *l, const struct image *image);

/* Claims and fills every segment. */
int image_load(struct load *l, const struct image *image);

/* Moves all addresses so that the image starts at BASE. */
void image_move(struct image *image, gpa_t base);

/* ---- one file each ---- */

/* elf.c: parses the program headers of an ELF file for the guest's processor. */
bool elf_detect(const uint8_t *data, size_t size);
bool elf_may_be_for(enum guest_arch arch, const uint8_t *data, size_t size);
int elf_parse(struct load *l, struct image *ret_image);
int elf_load(struct load *l);

/* multiboot.c, multiboot2.c: a header with a valid checksum; *RET_OFFSET is where. */
bool multiboot_find(const uint8_t *data, size_t size, size_t *ret_offset);
int multiboot_load(struct load *l);
bool multiboot2_find(const uint8_t *data, size_t size, size_t *ret_offset);
int multiboot2_load(struct load *l);

/* bzimage.c */
bool bzimage_detect(const uint8_t *data, size_t size);
int bzimage_load(struct load *l);

/* raw.c */
int raw_load(struct load *l);

/* arm64.c: Linux Images, and what every arm64 image gets beside it. */
bool arm64_detect(const uint8_t *data, size_t size);
int arm64_load(struct load *l);
int arm64_finish(struct load *l, gpa_t pc);

/* zboot.c: an EFI zboot image; unpacking replaces the load's image. */
bool zboot_detect(const uint8_t *data, size_t size);
int zboot_unpack(struct load *l);

/* fusa.c: the two images that the fusa contract knows, by the machine's contract */
int fusa_load(struct load *l);

/* gunzip.c */
bool gzip_detect(const uint8_t *data, size_t size);

/*
 * Decompresses all members of a gzip file [RFC 1952], at most MAX bytes; what follows the last
 * member is ignored, as gzip does. 0 and a malloc'd buffer; -EINVAL: corrupt;
 * -ENODATA: the file ends early; -E2BIG: more than MAX; -ENOMEM.
 */
int gunzip(const uint8_t *data, size_t size, size_t max, uint8_t **ret_data, size_t *ret_size);

/*
 * Replaces the load's image by what the gzip file at DATA, a part of it, decompresses to, which is
 * bounded by the guest's RAM. WHAT it is and, for messages from then on, what it was.
 */
int load_gunzip(struct load *l, const char *what, const uint8_t *data, size_t size);

/* Decompresses at most SIZE bytes of the start into BUF; how many there were. */
size_t gunzip_head(const uint8_t *data, size_t size, uint8_t *buf, size_t buf_size);

#endif
