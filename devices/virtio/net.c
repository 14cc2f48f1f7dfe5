/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Network device [VIRTIO 1.2 5.1]: up to four pairs of queues, each before a port (net_port.h), and
 * a control queue that says how many of them are in use.
 *
 * Frames are taken when the guest has buffers for them, and wait in the kernel or with their sender
 * else, which drop what is too much: the tap device counts it, and a stream's sender is made to
 * wait. What the guest sends waits in its queue while the port does not take it. Frames that make
 * no sense are dropped, as on a cable.
 *
 * The guest is told of each frame, not of a batch: it works on one while the next is moved, and
 * TCP, which lets few frames wait to be sent, makes the next. A driver that is at work has
 * interrupts off.
 *
 * With vhost-net the kernel moves the frames between the tap device and the guest's buffers; the
 * control queue stays here.
 *
 * Left out: filters (VIRTIO_NET_F_CTRL_RX and its like: a guest sees all that comes), the guest's
 * own choice of an address, UFO, which the kernel does no more, RSS, announcements.
 */
#include "devices/virtio/net.h"

#include "devices/virtio/net_pool.h"
#include "devices/virtio/net_port.h"
#include "lib/util.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/vhost.h>
#include <linux/virtio_ids.h>
#include <poll.h>
#include <string.h>

/*
 * How long a frame waits for more buffers where it may need more than there are: a driver that is
 * behind makes some. One that never gives as many gets what fits into those.
 */
#define PATIENCE_NS 10000000

/* Queues of pair N [VIRTIO 1.2 5.1.2]. */
#define RX_QUEUE(n) (2 * (n))
#define TX_QUEUE(n) (2 * (n) + 1)

#define BIT(feature) VIRTIO_FEATURE(VIRTIO_NET_F_##feature)

struct virtio_net;

struct net_pair {
	struct virtio_net *net;
	unsigned index;
	struct net_port *port;
	struct loop_watch in, out; /* of its descriptor, and of a copy that is ours */
	bool stepped;              /* I/O thread: the receive queue is in use */
	/* Under the device's lock. */
	struct net_pool pool;
	bool impatient; /* frames do not wait for more buffers */
	struct loop_timer patience;
};

struct virtio_net {
	struct virtio_device virtio;
	struct virtio_net_setup setup;
	/* Under the device's lock. */
	bool lost;       /* what is behind it */
	unsigned active; /* pairs in use */
	struct vhost vhosts[VIRTIO_NET_PAIRS_MAX];
	struct net_pair pairs[VIRTIO_NET_PAIRS_MAX];
};

static struct virtio_net *to_net(struct virtio_device *v)
{
	return container_of(v, struct virtio_net, virtio);
}

static bool has_vhost(const struct virtio_net *n)
{
	return n->setup.vhost_fds[0] >= 0;
}

/* The configuration, in bytes as the driver reads it. */
static void config_put(struct virtio_net *n, size_t offset, uint16_t value)
{
	memcpy(n->virtio.config + offset, &value, sizeof(value));
}

static void lose(struct virtio_net *n)
{
	if (n->lost)
		return;
	n->lost = true;
	config_put(n, offsetof(struct virtio_net_config, status), 0);
	virtio_config_changed(&n->virtio);
	notice_tell(&n->setup.notice, "%s; the guest's network link is down until it starts anew",
		n->setup.backend == VIRTIO_NET_TAP
			? "its tap device was removed"
			: "the program behind it has ended, or sent what is no frame");
}

/* ---- receiving ---- */

/* Not before W's descriptor is ready is a step of use. */
static int wait_for(struct net_pair *p, struct loop_watch *w)
{
	if (w->slot < 0 && loop_watch(p->net->setup.loop, w))
		lose(p->net);
	return -EBUSY;
}

/* It has frames, or an error; a queue that is not in use does not take them. */
static void input_ready(struct loop_watch *w, uint32_t revents)
{
	struct net_pair *p = container_of(w, struct net_pair, in);

	(void)revents;
	p->stepped = false;
	virtio_work(&p->net->virtio, RX_QUEUE(p->index));
	if (!p->stepped)
		loop_unwatch(p->net->setup.loop, w);
}

static void patience_expired(struct loop_timer *t)
{
	struct net_pair *p = container_of(t, struct net_pair, patience);

	virtio_lock(&p->net->virtio);
	p->impatient = true;
	virtio_unlock(&p->net->virtio);
	virtio_resume(&p->net->virtio, RX_QUEUE(p->index));
}

/* Buffers for NEED bytes, or as many as there are. 0; what a step returns instead. */
static int prepare(struct net_pair *p, size_t need)
{
	struct virtio_device *v = &p->net->virtio;
	unsigned max = virtio_has(v, VIRTIO_NET_F_MRG_RXBUF) ? VIRTQ_SIZE_MAX : 1;
	int ret = net_pool_fill(&p->pool, v, RX_QUEUE(p->index), max, need);

	if (ret == -EAGAIN && (!p->pool.size || !p->impatient)) {
		loop_unwatch(p->net->setup.loop, &p->in);
		if (p->pool.size && !loop_timer_running(&p->patience))
			loop_timer_start(&p->patience, PATIENCE_NS);
		return -EAGAIN;
	}
	if (loop_timer_running(&p->patience))
		loop_timer_stop(&p->patience);
	p->impatient = ret == -EAGAIN;
	return p->impatient ? 0 : ret;
}

static int receive(struct net_pair *p)
{
	struct net_port *port = p->port;
	struct net_pool *pool = &p->pool;
	ssize_t need = port->ops->next(port), size = need;
	int ret;

	if (need >= 0) {
		ret = prepare(p, (size_t)need);
		if (ret)
			return ret;
		size = port->ops->receive(port, pool->iov, pool->iov_count, pool->size);
	}
	if (size == -EAGAIN)
		return wait_for(p, &p->in);
	if (size == -EPIPE)
		lose(p->net);
	if (size < (ssize_t)NET_HEADER_SIZE || (size_t)size > pool->size)
		return 0;
	net_pool_push(pool, &p->net->virtio, RX_QUEUE(p->index), (size_t)size);
	virtio_notify(&p->net->virtio, RX_QUEUE(p->index));
	return 0;
}

static int rx_step(struct net_pair *p)
{
	p->stepped = true;
	if (!p->net->lost && p->index < p->net->active)
		return receive(p);
	loop_unwatch(p->net->setup.loop, &p->in);
	return -EBUSY;
}

/* ---- sending ---- */

static void output_ready(struct loop_watch *w, uint32_t revents)
{
	struct net_pair *p = container_of(w, struct net_pair, out);

	(void)revents;
	loop_unwatch(p->net->setup.loop, w);
	virtio_work(&p->net->virtio, TX_QUEUE(p->index));
}

/* What was lost counts as sent: a guest cannot do anything about it. */
static int tx_step(struct net_pair *p)
{
	struct virtio_device *v = &p->net->virtio;
	struct net_port *port = p->port;
	struct virtq_chain c;
	int ret = 0;

	if (!p->net->lost && port->ops->flush)
		ret = port->ops->flush(port);
	if (ret == -EAGAIN)
		return wait_for(p, &p->out);
	ret = virtio_pop(v, TX_QUEUE(p->index), &c);
	if (ret)
		return ret;
	if (c.writable || c.readable_size < NET_HEADER_SIZE)
		return -EBADMSG;
	if (!p->net->lost)
		ret = port->ops->send(port, c.iov, c.readable, c.readable_size);
	if (ret == -EAGAIN) {
		virtio_unpop(v, TX_QUEUE(p->index), &c);
		return wait_for(p, &p->out);
	}
	if (ret == -EPIPE)
		lose(p->net);
	virtio_push(v, TX_QUEUE(p->index), &c, 0);
	virtio_notify(v, TX_QUEUE(p->index));
	return 0;
}

/* ---- pairs in use, and the control queue ---- */

/* 0, or what the last port has said that did not want to. */
static int set_active(struct virtio_net *n, unsigned count)
{
	int ret = 0;

	for (unsigned i = 0; i < n->setup.pairs && !n->lost; i++) {
		struct net_port *port = n->pairs[i].port;
		int err = port->ops->activate ? port->ops->activate(port, i < count) : 0;

		ret = err ? err : ret;
	}
	n->active = count;
	for (unsigned i = 0; i < count && !has_vhost(n); i++)
		virtio_resume(&n->virtio, RX_QUEUE(i));
	return ret;
}

static int control(struct virtio_net *n, const struct virtq_chain *c)
{
	struct {
		struct virtio_net_ctrl_hdr header;
		struct virtio_net_ctrl_mq mq;
	} __attribute__((packed)) request;
	int ret;

	if (virtq_chain_read(c, 0, &request, sizeof(request)) != sizeof(request) ||
		request.header.class != VIRTIO_NET_CTRL_MQ ||
		request.header.cmd != VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET ||
		!virtio_has(&n->virtio, VIRTIO_NET_F_MQ))
		return -EINVAL;
	if (!request.mq.virtqueue_pairs || request.mq.virtqueue_pairs > n->setup.pairs)
		return -EINVAL;
	virtio_leave(&n->virtio);
	ret = set_active(n, request.mq.virtqueue_pairs);
	virtio_return(&n->virtio);
	return ret;
}

static int control_step(struct virtio_net *n, unsigned queue)
{
	struct virtq_chain c;
	uint8_t ack;
	int ret = virtio_pop(&n->virtio, queue, &c);

	if (ret)
		return ret;
	if (c.readable_size < sizeof(struct virtio_net_ctrl_hdr) || !c.writable_size)
		return -EBADMSG;
	ack = control(n, &c) ? VIRTIO_NET_ERR : VIRTIO_NET_OK;
	virtq_chain_write(&c, 0, &ack, sizeof(ack));
	virtio_push(&n->virtio, queue, &c, sizeof(ack));
	return 0;
}

/* The control queue follows the pairs that the driver knows of [VIRTIO 1.2 5.1.2]. */
static int net_step(struct virtio_device *v, unsigned queue)
{
	struct virtio_net *n = to_net(v);
	unsigned pairs = virtio_has(v, VIRTIO_NET_F_MQ) ? n->setup.pairs : 1;

	if (queue < 2 * pairs)
		return queue % 2 ? tx_step(&n->pairs[queue / 2]) : rx_step(&n->pairs[queue / 2]);
	if (queue == 2 * pairs && virtio_has(v, VIRTIO_NET_F_CTRL_VQ))
		return control_step(n, queue);
	return -EBUSY;
}

/* ---- queues that the kernel serves ---- */

const unsigned virtio_net_runtime_ioctls[] = {
	TUNSETOFFLOAD,
	TUNSETQUEUE,
	VHOST_NET_SET_BACKEND,
	0,
};

/* The tap device's queue FD, or -1, is what the vrings of pair I move frames to and from. */
static int set_backend(struct virtio_net *n, unsigned i, int fd)
{
	struct vhost_vring_file file = {.fd = fd};
	int ret = 0;

	for (file.index = 0; file.index < 2 && !ret; file.index++)
		ret = vhost_request(&n->vhosts[i], VHOST_NET_SET_BACKEND, &file);
	return ret;
}

/* When it returns, the kernel uses the queues no more. */
static void net_halt(struct virtio_device *v)
{
	struct virtio_net *n = to_net(v);

	for (unsigned i = 0; i < n->setup.pairs; i++) {
		if (!n->vhosts[i].started)
			continue;
		set_backend(n, i, -1);
		vhost_stop(&n->vhosts[i]);
	}
}

/* A driver that knows of one pair sets up one. */
static int start_vhosts(struct virtio_net *n)
{
	unsigned pairs = virtio_has(&n->virtio, VIRTIO_NET_F_MQ) ? n->setup.pairs : 1;
	int ret = 0;

	for (unsigned i = 0; i < pairs && !ret; i++) {
		ret = vhost_start(&n->vhosts[i]);
		if (!ret)
			ret = set_backend(n, i, n->setup.fds[i]);
	}
	if (ret)
		net_halt(&n->virtio);
	return ret;
}

static int net_call_changed(struct virtio_device *v, unsigned queue)
{
	return vhost_call_changed(&to_net(v)->vhosts[queue / 2], queue);
}

static int vhosts_init(struct virtio_net *n)
{
	int ret = 0;

	for (unsigned i = 0; i < n->setup.pairs && !ret; i++) {
		const struct vhost_setup setup = {
			.device = &n->virtio,
			.fd = n->setup.vhost_fds[i],
			.first = RX_QUEUE(i),
			.count = 2,
			.ask = n->setup.ask,
		};

		ret = vhost_init(&n->vhosts[i], &setup);
		n->virtio.offered &= n->vhosts[i].features | ~BIT(MRG_RXBUF);
	}
	return ret;
}

/* ---- the device ---- */

/* One pair is in use until the driver wants more [VIRTIO 1.2 5.1.6.5.5]. */
static int net_activate(struct virtio_device *v)
{
	struct virtio_net *n = to_net(v);
	int ret = set_active(n, n->setup.pairs);

	for (unsigned i = 0; !ret && !n->lost && i < n->setup.pairs; i++) {
		struct net_port *port = n->pairs[i].port;

		ret = port->ops->offloads ? port->ops->offloads(port, v->accepted) : 0;
	}
	if (!ret)
		ret = set_active(n, 1);
	return ret || !has_vhost(n) ? ret : start_vhosts(n);
}

static bool net_reset(struct virtio_device *v)
{
	struct virtio_net *n = to_net(v);

	net_halt(v);
	for (unsigned i = 0; i < n->setup.pairs; i++) {
		net_pool_clear(&n->pairs[i].pool);
		n->pairs[i].impatient = false;
	}
	return true;
}

static void net_destroy(struct virtio_device *v)
{
	struct virtio_net *n = to_net(v);

	for (unsigned i = 0; i < n->setup.pairs; i++) {
		struct net_pair *p = &n->pairs[i];

		loop_unwatch(n->setup.loop, &p->in);
		loop_unwatch(n->setup.loop, &p->out);
		fd_close(&p->out.fd);
		loop_timer_fini(&p->patience);
		vhost_fini(&n->vhosts[i]);
		if (p->port)
			p->port->ops->destroy(p->port);
	}
	virtio_fini(v);
	free(n);
}

static const struct virtio_class net_class = {
	.name = "virtio-net",
	.device_id = VIRTIO_ID_NET,
	.pci_class = 0x020000, /* Ethernet controller */
	.queue_step = net_step,
	.activate = net_activate,
	.reset = net_reset,
	.call_changed = net_call_changed,
	.halt = net_halt,
	.destroy = net_destroy,
};

static uint64_t features(const struct virtio_net_setup *s)
{
	uint64_t f = BIT(MAC) | BIT(STATUS) | BIT(MRG_RXBUF);

	if (s->backend == VIRTIO_NET_TAP)
		f |= BIT(CSUM) | BIT(HOST_TSO4) | BIT(HOST_TSO6) | BIT(HOST_ECN) | BIT(GUEST_CSUM) |
		     BIT(GUEST_TSO4) | BIT(GUEST_TSO6) | BIT(GUEST_ECN);
	if (s->mtu)
		f |= BIT(MTU);
	if (s->pairs > 1)
		f |= BIT(CTRL_VQ) | BIT(MQ);
	return f;
}

static int pair_init(struct virtio_net *n, unsigned index)
{
	const struct virtio_net_setup *s = &n->setup;
	struct net_pair *p = &n->pairs[index];
	int ret = s->backend == VIRTIO_NET_TAP
			  ? net_tap_create(s->fds[index], s->mtu ? s->mtu : ETH_DATA_LEN, &p->port)
			  : net_stream_create(s->fds[index], &p->port);

	if (ret || !s->loop)
		return ret;
	p->in.fd = s->fds[index];
	p->in.events = POLLIN;
	p->in.ready = input_ready;
	p->out.fd = fcntl(s->fds[index], F_DUPFD_CLOEXEC, 3);
	p->out.events = POLLOUT;
	p->out.ready = output_ready;
	if (p->out.fd < 0)
		return -errno;
	return loop_timer_init(s->loop, &p->patience, patience_expired);
}

static void config_init(struct virtio_net *n)
{
	memcpy(n->virtio.config, n->setup.mac, sizeof(n->setup.mac));
	config_put(n, offsetof(struct virtio_net_config, status), VIRTIO_NET_S_LINK_UP);
	config_put(n, offsetof(struct virtio_net_config, max_virtqueue_pairs),
		(uint16_t)n->setup.pairs);
	config_put(n, offsetof(struct virtio_net_config, mtu), n->setup.mtu);
}

int virtio_net_create(
	struct machine *m, const struct virtio_net_setup *s, struct virtio_device **ret_device)
{
	const struct virtio_setup setup = {
		.cls = &net_class,
		.machine = m,
		.loop = s->loop,
		.features = features(s),
		.config_size = offsetof(struct virtio_net_config, mtu) + sizeof(uint16_t),
		.queues = 2 * s->pairs + (s->pairs > 1),
		.served = s->vhost_fds[0] >= 0 ? VIRTIO_FEATURE(2 * s->pairs) - 1 : 0,
		.waits = s->backend == VIRTIO_NET_TAP,
	};
	struct virtio_net *n = calloc(1, sizeof(*n));
	int ret;

	if (!n)
		return -ENOMEM;
	n->setup = *s;
	n->active = 1;
	for (unsigned i = 0; i < s->pairs; i++) {
		n->pairs[i].net = n;
		n->pairs[i].index = i;
		n->pairs[i].in = n->pairs[i].out = LOOP_WATCH_INIT;
	}
	ret = virtio_init(&n->virtio, &setup);
	for (unsigned i = 0; !ret && i < s->pairs; i++)
		ret = pair_init(n, i);
	if (!ret && has_vhost(n))
		ret = vhosts_init(n);
	if (ret) {
		net_destroy(&n->virtio);
		return ret;
	}
	config_init(n);
	*ret_device = &n->virtio;
	return 0;
}
