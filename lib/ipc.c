/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/ipc.h"

#include "lib/util.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define HEADER_SIZE offsetof(struct ipc_message, payload)

/* Room for one descriptor; aligned as the kernel wants it. */
union ipc_control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int))];
};

int ipc_pair(int ret_fds[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret_fds) ? -errno : 0;
}

/* Puts PASSED_FD into MSG as its ancillary data, in CONTROL. */
static void pass_fd(struct msghdr *msg, union ipc_control *control, int passed_fd)
{
	struct cmsghdr *c = &control->header;

	*control = (union ipc_control){0};
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &passed_fd, sizeof(passed_fd));
	msg->msg_control = control;
	msg->msg_controllen = CMSG_SPACE(sizeof(int));
}

int ipc_send_fd(int fd, uint16_t type, const void *payload, size_t size, int passed_fd)
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
	if (size > IPC_PAYLOAD_MAX)
		return -EMSGSIZE;
	if (passed_fd >= 0)
		pass_fd(&msg, &control, passed_fd);
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
	return ipc_send_fd(fd, type, payload, size, -1);
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
 * Takes the descriptors out of MSG. The only one is *RET_FD; -1 when there is none. -EPROTO, with
 * all of them closed, when there are more.
 */
static int take_fds(struct msghdr *msg, int *ret_fd)
{
	int first = -1, count = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = 0; at + sizeof(int) <= c->cmsg_len - CMSG_LEN(0);
			at += sizeof(int)) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + at, sizeof(fd));
			if (count++ == 0)
				first = fd;
			else
				close(fd);
		}
	}
	if (count > 1 || msg->msg_flags & MSG_CTRUNC) {
		fd_close(&first);
		return -EPROTO;
	}
	*ret_fd = first;
	return 0;
}

int ipc_receive_fd(int fd, struct ipc_message *ret_message, int *ret_fd)
{
	struct iovec iov = {.iov_base = ret_message, .iov_len = sizeof(*ret_message)};
	union ipc_control control;
	struct msghdr msg = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control)};
	int passed = -1, ret, error;
	ssize_t n;

	do {
		n = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_TRUNC | MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	ret = check_received(ret_message, n);
	error = n > 0 ? take_fds(&msg, &passed) : 0;
	ret = ret ?: error;
	if (ret)
		fd_close(&passed);
	else
		*ret_fd = passed;
	return ret;
}
