/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* "Cluster mapping": where the guest's clusters are, and how that changes. */
#include <errno.h>
#include <stdlib.h>

#include "qcow2.h"

/* Within a slice of an L2 table: the entries from that of a guest cluster on. */
struct entries {
	struct qcow2_slice *slice;
	uint8_t *at;
	uint64_t n; /* up to the slice's end */
};

/* The L2 table for `guest`; 0: there is none. */
static int find_table(struct qcow2 *q, uint64_t guest, uint64_t *table)
{
	uint64_t i = qcow2_l1_index(&q->h, guest);

	if (qcow2_decode_l1(&q->h, q->file_end, q->l1.entries[i], table))
		return 0;
	return qcow2_corrupt(q, "entry %llu of the L1 table is %#llx", (unsigned long long)i,
			     (unsigned long long)q->l1.entries[i]);
}

static int find_entries(struct qcow2 *q, uint64_t table, uint64_t guest, struct entries *out)
{
	uint64_t per_slice = q->slice / 8, index = qcow2_l2_index(&q->h, guest);
	uint64_t offset = table + index / per_slice * q->slice;
	int r = qcow2_cache_get(q, &q->l2_cache, offset, &out->slice);

	if (r == -EBUSY) {
		r = qcow2_commit(q);
		r = r ? r : qcow2_cache_get(q, &q->l2_cache, offset, &out->slice);
	}
	if (r)
		return r;
	out->at = out->slice->data + index % per_slice * 8;
	out->n = per_slice - index % per_slice;
	return 0;
}

static int decode(struct qcow2 *q, uint64_t guest, uint64_t entry, struct qcow2_cluster *out)
{
	if (qcow2_decode_l2(&q->h, q->file_end, entry, out))
		return 0;
	return qcow2_corrupt(q, "the L2 entry for offset %#llx of the disk is %#llx",
			     (unsigned long long)guest, (unsigned long long)entry);
}

/* Does cluster b, `distance` bytes on, go on what begins with a? */
static bool continues(const struct qcow2_cluster *a, const struct qcow2_cluster *b,
		      uint64_t distance)
{
	if (a->kind != b->kind || a->copied != b->copied || a->kind == QCOW2_KIND_COMPRESSED)
		return false;
	return a->host ? b->host == a->host + distance : !b->host;
}

int qcow2_map(struct qcow2 *q, uint64_t guest, uint64_t length, struct qcow2_extent *out)
{
	uint64_t size = qcow2_cluster_size(&q->h), in_cluster = qcow2_in_cluster(&q->h, guest);
	uint64_t table, wanted = qcow2_clusters(&q->h, in_cluster + length), n = 1;
	struct qcow2_cluster next;
	struct entries e;
	int r = find_table(q, guest, &table);

	if (r)
		return r;
	*out = (struct qcow2_extent){.cluster.kind = QCOW2_KIND_HOLE, .file_end = q->file_end};
	if (table) {
		r = find_entries(q, table, guest, &e);
		out->entry = r ? 0 : qcow2_be64(e.at);
		r = r ? r : decode(q, guest, out->entry, &out->cluster);
		if (r)
			return r;
		while (n < wanted && n < e.n &&
		       qcow2_decode_l2(&q->h, q->file_end, qcow2_be64(e.at + n * 8), &next) &&
		       continues(&out->cluster, &next, n * size))
			n++;
	} else {
		/* Up to where a slice of a table would end: who allocates will have one. */
		n = q->slice / 8 - qcow2_l2_index(&q->h, guest) % (q->slice / 8);
	}
	out->length = n * size - in_cluster < length ? n * size - in_cluster : length;
	return 0;
}

/* A copy of L2 table `old`, or an empty one, in a cluster of its own. */
static int write_l2(struct qcow2 *q, uint64_t old, uint64_t cluster)
{
	uint64_t size = qcow2_cluster_size(&q->h);
	uint8_t *table = calloc(1, size);
	int r = table ? 0 : -ENOMEM;

	if (!r && old)
		r = qcow2_read_at(q, table, size, old);
	r = r ? r : qcow2_write_at(q, table, size, cluster << q->h.cluster_bits);
	r = r ? r : qcow2_regions_add(&q->metadata, (struct range){cluster, 1});
	free(table);
	return r;
}

int qcow2_own_l2(struct qcow2 *q, uint64_t guest)
{
	uint64_t i = qcow2_l1_index(&q->h, guest), old, cluster, n;
	bool fresh;
	int r;

	if (q->l1.entries[i] & QCOW2_COPIED)
		return 0;
	r = find_table(q, guest, &old);
	r = r ? r : qcow2_allocate(q, 1, &cluster, &n, &fresh);
	if (r)
		return r;
	r = write_l2(q, old, cluster);
	if (r) {
		qcow2_unallocate(q, cluster, 1, r);
		return r;
	}
	qcow2_table_set(&q->l1, i, cluster << q->h.cluster_bits | QCOW2_COPIED);
	if (old) {
		qcow2_cache_drop(q, &q->l2_cache, old);
		qcow2_regions_remove(&q->metadata, (struct range){old >> q->h.cluster_bits, 1});
		qcow2_free_later(q, old >> q->h.cluster_bits, 1);
	}
	return 0;
}

/* Give back what an entry referred to, unless the new one does, too. */
static void free_old(struct qcow2 *q, const struct qcow2_cluster *old, uint64_t entry)
{
	uint64_t first = old->host >> q->h.cluster_bits, last;

	if (!old->host ||
	    (old->kind != QCOW2_KIND_COMPRESSED && old->host == (entry & QCOW2_OFFSET)))
		return;
	last = (old->host + old->length - 1) >> q->h.cluster_bits;
	qcow2_free_later(q, first, last - first + 1);
}

int qcow2_set_entries(struct qcow2 *q, uint64_t guest, uint64_t n, uint64_t entry, uint64_t step)
{
	struct qcow2_cluster old;
	struct entries e;
	uint64_t table;
	int r = find_table(q, guest, &table);

	r = r ? r : find_entries(q, table, guest, &e);
	for (uint64_t i = 0; !r && i < n; i++, entry += step) {
		r = decode(q, guest + (i << q->h.cluster_bits), qcow2_be64(e.at + i * 8), &old);
		if (r)
			break;
		qcow2_put_be64(e.at + i * 8, entry);
		qcow2_cache_dirty(&q->l2_cache, e.slice);
		free_old(q, &old, entry);
	}
	return r;
}
