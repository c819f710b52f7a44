/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Formats that nobody named: what a guest can't make of them. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "disk.h"
#include "folder.h"

static char folder[FOLDER_PATH];
static uint8_t *block; /* a header, as an attacker would write it */

static void set_up(void)
{
	folder_make(folder);
	cr_assert_eq(chdir(folder), 0);
	folder_run(folder, "truncate -s 1M raw && echo secret >secret && truncate -s 1M secret");
	block = aligned_alloc(4096, 8192);
	memset(block, 0, 8192);
}

static void tear_down(void)
{
	free(block);
	cr_assert_eq(chdir("/"), 0);
	folder_remove(folder);
}

TestSuite(disk_auto, .init = set_up, .fini = tear_down);

static void have_qemu_img(void)
{
	if (system("command -v qemu-img >/dev/null"))
		cr_skip_test("there is no qemu-img: install qemu-utils");
}

/* `block` becomes what an image begins with. */
static void take_head(const char *path)
{
	int fd = open(path, O_RDONLY);

	cr_assert_eq(pread(fd, block, 4096, 0), 4096);
	close(fd);
}

static const char *opened_as(const struct disk_options *opt, struct error *err)
{
	struct disk_info info = {.format = NULL};
	struct disk *d;

	if (!disk_open(&d, opt, err)) {
		disk_info(d, &info);
		disk_close(d);
	}
	return info.format;
}

static void done(struct disk_request *r, int result)
{
	r->result = result;
}

static int write_head(const struct disk_options *opt, uint64_t offset, size_t length, unsigned cut)
{
	struct iovec iov[] = {{block, cut}, {block + cut, length - cut}};
	struct disk_request r = {.op = DISK_WRITE,
				 .offset = offset,
				 .length = length,
				 .iov = iov,
				 .n_iov = 2,
				 .done = done};
	struct disk_queue *q;
	struct disk *d;

	cr_assert_eq(disk_open(&d, opt, NULL), 0);
	cr_assert_eq(disk_queue_open(d, 4, &q, NULL), 0);
	disk_submit(q, &r);
	disk_queue_close(q);
	disk_close(d);
	return r.result;
}

/* The attack: a guest gives its raw disk a header that names a file of the host. */
Test(disk_auto, a_guest_can_t_make_its_disk_another_one)
{
	static const struct disk_options opt = {.path = "raw"};
	struct error err;

	have_qemu_img();
	folder_run(folder, "qemu-img create -q -f qcow2 -b secret -F raw trap");
	take_head("trap");
	cr_assert_eq(write_head(&opt, 0, 4096, 512), -EPERM);
	cr_assert_eq(write_head(&opt, 0, 512, 2), -EPERM, "the magic in two buffers");
	cr_assert_eq(write_head(&opt, 0, 8192, 6144), -EPERM);
	cr_assert_str_eq(opened_as(&opt, &err), "raw");
	/* Anywhere else these are bytes like others; and so are others there. */
	cr_assert_eq(write_head(&opt, 4096, 4096, 512), 0);
	memset(block, 0x55, 4);
	cr_assert_eq(write_head(&opt, 0, 8192, 512), 0);
	cr_assert_str_eq(opened_as(&opt, &err), "raw");
}

/* Whoever says raw means it; what comes of it is not believed later. */
Test(disk_auto, a_header_in_a_disk_that_is_called_raw_is_not_believed_later)
{
	static const struct disk_options raw = {.path = "raw", .format = DISK_RAW},
					 none = {.path = "raw"},
					 reader = {.path = "raw", .readonly = true};
	struct error err;

	have_qemu_img();
	folder_run(folder, "qemu-img create -q -f qcow2 -b secret -F raw trap");
	take_head("trap");
	cr_assert_eq(write_head(&raw, 0, 4096, 512), 0);
	cr_assert_null(opened_as(&none, &err));
	cr_assert(strstr(err.text, "disk raw: it begins like a qcow2 image"), "%s", err.text);
	cr_assert(strstr(err.text, "say format=qcow2, else format=raw"), "%s", err.text);
	cr_assert_null(opened_as(&reader, &err), "it names a file");
	cr_assert_str_eq(opened_as(&raw, &err), "raw");
}

Test(disk_auto, what_harms_nobody_is_found_out)
{
	struct disk_options opt = {.path = "alone", .readonly = true};
	struct error err = {0};

	have_qemu_img();
	folder_run(folder, "qemu-img create -q -f qcow2 alone 1M");
	cr_assert_str_eq(opened_as(&opt, &err), "qcow2", "%s", err.text);
	opt.readonly = false;
	cr_assert_null(opened_as(&opt, &err));
	cr_assert(strstr(err.text, "format=qcow2"), "%s", err.text);
	opt.format = DISK_QCOW2;
	cr_assert_str_eq(opened_as(&opt, &err), "qcow2", "%s", err.text);
}

Test(disk_auto, named_qcow2_has_to_be_one)
{
	static const struct disk_options opt = {.path = "raw", .format = DISK_QCOW2};
	struct error err;

	cr_assert_null(opened_as(&opt, &err));
	cr_assert(strstr(err.text, "raw"), "%s", err.text);
}

Test(disk_auto, engines_are_for_raw_images)
{
	struct disk_options opt = {.path = "alone", .format = DISK_QCOW2, .engine = DISK_IO_URING};
	struct error err;

	have_qemu_img();
	folder_run(folder, "qemu-img create -q -f qcow2 alone 1M");
	cr_assert_null(opened_as(&opt, &err));
	cr_assert(strstr(err.text, "leave out 'aio'"), "%s", err.text);
	opt.engine = DISK_THREADS;
	cr_assert_str_eq(opened_as(&opt, &err), "qcow2", "%s", err.text);
}
