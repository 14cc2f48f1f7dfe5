/* SPDX-License-Identifier: BSD-3-Clause */
/* What a plan's regions take of the host: who may write what, and what is left when a partition
 * ends. */
#include "lib/util.h"
#include "supervisor/shared.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#define PART(name) "  " name ": {cpus: {count: 1}, memory: {size: 64M, lock: false}, image: v}\n"

static const char yaml[] =
	"shared:\n"
	"  two: {type: ivshmem-v2, peers: [b, a], read_write: 8K, output: 4K, vectors: 3}\n"
	"  one: {type: ivshmem-v1, peers: [a, b], size: 4K, readers: [b]}\n"
	"  none: {type: ivshmem-v2, peers: [a, c], output: 4K}\n"
	"partitions:\n" PART("a") PART("b") PART("c");

static struct run run;
static struct child children[3];
static struct plan *plan;

static void setup(void)
{
	struct diags diags;
	char text[512];

	plan = unit_load_plan(yaml, text, sizeof(text));
	ck_assert_ptr_nonnull(plan);
	memset(&run, 0, sizeof(run));
	run.plan = plan;
	run.children = children;
	run.child_count = 3;
	for (unsigned i = 0; i < 3; i++)
		children[i] = (struct child){.run = &run, .plan = &plan->partitions[i]};
	diags_init(&diags);
	ck_assert_int_eq(run_shared_init(&run, &diags), 0);
	diags_fini(&diags);
}

static void teardown(void)
{
	run_shared_fini(&run);
	plan_destroy(plan);
}

/* What the child gets for the region NAME. */
static unsigned fds_of(unsigned child, const char *name, int32_t *ret_fds)
{
	const struct plan_partition *p = children[child].plan;

	for (unsigned i = 0; i < p->device_count; i++) {
		const struct plan_device *d = &p->devices[i];

		if (strcmp(d->ivshmem.region, name) != 0)
			continue;
		child_shared_fds(&children[child], d, ret_fds);
		return plan_region_fds(&d->ivshmem.end);
	}
	ck_abort_msg("partition %u has no part in %s", child, name);
}

static bool writable(int fd)
{
	void *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (map != MAP_FAILED)
		munmap(map, 4096);
	ck_assert_int_eq(map != MAP_FAILED, (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR);
	return map != MAP_FAILED;
}

static void check_sealed(int fd, off_t size)
{
	ck_assert_int_eq(lseek(fd, 0, SEEK_END), size);
	ck_assert_int_eq(fcntl(fd, F_GET_SEALS), F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW);
	ck_assert_int_ne(ftruncate(fd, 0), 0);
}

START_TEST(who_may_write)
{
	int32_t a[32], b[32];

	ck_assert_uint_eq(fds_of(0, "two", a), 1 + 2 * 2 + 2 * 3);
	ck_assert_uint_eq(fds_of(1, "two", b), 1 + 2 * 2 + 2 * 3);
	check_sealed(a[0], 8192);
	check_sealed(a[1], 8192);
	ck_assert(writable(a[0]) && writable(b[0]));
	/* b is peer 0. */
	ck_assert(!writable(a[1]) && writable(b[1]));
	ck_assert(writable(a[2]) && !writable(b[2]));
	/* Notices and vectors are the same for both. */
	ck_assert_mem_eq(a + 3, b + 3, 8 * sizeof(*a));
	ck_assert_uint_eq(fds_of(0, "one", a), 1 + 2 * 2);
	fds_of(1, "one", b);
	ck_assert(writable(a[0]) && !writable(b[0]));
	fds_of(2, "none", a);
	ck_assert_int_eq(a[0], -1); /* no read/write section */
}
END_TEST

static bool signalled(int fd)
{
	uint64_t count;

	return read(fd, &count, sizeof(count)) == sizeof(count);
}

static uint32_t *map(int fd, int protection)
{
	void *at = mmap(NULL, 8192, protection, MAP_SHARED, fd, 0);

	ck_assert_ptr_ne(at, MAP_FAILED);
	return at;
}

/* First the state goes, and the others hear of it; then, with the process, what it has written. */
START_TEST(a_partition_ends)
{
	int32_t a[32], b[32];
	uint32_t *own, *seen, *common;

	fds_of(0, "two", a);
	fds_of(1, "two", b);
	own = map(a[2], PROT_READ | PROT_WRITE);
	seen = map(b[2], PROT_READ);
	common = map(a[0], PROT_READ | PROT_WRITE);
	own[0] = 7;
	own[1024] = own[2047] = 0xDA7A;
	common[5] = 3;
	child_shared_ended(&children[0], false);
	ck_assert_uint_eq(seen[0], 0);
	ck_assert_uint_eq(seen[2047], 0xDA7A);
	ck_assert(signalled(b[3]));  /* b's */
	ck_assert(!signalled(a[4])); /* its own */
	/* It lies once more. */
	own[0] = 8;
	child_shared_ended(&children[0], true);
	ck_assert_uint_eq(seen[0], 0);
	ck_assert_uint_eq(seen[1024], 0);
	ck_assert_uint_eq(seen[2047], 0);
	ck_assert_uint_eq(common[5], 3);
	ck_assert(signalled(b[3]));
	/* One that had no state is nothing to tell of. */
	child_shared_ended(&children[2], true);
	fds_of(0, "none", a);
	ck_assert(!signalled(a[3]) && !signalled(a[4]));
	munmap(own, 8192);
	munmap(seen, 8192);
	munmap(common, 8192);
}
END_TEST

START_TEST(without_regions)
{
	struct plan empty = {0};
	struct run other = {.plan = &empty};
	struct child child = {.run = &other};
	struct diags diags;

	diags_init(&diags);
	ck_assert_int_eq(run_shared_init(&other, &diags), 0);
	child_shared_ended(&child, true);
	run_shared_fini(&other);
	diags_fini(&diags);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("supervisor/shared");
	TCase *t = tcase_create("shared");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, who_may_write);
	tcase_add_test(t, a_partition_ends);
	tcase_add_test(t, without_regions);
	suite_add_tcase(s, t);
	return s;
}
