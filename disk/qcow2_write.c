/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Writing: over clusters that are the active image's alone, or into new ones, which are filled up
 * with what the guest's clusters had before anything refers to them (copy on write).
 */
#include <errno.h>
#include <stdlib.h>

#include "qcow2.h"

/* Buffers of a request; `cut` has room for those of a part of it, and one on each side. */
struct source {
	const struct iovec *iov;
	unsigned n;
	struct iovec *cut;
};

/* Where data goes. */
struct target {
	uint64_t guest, length;	   /* bytes of the guest */
	uint64_t host, n_clusters; /* the file's; host: of the first cluster */
	bool allocated;		   /* just now; undone on failure */
	bool filled;		   /* what is around the data needs not be written */
};

/* What was written may have moved the file's end. */
static void note_end(struct qcow2 *q, uint64_t end)
{
	if (q->file_end < end)
		q->file_end = end;
}

/* One side of copy on write: what the guest's disk has there; zeros behind its end. */
static int read_side(struct qcow2 *q, uint64_t guest, uint64_t length, struct iovec *out)
{
	uint64_t part = guest < q->h.size ? q->h.size - guest : 0;
	struct iovec iov;

	*out = (struct iovec){NULL, length};
	if (!length)
		return 0;
	out->iov_base = calloc(1, length);
	if (!out->iov_base)
		return -ENOMEM;
	iov = (struct iovec){out->iov_base, part < length ? part : length};
	return iov.iov_len ? qcow2_read_claimed(q, &iov, 1, guest, iov.iov_len) : 0;
}

/* Whole clusters: what was there before, the data, what was there behind. */
static int write_filled(struct qcow2 *q, const struct target *t, struct source *s, uint64_t done)
{
	uint64_t head = qcow2_in_cluster(&q->h, t->guest);
	uint64_t whole = t->n_clusters << q->h.cluster_bits, tail = whole - head - t->length;
	struct iovec before = {0}, behind = {0};
	unsigned n = 1;
	int r = read_side(q, t->guest - head, head, &before);

	r = r ? r : read_side(q, t->guest + t->length, tail, &behind);
	if (!r) {
		s->cut[0] = before;
		n += iov_cut(s->iov, s->n, done, t->length, s->cut + 1);
		s->cut[n++] = behind;
		r = disk_file_write(&q->image->file, s->cut, n, t->host, whole);
	}
	free(before.iov_base);
	free(behind.iov_base);
	return r;
}

static int write_data(struct qcow2 *q, const struct target *t, struct source *s, uint64_t done)
{
	uint64_t head = qcow2_in_cluster(&q->h, t->guest);
	unsigned n;

	if (!t->filled)
		return write_filled(q, t, s, done);
	n = iov_cut(s->iov, s->n, done, t->length, s->cut);
	return disk_file_write(&q->image->file, s->cut, n, t->host + head, t->length);
}

/* A mapping must not lead to metadata. The lock is held. */
static int check_over(struct qcow2 *q, const struct target *t)
{
	struct range clusters = {t->host >> q->h.cluster_bits, t->n_clusters};

	if (!qcow2_regions_touch(&q->metadata, clusters))
		return q->stopped;
	return qcow2_corrupt(q, "offset %#llx of the disk is mapped to metadata at %#llx",
			     (unsigned long long)t->guest, (unsigned long long)t->host);
}

/* Clusters for what e says is somewhere else. The lock is held. */
static int find_new(struct qcow2 *q, const struct qcow2_extent *e, struct target *t)
{
	uint64_t head = qcow2_in_cluster(&q->h, t->guest), first, room;
	bool fresh = false, zeros;
	int r = qcow2_begin(q);

	r = r ? r : qcow2_own_l2(q, t->guest);
	if (r)
		return r;
	if (e->cluster.kind == QCOW2_KIND_ZERO && e->cluster.copied) {
		/* The space of a zero cluster was kept for this. */
		t->host = e->cluster.host;
		t->n_clusters = qcow2_clusters(&q->h, head + e->length);
		r = check_over(q, t);
	} else {
		r = qcow2_allocate(q, qcow2_clusters(&q->h, head + e->length), &first,
				   &t->n_clusters, &fresh);
		t->host = r ? 0 : first << q->h.cluster_bits;
		t->allocated = !r;
	}
	room = (t->n_clusters << q->h.cluster_bits) - head;
	t->length = e->length < room ? e->length : room;
	zeros = e->cluster.kind == QCOW2_KIND_ZERO ||
		(e->cluster.kind == QCOW2_KIND_HOLE && !q->backing);
	t->filled = fresh && zeros;
	return r;
}

/* Data is in the new clusters: they become the guest's. The lock is held. */
static int map_new(struct qcow2 *q, const struct target *t)
{
	uint64_t first = align_down(t->guest, qcow2_cluster_size(&q->h));

	note_end(q, t->host + (t->filled ? qcow2_in_cluster(&q->h, t->guest) + t->length
					 : t->n_clusters << q->h.cluster_bits));
	return qcow2_set_entries(q, first, t->n_clusters, t->host | QCOW2_COPIED,
				 qcow2_cluster_size(&q->h));
}

static int write_new(struct qcow2 *q, struct target *t, struct source *s, uint64_t done)
{
	int r = write_data(q, t, s, done);

	pthread_mutex_lock(&q->lock);
	r = r ? r : map_new(q, t);
	if (r && t->allocated)
		qcow2_unallocate(q, t->host >> q->h.cluster_bits, t->n_clusters, r);
	pthread_mutex_unlock(&q->lock);
	return r;
}

/* Data over data. */
static int write_over(struct qcow2 *q, struct target *t, struct source *s, uint64_t done)
{
	int r = write_data(q, t, s, done);

	/* One that failed may not have come that far, and what is not there would be missed. */
	if (r)
		return r;
	pthread_mutex_lock(&q->lock);
	note_end(q, t->host + qcow2_in_cluster(&q->h, t->guest) + t->length);
	pthread_mutex_unlock(&q->lock);
	return 0;
}

/* Write the first extent of what is left; t->length is then how long it was. */
static int write_extent(struct qcow2 *q, struct target *t, struct source *s, uint64_t done,
			bool exclusive)
{
	struct qcow2_extent e;
	bool over = false;
	int r;

	pthread_mutex_lock(&q->lock);
	r = qcow2_map(q, t->guest, t->length, &e);
	if (!r && e.cluster.kind == QCOW2_KIND_DATA && e.cluster.copied) {
		over = true;
		t->length = e.length;
		t->host = e.cluster.host;
		t->n_clusters =
			qcow2_clusters(&q->h, qcow2_in_cluster(&q->h, t->guest) + t->length);
		t->filled = true;
		r = check_over(q, t);
	} else if (!r) {
		r = exclusive ? find_new(q, &e, t) : -EAGAIN;
	}
	pthread_mutex_unlock(&q->lock);
	if (r)
		return r;
	return over ? write_over(q, t, s, done) : write_new(q, t, s, done);
}

int qcow2_write_claimed(struct qcow2 *q, const struct iovec *iov, unsigned n, uint64_t guest,
			uint64_t length, bool exclusive)
{
	struct source s = {iov, n, malloc((n + 2) * sizeof(*iov))};
	struct target t;
	int r = s.cut ? 0 : -ENOMEM;

	for (uint64_t done = 0; !r && done < length; done += t.length) {
		t = (struct target){.guest = guest + done, .length = length - done};
		r = write_extent(q, &t, &s, done, exclusive);
	}
	free(s.cut);
	return r;
}

int qcow2_write(struct qcow2 *q, const struct iovec *iov, unsigned n, uint64_t guest,
		uint64_t length)
{
	struct qcow2_claim claim;
	bool exclusive = false;
	int r;

	/* Most writes go over data. Others are done again, with a claim that lets them move it. */
	do {
		pthread_mutex_lock(&q->lock);
		qcow2_claim(q, &claim, guest, length, exclusive);
		pthread_mutex_unlock(&q->lock);
		r = qcow2_write_claimed(q, iov, n, guest, length, exclusive);
		pthread_mutex_lock(&q->lock);
		qcow2_release(q, &claim);
		pthread_mutex_unlock(&q->lock);
		exclusive = !exclusive;
	} while (r == -EAGAIN && exclusive);
	return r;
}
