/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * peer: the other end of guest/bench-net.c's wire.
 *
 * usage: build/ARCH/bench/peer TAP
 *
 * Frames of the type TYPE_ASK ask for something: to be sent back, or for so many frames of 60 bytes
 * or of 63 KiB, which are TCP for the receiver to segment. What else comes is dropped by the
 * kernel.
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>

#define TYPE_ASK   0x88b5
#define ASK_ECHO   0
#define ASK_SMALL  1
#define ASK_LARGE  2
#define SMALL	   60
#define IP_AT	   14
#define TCP_AT	   34
#define DATA_AT	   54
#define DATA_BYTES (63 << 10)
#define LOT_MAX	   64

struct frame {
	struct virtio_net_hdr header; /* PACKET_VNET_HDR */
	uint8_t bytes[DATA_AT + DATA_BYTES];
};

static int open_wire(const char *tap, struct sockaddr_ll *at)
{
	int fd = socket(AF_PACKET, SOCK_RAW, 0), on = 1;

	*at = (struct sockaddr_ll){.sll_family = AF_PACKET,
				   .sll_protocol = htons(TYPE_ASK),
				   .sll_ifindex = (int)if_nametoindex(tap)};
	if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)) ||
	    bind(fd, (struct sockaddr *)at, sizeof(*at))) {
		perror(tap);
		exit(1);
	}
	return fd;
}

static void put(uint8_t *at, unsigned bytes, uint32_t value)
{
	while (bytes--)
		*at++ = (uint8_t)(value >> (8 * bytes));
}

/* To whoever is there, from 192.0.2.1 to 192.0.2.2. */
static void make_large(struct frame *f)
{
	f->header = (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
		.hdr_len = DATA_AT,
		.gso_size = 1448,
		.csum_start = TCP_AT,
		.csum_offset = 16,
	};
	put(f->bytes, 4, 0x02123456);
	put(f->bytes + 12, 2, ETH_P_IP);
	put(f->bytes + IP_AT, 4, 0x45000000 + DATA_AT - IP_AT + DATA_BYTES);
	put(f->bytes + IP_AT + 8, 4, 0x40060000);
	put(f->bytes + IP_AT + 12, 4, 0xc0000201);
	put(f->bytes + IP_AT + 16, 4, 0xc0000202);
	put(f->bytes + TCP_AT, 4, 0x10001001);
	put(f->bytes + TCP_AT + 12, 4, 0x50100400);
}

/* n times the same frame. */
static void send_lot(int fd, struct sockaddr_ll *at, struct frame *f, size_t bytes, unsigned n)
{
	struct mmsghdr lot[LOT_MAX] = {0};
	struct iovec iov = {f, sizeof(f->header) + bytes};
	unsigned i;
	int sent;

	/* What the kernel takes it for, which it does not look up in the frame. */
	memcpy(&at->sll_protocol, f->bytes + 12, 2);
	for (i = 0; i < n; i++)
		lot[i].msg_hdr = (struct msghdr){.msg_name = at,
						 .msg_namelen = sizeof(*at),
						 .msg_iov = &iov,
						 .msg_iovlen = 1};
	for (i = 0; i < n; i += (unsigned)sent) {
		sent = sendmmsg(fd, lot + i, n - i, 0);
		if (sent < 1) {
			perror("send");
			exit(1);
		}
	}
}

int main(int argc, char **argv)
{
	static struct frame asked, small, large;
	struct sockaddr_ll at;
	ssize_t got;
	int fd;

	if (argc != 2) {
		fprintf(stderr, "usage: peer TAP\n");
		return 2;
	}
	fd = open_wire(argv[1], &at);
	put(small.bytes, 4, 0x02123456);
	put(small.bytes + 12, 2, TYPE_ASK);
	make_large(&large);
	puts("ready");
	fflush(stdout);
	while ((got = recv(fd, &asked, sizeof(asked), 0)) > 0) {
		uint8_t what = asked.bytes[IP_AT], n = asked.bytes[IP_AT + 1];

		if (n > LOT_MAX || got < (ssize_t)(sizeof(asked.header) + SMALL))
			continue;
		if (what == ASK_ECHO)
			send_lot(fd, &at, &asked, SMALL, 1);
		else if (what == ASK_SMALL)
			send_lot(fd, &at, &small, SMALL, n);
		else if (what == ASK_LARGE)
			send_lot(fd, &at, &large, sizeof(large.bytes), n);
	}
	perror(argv[1]);
	return 1;
}
