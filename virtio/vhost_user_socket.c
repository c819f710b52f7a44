/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The socket of a vhost-user back end: whole messages, their descriptors, and an end to waiting. */
#include "iov.h"
#include "vhost_user.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int vhost_user_connect(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd, code;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (!connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	code = errno;
	close(fd);
	return -code;
}

static int wait_for(int fd, short events, uint64_t deadline)
{
	struct pollfd p = {.fd = fd, .events = events};
	uint64_t now = now_ns();
	int n;

	if (now >= deadline)
		return -ETIMEDOUT;
	n = poll(&p, 1, (int)((deadline - now) / NS_PER_MS) + 1);
	if (n < 0 && errno != EINTR)
		return -errno;
	return 0;
}

int vhost_user_send(int fd, const struct vhost_user_message *m, uint64_t deadline)
{
	/* sendmsg() takes what it only reads as if it wrote it. */
	struct vhost_user_message copy = *m;
	struct iovec iov[] = {{&copy.header, sizeof(copy.header)}, {&copy.payload, m->header.size}};
	struct iovec *rest = iov;
	unsigned n_rest = ARRAY_SIZE(iov);
	struct msghdr h = {0};
	union {
		char bytes[CMSG_SPACE(sizeof(m->fds))];
		struct cmsghdr align;
	} control = {0};
	ssize_t n;
	int ret;

	if (m->n_fds) {
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(m->n_fds * sizeof(int));
		memcpy(CMSG_DATA(&control.align), m->fds, m->n_fds * sizeof(int));
		h.msg_control = control.bytes;
		h.msg_controllen = CMSG_SPACE(m->n_fds * sizeof(int));
	}
	while (n_rest) {
		ret = wait_for(fd, POLLOUT, deadline);
		if (ret)
			return ret;
		h.msg_iov = rest;
		h.msg_iovlen = n_rest;
		n = sendmsg(fd, &h, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (n <= 0)
			continue;
		/* Descriptors go with the first byte. */
		h.msg_control = NULL;
		h.msg_controllen = 0;
		iov_advance(&rest, &n_rest, (size_t)n);
	}
	return 0;
}

void vhost_user_close_fds(struct vhost_user_message *m)
{
	while (m->n_fds)
		close(m->fds[--m->n_fds]);
}

/* Keep what there is room for; what is more nobody asked for. */
static void take_fds(struct vhost_user_message *m, struct msghdr *h)
{
	struct cmsghdr *c;
	size_t i, n;
	int fd;

	for (c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < n; i++) {
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (m->n_fds < ARRAY_SIZE(m->fds))
				m->fds[m->n_fds++] = fd;
			else
				close(fd);
		}
	}
}

/* n bytes, whatever pieces they come in, and the descriptors that come with them. */
static int receive(int fd, struct vhost_user_message *m, void *buf, size_t n, uint64_t deadline)
{
	union {
		char bytes[CMSG_SPACE(VHOST_USER_FDS * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = {buf, n};
	struct msghdr h = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t got;
	int ret;

	while (iov.iov_len) {
		ret = wait_for(fd, POLLIN, deadline);
		if (ret)
			return ret;
		h.msg_control = control.bytes;
		h.msg_controllen = sizeof(control);
		got = recvmsg(fd, &h, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
		if (got < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (!got)
			return -ECONNRESET;
		if (got < 0)
			continue;
		take_fds(m, &h);
		iov.iov_base = (uint8_t *)iov.iov_base + got;
		iov.iov_len -= (size_t)got;
	}
	return 0;
}

int vhost_user_receive(int fd, struct vhost_user_message *m, const struct vhost_user_header *sent,
		       uint64_t deadline, const char **why)
{
	int ret;

	memset(m, 0, sizeof(*m));
	ret = receive(fd, m, &m->header, sizeof(m->header), deadline);
	if (!ret) {
		*why = sent ? vhost_user_check_header(sent, &m->header)
			    : vhost_user_check_request(&m->header);
		ret = *why ? -EPROTO : receive(fd, m, &m->payload, m->header.size, deadline);
	}
	if (ret)
		vhost_user_close_fds(m);
	return ret;
}
