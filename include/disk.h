/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * disk: images of block devices, raw or qcow2, in files or on block devices. An image is opened and
 * locked once; any number of queues, each of one thread, send it requests, which end in any order.
 */
#ifndef CARILLON_DISK_H
#define CARILLON_DISK_H

#include <sys/uio.h>

#include "vm.h"

#define DISK_SECTOR 512

enum disk_format {
	DISK_AUTO, /* qcow2 if its magic is there, else raw */
	DISK_RAW,
	DISK_QCOW2,
};

enum disk_engine {
	DISK_ENGINE_AUTO, /* io_uring where the host has it, else libaio */
	DISK_LIBAIO,
	DISK_IO_URING,
};

struct disk_options {
	const char *path; /* the caller's, outlives the disk */
	enum disk_format format;
	enum disk_engine engine;
	bool readonly;
	bool direct; /* past the host's page cache (O_DIRECT) */
};

struct disk;

/* What an image is; bytes. */
struct disk_info {
	uint64_t size;	/* whole sectors */
	unsigned block; /* what requests have to be multiples of: 512, or the device's */
	bool readonly;
	bool discard, write_zeroes;  /* the image can do that */
	const char *format, *engine; /* for people */
};

/*
 * Open and lock an image and, read-only, those behind it. Errors name what is wrong: missing,
 * locked and by whom, truncated, a header that is none, a chain of backing files that comes back to
 * itself. A lock is of the open file (OFD): for writing one alone has it, for reading any number.
 */
int disk_open(struct disk **out, const struct disk_options *opt, struct error *err);
/* Its queues are closed. What was written is flushed to the host's disk; errors of that are said.
 */
void disk_close(struct disk *d);
void disk_info(const struct disk *d, struct disk_info *info);

/* ---- requests -------------------------------------------------------------------------------- */

enum disk_op {
	DISK_READ,
	DISK_WRITE,
	DISK_FLUSH, /* all writes that have ended are on the host's disk when it ends */
	DISK_DISCARD,
	DISK_WRITE_ZEROES, /* unmap: the space may be given back too */
};

struct disk_request {
	enum disk_op op;
	uint64_t offset, length; /* bytes; whole blocks, within the image */
	struct iovec *iov; /* of a read or write: together `length` bytes; changed on the way */
	unsigned n_iov;
	bool unmap;
	bool durable; /* a write is on the host's disk when it ends (no FLUSH follows) */
	/* On the queue's thread, from disk_submit() or from the loop. result: 0 or -errno. */
	void (*done)(struct disk_request *r, int result);
	/* The queue's own. */
	struct disk_request *next;
	uint64_t progress;
};

struct disk_queue;

/*
 * A way of one thread to an image: completions come through its loop. depth: how many requests may
 * be on their way at once; more wait.
 */
int disk_queue_open(struct disk *d, struct loop *loop, unsigned depth, struct disk_queue **out,
		    struct error *err);
/* Gather a request; a bad one (offset, length) is done at once with -EINVAL. */
void disk_submit(struct disk_queue *q, struct disk_request *r);
/* Send what was gathered, with as few system calls as it takes. */
void disk_send(struct disk_queue *q);
/* Send, and wait until all requests are done. */
void disk_drain(struct disk_queue *q);
/* Drains first. */
void disk_queue_close(struct disk_queue *q);

#endif
