/* SPDX-License-Identifier: BSD-3-Clause */
#include "loader/load.h"

#include <errno.h>

/* Multiboot 2 headers end before this offset, those of all other types too. */
#define HEAD_SIZE 32768

#define FOR(arch) (1u << (arch))

static const struct {
	const char *name;
	int (*load)(struct load *l);
	unsigned archs;                /* the guests that it is for, FOR each */
	bool cmdline, initrd, modules; /* what it can be given on x86 */
} types[] = {
	[IMAGE_AUTO] = {"auto", NULL, 0, false, false, false},
	[IMAGE_MULTIBOOT] = {"multiboot", multiboot_load, FOR(GUEST_X86_64), true, true, true},
	[IMAGE_MULTIBOOT2] = {"multiboot2", multiboot2_load, FOR(GUEST_X86_64), true, true, true},
	[IMAGE_ELF] = {"elf", elf_load, FOR(GUEST_X86_64) | FOR(GUEST_ARM64), false, false, false},
	[IMAGE_BZIMAGE] = {"bzimage", bzimage_load, FOR(GUEST_X86_64), true, true, false},
	[IMAGE_ARM64] = {"arm64-image", arm64_load, FOR(GUEST_ARM64), true, true, false},
	[IMAGE_RAW] = {"raw", raw_load, FOR(GUEST_X86_64) | FOR(GUEST_ARM64), false, false, false},
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
	if (arm64_detect(data, size) || zboot_detect(data, size))
		return IMAGE_ARM64;
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

bool image_may_be_for(enum guest_arch arch, const uint8_t *data, size_t size)
{
	uint8_t head[HEAD_SIZE];
	enum image_type type;

	if (gzip_detect(data, size)) {
		size = gunzip_head(data, size, head, sizeof(head));
		data = head;
	}
	if (elf_detect(data, size))
		return elf_may_be_for(arch, data, size);
	type = detect(data, size);
	return (types[type].archs & FOR(arch)) != 0;
}

/* The type of what a guest of ARCH is given: its own files first. */
static enum image_type detect_for(enum guest_arch arch, const uint8_t *data, size_t size)
{
	enum image_type type = detect(data, size);

	/* A multiboot header means nothing there, and may be there by accident. */
	if (arch == GUEST_ARM64 && elf_detect(data, size))
		return IMAGE_ELF;
	return type;
}

/* Names what the bytes are, if they are something known that cannot be loaded. */
static int refuse_unknown(struct load *l)
{
	const struct loader_file *file = &l->req->image;
	bool arm64 = l->m->arch == GUEST_ARM64;

	if (l->size >= 64 && !memcmp(l->data, "MZ", 2))
		return load_error(l, file,
			"a UEFI program (PE) without a Linux %s header; there is no UEFI here: use the %s form of it",
			arm64 ? "Image" : "setup",
			arm64 ? "Linux Image, ELF or flat" : "bzImage, multiboot or ELF");
	if (gzip_detect(l->data, l->size))
		return load_error(
			l, file, "compressed twice with gzip; decompress it once or twice before");
	return load_error(l, file,
		"not recognised as %s; state \"type: raw\" if it is a flat binary",
		arm64 ? "arm64 Linux Image, EFI zboot image or ELF"
		      : "bzImage, multiboot, multiboot2 or ELF");
}

/* An image for another processor. */
static int refuse_arch(struct load *l, enum image_type type)
{
	bool arm64 = l->m->arch == GUEST_ARM64;

	return load_error(l, &l->req->image, "%s, but this is an %s partition; %s",
		type == IMAGE_ARM64     ? "an arm64 Linux Image"
		: type == IMAGE_BZIMAGE ? "a bzImage, which is a Linux kernel for x86"
					: "a multiboot image, which is for x86",
		arm64 ? "arm64" : "x86",
		arm64 ? "use an arm64 kernel, or an x86 partition"
		      : "use an x86 kernel, or an arm64 partition");
}

/* Replaces the image by what it decompresses to. */
static int unpack(struct load *l, enum image_type type)
{
	int ret = 0;

	/* A flat binary is what the plan says it is, whatever it begins with. */
	if (type == IMAGE_RAW)
		return 0;
	if (gzip_detect(l->data, l->size)) {
		ret = load_gunzip(l, "the gzip file", l->data, l->size);
		if (!ret)
			l->unpacked = " (gzip, decompressed)";
	}
	if (!ret && l->m->arch == GUEST_ARM64 && (type == IMAGE_AUTO || type == IMAGE_ARM64) &&
		zboot_detect(l->data, l->size))
		ret = zboot_unpack(l);
	return ret;
}

/* What the plan gives that the image's type cannot pass on. All of it is named. */
static int check_extras(struct load *l, enum image_type type)
{
	const struct loader_request *req = l->req;
	const char *name = image_type_name(type);
	/* On arm64 command line and initrd are in the device tree, which every image is given. */
	bool tree = l->m->arch == GUEST_ARM64;
	int ret = 0;

	if (!tree && !types[type].cmdline && *req->cmdline.string)
		ret = load_error(l, &req->cmdline,
			"an image of type %s cannot be given a command line; leave it out, or use a multiboot image",
			name);
	if (!tree && !types[type].initrd && req->initrd)
		ret = load_error(l, req->initrd,
			"an image of type %s takes no initrd; leave it out, or use a bzImage",
			name);
	if (!types[type].modules && req->module_count)
		ret = load_error(l, &req->modules[0],
			"an image of type %s takes no modules; leave them out%s", name,
			tree ? "" : ", or use a multiboot image");
	return ret;
}

/* A multiboot image's initrd is its first module, as QEMU has it. */
static int load_multiboot(struct load *l, enum image_type type)
{
	struct loader_file modules[LOADER_MODULES_MAX + 1];
	struct loader_request req = *l->req;
	int ret;

	if (!req.initrd)
		return types[type].load(l);
	modules[0] = *req.initrd;
	for (unsigned i = 0; i < req.module_count && i < LOADER_MODULES_MAX; i++)
		modules[1 + i] = req.modules[i];
	req.modules = modules;
	req.module_count++;
	l->req = &req;
	ret = types[type].load(l);
	l->req = NULL;
	return ret;
}

static int load(struct load *l, enum image_type type)
{
	int ret = unpack(l, type);

	if (ret)
		return ret;
	if (type == IMAGE_AUTO) {
		type = detect_for(l->m->arch, l->data, l->size);
		if (type == IMAGE_RAW)
			return refuse_unknown(l);
	}
	if (!(types[type].archs & FOR(l->m->arch)))
		return refuse_arch(l, type);
	ret = check_extras(l, type);
	if (ret)
		return ret;
	return types[type].modules ? load_multiboot(l, type) : types[type].load(l);
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
	if (!req->image.size)
		return load_error(&l, &req->image, "the file is empty; give another image");
	ret = machine_is_fusa(m) ? fusa_load(&l) : load(&l, req->type);
	free(l.buf);
	if (!ret)
		*ret_entry = l.entry;
	return ret;
}
