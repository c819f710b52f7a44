/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Unix sockets that this process listens at. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base.h"

bool socket_is_alive(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool alive = fd >= 0 && (!connect(fd, (const struct sockaddr *)address, sizeof(*address)) ||
				 errno == EAGAIN);

	if (fd >= 0)
		close(fd);
	return alive;
}

static int remove_stale(const struct sockaddr_un *address, struct error *err)
{
	const char *path = address->sun_path;
	struct stat st;

	if (lstat(path, &st))
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return fail(err, EEXIST, "%s: it is there, and no socket; choose another path",
			    path);
	if (socket_is_alive(address))
		return fail(err, EADDRINUSE,
			    "%s: another process listens there; end it, or choose another path",
			    path);
	return unlink(path) ? fail(err, errno, "%s: %s", path, strerror(errno)) : 0;
}

void socket_close(int fd, const struct sockaddr_un *address)
{
	close(fd);
	if (!socket_is_alive(address))
		unlink(address->sun_path);
}

int socket_listen(const struct sockaddr_un *address, int backlog, struct error *err)
{
	mode_t mask;
	int fd, ret = remove_stale(address, err);

	if (ret)
		return ret;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fail(err, errno, "%s: %s", address->sun_path, strerror(errno));
	/* From the first moment on for the owner alone. */
	mask = umask(077);
	ret = bind(fd, (const struct sockaddr *)address, sizeof(*address));
	umask(mask);
	if (ret || listen(fd, backlog)) {
		ret = fail(err, errno, "%s: %s", address->sun_path, strerror(errno));
		close(fd);
		return ret;
	}
	return fd;
}
