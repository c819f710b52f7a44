/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Reading, writing and clearing an image's file, and waiting for it. Buffers that direct access
 * can't take, and what a short transfer left over, go through a buffer of our own.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "image.h"

#define BOUNCE_MAX (256 * KIB)
#define IOV_LIMIT  1024 /* of preadv() */

static size_t bounce_size(const struct disk_file *f, uint64_t length)
{
	size_t n = length < BOUNCE_MAX ? (size_t)length : BOUNCE_MAX;

	return align_up(n, f->align);
}

static void *bounce_buffer(const struct disk_file *f, size_t size)
{
	return aligned_alloc(f->align < sizeof(void *) ? sizeof(void *) : f->align,
			     align_up(size, sizeof(void *)));
}

static ssize_t read_whole(const struct disk_file *f, uint8_t *buf, size_t n, uint64_t offset)
{
	size_t done = 0;
	ssize_t got;

	while (done < n) {
		got = pread(f->fd, buf + done, n - done, (off_t)(offset + done));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		done += (size_t)got;
		/* The end; direct reads can't even ask what is behind an odd one. */
		if (!got || done % f->align)
			break;
	}
	return (ssize_t)done;
}

static int write_whole(const struct disk_file *f, const uint8_t *buf, size_t n, uint64_t offset)
{
	size_t done = 0;
	ssize_t put;

	while (done < n) {
		put = pwrite(f->fd, buf + done, n - done, (off_t)(offset + done));
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		if (!put || (done + (size_t)put) % f->align)
			return -EIO;
		done += (size_t)put;
	}
	return 0;
}

/* What is left of a read after its first `done` bytes. */
static ssize_t read_bounced(const struct disk_file *f, const struct iovec *iov, unsigned n,
			    uint64_t offset, uint64_t length, uint64_t done)
{
	size_t room = bounce_size(f, length - done);
	uint8_t *buf = bounce_buffer(f, room);
	ssize_t got = buf ? 0 : -ENOMEM;

	while (buf && done < length) {
		size_t want = room < length - done ? room : length - done;

		got = read_whole(f, buf, want, offset + done);
		if (got <= 0)
			break;
		iov_scatter(iov, n, done, buf, (size_t)got);
		done += (size_t)got;
		if ((size_t)got < want)
			break;
	}
	free(buf);
	return got < 0 ? got : (ssize_t)done;
}

static int write_bounced(const struct disk_file *f, const struct iovec *iov, unsigned n,
			 uint64_t offset, uint64_t length, uint64_t done)
{
	size_t room = bounce_size(f, length - done);
	uint8_t *buf = bounce_buffer(f, room);
	int ret = buf ? 0 : -ENOMEM;

	while (!ret && done < length) {
		size_t part = room < length - done ? room : length - done;

		iov_gather(iov, n, done, buf, part);
		ret = write_whole(f, buf, part, offset + done);
		done += part;
	}
	free(buf);
	return ret;
}

ssize_t disk_file_read(const struct disk_file *f, const struct iovec *iov, unsigned n,
		       uint64_t offset, uint64_t length)
{
	ssize_t got = 0;

	if (!length)
		return 0;
	if (iov_aligned(iov, n, f->align)) {
		got = preadv(f->fd, iov, n < IOV_LIMIT ? (int)n : IOV_LIMIT, (off_t)offset);
		if (got < 0 && errno != EINTR)
			return -errno;
		if (got < 0)
			got = 0;
		if ((uint64_t)got == length || (size_t)got % f->align)
			return got;
	}
	return read_bounced(f, iov, n, offset, length, (uint64_t)got);
}

int disk_file_write(const struct disk_file *f, const struct iovec *iov, unsigned n, uint64_t offset,
		    uint64_t length)
{
	ssize_t put = 0;

	if (!length)
		return 0;
	if (iov_aligned(iov, n, f->align)) {
		put = pwritev(f->fd, iov, n < IOV_LIMIT ? (int)n : IOV_LIMIT, (off_t)offset);
		if (put < 0 && errno != EINTR)
			return -errno;
		if (put < 0)
			put = 0;
		if ((uint64_t)put == length)
			return 0;
		if ((size_t)put % f->align)
			return -EIO;
	}
	return write_bounced(f, iov, n, offset, length, (uint64_t)put);
}

ssize_t disk_file_read_at(const struct disk_file *f, void *buf, size_t n, uint64_t offset)
{
	struct iovec iov = {buf, n};

	return disk_file_read(f, &iov, 1, offset, n);
}

int disk_file_write_at(const struct disk_file *f, const void *buf, size_t n, uint64_t offset)
{
	struct iovec iov = {.iov_len = n};

	/* An iovec has no const. */
	memcpy((void *)&iov.iov_base, (const void *)&buf, sizeof(buf));
	return disk_file_write(f, &iov, 1, offset, n);
}

int disk_file_flush(const struct disk_file *f)
{
	return fdatasync(f->fd) ? -errno : 0;
}

void disk_flushes_init(struct disk_flushes *s)
{
	pthread_mutex_init(&s->lock, NULL);
	s->lost = 0;
}

void disk_flushes_destroy(struct disk_flushes *s)
{
	pthread_mutex_destroy(&s->lock);
}

int disk_flushes_flush(struct disk_flushes *s, const struct disk_file *f, bool *first)
{
	bool before;
	int ret;

	pthread_mutex_lock(&s->lock);
	before = s->lost;
	if (!before)
		s->lost = disk_file_flush(f);
	ret = s->lost;
	pthread_mutex_unlock(&s->lock);
	if (first)
		*first = ret && !before;
	return ret;
}

/* ---- without data ---------------------------------------------------------------------------- */

static int allocate(const struct disk_file *f, int mode, uint64_t offset, uint64_t length)
{
	int ret;

	do
		ret = fallocate(f->fd, mode | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)length);
	while (ret && errno == EINTR);
	return ret ? -errno : 0;
}

int disk_file_discard(const struct disk_file *f, uint64_t offset, uint64_t length)
{
	uint64_t range[2] = {offset, length};

	if (!f->device)
		return allocate(f, FALLOC_FL_PUNCH_HOLE, offset, length);
	return ioctl(f->fd, BLKDISCARD, range) ? -errno : 0;
}

static int write_zeros(const struct disk_file *f, uint64_t offset, uint64_t length)
{
	size_t room = bounce_size(f, length), i;
	uint8_t *zeros = bounce_buffer(f, room);
	int ret = zeros ? 0 : -ENOMEM;

	for (i = 0; zeros && i < room; i++)
		zeros[i] = 0;
	while (!ret && length) {
		size_t part = room < length ? room : (size_t)length;

		ret = write_whole(f, zeros, part, offset);
		offset += part;
		length -= part;
	}
	free(zeros);
	return ret;
}

/* A hole reads as zeros; a device that can't unmap has the zeros written by its kernel. */
int disk_file_zeroes(const struct disk_file *f, uint64_t offset, uint64_t length, bool unmap)
{
	int ret = -EOPNOTSUPP;

	if (unmap)
		ret = allocate(f, FALLOC_FL_PUNCH_HOLE, offset, length);
	if (ret == -EOPNOTSUPP)
		ret = allocate(f, FALLOC_FL_ZERO_RANGE, offset, length);
	return ret == -EOPNOTSUPP ? write_zeros(f, offset, length) : ret;
}
