/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* vhost_user_backend: see vhost_user_backend.h. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "vhost_user_backend.h"

struct message {
	uint32_t request, flags, size;
	uint8_t payload[512];
};

#define HEADER 12

static void send_with(int fd, const struct message *m, size_t n, const int *fds, unsigned n_fds)
{
	union {
		char bytes[CMSG_SPACE(4 * sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	struct iovec iov = {(void *)(uintptr_t)m, n};
	struct msghdr h = {.msg_iov = &iov, .msg_iovlen = 1};

	if (n_fds) {
		h.msg_control = control.bytes;
		h.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(&control.align), fds, n_fds * sizeof(int));
	}
	if (sendmsg(fd, &h, MSG_NOSIGNAL) < 0)
		cr_assert(errno == EPIPE || errno == ECONNRESET, "%s", strerror(errno));
}

/* False: the other end is gone. */
static bool receive(int fd, struct message *m, int *fds, unsigned *n_fds)
{
	union {
		char bytes[CMSG_SPACE(8 * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = {m, HEADER};
	struct msghdr h = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control.bytes,
			   .msg_controllen = sizeof(control)};

	*n_fds = 0;
	if (recvmsg(fd, &h, MSG_CMSG_CLOEXEC | MSG_WAITALL) != HEADER)
		return false;
	if (CMSG_FIRSTHDR(&h)) {
		*n_fds = (unsigned)((control.align.cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(fds, CMSG_DATA(&control.align), *n_fds * sizeof(int));
	}
	cr_assert_leq(m->size, sizeof(m->payload));
	return !m->size || recv(fd, m->payload, m->size, MSG_WAITALL) == (ssize_t)m->size;
}

static uint64_t u64_at(const struct message *m, unsigned offset)
{
	uint64_t v = 0;

	memcpy(&v, m->payload + offset, offset + 8 <= m->size ? 8 : m->size > offset ? 4 : 0);
	return v;
}

static void keep_fd(int *place, int *fds, unsigned *n_fds)
{
	if (*place >= 0)
		close(*place);
	*place = *n_fds ? fds[--*n_fds] : -1;
}

static void take_memory(struct backend *b, const struct message *m, unsigned at, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++, at += 32) {
		b->memory_size[b->n_memory] = u64_at(m, at + 8);
		b->memory_address[b->n_memory++] = u64_at(m, at + 16);
	}
}

/* What a message says, by its number in the protocol. */
static void learn(struct backend *b, const struct message *m, int *fds, unsigned *n_fds)
{
	uint64_t v = u64_at(m, 0);
	unsigned ring = (unsigned)(v & 0xff) % BACKEND_RINGS;

	b->log[b->n++ % BACKEND_LOG] = (struct backend_note){m->request, v, m->size, *n_fds};
	switch (m->request) {
	case 5:
		b->n_memory = 0;
		take_memory(b, m, 8, (unsigned)(v & 7));
		break;
	case 9:
		b->desc[ring] = u64_at(m, 8);
		break;
	case 10:
		b->base[ring] = (uint32_t)(v >> 32);
		break;
	case 12:
		keep_fd(&b->kick[ring], fds, n_fds);
		break;
	case 13:
		keep_fd(&b->call[ring], fds, n_fds);
		break;
	case 21:
		keep_fd(&b->channel, fds, n_fds);
		break;
	case 25:
		memcpy(b->config + (uint32_t)v, m->payload + 12, (uint32_t)(v >> 32));
		break;
	case 37:
		take_memory(b, m, 8, 1);
		break;
	case 38:
		b->n_memory--;
		break;
	}
	while (*n_fds)
		close(fds[--*n_fds]);
}

/* Does the request have an answer? Makes a good one. */
static bool answer(struct backend *b, struct message *m)
{
	uint64_t v = u64_at(m, 0);
	bool acks = m->flags & 8;

	m->flags = 5;
	switch (m->request) {
	case 1:
		v = b->features;
		break;
	case 15:
		v = b->protocol;
		break;
	case 17:
		v = b->queues;
		break;
	case 36:
		v = b->slots;
		break;
	case 11:
		break;
	case 24:
		memcpy(m->payload + 12, b->config, m->size - 12);
		return true;
	case 31:
		v = 4096;
		memcpy(m->payload, &v, 8);
		return true;
	default:
		if (!acks)
			return false;
		v = 0;
	}
	m->size = 8;
	memcpy(m->payload, &v, 8);
	return true;
}

/* The same reply, spoilt. */
static void spoil(enum backend_manner manner, struct message *m)
{
	switch (manner) {
	case REFUSES:
		m->payload[0] = 1;
		break;
	case OTHER_REQUEST:
		m->request++;
		break;
	case OTHER_VERSION:
		m->flags = 4 | 2;
		break;
	case NO_REPLY_FLAG:
		m->flags = 1;
		break;
	case TOO_LONG:
		m->size = UINT32_MAX;
		break;
	case TOO_SHORT:
		m->size = 1;
		break;
	case OTHER_PART:
		m->payload[0] ^= 1;
		break;
	default:
		break;
	}
}

/* False: it has had enough of the connection. */
static bool serve(struct backend *b, int fd, struct message *m)
{
	enum backend_manner manner = m->request == b->bad_request ? b->manner : WELL;
	unsigned n_fds = m->request == 31;
	int file = memfd_create("inflight", 0), fds[] = {file, file, file};
	bool answers = answer(b, m);
	size_t n = HEADER + m->size;

	if (manner == WITH_FILES)
		n_fds = 3;
	if (manner == WITHOUT_FILE)
		n_fds = 0;
	spoil(manner, m);
	if (manner == CLOSES_WITHIN)
		n = HEADER + m->size / 2;
	if (answers && manner != SAYS_NOTHING && manner != CLOSES)
		send_with(fd, m, n, fds, n_fds);
	close(file);
	return manner != CLOSES && manner != CLOSES_WITHIN;
}

static void forget(struct backend *b)
{
	int *fds[] = {b->kick, b->call, &b->channel};
	unsigned i, k;

	for (i = 0; i < 3; i++)
		for (k = 0; k < (i == 2 ? 1 : BACKEND_RINGS); k++) {
			if (fds[i][k] >= 0)
				close(fds[i][k]);
			fds[i][k] = -1;
		}
	b->n_memory = 0;
}

static void converse(struct backend *b, int fd)
{
	struct message m;
	unsigned n_fds;
	int fds[8];
	bool more = true;

	while (more && receive(fd, &m, fds, &n_fds)) {
		pthread_mutex_lock(&b->lock);
		learn(b, &m, fds, &n_fds);
		more = serve(b, fd, &m);
		pthread_cond_broadcast(&b->changed);
		pthread_mutex_unlock(&b->lock);
	}
}

static void *work(void *opaque)
{
	struct backend *b = opaque;
	int fd;

	while ((fd = accept(b->listener, NULL, NULL)) >= 0) {
		pthread_mutex_lock(&b->lock);
		b->connection = fd;
		b->connections++;
		pthread_cond_broadcast(&b->changed);
		pthread_mutex_unlock(&b->lock);
		converse(b, fd);
		pthread_mutex_lock(&b->lock);
		forget(b);
		b->connection = -1;
		pthread_mutex_unlock(&b->lock);
		close(fd);
	}
	return NULL;
}

void backend_start(struct backend *b)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	strcpy(address.sun_path, b->path);
	unlink(b->path);
	memset(b->kick, 0xff, sizeof(b->kick));
	memset(b->call, 0xff, sizeof(b->call));
	b->channel = b->connection = -1;
	b->n = b->connections = 0;
	pthread_mutex_init(&b->lock, NULL);
	pthread_cond_init(&b->changed, NULL);
	b->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(b->listener, (struct sockaddr *)&address, sizeof(address)), 0);
	cr_assert_eq(listen(b->listener, 4), 0);
	cr_assert_eq(pthread_create(&b->thread, NULL, work, b), 0);
}

void backend_stop(struct backend *b)
{
	shutdown(b->listener, SHUT_RDWR);
	pthread_mutex_lock(&b->lock);
	if (b->connection >= 0)
		shutdown(b->connection, SHUT_RDWR);
	pthread_mutex_unlock(&b->lock);
	pthread_join(b->thread, NULL);
	close(b->listener);
	unlink(b->path);
}

static unsigned count(const struct backend *b, uint32_t request)
{
	unsigned i, n = 0;

	for (i = 0; i < b->n; i++)
		n += b->log[i].request == request;
	return n;
}

void backend_wait(struct backend *b, uint32_t request, unsigned times)
{
	pthread_mutex_lock(&b->lock);
	while (count(b, request) < times)
		pthread_cond_wait(&b->changed, &b->lock);
	pthread_mutex_unlock(&b->lock);
}

unsigned backend_count(struct backend *b, uint32_t request)
{
	unsigned n;

	pthread_mutex_lock(&b->lock);
	n = count(b, request);
	pthread_mutex_unlock(&b->lock);
	return n;
}

struct backend_note backend_last(struct backend *b, uint32_t request)
{
	struct backend_note note = {0};
	unsigned i;

	pthread_mutex_lock(&b->lock);
	for (i = 0; i < b->n; i++)
		if (b->log[i].request == request)
			note = b->log[i];
	pthread_mutex_unlock(&b->lock);
	return note;
}

bool backend_ends_with(struct backend *b, const uint32_t *requests)
{
	unsigned n = 0, i;
	bool same = true;

	while (requests[n])
		n++;
	pthread_mutex_lock(&b->lock);
	for (i = 0; i < n && same; i++)
		same = b->n >= n && b->log[b->n - n + i].request == requests[i];
	pthread_mutex_unlock(&b->lock);
	return same;
}

long backend_asks(struct backend *b, uint32_t request, bool need_reply)
{
	struct message m = {.request = request, .flags = need_reply ? 9 : 1}, reply;
	unsigned n_fds;
	int fds[8];

	send_with(b->channel, &m, HEADER, NULL, 0);
	if (!need_reply)
		return -1;
	cr_assert(receive(b->channel, &reply, fds, &n_fds));
	cr_assert_eq(reply.request, request);
	cr_assert_eq(reply.flags, 5);
	return (long)u64_at(&reply, 0);
}
