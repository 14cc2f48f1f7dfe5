/* SPDX-License-Identifier: BSD-3-Clause */
#include "vmm/core_note.h"

#include "lib/util.h"
#include "vmm/peek.h"

#include <elf.h>
#include <string.h>

#define NOTE_ALIGN 4

#define PAGE (4 * KIB)

/* As Linux has it in memory, in front of its text: kernel/crash_core.c. */
#define VMCOREINFO_NAME "VMCOREINFO"
#define VMCOREINFO_TEXT "OSRELEASE="
#define VMCOREINFO_MAX  (64 * KIB)

struct vmcoreinfo_head {
	Elf64_Nhdr note;
	char name[12]; /* 11 bytes, padded */
};

static void write_padded(FILE *f, const void *bytes, size_t size)
{
	static const uint8_t zeros[NOTE_ALIGN];

	fwrite(bytes, 1, size, f);
	fwrite(zeros, 1, align_up(size, NOTE_ALIGN) - size, f);
}

void core_note_write(FILE *f, const char *name, uint32_t type, const void *desc, size_t size)
{
	const Elf64_Nhdr note = {.n_namesz = (Elf64_Word)(strlen(name) + 1),
		.n_descsz = (Elf64_Word)size,
		.n_type = type};

	fwrite(&note, sizeof(note), 1, f);
	write_padded(f, name, note.n_namesz);
	write_padded(f, desc, size);
}

/* The note at HVA, with ROOM bytes of memory from there on. */
static bool take_vmcoreinfo(
	const struct vm_memory *memory, const uint8_t *hva, uint64_t room, FILE *f)
{
	AUTO_FREE char *text = NULL;
	uint8_t bytes[sizeof(struct vmcoreinfo_head)];
	struct vmcoreinfo_head head;
	const void *found;
	size_t size;

	if (room < sizeof(head) + strlen(VMCOREINFO_TEXT))
		return false;
	memcpy(&head, peek(memory, hva, bytes, sizeof(head)), sizeof(head));
	size = head.note.n_descsz;
	if (head.note.n_namesz != sizeof(VMCOREINFO_NAME) || head.note.n_type ||
		memcmp(head.name, VMCOREINFO_NAME, sizeof(VMCOREINFO_NAME)) != 0 ||
		size < strlen(VMCOREINFO_TEXT) || size > VMCOREINFO_MAX ||
		size > room - sizeof(head))
		return false;
	text = malloc(size);
	if (!text)
		return false;
	found = peek(memory, hva + sizeof(head), text, size);
	if (found != text)
		memcpy(text, found, size);
	if (memcmp(text, VMCOREINFO_TEXT, strlen(VMCOREINFO_TEXT)) != 0)
		return false;
	core_note_write(f, VMCOREINFO_NAME, 0, text, size);
	return true;
}

bool core_search_vmcoreinfo(const struct gmem *gmem, const struct vm_memory *memory,
	struct core_search *search, uint64_t bytes, FILE *f)
{
	while (search->slot < gmem->count) {
		const struct gmem_slot *s = &gmem->slots[search->slot];
		uint64_t n = min_u64(s->size - search->at, bytes);

		if (!n && search->at < s->size)
			return false;
		for (uint64_t at = search->at; at < search->at + n; at += PAGE) {
			if (take_vmcoreinfo(memory, s->hva + at, s->size - at, f))
				return true;
		}
		search->at += n;
		bytes -= n;
		if (search->at == s->size)
			*search = (struct core_search){.slot = search->slot + 1};
	}
	return true;
}
