/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * A queue's threads, for what its kernel or its format can't do asynchronously. They come when they
 * are first needed and stay.
 */
#ifndef CARILLON_DISK_POOL_H
#define CARILLON_DISK_POOL_H

#include "image.h"
#include "thread.h"

#define POOL_THREADS 4

struct disk_pool {
	struct disk_image *image;
	int event; /* the queue's eventfd, kicked when a request has ended */
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct disk_request *todo, **todo_end, *ended;
	pthread_t threads[POOL_THREADS];
	unsigned n_todo, n_threads, idle; /* idle: woken ones too, until they run */
	bool stopping;
};

void disk_pool_init(struct disk_pool *p, struct disk_image *image, int event);
/* Nothing is on its way. */
void disk_pool_destroy(struct disk_pool *p);
/* Have a request done by its image's driver. */
void disk_pool_put(struct disk_pool *p, struct disk_request *r);
/* A list of those that have ended, r->result set. */
struct disk_request *disk_pool_take(struct disk_pool *p);

#endif
