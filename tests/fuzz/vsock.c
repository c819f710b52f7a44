/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The socket device in front of Unix sockets: somebody listens at port 6000 of the host, and
 * somebody wants to connect to port 5000 of the guest and has sent a little.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../virtio/devices.h"
#include "device.h"

#define CID 7

struct host {
	struct vsock_options opt;
	int listener, client;
};

static int unix_socket(const char *path, const char *suffix, struct sockaddr_un *a)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	*a = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (fd < 0 || snprintf(a->sun_path, sizeof(a->sun_path), "%.90s%s", path, suffix) < 0)
		abort();
	return fd;
}

/* Made with the first run, for all of them. */
static struct host *host(void)
{
	static struct host h;
	struct sockaddr_un a;

	if (h.opt.cid)
		return &h;
	h.opt.cid = CID;
	snprintf(h.opt.uds, sizeof(h.opt.uds), "build/fuzz/vsock-%ld", (long)getpid());
	h.listener = unix_socket(h.opt.uds, "_6000", &a);
	if (bind(h.listener, (struct sockaddr *)&a, sizeof(a)) || listen(h.listener, 8))
		abort();
	return &h;
}

static int create(struct virtio *v, struct virtio_device **out, struct error *err)
{
	static const char said[] = "CONNECT 5000\nhello";
	struct host *h = host();
	int ret = virtio_vsock_create(v, &h->opt, out, err);
	struct sockaddr_un a;

	h->client = unix_socket(h->opt.uds, "", &a);
	if (ret || connect(h->client, (struct sockaddr *)&a, sizeof(a)) ||
	    send(h->client, said, strlen(said), MSG_NOSIGNAL) < 0)
		abort();
	return ret;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd;

	fuzz_device(create, data, size);
	close(host()->client);
	while ((fd = accept(host()->listener, NULL, NULL)) >= 0)
		close(fd);
	return 0;
}
