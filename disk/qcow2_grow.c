/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * A larger refcount table. It has to be contiguous, and lies behind all that the old one covers,
 * with the blocks that count it and themselves right behind it. The header then goes from the old
 * one to the new one in one write.
 */
#include <errno.h>
#include <stdlib.h>

#include "qcow2.h"

/* In clusters. */
struct growth {
	uint64_t start; /* of the table; the first cluster that the old one does not cover */
	uint64_t table, blocks;
	uint64_t first_block; /* the table's entry for the first of the blocks */
};

/* Pure: how large, and how many blocks it takes to count that. -ENOSPC: the format's limits. */
static int plan(const struct qcow2_header *h, struct growth *g)
{
	uint64_t most = QCOW2_REFCOUNT_BYTES_MAX >> h->cluster_bits;
	unsigned block_bits = qcow2_block_bits(h);

	if (h->refcount_clusters >= most)
		return -ENOSPC;
	g->first_block = h->refcount_clusters << (h->cluster_bits - 3);
	g->start = g->first_block << block_bits;
	g->table = h->refcount_clusters * 2 < most ? h->refcount_clusters * 2 : most;
	g->blocks = 1;
	while (g->blocks << block_bits < g->table + g->blocks)
		g->blocks++;
	if (g->start + g->table + g->blocks > QCOW2_OFFSET_END >> h->cluster_bits ||
	    g->first_block + g->blocks > g->table << (h->cluster_bits - 3))
		return -ENOSPC;
	return 0;
}

/* The blocks: they count the table and themselves, from the first cluster that they cover on. */
static int write_blocks(struct qcow2 *q, const struct growth *g)
{
	uint64_t per_block = 1ULL << qcow2_block_bits(&q->h), used = g->table + g->blocks;
	uint8_t *block = malloc(qcow2_cluster_size(&q->h));
	int r = block ? 0 : -ENOMEM;

	for (uint64_t b = 0; !r && b < g->blocks; b++) {
		memset(block, 0, qcow2_cluster_size(&q->h));
		for (uint64_t i = 0; i < per_block && b * per_block + i < used; i++)
			qcow2_set_count(block, q->h.refcount_order, i, 1);
		r = qcow2_write_at(q, block, qcow2_cluster_size(&q->h),
				   (g->start + g->table + b) << q->h.cluster_bits);
	}
	free(block);
	return r;
}

static int write_table(struct qcow2 *q, const struct growth *g, struct qcow2_table *t)
{
	*t = (struct qcow2_table){.offset = g->start << q->h.cluster_bits,
				  .n = g->table << (q->h.cluster_bits - 3)};
	t->entries = calloc(t->n, sizeof(*t->entries));
	if (!t->entries)
		return -ENOMEM;
	memcpy(t->entries, q->refcounts.entries, q->refcounts.n * sizeof(*t->entries));
	for (uint64_t b = 0; b < g->blocks; b++)
		t->entries[g->first_block + b] = (g->start + g->table + b) << q->h.cluster_bits;
	t->dirty_to = t->n;
	return qcow2_table_write(q, t);
}

/*
 * The new table is on the disk before the header names it. That needs no barrier of its own behind
 * it: the old table has the same counts of all clusters that the mapping in the file refers to, and
 * there is a barrier before that changes, and before the old table's clusters are free.
 */
static int write_header(struct qcow2 *q, const struct growth *g)
{
	uint8_t fields[12];
	int r = disk_flushes_flush(&q->flushes, &q->image->file, NULL);

	qcow2_put_be64(fields, g->start << q->h.cluster_bits);
	qcow2_put_be32(fields + 8, (uint32_t)g->table);
	return r ? r : qcow2_header_write(q, QCOW2_REFCOUNT_TABLE_OFFSET, fields, sizeof(fields));
}

/* Guest data may overwrite the old table from now on, and the new one not. */
static int change_regions(struct qcow2 *q, const struct growth *g)
{
	struct range table = {g->start, g->table}, blocks = {g->start + g->table, g->blocks};
	int r = qcow2_regions_add(&q->metadata, table);

	if (r)
		return r;
	r = qcow2_regions_add(&q->metadata, blocks);
	if (r)
		qcow2_regions_remove(&q->metadata, table);
	return r;
}

static void change_table(struct qcow2 *q, const struct growth *g, struct qcow2_table *t)
{
	struct range old = {q->refcounts.offset >> q->h.cluster_bits, q->h.refcount_clusters};

	free(q->refcounts.entries);
	q->refcounts = *t;
	*t = (struct qcow2_table){0};
	q->h.refcount_offset = q->refcounts.offset;
	q->h.refcount_clusters = g->table;
	qcow2_regions_remove(&q->metadata, old);
	qcow2_free_later(q, old.base, old.size);
}

int qcow2_grow_refcounts(struct qcow2 *q)
{
	struct qcow2_table table = {0};
	struct growth g;
	int r = plan(&q->h, &g);

	/* What waits to be free may do. */
	r = r ? r : qcow2_commit(q);
	if (r || q->free_hint < g.start)
		return r;
	r = qcow2_check_uncounted(q, (struct range){g.start, g.table + g.blocks});
	r = r ? r : write_blocks(q, &g);
	r = r ? r : write_table(q, &g, &table);
	r = r ? r : change_regions(q, &g);
	if (!r) {
		r = write_header(q, &g);
		/* Which of the two tables the header names is not known. */
		if (r)
			qcow2_stop(q, r);
		else
			change_table(q, &g, &table);
	}
	free(table.entries);
	return r;
}
