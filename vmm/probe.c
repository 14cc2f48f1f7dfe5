/* SPDX-License-Identifier: BSD-3-Clause */
/* The probe's common part: capabilities, one throwaway VM per guest, time limits, measurements. */
#include "vmm/probe.h"

#include "lib/util.h"
#include "vmm/arch.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/kvm.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>

_Static_assert(KVM_PROBE_API_VERSION == KVM_API_VERSION, "the header's and the kernel's agree");

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

#define NS_PER_S 1000000000ULL

/* Capabilities that every architecture has; vmm/<arch>/probe.c adds its own. */
static const struct arch_probe_cap common_caps[] = {
#define CAP(name) name, #name
	{CAP(KVM_CAP_USER_MEMORY), "guest memory is ours to allocate and share"},
	{CAP(KVM_CAP_IRQCHIP), "interrupt controllers without an exit to user space"},
	{CAP(KVM_CAP_IMMEDIATE_EXIT), "a vCPU can be stopped without losing the wake-up"},
	{CAP(KVM_CAP_MP_STATE), "vCPUs that wait for their start signal"},
	{CAP(KVM_CAP_IRQFD), "devices raise interrupts without a system call of the vCPU"},
	{CAP(KVM_CAP_IOEVENTFD), "queue notifications without stopping the vCPU"},
	{CAP(KVM_CAP_SIGNAL_MSI), "message-signalled interrupts from user space"},
	{CAP(KVM_CAP_READONLY_MEM), "ROM and read-only shared memory"},
	{CAP(KVM_CAP_NR_MEMSLOTS), "how many memory ranges a partition may have"},
	{CAP(KVM_CAP_MAX_VCPUS), "how many vCPUs a partition may have"},
};

/* ---- throwaway VMs ---- */

static void probe_vm_fini(struct probe_vm *vm)
{
	if (vm->run)
		munmap(vm->run, vm->run_size);
	fd_close(&vm->vcpu_fd);
	fd_close(&vm->vm_fd);
	if (vm->memory)
		munmap(vm->memory, PROBE_MEMORY);
	vm->run = NULL;
	vm->memory = NULL;
}

static int probe_vm_fill(struct probe_vm *vm)
{
	struct kvm_userspace_memory_region region = {.memory_size = PROBE_MEMORY};
	void *mem = mmap(
		NULL, PROBE_MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int run_size, ret;

	if (mem == MAP_FAILED)
		return -errno;
	vm->memory = mem;
	region.userspace_addr = (uintptr_t)mem;
	if (ioctl(vm->vm_fd, KVM_SET_USER_MEMORY_REGION, &region) < 0)
		return -errno;
	ret = arch_probe_prepare(vm);
	if (ret)
		return ret;
	vm->vcpu_fd = ioctl(vm->vm_fd, KVM_CREATE_VCPU, 0);
	if (vm->vcpu_fd < 0)
		return -errno;
	run_size = ioctl(vm->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (run_size < (int)sizeof(struct kvm_run))
		return run_size < 0 ? -errno : -EINVAL;
	mem = mmap(NULL, (size_t)run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vm->vcpu_fd, 0);
	if (mem == MAP_FAILED)
		return -errno;
	vm->run = mem;
	vm->run_size = (size_t)run_size;
	return 0;
}

/*
 * SIGALRM, blocked in this thread, is let in while KVM_RUN waits and only then: so an alarm that
 * comes early still ends the next KVM_RUN, and no handler is needed.
 */
static int probe_vm_unblock_alarm(struct probe_vm *vm)
{
	/* The kernel's signal set is 8 bytes; glibc's sigset_t is longer. All zero: none blocked.
	 */
	enum { KERNEL_SIGSET = 8 };
	_Alignas(struct kvm_signal_mask)
		uint8_t arg[sizeof(struct kvm_signal_mask) + KERNEL_SIGSET] = {0};

	((struct kvm_signal_mask *)(void *)arg)->len = KERNEL_SIGSET;
	return ioctl(vm->vcpu_fd, KVM_SET_SIGNAL_MASK, arg) < 0 ? -errno : 0;
}

static int probe_vm_init(
	struct probe_vm *vm, int kvm_fd, const struct probe_guest *guest, uint64_t argument)
{
	int ret;

	*vm = (struct probe_vm){.kvm_fd = kvm_fd, .vm_fd = -1, .vcpu_fd = -1};
	vm->vm_fd = ioctl(kvm_fd, KVM_CREATE_VM, arch_vm_type(kvm_fd));
	if (vm->vm_fd < 0)
		return -errno;
	ret = probe_vm_fill(vm);
	if (!ret)
		ret = probe_vm_unblock_alarm(vm);
	if (!ret)
		ret = arch_probe_enter(vm, guest, argument);
	if (ret)
		probe_vm_fini(vm);
	return ret;
}

/* ---- time ---- */

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* One alarm from now, or with 0 none; an alarm that already came is taken back. */
static void alarm_set(timer_t timer, uint64_t ms)
{
	struct itimerspec when = {.it_value = {.tv_sec = (time_t)(ms / 1000),
					  .tv_nsec = (long)(ms % 1000) * 1000000}};
	struct timespec no_wait = {0};
	sigset_t alarm;

	timer_settime(timer, 0, &when, NULL);
	if (ms)
		return;
	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	while (sigtimedwait(&alarm, NULL, &no_wait) < 0 && errno == EINTR)
		;
}

/* ---- guests ---- */

/* KVM_RUN until the guest exits: 0, -ETIME after the alarm, else what KVM_RUN said. */
static int probe_run(struct probe_vm *vm)
{
	if (ioctl(vm->vcpu_fd, KVM_RUN, 0) == 0)
		return 0;
	return errno == EINTR ? -ETIME : -errno;
}

static void probe_judge(
	struct kvm_probe_case *c, const struct probe_vm *vm, const struct probe_guest *guest)
{
	uint32_t result;

	if (arch_probe_result(vm, &result)) {
		c->outcome = result == guest->result  ? KVM_PROBE_OK
			     : result == PROBE_ABSENT ? KVM_PROBE_UNTRIED
						      : KVM_PROBE_WRONG;
		c->suberror = result;
		return;
	}
	c->exit_reason = vm->run->exit_reason;
	if (c->exit_reason == KVM_EXIT_INTERNAL_ERROR)
		c->suberror = vm->run->internal.suberror;
	else if (c->exit_reason == KVM_EXIT_FAIL_ENTRY)
		c->suberror = (uint32_t)vm->run->fail_entry.hardware_entry_failure_reason;
	c->outcome = KVM_PROBE_EXIT;
}

static void probe_one(
	int kvm_fd, timer_t timer, const struct probe_guest *guest, struct kvm_probe_case *c)
{
	struct probe_vm vm;
	int ret;

	c->outcome = KVM_PROBE_RUNNING;
	ret = probe_vm_init(&vm, kvm_fd, guest, 0);
	if (!ret) {
		alarm_set(timer, KVM_PROBE_CASE_MS);
		ret = probe_run(&vm);
		alarm_set(timer, 0);
		if (!ret)
			probe_judge(c, &vm, guest);
		probe_vm_fini(&vm);
	}
	if (ret == -ETIME) {
		c->outcome = KVM_PROBE_TIMEOUT;
	} else if (ret) {
		c->outcome = KVM_PROBE_ERROR;
		c->error = -ret;
	}
}

/* ---- measurements ---- */

#define EXIT_WARM_UP   50
#define EXIT_ROUNDS    2000
#define EXIT_ROUNDS_NS (100 * 1000000ULL) /* fewer rounds when they take longer than this */

static uint64_t measure_exit_ns(int kvm_fd, timer_t timer)
{
	uint64_t start = 0, spent = 0;
	unsigned rounds = 0;
	struct probe_vm vm;
	int ret;

	if (probe_vm_init(&vm, kvm_fd, &arch_probe_exit_guest, 0))
		return 0;
	alarm_set(timer, KVM_PROBE_CASE_MS);
	ret = probe_run(&vm);
	for (unsigned i = 0; !ret && i < EXIT_WARM_UP; i++)
		ret = probe_run(&vm);
	start = now_ns();
	while (!ret && rounds < EXIT_ROUNDS && spent < EXIT_ROUNDS_NS) {
		ret = probe_run(&vm);
		rounds++;
		spent = now_ns() - start;
	}
	alarm_set(timer, 0);
	probe_vm_fini(&vm);
	return ret || !rounds ? 0 : spent / rounds;
}

/* How long ITERATIONS of the loop guest take; 0 when it does not get through. */
static uint64_t measure_loop_ns(int kvm_fd, timer_t timer, uint32_t iterations)
{
	uint64_t start, spent;
	struct probe_vm vm;
	uint32_t result;
	bool done;

	if (probe_vm_init(&vm, kvm_fd, &arch_probe_loop_guest, iterations))
		return 0;
	alarm_set(timer, KVM_PROBE_CASE_MS);
	start = now_ns();
	done = probe_run(&vm) == 0 && arch_probe_result(&vm, &result);
	spent = now_ns() - start;
	alarm_set(timer, 0);
	probe_vm_fini(&vm);
	return done ? max_u64(spent, 1) : 0;
}

/* More and more iterations until the run is long enough to drown the entry and the exit. */
static uint64_t measure_speed(int kvm_fd, timer_t timer)
{
	static const uint32_t iterations[] = {50000, 2000000, 50000000};
	uint64_t speed = 0;

	for (size_t i = 0; i < ARRAY_SIZE(iterations); i++) {
		uint64_t ns = measure_loop_ns(kvm_fd, timer, iterations[i]);

		if (!ns)
			break;
		speed = (uint64_t)((double)iterations[i] * ARCH_PROBE_LOOP_INSTRUCTIONS /
				   ((double)ns / (double)NS_PER_S));
		if (ns > 10000000)
			break;
	}
	return speed;
}

/* ---- the whole ---- */

static bool cap_required(unsigned cap)
{
	for (const int *c = arch_required_caps; *c >= 0; c++) {
		if ((unsigned)*c == cap)
			return true;
	}
	return false;
}

static void probe_caps(
	int kvm_fd, const struct arch_probe_cap *caps, unsigned count, struct kvm_probe_report *r)
{
	for (unsigned i = 0; i < count && r->cap_count < KVM_PROBE_CAPS_MAX; i++) {
		int value = ioctl(kvm_fd, KVM_CHECK_EXTENSION, caps[i].cap);

		r->caps[r->cap_count++] = (struct kvm_probe_cap){.name = caps[i].name,
			.why = caps[i].why,
			.required = cap_required(caps[i].cap),
			.value = value > 0 ? value : 0};
	}
}

static int probe_guests(int kvm_fd, timer_t timer, struct kvm_probe_report *r)
{
	int vm_fd = ioctl(kvm_fd, KVM_CREATE_VM, arch_vm_type(kvm_fd));

	if (vm_fd < 0) {
		r->create_error = errno;
		return -r->create_error;
	}
	close(vm_fd);
	assert(arch_probe_guest_count <= KVM_PROBE_CASES_MAX);
	for (unsigned i = 0; i < arch_probe_guest_count; i++)
		r->cases[i].name = arch_probe_guests[i].name;
	r->case_count = arch_probe_guest_count;
	for (unsigned i = 0; i < r->case_count; i++) {
		probe_one(kvm_fd, timer, &arch_probe_guests[i], &r->cases[i]);
		if (i == 0 && r->cases[0].outcome != KVM_PROBE_OK)
			return 0;
	}
	r->cpuid_changed = !arch_probe_cpuid_kept(kvm_fd);
	r->exit_ns = measure_exit_ns(kvm_fd, timer);
	r->instructions_per_second = measure_speed(kvm_fd, timer);
	return 0;
}

int kvm_probe(int kvm_fd, struct kvm_probe_report *report)
{
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID,
		.sigev_signo = SIGALRM,
		.sigev_notify_thread_id = gettid()};
	sigset_t alarm, old;
	timer_t timer;
	int ret;

	memset(report, 0, sizeof(*report));
	report->api_version = ioctl(kvm_fd, KVM_GET_API_VERSION, 0);
	if (report->api_version < 0) {
		report->api_version = 0;
		return -errno;
	}
	if (report->api_version != KVM_API_VERSION)
		return -EPROTO;
	probe_caps(kvm_fd, common_caps, ARRAY_SIZE(common_caps), report);
	probe_caps(kvm_fd, arch_probe_caps, arch_probe_cap_count, report);
	report->trait_count = arch_probe_traits(kvm_fd, report->traits);
	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &alarm, &old);
	if (timer_create(CLOCK_MONOTONIC, &event, &timer) == 0) {
		ret = probe_guests(kvm_fd, timer, report);
		timer_delete(timer);
	} else {
		ret = -errno;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return ret;
}

/* ---- words ---- */

static const char *internal_error_name(uint32_t suberror)
{
	switch (suberror) {
	case KVM_INTERNAL_ERROR_EMULATION:
		return "emulation";
	case KVM_INTERNAL_ERROR_SIMUL_EX:
		return "simultaneous exceptions";
	case KVM_INTERNAL_ERROR_DELIVERY_EV:
		return "event delivery";
	case KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON:
		return "unexpected exit reason";
	default:
		return "unknown suberror";
	}
}

static char *describe_exit(const struct kvm_probe_case *c, char *buf, size_t size)
{
	switch (c->exit_reason) {
	case KVM_EXIT_INTERNAL_ERROR:
		snprintf(buf, size, "KVM_EXIT_INTERNAL_ERROR (%s)",
			internal_error_name(c->suberror));
		break;
	case KVM_EXIT_FAIL_ENTRY:
		snprintf(buf, size, "KVM_EXIT_FAIL_ENTRY (reason 0x%" PRIx32 ")", c->suberror);
		break;
	case KVM_EXIT_SHUTDOWN:
		snprintf(buf, size, "a triple fault (KVM_EXIT_SHUTDOWN)");
		break;
	default:
		snprintf(buf, size, "exit reason %" PRIu32, c->exit_reason);
	}
	return buf;
}

char *kvm_probe_describe(const struct kvm_probe_case *c, char *buf, size_t size)
{
	switch (c->outcome) {
	case KVM_PROBE_UNTRIED:
		snprintf(buf, size, "no trial");
		break;
	case KVM_PROBE_RUNNING:
		snprintf(buf, size, "the death of the probing process");
		break;
	case KVM_PROBE_OK:
		snprintf(buf, size, "success");
		break;
	case KVM_PROBE_WRONG:
		snprintf(buf, size, "a wrong result (0x%" PRIx32 ")", c->suberror);
		break;
	case KVM_PROBE_EXIT:
		return describe_exit(c, buf, size);
	case KVM_PROBE_TIMEOUT:
		snprintf(buf, size, "nothing within %d ms", KVM_PROBE_CASE_MS);
		break;
	case KVM_PROBE_ERROR:
		snprintf(buf, size, "an error: %s", strerror(c->error));
		break;
	}
	return buf;
}

bool kvm_probe_is_emulation_failure(const struct kvm_probe_case *c)
{
	return c->outcome == KVM_PROBE_EXIT && c->exit_reason == KVM_EXIT_INTERNAL_ERROR &&
	       c->suberror == KVM_INTERNAL_ERROR_EMULATION;
}
