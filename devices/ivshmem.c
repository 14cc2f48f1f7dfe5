/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory that partitions share, as a PCI function: ivshmem version 2, as Jailhouse specifies it
 * [IVSHMEM: Jailhouse, Documentation/ivshmem-v2-specification.md], and version 1, as ACRN and QEMU
 * have it. Its memory is that of the other partitions; what may not be written is mapped from a
 * descriptor that cannot write it, and is read-only to the guest, whose writes there are
 * violations.
 *
 * A doorbell goes from the guest that rings it to the one that it interrupts in the kernel: each
 * value of the register is an ioeventfd, whose eventfd is the irqfd of the other's vector. No
 * process of ours wakes up, but in the one-shot mode of version 2, where the I/O thread of the
 * interrupted partition disables interrupts with each that it delivers.
 *
 * States (version 2): each peer's is in a page that its process alone can write, and the table that
 * a guest reads is its own process's copy of all of them. A process that has been taken over can
 * tell lies about its own state and about no other's; it can make others look for changes in vain,
 * at most so often as STATE_PAUSE_NS says, and keep notices from reaching them.
 *
 * Left out: INTx, which version 2 forbids where there is MSI-X, and version 1 does not have in
 * ACRN; so the registers for it do nothing. A vector that is masked by MSI-X stays pending, as PCI
 * has it, where [IVSHMEM] knows no pending interrupts; one that comes while Interrupt Control is 0
 * is lost.
 */
#include "devices/ivshmem.h"

#include "devices/pci/pci.h"
#include "include/bulkhead/ivshmem.h"
#include "lib/util.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

/* Between two looks at the peers' states: nobody can keep the I/O thread busier than that. */
#define STATE_PAUSE_NS 1000000

/* Bytes of a section: far more than a plan has, and sums of them do not overflow. */
#define SECTION_MAX ((uint64_t)1 << 40)

/* Room for the state of each peer. */
_Static_assert(IVSHMEM_PEERS_MAX * sizeof(uint32_t) <= IVSHMEM_PAGE, "the table is one page");
_Static_assert(IVSHMEM_VECTORS_MAX <= PCI_MSIX_VECTORS_MAX, "a function has so many");

struct ivshmem;

/* One-shot mode: a vector's eventfd, while the I/O thread listens to it. */
struct ivshmem_source {
	struct ivshmem *dev;
	unsigned vector;
	struct loop_watch watch;
};

struct ivshmem {
	struct pci_function f;
	struct ivshmem_config cfg; /* without what it borrowed */
	unsigned first_bell;       /* machine doorbell of peer 0's vector 0; the others follow */
	struct loop *loop;         /* NULL: it does not run */
	/*
	 * All of the memory, as the guest has it; and behind it, where it does not look, the pages
	 * of the peers.
	 */
	uint8_t *memory;
	size_t mapped; /* bytes */
	uint64_t size; /* of the memory alone */

	/* Version 2. */
	unsigned capability;
	_Atomic uint32_t *table; /* the guest's; written under the lock, or by the I/O thread */
	struct ivshmem_peer_page *pages[IVSHMEM_PEERS_MAX];
	int notices[IVSHMEM_PEERS_MAX]; /* those of others; -1 */
	struct loop_watch notice;       /* its own */
	struct loop_timer pause;        /* until the next look */
	struct loop_watch rearm;        /* the guest has changed how it is interrupted */
	struct ivshmem_source sources[IVSHMEM_VECTORS_MAX];

	/* Inside of the bus's, outside of that of MSI-X. Guards the rest. */
	pthread_mutex_t lock;
	uint32_t state;
	bool enabled, one_shot;
	uint32_t intrmask; /* version 1 */
};

static struct ivshmem *to_ivshmem(struct pci_function *f)
{
	return container_of(f, struct ivshmem, f);
}

static void signal_fd(int fd)
{
	const uint64_t one = 1;

	if (fd >= 0)
		(void)!write(fd, &one, sizeof(one)); /* full: it is signalled already */
}

/* Takes what was signalled; false: nothing. */
static bool take_signal(int fd)
{
	uint64_t count;

	return read(fd, &count, sizeof(count)) == sizeof(count);
}

/* ---- interrupting this guest ---- */

/* The I/O thread interrupts, if the guest wants it. */
static void interrupt(struct ivshmem *d, unsigned vector)
{
	bool enabled;

	pthread_mutex_lock(&d->lock);
	enabled = d->enabled;
	d->enabled = enabled && !d->one_shot;
	pthread_mutex_unlock(&d->lock);
	if (enabled)
		pci_msix_signal(&d->f, vector);
}

/* The doorbells of others are heard by KVM, by the I/O thread, or by nobody. Under the lock. */
static void listen(struct ivshmem *d)
{
	/* What came while it was disabled is forgotten. */
	for (unsigned i = 0; d->enabled && d->one_shot && i < d->cfg.vectors; i++)
		take_signal(d->sources[i].watch.fd);
	pci_msix_listen(&d->f, d->enabled && !d->one_shot);
}

static void watch_sources(struct ivshmem *d)
{
	bool watch;

	pthread_mutex_lock(&d->lock);
	watch = d->enabled && d->one_shot;
	pthread_mutex_unlock(&d->lock);
	for (unsigned i = 0; i < d->cfg.vectors; i++) {
		if (watch)
			loop_watch(d->loop, &d->sources[i].watch);
		else
			loop_unwatch(d->loop, &d->sources[i].watch);
	}
}

static void rearmed(struct loop_watch *w, uint32_t revents)
{
	struct ivshmem *d = container_of(w, struct ivshmem, rearm);

	(void)revents;
	take_signal(w->fd);
	watch_sources(d);
}

static void source_ready(struct loop_watch *w, uint32_t revents)
{
	struct ivshmem_source *s = container_of(w, struct ivshmem_source, watch);

	(void)revents;
	if (take_signal(w->fd))
		interrupt(s->dev, s->vector);
	watch_sources(s->dev);
}

static void set_enabled(struct ivshmem *d, bool enabled)
{
	pthread_mutex_lock(&d->lock);
	if (d->enabled != enabled) {
		d->enabled = enabled;
		listen(d);
		if (d->one_shot)
			signal_fd(d->rearm.fd);
	}
	pthread_mutex_unlock(&d->lock);
}

static void ivshmem_config_written(struct pci_function *f, unsigned offset, unsigned size)
{
	struct ivshmem *d = to_ivshmem(f);
	unsigned at = d->capability + IVSHMEM_V2_CAP_CONTROL;
	bool one_shot;

	if (!d->cfg.v2 || !ranges_overlap(offset, size, at, 1))
		return;
	one_shot = pci_config_read(&f->config, at, 1) & IVSHMEM_V2_CONTROL_ONE_SHOT;
	pthread_mutex_lock(&d->lock);
	if (d->one_shot != one_shot) {
		d->one_shot = one_shot;
		listen(d);
		signal_fd(d->rearm.fd);
	}
	pthread_mutex_unlock(&d->lock);
}

/* ---- states ---- */

static void set_state(struct ivshmem *d, uint32_t state)
{
	pthread_mutex_lock(&d->lock);
	if (state != d->state) {
		d->state = state;
		atomic_store(&d->table[d->cfg.id], state);
		atomic_store(&d->pages[d->cfg.id]->state, state);
		for (unsigned i = 0; i < d->cfg.peers; i++)
			signal_fd(d->notices[i]);
	}
	pthread_mutex_unlock(&d->lock);
}

/* Copies the states of the others into the guest's table. Whether one is another now. */
static bool copy_states(struct ivshmem *d)
{
	bool changed = false;

	for (unsigned i = 0; i < d->cfg.peers; i++) {
		uint32_t state = atomic_load(&d->pages[i]->state);

		if (i == d->cfg.id || state == atomic_load(&d->table[i]))
			continue;
		atomic_store(&d->table[i], state);
		changed = true;
	}
	return changed;
}

static void noticed(struct loop_watch *w, uint32_t revents)
{
	struct ivshmem *d = container_of(w, struct ivshmem, notice);

	(void)revents;
	take_signal(w->fd);
	if (copy_states(d))
		interrupt(d, 0);
	watch_sources(d);
	loop_unwatch(d->loop, w);
	loop_timer_start(&d->pause, STATE_PAUSE_NS);
}

static void pause_over(struct loop_timer *t)
{
	struct ivshmem *d = container_of(t, struct ivshmem, pause);

	loop_watch(d->loop, &d->notice);
}

/* ---- registers ---- */

/* A doorbell that no ioeventfd has taken: of a vector that is not there, or the host has no more.
 */
static void ring(struct ivshmem *d, uint32_t value)
{
	const struct machine *m = d->f.dev.machine;
	unsigned peer = IVSHMEM_RING_PEER(value), vector = IVSHMEM_RING_VECTOR(value);

	if (peer < d->cfg.peers && vector < d->cfg.vectors)
		signal_fd(m->doorbells[d->first_bell + peer * d->cfg.vectors + vector].event_fd);
}

static uint32_t v2_read(struct ivshmem *d, uint64_t offset)
{
	uint32_t value = 0;

	pthread_mutex_lock(&d->lock);
	switch (offset) {
	case IVSHMEM_V2_ID:
		value = d->cfg.id;
		break;
	case IVSHMEM_V2_MAX_PEERS:
		value = d->cfg.peers;
		break;
	case IVSHMEM_V2_INTERRUPT_CONTROL:
		value = d->enabled ? IVSHMEM_V2_INTERRUPT_ENABLE : 0;
		break;
	case IVSHMEM_V2_STATE:
		value = d->state;
		break;
	}
	pthread_mutex_unlock(&d->lock);
	return value;
}

static void v2_write(struct ivshmem *d, uint64_t offset, uint32_t value)
{
	if (offset == IVSHMEM_V2_INTERRUPT_CONTROL)
		set_enabled(d, value & IVSHMEM_V2_INTERRUPT_ENABLE);
	else if (offset == IVSHMEM_V2_STATE)
		set_state(d, value);
}

static uint32_t v1_read(struct ivshmem *d, uint64_t offset)
{
	uint32_t value = 0;

	pthread_mutex_lock(&d->lock);
	if (offset == IVSHMEM_V1_INTRMASK)
		value = d->intrmask;
	else if (offset == IVSHMEM_V1_IVPOSITION)
		value = d->cfg.id;
	pthread_mutex_unlock(&d->lock);
	return value;
}

static void v1_write(struct ivshmem *d, uint64_t offset, uint32_t value)
{
	if (offset != IVSHMEM_V1_INTRMASK)
		return;
	pthread_mutex_lock(&d->lock);
	d->intrmask = value;
	pthread_mutex_unlock(&d->lock);
}

/* Of 32-bit registers, which take no other accesses; memory that is being moved reads as 0. */
static uint64_t ivshmem_read(struct device *dev, unsigned bar, uint64_t offset, unsigned size)
{
	struct ivshmem *d = to_ivshmem(container_of(dev, struct pci_function, dev));

	if (bar != IVSHMEM_BAR_REGISTERS || size != sizeof(uint32_t) || offset % size)
		return 0;
	return d->cfg.v2 ? v2_read(d, offset) : v1_read(d, offset);
}

static void ivshmem_write(
	struct device *dev, unsigned bar, uint64_t offset, unsigned size, uint64_t value)
{
	struct ivshmem *d = to_ivshmem(container_of(dev, struct pci_function, dev));

	if (bar != IVSHMEM_BAR_REGISTERS || size != sizeof(uint32_t) || offset % size)
		return;
	if (offset == IVSHMEM_DOORBELL)
		ring(d, (uint32_t)value);
	else if (d->cfg.v2)
		v2_write(d, offset, (uint32_t)value);
	else
		v1_write(d, offset, (uint32_t)value);
}

/* The doorbells go where the registers are. What the host refuses, `ring` does. */
static void ivshmem_place(struct pci_function *f, unsigned bar, const struct pci_place *place)
{
	const struct machine_services *services = &f->dev.machine->services;
	const struct ivshmem *d = to_ivshmem(f);

	if (bar != IVSHMEM_BAR_REGISTERS)
		return;
	for (unsigned i = 0; i < d->cfg.peers * d->cfg.vectors; i++) {
		struct machine_doorbell_place bell = {
			.space = WINDOW_MMIO,
			.size = sizeof(uint32_t),
			.has_data = true,
			.data = IVSHMEM_RING(i / d->cfg.vectors, i % d->cfg.vectors),
		};

		if (place)
			bell.address = place->address + IVSHMEM_DOORBELL;
		services->doorbell_set(services->ctx, d->first_bell + i, place ? &bell : NULL);
	}
}

static void ivshmem_destroy(struct device *dev)
{
	struct pci_function *f = container_of(dev, struct pci_function, dev);
	struct ivshmem *d = to_ivshmem(f);

	if (d->loop) {
		loop_unwatch(d->loop, &d->notice);
		loop_unwatch(d->loop, &d->rearm);
		for (unsigned i = 0; i < d->cfg.vectors; i++)
			loop_unwatch(d->loop, &d->sources[i].watch);
		loop_timer_fini(&d->pause);
	}
	for (unsigned i = 0; i < IVSHMEM_PEERS_MAX; i++)
		fd_close(&d->notices[i]);
	for (unsigned i = 0; i < IVSHMEM_VECTORS_MAX; i++)
		fd_close(&d->sources[i].watch.fd);
	fd_close(&d->notice.fd);
	fd_close(&d->rearm.fd);
	if (d->memory)
		munmap(d->memory, d->mapped);
	pthread_mutex_destroy(&d->lock);
	pci_function_fini(f);
	free(d);
}

static const struct device_class ivshmem_class = {
	.name = "ivshmem",
	.read = ivshmem_read,
	.write = ivshmem_write,
	.destroy = ivshmem_destroy,
};

static const struct pci_ops ivshmem_ops = {
	.place = ivshmem_place, .config_written = ivshmem_config_written};

/* ---- its memory ---- */

/* Where the descriptors are in the configuration: struct ivshmem_config. */
static int fd_of_file(const struct ivshmem_config *c, unsigned peer)
{
	return c->fds ? c->fds[1 + peer] : -1;
}

static int fd_of_notice(const struct ivshmem_config *c, unsigned peer)
{
	return c->fds ? c->fds[1 + c->peers + peer] : -1;
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

/* A descriptor of one's own for FD's file, or a negative errno. */
static int copy_fd(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	return copy < 0 ? -errno : copy;
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
		fd = copy_fd(fd_of_vector(c, i / c->vectors, i % c->vectors));
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
		int fd = c->fds ? copy_fd(fd_of_vector(c, c->id, i))
				: eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

		if (fd < 0)
			return fd;
		ret = pci_msix_add_source(&d->f, i, fd);
		if (ret)
			close(fd);
		if (ret || !c->fds || !c->v2)
			continue;
		/* One's own, to watch: the loop and KVM need not know of each other's. */
		s->watch.fd = copy_fd(fd);
		s->watch.events = POLLIN;
		s->watch.ready = source_ready;
		if (s->watch.fd < 0)
			return s->watch.fd;
	}
	return ret;
}

/* What the I/O thread does for version 2. */
static int start_watching(struct ivshmem *d, const struct ivshmem_config *c)
{
	int ret = 0;

	for (unsigned i = 0; !ret && i < c->peers; i++) {
		int fd = copy_fd(fd_of_notice(c, i));

		if (i == c->id)
			d->notice.fd = fd;
		else
			d->notices[i] = fd;
		ret = fd < 0 ? fd : 0;
	}
	if (ret)
		return ret;
	d->rearm.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (d->rearm.fd < 0)
		return -errno;
	d->rearm.events = d->notice.events = POLLIN;
	d->rearm.ready = rearmed;
	d->notice.ready = noticed;
	atomic_store(&d->pages[c->id]->state, IVSHMEM_STATE_GONE);
	copy_states(d);
	ret = loop_timer_init(d->loop, &d->pause, pause_over);
	if (!ret)
		ret = loop_watch(d->loop, &d->rearm);
	return ret ?: loop_watch(d->loop, &d->notice);
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
		ret = start_watching(d, c);
	if (!ret)
		ret = pci_function_add(f, c->devfn);
	if (!ret && !c->v2)
		pci_msix_listen(f, true);
	return ret;
}
