/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Entries of qcow2's tables: pure, and suspicious of each bit that a file has. */
#include "qcow2_format.h"

/* Bits 1 to 8 and 56 to 61 of a standard cluster's descriptor. */
#define STANDARD_RESERVED 0x3f000000000001feULL
#define L1_RESERVED	  0x7f000000000001ffULL
#define REFCOUNT_RESERVED 0x1ffULL

/* Does a cluster at `offset` begin within the file? Its end may be missing: that reads as zeros. */
static bool is_cluster(const struct qcow2_header *h, uint64_t end, uint64_t offset)
{
	return !qcow2_in_cluster(h, offset) && offset < end;
}

/* "Compressed Clusters Descriptor" */
static bool decode_compressed(const struct qcow2_header *h, uint64_t end, uint64_t entry,
			      struct qcow2_cluster *out)
{
	unsigned bits = 62 - (h->cluster_bits - 8);
	uint64_t sectors = ((entry & (QCOW2_COMPRESSED - 1)) >> bits) + 1;

	out->kind = QCOW2_KIND_COMPRESSED;
	out->host = entry & ((1ULL << bits) - 1);
	if (entry & QCOW2_COPIED || out->host >= QCOW2_OFFSET_END || out->host >= end)
		return false;
	out->length = sectors * 512 - (out->host & 511);
	/* The last sector may be cut off where the file ends. */
	if (out->length > end - out->host)
		out->length = end - out->host;
	return true;
}

bool qcow2_decode_l2(const struct qcow2_header *h, uint64_t end, uint64_t entry,
		     struct qcow2_cluster *out)
{
	*out = (struct qcow2_cluster){.kind = QCOW2_KIND_HOLE};
	if (entry & QCOW2_COMPRESSED)
		return decode_compressed(h, end, entry, out);
	if (entry & (STANDARD_RESERVED | (h->version < 3 ? QCOW2_ZERO : 0)))
		return false;
	out->host = entry & QCOW2_OFFSET;
	out->copied = entry & QCOW2_COPIED;
	out->length = qcow2_cluster_size(h);
	if (entry & QCOW2_ZERO)
		out->kind = QCOW2_KIND_ZERO;
	else if (out->host)
		out->kind = QCOW2_KIND_DATA;
	if (!out->host)
		return !out->copied;
	return is_cluster(h, end, out->host);
}

bool qcow2_decode_l1(const struct qcow2_header *h, uint64_t end, uint64_t entry, uint64_t *table)
{
	*table = entry & QCOW2_OFFSET;
	if (entry & L1_RESERVED)
		return false;
	return *table ? is_cluster(h, end, *table) : !(entry & QCOW2_COPIED);
}

bool qcow2_decode_refcount(const struct qcow2_header *h, uint64_t end, uint64_t entry,
			   uint64_t *block)
{
	*block = entry & ~REFCOUNT_RESERVED;
	return !(entry & REFCOUNT_RESERVED) && (!*block || is_cluster(h, end, *block));
}

uint64_t qcow2_get_count(const void *block, unsigned order, uint64_t i)
{
	const uint8_t *at = (const uint8_t *)block + ((i << order) >> 3);
	unsigned shift = (unsigned)(i << order) & 7;
	uint64_t count = 0;

	if (order < 3)
		return (*at >> shift) & ((1U << (1U << order)) - 1);
	for (unsigned n = 1U << (order - 3); n; n--)
		count = count << 8 | *at++;
	return count;
}

void qcow2_set_count(void *block, unsigned order, uint64_t i, uint64_t count)
{
	uint8_t *at = (uint8_t *)block + ((i << order) >> 3);
	unsigned shift = (unsigned)(i << order) & 7;
	unsigned mask;

	if (order < 3) {
		mask = ((1U << (1U << order)) - 1) << shift;
		*at = (uint8_t)((*at & ~mask) | ((unsigned)count << shift & mask));
		return;
	}
	for (unsigned n = 1U << (order - 3); n; n--, count >>= 8)
		at[n - 1] = (uint8_t)count;
}

/* "Snapshots": id and name have 16-bit lengths, the extra data a 32-bit one; no sum overflows. */
bool qcow2_decode_snapshot(const struct qcow2_header *h, uint64_t end, const uint8_t *fixed,
			   struct range *l1, uint64_t *length)
{
	uint64_t names =
		(uint64_t)(fixed[12] << 8 | fixed[13]) + (uint64_t)(fixed[14] << 8 | fixed[15]);

	*l1 = (struct range){qcow2_be64(fixed), (uint64_t)qcow2_be32(fixed + 8) * 8};
	*length = align_up(QCOW2_SNAPSHOT_FIXED + (uint64_t)qcow2_be32(fixed + 36) + names, 8);
	if (!l1->size)
		return true;
	return l1->size <= QCOW2_L1_BYTES_MAX && is_cluster(h, end, l1->base) &&
	       l1->size <= end - l1->base;
}
