/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* See qcow2_sound.h. The format is QEMU's docs/interop/qcow2.rst. */
#include "qcow2_sound.h"

#include <stdarg.h>
#include <stdlib.h>

#include "../../disk/qcow2_format.h"

struct check {
	struct qcow2_header h;
	const uint8_t *file;
	uint64_t size, clusters;
	uint32_t *used; /* how often each cluster is referred to */
	char *why;
	bool bad;
};

static void PRINTF_LIKE(2, 3) blame(struct check *c, const char *fmt, ...)
{
	va_list args;

	if (c->bad)
		return;
	c->bad = true;
	va_start(args, fmt);
	vsnprintf(c->why, QCOW2_SOUND_TEXT, fmt, args);
	va_end(args);
}

/* Entry i of a table; what the file has not is 0. */
static uint64_t entry(const struct check *c, uint64_t table, uint64_t i)
{
	uint64_t at = table + i * 8;

	return at + 8 <= c->size ? qcow2_be64(c->file + at) : 0;
}

static void use(struct check *c, uint64_t offset, uint64_t length)
{
	uint64_t first = offset >> c->h.cluster_bits;

	for (uint64_t i = first; length && i <= (offset + length - 1) >> c->h.cluster_bits; i++) {
		if (i >= c->clusters)
			blame(c, "cluster %llu is behind the file's end", (unsigned long long)i);
		else
			c->used[i]++;
	}
}

/* What the image counts of a cluster. */
static uint64_t counted(struct check *c, uint64_t cluster)
{
	uint64_t block, i = cluster & ((1ULL << qcow2_block_bits(&c->h)) - 1), at;

	/* What the table does not reach is free. */
	if (cluster >> qcow2_block_bits(&c->h) >= c->h.refcount_clusters << (c->h.cluster_bits - 3))
		return 0;
	at = entry(c, c->h.refcount_offset, cluster >> qcow2_block_bits(&c->h));
	if (!qcow2_decode_refcount(&c->h, c->size, at, &block)) {
		blame(c, "refcount table: %#llx", (unsigned long long)at);
		return 0;
	}
	/* A block that the file ends in reads as zeros from there on. */
	if (!block || block + (((i + 1) << c->h.refcount_order) + 7) / 8 > c->size)
		return 0;
	return qcow2_get_count(c->file + block, c->h.refcount_order, i);
}

static void check_copied(struct check *c, const char *what, uint64_t e, uint64_t offset)
{
	if (!(e & QCOW2_COPIED) != (counted(c, offset >> c->h.cluster_bits) != 1))
		blame(c, "%s entry %#llx, counted %llu times", what, (unsigned long long)e,
		      (unsigned long long)counted(c, offset >> c->h.cluster_bits));
}

static void check_l2(struct check *c, uint64_t table, bool active)
{
	struct qcow2_cluster cluster;
	uint64_t e;

	for (uint64_t i = 0; i < 1ULL << qcow2_l2_bits(&c->h); i++) {
		e = entry(c, table, i);
		if (!qcow2_decode_l2(&c->h, c->size, e, &cluster)) {
			blame(c, "L2 table %#llx: %#llx", (unsigned long long)table,
			      (unsigned long long)e);
			continue;
		}
		use(c, cluster.host, cluster.host ? cluster.length : 0);
		if (active && cluster.host && cluster.kind != QCOW2_KIND_COMPRESSED)
			check_copied(c, "L2", e, cluster.host);
	}
}

static void check_l1(struct check *c, uint64_t offset, uint64_t entries, bool active)
{
	uint64_t e, table;

	use(c, offset, entries * 8);
	for (uint64_t i = 0; i < entries; i++) {
		e = entry(c, offset, i);
		if (!qcow2_decode_l1(&c->h, c->size, e, &table)) {
			blame(c, "L1 table: %#llx", (unsigned long long)e);
			continue;
		}
		use(c, table, table ? qcow2_cluster_size(&c->h) : 0);
		if (active && table)
			check_copied(c, "L1", e, table);
		if (table)
			check_l2(c, table, active);
	}
}

static void check_snapshots(struct check *c)
{
	uint64_t at = c->h.snapshots_offset, length = 0;
	struct range l1;

	for (unsigned i = 0; i < c->h.snapshots && !c->bad; i++, at += length) {
		if (!qcow2_decode_snapshot(&c->h, c->size, c->file + at, &l1, &length))
			blame(c, "snapshot %u", i);
		else
			check_l1(c, l1.base, l1.size / 8, false);
	}
	use(c, c->h.snapshots_offset, at - c->h.snapshots_offset);
}

static void check_table(struct check *c)
{
	uint64_t bytes = c->h.refcount_clusters << c->h.cluster_bits;

	use(c, c->h.refcount_offset, bytes);
	for (uint64_t i = 0; i < bytes / 8; i++)
		if (entry(c, c->h.refcount_offset, i))
			use(c, entry(c, c->h.refcount_offset, i), qcow2_cluster_size(&c->h));
}

bool qcow2_sound(const uint8_t *file, size_t size, unsigned *leaks, char why[QCOW2_SOUND_TEXT])
{
	struct check c = {.file = file, .size = size, .why = why};
	struct error err = {0};

	*leaks = 0;
	if (qcow2_parse_header(&c.h, file, size, size, &err)) {
		blame(&c, "%s", err.text);
		return false;
	}
	c.clusters = qcow2_clusters(&c.h, size);
	c.used = calloc(c.clusters, sizeof(*c.used));
	use(&c, 0, qcow2_cluster_size(&c.h));
	check_table(&c);
	check_l1(&c, c.h.l1_offset, c.h.l1_entries, true);
	check_snapshots(&c);
	for (uint64_t i = 0; i < c.clusters; i++) {
		*leaks += counted(&c, i) > c.used[i];
		if (counted(&c, i) < c.used[i])
			blame(&c, "cluster %llu is used %u times, and counted %llu times",
			      (unsigned long long)i, c.used[i], (unsigned long long)counted(&c, i));
	}
	free(c.used);
	return !c.bad;
}
