/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/net.h"

#include "lib/util.h"
#include "supervisor/helper.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_bridge.h>
#include <linux/if_ether.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define TUN       "/dev/net/tun"
#define VHOST_NET "/dev/vhost-net"

/* What a tap device is opened as, and its file in /sys says of one that is there. */
#define TAP_FLAGS (IFF_TAP | IFF_NO_PI | IFF_VNET_HDR)

#define BRIDGE_PORTS 1024 /* as many as one has */

#define MAKE_ONE "make one as root: ip tuntap add %s mode tap user NAME && ip link set %s up"

static void fail(struct opening *o, const char *key, const char *fmt, ...) PRINTF_LIKE(3, 4);
static void fail(struct opening *o, const char *key, const char *fmt, ...)
{
	char full[64], field[PLAN_FIELD_MAX], text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(full, sizeof(full), "%s%s%s", o->key, *key ? "." : "", key);
	diag_error(o->files->diags, &o->device->loc, plan_field(o->files->child->plan, full, field),
		"%s", text);
}

/* ---- tap devices ---- */

/* A request about interface NAME. 0 or -errno. */
static int ask(unsigned long request, const char *name, struct ifreq *r)
{
	AUTO_CLOSE int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(r->ifr_name, sizeof(r->ifr_name), "%s", name);
	return fd < 0 || ioctl(fd, request, r) < 0 ? -errno : 0;
}

static int bring_up(const char *name)
{
	struct ifreq r = {0};
	int ret = ask(SIOCGIFFLAGS, name, &r);

	if (ret || r.ifr_flags & IFF_UP)
		return ret;
	r.ifr_flags |= IFF_UP;
	return ask(SIOCSIFFLAGS, name, &r);
}

/*
 * True for a tap device that a program uses: it is up, and has a carrier. Not IFF_RUNNING, which
 * stays for up to a second after that program's end.
 */
static bool is_running(const char *name)
{
	struct ethtool_value link = {.cmd = ETHTOOL_GLINK};
	struct ifreq r = {.ifr_data = (char *)&link};

	return ask(SIOCETHTOOL, name, &r) == 0 && link.data;
}

/* Why FD could not become a queue of the tap device NAME ("": a new one), as ERROR says. */
static void attach_failed(struct opening *o, const char *name, int error)
{
	const char *shown = *name ? name : "tap0";
	bool there = *name && if_nametoindex(name);

	if (error == EBUSY)
		fail(o, "tap", "%s is used by another program; end that, or give another", name);
	else if (error == EINVAL && there && o->device->net.queues > 1)
		fail(o, "tap",
			"%s is no tap device with several queues; make it with: ip tuntap add %s mode "
			"tap multi_queue",
			name, name);
	else if (error == EINVAL && there)
		fail(o, "tap", "%s is no tap device; give another name", name);
	else if (error == EPERM && there)
		fail(o, "tap", "%s belongs to another user; " MAKE_ONE, name, shown, shown);
	else if (error == EPERM)
		fail(o, *name ? "tap" : "bridge", "a new tap device takes CAP_NET_ADMIN; " MAKE_ONE,
			shown, shown);
	else
		fail(o, "tap", "the tap device %s cannot be used: %s; see dmesg", name,
			strerror(error));
}

/*
 * Queue NUMBER of the tap device NAME, which is filled in where it is a pattern. A device with
 * several queues is opened as one, even for a single one.
 */
static int attach_queue(struct opening *o, unsigned number, char name[IFNAMSIZ])
{
	AUTO_CLOSE int fd = open(TUN, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	int flags = TAP_FLAGS | (o->device->net.queues > 1 ? IFF_MULTI_QUEUE : 0);
	int header = sizeof(struct virtio_net_hdr_v1), error;
	bool taken = !number && is_running(name);
	struct ifreq r = {.ifr_flags = (short)flags};

	if (fd < 0 && (errno == ENOENT || errno == ENODEV || errno == ENXIO)) {
		fail(o, "", "this host has no " TUN "; load its module: modprobe tun");
		return -1;
	}
	if (fd < 0) {
		child_open_failed(o->files, o->key, &o->device->loc, TUN);
		return -1;
	}
	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	error = ioctl(fd, TUNSETIFF, &r) ? errno : 0;
	if (error == EINVAL && !(flags & IFF_MULTI_QUEUE)) {
		r.ifr_flags = (short)(flags | IFF_MULTI_QUEUE);
		if (ioctl(fd, TUNSETIFF, &r) == 0)
			error = 0;
	}
	/* One with several queues takes those of another program, too. */
	if (!error && taken)
		error = EBUSY;
	if (!error && ioctl(fd, TUNSETVNETHDRSZ, &header))
		error = errno;
	if (error) {
		attach_failed(o, strchr(name, '%') ? "" : name, error);
		return -1;
	}
	snprintf(name, IFNAMSIZ, "%s", r.ifr_name);
	return fd_release(&fd);
}

/* By the bridge's own list; /sys may be that of another network namespace. */
static bool is_port_of(const char *name, const char *bridge)
{
	int ports[BRIDGE_PORTS] = {0};
	unsigned long list[4] = {BRCTL_GET_PORT_LIST, (uintptr_t)ports, BRIDGE_PORTS};
	struct ifreq r = {.ifr_data = (void *)list};
	int index = (int)if_nametoindex(name);

	if (ask(SIOCDEVPRIVATE, bridge, &r))
		return false;
	for (unsigned i = 0; i < BRIDGE_PORTS; i++) {
		if (ports[i] == index)
			return true;
	}
	return false;
}

static void join_bridge(struct opening *o, const char *name)
{
	const char *bridge = o->device->net.bridge;
	struct ifreq r = {.ifr_ifindex = (int)if_nametoindex(name)};
	int ret;

	if (!if_nametoindex(bridge)) {
		fail(o, "bridge",
			"this host has no bridge %s; make it as root: ip link add %s type bridge && ip "
			"link set %s up",
			bridge, bridge, bridge);
		return;
	}
	if (is_port_of(name, bridge))
		return;
	ret = ask(SIOCBRADDIF, bridge, &r);
	if (ret == -EBUSY)
		fail(o, "bridge",
			"%s belongs to another bridge; remove it there: ip link set %s nomaster",
			name, name);
	else if (ret == -EPERM)
		fail(o, "bridge",
			"connecting %s takes CAP_NET_ADMIN; connect it as root: ip link set %s master %s",
			name, name, bridge);
	else if (ret == -EOPNOTSUPP || ret == -EINVAL)
		fail(o, "bridge", "%s is no bridge; give the name of one", bridge);
	else if (ret)
		fail(o, "bridge", "%s cannot be connected to %s: %s; see dmesg", name, bridge,
			strerror(-ret));
	else
		bring_up(bridge);
}

/* Up, on its bridge, and of which MTU. */
static void settle_tap(struct opening *o, const char *name)
{
	unsigned index = (unsigned)(o->device - o->files->child->plan->devices);
	struct ifreq r = {0};
	int ret;

	if (o->device->net.bridge)
		join_bridge(o, name);
	ret = bring_up(name);
	if (ret)
		fail(o, "tap",
			"%s is down, and cannot be set up: %s; do it as root: ip link set %s up",
			name, strerror(-ret), name);
	if (ask(SIOCGIFMTU, name, &r) == 0 && r.ifr_mtu > 0 && r.ifr_mtu <= UINT16_MAX)
		o->files->child->mtus[index] = (uint16_t)r.ifr_mtu;
}

/* As a device that is made takes it: nothing is left of the one before. */
static void reset_queue(int fd)
{
	const struct ifreq attach = {.ifr_flags = IFF_ATTACH_QUEUE};

	ioctl(fd, TUNSETQUEUE, &attach); /* one that is in use refuses */
	ioctl(fd, TUNSETOFFLOAD, 0);
}

/* Its queues stay open for the life of the run, so that a restart finds the same device. */
static void open_tap(struct opening *o)
{
	const struct plan_net *net = &o->device->net;
	unsigned index = (unsigned)(o->device - o->files->child->plan->devices);
	int *kept = o->files->child->taps[index];
	bool first = kept[0] < 0;
	char name[IFNAMSIZ];

	snprintf(name, sizeof(name), "%s", net->tap ? net->tap : "tap%d");
	for (unsigned i = 0; i < net->queues; i++) {
		if (first)
			kept[i] = attach_queue(o, i, name);
		if (kept[i] < 0)
			return;
		reset_queue(kept[i]);
		o->fds[i] = child_keep(o->files, fcntl(kept[i], F_DUPFD_CLOEXEC, 3));
		if (o->fds[i] < 0)
			child_open_failed(o->files, o->key, &o->device->loc, TUN);
	}
	if (first)
		settle_tap(o, name);
	o->files->launch.device_mtus[index] = o->files->child->mtus[index];
}

/* The kernel's part, one for each pair of queues; what is not there is missed only if it must be.
 */
static void open_vhost(struct opening *o)
{
	const struct plan_net *net = &o->device->net;

	for (unsigned i = 0; i < net->queues; i++) {
		int fd = child_keep(o->files, open(VHOST_NET, O_RDWR | O_CLOEXEC));

		o->fds[PLAN_NET_QUEUES_MAX + i] = fd;
		if (fd >= 0)
			continue;
		if (net->vhost == PLAN_WISH_ON)
			opening_vhost_failed(o, VHOST_NET, "vhost_net");
		return;
	}
}

/* ---- passt ---- */

/*
 * A frame that means nothing, sent by the guest's address: passt takes it as soon as it is ready,
 * and not before.
 */
static void send_hello(int fd, const char *mac)
{
	struct {
		uint32_t length;
		struct ethhdr header;
		uint8_t nothing[46];
	} __attribute__((packed)) hello = {.length = htonl(60)};

	memset(hello.header.h_dest, 0xFF, ETH_ALEN);
	plan_net_mac(mac, hello.header.h_source);
	hello.header.h_proto = htons(0x88B5); /* for experiments [IEEE 802] */
	(void)!send(fd, &hello, sizeof(hello), MSG_DONTWAIT | MSG_NOSIGNAL);
}

static bool hello_taken(int fd)
{
	struct pollfd p = {.fd = fd};
	int left = 0;

	/* One that has ended has taken nothing, though nothing is left then. */
	return ioctl(fd, SIOCOUTQ, &left) == 0 && left == 0 && poll(&p, 1, 0) == 0;
}

/* Has one started at the other end of PAIR[0]. 0 or a negative errno. */
static int start_passt(struct opening *o, const char *path, const int pair[2])
{
	struct child *child = o->files->child;
	char fd[16];
	char *argv[9] = {(char *)"passt", (char *)"--foreground", (char *)"--quiet",
		(char *)"--stderr", (char *)"--fd", fd};
	struct helper_program p = {
		.child = child,
		.device = (unsigned)(o->device - child->plan->devices),
		.path = path,
		.argv = argv,
		.fd = pair[1],
		.remedy =
			"see what it says; it needs an interface with an address and a default route",
		.ready = hello_taken,
		.ready_fd = fcntl(pair[0], F_DUPFD_CLOEXEC, 3),
	};

	if (p.ready_fd < 0)
		return -errno;
	snprintf(fd, sizeof(fd), "%d", pair[1]);
	if (o->device->net.forward) {
		argv[6] = (char *)"--tcp-ports";
		argv[7] = o->device->net.forward;
	}
	send_hello(pair[0], o->device->net.mac);
	return helper_start(&p);
}

#define NO_PASST                                                                                   \
	"passt is not on this host; install the package passt, or give the device tap, bridge or " \
	"socket"

static void open_passt(struct opening *o)
{
	char path[PATH_MAX];
	int pair[2], ret;

	if (helper_find("passt", path)) {
		fail(o, "", NO_PASST);
		return;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) {
		child_open_failed(o->files, o->key, &o->device->loc, "a socket");
		return;
	}
	o->fds[0] = child_keep(o->files, pair[0]);
	ret = start_passt(o, path, pair);
	close(pair[1]);
	if (ret)
		fail(o, "", "%s cannot be started: %s; %s", path, strerror(-ret),
			diag_remedy(-ret) ?: "see its permissions");
}

/* One that runs already, or something like it. */
static void open_socket(struct opening *o)
{
	const char *path = o->device->net.socket;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = child_keep(
		o->files, socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		o->fds[0] = fd;
	else if (errno == EAGAIN)
		fail(o, "socket", "%s: it serves somebody else; start one passt for each device",
			path);
	else
		fail(o, "socket", "%s: %s; start it first: passt --socket %s", path,
			strerror(errno), path);
}

/* ---- the device ---- */

void net_open(struct opening *o)
{
	const struct plan_net *net = &o->device->net;

	if (net->socket)
		open_socket(o);
	else if (!plan_net_is_tap(net))
		open_passt(o);
	else
		open_tap(o);
	if (plan_net_is_tap(net) && net->vhost != PLAN_WISH_OFF)
		open_vhost(o);
}

static void check_device(const struct plan_partition *p, unsigned i, struct diags *diags)
{
	const struct plan_device *d = &p->devices[i];
	const struct plan_net *net = &d->net;
	char key[64], field[PLAN_FIELD_MAX], path[PATH_MAX];
	struct stat st;

	if (net->bridge && !if_nametoindex(net->bridge)) {
		snprintf(key, sizeof(key), "devices.%u.bridge", i);
		diag_error(diags, &d->loc, plan_field(p, key, field),
			"this host has no bridge %s; make it as root: ip link add %s type bridge",
			net->bridge, net->bridge);
	}
	if (net->socket && (stat(net->socket, &st) || !S_ISSOCK(st.st_mode))) {
		snprintf(key, sizeof(key), "devices.%u.socket", i);
		diag_error(diags, &d->loc, plan_field(p, key, field),
			"%s is no socket; start what serves it first: passt --socket %s",
			net->socket, net->socket);
	}
	if (!net->socket && !plan_net_is_tap(net) && helper_find("passt", path)) {
		snprintf(key, sizeof(key), "devices.%u", i);
		diag_error(diags, &d->loc, plan_field(p, key, field), NO_PASST);
	}
	if (plan_net_is_tap(net) && access(TUN, F_OK)) {
		snprintf(key, sizeof(key), "devices.%u", i);
		diag_error(diags, &d->loc, plan_field(p, key, field),
			"this host has no " TUN "; load its module: modprobe tun");
	}
}

void net_check(const struct plan *plan, struct diags *diags)
{
	for (unsigned p = 0; p < plan->partition_count; p++) {
		const struct plan_partition *part = &plan->partitions[p];

		for (unsigned i = 0; i < part->device_count; i++) {
			if (part->devices[i].type == PLAN_DEVICE_NET)
				check_device(part, i, diags);
		}
	}
}
