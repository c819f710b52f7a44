/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Which pages of the guest are in the balloon. Its pages have 4 KiB (5.5.6); where the host's are
 * larger, one can be given back only when all its parts are in the balloon. Pure.
 */
#ifndef CARILLON_VIRTIO_BALLOON_PAGES_H
#define CARILLON_VIRTIO_BALLOON_PAGES_H

#include "guest_memory.h"

#define BALLOON_PAGE (4 * KIB)

struct balloon_pages {
	const struct guest_memory *memory;
	uint8_t *banks[RAM_BANKS_MAX]; /* a bit for each page; NULL: the host's are as small */
};

/* An empty balloon; memory is there. 0 or -ENOMEM. */
int balloon_pages_init(struct balloon_pages *p, const struct guest_memory *memory);
/* Safe on one that was never made. */
void balloon_pages_destroy(struct balloon_pages *p);
/*
 * A page, by its number, is in the balloon: what can be given back for that, guest-physical, whole
 * pages of the host; size 0: nothing, or it is no page of RAM.
 */
struct range balloon_pages_add(struct balloon_pages *p, uint32_t pfn);
/* The guest is about to use a page again. */
void balloon_pages_remove(struct balloon_pages *p, uint32_t pfn);

#endif
