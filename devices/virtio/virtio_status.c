/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A device's status [VIRTIO 1.2 2.1, 3.1], and what follows from it. Where that may wait for the
 * host it is due, and done by the I/O thread, without the lock.
 */
#include "devices/virtio/virtio_internal.h"

#include "lib/event.h"
#include "lib/util.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>

/* Status bits that are the driver's to set. */
#define DRIVER_STATUS                                                                              \
	(VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_DRIVER_OK |        \
		VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_FAILED)

/* ---- what is done without the lock ---- */

void virtio_leave(struct virtio_device *v)
{
	if (!v->waits)
		return;
	v->away = true;
	virtio_unlock(v);
}

void virtio_return(struct virtio_device *v)
{
	if (!v->waits)
		return;
	virtio_lock(v);
	v->away = false;
}

void virtio_put_off(struct virtio_device *v, enum virtio_due what)
{
	v->due |= what;
	eventfd_write(v->change.fd, 1);
}

/* ---- status ---- */

void virtio_fail(struct virtio_device *v)
{
	if (v->status & VIRTIO_CONFIG_S_NEEDS_RESET)
		return;
	v->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	if (!(v->status & VIRTIO_CONFIG_S_DRIVER_OK) || v->resetting)
		return;
	if (v->cls->halt && v->waits)
		virtio_put_off(v, VIRTIO_DUE_HALT);
	else if (v->cls->halt)
		v->cls->halt(v);
	v->transport->config_interrupt(v->transport_ctx);
}

void virtio_reset_done(struct virtio_device *v)
{
	v->resetting = v->live = false;
	v->status = 0;
	v->accepted = 0;
}

static void reset_queues(struct virtio_device *v)
{
	for (unsigned i = 0; i < v->queue_count; i++)
		virtio_queue_reset(&v->queues[i]);
	v->transport->reset(v->transport_ctx);
}

/* Until the device has let go of the guest's memory the driver sees the status that it had. */
static void reset(struct virtio_device *v)
{
	v->resetting = true;
	if (v->waits && (v->live || v->away)) {
		virtio_put_off(v, VIRTIO_DUE_RESET);
		return;
	}
	v->due = 0;
	reset_queues(v);
	if (!v->cls->reset || v->cls->reset(v))
		virtio_reset_done(v);
}

/* A subset of what was offered, which is no legacy driver's [VIRTIO 1.2 2.2.2, 6.2]. */
static bool features_fit(const struct virtio_device *v)
{
	return !(v->accepted & ~v->offered) && virtio_has(v, VIRTIO_F_VERSION_1);
}

/* It is at work, unless RET, what its class says, is an error. */
static void activated(struct virtio_device *v, int ret)
{
	if (ret)
		virtio_fail(v);
	/* Requests may be in the queues already [VIRTIO 1.2 3.1.1]. */
	for (unsigned i = 0; i < v->queue_count; i++) {
		if (v->queues[i].enabled)
			virtio_resume(v, i);
	}
}

/* A device that has failed before stays as it is: nobody would halt what was started then. */
static void activate(struct virtio_device *v)
{
	v->status |= VIRTIO_CONFIG_S_DRIVER_OK;
	if (v->status & VIRTIO_CONFIG_S_NEEDS_RESET)
		return;
	if (v->waits) {
		virtio_put_off(v, VIRTIO_DUE_ACTIVATE);
		return;
	}
	v->live = true;
	virtio_find_calls(v);
	activated(v, v->cls->activate ? v->cls->activate(v) : 0);
}

uint8_t virtio_get_status(const struct virtio_device *v)
{
	return v->status;
}

/* A driver sets bits and clears none. What it sets too early stays clear. */
void virtio_set_status(struct virtio_device *v, uint8_t status)
{
	uint8_t set = status & DRIVER_STATUS & ~v->status;

	if (v->resetting)
		return;
	if (!status) {
		reset(v);
		return;
	}
	if (!features_fit(v))
		set &= (uint8_t)~VIRTIO_CONFIG_S_FEATURES_OK;
	v->status |= set & (uint8_t)~VIRTIO_CONFIG_S_DRIVER_OK;
	if (set & VIRTIO_CONFIG_S_DRIVER_OK && v->status & VIRTIO_CONFIG_S_FEATURES_OK)
		activate(v);
}

/* ---- what was put off ---- */

static void reset_now(struct virtio_device *v)
{
	bool done = true;

	v->due = 0;
	reset_queues(v);
	if (v->live && v->cls->reset) {
		virtio_leave(v);
		done = v->cls->reset(v);
		virtio_return(v);
	}
	if (done)
		virtio_reset_done(v);
}

static void activate_now(struct virtio_device *v)
{
	int ret = 0;

	v->due &= ~(unsigned)(VIRTIO_DUE_ACTIVATE | VIRTIO_DUE_CALLS);
	if (v->status & VIRTIO_CONFIG_S_NEEDS_RESET)
		return;
	virtio_find_calls(v);
	virtio_leave(v);
	if (v->cls->activate)
		ret = v->cls->activate(v);
	virtio_return(v);
	v->live = true;
	activated(v, ret);
	/* Of a change before now nobody was told. */
	if (v->config_unseen && virtio_is_live(v))
		v->transport->config_interrupt(v->transport_ctx);
}

static void halt_now(struct virtio_device *v)
{
	v->due &= ~(unsigned)VIRTIO_DUE_HALT;
	virtio_leave(v);
	v->cls->halt(v);
	virtio_return(v);
}

static void tell_calls(struct virtio_device *v)
{
	int ret = 0;

	v->due &= ~(unsigned)VIRTIO_DUE_CALLS;
	if (!virtio_is_live(v))
		return;
	virtio_find_calls(v);
	virtio_leave(v);
	for (unsigned i = 0; i < v->queue_count && !ret; i++) {
		if (v->queues[i].served && v->queues[i].enabled)
			ret = v->cls->call_changed(v, i);
	}
	virtio_return(v);
	if (ret)
		virtio_fail(v);
}

/* I/O thread: one thing at a time, as a driver can go on asking for more. */
static void change_ready(struct loop_watch *w, uint32_t revents)
{
	struct virtio_device *v = container_of(w, struct virtio_device, change);

	(void)revents;
	event_take(w->fd);
	virtio_lock(v);
	if (v->due & VIRTIO_DUE_RESET)
		reset_now(v);
	else if (v->due & VIRTIO_DUE_HALT)
		halt_now(v);
	else if (v->due & VIRTIO_DUE_ACTIVATE)
		activate_now(v);
	else if (v->due)
		tell_calls(v);
	if (v->due)
		eventfd_write(w->fd, 1);
	virtio_unlock(v);
}

int virtio_watch_changes(struct virtio_device *v)
{
	v->waits = true;
	v->change.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	v->change.events = POLLIN;
	v->change.ready = change_ready;
	return v->change.fd < 0 ? -errno : loop_watch(v->loop, &v->change);
}
