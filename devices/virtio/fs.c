/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * File system device [VIRTIO 1.2 5.11]: FUSE requests in a queue, and one more queue for those with
 * priority, both served by another process, which has the files.
 *
 * Left out: notifications of the host's (VIRTIO_FS_F_NOTIFICATION), the DAX window, more than one
 * queue of requests: its server has threads for them.
 */
#include "devices/virtio/fs.h"

#include "lib/util.h"

#include <errno.h>
#include <linux/virtio_fs.h>
#include <linux/virtio_ids.h>
#include <string.h>

#define REQUEST_QUEUES 1
#define QUEUES         (1 + REQUEST_QUEUES) /* the first is the one with priority */

_Static_assert(sizeof(((struct virtio_fs_config *)NULL)->tag) == VIRTIO_FS_TAG_MAX, "tag");
_Static_assert(QUEUES <= VHOST_USER_QUEUES_MAX, "served by one process");

struct virtio_fs {
	struct virtio_device virtio;
	struct vhost_user server;
};

static struct virtio_fs *to_fs(struct virtio_device *v)
{
	return container_of(v, struct virtio_fs, virtio);
}

static int fs_activate(struct virtio_device *v)
{
	return vhost_user_start(&to_fs(v)->server);
}

static bool fs_reset(struct virtio_device *v)
{
	return vhost_user_stop(&to_fs(v)->server);
}

static void fs_halt(struct virtio_device *v)
{
	vhost_user_halt(&to_fs(v)->server);
}

static int fs_call_changed(struct virtio_device *v, unsigned queue)
{
	vhost_user_call_changed(&to_fs(v)->server, queue);
	return 0;
}

static void fs_destroy(struct virtio_device *v)
{
	vhost_user_fini(&to_fs(v)->server);
	virtio_fini(v);
	free(to_fs(v));
}

static const struct virtio_class fs_class = {
	.name = "virtio-fs",
	.device_id = VIRTIO_ID_FS,
	.pci_class = 0x018000, /* mass storage controller, other */
	.activate = fs_activate,
	.reset = fs_reset,
	.halt = fs_halt,
	.call_changed = fs_call_changed,
	.destroy = fs_destroy,
};

int virtio_fs_create(
	struct machine *m, const struct fs_config *cfg, struct virtio_device **ret_device)
{
	struct virtio_fs_config config = {.num_request_queues = REQUEST_QUEUES};
	const struct virtio_setup setup = {
		.cls = &fs_class,
		.machine = m,
		.loop = cfg->loop,
		.config_size = sizeof(config),
		.queues = QUEUES,
		.served = ((uint64_t)1 << QUEUES) - 1,
	};
	struct virtio_fs *f = calloc(1, sizeof(*f));
	struct vhost_user_setup server = {
		.notice = cfg->notice,
		.fd = cfg->socket_fd,
		.count = QUEUES,
		.memory = cfg->memory,
		.patience_ns = cfg->patience_ns,
	};
	int ret;

	if (!f)
		return -ENOMEM;
	server.device = &f->virtio;
	ret = virtio_init(&f->virtio, &setup);
	if (!ret)
		ret = vhost_user_init(&f->server, &server);
	if (ret) {
		fs_destroy(&f->virtio);
		return ret;
	}
	/* Without a NUL where it takes all bytes. */
	memcpy(config.tag, cfg->tag, strnlen(cfg->tag, sizeof(config.tag)));
	memcpy(f->virtio.config, &config, sizeof(config));
	*ret_device = &f->virtio;
	return 0;
}
