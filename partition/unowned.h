/* SPDX-License-Identifier: BSD-3-Clause */
/* The addresses that a guest has used and nobody owns, with what other machines have there. */
#ifndef PARTITION_UNOWNED_H
#define PARTITION_UNOWNED_H

#include "partition/protocol.h"
#include "vmm/vm.h"

/* SPACE as messages have it: an enum partition_space. */
uint8_t space_told(enum window_space space);

/* Those of all vCPUs together, by falling count; the rest of RET_LIST is zeroed. Any thread. */
void unowned_list(const struct vm *vm, struct message_unowned ret_list[UNOWNED_MAX]);

/*
 * What machines that guests are written for have at ADDRESS of SPACE, or NULL. *RET_CONSOLE: what
 * is written there is meant for a reader.
 */
const char *unowned_name(
	enum guest_arch arch, enum window_space space, uint64_t address, bool *ret_console);

#endif
