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

#define GSI 24 /* of no line */

static struct end {
	struct bare bare;
	int event_fd; /* what interrupts this guest */
	int core;
} ends[2];

/* What is written to its eventfd is the message that its vector 1 has. */
static void listen_to(const struct end *e)
{
	uint8_t room[sizeof(struct kvm_irq_routing) + sizeof(struct kvm_irq_routing_entry)]
		__attribute__((aligned(8))) = {0};
	struct kvm_irq_routing *routing = (void *)room;
	struct kvm_irqfd irqfd = {.fd = (uint32_t)e->event_fd, .gsi = GSI};

	routing->nr = 1;
	routing->entries[0] = (struct kvm_irq_routing_entry){
		.gsi = GSI,
		.type = KVM_IRQ_ROUTING_MSI,
		.u.msi = {.address_lo = DOORBELL_MSI_ADDRESS, .data = DOORBELL_INTERRUPT},
	};
	bare_call(e->bare.vm, KVM_SET_GSI_ROUTING, routing, "KVM_SET_GSI_ROUTING");
	bare_call(e->bare.vm, KVM_IRQFD, &irqfd, "KVM_IRQFD");
}

/* A doorbell of FROM for the peer ID, which has EVENT_FD. */
static void ring_at(const struct end *from, unsigned id, int event_fd)
{
	struct kvm_ioeventfd bell = {
		.datamatch = DOORBELL_VALUE(id),
		.addr = DOORBELL_FLOOR,
		.len = 4,
		.fd = event_fd,
		.flags = KVM_IOEVENTFD_FLAG_DATAMATCH,
	};

	bare_call(from->bare.vm, KVM_IOEVENTFD, &bell, "KVM_IOEVENTFD");
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
		ends[i].event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		bare_create(kvm, argv[1], i, &ends[i].bare);
		listen_to(&ends[i]);
	}
	ring_at(&ends[0], 1, ends[1].event_fd);
	ring_at(&ends[1], 0, ends[0].event_fd);
	for (unsigned i = 0; i < 2; i++)
		if (pthread_create(&threads[i], NULL, run, &ends[i]))
			err(EXIT_FAILURE, "thread");
	for (unsigned i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	return EXIT_SUCCESS;
}
