/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * For board support packages written for ACRN: a shared object that exports `bsp_init` and
 * `bsp_fatal_error`, and no `bulkhead_bsp`, is rehearsed as it is. What it takes from the
 * hypervisor it finds here, under the same names; bulkhead-bsp exports these functions and nothing
 * else. Compiled with ACRN's own headers, messages arrive through do_logmsg.
 *
 * How the two functions are called is what include/bsp.h says of `init` and `fatal_error`, with
 * these differences: bsp_init has no result, so that it fails by calling panic() or
 * bsp_fatal_error(), or by halting the core; bsp_fatal_error ends by cpu_dead(), panic() or HLT.
 *
 * Privileged instructions cannot run in a process: HLT ends the core's thread, as ctx->halt does,
 * CLI and STI are skipped, and any other (RDMSR, IN, MOV to CR0) kills the process, which is
 * reported with the instruction's bytes and place.
 */
#ifndef BULKHEAD_BSP_ACRN_H
#define BULKHEAD_BSP_ACRN_H

#include <stdint.h>

/* The BSP's own. */
void bsp_init(void);
void bsp_fatal_error(void);

/* Severities of do_logmsg, by ACRN's names and numbers. */
#define LOG_FATAL   1U
#define LOG_ACRN    2U
#define LOG_ERROR   3U
#define LOG_WARNING 4U
#define LOG_INFO    5U
#define LOG_DEBUG   6U

/* A line among the messages of the run; LOG_DEBUG is dropped. Any thread; does not block. */
void do_logmsg(uint32_t severity, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void pr_fatal(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void pr_acrnlog(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void pr_err(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void pr_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void pr_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void pr_dbg(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The host core whose hook this is, as Linux numbers it. */
uint16_t get_pcpu_id(void);

/* Logs, then halts the core. In bsp_init: it has failed, for this reason. */
void panic(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Halts the core. */
void cpu_dead(void) __attribute__((noreturn));

/* Waits, busily, as on bare metal. */
void udelay(uint32_t us);

#endif
