/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Engines: how the reads, writes and flushes of a raw image go to the host's kernel and come back.
 * One belongs to one queue, which has no more on its way than it said, and gives it only what is
 * aligned. Results come in any order, announced by an eventfd.
 */
#ifndef CARILLON_DISK_ENGINE_H
#define CARILLON_DISK_ENGINE_H

#include "image.h"

struct disk {
	struct disk_image *image;
	enum disk_engine engine; /* the user's choice */
};

struct disk_engine_ops {
	const char *name;
	/* 0 or -errno: this host has no such engine, or none for us. */
	int (*open)(void **engine, unsigned depth, int event);
	/* Nothing is on its way. */
	void (*close)(void *engine);
	/* Gather a request; r->iov is what is left of it. */
	void (*put)(void *engine, int fd, struct disk_request *r);
	/* Tell the kernel. What it does not take now is told again by the next call. */
	void (*send)(void *engine);
	/*
	 * A request that came back, or NULL. *result: the bytes that were transferred, which may be
	 * fewer than were asked for, or -errno.
	 */
	struct disk_request *(*take)(void *engine, int64_t *result);
};

/* What the kernel gives back with a result is a number: the pointer that went with the request. */
static inline void *disk_cookie(uint64_t number)
{
	union {
		uint64_t number;
		void *pointer;
	} cookie = {.number = number};

	return cookie.pointer;
}

extern const struct disk_engine_ops disk_io_uring, disk_libaio;

#endif
