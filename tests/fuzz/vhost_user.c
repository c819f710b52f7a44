/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The front end of vhost-user, in front of a back end that says whatever the input says: first to
 * what it is asked, then by itself, on the channel for its own requests. All of it is there before
 * it is asked, and nonsense behind it, so that nothing waits.
 *
 * The input is records, then what device.h has for a driver:
 *	1 byte		0: on the socket; 1: on the channel; another: the last was the last
 *	1 byte		how many descriptors go with the bytes
 *	2 bytes		how many bytes follow, little-endian
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../virtio/devices.h"
#include "../../virtio/vhost_user.h"
#include "device.h"

#define FDS	     40 /* more than any message may have */
#define RECORD_BYTES 4096
/* Nobody listens there. */
#define NOWHERE "build/fuzz/no-such-socket"

enum record_what { ON_SOCKET, ON_CHANNEL, RECORD_WHATS };

struct backend {
	const uint8_t *data;
	size_t size;
	int socket;
	/* An end of every connection that was made is closed when the run is over. */
	struct vhost_user_session kept[VHOST_USER_MAX];
};

static struct virtio_options options = {.n_vhost_user = 1};
/* The callback that makes a device has no argument for it. */
static struct backend *current;

static void must(bool good)
{
	if (!good)
		abort();
}

/* Both ends are sockets that never block: what has no room is lost. */
static void say(int fd, const uint8_t *bytes, size_t n, unsigned n_fds)
{
	static int nowhere = -1;
	union {
		char bytes[CMSG_SPACE(FDS * sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	struct iovec iov = {(void *)(uintptr_t)bytes, n};
	struct msghdr h = {.msg_iov = &iov, .msg_iovlen = 1};
	unsigned i;

	if (nowhere < 0)
		nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
	n_fds %= FDS;
	if (n_fds) {
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		for (i = 0; i < n_fds; i++)
			memcpy(CMSG_DATA(&control.align) + i * sizeof(int), &nowhere,
			       sizeof(nowhere));
		h.msg_control = control.bytes;
		h.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
	}
	if (n)
		(void)!sendmsg(fd, &h, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* All records of a kind; returns where the driver's input begins. */
static size_t say_all(const struct backend *b, enum record_what kind, int fd)
{
	size_t at = 0, n;

	while (b->size - at >= 4 && b->data[at] < RECORD_WHATS) {
		n = (b->data[at + 2] | (size_t)b->data[at + 3] << 8) % RECORD_BYTES;
		if (n > b->size - at - 4)
			n = b->size - at - 4;
		if (b->data[at] == kind && fd >= 0)
			say(fd, b->data + at + 4, n, b->data[at + 1]);
		at += 4 + n;
	}
	return at < b->size ? at + 1 : at;
}

/* What the front end has sent so far: the descriptor of its channel, -1. The others are closed. */
static int take_channel(int fd)
{
	struct vhost_user_message m;
	int channel = -1;
	ssize_t n;

	do {
		union {
			char bytes[CMSG_SPACE(VHOST_USER_REGIONS * sizeof(int))];
			struct cmsghdr align;
		} control;
		struct iovec iov = {&m.header, sizeof(m.header)};
		struct msghdr h = {.msg_iov = &iov,
				   .msg_iovlen = 1,
				   .msg_control = control.bytes,
				   .msg_controllen = sizeof(control)};

		n = recvmsg(fd, &h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
		if (n != sizeof(m.header))
			return channel;
		if (h.msg_controllen && m.header.request == VHOST_USER_SET_BACKEND_REQ_FD)
			memcpy(&channel, CMSG_DATA(&control.align), sizeof(channel));
		/* Not for nothing: that would take, and lose, the next one's descriptor. */
		n = m.header.size ? recv(fd, &m.payload, m.header.size, MSG_DONTWAIT) : 0;
	} while (n == (ssize_t)m.header.size);
	return channel;
}

static int create(struct virtio *v, struct virtio_device **out, struct error *err)
{
	struct backend *b = current;
	int channel, ret;

	v->options = &options;
	v->kept = malloc(sizeof(b->kept));
	must(v->kept);
	memcpy(v->kept, b->kept, sizeof(b->kept));
	ret = virtio_vhost_user_create(v, &options.vhost_user[0], out, err);
	channel = take_channel(b->socket);
	if (channel < 0)
		return ret;
	say_all(b, ON_CHANNEL, channel);
	close(channel);
	return ret;
}

static unsigned open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	must(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* What comes with a message that is no good is closed, too. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct backend b = {.data = data, .size = size};
	uint8_t nonsense[4 * KIB];
	unsigned i, files;
	int pair[2];
	size_t at;

	must(!virtio_parse_vhost_user("7,socket=" NOWHERE ",queues=3,config-size=60",
				      &options.vhost_user[0], NULL));
	memset(nonsense, 0xff, sizeof(nonsense));
	say(-1, NULL, 0, 0);
	files = open_files();
	must(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	b.socket = pair[1];
	for (i = 0; i < VHOST_USER_MAX; i++)
		b.kept[i].fd = -1;
	b.kept[0].fd = pair[0];
	current = &b;
	at = say_all(&b, ON_SOCKET, b.socket);
	say(b.socket, nonsense, sizeof(nonsense), 0);
	fuzz_device(create, data + at, size - at);
	close(b.socket);
	must(open_files() == files);
	return 0;
}
