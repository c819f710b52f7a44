/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The thin hand on /dev/kvm: makes the machine and carries out what views and routes decide. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vm.h"

static int kvm_memslot(void *opaque, unsigned slot, const struct memslot *m)
{
	struct vm *vm = opaque;
	struct kvm_userspace_memory_region r = {
		.slot = slot,
		.flags = m->readonly ? KVM_MEM_READONLY : 0,
		.guest_phys_addr = m->gpa,
		.memory_size = m->size,
		.userspace_addr = (uintptr_t)m->host,
	};

	return ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &r) ? -errno : 0;
}

static int kvm_ioeventfd(struct vm *vm, uint64_t addr, const struct region_ioeventfd *e, bool add,
			 uint32_t flags)
{
	struct kvm_ioeventfd io = {
		.addr = addr,
		.len = e->len,
		.fd = e->fd,
		.datamatch = e->data,
		.flags = flags | (e->match ? KVM_IOEVENTFD_FLAG_DATAMATCH : 0) |
			 (add ? 0 : KVM_IOEVENTFD_FLAG_DEASSIGN),
	};

	return ioctl(vm->fd, KVM_IOEVENTFD, &io) ? -errno : 0;
}

static int mmio_ioeventfd(void *opaque, uint64_t addr, const struct region_ioeventfd *e, bool add)
{
	return kvm_ioeventfd(opaque, addr, e, add, 0);
}

static int pio_ioeventfd(void *opaque, uint64_t addr, const struct region_ioeventfd *e, bool add)
{
	return kvm_ioeventfd(opaque, addr, e, add, KVM_IOEVENTFD_FLAG_PIO);
}

static int no_memslot(void *opaque, unsigned slot, const struct memslot *m)
{
	(void)opaque, (void)slot, (void)m;
	return -EINVAL; /* ports are no memory: a region with a host address has no place there */
}

static const struct space_backend mmio_backend = {kvm_memslot, mmio_ioeventfd};
static const struct space_backend pio_backend = {no_memslot, pio_ioeventfd};

static int kvm_set_routes(void *opaque, const struct kvm_irq_routing *routing)
{
	struct vm *vm = opaque;

	/* Where KVM has no such table, a GSI is an interrupt source by its number. */
	if (vm->ops->gsi_limit)
		return 0;
	return ioctl(vm->fd, KVM_SET_GSI_ROUTING, routing) ? -errno : 0;
}

static int kvm_irqfd(void *opaque, const struct kvm_irqfd *irqfd)
{
	struct vm *vm = opaque;

	return ioctl(vm->fd, KVM_IRQFD, irqfd) ? -errno : 0;
}

static int kvm_line(void *opaque, uint32_t gsi, bool level)
{
	struct vm *vm = opaque;
	struct kvm_irq_level l = {.irq = vm->ops->irq_line ? vm->ops->irq_line(gsi) : gsi,
				  .level = level};

	return ioctl(vm->fd, KVM_IRQ_LINE, &l) ? -errno : 0;
}

static const struct irq_backend irq_backend = {kvm_set_routes, kvm_irqfd, kvm_line};

static int open_kvm(const char *path, const char *advice, struct error *err)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	int code = errno, version;

	if (fd < 0) {
		const char *cure = "";

		if (code == ENOENT)
			cure = advice;
		else if (code == EACCES)
			cure = "; add the user to the group kvm";
		return fail(err, code, "%s: %s%s", path, strerror(code), cure);
	}
	version = ioctl(fd, KVM_GET_API_VERSION, 0);
	if (version != KVM_API_VERSION) {
		close(fd);
		return fail(err, ENOTSUP, "%s: speaks KVM API %d, Carillon needs %d", path, version,
			    KVM_API_VERSION);
	}
	return fd;
}

static int limit_of(int kvm, int cap, int fallback)
{
	int n = ioctl(kvm, KVM_CHECK_EXTENSION, cap);

	return n > 0 ? n : fallback;
}

/*
 * KVM takes all locks of our memory, and gives up if this thread has something else to do: after a
 * reboot, what is left of the disks' io_uring.
 */
static int create_vm(struct vm *vm)
{
	unsigned long type = vm->ops->vm_type ? vm->ops->vm_type(vm->kvm) : 0;
	int fd;

	do
		fd = ioctl(vm->kvm, KVM_CREATE_VM, type);
	while (fd < 0 && errno == EINTR);
	return fd;
}

static int create_parts(struct vm *vm, const char *path, struct error *err)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	unsigned slots, gsis;
	int ret;

	vm->kvm = open_kvm(path, vm->ops->kvm_cure, err);
	if (vm->kvm < 0)
		return vm->kvm;
	vm->fd = create_vm(vm);
	if (vm->fd < 0)
		return fail(err, errno, "%s: can't create a virtual machine: %s%s", path,
			    strerror(errno), errno == EINVAL ? vm->ops->kvm_cure : "");
	vm->run_size = (size_t)ioctl(vm->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	slots = (unsigned)limit_of(vm->fd, KVM_CAP_NR_MEMSLOTS, 32);
	gsis = vm->ops->gsi_limit ?: (unsigned)limit_of(vm->fd, KVM_CAP_IRQ_ROUTING, 0);
	ret = space_init(&vm->mmio, "memory", page, slots, &mmio_backend, vm, err);
	if (!ret)
		ret = space_init(&vm->pio, "port", 1, 0, &pio_backend, vm, err);
	if (!ret)
		ret = irq_table_init(&vm->irqs, vm->ops->board_gsis, gsis, &irq_backend, vm, err);
	return ret ?: loop_init(&vm->loop, err);
}

int vm_create(struct vm *vm, const char *kvm_path, const struct vm_ops *ops, struct error *err)
{
	int ret;

	*vm = (struct vm){.ops = ops,
			  .kvm = -1,
			  .fd = -1,
			  .memory.fd = -1,
			  .loop = {.epoll = -1, .wake = -1},
			  .state_lock = PTHREAD_MUTEX_INITIALIZER,
			  .state_changed = PTHREAD_COND_INITIALIZER};
	ret = create_parts(vm, kvm_path ? kvm_path : "/dev/kvm", err);
	if (ret)
		vm_destroy(vm);
	return ret;
}

void vm_destroy(struct vm *vm)
{
	vm_stop_vcpus(vm);
	vm_destroy_vcpus(vm);
	space_destroy(&vm->mmio);
	space_destroy(&vm->pio);
	irq_table_destroy(&vm->irqs);
	loop_destroy(&vm->loop);
	/* The memslots die with the VM's fd: before the pages they point to. */
	if (vm->fd >= 0)
		close(vm->fd);
	if (vm->kvm >= 0)
		close(vm->kvm);
	guest_memory_destroy(&vm->memory);
	vm->fd = vm->kvm = -1;
}

int vm_add_ram(struct vm *vm, const struct range *ranges, unsigned n,
	       const struct guest_memory_options *opt, struct error *err)
{
	int ret = guest_memory_create(&vm->memory, ranges, n, opt, err);
	unsigned i;

	if (ret)
		return ret;
	space_begin(&vm->mmio);
	for (i = 0; i < n; i++) {
		struct ram_bank *b = &vm->memory.banks[i];

		vm->ram_regions[i] = (struct region){.name = "ram",
						     .base = b->gpa,
						     .size = b->size,
						     .priority = PRIORITY_RAM,
						     .host = b->host};
		space_add(&vm->mmio, &vm->ram_regions[i]);
	}
	return space_commit(&vm->mmio, err);
}

void vm_end(struct vm *vm, enum vm_end how, const char *fmt, ...)
{
	va_list args;

	pthread_mutex_lock(&vm->state_lock);
	/* Who stops a machine that is about to start anew means the one that it would be, too. */
	if (vm->end == VM_RUNNING || (vm->end == VM_RESET && how == VM_STOPPED)) {
		vm->end = how;
		va_start(args, fmt);
		vsnprintf(vm->end_text, sizeof(vm->end_text), fmt, args);
		va_end(args);
	}
	pthread_mutex_unlock(&vm->state_lock);
	loop_stop(&vm->loop);
}
