/* SPDX-License-Identifier: BSD-3-Clause */
/* The making of an ivshmem function (devices/ivshmem.c): its memory, capabilities, doorbells,
 * vectors. */
#include "devices/ivshmem_internal.h"

#include "include/bulkhead/ivshmem.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

/* Bytes of a section: far more than a plan has, and sums of them do not overflow. */
#define SECTION_MAX ((uint64_t)1 << 40)

/* Room for the state of each peer. */
_Static_assert(IVSHMEM_PEERS_MAX * sizeof(uint32_t) <= IVSHMEM_PAGE, "the table is one page");
_Static_assert(IVSHMEM_VECTORS_MAX <= PCI_MSIX_VECTORS_MAX, "a function has so many");

/* ---- its memory ---- */

/* Where the descriptors are in the configuration: struct ivshmem_config. */
static int fd_of_file(const struct ivshmem_config *c, unsigned peer)
{
	return c->fds ? c->fds[1 + peer] : -1;
}

static int fd_of_vector(const struct ivshmem_config *c, unsigned peer, unsigned vector)
{
	unsigned first = c->v2 ? 1 + 2 * c->peers : 1;

	return c->fds ? c->fds[first + peer * c->vectors + vector] : -1;
}

/* A piece of a file, and where it goes. */
struct piece {
	uint64_t at, size;
	int fd; /* -1: zeros of one's own */
	uint64_t offset;
	bool writable;
};

static int map(struct ivshmem *d, const struct ivshmem_config *c, const struct piece *p)
{
	/* All of it is touched now: nothing is allocated while a guest runs. */
	int flags =
		MAP_FIXED | MAP_POPULATE | (p->fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED);
	int protection = p->writable ? PROT_READ | PROT_WRITE : PROT_READ;

	/* Nothing, or it will not run. */
	if (!p->size || !c->fds)
		return 0;
	if (mmap(d->memory + p->at, p->size, protection, flags, p->fd, (off_t)p->offset) ==
		MAP_FAILED)
		return -errno;
	return 0;
}

static int map_v2(struct ivshmem *d, const struct ivshmem_config *c)
{
	uint64_t first = IVSHMEM_PAGE + c->size;
	int ret = map(d, c, &(struct piece){.size = IVSHMEM_PAGE, .fd = -1, .writable = true});

	if (!ret)
		ret = map(d, c,
			&(struct piece){.at = IVSHMEM_PAGE,
				.size = c->size,
				.fd = c->fds ? c->fds[0] : -1,
				.writable = true});
	for (unsigned i = 0; !ret && i < c->peers; i++) {
		struct piece page = {.at = d->size + (uint64_t)i * IVSHMEM_PAGE,
			.size = IVSHMEM_PAGE,
			.fd = fd_of_file(c, i),
			.writable = i == c->id};
		struct piece output = {.at = first + i * c->output,
			.size = c->output,
			.fd = page.fd,
			.offset = IVSHMEM_PAGE,
			.writable = page.writable};

		d->pages[i] = (void *)(d->memory + page.at);
		ret = map(d, c, &page);
		if (!ret)
			ret = map(d, c, &output);
	}
	d->table = (void *)d->memory;
	return ret;
}

static int map_memory(struct ivshmem *d, const struct ivshmem_config *c)
{
	void *room;

	d->size = c->v2 ? IVSHMEM_PAGE + c->size + c->peers * c->output : c->size;
	d->mapped = d->size + (c->v2 ? c->peers * (size_t)IVSHMEM_PAGE : 0);
	/* A place for all, and, should it not run, pages that are never touched. */
	room = mmap(NULL, d->mapped, c->fds ? PROT_NONE : PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (room == MAP_FAILED)
		return -errno;
	d->memory = room;
	if (c->v2)
		return map_v2(d, c);
	return map(d, c,
		&(struct piece){
			.size = c->size, .fd = c->fds ? c->fds[0] : -1, .writable = !c->readonly});
}

/* Shows the guest SIZE bytes from AT on, if there are any. */
static int back(struct ivshmem *d, uint64_t at, uint64_t size, bool readonly)
{
	const struct pci_backing b = {
		.offset = at, .size = size, .hva = d->memory + at, .readonly = readonly};

	return size ? pci_function_back_bar(&d->f, IVSHMEM_BAR_MEMORY, &b) : 0;
}

static int add_memory(struct ivshmem *d, const struct ivshmem_config *c)
{
	uint64_t size = IVSHMEM_PAGE, own = IVSHMEM_PAGE + c->size + c->id * c->output;
	int ret;

	while (size < d->size)
		size *= 2;
	ret = pci_function_add_bar(&d->f, IVSHMEM_BAR_MEMORY, PCI_BAR_MEM64_PREFETCH, size);
	if (!ret && !c->v2)
		return back(d, 0, c->size, c->readonly);
	if (!ret)
		ret = back(d, 0, IVSHMEM_PAGE, true);
	if (!ret)
		ret = back(d, IVSHMEM_PAGE, c->size, false);
	if (!ret)
		ret = back(d, IVSHMEM_PAGE + c->size, c->id * c->output, true);
	if (!ret)
		ret = back(d, own, c->output, false);
	return ret ?: back(d, own + c->output, (c->peers - c->id - 1) * c->output, true);
}

/* ---- the rest of its making ---- */

static int add_capability(struct ivshmem *d, const struct ivshmem_config *c)
{
	struct pci_config *config = &d->f.config;
	int ret = pci_function_add_capability(
		&d->f, IVSHMEM_V2_CAP_ID, IVSHMEM_V2_CAP_SIZE, &d->capability);
	unsigned at = d->capability;

	if (ret)
		return ret;
	pci_config_set(config, at + IVSHMEM_V2_CAP_LENGTH, 1, IVSHMEM_V2_CAP_SIZE, 0);
	pci_config_set(config, at + IVSHMEM_V2_CAP_CONTROL, 1, 0, IVSHMEM_V2_CONTROL_ONE_SHOT);
	pci_config_set(config, at + IVSHMEM_V2_CAP_STATE_TABLE, 4, IVSHMEM_PAGE, 0);
	pci_config_set(config, at + IVSHMEM_V2_CAP_READ_WRITE, 4, (uint32_t)c->size, 0);
	pci_config_set(config, at + IVSHMEM_V2_CAP_READ_WRITE + 4, 4, (uint32_t)(c->size >> 32), 0);
	pci_config_set(config, at + IVSHMEM_V2_CAP_OUTPUT, 4, (uint32_t)c->output, 0);
	pci_config_set(config, at + IVSHMEM_V2_CAP_OUTPUT + 4, 4, (uint32_t)(c->output >> 32), 0);
	return 0;
}

static int add_bells(struct ivshmem *d, const struct ivshmem_config *c)
{
	struct machine *m = d->f.dev.machine;

	d->first_bell = m->doorbell_count;
	for (unsigned i = 0; i < c->peers * c->vectors; i++) {
		unsigned index;
		int ret = machine_add_doorbell(m, &index), fd;

		if (ret)
			return ret;
		if (!c->fds)
			continue;
		fd = ivshmem_copy_fd(fd_of_vector(c, i / c->vectors, i % c->vectors));
		if (fd < 0)
			return fd;
		machine_share_doorbell(m, index, fd);
	}
	return 0;
}

static int add_vectors(struct ivshmem *d, const struct ivshmem_config *c)
{
	int ret = pci_function_add_msix(&d->f, IVSHMEM_BAR_MSIX, c->vectors);

	for (unsigned i = 0; !ret && i < c->vectors; i++) {
		struct ivshmem_source *s = &d->sources[i];
		int fd = c->fds ? ivshmem_copy_fd(fd_of_vector(c, c->id, i))
				: eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

		if (fd < 0)
			return fd;
		ret = pci_msix_add_source(&d->f, i, fd);
		if (ret)
			close(fd);
		if (ret || !c->fds || !c->v2)
			continue;
		/* One's own, to watch: the loop and KVM need not know of each other's. */
		s->watch.fd = ivshmem_copy_fd(fd);
		s->watch.events = POLLIN;
		s->watch.ready = ivshmem_source_ready;
		if (s->watch.fd < 0)
			return s->watch.fd;
	}
	return ret;
}

static void init(struct ivshmem *d, const struct ivshmem_config *c)
{
	pthread_mutex_init(&d->lock, NULL);
	d->cfg = *c;
	d->cfg.fds = NULL;
	d->cfg.loop = NULL;
	d->loop = c->loop;
	d->notice = d->rearm = LOOP_WATCH_INIT;
	for (unsigned i = 0; i < IVSHMEM_PEERS_MAX; i++)
		d->notices[i] = -1;
	for (unsigned i = 0; i < IVSHMEM_VECTORS_MAX; i++)
		d->sources[i] =
			(struct ivshmem_source){.dev = d, .vector = i, .watch = LOOP_WATCH_INIT};
}

static bool config_valid(const struct ivshmem_config *c)
{
	if (c->peers < 2 || c->peers > IVSHMEM_PEERS_MAX || c->id >= c->peers || !c->vectors ||
		c->vectors > IVSHMEM_VECTORS_MAX || !c->loop != !c->fds)
		return false;
	return (c->size | c->output) % IVSHMEM_PAGE == 0 && c->size <= SECTION_MAX &&
	       c->output <= SECTION_MAX && (c->v2 || c->size);
}

int ivshmem_create(struct machine *m, const struct ivshmem_config *c)
{
	const struct pci_setup setup = {
		.cls = &ivshmem_class,
		.name = c->name,
		.size = sizeof(struct ivshmem),
		.ops = &ivshmem_ops,
		.vendor = c->v2 ? IVSHMEM_V2_VENDOR : IVSHMEM_V1_VENDOR,
		.device = c->v2 ? IVSHMEM_V2_DEVICE : IVSHMEM_V1_DEVICE,
		.subsystem_vendor = c->v2 ? IVSHMEM_V2_VENDOR : IVSHMEM_V1_VENDOR,
		.subsystem = c->v2 ? IVSHMEM_V2_DEVICE : IVSHMEM_V1_DEVICE,
		.revision = c->v2 ? 0 : IVSHMEM_V1_REVISION,
		.class_code = c->v2 ? IVSHMEM_V2_CLASS(c->protocol) : IVSHMEM_V1_CLASS,
	};
	struct pci_function *f;
	struct ivshmem *d;
	int ret = config_valid(c) ? pci_function_create(m, &setup, &f) : -EINVAL;

	if (ret)
		return ret;
	d = to_ivshmem(f);
	init(d, c);
	ret = pci_function_add_bar(f, IVSHMEM_BAR_REGISTERS, PCI_BAR_MEM32,
		c->v2 ? IVSHMEM_V2_REGISTERS_SIZE : IVSHMEM_V1_REGISTERS_SIZE);
	if (!ret && c->v2)
		ret = add_capability(d, c);
	if (!ret)
		ret = add_vectors(d, c);
	if (!ret)
		ret = map_memory(d, c);
	if (!ret)
		ret = add_memory(d, c);
	if (!ret)
		ret = add_bells(d, c);
	if (!ret && c->v2 && c->loop)
		ret = ivshmem_watch(d, c);
	if (!ret)
		ret = pci_function_add(f, c->devfn);
	if (!ret && !c->v2)
		pci_msix_listen(f, true);
	return ret;
}
