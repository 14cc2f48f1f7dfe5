/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A BSP that checks on each core of the plan whether the host keeps what an isolated core promises,
 * and lets nothing start where it does not. Files it is given: see README.md. A file that is not
 * given, or a word that `host-check.conf` does not have, is not checked.
 */
#include <bsp.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif

#define ISOLATED    "/sys/devices/system/cpu/isolated"
#define CLOCKSOURCE "/sys/devices/system/clocksource/clocksource0/current_clocksource"
#define SIBLINGS    "/sys/devices/system/cpu/cpu%u/topology/thread_siblings_list"
#define GOVERNOR    "/sys/devices/system/cpu/cpu%u/cpufreq/scaling_governor"
#define CONFIG      "host-check.conf"

/* How long each core is watched for gaps in its time. */
#define WATCH_NS 50000000

/* ---- files ---- */

/* Reads a small file of the plan as a line; false when the plan does not give it. */
static bool read_file(const struct bsp_context *ctx, const char *name, char *buf, size_t size)
{
	int fd = ctx->file(ctx, name);
	ssize_t n = fd < 0 ? -1 : pread(fd, buf, size - 1, 0);

	if (n < 0)
		return false;
	buf[n] = '\0';
	if (n && buf[n - 1] == '\n')
		buf[n - 1] = '\0';
	return true;
}

/* True when LIST ("1-3,7") has CORE. */
static bool list_has(const char *list, unsigned core)
{
	while (*list) {
		char *end;
		unsigned long first = strtoul(list, &end, 10), last = first;

		if (end == list)
			return false;
		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		if (core >= first && core <= last)
			return true;
		list = *end == ',' ? end + 1 : end;
	}
	return false;
}

/* The value of KEY in host-check.conf ("KEY VALUE", a line each), or NULL. */
static const char *config(const struct bsp_context *ctx, const char *key, char *buf, size_t size)
{
	char *rest = buf, *line;
	size_t length = strlen(key);

	if (!read_file(ctx, CONFIG, buf, size))
		return NULL;
	while ((line = strsep(&rest, "\n"))) {
		if (strncmp(line, key, length) == 0 && (!line[length] || line[length] == ' '))
			return line + length + (line[length] == ' ');
	}
	return NULL;
}

/* ---- checks: 0, or what ctx->fail returns ---- */

static int check_isolated(const struct bsp_context *ctx)
{
	char list[4096], conf[1024];

	if (!config(ctx, "isolated", conf, sizeof(conf)) ||
		!read_file(ctx, ISOLATED, list, sizeof(list)) || list_has(list, ctx->core))
		return 0;
	return ctx->fail(ctx,
		"other programs may run on this core: it is not among the isolated ones (%s); boot "
		"with isolcpus=%u",
		*list ? list : "there are none", ctx->core);
}

static int check_siblings(const struct bsp_context *ctx)
{
	char path[128], list[256], own[16], conf[1024];

	snprintf(path, sizeof(path), SIBLINGS, ctx->core);
	snprintf(own, sizeof(own), "%u", ctx->core);
	if (!config(ctx, "no-siblings", conf, sizeof(conf)) ||
		!read_file(ctx, path, list, sizeof(list)) || strcmp(list, own) == 0)
		return 0;
	return ctx->fail(ctx,
		"it shares its processor with another hyper-thread (%s); boot with nosmt", list);
}

static int check_clock(const struct bsp_context *ctx)
{
	char name[64], conf[1024];
	const char *wanted = config(ctx, "clocksource", conf, sizeof(conf));

	if (!wanted || !read_file(ctx, CLOCKSOURCE, name, sizeof(name)) || !strcmp(name, wanted))
		return 0;
	return ctx->fail(
		ctx, "the host's clock is %s, not %s; see the kernel's log for why", name, wanted);
}

static int check_governor(const struct bsp_context *ctx)
{
	char path[128], name[64], conf[1024];
	const char *wanted = config(ctx, "governor", conf, sizeof(conf));

	snprintf(path, sizeof(path), GOVERNOR, ctx->core);
	if (!wanted || !read_file(ctx, path, name, sizeof(name)) || !strcmp(name, wanted))
		return 0;
	return ctx->fail(ctx, "its frequency governor is %s; set %s with cpupower", name, wanted);
}

/* [SDM 3B 18.17.1]: CPUID.80000007H:EDX[8] */
static int check_tsc(const struct bsp_context *ctx)
{
	char conf[1024];

	if (!config(ctx, "invariant-tsc", conf, sizeof(conf)))
		return 0;
#ifdef __x86_64__
	unsigned a, b, c, d = 0;

	if (__get_cpuid(0x80000007, &a, &b, &c, &d) && d & 1u << 8)
		return 0;
#endif
	return ctx->fail(ctx, "its time-stamp counter stops or changes its rate when idle");
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* The longest time that this thread, which does nothing but look, was kept from looking. */
static uint64_t longest_gap(void)
{
	uint64_t start = now_ns(), last = start, longest = 0;

	while (last - start < WATCH_NS) {
		uint64_t now = now_ns();

		if (now - last > longest)
			longest = now - last;
		last = now;
	}
	return longest;
}

static int check_gaps(const struct bsp_context *ctx)
{
	char conf[1024];
	const char *limit = config(ctx, "max-gap-us", conf, sizeof(conf));
	uint64_t us = longest_gap() / 1000;

	ctx->log(ctx, "longest interruption in %d ms: %llu us", WATCH_NS / 1000000,
		(unsigned long long)us);
	if (!limit || us <= strtoull(limit, NULL, 10))
		return 0;
	return ctx->fail(ctx, "it was interrupted for %llu us, more than max-gap-us %s allows",
		(unsigned long long)us, limit);
}

/* ---- hooks ---- */

static int init(const struct bsp_context *ctx)
{
	static int (*const checks[])(const struct bsp_context *) = {
		check_isolated, check_siblings, check_clock, check_governor, check_tsc, check_gaps};
	int ret = 0;

	for (unsigned i = 0; !ret && i < sizeof(checks) / sizeof(checks[0]); i++)
		ret = checks[i](ctx);
	return ret;
}

static void fatal_error(const struct bsp_context *ctx)
{
	ctx->log(ctx, "fatal error of %s", ctx->partition);
	ctx->halt(ctx);
}

const struct bulkhead_bsp bulkhead_bsp = {
	.abi = BULKHEAD_BSP_ABI,
	.size = sizeof(bulkhead_bsp),
	.name = "host-check",
	.init = init,
	.fatal_error = fatal_error,
};
