/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* guest_memory: the guest's RAM, as the host has it. */
#ifndef CARILLON_GUEST_MEMORY_H
#define CARILLON_GUEST_MEMORY_H

#include "base.h"

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

#endif
