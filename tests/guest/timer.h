/* SPDX-License-Identifier: BSD-3-Clause */
/* Between the parts of the timer test. */
#ifndef TESTS_GUEST_TIMER_H
#define TESTS_GUEST_TIMER_H

#define TIMER_PERIOD_MS 5

/* Interrupts seen; the handler that counts them. */
extern volatile unsigned ticks;
void tick(void);

/* Checks that ticks come once in TIMER_PERIOD_MS, asleep and awake. */
void check_ticks(const char *what);

/* The architecture's: its other timers. */
void check_machine_timers(void);

#endif
