/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The floor of the figure `doorbell`: two guests (bare.c), each on a thread on a core of its own,
 * whose doorbells are an ioeventfd that is the other's irqfd, and nothing else: no PCI, no memory
 * in common. Usage: floor_doorbell IMAGE CORE CORE. What guest_doorbell.c finds here it knows by
 * its own constants.
 */
#include "tests/bench/bare.h"
#include "tests/bench/doorbell.h"

#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#define GSI 24 /* of no line, and those behind it */

static struct end {
	struct bare bare;
	int event_fds[DOORBELL_VECTORS]; /* what interrupts this guest */
	int core;
} ends[2];

/* What is written to an eventfd is the message that its vector has. */
static void listen_to(const struct end *e)
{
	uint8_t room[sizeof(struct kvm_irq_routing) +
		     DOORBELL_VECTORS * sizeof(struct kvm_irq_routing_entry)]
		__attribute__((aligned(8))) = {0};
	struct kvm_irq_routing *routing = (void *)room;

	for (uint32_t v = 0; v < DOORBELL_VECTORS; v++) {
		routing->entries[routing->nr++] = (struct kvm_irq_routing_entry){
			.gsi = GSI + v,
			.type = KVM_IRQ_ROUTING_MSI,
			.u.msi = {.address_lo = DOORBELL_MSI_ADDRESS,
				.data = DOORBELL_INTERRUPT(v)},
		};
	}
	bare_call(e->bare.vm, KVM_SET_GSI_ROUTING, routing, "KVM_SET_GSI_ROUTING");
	for (uint32_t v = 0; v < DOORBELL_VECTORS; v++) {
		struct kvm_irqfd irqfd = {.fd = (uint32_t)e->event_fds[v], .gsi = GSI + v};

		bare_call(e->bare.vm, KVM_IRQFD, &irqfd, "KVM_IRQFD");
	}
}

/* The doorbells of FROM for TO, which is peer ID. */
static void ring_at(const struct end *from, const struct end *to, unsigned id)
{
	for (unsigned v = 0; v < DOORBELL_VECTORS; v++) {
		struct kvm_ioeventfd bell = {
			.datamatch = DOORBELL_VALUE(id, v),
			.addr = DOORBELL_FLOOR,
			.len = 4,
			.fd = to->event_fds[v],
			.flags = KVM_IOEVENTFD_FLAG_DATAMATCH,
		};

		bare_call(from->bare.vm, KVM_IOEVENTFD, &bell, "KVM_IOEVENTFD");
	}
}

static void *run(void *arg)
{
	struct end *e = arg;
	cpu_set_t core;

	CPU_ZERO(&core);
	CPU_SET(e->core, &core);
	if (sched_setaffinity(0, sizeof(core), &core))
		err(EXIT_FAILURE, "core %d", e->core);
	bare_run(&e->bare);
	return NULL;
}

int main(int argc, char **argv)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	pthread_t threads[2];

	if (kvm < 0 || argc != 4)
		err(EXIT_FAILURE, "/dev/kvm");
	for (unsigned i = 0; i < 2; i++) {
		ends[i].core = atoi(argv[2 + i]);
		for (unsigned v = 0; v < DOORBELL_VECTORS; v++)
			ends[i].event_fds[v] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		bare_create(kvm, argv[1], i, &ends[i].bare);
		listen_to(&ends[i]);
	}
	ring_at(&ends[0], &ends[1], 1);
	ring_at(&ends[1], &ends[0], 0);
	for (unsigned i = 0; i < 2; i++)
		if (pthread_create(&threads[i], NULL, run, &ends[i]))
			err(EXIT_FAILURE, "thread");
	for (unsigned i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	return EXIT_SUCCESS;
}
