/* SPDX-License-Identifier: BSD-3-Clause */
#include "partition/tell.h"

#include "lib/ipc.h"
#include "lib/util.h"
#include "partition/explain.h"
#include "vmm/vcpu.h"

#include <string.h>

void tell_failed(int control_fd, bool host, const struct diags *diags)
{
	struct {
		struct message_failed failed;
		char text[IPC_PAYLOAD_MAX - sizeof(struct message_failed)];
	} message = {.failed.host = host};
	FILE *f = fmemopen(message.text, sizeof(message.text), "w");

	if (f) {
		diags_print(diags, f, "");
		fclose(f);
	}
	ipc_send(control_fd, MSG_FAILED, &message,
		sizeof(message.failed) + strnlen(message.text, sizeof(message.text)));
}

void tell_failed_host(
	int control_fd, const struct plan_partition *plan, const char *what, int error)
{
	struct diags diags;

	diags_init(&diags);
	explain_host_error(plan, what, error, &diags);
	tell_failed(control_fd, true, &diags);
	diags_fini(&diags);
}

/* Counters that go together; sent when there is no room for another. */
struct counter_batch {
	int fd;
	unsigned count;
	struct message_counter items[64];
};

static void batch_flush(struct counter_batch *b)
{
	if (b->count)
		ipc_send(b->fd, MSG_STATS, b->items, b->count * sizeof(b->items[0]));
	b->count = 0;
}

static void batch_add(struct counter_batch *b, unsigned vcpu, const char *name, uint64_t count)
{
	struct message_counter *c = &b->items[b->count];

	if (!count)
		return;
	*c = (struct message_counter){.vcpu = vcpu, .count = count};
	snprintf(c->name, sizeof(c->name), "%s", name);
	if (++b->count == ARRAY_SIZE(b->items))
		batch_flush(b);
}

void tell_stats(int control_fd, const struct vm *vm)
{
	struct counter_batch batch = {.fd = control_fd};

	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		const struct vcpu_counters *c = &vm->vcpus[i].counters;

		for (unsigned r = 0; r < VCPU_EXITS_MAX; r++)
			batch_add(&batch, i, arch_exits[r].name, c->exits[r]);
		batch_add(&batch, i, "unknown", c->exits[VCPU_EXITS_MAX]);
		batch_add(&batch, i, "kicks", c->signals);
		batch_add(&batch, i, "unclaimed ports", c->unclaimed_port);
		batch_add(&batch, i, "unclaimed addresses", c->unclaimed_mmio);
	}
	batch_flush(&batch);
}

void tell_report(int control_fd, const struct message_report *report, const char *text)
{
	struct {
		struct message_report report;
		char text[IPC_PAYLOAD_MAX - sizeof(struct message_report)];
	} message = {.report = *report};
	size_t size = strnlen(text, sizeof(message.text));

	memcpy(message.text, text, size);
	ipc_send(control_fd, MSG_REPORT, &message, sizeof(message.report) + size);
}

void tell_parked(int control_fd, const struct vm_end *end, bool spinning)
{
	struct {
		struct message_parked parked;
		char text[VM_REPORT_MAX];
	} message = {.parked.vcpu = (uint32_t)end->vcpu, .parked.spinning = spinning};

	snprintf(message.parked.how, sizeof(message.parked.how), "%s", end->how);
	snprintf(message.text, sizeof(message.text), "%s", end->report);
	ipc_send(control_fd, MSG_PARKED, &message, sizeof(message.parked) + strlen(message.text));
}

void tell_core(int control_fd, int error, uint64_t bytes)
{
	const struct message_core m = {.error = (uint32_t)-error, .bytes = bytes};

	ipc_send(control_fd, MSG_CORE_DONE, &m, sizeof(m));
}

void tell_notice(int control_fd, const char *device, const char *text)
{
	char message[MESSAGE_LOG_MAX];
	int n = snprintf(message, sizeof(message), "%s: %s", device, text);

	ipc_send(control_fd, MSG_NOTICE, message, min_u64((uint64_t)n, sizeof(message) - 1));
}
