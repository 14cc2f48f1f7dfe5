/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The loop on io_uring: one-shot IORING_OP_POLL_ADD per watch, armed again after each event (the
 * multishot form needs Linux 5.13). New requests are submitted together with the next wait.
 *
 * An io_uring is a way around system call filters: whatever a request asks for is done without
 * them. The ring is told before its first use to take nothing but polls for good
 * [io_uring_register(2), IORING_REGISTER_RESTRICTIONS, Linux 5.10].
 */
#include "lib/loop_backend.h"
#include "lib/util.h"

#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <sys/syscall.h>

#define RING_ENTRIES 64

/* Marks the completions of our own cancellations. */
#define TAG_IGNORE UINT64_MAX

static void uring_destroy(void *state)
{
	io_uring_queue_exit(state);
	free(state);
}

/* The ring starts disabled; what is not listed fails with EACCES, further registrations included.
 */
static int restrict_to_polls(struct io_uring *ring)
{
	struct io_uring_restriction allowed[] = {
		{.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_POLL_ADD},
		{.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_POLL_REMOVE},
	};
	/* Not through liburing: its shared library in Debian 12 lacks these two. */
	if (syscall(SYS_io_uring_register, ring->ring_fd, IORING_REGISTER_RESTRICTIONS, allowed,
		    ARRAY_SIZE(allowed)) ||
		syscall(SYS_io_uring_register, ring->ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL,
			0))
		return -errno;
	return 0;
}

static int uring_create(void **ret_state)
{
	struct io_uring *ring = calloc(1, sizeof(*ring));
	int ret;

	if (!ring)
		return -ENOMEM;
	ret = io_uring_queue_init(RING_ENTRIES, ring, IORING_SETUP_R_DISABLED);
	if (ret) {
		free(ring);
		return ret;
	}
	ret = restrict_to_polls(ring);
	if (ret) {
		uring_destroy(ring);
		return ret;
	}
	*ret_state = ring;
	return 0;
}

static struct io_uring_sqe *sqe_get(struct io_uring *ring)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	if (sqe)
		return sqe;
	io_uring_submit(ring);
	return io_uring_get_sqe(ring);
}

static int uring_arm(void *state, int fd, uint32_t events, uint64_t tag)
{
	struct io_uring_sqe *sqe = sqe_get(state);

	if (!sqe)
		return -EBUSY;
	io_uring_prep_poll_add(sqe, fd, events);
	io_uring_sqe_set_data64(sqe, tag);
	return 0;
}

static void uring_disarm(void *state, int fd, uint64_t tag)
{
	struct io_uring_sqe *sqe = sqe_get(state);

	(void)fd;
	/* Without room the poll stays armed; its event is recognised as stale by its tag. */
	if (!sqe)
		return;
	io_uring_prep_poll_remove(sqe, tag);
	io_uring_sqe_set_data64(sqe, TAG_IGNORE);
	/* Now, not with the next wait: the caller may close FD, which a poll would keep open. */
	io_uring_submit(state);
}

static int uring_wait(void *state, struct loop_event *ret_events, unsigned max)
{
	struct io_uring *ring = state;
	struct io_uring_cqe *cqe;
	unsigned n = 0;
	int ret;

	ret = io_uring_submit_and_wait(ring, 1);
	if (ret < 0)
		return ret;
	while (n < max && io_uring_peek_cqe(ring, &cqe) == 0) {
		if (cqe->user_data != TAG_IGNORE && cqe->res != -ECANCELED) {
			ret_events[n].tag = cqe->user_data;
			ret_events[n].revents = cqe->res < 0 ? POLLERR : (uint32_t)cqe->res;
			n++;
		}
		io_uring_cqe_seen(ring, cqe);
	}
	return (int)n;
}

const struct loop_backend loop_backend_uring = {
	.name = "io_uring",
	.create = uring_create,
	.destroy = uring_destroy,
	.arm = uring_arm,
	.disarm = uring_disarm,
	.wait = uring_wait,
};
