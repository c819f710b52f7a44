/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Raw images: the file is the disk. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "image.h"
#include "raw.h"

/* A disk's end that a guest would not see is lost to it; and it would not be told. */
static int check_size(const struct disk_image *image, struct error *err)
{
	const struct disk_file *f = &image->file;

	if (!f->size)
		return fail(err, EINVAL, "disk %s: it is empty", f->path);
	if (f->size % image->block)
		return fail(err, EINVAL,
			    "disk %s: its size, %llu bytes, is no multiple of %u; has it been "
			    "truncated? Round it up with: truncate -s %%%u %s",
			    f->path, (unsigned long long)f->size, image->block, image->block,
			    f->path);
	return 0;
}

static int raw_measure(struct disk_image *image, struct error *err)
{
	uint64_t before = image->file.size;
	int ret = disk_file_measure(&image->file, err);

	ret = ret ?: check_size(image, err);
	if (ret)
		image->file.size = before;
	image->size = image->file.size;
	return ret;
}

static int raw_open(struct disk_image *image, struct error *err)
{
	const struct disk_file *f = &image->file;
	struct disk_flushes *flushes;
	int ret;

	image->size = f->size;
	image->block = f->align > f->sector ? f->align : f->sector;
	image->discard = image->write_zeroes = !f->readonly;
	image->topology = f->topology;
	ret = check_size(image, err);
	if (ret)
		return ret;
	flushes = malloc(sizeof(*flushes));
	if (!flushes)
		return fail(err, ENOMEM, "disk %s: out of memory", f->path);
	disk_flushes_init(flushes);
	image->opaque = flushes;
	return 0;
}

static int flush_cache(struct disk_flushes *flushes, const struct disk_file *f)
{
	bool first;
	int ret = disk_flushes_flush(flushes, f, &first);

	if (first)
		warn("disk %s: flushing failed (%s): what was written may be lost, so no later "
		     "flush succeeds until the disk is opened anew; with 'direct' errors are those "
		     "of the writes",
		     f->path, strerror(-ret));
	return ret;
}

static int raw_flush(struct disk_image *image)
{
	/* Each write was told its own error. */
	if (image->file.direct)
		return disk_file_flush(&image->file);
	return flush_cache(image->opaque, &image->file);
}

static int raw_close(struct disk_image *image)
{
	int ret = image->file.readonly ? 0 : raw_flush(image);

	disk_flushes_destroy(image->opaque);
	free(image->opaque);
	return ret;
}

/* What the file had when it was opened and has no more is an error, not zeros: it was truncated. */
static int raw_read(struct disk_image *image, const struct iovec *iov, unsigned n, uint64_t offset,
		    uint64_t length)
{
	ssize_t got = disk_file_read(&image->file, iov, n, offset, length);

	if (got < 0)
		return (int)got;
	return (uint64_t)got == length ? 0 : -EIO;
}

bool raw_is_guarded(const struct disk_image *image, enum disk_op op, uint64_t offset)
{
	return image->guarded && op == DISK_WRITE && !offset;
}

/* The first block is looked at where the guest can't change it any more. */
static int write_head(struct disk_image *image, const struct iovec *iov, unsigned n)
{
	uint8_t *head = malloc(image->block);
	int ret = head ? 0 : -ENOMEM;

	if (head) {
		iov_gather(iov, n, 0, head, image->block);
		if (disk_image_probe(head, DISK_HEAD) != &disk_raw)
			ret = -EPERM;
	}
	ret = ret ?: disk_file_write_at(&image->file, head, image->block, 0);
	free(head);
	return ret;
}

static int write_guarded(struct disk_image *image, const struct iovec *iov, unsigned n,
			 uint64_t length)
{
	struct iovec *rest = calloc(n, sizeof(*rest));
	unsigned n_rest;
	int ret = rest ? write_head(image, iov, n) : -ENOMEM;

	if (!ret && length > image->block) {
		length -= image->block;
		n_rest = iov_cut(iov, n, image->block, length, rest);
		ret = disk_file_write(&image->file, rest, n_rest, image->block, length);
	}
	free(rest);
	return ret;
}

static int raw_write(struct disk_image *image, const struct iovec *iov, unsigned n, uint64_t offset,
		     uint64_t length)
{
	if (raw_is_guarded(image, DISK_WRITE, offset))
		return write_guarded(image, iov, n, length);
	return disk_file_write(&image->file, iov, n, offset, length);
}

/* A hint: nobody is hurt where it can't be taken. */
static int raw_discard(struct disk_image *image, uint64_t offset, uint64_t length)
{
	int ret = disk_file_discard(&image->file, offset, length);

	return ret == -EOPNOTSUPP ? 0 : ret;
}

static int raw_write_zeroes(struct disk_image *image, uint64_t offset, uint64_t length, bool unmap)
{
	return disk_file_zeroes(&image->file, offset, length, unmap);
}

const struct disk_driver disk_raw = {.name = "raw",
				     .open = raw_open,
				     .close = raw_close,
				     .measure = raw_measure,
				     .read = raw_read,
				     .write = raw_write,
				     .flush = raw_flush,
				     .discard = raw_discard,
				     .write_zeroes = raw_write_zeroes};
