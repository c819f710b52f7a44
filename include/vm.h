/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * vm: the core of a virtual machine. Guest memory, the two address spaces, interrupt routes, the
 * event loop and the vCPU threads. It knows no bus, no device and no architecture: those register
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

#include "base.h"
#include "thread.h"

/* ---- guest memory ------------------------------------------------------------------------- */

#define RAM_BANKS_MAX 16

/* One run of guest RAM: gpa and size in bytes, page aligned; host is where it is mapped here. */
struct ram_bank {
	uint64_t gpa, size;
	uint8_t *host;
	uint64_t fd_offset;
};

struct guest_memory {
	uint64_t page; /* what it surely comes in, bytes: the host's pages, or huge ones */
	int fd;	       /* memfd behind all the banks, MAP_SHARED; -1: anonymous memory */
	unsigned n;
	struct ram_bank banks[RAM_BANKS_MAX];
};

struct guest_memory_options {
	bool hugepages; /* from hugetlbfs; fails if the pool is too small */
	bool prefault;	/* have every page in place before the guest starts */
	bool shared;	/* other processes will map it: a memfd, whatever that costs */
};

enum memory_backing {
	BACKING_MEMFD,
	BACKING_HUGETLB,
	BACKING_ANONYMOUS,
};

/*
 * Pure. shmem_enabled: what /sys/kernel/mm/transparent_hugepage/shmem_enabled says, "" if there is
 * none. A memfd where it costs nothing; but a host that gives a memfd no huge pages (Debian's
 * default) would pin and map each 4K page by itself, which takes longer than all the rest of a
 * start.
 */
enum memory_backing guest_memory_backing(const struct guest_memory_options *opt,
					 const char *shmem_enabled);

/* Make RAM for the ranges (guest-physical, page aligned, sorted, not overlapping). */
int guest_memory_create(struct guest_memory *mem, const struct range *ranges, unsigned n,
			const struct guest_memory_options *opt, struct error *err);
/* Pure: into how many shares a bank of `size` bytes is cut, to prefault it on so many CPUs. */
unsigned guest_memory_shares(uint64_t size, unsigned cpus);
void guest_memory_destroy(struct guest_memory *mem);
uint64_t guest_memory_size(const struct guest_memory *mem);
/*
 * The host address of [gpa, gpa + len), or NULL unless every byte lies in one bank. This and the
 * two copies are the only ways to guest memory. What is found there may change under the reader:
 * the guest is running.
 */
void *guest_memory_at(const struct guest_memory *mem, uint64_t gpa, uint64_t len);
/* Copy; -EFAULT, with nothing copied, unless all of it lies in one bank. */
int guest_memory_read(const struct guest_memory *mem, uint64_t gpa, void *buf, uint64_t len);
int guest_memory_write(const struct guest_memory *mem, uint64_t gpa, const void *buf, uint64_t len);
/*
 * Give memory back to the host: it is zeros from then on, and there again when it is touched. host
 * and len: bytes that guest_memory_at() gave; whole pages within are meant. Any thread. Returns how
 * many bytes went, or -errno. Not while a device has it pinned: that would not see the new pages.
 */
int64_t guest_memory_discard(const struct guest_memory *mem, void *host, uint64_t len);

/* ---- address space ------------------------------------------------------------------------ */

/*
 * Handlers get an offset within their region and a size of 1, 2, 4 or 8 bytes; the dispatcher has
 * split what crosses the end of a range. Values are little-endian numbers: for size 2 the low 16
 * bits count. They run on vCPU threads, several at once.
 */
struct region_ops {
	uint64_t (*read)(void *opaque, uint64_t offset, unsigned size);
	void (*write)(void *opaque, uint64_t offset, unsigned size, uint64_t value);
};

/* A doorbell in a region: a write of size len (0: any) at offset, and of data if match, kicks fd.
 */
struct region_ioeventfd {
	uint64_t offset;
	unsigned len;
	bool match;
	uint64_t data;
	int fd;
};

/*
 * A piece of an address space. The owner keeps it in memory from space_add() until the machine's
 * vCPU threads have ended (a vCPU may be inside a handler of a region that was just removed).
 * host set: memory, which becomes a KVM memslot wherever whole pages of it are visible, and is
 * read and written with the guest's access width where they are not. host NULL: ops.
 */
struct region {
	const char *name;    /* whose it is */
	const char *part;    /* which of its owner's regions; NULL: there is no other */
	uint64_t base, size; /* bytes */
	int priority;	     /* the higher hides the lower; on a tie the later added hides */
	uint8_t *host;
	bool readonly; /* memory that the guest may not write: writes go to ops, if any */
	const struct region_ops *ops;
	void *opaque;
	const struct region_ioeventfd *ioeventfds;
	unsigned n_ioeventfds;
	_Atomic uint64_t *traps; /* counts accesses that reached user space; may be NULL */
	struct region *next;	 /* the space's own */
	uint64_t order;		 /* the space's own */
};

enum region_priority {
	PRIORITY_PCI = 0,
	PRIORITY_PLATFORM = 10, /* what the board decodes before any bus */
	PRIORITY_RAM = 20,
};

/*
 * The flat view: sorted, not overlapping; every byte belongs to the region that is visible there.
 * offset is where in the region the range starts: a region may move while an old view is read.
 */
struct view_range {
	uint64_t base, size;
	struct region *region;
	uint64_t offset;
};

struct view {
	unsigned n;
	struct view *retired_next;
	struct view_range ranges[];
};

struct memslot {
	uint64_t gpa, size;
	uint8_t *host;
	bool readonly;
};

/* Pure: regions → view (to be freed with free()), or NULL without memory. */
struct view *view_flatten(struct region *regions);
/* Pure: the range that holds addr, or NULL. */
const struct view_range *view_find(const struct view *view, uint64_t addr);
/* Pure: the memslots that a view wants, whole pages only; returns how many. out may be NULL. */
unsigned view_memslots(const struct view *view, uint64_t page_size, struct memslot *out);

/* Who serves a guest's access. */
enum space_part_kind {
	PART_RAM,     /* nobody: it is the guest's memory */
	PART_ROM,     /* nobody serves reads; writes are trapped */
	PART_MAPPED,  /* nobody: a device's memory, through a memslot */
	PART_DIRECT,  /* memory without a memslot: one load or store here, of the guest's width */
	PART_TRAPPED, /* the region's handlers */
};

/* A range of an address space where accesses are served alike. */
struct space_part {
	struct range range;
	enum space_part_kind kind;
	const struct region *region;
	unsigned ioeventfds; /* how many of the region's doorbells are in it */
};

/*
 * Pure: a view by who serves it. slots: of the memslots that it wants, those that KVM has; in any
 * order, size 0 is none. Sorted; out has room for 3 * view->n. Returns how many.
 */
unsigned view_parts(const struct view *view, const struct memslot *slots, unsigned n_slots,
		    struct space_part *out);

/* What carries a view out: KVM, or a recorder in a test. Both return 0 or -errno. */
struct space_backend {
	int (*memslot)(void *opaque, unsigned slot, const struct memslot *m); /* size 0: delete */
	int (*ioeventfd)(void *opaque, uint64_t addr, const struct region_ioeventfd *e, bool add);
};

/* A reader's claim on a view: one per thread and space, so that a commit knows what is in use. */
struct view_claim {
	_Atomic(const struct view *) view;
	struct view_claim *next;
};

struct space {
	const char *name;
	uint64_t page_size; /* of the host; memslots are aligned to it */
	const struct space_backend *backend;
	void *opaque;
	pthread_mutex_t lock; /* writers; recursive, so that transactions nest */
	unsigned depth;
	bool dirty;
	struct region *regions;
	uint64_t next_order;
	_Atomic(struct view *) current;
	struct view *retired;
	struct view_claim *claims;
	struct memslot *slots; /* by slot number; size 0 is free */
	unsigned n_slots, max_slots;
};

int space_init(struct space *s, const char *name, uint64_t page_size, unsigned max_slots,
	       const struct space_backend *backend, void *opaque, struct error *err);
void space_destroy(struct space *s);
/* A thread that reads registers its claim once, before its first access. */
void space_register_claim(struct space *s, struct view_claim *claim);

/*
 * A transaction, from any thread; they nest, and the outermost commit carries the change out.
 * A commit that KVM refuses returns the error after publishing the view all the same: what has no
 * memslot is served by the slow path.
 */
void space_begin(struct space *s);
void space_add(struct space *s, struct region *r);
void space_remove(struct space *s, struct region *r);
int space_commit(struct space *s, struct error *err);

/* Dispatch an access of 1 to 8 bytes. Unclaimed: reads are all ones, writes are dropped, false. */
bool space_read(struct space *s, struct view_claim *c, uint64_t addr, unsigned size, uint8_t *buf);
bool space_write(struct space *s, struct view_claim *c, uint64_t addr, unsigned size,
		 const uint8_t *buf);

/* One load or store of exactly size bytes (1, 2, 4, 8), naturally aligned: device memory. */
uint64_t load_exact(const volatile void *p, unsigned size);
void store_exact(volatile void *p, unsigned size, uint64_t value);

/* ---- interrupts --------------------------------------------------------------------------- */

/* A message-signalled interrupt as the guest wrote it. devid is for ITS machines. */
struct msi_message {
	uint64_t address;
	uint32_t data;
	uint32_t devid;
};

/* What carries interrupt routes out: KVM, or a recorder in a test. Both return 0 or -errno. */
struct irq_backend {
	int (*set_routes)(void *opaque, const struct kvm_irq_routing *routing);
	int (*irqfd)(void *opaque, const struct kvm_irqfd *irqfd);
	int (*line)(void *opaque, uint32_t gsi, bool level);
};

struct irq_table {
	const struct irq_backend *backend;
	void *opaque;
	pthread_mutex_t lock; /* recursive: a batch holds it */
	unsigned depth;
	bool dirty;
	bool msi_devid; /* KVM_CAP_MSI_DEVID: messages carry their device */
	/* Pure: the architecture's last word on a message's route before KVM sees it; NULL: as it
	 * is. */
	void (*translate)(struct kvm_irq_routing_entry *e);
	unsigned first_dynamic, limit;
	struct kvm_irq_routing *routing; /* with room for `room` entries */
	unsigned room;
	uint8_t *used;	 /* by gsi - first_dynamic */
	uint8_t *raised; /* by board GSI: how many hold its line up */
};

/* GSIs below first_dynamic are the board's (see irq_route_pin); irq_alloc() hands out the rest. */
int irq_table_init(struct irq_table *t, unsigned first_dynamic, unsigned limit,
		   const struct irq_backend *backend, void *opaque, struct error *err);
void irq_table_destroy(struct irq_table *t);

/* Any thread. Changes between begin and commit reach KVM as one table. They nest. */
void irq_begin(struct irq_table *t);
int irq_commit(struct irq_table *t);
/* Route a board GSI to a pin of an in-kernel irqchip. Several pins may hang on one GSI. */
int irq_route_pin(struct irq_table *t, unsigned gsi, unsigned irqchip, unsigned pin);
/* A free GSI, or -ENOSPC. */
int irq_alloc(struct irq_table *t);
/* n free GSIs in a row: the first of them, or -ENOSPC. */
int irq_alloc_row(struct irq_table *t, unsigned n);
/* Drop its route and give it back. */
void irq_free(struct irq_table *t, unsigned gsi);
/* Set or change the message of an allocated GSI. */
int irq_route_msi(struct irq_table *t, unsigned gsi, const struct msi_message *msg);
/*
 * Let fd raise gsi inside KVM, and stop that. If fd is already readable at attach, KVM raises the
 * interrupt at once: what came while nobody was attached is not lost. resamplefd: -1, or the fd
 * that KVM kicks when the guest has handled a level interrupt.
 */
int irq_attach(struct irq_table *t, unsigned gsi, int fd, int resamplefd);
int irq_detach(struct irq_table *t, unsigned gsi, int fd);
/*
 * Drive the line of a board GSI. It is a wired or: up while any of its drivers holds it up, so each
 * of them calls this only when its own level changes.
 */
int irq_line(struct irq_table *t, unsigned gsi, bool level);
/* Is the line of a board GSI up? */
bool irq_is_up(struct irq_table *t, unsigned gsi);

/* ---- event loop --------------------------------------------------------------------------- */

struct loop_source;

/* Called on the loop's thread. May remove itself or others. */
typedef void loop_ready(struct loop_source *src, uint32_t events);

struct loop_source {
	int fd;
	loop_ready *ready;
	void *opaque;
};

struct loop {
	int epoll;
	int wake; /* eventfd that ends the wait */
	_Atomic bool stopping;
};

int loop_init(struct loop *l, struct error *err);
void loop_destroy(struct loop *l);
/* events: EPOLLIN and the like. Any thread. 0 or -errno. */
int loop_add(struct loop *l, struct loop_source *src, uint32_t events);
void loop_remove(struct loop *l, struct loop_source *src);
/* Serve sources until loop_stop(); 0 or -errno. */
int loop_run(struct loop *l);
/* Any thread, and async-signal-safe. */
void loop_stop(struct loop *l);

/* A timer whose end is an event of a loop. Zeroed: there is none. */
struct loop_timer {
	struct loop *loop;
	struct loop_source source;
};

/* clock: CLOCK_MONOTONIC, CLOCK_REALTIME. 0 or -errno, and then there is none. */
int loop_timer_open(struct loop_timer *t, struct loop *l, clockid_t clock, loop_ready *ready,
		    void *opaque);
void loop_timer_close(struct loop_timer *t);
/* It ends in first_ns, and then every then_ns, unless that is 0. first_ns 0 stops it. */
void loop_timer_set(struct loop_timer *t, uint64_t first_ns, uint64_t then_ns);
/* It ends when its clock shows so many seconds; 0 stops it. */
void loop_timer_set_time(struct loop_timer *t, time_t seconds);
/* Has it ended, and was not set again since? True once: for ready(), under the lock of who sets it.
 */
bool loop_timer_ended(struct loop_timer *t);

/* A thread that serves a loop; all signals are blocked in it. Zeroed: none. */
struct worker {
	struct loop loop;
	pthread_t thread;
	bool started;
	char name[THREAD_NAME];
};

/* Sources may be added from then on. name, for messages and as the thread's: its first letters. */
int worker_start(struct worker *w, const char *name, struct error *err);
/*
 * Wait until the source that is being served is done, then end the thread and the loop;
 * loop_remove() is still allowed. Not from the worker's own thread, nor with a lock that its
 * sources take. Fine if none was started.
 */
void worker_stop(struct worker *w);

/* ---- the machine -------------------------------------------------------------------------- */

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
