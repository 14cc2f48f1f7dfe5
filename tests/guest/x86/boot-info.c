/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the loader told: command line, loader name, memory map and modules. Also linked with a
 * Multiboot 2 header. The command line says what to expect: protocol=, modules=.
 */
#include "../check.h"
#include "arch.h"

static void check_module(unsigned i, const struct boot_module *m)
{
	const uint8_t *bytes = m->data;
	uint32_t sum = 0;

	for (size_t at = 0; at < m->size; at++)
		sum += bytes[at];
	kprintf("module %u: %zu bytes, sum %u, string \"%s\"\n", i, m->size, sum, m->string);
	check((uintptr_t)m->data % 4096 == 0, "module %u is page-aligned", i);
	for (unsigned other = 0; other < i; other++) {
		struct boot_module o;

		check(boot_module(other, &o) && (bytes >= (const uint8_t *)o.data + o.size ||
							(const uint8_t *)o.data >= bytes + m->size),
			"modules %u and %u do not overlap", i, other);
	}
}

static bool in_ram(uint64_t address, uint64_t size)
{
	struct memory_range r;

	for (unsigned i = 0; memory_map(i, &r); i++)
		if (r.type == MEMORY_RAM && address >= r.base && address + size <= r.base + r.size)
			return true;
	return false;
}

int guest_main(void)
{
	struct boot_module m;
	char protocol[16] = "multiboot";
	unsigned modules = 0;

	kprintf("protocol %s, loader \"%s\"\n", boot.protocol, boot.loader);
	kprintf("command line \"%s\"\n", cmdline());
	cmdline_get("protocol", protocol, sizeof(protocol));
	check(strcmp(boot.protocol, protocol) == 0, "protocol is %s", protocol);
	check(boot.loader[0] != '\0', "the loader has a name");
	check(in_ram(0x100000, 0x100000), "the memory map has RAM where this image is");
	for (; boot_module(modules, &m); modules++) {
		check_module(modules, &m);
		check(in_ram((uintptr_t)m.data, m.size), "module %u is in RAM", modules);
	}
	check(modules == cmdline_number("modules", 0), "%u modules", modules);
	return checks_failed();
}
