/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory that partitions share: what a plan's `shared` takes of the host, made before anything
 * starts and kept for the life of the run, over restarts of partitions. All of it is sealed against
 * being made smaller or larger. A partition that may only read gets a descriptor that was opened
 * for reading: its process cannot write through it, whoever has taken it over.
 *
 * The supervisor takes no part while partitions talk. It acts when one ends (docs/devices.md, "When
 * a partition fails").
 */
#include "supervisor/shared.h"

#include "lib/util.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* Descriptors that a run has beside those of its regions. */
#define OTHER_DESCRIPTORS 512

/* A file in memory, all of it mapped here, and a second descriptor that cannot write it. */
struct shared_file {
	int fd, read_fd; /* -1 */
	uint8_t *map;    /* NULL */
	size_t size;
};

struct shared_peer {
	const struct child *child;
	struct shared_file file; /* version 2: struct peer_page, output section */
	int notice_fd;
	int vectors[PLAN_VECTORS_MAX];
};

struct shared_region {
	const struct plan_region *plan;
	struct shared_file memory; /* or read/write section */
	struct shared_peer peers[PLAN_PEERS_MAX];
};

struct shared_regions {
	unsigned count;
	struct shared_region list[];
};

static bool is_v2(const struct shared_region *r)
{
	return r->plan->type == PLAN_REGION_IVSHMEM_V2;
}

/* ---- making them ---- */

static int make_file(const char *name, uint64_t size, struct shared_file *file)
{
	char path[32];
	void *map;

	file->fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (file->fd < 0)
		return -errno;
	/*
	 * Allocated now: a host that has no more must not show when a guest writes. And nobody
	 * opens it for writing again, through a descriptor that only reads.
	 */
	if (fallocate(file->fd, 0, 0, (off_t)size) || fchmod(file->fd, S_IRUSR) ||
		fcntl(file->fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW))
		return -errno;
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file->fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	file->map = map;
	file->size = size;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file->fd);
	file->read_fd = open(path, O_RDONLY | O_CLOEXEC);
	return file->read_fd < 0 ? -errno : 0;
}

static int make_event(int *ret_fd)
{
	*ret_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return *ret_fd < 0 ? -errno : 0;
}

static int make_peer(const struct shared_region *r, struct shared_peer *peer)
{
	int ret = 0;

	for (unsigned i = 0; !ret && i < r->plan->vectors; i++)
		ret = make_event(&peer->vectors[i]);
	if (ret || !is_v2(r))
		return ret;
	ret = make_event(&peer->notice_fd);
	return ret ?: make_file("bulkhead-output", PEER_PAGE_SIZE + r->plan->output, &peer->file);
}

/* One's own mapping keeps it in RAM for all: partitions may not lock memory any more. */
static int lock_file(const struct shared_file *file)
{
	return file->map && mlock(file->map, file->size) ? -errno : 0;
}

/* Like the memory of its peers. */
static int lock_region(const struct shared_region *r)
{
	bool lock = false;
	int ret;

	for (unsigned i = 0; i < r->plan->peer_count; i++)
		lock = lock || r->peers[i].child->plan->lock;
	if (!lock)
		return 0;
	ret = lock_file(&r->memory);
	for (unsigned i = 0; !ret && i < r->plan->peer_count; i++)
		ret = lock_file(&r->peers[i].file);
	return ret;
}

static int make_region(struct shared_region *r)
{
	int ret = 0;

	if (r->plan->size)
		ret = make_file("bulkhead-region", r->plan->size, &r->memory);
	for (unsigned i = 0; !ret && i < r->plan->peer_count; i++)
		ret = make_peer(r, &r->peers[i]);
	return ret;
}

static void region_init(struct run *run, const struct plan_region *plan, struct shared_region *r)
{
	*r = (struct shared_region){.plan = plan, .memory = {.fd = -1, .read_fd = -1}};
	for (unsigned i = 0; i < PLAN_PEERS_MAX; i++) {
		r->peers[i] =
			(struct shared_peer){.file = {.fd = -1, .read_fd = -1}, .notice_fd = -1};
		memset(r->peers[i].vectors, -1, sizeof(r->peers[i].vectors));
	}
	for (unsigned i = 0; i < run->child_count; i++) {
		int id = plan_region_peer(plan, run->children[i].plan);

		if (id >= 0)
			r->peers[id].child = &run->children[i];
	}
}

/* Many regions take more descriptors than a process may have unless it asks. */
static void raise_limit(const struct plan *plan)
{
	struct rlimit limit;
	rlim_t wanted = OTHER_DESCRIPTORS;

	for (unsigned i = 0; i < plan->region_count; i++) {
		const struct plan_region *r = &plan->regions[i];

		wanted += 2 + r->peer_count * (3 + r->vectors);
	}
	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= wanted)
		return;
	limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
	setrlimit(RLIMIT_NOFILE, &limit); /* if it does not suffice, that shows soon */
}

static void complain(const struct shared_region *r, const char *what, int error, const char *remedy,
	struct diags *diags)
{
	char field[64];

	snprintf(field, sizeof(field), "shared.%s", r->plan->name);
	diag_error(diags, &r->plan->loc, field, "%s: %s; %s", what, strerror(-error), remedy);
}

int run_shared_init(struct run *run, struct diags *diags)
{
	const struct plan *plan = run->plan;
	struct shared_regions *s;
	int ret = 0;

	if (!plan->region_count)
		return 0;
	s = calloc(1, sizeof(*s) + plan->region_count * sizeof(s->list[0]));
	if (!s)
		return -ENOMEM;
	run->shared = s;
	raise_limit(plan);
	while (!ret && s->count < plan->region_count) {
		struct shared_region *r = &s->list[s->count];

		region_init(run, &plan->regions[s->count++], r);
		ret = make_region(r);
		if (ret) {
			complain(r, "the host does not give what it takes", ret,
				"make its sections smaller, or see whether /proc is mounted",
				diags);
			continue;
		}
		ret = lock_region(r);
		if (ret)
			complain(r, "the host does not let its memory be locked", ret,
				"raise the locked-memory limit (ulimit -l), or set memory.lock: false "
				"for all of its peers",
				diags);
	}
	return ret;
}

static void close_file(struct shared_file *file)
{
	if (file->map)
		munmap(file->map, file->size);
	fd_close(&file->fd);
	fd_close(&file->read_fd);
}

void run_shared_fini(struct run *run)
{
	struct shared_regions *s = run->shared;

	for (unsigned i = 0; s && i < s->count; i++) {
		struct shared_region *r = &s->list[i];

		close_file(&r->memory);
		for (unsigned k = 0; k < PLAN_PEERS_MAX; k++) {
			struct shared_peer *peer = &r->peers[k];

			close_file(&peer->file);
			fd_close(&peer->notice_fd);
			for (unsigned v = 0; v < PLAN_VECTORS_MAX; v++)
				fd_close(&peer->vectors[v]);
		}
	}
	free(s);
	run->shared = NULL;
}

/* ---- handing them over ---- */

static const struct shared_region *find_region(const struct run *run, const char *name)
{
	for (unsigned i = 0; run->shared && i < run->shared->count; i++) {
		if (strcmp(run->shared->list[i].plan->name, name) == 0)
			return &run->shared->list[i];
	}
	return NULL;
}

void child_shared_fds(const struct child *child, const struct plan_device *d, int32_t *ret_fds)
{
	const struct shared_region *r = find_region(child->run, d->ivshmem.region);
	const struct plan_region_end *e = &d->ivshmem.end;
	int32_t *fd = ret_fds;

	if (!r)
		return;
	*fd++ = e->readonly ? r->memory.read_fd : r->memory.fd;
	for (unsigned i = 0; is_v2(r) && i < e->peers; i++)
		*fd++ = i == e->id ? r->peers[i].file.fd : r->peers[i].file.read_fd;
	for (unsigned i = 0; is_v2(r) && i < e->peers; i++)
		*fd++ = r->peers[i].notice_fd;
	for (unsigned i = 0; i < e->peers * e->vectors; i++)
		*fd++ = r->peers[i / e->vectors].vectors[i % e->vectors];
}

/* ---- when a partition ends ---- */

/* Peer ID of R is there no more, and the others are told. */
static void disconnect(struct shared_region *r, int id)
{
	struct peer_page *page = (void *)r->peers[id].file.map;
	const uint64_t one = 1;

	if (!atomic_exchange(&page->state, 0))
		return;
	for (unsigned i = 0; i < r->plan->peer_count; i++) {
		if ((int)i != id)
			(void)!write(r->peers[i].notice_fd, &one, sizeof(one));
	}
}

void child_shared_ended(const struct child *child, bool process_gone)
{
	struct shared_regions *s = child->run->shared;

	for (unsigned i = 0; s && i < s->count; i++) {
		struct shared_region *r = &s->list[i];
		int id = plan_region_peer(r->plan, child->plan);

		if (id < 0 || !is_v2(r))
			continue;
		disconnect(r, id);
		/* Before, it might write after us. */
		if (process_gone)
			memset(r->peers[id].file.map + PEER_PAGE_SIZE, 0, r->plan->output);
	}
}
