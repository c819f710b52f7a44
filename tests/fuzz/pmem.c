/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Persistent memory, with a file in memory, by its registers and its ring. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../virtio/devices.h"
#include "device.h"

/* The device opens a path, and locks what it finds: a file of its own for each run. */
static int create(struct virtio *v, struct virtio_device **out, struct error *err)
{
	struct pmem_options opt = {0};
	int fd = memfd_create("pmem", MFD_CLOEXEC), ret;

	if (fd < 0 || ftruncate(fd, 2 * MIB))
		abort();
	snprintf(opt.path, sizeof(opt.path), "/proc/self/fd/%d", fd);
	ret = virtio_pmem_create(v, &opt, out, err);
	close(fd);
	return ret;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_device(create, data, size);
	return 0;
}
