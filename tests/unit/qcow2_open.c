/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* qcow2: images that are not opened, or not written to, and what a user is told about them. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../disk/qcow2.h"
#include "calls.h"
#include "qcow2_model.h"

/* The image of these commands is refused, with these words. */
static void expect_refused(const char *commands, bool readonly, int error, const char *words)
{
	struct disk_options opt = {.format = DISK_QCOW2, .readonly = readonly};
	struct disk_image *image;
	struct error err = {0};
	struct images i;

	images_make(&i, NULL);
	folder_run(i.folder, commands);
	opt.path = i.path;
	cr_expect_eq(disk_image_open(&image, &opt, NULL, &err), -error, "%s", err.text);
	cr_expect(strstr(err.text, words), "%s", err.text);
	cr_expect(strstr(err.text, i.path), "%s", err.text);
	images_remove(&i);
}

#define CREATE "qemu-img create -q -f qcow2 "
/* Bytes of the image, as printf(1) wants them, over those at an offset. */
#define POKE(offset, bytes)                                               \
	" && printf '" bytes "' | dd of=image.qcow2 bs=1 seek=$((" offset \
	")) conv=notrunc status=none"

Test(qcow2_open, marked_images)
{
	expect_refused(
		CREATE "image.qcow2 1M" POKE("79", "\\1"), false, EIO,
		"was not closed, and its reference counts are not up to date; repair it with: "
		"qemu-img check -r all");
	expect_refused(CREATE "image.qcow2 1M" POKE("79", "\\2"), false, EIO,
		       "marked as corrupt; repair it with: qemu-img check -r all");
}

Test(qcow2_open, marked_images_can_be_read)
{
	struct images i;

	images_make(&i, "image.qcow2 1M");
	folder_run(i.folder, "true" POKE("79", "\\3"));
	image_close(image_open(i.path, true));
	images_remove(&i);
}

Test(qcow2_open, features)
{
	expect_refused(CREATE "-o data_file=data.raw image.qcow2 1M", true, ENOTSUP,
		       "external data file");
	expect_refused(CREATE "-o extended_l2=on,cluster_size=128k image.qcow2 1M", true, ENOTSUP,
		       "extended L2 entries");
	expect_refused("echo hello >image.qcow2", true, EINVAL, "no qcow2 image");
}

Test(qcow2_open, copied_in_part)
{
	expect_refused(CREATE "image.qcow2 1M && truncate -s 64K image.qcow2", true, EINVAL,
		       "was it copied whole?");
}

/* As a host's disk of 4 KiB sectors has it. */
static ssize_t pread_of_4k(int fd, void *buf, size_t size, off_t at)
{
	if (!((size | (size_t)at) % 4096))
		return kernel_calls.pread(fd, buf, size, at);
	errno = EINVAL;
	return -1;
}

Test(qcow2_open, a_disk_of_nothing)
{
	struct disk_options opt = {.format = DISK_QCOW2};
	struct disk_image *image;
	struct error err = {0};
	struct images i;

	images_make(&i, "image.qcow2 0");
	opt.path = i.path;
	cr_assert_eq(disk_image_open(&image, &opt, NULL, &err), -EINVAL, "%s", err.text);
	cr_expect(strstr(err.text, "image.qcow2: it is empty"), "%s", err.text);
	images_remove(&i);
}

/* As of a raw image: what a guest of such a disk would not see, it would not miss either. */
Test(qcow2_open, direct_with_an_odd_end)
{
	struct disk_options opt = {.format = DISK_QCOW2, .direct = true};
	struct disk_image *image;
	struct error err = {0};
	struct images i;

	images_make(&i, "image.qcow2 1050112");
	opt.path = i.path;
	calls.pread = pread_of_4k;
	cr_assert_eq(disk_image_open(&image, &opt, NULL, &err), -EINVAL, "%s", err.text);
	cr_expect(strstr(err.text, "1050112 bytes, is no multiple of 4096"), "%s", err.text);
	cr_expect(strstr(err.text, "leave out 'direct'"), "%s", err.text);
	images_remove(&i);
}

/* 0x30000 is the L1 table, 0x10000 the refcount table, of which the first entry is 0x20000. */
Test(qcow2_open, tables_in_one_place)
{
	expect_refused(CREATE "image.qcow2 1M" POKE("0x30000", "\\200\\0\\0\\0\\0\\1\\0\\0"), false,
		       EINVAL, "two of its tables share the cluster at 0x10000");
	expect_refused(CREATE "image.qcow2 1M" POKE("0x30000", "\\200\\0\\0\\0\\0\\0\\0\\0"), false,
		       EINVAL, "entry 0 of its L1 table is 0x8000000000000000");
	expect_refused(CREATE "image.qcow2 1M" POKE("0x10006", "\\2"), false, EINVAL,
		       "entry 0 of its refcount table is 0x20200");
	expect_refused(CREATE "image.qcow2 1M && qemu-img snapshot -c one image.qcow2" POKE(
			       "0x50008", "\\377"),
		       false, EINVAL, "entry 0 of its snapshot table");
}

/* ---- chains ---------------------------------------------------------------------------------- */

Test(qcow2_open, backing_files_that_are_refused)
{
	expect_refused("truncate -s 1M b.raw && " CREATE "-b b.raw -F raw image.qcow2 && "
		       "rm b.raw",
		       false, ENOENT, "b.raw");
	expect_refused("truncate -s 1M b.raw && " CREATE "-o compat=0.10 -b b.raw -F raw "
		       "image.qcow2" POKE("72", "\\0\\0\\0\\0"),
		       false, EINVAL, "does not say what format its backing file b.raw has");
	expect_refused("qemu-img create -q -f vmdk b.vmdk 1M && " CREATE "-b b.vmdk -F vmdk "
		       "image.qcow2",
		       false, ENOTSUP, "format is 'vmdk', not raw or qcow2");
	expect_refused(CREATE "b.qcow2 1M && " CREATE "-b b.qcow2 -F qcow2 image.qcow2 && "
			      "qemu-img rebase -u -b image.qcow2 -F qcow2 b.qcow2",
		       true, ELOOP, "behind itself");
}

Test(qcow2_open, chains_end)
{
	expect_refused(CREATE "0 1M && for n in $(seq 33); do " CREATE
			      "-u -b $((n - 1)) -F qcow2 $n 1M; done && mv 33 image.qcow2",
		       true, ELOOP, "more than 32 images are behind each other");
}

/* By a name that is relative to the image, wherever the process is. */
Test(qcow2_open, chains_of_three)
{
	struct disk_image *image;
	uint8_t found[3 * 512];
	struct images i;

	images_make(&i, NULL);
	folder_run(i.folder,
		   "mkdir sub && printf 'bottom' >sub/b.raw && truncate -s 1K sub/b.raw && " CREATE
		   "-b b.raw -F raw sub/m.qcow2 2K && "
		   "qemu-io -f qcow2 -c 'write -q -P 77 1k 512' sub/m.qcow2 && " CREATE
		   "-b sub/m.qcow2 -F qcow2 image.qcow2 1M");
	image = image_open(i.path, false);
	cr_assert_eq(image_read(image, found, 0, sizeof(found)), 0);
	cr_assert(!memcmp(found, "bottom", 6));
	cr_assert_eq(found[1024], 77);
	cr_assert_eq(image_read(image, found, MIB - 512, 512), 0);
	cr_assert_eq(found[511], 0, "behind the end of the others");
	image_close(image);
	images_remove(&i);
}

Test(qcow2_open, backing_paths)
{
	static const char *const expected[][3] = {
		{"image", "base", "base"},
		{"/a/b/image", "base", "/a/b/base"},
		{"a/image", "../base", "a/../base"},
		{"/a/image", "/base", "/base"},
	};
	char *path;

	for (unsigned k = 0; k < ARRAY_SIZE(expected); k++) {
		path = qcow2_backing_path(expected[k][0], expected[k][1]);
		cr_expect_str_eq(path, expected[k][2]);
		free(path);
	}
}

/* ---- what turns out to be wrong later -------------------------------------------------------- */

static uint64_t incompatible(const struct images *i)
{
	uint8_t head[80];
	FILE *f = fopen(i->path, "r");

	cr_assert_eq(fread(head, 1, sizeof(head), f), sizeof(head));
	fclose(f);
	return qcow2_be64(head + QCOW2_INCOMPATIBLE_FEATURES);
}

/* Commands leave an image of which a write of one sector is refused; then it is marked. */
static void expect_corrupt(const char *commands)
{
	struct disk_image *image;
	uint8_t sector[512] = {1};
	struct images i;

	images_make(&i, NULL);
	folder_run(i.folder, commands);
	image = image_open(i.path, false);
	cr_expect_eq(image_write(image, sector, 0, sizeof(sector)), -EIO);
	cr_expect_eq(image_write(image, sector, 128 * KIB, sizeof(sector)), -EIO,
		     "no more of them");
	cr_expect_eq(image->driver->flush(image), -EIO);
	cr_expect_eq(disk_image_close(image), -EIO);
	cr_expect_eq(incompatible(&i), QCOW2_CORRUPT, "%s", commands);
	images_remove(&i);
}

#define WRITTEN CREATE "image.qcow2 1M && qemu-io -f qcow2 -c 'write -q 0 64k' image.qcow2"

/* 0x40000 is the L2 table, 0x50000 the data, 0x20000 the refcount block. */
Test(qcow2_open, an_l2_entry_that_leads_to_metadata)
{
	expect_corrupt(WRITTEN POKE("0x40000", "\\200\\0\\0\\0\\0\\3\\0\\0"));
	expect_corrupt(WRITTEN POKE("0x40000", "\\200\\0\\0\\0\\0\\0\\0\\0"));
	expect_corrupt(WRITTEN POKE("0x40000", "\\200\\0\\0\\0\\77\\0\\0\\0"));
	expect_corrupt(WRITTEN POKE("0x40000", "\\200\\0\\0\\0\\0\\5\\2\\0"));
}

Test(qcow2_open, a_table_that_is_counted_as_free)
{
	expect_corrupt(CREATE "image.qcow2 1M" POKE("0x20002", "\\0\\0"));
}

Test(qcow2_open, data_that_is_counted_as_free)
{
	struct disk_image *image;
	struct images i;

	images_make(&i, NULL);
	folder_run(i.folder, WRITTEN POKE("0x2000a", "\\0\\0"));
	image = image_open(i.path, false);
	cr_expect_eq(image->driver->discard(image, 0, 64 * KIB), 0);
	cr_expect_eq(image->driver->flush(image), -EIO, "when it would be freed");
	cr_expect_eq(disk_image_close(image), -EIO);
	cr_expect_eq(incompatible(&i), QCOW2_CORRUPT);
	images_remove(&i);
}

/* An L2 table is where the refcount table grows to, behind the 4096 clusters that are counted. */
Test(qcow2_open, a_table_that_is_not_counted)
{
	static uint8_t data[2 * MIB];
	struct disk_image *image;
	uint8_t sector[512];
	struct images i;

	images_make(&i, NULL);
	folder_run(i.folder, CREATE
		   "-o cluster_size=512,refcount_bits=64 image.qcow2 4M && "
		   "truncate -s 2112K image.qcow2" POKE("0x9f8", "\\200\\0\\0\\0\\0\\40\\0\\0")
			   POKE("0x200007", "\\1"));
	image = image_open(i.path, false);
	cr_expect_eq(image_write(image, data, 0, sizeof(data)), -EIO);
	cr_expect_eq(image_read(image, sector, 4 * MIB - 32 * KIB, sizeof(sector)), 0);
	cr_expect_arr_eq(sector, data, sizeof(sector));
	cr_expect_eq(disk_image_close(image), -EIO);
	cr_expect_eq(incompatible(&i), QCOW2_CORRUPT);
	images_remove(&i);
}

/* A read that fails does no more than that, where nothing may be written. */
Test(qcow2_open, a_read_of_nonsense)
{
	struct disk_image *image;
	uint8_t sector[512];
	struct images i;

	images_make(&i, NULL);
	folder_run(i.folder, WRITTEN POKE("0x40000", "\\200\\0\\0\\0\\77\\0\\0\\0"));
	image = image_open(i.path, true);
	cr_expect_eq(image_read(image, sector, 0, sizeof(sector)), -EIO);
	cr_expect_eq(image_read(image, sector, 64 * KIB, sizeof(sector)), 0);
	image_close(image);
	cr_expect_eq(incompatible(&i), 0);
	images_remove(&i);
}

/* Bitmaps and the like are not kept up to date here, so they are no more what they were. */
Test(qcow2_open, autoclear_features)
{
	struct images i;
	uint8_t head[96];
	FILE *f;

	images_make(&i, "image.qcow2 1M");
	folder_run(i.folder, "true" POKE("95", "\\4"));
	image_close(image_open(i.path, false));
	f = fopen(i.path, "r");
	cr_assert_eq(fread(head, 1, sizeof(head), f), sizeof(head));
	cr_assert_eq(qcow2_be64(head + QCOW2_AUTOCLEAR_FEATURES), 0);
	fclose(f);
	images_remove(&i);
}
