/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What only building a machine needed is given back: pages of the program that are as they are in
 * its file, which come back when they are touched, and freed heap. Of a static program more than
 * half is never used again.
 */
#include <malloc.h>
#include <sys/mman.h>

#include "machine.h"

/* Where the linker has put the program's code: ld's manual, PROVIDE. */
extern char __executable_start[], etext[];

void machine_give_back(void)
{
	/* A failure costs memory, nothing else. */
	madvise(__executable_start, (uintptr_t)etext - (uintptr_t)__executable_start,
		MADV_DONTNEED);
	malloc_trim(0);
}
