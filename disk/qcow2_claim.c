/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Claims on guest clusters. They are granted in the order in which they were made, so that nobody
 * waits for ever behind readers; there are no more of them than worker threads, so a list will do.
 */
#include "qcow2.h"

static bool conflict(const struct qcow2_claim *a, const struct qcow2_claim *b)
{
	return (a->exclusive || b->exclusive) && a->first <= b->last && b->first <= a->last;
}

/* Does an older claim stand in the way? */
static bool must_wait(const struct qcow2 *q, const struct qcow2_claim *c)
{
	for (const struct qcow2_claim *other = q->claims; other != c; other = other->next)
		if (conflict(other, c))
			return true;
	return false;
}

void qcow2_claim(struct qcow2 *q, struct qcow2_claim *c, uint64_t guest, uint64_t length,
		 bool exclusive)
{
	struct qcow2_claim **end = &q->claims;

	*c = (struct qcow2_claim){guest >> q->h.cluster_bits,
				  (guest + (length - 1)) >> q->h.cluster_bits, exclusive, NULL};
	while (*end)
		end = &(*end)->next;
	*end = c;
	while (must_wait(q, c))
		pthread_cond_wait(&q->released, &q->lock);
}

void qcow2_release(struct qcow2 *q, struct qcow2_claim *c)
{
	struct qcow2_claim **at = &q->claims;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	pthread_cond_broadcast(&q->released);
}
