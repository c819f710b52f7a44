/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* An image's file or block device: opening it, with errors that tell what to do. */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Direct reads and writes come in logical sectors; more than a page no disk has. */
#define ALIGN_MAX 4096

static int fail_open(const struct disk_file *f, int code, struct error *err)
{
	char who[128];

	switch (code) {
	case ENOENT:
		return fail(err, code,
			    "disk %s: there is no such file; make an empty one with: truncate -s "
			    "10G %s",
			    f->path, f->path);
	case EISDIR:
		return fail(err, code,
			    "disk %s: it is a directory; an image is a file or a block device; to "
			    "share a directory use --9p",
			    f->path);
	case EACCES:
	case EPERM:
	case EROFS:
		return fail(err, code, "disk %s: you may not %s it (%s)%s", f->path,
			    f->readonly ? "read" : "write", strerror(code),
			    f->readonly ? "" : "; if reading is enough: -d IMAGE,ro");
	case EBUSY:
		disk_file_process(disk_file_holder(f, false), who, sizeof(who));
		return fail(
			err, code,
			"disk %s: the host uses this device (it is mounted, or part of another, or "
			"opened by %s); give it free first",
			f->path, who);
	case EINVAL:
		if (f->direct)
			return fail(err, code,
				    "disk %s: its filesystem can't pass the page cache; leave out "
				    "'direct'",
				    f->path);
		/* fall through */
	default:
		return fail(err, code, "disk %s: %s", f->path, strerror(code));
	}
}

static int identify(struct disk_file *f, const struct stat *st, struct error *err)
{
	if (S_ISDIR(st->st_mode))
		return fail_open(f, EISDIR, err);
	f->device = S_ISBLK(st->st_mode);
	if (!f->device && !S_ISREG(st->st_mode))
		return fail(err, EINVAL, "disk %s: it is neither a file nor a block device",
			    f->path);
	f->dev = f->device ? st->st_rdev : st->st_dev;
	f->ino = f->device ? 0 : st->st_ino;
	return 0;
}

static int open_it(struct disk_file *f, struct error *err)
{
	int flags = (f->readonly ? O_RDONLY : O_RDWR) | (f->direct ? O_DIRECT : 0);
	struct stat st;
	int ret;

	/* What it is first: opening a tape or a pipe is not without consequences. */
	if (stat(f->path, &st))
		return fail_open(f, errno, err);
	ret = identify(f, &st, err);
	if (ret)
		return ret;
	/* What the host has mounted, it does not give away to be written (O_EXCL). */
	if (f->device && !f->readonly)
		flags |= O_EXCL;
	f->fd = open(f->path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (f->fd < 0)
		return fail_open(f, errno, err);
	/* io_uring takes O_NONBLOCK for a wish to see EAGAIN. */
	if (fcntl(f->fd, F_SETFL, flags & O_DIRECT) || fstat(f->fd, &st))
		return fail_open(f, errno, err);
	return identify(f, &st, err);
}

/* What the kernel wants of direct reads and writes is seen by trying. */
static int probe_align(struct disk_file *f, struct error *err)
{
	void *buf = aligned_alloc(ALIGN_MAX, ALIGN_MAX);
	ssize_t n = -1;

	if (!buf)
		return fail(err, ENOMEM, "disk %s: out of memory", f->path);
	for (f->align = DISK_SECTOR; f->align <= ALIGN_MAX; f->align *= 2) {
		n = pread(f->fd, buf, f->align, 0);
		if (n >= 0 || errno != EINVAL)
			break;
	}
	free(buf);
	return n < 0 ? fail(err, errno, "disk %s: direct: %s", f->path, strerror(errno)) : 0;
}

int disk_file_measure(struct disk_file *f, struct error *err)
{
	struct stat st;

	if (f->device)
		return ioctl(f->fd, BLKGETSIZE64, &f->size) ? fail_open(f, errno, err) : 0;
	if (fstat(f->fd, &st))
		return fail_open(f, errno, err);
	f->size = (uint64_t)st.st_size;
	return 0;
}

static int measure(struct disk_file *f, struct error *err)
{
	int sector, ret = disk_file_measure(f, err);

	if (ret)
		return ret;
	f->align = 1;
	f->sector = DISK_SECTOR;
	if (f->device) {
		if (ioctl(f->fd, BLKSSZGET, &sector))
			return fail_open(f, errno, err);
		f->sector = (unsigned)sector;
	}
	disk_file_topology(f, &f->topology);
	return f->direct ? probe_align(f, err) : 0;
}

int disk_file_open(struct disk_file *f, const char *path, bool readonly, bool direct,
		   struct error *err)
{
	int ret;

	*f = (struct disk_file){.path = path, .fd = -1, .readonly = readonly, .direct = direct};
	ret = open_it(f, err);
	if (f->fd < 0)
		return ret;
	ret = ret ?: disk_file_lock(f, err);
	ret = ret ?: measure(f, err);
	if (ret)
		disk_file_close(f);
	return ret;
}

void disk_file_close(struct disk_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}
