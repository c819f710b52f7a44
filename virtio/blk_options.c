/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* What is behind -d. */
#include <errno.h>
#include <string.h>

#include "rate.h"
#include "virtio.h"

/* In the order of their enums. */
static int parse_choice(const char *word, struct disk_options *image)
{
	static const char *const formats[] = {"auto", "raw", "qcow2"};
	static const char *const engines[] = {"auto", "io_uring", "libaio", "threads"};
	const char *value;
	int i = -EINVAL;

	if ((value = parse_after(word, "format="))) {
		i = parse_one_of(value, formats, ARRAY_SIZE(formats));
		if (i >= 0)
			image->format = (enum disk_format)i;
	} else if ((value = parse_after(word, "aio="))) {
		i = parse_one_of(value, engines, ARRAY_SIZE(engines));
		if (i >= 0)
			image->engine = (enum disk_engine)i;
	}
	return i;
}

static int parse_number(const char *word, struct virtio_disk_options *opt)
{
	const char *value;
	uint64_t n;

	if ((value = parse_after(word, "queues="))) {
		if (parse_u64(value, &n) || !n || n > VIRTIO_QUEUES_MAX)
			return -EINVAL;
		opt->queues = (unsigned)n;
	} else if ((value = parse_after(word, "iops="))) {
		if (parse_u64(value, &n) || !n || n > RATE_MAX)
			return -EINVAL;
		opt->iops = n;
	} else if ((value = parse_after(word, "bps="))) {
		if (parse_size(value, &n) || !n || n > RATE_MAX)
			return -EINVAL;
		opt->bps = n;
	} else {
		return -EINVAL;
	}
	return 0;
}

static int parse_word(const char *word, struct virtio_disk_options *opt)
{
	if (!strcmp(word, "ro"))
		opt->image.readonly = true;
	else if (!strcmp(word, "direct"))
		opt->image.direct = true;
	else if (parse_choice(word, &opt->image) < 0)
		return parse_number(word, opt);
	return 0;
}

int virtio_parse_disk(char *text, struct virtio_disk_options *opt, struct error *err)
{
	char *word;

	*opt = (struct virtio_disk_options){.queues = 1};
	opt->image.path = strsep(&text, ",");
	if (!*opt->image.path)
		return fail(err, EINVAL, "-d: no image; it is %s", VIRTIO_DISK_SYNTAX);
	while ((word = strsep(&text, ",")))
		if (parse_word(word, opt))
			return fail(err, EINVAL, "-d %s: what is '%s'? It is %s", opt->image.path,
				    word, VIRTIO_DISK_SYNTAX);
	return 0;
}
