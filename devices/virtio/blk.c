/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Block device [VIRTIO 1.2 5.2] of sectors of 512 bytes. A step takes one request, looks at it, and
 * gives it to the host (blk_io.h); requests come back in any order. All that a batch of steps has
 * taken goes to the host in one call.
 *
 * When a flush returns, all writes that were done before it are on the medium. So is each write
 * when it returns, where the driver knows no flushes or has turned the cache off (writeback).
 *
 * Left out: secure erase, zoned devices, lifetime information, legacy geometry.
 */
#include "devices/virtio/blk.h"

#include "devices/virtio/blk_io.h"
#include "lib/event.h"
#include "lib/util.h"

#include <errno.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>

#define SECTOR      512
#define SECTOR_BITS 9

/* Buffers of a request beside its header and status. */
#define SEGMENTS_MAX (VIRTQ_IOV_MAX - 2)

/* Of one hole, 1 GiB: more is several requests, so that none keeps the host busy for long. */
#define HOLE_SECTORS_MAX ((uint32_t)1 << (30 - SECTOR_BITS))

/* What file systems make holes of. */
#define HOLE_ALIGN_SECTORS (4096 / SECTOR)

/* Of the device's configuration: what is for secure erase and zones is not there. */
#define CONFIG_SIZE offsetof(struct virtio_blk_config, max_secure_erase_sectors)

#define HOLE_FEATURES                                                                              \
	(VIRTIO_FEATURE(VIRTIO_BLK_F_DISCARD) | VIRTIO_FEATURE(VIRTIO_BLK_F_WRITE_ZEROES))

/* A request in work. */
struct request {
	struct blk_io_request io;
	unsigned queue;
	uint32_t written; /* bytes of the guest's that it changes if all goes well */
	uint8_t *status;  /* the guest's byte for it */
	uint32_t room;    /* bytes of the writable part before that, in so many buffers */
	unsigned room_iovs;
	struct virtq_chain chain;
	struct request *next; /* free ones */
};

struct virtio_blk {
	struct virtio_device virtio;
	struct notice notice;
	struct blk_io *io;
	struct loop_watch done;
	uint64_t sectors;
	bool readonly;
	char serial[VIRTIO_BLK_SERIAL_MAX];
	/* The device's lock guards what follows. */
	bool failure_told;
	bool lost;        /* see finish */
	unsigned starved; /* bits: queues that wait for a free request */
	unsigned in_work;
	struct request *free;
	unsigned fresh; /* requests[fresh] and those behind it have not been used yet */
	struct request requests[BLK_IO_DEPTH];
};

static struct virtio_blk *to_blk(struct virtio_device *v)
{
	return container_of(v, struct virtio_blk, virtio);
}

/* ---- the end of a request ---- */

static void answer(struct virtio_blk *b, struct request *r, uint8_t status)
{
	*r->status = status;
	virtio_push(&b->virtio, r->queue, &r->chain, status == VIRTIO_BLK_S_OK ? r->written : 0);
}

static uint8_t status_of(struct virtio_blk *b, const struct request *r)
{
	if (!r->io.result)
		return VIRTIO_BLK_S_OK;
	if (r->io.result == -EOPNOTSUPP)
		return VIRTIO_BLK_S_UNSUPP;
	if (!b->failure_told)
		notice_tell(&b->notice, "its file gave an error: %s; the guest is told, too",
			strerror(-r->io.result));
	b->failure_told = true;
	return VIRTIO_BLK_S_IOERR;
}

/* NULL: all are in work. The same few again and again: a request is large. */
static struct request *first_free(struct virtio_blk *b)
{
	if (!b->free && b->fresh < BLK_IO_DEPTH)
		b->free = &b->requests[b->fresh++];
	return b->free;
}

static void put_free(struct virtio_blk *b, struct request *r)
{
	r->next = b->free;
	b->free = r;
}

/* Gives back what the host is done with. Which queues it was of, as bits. */
static unsigned finish(struct virtio_blk *b)
{
	struct blk_io_request *io;
	unsigned queues = 0;

	while ((io = blk_io_take(b->io))) {
		struct request *r = container_of(io, struct request, io);

		b->in_work--;
		/* The host has dropped what it could not put on the medium: no later flush can
		 * promise that it is there. */
		if (r->io.op == BLK_IO_FLUSH && (b->lost = b->lost || r->io.result))
			r->io.result = -EIO;
		/* After a reset the queue is gone, and the driver's memory is its own. */
		if (!b->virtio.resetting)
			answer(b, r, status_of(b, r));
		queues |= 1u << r->queue;
		put_free(b, r);
	}
	if (b->virtio.resetting && !b->in_work)
		virtio_reset_done(&b->virtio);
	return queues;
}

/* I/O thread: the host is done with something. */
static void host_done(struct loop_watch *w, uint32_t revents)
{
	struct virtio_blk *b = container_of(w, struct virtio_blk, done);
	unsigned queues, starved;

	(void)revents;
	event_take(w->fd);
	virtio_lock(&b->virtio);
	queues = finish(b);
	starved = queues ? b->starved : 0;
	b->starved &= ~starved;
	for (unsigned i = 0; i < b->virtio.queue_count; i++) {
		if (queues >> i & 1)
			virtio_notify(&b->virtio, i);
		if (starved >> i & 1)
			virtio_resume(&b->virtio, i);
	}
	virtio_unlock(&b->virtio);
}

/* ---- the start of a request ---- */

/* Takes the status byte off the chain's end. */
static void take_status(struct request *r)
{
	struct virtq_chain *c = &r->chain;
	struct iovec *last = &c->iov[c->readable + c->writable - 1];

	last->iov_len--;
	r->status = (uint8_t *)last->iov_base + last->iov_len;
	r->room = c->writable_size - 1;
	r->room_iovs = c->writable - !last->iov_len;
}

static bool in_range(const struct virtio_blk *b, uint64_t sector, uint64_t sectors)
{
	return sector <= b->sectors && sectors <= b->sectors - sector;
}

/* A status for who cannot be served, or -1: R is on its way. */
static int start_transfer(struct virtio_blk *b, struct request *r, uint64_t sector, bool write)
{
	struct virtq_chain *c = &r->chain;
	size_t skip = write ? sizeof(struct virtio_blk_outhdr) : 0;
	uint32_t size = write ? c->readable_size - (uint32_t)skip : r->room;
	struct iovec *iov = write ? c->iov : c->iov + c->readable;

	if ((write && b->readonly) || size % SECTOR || !in_range(b, sector, size / SECTOR))
		return VIRTIO_BLK_S_IOERR;
	if (!size)
		return VIRTIO_BLK_S_OK;
	r->written = write ? 1 : size + 1;
	r->io.op = write ? BLK_IO_WRITE : BLK_IO_READ;
	r->io.durable = write && !b->virtio.config[offsetof(struct virtio_blk_config, wce)];
	r->io.offset = sector * SECTOR;
	r->io.size = size;
	r->io.iov = iov;
	r->io.iov_count = virtq_iov_slice(iov, write ? c->readable : r->room_iovs, skip, size, iov);
	return -1;
}

/* Discards and zeroes: one range in each request, as the configuration says. */
static int start_hole(struct virtio_blk *b, struct request *r, bool discard)
{
	struct virtio_blk_discard_write_zeroes range;
	unsigned feature = discard ? VIRTIO_BLK_F_DISCARD : VIRTIO_BLK_F_WRITE_ZEROES;
	size_t skip = sizeof(struct virtio_blk_outhdr);
	uint32_t allowed = discard ? 0 : VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP;

	if (!virtio_has(&b->virtio, feature))
		return VIRTIO_BLK_S_UNSUPP;
	if (r->chain.readable_size != skip + sizeof(range) ||
		virtq_chain_read(&r->chain, skip, &range, sizeof(range)) != sizeof(range))
		return VIRTIO_BLK_S_IOERR;
	if (range.flags & ~allowed)
		return VIRTIO_BLK_S_UNSUPP;
	if (range.num_sectors > HOLE_SECTORS_MAX || !in_range(b, range.sector, range.num_sectors))
		return VIRTIO_BLK_S_IOERR;
	if (!range.num_sectors)
		return VIRTIO_BLK_S_OK;
	r->io.op = discard || range.flags ? BLK_IO_HOLE : BLK_IO_ZERO;
	r->io.durable = !discard && !b->virtio.config[offsetof(struct virtio_blk_config, wce)];
	r->io.offset = range.sector * SECTOR;
	r->io.size = (uint64_t)range.num_sectors * SECTOR;
	return -1;
}

static int give_serial(struct virtio_blk *b, struct request *r)
{
	if (r->room < sizeof(b->serial))
		return VIRTIO_BLK_S_IOERR;
	virtq_chain_write(&r->chain, 0, b->serial, sizeof(b->serial));
	r->written = sizeof(b->serial) + (r->room == sizeof(b->serial));
	return VIRTIO_BLK_S_OK;
}

static int start(struct virtio_blk *b, struct request *r, const struct virtio_blk_outhdr *header)
{
	r->written = 1;
	r->io = (struct blk_io_request){0};
	switch (header->type) {
	case VIRTIO_BLK_T_IN:
		return start_transfer(b, r, header->sector, false);
	case VIRTIO_BLK_T_OUT:
		return start_transfer(b, r, header->sector, true);
	case VIRTIO_BLK_T_FLUSH:
		r->io.op = BLK_IO_FLUSH;
		return b->readonly ? VIRTIO_BLK_S_OK : -1;
	case VIRTIO_BLK_T_DISCARD:
		return start_hole(b, r, true);
	case VIRTIO_BLK_T_WRITE_ZEROES:
		return start_hole(b, r, false);
	case VIRTIO_BLK_T_GET_ID:
		return give_serial(b, r);
	default:
		return VIRTIO_BLK_S_UNSUPP;
	}
}

/* There is no more for now: what was taken goes to the host. Returns RET. */
static int end_batch(struct virtio_blk *b, int ret)
{
	blk_io_submit(b->io);
	/* What was done at once. */
	for (unsigned queues = finish(b), i = 0; queues >> i; i++) {
		if (queues >> i & 1)
			virtio_notify(&b->virtio, i);
	}
	return ret;
}

static int blk_step(struct virtio_device *v, unsigned queue)
{
	struct virtio_blk *b = to_blk(v);
	struct virtio_blk_outhdr header;
	struct request *r = first_free(b);
	int ret, status;

	if (!r) {
		end_batch(b, 0);
		r = b->free;
	}
	if (!r) {
		b->starved |= 1u << queue;
		return -EBUSY;
	}
	ret = virtio_pop(v, queue, &r->chain);
	if (ret)
		return end_batch(b, ret);
	if (!r->chain.writable_size ||
		virtq_chain_read(&r->chain, 0, &header, sizeof(header)) != sizeof(header))
		return end_batch(b, -EBADMSG);
	r->queue = queue;
	take_status(r);
	status = start(b, r, &header);
	if (status >= 0) {
		answer(b, r, (uint8_t)status);
		return 0;
	}
	b->free = r->next;
	b->in_work++;
	blk_io_add(b->io, &r->io);
	return 0;
}

/* ---- the driver ---- */

/* One that knows no flushes takes it that what is written is written [VIRTIO 1.2 5.2.5]. */
static int blk_activate(struct virtio_device *v)
{
	if (!virtio_has(v, VIRTIO_BLK_F_FLUSH))
		v->config[offsetof(struct virtio_blk_config, wce)] = 0;
	return 0;
}

static bool blk_reset(struct virtio_device *v)
{
	struct virtio_blk *b = to_blk(v);

	b->starved = 0;
	v->config[offsetof(struct virtio_blk_config, wce)] = 1;
	if (!b->in_work)
		return true;
	/* What is not with the host yet has to go there first: by the I/O thread. */
	eventfd_write(b->done.fd, 1);
	return false;
}

static void blk_config_write(
	struct virtio_device *v, unsigned offset, unsigned size, uint64_t value)
{
	if (offset == offsetof(struct virtio_blk_config, wce) && size == 1 &&
		virtio_has(v, VIRTIO_BLK_F_CONFIG_WCE))
		v->config[offset] = value & 1;
}

bool virtio_blk_has_threads(const struct virtio_device *v)
{
	const struct virtio_blk *b = container_of(v, struct virtio_blk, virtio);

	return b->io && blk_io_has_threads(b->io);
}

static int blk_start(struct virtio_device *v)
{
	return blk_io_start(to_blk(v)->io);
}

static void blk_destroy(struct virtio_device *v)
{
	struct virtio_blk *b = to_blk(v);

	if (v->loop)
		loop_unwatch(v->loop, &b->done);
	blk_io_destroy(b->io);
	virtio_fini(v);
	free(b);
}

static const struct virtio_class blk_class = {
	.name = "virtio-blk",
	.device_id = VIRTIO_ID_BLOCK,
	.pci_class = 0x018000, /* mass storage, of no other kind */
	.start = blk_start,
	.queue_step = blk_step,
	.activate = blk_activate,
	.reset = blk_reset,
	.config_write = blk_config_write,
	.destroy = blk_destroy,
};

static uint64_t features_of(const struct virtio_blk_setup *s)
{
	uint64_t features =
		VIRTIO_FEATURE(VIRTIO_BLK_F_SEG_MAX) | VIRTIO_FEATURE(VIRTIO_BLK_F_BLK_SIZE) |
		VIRTIO_FEATURE(VIRTIO_BLK_F_TOPOLOGY) | VIRTIO_FEATURE(VIRTIO_BLK_F_FLUSH) |
		VIRTIO_FEATURE(VIRTIO_BLK_F_CONFIG_WCE);

	if (s->queues > 1)
		features |= VIRTIO_FEATURE(VIRTIO_BLK_F_MQ);
	if (s->readonly)
		features |= VIRTIO_FEATURE(VIRTIO_BLK_F_RO);
	else if (s->discard)
		features |= HOLE_FEATURES;
	return features;
}

static void set_config(struct virtio_blk *b, const struct virtio_blk_setup *s)
{
	const struct virtio_blk_config config = {
		.capacity = b->sectors,
		.seg_max = SEGMENTS_MAX,
		.blk_size = SECTOR,
		.physical_block_exp = 3, /* 4096 bytes, as its file has */
		.min_io_size = HOLE_ALIGN_SECTORS,
		.wce = 1,
		.num_queues = (uint16_t)s->queues,
		.max_discard_sectors = HOLE_SECTORS_MAX,
		.max_discard_seg = 1,
		.discard_sector_alignment = HOLE_ALIGN_SECTORS,
		.max_write_zeroes_sectors = HOLE_SECTORS_MAX,
		.max_write_zeroes_seg = 1,
		.write_zeroes_may_unmap = 1,
	};

	memcpy(b->virtio.config, &config, CONFIG_SIZE);
}

/* The part that needs the host; all that was made before is undone by blk_destroy. */
static int create_io(struct virtio_blk *b, const struct virtio_blk_setup *s)
{
	const struct blk_io_config cfg = {
		.fd = s->fd,
		.direct_fd = s->direct_fd,
		.gmem = &b->virtio.machine->gmem,
		.pinned = s->pinned,
		.no_uring = s->no_uring,
	};
	int ret = blk_io_create(&cfg, &b->io);

	if (ret)
		return ret;
	b->done.fd = blk_io_event_fd(b->io);
	b->done.events = POLLIN;
	b->done.ready = host_done;
	return loop_watch(s->loop, &b->done);
}

int virtio_blk_create(
	struct machine *m, const struct virtio_blk_setup *s, struct virtio_device **ret_device)
{
	const struct virtio_setup setup = {.cls = &blk_class,
		.machine = m,
		.loop = s->loop,
		.features = features_of(s),
		.config_size = CONFIG_SIZE,
		.queues = s->queues};
	struct virtio_blk *b = calloc(1, sizeof(*b));
	int ret;

	if (!b)
		return -ENOMEM;
	b->notice = s->notice;
	b->done = LOOP_WATCH_INIT;
	b->sectors = s->size / SECTOR;
	b->readonly = s->readonly;
	if (s->serial)
		memcpy(b->serial, s->serial, strnlen(s->serial, sizeof(b->serial)));
	ret = virtio_init(&b->virtio, &setup);
	if (!ret) {
		set_config(b, s);
		ret = s->loop ? create_io(b, s) : 0;
	}
	if (ret)
		blk_destroy(&b->virtio);
	else
		*ret_device = &b->virtio;
	return ret;
}
