/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Framed messages between two processes of ours over a SOCK_SEQPACKET socketpair: one message is
 * one packet, header first. The receiver trusts nothing: version, size and type are checked.
 * One thread per end.
 */
#ifndef LIB_IPC_H
#define LIB_IPC_H

#include <stddef.h>
#include <stdint.h>

#define IPC_VERSION     1
#define IPC_PAYLOAD_MAX 16384 /* bytes */
#define IPC_FDS_MAX     253   /* that one message can bring: the kernel's SCM_MAX_FD */

struct ipc_message {
	uint16_t version;
	uint16_t type;
	uint32_t size; /* bytes of payload that follow */
	uint8_t payload[IPC_PAYLOAD_MAX];
};

/* Descriptors that come along with a message. */
struct ipc_fds {
	unsigned count;
	int list[IPC_FDS_MAX];
};

/* A connected pair, close-on-exec. 0 or a negative errno. */
int ipc_pair(int ret_fds[2]);

/*
 * Sends one message without blocking: 0; -EMSGSIZE when SIZE is over IPC_PAYLOAD_MAX; -EAGAIN when
 * the peer does not read; -EPIPE when it is gone; else what sendmsg said, negative.
 */
int ipc_send(int fd, uint16_t type, const void *payload, size_t size);

/* The same, with copies of FDS for the receiver; NULL: without. -EMSGSIZE, too, for too many. */
int ipc_send_fds(
	int fd, uint16_t type, const void *payload, size_t size, const struct ipc_fds *fds);

/*
 * Receives one message without blocking: 0; -EAGAIN when there is none; -ENODATA when the peer is
 * gone; -EPROTO when it is malformed; else what recv said, negative. Descriptors that come with
 * it are dropped.
 */
int ipc_receive(int fd, struct ipc_message *ret_message);

/*
 * The same for a message that may bring up to MAX descriptors: *RET_FDS has them, close-on-exec and
 * the caller's. A message with more is malformed. None on failure.
 */
int ipc_receive_fds(int fd, unsigned max, struct ipc_message *ret_message, struct ipc_fds *ret_fds);

void ipc_fds_close(struct ipc_fds *fds);

#endif
