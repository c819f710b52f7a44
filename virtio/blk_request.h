/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * A block device's requests as they come in chains (5.2.6): what the driver wants, or why it can't
 * have it. Pure, but for reading header and ranges out of guest memory.
 */
#ifndef CARILLON_VIRTIO_BLK_REQUEST_H
#define CARILLON_VIRTIO_BLK_REQUEST_H

#include "disk.h"
#include "queue.h"

/* The largest range of a discard or zeroing, in sectors: it is waited for in resets. */
#define BLK_CLEAR_SECTORS_MAX (128 * MIB / DISK_SECTOR)

/* How many ranges a request may have (max_discard_seg, max_write_zeroes_seg). */
#define BLK_RANGES_MAX 32

/* What a request is checked against. */
struct blk_limits {
	struct disk_info disk;
	bool discard, write_zeroes; /* negotiated */
};

enum blk_action {
	BLK_ANSWER, /* nothing to do but to say blk_request.status */
	BLK_ID,	    /* write `length` bytes of the device's name, at most VIRTIO_BLK_ID_BYTES */
	BLK_DISK,   /* have the disk do it */
};

struct blk_request {
	enum blk_action action;
	uint8_t status; /* VIRTIO_BLK_S_* */
	enum disk_op op;
	uint64_t offset, length; /* bytes */
	bool unmap;
	unsigned ranges; /* of a discard or zeroing: how many are left, behind the one above */
	uint8_t *answer; /* the status byte, the last that the device may write */
	/* Where the data is; of the chain's buffers, of which header and status are cut off. */
	struct iovec *data;
	unsigned n_data;
	bool to_guest;
};

/*
 * The buffers may be cut in any way (2.7.4.1). Changes c->iov. False: there is no byte for the
 * status; a driver that makes such a request could never be answered.
 */
bool blk_parse(const struct virtq_chain *c, const struct blk_limits *limits, struct blk_request *r);
/*
 * The next range of a discard or zeroing, from the chain that was parsed: what it says now is
 * checked once more. False: there is none, or, as r->status says, a bad one.
 */
bool blk_next_range(struct blk_request *r, const struct virtq_chain *c,
		    const struct blk_limits *limits);
/*
 * How many bytes were written from the first writable one on, without a gap (2.7.8.2): status is
 * behind data that, after an error, may not be there.
 */
uint32_t blk_written(const struct blk_request *r, const struct virtq_chain *c, uint8_t status);

#endif
