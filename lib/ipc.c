/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/ipc.h"

#include "lib/util.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define HEADER_SIZE offsetof(struct ipc_message, payload)

int ipc_pair(int ret_fds[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret_fds) ? -errno : 0;
}

int ipc_send(int fd, uint16_t type, const void *payload, size_t size)
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

	_Static_assert(
		sizeof(header) == HEADER_SIZE, "the header is the start of struct ipc_message");
	if (size > IPC_PAYLOAD_MAX)
		return -EMSGSIZE;
	while (sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
		/* ECONNRESET: gone, with messages of ours unread. */
		if (errno == ECONNRESET)
			return -EPIPE;
		if (errno != EINTR)
			return -errno;
	}
	return 0;
}

int ipc_receive(int fd, struct ipc_message *ret_message)
{
	ssize_t n;

	do {
		n = recv(fd, ret_message, sizeof(*ret_message), MSG_DONTWAIT | MSG_TRUNC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ECONNRESET ? -ENODATA : -errno;
	if (n == 0)
		return -ENODATA;
	if ((size_t)n < HEADER_SIZE || ret_message->version != IPC_VERSION ||
		ret_message->size > IPC_PAYLOAD_MAX || (size_t)n != HEADER_SIZE + ret_message->size)
		return -EPROTO;
	return 0;
}
