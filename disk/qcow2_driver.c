/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* qcow2 as one of the formats of disk images. */
#include <errno.h>

#include "qcow2.h"

/* Where the header has the offset of the backing file's name. */
#define BACKING_FILE_OFFSET 8

static bool probe(const void *head, size_t n)
{
	return n >= 4 && qcow2_be32(head) == QCOW2_MAGIC;
}

static bool names_files(const void *head, size_t n)
{
	const uint8_t *h = head;

	if (n < QCOW2_INCOMPATIBLE_FEATURES + 8)
		return true;
	if (qcow2_be64(h + BACKING_FILE_OFFSET))
		return true;
	return qcow2_be32(h + 4) != 2 &&
	       qcow2_be64(h + QCOW2_INCOMPATIBLE_FEATURES) & QCOW2_EXTERNAL_DATA;
}

static int open_image(struct disk_image *image, struct error *err)
{
	const struct disk_file *f = &image->file;
	struct qcow2 *q;
	int r;

	image->block = f->align > f->sector ? f->align : f->sector;
	r = qcow2_open(&q, image, err);
	if (r)
		return r;
	image->opaque = q;
	image->size = q->h.size;
	image->discard = image->write_zeroes = !f->readonly;
	/* Less than a cluster has to be copied, where it is new, and can't be given back. */
	image->topology = (struct disk_topology){.physical = f->topology.physical,
						 .io_min = f->topology.io_min,
						 .io_opt = (unsigned)qcow2_cluster_size(&q->h),
						 .discard = (unsigned)qcow2_cluster_size(&q->h)};
	return 0;
}

static int close_image(struct disk_image *image)
{
	return qcow2_close(image->opaque);
}

static int read_image(struct disk_image *image, const struct iovec *iov, unsigned n,
		      uint64_t offset, uint64_t length)
{
	return qcow2_read(image->opaque, iov, n, offset, length);
}

static int write_image(struct disk_image *image, const struct iovec *iov, unsigned n,
		       uint64_t offset, uint64_t length)
{
	return qcow2_write(image->opaque, iov, n, offset, length);
}

static int flush(struct disk_image *image)
{
	return qcow2_flush(image->opaque);
}

static int discard(struct disk_image *image, uint64_t offset, uint64_t length)
{
	return qcow2_discard(image->opaque, offset, length);
}

static int write_zeroes(struct disk_image *image, uint64_t offset, uint64_t length, bool unmap)
{
	return qcow2_write_zeroes(image->opaque, offset, length, unmap);
}

const struct disk_driver disk_qcow2 = {.name = "qcow2",
				       .probe = probe,
				       .names_files = names_files,
				       .open = open_image,
				       .close = close_image,
				       .read = read_image,
				       .write = write_image,
				       .flush = flush,
				       .discard = discard,
				       .write_zeroes = write_zeroes};
