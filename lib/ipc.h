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

struct ipc_message {
	uint16_t version;
	uint16_t type;
	uint32_t size; /* bytes of payload that follow */
	uint8_t payload[IPC_PAYLOAD_MAX];
};

/* A connected pair, close-on-exec. 0 or a negative errno. */
int ipc_pair(int ret_fds[2]);

/*
 * Sends one message without blocking: 0; -EMSGSIZE when SIZE is over IPC_PAYLOAD_MAX; -EAGAIN when
 * the peer does not read; -EPIPE when it is gone; else what sendmsg said, negative.
 */
int ipc_send(int fd, uint16_t type, const void *payload, size_t size);

/* The same, with a copy of PASSED_FD for the receiver; -1: without. */
int ipc_send_fd(int fd, uint16_t type, const void *payload, size_t size, int passed_fd);

/*
 * Receives one message without blocking: 0; -EAGAIN when there is none; -ENODATA when the peer is
 * gone; -EPROTO when it is malformed; else what recv said, negative. A descriptor that comes with
 * it is dropped.
 */
int ipc_receive(int fd, struct ipc_message *ret_message);

/*
 * The same for a message that may bring one descriptor: *RET_FD is it, close-on-exec and the
 * caller's, or -1. A message with several is malformed. *RET_FD is untouched on failure.
 */
int ipc_receive_fd(int fd, struct ipc_message *ret_message, int *ret_fd);

#endif
