/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * space: an address space of the guest: who serves which address. Regions are laid over each other,
 * flattened into a view, and carried to KVM; what KVM has no memslot for is dispatched here.
 */
#ifndef CARILLON_SPACE_H
#define CARILLON_SPACE_H

#include <linux/kvm.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base.h"

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

#endif
