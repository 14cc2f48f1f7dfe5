/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The vCPU run loop. A vCPU thread does nothing but KVM_RUN and what the exit asks for. The way of
 * an exit to its device takes no lock, makes no system call and allocates nothing; a device may
 * take its own lock, for as long as its registers change, and drive an interrupt line.
 *
 * Getting a vCPU out of the guest without a lost wake-up: vcpu_kick sets a bit of `wanted`, then
 * immediate_exit, then signals the thread. Before KVM_RUN the loop sees `wanted`; between that look
 * and the entry, immediate_exit makes KVM_RUN return at once; inside the guest the signal does.
 */
#include "vmm/vcpu.h"

#include "lib/util.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>

/* No real-time signal: those are lost once their user has too many of them queued, anywhere. */
#define KICK_SIGNAL SIGUSR1

static void kick_received(int signal)
{
	(void)signal; /* its arrival is what ends KVM_RUN */
}

static void run_failed(struct vcpu *vcpu, int error)
{
	char what[128];

	snprintf(what, sizeof(what), "KVM_RUN failed: %s", strerror(error));
	vcpu_fatal(vcpu, END_MONITOR_ERROR, "KVM_RUN failed", what);
}

/* Takes back immediate_exit. Whoever sets it anew has set `wanted` before, which is seen next. */
static void clear_immediate_exit(struct vcpu *vcpu)
{
	__atomic_store_n(&vcpu->run->immediate_exit, 0, __ATOMIC_SEQ_CST);
	atomic_thread_fence(memory_order_seq_cst);
}

/* The guest, until the vCPU is wanted out of it. */
static void vcpu_run(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	while (!atomic_load_explicit(&vcpu->wanted, memory_order_acquire)) {
		if (ioctl(vcpu->fd, KVM_RUN, 0) < 0) {
			/* EAGAIN: an AP that waits for its SIPI was woken for something else. */
			if (errno != EINTR && errno != EAGAIN) {
				run_failed(vcpu, errno);
				return;
			}
			counter_add(&vcpu->counters.signals);
			clear_immediate_exit(vcpu);
			continue;
		}
		if (run->exit_reason < VCPU_EXITS_MAX && arch_exits[run->exit_reason].handle) {
			counter_add(&vcpu->counters.exits[run->exit_reason]);
			arch_exits[run->exit_reason].handle(vcpu);
		} else {
			counter_add(&vcpu->counters.exits[VCPU_EXITS_MAX]);
			vcpu_exit_unknown(vcpu);
		}
	}
}

/* True while there is nothing to do for a thread with these bits but to wait. */
static bool must_wait(unsigned wanted)
{
	if (wanted & VCPU_STOP)
		return false;
	if (wanted & VCPU_DEAD)
		return true;
	return wanted == VCPU_PAUSE;
}

/* For a dead vCPU whose policy is to keep its core busy. */
static void vcpu_spin(struct vcpu *vcpu)
{
	while (!(atomic_load_explicit(&vcpu->wanted, memory_order_relaxed) & VCPU_STOP))
		;
}

/* Waits outside the guest for as long as the vCPU must; why it is still wanted, 0: it may run. */
static unsigned vcpu_wait(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	unsigned wanted;

	pthread_mutex_lock(&vm->gate_lock);
	vm->outside++;
	pthread_cond_broadcast(&vm->gate);
	while (must_wait(wanted = atomic_load(&vcpu->wanted))) {
		if (!(wanted & VCPU_DEAD) || vm->policy.on_fatal != VM_FATAL_SPIN) {
			pthread_cond_wait(&vm->gate, &vm->gate_lock);
			continue;
		}
		pthread_mutex_unlock(&vm->gate_lock);
		vcpu_spin(vcpu);
		pthread_mutex_lock(&vm->gate_lock);
	}
	if (!(wanted & VCPU_STOP))
		vm->outside--;
	pthread_mutex_unlock(&vm->gate_lock);
	return wanted;
}

/*
 * The release comes soon after the thread is there, as a rule, and sleeping until then costs the
 * wake-up of a core: on a core of its own it is first looked for, this long.
 */
#define RELEASE_LOOK_NS (500 * 1000)

static void look_for_release(const struct vcpu *vcpu)
{
	uint64_t end = monotonic_ns() + RELEASE_LOOK_NS;

	while (must_wait(atomic_load(&vcpu->wanted)) && monotonic_ns() < end)
		sched_yield();
}

static void *vcpu_thread(void *arg)
{
	struct vcpu *vcpu = arg;
	sigset_t signals;
	unsigned wanted;

	/* Whatever our caller blocked: the kick must arrive, and nothing else is our business. */
	sigfillset(&signals);
	sigdelset(&signals, KICK_SIGNAL);
	pthread_sigmask(SIG_SETMASK, &signals, NULL);
	prctl(PR_SET_NAME, vcpu->name);
	atomic_store(&vcpu->tid, gettid());
	if (vcpu->apart)
		look_for_release(vcpu);
	while (!((wanted = vcpu_wait(vcpu)) & VCPU_STOP)) {
		if (wanted & VCPU_FAULT) {
			vcpu_meet_fault(vcpu);
			continue;
		}
		if (wanted & VCPU_LOOK) {
			vcpu_take_look(vcpu);
			continue;
		}
		clear_immediate_exit(vcpu);
		arch_vcpu_resumed(vcpu);
		vcpu_run(vcpu);
	}
	return NULL;
}

int vcpu_create(struct vm *vm, unsigned index, struct vcpu *vcpu, const char **ret_what)
{
	void *run;
	int ret;

	*vcpu = (struct vcpu){.vm = vm, .index = index, .wanted = VCPU_PAUSE};
	*ret_what = "KVM_CREATE_VCPU";
	vcpu->fd = ioctl(vm->fd, KVM_CREATE_VCPU, index);
	if (vcpu->fd < 0)
		return -errno;
	*ret_what = "mmap of struct kvm_run";
	run = mmap(NULL, vm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (run == MAP_FAILED) {
		ret = -errno;
		fd_close(&vcpu->fd);
		return ret;
	}
	vcpu->run = run;
	ret = arch_vcpu_create(vcpu, ret_what);
	if (ret)
		vcpu_destroy(vcpu);
	return ret;
}

void vcpu_destroy(struct vcpu *vcpu)
{
	arch_vcpu_destroy(vcpu);
	munmap(vcpu->run, vcpu->vm->run_size);
	fd_close(&vcpu->fd);
}

void vcpu_prime(struct vcpu *vcpu)
{
	vcpu->run->immediate_exit = 1;
	ioctl(vcpu->fd, KVM_RUN, 0);
	vcpu->run->immediate_exit = 0;
}

int vcpu_start(struct vcpu *vcpu, const cpu_set_t *affinity, const char *name)
{
	struct sigaction action = {.sa_handler = kick_received};
	cpu_set_t first = *affinity;
	pthread_attr_t attr;
	int here = sched_getcpu(), ret;

	snprintf(vcpu->name, sizeof(vcpu->name), "%.8s/vcpu%u", name, vcpu->index % 100);
	sigaction(KICK_SIGNAL, &action, NULL);
	pthread_attr_init(&attr);
	/*
	 * Set before the thread exists: it never runs anywhere else, and a bad core is an error. If
	 * it has a choice it begins on another core than its maker's, where it would have to wait.
	 */
	if (here >= 0 && CPU_COUNT(affinity) > 1)
		CPU_CLR((size_t)here, &first);
	vcpu->apart = here >= 0 && !CPU_ISSET((size_t)here, &first);
	ret = pthread_attr_setaffinity_np(&attr, sizeof(first), &first);
	if (!ret)
		ret = pthread_create(&vcpu->thread, &attr, vcpu_thread, vcpu);
	pthread_attr_destroy(&attr);
	if (ret)
		return -ret;
	vcpu->started = true;
	return -pthread_setaffinity_np(vcpu->thread, sizeof(*affinity), affinity);
}

uint64_t vcpu_exits(const struct vcpu *vcpu)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(vcpu->counters.exits); i++)
		sum += atomic_load_explicit(&vcpu->counters.exits[i], memory_order_relaxed);
	return sum;
}

void vcpu_kick(struct vcpu *vcpu, unsigned why)
{
	atomic_fetch_or(&vcpu->wanted, why);
	/* KVM reads it without a lock; the signal below orders it for a running vCPU. */
	__atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	/* A thread without a tid yet sees `wanted` before it runs the guest. One that is gone
	 * already is nobody: threads of this process are not made any more. */
	if (atomic_load(&vcpu->tid))
		tgkill(getpid(), atomic_load(&vcpu->tid), KICK_SIGNAL);
}

int vcpu_finish_access(struct vcpu *vcpu)
{
	/* A string instruction comes back to the guest after 1024 rounds in KVM's emulator. */
	enum { ACCESSES_MAX = 2048 };
	int ret = -EIO;

	__atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	for (unsigned i = 0; i < ACCESSES_MAX && ret == -EIO; i++) {
		if (ioctl(vcpu->fd, KVM_RUN, 0) < 0)
			ret = errno == EINTR ? 0 : -errno;
	}
	clear_immediate_exit(vcpu);
	return ret;
}
