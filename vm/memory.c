/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Guest memory: what is behind its banks (one shared memfd where that can be had in huge pages, so
 * that a vhost-user back end can be given the same pages), and the checked accessors that are the
 * only ways to it.
 */
#include <errno.h>
#include <linux/memfd.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vm.h"

#define HUGEPAGE (2 * MIB)

enum memory_backing guest_memory_backing(const struct guest_memory_options *opt,
					 const char *shmem_enabled)
{
	if (opt->hugepages)
		return BACKING_HUGETLB;
	/* The mode in force stands in brackets: "always within_size advise [never] deny force". */
	if (opt->shared || strstr(shmem_enabled, "[always]") ||
	    strstr(shmem_enabled, "[within_size]") || strstr(shmem_enabled, "[advise]") ||
	    strstr(shmem_enabled, "[force]"))
		return BACKING_MEMFD;
	return BACKING_ANONYMOUS;
}

static enum memory_backing choose_backing(const struct guest_memory_options *opt)
{
	char enabled[128];

	if (read_file("/sys/kernel/mm/transparent_hugepage/shmem_enabled", enabled,
		      sizeof(enabled)))
		enabled[0] = 0;
	return guest_memory_backing(opt, enabled);
}

/* Address space that starts on a huge page, so that KVM and the IOMMU can map it as such. */
static void *reserve(uint64_t size)
{
	uint8_t *base = mmap(NULL, size + HUGEPAGE, PROT_NONE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint64_t head;

	if (base == MAP_FAILED)
		return MAP_FAILED;
	head = align_up((uintptr_t)base, HUGEPAGE) - (uintptr_t)base;
	if (head)
		munmap(base, head);
	munmap(base + head + size, HUGEPAGE - head);
	return base + head;
}

static int map_bank(struct guest_memory *mem, struct ram_bank *bank,
		    const struct guest_memory_options *opt, struct error *err)
{
	int flags = MAP_FIXED | (mem->fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED);
	void *host = reserve(bank->size);

	/* Huge pages are reserved here or not at all: a touch that finds none is SIGBUS. */
	if (!opt->hugepages)
		flags |= MAP_NORESERVE;
	if (host != MAP_FAILED)
		host = mmap(host, bank->size, PROT_READ | PROT_WRITE, flags, mem->fd,
			    mem->fd < 0 ? 0 : (off_t)bank->fd_offset);
	if (host == MAP_FAILED)
		return fail(err, errno, "guest memory: can't map %llu MiB: %s%s", bank->size / MIB,
			    strerror(errno),
			    opt->hugepages ? "; raise /proc/sys/vm/nr_hugepages" : "");
	bank->host = host;
	madvise(host, bank->size, MADV_HUGEPAGE);
	/* A core dump of the VMM is for its bugs; the guest's secrets have no place in it. */
	madvise(host, bank->size, MADV_DONTDUMP);
	if (opt->prefault && madvise(host, bank->size, MADV_POPULATE_WRITE))
		return fail(err, errno, "guest memory: can't prefault %llu MiB: %s",
			    bank->size / MIB, strerror(errno));
	return 0;
}

static int open_backing(struct guest_memory *mem, uint64_t size,
			const struct guest_memory_options *opt, struct error *err)
{
	enum memory_backing backing = choose_backing(opt);

	if (backing == BACKING_ANONYMOUS)
		return 0;
	mem->fd = memfd_create("carillon-ram",
			       MFD_CLOEXEC | (backing == BACKING_HUGETLB ? MFD_HUGETLB : 0));
	if (mem->fd < 0 || ftruncate(mem->fd, (off_t)size))
		return fail(err, errno, "guest memory: can't make a memfd of %llu MiB: %s",
			    size / MIB, strerror(errno));
	return 0;
}

int guest_memory_create(struct guest_memory *mem, const struct range *ranges, unsigned n,
			const struct guest_memory_options *opt, struct error *err)
{
	uint64_t total = 0;
	unsigned i;
	int ret;

	*mem = (struct guest_memory){.fd = -1};
	if (n > RAM_BANKS_MAX)
		return fail(err, EINVAL, "guest memory: %u banks, at most %u", n, RAM_BANKS_MAX);
	for (i = 0; i < n; i++) {
		mem->banks[i] = (struct ram_bank){
			.gpa = ranges[i].base, .size = ranges[i].size, .fd_offset = total};
		if (opt->hugepages && (ranges[i].base | ranges[i].size) % HUGEPAGE)
			return fail(err, EINVAL,
				    "guest memory: with huge pages, -m must be a multiple of 2M");
		total += ranges[i].size;
	}
	ret = open_backing(mem, total, opt, err);
	for (i = 0; i < n && !ret; i++) {
		ret = map_bank(mem, &mem->banks[i], opt, err);
		mem->n += mem->banks[i].host != NULL;
	}
	if (ret)
		guest_memory_destroy(mem);
	return ret;
}

void guest_memory_destroy(struct guest_memory *mem)
{
	while (mem->n) {
		mem->n--;
		munmap(mem->banks[mem->n].host, mem->banks[mem->n].size);
	}
	if (mem->fd >= 0)
		close(mem->fd);
	mem->fd = -1;
}

uint64_t guest_memory_size(const struct guest_memory *mem)
{
	uint64_t size = 0;
	unsigned i;

	for (i = 0; i < mem->n; i++)
		size += mem->banks[i].size;
	return size;
}

void *guest_memory_at(const struct guest_memory *mem, uint64_t gpa, uint64_t len)
{
	unsigned i;

	for (i = 0; i < mem->n; i++) {
		const struct ram_bank *b = &mem->banks[i];

		/* In this order nothing can overflow. */
		if (gpa >= b->gpa && gpa - b->gpa < b->size && len <= b->size - (gpa - b->gpa))
			return b->host + (gpa - b->gpa);
	}
	return NULL;
}

int guest_memory_read(const struct guest_memory *mem, uint64_t gpa, void *buf, uint64_t len)
{
	const void *p = guest_memory_at(mem, gpa, len);

	if (!p)
		return -EFAULT;
	memcpy(buf, p, len);
	return 0;
}

int guest_memory_write(const struct guest_memory *mem, uint64_t gpa, const void *buf, uint64_t len)
{
	void *p = guest_memory_at(mem, gpa, len);

	if (!p)
		return -EFAULT;
	memcpy(p, buf, len);
	return 0;
}
