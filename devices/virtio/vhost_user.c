/* SPDX-License-Identifier: BSD-3-Clause */
#include "devices/virtio/vhost_user.h"

#include "lib/event.h"
#include "lib/util.h"

#include <assert.h>
#include <errno.h>
#include <linux/vhost_types.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

/* Requests, as the protocol numbers them. */
#define GET_FEATURES          1
#define SET_FEATURES          2
#define SET_OWNER             3
#define SET_MEM_TABLE         5
#define SET_VRING_NUM         8
#define SET_VRING_ADDR        9
#define SET_VRING_BASE        10
#define GET_VRING_BASE        11
#define SET_VRING_KICK        12
#define SET_VRING_CALL        13
#define GET_PROTOCOL_FEATURES 15
#define SET_PROTOCOL_FEATURES 16
#define GET_QUEUE_NUM         17
#define SET_VRING_ENABLE      18

/* In a message's flags. */
#define VERSION      0x1
#define VERSION_MASK 0x3
#define REPLY        0x4
#define NEED_REPLY   0x8

#define F_PROTOCOL_FEATURES VIRTIO_FEATURE(30) /* among the features, but none of virtio */
#define P_MQ                VIRTIO_FEATURE(0)
#define P_REPLY_ACK         VIRTIO_FEATURE(3)

#define HEADER_SIZE offsetof(struct vhost_user_answer, payload)

/* All of the guest's memory is shown, and not more than back-ends of all ages take. */
#define REGIONS_MAX 8
_Static_assert(GMEM_SLOTS_MAX <= REGIONS_MAX, "there is a region for each slot");

struct region {
	uint64_t guest_address, size, our_address, offset;
};

struct message {
	uint32_t request, flags, size;
	union {
		uint64_t number;
		struct vhost_vring_state state;
		struct vhost_vring_addr addr;
		struct {
			uint32_t count, padding;
			struct region regions[REGIONS_MAX];
		} memory;
	};
} __attribute__((packed));

/* Descriptors that go along with a message. */
struct message_fds {
	int fds[REGIONS_MAX];
	unsigned count;
};

/* ---- giving up ---- */

/*
 * Only the I/O thread takes the socket out of its loop; until it does, the socket is shut down,
 * which both the back-end and the I/O thread hear of.
 */
static void give_up(struct vhost_user *u, const char *why)
{
	if (u->given_up)
		return;
	u->given_up = true;
	u->running = 0;
	u->awaited_count = 0;
	shutdown(u->socket.fd, SHUT_RDWR);
	notice_tell(&u->notice, "the process behind it %s; the device has failed", why);
	virtio_fail(u->device);
	if (u->resetting)
		virtio_reset_done(u->device);
	u->resetting = false;
}

/* ---- sending ---- */

/* 0, or a negative errno when the back-end does not take it at once. */
static int transmit(const struct vhost_user *u, struct message *m, const struct message_fds *fds)
{
	union {
		char bytes[CMSG_SPACE(sizeof(((struct message_fds *)NULL)->fds))];
		struct cmsghdr align;
	} control = {0};
	struct iovec iov = {.iov_base = m, .iov_len = HEADER_SIZE + m->size};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n;

	m->flags |= VERSION;
	if (fds && fds->count) {
		struct cmsghdr *c;

		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(fds->count * sizeof(int));
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(fds->count * sizeof(int));
		memcpy(CMSG_DATA(c), fds->fds, fds->count * sizeof(int));
	}
	n = sendmsg(u->socket.fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0)
		return -errno;
	return (size_t)n == iov.iov_len ? 0 : -EAGAIN;
}

/* The same; a back-end to which it fails is given up. */
static void tell(struct vhost_user *u, struct message *m, const struct message_fds *fds)
{
	if (!u->given_up && transmit(u, m, fds))
		give_up(u, "does not take what it is told");
}

/* The same, and the back-end answers. */
static void ask(struct vhost_user *u, struct message *m)
{
	tell(u, m, NULL);
	if (u->given_up)
		return;
	assert(u->awaited_count < VHOST_USER_AWAITED_MAX);
	u->awaited[u->awaited_count++] = m->request;
	eventfd_write(u->asked.fd, 1);
}

static void tell_state(struct vhost_user *u, uint32_t request, unsigned vring, uint32_t num)
{
	struct message m = {
		.request = request, .size = sizeof(m.state), .state = {.index = vring, .num = num}};

	tell(u, &m, NULL);
}

static void tell_fd(struct vhost_user *u, uint32_t request, unsigned vring, int fd)
{
	struct message m = {.request = request, .size = sizeof(m.number), .number = vring};

	tell(u, &m, &(struct message_fds){.fds = {fd}, .count = 1});
}

/* ---- answers ---- */

/*
 * Takes what has come. 1: an answer is complete, and the one that was awaited first; 0: not yet; or
 * a negative errno. Descriptors that come along are closed by the kernel: there is no room for any.
 */
static int receive(struct vhost_user *u)
{
	struct vhost_user_answer *a = &u->answer;
	ssize_t n =
		recv(u->socket.fd, (char *)a + u->received, sizeof(*a) - u->received, MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (!n)
		return -ECONNRESET;
	u->received += (size_t)n;
	if (u->received >= HEADER_SIZE &&
		((a->flags & VERSION_MASK) != VERSION || !(a->flags & REPLY) ||
			a->size != sizeof(a->payload) || !u->awaited_count ||
			a->request != u->awaited[0]))
		return -EPROTO;
	if (u->received < sizeof(*a))
		return 0;
	u->received = 0;
	u->awaited_count--;
	memmove(u->awaited, u->awaited + 1, u->awaited_count * sizeof(u->awaited[0]));
	return 1;
}

static uint64_t answer_number(const struct vhost_user *u)
{
	uint64_t number;

	memcpy(&number, u->answer.payload, sizeof(number));
	return number;
}

/* An answer of the time after the start. Where the back-end stopped in a ring is of no use. */
static void answered(struct vhost_user *u)
{
	if (u->answer.request != GET_VRING_BASE && answer_number(u)) {
		give_up(u, "refuses its queues");
		return;
	}
	if (u->awaited_count) {
		loop_timer_start(&u->deadline, u->patience_ns);
		return;
	}
	loop_timer_stop(&u->deadline);
	if (u->resetting)
		virtio_reset_done(u->device);
	u->resetting = false;
}

/* I/O thread. */
static void socket_ready(struct loop_watch *w, uint32_t revents)
{
	struct vhost_user *u = container_of(w, struct vhost_user, socket);
	int ret = 0;

	(void)revents;
	virtio_lock(u->device);
	if (!u->given_up)
		ret = receive(u);
	if (ret > 0)
		answered(u);
	else if (ret < 0)
		give_up(u, ret == -EPROTO ? "breaks the rules of vhost-user" : "has gone away");
	if (u->given_up) {
		loop_timer_stop(&u->deadline);
		loop_unwatch(u->device->loop, w);
		fd_close(&w->fd);
	}
	virtio_unlock(u->device);
}

/* I/O thread: answers are awaited, from now on. */
static void asked_ready(struct loop_watch *w, uint32_t revents)
{
	struct vhost_user *u = container_of(w, struct vhost_user, asked);

	(void)revents;
	event_take(w->fd);
	virtio_lock(u->device);
	if (u->awaited_count)
		loop_timer_start(&u->deadline, u->patience_ns);
	virtio_unlock(u->device);
}

static void deadline_expired(struct loop_timer *t)
{
	struct vhost_user *u = container_of(t, struct vhost_user, deadline);

	virtio_lock(u->device);
	if (u->awaited_count)
		give_up(u, "does not answer");
	virtio_unlock(u->device);
}

/* ---- start and stop ---- */

static void start_vring(struct vhost_user *u, unsigned vring)
{
	const unsigned queue = u->first + vring;
	const struct virtio_queue *q = &u->device->queues[queue];
	struct message addr = {.request = SET_VRING_ADDR,
		.size = sizeof(addr.addr),
		.addr = {.index = vring,
			.desc_user_addr = (uintptr_t)q->ring.desc,
			.avail_user_addr = (uintptr_t)q->ring.driver,
			.used_user_addr = (uintptr_t)q->ring.device}};
	struct message enable = {.request = SET_VRING_ENABLE,
		.flags = u->protocol & P_REPLY_ACK ? NEED_REPLY : 0,
		.size = sizeof(enable.state),
		.state = {.index = vring, .num = 1}};

	tell_state(u, SET_VRING_NUM, vring, q->size);
	tell_state(u, SET_VRING_BASE, vring, 0);
	tell(u, &addr, NULL);
	tell_fd(u, SET_VRING_CALL, vring, virtio_call_fd(u->device, queue));
	tell_fd(u, SET_VRING_KICK, vring, virtio_kick_fd(u->device, queue));
	u->running |= VIRTIO_FEATURE(vring);
	if (u->protocol & P_REPLY_ACK)
		ask(u, &enable);
	else if (u->features & F_PROTOCOL_FEATURES)
		tell(u, &enable, NULL);
}

int vhost_user_start(struct vhost_user *u)
{
	struct message m = {.request = SET_FEATURES,
		.size = sizeof(m.number),
		.number =
			(u->device->accepted & u->features) | (u->features & F_PROTOCOL_FEATURES)};

	if (u->socket.fd < 0)
		return -ENOTCONN;
	tell(u, &m, NULL);
	for (unsigned i = 0; i < u->count; i++) {
		if (u->device->queues[u->first + i].enabled)
			start_vring(u, i);
	}
	return u->given_up ? -ENOTCONN : 0;
}

void vhost_user_halt(struct vhost_user *u)
{
	uint64_t running = u->running;

	u->running = 0;
	for (unsigned i = 0; i < u->count; i++) {
		struct message m = {
			.request = GET_VRING_BASE, .size = sizeof(m.state), .state = {.index = i}};

		if (running & VIRTIO_FEATURE(i))
			ask(u, &m);
	}
}

bool vhost_user_stop(struct vhost_user *u)
{
	vhost_user_halt(u);
	u->resetting = u->awaited_count;
	return !u->resetting;
}

void vhost_user_call_changed(struct vhost_user *u, unsigned queue)
{
	if (u->running & VIRTIO_FEATURE(queue - u->first))
		tell_fd(u, SET_VRING_CALL, queue - u->first, virtio_call_fd(u->device, queue));
}

/* ---- birth: one thread, which waits for answers ---- */

/* The answer to REQUEST, which has been sent, before DUE_NS. 0 or a negative errno. */
static int await(struct vhost_user *u, uint32_t request, uint64_t due_ns, uint64_t *ret_number)
{
	int ret = 0;

	u->awaited[0] = request;
	u->awaited_count = 1;
	while (!ret) {
		uint64_t now = monotonic_ns();
		struct pollfd p = {.fd = u->socket.fd, .events = POLLIN};

		if (now >= due_ns || poll(&p, 1, (int)((due_ns - now) / 1000000) + 1) == 0)
			ret = -ETIMEDOUT;
		else
			ret = receive(u);
	}
	u->awaited_count = 0;
	if (ret != 1)
		return ret;
	*ret_number = answer_number(u);
	return 0;
}

static int get_number(struct vhost_user *u, uint32_t request, uint64_t due_ns, uint64_t *ret_number)
{
	struct message m = {.request = request};
	int ret = transmit(u, &m, NULL);

	return ret ? ret : await(u, request, due_ns, ret_number);
}

static int set_number(struct vhost_user *u, uint32_t request, uint64_t number)
{
	struct message m = {.request = request, .size = sizeof(m.number), .number = number};

	return transmit(u, &m, NULL);
}

static int agree(struct vhost_user *u, uint64_t due_ns)
{
	struct message owner = {.request = SET_OWNER};
	uint64_t queues = u->count;
	int ret = get_number(u, GET_FEATURES, due_ns, &u->features);

	if (!ret && u->features & F_PROTOCOL_FEATURES) {
		ret = get_number(u, GET_PROTOCOL_FEATURES, due_ns, &u->protocol);
		u->protocol &= P_MQ | P_REPLY_ACK;
		if (!ret)
			ret = set_number(u, SET_PROTOCOL_FEATURES, u->protocol);
	}
	if (!ret && u->protocol & P_MQ)
		ret = get_number(u, GET_QUEUE_NUM, due_ns, &queues);
	if (!ret && (queues < u->count || !(u->features & VIRTIO_FEATURE(VIRTIO_F_VERSION_1))))
		ret = -EOPNOTSUPP;
	return ret ? ret : transmit(u, &owner, NULL);
}

/* All of it is one file, of which each slot is a part. */
static int show_memory(
	struct vhost_user *u, const struct vhost_user_memory *memory, uint64_t due_ns)
{
	const struct gmem *g = &u->device->machine->gmem;
	struct message m = {.request = SET_MEM_TABLE};
	struct message_fds fds = {.count = g->count};
	uint64_t refused = 0;
	int ret;

	m.memory.count = g->count;
	m.size = (uint32_t)(offsetof(struct message, memory.regions[g->count]) - HEADER_SIZE);
	for (unsigned i = 0; i < g->count; i++) {
		m.memory.regions[i] = (struct region){
			.guest_address = g->slots[i].base,
			.size = g->slots[i].size,
			.our_address = (uintptr_t)g->slots[i].hva,
			.offset = (uint64_t)(g->slots[i].hva - memory->data),
		};
		fds.fds[i] = memory->fd;
	}
	if (!(u->protocol & P_REPLY_ACK))
		return transmit(u, &m, &fds);
	m.flags = NEED_REPLY;
	ret = transmit(u, &m, &fds);
	if (!ret)
		ret = await(u, SET_MEM_TABLE, due_ns, &refused);
	return !ret && refused ? -EPROTO : ret;
}

static int watch(struct vhost_user *u)
{
	struct loop *loop = u->device->loop;
	int ret;

	u->asked.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (u->asked.fd < 0)
		return -errno;
	ret = loop_timer_init(loop, &u->deadline, deadline_expired);
	if (!ret)
		ret = loop_watch(loop, &u->asked);
	return ret ? ret : loop_watch(loop, &u->socket);
}

int vhost_user_init(struct vhost_user *u, const struct vhost_user_setup *s)
{
	uint64_t due_ns;
	int ret;

	assert(s->count <= VHOST_USER_QUEUES_MAX);
	*u = (struct vhost_user){
		.device = s->device,
		.notice = s->notice,
		.first = s->first,
		.count = s->count,
		.features = ~(uint64_t)0,
		.patience_ns = s->patience_ns ?: VHOST_USER_PATIENCE_NS,
		.socket = {.fd = s->fd, .events = POLLIN, .ready = socket_ready, .slot = -1},
		.asked = {.fd = -1, .events = POLLIN, .ready = asked_ready, .slot = -1},
	};
	due_ns = monotonic_ns() + u->patience_ns;
	ret = s->fd < 0 ? 0 : agree(u, due_ns);
	u->device->offered &=
		(u->features & ~VIRTIO_FEATURE(VIRTIO_F_RING_PACKED)) | ~VIRTQ_FEATURES;
	if (ret || s->fd < 0)
		return ret;
	ret = show_memory(u, &s->memory, due_ns);
	u->device->foreign = true;
	return ret ? ret : watch(u);
}

void vhost_user_fini(struct vhost_user *u)
{
	if (!u->device)
		return;
	if (u->device->loop) {
		loop_unwatch(u->device->loop, &u->socket);
		loop_unwatch(u->device->loop, &u->asked);
		loop_timer_fini(&u->deadline);
	}
	fd_close(&u->socket.fd);
	fd_close(&u->asked.fd);
}
