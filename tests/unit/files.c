/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* vm: the limit of open files. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "vm.h"

static void limit_files(rlim_t soft, rlim_t hard)
{
	struct rlimit limit = {soft, hard};

	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static rlim_t soft_limit(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_cur;
}

Test(files, the_soft_limit_rises_as_far_as_needed)
{
	struct error err = {0};

	limit_files(256, 1000);
	cr_assert_eq(vm_allow_files(200, &err), 0);
	cr_assert_eq(soft_limit(), 256, "enough already");
	cr_assert_eq(vm_allow_files(999, &err), 0, "%s", err.text);
	cr_assert_eq(soft_limit(), 999);
}

/* More than any process may have, root's included: /proc/sys/fs/nr_open is below it. */
Test(files, the_number_is_named)
{
	struct error err = {0};

	limit_files(256, 1000);
	cr_assert_eq(vm_allow_files(1ULL << 31, &err), -EPERM);
	cr_assert(strstr(err.text, "needs 2147483648 open files"), "%s", err.text);
	cr_assert(strstr(err.text, "no more than 1000 are allowed"), "%s", err.text);
	cr_assert(strstr(err.text, "ulimit -n 2147483648"), "%s", err.text);
	cr_assert_eq(soft_limit(), 256);
}
