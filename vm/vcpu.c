/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * vCPU threads: run the guest, dispatch its exits, and come out when asked. A thread is called out
 * of the guest by a signal, and immediate_exit closes the gap in which the signal arrives just
 * before KVM_RUN (Documentation/virt/kvm/api.rst, "immediate_exit").
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vm.h"

#define VCPU_SIGNAL SIGUSR1

unsigned vm_max_vcpus(int kvm)
{
	int n = ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS);

	/* Older than the capability: api.rst says assume 4. */
	return n > 0 ? (unsigned)n : 4;
}

static int create_vcpu(struct vm *vm, unsigned index, struct error *err)
{
	struct vcpu *c = &vm->vcpus[index];

	*c = (struct vcpu){.vm = vm, .index = index, .fd = -1};
	c->fd = ioctl(vm->fd, KVM_CREATE_VCPU, (unsigned long)index);
	if (c->fd < 0)
		return fail(err, errno, "vCPU %u: KVM_CREATE_VCPU: %s", index, strerror(errno));
	vm->n_vcpus++;
	c->run = mmap(NULL, vm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, c->fd, 0);
	if (c->run == MAP_FAILED) {
		c->run = NULL;
		return fail(err, errno, "vCPU %u: mmap: %s", index, strerror(errno));
	}
	space_register_claim(&vm->mmio, &c->mmio_claim);
	space_register_claim(&vm->pio, &c->pio_claim);
	return 0;
}

int vm_create_vcpus(struct vm *vm, unsigned n, struct error *err)
{
	unsigned max = vm_max_vcpus(vm->kvm), i;
	int ret;

	if (!n || n > max)
		return fail(err, EINVAL, "%u CPUs: this KVM allows 1 to %u; use -c with fewer", n,
			    max);
	vm->vcpus = calloc(n, sizeof(*vm->vcpus));
	if (!vm->vcpus)
		return fail(err, ENOMEM, "%u CPUs: out of memory", n);
	for (i = 0; i < n; i++) {
		ret = create_vcpu(vm, i, err);
		if (ret)
			return ret;
	}
	for (i = 0; i < n; i++) {
		ret = vm->ops->vcpu_setup(&vm->vcpus[i], err);
		if (ret)
			return ret;
	}
	return 0;
}

void vm_destroy_vcpus(struct vm *vm)
{
	while (vm->n_vcpus) {
		struct vcpu *c = &vm->vcpus[--vm->n_vcpus];

		if (c->run)
			munmap(c->run, vm->run_size);
		close(c->fd);
	}
	free(vm->vcpus);
	vm->vcpus = NULL;
}

static void count(struct vcpu *c, enum exit_kind kind)
{
	atomic_fetch_add_explicit(&c->exits[kind], 1, memory_order_relaxed);
}

static void handle_io(struct vcpu *c)
{
	struct kvm_run *run = c->run;
	uint8_t *data = (uint8_t *)run + run->io.data_offset;
	uint32_t i;

	count(c, EXIT_IO);
	for (i = 0; i < run->io.count; i++, data += run->io.size)
		if (run->io.direction == KVM_EXIT_IO_IN)
			space_read(&c->vm->pio, &c->pio_claim, run->io.port, run->io.size, data);
		else
			space_write(&c->vm->pio, &c->pio_claim, run->io.port, run->io.size, data);
}

static void handle_mmio(struct vcpu *c)
{
	struct kvm_run *run = c->run;
	uint64_t addr = run->mmio.phys_addr;

	count(c, EXIT_MMIO);
	if (run->mmio.is_write)
		space_write(&c->vm->mmio, &c->mmio_claim, addr, run->mmio.len, run->mmio.data);
	else
		space_read(&c->vm->mmio, &c->mmio_claim, addr, run->mmio.len, run->mmio.data);
}

static void handle_system_event(struct vcpu *c)
{
	switch (c->run->system_event.type) {
	case KVM_SYSTEM_EVENT_SHUTDOWN:
		vm_end(c->vm, VM_POWEROFF, "the guest powered off");
		break;
	case KVM_SYSTEM_EVENT_RESET:
		vm_end(c->vm, VM_RESET, "the guest asked for a reset");
		break;
	default:
		vm_end(c->vm, VM_CRASHED, "the guest crashed (KVM system event %u)",
		       c->run->system_event.type);
	}
}

static void handle_exit(struct vcpu *c)
{
	struct kvm_run *run = c->run;

	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		handle_io(c);
		return;
	case KVM_EXIT_MMIO:
		handle_mmio(c);
		return;
	case KVM_EXIT_HLT:
		count(c, EXIT_HALT);
		return;
	case KVM_EXIT_INTR:
		count(c, EXIT_SIGNAL);
		return;
	default:
		break;
	}
	count(c, run->exit_reason == KVM_EXIT_PAPR_HCALL ? EXIT_HYPERCALL : EXIT_OTHER);
	if (c->vm->ops->vcpu_exit(c))
		return;
	switch (run->exit_reason) {
	case KVM_EXIT_SYSTEM_EVENT:
		handle_system_event(c);
		return;
	case KVM_EXIT_SHUTDOWN:
		vm_end(c->vm, VM_CRASHED, "vCPU %u: the guest crashed with a triple fault",
		       c->index);
		return;
	case KVM_EXIT_FAIL_ENTRY:
		vm_end(c->vm, VM_CRASHED,
		       "vCPU %u: the processor refused the guest state (hardware reason 0x%llx)",
		       c->index, (unsigned long long)run->fail_entry.hardware_entry_failure_reason);
		return;
	case KVM_EXIT_INTERNAL_ERROR:
		vm_end(c->vm, VM_CRASHED,
		       "vCPU %u: KVM could not run an instruction of the guest (suberror %u)",
		       c->index, run->internal.suberror);
		return;
	default:
		vm_end(c->vm, VM_CRASHED, "vCPU %u: unknown KVM exit %u", c->index,
		       run->exit_reason);
	}
}

/* Wait here while the machine is paused or this vCPU held. */
static void park(struct vcpu *c)
{
	struct vm *vm = c->vm;

	pthread_mutex_lock(&vm->state_lock);
	atomic_store(&c->parked, true);
	pthread_cond_broadcast(&vm->state_changed);
	while ((atomic_load(&vm->pause_vcpus) || atomic_load(&c->held)) &&
	       !atomic_load(&vm->stop_vcpus))
		pthread_cond_wait(&vm->state_changed, &vm->state_lock);
	atomic_store(&c->parked, false);
	pthread_mutex_unlock(&vm->state_lock);
}

/*
 * Clear immediate_exit before looking at the flags: whoever sets a flag sets immediate_exit after
 * it, so either the flag is seen here or KVM_RUN returns at once.
 */
static bool may_run(struct vcpu *c)
{
	atomic_store((_Atomic uint8_t *)&c->run->immediate_exit, 0);
	if (atomic_load(&c->vm->stop_vcpus))
		return false;
	if (atomic_load(&c->vm->pause_vcpus) || atomic_load(&c->held))
		park(c);
	return !atomic_load(&c->vm->stop_vcpus);
}

static void *vcpu_main(void *opaque)
{
	struct vcpu *c = opaque;
	struct vm *vm = c->vm;
	sigset_t kicks;

	sigemptyset(&kicks);
	sigaddset(&kicks, VCPU_SIGNAL);
	pthread_sigmask(SIG_UNBLOCK, &kicks, NULL);
	while (may_run(c)) {
		if (!ioctl(c->fd, KVM_RUN, 0)) {
			handle_exit(c);
		} else if (errno == EINTR || errno == EAGAIN) {
			count(c, EXIT_SIGNAL);
		} else {
			vm_end(vm, VM_CRASHED, "vCPU %u: KVM_RUN: %s", c->index, strerror(errno));
			break;
		}
	}
	/* A thread that gave up must not be waited for by a pause. */
	pthread_mutex_lock(&vm->state_lock);
	atomic_store(&c->parked, true);
	pthread_cond_broadcast(&vm->state_changed);
	pthread_mutex_unlock(&vm->state_lock);
	return NULL;
}

static void wake_from_guest(int sig)
{
	(void)sig;
}

int vm_start_vcpus(struct vm *vm, struct error *err)
{
	struct sigaction act = {.sa_handler = wake_from_guest};
	char name[THREAD_NAME];
	unsigned i;
	int ret = 0;

	sigaction(VCPU_SIGNAL, &act, NULL);
	for (i = 0; i < vm->n_vcpus && !ret; i++) {
		snprintf(name, sizeof(name), "vcpu%u", i);
		ret = thread_start(&vm->vcpus[i].thread, name, vcpu_main, &vm->vcpus[i]);
		vm->vcpus[i].started = !ret;
	}
	return ret ? fail(err, -ret, "vCPU %u: can't start its thread: %s", i - 1, strerror(-ret))
		   : 0;
}

static void kick(struct vcpu *c)
{
	atomic_store((_Atomic uint8_t *)&c->run->immediate_exit, 1);
	pthread_kill(c->thread, VCPU_SIGNAL);
}

void vcpu_complete(struct vcpu *c)
{
	/* KVM takes the results of an exit before it looks at immediate_exit (api.rst). */
	atomic_store((_Atomic uint8_t *)&c->run->immediate_exit, 1);
	ioctl(c->fd, KVM_RUN, 0);
}

void vcpu_hold(struct vcpu *c)
{
	atomic_store(&c->held, true);
}

void vcpu_release(struct vcpu *c)
{
	pthread_mutex_lock(&c->vm->state_lock);
	atomic_store(&c->held, false);
	pthread_cond_broadcast(&c->vm->state_changed);
	pthread_mutex_unlock(&c->vm->state_lock);
}

void vm_stop_vcpus(struct vm *vm)
{
	unsigned i;

	atomic_store(&vm->stop_vcpus, true);
	pthread_mutex_lock(&vm->state_lock);
	pthread_cond_broadcast(&vm->state_changed);
	pthread_mutex_unlock(&vm->state_lock);
	for (i = 0; i < vm->n_vcpus; i++)
		if (vm->vcpus[i].started)
			kick(&vm->vcpus[i]);
	for (i = 0; i < vm->n_vcpus; i++)
		if (vm->vcpus[i].started) {
			pthread_join(vm->vcpus[i].thread, NULL);
			vm->vcpus[i].started = false;
		}
}

void vm_pause(struct vm *vm)
{
	unsigned i;

	atomic_store(&vm->pause_vcpus, true);
	for (i = 0; i < vm->n_vcpus; i++)
		if (vm->vcpus[i].started)
			kick(&vm->vcpus[i]);
	pthread_mutex_lock(&vm->state_lock);
	for (i = 0; i < vm->n_vcpus; i++)
		while (vm->vcpus[i].started && !atomic_load(&vm->vcpus[i].parked))
			pthread_cond_wait(&vm->state_changed, &vm->state_lock);
	pthread_mutex_unlock(&vm->state_lock);
}

void vm_resume(struct vm *vm)
{
	atomic_store(&vm->pause_vcpus, false);
	pthread_mutex_lock(&vm->state_lock);
	pthread_cond_broadcast(&vm->state_changed);
	pthread_mutex_unlock(&vm->state_lock);
}
