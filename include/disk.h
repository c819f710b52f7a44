/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * disk: images of block devices, raw or qcow2, in files or on block devices. An image is opened and
 * locked once; any number of queues send it requests, which end in any order.
 */
#ifndef CARILLON_DISK_H
#define CARILLON_DISK_H

#include <sys/uio.h>

#include "base.h"
#include "iov.h"

#define DISK_SECTOR 512

enum disk_format {
	DISK_AUTO, /* raw; see disk_image_open() for what begins like something else */
	DISK_RAW,
	DISK_QCOW2,
};

/* How a raw image is read and written. Other formats are always on threads. */
enum disk_engine {
	DISK_ENGINE_AUTO, /* io_uring where the host has it; else libaio if direct, else threads */
	DISK_IO_URING,
	DISK_LIBAIO, /* direct only: through the page cache io_submit() waits for the disk */
	DISK_THREADS,
};

struct disk_options {
	const char *path; /* the caller's, outlives the disk */
	enum disk_format format;
	enum disk_engine engine;
	bool readonly;
	bool direct; /* past the host's page cache (O_DIRECT) */
};

struct disk;

/* How it is best written to; bytes. What is not known is 0. */
struct disk_topology {
	unsigned physical;  /* the blocks that are written as a whole */
	unsigned misplaced; /* how far the image's beginning is behind that of such a block */
	unsigned io_min, io_opt;
	unsigned discard; /* only this much or more can be given back */
};

/* What an image is; bytes. */
struct disk_info {
	uint64_t size;	/* whole blocks */
	unsigned block; /* what requests have to be multiples of: 512, or the device's */
	bool readonly;
	bool discard, write_zeroes; /* the image can do that */
	struct disk_topology topology;
	const char *format; /* for people */
};

/*
 * Open and lock an image and, read-only, those behind it. Errors name what is wrong: missing,
 * locked and by whom, truncated, a header that is none, a chain of backing files that comes back to
 * itself. A lock is of the open file (OFD): for writing one alone has it, for reading any number.
 */
int disk_open(struct disk **out, const struct disk_options *opt, struct error *err);
/*
 * Its queues are closed. What was written is flushed to the host's disk; an error of that is said.
 * NULL is fine.
 */
void disk_close(struct disk *d);
void disk_info(const struct disk *d, struct disk_info *info);
/*
 * Look again how large a raw image is: its file or device was made larger or smaller. No request is
 * submitted meanwhile; those on their way may fail. On error it is as large as before.
 */
int disk_measure(struct disk *d, struct error *err);

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
	bool durable; /* what it changes is on the host's disk when it ends (no FLUSH follows) */
	/* From disk_submit(), _send(), _reap() or _drain(). result: 0 or -errno. */
	void (*done)(struct disk_request *r, int result);
	/* The queue's own. */
	struct disk_request *next;
	int result;
};

struct disk_queue;

/*
 * A way to an image, used by one thread at a time. depth: how many requests may be on their way at
 * once; more wait.
 */
int disk_queue_open(struct disk *d, unsigned depth, struct disk_queue **out, struct error *err);
/* Drains first. NULL is fine. */
void disk_queue_close(struct disk_queue *q);
/* A file, for a loop: while it is readable disk_reap() has something to do. */
int disk_queue_event(const struct disk_queue *q);
/* For people: what carries the requests. */
const char *disk_queue_engine(const struct disk_queue *q);

/* Gather a request; a bad one (offset, length, read-only) is done at once with an error. */
void disk_submit(struct disk_queue *q, struct disk_request *r);
/* Send what was gathered, with as few system calls as it takes. */
void disk_send(struct disk_queue *q);
/* End the requests whose results are there, send those that waited for their room. */
void disk_reap(struct disk_queue *q);
/* Send, and wait until all requests are done. */
void disk_drain(struct disk_queue *q);

#endif
