/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Token buckets. */
#include "rate.h"

#define SECOND 1000000000ULL

static int64_t capacity(const struct rate *r)
{
	uint64_t tenth = r->per_second / 10;

	return (int64_t)(tenth ? tenth : 1);
}

void rate_init(struct rate *r, uint64_t per_second, uint64_t now)
{
	*r = (struct rate){.per_second = per_second, .last = now};
	r->tokens = capacity(r);
}

/*
 * Only the time of whole tokens is spent: a fast caller would else never see one. Rounded up, so
 * that it is never more than the rate; that is still no later than now.
 */
static void refill(struct rate *r, uint64_t now)
{
	uint64_t elapsed = now - r->last;
	unsigned __int128 tokens = (unsigned __int128)elapsed * r->per_second / SECOND;
	int64_t room = capacity(r) - r->tokens;

	if (tokens >= (unsigned __int128)room) {
		r->tokens = capacity(r);
		r->last = now;
		return;
	}
	r->tokens += (int64_t)tokens;
	r->last += (uint64_t)((tokens * SECOND + r->per_second - 1) / r->per_second);
}

uint64_t rate_wait(struct rate *r, uint64_t now)
{
	unsigned __int128 ready;

	if (!r->per_second)
		return 0;
	refill(r, now);
	if (r->tokens > 0)
		return 0;
	/* When the first token above the debt is there, rounded up. */
	ready = ((unsigned __int128)(uint64_t)(1 - r->tokens) * SECOND + r->per_second - 1) /
		r->per_second;
	return (uint64_t)(r->last + ready - now);
}

void rate_take(struct rate *r, uint64_t n)
{
	if (r->per_second)
		r->tokens -= (int64_t)n;
}
