/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The other end of the control socket: where it is, and how another process asks. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "machine.h"

/* For an answer; and to be let in, which a machine that lives does at once. */
#define PATIENCE_SECONDS 10
#define KNOCK_SECONDS	 1

/* In /tmp anybody may have made it, to show machines that there are not. */
static int check_owner(const char *path, struct error *err)
{
	struct stat st;

	if (lstat(path, &st) || (S_ISDIR(st.st_mode) && st.st_uid == geteuid()))
		return 0;
	return fail(err, EPERM,
		    "%s: it is not your directory; set CARILLON_RUN to one for control sockets",
		    path);
}

int control_directory(char *path, size_t size, struct error *err)
{
	const char *run = getenv("CARILLON_RUN"), *xdg = getenv("XDG_RUNTIME_DIR");
	int n;

	if (run)
		n = snprintf(path, size, "%s", run);
	else if (!geteuid())
		n = snprintf(path, size, "/run/carillon");
	else if (xdg)
		n = snprintf(path, size, "%s/carillon", xdg);
	else
		n = snprintf(path, size, "/tmp/carillon-%u", (unsigned)geteuid());
	/* Of the shortest name, too. */
	if (n > (int)(size - sizeof("/n.sock")))
		return fail(err, ENAMETOOLONG, "the directory for control sockets is too long");
	return run || xdg || !geteuid() ? 0 : check_owner(path, err);
}

int control_address(const char *name, struct sockaddr_un *address, struct error *err)
{
	char directory[sizeof(address->sun_path)];
	int ret = control_directory(directory, sizeof(directory), err);

	if (ret)
		return ret;
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (!*name || strchr(name, '/') || *name == '.' ||
	    snprintf(address->sun_path, sizeof(address->sun_path), "%s/%s.sock", directory, name) >=
		    (int)sizeof(address->sun_path))
		return fail(err, EINVAL,
			    "'%s' can't be the name of a machine: no '/', no leading '.', at most "
			    "%zu characters",
			    name, sizeof(address->sun_path) - strlen(directory) - 7);
	return 0;
}

/* Commands to a terminal are no text, and neither is a NUL, behind which nothing would be seen. */
static void make_text(char *bytes, size_t n)
{
	for (; n; bytes++, n--)
		if (((unsigned char)*bytes < ' ' && *bytes != '\n') || *bytes == 0x7f)
			*bytes = '?';
}

static int gather(int fd, struct text *reply)
{
	char chunk[4096];
	ssize_t n;

	while ((n = recv(fd, chunk, sizeof(chunk), 0)) > 0) {
		make_text(chunk, (size_t)n);
		text_add(reply, "%.*s", (int)n, chunk);
		if (reply->len > CONTROL_REPLY)
			return -EMSGSIZE;
	}
	if (n < 0)
		return -errno;
	return reply->failed ? -ENOMEM : 0;
}

static int knock(int fd, const struct sockaddr_un *address, const char *name, struct error *err)
{
	if (!connect(fd, (const struct sockaddr *)address, sizeof(*address)))
		return 0;
	if (errno == EAGAIN)
		return fail(err, errno, "machine '%s' does not answer: it takes no connection",
			    name);
	return fail(err, ESRCH, "no machine named '%s' is running; see: carillon list", name);
}

int control_ask(const char *name, const char *command, struct text *reply, struct error *err)
{
	struct timeval patience = {.tv_sec = PATIENCE_SECONDS}, let_in = {.tv_sec = KNOCK_SECONDS};
	struct sockaddr_un address;
	char line[CONTROL_LINE];
	int fd, ret = control_address(name, &address, err);

	if (ret)
		return ret;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail(err, errno, "control socket: %s", strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &let_in, sizeof(let_in));
	ret = knock(fd, &address, name, err);
	if (ret)
		goto out;
	snprintf(line, sizeof(line), "%s\n", command);
	ret = send(fd, line, strlen(line), MSG_NOSIGNAL) < 0 ? -errno : gather(fd, reply);
	if (ret)
		fail(err, -ret, "machine '%s' does not answer: %s", name, strerror(-ret));
out:
	close(fd);
	return ret;
}
