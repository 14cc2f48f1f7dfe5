/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a disk asks of the host: reads, writes, flushes and holes in one file, done while its caller
 * goes on. By an io_uring of its own, which is told before its first use to take such requests for
 * this file and nothing else; where the host forbids io_uring, by threads.
 *
 * A request that hangs, hangs alone. Nothing here blocks.
 *
 * Threads: created by the one that builds the machine; then one at a time, whichever.
 */
#ifndef DEVICES_VIRTIO_BLK_IO_H
#define DEVICES_VIRTIO_BLK_IO_H

#include "vmm/gmem.h"

#include <stddef.h>
#include <sys/uio.h>

/* Requests that may be with the host at a time: more than fast disks need to be busy. */
#define BLK_IO_DEPTH 128

enum blk_io_op {
	BLK_IO_READ,
	BLK_IO_WRITE,
	BLK_IO_FLUSH, /* what was written before it is on the medium [fdatasync(2)] */
	BLK_IO_HOLE,  /* [offset, offset + size) reads as zeroes, and takes no room */
	BLK_IO_ZERO,  /* the same, and keeps its room where the file system can do that */
};

struct blk_io_request {
	enum blk_io_op op;
	bool durable;      /* WRITE, HOLE, ZERO: it is on the medium when it is done */
	uint64_t offset;   /* bytes */
	uint64_t size;     /* bytes: of what iov has, or of the hole */
	struct iovec *iov; /* READ and WRITE: changed on the way, and there until it is done */
	unsigned iov_count;
	int result; /* once it is done: 0, or a negative errno; -EIO where the file ends early */
	/* The back-end's. */
	uint64_t done;
	struct blk_io_request *next;
};

struct blk_io_config {
	int fd;                  /* the file; borrowed */
	int direct_fd;           /* the same, opened with O_DIRECT; borrowed; -1: there is none */
	const struct gmem *gmem; /* where requests have their buffers; borrowed */
	bool pinned;             /* the guest's memory stays in place: it is registered */
	bool no_uring;           /* as on a host without it */
};

struct blk_io;

/* 0; -ENOMEM, or another negative errno. */
int blk_io_create(const struct blk_io_config *cfg, struct blk_io **ret_io);
/* Waits for what the host is doing. */
void blk_io_destroy(struct blk_io *io);

/* Once, before the first request: makes its threads, if it has some. 0 or a negative errno. */
int blk_io_start(struct blk_io *io);

/* True when threads do its work, and no io_uring. */
bool blk_io_has_threads(const struct blk_io *io);

/* Readable when blk_io_take may have something: an eventfd. */
int blk_io_event_fd(const struct blk_io *io);

/*
 * Adds R, of which there are at most BLK_IO_DEPTH; blk_io_submit has them done. Some may be done
 * when it returns, of which there is no event: take them then.
 */
void blk_io_add(struct blk_io *io, struct blk_io_request *r);
void blk_io_submit(struct blk_io *io);

/* A request that is done, or NULL. */
struct blk_io_request *blk_io_take(struct blk_io *io);

#endif
