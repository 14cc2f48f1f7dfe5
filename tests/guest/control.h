/* SPDX-License-Identifier: BSD-3-Clause */
/* Between the parts of the test of the control page. */
#ifndef TESTS_GUEST_CONTROL_H
#define TESTS_GUEST_CONTROL_H

#include <stdint.h>

/* Checks the page by READ and WRITE; BY says how that is. */
void check_registers(
	const char *by, uint32_t (*read)(unsigned reg), void (*write)(unsigned reg, uint32_t v));

/* The architecture's: the same by other ways than memory. */
void check_machine_control(void);

#endif
