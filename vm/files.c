/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The limit of open files: each interrupt vector that a guest uses is an eventfd. */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "vm.h"

int vm_allow_files(uint64_t need, struct error *err)
{
	struct rlimit limit, wanted = {.rlim_cur = need};

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return fail(err, errno, "limit of open files: %s", strerror(errno));
	if (limit.rlim_cur >= need)
		return 0;
	/* Above the hard limit only a privileged process gets. */
	wanted.rlim_max = limit.rlim_max > need ? limit.rlim_max : need;
	if (!setrlimit(RLIMIT_NOFILE, &wanted))
		return 0;
	return fail(
		err, errno,
		"the machine needs %llu open files (one for each CPU, and one for each "
		"interrupt vector of its devices), but no more than %llu are allowed; raise the "
		"limit with: ulimit -n %llu",
		(unsigned long long)need, (unsigned long long)limit.rlim_max,
		(unsigned long long)need);
}
