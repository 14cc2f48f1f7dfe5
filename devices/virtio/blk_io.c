/* SPDX-License-Identifier: BSD-3-Clause */
#include "devices/virtio/blk_io.h"

#include "devices/virtio/queue.h"
#include "lib/util.h"

#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <linux/falloc.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>

/* Without io_uring: enough that a flush does not hold up all else. */
#define THREADS 4

/* Of the kernel's workers, who do what cannot be done at once. */
#define KERNEL_WORKERS 16

/* The kernel registers at most this much in one piece [io_uring_register(2)]. */
#define PIECE_SIZE ((uint64_t)1 << 30)
#define PIECES_MAX 64

/*
 * Bytes of one call. From the page cache they are copied within it, and others wait for the thread
 * that does so.
 */
#define CALL_MAX ((size_t)4 << 20)

/* What any file takes with O_DIRECT, of places in it and in memory. */
#define DIRECT_ALIGN 4096

/* Indices of registered files. */
enum { FILE_BUFFERED, FILE_DIRECT };

struct blk_io {
	struct blk_io_config cfg;
	int event_fd;

	bool uring;
	struct io_uring ring;
	unsigned with_host;   /* added and not taken */
	unsigned piece_count; /* registered; 0: none */
	struct iovec pieces[PIECES_MAX];

	/* Without io_uring. */
	unsigned thread_count;
	pthread_t threads[THREADS];
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t wanted;
	bool ending;
	struct blk_io_request *todo, **todo_end;
	struct blk_io_request *done, **done_end;
};

/* ---- what both have in common ---- */

static bool is_aligned(const struct blk_io_request *r)
{
	uint64_t bits = r->offset + r->done;

	for (unsigned i = 0; i < r->iov_count; i++)
		bits |= (uintptr_t)r->iov[i].iov_base | r->iov[i].iov_len;
	return !(bits % DIRECT_ALIGN);
}

/* Past the page cache only what it takes; the kernel keeps the two ways coherent. */
static bool is_direct(const struct blk_io *io, const struct blk_io_request *r)
{
	return io->cfg.direct_fd >= 0 && r->op <= BLK_IO_WRITE && is_aligned(r);
}

static int hole_mode(const struct blk_io_request *r)
{
	return FALLOC_FL_KEEP_SIZE |
	       (r->op == BLK_IO_HOLE ? FALLOC_FL_PUNCH_HOLE : FALLOC_FL_ZERO_RANGE);
}

/*
 * The host has done what it says by RESULT, a number of bytes or a negative errno. True when that
 * was the last of R; else it goes on from where it is.
 */
static bool advance(struct blk_io_request *r, int64_t result)
{
	if (r->op == BLK_IO_ZERO && (result == -EOPNOTSUPP || result == -EINVAL)) {
		r->op = BLK_IO_HOLE;
		return false;
	}
	if (result == -EINTR || result == -EAGAIN)
		return false;
	if (r->op > BLK_IO_FLUSH && r->durable && result >= 0) {
		r->op = BLK_IO_FLUSH;
		return false;
	}
	if (r->op > BLK_IO_WRITE || result < 0) {
		r->result = (int)(result < 0 ? result : 0);
		return true;
	}
	r->done += (uint64_t)result;
	r->result = result ? 0 : -EIO;
	if (!result || r->done >= r->size)
		return true;
	r->iov_count =
		virtq_iov_slice(r->iov, r->iov_count, (size_t)result, r->size - r->done, r->iov);
	return false;
}

/* ---- io_uring ---- */

/* The registered piece of the guest's memory that R's buffer is in; -1: none, or it is several. */
static int piece_of(const struct blk_io *io, const struct blk_io_request *r)
{
	uintptr_t base = (uintptr_t)r->iov[0].iov_base;

	if (r->iov_count != 1)
		return -1;
	for (unsigned i = 0; i < io->piece_count; i++) {
		uintptr_t start = (uintptr_t)io->pieces[i].iov_base;

		if (base >= start && base - start < io->pieces[i].iov_len &&
			r->iov[0].iov_len <= io->pieces[i].iov_len - (base - start))
			return (int)i;
	}
	return -1;
}

/* How many of R's buffers are for one call; 0: the first is more than that. */
static unsigned buffers_of_call(const struct blk_io_request *r)
{
	size_t size = 0;
	unsigned n = 0;

	while (n < r->iov_count && r->iov[n].iov_len <= CALL_MAX - size)
		size += r->iov[n++].iov_len;
	return n;
}

static void prepare_transfer(
	const struct blk_io *io, struct blk_io_request *r, int file, struct io_uring_sqe *sqe)
{
	int piece = piece_of(io, r);
	const struct iovec *v = r->iov;
	uint64_t at = r->offset + r->done;
	unsigned count = buffers_of_call(r), size = (unsigned)min_u64(v->iov_len, CALL_MAX);
	bool read = r->op == BLK_IO_READ;

	if (piece >= 0 && read)
		io_uring_prep_read_fixed(sqe, file, v->iov_base, size, at, piece);
	else if (piece >= 0)
		io_uring_prep_write_fixed(sqe, file, v->iov_base, size, at, piece);
	else if (!count && read)
		io_uring_prep_read(sqe, file, v->iov_base, size, at);
	else if (!count)
		io_uring_prep_write(sqe, file, v->iov_base, size, at);
	else if (read)
		io_uring_prep_readv(sqe, file, v, count, at);
	else
		io_uring_prep_writev(sqe, file, v, count, at);
	if (r->op == BLK_IO_WRITE && r->durable)
		sqe->rw_flags = RWF_DSYNC;
}

/* There is room: the ring has BLK_IO_DEPTH entries. */
static void uring_add(struct blk_io *io, struct blk_io_request *r)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&io->ring);
	int file = is_direct(io, r) ? FILE_DIRECT : FILE_BUFFERED;

	if (r->op <= BLK_IO_WRITE)
		prepare_transfer(io, r, file, sqe);
	else if (r->op == BLK_IO_FLUSH)
		io_uring_prep_fsync(sqe, file, IORING_FSYNC_DATASYNC);
	else
		io_uring_prep_fallocate(sqe, file, hole_mode(r), (off_t)r->offset, (off_t)r->size);
	io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
	io_uring_sqe_set_data(sqe, r);
	io->with_host++;
}

/* One call for all that was added. What the kernel does not take now is offered again later. */
static void uring_submit(struct blk_io *io)
{
	if (!io_uring_sq_ready(&io->ring))
		return;
	io_uring_submit(&io->ring);
	if (io_uring_sq_ready(&io->ring))
		eventfd_write(io->event_fd, 1);
}

static struct blk_io_request *uring_take(struct blk_io *io)
{
	struct io_uring_cqe *cqe;

	while (io_uring_peek_cqe(&io->ring, &cqe) == 0) {
		struct blk_io_request *r = io_uring_cqe_get_data(cqe);
		bool last = advance(r, cqe->res);

		io_uring_cqe_seen(&io->ring, cqe);
		io->with_host--;
		if (last)
			return r;
		uring_add(io, r);
	}
	uring_submit(io);
	return NULL;
}

/* Not to be paged out, the memory can as well be known to the kernel once and for all. */
static void register_memory(struct blk_io *io)
{
	unsigned n = 0;

	for (unsigned i = 0; io->cfg.pinned && i < io->cfg.gmem->count; i++) {
		const struct gmem_slot *s = &io->cfg.gmem->slots[i];

		for (uint64_t at = 0; at < s->size && n < PIECES_MAX; at += PIECE_SIZE)
			io->pieces[n++] = (struct iovec){.iov_base = s->hva + at,
				.iov_len = min_u64(PIECE_SIZE, s->size - at)};
	}
	if (n && io_uring_register_buffers(&io->ring, io->pieces, n) == 0)
		io->piece_count = n;
}

/* The kernel's workers keep to the cores of the thread that works for the partition. */
static void bound_workers(struct blk_io *io)
{
	unsigned workers[2] = {KERNEL_WORKERS, KERNEL_WORKERS};
	cpu_set_t cores;

	io_uring_register_iowq_max_workers(&io->ring, workers);
	if (sched_getaffinity(0, sizeof(cores), &cores) == 0)
		io_uring_register_iowq_aff(&io->ring, sizeof(cores), &cores);
}

static int restrict_ring(struct blk_io *io)
{
	struct io_uring_restriction allowed[] = {
		{.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_READ},
		{.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_WRITE},
		{.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_READV},
		{.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_WRITEV},
		{.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_READ_FIXED},
		{.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_WRITE_FIXED},
		{.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_FSYNC},
		{.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_FALLOCATE},
		/* The files above and no others. */
		{.opcode = IORING_RESTRICTION_SQE_FLAGS_REQUIRED, .sqe_flags = IOSQE_FIXED_FILE},
	};

	/* Not through liburing: its shared library in Debian 12 lacks these two. */
	if (syscall(SYS_io_uring_register, io->ring.ring_fd, IORING_REGISTER_RESTRICTIONS, allowed,
		    ARRAY_SIZE(allowed)) ||
		syscall(SYS_io_uring_register, io->ring.ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL,
			0))
		return -errno;
	return 0;
}

static int uring_create(struct blk_io *io)
{
	const int files[] = {[FILE_BUFFERED] = io->cfg.fd, [FILE_DIRECT] = io->cfg.direct_fd};
	int ret = io_uring_queue_init(BLK_IO_DEPTH, &io->ring, IORING_SETUP_R_DISABLED);

	if (ret)
		return ret;
	ret = io_uring_register_files(&io->ring, files, ARRAY_SIZE(files));
	if (!ret)
		ret = io_uring_register_eventfd(&io->ring, io->event_fd);
	if (!ret) {
		register_memory(io);
		bound_workers(io);
		ret = restrict_ring(io);
	}
	if (ret)
		io_uring_queue_exit(&io->ring);
	io->uring = !ret;
	return ret;
}

/* Nobody must write to what its caller is about to free. */
static void uring_destroy(struct blk_io *io)
{
	struct io_uring_cqe *cqe;

	io_uring_submit(&io->ring);
	for (; io->with_host && !io_uring_wait_cqe(&io->ring, &cqe); io->with_host--)
		io_uring_cqe_seen(&io->ring, cqe);
	io_uring_queue_exit(&io->ring);
}

/* ---- threads ---- */

static void append(struct blk_io_request ***end, struct blk_io_request *r)
{
	r->next = NULL;
	**end = r;
	*end = &r->next;
}

static struct blk_io_request *detach(struct blk_io_request **first, struct blk_io_request ***end)
{
	struct blk_io_request *r = *first;

	*first = r->next;
	if (!*first)
		*end = first;
	return r;
}

static int64_t call_transfer(const struct blk_io *io, const struct blk_io_request *r)
{
	int fd = is_direct(io, r) ? io->cfg.direct_fd : io->cfg.fd;
	off_t at = (off_t)(r->offset + r->done);

	return r->op == BLK_IO_READ
		       ? preadv(fd, r->iov, (int)r->iov_count, at)
		       : pwritev2(fd, r->iov, (int)r->iov_count, at, r->durable ? RWF_DSYNC : 0);
}

static int64_t call(const struct blk_io *io, const struct blk_io_request *r)
{
	int64_t ret;

	if (r->op <= BLK_IO_WRITE)
		ret = call_transfer(io, r);
	else if (r->op == BLK_IO_FLUSH)
		ret = fdatasync(io->cfg.fd);
	else
		ret = fallocate(io->cfg.fd, hole_mode(r), (off_t)r->offset, (off_t)r->size);
	return ret < 0 ? -errno : ret;
}

static void *work(void *arg)
{
	struct blk_io *io = arg;

	pthread_mutex_lock(&io->lock);
	for (;;) {
		struct blk_io_request *r;

		while (!io->todo && !io->ending)
			pthread_cond_wait(&io->wanted, &io->lock);
		if (io->ending)
			break;
		r = detach(&io->todo, &io->todo_end);
		pthread_mutex_unlock(&io->lock);
		while (!advance(r, call(io, r)))
			;
		pthread_mutex_lock(&io->lock);
		append(&io->done_end, r);
		eventfd_write(io->event_fd, 1);
	}
	pthread_mutex_unlock(&io->lock);
	return NULL;
}

int blk_io_start(struct blk_io *io)
{
	int ret = 0;

	while (!io->uring && !ret && io->thread_count < THREADS) {
		ret = pthread_create(&io->threads[io->thread_count], NULL, work, io);
		io->thread_count += !ret;
	}
	return -ret;
}

/* ---- either ---- */

bool blk_io_has_threads(const struct blk_io *io)
{
	return !io->uring;
}

int blk_io_event_fd(const struct blk_io *io)
{
	return io->event_fd;
}

void blk_io_add(struct blk_io *io, struct blk_io_request *r)
{
	r->done = 0;
	r->result = 0;
	if (io->uring) {
		uring_add(io, r);
		return;
	}
	pthread_mutex_lock(&io->lock);
	append(&io->todo_end, r);
	pthread_cond_signal(&io->wanted);
	pthread_mutex_unlock(&io->lock);
}

void blk_io_submit(struct blk_io *io)
{
	if (!io->uring)
		return;
	/* What is done within the call is taken right after it: no event for that. */
	io_uring_cq_eventfd_toggle(&io->ring, false);
	uring_submit(io);
	io_uring_cq_eventfd_toggle(&io->ring, true);
}

struct blk_io_request *blk_io_take(struct blk_io *io)
{
	struct blk_io_request *r = NULL;

	if (io->uring)
		return uring_take(io);
	pthread_mutex_lock(&io->lock);
	if (io->done)
		r = detach(&io->done, &io->done_end);
	pthread_mutex_unlock(&io->lock);
	return r;
}

int blk_io_create(const struct blk_io_config *cfg, struct blk_io **ret_io)
{
	struct blk_io *io = calloc(1, sizeof(*io));

	if (!io)
		return -ENOMEM;
	io->cfg = *cfg;
	pthread_mutex_init(&io->lock, NULL);
	pthread_cond_init(&io->wanted, NULL);
	io->todo_end = &io->todo;
	io->done_end = &io->done;
	io->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (io->event_fd < 0) {
		blk_io_destroy(io);
		return -errno;
	}
	if (!cfg->no_uring)
		uring_create(io);
	*ret_io = io;
	return 0;
}

void blk_io_destroy(struct blk_io *io)
{
	if (!io)
		return;
	pthread_mutex_lock(&io->lock);
	io->ending = true;
	pthread_cond_broadcast(&io->wanted);
	pthread_mutex_unlock(&io->lock);
	for (unsigned i = 0; i < io->thread_count; i++)
		pthread_join(io->threads[i], NULL);
	if (io->uring)
		uring_destroy(io);
	fd_close(&io->event_fd);
	pthread_cond_destroy(&io->wanted);
	pthread_mutex_destroy(&io->lock);
	free(io);
}
