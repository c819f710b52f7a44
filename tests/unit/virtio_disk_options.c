/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* What is behind -d. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "virtio.h"

static struct virtio_disk_options parse(const char *text)
{
	static char copy[256];
	struct virtio_disk_options opt;
	struct error err = {0};

	snprintf(copy, sizeof(copy), "%s", text);
	cr_assert_eq(virtio_parse_disk(copy, &opt, &err), 0, "%s", err.text);
	return opt;
}

Test(virtio_disk_options, a_path_alone_is_a_disk)
{
	struct virtio_disk_options opt = parse("/some/where.img");

	cr_assert_str_eq(opt.image.path, "/some/where.img");
	cr_assert_eq(opt.image.format, DISK_AUTO);
	cr_assert_eq(opt.image.engine, DISK_ENGINE_AUTO);
	cr_assert(!opt.image.readonly && !opt.image.direct);
	cr_assert(opt.queues == 1 && !opt.iops && !opt.bps);
}

Test(virtio_disk_options, all_of_them_in_any_order)
{
	struct virtio_disk_options opt =
		parse("a.img,bps=10M,queues=4,direct,aio=libaio,iops=500,format=qcow2,ro");

	cr_assert_str_eq(opt.image.path, "a.img");
	cr_assert_eq(opt.image.format, DISK_QCOW2);
	cr_assert_eq(opt.image.engine, DISK_LIBAIO);
	cr_assert(opt.image.readonly && opt.image.direct);
	cr_assert(opt.queues == 4 && opt.iops == 500 && opt.bps == 10 * MIB);
}

Test(virtio_disk_options, words_are_their_enums)
{
	cr_assert_eq(parse("a,format=auto").image.format, DISK_AUTO);
	cr_assert_eq(parse("a,format=raw").image.format, DISK_RAW);
	cr_assert_eq(parse("a,aio=auto").image.engine, DISK_ENGINE_AUTO);
	cr_assert_eq(parse("a,aio=io_uring").image.engine, DISK_IO_URING);
	cr_assert_eq(parse("a,aio=threads").image.engine, DISK_THREADS);
}

Test(virtio_disk_options, what_is_none_is_named)
{
	static const char *const bad[] = {
		"rw",	    "",		  "format=vmdk", "format=",  "aio=posix",
		"queues=0", "queues=17",  "queues=",	 "iops=0",   "iops=x",
		"bps=0",    "bps=99999T", "ro ",	 "readonly",
	};
	struct virtio_disk_options opt;
	struct error err;
	char text[64], what[64];
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(text, sizeof(text), "a.img,%s", bad[i]);
		snprintf(what, sizeof(what), "-d a.img: what is '%s'?", bad[i]);
		cr_assert_eq(virtio_parse_disk(text, &opt, &err), -EINVAL, "%s", bad[i]);
		cr_assert(strstr(err.text, what), "%s", err.text);
		cr_assert(strstr(err.text, VIRTIO_DISK_SYNTAX), "%s", err.text);
	}
}

Test(virtio_disk_options, no_path_is_an_error)
{
	struct virtio_disk_options opt;
	struct error err;
	char text[] = ",ro";

	cr_assert_eq(virtio_parse_disk(text, &opt, &err), -EINVAL);
	cr_assert(strstr(err.text, "no image"), "%s", err.text);
}
