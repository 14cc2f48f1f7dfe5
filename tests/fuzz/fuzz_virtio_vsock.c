/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The socket device behind MMIO registers, whose driver writes anything to them; the kernel that
 * serves its queues is made up, and sees to the rules of its interface: nothing of a queue changes
 * while it is served, and what it is given lies in the guest's memory. Eight bytes are a step.
 */
#include "devices/virtio/vsock.h"
#include "tests/fuzz/virtio_world.h"

#include <errno.h>
#include <linux/vhost.h>
#include <sys/eventfd.h>

#define QUEUES 3
#define VRINGS 2
#define FD     1000 /* never used as one */

static struct {
	bool running;
	unsigned fails; /* at a start: how many requests from now one fails; 0: none */
	struct {
		unsigned size;
		int kick, call, error;
	} vrings[VRINGS];
} kernel;

static void check_area(uint64_t address, uint64_t size)
{
	uintptr_t ram = (uintptr_t)guest_ram;

	assert(address >= ram && address - ram <= RAM_SIZE && size <= RAM_SIZE - (address - ram));
}

static void check_addresses(const struct vhost_vring_addr *a)
{
	unsigned size = kernel.vrings[a->index].size;

	check_area(a->desc_user_addr, 16 * size);
	check_area(a->avail_user_addr, 4 + 2 * size);
	check_area(a->used_user_addr, 4 + 8 * size);
}

static void set_vring(unsigned long request, void *arg)
{
	const struct vhost_vring_file *file = arg;

	assert(file->index < VRINGS && (!kernel.running || request == VHOST_SET_VRING_CALL));
	if (request == VHOST_SET_VRING_NUM) {
		kernel.vrings[file->index].size = ((struct vhost_vring_state *)arg)->num;
		assert(kernel.vrings[file->index].size);
	} else if (request == VHOST_SET_VRING_ADDR) {
		check_addresses(arg);
	} else if (request == VHOST_SET_VRING_KICK) {
		kernel.vrings[file->index].kick = file->fd;
	} else if (request == VHOST_SET_VRING_CALL) {
		kernel.vrings[file->index].call = file->fd;
	} else if (request == VHOST_SET_VRING_ERR) {
		kernel.vrings[file->index].error = file->fd;
	} else {
		assert(request == VHOST_SET_VRING_BASE);
	}
}

static int ask(int fd, unsigned long request, void *arg)
{
	assert(fd == FD);
	if (kernel.fails && !--kernel.fails)
		return -EFAULT;
	switch (request) {
	case VHOST_SET_OWNER:
	case VHOST_SET_MEM_TABLE:
	case VHOST_SET_FEATURES:
		break;
	case VHOST_GET_FEATURES:
		*(uint64_t *)arg = (uint64_t)0x130000002;
		break;
	case VHOST_VSOCK_SET_RUNNING:
		kernel.running = *(int *)arg;
		break;
	default:
		set_vring(request, arg);
	}
	return 0;
}

static void set_up(const struct step *s)
{
	out(VIRTIO_MMIO_STATUS, 4, 0);
	/* The I/O thread talks to the kernel. */
	for (unsigned i = 0; in(VIRTIO_MMIO_STATUS, 4) && i < 1000; i++)
		run();
	assert(!in(VIRTIO_MMIO_STATUS, 4) && !line && !kernel.running);
	out(VIRTIO_MMIO_STATUS, 4, 3);
	out(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 4, 0);
	out(VIRTIO_MMIO_DRIVER_FEATURES, 4, (uint32_t)(s->index >> 4 & 3) << 28);
	out(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 4, 1);
	out(VIRTIO_MMIO_DRIVER_FEATURES, 4, 1);
	out(VIRTIO_MMIO_STATUS, 4, 11);
	for (unsigned i = 0; i < QUEUES; i++) {
		out(VIRTIO_MMIO_QUEUE_SEL, 4, i);
		out(VIRTIO_MMIO_QUEUE_NUM, 4, 1u << s->len % 9);
		out(VIRTIO_MMIO_QUEUE_DESC_LOW, 4, RAM_BASE + (uint32_t)s->offset);
		out(VIRTIO_MMIO_QUEUE_AVAIL_LOW, 4, RAM_BASE + DRIVER_AT);
		out(VIRTIO_MMIO_QUEUE_USED_LOW, 4, RAM_BASE + DEVICE_AT);
		if (s->index >> i & 1)
			out(VIRTIO_MMIO_QUEUE_READY, 4, 1);
	}
	kernel.fails = s->flags & 31;
	out(VIRTIO_MMIO_STATUS, 4, 15);
	for (unsigned i = 0; in(VIRTIO_MMIO_STATUS, 4) == 15 && !kernel.running && i < 1000; i++)
		run();
	assert(kernel.running == (in(VIRTIO_MMIO_STATUS, 4) == 15));
	kernel.fails = 0;
}

static void signal_kernel(int fd)
{
	if (kernel.running && fd >= 0)
		eventfd_write(fd, 1);
}

static void step(const struct step *s)
{
	switch (s->what & 15) {
	case 0:
	case 1:
		set_up(s);
		break;
	case 2:
		out(VIRTIO_MMIO_QUEUE_NOTIFY, 4, s->index);
		break;
	case 3:
	case 4:
	case 5:
	case 6:
		world_access(s);
		break;
	case 7:
		signal_kernel(kernel.vrings[s->index % VRINGS].call);
		break;
	case 8:
		signal_kernel(kernel.vrings[s->index % VRINGS].error);
		break;
	case 9:
		out(VIRTIO_MMIO_STATUS, 4, 0);
		break;
	case 10: /* other threads change where nobody looks */
		guest_put(s->offset, &s->flags, 2);
		break;
	default:
		run();
		break;
	}
}

static void make_device(void)
{
	const struct vsock_config vsock = {.loop = loop, .vhost_fd = FD, .cid = 3, .ask = ask};
	struct virtio_device *v;

	memset(&kernel, 0, sizeof(kernel));
	if (virtio_vsock_create(&m, &vsock, &v))
		abort();
	world_add(v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct step s;

	world_init();
	make_device();
	for (; size >= sizeof(s); data += sizeof(s), size -= sizeof(s)) {
		memcpy(&s, data, sizeof(s));
		step(&s);
	}
	machine_fini(&m);
	return 0;
}
