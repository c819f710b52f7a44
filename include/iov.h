/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Buffers in pieces (struct iovec). Pure, but for the bytes that are copied. */
#ifndef CARILLON_IOV_H
#define CARILLON_IOV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/*
 * The `length` bytes from `skip` on of n buffers, as buffers of their own. out has room for n, and
 * may be iov. Returns how many there are.
 */
unsigned iov_cut(const struct iovec *iov, unsigned n, uint64_t skip, uint64_t length,
		 struct iovec *out);
/* Forget the first `bytes` bytes: *iov and *n are what is left. The first buffer is changed. */
void iov_advance(struct iovec **iov, unsigned *n, uint64_t bytes);
/* Are all addresses and lengths multiples of align, a power of two? */
bool iov_aligned(const struct iovec *iov, unsigned n, unsigned align);
/*
 * Copy len bytes between the buffers, from `skip` bytes into them on, and buf. Returns how many it
 * were: fewer where the buffers end.
 */
size_t iov_gather(const struct iovec *iov, unsigned n, uint64_t skip, void *buf, size_t len);
size_t iov_scatter(const struct iovec *iov, unsigned n, uint64_t skip, const void *buf, size_t len);

#endif
