/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Threads that call an image's driver. */
#include "pool.h"

static int change(struct disk_image *image, const struct disk_request *r)
{
	const struct disk_driver *d = image->driver;
	int ret;

	switch (r->op) {
	case DISK_WRITE:
		ret = d->write(image, r->iov, r->n_iov, r->offset, r->length);
		break;
	case DISK_DISCARD:
		ret = d->discard(image, r->offset, r->length);
		break;
	default:
		ret = d->write_zeroes(image, r->offset, r->length, r->unmap);
	}
	return !ret && r->durable ? d->flush(image) : ret;
}

static int serve(struct disk_image *image, const struct disk_request *r)
{
	switch (r->op) {
	case DISK_READ:
		return image->driver->read(image, r->iov, r->n_iov, r->offset, r->length);
	case DISK_FLUSH:
		return image->driver->flush(image);
	default:
		return change(image, r);
	}
}

/* With the lock held, which is let go for the work. */
static void serve_first(struct disk_pool *p)
{
	struct disk_request *r = p->todo;

	p->n_todo--;
	p->todo = r->next;
	if (!p->todo)
		p->todo_end = &p->todo;
	pthread_mutex_unlock(&p->lock);
	r->result = serve(p->image, r);
	pthread_mutex_lock(&p->lock);
	r->next = p->ended;
	p->ended = r;
	event_kick(p->event);
}

static void *run(void *opaque)
{
	struct disk_pool *p = opaque;

	pthread_mutex_lock(&p->lock);
	while (!p->stopping) {
		if (p->todo) {
			serve_first(p);
			continue;
		}
		p->idle++;
		pthread_cond_wait(&p->work, &p->lock);
		p->idle--;
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

/* With the lock held. False: there is none, and none could be had. */
static bool have_thread(struct disk_pool *p)
{
	if (p->n_todo > p->idle && p->n_threads < POOL_THREADS &&
	    !thread_start(&p->threads[p->n_threads], "disk", run, p))
		p->n_threads++;
	return p->n_threads;
}

void disk_pool_put(struct disk_pool *p, struct disk_request *r)
{
	pthread_mutex_lock(&p->lock);
	r->next = NULL;
	*p->todo_end = r;
	p->todo_end = &r->next;
	p->n_todo++;
	if (have_thread(p))
		pthread_cond_signal(&p->work);
	else
		serve_first(p);
	pthread_mutex_unlock(&p->lock);
}

struct disk_request *disk_pool_take(struct disk_pool *p)
{
	struct disk_request *list;

	pthread_mutex_lock(&p->lock);
	list = p->ended;
	p->ended = NULL;
	pthread_mutex_unlock(&p->lock);
	return list;
}

void disk_pool_init(struct disk_pool *p, struct disk_image *image, int event)
{
	*p = (struct disk_pool){.image = image, .event = event};
	p->todo_end = &p->todo;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->work, NULL);
}

void disk_pool_destroy(struct disk_pool *p)
{
	unsigned i;

	pthread_mutex_lock(&p->lock);
	p->stopping = true;
	pthread_cond_broadcast(&p->work);
	pthread_mutex_unlock(&p->lock);
	for (i = 0; i < p->n_threads; i++)
		pthread_join(p->threads[i], NULL);
	pthread_cond_destroy(&p->work);
	pthread_mutex_destroy(&p->lock);
}
