/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * A bounded cache of slices of L2 tables or of refcount blocks. It knows no order of writes: who
 * finds no clean slice to take writes the dirty ones, in the order that is theirs.
 */
#include <errno.h>
#include <stdlib.h>

#include "qcow2.h"

int qcow2_cache_init(struct qcow2_cache *c, unsigned n)
{
	*c = (struct qcow2_cache){.n = n};
	c->offsets = calloc(n, sizeof(*c->offsets));
	c->slices = calloc(n, sizeof(*c->slices));
	return c->offsets && c->slices ? 0 : -ENOMEM;
}

void qcow2_cache_free(struct qcow2_cache *c)
{
	for (unsigned i = 0; c->slices && i < c->n; i++)
		free(c->slices[i].data);
	free(c->slices);
	free(c->offsets);
	*c = (struct qcow2_cache){0};
}

/* The slice that was not used for the longest time, of those that the file has as they are. */
static int find_victim(const struct qcow2_cache *c, unsigned *out)
{
	const struct qcow2_slice *oldest = NULL;

	for (unsigned i = 0; i < c->n; i++)
		if (!c->slices[i].dirty && (!oldest || c->slices[i].used < oldest->used))
			oldest = &c->slices[i];
	if (!oldest)
		return -EBUSY;
	*out = (unsigned)(oldest - c->slices);
	return 0;
}

static int load(struct qcow2 *q, struct qcow2_cache *c, uint64_t offset, unsigned i)
{
	struct qcow2_slice *s = &c->slices[i];
	int r;

	c->offsets[i] = 0;
	if (!s->data)
		s->data = malloc(q->slice);
	r = s->data ? qcow2_read_at(q, s->data, q->slice, offset) : -ENOMEM;
	if (!r)
		c->offsets[i] = offset;
	return r;
}

int qcow2_cache_get(struct qcow2 *q, struct qcow2_cache *c, uint64_t offset,
		    struct qcow2_slice **out)
{
	unsigned i = 0;
	int r = 0;

	while (i < c->n && c->offsets[i] != offset)
		i++;
	if (i == c->n) {
		r = find_victim(c, &i);
		r = r ? r : load(q, c, offset, i);
	}
	if (r)
		return r;
	*out = &c->slices[i];
	(*out)->used = ++c->clock;
	return 0;
}

void qcow2_cache_dirty(struct qcow2_cache *c, struct qcow2_slice *s)
{
	c->n_dirty += !s->dirty;
	s->dirty = true;
}

int qcow2_cache_write(struct qcow2 *q, struct qcow2_cache *c)
{
	int r = 0;

	for (unsigned i = 0; !r && c->n_dirty && i < c->n; i++) {
		if (!c->slices[i].dirty)
			continue;
		r = qcow2_write_at(q, c->slices[i].data, q->slice, c->offsets[i]);
		if (r)
			break;
		c->slices[i].dirty = false;
		c->n_dirty--;
	}
	return r;
}

void qcow2_cache_drop(struct qcow2 *q, struct qcow2_cache *c, uint64_t cluster_offset)
{
	for (unsigned i = 0; i < c->n; i++)
		if (c->offsets[i] - cluster_offset < qcow2_cluster_size(&q->h))
			c->offsets[i] = 0;
}
