/* SPDX-License-Identifier: BSD-3-Clause */
#include "loader/load.h"

#include <errno.h>

/* Compressed images may become at most this big, however much RAM there is. */
#define DECOMPRESSED_MAX GIB

/* Multiboot 2 headers end before this offset, those of all other types too. */
#define HEAD_SIZE 32768

static const struct {
	const char *name;
	int (*load)(struct load *l);
	bool cmdline, initrd, modules; /* what it can be given */
} types[] = {
	[IMAGE_AUTO] = {"auto", NULL, false, false, false},
	[IMAGE_MULTIBOOT] = {"multiboot", multiboot_load, true, false, true},
	[IMAGE_MULTIBOOT2] = {"multiboot2", multiboot2_load, true, false, true},
	[IMAGE_ELF] = {"elf", elf_load, false, false, false},
	[IMAGE_BZIMAGE] = {"bzimage", bzimage_load, true, true, false},
	[IMAGE_RAW] = {"raw", raw_load, false, false, false},
};

const char *image_type_name(enum image_type type)
{
	return (unsigned)type < ARRAY_SIZE(types) ? types[type].name : "unknown";
}

static enum image_type detect(const uint8_t *data, size_t size)
{
	size_t at;

	if (bzimage_detect(data, size))
		return IMAGE_BZIMAGE;
	if (multiboot2_find(data, size, &at))
		return IMAGE_MULTIBOOT2;
	if (multiboot_find(data, size, &at))
		return IMAGE_MULTIBOOT;
	if (elf_detect(data, size))
		return IMAGE_ELF;
	return IMAGE_RAW;
}

enum image_type image_type_detect(const uint8_t *data, size_t size)
{
	uint8_t head[HEAD_SIZE];

	if (!gzip_detect(data, size))
		return detect(data, size);
	return detect(head, gunzip_head(data, size, head, sizeof(head)));
}

/* Names what the bytes are, if they are something known that cannot be loaded. */
static int refuse_unknown(struct load *l)
{
	const struct loader_file *file = &l->req->image;

	if (l->size >= 64 && !memcmp(l->data + 56, "ARM\x64", 4))
		return load_error(l, file,
			"an arm64 Linux Image, but this is an x86 partition; use an x86 kernel");
	if (l->size >= 64 && !memcmp(l->data, "MZ", 2))
		return load_error(l, file,
			"a UEFI program (PE) without a Linux setup header; there is no UEFI here: use the bzImage, multiboot or ELF form of it");
	if (gzip_detect(l->data, l->size))
		return load_error(
			l, file, "compressed twice with gzip; decompress it once or twice before");
	return load_error(l, file,
		"not recognised as bzImage, multiboot, multiboot2 or ELF; state \"type: raw\" if it is a flat binary");
}

/* Replaces the image by what it decompresses to; *RET_BUF is what to free later. */
static int decompress(struct load *l, uint8_t **ret_buf)
{
	const struct loader_file *file = &l->req->image;
	uint64_t max = 0;
	size_t size;
	int ret;

	for (unsigned i = 0; i < l->m->range_count; i++)
		max += l->m->ranges[i].type == RANGE_RAM ? l->m->ranges[i].size : 0;
	max = min_u64(max, DECOMPRESSED_MAX);
	ret = gunzip(l->data, l->size, max, ret_buf, &size);
	switch (ret) {
	case 0:
		l->data = *ret_buf;
		l->size = size;
		l->decompressed = true;
		return 0;
	case -ENODATA:
		return load_error(l, file,
			"the gzip file ends early, after %zu bytes; the file is truncated",
			l->size);
	case -E2BIG:
		return load_error(l, file,
			"the gzip file decompresses to more than %ju bytes, which is guest RAM or 1 GiB, whichever is less; give the partition more memory, or another image",
			(uintmax_t)max);
	case -ENOMEM:
		return load_error(
			l, file, "out of memory while decompressing; free some on the host");
	default:
		return load_error(l, file,
			"the gzip data is corrupt; copy the file again, or decompress it with gunzip to see where");
	}
}

/* What the plan gives that the image's type cannot pass on. All of it is named. */
static int check_extras(struct load *l, enum image_type type)
{
	const struct loader_request *req = l->req;
	const char *name = image_type_name(type);
	int ret = 0;

	if (!types[type].cmdline && *req->cmdline.string)
		ret = load_error(l, &req->cmdline,
			"an image of type %s cannot be given a command line; leave it out, or use a multiboot image",
			name);
	if (!types[type].initrd && req->initrd)
		ret = load_error(l, req->initrd, "an image of type %s takes no initrd; %s", name,
			types[type].modules ? "give the file as a module instead"
					    : "leave it out, or use a bzImage");
	if (!types[type].modules && req->module_count)
		ret = load_error(l, &req->modules[0],
			"an image of type %s takes no modules; leave them out, or use a multiboot image",
			name);
	return ret;
}

static int load(struct load *l, enum image_type type)
{
	AUTO_FREE uint8_t *buf = NULL;
	int ret = 0;

	/* A flat binary is what the plan says it is, whatever it begins with. */
	if (type != IMAGE_RAW && gzip_detect(l->data, l->size))
		ret = decompress(l, &buf);
	if (ret)
		return ret;
	if (type == IMAGE_AUTO) {
		type = detect(l->data, l->size);
		if (type == IMAGE_RAW)
			return refuse_unknown(l);
	}
	ret = check_extras(l, type);
	return ret ? ret : types[type].load(l);
}

int loader_load(struct machine *m, const struct loader_request *req, struct entry_state *ret_entry,
	struct diags *diags)
{
	struct load l = {.m = m,
		.req = req,
		.diags = diags,
		.data = req->image.data,
		.size = req->image.size};
	int ret;

	if ((unsigned)req->type >= ARRAY_SIZE(types))
		return load_error(&l, &req->image, "image type %d is not known; use type auto",
			(int)req->type);
	if (m->arch != GUEST_X86_64)
		return load_error(&l, &req->image,
			"only images for x86 guests can be loaded, but the partition is arm64; use an x86 partition");
	if (!req->image.size)
		return load_error(&l, &req->image, "the file is empty; give another image");
	ret = machine_is_fusa(m) ? fusa_load(&l) : load(&l, req->type);
	if (!ret)
		*ret_entry = l.entry;
	return ret;
}
