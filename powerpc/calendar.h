/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Dates in the Gregorian calendar, UTC, as RTAS speaks of time. Pure. libc's gmtime_r() and
 * timegm() would do, but bring the reading of time zones into the static program: a tenth of its
 * size.
 */
#ifndef CARILLON_POWERPC_CALENDAR_H
#define CARILLON_POWERPC_CALENDAR_H

#include "base.h"

struct calendar {
	uint32_t year, month, day; /* from 1 */
	uint32_t hour, minute, second;
};

/* The seconds from 1970 to a date of the years 1 to 9999; -EINVAL if there is no such date. */
int calendar_seconds(const struct calendar *c, int64_t *seconds);
/* The reverse. Seconds outside of those years are taken for the nearest within. */
void calendar_date(int64_t seconds, struct calendar *c);

#endif
