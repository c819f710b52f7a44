/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Disks: an image, and how it is to be read and written. */
#include "engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int check_engine(const struct disk_options *opt, const struct disk_image *image,
			struct error *err)
{
	if (image->driver != &disk_raw && opt->engine != DISK_ENGINE_AUTO &&
	    opt->engine != DISK_THREADS)
		return fail(err, EINVAL,
			    "disk %s: a %s image is read and written by threads; leave out 'aio'",
			    opt->path, image->driver->name);
	if (opt->engine == DISK_LIBAIO && !opt->direct)
		return fail(err, EINVAL,
			    "disk %s: aio=libaio needs 'direct': through the host's page cache it "
			    "would wait for each request",
			    opt->path);
	return 0;
}

int disk_open(struct disk **out, const struct disk_options *opt, struct error *err)
{
	struct disk *d = calloc(1, sizeof(*d));
	int ret;

	*out = NULL;
	if (!d)
		return fail(err, ENOMEM, "disk %s: out of memory", opt->path);
	d->engine = opt->engine;
	ret = disk_image_open(&d->image, opt, NULL, err);
	ret = ret ?: check_engine(opt, d->image, err);
	if (ret)
		disk_close(d);
	else
		*out = d;
	return ret;
}

void disk_close(struct disk *d)
{
	char path[256];
	int ret;

	if (!d)
		return;
	snprintf(path, sizeof(path), "%s", d->image ? d->image->file.path : "");
	ret = disk_image_close(d->image);
	if (ret)
		warn("disk %s: what was written last may be lost: %s", path, strerror(-ret));
	free(d);
}

void disk_info(const struct disk *d, struct disk_info *info)
{
	const struct disk_image *image = d->image;

	*info = (struct disk_info){.size = image->size,
				   .block = image->block,
				   .readonly = image->file.readonly,
				   .discard = image->discard,
				   .write_zeroes = image->write_zeroes,
				   .topology = image->topology,
				   .format = image->driver->name};
}

int disk_measure(struct disk *d, struct error *err)
{
	struct disk_image *image = d->image;

	if (image->driver->measure)
		return image->driver->measure(image, err);
	return fail(err, ENOTSUP,
		    "disk %s: a %s image has its size in its header; stop the machine, and use: "
		    "qemu-img resize %s SIZE",
		    image->file.path, image->driver->name, image->file.path);
}
