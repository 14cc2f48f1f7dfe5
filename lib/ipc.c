/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/ipc.h"

#include "lib/util.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define HEADER_SIZE offsetof(struct ipc_message, payload)

/* Room for descriptors; aligned as the kernel wants it. */
union ipc_control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(IPC_FDS_MAX * sizeof(int))];
};

int ipc_pair(int ret_fds[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret_fds) ? -errno : 0;
}

/* Puts FDS into MSG as its ancillary data, in CONTROL. */
static void pass_fds(struct msghdr *msg, union ipc_control *control, const struct ipc_fds *fds)
{
	size_t size = fds->count * sizeof(fds->list[0]);

	memset(control, 0, CMSG_SPACE(size));
	control->header.cmsg_level = SOL_SOCKET;
	control->header.cmsg_type = SCM_RIGHTS;
	control->header.cmsg_len = CMSG_LEN(size);
	memcpy(CMSG_DATA(&control->header), fds->list, size);
	msg->msg_control = control;
	msg->msg_controllen = CMSG_SPACE(size);
}

int ipc_send_fds(int fd, uint16_t type, const void *payload, size_t size, const struct ipc_fds *fds)
{
	struct {
		uint16_t version, type;
		uint32_t size;
	} header = {IPC_VERSION, type, (uint32_t)size};
	struct iovec iov[2] = {
		{.iov_base = &header, .iov_len = sizeof(header)},
		{.iov_base = (void *)(uintptr_t)payload, .iov_len = size},
	};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
	union ipc_control control;

	_Static_assert(
		sizeof(header) == HEADER_SIZE, "the header is the start of struct ipc_message");
	if (size > IPC_PAYLOAD_MAX || (fds && fds->count > IPC_FDS_MAX))
		return -EMSGSIZE;
	if (fds && fds->count)
		pass_fds(&msg, &control, fds);
	while (sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
		/* ECONNRESET: gone, with messages of ours unread. */
		if (errno == ECONNRESET)
			return -EPIPE;
		if (errno != EINTR)
			return -errno;
	}
	return 0;
}

int ipc_send(int fd, uint16_t type, const void *payload, size_t size)
{
	return ipc_send_fds(fd, type, payload, size, NULL);
}

/* What N received bytes are, as ipc_receive returns it. */
static int check_received(const struct ipc_message *m, ssize_t n)
{
	if (n < 0)
		return errno == ECONNRESET ? -ENODATA : -errno;
	if (n == 0)
		return -ENODATA;
	if ((size_t)n < HEADER_SIZE || m->version != IPC_VERSION || m->size > IPC_PAYLOAD_MAX ||
		(size_t)n != HEADER_SIZE + m->size)
		return -EPROTO;
	return 0;
}

int ipc_receive(int fd, struct ipc_message *ret_message)
{
	ssize_t n;

	/* Without room for ancillary data the kernel drops descriptors that come with it. */
	do {
		n = recv(fd, ret_message, sizeof(*ret_message), MSG_DONTWAIT | MSG_TRUNC);
	} while (n < 0 && errno == EINTR);
	return check_received(ret_message, n);
}

/*
 * Takes the descriptors out of MSG: up to MAX. -EPROTO, with all of them closed, when there are
 * more.
 */
static int take_fds(struct msghdr *msg, unsigned max, struct ipc_fds *ret_fds)
{
	bool excess = msg->msg_flags & MSG_CTRUNC;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = 0; at + sizeof(int) <= c->cmsg_len - CMSG_LEN(0);
			at += sizeof(int)) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + at, sizeof(fd));
			if (ret_fds->count < max) {
				ret_fds->list[ret_fds->count++] = fd;
			} else {
				excess = true;
				close(fd);
			}
		}
	}
	return excess ? -EPROTO : 0;
}

int ipc_receive_fds(int fd, unsigned max, struct ipc_message *ret_message, struct ipc_fds *ret_fds)
{
	struct iovec iov = {.iov_base = ret_message, .iov_len = sizeof(*ret_message)};
	union ipc_control control;
	struct msghdr msg = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control)};
	int ret, error;
	ssize_t n;

	ret_fds->count = 0;
	do {
		n = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_TRUNC | MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	ret = check_received(ret_message, n);
	error = n > 0 ? take_fds(&msg, max, ret_fds) : 0;
	ret = ret ?: error;
	if (ret)
		ipc_fds_close(ret_fds);
	return ret;
}

void ipc_fds_close(struct ipc_fds *fds)
{
	for (unsigned i = 0; i < fds->count; i++)
		close(fds->list[i]);
	fds->count = 0;
}
