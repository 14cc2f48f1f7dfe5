/* SPDX-License-Identifier: BSD-3-Clause */
/* The keys of devices: a table for each type. */
#include "plan/schema.h"

#include <sys/socket.h>
#include <sys/un.h>

static const char *const transport_names[] = {"pci", "mmio", NULL};
static const char *const vhost_names[] = {"auto", "off", "on", NULL}; /* enum plan_wish */

#define DEVICE(m) .offset = offsetof(struct plan_device, m)

const char *const device_type_names[] = {
	[PLAN_DEVICE_RNG] = "rng",
	[PLAN_DEVICE_VSOCK] = "vsock",
	[PLAN_DEVICE_IVSHMEM] = "ivshmem",
	[PLAN_DEVICE_CONSOLE] = "console",
	[PLAN_DEVICE_FS] = "fs",
	[PLAN_DEVICE_NET] = "net",
	[PLAN_DEVICE_BLK] = "blk",
	NULL,
};

/* clang-format off: it knows no tables in macros */

/* What every device has. */
#define DEVICE_KEYS                                                                                      \
	{.name = "type",                                                                                 \
		.type = KEY_ENUM,                                                                        \
		.required = true,                                                                        \
		DEVICE(type),                                                                            \
		.names = device_type_names,                                                              \
		.help = "What it is."},                                                                  \
		{.name = "name",                                                                         \
			.type = KEY_STRING,                                                              \
			DEVICE(name),                                                                    \
			.def_doc = "its type and a number: `rng0`",                                      \
			.help = "What messages and statistics call it; written as a partition's name."}, \
	{                                                                                                \
		.name = "slot", .type = KEY_COUNT, .nullable = true, DEVICE(slot), .min = 1,             \
		.max = PLAN_SLOT_MAX, .def_doc = "the next that is free",                                \
		.help = "Its PCI device number on bus 0: slot 5 is 00:05.0."                             \
	}

/* What every virtio device has. */
#define VIRTIO_KEYS                                                                                \
	DEVICE_KEYS,                                                                               \
	{                                                                                          \
		.name = "transport", .type = KEY_ENUM, DEVICE(transport),                          \
		.names = transport_names, .def = "pci",                                            \
		.help = "How the guest finds it: `pci`, or `mmio`, registers that the firmware "   \
			"tables describe; without a slot then."                                    \
	}

/* clang-format on */

static const struct key rng_keys[] = {VIRTIO_KEYS, {0}};

static const struct key vsock_keys[] = {
	VIRTIO_KEYS,
	{.name = "cid",
		.type = KEY_COUNT,
		.required = true,
		DEVICE(vsock.cid),
		.min = PLAN_CID_MIN,
		.max = PLAN_CID_MAX,
		.help = "The guest's address among all sockets of this kind on the host: no other "
			"guest has it, of this run or another. The host is 2."},
	{0},
};

static const struct key ivshmem_keys[] = {
	DEVICE_KEYS,
	{.name = "region",
		.type = KEY_STRING,
		.required = true,
		DEVICE(ivshmem.region),
		.help = "The region of `shared` that it shows. The partition is one of its peers."},
	{0},
};

static const struct key console_keys[] = {
	VIRTIO_KEYS,
	{.name = "ports",
		.type = KEY_PORTS,
		DEVICE(console.ports),
		.def_doc = "`[console]`",
		.max = PLAN_CONSOLE_PORTS,
		.list = &ports_list,
		.fields = console_port_keys,
		.help = "A list of up to eight ports. Each is `console` (this run's console), `none`, "
			"`null` (output goes nowhere), `pty`, `testdev` (docs/testdev.md), `file:PATH`, `socket:PATH`, or a "
			"mapping. One without a name is a console of the guest: /dev/hvc0 and so "
			"on."},
	{0},
};

static const struct key fs_keys[] = {
	VIRTIO_KEYS,
	{.name = "tag",
		.type = KEY_STRING,
		.required = true,
		DEVICE(fs.tag),
		.help = "What the guest mounts: `mount -t virtiofs TAG /mnt`. Up to 36 bytes."},
	{.name = "path",
		.type = KEY_PATH,
		.nullable = true,
		DEVICE(fs.path),
		.def_doc = "none",
		.help = "The folder that is shared, by a virtiofsd that is started with the "
			"partition. Either this or `socket`."},
	{.name = "socket",
		.type = KEY_PATH,
		.nullable = true,
		DEVICE(fs.socket),
		.def_doc = "none",
		.max = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1,
		.help = "The socket of a virtiofsd, or another vhost-user server of files, that runs "
			"already."},
	{.name = "readonly",
		.type = KEY_BOOL,
		DEVICE(fs.readonly),
		.def = "false",
		.help = "With `path`: the guest cannot change anything. Takes a virtiofsd that has "
			"--readonly; with `socket`, the one who started the server decides."},
	{0},
};

static const struct key net_keys[] = {
	VIRTIO_KEYS,
	{.name = "tap",
		.type = KEY_STRING,
		.nullable = true,
		DEVICE(net.tap),
		.def_doc = "with `bridge`: a new one",
		.help = "A tap device of the host that the guest's frames go through: one that is there "
			"(`ip tuntap add NAME mode tap user $USER`), or a name for one that is made for "
			"the run, which takes CAP_NET_ADMIN. Without `tap`, `bridge` and `socket`, passt "
			"is started for the device, which takes no rights at all."},
	{.name = "bridge",
		.type = KEY_STRING,
		.nullable = true,
		DEVICE(net.bridge),
		.help = "A bridge of the host that the tap device is connected to. Takes CAP_NET_ADMIN."},
	{.name = "socket",
		.type = KEY_PATH,
		.nullable = true,
		DEVICE(net.socket),
		.max = sizeof(((struct sockaddr_un *)0)->sun_path) - 1,
		.help = "The socket of a passt that runs already (`passt --socket PATH`), or of any "
			"program that takes and gives frames after their length, as QEMU's `-netdev "
			"stream` does."},
	{.name = "forward",
		.type = KEY_STRING,
		.nullable = true,
		DEVICE(net.forward),
		.help = "TCP ports of the host that lead to the guest, when passt is started for the "
			"device: `2222:22,8080:80`."},
	{.name = "mac",
		.type = KEY_STRING,
		DEVICE(net.mac),
		.def_doc = "made of the names of plan, partition and device",
		.help = "The guest's Ethernet address, such as `02:00:00:00:00:01`."},
	{.name = "queues",
		.type = KEY_COUNT,
		DEVICE(net.queues),
		.min = 1,
		.max = PLAN_NET_QUEUES_MAX,
		.def = "1",
		.help = "How many pairs of queues there are, for guests with as many vCPUs. A tap device "
			"that is there must have been made with `multi_queue` for more than one."},
	{.name = "vhost",
		.type = KEY_ENUM,
		DEVICE(net.vhost),
		.names = vhost_names,
		.def = "auto",
		.help = "Whether the host's kernel moves the frames of a tap device itself, through "
			"/dev/vhost-net: `auto`, where it can."},
	{0},
};

static const char *const cache_names[] = {"writeback", "none", NULL};

static const struct key blk_keys[] = {
	VIRTIO_KEYS,
	{.name = "path",
		.type = KEY_PATH,
		.required = true,
		DEVICE(blk.path),
		.help = "The disk's bytes: a raw image, or a block device of the host."},
	{.name = "readonly",
		.type = KEY_BOOL,
		DEVICE(blk.readonly),
		.def = "false",
		.help = "The guest cannot write to it. Several partitions may have one image so."},
	{.name = "cache",
		.type = KEY_ENUM,
		DEVICE(blk.cache),
		.names = cache_names,
		.def = "writeback",
		.help = "`writeback`: through the host's page cache. `none`: past it (O_DIRECT), where "
			"the file system can. What the guest has flushed is on the medium with either."},
	{.name = "serial",
		.type = KEY_STRING,
		.nullable = true,
		DEVICE(blk.serial),
		.def_doc = "none",
		.help = "Its serial number, up to 20 bytes: in Linux, /dev/disk/by-id/virtio-SERIAL."},
	{.name = "discard",
		.type = KEY_BOOL,
		DEVICE(blk.discard),
		.def = "true",
		.help = "What the guest gives up (TRIM) is given back to the host's file system."},
	{.name = "queues",
		.type = KEY_COUNT,
		DEVICE(blk.queues),
		.min = 1,
		.max = PLAN_BLK_QUEUES_MAX,
		.def = "1",
		.help = "Request queues, so that vCPUs need not share one."},
	{0},
};

/* By enum plan_device_type. */
static const struct key *const device_variants[] = {
	[PLAN_DEVICE_RNG] = rng_keys,
	[PLAN_DEVICE_VSOCK] = vsock_keys,
	[PLAN_DEVICE_IVSHMEM] = ivshmem_keys,
	[PLAN_DEVICE_CONSOLE] = console_keys,
	[PLAN_DEVICE_FS] = fs_keys,
	[PLAN_DEVICE_NET] = net_keys,
	[PLAN_DEVICE_BLK] = blk_keys,
};

const struct key_list devices_list = {
	.count = offsetof(struct plan_partition, device_count),
	.element_size = sizeof(struct plan_device),
	.element_loc = offsetof(struct plan_device, loc),
	.what = "devices",
	.example = "[rng, {type: rng, slot: 5}]",
	.variants = device_variants,
	.element_type = offsetof(struct plan_device, type),
};
