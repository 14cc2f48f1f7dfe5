/* SPDX-License-Identifier: BSD-3-Clause */
#include "partition/handover.h"

#include "lib/file.h"
#include "lib/ipc.h"
#include "lib/util.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* In struct partition_launch these are descriptors only: from kvm_fd up to the ports. */
#define FIRST      offsetof(struct partition_launch, kvm_fd)
#define SINGLE_FDS ((offsetof(struct partition_launch, ports) - FIRST) / sizeof(int32_t))
#define PORT_FDS   3
#define FDS_MAX    (SINGLE_FDS + PORT_FDS * PLAN_PORTS_MAX)

/*
 * The fields that name descriptors, in the order in which these are sent. A field that is -1 has
 * none.
 */
static void list_fields(struct partition_launch *l, int32_t *ret_fields[FDS_MAX])
{
	unsigned n = 0;

	for (; n < SINGLE_FDS; n++)
		ret_fields[n] = (int32_t *)((char *)l + FIRST) + n;
	for (unsigned i = 0; i < PLAN_PORTS_MAX; i++) {
		ret_fields[n++] = &l->ports[i].out_fd;
		ret_fields[n++] = &l->ports[i].in_fd;
		ret_fields[n++] = &l->ports[i].log_fd;
	}
}

/* The launch block and the plan in one sealed memfd; or a negative errno. */
static int seal(const struct partition_launch *launch, const struct plan_partition *plan)
{
	AUTO_FREE void *encoded = NULL;
	AUTO_FREE uint8_t *bytes = NULL;
	size_t size;

	if (plan_partition_encode(plan, &encoded, &size))
		return -ENOMEM;
	bytes = malloc(sizeof(*launch) + size);
	if (!bytes)
		return -ENOMEM;
	memcpy(bytes, launch, sizeof(*launch));
	memcpy(bytes + sizeof(*launch), encoded, size);
	return memfd_create_sealed("bulkhead-launch", bytes, sizeof(*launch) + size);
}

int handover_send(
	int control_fd, const struct partition_launch *launch, const struct plan_partition *plan)
{
	struct partition_launch copy = *launch;
	uint16_t type = MSG_LAUNCH;
	AUTO_CLOSE int block = seal(launch, plan);
	struct ipc_fds fds = {.count = 1, .list = {block}};
	int32_t *fields[FDS_MAX];
	int ret = 0;

	if (block < 0)
		return block;
	list_fields(&copy, fields);
	for (unsigned i = 0; !ret && i < FDS_MAX; i++) {
		if (*fields[i] < 0)
			continue;
		if (fds.count == IPC_FDS_MAX) {
			ret = ipc_send_fds(control_fd, type, NULL, 0, &fds);
			type = MSG_LAUNCH_MORE;
			fds.count = 0;
		}
		fds.list[fds.count++] = *fields[i];
	}
	return ret ?: ipc_send_fds(control_fd, type, NULL, 0, &fds);
}

static int unseal(int fd, struct partition_launch *ret_launch, struct plan_partition **ret_plan)
{
	struct stat st;
	int ret = -EPROTO;
	uint8_t *bytes;

	if (fstat(fd, &st))
		return -errno;
	if ((size_t)st.st_size <= sizeof(*ret_launch))
		return -EPROTO;
	bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return -errno;
	memcpy(ret_launch, bytes, sizeof(*ret_launch));
	if (ret_launch->version == PARTITION_LAUNCH_VERSION &&
		ret_launch->size == sizeof(*ret_launch))
		ret = plan_partition_decode(bytes + sizeof(*ret_launch),
			(size_t)st.st_size - sizeof(*ret_launch), ret_plan);
	munmap(bytes, (size_t)st.st_size);
	return ret;
}

static int receive(int control_fd, uint16_t type, struct ipc_fds *ret_fds)
{
	struct pollfd control = {.fd = control_fd, .events = POLLIN};
	struct ipc_message m;
	int ret;

	while (poll(&control, 1, -1) < 0 && errno == EINTR) {
	}
	ret = ipc_receive_fds(control_fd, IPC_FDS_MAX, &m, ret_fds);
	if (ret)
		return ret;
	if (m.type == type && ret_fds->count)
		return 0;
	ipc_fds_close(ret_fds);
	return -EPROTO;
}

/*
 * Puts the descriptors that come behind the memfd, and with further messages, into their fields.
 * FDS has those of the last message.
 */
static int name_fds(int control_fd, struct partition_launch *l, struct ipc_fds *fds)
{
	int32_t *fields[FDS_MAX];
	unsigned used = 1;
	int ret;

	list_fields(l, fields);
	for (unsigned i = 0; i < FDS_MAX; i++) {
		if (*fields[i] < 0)
			continue;
		if (used == fds->count) {
			ret = receive(control_fd, MSG_LAUNCH_MORE, fds);
			if (ret)
				return ret;
			used = 0;
		}
		*fields[i] = fds->list[used++];
	}
	return used == fds->count ? 0 : -EPROTO;
}

int handover_receive(
	int control_fd, struct partition_launch *ret_launch, struct plan_partition **ret_plan)
{
	struct plan_partition *plan = NULL;
	struct ipc_fds fds;
	int ret = receive(control_fd, MSG_LAUNCH, &fds), block;

	if (ret)
		return ret;
	block = fds.list[0];
	ret = unseal(block, ret_launch, &plan);
	if (!ret)
		ret = name_fds(control_fd, ret_launch, &fds);
	if (ret) {
		/* What came with messages before the last goes with this process. */
		plan_partition_destroy(plan);
		ipc_fds_close(&fds);
		return ret;
	}
	close(block);
	*ret_plan = plan;
	return 0;
}
