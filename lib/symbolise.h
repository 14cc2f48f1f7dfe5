/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Puts names to the addresses of backtraces in a report:
 *
 *     "  backtrace, LSTAR at ffffffff9ce00080:\n"     perhaps with other registers, or none
 *     "    ffffffff9c001234\n"                        the PC, then return addresses
 *     "    ffffffff9c005678 ?\n"                      one that is guessed
 *
 * A kernel that was moved from where its symbols have it (KASLR) is found by those registers: of
 * Linux it is known what they point to.
 */
#ifndef LIB_SYMBOLISE_H
#define LIB_SYMBOLISE_H

#include "lib/symbols.h"

/* Whether TEXT has a backtrace. */
bool symbolise_wanted(const char *text);

/* TEXT with the names, the caller's; NULL without memory. */
char *symbolise(const char *text, const struct symbols *symbols);

/*
 * The same with the symbols of the file PATH. 0; -ENOMEM; what opening said; or what symbols_load
 * said.
 */
int symbolise_by(const char *path, const char *text, char **ret_named);

#endif
