/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * An open qcow2 image, as the files disk/qcow2_*.c see it.
 *
 * What is written reaches the file in two ways. Data goes there at once, into clusters that are the
 * guest's alone or that nothing refers to yet. Metadata changes in memory, and qcow2_commit()
 * brings it to the file in an order in which an image that is left at any point is consistent: a
 * cluster is counted before it is referred to, and referred to no more before it is counted as
 * free. What such an image may have is clusters that are counted and not used.
 *
 * One lock guards all metadata; it is not held while data moves. What keeps a cluster where it is
 * meanwhile is a claim on guest clusters: shared by those who read or overwrite, exclusive to who
 * changes where the clusters are.
 */
#ifndef CARILLON_DISK_QCOW2_H
#define CARILLON_DISK_QCOW2_H

#include <pthread.h>

#include "image.h"
#include "qcow2_format.h"
#include "qcow2_regions.h"

/* ---- the parts of an image ------------------------------------------------------------------- */

/* The L1 table or the refcount table: whole in memory, as numbers. */
struct qcow2_table {
	uint64_t offset; /* in the file, bytes */
	uint64_t *entries;
	uint64_t n;		       /* rounded up to whole slices; what the file has not is 0 */
	uint64_t dirty_from, dirty_to; /* half-open; empty: the file has them all */
};

/* L2 tables and refcount blocks are cached in slices of this many bytes, or of a cluster. */
#define QCOW2_SLICE 4096U

struct qcow2_slice {
	uint8_t *data; /* NULL until it is first used */
	uint64_t used; /* when, in the cache's own time */
	bool dirty;
};

struct qcow2_cache {
	unsigned n, n_dirty;
	uint64_t clock;
	uint64_t *offsets; /* of the slices in the file; 0: none */
	struct qcow2_slice *slices;
};

/* Clusters to be given back when nothing in the file refers to them any more. */
struct qcow2_frees {
	struct range *clusters; /* numbers of clusters */
	unsigned n, room;
};

/* Guest clusters that a request works on; lives on its stack. */
struct qcow2_claim {
	uint64_t first, last;
	bool exclusive;
	struct qcow2_claim *next;
};

/* The cluster that was decompressed last, since guests read in smaller pieces. */
struct qcow2_inflated {
	pthread_mutex_t lock;
	uint64_t entry; /* its L2 entry; 0: none */
	uint8_t *cluster;
};

struct qcow2 {
	struct disk_image *image;
	struct disk_image *backing; /* NULL: none */
	char *backing_path;
	struct qcow2_header h;
	unsigned slice;		     /* bytes */
	struct disk_flushes flushes; /* with the lock or without */

	pthread_mutex_t lock; /* of all that follows, up to `inflated` */
	pthread_cond_t released;
	struct qcow2_claim *claims; /* oldest first */

	uint64_t file_end;   /* bytes: what has been written so far */
	uint64_t fresh_from; /* clusters from here on never held anything: they read as zeros */
	uint64_t free_hint;  /* clusters below it are in use, or bad */
	struct qcow2_table l1, refcounts;
	struct qcow2_cache l2_cache, block_cache;
	struct qcow2_regions metadata; /* numbers of clusters that guest data may never overwrite */
	struct qcow2_frees frees;
	int stopped; /* not 0: the -errno of all further changes */

	struct qcow2_inflated inflated;
};

/* ---- claims: qcow2_claim.c ------------------------------------------------------------------- */

/*
 * Claim the clusters of `length` guest bytes, waiting for those who claimed them first. The lock is
 * held. Nobody waits for a claim who has one.
 */
void qcow2_claim(struct qcow2 *q, struct qcow2_claim *c, uint64_t guest, uint64_t length,
		 bool exclusive);
void qcow2_release(struct qcow2 *q, struct qcow2_claim *c);

/* ---- tables and caches: qcow2_table.c, qcow2_cache.c ----------------------------------------- */

/* 0 or -errno. The lock is held by all who call what follows, but for opening and closing. */

/* Whole slices of metadata; what is behind the end of the file reads as zeros. */
int qcow2_read_at(struct qcow2 *q, void *buf, size_t n, uint64_t offset);
int qcow2_write_at(struct qcow2 *q, const void *buf, size_t n, uint64_t offset);
/* Any bytes that the file has; the lock is not needed. */
int qcow2_read_odd(struct qcow2 *q, void *buf, size_t n, uint64_t offset);

int qcow2_table_load(struct qcow2 *q, struct qcow2_table *t, uint64_t offset, uint64_t n);
void qcow2_table_set(struct qcow2_table *t, uint64_t i, uint64_t entry);
/* Write what is dirty, and no more. */
int qcow2_table_write(struct qcow2 *q, struct qcow2_table *t);
/* Change n bytes of the header. */
int qcow2_header_write(struct qcow2 *q, unsigned at, const void *bytes, unsigned n);

int qcow2_cache_init(struct qcow2_cache *c, unsigned n);
void qcow2_cache_free(struct qcow2_cache *c);
/*
 * The slice that begins at `offset` of the file; it stays until the next call for this cache.
 * -EBUSY: no slice can be had without writing one first.
 */
int qcow2_cache_get(struct qcow2 *q, struct qcow2_cache *c, uint64_t offset,
		    struct qcow2_slice **out);
void qcow2_cache_dirty(struct qcow2_cache *c, struct qcow2_slice *s);
int qcow2_cache_write(struct qcow2 *q, struct qcow2_cache *c);
/* Forget the slices within a cluster, which are not dirty. */
void qcow2_cache_drop(struct qcow2 *q, struct qcow2_cache *c, uint64_t cluster_offset);

/* ---- reference counts: qcow2_refcount.c, qcow2_grow.c ---------------------------------------- */

/*
 * Count up to `want` free clusters that follow each other as used. Their number (at least 1);
 * fresh: they read as zeros.
 */
int qcow2_allocate(struct qcow2 *q, uint64_t want, uint64_t *first, uint64_t *n, bool *fresh);
/*
 * Clusters that nothing in the file refers to are free again at once. error: why they were not
 * written to; after -EIO others are tried first.
 */
void qcow2_unallocate(struct qcow2 *q, uint64_t first, uint64_t n, int error);
/* Drop a reference to each of n clusters, once the file does not have it any more. */
void qcow2_free_later(struct qcow2 *q, uint64_t first, uint64_t n);
/* The file does not: qcow2_commit()'s last step. */
int qcow2_free_now(struct qcow2 *q);
/* May these clusters, for which there are no counts, be written to? Not if metadata is there. */
int qcow2_check_uncounted(struct qcow2 *q, struct range r);
/* A refcount table that covers more clusters than the present one. */
int qcow2_grow_refcounts(struct qcow2 *q);

/* ---- the mapping: qcow2_map.c ---------------------------------------------------------------- */

/* Guest bytes that are all of a kind; those of data also follow each other in the file. */
struct qcow2_extent {
	struct qcow2_cluster cluster; /* the first one */
	uint64_t entry;		      /* its L2 entry */
	uint64_t length;	      /* bytes, from the guest's offset on */
	uint64_t file_end;	      /* bytes: how long the file was by then */
};

/* What begins at `guest`, of at most `length` bytes. -EIO: metadata is wrong; that is said. */
int qcow2_map(struct qcow2 *q, uint64_t guest, uint64_t length, struct qcow2_extent *out);
/* Make the L2 table for `guest` one that only the active L1 table refers to. */
int qcow2_own_l2(struct qcow2 *q, uint64_t guest);
/*
 * Set n L2 entries, of one slice of a table of our own, from `guest` on: the first to `entry`, each
 * of the others to `step` more. The clusters which they referred to are freed later, but not those
 * that the new entries refer to as well.
 */
int qcow2_set_entries(struct qcow2 *q, uint64_t guest, uint64_t n, uint64_t entry, uint64_t step);

/* ---- order and trouble: qcow2_commit.c ------------------------------------------------------- */

bool qcow2_is_dirty(const struct qcow2 *q);
/* Bring all metadata to the file. */
int qcow2_commit(struct qcow2 *q);
/* May something be changed? Commits if too much waits to be freed. */
int qcow2_begin(struct qcow2 *q);
/* Writing or flushing failed in a way that leaves open what the file has: nothing changes it more.
 */
int qcow2_stop(struct qcow2 *q, int error);
/*
 * The image contradicts itself: say so, mark it as corrupt and write no more. -EIO. Of an image
 * that is only read this says no more than that a read failed.
 */
int qcow2_corrupt(struct qcow2 *q, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* ---- data: qcow2_read.c, qcow2_inflate.c, qcow2_write.c, qcow2_zero.c ------------------------ */

/* These take lock and claims themselves. */
int qcow2_read(struct qcow2 *q, const struct iovec *iov, unsigned n, uint64_t guest,
	       uint64_t length);
int qcow2_write(struct qcow2 *q, const struct iovec *iov, unsigned n, uint64_t guest,
		uint64_t length);
int qcow2_flush(struct qcow2 *q);
int qcow2_discard(struct qcow2 *q, uint64_t guest, uint64_t length);
int qcow2_write_zeroes(struct qcow2 *q, uint64_t guest, uint64_t length, bool unmap);

/* For who has a claim already. Write: -EAGAIN if that must be an exclusive one, and is not. */
int qcow2_read_claimed(struct qcow2 *q, const struct iovec *iov, unsigned n, uint64_t guest,
		       uint64_t length);
int qcow2_write_claimed(struct qcow2 *q, const struct iovec *iov, unsigned n, uint64_t guest,
			uint64_t length, bool exclusive);
/* Copy `length` bytes from `at` of the compressed cluster of an extent into buffers of that size.
 */
int qcow2_inflate(struct qcow2 *q, const struct qcow2_extent *e, uint64_t at,
		  const struct iovec *iov, unsigned n, uint64_t length);

/* ---- opening: qcow2_open.c, qcow2_check.c ---------------------------------------------------- */

/* See struct disk_driver; image->block is set already. */
int qcow2_open(struct qcow2 **out, struct disk_image *image, struct error *err);
/* 0, or -errno: what is lost. */
int qcow2_close(struct qcow2 *q);
/* What an image must be beyond its header to be written to; fills `metadata`. */
int qcow2_check_writable(struct qcow2 *q, struct error *err);
/* Pure: where an image's backing file is, by the name that the image has for it. The caller's. */
char *qcow2_backing_path(const char *image, const char *name);

#endif
