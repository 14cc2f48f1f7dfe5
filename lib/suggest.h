/* SPDX-License-Identifier: BSD-3-Clause */
/* Names that look alike: what somebody meant who wrote an unknown option, command or key. */
#ifndef LIB_SUGGEST_H
#define LIB_SUGGEST_H

#include <stdbool.h>

/* True when WORD looks like a slip of the keyboard for, or an abbreviation of, NAME. */
bool name_is_close(const char *word, const char *name);

#endif
