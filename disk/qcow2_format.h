/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The qcow2 format (QEMU's docs/interop/qcow2.rst, sections by their names): header, entries of the
 * mapping and of the reference counts. All of it pure; numbers in the file are big-endian.
 */
#ifndef CARILLON_DISK_QCOW2_FORMAT_H
#define CARILLON_DISK_QCOW2_FORMAT_H

#include <endian.h>
#include <string.h>

#include "base.h"

/* ---- header ---------------------------------------------------------------------------------- */

#define QCOW2_MAGIC 0x514649fbU /* "QFI\xfb" */

/* Where the fields are that change, and the bits in them; bytes. */
#define QCOW2_REFCOUNT_TABLE_OFFSET 48
#define QCOW2_INCOMPATIBLE_FEATURES 72
#define QCOW2_AUTOCLEAR_FEATURES    88

#define QCOW2_DIRTY	       (1ULL << 0)
#define QCOW2_CORRUPT	       (1ULL << 1)
#define QCOW2_EXTERNAL_DATA    (1ULL << 2)
#define QCOW2_COMPRESSION_TYPE (1ULL << 3)
#define QCOW2_EXTENDED_L2      (1ULL << 4)

#define QCOW2_CLUSTER_BITS_MIN	 9
#define QCOW2_CLUSTER_BITS_MAX	 21
#define QCOW2_BACKING_NAME_MAX	 1023
#define QCOW2_FORMAT_NAME_MAX	 15
#define QCOW2_L1_BYTES_MAX	 (32 * MIB)
#define QCOW2_REFCOUNT_BYTES_MAX (8 * MIB)
#define QCOW2_SNAPSHOTS_MAX	 65536
/* L1 and L2 entries have 56 bits for an offset. */
#define QCOW2_OFFSET_END (1ULL << 56)

enum qcow2_compression {
	QCOW2_DEFLATE,
	QCOW2_ZSTD,
};

/* A checked header; offsets and sizes in bytes. */
struct qcow2_header {
	unsigned version;
	unsigned cluster_bits;
	unsigned refcount_order; /* a count has 1 << refcount_order bits */
	uint64_t size;		 /* of the guest's disk */
	uint64_t l1_offset, l1_entries;
	uint64_t refcount_offset, refcount_clusters; /* the table */
	uint64_t snapshots_offset;
	unsigned snapshots;
	uint64_t incompatible, autoclear;
	enum qcow2_compression compression;
	char backing[QCOW2_BACKING_NAME_MAX + 1];	/* "": no backing file */
	char backing_format[QCOW2_FORMAT_NAME_MAX + 1]; /* "": the image does not say */
};

/*
 * Parse the header and its extensions from the first n bytes of a file: its first cluster, or the
 * whole file if that is shorter. Everything in *h is then within its limits and the file's
 * file_size bytes. -EINVAL: the field that is wrong; -ENOTSUP: the feature that this is not written
 * for.
 */
int qcow2_parse_header(struct qcow2_header *h, const uint8_t *head, size_t n, uint64_t file_size,
		       struct error *err);

static inline uint64_t qcow2_cluster_size(const struct qcow2_header *h)
{
	return 1ULL << h->cluster_bits;
}

static inline uint64_t qcow2_in_cluster(const struct qcow2_header *h, uint64_t offset)
{
	return offset & (qcow2_cluster_size(h) - 1);
}

/* Where a cluster of that number begins. */
static inline uint64_t qcow2_offset(const struct qcow2_header *h, uint64_t cluster)
{
	return cluster << h->cluster_bits;
}

/* How many clusters `bytes` bytes touch that begin with a cluster. */
static inline uint64_t qcow2_clusters(const struct qcow2_header *h, uint64_t bytes)
{
	return (bytes >> h->cluster_bits) + (qcow2_in_cluster(h, bytes) != 0);
}

/* An L2 table is a cluster of 8-byte entries. */
static inline unsigned qcow2_l2_bits(const struct qcow2_header *h)
{
	return h->cluster_bits - 3;
}

static inline uint64_t qcow2_l1_index(const struct qcow2_header *h, uint64_t guest)
{
	return guest >> (h->cluster_bits + qcow2_l2_bits(h));
}

static inline uint64_t qcow2_l2_index(const struct qcow2_header *h, uint64_t guest)
{
	return (guest >> h->cluster_bits) & ((1ULL << qcow2_l2_bits(h)) - 1);
}

/* A refcount block is a cluster of 1 << this many counts. */
static inline unsigned qcow2_block_bits(const struct qcow2_header *h)
{
	return h->cluster_bits + 3 - h->refcount_order;
}

/* ---- entries --------------------------------------------------------------------------------- */

#define QCOW2_COPIED	 (1ULL << 63)
#define QCOW2_COMPRESSED (1ULL << 62)
#define QCOW2_ZERO	 (1ULL << 0)
#define QCOW2_OFFSET	 0x00fffffffffffe00ULL /* bits 9 to 55 */

enum qcow2_kind {
	QCOW2_KIND_HOLE, /* what the backing file has, or zeros */
	QCOW2_KIND_ZERO,
	QCOW2_KIND_DATA,
	QCOW2_KIND_COMPRESSED,
};

/* A decoded L2 entry. */
struct qcow2_cluster {
	enum qcow2_kind kind;
	uint64_t host;	 /* in the file; of a zero cluster 0: no space is kept for it */
	uint64_t length; /* bytes there: a cluster, or at most those of the compressed data */
	bool copied;	 /* only this entry refers to it */
};

/*
 * Decode an entry of an L2 table; the file has `end` bytes. False: it can't be what a correct
 * writer left there (reserved bits, alignment, past the end).
 */
bool qcow2_decode_l2(const struct qcow2_header *h, uint64_t end, uint64_t entry,
		     struct qcow2_cluster *out);

/* The offset in an entry of the L1 table (mask QCOW2_OFFSET) or the refcount table; false as above.
 */
bool qcow2_decode_l1(const struct qcow2_header *h, uint64_t end, uint64_t entry, uint64_t *table);
bool qcow2_decode_refcount(const struct qcow2_header *h, uint64_t end, uint64_t entry,
			   uint64_t *block);

/* Count i of a refcount block or of a part of one, which counts start on; order is 0 to 6. */
uint64_t qcow2_get_count(const void *block, unsigned order, uint64_t i);
void qcow2_set_count(void *block, unsigned order, uint64_t i, uint64_t count);

static inline uint64_t qcow2_be64(const void *at)
{
	uint64_t x;

	memcpy(&x, at, sizeof(x));
	return be64toh(x);
}

static inline uint32_t qcow2_be32(const void *at)
{
	uint32_t x;

	memcpy(&x, at, sizeof(x));
	return be32toh(x);
}

static inline void qcow2_put_be64(void *at, uint64_t x)
{
	x = htobe64(x);
	memcpy(at, &x, sizeof(x));
}

static inline void qcow2_put_be32(void *at, uint32_t x)
{
	x = htobe32(x);
	memcpy(at, &x, sizeof(x));
}

/* ---- snapshots ------------------------------------------------------------------------------- */

#define QCOW2_SNAPSHOT_FIXED 40 /* bytes of an entry before what has a variable length */

/*
 * The fixed part of an entry of the snapshot table: where its L1 table is, and how long the entry
 * is as a whole. False as above.
 */
bool qcow2_decode_snapshot(const struct qcow2_header *h, uint64_t end, const uint8_t *fixed,
			   struct range *l1, uint64_t *length);

#endif
