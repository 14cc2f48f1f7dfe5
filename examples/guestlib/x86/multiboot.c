/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Multiboot 0.6.96 [section 3.3] and Multiboot 2 [section 3.6] information -> struct boot. Copied
 * at once, so that an image may use low memory as it likes. Left out: drives, configuration table,
 * APM, VBE, ELF sections.
 */
#include "arch.h"
#include "x86.h"

#define MB1_MAGIC   0x2BADB002
#define MB1_CMDLINE 0x004
#define MB1_MODULES 0x008
#define MB1_MAP     0x040
#define MB1_LOADER  0x200

struct mb1_information {
	uint32_t flags, mem_lower, mem_upper, boot_device, cmdline;
	uint32_t mods_count, mods_addr;
	uint32_t syms[4];
	uint32_t mmap_length, mmap_addr;
	uint32_t drives_length, drives_addr, config_table, boot_loader_name;
};

struct mb1_module {
	uint32_t start, end, string, reserved;
};

struct mb1_map_entry {
	uint32_t size; /* of what follows */
	uint64_t base, length;
	uint32_t type;
} __attribute__((packed));

#define MB2_MAGIC       0x36D76289
#define MB2_TAG_END     0
#define MB2_TAG_CMDLINE 1
#define MB2_TAG_LOADER  2
#define MB2_TAG_MODULE  3
#define MB2_TAG_MAP     6

struct mb2_tag {
	uint32_t type, size;
	union {
		char text[1];
		struct {
			uint32_t start, end;
			char string[1];
		} module;
		struct {
			uint32_t entry_size, entry_version;
			uint8_t entries[1];
		} map;
	};
};

static char *pointer(uint32_t address)
{
	return (char *)(uintptr_t)address;
}

static void set_cmdline(const char *text)
{
	size_t n = strlen(text);

	if (n > CMDLINE_MAX - 1)
		n = CMDLINE_MAX - 1;
	memcpy(boot.cmdline, text, n);
	boot.cmdline[n] = '\0';
}

static void add_range(uint64_t base, uint64_t size, uint32_t type)
{
	if (boot.range_count < GUEST_RANGES_MAX)
		boot.ranges[boot.range_count++] = (struct memory_range){base, size, type};
}

static void add_module(uint32_t start, uint32_t end, const char *string)
{
	if (boot.module_count < GUEST_MODULES_MAX)
		boot.modules[boot.module_count++] =
			(struct boot_module){pointer(start), end - start, string};
}

static void parse_mb1(const struct mb1_information *mb)
{
	boot.protocol = "multiboot";
	if (mb->flags & MB1_CMDLINE)
		set_cmdline(pointer(mb->cmdline));
	if (mb->flags & MB1_LOADER)
		boot.loader = pointer(mb->boot_loader_name);
	if (mb->flags & MB1_MODULES) {
		const struct mb1_module *m = (const void *)pointer(mb->mods_addr);

		for (uint32_t i = 0; i < mb->mods_count; i++)
			add_module(m[i].start, m[i].end, m[i].string ? pointer(m[i].string) : "");
	}
	if (mb->flags & MB1_MAP) {
		uint32_t at = mb->mmap_addr, end = mb->mmap_addr + mb->mmap_length;

		while (at < end) {
			const struct mb1_map_entry *e = (const void *)pointer(at);

			add_range(e->base, e->length, e->type);
			at += e->size + 4;
		}
	}
}

static void parse_mb2_map(const struct mb2_tag *tag)
{
	for (uint32_t at = 16; at + 24 <= tag->size && tag->map.entry_size;
		at += tag->map.entry_size) {
		struct {
			uint64_t base, length;
			uint32_t type, zero;
		} e;

		memcpy(&e, (const uint8_t *)tag + at, sizeof(e));
		add_range(e.base, e.length, e.type);
	}
}

static void parse_mb2(uint32_t address)
{
	uint32_t end = address + *(const uint32_t *)(const void *)pointer(address);
	const struct mb2_tag *tag;

	boot.protocol = "multiboot2";
	for (uint32_t at = address + 8; at < end; at += (tag->size + 7) & ~7U) {
		tag = (const void *)pointer(at);
		if (tag->type == MB2_TAG_END || tag->size < 8)
			break;
		if (tag->type == MB2_TAG_CMDLINE)
			set_cmdline(tag->text);
		else if (tag->type == MB2_TAG_LOADER)
			boot.loader = tag->text;
		else if (tag->type == MB2_TAG_MODULE)
			add_module(tag->module.start, tag->module.end, tag->module.string);
		else if (tag->type == MB2_TAG_MAP)
			parse_mb2_map(tag);
	}
}

void multiboot_init(void)
{
	if (boot_magic == MB1_MAGIC)
		parse_mb1((const void *)pointer(boot_information));
	else if (boot_magic == MB2_MAGIC)
		parse_mb2(boot_information);
}
