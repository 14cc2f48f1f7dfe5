/* SPDX-License-Identifier: BSD-3-Clause */
#include "vmm/ahead.h"

#include "lib/util.h"
#include "vmm/vm.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct vm_ahead {
	pthread_t thread;
	cpu_set_t cores; /* its maker's, which stays on one of them meanwhile */
	int kvm_fd;
	struct machine *machine;
	/* The outcome, final once the thread is gone. */
	struct vm *vm;
	const char *what;
	int ret;
};

/* It needs no capabilities; and its maker, which has none itself by then, may still move it. */
static void drop_caps(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};

	syscall(SYS_capset, &header, none);
}

/* First what needs no grace period of KVM's. */
static void *ahead_thread(void *arg)
{
	struct vm_ahead *a = arg;
	struct vm_parts parts;

	drop_caps();
	parts.fd = ioctl(a->kvm_fd, KVM_CREATE_VM, arch_vm_type(a->kvm_fd));
	parts.host = arch_host_ask(a->kvm_fd);
	a->ret = vm_create(a->kvm_fd, a->machine, &parts, &a->vm, &a->what);
	return NULL;
}

/*
 * Makes the thread, and keeps both apart: the scheduler may well leave it on its maker's core, or
 * wake its maker on its own, where each waits until the other sleeps.
 */
static int create_beside(struct vm_ahead *a)
{
	int here = sched_getcpu(), ret;
	cpu_set_t own, others;
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	sched_getaffinity(0, sizeof(a->cores), &a->cores);
	others = a->cores;
	if (here >= 0)
		CPU_CLR((size_t)here, &others);
	if (here >= 0 && CPU_COUNT(&others)) {
		CPU_ZERO(&own);
		CPU_SET((size_t)here, &own);
		sched_setaffinity(0, sizeof(own), &own);
		pthread_attr_setaffinity_np(&attr, sizeof(others), &others);
	}
	ret = pthread_create(&a->thread, &attr, ahead_thread, a);
	pthread_attr_destroy(&attr);
	return ret;
}

int vm_ahead_start(int kvm_fd, struct machine *m, struct vm_ahead **ret_ahead)
{
	struct vm_ahead *a = calloc(1, sizeof(*a));
	int ret;

	if (!a)
		return -ENOMEM;
	*a = (struct vm_ahead){.kvm_fd = kvm_fd, .machine = m};
	ret = create_beside(a);
	if (ret) {
		sched_setaffinity(0, sizeof(a->cores), &a->cores);
		free(a);
		return -ret;
	}
	*ret_ahead = a;
	return 0;
}

/* Moving it costs more than a short wait. */
#define BUSY_NS (1000 * 1000)

/* Where the other cores turn out to be busy with something else, it goes on here. */
static void join(struct vm_ahead *a)
{
	uint64_t until = monotonic_ns() + BUSY_NS;
	const struct timespec t = {(time_t)(until / 1000000000), (long)(until % 1000000000)};

	if (pthread_clockjoin_np(a->thread, NULL, CLOCK_MONOTONIC, &t) == 0)
		return;
	pthread_setaffinity_np(a->thread, sizeof(a->cores), &a->cores);
	pthread_join(a->thread, NULL);
}

int vm_ahead_finish(struct vm_ahead *ahead, struct vm **ret_vm, const char **ret_what)
{
	int ret;

	join(ahead);
	sched_setaffinity(0, sizeof(ahead->cores), &ahead->cores);
	ret = ahead->ret;
	*ret_what = ahead->what;
	if (!ret)
		*ret_vm = ahead->vm;
	free(ahead);
	return ret;
}
