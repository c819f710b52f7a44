/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * "Host cluster management": which clusters of the file are free. Counts go up in memory before
 * anything refers to a cluster, and down when nothing in the file does any more; so a slice of them
 * may be written at any time.
 */
#include <errno.h>
#include <stdlib.h>

#include "qcow2.h"

/* Within a slice of a refcount block: the counts from `cluster` on. */
struct counts {
	struct qcow2_slice *slice;
	uint64_t i, n; /* of `cluster`, and of the slice's end */
};

static int get_slice(struct qcow2 *q, uint64_t offset, struct qcow2_slice **out)
{
	int r = qcow2_cache_get(q, &q->block_cache, offset, out);

	if (r != -EBUSY)
		return r;
	r = qcow2_cache_write(q, &q->block_cache);
	return r ? r : qcow2_cache_get(q, &q->block_cache, offset, out);
}

/* -ENOENT: there is no block for them, which means that all of its clusters are free. */
static int find_counts(struct qcow2 *q, uint64_t cluster, struct counts *out)
{
	uint64_t index = cluster >> qcow2_block_bits(&q->h);
	uint64_t i = cluster & ((1ULL << qcow2_block_bits(&q->h)) - 1);
	uint64_t per_slice = (uint64_t)q->slice * 8 >> q->h.refcount_order;
	uint64_t block = index < q->refcounts.n ? q->refcounts.entries[index] : 0;

	if (!block)
		return -ENOENT;
	out->i = i % per_slice;
	out->n = per_slice;
	return get_slice(q, block + i / per_slice * q->slice, &out->slice);
}

static uint64_t get(struct qcow2 *q, const struct counts *c, uint64_t i)
{
	return qcow2_get_count(c->slice->data, q->h.refcount_order, i);
}

static void set(struct qcow2 *q, const struct counts *c, uint64_t i, uint64_t count)
{
	qcow2_set_count(c->slice->data, q->h.refcount_order, i, count);
	qcow2_cache_dirty(&q->block_cache, c->slice);
}

int qcow2_check_uncounted(struct qcow2 *q, struct range r)
{
	for (; r.size; r.base++, r.size--)
		if (qcow2_regions_touch(&q->metadata, (struct range){r.base, 1}))
			return qcow2_corrupt(q, "cluster %#llx holds metadata and is not counted",
					     (unsigned long long)qcow2_offset(&q->h, r.base));
	return 0;
}

/*
 * A refcount block for a range of clusters that are all free is put into the first one of them. It
 * counts itself before the table refers to it.
 */
static int add_block(struct qcow2 *q, uint64_t cluster)
{
	uint64_t offset = cluster << q->h.cluster_bits;
	struct range where = {cluster, 1};
	uint8_t *block;
	int r = qcow2_check_uncounted(q, where);

	if (r)
		return r;
	block = calloc(1, qcow2_cluster_size(&q->h));
	if (!block)
		return -ENOMEM;
	qcow2_set_count(block, q->h.refcount_order,
			cluster & ((1ULL << qcow2_block_bits(&q->h)) - 1), 1);
	r = qcow2_write_at(q, block, qcow2_cluster_size(&q->h), offset);
	r = r ? r : qcow2_regions_add(&q->metadata, where);
	if (!r)
		qcow2_table_set(&q->refcounts, cluster >> qcow2_block_bits(&q->h), offset);
	free(block);
	return r;
}

/* Count the free clusters from c on as used, up to `want` of them that one slice counts. */
static uint64_t take(struct qcow2 *q, const struct counts *c, uint64_t want)
{
	uint64_t n = 0;

	while (n < want && c->i + n < c->n && !get(q, c, c->i + n))
		set(q, c, c->i + n++, 1);
	return n;
}

/* A refcount block for the cluster at the hint, and a table that has room for it. */
static int cover(struct qcow2 *q)
{
	if (q->free_hint >= QCOW2_OFFSET_END >> q->h.cluster_bits)
		return -ENOSPC;
	if (q->free_hint >> qcow2_block_bits(&q->h) >= q->refcounts.n)
		return qcow2_grow_refcounts(q);
	return add_block(q, q->free_hint);
}

/* Move the hint to the first cluster that is free; *c counts it. */
static int find_free(struct qcow2 *q, struct counts *c)
{
	int r;

	for (;;) {
		r = find_counts(q, q->free_hint, c);
		if (r == -ENOENT) {
			r = cover(q);
			if (r)
				return r;
			continue;
		}
		if (r)
			return r;
		for (; c->i < c->n; c->i++, q->free_hint++)
			if (!get(q, c, c->i))
				return 0;
	}
}

int qcow2_allocate(struct qcow2 *q, uint64_t want, uint64_t *first, uint64_t *n, bool *fresh)
{
	struct counts c = {0};
	int r = q->stopped ? q->stopped : find_free(q, &c);

	if (r)
		return r;
	*first = q->free_hint;
	*n = take(q, &c, want);
	if (qcow2_regions_touch(&q->metadata, (struct range){*first, *n}))
		return qcow2_corrupt(q, "cluster %#llx holds metadata and is counted as free",
				     (unsigned long long)qcow2_offset(&q->h, *first));
	q->free_hint += *n;
	*fresh = *first >= q->fresh_from;
	if (q->fresh_from < q->free_hint)
		q->fresh_from = q->free_hint;
	return 0;
}

/* One reference less. Reports whether it was the last one. */
static int drop(struct qcow2 *q, uint64_t cluster, bool *last)
{
	struct counts c;
	uint64_t count;
	int r = find_counts(q, cluster, &c);

	if (r && r != -ENOENT)
		return r;
	count = r ? 0 : get(q, &c, c.i);
	if (!count)
		return qcow2_corrupt(q, "cluster %#llx was in use and is counted as free",
				     (unsigned long long)qcow2_offset(&q->h, cluster));
	set(q, &c, c.i, count - 1);
	*last = count == 1;
	if (*last && cluster < q->free_hint)
		q->free_hint = cluster;
	return 0;
}

void qcow2_unallocate(struct qcow2 *q, uint64_t first, uint64_t n, int error)
{
	uint64_t behind = q->free_hint;
	bool last;

	/* What can't be counted down stays counted: space is lost, and nothing else. */
	for (uint64_t i = 0; i < n; i++)
		if (drop(q, first + i, &last))
			return;
	/* A bad sector would be bad again for who asks next. */
	if (error == -EIO)
		q->free_hint = behind;
}

void qcow2_free_later(struct qcow2 *q, uint64_t first, uint64_t n)
{
	struct qcow2_frees *f = &q->frees;
	unsigned room = f->room ? f->room * 2 : 64;
	struct range *clusters, *last = f->n ? &f->clusters[f->n - 1] : NULL;

	if (qcow2_regions_touch(&q->metadata, (struct range){first, n})) {
		qcow2_corrupt(q, "cluster %#llx holds metadata and is mapped as the guest's",
			      (unsigned long long)qcow2_offset(&q->h, first));
		return;
	}
	if (last && last->base + last->size == first) {
		last->size += n;
		return;
	}
	if (!f->clusters || f->n == f->room) {
		clusters = realloc(f->clusters, room * sizeof(*clusters));
		/* Without memory the clusters stay counted, which loses space and nothing else. */
		if (!clusters)
			return;
		f->clusters = clusters;
		f->room = room;
	}
	f->clusters[f->n++] = (struct range){first, n};
}

/* Free the clusters of r from its end on; what is left of it when that fails is not free. */
static int free_range(struct qcow2 *q, struct range *r)
{
	uint64_t given_back = 0;
	bool last = true;
	int e = 0;

	while (r->size && !e && last) {
		e = drop(q, range_last(*r), &last);
		if (e)
			break;
		r->size--;
		given_back += last;
	}
	/* That the host can't take it back is no error: the cluster is free. */
	if (given_back)
		disk_file_discard(&q->image->file, (r->base + r->size + !last) << q->h.cluster_bits,
				  given_back << q->h.cluster_bits);
	return e;
}

int qcow2_free_now(struct qcow2 *q)
{
	struct qcow2_frees *f = &q->frees;
	int r = 0;

	while (!r && f->n) {
		r = free_range(q, &f->clusters[f->n - 1]);
		if (!f->clusters[f->n - 1].size)
			f->n--;
	}
	return r;
}
