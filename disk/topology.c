/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* How a file or device is best written to (the kernel's Documentation/ABI/stable/sysfs-block). */
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "image.h"

/* Files are written in blocks of their filesystem, but nothing is gained by telling of more. */
#define FILE_BLOCK_MAX 4096

/* A number in the queue's folder, which a partition has not; 0: there is none. */
static unsigned queue_number(const struct disk_file *f, const char *where, const char *name)
{
	unsigned n = 0;
	char path[96];
	FILE *file;

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/%squeue/%s", major(f->dev),
		 minor(f->dev), where, name);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fscanf(file, "%u", &n) != 1)
		n = 0;
	fclose(file);
	return n;
}

static void device_topology(const struct disk_file *f, struct disk_topology *t)
{
	int misplaced;

	if (ioctl(f->fd, BLKPBSZGET, &t->physical))
		t->physical = 0;
	/* -1: there is none that would fit all devices behind it. */
	if (!ioctl(f->fd, BLKALIGNOFF, &misplaced) && misplaced > 0)
		t->misplaced = (unsigned)misplaced;
	if (ioctl(f->fd, BLKIOMIN, &t->io_min))
		t->io_min = 0;
	if (ioctl(f->fd, BLKIOOPT, &t->io_opt))
		t->io_opt = 0;
	t->discard = queue_number(f, "", "discard_granularity");
	if (!t->discard)
		t->discard = queue_number(f, "../", "discard_granularity");
}

void disk_file_topology(const struct disk_file *f, struct disk_topology *t)
{
	struct stat st;

	*t = (struct disk_topology){0};
	if (f->device) {
		device_topology(f, t);
		return;
	}
	if (fstat(f->fd, &st) || st.st_blksize <= 0)
		return;
	t->physical = st.st_blksize < FILE_BLOCK_MAX ? (unsigned)st.st_blksize : FILE_BLOCK_MAX;
	t->discard = t->io_min = t->physical;
}
