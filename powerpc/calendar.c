/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Dates in the Gregorian calendar, UTC. Pure. */
#include "calendar.h"

#include <errno.h>

#define YEAR_LAST 9999
#define DAY	  86400

static bool is_leap(uint32_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* From the first day of year 1 to that of this one. */
static int64_t days_before_year(uint32_t year)
{
	uint32_t past = year - 1;

	return 365LL * past + past / 4 - past / 100 + past / 400;
}

static uint32_t days_in_month(uint32_t year, uint32_t month)
{
	static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* Seconds from the beginning of year 1 to that of 1970. */
static int64_t epoch(void)
{
	return days_before_year(1970) * DAY;
}

int calendar_seconds(const struct calendar *c, int64_t *seconds)
{
	uint32_t month;
	int64_t days;

	if (c->year < 1 || c->year > YEAR_LAST || c->month < 1 || c->month > 12 || c->day < 1 ||
	    c->day > days_in_month(c->year, c->month) || c->hour > 23 || c->minute > 59 ||
	    c->second > 59)
		return -EINVAL;
	days = days_before_year(c->year) + c->day - 1;
	for (month = 1; month < c->month; month++)
		days += days_in_month(c->year, month);
	*seconds = days * DAY + c->hour * 3600 + c->minute * 60 + c->second - epoch();
	return 0;
}

void calendar_date(int64_t seconds, struct calendar *c)
{
	int64_t last = days_before_year(YEAR_LAST + 1) * DAY - 1, days;
	uint32_t rest;

	if (seconds < -epoch())
		seconds = -epoch();
	if (seconds > last - epoch())
		seconds = last - epoch();
	seconds += epoch();
	days = seconds / DAY;
	rest = (uint32_t)(seconds % DAY);
	*c = (struct calendar){.hour = rest / 3600, .minute = rest / 60 % 60, .second = rest % 60};
	/* 146097 days are 400 years; rounding may leave it one year short. */
	c->year = (uint32_t)(days * 400 / 146097) + 1;
	if (days >= days_before_year(c->year + 1))
		c->year++;
	if (days < days_before_year(c->year))
		c->year--;
	days -= days_before_year(c->year);
	for (c->month = 1; days >= days_in_month(c->year, c->month); c->month++)
		days -= days_in_month(c->year, c->month);
	c->day = (uint32_t)days + 1;
}
