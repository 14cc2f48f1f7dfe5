/* SPDX-License-Identifier: BSD-3-Clause */
#include "partition/process.h"

#include "lib/ipc.h"
#include "lib/util.h"
#include "partition/unowned.h"
#include "vmm/vcpu.h"

#include <errno.h>
#include <string.h>

_Static_assert(MESSAGE_EXITS_MAX == HISTORY_EXITS, "a message takes what the VM keeps");
_Static_assert(MESSAGE_MODE_MAX == LOOK_MODE_MAX, "likewise");

/* So many looks, so far apart: a loop that is longer than that is progress. */
#define LOOKS   4
#define LOOK_NS 10000000

/* How long a vCPU may take to leave the guest, on a busy host. */
#define PATIENCE_NS 300000000

/* ---- what is found ---- */

/* ASKED_NS is when it was asked for. */
static void note_look(struct message_vcpu *m, const struct vcpu_look *look, uint64_t asked_ns)
{
	static const enum partition_vcpu_state states[] = {
		[LOOK_UNKNOWN] = PARTITION_VCPU_UNKNOWN,
		[LOOK_RUNS] = PARTITION_VCPU_RUNS,
		[LOOK_HALTED] = PARTITION_VCPU_HALTED,
		[LOOK_OFF] = PARTITION_VCPU_OFF,
	};
	bool first = !m->looks++;

	/* Until the last look they hold when, and with how many exits, it all began. */
	if (first) {
		m->ns = asked_ns;
		m->exits = look->exits;
	}
	m->state = states[look->state];
	m->interrupts = look->interrupts;
	m->pc = look->pc;
	m->pc_min = first ? look->pc : min_u64(m->pc_min, look->pc);
	m->pc_max = first ? look->pc : max_u64(m->pc_max, look->pc);
	memcpy(m->mode, look->mode, sizeof(m->mode));
}

/* Takes the looks that are there. False: one is not there yet, and may still come. */
static bool take_looks(struct inspector *in)
{
	const struct vm *vm = in->partition->vm;
	uint64_t now = monotonic_ns();

	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		if (vm_looked(vm, i) == LOOK_PENDING && now < in->asked_ns + PATIENCE_NS)
			return false;
	}
	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		struct message_vcpu *m = &in->of[i];

		switch (vm_looked(vm, i)) {
		case LOOK_DONE:
			note_look(m, &in->now[i], in->asked_ns);
			break;
		case LOOK_DEAD:
			m->state = PARTITION_VCPU_DEAD;
			break;
		case LOOK_PENDING:
			m->state = PARTITION_VCPU_SILENT;
			break;
		}
	}
	in->looks++;
	return true;
}

static void add_exits(const struct vcpu *vcpu, struct message_vcpu *m)
{
	struct history_access exits[HISTORY_EXITS];

	m->last_count = history_exits(&vcpu->history, exits);
	for (unsigned i = 0; i < m->last_count; i++) {
		const struct vm_access *a = &exits[i].access;

		m->last[i] = (struct message_access){.address = a->address,
			.value = a->value,
			.space = space_told(a->space),
			.size = (uint8_t)a->size,
			.write = a->write,
			.owned = exits[i].owned};
	}
}

/* ---- telling it ---- */

static int send_vcpu(const struct inspector *in, unsigned i)
{
	const struct partition *p = in->partition;
	struct {
		struct message_vcpu vcpu;
		char text[VM_REPORT_MAX];
	} m = {.vcpu = in->of[i]};
	const struct vcpu_look *look = &in->now[i];

	m.vcpu.vcpu = i;
	if (m.vcpu.looks && vm_looked(p->vm, i) == LOOK_DONE) {
		m.vcpu.ns = in->asked_ns - m.vcpu.ns;
		m.vcpu.exits = look->exits - m.vcpu.exits;
		if (m.vcpu.state != PARTITION_VCPU_OFF)
			snprintf(m.text, sizeof(m.text), "%s", look->registers);
	}
	add_exits(&p->vm->vcpus[i], &m.vcpu);
	return ipc_send(p->supervisor_fd, MSG_VCPU, &m, sizeof(m.vcpu) + strlen(m.text));
}

static enum partition_port_driver driver_of(const struct chardev *c)
{
	if (!c->front.in_use)
		return PORT_DRIVER_UNKNOWN;
	return c->front.in_use(c->front.ctx) ? PORT_DRIVER_THERE : PORT_DRIVER_NONE;
}

static int send_rest(const struct inspector *in)
{
	const struct partition *p = in->partition;
	struct message_inspected m = {0};

	unowned_list(p->vm, m.unowned);
	for (unsigned i = 0; i < PLAN_PORTS_MAX; i++) {
		const struct chardev *c = &p->ports[i];

		if (!plan_port(p->plan, i))
			continue;
		m.ports[i] = (struct message_port){.said = chardev_written(c),
			.driver = driver_of(c),
			.held = atomic_load(&c->refused)};
	}
	return ipc_send(p->supervisor_fd, MSG_INSPECTED, &m, sizeof(m));
}

/* Sends all that is left, unless the supervisor does not read just now: false. */
static bool send_all(struct inspector *in)
{
	for (; in->sent < in->partition->vm->vcpu_count; in->sent++) {
		if (send_vcpu(in, in->sent) == -EAGAIN)
			return false;
	}
	return send_rest(in) != -EAGAIN;
}

/* ---- one step after the other ---- */

static void ask(struct inspector *in)
{
	in->asked_ns = monotonic_ns();
	vm_look(in->partition->vm, in->now);
}

static void step(struct loop_timer *t)
{
	struct inspector *in = container_of(t, struct inspector, timer);
	bool done = false;

	if (in->looks < LOOKS && take_looks(in) && in->looks < LOOKS)
		ask(in);
	else if (in->looks == LOOKS)
		done = send_all(in);
	if (!done)
		loop_timer_start(t, LOOK_NS);
}

void inspector_start(struct inspector *in)
{
	unsigned count = in->partition->vm->vcpu_count;

	if (loop_timer_running(&in->timer))
		return;
	if (!in->now)
		in->now = calloc(count, sizeof(*in->now));
	if (!in->of)
		in->of = calloc(count, sizeof(*in->of));
	if (!in->now || !in->of)
		return; /* the supervisor does not wait for ever */
	memset(in->of, 0, count * sizeof(*in->of));
	in->looks = in->sent = 0;
	ask(in);
	loop_timer_start(&in->timer, LOOK_NS);
}

void inspector_stop(struct inspector *in)
{
	loop_timer_stop(&in->timer);
}

int inspector_init(struct inspector *in, struct partition *p)
{
	*in = (struct inspector){.partition = p};
	return loop_timer_init(p->loop, &in->timer, step);
}
