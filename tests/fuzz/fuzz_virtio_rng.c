/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The entropy device behind MMIO registers, whose driver writes anything to them and to memory,
 * while the I/O thread works. Eight bytes are a step; one of them sets the device up as a driver
 * that keeps the rules does, so that inputs need not find that out.
 */
#include "devices/virtio/rng.h"
#include "tests/fuzz/virtio_world.h"

#include <fcntl.h>

static int entropy_fd;

static void set_up(const struct step *s)
{
	world_queue(0, world_negotiate(s, 0));
	world_live();
}

static void step(const struct step *s)
{
	if (!(s->what & 8))
		guest_step(&guest, s);
	else if ((s->what & 7) == 0)
		set_up(s);
	else if ((s->what & 7) < 3)
		world_notify(0);
	else
		world_access(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct virtio_rng_config rng = {0};
	struct virtio_device *v;
	struct step s;

	if (!loop)
		entropy_fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	world_init();
	rng = (struct virtio_rng_config){.loop = loop, .entropy_fd = entropy_fd};
	if (entropy_fd < 0 || virtio_rng_create(&m, &rng, &v))
		abort();
	world_add(v);
	for (; size >= sizeof(s); data += sizeof(s), size -= sizeof(s)) {
		memcpy(&s, data, sizeof(s));
		step(&s);
	}
	machine_fini(&m);
	return 0;
}
