/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * EFI zboot images [Linux drivers/firmware/efi/libstub/zboot-header.S]: UEFI programs with a
 * compressed kernel inside, which arm64 distributions ship as vmlinuz. There is no UEFI here, but
 * the kernel can be taken out. Left out: payloads that are not gzip files.
 */
#include "loader/load.h"

#include <ctype.h>

#define ZBOOT_OFFSET 8  /* where the payload is in the file */
#define ZBOOT_SIZE   12 /* bytes of it */
#define ZBOOT_TYPE   24 /* how it is compressed, a string */
#define ZBOOT_END    56

bool zboot_detect(const uint8_t *data, size_t size)
{
	return size >= ZBOOT_END && !memcmp(data, "MZ", 2) && !memcmp(data + 4, "zimg", 4);
}

/* The compression's name, without what a terminal should not see. */
static void read_type(const uint8_t *data, char buf[ZBOOT_END - ZBOOT_TYPE])
{
	size_t n = 0;

	while (n < ZBOOT_END - ZBOOT_TYPE - 1 && isalnum(data[ZBOOT_TYPE + n])) {
		buf[n] = (char)data[ZBOOT_TYPE + n];
		n++;
	}
	buf[n] = '\0';
}

/* What unpacks it. */
static const char *tool_for(const char *type)
{
	static const struct {
		const char *type, *tool;
	} tools[] = {
		{"zstd", "zstd -d"},
		{"xz", "xz -d"},
		{"lzma", "xz -d --format=lzma"},
		{"lz4", "lz4 -d"},
		{"lzo", "lzop -d"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(tools); i++) {
		if (!strncmp(type, tools[i].type, strlen(tools[i].type)))
			return tools[i].tool;
	}
	return "what made it";
}

int zboot_unpack(struct load *l)
{
	const struct loader_file *file = &l->req->image;
	uint32_t offset = get_le32(l->data + ZBOOT_OFFSET), size = get_le32(l->data + ZBOOT_SIZE);
	char type[ZBOOT_END - ZBOOT_TYPE];
	int ret;

	read_type(l->data, type);
	if (offset > l->size || size > l->size - offset)
		return load_error(l, file,
			"an EFI zboot image whose payload is %u bytes from %#x on, of a file of %zu bytes; the file is truncated",
			size, offset, l->size);
	if (strcmp(type, "gzip") != 0)
		return load_error(l, file,
			"an EFI zboot image whose payload (%u bytes at %#x) is compressed with \"%s\", of which only gzip is unpacked here; unpack it: tail -c +%u FILE | head -c %u | %s >Image",
			size, offset, type, offset + 1, size, tool_for(type));
	ret = load_gunzip(l, "the EFI zboot image's payload", l->data + offset, size);
	if (!ret)
		l->unpacked = " (EFI zboot, unpacked)";
	return ret;
}
