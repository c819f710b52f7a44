/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Guest memory: one shared memfd behind all the banks, so that a vhost-user back end can be given
 * the same pages, and the checked accessors that are the only ways to it.
 */
#include <errno.h>
#include <linux/memfd.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vm.h"

#define HUGEPAGE (2 * MIB)

static int map_bank(struct guest_memory *mem, struct ram_bank *bank,
		    const struct guest_memory_options *opt, struct error *err)
{
	/* Huge pages are reserved here or not at all: a touch that finds none is SIGBUS. */
	int flags = MAP_SHARED | (opt->hugepages ? 0 : MAP_NORESERVE) |
		    (opt->prefault ? MAP_POPULATE : 0);
	void *host = mmap(NULL, bank->size, PROT_READ | PROT_WRITE, flags, mem->fd,
			  (off_t)bank->fd_offset);

	if (host == MAP_FAILED)
		return fail(err, errno, "guest memory: can't map %llu MiB: %s%s", bank->size / MIB,
			    strerror(errno),
			    opt->hugepages ? "; raise /proc/sys/vm/nr_hugepages" : "");
	bank->host = host;
	/* A core dump of the VMM is for its bugs; the guest's secrets have no place in it. */
	madvise(host, bank->size, MADV_DONTDUMP);
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
	mem->fd = memfd_create("carillon-ram", MFD_CLOEXEC | (opt->hugepages ? MFD_HUGETLB : 0));
	if (mem->fd < 0 || ftruncate(mem->fd, (off_t)total)) {
		ret = fail(err, errno, "guest memory: can't make a memfd of %llu MiB: %s",
			   total / MIB, strerror(errno));
		guest_memory_destroy(mem);
		return ret;
	}
	for (mem->n = 0; mem->n < n; mem->n++) {
		ret = map_bank(mem, &mem->banks[mem->n], opt, err);
		if (ret) {
			guest_memory_destroy(mem);
			return ret;
		}
	}
	return 0;
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
