/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What an image must be beyond its header before anything is written to it: marked as sound, its
 * tables within the file, and no two of them in one place.
 */
#include <errno.h>

#include "qcow2.h"

static int check_marks(const struct qcow2 *q, struct error *err)
{
	if (q->h.incompatible & QCOW2_CORRUPT)
		return fail(err, EIO,
			    "it is marked as corrupt; repair it with: qemu-img check -r all, "
			    "or open it read-only");
	if (q->h.incompatible & QCOW2_DIRTY)
		return fail(
			err, EIO,
			"it was not closed, and its reference counts are not up to date; repair "
			"it with: qemu-img check -r all, or open it read-only");
	return 0;
}

static int gather(struct qcow2 *q, uint64_t offset, uint64_t bytes, struct error *err)
{
	struct range r = {offset >> q->h.cluster_bits, qcow2_clusters(&q->h, bytes)};

	if (!bytes)
		return 0;
	return qcow2_regions_gather(&q->metadata, r) ? fail(err, ENOMEM, "out of memory") : 0;
}

static int gather_l2(struct qcow2 *q, struct error *err)
{
	uint64_t table;
	int r = 0;

	for (uint64_t i = 0; !r && i < q->h.l1_entries; i++) {
		if (!qcow2_decode_l1(&q->h, q->file_end, q->l1.entries[i], &table))
			return fail(err, EINVAL, "entry %llu of its L1 table is %#llx",
				    (unsigned long long)i, (unsigned long long)q->l1.entries[i]);
		if (table)
			r = gather(q, table, qcow2_cluster_size(&q->h), err);
	}
	return r;
}

static int gather_blocks(struct qcow2 *q, struct error *err)
{
	uint64_t block;
	int r = 0;

	for (uint64_t i = 0; !r && i < q->refcounts.n; i++) {
		if (!qcow2_decode_refcount(&q->h, q->file_end, q->refcounts.entries[i], &block))
			return fail(err, EINVAL, "entry %llu of its refcount table is %#llx",
				    (unsigned long long)i,
				    (unsigned long long)q->refcounts.entries[i]);
		if (block)
			r = gather(q, block, qcow2_cluster_size(&q->h), err);
	}
	return r;
}

/* The snapshots' own tables stay as they are; it is enough to know where they are. */
static int gather_snapshots(struct qcow2 *q, struct error *err)
{
	uint8_t fixed[QCOW2_SNAPSHOT_FIXED];
	/* The last entry's padding may be missing. */
	uint64_t end = qcow2_clusters(&q->h, q->file_end) << q->h.cluster_bits;
	uint64_t at = q->h.snapshots_offset, length;
	struct range l1;
	int r;

	for (unsigned i = 0; i < q->h.snapshots; i++, at += length) {
		r = qcow2_read_odd(q, fixed, sizeof(fixed), at);
		if (r)
			return fail(err, -r, "reading its snapshot table failed: %s", strerror(-r));
		if (!qcow2_decode_snapshot(&q->h, q->file_end, fixed, &l1, &length) || at >= end ||
		    length > end - at)
			return fail(err, EINVAL,
				    "entry %u of its snapshot table is not within the file", i);
		r = gather(q, l1.base, l1.size, err);
		if (r)
			return r;
	}
	return gather(q, q->h.snapshots_offset, at - q->h.snapshots_offset, err);
}

/* "autoclear_features": bitmaps and whatever else would have to follow what is written. */
static int clear_features(struct qcow2 *q, struct error *err)
{
	static const uint8_t none[8];
	int r;

	if (!q->h.autoclear)
		return 0;
	r = qcow2_header_write(q, QCOW2_AUTOCLEAR_FEATURES, none, sizeof(none));
	r = r ? r : disk_file_flush(&q->image->file);
	return r ? fail(err, -r, "writing its header failed: %s", strerror(-r)) : 0;
}

int qcow2_check_writable(struct qcow2 *q, struct error *err)
{
	struct range clash;
	int r = check_marks(q, err);

	r = r ? r : gather(q, 0, qcow2_cluster_size(&q->h), err);
	r = r ? r : gather(q, q->h.l1_offset, q->h.l1_entries * 8, err);
	r = r ? r
	      : gather(q, q->h.refcount_offset, q->h.refcount_clusters << q->h.cluster_bits, err);
	r = r ? r : gather_l2(q, err);
	r = r ? r : gather_blocks(q, err);
	r = r ? r : gather_snapshots(q, err);
	if (r)
		return r;
	if (qcow2_regions_seal(&q->metadata, &clash))
		return fail(
			err, EINVAL,
			"two of its tables share the cluster at %#llx; repair it with: qemu-img "
			"check -r all, or open it read-only",
			(unsigned long long)qcow2_offset(&q->h, clash.base));
	return clear_features(q, err);
}
