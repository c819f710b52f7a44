/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Reading: extent by extent, from the file, the backing image, or nowhere. */
#include <errno.h>
#include <stdlib.h>

#include "qcow2.h"

/* Zeros, behind the first `skip` bytes of the buffers. */
static void zero(const struct iovec *iov, unsigned n, uint64_t skip)
{
	for (unsigned i = 0; i < n; i++) {
		if (skip < iov[i].iov_len)
			memset((uint8_t *)iov[i].iov_base + skip, 0, iov[i].iov_len - skip);
		skip -= skip < iov[i].iov_len ? skip : iov[i].iov_len;
	}
}

/* The file's last cluster need not be whole; but what there was of it must be there. */
static int read_data(struct qcow2 *q, const struct qcow2_extent *e, uint64_t at,
		     const struct iovec *iov, unsigned n)
{
	uint64_t offset = e->cluster.host + at;
	ssize_t got = disk_file_read(&q->image->file, iov, n, offset, e->length);

	if (got < 0)
		return (int)got;
	if ((uint64_t)got < e->length && offset + (uint64_t)got < e->file_end)
		return -EIO;
	if ((uint64_t)got < e->length)
		zero(iov, n, (uint64_t)got);
	return 0;
}

/* A backing image may be smaller than the one before it. */
static int read_backing(struct qcow2 *q, uint64_t guest, struct iovec *iov, unsigned n,
			uint64_t length)
{
	struct disk_image *b = q->backing;
	uint64_t part = 0;

	if (b && guest < b->size)
		part = length < b->size - guest ? length : b->size - guest;
	if (part < length)
		zero(iov, n, part);
	if (!part)
		return 0;
	n = iov_cut(iov, n, 0, part, iov);
	return b->driver->read(b, iov, n, guest, part);
}

/* iov is for this extent alone, and changed. */
static int read_extent(struct qcow2 *q, const struct qcow2_extent *e, uint64_t guest,
		       struct iovec *iov, unsigned n)
{
	uint64_t at = qcow2_in_cluster(&q->h, guest);

	switch (e->cluster.kind) {
	case QCOW2_KIND_DATA:
		return read_data(q, e, at, iov, n);
	case QCOW2_KIND_COMPRESSED:
		return qcow2_inflate(q, e, at, iov, n, e->length);
	case QCOW2_KIND_HOLE:
		return read_backing(q, guest, iov, n, e->length);
	case QCOW2_KIND_ZERO:
		break;
	}
	zero(iov, n, 0);
	return 0;
}

int qcow2_read_claimed(struct qcow2 *q, const struct iovec *iov, unsigned n, uint64_t guest,
		       uint64_t length)
{
	struct iovec *cut = malloc(n * sizeof(*cut));
	struct qcow2_extent e;
	unsigned n_cut;
	int r = cut ? 0 : -ENOMEM;

	for (uint64_t done = 0; !r && done < length; done += e.length) {
		pthread_mutex_lock(&q->lock);
		r = qcow2_map(q, guest + done, length - done, &e);
		pthread_mutex_unlock(&q->lock);
		if (r)
			break;
		n_cut = iov_cut(iov, n, done, e.length, cut);
		r = read_extent(q, &e, guest + done, cut, n_cut);
	}
	free(cut);
	return r;
}

int qcow2_read(struct qcow2 *q, const struct iovec *iov, unsigned n, uint64_t guest,
	       uint64_t length)
{
	struct qcow2_claim claim;
	int r;

	pthread_mutex_lock(&q->lock);
	qcow2_claim(q, &claim, guest, length, false);
	pthread_mutex_unlock(&q->lock);
	r = qcow2_read_claimed(q, iov, n, guest, length);
	pthread_mutex_lock(&q->lock);
	qcow2_release(q, &claim);
	pthread_mutex_unlock(&q->lock);
	return r;
}
