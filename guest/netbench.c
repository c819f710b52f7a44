/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * netbench: both ends of what a network card is measured by. Prints, as name=value, what it found;
 * ends with status 1 after error=.
 *
 *   netbench serve PORT                 be the other end, until it is killed: serving=PORT
 *   netbench out ADDRESS PORT MIB       a stream, in writes of 64 KiB: out_rate=, in MiB/s
 *   netbench in ADDRESS PORT MIB        the same in the other direction: in_rate=
 *   netbench sent ADDRESS PORT N        N frames of 60 bytes: sent_rate=, frames per second
 *   netbench got ADDRESS PORT N         the same in the other direction: got_rate=
 *   netbench trips ADDRESS PORT N       a frame out, and one back: trips_rate=, per second
 *
 * A program that writes little at a time, as nc does, measures how long the other end's answers
 * take: while they are out TCP makes few frames of many writes (RFC 896), so that what answers
 * sooner has more frames to carry.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BLOCK	 65536
#define MIB	 (1024ULL * 1024)
#define PATIENCE 20 /* seconds */

/* Frames that may be under way: no queue on the way is so short that it would lose one. */
#define WINDOW 128
/* How many are confirmed at a time. */
#define STRIDE 32
#define ROOM   (4 << 20) /* bytes, for a socket to hold a window's frames in */

/* What the other end is asked for; also a frame's contents: 18 bytes make it one of 60. */
struct request {
	uint32_t what; /* a name's first letter, or CONFIRM */
	uint32_t n;
	char rest[10];
} __attribute__((packed));
#define CONFIRM 'c'

static char block[BLOCK];

static void die(const char *what)
{
	printf("error=%s: %s\n", what, strerror(errno));
	exit(1);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int open_socket(int type)
{
	struct timeval patience = {.tv_sec = PATIENCE};
	int fd = socket(AF_INET, type, 0), room = ROOM, one = 1;

	/* Root may have more room than the system's limit. */
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    (type == SOCK_DGRAM && setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room))))
		die("socket");
	return fd;
}

static struct sockaddr_in address(const char *host, const char *port, unsigned more)
{
	struct sockaddr_in a = {.sin_family = AF_INET};

	a.sin_port = htons((uint16_t)(strtoul(port, NULL, 10) + more));
	if (!inet_aton(host, &a.sin_addr))
		die("address");
	return a;
}

static int reach(int type, const struct sockaddr_in *a)
{
	int fd = open_socket(type);

	if (connect(fd, (const struct sockaddr *)a, sizeof(*a)))
		die("connect");
	return fd;
}

static int attend(int type, const struct sockaddr_in *a)
{
	int fd = open_socket(type);

	if (bind(fd, (const struct sockaddr *)a, sizeof(*a)) ||
	    (type == SOCK_STREAM && listen(fd, 1)))
		die("listen");
	return fd;
}

/* Returns the bytes that came until the end, or -1. */
static int64_t drain(int fd)
{
	int64_t all = 0;
	ssize_t n;

	while ((n = read(fd, block, BLOCK)) > 0)
		all += n;
	return n ? -1 : all;
}

static int fill(int fd, uint64_t bytes)
{
	ssize_t n;

	for (; bytes; bytes -= (uint64_t)n) {
		n = write(fd, block, bytes < BLOCK ? bytes : BLOCK);
		if (n <= 0)
			return -1;
	}
	return 0;
}

/* ---- the other end --------------------------------------------------------------------------- */

static void serve_stream(int listener)
{
	int fd = accept(listener, NULL, NULL);
	struct request r;

	if (fd < 0)
		return;
	if (read(fd, &r, sizeof(r)) == sizeof(r) && r.what == 'i')
		fill(fd, r.n * MIB);
	shutdown(fd, SHUT_WR);
	drain(fd);
	close(fd);
}

static void serve_frames(int fd, const struct sockaddr_in *peer, uint32_t n)
{
	struct request r, confirmed = {.n = 0};
	uint32_t i;

	for (i = 1; i <= n; i++) {
		while (i - confirmed.n > WINDOW)
			if (recv(fd, &confirmed, sizeof(confirmed), 0) < 0)
				return;
		r = (struct request){.what = 'f', .n = i};
		if (sendto(fd, &r, sizeof(r), 0, (const struct sockaddr *)peer, sizeof(*peer)) < 0)
			return;
	}
}

static void serve_datagram(int fd)
{
	struct sockaddr_in peer;
	socklen_t len = sizeof(peer);
	struct request r;

	if (recvfrom(fd, &r, sizeof(r), 0, (struct sockaddr *)&peer, &len) != sizeof(r))
		return;
	if (r.what == 'g')
		serve_frames(fd, &peer, r.n);
	else if (r.what == 't')
		sendto(fd, &r, sizeof(r), 0, (struct sockaddr *)&peer, len);
}

static void serve(const char *port)
{
	struct sockaddr_in here = address("0.0.0.0", port, 0), sink = address("0.0.0.0", port, 1);
	struct pollfd p[] = {{.fd = attend(SOCK_STREAM, &here), .events = POLLIN},
			     {.fd = attend(SOCK_DGRAM, &here), .events = POLLIN}};

	/* Nobody reads there: what comes is taken, and no answer sent. */
	attend(SOCK_DGRAM, &sink);
	printf("serving=%s\n", port);
	fflush(stdout);
	while (poll(p, 2, -1) > 0) {
		if (p[0].revents)
			serve_stream(p[0].fd);
		if (p[1].revents)
			serve_datagram(p[1].fd);
	}
	die("poll");
}

/* ---- the end that measures ------------------------------------------------------------------- */

static void stream(const struct sockaddr_in *to, uint32_t n, bool out)
{
	struct request r = {.what = out ? 'o' : 'i', .n = n};
	int fd = reach(SOCK_STREAM, to);
	double begin = now();

	if (write(fd, &r, sizeof(r)) != sizeof(r) || (out && fill(fd, n * MIB)))
		die("write");
	/* The other end hangs up when it has all. */
	shutdown(fd, SHUT_WR);
	if (drain(fd) != (out ? 0 : (int64_t)(n * MIB)))
		die("the stream was cut");
	printf("%s_rate=%.2f\n", out ? "out" : "in", n / (now() - begin));
}

/* A socket has room for few frames: who has sent the last knows that nearly all were taken. */
static void frames_out(const struct sockaddr_in *to, uint32_t n)
{
	int fd = reach(SOCK_DGRAM, to);
	struct request r = {.what = 'f'};
	double begin = now();

	for (r.n = 1; r.n <= n; r.n++)
		if (write(fd, &r, sizeof(r)) != sizeof(r))
			die("write");
	printf("sent_rate=%.0f\n", n / (now() - begin));
}

static void frames_in(const struct sockaddr_in *to, uint32_t n)
{
	struct request r = {.what = 'g', .n = n}, confirm = {.what = CONFIRM};
	int fd = reach(SOCK_DGRAM, to);
	double begin = now();

	if (write(fd, &r, sizeof(r)) != sizeof(r))
		die("write");
	while (confirm.n < n) {
		if (read(fd, &r, sizeof(r)) != sizeof(r))
			die("frames are missing");
		if (++confirm.n % STRIDE == 0 && write(fd, &confirm, sizeof(confirm)) < 0)
			die("write");
	}
	printf("got_rate=%.0f\n", n / (now() - begin));
}

static void trips(const struct sockaddr_in *to, uint32_t n)
{
	struct request r = {.what = 't'};
	int fd = reach(SOCK_DGRAM, to);
	double begin = now();

	for (r.n = 0; r.n < n; r.n++)
		if (write(fd, &r, sizeof(r)) != sizeof(r) || read(fd, &r, sizeof(r)) != sizeof(r))
			die("no answer");
	printf("trips_rate=%.0f\n", n / (now() - begin));
}

static int usage(void)
{
	fprintf(stderr, "usage: netbench serve PORT\n"
			"       netbench out|in|sent|got|trips ADDRESS PORT N\n");
	return 2;
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";
	struct sockaddr_in to;
	uint32_t n;

	if (!strcmp(what, "serve"))
		serve(argv[2]);
	if (argc < 5)
		return usage();
	n = (uint32_t)strtoul(argv[4], NULL, 10);
	to = address(argv[2], argv[3], !strcmp(what, "sent"));
	if (!strcmp(what, "out") || !strcmp(what, "in"))
		stream(&to, n, !strcmp(what, "out"));
	else if (!strcmp(what, "sent"))
		frames_out(&to, n);
	else if (!strcmp(what, "got"))
		frames_in(&to, n);
	else if (!strcmp(what, "trips"))
		trips(&to, n);
	else
		return usage();
	return 0;
}
