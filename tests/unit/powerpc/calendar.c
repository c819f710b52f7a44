/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The calendar agrees with libc's, in both directions, on every day of its years. */
#include <criterion/criterion.h>
#include <errno.h>
#include <time.h>

#include "../../../powerpc/calendar.h"

#define FIRST (-62135596800LL) /* 0001-01-01 00:00:00 */
#define LAST  253402300799LL   /* 9999-12-31 23:59:59 */

static void expect_as_libc(int64_t seconds)
{
	time_t t = seconds;
	struct calendar c;
	struct tm tm;
	int64_t back;

	gmtime_r(&t, &tm);
	calendar_date(seconds, &c);
	cr_assert(c.year == (uint32_t)tm.tm_year + 1900 && c.month == (uint32_t)tm.tm_mon + 1 &&
			  c.day == (uint32_t)tm.tm_mday && c.hour == (uint32_t)tm.tm_hour &&
			  c.minute == (uint32_t)tm.tm_min && c.second == (uint32_t)tm.tm_sec,
		  "%lld: %u-%u-%u %u:%u:%u", (long long)seconds, c.year, c.month, c.day, c.hour,
		  c.minute, c.second);
	cr_assert_eq(calendar_seconds(&c, &back), 0);
	cr_assert_eq(back, seconds);
}

Test(powerpc_calendar, every_day)
{
	int64_t t;

	/* A step of a day and a bit also walks through all times of the day. */
	for (t = FIRST; t <= LAST; t += 86400 + 37)
		expect_as_libc(t);
	expect_as_libc(FIRST);
	expect_as_libc(LAST);
	expect_as_libc(-1);
	expect_as_libc(0);
}

Test(powerpc_calendar, edges_of_leap_years)
{
	static const uint32_t years[] = {4, 100, 400, 1900, 1996, 2000, 2023, 2024, 2100, 9996};
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(years); i++) {
		struct calendar c = {years[i], 12, 31, 23, 59, 59};
		int64_t t;

		cr_assert_eq(calendar_seconds(&c, &t), 0);
		expect_as_libc(t);
		expect_as_libc(t + 1);
		c = (struct calendar){years[i], 2, 28, 23, 59, 59};
		cr_assert_eq(calendar_seconds(&c, &t), 0);
		expect_as_libc(t);
		expect_as_libc(t + 1);
	}
}

Test(powerpc_calendar, beyond_is_the_nearest)
{
	struct calendar c;

	calendar_date(INT64_MIN, &c);
	cr_expect(c.year == 1 && c.month == 1 && c.day == 1 && c.hour == 0 && c.second == 0);
	calendar_date(INT64_MAX, &c);
	cr_expect(c.year == 9999 && c.month == 12 && c.day == 31 && c.hour == 23 && c.second == 59);
}

Test(powerpc_calendar, no_such_date)
{
	static const struct calendar wrong[] = {
		{0, 1, 1, 0, 0, 0},
		{10000, 1, 1, 0, 0, 0},
		{2024, 0, 1, 0, 0, 0},
		{2024, 13, 1, 0, 0, 0},
		{2024, 1, 0, 0, 0, 0},
		{2024, 1, 32, 0, 0, 0},
		{2023, 2, 29, 0, 0, 0},
		{1900, 2, 29, 0, 0, 0},
		{2024, 4, 31, 0, 0, 0},
		{2024, 1, 1, 24, 0, 0},
		{2024, 1, 1, 0, 60, 0},
		{2024, 1, 1, 0, 0, 60},
		{2024, UINT32_MAX, 1, 0, 0, 0},
		{2024, 1, UINT32_MAX, 0, 0, 0},
	};
	unsigned i;
	int64_t t;

	for (i = 0; i < ARRAY_SIZE(wrong); i++)
		cr_expect_eq(calendar_seconds(&wrong[i], &t), -EINVAL, "%u", i);
}
