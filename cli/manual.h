/* SPDX-License-Identifier: BSD-3-Clause */
/* The manual page, made from the commands' own tables. */
#ifndef CLI_MANUAL_H
#define CLI_MANUAL_H

#include <stdio.h>

/* Prints bulkhead(1) in man(7) form. */
void manual_print(FILE *f);

#endif
