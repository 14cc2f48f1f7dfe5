/* SPDX-License-Identifier: BSD-3-Clause */
/* Between the parts of the SMP test; these are the architecture's. */
#ifndef TESTS_GUEST_SMP_H
#define TESTS_GUEST_SMP_H

#include <stdbool.h>

/* On CPU: notes what it knows of itself. */
void cpu_look(unsigned cpu);

/* Afterwards: whether that agrees with the firmware's tables; prints it if not. */
bool cpu_agrees(unsigned cpu);

/* What else is to hold, with as many CPUs, all of which have ended but CPU 0. */
void check_cpus(unsigned cpus);

#endif
