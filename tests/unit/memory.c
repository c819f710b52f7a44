/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* vm: guest memory and its checked accessors. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guest_memory.h"

static const struct range banks[] = {{0, 16 * MIB}, {4 * GIB, 2 * MIB}};

Test(memory, accessors_check_every_edge)
{
	struct guest_memory_options opt = {.prefault = true};
	struct guest_memory mem;
	char buf[4];

	cr_assert_eq(guest_memory_create(&mem, banks, 2, &opt, NULL), 0);
	cr_assert_eq(guest_memory_size(&mem), 18 * MIB);
	cr_assert_not_null(guest_memory_at(&mem, 0, 16 * MIB));
	cr_assert_null(guest_memory_at(&mem, 0, 16 * MIB + 1));
	cr_assert_null(guest_memory_at(&mem, 16 * MIB, 1));
	cr_assert_not_null(guest_memory_at(&mem, 16 * MIB - 1, 1));
	cr_assert_null(guest_memory_at(&mem, 16 * MIB - 1, 2));
	cr_assert_null(guest_memory_at(&mem, 1, UINT64_MAX));
	cr_assert_null(guest_memory_at(&mem, UINT64_MAX, 2));
	cr_assert_eq(guest_memory_write(&mem, 4 * GIB + 2 * MIB - 4, "last", 4), 0);
	cr_assert_eq(guest_memory_write(&mem, 4 * GIB + 2 * MIB - 3, "over", 4), -EFAULT);
	cr_assert_eq(guest_memory_read(&mem, 4 * GIB + 2 * MIB - 4, buf, 4), 0);
	cr_assert_arr_eq(buf, "last", 4);
	guest_memory_destroy(&mem);
}

Test(memory, huge_pages_refused_with_the_cure)
{
	struct guest_memory_options opt = {.hugepages = true};
	struct range odd = {0, 3 * MIB};
	struct guest_memory mem;
	struct error err = {0};

	cr_assert_eq(guest_memory_create(&mem, &odd, 1, &opt, &err), -EINVAL);
	cr_assert(strstr(err.text, "multiple of 2M"), "%s", err.text);
}

Test(memory, a_memfd_unless_it_costs_the_huge_pages)
{
	struct guest_memory_options plain = {0}, shared = {.shared = true},
				    huge = {.hugepages = true};

	cr_assert_eq(guest_memory_backing(&plain, "always within_size advise [never] deny force\n"),
		     BACKING_ANONYMOUS);
	cr_assert_eq(guest_memory_backing(&plain, "always within_size [advise] never deny force\n"),
		     BACKING_MEMFD);
	cr_assert_eq(guest_memory_backing(&plain, ""), BACKING_ANONYMOUS);
	cr_assert_eq(guest_memory_backing(&shared, "[never]"), BACKING_MEMFD);
	cr_assert_eq(guest_memory_backing(&huge, "[never]"), BACKING_HUGETLB);
}

Test(memory, shared_memory_can_be_mapped_again)
{
	struct guest_memory_options opt = {.shared = true};
	struct guest_memory mem;
	void *other;

	cr_assert_eq(guest_memory_create(&mem, banks, 2, &opt, NULL), 0);
	cr_assert_geq(mem.fd, 0);
	other = mmap(NULL, mem.banks[1].size, PROT_READ, MAP_SHARED, mem.fd,
		     (off_t)mem.banks[1].fd_offset);
	cr_assert_neq(other, MAP_FAILED);
	cr_assert_eq(guest_memory_write(&mem, 4 * GIB + 100, "seen", 4), 0);
	cr_assert_arr_eq((char *)other + 100, "seen", 4);
	munmap(other, mem.banks[1].size);
	guest_memory_destroy(&mem);
}

/* A touch of what a back end had cut off would be the end of us. */
Test(memory, shared_memory_stays_as_large_as_it_is)
{
	struct guest_memory_options opt = {.shared = true};
	struct guest_memory mem;

	cr_assert_eq(guest_memory_create(&mem, banks, 2, &opt, NULL), 0);
	cr_expect_lt(ftruncate(mem.fd, 0), 0);
	cr_expect_lt(ftruncate(mem.fd, 19 * MIB), 0);
	cr_expect_lt(fcntl(mem.fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE), 0);
	memset(mem.banks[0].host, 1, 16 * MIB);
	cr_expect_eq(guest_memory_discard(&mem, mem.banks[0].host, 4096), 4096);
	cr_expect_eq(mem.banks[0].host[0], 0);
	guest_memory_destroy(&mem);
}

Test(memory, shares_for_threads)
{
	cr_expect_eq(guest_memory_shares(16 * MIB, 8), 1, "too small to share");
	cr_expect_eq(guest_memory_shares(256 * MIB, 8), 4);
	cr_expect_eq(guest_memory_shares(64 * GIB, 4), 4);
	cr_expect_eq(guest_memory_shares(64 * GIB, 500), 16);
	cr_expect_eq(guest_memory_shares(0, 0), 1);
}

/* As much as gets several shares, none of them a multiple of the others. */
Test(memory, every_page_is_there_after_a_prefault)
{
	const struct range bank = {0, 200 * MIB + 4096};
	struct guest_memory_options opt = {.prefault = true};
	unsigned char *resident = malloc(bank.size / 4096);
	struct guest_memory mem;
	struct error err = {0};
	uint64_t i;

	cr_assert_eq(guest_memory_create(&mem, &bank, 1, &opt, &err), 0, "%s", err.text);
	cr_assert_eq(mincore(mem.banks[0].host, bank.size, resident), 0);
	for (i = 0; i < bank.size / 4096; i++)
		cr_assert(resident[i] & 1, "page %llu", (unsigned long long)i);
	guest_memory_destroy(&mem);
	free(resident);
}
