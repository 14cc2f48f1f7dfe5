/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Notes of an ELF core [gABI 5, Note Section]: one as bytes, and the one that Linux keeps of itself
 * in its memory for those who look at its dumps (VMCOREINFO).
 */
#ifndef VMM_CORE_NOTE_H
#define VMM_CORE_NOTE_H

#include "vmm/vm.h"

#include <stddef.h>
#include <stdio.h>

/* Appends one, padded to 4 bytes as all tools read it. Errors are F's. */
void core_note_write(FILE *f, const char *name, uint32_t type, const void *desc, size_t size);

/* The least that a search goes on by: a page, which the note starts. Start with zeros. */
struct core_search {
	unsigned slot;
	uint64_t at;
};

/*
 * Looks at up to BYTES more of guest memory, all of which is in MEMORY, for the note, and appends a
 * copy to F. True: it was there, or there is no more to look at.
 */
bool core_search_vmcoreinfo(const struct gmem *gmem, const struct vm_memory *memory,
	struct core_search *search, uint64_t bytes, FILE *f);

#endif
