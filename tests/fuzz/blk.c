/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The block device, with a raw image in memory, by its registers and two queues. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../virtio/devices.h"
#include "device.h"

/* The image is opened by its path, which has to outlive the device: so its number is fixed. */
#define IMAGE	   100
#define IMAGE_PATH "/proc/self/fd/100"

static int create(struct virtio *v, struct virtio_device **out, struct error *err)
{
	static const struct virtio_disk_options opt = {
		.image = {.path = IMAGE_PATH, .format = DISK_RAW, .engine = DISK_THREADS},
		.queues = 2};
	int fd = memfd_create("image", MFD_CLOEXEC), ret;

	if (fd < 0 || ftruncate(fd, MIB) || dup2(fd, IMAGE) < 0)
		abort();
	close(fd);
	ret = virtio_blk_create(v, &opt, out, err);
	close(IMAGE);
	return ret;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_device(create, data, size);
	return 0;
}
