/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The names of a program's code, from an ELF file (its symbol table, or else its dynamic one) or
 * from a list as a kernel's System.map is. Only what is in memory for it is read of a file; a file
 * may be anything. One thread.
 */
#ifndef LIB_SYMBOLS_H
#define LIB_SYMBOLS_H

#include <stdbool.h>
#include <stdint.h>

/* More of them in a file are left out. */
#define SYMBOLS_MAX (4 * 1024 * 1024)

struct symbols;

/*
 * Reads FD, which stays the caller's. 0; -ENOENT when there are none in it, as in a stripped
 * program; -EINVAL when it is neither, or damaged; -ENOMEM; else what reading said.
 */
int symbols_load(int fd, struct symbols **ret_symbols);
void symbols_free(struct symbols *symbols);

/* The function that has ADDRESS, which is *RET_OFFSET bytes behind its start; NULL: none has. */
const char *symbols_find(const struct symbols *symbols, uint64_t address, uint64_t *ret_offset);

/* Where NAME is. */
bool symbols_get(const struct symbols *symbols, const char *name, uint64_t *ret_address);

#endif
