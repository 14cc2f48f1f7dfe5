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
#include "devices/ivshmem_internal.h"

#include "include/bulkhead/ivshmem.h"
#include "lib/event.h"
#include "lib/util.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

/* Between two looks at the peers' states: nobody can keep the I/O thread busier than that. */
#define STATE_PAUSE_NS 1000000

static void signal_fd(int fd)
{
	const uint64_t one = 1;

	if (fd >= 0)
		(void)!write(fd, &one, sizeof(one)); /* full: it is signalled already */
}

/* ---- interrupting this guest ---- */

/* Whether the guest is to be interrupted, once in the one-shot mode. Under the lock. */
static bool take_enabled(struct ivshmem *d)
{
	bool enabled = d->enabled;

	d->enabled = enabled && !d->one_shot;
	return enabled;
}

/* The doorbells of others are heard by KVM, by the I/O thread, or by nobody. Under the lock. */
static void listen(struct ivshmem *d)
{
	/* What came while it was disabled is forgotten. */
	for (unsigned i = 0; d->enabled && d->one_shot && i < d->cfg.vectors; i++)
		event_take(d->sources[i].watch.fd);
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
	event_take(w->fd);
	watch_sources(d);
}

void ivshmem_source_ready(struct loop_watch *w, uint32_t revents)
{
	struct ivshmem_source *s = container_of(w, struct ivshmem_source, watch);
	struct ivshmem *d = s->dev;
	bool wanted;

	(void)revents;
	pthread_mutex_lock(&d->lock);
	wanted = event_take(w->fd) && take_enabled(d);
	pthread_mutex_unlock(&d->lock);
	if (wanted)
		pci_msix_signal(&d->f, s->vector);
	watch_sources(d);
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

/* A guest that has seen a state and then enables interrupts gets none for that state. */
static void noticed(struct loop_watch *w, uint32_t revents)
{
	struct ivshmem *d = container_of(w, struct ivshmem, notice);
	bool wanted;

	(void)revents;
	event_take(w->fd);
	pthread_mutex_lock(&d->lock);
	wanted = copy_states(d) && take_enabled(d);
	pthread_mutex_unlock(&d->lock);
	if (wanted)
		pci_msix_signal(&d->f, 0);
	watch_sources(d);
	loop_unwatch(d->loop, w);
	loop_timer_start(&d->pause, STATE_PAUSE_NS);
}

static void pause_over(struct loop_timer *t)
{
	struct ivshmem *d = container_of(t, struct ivshmem, pause);

	loop_watch(d->loop, &d->notice);
}

int ivshmem_copy_fd(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	return copy < 0 ? -errno : copy;
}

int ivshmem_watch(struct ivshmem *d, const struct ivshmem_config *c)
{
	int ret = 0;

	for (unsigned i = 0; !ret && i < c->peers; i++) {
		int fd = ivshmem_copy_fd(c->fds[1 + c->peers + i]);

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

const struct device_class ivshmem_class = {
	.name = "ivshmem",
	.read = ivshmem_read,
	.write = ivshmem_write,
	.destroy = ivshmem_destroy,
};

const struct pci_ops ivshmem_ops = {
	.place = ivshmem_place, .config_written = ivshmem_config_written};
