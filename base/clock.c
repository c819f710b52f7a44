/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The clock by which things are waited for. */
#include <time.h>

#include "base.h"

uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}
