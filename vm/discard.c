/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Guest memory that the guest does without: given back to the host, and zeros when it is touched.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "guest_memory.h"

static const struct ram_bank *bank_of(const struct guest_memory *mem, const uint8_t *host)
{
	unsigned i;

	for (i = 0; i < mem->n; i++)
		if (host >= mem->banks[i].host && host < mem->banks[i].host + mem->banks[i].size)
			return &mem->banks[i];
	return NULL;
}

int64_t guest_memory_discard(const struct guest_memory *mem, void *host, uint64_t len)
{
	const struct ram_bank *b = bank_of(mem, host);
	uint64_t first, end;
	int ret;

	if (!b || len > b->size - (uint64_t)((uint8_t *)host - b->host))
		return -EFAULT;
	first = (uint64_t)((uint8_t *)host - b->host);
	end = align_down(first + len, mem->page);
	first = align_up(first, mem->page);
	if (first >= end)
		return 0;
	/* A memfd is mapped elsewhere too: its pages go when the file has them no longer. */
	if (mem->fd >= 0)
		ret = fallocate(mem->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				(off_t)(b->fd_offset + first), (off_t)(end - first));
	else
		ret = madvise(b->host + first, end - first, MADV_DONTNEED);
	return ret ? -errno : (int64_t)(end - first);
}
