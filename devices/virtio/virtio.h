/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A virtio device without its transport [VIRTIO 1.2 2, 3]: status, features, configuration and
 * queues. A device (rng.c is the model) is a const struct virtio_class and a struct that embeds
 * struct virtio_device; a transport (mmio.c) is a struct device that owns one and translates its
 * registers to the calls below.
 *
 * Threads. vCPU threads touch the transport's registers; the I/O thread works on the queues, woken
 * by a doorbell for each of them. The device's lock guards all state of the device, of its queues
 * and of its transport. The I/O thread takes it anew for each step of a queue, which is one request
 * or a constant amount of work, and lets vCPU threads in first: none waits for more than a step.
 * Nobody blocks while holding it.
 *
 * A guest that breaks a rule gets DEVICE_NEEDS_RESET, and a device that does nothing until then.
 *
 * A queue may be served by somebody else: the kernel (vhost.h), another process (vhost_user.h). The
 * doorbell's eventfd is its server's then, not watched here, and the server signals one eventfd for
 * an interrupt, which goes to the guest without us where the transport has such (MSI-X). What is
 * done here is where its ring may be, and when it is served: from activate to reset or halt. With
 * another process such eventfds are shared as files, which it can make block: they are read by
 * event_take alone, and not written to where it can be helped.
 *
 * Left out: legacy and transitional devices, VIRTIO_F_RING_RESET, VIRTIO_F_SR_IOV, shared memory
 * regions, the IOMMU (VIRTIO_F_ACCESS_PLATFORM), administration queues.
 */
#ifndef DEVICES_VIRTIO_VIRTIO_H
#define DEVICES_VIRTIO_VIRTIO_H

#include "devices/virtio/queue.h"
#include "lib/loop.h"
#include "vmm/machine.h"

#include <pthread.h>
#include <stdatomic.h>

struct virtio_device;

#define VIRTIO_QUEUES_MAX 64
#define VIRTIO_CONFIG_MAX 256 /* bytes of device-specific configuration */

/* Requests that are taken from one queue before others get their turn. */
#define VIRTIO_BATCH 64

#define VIRTIO_FEATURE(bit) ((uint64_t)1 << (bit))

/*
 * What a device does. Everything is called under the device's lock, but destroy. Of a device whose
 * setup says that it `waits`, activate, reset, call_changed and halt are called by the I/O thread
 * and without the lock, so that no vCPU has to wait with them: the device and its queues do not
 * change meanwhile. What the driver does then is put off.
 */
struct virtio_class {
	const char *name;   /* "virtio-rng" */
	uint16_t device_id; /* [VIRTIO 1.2 5] */
	uint32_t pci_class; /* base class, subclass, interface: 24 bits [PCI 3.0 D] */

	/* As start of struct device_class. NULL: nothing to do. */
	int (*start)(struct virtio_device *v);

	/*
	 * I/O thread: one step of QUEUE, at most one request of it (virtio_pop). 0: there may be
	 * more; or what virtio_pop says: -EAGAIN, there is none, and a new one will be heard of;
	 * -EBADMSG, the driver broke the rules, of the ring or the device's; or -EBUSY: no step can
	 * be made before the device calls virtio_resume.
	 */
	int (*queue_step)(struct virtio_device *v, unsigned queue);

	/* The driver is ready. Not 0: the device cannot go on. NULL: nothing to do. */
	int (*activate)(struct virtio_device *v);

	/*
	 * The driver has reset the device; its queues are gone. False when requests that were
	 * popped still use the guest's memory: virtio_reset_done is called when they do not any
	 * more. NULL: none ever do outside a step.
	 */
	bool (*reset)(struct virtio_device *v);

	/*
	 * vCPU thread: the driver writes SIZE bytes at OFFSET, within the configuration; what of it
	 * is writable is put into config here. NULL: nothing is.
	 */
	void (*config_write)(
		struct virtio_device *v, unsigned offset, unsigned size, uint64_t value);

	/* With queues that are served: virtio_call_fd(QUEUE) has changed while it is in use. Not 0:
	 * the device cannot go on. */
	int (*call_changed)(struct virtio_device *v, unsigned queue);

	/* The device fails while it is in use; its queues are served no more. NULL: none is by
	 * somebody else. */
	void (*halt)(struct virtio_device *v);

	void (*destroy)(struct virtio_device *v); /* frees V; no other thread is left */
};

/* How a device reaches its driver. Called on any thread, under the device's lock. */
struct virtio_transport {
	/*
	 * QUEUE is in use from now on, or not any more: its doorbell (struct virtio_queue) is to be
	 * where the driver writes, or nowhere. Where it cannot be, such a write calls
	 * virtio_resume.
	 */
	void (*queue_switched)(void *ctx, unsigned queue, bool on);
	void (*queue_interrupt)(void *ctx, unsigned queue);
	/* The eventfd that does the same for whoever signals it; -1: there is none now. It changes
	 * by virtio_call_changed. NULL: there never is. */
	int (*queue_event_fd)(void *ctx, unsigned queue);
	void (*config_interrupt)(void *ctx);
	void (*reset)(void *ctx); /* the device was reset: no interrupt is left */
};

enum virtio_area { VIRTIO_AREA_DESC, VIRTIO_AREA_DRIVER, VIRTIO_AREA_DEVICE, VIRTIO_AREAS };

struct virtio_queue {
	struct virtio_device *device;
	unsigned doorbell;      /* of the machine */
	struct loop_watch kick; /* its eventfd, which says that there is work */
	bool served;            /* by somebody else: */
	struct loop_watch call; /* what interrupts for it by way of the I/O thread; else -1 */
	int call_fd;            /* what its server is to signal */
	uint16_t size;          /* as the driver wrote it, as these */
	gpa_t areas[VIRTIO_AREAS];
	bool enabled; /* ring is set up */
	struct virtq ring;
};

enum virtio_due {
	VIRTIO_DUE_ACTIVATE = 1,
	VIRTIO_DUE_RESET = 2,
	VIRTIO_DUE_CALLS = 4, /* call_changed, of all queues */
	VIRTIO_DUE_HALT = 8,
};

struct virtio_device {
	const struct virtio_class *cls;
	struct machine *machine;
	struct loop *loop;
	const struct virtio_transport *transport;
	void *transport_ctx;

	pthread_mutex_t lock;
	atomic_uint wanted; /* vCPU threads that wait for the lock */

	uint64_t offered, accepted; /* features; a device may take back some before the start */
	uint8_t status;
	bool waits;               /* as the setup says, if there is an I/O thread */
	bool foreign;             /* another process serves its queues, and has their eventfds */
	bool live;                /* from the start to virtio_reset_done; it may have failed */
	bool resetting;           /* until virtio_reset_done */
	bool away;                /* the I/O thread works on it without the lock */
	unsigned due;             /* what it is to do so for: bits of enum virtio_due */
	struct loop_watch change; /* its eventfd, which says that something is; else -1 */
	bool config_unseen;       /* config has changed since it was read last */
	uint32_t config_generation;
	unsigned config_size;
	uint8_t config[VIRTIO_CONFIG_MAX];
	uint16_t queue_size_max;
	unsigned queue_count;
	struct virtio_queue *queues;
};

/* ---- for devices ---- */

struct virtio_setup {
	const struct virtio_class *cls;
	struct machine *machine;
	struct loop *loop;    /* the I/O thread's; NULL: it will not run, nobody hears its queues */
	uint64_t features;    /* of its type; those of any device are added */
	unsigned config_size; /* bytes; they are zeroed */
	unsigned queues;
	uint16_t queue_size; /* a power of two up to VIRTQ_SIZE_MAX; 0: that */
	uint64_t served;     /* queues, a bit for each, that somebody else serves */
	bool waits;          /* its class's calls may wait for the host */
};

/*
 * Makes the part of a device that is common to all, in zeroed memory. 0, or the errors of calloc,
 * machine_add_doorbell, eventfd and loop_watch. virtio_fini undoes it, and is legal after an error.
 */
int virtio_init(struct virtio_device *v, const struct virtio_setup *setup);
void virtio_fini(struct virtio_device *v);

/* Destroys the device itself, if there is one. */
void virtio_destroy(struct virtio_device *v);

/* Any thread that has no lock of a device. A vCPU thread gets it after one step. */
void virtio_lock(struct virtio_device *v);
void virtio_unlock(struct virtio_device *v);

/* All that follow: under the lock. */

/* The driver accepted feature BIT. */
bool virtio_has(const struct virtio_device *v, unsigned bit);

/* virtq_pop and virtq_unpop, in a step of QUEUE. */
int virtio_pop(struct virtio_device *v, unsigned queue, struct virtq_chain *ret_chain);
void virtio_unpop(struct virtio_device *v, unsigned queue, const struct virtq_chain *c);

/*
 * virtq_push, at any time: nothing happens to a queue that was reset meanwhile. The driver is told
 * at the end of the step's batch; outside of a step by virtio_notify.
 */
void virtio_push(
	struct virtio_device *v, unsigned queue, const struct virtq_chain *c, uint32_t written);
void virtio_push_all(struct virtio_device *v, unsigned queue, const struct virtq_used *used,
	unsigned count); /* virtq_push_all, likewise */
void virtio_notify(struct virtio_device *v, unsigned queue);

/* Has the I/O thread make steps of QUEUE, or its server look at it. Any thread; the lock is not
 * needed. */
void virtio_resume(struct virtio_device *v, unsigned queue);

/* The same on the I/O thread, at once: a batch of steps. Not under the lock. */
void virtio_work(struct virtio_device *v, unsigned queue);

/* The device cannot go on until it is reset: DEVICE_NEEDS_RESET [VIRTIO 1.2 2.1.2]. */
void virtio_fail(struct virtio_device *v);

/*
 * Of a queue that is served: what its server waits for, and what it signals to interrupt. Both are
 * the machine's, and do not block.
 */
int virtio_kick_fd(const struct virtio_device *v, unsigned queue);
int virtio_call_fd(const struct virtio_device *v, unsigned queue);

/* config was changed: tells the driver. */
void virtio_config_changed(struct virtio_device *v);

/* The reset that cls->reset could not finish is finished. */
void virtio_reset_done(struct virtio_device *v);

/*
 * In a step: of a device that `waits`, lets go of the lock for a call that may wait, and takes it
 * again. Meanwhile the device stays as it is; it may have been failed, or be due to be reset.
 */
void virtio_leave(struct virtio_device *v);
void virtio_return(struct virtio_device *v);

/* ---- for transports ---- */

/* The device's start, for the transport's. */
int virtio_start(struct virtio_device *v);

/* Before the start: where interrupts go. */
void virtio_attach(struct virtio_device *v, const struct virtio_transport *transport, void *ctx);

/* Under the lock, as all that follow. Features by words of 32 bits; those above 63 are 0. */
uint32_t virtio_get_offered(const struct virtio_device *v, uint32_t word);
uint32_t virtio_get_accepted(const struct virtio_device *v, uint32_t word);
void virtio_set_accepted(struct virtio_device *v, uint32_t word, uint32_t bits);

/* The status field; writing 0 resets, other values set bits [VIRTIO 1.2 2.1, 3.1]. */
uint8_t virtio_get_status(const struct virtio_device *v);
void virtio_set_status(struct virtio_device *v, uint8_t status);

/* Device-specific configuration, SIZE from 1 to 8; beyond its end there are zeroes. */
uint64_t virtio_config_read(struct virtio_device *v, uint64_t offset, unsigned size);
void virtio_config_write(struct virtio_device *v, uint64_t offset, unsigned size, uint64_t value);

/* Queue INDEX, or NULL. Of one that is enabled nothing is written. */
struct virtio_queue *virtio_queue(struct virtio_device *v, uint32_t index);
void virtio_queue_set_size(struct virtio_queue *q, uint16_t size);
void virtio_queue_set_area(
	struct virtio_queue *q, enum virtio_area area, bool high, uint32_t value);
void virtio_queue_enable(struct virtio_queue *q);

/* Takes it from the device: only one of which no request is in work; else the device fails. */
void virtio_queue_disable(struct virtio_queue *q);

/* queue_event_fd of QUEUE has changed. */
void virtio_call_changed(struct virtio_device *v, unsigned queue);

#endif
