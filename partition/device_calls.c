/* SPDX-License-Identifier: BSD-3-Clause */
#include "partition/device_calls.h"

#include "devices/virtio/net.h"
#include "devices/virtio/vhost.h"
#include "devices/virtio/vsock.h"
#include "lib/util.h"

/*
 * One list for each type of device, in a table by enum plan_device_type; types that take nothing
 * more have none. Each rule says what it is for. Of a call that has rules for some arguments here
 * or in lockdown.c (ioctl, fcntl) all rules are such.
 */
struct call_list {
	const struct sandbox_rule *rules;
	size_t count;
	const unsigned *ioctls[2]; /* lists that end with 0, of who serves its queues; or NULL */
};

/* A server that has to be given up. The rest is sendmsg and recvfrom, which all may. */
static const struct sandbox_rule fs_calls[] = {SANDBOX_CALL("shutdown")};

/* The io_uring's work where there is none. */
static const struct sandbox_rule disk_thread_calls[] = {
	SANDBOX_CALL("preadv"),
	SANDBOX_CALL("pwritev2"),
	SANDBOX_CALL("fdatasync"),
	SANDBOX_CALL("fallocate"),
};

static const struct call_list call_lists[] = {
	[PLAN_DEVICE_RNG] = {NULL, 0, {NULL}},     /* read */
	[PLAN_DEVICE_IVSHMEM] = {NULL, 0, {NULL}}, /* eventfds: read, write */
	[PLAN_DEVICE_VSOCK] = {.ioctls = {vhost_runtime_ioctls, virtio_vsock_runtime_ioctls}},
	[PLAN_DEVICE_CONSOLE] = {NULL, 0, {NULL}}, /* its ports are ports as others */
	[PLAN_DEVICE_NET] = {.ioctls = {vhost_runtime_ioctls, virtio_net_runtime_ioctls}},
	[PLAN_DEVICE_BLK] = {NULL, 0, {NULL}}, /* its io_uring takes requests for its file alone */
	[PLAN_DEVICE_FS] = {fs_calls, ARRAY_SIZE(fs_calls), {NULL}},
};

/* Ports with a socket take their clients themselves. */
static const struct sandbox_rule socket_calls[] = {
	SANDBOX_CALL("accept4"),
};

static bool has_device(const struct plan_partition *p, enum plan_device_type type)
{
	for (unsigned i = 0; i < p->device_count; i++) {
		if (p->devices[i].type == type)
			return true;
	}
	return false;
}

bool device_calls_workers(const struct plan_partition *p)
{
	return has_device(p, PLAN_DEVICE_BLK);
}

static int add_ioctls(struct sandbox_filter *filter, const unsigned *requests)
{
	int ret = 0;

	for (; !ret && requests && *requests; requests++) {
		const struct sandbox_rule rule = SANDBOX_CALL_IF("ioctl", 1, *requests);

		ret = sandbox_filter_add(filter, &rule, 1);
	}
	return ret;
}

static bool has_socket(const struct plan_partition *p)
{
	for (unsigned i = 0; i < PLAN_PORTS_MAX; i++) {
		if (plan_port(p, i) && plan_port(p, i)->kind == PLAN_PORT_SOCKET)
			return true;
	}
	return false;
}

int device_calls_add(
	const struct plan_partition *p, bool disk_threads, struct sandbox_filter *filter)
{
	int ret = 0;

	for (unsigned i = 0; !ret && i < ARRAY_SIZE(call_lists); i++) {
		const struct call_list *list = &call_lists[i];

		if (!has_device(p, i))
			continue;
		if (list->count)
			ret = sandbox_filter_add(filter, list->rules, list->count);
		for (unsigned k = 0; !ret && k < ARRAY_SIZE(list->ioctls); k++)
			ret = add_ioctls(filter, list->ioctls[k]);
	}
	if (!ret && disk_threads)
		ret = sandbox_filter_add(filter, disk_thread_calls, ARRAY_SIZE(disk_thread_calls));
	if (!ret && has_socket(p))
		ret = sandbox_filter_add(filter, socket_calls, ARRAY_SIZE(socket_calls));
	return ret;
}
