/* SPDX-License-Identifier: BSD-3-Clause */
#include "vmm/vm.h"

#include "lib/util.h"
#include "vmm/vcpu.h"

#include <errno.h>
#include <linux/kvm.h>
#include <linux/memfd.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

/* end_state: who may write vm->end, and whether it can be read. */
enum { END_NONE, END_CLAIMED, END_DONE };

/* ---- memory ---- */

#define THP_SIZE (2 * MIB) /* with pages of 4 KiB on both architectures */

/*
 * Guest RAM is one mapping from its first byte on, in which the legacy hole below 1 MiB keeps its
 * place (so that huge pages stay aligned) and the hole below 4 GiB does not.
 */
static uint64_t memory_offset(const struct machine *m, gpa_t gpa)
{
	gpa_t start = m->ranges[0].base, low_end = machine_ram_end_low(m);

	if (gpa < low_end)
		return gpa - start;
	return low_end - start + (gpa - m->ranges[m->range_count - 1].base);
}

/* Adds a slot for each run of ranges without a hole between them. */
static int memory_add_slots(struct machine *m, uint8_t *hva)
{
	unsigned i = 0;

	while (i < m->range_count) {
		gpa_t base = m->ranges[i].base;
		gpa_t end = base + m->ranges[i].size;
		int ret;

		while (++i < m->range_count && m->ranges[i].base == end)
			end += m->ranges[i].size;
		ret = gmem_add(&m->gmem, base, end - base, hva + memory_offset(m, base));
		if (ret)
			return ret;
	}
	return 0;
}

static int memory_fd(enum vm_pages pages)
{
	static const unsigned flags[] = {
		[VM_PAGES_ANY] = 0,
		[VM_PAGES_2M] = MFD_HUGETLB | MFD_HUGE_2MB,
		[VM_PAGES_1G] = MFD_HUGETLB | MFD_HUGE_1GB,
	};
	int fd = memfd_create("bulkhead-ram", MFD_CLOEXEC | flags[pages]);

	return fd < 0 ? -errno : fd;
}

static uint64_t memory_page_size(enum vm_pages pages)
{
	return pages == VM_PAGES_1G ? GIB : pages == VM_PAGES_2M ? 2 * MIB : 4 * KIB;
}

/*
 * Memory that nobody else maps, in transparent huge pages where the host has them, which files get
 * from few hosts: fewer faults of the guest, and shorter walks at each miss of its TLB. Such a page
 * begins at a multiple of its size in the guest and here, which mmap sees to from Linux 6.7 on
 * only.
 */
static void *map_private(uint64_t size, bool locked)
{
	uint8_t *all = mmap(NULL, size + THP_SIZE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint8_t *hva = (uint8_t *)align_up((uintptr_t)all, THP_SIZE);

	if (all == MAP_FAILED)
		return all;
	if (hva > all)
		munmap(all, (size_t)(hva - all));
	munmap(hva + size, (size_t)(all + THP_SIZE - hva));
	/* A wish: a host without them has other pages. */
	madvise(hva, size, MADV_HUGEPAGE);
	/* Small images touch little but the first 2 MiB: to clear a huge page for that takes longer
	 * than all their faults, and khugepaged would make one behind their back. */
	if (!locked)
		madvise(hva, min_u64(size, THP_SIZE), MADV_NOHUGEPAGE);
	return hva;
}

/* Memory in a file, of which others can be given the descriptor. */
static void *map_file(int fd, uint64_t size, enum vm_pages pages)
{
	/* Without MAP_NORESERVE, hugetlb pages are reserved here: their lack shows now, as ENOMEM.
	 */
	return mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_SHARED | (pages == VM_PAGES_ANY ? MAP_NORESERVE : 0), fd, 0);
}

int vm_memory_create(struct machine *m, enum vm_pages pages, unsigned flags,
	struct vm_memory *ret_memory, const char **ret_what)
{
	const struct machine_range *last = &m->ranges[m->range_count - 1];
	bool file = pages != VM_PAGES_ANY || (flags & VM_MEMORY_SHARED);
	bool locked = flags & VM_MEMORY_LOCKED;
	struct vm_memory mem = {.fd = -1};
	void *hva;
	int ret;

	mem.size = align_up(memory_offset(m, last->base) + last->size, memory_page_size(pages));
	*ret_what = "memfd_create";
	if (file)
		mem.fd = memory_fd(pages);
	if (file && mem.fd < 0)
		return mem.fd;
	*ret_what = "ftruncate of the memfd";
	if (file && ftruncate(mem.fd, (off_t)mem.size))
		goto fail;
	*ret_what = "mmap of guest memory";
	hva = file ? map_file(mem.fd, mem.size, pages) : map_private(mem.size, locked);
	if (hva == MAP_FAILED)
		goto fail;
	mem.hva = hva;
	*ret_what = "mlock of guest memory";
	if (locked && mlock(hva, mem.size))
		goto fail;
	*ret_what = "laying out guest memory";
	ret = memory_add_slots(m, mem.hva);
	if (ret) {
		vm_memory_destroy(&mem);
		return ret;
	}
	*ret_memory = mem;
	return 0;
fail:
	ret = -errno;
	vm_memory_destroy(&mem);
	return ret;
}

void vm_memory_destroy(struct vm_memory *memory)
{
	if (memory->hva)
		munmap(memory->hva, memory->size);
	memory->hva = NULL;
	fd_close(&memory->fd);
}

/* ---- create and destroy ---- */

static void service_irq_set(void *ctx, uint32_t gsi, bool asserted)
{
	arch_irq_set(ctx, gsi, asserted);
}

static void service_pit_set(void *ctx, bool connected)
{
	arch_pit_set(ctx, connected);
}

static bool end_claim(struct vm *vm)
{
	int expected = END_NONE;

	return atomic_compare_exchange_strong(&vm->end_state, &expected, END_CLAIMED);
}

static void end_notify(struct vm *vm)
{
	const uint64_t one = 1;

	/* Cannot fail: the counter takes far more than one for each vCPU. */
	(void)!write(vm->end_fd, &one, sizeof(one));
}

static void end_publish(struct vm *vm)
{
	atomic_store(&vm->end_state, END_DONE);
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		vcpu_kick(&vm->vcpus[i], VCPU_STOP);
	end_notify(vm);
}

/* Who panics is the vCPU whose thread this is. */
static void note_panic(struct vm *vm, const char *how)
{
	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		if (vm->vcpus[i].started && pthread_equal(vm->vcpus[i].thread, pthread_self()))
			vcpu_panicked(&vm->vcpus[i], how, &vm->end);
	}
}

static void service_end(void *ctx, enum end_kind kind, uint32_t code, const char *how)
{
	struct vm *vm = ctx;

	if (!end_claim(vm))
		return;
	vm->end = (struct vm_end){.kind = kind, .code = code, .vcpu = -1, .how = how};
	if (kind == END_PANIC)
		note_panic(vm, how);
	end_publish(vm);
}

static void service_log(void *ctx, const char *text, size_t size)
{
	const struct vm_policy *policy = &((struct vm *)ctx)->policy;

	if (policy->log)
		policy->log(policy->ctx, text, size);
}

static int vm_check_kvm(int kvm_fd, const char **ret_what)
{
	*ret_what = "KVM_GET_API_VERSION is not 12";
	if (ioctl(kvm_fd, KVM_GET_API_VERSION, 0) != KVM_API_VERSION)
		return -EPROTONOSUPPORT;
	*ret_what = "KVM lacks a capability that partitions need";
	for (const int *cap = arch_required_caps; *cap >= 0; cap++) {
		if (ioctl(kvm_fd, KVM_CHECK_EXTENSION, *cap) <= 0)
			return -EOPNOTSUPP;
	}
	return 0;
}

static int vm_add_slot(struct vm *vm, const struct kvm_userspace_memory_region *region)
{
	return ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, region) ? -errno : 0;
}

/* Each part of RAM, and behind them each mapping. */
static int vm_add_memory(struct vm *vm, const char **ret_what)
{
	const struct machine *m = vm->machine;
	const struct gmem *g = &m->gmem;
	int ret = 0;

	*ret_what = "KVM_SET_USER_MEMORY_REGION";
	for (unsigned i = 0; !ret && i < g->count; i++) {
		ret = vm_add_slot(vm, &(struct kvm_userspace_memory_region){
					      .slot = i,
					      .guest_phys_addr = g->slots[i].base,
					      .memory_size = g->slots[i].size,
					      .userspace_addr = (uintptr_t)g->slots[i].hva,
				      });
	}
	for (unsigned i = 0; !ret && i < m->mapping_count; i++) {
		const struct machine_mapping *map = &m->mappings[i];

		ret = vm_add_slot(vm, &(struct kvm_userspace_memory_region){
					      .slot = g->count + i,
					      .flags = map->readonly ? KVM_MEM_READONLY : 0,
					      .guest_phys_addr = map->base,
					      .memory_size = map->size,
					      .userspace_addr = (uintptr_t)map->hva,
				      });
	}
	return ret;
}

/*
 * Slots of device memory come after those that are fixed. The kernel waits for vCPUs that use the
 * old slots: what takes it is a guest that moves a BAR, and such a guest waits for itself.
 */
static int service_memory_set(void *ctx, unsigned index, const gpa_t *base)
{
	struct vm *vm = ctx;
	const struct machine *m = vm->machine;
	struct kvm_userspace_memory_region region = {
		.slot = m->gmem.count + m->mapping_count + index};
	const struct machine_device_memory *mem;
	int ret = 0;

	if (index >= m->memory_count)
		return -EINVAL;
	mem = &m->memories[index];
	region.flags = mem->readonly ? KVM_MEM_READONLY : 0;
	pthread_mutex_lock(&vm->memory_lock);
	if (vm->memory_on[index])
		vm_add_slot(vm, &region); /* of no size: it goes */
	vm->memory_on[index] = false;
	if (base) {
		region.guest_phys_addr = *base;
		region.memory_size = mem->size;
		region.userspace_addr = (uintptr_t)mem->hva;
		ret = vm_add_slot(vm, &region);
		vm->memory_on[index] = !ret;
		vm->memory_base[index] = *base;
	}
	pthread_mutex_unlock(&vm->memory_lock);
	return ret;
}

bool vm_is_device_memory(struct vm *vm, gpa_t address)
{
	bool found = false;

	pthread_mutex_lock(&vm->memory_lock);
	for (unsigned i = 0; !found && i < vm->machine->memory_count; i++)
		found = vm->memory_on[i] && address >= vm->memory_base[i] &&
			address - vm->memory_base[i] < vm->machine->memories[i].size;
	pthread_mutex_unlock(&vm->memory_lock);
	return found;
}

static int vm_open(struct vm *vm, int *fd, const char **ret_what)
{
	int ret = vm_check_kvm(vm->kvm_fd, ret_what);

	if (ret)
		return ret;
	*ret_what = "KVM_GET_VCPU_MMAP_SIZE";
	ret = ioctl(vm->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (ret < 0)
		return -errno;
	vm->run_size = (size_t)ret;
	*ret_what = "eventfd";
	vm->end_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (vm->end_fd < 0)
		return -errno;
	*ret_what = "KVM_CREATE_VM";
	vm->fd = *fd;
	*fd = -1;
	if (vm->fd < 0)
		vm->fd = ioctl(vm->kvm_fd, KVM_CREATE_VM, arch_vm_type(vm->kvm_fd));
	return vm->fd < 0 ? -errno : 0;
}

static void gate_init(struct vm *vm)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&vm->gate_lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&vm->gate, &attr);
	pthread_condattr_destroy(&attr);
}

/* Takes *HOST, if there is one. */
static int create_arch(struct vm *vm, struct arch_host **host, const char **ret_what)
{
	struct arch_host *taken = *host;

	*host = NULL;
	*ret_what = "asking KVM for the features that it supports";
	if (!taken)
		taken = arch_host_ask(vm->kvm_fd);
	if (!taken)
		return -errno;
	vm->arch_created = true;
	return arch_vm_create(vm, taken, ret_what);
}

int vm_create(int kvm_fd, struct machine *m, const struct vm_parts *parts, struct vm **ret_vm,
	const char **ret_what)
{
	static const struct vm_parts none = {.fd = -1};
	struct vm_parts has = parts ? *parts : none;
	struct vm *vm = calloc(1, sizeof(*vm));
	int ret;

	*ret_what = "memory for the VM";
	if (!vm) {
		fd_close(&has.fd);
		arch_host_free(has.host);
		return -ENOMEM;
	}
	*vm = (struct vm){.kvm_fd = kvm_fd, .fd = -1, .machine = m, .end_fd = -1};
	gate_init(vm);
	pthread_mutex_init(&vm->memory_lock, NULL);
	vm->vcpus = calloc(m->vcpus, sizeof(*vm->vcpus));
	ret = irqs_init(vm);
	if (!ret && !vm->vcpus)
		ret = -ENOMEM;
	if (!ret)
		ret = vm_open(vm, &has.fd, ret_what);
	fd_close(&has.fd);
	/* Memory comes first: each slot added to a VM with vCPUs waits for them. */
	if (!ret)
		ret = vm_add_memory(vm, ret_what);
	if (!ret)
		ret = create_arch(vm, &has.host, ret_what);
	arch_host_free(has.host);
	while (!ret && vm->vcpu_count < m->vcpus) {
		ret = vcpu_create(vm, vm->vcpu_count, &vm->vcpus[vm->vcpu_count], ret_what);
		if (!ret)
			vm->vcpu_count++;
	}
	if (!ret)
		ret = arch_vm_finish(vm, ret_what);
	if (ret) {
		vm_destroy(vm);
		return ret;
	}
	m->services = (struct machine_services){
		.ctx = vm,
		.irq_set = service_irq_set,
		.pit_set = service_pit_set,
		.msi_set = irqs_msi_set,
		.doorbell_set = irqs_doorbell_set,
		.memory_set = service_memory_set,
		.end = service_end,
		.log = service_log,
	};
	*ret_vm = vm;
	return 0;
}

void vm_destroy(struct vm *vm)
{
	if (!vm)
		return;
	vm_stop(vm);
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		vcpu_destroy(&vm->vcpus[i]);
	if (vm->arch_created)
		arch_vm_destroy(vm);
	irqs_fini(vm);
	pthread_mutex_destroy(&vm->memory_lock);
	fd_close(&vm->fd);
	fd_close(&vm->end_fd);
	pthread_cond_destroy(&vm->gate);
	pthread_mutex_destroy(&vm->gate_lock);
	free(vm->vcpus);
	free(vm);
}

/* ---- start and stop ---- */

int vm_start(struct vm *vm, const struct entry_state *entry, const cpu_set_t *affinity,
	const char *name, const char **ret_what)
{
	int ret = arch_vcpu_enter(&vm->vcpus[0], entry, ret_what);

	if (!ret)
		vcpu_prime(&vm->vcpus[0]);
	for (unsigned i = 0; !ret && i < vm->vcpu_count; i++) {
		*ret_what = "starting a vCPU thread on its host cores";
		ret = vcpu_start(&vm->vcpus[i], &affinity[i], name);
	}
	return ret;
}

void vm_set_policy(struct vm *vm, const struct vm_policy *policy)
{
	vm->policy = *policy;
}

void vm_resume(struct vm *vm)
{
	arch_vm_resumed(vm);
	pthread_mutex_lock(&vm->gate_lock);
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		atomic_fetch_and(&vm->vcpus[i].wanted, ~(unsigned)VCPU_PAUSE);
	pthread_mutex_unlock(&vm->gate_lock);
	/* Not before: who wakes up wants the lock. */
	pthread_cond_broadcast(&vm->gate);
}

void vm_release(struct vm *vm)
{
	vm_resume(vm);
}

int vm_pause(struct vm *vm)
{
	struct timespec until;
	int ret = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += VM_PAUSE_MS / 1000;
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		vcpu_kick(&vm->vcpus[i], VCPU_PAUSE);
	pthread_mutex_lock(&vm->gate_lock);
	while (!ret && vm->outside < vm->vcpu_count)
		ret = pthread_cond_timedwait(&vm->gate, &vm->gate_lock, &until);
	pthread_mutex_unlock(&vm->gate_lock);
	if (!ret)
		arch_vm_paused(vm);
	return -ret;
}

void vm_wake_gate(struct vm *vm)
{
	pthread_mutex_lock(&vm->gate_lock);
	pthread_cond_broadcast(&vm->gate);
	pthread_mutex_unlock(&vm->gate_lock);
}

void vm_stop(struct vm *vm)
{
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		vcpu_kick(&vm->vcpus[i], VCPU_STOP);
	vm_wake_gate(vm);
	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		if (vm->vcpus[i].started)
			pthread_join(vm->vcpus[i].thread, NULL);
		vm->vcpus[i].started = false;
	}
}

/* ---- the end ---- */

bool vm_end(struct vm *vm, enum end_kind kind, uint32_t code, const char *how)
{
	if (!end_claim(vm))
		return false;
	vm->end = (struct vm_end){.kind = kind, .code = code, .vcpu = -1, .how = how};
	end_publish(vm);
	return true;
}

/* The end of a vCPU is that of the VM when the policy says so or no other is left. */
void vm_vcpu_died(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	unsigned dead = atomic_fetch_add(&vm->dead, 1) + 1;

	if (vm->policy.on_fatal != VM_FATAL_END && dead < vm->vcpu_count) {
		atomic_store(&vcpu->end_state, VCPU_END_READY);
		end_notify(vm);
	} else if (end_claim(vm)) {
		vm->end = vcpu->end;
		end_publish(vm);
	}
}

bool vm_take_parked(struct vm *vm, struct vm_end *ret_end)
{
	uint64_t count;

	(void)!read(vm->end_fd, &count, sizeof(count));
	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		int expected = VCPU_END_READY;

		if (!atomic_compare_exchange_strong(
			    &vm->vcpus[i].end_state, &expected, VCPU_END_TAKEN))
			continue;
		*ret_end = vm->vcpus[i].end;
		return true;
	}
	return false;
}

void vm_fault(struct vm *vm, unsigned vcpu, enum end_kind kind, const char *how, const char *what)
{
	struct vcpu *v = &vm->vcpus[vcpu];

	if (atomic_load(&v->wanted) & (VCPU_FAULT | VCPU_DEAD))
		return;
	v->fault = (struct vcpu_fault){.kind = kind, .how = how, .event_ns = monotonic_ns()};
	snprintf(v->fault.what, sizeof(v->fault.what), "%s", what);
	vcpu_kick(v, VCPU_FAULT);
	vm_wake_gate(vm);
}

const struct vm_end *vm_ended(const struct vm *vm)
{
	return atomic_load(&vm->end_state) == END_DONE ? &vm->end : NULL;
}

/* ---- interrupts ---- */

int vm_irqfd(struct vm *vm, int event_fd, uint32_t gsi)
{
	struct kvm_irqfd irqfd = {.fd = (uint32_t)event_fd, .gsi = gsi};

	return ioctl(vm->fd, KVM_IRQFD, &irqfd) ? -errno : 0;
}
