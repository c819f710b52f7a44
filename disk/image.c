/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Images: a file, and the driver that knows its format. */
#include "image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const struct disk_driver *const drivers[] = {
	[DISK_RAW] = &disk_raw, [DISK_QCOW2] = &disk_qcow2};

const struct disk_driver *disk_image_probe(const void *head, size_t n)
{
	unsigned i;

	for (i = DISK_RAW + 1; i < ARRAY_SIZE(drivers); i++)
		if (drivers[i]->probe(head, n))
			return drivers[i];
	return &disk_raw;
}

/* What the file begins with; direct reads come in their own size. */
static ssize_t read_head(const struct disk_file *f, uint8_t head[DISK_HEAD])
{
	size_t size = align_up(DISK_HEAD, f->align);
	uint8_t *buf = malloc(size);
	ssize_t n = buf ? disk_file_read_at(f, buf, size, 0) : -ENOMEM;

	if (n > DISK_HEAD)
		n = DISK_HEAD;
	if (n > 0)
		memcpy(head, buf, (size_t)n);
	free(buf);
	return n;
}

/* See disk_image_open(). */
static int choose_by_head(struct disk_image *image, struct error *err)
{
	const struct disk_file *f = &image->file;
	const struct disk_driver *driver;
	uint8_t head[DISK_HEAD];
	ssize_t n = read_head(f, head);

	if (n < 0)
		return fail(err, (int)-n, "disk %s: %s", f->path, strerror((int)-n));
	driver = disk_image_probe(head, (size_t)n);
	image->driver = driver;
	image->guarded = driver == &disk_raw && !f->readonly;
	if (driver == &disk_raw)
		return 0;
	if (f->readonly && driver->names_files && !driver->names_files(head, (size_t)n))
		return 0;
	return fail(err, EINVAL,
		    "disk %s: it begins like a %s image, which a guest may have written there to "
		    "read files of the host; if it is one, say format=%s, else format=raw",
		    f->path, driver->name, driver->name);
}

static int choose_driver(struct disk_image *image, enum disk_format format, struct error *err)
{
	if (format == DISK_AUTO)
		return choose_by_head(image, err);
	image->driver = drivers[format];
	return 0;
}

/* Before it is locked, which would only say that we have it ourselves. */
static int check_chain(const char *path, const struct disk_image *above, struct error *err)
{
	struct stat st;

	/* What is missing is said when it is opened. */
	if (stat(path, &st))
		return 0;
	for (; above; above = above->above)
		if (!above->file.device && above->file.dev == st.st_dev &&
		    above->file.ino == st.st_ino)
			return fail(err, ELOOP,
				    "disk %s: it is behind itself: its chain of backing images "
				    "comes back to %s",
				    above->file.path, path);
	return 0;
}

static int open_driver(struct disk_image *image, enum disk_format format, struct error *err)
{
	int ret = choose_driver(image, format, err);

	ret = ret ?: image->driver->open(image, err);
	if (ret)
		disk_file_close(&image->file);
	return ret;
}

int disk_image_open(struct disk_image **out, const struct disk_options *opt,
		    const struct disk_image *above, struct error *err)
{
	struct disk_image *image = calloc(1, sizeof(*image));
	int ret;

	*out = NULL;
	if (!image)
		return fail(err, ENOMEM, "disk %s: out of memory", opt->path);
	image->above = above;
	ret = check_chain(opt->path, above, err);
	ret = ret ?: disk_file_open(&image->file, opt->path, opt->readonly, opt->direct, err);
	ret = ret ?: open_driver(image, opt->format, err);
	if (ret)
		free(image);
	else
		*out = image;
	return ret;
}

int disk_image_close(struct disk_image *image)
{
	int ret;

	if (!image)
		return 0;
	ret = image->driver->close(image);
	disk_file_close(&image->file);
	free(image);
	return ret;
}
