/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* qcow2: writes that the host refuses are errors for the guest, and leave a sound image. */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "calls.h"
#include "qcow2_model.h"

#define DISK (2 * MIB)

static struct {
	uint64_t state;
	unsigned one_in; /* so many writes fails; 0: none */
} host;

/* No space: for a write as a whole, or for its second half. */
static ssize_t full_pwritev(int fd, const struct iovec *iov, int n, off_t at)
{
	if (!host.one_in || random_next(&host.state) % host.one_in)
		return kernel_calls.pwritev(fd, iov, n, at);
	if (n > 1)
		kernel_calls.pwritev(fd, iov, n / 2, at);
	errno = ENOSPC;
	return -1;
}

/* The image has it, or what was there before; that it can be read is what counts. */
static void settle(const struct op *o, struct disk_image *image, struct disk_model *m)
{
	cr_assert_eq(image_read(image, m->bytes + o->offset, o->offset, o->length), 0);
}

static int op_try(const struct op *o, struct disk_image *image, struct disk_model *m)
{
	const struct disk_driver *driver = image->driver;
	int r = 0;

	if (o->kind == OP_WRITE) {
		op_model(o, m);
		r = image_write(image, m->bytes + o->offset, o->offset, o->length);
	} else if (o->kind == OP_DISCARD) {
		r = driver->discard(image, o->offset, o->length);
	} else if (o->kind == OP_FLUSH) {
		r = driver->flush(image);
	} else {
		r = driver->write_zeroes(image, o->offset, o->length, o->kind == OP_ZERO_UNMAP);
	}
	if (o->kind != OP_FLUSH)
		settle(o, image, m);
	return r;
}

static void try(const char *create)
{
	struct disk_model m = {calloc(1, DISK), DISK, 512, false};
	struct disk_image *image;
	unsigned failed = 0;
	struct images i;
	struct op o;
	uint8_t *found;
	uint64_t seed = 1;
	int r;

	images_make(&i, create);
	image = image_open(i.path, false);
	calls.pwritev = full_pwritev;
	for (unsigned k = 0; k < 600; k++) {
		o = op_random(&seed, m.size, 64 * KIB);
		host.one_in = k % 100 < 50 ? 4 : 0;
		r = op_try(&o, image, &m);
		cr_assert(!r || (host.one_in && r == -ENOSPC), "%d: %s", o.kind, strerror(-r));
		failed += r != 0;
	}
	cr_assert_gt(failed, 20, "%u", failed);
	image_close(image);
	cr_assert_neq(images_check(&i, "image.qcow2"), 2);
	found = images_convert(&i, "image.qcow2", m.size);
	cr_assert(!memcmp(found, m.bytes, m.size), "what QEMU reads");
	free(found);
	free(m.bytes);
	images_remove(&i);
}

Test(qcow2_errors, no_space_small_clusters)
{
	try("-o cluster_size=512 image.qcow2 2M");
}

Test(qcow2_errors, no_space)
{
	try("image.qcow2 2M");
}

static ssize_t none_pwritev(int fd, const struct iovec *iov, int n, off_t at)
{
	(void)fd, (void)iov, (void)n, (void)at;
	errno = ENOSPC;
	return -1;
}

/* The last cluster of the file is not whole: what it lacks is zeros before the failure and after.
 */
Test(qcow2_errors, a_write_that_failed_takes_nothing_with_it)
{
	uint8_t sector[512] = {1}, none[512] = {0};
	struct disk_image *image;
	struct images i;

	images_make(&i, "image.qcow2 2M");
	image = image_open(i.path, false);
	cr_assert_eq(image_write(image, sector, 0, sizeof(sector)), 0);
	calls.pwritev = none_pwritev;
	cr_assert_eq(image_write(image, sector, 32 * KIB, sizeof(sector)), -ENOSPC);
	calls.pwritev = kernel_calls.pwritev;
	cr_assert_eq(image_read(image, sector, 4 * KIB, sizeof(sector)), 0);
	cr_assert_arr_eq(sector, none, sizeof(sector));
	image_close(image);
	images_remove(&i);
}

/* After a flush that failed nobody knows what the disk has: none of the next ones succeeds. */
static int failing_fdatasync(int fd)
{
	(void)fd;
	errno = EIO;
	return -1;
}

Test(qcow2_errors, a_failed_flush)
{
	uint8_t sector[512] = {1};
	struct disk_image *image;
	struct images i;

	images_make(&i, "image.qcow2 2M");
	image = image_open(i.path, false);
	cr_assert_eq(image_write(image, sector, 0, sizeof(sector)), 0);
	calls.fdatasync = failing_fdatasync;
	cr_assert_eq(image->driver->flush(image), -EIO);
	calls.fdatasync = kernel_calls.fdatasync;
	cr_assert_eq(image->driver->flush(image), -EIO);
	cr_assert_eq(image_write(image, sector, MIB, sizeof(sector)), -EIO);
	cr_assert_eq(image_read(image, sector, 0, sizeof(sector)), 0);
	cr_assert_eq(sector[0], 1);
	cr_assert_eq(disk_image_close(image), -EIO);
	images_remove(&i);
}

static struct {
	struct disk_image *image;
	pthread_t thread;
	_Atomic int id;
	_Atomic bool ended;
	int result;
	_Atomic unsigned flushes; /* of the file */
} second;

static void *flush_second(void *unused)
{
	atomic_store(&second.id, gettid());
	second.result = second.image->driver->flush(second.image);
	atomic_store(&second.ended, true);
	return unused;
}

/* Does the second thread wait for something? */
static bool second_waits(void)
{
	char path[64], text[512], *state;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", atomic_load(&second.id));
	if (read_file(path, text, sizeof(text)))
		return false;
	state = strrchr(text, ')');
	return state && state[2] == 'S';
}

/* As the kernel does it: what could not be written back is told of once; and here the next one has
 * asked before the first hears of it. */
static int told_once_fdatasync(int fd)
{
	(void)fd;
	if (atomic_fetch_add(&second.flushes, 1))
		return 0;
	cr_assert_eq(pthread_create(&second.thread, NULL, flush_second, NULL), 0);
	while (!atomic_load(&second.ended) && !second_waits())
		usleep(100);
	errno = EIO;
	return -1;
}

Test(qcow2_errors, of_two_flushes_neither_succeeds_if_one_fails, .timeout = 60)
{
	uint8_t sector[512] = {1};
	struct images i;

	images_make(&i, "image.qcow2 2M");
	second.image = image_open(i.path, false);
	cr_assert_eq(image_write(second.image, sector, 0, sizeof(sector)), 0);
	calls.fdatasync = told_once_fdatasync;
	cr_assert_eq(second.image->driver->flush(second.image), -EIO);
	pthread_join(second.thread, NULL);
	cr_assert_eq(second.result, -EIO, "%d", second.result);
	cr_assert_eq(disk_image_close(second.image), -EIO);
	images_remove(&i);
}

/* Where the host's disk is bad: a cluster of the file. */
#define BAD (9 * 64 * KIB)

static ssize_t bad_sector_pwritev(int fd, const struct iovec *iov, int n, off_t at)
{
	uint64_t size = 0;

	for (int i = 0; i < n; i++)
		size += iov[i].iov_len;
	if ((uint64_t)at + size <= BAD || (uint64_t)at >= BAD + 64 * KIB)
		return kernel_calls.pwritev(fd, iov, n, at);
	errno = EIO;
	return -1;
}

/* One cluster fails once, and is then left alone. */
Test(qcow2_errors, a_bad_sector_is_not_tried_again)
{
	static uint8_t data[64 * KIB];
	struct disk_image *image;
	unsigned failed = 0;
	struct images i;
	uint8_t *found;

	images_make(&i, "image.qcow2 2M");
	image = image_open(i.path, false);
	calls.pwritev = bad_sector_pwritev;
	for (uint64_t k = 0; k < 32; k++) {
		memset(data, (int)k + 1, sizeof(data));
		if (!image_write(image, data, k * sizeof(data), sizeof(data)))
			continue;
		failed++;
		cr_assert_eq(image_write(image, data, k * sizeof(data), sizeof(data)), 0);
	}
	cr_assert_eq(failed, 1);
	image_close(image);
	cr_assert_eq(images_check(&i, "image.qcow2"), 0);
	found = images_convert(&i, "image.qcow2", DISK);
	for (uint64_t k = 0; k < DISK; k++)
		cr_assert_eq(found[k], k / sizeof(data) + 1, "%#llx", (long long)k);
	free(found);
	images_remove(&i);
}

/* What the file has lost is not zeros. */
Test(qcow2_errors, cut_short_under_us)
{
	static uint8_t data[MIB];
	struct disk_image *image;
	struct images i;

	images_make(&i, "image.qcow2 2M");
	image = image_open(i.path, false);
	memset(data, 1, sizeof(data));
	cr_assert_eq(image_write(image, data, 0, sizeof(data)), 0);
	folder_run(i.folder, "truncate -s 640K image.qcow2");
	cr_assert_eq(image_read(image, data, 0, 128 * KIB), 0);
	cr_assert_eq(data[0], 1);
	cr_assert_eq(image_read(image, data, 896 * KIB, 512), -EIO);
	image_close(image);
	images_remove(&i);
}
