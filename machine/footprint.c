/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What only building a machine needed is given back: pages of the program that are as they are in
 * its file, which come back when they are touched, and freed heap. Of a static program more than
 * half is never used again.
 */
#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include "machine.h"

static int give_back_object(struct dl_phdr_info *info, size_t size, void *opaque)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	unsigned i;

	(void)size;
	(void)opaque;
	for (i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *h = &info->dlpi_phdr[i];
		uintptr_t start = align_down(info->dlpi_addr + h->p_vaddr, page);
		uintptr_t end = align_up(info->dlpi_addr + h->p_vaddr + h->p_memsz, page);

		/* A failure costs memory, nothing else. */
		if (h->p_type == PT_LOAD && !(h->p_flags & PF_W))
			madvise((void *)start, end - start, MADV_DONTNEED);
	}
	return 0;
}

void machine_give_back(void)
{
	dl_iterate_phdr(give_back_object, NULL);
	malloc_trim(0);
}
