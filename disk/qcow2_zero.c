/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Discarding, and writing zeros. Both change entries of the mapping, and no data, where the image's
 * version has entries for that. A discarded cluster reads as zeros: what the backing image has
 * there was the guest's once, but long ago.
 */
#include <errno.h>
#include <stdlib.h>

#include "qcow2.h"

enum purpose {
	DISCARD,
	ZERO_UNMAP,
	ZERO_KEEP, /* the space is wanted again */
};

enum action {
	LEAVE, /* nothing to do */
	SET,   /* the entry below */
	WRITE, /* zeros, as data */
};

struct change {
	enum action action;
	uint64_t entry, step;
};

/* Pure: what becomes of whole clusters of a kind. */
static struct change plan(const struct qcow2 *q, const struct qcow2_cluster *c, enum purpose p)
{
	bool v3 = q->h.version >= 3;

	if (c->kind == QCOW2_KIND_HOLE && !q->backing)
		return (struct change){.action = LEAVE};
	if (c->kind == QCOW2_KIND_ZERO && (p == ZERO_KEEP || !c->host))
		return (struct change){.action = LEAVE};
	if (p == ZERO_KEEP && v3 && c->copied)
		return (struct change){SET, c->host | QCOW2_COPIED | QCOW2_ZERO,
				       qcow2_cluster_size(&q->h)};
	if (p == ZERO_KEEP && c->copied)
		return (struct change){.action = WRITE};
	if (!q->backing)
		return (struct change){SET, 0, 0};
	if (v3)
		return (struct change){SET, QCOW2_ZERO, 0};
	return (struct change){.action = p == DISCARD ? LEAVE : WRITE};
}

static int write_zeros(struct qcow2 *q, uint64_t guest, uint64_t length)
{
	struct iovec iov = {calloc(1, length), length};
	int r = iov.iov_base ? qcow2_write_claimed(q, &iov, 1, guest, length, true) : -ENOMEM;

	free(iov.iov_base);
	return r;
}

/* Whole clusters, of which the first extent is done. The lock is held. */
static int change_clusters(struct qcow2 *q, uint64_t guest, struct qcow2_extent *e, enum purpose p,
			   bool *write)
{
	struct change c;
	int r = qcow2_begin(q);

	r = r ? r : qcow2_map(q, guest, e->length, e);
	if (r)
		return r;
	c = plan(q, &e->cluster, p);
	*write = c.action == WRITE;
	if (*write && e->length > qcow2_cluster_size(&q->h))
		e->length = qcow2_cluster_size(&q->h);
	if (c.action != SET)
		return 0;
	r = qcow2_own_l2(q, guest);
	return r ? r
		 : qcow2_set_entries(q, guest, qcow2_clusters(&q->h, e->length), c.entry, c.step);
}

/* A part of a cluster. Where it reads as zeros already nothing is written. */
static int zero_part(struct qcow2 *q, uint64_t guest, uint64_t length)
{
	struct qcow2_extent e;
	int r;

	pthread_mutex_lock(&q->lock);
	r = qcow2_map(q, guest, length, &e);
	pthread_mutex_unlock(&q->lock);
	if (r || e.cluster.kind == QCOW2_KIND_ZERO ||
	    (e.cluster.kind == QCOW2_KIND_HOLE && !q->backing))
		return r;
	return write_zeros(q, guest, length);
}

/*
 * Pure: the first piece of a range: a part of a cluster, or as many whole clusters as there are.
 * The disk's last cluster is whole with what the disk has of it.
 */
static uint64_t cut_piece(const struct qcow2_header *h, uint64_t guest, uint64_t length,
			  bool *whole)
{
	uint64_t left = qcow2_cluster_size(h) - qcow2_in_cluster(h, guest);
	uint64_t clusters = align_down(length, qcow2_cluster_size(h));

	*whole = false;
	if (qcow2_in_cluster(h, guest))
		return left < length ? left : length;
	*whole = clusters || guest + length == h->size;
	return clusters && guest + length < h->size ? clusters : length;
}

static int change_claimed(struct qcow2 *q, uint64_t guest, uint64_t length, enum purpose p)
{
	struct qcow2_extent e;
	bool write = false, whole;
	int r = 0;

	for (uint64_t done = 0; !r && done < length; done += e.length) {
		e.length = cut_piece(&q->h, guest + done, length - done, &whole);
		if (!whole) {
			r = p == DISCARD ? 0 : zero_part(q, guest + done, e.length);
			continue;
		}
		pthread_mutex_lock(&q->lock);
		r = change_clusters(q, guest + done, &e, p, &write);
		pthread_mutex_unlock(&q->lock);
		if (!r && write)
			r = write_zeros(q, guest + done, e.length);
	}
	return r;
}

static int change(struct qcow2 *q, uint64_t guest, uint64_t length, enum purpose p)
{
	struct qcow2_claim claim;
	int r;

	pthread_mutex_lock(&q->lock);
	qcow2_claim(q, &claim, guest, length, true);
	pthread_mutex_unlock(&q->lock);
	r = change_claimed(q, guest, length, p);
	pthread_mutex_lock(&q->lock);
	qcow2_release(q, &claim);
	pthread_mutex_unlock(&q->lock);
	return r;
}

int qcow2_discard(struct qcow2 *q, uint64_t guest, uint64_t length)
{
	return change(q, guest, length, DISCARD);
}

int qcow2_write_zeroes(struct qcow2 *q, uint64_t guest, uint64_t length, bool unmap)
{
	return change(q, guest, length, unmap ? ZERO_UNMAP : ZERO_KEEP);
}
