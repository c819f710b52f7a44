/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* xive: what of a guest's XIVE is ours: its pages, and what KVM does not tell of its sources. */
#ifndef CARILLON_POWERPC_XIVE_H
#define CARILLON_POWERPC_XIVE_H

#include "irqchip.h"

/* Priorities that are the guest's; KVM has the last of 8 for itself (xive_prio_from_guest()). */
#define XIVE_PRIORITIES	     7
#define XIVE_PRIORITY_MASKED 0xff
/* log2 of a queue's bytes: KVM takes none of another size. */
#define XIVE_QUEUE_SHIFT 16

/* What H_INT_SET_SOURCE_CONFIG said of a source. */
struct xive_source {
	uint32_t target; /* CPU */
	uint32_t eisn;	 /* the number by which the guest knows it: what its queue gets */
	uint8_t priority;
};

struct xive {
	unsigned cpus;
	uint8_t *tima, *esb; /* KVM's pages, mapped here; NULL: not yet */
	/* What the guest sees of them: a CPU's own, of sources for IPIs, of the others. */
	struct region tima_region, ipi_region, source_region;
	pthread_mutex_t lock; /* what follows, and that KVM is told the same */
	struct xive_source sources[SOURCE_END];
	uint8_t queues[CPUS_MAX]; /* which of them the guest has set: a bit for each priority */
};

/* xive_hcall.c: what H_INT_RESET leaves, and what the guest begins with. */
void xive_forget(struct xive *x);
uint64_t xive_hcall(struct ppc_machine *m, uint64_t nr, uint64_t args[9]);

#endif
