/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Requests of block devices, from their chains (5.2.6). */
#include "blk_request.h"

#include <endian.h>
#include <linux/virtio_blk.h>

static void answer(struct blk_request *r, uint8_t status)
{
	r->action = BLK_ANSWER;
	r->status = status;
}

/* Set the range. False: it isn't within the disk, or cuts blocks. */
static bool place(struct blk_request *r, const struct blk_limits *l, uint64_t sector,
		  uint64_t length)
{
	const struct disk_info *d = &l->disk;

	if (sector > d->size / DISK_SECTOR)
		return false;
	r->offset = sector * DISK_SECTOR;
	r->length = length;
	return !((r->offset | length) & (d->block - 1)) && length <= d->size - r->offset;
}

static void parse_transfer(struct blk_request *r, const struct virtq_chain *c,
			   const struct blk_limits *l, uint64_t sector)
{
	uint64_t length =
		r->to_guest ? c->in_bytes - 1 : c->out_bytes - sizeof(struct virtio_blk_outhdr);

	r->action = BLK_DISK;
	r->op = r->to_guest ? DISK_READ : DISK_WRITE;
	/* 5.2.6.2: a write to a read-only device fails. */
	if (!place(r, l, sector, length) || (r->op == DISK_WRITE && l->disk.readonly))
		answer(r, VIRTIO_BLK_S_IOERR);
}

/* Take a range, the `left`-last of the request. What it is to be answered with: VIRTIO_BLK_S_*. */
static uint8_t take_range(struct blk_request *r, const struct virtq_chain *c,
			  const struct blk_limits *l, unsigned left)
{
	struct virtio_blk_discard_write_zeroes range;
	uint32_t known = r->op == DISK_DISCARD ? 0 : VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP;
	uint32_t sectors;

	virtq_read(c, c->out_bytes - (uint64_t)left * sizeof(range), &range, sizeof(range));
	sectors = le32toh(range.num_sectors);
	r->unmap = le32toh(range.flags) & VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP;
	/* 5.2.6.2: flags that aren't known, or not of this command. */
	if (le32toh(range.flags) & ~known)
		return VIRTIO_BLK_S_UNSUPP;
	if (sectors > BLK_CLEAR_SECTORS_MAX ||
	    !place(r, l, le64toh(range.sector), (uint64_t)sectors * DISK_SECTOR))
		return VIRTIO_BLK_S_IOERR;
	return VIRTIO_BLK_S_OK;
}

bool blk_next_range(struct blk_request *r, const struct virtq_chain *c,
		    const struct blk_limits *limits)
{
	if (!r->ranges)
		return false;
	r->status = take_range(r, c, limits, r->ranges--);
	return r->status == VIRTIO_BLK_S_OK;
}

/* Discard and write zeroes: nothing is done if a range is bad. */
static void parse_clear(struct blk_request *r, const struct virtq_chain *c,
			const struct blk_limits *l)
{
	uint64_t size = sizeof(struct virtio_blk_discard_write_zeroes);
	uint64_t bytes = c->out_bytes - sizeof(struct virtio_blk_outhdr);

	if (r->op == DISK_DISCARD ? !l->discard : !l->write_zeroes) {
		answer(r, VIRTIO_BLK_S_UNSUPP);
		return;
	}
	if (!bytes || bytes % size || bytes / size > BLK_RANGES_MAX) {
		answer(r, VIRTIO_BLK_S_IOERR);
		return;
	}
	r->action = BLK_DISK;
	for (r->ranges = (unsigned)(bytes / size); blk_next_range(r, c, l);)
		;
	if (r->status != VIRTIO_BLK_S_OK) {
		answer(r, r->status);
		return;
	}
	r->ranges = (unsigned)(bytes / size);
	if (!blk_next_range(r, c, l))
		answer(r, r->status);
}

static bool has_ranges(const struct blk_request *r)
{
	return r->op == DISK_DISCARD || r->op == DISK_WRITE_ZEROES;
}

static void parse_id(struct blk_request *r, const struct virtq_chain *c)
{
	r->action = BLK_ID;
	r->to_guest = true;
	r->length = c->in_bytes - 1;
	if (r->length > VIRTIO_BLK_ID_BYTES)
		answer(r, VIRTIO_BLK_S_IOERR);
}

static void parse_type(struct blk_request *r, const struct virtq_chain *c,
		       const struct blk_limits *l, const struct virtio_blk_outhdr *header)
{
	switch (le32toh(header->type)) {
	case VIRTIO_BLK_T_IN:
	case VIRTIO_BLK_T_OUT:
		r->to_guest = le32toh(header->type) == VIRTIO_BLK_T_IN;
		parse_transfer(r, c, l, le64toh(header->sector));
		break;
	case VIRTIO_BLK_T_FLUSH:
		r->action = BLK_DISK;
		r->op = DISK_FLUSH;
		break;
	case VIRTIO_BLK_T_GET_ID:
		parse_id(r, c);
		break;
	case VIRTIO_BLK_T_DISCARD:
	case VIRTIO_BLK_T_WRITE_ZEROES:
		r->op = le32toh(header->type) == VIRTIO_BLK_T_DISCARD ? DISK_DISCARD
								      : DISK_WRITE_ZEROES;
		parse_clear(r, c, l);
		break;
	default:
		answer(r, VIRTIO_BLK_S_UNSUPP);
	}
}

/* The buffers without the header, or without the status. Ranges are read where they are. */
static void find_data(struct blk_request *r, const struct virtq_chain *c)
{
	uint64_t skip = r->to_guest ? 0 : sizeof(struct virtio_blk_outhdr);
	uint64_t length = r->to_guest ? c->in_bytes - 1 : c->out_bytes - skip;
	unsigned n = r->to_guest ? c->n_in : c->n_out;

	r->data = r->to_guest ? c->iov + c->n_out : c->iov;
	r->n_data = iov_cut(r->data, n, skip, length, r->data);
}

bool blk_parse(const struct virtq_chain *c, const struct blk_limits *limits, struct blk_request *r)
{
	struct virtio_blk_outhdr header;
	const struct iovec *last;

	*r = (struct blk_request){.status = VIRTIO_BLK_S_OK};
	if (!c->n_in)
		return false;
	last = &c->iov[c->n_out + c->n_in - 1];
	r->answer = (uint8_t *)last->iov_base + last->iov_len - 1;
	if (virtq_read(c, 0, &header, sizeof(header)) < sizeof(header))
		answer(r, VIRTIO_BLK_S_IOERR);
	else
		parse_type(r, c, limits, &header);
	if (r->action == BLK_DISK && !has_ranges(r))
		find_data(r, c);
	return true;
}

uint32_t blk_written(const struct blk_request *r, const struct virtq_chain *c, uint8_t status)
{
	if (status == VIRTIO_BLK_S_OK && r->to_guest)
		return (uint32_t)c->in_bytes;
	return c->in_bytes == 1;
}
