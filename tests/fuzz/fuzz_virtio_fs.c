/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The file system device behind MMIO registers, between a driver that writes anything to them and a
 * back-end of vhost-user that says anything. Eight bytes are a step; the first step is how the
 * back-end introduces itself.
 */
#include "devices/virtio/fs.h"
#include "tests/fuzz/virtio_world.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/socket.h>

#define QUEUES           2
#define GET_VRING_BASE   11
#define SET_VRING_ENABLE 18
#define NEED_REPLY       8

static int memory_fd, server;

/* ---- the back-end ---- */

static void say(uint32_t request, uint32_t flags, uint32_t size, uint64_t number)
{
	struct vhost_user_answer a = {.request = request, .flags = flags, .size = size};

	memcpy(a.payload, &number, sizeof(number));
	(void)!send(server, &a, sizeof(a), MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Reads what there is, and answers what asks for an answer. Descriptors that come are not taken. */
static void serve(bool answer)
{
	struct {
		uint32_t request, flags, size;
		uint8_t payload[300];
	} got;

	while (recv(server, &got, 12, MSG_DONTWAIT) == 12) {
		assert((got.flags & 3) == 1 && got.size <= sizeof(got.payload));
		if (got.size && recv(server, got.payload, got.size, MSG_DONTWAIT) != (int)got.size)
			abort();
		if (answer && (got.flags & NEED_REPLY || got.request == GET_VRING_BASE))
			say(got.request, 5, 8, 0);
	}
}

/* As usual, or with a word that is wrong. */
static void introduce(const struct step *s)
{
	const uint64_t features = (uint64_t)0x171000000 << (s->index & 1);

	say(1, 5, 8, s->what & 1 ? (uint64_t)s->flags << 24 : features);
	say(s->what & 2 ? s->offset : 15, 5, 8, s->what & 4 ? s->len : 9);
	if (!(s->what & 4) || s->len & 1)
		say(17, s->what & 8 ? s->flags : 5, 8, s->what & 16 ? s->len : 2);
	if (!(s->what & 4) || s->len & 8)
		say(5, 5, s->what & 32 ? s->len : 8, s->what & 64);
}

/* ---- steps ---- */

static void set_up(const struct step *s)
{
	out(VIRTIO_MMIO_STATUS, 4, 0);
	run();
	serve(true);
	run();
	out(VIRTIO_MMIO_STATUS, 4, 3);
	out(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 4, 0);
	out(VIRTIO_MMIO_DRIVER_FEATURES, 4, 0);
	out(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 4, 1);
	out(VIRTIO_MMIO_DRIVER_FEATURES, 4, 1);
	out(VIRTIO_MMIO_STATUS, 4, 11);
	for (unsigned i = 0; i < QUEUES; i++) {
		out(VIRTIO_MMIO_QUEUE_SEL, 4, i);
		out(VIRTIO_MMIO_QUEUE_NUM, 4, 1u << s->len % 9);
		out(VIRTIO_MMIO_QUEUE_DESC_LOW, 4, RAM_BASE + DESC_AT);
		out(VIRTIO_MMIO_QUEUE_AVAIL_LOW, 4, RAM_BASE + DRIVER_AT);
		out(VIRTIO_MMIO_QUEUE_USED_LOW, 4, RAM_BASE + DEVICE_AT);
		if (s->index >> i & 1)
			out(VIRTIO_MMIO_QUEUE_READY, 4, 1);
	}
	out(VIRTIO_MMIO_STATUS, 4, 15);
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
	case 7: /* an answer with a word that is wrong */
		say(s->index & 0x80    ? s->index
			: s->index & 1 ? GET_VRING_BASE
				       : SET_VRING_ENABLE,
			s->what & 0x10 ? s->flags : 5, s->what & 0x20 ? s->len : 8, s->what & 0x40);
		break;
	case 8: /* a piece of one */
		(void)!send(server, s, 1 + s->index % sizeof(*s), MSG_DONTWAIT | MSG_NOSIGNAL);
		break;
	case 9:
		out(VIRTIO_MMIO_STATUS, 4, 0);
		break;
	case 10:
		shutdown(server, s->index % 3);
		break;
	case 11:
		serve(false);
		break;
	case 12:
	case 13:
		serve(true);
		break;
	default:
		run();
		break;
	}
}

static bool make_device(int fd)
{
	const struct fs_config fs = {.loop = loop,
		.socket_fd = fd,
		.tag = "data",
		.memory = {.fd = memory_fd, .data = guest_ram},
		.notice = {.device = "fs0"},
		.patience_ns = 1000000};
	struct virtio_device *v;

	if (virtio_fs_create(&m, &fs, &v))
		return false;
	world_add(v);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct step s;
	int pair[2];

	if (!loop) {
		memory_fd = memfd_create("memory", MFD_CLOEXEC);
		if (memory_fd < 0)
			abort();
	}
	if (size < sizeof(s))
		return 0;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		abort();
	server = pair[1];
	world_init();
	memcpy(&s, data, sizeof(s));
	introduce(&s);
	if (make_device(pair[0])) {
		for (data += sizeof(s), size -= sizeof(s); size >= sizeof(s);
			data += sizeof(s), size -= sizeof(s)) {
			memcpy(&s, data, sizeof(s));
			step(&s);
		}
	}
	machine_fini(&m);
	close(server);
	return 0;
}
