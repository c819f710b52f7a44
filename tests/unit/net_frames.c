/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The network device: frames between its queues and its backend (5.1.6), of good and bad drivers.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net_rig.h"

#define RX 0
#define TX 1
#define IN VRING_DESC_F_WRITE

static struct net_rig rig;
static uint8_t frame[9000];

static void make_frame(void)
{
	unsigned i;

	for (i = 0; i < sizeof(frame); i++)
		frame[i] = (uint8_t)(i * 7 + i / 256);
}

/* Each of these is run over both kinds of ring. */
#define RING_TEST(name)                          \
	static void name(uint64_t ring);         \
	Test(net_frames, name##_split)           \
	{                                        \
		make_frame();                    \
		name(0);                         \
		net_rig_close(&rig);             \
	}                                        \
	Test(net_frames, name##_packed)          \
	{                                        \
		make_frame();                    \
		name(BIT(VIRTIO_F_RING_PACKED)); \
		net_rig_close(&rig);             \
	}                                        \
	static void name(uint64_t ring)

/* A frame that the driver sends, header first; the buffers' lengths are given. */
static void transmit(const uint8_t *header, size_t bytes, const uint32_t *lengths, unsigned n)
{
	struct driver_buffer b[8];
	uint8_t *at = net_rig_at(&rig, RIG_BUFFERS);
	uint64_t gpa = RIG_BUFFERS;
	unsigned i;

	memcpy(at, header, 12);
	memcpy(at + 12, frame, bytes);
	for (i = 0; i < n; gpa += lengths[i++])
		b[i] = (struct driver_buffer){gpa, lengths[i], 0};
	net_rig_add(&rig, TX, b, n);
	net_rig_kick(&rig, TX);
}

static size_t arrived(uint8_t *buf, size_t room)
{
	ssize_t n;

	net_rig_wait(rig.peers[0]);
	n = recv(rig.peers[0], buf, room, 0);
	cr_assert_gt(n, 0);
	return (size_t)n;
}

/* A receive buffer of so many bytes, number i of those in memory, of 4 KiB each. */
static void offer(unsigned i, uint32_t bytes)
{
	struct driver_buffer b = {RIG_BUFFERS + i * 4096, bytes, IN};

	memset(net_rig_at(&rig, b.address), 0xaa, bytes);
	net_rig_add(&rig, RX, &b, 1);
}

static uint16_t num_buffers(unsigned i)
{
	const struct virtio_net_hdr_v1 *h = net_rig_at(&rig, RIG_BUFFERS + i * 4096);

	return h->num_buffers;
}

static const uint8_t no_header[12];

RING_TEST(a_frame_goes_out_without_its_header)
{
	static const uint32_t whole[] = {12 + 100}, odd[] = {5, 10, 97};
	uint8_t got[256];

	net_rig_open(&rig, false, 1);
	net_rig_start(&rig, ring);
	transmit(no_header, 100, whole, 1);
	cr_expect_eq(arrived(got, sizeof(got)), 100);
	cr_expect_arr_eq(got, frame, 100);
	cr_expect_eq(net_rig_used(&rig, TX), 0);
	transmit(no_header, 100, odd, 3);
	cr_expect_eq(arrived(got, sizeof(got)), 100);
	cr_expect_arr_eq(got, frame, 100);
	cr_expect_eq(net_rig_used(&rig, TX), 0);
}

RING_TEST(to_a_tap_the_header_goes_too)
{
	static const uint8_t header[12] = {VIRTIO_NET_HDR_F_NEEDS_CSUM,
					   VIRTIO_NET_HDR_GSO_TCPV4,
					   54,
					   0,
					   0xb4,
					   5,
					   34,
					   0,
					   16,
					   0};
	static const uint32_t lengths[] = {12, 3000};
	uint8_t got[4096];

	net_rig_open(&rig, true, 1);
	net_rig_start(&rig, ring);
	transmit(header, 3000, lengths, 2);
	cr_expect_eq(arrived(got, sizeof(got)), 3012);
	cr_expect_arr_eq(got, header, 12);
	cr_expect_arr_eq(got + 12, frame, 3000);
	cr_expect_eq(net_rig_used(&rig, TX), 0);
	cr_expect_eq(atomic_load(&rig.card->count.tx_large), 1);
}

#define SENT 12

/* More frames than the backend has room for, each known by its length; the driver kicks once. */
static void send_too_much(uint64_t ring)
{
	int room = 4096;
	unsigned i;

	net_rig_open(&rig, false, 1);
	cr_assert_eq(
		setsockopt(rig.card->backend.fds[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)),
		0);
	net_rig_start(&rig, ring);
	memcpy(net_rig_at(&rig, RIG_BUFFERS + 12), frame, 3000 + SENT);
	for (i = 0; i < SENT; i++) {
		struct driver_buffer b = {RIG_BUFFERS, 12 + 3000 + i, 0};

		net_rig_add(&rig, TX, &b, 1);
	}
	net_rig_kick(&rig, TX);
}

/* Until the card waits for room. */
static void wait_until_full(void)
{
	unsigned patience = 10000;
	bool full = false;

	while (!full) {
		cr_assert(patience--);
		usleep(1000);
		pthread_mutex_lock(&rig.d->lock);
		full = rig.card->pairs[0].full;
		pthread_mutex_unlock(&rig.d->lock);
	}
}

RING_TEST(frames_wait_for_a_backend_that_is_full)
{
	uint8_t got[4096];
	unsigned i;

	send_too_much(ring);
	wait_until_full();
	for (i = 0; i < SENT; i++) {
		cr_assert_eq(arrived(got, sizeof(got)), 3000 + i, "none is lost, in order");
		cr_expect_arr_eq(got, frame, 3000 + i);
		net_rig_used(&rig, TX);
	}
	cr_expect_eq(atomic_load(&rig.card->count.tx_frames), SENT);
	cr_expect_eq(atomic_load(&rig.card->count.tx_dropped), 0);
}

RING_TEST(frames_do_not_wait_for_a_backend_that_is_gone)
{
	unsigned i;

	send_too_much(ring);
	wait_until_full();
	close(rig.peers[0]);
	for (i = 0; i < SENT; i++)
		net_rig_used(&rig, TX);
	cr_expect_gt(atomic_load(&rig.card->count.tx_dropped), 0);
	rig.peers[0] = dup(rig.interrupt);
}

RING_TEST(a_reset_does_not_wait_for_the_backend)
{
	static const uint32_t whole[] = {12 + 100};
	uint8_t got[4096];

	send_too_much(ring);
	wait_until_full();
	net_rig_start(&rig, ring);
	cr_expect_not(rig.card->pairs[0].full);
	do
		cr_assert_geq(arrived(got, sizeof(got)), 3000);
	while (recv(rig.peers[0], got, 1, MSG_PEEK | MSG_DONTWAIT) > 0);
	transmit(no_header, 100, whole, 1);
	cr_expect_eq(arrived(got, sizeof(got)), 100);
}

RING_TEST(a_frame_that_is_none_is_dropped_and_given_back)
{
	static const uint32_t none[] = {1}, header[] = {12}, good[] = {13};
	uint8_t got[16];

	net_rig_open(&rig, false, 1);
	net_rig_start(&rig, ring);
	transmit(no_header, 0, none, 1);
	cr_expect_eq(net_rig_used(&rig, TX), 0);
	transmit(no_header, 0, header, 1);
	cr_expect_eq(net_rig_used(&rig, TX), 0);
	cr_expect_eq(atomic_load(&rig.card->count.tx_dropped), 2);
	transmit(no_header, 1, good, 1);
	cr_expect_eq(arrived(got, sizeof(got)), 1);
	cr_expect_eq(rig.d->status & VIRTIO_CONFIG_S_NEEDS_RESET, 0);
}

RING_TEST(a_frame_comes_in_with_a_header)
{
	net_rig_open(&rig, false, 1);
	net_rig_start(&rig, ring);
	offer(0, 2048);
	net_rig_kick(&rig, RX);
	cr_assert_eq(write(rig.peers[0], frame, 1000), 1000);
	cr_expect_eq(net_rig_used(&rig, RX), 1012);
	cr_expect_arr_eq(net_rig_at(&rig, RIG_BUFFERS), no_header, 10);
	cr_expect_eq(num_buffers(0), 1, "5.1.6.4.1: also without MRG_RXBUF");
	cr_expect_arr_eq((uint8_t *)net_rig_at(&rig, RIG_BUFFERS) + 12, frame, 1000);
	cr_expect_eq(((uint8_t *)net_rig_at(&rig, RIG_BUFFERS))[1012], 0xaa);
}

RING_TEST(a_large_frame_takes_several_buffers)
{
	unsigned i;

	net_rig_open(&rig, false, 1);
	net_rig_start(&rig, ring | BIT(VIRTIO_NET_F_MRG_RXBUF));
	for (i = 0; i < 5; i++)
		offer(i, 1024);
	net_rig_kick(&rig, RX);
	cr_assert_eq(write(rig.peers[0], frame, 3000), 3000);
	cr_expect_eq(net_rig_used(&rig, RX), 1024);
	cr_expect_eq(num_buffers(0), 3);
	cr_expect_arr_eq((uint8_t *)net_rig_at(&rig, RIG_BUFFERS) + 12, frame, 1012);
	cr_expect_eq(net_rig_used(&rig, RX), 1024);
	cr_expect_arr_eq(net_rig_at(&rig, RIG_BUFFERS + 4096), frame + 1012, 1024);
	cr_expect_eq(net_rig_used(&rig, RX), 3012 - 2048);
	cr_expect_arr_eq(net_rig_at(&rig, RIG_BUFFERS + 8192), frame + 2036, 964);
	/* The next begins in the next buffer. */
	cr_assert_eq(write(rig.peers[0], frame, 60), 60);
	cr_expect_eq(net_rig_used(&rig, RX), 72);
	cr_expect_eq(num_buffers(3), 1);
}

RING_TEST(a_frame_waits_for_buffers)
{
	net_rig_open(&rig, false, 1);
	net_rig_start(&rig, ring | BIT(VIRTIO_NET_F_MRG_RXBUF));
	cr_assert_eq(write(rig.peers[0], frame, 3000), 3000);
	cr_assert_eq(write(rig.peers[0], frame, 61), 61);
	offer(0, 1024);
	net_rig_kick(&rig, RX);
	offer(1, 1024);
	net_rig_kick(&rig, RX);
	offer(2, 1024);
	offer(3, 1024);
	net_rig_kick(&rig, RX);
	cr_expect_eq(net_rig_used(&rig, RX), 1024);
	cr_expect_eq(num_buffers(0), 3);
	net_rig_used(&rig, RX);
	cr_expect_eq(net_rig_used(&rig, RX), 3012 - 2048);
	cr_expect_arr_eq(net_rig_at(&rig, RIG_BUFFERS + 8192), frame + 2036, 964);
	cr_expect_eq(net_rig_used(&rig, RX), 73, "none is lost, and the order is kept");
	cr_expect_eq(atomic_load(&rig.card->count.rx_dropped), 0);
}

RING_TEST(a_frame_that_never_fits_is_dropped)
{
	net_rig_open(&rig, false, 1);
	net_rig_start(&rig, ring);
	offer(0, 1024);
	net_rig_kick(&rig, RX);
	cr_assert_eq(write(rig.peers[0], frame, 3000), 3000);
	cr_assert_eq(write(rig.peers[0], frame, 60), 60);
	cr_expect_eq(net_rig_used(&rig, RX), 72, "the buffer was kept for one that does");
	cr_expect_eq(atomic_load(&rig.card->count.rx_dropped), 1);
}

/* All buffers of the ring together are too small: not even then does it wait for ever. */
RING_TEST(a_frame_larger_than_the_ring_is_dropped)
{
	unsigned i;

	net_rig_open(&rig, false, 1);
	net_rig_start(&rig, ring | BIT(VIRTIO_NET_F_MRG_RXBUF));
	for (i = 0; i < 16; i++)
		offer(i, 100);
	net_rig_kick(&rig, RX);
	cr_assert_eq(write(rig.peers[0], frame, 3000), 3000);
	cr_assert_eq(write(rig.peers[0], frame, 60), 60);
	cr_expect_eq(net_rig_used(&rig, RX), 72);
	cr_expect_eq(num_buffers(0), 1);
	cr_expect_eq(atomic_load(&rig.card->count.rx_dropped), 1);
}

RING_TEST(a_buffer_shorter_than_a_header_breaks_the_device)
{
	net_rig_open(&rig, false, 1);
	net_rig_start(&rig, ring | BIT(VIRTIO_NET_F_MRG_RXBUF));
	offer(0, 11);
	offer(1, 2048);
	net_rig_kick(&rig, RX);
	cr_assert_eq(write(rig.peers[0], frame, 60), 60);
	net_rig_wait(rig.config_interrupt);
	cr_expect(rig.d->status & VIRTIO_CONFIG_S_NEEDS_RESET);
	/* And a reset makes it good (2.1.2). */
	net_rig_start(&rig, ring);
	offer(0, 2048);
	net_rig_kick(&rig, RX);
	cr_assert_eq(write(rig.peers[0], frame, 60), 60);
	cr_expect_eq(net_rig_used(&rig, RX), 72);
}

RING_TEST(a_buffer_outside_memory_breaks_the_device)
{
	const struct driver_buffer b = {RIG_RAM + RIG_RAM_SIZE - 4, 100, IN};

	net_rig_open(&rig, false, 1);
	net_rig_start(&rig, ring);
	net_rig_add(&rig, RX, &b, 1);
	net_rig_kick(&rig, RX);
	cr_assert_eq(write(rig.peers[0], frame, 60), 60);
	net_rig_wait(rig.config_interrupt);
	cr_expect(rig.d->status & VIRTIO_CONFIG_S_NEEDS_RESET);
}

/* A receive queue of nothing but buffers to read, or to write nothing into. */
RING_TEST(buffers_that_take_nothing_break_the_device)
{
	const struct driver_buffer b = {RIG_BUFFERS, 2048, 0};

	net_rig_open(&rig, false, 1);
	net_rig_start(&rig, ring | BIT(VIRTIO_NET_F_MRG_RXBUF));
	net_rig_add(&rig, RX, &b, 1);
	net_rig_kick(&rig, RX);
	cr_assert_eq(write(rig.peers[0], frame, 60), 60);
	net_rig_wait(rig.config_interrupt);
	cr_expect(rig.d->status & VIRTIO_CONFIG_S_NEEDS_RESET);
}

/* 5.1.6.4.1 */
Test(net_frames, flags_are_for_those_who_know_checksums)
{
	const struct virtio_net_hdr_v1 *h;
	uint8_t in[12 + 60] = {VIRTIO_NET_HDR_F_DATA_VALID};

	net_rig_open(&rig, true, 1);
	h = net_rig_at(&rig, RIG_BUFFERS);
	net_rig_start(&rig, 0);
	offer(0, 2048);
	net_rig_kick(&rig, RX);
	cr_assert_eq(write(rig.peers[0], in, sizeof(in)), sizeof(in));
	cr_expect_eq(net_rig_used(&rig, RX), sizeof(in));
	cr_expect_eq(h->flags, 0);
	net_rig_start(&rig, BIT(VIRTIO_NET_F_GUEST_CSUM));
	offer(0, 2048);
	net_rig_kick(&rig, RX);
	cr_assert_eq(write(rig.peers[0], in, sizeof(in)), sizeof(in));
	cr_expect_eq(net_rig_used(&rig, RX), sizeof(in));
	cr_expect_eq(h->flags, VIRTIO_NET_HDR_F_DATA_VALID);
	net_rig_close(&rig);
}

Test(net_frames, a_peer_that_goes_is_a_cable_pulled)
{
	net_rig_open(&rig, false, 1);
	net_rig_start(&rig, BIT(VIRTIO_NET_F_STATUS));
	cr_expect_eq(rig.d->config[6], VIRTIO_NET_S_LINK_UP);
	shutdown(rig.peers[0], SHUT_RDWR);
	close(rig.peers[0]);
	net_rig_wait(rig.config_interrupt);
	cr_expect_eq(rig.d->config[6], 0);
	rig.peers[0] = dup(0);
	net_rig_close(&rig);
}

/* A socket at a port of this host; port 0: any, which is returned. */
static int bind_local(uint16_t *port)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_port = *port,
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	cr_assert_eq(bind(fd, (struct sockaddr *)&a, len), 0);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	*port = a.sin_port;
	return fd;
}

static void connect_local(int fd, uint16_t port)
{
	const struct sockaddr_in a = {
		.sin_family = AF_INET, .sin_port = port, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	cr_assert_eq(connect(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
}

/* What is sent to a port with nobody there comes back as an error, which is read and over. */
Test(net_frames, a_peer_that_comes_later_is_found)
{
	static const uint32_t whole[] = {12 + 60};
	uint16_t our_port = 0, their_port = 0;
	int ours = bind_local(&our_port), theirs = bind_local(&their_port);

	make_frame();
	net_rig_open(&rig, false, 1);
	connect_local(ours, their_port);
	close(theirs);
	cr_assert_geq(dup2(ours, rig.card->backend.fds[0]), 0);
	net_rig_start(&rig, BIT(VIRTIO_NET_F_STATUS));
	transmit(no_header, 60, whole, 1);
	cr_assert_eq(net_rig_used(&rig, TX), 0);
	theirs = bind_local(&their_port);
	connect_local(theirs, our_port);
	offer(1, 2048);
	net_rig_kick(&rig, RX);
	cr_assert_eq(write(theirs, frame, 100), 100);
	cr_expect_eq(net_rig_used(&rig, RX), 112);
	cr_expect_eq(rig.d->config[6], VIRTIO_NET_S_LINK_UP);
	close(theirs);
	close(ours);
	net_rig_close(&rig);
}

/* Between two drivers, one may say. */
Test(net_frames, a_tap_that_was_deleted_is_a_cable_pulled)
{
	net_rig_open(&rig, true, 1);
	fake_tap.gone = true;
	net_rig_start(&rig, BIT(VIRTIO_NET_F_STATUS));
	cr_expect_eq(rig.d->status & VIRTIO_CONFIG_S_NEEDS_RESET, 0);
	cr_expect_eq(rig.d->config[6], 0);
	net_rig_wait(rig.config_interrupt);
	net_rig_close(&rig);
}

/* 2.6.1, with a frame that waits for buffers of the old ring. */
Test(net_frames, a_queue_is_reset_by_itself)
{
	struct virtio_queue *q;

	make_frame();
	net_rig_open(&rig, false, 1);
	net_rig_start(&rig, BIT(VIRTIO_F_RING_RESET));
	q = &rig.d->queues[RX];
	offer(0, 2048);
	net_rig_kick(&rig, RX);
	pthread_mutex_lock(&rig.d->lock);
	virtio_reset_queue(q);
	driver_ring_init(&rig.rings[RX], &rig.vm.memory, RIG_RAM, 16, false);
	q->ring.size = 16;
	q->ring.desc = rig.rings[RX].desc;
	q->ring.driver = rig.rings[RX].driver;
	q->ring.device = rig.rings[RX].device;
	virtio_enable_queue(q);
	pthread_mutex_unlock(&rig.d->lock);
	cr_assert_eq(write(rig.peers[0], frame, 60), 60);
	offer(1, 2048);
	net_rig_kick(&rig, RX);
	cr_expect_eq(net_rig_used(&rig, RX), 72);
	cr_expect_arr_eq((uint8_t *)net_rig_at(&rig, RIG_BUFFERS + 4096) + 12, frame, 60);
	net_rig_close(&rig);
}
