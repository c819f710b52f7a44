/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Buffers in pieces: what is only for disk/. Pure, but for the bytes that are copied. */
#ifndef CARILLON_DISK_IOV_H
#define CARILLON_DISK_IOV_H

#include "image.h"

/* Are all addresses and lengths multiples of align, a power of two? */
bool disk_iov_aligned(const struct iovec *iov, unsigned n, unsigned align);
/* Copy len bytes between the buffers, from `skip` bytes into them on, and buf. */
void disk_iov_gather(const struct iovec *iov, unsigned n, uint64_t skip, void *buf, size_t len);
void disk_iov_scatter(const struct iovec *iov, unsigned n, uint64_t skip, const void *buf,
		      size_t len);

#endif
