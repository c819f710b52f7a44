/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The balloon, by its registers and its rings. */
#include "../../virtio/devices.h"
#include "device.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_device(virtio_balloon_create, data, size);
	return 0;
}
