/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Buffers in pieces. */
#include "iov.h"

#include <string.h>

unsigned iov_cut(const struct iovec *iov, unsigned n, uint64_t skip, uint64_t length,
		 struct iovec *out)
{
	unsigned i, used = 0;

	for (i = 0; i < n && length; i++) {
		size_t len = iov[i].iov_len;

		if (skip >= len) {
			skip -= len;
			continue;
		}
		len -= skip;
		if (len > length)
			len = length;
		out[used++] = (struct iovec){(uint8_t *)iov[i].iov_base + skip, len};
		length -= len;
		skip = 0;
	}
	return used;
}

void iov_advance(struct iovec **iov, unsigned *n, uint64_t bytes)
{
	while (*n && bytes >= (*iov)->iov_len) {
		bytes -= (*iov)->iov_len;
		++*iov;
		--*n;
	}
	if (!*n)
		return;
	(*iov)->iov_base = (uint8_t *)(*iov)->iov_base + bytes;
	(*iov)->iov_len -= bytes;
}

bool iov_aligned(const struct iovec *iov, unsigned n, unsigned align)
{
	uintptr_t all = 0;
	unsigned i;

	for (i = 0; i < n; i++)
		all |= (uintptr_t)iov[i].iov_base | iov[i].iov_len;
	return !(all & (align - 1));
}

/* One after another, the pieces of the buffers that [skip, skip + len) is made of; 0: no more. */
static size_t next_piece(const struct iovec **iov, unsigned *n, uint64_t *skip, size_t len,
			 uint8_t **piece)
{
	size_t size;

	while (*n && *skip >= (*iov)->iov_len) {
		*skip -= (*iov)->iov_len;
		++*iov;
		--*n;
	}
	if (!*n)
		return 0;
	*piece = (uint8_t *)(*iov)->iov_base + *skip;
	size = (*iov)->iov_len - *skip;
	if (size > len)
		size = len;
	*skip += size;
	return size;
}

size_t iov_gather(const struct iovec *iov, unsigned n, uint64_t skip, void *buf, size_t len)
{
	uint8_t *to = buf, *piece;
	size_t size, done = 0;

	while (done < len && (size = next_piece(&iov, &n, &skip, len - done, &piece))) {
		memcpy(to + done, piece, size);
		done += size;
	}
	return done;
}

size_t iov_scatter(const struct iovec *iov, unsigned n, uint64_t skip, const void *buf, size_t len)
{
	const uint8_t *from = buf;
	uint8_t *piece;
	size_t size, done = 0;

	while (done < len && (size = next_piece(&iov, &n, &skip, len - done, &piece))) {
		memcpy(piece, from + done, size);
		done += size;
	}
	return done;
}
