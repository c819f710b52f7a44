/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * vhost_user_backend: a back end that does as it is told: it answers in its own thread, notes what
 * it was asked, and behaves badly at one request if the test wants that. It takes messages apart
 * by itself, by the numbers of the protocol's text.
 */
#ifndef CARILLON_TESTS_VHOST_USER_BACKEND_H
#define CARILLON_TESTS_VHOST_USER_BACKEND_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define BACKEND_LOG   256
#define BACKEND_RINGS 4

enum backend_manner {
	WELL,
	REFUSES,      /* with REPLY_ACK */
	SAYS_NOTHING, /* and keeps the connection */
	CLOSES,
	CLOSES_WITHIN, /* the reply's header and a part of the rest are said */
	OTHER_REQUEST, /* the reply is to another one */
	OTHER_VERSION,
	NO_REPLY_FLAG,
	TOO_LONG, /* the reply is, by its header */
	TOO_SHORT,
	WITH_FILES,   /* descriptors that nobody asked for */
	WITHOUT_FILE, /* none where there should be one */
	OTHER_PART,   /* of rings, or of the configuration */
};

struct backend_note {
	uint32_t request;
	uint64_t value; /* the first 8 bytes of the payload */
	uint32_t size;
	unsigned n_fds;
};

struct backend {
	/* What the test sets. */
	char path[108];
	uint64_t features, protocol, queues, slots;
	uint32_t bad_request;
	enum backend_manner manner;
	uint8_t config[256];
	/* What it has learned; under the lock while it runs. */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct backend_note log[BACKEND_LOG];
	unsigned n;
	unsigned connections;
	int kick[BACKEND_RINGS], call[BACKEND_RINGS];
	uint32_t base[BACKEND_RINGS];
	uint64_t desc[BACKEND_RINGS], memory_address[8], memory_size[8];
	unsigned n_memory;
	int channel;
	/* Its own. */
	int listener, connection;
	pthread_t thread;
};

/* Listen at path, and serve one connection after the other. */
void backend_start(struct backend *b);
/* As if it was killed: the connection and what it had is gone. */
void backend_stop(struct backend *b);
/* Wait until a request was asked `times` times since the start. */
void backend_wait(struct backend *b, uint32_t request, unsigned times);
unsigned backend_count(struct backend *b, uint32_t request);
/* The last note of a request. */
struct backend_note backend_last(struct backend *b, uint32_t request);
/* Are these requests, without others, what came last? The list ends with 0. */
bool backend_ends_with(struct backend *b, const uint32_t *requests);
/* A request of its own; returns its reply's number, or -1 without need_reply. */
long backend_asks(struct backend *b, uint32_t request, bool need_reply);

#endif
