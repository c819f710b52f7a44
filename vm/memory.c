/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Guest memory: what is behind its banks (one shared memfd where that can be had in huge pages, so
 * that a vhost-user back end can be given the same pages), and the checked accessors that are the
 * only ways to it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guest_memory.h"
#include "thread.h"

#define HUGEPAGE (2 * MIB)
/* Less is not worth a thread; more threads than this fight for the memory's bandwidth. */
#define FAULT_SHARE_MIN	 (64 * MIB)
#define FAULT_SHARES_MAX 16

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
	return 0;
}

/* A share of a bank for one thread. */
struct fault_job {
	uint8_t *host;
	uint64_t size;
	int code;
	pthread_t thread;
};

static void *fault_in(void *opaque)
{
	struct fault_job *job = opaque;

	if (job->size && madvise(job->host, job->size, MADV_POPULATE_WRITE))
		job->code = errno;
	return NULL;
}

/* Threads of the size of the vCPUs', which then find these stacks in the C library's cache. */
static unsigned start_jobs(struct fault_job *jobs, unsigned n)
{
	unsigned i;

	for (i = 1; i < n; i++)
		if (thread_start(&jobs[i].thread, "prefault", fault_in, &jobs[i]))
			break;
	return i;
}

unsigned guest_memory_shares(uint64_t size, unsigned cpus)
{
	uint64_t worth = size / FAULT_SHARE_MIN;

	if (worth > FAULT_SHARES_MAX)
		worth = FAULT_SHARES_MAX;
	if (worth > cpus)
		worth = cpus;
	return worth ? (unsigned)worth : 1;
}

static int fault_bank(const struct ram_bank *bank, unsigned cpus)
{
	struct fault_job jobs[FAULT_SHARES_MAX] = {0};
	unsigned n = guest_memory_shares(bank->size, cpus), started, i;
	uint64_t share = align_up(bank->size / n, HUGEPAGE), at = 0;
	int code = 0;

	for (i = 0; i < n; i++, at += jobs[i - 1].size) {
		jobs[i].host = bank->host + at;
		jobs[i].size = i + 1 < n && share < bank->size - at ? share : bank->size - at;
	}
	started = start_jobs(jobs, n);
	fault_in(&jobs[0]);
	for (i = 0; i < n; i++) {
		if (i >= started)
			fault_in(&jobs[i]);
		else if (i)
			pthread_join(jobs[i].thread, NULL);
		code = code ?: jobs[i].code;
	}
	return -code;
}

static int prefault(const struct guest_memory *mem, struct error *err)
{
	cpu_set_t set;
	unsigned cpus = 1, i;
	int ret;

	if (!sched_getaffinity(0, sizeof(set), &set))
		cpus = (unsigned)CPU_COUNT(&set);
	for (i = 0; i < mem->n; i++) {
		ret = fault_bank(&mem->banks[i], cpus);
		/* A kernel before 5.14: memory then comes when it is touched, or pinned. */
		if (ret == -EINVAL)
			return 0;
		if (ret)
			return fail(err, -ret, "guest memory: can't have %llu MiB at once: %s",
				    mem->banks[i].size / MIB, strerror(-ret));
	}
	return 0;
}

static int open_backing(struct guest_memory *mem, uint64_t size,
			const struct guest_memory_options *opt, struct error *err)
{
	enum memory_backing backing = choose_backing(opt);
	int code;

	if (backing == BACKING_ANONYMOUS)
		return 0;
	mem->fd = memfd_create("carillon-ram",
			       MFD_CLOEXEC | MFD_ALLOW_SEALING |
				       (backing == BACKING_HUGETLB ? MFD_HUGETLB : 0));
	/* Others that have it shall not change its size: a touch of what is gone is SIGBUS. */
	if (mem->fd >= 0 && !ftruncate(mem->fd, (off_t)size) &&
	    !fcntl(mem->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		return 0;
	code = errno;
	return fail(err, code, "guest memory: can't make a memfd of %llu MiB: %s%s", size / MIB,
		    strerror(code),
		    opt->hugepages && code == ENOENT
			    ? "; this host's kernel has no huge pages: leave --hugepages out"
			    : "");
}

int guest_memory_create(struct guest_memory *mem, const struct range *ranges, unsigned n,
			const struct guest_memory_options *opt, struct error *err)
{
	uint64_t total = 0;
	unsigned i;
	int ret;

	*mem = (struct guest_memory){
		.fd = -1, .page = opt->hugepages ? HUGEPAGE : (uint64_t)sysconf(_SC_PAGESIZE)};
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
	if (!ret && opt->prefault)
		ret = prefault(mem, err);
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
