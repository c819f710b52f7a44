/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* "Compressed Clusters Descriptor": reading a cluster that is compressed by deflate or zstd. */
#include <errno.h>
#include <stdlib.h>
#define ZLIB_CONST /* next_in is read, and no more */
#include <zlib.h>
#include <zstd.h>

#include "qcow2.h"

/* What writers of the format use; deflate has no header that would say so. */
#define DEFLATE_WINDOW_BITS 12
/* A frame may ask for this much memory, 8 MiB: no cluster needs more. */
#define ZSTD_WINDOW_BITS 23

/* Both: the input may go on behind the compressed data; the output is a whole cluster. */
static bool inflate_deflate(const uint8_t *in, size_t n, uint8_t *out, size_t size)
{
	z_stream z = {.next_in = in, .avail_in = (uInt)n, .next_out = out, .avail_out = (uInt)size};

	if (inflateInit2(&z, -DEFLATE_WINDOW_BITS) != Z_OK)
		return false;
	inflate(&z, Z_FINISH);
	inflateEnd(&z);
	return !z.avail_out;
}

static bool inflate_zstd(const uint8_t *in, size_t n, uint8_t *out, size_t size)
{
	ZSTD_inBuffer input = {in, n, 0};
	ZSTD_outBuffer output = {out, size, 0};
	ZSTD_DCtx *z = ZSTD_createDCtx();
	size_t before;

	if (!z)
		return false;
	ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax, ZSTD_WINDOW_BITS);
	do
		before = input.pos + output.pos;
	while (!ZSTD_isError(ZSTD_decompressStream(z, &output, &input)) && output.pos < size &&
	       input.pos + output.pos > before);
	ZSTD_freeDCtx(z);
	return output.pos == size;
}

/* Into q->inflated, whose lock is held. */
static int load(struct qcow2 *q, const struct qcow2_cluster *c)
{
	size_t size = qcow2_cluster_size(&q->h);
	uint8_t *in = malloc(c->length);
	bool good;
	int r = -ENOMEM;

	if (!q->inflated.cluster)
		q->inflated.cluster = malloc(size);
	if (in && q->inflated.cluster)
		r = qcow2_read_odd(q, in, c->length, c->host);
	if (!r) {
		good = q->h.compression == QCOW2_ZSTD
			       ? inflate_zstd(in, c->length, q->inflated.cluster, size)
			       : inflate_deflate(in, c->length, q->inflated.cluster, size);
		r = good ? 0 : -EIO;
	}
	free(in);
	return r;
}

int qcow2_inflate(struct qcow2 *q, const struct qcow2_extent *e, uint64_t at,
		  const struct iovec *iov, unsigned n, uint64_t length)
{
	int r = 0;

	pthread_mutex_lock(&q->inflated.lock);
	if (q->inflated.entry != e->entry) {
		q->inflated.entry = 0;
		r = load(q, &e->cluster);
	}
	if (!r) {
		q->inflated.entry = e->entry;
		iov_scatter(iov, n, 0, q->inflated.cluster + at, length);
	}
	pthread_mutex_unlock(&q->inflated.lock);
	return r;
}
