/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Small things every layer uses: cleanup attributes, checked arithmetic, rounding.
 * Nothing here allocates or fails; any thread may use it.
 */
#ifndef LIB_UTIL_H
#define LIB_UTIL_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define KIB ((uint64_t)1 << 10)
#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)

/* The object of type T whose member M is at P. */
#define container_of(p, t, m) ((t *)(void *)((char *)(p)-offsetof(t, m)))

#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_fclose(FILE **f)
{
	if (*f)
		fclose(*f);
}

static inline void cleanup_closedir(DIR **d)
{
	if (*d)
		closedir(*d);
}

/* Locals that release what they own when they go out of scope. */
#define AUTO_FREE     __attribute__((cleanup(cleanup_free)))
#define AUTO_CLOSE    __attribute__((cleanup(cleanup_close)))
#define AUTO_FCLOSE   __attribute__((cleanup(cleanup_fclose)))
#define AUTO_CLOSEDIR __attribute__((cleanup(cleanup_closedir)))

/* Closes *FD and marks it empty; -1 is legal. */
static inline void fd_close(int *fd)
{
	cleanup_close(fd);
	*fd = -1;
}

/* *FD, which is the caller's from here on: AUTO_CLOSE closes it no more. */
static inline int fd_release(int *fd)
{
	int released = *fd;

	*fd = -1;
	return released;
}

/* True when A + B does not fit 64 bits. */
static inline bool add_overflows(uint64_t a, uint64_t b)
{
	return a + b < a;
}

/* Rounds to ALIGN, a power of two. align_up wraps to 0 past the top: check with add_overflows. */
static inline uint64_t align_up(uint64_t v, uint64_t align)
{
	return (v + align - 1) & ~(align - 1);
}

static inline uint64_t align_down(uint64_t v, uint64_t align)
{
	return v & ~(align - 1);
}

/* True when [a, a + a_size) and [b, b + b_size) share a byte; neither range may wrap. */
static inline bool ranges_overlap(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
	return a_size && b_size && a < b + b_size && b < a + a_size;
}

/* Nanoseconds of the clock that nobody sets. */
static inline uint64_t monotonic_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

#endif
