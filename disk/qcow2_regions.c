/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* A set of ranges, as a sorted array: looked up for each allocation, changed once per table. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "qcow2_regions.h"

static int make_room(struct qcow2_regions *s)
{
	size_t room = s->room ? s->room * 2 : 16;
	struct range *ranges;

	if (s->n < s->room)
		return 0;
	ranges = realloc(s->ranges, room * sizeof(*ranges));
	if (!ranges)
		return -ENOMEM;
	s->ranges = ranges;
	s->room = room;
	return 0;
}

int qcow2_regions_gather(struct qcow2_regions *s, struct range r)
{
	if (make_room(s))
		return -ENOMEM;
	s->ranges[s->n++] = r;
	return 0;
}

static int by_base(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return (x->base > y->base) - (x->base < y->base);
}

int qcow2_regions_seal(struct qcow2_regions *s, struct range *clash)
{
	if (s->n)
		qsort(s->ranges, s->n, sizeof(*s->ranges), by_base);
	for (size_t i = 1; i < s->n; i++) {
		if (!ranges_overlap(s->ranges[i - 1], s->ranges[i]))
			continue;
		*clash = s->ranges[i];
		return -EEXIST;
	}
	return 0;
}

/* The first range that ends behind `at`; n if there is none. */
static size_t find(const struct qcow2_regions *s, uint64_t at)
{
	size_t low = 0, high = s->n, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (range_last(s->ranges[middle]) < at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int qcow2_regions_add(struct qcow2_regions *s, struct range r)
{
	size_t i = find(s, r.base);

	if (make_room(s))
		return -ENOMEM;
	memmove(s->ranges + i + 1, s->ranges + i, (s->n - i) * sizeof(r));
	s->ranges[i] = r;
	s->n++;
	return 0;
}

void qcow2_regions_remove(struct qcow2_regions *s, struct range r)
{
	size_t i = find(s, r.base);

	s->n--;
	memmove(s->ranges + i, s->ranges + i + 1, (s->n - i) * sizeof(r));
}

bool qcow2_regions_touch(const struct qcow2_regions *s, struct range r)
{
	size_t i = find(s, r.base);

	return i < s->n && ranges_overlap(s->ranges[i], r);
}

void qcow2_regions_free(struct qcow2_regions *s)
{
	free(s->ranges);
	*s = (struct qcow2_regions){0};
}
