/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ELF executables [System V gABI 4.1 ch. 5] of either class for x86 and for AArch64, by their
 * program headers and physical addresses, read through libelf. An ELF file without a multiboot
 * header starts at its entry point: on x86 in protected mode with all general registers 0, on arm64
 * as a Linux Image does. Left out: sections, relocation, notes (Xen's PVH entry among them),
 * starting a 64-bit x86 image in long mode.
 */
#include "loader/load.h"

#include <gelf.h>

/* No physical address has as many bits [Arm ARM DDI 0487 D8.1.6, 52 at most]. */
#define ARM64_VIRTUAL ((gpa_t)1 << 52)

bool elf_detect(const uint8_t *data, size_t size)
{
	return size >= SELFMAG && !memcmp(data, ELFMAG, SELFMAG);
}

/* e_machine is in the same place in both classes; what is big-endian is for neither. */
bool elf_may_be_for(enum guest_arch arch, const uint8_t *data, size_t size)
{
	const size_t at = offsetof(Elf64_Ehdr, e_machine);
	unsigned machine;

	if (size < at + 2)
		return true;
	machine = (unsigned)(data[at] | data[at + 1] << 8);
	return arch == GUEST_ARM64 ? machine != EM_386 && machine != EM_X86_64
				   : machine != EM_AARCH64;
}

/* Whether the guest's processor is the one that the file is for. */
static bool is_for(const struct load *l, const GElf_Ehdr *ehdr)
{
	if (ehdr->e_ident[EI_DATA] != ELFDATA2LSB)
		return false;
	if (l->m->arch == GUEST_ARM64)
		return ehdr->e_machine == EM_AARCH64 && ehdr->e_ident[EI_CLASS] == ELFCLASS64;
	return ehdr->e_machine == EM_386 || ehdr->e_machine == EM_X86_64;
}

/* The architecture that somebody may have taken for the partition's. */
static const char *machine_note(unsigned machine)
{
	switch (machine) {
	case EM_386:
	case EM_X86_64:
		return ": x86";
	case EM_AARCH64:
		return ": arm64";
	case EM_ARM:
		return ": 32-bit Arm";
	default:
		return "";
	}
}

static int check_header(struct load *l, Elf *elf, GElf_Ehdr *ret_ehdr)
{
	const struct loader_file *file = &l->req->image;

	if (elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, ret_ehdr))
		return load_error(l, file,
			"the ELF header is not valid (%s); use an ELF32 or ELF64 executable",
			elf_errmsg(-1));
	if (!is_for(l, ret_ehdr))
		return load_error(l, file,
			"the ELF file is for machine %u (e_machine%s), %u-bit, %s-endian; wanted %s, little-endian: give an image for %s, or change the plan's arch",
			ret_ehdr->e_machine, machine_note(ret_ehdr->e_machine),
			ret_ehdr->e_ident[EI_CLASS] == ELFCLASS64 ? 64 : 32,
			ret_ehdr->e_ident[EI_DATA] == ELFDATA2LSB ? "little" : "big",
			l->m->arch == GUEST_ARM64 ? "183 (AArch64), 64-bit"
						  : "3 (i386) or 62 (x86-64)",
			l->m->arch == GUEST_ARM64 ? "arm64" : "x86");
	if (ret_ehdr->e_type != ET_EXEC && ret_ehdr->e_type != ET_DYN)
		return load_error(l, file,
			"the ELF file's type (e_type) is %u; wanted an executable, %d or %d: link it",
			ret_ehdr->e_type, ET_EXEC, ET_DYN);
	return 0;
}

static int add_segment(struct load *l, struct image *image, size_t index, const GElf_Phdr *ph)
{
	const struct loader_file *file = &l->req->image;
	struct piece p = {.base = ph->p_paddr, .mem_size = ph->p_memsz, .file_size = ph->p_filesz};

	if (ph->p_filesz > ph->p_memsz)
		return load_error(l, file,
			"program header %zu: p_filesz %#jx is more than p_memsz %#jx; the file is damaged",
			index, (uintmax_t)ph->p_filesz, (uintmax_t)ph->p_memsz);
	if (ph->p_offset > l->size || ph->p_filesz > l->size - ph->p_offset)
		return load_error(l, file,
			"program header %zu: bytes %#jx to %#jx of a file of %#zx bytes; the file is truncated",
			index, (uintmax_t)ph->p_offset, (uintmax_t)(ph->p_offset + ph->p_filesz),
			l->size);
	if (add_overflows(ph->p_paddr, ph->p_memsz))
		return load_error(l, file,
			"program header %zu: p_paddr %#jx plus p_memsz %#jx passes the end of the address space; the file is damaged",
			index, (uintmax_t)ph->p_paddr, (uintmax_t)ph->p_memsz);
	p.data = l->data + ph->p_offset;
	snprintf(p.what, sizeof(p.what), "image segment %zu", index);
	return image_add(l, image, &p);
}

/* Whether ENTRY is in the segment, by its physical or its virtual addresses. */
static bool holds(const GElf_Phdr *ph, uint64_t base, uint64_t entry)
{
	return entry >= base && entry - base < ph->p_memsz;
}

/*
 * e_entry should be physical [Multiboot 0.6.96 3.2], but kernels that run in high virtual memory
 * tend to leave it virtual, and GRUB translates it by the segment that holds it. Here it is
 * translated only if it is not a physical address of the image.
 */
static int parse_segments(
	struct load *l, Elf *elf, size_t count, uint64_t e_entry, struct image *image)
{
	bool physical = false, virtual = false;
	uint64_t translated = 0;
	GElf_Phdr ph;

	for (size_t i = 0; i < count; i++) {
		int ret;

		if (!gelf_getphdr(elf, (int)i, &ph))
			return load_error(l, &l->req->image,
				"program header %zu cannot be read (%s); the file is damaged", i,
				elf_errmsg(-1));
		if (ph.p_type != PT_LOAD || !ph.p_memsz)
			continue;
		ret = add_segment(l, image, i, &ph);
		if (ret)
			return ret;
		physical = physical || holds(&ph, ph.p_paddr, e_entry);
		if (!virtual && holds(&ph, ph.p_vaddr, e_entry)) {
			virtual = true;
			translated = e_entry - ph.p_vaddr + ph.p_paddr;
		}
	}
	if (!image->count)
		return load_error(l, &l->req->image,
			"the ELF file has no loadable segment (PT_LOAD); link it as an executable");
	image->entry = virtual && !physical ? translated : e_entry;
	return 0;
}

/* More than any kernel has, and a bound on the loop. */
#define PROGRAM_HEADERS_MAX 256

static int parse(struct load *l, Elf *elf, struct image *image)
{
	size_t count = 0;
	GElf_Ehdr ehdr;
	int ret;

	ret = check_header(l, elf, &ehdr);
	if (ret)
		return ret;
	if (elf_getphdrnum(elf, &count))
		return load_error(l, &l->req->image,
			"the program header table cannot be read (%s); the file is damaged",
			elf_errmsg(-1));
	if (count > PROGRAM_HEADERS_MAX)
		return load_error(l, &l->req->image,
			"%zu program headers, at most %d are accepted; link it with fewer", count,
			PROGRAM_HEADERS_MAX);
	return parse_segments(l, elf, count, ehdr.e_entry, image);
}

int elf_parse(struct load *l, struct image *ret_image)
{
	struct image image = {.count = 0};
	Elf *elf;
	int ret;

	elf_version(EV_CURRENT);
	/* libelf takes a char * but writes only to what elf_update is called for. */
	elf = elf_memory((char *)l->data, l->size);
	if (!elf)
		return load_error(l, &l->req->image,
			"not readable as ELF (%s); use an ELF32 or ELF64 executable",
			elf_errmsg(-1));
	ret = parse(l, elf, &image);
	elf_end(elf);
	if (!ret)
		*ret_image = image;
	return ret;
}

int elf_load(struct load *l)
{
	struct image image;
	int ret;

	ret = elf_parse(l, &image);
	if (!ret && l->m->arch == GUEST_ARM64 && image.base >= ARM64_VIRTUAL)
		return load_error(l, &l->req->image,
			"linked to be loaded at %#jx, a virtual address, as Linux' vmlinux is; give the kernel's Image (arch/arm64/boot/Image), or link it with physical load addresses",
			(uintmax_t)image.base);
	if (!ret)
		ret = image_check_entry(l, &image);
	if (!ret)
		ret = image_load(l, &image);
	if (!ret)
		ret = load_finish(l, image.entry);
	if (ret)
		return ret;
	if (l->m->arch == GUEST_X86_64 && l->data[EI_CLASS] == ELFCLASS64)
		load_warning(l, &l->req->image,
			"a 64-bit ELF file without multiboot header starts in 32-bit protected mode at %#jx; if its entry is 64-bit code, give it a multiboot header and a 32-bit start",
			(uintmax_t)image.entry);
	return 0;
}
