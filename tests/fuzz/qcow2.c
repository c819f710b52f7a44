/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * An image that an enemy made, and requests of a guest to it. The input is the image's file, but
 * for its last bytes, which say what the guest does. Whatever that is, a file that was given is not
 * written far behind what it needs, and no request takes for ever.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../disk/image.h"

#define REQUESTS 8
/* Of a request: what, where, how much. */
#define REQUEST_BYTES 8
#define LONGEST	      (64 * KIB)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A file in memory; its path is good for the backing files that it names, which it has not. */
static int put_file(const uint8_t *data, size_t size, char path[32])
{
	int fd = memfd_create("image", 0);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, 32, "/proc/self/fd/%d", fd);
	return fd;
}

static void request(struct disk_image *image, const uint8_t *r)
{
	static uint8_t buf[LONGEST];
	uint64_t sectors = image->size / DISK_SECTOR, at, n;
	struct iovec iov;

	if (!sectors)
		return;
	at = ((uint64_t)r[1] << 24 | (uint64_t)r[2] << 16 | (uint64_t)r[3] << 8 | r[4]) % sectors;
	/* The disk's end is where sizes are odd. */
	if (r[5] & 0x80)
		at = sectors - 1 - at % (sectors < 256 ? sectors : 256);
	n = 1 + (r[5] & 0x7f) % (LONGEST / DISK_SECTOR);
	if (n > sectors - at)
		n = sectors - at;
	iov = (struct iovec){buf, n * DISK_SECTOR};
	/* Nobody writes to what is read-only. */
	switch (image->file.readonly ? 0 : r[0] % 6) {
	case 0:
		image->driver->read(image, &iov, 1, at * DISK_SECTOR, n * DISK_SECTOR);
		break;
	case 1:
	case 2:
		memset(buf, r[6], n * DISK_SECTOR);
		image->driver->write(image, &iov, 1, at * DISK_SECTOR, n * DISK_SECTOR);
		break;
	case 3:
		image->driver->discard(image, at * DISK_SECTOR, n * DISK_SECTOR);
		break;
	case 4:
		image->driver->write_zeroes(image, at * DISK_SECTOR, n * DISK_SECTOR, r[7] & 1);
		break;
	default:
		image->driver->flush(image);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct disk_options opt = {.format = DISK_QCOW2};
	struct disk_image *image;
	struct error err;
	char path[32];
	int fd;

	if (size < REQUESTS * REQUEST_BYTES)
		return 0;
	size -= REQUESTS * REQUEST_BYTES;
	fd = put_file(data, size, path);
	opt.path = path;
	opt.readonly = data[size] & 0x80;
	if (!disk_image_open(&image, &opt, NULL, &err)) {
		for (unsigned i = 0; i < REQUESTS; i++)
			request(image, data + size + i * REQUEST_BYTES);
		disk_image_close(image);
	}
	close(fd);
	return 0;
}
