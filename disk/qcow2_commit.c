/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* In which order metadata reaches the file, and what happens when it can't or is wrong. */
#include <errno.h>
#include <stdarg.h>

#include "qcow2.h"

static bool table_is_dirty(const struct qcow2_table *t)
{
	return t->dirty_from != t->dirty_to;
}

bool qcow2_is_dirty(const struct qcow2 *q)
{
	return q->l2_cache.n_dirty || q->block_cache.n_dirty || q->frees.n ||
	       table_is_dirty(&q->l1) || table_is_dirty(&q->refcounts);
}

int qcow2_stop(struct qcow2 *q, int error)
{
	if (!q->stopped)
		warn("%s: writing metadata failed (%s); nothing more is written to the image",
		     q->image->file.path, strerror(-error));
	q->stopped = error;
	return error;
}

/*
 * After a failed barrier the host may have dropped what it could not write and say nothing the next
 * time, so there is no next time.
 */
static int barrier(struct qcow2 *q)
{
	int r = disk_flushes_flush(&q->flushes, &q->image->file, NULL);

	return r ? qcow2_stop(q, r) : 0;
}

/* The counts, and then what leads to them. */
static int write_counts(struct qcow2 *q)
{
	int r = qcow2_cache_write(q, &q->block_cache);

	if (r || !table_is_dirty(&q->refcounts))
		return r;
	r = barrier(q);
	return r ? r : qcow2_table_write(q, &q->refcounts);
}

/*
 * Data and counts are in the file before anything refers to them. So is each new L2 table, as it
 * was when it was made: empty, or a copy; the L1 table need not wait for what has changed in it
 * since.
 */
static int write_mapping(struct qcow2 *q)
{
	int r;

	if (!q->l2_cache.n_dirty && !table_is_dirty(&q->l1))
		return 0;
	r = barrier(q);
	r = r ? r : qcow2_cache_write(q, &q->l2_cache);
	return r ? r : qcow2_table_write(q, &q->l1);
}

int qcow2_commit(struct qcow2 *q)
{
	int r;

	if (q->stopped || !qcow2_is_dirty(q))
		return q->stopped;
	r = write_counts(q);
	r = r ? r : write_mapping(q);
	r = r ? r : barrier(q);
	return r ? r : qcow2_free_now(q);
}

int qcow2_flush(struct qcow2 *q)
{
	int r = disk_flushes_flush(&q->flushes, &q->image->file, NULL);

	/* Most of the data was written without keeping anybody from the lock. */
	pthread_mutex_lock(&q->lock);
	r = r ? qcow2_stop(q, r) : qcow2_commit(q);
	pthread_mutex_unlock(&q->lock);
	return r;
}

/* So much memory may take what waits to be freed. */
#define FREES_MAX 4096

int qcow2_begin(struct qcow2 *q)
{
	if (q->stopped || q->frees.n < FREES_MAX)
		return q->stopped;
	return qcow2_commit(q);
}

/* "Corrupt bit"; version 2 has none. That it can't be set does not make things worse. */
static void mark_corrupt(struct qcow2 *q)
{
	uint8_t features[8];

	if (q->h.version < 3 || q->image->file.readonly)
		return;
	q->h.incompatible |= QCOW2_CORRUPT;
	qcow2_put_be64(features, q->h.incompatible);
	if (!qcow2_header_write(q, QCOW2_INCOMPATIBLE_FEATURES, features, sizeof(features)))
		disk_file_flush(&q->image->file);
}

int qcow2_corrupt(struct qcow2 *q, const char *fmt, ...)
{
	char what[256];
	va_list args;

	if (q->stopped)
		return -EIO;
	q->stopped = -EIO;
	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	warn("%s: the image is corrupt: %s%s; check it with: qemu-img check", q->image->file.path,
	     what, q->image->file.readonly ? "" : "; nothing more is written to it");
	mark_corrupt(q);
	return -EIO;
}
