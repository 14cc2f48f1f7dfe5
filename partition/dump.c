/* SPDX-License-Identifier: BSD-3-Clause */
#include "partition/partition.h"
#include "partition/process.h"

#include "lib/util.h"
#include "vmm/core.h"
#include "vmm/space.h"
#include "vmm/vcpu.h"

#include <elf.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

/* What is looked at, or written, before others get their turn: a few milliseconds' worth. */
#define SEARCH_STEP (16 * MIB) /* which may have been swapped out */
#define WRITES_STEP 16

/* The guest is not held for a reader that does not read, nor long for one that reads slowly. */
#define STALL_NS  10000000000
#define ALL_NS    20000000000
#define ALL_PER_S (32 * MIB) /* of memory, for which there is another second */
#define NS_PER_S  1000000000

uint64_t partition_core_ns(const struct plan_partition *p)
{
	return ALL_NS + p->memory / ALL_PER_S * NS_PER_S;
}

/* More than there is of notes: VMCOREINFO (vmm/core_note.c), and those of each vCPU. */
#define NOTES_MAX    (128 * KIB)
#define VCPU_NOTES   (4 * KIB)
#define HEAD_ROUNDED (4 * KIB)

uint64_t partition_core_max(const struct plan_partition *p)
{
	return p->memory + sizeof(Elf64_Ehdr) +
	       (1 + CORE_RUNS_MAX + GMEM_SLOTS_MAX) * sizeof(Elf64_Phdr) + NOTES_MAX +
	       p->cpus.vcpus * VCPU_NOTES + HEAD_ROUNDED;
}

static void end(struct dump *d, int error)
{
	loop_timer_stop(&d->timer);
	loop_unwatch(d->partition->loop, &d->out);
	fd_close(&d->out.fd);
	core_destroy(d->core);
	d->core = NULL;
	d->done(d->partition, error, d->written);
}

static bool has_tables(struct vcpu *vcpu, struct space *ret_space)
{
	return arch_vcpu_space(vcpu, ret_space) && !ret_space->flat;
}

/* The address space of whoever met a fatal error, or of the first vCPU that has one. */
static bool find_space(const struct vm *vm, struct space *ret_space)
{
	const struct vm_end *ended = vm_ended(vm);

	if (ended && ended->vcpu >= 0 && has_tables(&vm->vcpus[ended->vcpu], ret_space))
		return true;
	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		if (has_tables(&vm->vcpus[i], ret_space))
			return true;
	}
	return false;
}

/* ---- writing ---- */

static void wait_for_reader(struct dump *d)
{
	uint64_t now = monotonic_ns();

	loop_timer_start(
		&d->timer, d->deadline_ns > now ? min_u64(STALL_NS, d->deadline_ns - now) : 1);
}

static void write_more(struct loop_watch *w, uint32_t revents)
{
	struct dump *d = container_of(w, struct dump, out);
	const void *bytes;

	(void)revents;
	for (unsigned i = 0; i < WRITES_STEP; i++) {
		size_t size = core_peek(d->core, &bytes);
		ssize_t n = size ? send(w->fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL) : 0;

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			end(d, n < 0 ? -errno : 0);
			return;
		}
		core_advance(d->core, (size_t)n);
		d->written += (uint64_t)n;
		wait_for_reader(d);
	}
}

static int start_writing(struct dump *d)
{
	const struct partition *p = d->partition;
	struct space space;
	const struct core_source source = {
		.arch = p->build.machine.arch,
		.gmem = &p->build.machine.gmem,
		.memory = &p->build.memory,
		.space = find_space(p->vm, &space) ? &space : NULL,
		.notes = d->notes_text,
		.notes_size = d->notes_size,
	};
	int ret = core_create(&source, &d->core);

	wait_for_reader(d);
	return ret ? ret : loop_watch(p->loop, &d->out);
}

/* ---- before that ---- */

static void search_more(struct dump *d)
{
	const struct gmem *gmem = &d->partition->build.machine.gmem;
	const struct vm_memory *memory = &d->partition->build.memory;
	int ret;

	if (!core_search_vmcoreinfo(gmem, memory, &d->search, SEARCH_STEP, d->notes)) {
		loop_timer_start(&d->timer, 1);
		return;
	}
	ret = fclose(d->notes) ? -ENOMEM : start_writing(d);
	free(d->notes_text);
	if (ret)
		end(d, ret);
}

static void time_passed(struct loop_timer *t)
{
	struct dump *d = container_of(t, struct dump, timer);

	if (d->core)
		end(d, -ETIMEDOUT);
	else
		search_more(d);
}

void dump_start(struct dump *d, int fd)
{
	const struct vm *vm = d->partition->vm;

	d->out.fd = fd;
	d->deadline_ns = monotonic_ns() + partition_core_ns(d->partition->plan);
	d->search = (struct core_search){0};
	d->written = 0;
	d->notes = open_memstream(&d->notes_text, &d->notes_size);
	if (!d->notes) {
		end(d, -ENOMEM);
		return;
	}
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		arch_vcpu_core_notes(&vm->vcpus[i], d->notes);
	search_more(d);
}

int dump_init(struct dump *d, struct partition *p,
	void (*done)(struct partition *p, int error, uint64_t bytes))
{
	*d = (struct dump){.partition = p,
		.done = done,
		.out = {.fd = -1, .slot = -1, .events = POLLOUT, .ready = write_more}};
	return loop_timer_init(p->loop, &d->timer, time_passed);
}
