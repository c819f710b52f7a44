/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * recorder: stands in for KVM under a struct vm that has no KVM. It keeps memslots, doorbells,
 * routes and irqfds as last set, and plays their part: a guest's access goes by its memslot or
 * exits, a latch that is signalled while attached is an injection.
 */
#ifndef CARILLON_TESTS_RECORDER_H
#define CARILLON_TESTS_RECORDER_H

#include "vm.h"

#define RECORDED_IRQFDS 2100
#define RECORDED_SLOTS	64
#define RECORDED_GSIS	0x1800

struct recorder {
	struct vm vm;
	unsigned route_calls, attach_calls, detach_calls;
	unsigned n_routes;
	struct kvm_irq_routing_entry routes[4096];
	struct kvm_irqfd irqfds[RECORDED_IRQFDS];
	unsigned n_irqfds;
	unsigned injected[RECORDED_GSIS]; /* by GSI */
	unsigned lines[RECORDED_GSIS];	  /* how often its line was driven */
	bool level[RECORDED_GSIS];
	int refuse_routes, refuse_irqfd;      /* -errno */
	struct memslot slots[RECORDED_SLOTS]; /* size 0: none */
	unsigned memslot_calls;
	int refuse_memslot; /* -errno: no new ones */
	unsigned doorbells, doorbell_calls;
	uint64_t doorbell_addr;
	struct view_claim claim; /* the guest's CPU */
};

/* How an access of the guest is served. */
enum served {
	BY_NOBODY,
	BY_SLOT,
	BY_EXIT,
};

/* A vm whose spaces and irq table are recorded; pages of 4 KiB, GSIs below 24 are the board's. */
void recorder_init(struct recorder *r);
/* The same on a host with pages of this size. */
void recorder_init_pages(struct recorder *r, uint64_t page);
/* The same for a board with so many GSIs, and where all GSIs end. */
void recorder_init_gsis(struct recorder *r, unsigned board, unsigned limit);
void recorder_destroy(struct recorder *r);
unsigned recorder_slots(const struct recorder *r);
/* The memslot that holds gpa, NULL if none does. */
const struct memslot *recorder_slot(const struct recorder *r, uint64_t gpa);
/* The guest's access to memory, size 1, 2, 4 or 8, as its CPU makes it. */
enum served recorder_load(struct recorder *r, uint64_t gpa, unsigned size, uint64_t *value);
enum served recorder_store(struct recorder *r, uint64_t gpa, unsigned size, uint64_t value);
/* A source signals fd. */
void recorder_signal(struct recorder *r, int fd);
/* The route of a GSI, NULL if it has none. */
const struct kvm_irq_routing_entry *recorder_route(const struct recorder *r, unsigned gsi);
/* How many file descriptors this process has open. */
unsigned open_fds(void);

#endif
