/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * vsockcat: both ends of connections between a guest and its host. Prints, as name=value, what it
 * found; ends with status 1 after error=.
 *
 *   vsockcat echo ADDRESS N        listen, say listening=N, send what N connections send back
 *   vsockcat check ADDRESS BYTES N N connections at once: does each get back its BYTES, and the end
 *                                  behind them, when it has announced its own? good=N
 *   vsockcat talk ADDRESS BYTES N  the same without ends of one direction: close when all is back
 *   vsockcat drop ADDRESS BYTES    connect, send, and close without having read: dropped=BYTES
 *   vsockcat refused ADDRESS       connect where nobody may be: refused=1
 *   vsockcat hold ADDRESS N        N connections that say half a line, until it is killed: held=N
 *
 * ADDRESS is CID:PORT, any:PORT to listen; a Unix socket's PATH; or PATH@PORT, which is a guest's
 * port behind the Unix socket of its VMM.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/vm_sockets.h>

#define BLOCK 65536
#define HELD  1024

union address {
	struct sockaddr any;
	struct sockaddr_vm vm;
	struct sockaddr_un un;
};

static void die(const char *what)
{
	printf("error=%s: %s\n", what, strerror(errno));
	exit(1);
}

/* Returns the address' length; *port is what a VMM's socket is to be asked for, or NULL. */
static socklen_t parse(const char *text, union address *a, const char **port)
{
	const char *colon = strchr(text, ':'), *at = strrchr(text, '@');

	memset(a, 0, sizeof(*a));
	*port = NULL;
	if (colon) {
		a->vm.svm_family = AF_VSOCK;
		a->vm.svm_cid = strncmp(text, "any", 3) ? (unsigned)strtoul(text, NULL, 10)
							: VMADDR_CID_ANY;
		a->vm.svm_port = (unsigned)strtoul(colon + 1, NULL, 10);
		return sizeof(a->vm);
	}
	a->un.sun_family = AF_UNIX;
	snprintf(a->un.sun_path, sizeof(a->un.sun_path), "%.*s",
		 (int)(at ? at - text : (long)strlen(text)), text);
	*port = at ? at + 1 : NULL;
	return sizeof(a->un);
}

/* Firecracker's handshake. A VMM that can't reach the port hangs up. */
static int greet(int fd, const char *port)
{
	char line[64];
	unsigned n = 0;

	dprintf(fd, "CONNECT %s\n", port);
	while (n < sizeof(line) - 1 && read(fd, line + n, 1) == 1)
		if (line[n++] == '\n')
			break;
	line[n] = 0;
	if (!strncmp(line, "OK ", 3))
		return 0;
	errno = ECONNREFUSED;
	return -1;
}

/* -1: nobody is there. */
static int connect_to(const char *text)
{
	union address a;
	const char *port;
	socklen_t len = parse(text, &a, &port);
	int fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	if (!connect(fd, &a.any, len) && (!port || !greet(fd, port)))
		return fd;
	close(fd);
	return -1;
}

static int send_all(int fd, const char *data, size_t n)
{
	ssize_t done;

	for (; n; data += done, n -= (size_t)done) {
		done = write(fd, data, n);
		if (done <= 0)
			return -1;
	}
	return 0;
}

static void serve(int fd)
{
	static char block[BLOCK];
	ssize_t n;

	while ((n = read(fd, block, sizeof(block))) > 0)
		if (send_all(fd, block, (size_t)n))
			break;
	exit(0);
}

static void echo(const char *text, unsigned n)
{
	union address a;
	const char *port;
	socklen_t len = parse(text, &a, &port);
	int fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), peer;

	if (fd < 0 || bind(fd, &a.any, len) || listen(fd, 64))
		die("listen");
	printf("listening=%u\n", n);
	fflush(stdout);
	for (; n; n--) {
		peer = accept(fd, NULL, NULL);
		if (peer < 0)
			die("accept");
		if (!fork())
			serve(peer);
		close(peer);
	}
	while (wait(NULL) > 0)
		;
}

/* The same bytes for sender and reader of a connection, and others for others. */
static void fill(char *block, size_t n, uint64_t *state)
{
	size_t i;

	for (i = 0; i < n; i++) {
		*state ^= *state << 13;
		*state ^= *state >> 7;
		*state ^= *state << 17;
		block[i] = (char)*state;
	}
}

static void send_pattern(int fd, uint64_t bytes, uint64_t seed, bool end)
{
	static char block[BLOCK];
	size_t n;

	for (; bytes; bytes -= n) {
		n = bytes < BLOCK ? bytes : BLOCK;
		fill(block, n, &seed);
		if (send_all(fd, block, n))
			exit(1);
	}
	exit(end && shutdown(fd, SHUT_WR) ? 1 : 0);
}

/* One connection: everything back, in order, and the end behind it if we announce ours. */
static void check_one(const char *text, uint64_t bytes, uint64_t seed, bool end)
{
	static char got[BLOCK], want[BLOCK];
	int fd = connect_to(text), status;
	uint64_t left = bytes;
	ssize_t n = 0;

	if (fd < 0)
		die("connect");
	if (!fork())
		send_pattern(fd, bytes, seed, end);
	while ((left || end) && (n = read(fd, got, sizeof(got))) > 0) {
		if ((uint64_t)n > left)
			break;
		fill(want, (size_t)n, &seed);
		if (memcmp(got, want, (size_t)n))
			break;
		left -= (uint64_t)n;
	}
	if (wait(&status) < 0 || status || (end && n) || left) {
		printf("error=%llu of %llu bytes came back, then %zd\n",
		       (unsigned long long)(bytes - left), (unsigned long long)bytes, n);
		exit(1);
	}
	exit(0);
}

static void check(const char *text, uint64_t bytes, unsigned n, bool end)
{
	unsigned i, good = 0;
	int status;

	fflush(stdout);
	for (i = 0; i < n; i++)
		if (!fork())
			check_one(text, bytes, 0x9e3779b97f4a7c15ULL + i, end);
	while (wait(&status) > 0)
		good += !status;
	printf("good=%u\n", good);
	exit(good == n ? 0 : 1);
}

static void drop(const char *text, uint64_t bytes)
{
	static char block[BLOCK];
	int fd = connect_to(text);
	uint64_t left, n;

	if (fd < 0)
		die("connect");
	for (left = bytes; left; left -= n) {
		n = left < BLOCK ? left : BLOCK;
		if (send_all(fd, block, n))
			die("write");
	}
	printf("dropped=%llu\n", (unsigned long long)bytes);
}

static void hold(const char *text, unsigned n)
{
	unsigned i;
	int fd;

	for (i = 0; i < n && i < HELD; i++) {
		fd = connect_to(text);
		if (fd < 0 || send_all(fd, "CONN", 4))
			die("hold");
	}
	printf("held=%u\n", i);
	fflush(stdout);
	pause();
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";
	unsigned long number = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;

	signal(SIGPIPE, SIG_IGN);
	if (!strcmp(what, "echo") && number)
		echo(argv[2], (unsigned)number);
	else if (!strcmp(what, "check") && argc > 4)
		check(argv[2], number, (unsigned)strtoul(argv[4], NULL, 10), true);
	else if (!strcmp(what, "talk") && argc > 4)
		check(argv[2], number, (unsigned)strtoul(argv[4], NULL, 10), false);
	else if (!strcmp(what, "drop") && number)
		drop(argv[2], number);
	else if (!strcmp(what, "hold") && number)
		hold(argv[2], (unsigned)number);
	else if (!strcmp(what, "refused"))
		printf("refused=%d\n", connect_to(argv[2]) < 0);
	else
		return fprintf(stderr,
			       "usage: vsockcat echo|check|talk|drop|refused|hold ADDRESS …\n"),
		       2;
	return 0;
}
