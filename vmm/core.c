/* SPDX-License-Identifier: BSD-3-Clause */
#include "vmm/core.h"

#include "lib/util.h"
#include "vmm/peek.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#define PAGE (4 * KIB)

#define PIECE (64 * KIB) /* of memory, at once */

/* Guest memory that is mapped in one piece. */
struct run {
	uint64_t va;
	gpa_t gpa;
	uint64_t size;
};

struct core {
	const struct gmem *gmem;
	uint8_t *head; /* all that comes before the memory: whole pages */
	uint64_t head_size;
	uint64_t size;
	uint64_t at; /* what is written */
	const struct vm_memory *memory;
	uint8_t buffer[PIECE];
};

/* What head is made of. */
struct plan {
	const struct core_source *source;
	struct run *runs;
	unsigned run_count, run_room;
	uint64_t head_size;
};

/* ---- what the page tables map ---- */

static bool add_run(struct plan *p, uint64_t va, gpa_t gpa, uint64_t size)
{
	struct run *last = p->run_count ? &p->runs[p->run_count - 1] : NULL;

	if (last && va - last->va == last->size && gpa - last->gpa == last->size) {
		last->size += size;
		return true;
	}
	if (p->run_count == p->run_room) {
		unsigned room = p->run_room ? 2 * p->run_room : 64;
		struct run *grown = p->run_count < CORE_RUNS_MAX
					    ? reallocarray(p->runs, room, sizeof(*grown))
					    : NULL;

		if (!grown)
			return false;
		p->runs = grown;
		p->run_room = room;
	}
	p->runs[p->run_count++] = (struct run){va, gpa, size};
	return true;
}

/* Those parts of a page or block that are memory. */
static bool add_mapped(void *ctx, uint64_t va, gpa_t gpa, uint64_t size)
{
	struct plan *p = ctx;
	const struct gmem *g = p->source->gmem;
	bool go_on = true;

	for (unsigned i = 0; go_on && i < g->count; i++) {
		const struct gmem_slot *s = &g->slots[i];
		gpa_t start = max_u64(gpa, s->base);
		gpa_t end = min_u64(gpa + size, s->base + s->size);

		if (start < end)
			go_on = add_run(p, va + (start - gpa), start, end - start);
	}
	return go_on;
}

/* ---- the head ---- */

/* Where the byte at GPA, which is in memory, is in the file. */
static uint64_t offset_of(const struct plan *p, gpa_t gpa)
{
	const struct gmem *g = p->source->gmem;
	uint64_t offset = p->head_size;

	for (unsigned i = 0; i < g->count; i++) {
		const struct gmem_slot *s = &g->slots[i];

		if (gpa >= s->base && gpa - s->base < s->size)
			return offset + (gpa - s->base);
		offset += s->size;
	}
	return offset;
}

static Elf64_Phdr load_of(const struct plan *p, const struct run *run)
{
	return (Elf64_Phdr){.p_type = PT_LOAD,
		.p_flags = PF_R | PF_W | PF_X,
		.p_offset = offset_of(p, run->gpa),
		.p_vaddr = run->va,
		.p_paddr = run->gpa,
		.p_filesz = run->size,
		.p_memsz = run->size};
}

static void write_head(const struct plan *p, uint8_t *head)
{
	const struct core_source *s = p->source;
	unsigned count = 1 + p->run_count + s->gmem->count;
	Elf64_Phdr *h = (Elf64_Phdr *)(void *)(head + sizeof(Elf64_Ehdr));
	const Elf64_Ehdr elf = {
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			EV_CURRENT},
		.e_type = ET_CORE,
		.e_machine = s->arch == GUEST_ARM64 ? EM_AARCH64 : EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(elf),
		.e_ehsize = sizeof(elf),
		.e_phentsize = sizeof(*h),
		.e_phnum = (Elf64_Half)count,
	};

	memcpy(head, &elf, sizeof(elf));
	*h = (Elf64_Phdr){.p_type = PT_NOTE,
		.p_offset = sizeof(elf) + count * sizeof(*h),
		.p_filesz = s->notes_size};
	memcpy(head + h->p_offset, s->notes, s->notes_size);
	h++;
	for (unsigned i = 0; i < p->run_count; i++)
		*h++ = load_of(p, &p->runs[i]);
	for (unsigned i = 0; i < s->gmem->count; i++) {
		const struct gmem_slot *slot = &s->gmem->slots[i];

		*h++ = load_of(p, &(struct run){slot->base, slot->base, slot->size});
	}
}

int core_create(const struct core_source *source, struct core **ret_core)
{
	struct plan p = {.source = source};
	AUTO_FREE struct core *core = calloc(1, sizeof(*core));
	unsigned count;

	if (!core)
		return -ENOMEM;
	if (source->space)
		space_walk(source->gmem, source->space, add_mapped, &p);
	count = 1 + p.run_count + source->gmem->count;
	p.head_size = align_up(
		sizeof(Elf64_Ehdr) + count * sizeof(Elf64_Phdr) + source->notes_size, PAGE);
	core->gmem = source->gmem;
	core->memory = source->memory;
	core->head_size = core->size = p.head_size;
	for (unsigned i = 0; i < source->gmem->count; i++)
		core->size += source->gmem->slots[i].size;
	core->head = calloc(1, p.head_size);
	if (core->head)
		write_head(&p, core->head);
	free(p.runs);
	if (!core->head)
		return -ENOMEM;
	*ret_core = core;
	core = NULL;
	return 0;
}

void core_destroy(struct core *core)
{
	if (!core)
		return;
	free(core->head);
	free(core);
}

/* ---- the bytes ---- */

uint64_t core_size(const struct core *core)
{
	return core->size;
}

size_t core_peek(struct core *core, const void **ret_bytes)
{
	uint64_t at = core->at;

	if (at < core->head_size) {
		*ret_bytes = core->head + at;
		return core->head_size - at;
	}
	at -= core->head_size;
	for (unsigned i = 0; i < core->gmem->count; i++) {
		const struct gmem_slot *s = &core->gmem->slots[i];
		uint64_t n;

		if (at >= s->size) {
			at -= s->size;
			continue;
		}
		n = min_u64(s->size - at, sizeof(core->buffer));
		*ret_bytes = peek(core->memory, s->hva + at, core->buffer, n);
		return n;
	}
	return 0;
}

void core_advance(struct core *core, size_t n)
{
	core->at += n;
}
