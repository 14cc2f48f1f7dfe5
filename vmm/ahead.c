/* SPDX-License-Identifier: BSD-3-Clause */
#include "vmm/ahead.h"

#include "lib/util.h"
#include "vmm/vm.h"

#include <errno.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/ioctl.h>

struct vm_ahead {
	pthread_t thread;
	cpu_set_t cores; /* its maker's, which it may use itself once that waits for it */
	int kvm_fd;
	sem_t go_on;             /* machine is final */
	struct machine *machine; /* NULL: it is not wanted any more */
	/* The outcome, final once the thread is gone. */
	struct vm *vm;
	const char *what;
	int ret;
};

static void *ahead_thread(void *arg)
{
	struct vm_ahead *a = arg;
	struct vm_parts parts;

	parts.fd = ioctl(a->kvm_fd, KVM_CREATE_VM, arch_vm_type(a->kvm_fd));
	parts.host = arch_host_ask(a->kvm_fd);
	while (sem_wait(&a->go_on))
		; /* a signal */
	if (a->machine) {
		a->ret = vm_create(a->kvm_fd, a->machine, &parts, &a->vm, &a->what);
	} else {
		fd_close(&parts.fd);
		arch_host_free(parts.host);
	}
	return NULL;
}

/*
 * Makes the thread, beside its maker: the scheduler may well leave it on its maker's core, to wait
 * there until that sleeps.
 */
static int create_beside(struct vm_ahead *a)
{
	int here = sched_getcpu(), ret;
	pthread_attr_t attr;
	cpu_set_t others;

	pthread_attr_init(&attr);
	sched_getaffinity(0, sizeof(a->cores), &a->cores);
	others = a->cores;
	if (here >= 0)
		CPU_CLR((size_t)here, &others);
	if (CPU_COUNT(&others))
		pthread_attr_setaffinity_np(&attr, sizeof(others), &others);
	ret = pthread_create(&a->thread, &attr, ahead_thread, a);
	pthread_attr_destroy(&attr);
	return ret;
}

int vm_ahead_start(int kvm_fd, struct vm_ahead **ret_ahead)
{
	struct vm_ahead *a = calloc(1, sizeof(*a));
	int ret;

	if (!a)
		return -ENOMEM;
	*a = (struct vm_ahead){.kvm_fd = kvm_fd, .what = "creating the VM", .ret = -ECANCELED};
	sem_init(&a->go_on, 0, 0);
	ret = create_beside(a);
	if (ret) {
		free(a);
		return -ret;
	}
	*ret_ahead = a;
	return 0;
}

void vm_ahead_go_on(struct vm_ahead *ahead, struct machine *m)
{
	ahead->machine = m;
	sem_post(&ahead->go_on);
}

int vm_ahead_finish(struct vm_ahead *ahead, struct vm **ret_vm, const char **ret_what)
{
	int ret;

	if (!ahead->machine)
		sem_post(&ahead->go_on);
	/* Where the others are busy it goes on here. */
	pthread_setaffinity_np(ahead->thread, sizeof(ahead->cores), &ahead->cores);
	pthread_join(ahead->thread, NULL);
	ret = ahead->ret;
	*ret_what = ahead->what;
	if (!ret)
		*ret_vm = ahead->vm;
	sem_destroy(&ahead->go_on);
	free(ahead);
	return ret;
}
