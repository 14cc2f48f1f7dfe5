/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The BSP of the tests: what it does is said by lines of the file `mode` that the plan gives it,
 * "HOOK WHAT [CORE]", such as "init fail 1" or "fatal return"; without a core, on all of them.
 */
#define _GNU_SOURCE /* sched_getcpu */
#include <bsp.h>

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static char modes[1024];
static atomic_int inside;

/* Whether HOOK is to do WHAT on the core of CTX. */
static int wants(const struct bsp_context *ctx, const char *hook, const char *what)
{
	char line[64], with_core[64];
	char copy[sizeof(modes)], *rest = copy, *l;

	snprintf(line, sizeof(line), "%s %s", hook, what);
	snprintf(with_core, sizeof(with_core), "%s %s %u", hook, what, ctx->core);
	memcpy(copy, modes, sizeof(copy));
	while ((l = strsep(&rest, "\n"))) {
		if (!strcmp(l, line) || !strcmp(l, with_core))
			return 1;
	}
	return 0;
}

static void spin_ms(unsigned ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&t, NULL);
}

/* What only a hostile process sends: to whatever of its descriptors is the supervisor's socket. */
static void lie(uint16_t type, uint32_t size, const void *payload)
{
	struct {
		uint16_t version, type;
		uint32_t size;
		uint8_t payload[64];
	} m = {1, type, size, {0}};

	memcpy(m.payload, payload, 64);
	for (int fd = 3; fd < 256; fd++)
		send(fd, &m, 8 + size, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void lie_as_wanted(const struct bsp_context *ctx)
{
	static const struct {
		const char *name;
		uint16_t type;
		uint32_t size;
		uint32_t payload[16];
	} lies[] = {
		{"no-such-type", 99, 0, {0}},
		{"ready-again", 16, 0, {0}},
		{"failed-late", 17, 4, {0}},
		{"done-short", 18, 4, {0}},
		{"done-of-another", 18, 24, {77, 1}},
		{"log-of-another", 19, 8, {77}},
		{"log-short", 19, 0, {0}},
		{"left-of-another", 20, 4, {77}},
		{"left-short", 20, 1, {0}},
		{"crashed-long", 21, 12, {0, 11}},
	};

	for (unsigned i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		if (wants(ctx, "lie", lies[i].name))
			lie(lies[i].type, lies[i].size, lies[i].payload);
	}
}

static int init(const struct bsp_context *ctx)
{
	int fd = ctx->file(ctx, "mode");
	int others = atomic_fetch_add(&inside, 1);

	if (fd >= 0)
		(void)!pread(fd, modes, sizeof(modes) - 1, 0);
	ctx->log(ctx, "init on core %u cpu %d of %s role %u", ctx->core, sched_getcpu(),
		ctx->partition, ctx->role);
	spin_ms(2);
	atomic_fetch_sub(&inside, 1);
	if (others)
		return ctx->fail(ctx, "bsp_init runs on %d other cores", others);
	if (wants(ctx, "init", "fail"))
		return ctx->fail(ctx, "the platform is not ours");
	if (wants(ctx, "init", "errno"))
		return -5;
	if (wants(ctx, "init", "crash"))
		raise(SIGSEGV);
	if (wants(ctx, "init", "hang"))
		spin_ms(60000);
	if (wants(ctx, "init", "halt"))
		ctx->halt(ctx);
	lie_as_wanted(ctx);
	if (wants(ctx, "init", "open"))
		return ctx->fail(ctx, "open: %d", open("/etc/passwd", O_RDONLY));
	if (wants(ctx, "init", "fork"))
		return ctx->fail(ctx, "fork: %d", (int)fork());
	if (wants(ctx, "init", "abort"))
		abort();
	if (wants(ctx, "init", "exit"))
		_exit(7);
	if (ctx->file(ctx, "no such file") != -2)
		return ctx->fail(ctx, "a file that nobody gave");
	return 0;
}

static void fatal_error(const struct bsp_context *ctx)
{
	ctx->log(ctx, "fatal error on core %u cpu %d of %s", ctx->core, sched_getcpu(),
		ctx->partition);
	if (wants(ctx, "fatal", "return"))
		return;
	if (wants(ctx, "fatal", "crash"))
		raise(SIGSEGV);
	if (wants(ctx, "fatal", "hang"))
		spin_ms(60000);
	ctx->halt(ctx);
}

static void partition_state(
	const struct bsp_context *ctx, const char *name, enum bsp_partition_state state)
{
	ctx->log(ctx, "partition %s is in state %d", name, (int)state);
	if (wants(ctx, "state", "crash"))
		raise(SIGSEGV);
}

static void shut_down(const struct bsp_context *ctx)
{
	ctx->log(ctx, "shutdown");
	if (wants(ctx, "shutdown", "hang"))
		spin_ms(60000);
}

const struct bulkhead_bsp bulkhead_bsp = {
	.abi = BULKHEAD_BSP_ABI,
	.size = sizeof(bulkhead_bsp),
	.name = "hooks",
	.init = init,
	.fatal_error = fatal_error,
	.partition_state = partition_state,
	.shutdown = shut_down,
};
