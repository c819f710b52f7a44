/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* What queues know of raw images: whose requests may go past the driver. */
#ifndef CARILLON_DISK_RAW_H
#define CARILLON_DISK_RAW_H

#include "image.h"

/* Pure: has this request's data to be looked at first (see disk_image_open())? */
bool raw_is_guarded(const struct disk_image *image, enum disk_op op, uint64_t offset);

#endif
