/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What only building a machine needed is given back: pages of the program that are as they are in
 * its file, which come back when they are touched, and freed heap. The kernel brings back 64 KiB
 * around each touch, so a quarter of a static program stays away.
 */
#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include "machine.h"

/* Where the linker has put the program's first segment: ld's manual, PROVIDE. */
extern char __executable_start[];

/* Only of the program, which comes first: libraries are shared with others. */
static int give_back_program(struct dl_phdr_info *info, size_t size, void *opaque)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), first = UINT64_MAX;
	unsigned i;

	(void)size;
	(void)opaque;
	for (i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *h = &info->dlpi_phdr[i];
		uint64_t start = align_down(h->p_vaddr, page);

		if (h->p_type != PT_LOAD)
			continue;
		if (first == UINT64_MAX)
			first = start;
		/* A failure costs memory, nothing else. */
		if (!(h->p_flags & PF_W))
			madvise(__executable_start + (start - first),
				align_up(h->p_vaddr + h->p_memsz, page) - start, MADV_DONTNEED);
	}
	return 1;
}

void machine_give_back(void)
{
	dl_iterate_phdr(give_back_program, NULL);
	malloc_trim(0);
}
