/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages between two partitions through an ivshmem region, version 2: peer 0 asks, peer 1
 * answers. Each writes its own output section alone and believes nothing that it reads in the
 * other's.
 *
 * Command line: rounds=5 limit=1s.
 */
#include "ivshmem.h"

/* In the output section of who sends it. */
struct message {
	uint32_t sequence; /* odd: it is being written */
	uint32_t number;
	char text[56];
};

enum { STATE_READY = 1, STATE_DONE };

static struct ivshmem link;
static unsigned other; /* peer */
static volatile unsigned rung;

static void on_doorbell(void)
{
	rung = rung + 1;
}

static void send(const char *text, uint32_t number)
{
	volatile struct message *m = (void *)ivshmem_output(&link, link.id);
	unsigned i = 0;

	m->sequence = m->sequence + 1;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	m->number = number;
	for (; text[i] && i + 1 < sizeof(m->text); i++)
		m->text[i] = text[i];
	m->text[i] = '\0';
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	m->sequence = m->sequence + 1;
	ivshmem_ring(&link, other, 1);
}

/* The other's message, if it is whole. The copy is ours, and ends. */
static bool receive(struct message *ret_message)
{
	const volatile struct message *m = (void *)ivshmem_output(&link, other);
	uint32_t sequence = m->sequence;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	ret_message->number = m->number;
	for (unsigned i = 0; i < sizeof(m->text); i++)
		ret_message->text[i] = m->text[i];
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	ret_message->sequence = m->sequence;
	ret_message->text[sizeof(m->text) - 1] = '\0';
	return sequence % 2 == 0 && sequence == ret_message->sequence;
}

static void wake_up(void)
{
}

/* Waits for message NUMBER, at most LIMIT nanoseconds: by doorbell, but not by that alone. */
static bool wait_message(uint32_t number, uint64_t limit, struct message *ret_message)
{
	uint64_t start = time_ns();

	timer_periodic(limit / 10 + 1, wake_up);
	while (!receive(ret_message) || ret_message->number != number) {
		if (time_ns() - start > limit)
			break;
		cpu_wait();
	}
	timer_stop();
	return ret_message->number == number;
}

/* Until the other is there: state changes come by vector 0. */
static bool wait_ready(uint64_t limit)
{
	uint64_t start = time_ns();

	while (link.states[other] == IVSHMEM_STATE_GONE) {
		if (time_ns() - start > limit)
			return false;
		cpu_let_in();
	}
	return true;
}

static int ask(uint32_t rounds, uint64_t limit)
{
	struct message m;

	for (uint32_t i = 1; i <= rounds; i++) {
		uint64_t start = time_ns();

		kprintf("asks %u\n", i);
		send("question", i);
		if (!wait_message(i, limit, &m)) {
			kprintf("no answer; the other's state is %u\n", link.states[other]);
			return 1;
		}
		kprintf("is told \"%s\" %u after %lu us\n", m.text, m.number,
			(time_ns() - start) / NS_PER_US);
	}
	return 0;
}

static int answer(uint32_t rounds, uint64_t limit)
{
	struct message m;

	for (uint32_t i = 1; i <= rounds; i++) {
		if (!wait_message(i, limit, &m))
			return 1;
		send("answer", i);
		kprintf("is asked \"%s\" %u\n", m.text, m.number);
	}
	return 0;
}

int guest_main(void)
{
	uint32_t rounds = (uint32_t)cmdline_number("rounds", 5);
	uint64_t limit = cmdline_time("limit", NS_PER_S);
	int ret;

	if (!ivshmem_open(0, &link) || link.peers != 2 || link.output_size < sizeof(struct message))
		panic("no ivshmem region for two");
	other = !link.id;
	kprintf("peer %u of %u: %lu bytes of its own\n", link.id, link.peers, link.output_size);
	ivshmem_on(&link, 0, on_doorbell);
	ivshmem_on(&link, 1, on_doorbell);
	ivshmem_enable(&link, true);
	ivshmem_set_state(&link, STATE_READY);
	if (!wait_ready(10 * limit))
		panic("the other does not come");
	ret = link.id ? answer(rounds, limit) : ask(rounds, limit);
	ivshmem_set_state(&link, STATE_DONE);
	kprintf("rung %u times; done\n", rung);
	return ret;
}
