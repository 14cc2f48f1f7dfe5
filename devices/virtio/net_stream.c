/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames on a stream socket, as passt(1) and QEMU's `-netdev stream` have them: each after its
 * length, four bytes, big-endian. There are no offloads; virtio's header is made and dropped here.
 *
 * Whoever is at the other end may send anything. A length that no frame has ends the connection:
 * where the next one begins cannot be known any more. One that does not read has the guest's queue
 * wait; one that does not take the rest of a frame gets it later.
 */
#include "devices/virtio/net_port.h"
#include "lib/util.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define LENGTH_SIZE sizeof(uint32_t)

/* Of a frame on the wire: passt's limits. */
#define FRAME_MIN ETH_HLEN
#define FRAME_MAX 65535

/* Room for a frame of any length and the beginning of another, or for many short ones. */
#define INPUT_SIZE (2 * 65536)

struct net_stream {
	struct net_port port;
	bool lost;
	size_t in_start, in_end; /* what was read and is not used yet */
	size_t out_start, out_end;
	uint8_t in[INPUT_SIZE];
	uint8_t out[LENGTH_SIZE + FRAME_MAX]; /* the rest of the frame that was sent last */
};

static struct net_stream *to_stream(struct net_port *p)
{
	return container_of(p, struct net_stream, port);
}

static int lose(struct net_stream *s)
{
	s->lost = true;
	return -EPIPE;
}

/* The length of the first frame that was read; -EAGAIN: not all of it was; or -EPIPE. */
static ssize_t first_frame(struct net_stream *s)
{
	size_t size = s->in_end - s->in_start;
	uint32_t length;

	if (size < LENGTH_SIZE)
		return -EAGAIN;
	memcpy(&length, s->in + s->in_start, sizeof(length));
	length = ntohl(length);
	if (length < FRAME_MIN || length > FRAME_MAX)
		return lose(s);
	return size < LENGTH_SIZE + length ? -EAGAIN : (ssize_t)length;
}

/* Reads what there is, once. 0, -EAGAIN, -EPIPE. */
static int fill(struct net_stream *s)
{
	ssize_t n;

	memmove(s->in, s->in + s->in_start, s->in_end - s->in_start);
	s->in_end -= s->in_start;
	s->in_start = 0;
	n = recv(s->port.fd, s->in + s->in_end, sizeof(s->in) - s->in_end, MSG_DONTWAIT);
	if (n > 0) {
		s->in_end += (size_t)n;
		return 0;
	}
	return n < 0 && (errno == EAGAIN || errno == EINTR) ? -EAGAIN : lose(s);
}

static ssize_t stream_next(struct net_port *p)
{
	struct net_stream *s = to_stream(p);
	ssize_t length = s->lost ? -EPIPE : first_frame(s);

	if (length == -EAGAIN) {
		length = fill(s);
		if (!length)
			length = first_frame(s);
	}
	return length < 0 ? length : length + (ssize_t)NET_HEADER_SIZE;
}

/* Copies SIZE bytes to OFFSET of IOV, or what of them has room there. */
static void scatter(
	const struct iovec *iov, unsigned count, size_t offset, const uint8_t *data, size_t size)
{
	for (unsigned i = 0; i < count && size; i++) {
		size_t n;

		if (offset >= iov[i].iov_len) {
			offset -= iov[i].iov_len;
			continue;
		}
		n = min_u64(size, iov[i].iov_len - offset);
		memcpy((uint8_t *)iov[i].iov_base + offset, data, n);
		data += n;
		size -= n;
		offset = 0;
	}
}

static ssize_t stream_receive(struct net_port *p, struct iovec *iov, unsigned count, size_t room)
{
	static const struct virtio_net_hdr_v1 none;
	struct net_stream *s = to_stream(p);
	ssize_t size = stream_next(p);
	size_t length = (size_t)size - NET_HEADER_SIZE;

	if (size < 0)
		return size;
	scatter(iov, count, 0, (const uint8_t *)&none, sizeof(none));
	scatter(iov, count, sizeof(none), s->in + s->in_start + LENGTH_SIZE, length);
	s->in_start += LENGTH_SIZE + length;
	(void)room;
	return size;
}

static int stream_flush(struct net_port *p)
{
	struct net_stream *s = to_stream(p);

	while (!s->lost && s->out_start < s->out_end) {
		ssize_t n = send(p->fd, s->out + s->out_start, s->out_end - s->out_start,
			MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return -EAGAIN;
		if (n <= 0)
			return lose(s);
		s->out_start += (size_t)n;
	}
	return s->lost ? -EPIPE : 0;
}

/* Keeps what of IOV is behind its first SENT bytes. */
static void keep(struct net_stream *s, const struct iovec *iov, unsigned count, size_t sent)
{
	s->out_start = s->out_end = 0;
	for (unsigned i = 0; i < count; i++) {
		size_t skip = min_u64(sent, iov[i].iov_len);

		memcpy(s->out + s->out_end, (uint8_t *)iov[i].iov_base + skip,
			iov[i].iov_len - skip);
		s->out_end += iov[i].iov_len - skip;
		sent -= skip;
	}
}

static int stream_send(struct net_port *p, const struct iovec *iov, unsigned count, size_t size)
{
	struct net_stream *s = to_stream(p);
	size_t length = size - NET_HEADER_SIZE, skip = NET_HEADER_SIZE;
	uint32_t prefix = htonl((uint32_t)length);
	struct iovec parts[NET_IOV_MAX + 1] = {{.iov_base = &prefix, .iov_len = sizeof(prefix)}};
	struct msghdr m = {.msg_iov = parts, .msg_iovlen = 1};
	int ret = stream_flush(p);
	ssize_t n;

	if (ret)
		return ret;
	if (length < FRAME_MIN || length > FRAME_MAX || count > NET_IOV_MAX)
		return -EIO;
	for (unsigned i = 0; i < count; i++) {
		size_t cut = min_u64(skip, iov[i].iov_len);

		skip -= cut;
		if (iov[i].iov_len > cut)
			parts[m.msg_iovlen++] =
				(struct iovec){.iov_base = (uint8_t *)iov[i].iov_base + cut,
					.iov_len = iov[i].iov_len - cut};
	}
	n = sendmsg(p->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? -EAGAIN : lose(s);
	if ((size_t)n < LENGTH_SIZE + length)
		keep(s, parts, (unsigned)m.msg_iovlen, (size_t)n);
	return 0;
}

static void stream_destroy(struct net_port *p)
{
	free(to_stream(p));
}

static const struct net_port_ops stream_ops = {
	.next = stream_next,
	.receive = stream_receive,
	.send = stream_send,
	.flush = stream_flush,
	.destroy = stream_destroy,
};

int net_stream_create(int fd, struct net_port **ret_port)
{
	struct net_stream *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->port = (struct net_port){.ops = &stream_ops, .fd = fd};
	*ret_port = &s->port;
	return 0;
}
