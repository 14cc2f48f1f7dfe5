/* SPDX-License-Identifier: BSD-3-Clause */
#include "vmm/ahead.h"

#include "lib/util.h"
#include "vmm/arch.h"

#include <linux/kvm.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/ioctl.h>

struct vm_ahead {
	pthread_t thread;
	bool joined;
	int kvm_fd;
	sem_t created; /* vm_fd is final */
	int vm_fd;
	struct arch_host *host; /* final once the thread is gone */
};

static void *ahead_thread(void *arg)
{
	struct vm_ahead *a = arg;

	a->vm_fd = ioctl(a->kvm_fd, KVM_CREATE_VM, arch_vm_type(a->kvm_fd));
	sem_post(&a->created);
	a->host = arch_host_ask(a->kvm_fd);
	return NULL;
}

/*
 * A thread that is to run beside its maker: the scheduler may well leave it on its maker's core, to
 * wait there until that sleeps.
 */
static int create_beside(pthread_t *ret_thread, void *(*run)(void *arg), void *arg)
{
	int here = sched_getcpu(), ret;
	pthread_attr_t attr;
	cpu_set_t cores;

	pthread_attr_init(&attr);
	if (here >= 0 && !sched_getaffinity(0, sizeof(cores), &cores)) {
		CPU_CLR((size_t)here, &cores);
		if (CPU_COUNT(&cores))
			pthread_attr_setaffinity_np(&attr, sizeof(cores), &cores);
	}
	ret = pthread_create(ret_thread, &attr, run, arg);
	pthread_attr_destroy(&attr);
	return ret;
}

struct vm_ahead *vm_start_ahead(int kvm_fd)
{
	struct vm_ahead *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->kvm_fd = kvm_fd;
	sem_init(&a->created, 0, 0);
	if (create_beside(&a->thread, ahead_thread, a)) {
		free(a);
		return NULL;
	}
	return a;
}

void vm_ahead_wait(struct vm_ahead *ahead)
{
	if (!ahead || ahead->joined)
		return;
	pthread_join(ahead->thread, NULL);
	ahead->joined = true;
}

int vm_ahead_take_vm(struct vm_ahead *ahead)
{
	int fd;

	if (!ahead)
		return -1;
	while (sem_wait(&ahead->created))
		; /* a signal */
	fd = ahead->vm_fd;
	ahead->vm_fd = -1;
	return fd;
}

struct arch_host *vm_ahead_take_host(struct vm_ahead *ahead)
{
	struct arch_host *host;

	if (!ahead)
		return NULL;
	vm_ahead_wait(ahead);
	fd_close(&ahead->vm_fd); /* if nobody has taken it */
	host = ahead->host;
	sem_destroy(&ahead->created);
	free(ahead);
	return host;
}

void vm_ahead_cancel(struct vm_ahead *ahead)
{
	arch_host_free(vm_ahead_take_host(ahead));
}
