/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * vm: a virtual machine's core: its memory, its two address spaces, its interrupt routes, its event
 * loop and the vCPU threads. It knows no bus, no device and no architecture: those register
 * themselves here.
 *
 * Threads: one per vCPU, the thread that runs the machine's event loop, and workers with loops of
 * their own. What may be called from where is said at each function; "any thread" means that the
 * function takes its own lock.
 */
#ifndef CARILLON_VM_H
#define CARILLON_VM_H

#include <linux/kvm.h>
#include <pthread.h>
#include <stdatomic.h>

#include "irq.h"
#include "loop.h"
#include "guest_memory.h"
#include "space.h"

enum vm_end {
	VM_RUNNING,
	VM_POWEROFF, /* the guest asked */
	VM_RESET,    /* the guest asked */
	VM_CRASHED,  /* triple fault, or KVM could not go on */
	VM_STOPPED,  /* asked from outside */
	VM_FAILED,   /* a device or the host failed so that going on would harm */
};

enum exit_kind {
	EXIT_IO,
	EXIT_MMIO,
	EXIT_HALT,
	EXIT_HYPERCALL,
	EXIT_SIGNAL,
	EXIT_OTHER,
	EXIT_KINDS,
};

struct vm;

struct vcpu {
	struct vm *vm;
	unsigned index;
	int fd;
	struct kvm_run *run;
	pthread_t thread;
	bool started;
	_Atomic bool parked, held;
	struct view_claim mmio_claim, pio_claim;
	_Atomic uint64_t exits[EXIT_KINDS];
};

/* What the core must be told of an architecture. NULL: it has nothing to say. */
struct vm_ops {
	unsigned board_gsis;  /* GSIs below this are the board's pins, those above messages */
	unsigned gsi_limit;   /* GSIs end here, and KVM has no routing table for them; 0: it has */
	const char *kvm_cure; /* what to do where there is no KVM for such guests */
	/* The argument of KVM_CREATE_VM; NULL: 0. */
	unsigned long (*vm_type)(int kvm);
	/* Set the registers of a vCPU that was just created. Called for all, in order, before any
	 * runs. */
	int (*vcpu_setup)(struct vcpu *vcpu, struct error *err);
	/* An exit that vm/ does not know, on the vCPU's own thread. True: handled, go on. */
	bool (*vcpu_exit)(struct vcpu *vcpu);
	/* What KVM_IRQ_LINE calls a board GSI; NULL: by its number. */
	uint32_t (*irq_line)(uint32_t gsi);
};

/* Where the user's keys go. The device sets what is its own before the vCPUs start. */
struct console_port {
	/* Returns how many of n bytes were taken; any thread. NULL: nowhere. */
	unsigned (*input)(void *opaque, const uint8_t *data, unsigned n);
	void *opaque;
	/* The user's terminal is this large now, in characters; any thread. NULL: all the same. */
	void (*resized)(void *opaque, uint16_t columns, uint16_t rows);
	/* The other end's: input took less than it was given, and there is room again. It only
	 * takes note: devices call it under their locks. Any thread. NULL: nobody waits. */
	void (*room)(void *user);
	void *user;
};

struct vm {
	int kvm, fd;
	struct guest_memory memory;
	struct space mmio, pio;
	struct irq_table irqs;
	struct loop loop;
	struct vcpu *vcpus;
	unsigned n_vcpus;
	size_t run_size;
	const struct vm_ops *ops;
	struct console_port console; /* set by the device that is the guest's console */
	void *arch;		     /* the architecture's own */
	struct region ram_regions[RAM_BANKS_MAX];
	_Atomic bool stop_vcpus, pause_vcpus;
	pthread_mutex_t state_lock; /* end, end_text, parked vCPUs */
	pthread_cond_t state_changed;
	enum vm_end end;
	char end_text[256];
};

/* Open /dev/kvm (path NULL) and make an empty machine with its spaces, irq table and loop. */
int vm_create(struct vm *vm, const char *kvm_path, const struct vm_ops *ops, struct error *err);
/* End the vCPU threads, then give everything back. Safe on a vm that vm_create() refused. */
void vm_destroy(struct vm *vm);
/* Make RAM and put it into the MMIO space. */
int vm_add_ram(struct vm *vm, const struct range *ranges, unsigned n,
	       const struct guest_memory_options *opt, struct error *err);
/* Make n vCPUs (not yet running); checks n against what KVM allows. */
int vm_create_vcpus(struct vm *vm, unsigned n, struct error *err);
/*
 * Let this process have `need` files open: the soft limit is raised, the hard one if it may be.
 * -EPERM names the number.
 */
int vm_allow_files(uint64_t need, struct error *err);
/* The most vCPUs that this KVM allows. */
unsigned vm_max_vcpus(int kvm);
/* Give them back; the threads have ended. */
void vm_destroy_vcpus(struct vm *vm);
int vm_start_vcpus(struct vm *vm, struct error *err);
/* Ask all vCPU threads to leave and wait for them. Not from a vCPU thread. */
void vm_stop_vcpus(struct vm *vm);
/* Hold all vCPUs outside the guest, and let them go on. Not from a vCPU thread. */
void vm_pause(struct vm *vm);
void vm_resume(struct vm *vm);
/*
 * Keep a vCPU outside the guest until it is released, whatever the machine does: one that was not
 * started yet, or that stopped itself. hold: before it runs, or on its own thread; release: any.
 */
void vcpu_hold(struct vcpu *c);
/* Let KVM take the result of the exit that is being handled, without running the guest. */
void vcpu_complete(struct vcpu *c);
void vcpu_release(struct vcpu *c);
/* For a console: after input took less than it was given, there is room. Any thread. */
static inline void console_has_room(struct vm *vm)
{
	if (vm->console.room)
		vm->console.room(vm->console.user);
}
/*
 * Say how the machine ends, and stop the loop. The first call wins, but a stop over a reset. Any
 * thread.
 */
void vm_end(struct vm *vm, enum vm_end how, const char *fmt, ...) PRINTF_LIKE(3, 4);

#endif
