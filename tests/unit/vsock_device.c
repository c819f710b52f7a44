/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* virtio: the socket device between a driver and Unix sockets, with good and bad ends at both. */
#include <errno.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../virtio/vsock_hybrid.h"
#include "device_rig.h"
#include "folder.h"

#define CID    7
#define PORT   5000u /* the guest's */
#define HEADER 44

static struct device_rig r;
static struct error err;
static char folder[FOLDER_PATH], path[80];
static struct virtio_vsock_hdr got;
static unsigned next_buffer;

static int create(void)
{
	struct vsock_options opt = {.cid = CID};

	snprintf(opt.uds, sizeof(opt.uds), "%s", path);
	return virtio_vsock_create(&r.virtio, &opt, &r.d, &err);
}

/* Receive buffers of 4096 bytes, as many as the ring has room for. */
static void give_buffers(unsigned n)
{
	for (; n; n--)
		device_rig_in(&r, VSOCK_RX, DEVICE_BUFFERS + next_buffer++ % DEVICE_RING * 4096,
			      4096);
}

static void open_device(void)
{
	folder_make(folder);
	snprintf(path, sizeof(path), "%s/v", folder);
	device_rig_open(&r);
	cr_assert_eq(create(), 0, "%s", err.text);
	device_rig_start(&r);
	next_buffer = 0;
	give_buffers(8);
}

static void close_device(void)
{
	device_rig_close(&r);
	cr_assert(access(path, F_OK), "the socket is removed");
	folder_remove(folder);
}

TestSuite(vsock_device, .init = open_device, .fini = close_device);

/* ---- the guest ------------------------------------------------------------------------------- */

static const uint8_t *data_of_packet;

/* The next packet for the guest, into `got` and data_of_packet; its buffer is given anew. */
static bool received(void)
{
	static unsigned at;
	struct driver_used used;
	const uint8_t *buffer;

	if (!driver_ring_take(&r.rings[VSOCK_RX], &used))
		return false;
	/* Buffers are used in order, and a test takes each. */
	at = next_buffer == 8 ? 0 : at + 1;
	buffer = device_rig_at(&r, DEVICE_BUFFERS + at % DEVICE_RING * 4096);
	memcpy(&got, buffer, HEADER);
	data_of_packet = buffer + HEADER;
	cr_assert_eq(used.written, HEADER + le32toh(got.len));
	cr_assert_eq(le64toh(got.dst_cid), CID);
	give_buffers(1);
	return true;
}

static void receives(uint16_t op)
{
	cr_assert(received(), "no packet, where one of %u should be", op);
	cr_assert_eq(le16toh(got.op), op, "a packet of %u, not %u", le16toh(got.op), op);
}

static void receives_nothing(void)
{
	cr_assert(!received(), "a packet of %u", le16toh(got.op));
}

static struct virtio_vsock_hdr packet(uint16_t op, uint32_t host_port, uint32_t len)
{
	return (struct virtio_vsock_hdr){.src_cid = htole64(CID),
					 .dst_cid = htole64(VSOCK_HOST_CID),
					 .src_port = htole32(PORT),
					 .dst_port = htole32(host_port),
					 .len = htole32(len),
					 .type = htole16(VIRTIO_VSOCK_TYPE_STREAM),
					 .op = htole16(op),
					 .buf_alloc = htole32(10000)};
}

static void send_packet(const struct virtio_vsock_hdr *h, const void *data, uint32_t n)
{
	struct driver_used used;
	uint8_t *buffer = device_rig_at(&r, DEVICE_BUFFERS + 0x100000);

	memcpy(buffer, h, HEADER);
	if (n)
		memcpy(buffer + HEADER, data, n);
	device_rig_out(&r, VSOCK_TX, DEVICE_BUFFERS + 0x100000, HEADER + n);
	driver_ring_take(&r.rings[VSOCK_TX], &used);
}

static void says(uint16_t op, uint32_t host_port, uint32_t flags)
{
	struct virtio_vsock_hdr h = packet(op, host_port, 0);

	h.flags = htole32(flags);
	send_packet(&h, NULL, 0);
}

static void sends(uint32_t host_port, const char *text)
{
	struct virtio_vsock_hdr h = packet(VIRTIO_VSOCK_OP_RW, host_port, (uint32_t)strlen(text));

	send_packet(&h, text, (uint32_t)strlen(text));
}

/* ---- the host -------------------------------------------------------------------------------- */

static int connect_host(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	cr_assert_eq(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	device_rig_settle(&r);
	return fd;
}

static int listen_host(unsigned port)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%.70s_%u", path, port);
	cr_assert_eq(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	cr_assert_eq(listen(fd, 8), 0);
	return fd;
}

static void tell(int fd, const char *text)
{
	cr_assert_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
	device_rig_settle(&r);
}

static void host_reads(int fd, const char *text)
{
	char in[64] = "";

	device_rig_settle(&r);
	cr_assert_eq(read(fd, in, sizeof(in) - 1), (ssize_t)strlen(text), "'%s'", in);
	cr_assert_str_eq(in, text);
}

static bool is_disconnected(int fd)
{
	char byte;

	device_rig_settle(&r);
	return !recv(fd, &byte, 1, MSG_DONTWAIT) || errno == ECONNRESET;
}

static unsigned links(void)
{
	struct text t = {0};
	struct json j = {.out = &t};
	const char *at;
	unsigned n;

	json_open(&j, NULL, '{');
	r.d->ops->stat(r.d, &j);
	json_close(&j, '}');
	at = strstr(t.data, "\"links\"");
	cr_assert_not_null(at);
	n = (unsigned)strtoul(strchr(at, ':') + 1, NULL, 10);
	text_free(&t);
	return n;
}

/* A connection that the host asked for. Its port at the host is in *port. */
static int connected(uint32_t *port)
{
	int fd = connect_host();
	char ok[32];

	tell(fd, "CONNECT 5000\n");
	receives(VIRTIO_VSOCK_OP_REQUEST);
	cr_assert_eq(le32toh(got.dst_port), PORT);
	cr_assert_eq(le64toh(got.src_cid), VSOCK_HOST_CID);
	*port = le32toh(got.src_port);
	says(VIRTIO_VSOCK_OP_RESPONSE, *port, 0);
	snprintf(ok, sizeof(ok), "OK %u\n", *port);
	host_reads(fd, ok);
	return fd;
}

/* ---- tests ----------------------------------------------------------------------------------- */

Test(vsock_device, the_host_connects)
{
	uint32_t port;
	int fd = connected(&port);

	tell(fd, "ping");
	receives(VIRTIO_VSOCK_OP_RW);
	cr_assert_eq(le32toh(got.len), 4);
	cr_assert_arr_eq(data_of_packet, "ping", 4);
	sends(port, "pong");
	host_reads(fd, "pong");
	close(fd);
	device_rig_settle(&r);
	receives(VIRTIO_VSOCK_OP_SHUTDOWN);
	cr_assert_eq(le32toh(got.flags), 3);
	says(VIRTIO_VSOCK_OP_RST, port, 0);
	receives_nothing();
	cr_assert_eq(links(), 0);
}

Test(vsock_device, the_guest_refuses)
{
	int fd = connect_host();

	tell(fd, "CONNECT 5000\n");
	receives(VIRTIO_VSOCK_OP_REQUEST);
	says(VIRTIO_VSOCK_OP_RST, le32toh(got.src_port), 0);
	cr_assert(is_disconnected(fd));
	cr_assert_eq(links(), 0);
	close(fd);
}

Test(vsock_device, the_guest_connects)
{
	int listener = listen_host(6000), fd;

	says(VIRTIO_VSOCK_OP_REQUEST, 6000, 0);
	receives(VIRTIO_VSOCK_OP_RESPONSE);
	cr_assert_eq(le32toh(got.src_port), 6000);
	fd = accept(listener, NULL, NULL);
	sends(6000, "hello");
	host_reads(fd, "hello");
	/* The guest closes. */
	says(VIRTIO_VSOCK_OP_SHUTDOWN, 6000, 3);
	receives(VIRTIO_VSOCK_OP_RST);
	receives_nothing();
	cr_assert(is_disconnected(fd));
	cr_assert_eq(links(), 0);
	close(fd);
	close(listener);
}

Test(vsock_device, nobody_listens_at_the_host)
{
	says(VIRTIO_VSOCK_OP_REQUEST, 6000, 0);
	receives(VIRTIO_VSOCK_OP_RST);
	cr_assert_eq(le32toh(got.src_port), 6000);
	cr_assert_eq(le32toh(got.dst_port), PORT);
	cr_assert_eq(links(), 0);
}

Test(vsock_device, ends_one_after_the_other)
{
	uint32_t port;
	int fd = connected(&port);

	shutdown(fd, SHUT_WR);
	device_rig_settle(&r);
	receives(VIRTIO_VSOCK_OP_SHUTDOWN);
	cr_assert_eq(le32toh(got.flags), VIRTIO_VSOCK_SHUTDOWN_SEND);
	sends(port, "still");
	host_reads(fd, "still");
	says(VIRTIO_VSOCK_OP_SHUTDOWN, port, VIRTIO_VSOCK_SHUTDOWN_SEND);
	cr_assert(is_disconnected(fd));
	receives(VIRTIO_VSOCK_OP_SHUTDOWN);
	cr_assert_eq(le32toh(got.flags), 3);
	says(VIRTIO_VSOCK_OP_RST, port, 0);
	cr_assert_eq(links(), 0);
	close(fd);
}

Test(vsock_device, what_follows_the_line_is_the_guests)
{
	int fd = connect_host();

	tell(fd, "CONN");
	receives_nothing();
	tell(fd, "ECT 5000\nearly");
	receives(VIRTIO_VSOCK_OP_REQUEST);
	receives_nothing();
	says(VIRTIO_VSOCK_OP_RESPONSE, le32toh(got.src_port), 0);
	receives(VIRTIO_VSOCK_OP_RW);
	cr_assert_eq(le32toh(got.len), 5);
	cr_assert_arr_eq(data_of_packet, "early", 5);
	close(fd);
}

Test(vsock_device, peers_that_say_something_else)
{
	static const char *const lines[] = {"HELLO\n", "\n", "CONNECT 99999999999\n",
					    "CONNECT                       52\n"};
	unsigned i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		fd = connect_host();
		tell(fd, lines[i]);
		cr_assert(is_disconnected(fd), "%s", lines[i]);
		close(fd);
	}
	receives_nothing();
	cr_assert_eq(links(), 0);
}

Test(vsock_device, peers_that_never_say_what_they_want)
{
	int fds[VSOCK_LINKS_MAX + 5];
	unsigned i;
	uint32_t port;

	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = connect_host();
		tell(fds[i], "CONNECT");
	}
	cr_assert_eq(links(), VSOCK_LINKS_MAX);
	for (i = 0; i < 5; i++)
		cr_assert(is_disconnected(fds[i]), "the oldest has gone");
	cr_assert(!is_disconnected(fds[5]));
	close(connected(&port));
	cr_assert(is_disconnected(fds[5]));
	for (i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
	device_rig_settle(&r);
}

/* As much as credit allows: what the socket takes, and what is kept behind it. Returns how much. */
static uint32_t fill_peer(uint32_t port)
{
	static const char block[4000];
	struct virtio_vsock_hdr h = packet(VIRTIO_VSOCK_OP_RW, port, sizeof(block));
	uint32_t sent = 0, forwarded = 0;

	while (sent - forwarded + sizeof(block) <= 64 * KIB) {
		send_packet(&h, block, sizeof(block));
		sent += sizeof(block);
		while (received()) {
			cr_assert_eq(le16toh(got.op), VIRTIO_VSOCK_OP_CREDIT_UPDATE);
			forwarded = le32toh(got.fwd_cnt);
		}
		cr_assert_lt(sent, 10 * MIB, "there is no end of credit");
	}
	return sent;
}

static void host_reads_all(int fd, uint32_t sent)
{
	char block[4000];
	uint32_t in = 0;
	ssize_t n;

	while (in < sent) {
		device_rig_settle(&r);
		n = read(fd, block, sizeof(block));
		cr_assert_gt(n, 0, "after %u of %u bytes", in, sent);
		in += (uint32_t)n;
	}
}

Test(vsock_device, a_peer_that_does_not_read)
{
	uint32_t port, sent, forwarded = 0;
	int fd = connected(&port);

	sent = fill_peer(port);
	/* It reads after all. */
	host_reads_all(fd, sent);
	while (received())
		forwarded = le32toh(got.fwd_cnt);
	cr_assert_gt(forwarded, sent - 64 * KIB);
	sends(port, "done");
	host_reads(fd, "done");
	close(fd);
}

/* Linux waits for our RST for 8 seconds, and then sends its own. */
Test(vsock_device, a_guest_that_ends_before_its_peer_has_read)
{
	uint32_t port, sent;
	int fd = connected(&port);

	sent = fill_peer(port);
	says(VIRTIO_VSOCK_OP_SHUTDOWN, port, 3);
	says(VIRTIO_VSOCK_OP_RST, port, 0);
	receives_nothing();
	says(VIRTIO_VSOCK_OP_CREDIT_REQUEST, port, 0);
	receives(VIRTIO_VSOCK_OP_RST);
	host_reads_all(fd, sent);
	cr_assert(is_disconnected(fd));
	cr_assert_eq(links(), 0);
	receives_nothing();
	close(fd);
}

Test(vsock_device, a_peer_that_goes_after_the_guest_has_ended)
{
	uint32_t port;
	int fd = connected(&port);

	fill_peer(port);
	says(VIRTIO_VSOCK_OP_SHUTDOWN, port, 3);
	says(VIRTIO_VSOCK_OP_RST, port, 0);
	cr_assert_eq(links(), 1);
	close(fd);
	device_rig_settle(&r);
	cr_assert_eq(links(), 0);
	receives_nothing();
}

Test(vsock_device, more_than_the_credit)
{
	static char block[64 * KIB];
	struct virtio_vsock_hdr h;
	uint32_t port;
	int fd = connected(&port), room = 1;
	unsigned i;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	for (i = 0; i < 32; i++) {
		h = packet(VIRTIO_VSOCK_OP_RW, port, sizeof(block));
		send_packet(&h, block, sizeof(block));
		while (received())
			if (le16toh(got.op) == VIRTIO_VSOCK_OP_RST)
				break;
		if (le16toh(got.op) == VIRTIO_VSOCK_OP_RST)
			break;
	}
	cr_assert_eq(le16toh(got.op), VIRTIO_VSOCK_OP_RST);
	cr_assert_eq(links(), 0);
	cr_assert_eq(r.d->broken, 0);
	close(fd);
}

Test(vsock_device, the_guests_credit)
{
	static char block[20000];
	uint32_t port, n = 0;
	int fd = connected(&port);
	struct virtio_vsock_hdr h;

	cr_assert_eq(write(fd, block, sizeof(block)), sizeof(block));
	device_rig_settle(&r);
	while (received() && le16toh(got.op) == VIRTIO_VSOCK_OP_RW)
		n += le32toh(got.len);
	cr_assert_eq(n, 10000, "what buf_alloc allows");
	cr_assert_eq(le16toh(got.op), VIRTIO_VSOCK_OP_CREDIT_REQUEST);
	receives_nothing();
	h = packet(VIRTIO_VSOCK_OP_CREDIT_UPDATE, port, 0);
	h.fwd_cnt = htole32(9000);
	send_packet(&h, NULL, 0);
	for (n = 0; received() && le16toh(got.op) == VIRTIO_VSOCK_OP_RW;)
		n += le32toh(got.len);
	cr_assert_eq(n, 9000);
	close(fd);
}

Test(vsock_device, a_peer_dies_with_data_on_its_way)
{
	static char block[60000];
	struct virtio_vsock_hdr h;
	uint32_t port;
	int fd = connected(&port);
	unsigned i;

	for (i = 0; i < 8; i++) {
		h = packet(VIRTIO_VSOCK_OP_RW, port, 30000);
		send_packet(&h, block, 30000);
		while (received())
			;
	}
	close(fd);
	device_rig_settle(&r);
	h = packet(VIRTIO_VSOCK_OP_RW, port, 1);
	send_packet(&h, block, 1);
	while (received() && le16toh(got.op) != VIRTIO_VSOCK_OP_RST)
		;
	cr_assert_eq(le16toh(got.op), VIRTIO_VSOCK_OP_RST);
	cr_assert_eq(links(), 0);
}

/* Bytes of data until another packet comes, which is left in `got`. */
static uint32_t receives_data(void)
{
	uint32_t n = 0;

	while (received() && le16toh(got.op) == VIRTIO_VSOCK_OP_RW)
		n += le32toh(got.len);
	return n;
}

/* It has said all when the guest speaks to it, who has not heard all of that yet. */
Test(vsock_device, a_peer_that_answers_and_goes)
{
	static char block[12000];
	struct virtio_vsock_hdr h;
	uint32_t port;
	int fd = connected(&port);

	cr_assert_eq(write(fd, block, sizeof(block)), sizeof(block));
	close(fd);
	device_rig_settle(&r);
	cr_assert_eq(receives_data(), 10000, "the guest's credit");
	cr_assert_eq(le16toh(got.op), VIRTIO_VSOCK_OP_CREDIT_REQUEST);
	sends(port, "too late");
	receives(VIRTIO_VSOCK_OP_SHUTDOWN);
	cr_assert_eq(le32toh(got.flags), VIRTIO_VSOCK_SHUTDOWN_RCV);
	sends(port, "still");
	receives_nothing();
	h = packet(VIRTIO_VSOCK_OP_CREDIT_UPDATE, port, 0);
	h.fwd_cnt = htole32(10000);
	send_packet(&h, NULL, 0);
	cr_assert_eq(receives_data(), 2000);
	cr_assert_eq(le16toh(got.op), VIRTIO_VSOCK_OP_RST, "what the guest sent is lost");
	cr_assert_eq(links(), 0);
}

Test(vsock_device, a_peer_that_has_said_all_and_goes)
{
	uint32_t port;
	int fd = connected(&port);

	shutdown(fd, SHUT_WR);
	device_rig_settle(&r);
	receives(VIRTIO_VSOCK_OP_SHUTDOWN);
	close(fd);
	sends(port, "too late");
	receives(VIRTIO_VSOCK_OP_RST);
	cr_assert_eq(links(), 0);
}

Test(vsock_device, packets_that_belong_to_nothing)
{
	struct virtio_vsock_hdr h;

	sends(1234, "who?");
	receives(VIRTIO_VSOCK_OP_RST);
	says(VIRTIO_VSOCK_OP_RST, 1234, 0);
	receives_nothing();

	h = packet(VIRTIO_VSOCK_OP_REQUEST, 1234, 0);
	h.type = htole16(99);
	send_packet(&h, NULL, 0);
	receives(VIRTIO_VSOCK_OP_RST);
	cr_assert_eq(le16toh(got.type), 99);

	h = packet(VIRTIO_VSOCK_OP_REQUEST, 1234, 0);
	h.dst_cid = htole64(CID + 1);
	send_packet(&h, NULL, 0);
	receives(VIRTIO_VSOCK_OP_RST);
	cr_assert_eq(le64toh(got.src_cid), CID + 1);

	h = packet(VIRTIO_VSOCK_OP_REQUEST, 1234, 0);
	h.src_cid = htole64(CID + 1);
	send_packet(&h, NULL, 0);
	receives_nothing();
	cr_assert_eq(r.d->broken, 0);
}

Test(vsock_device, a_connection_twice)
{
	int listener = listen_host(6000), fd;

	says(VIRTIO_VSOCK_OP_REQUEST, 6000, 0);
	receives(VIRTIO_VSOCK_OP_RESPONSE);
	fd = accept(listener, NULL, NULL);
	says(VIRTIO_VSOCK_OP_REQUEST, 6000, 0);
	receives(VIRTIO_VSOCK_OP_RST);
	cr_assert(is_disconnected(fd));
	cr_assert_eq(links(), 0);
	close(fd);
	close(listener);
}

Test(vsock_device, packets_shorter_than_they_say)
{
	struct virtio_vsock_hdr h = packet(VIRTIO_VSOCK_OP_RW, 1, 5);

	send_packet(&h, "four", 4);
	cr_assert_eq(r.d->broken, 1);
	device_rig_start(&r);
	device_rig_out(&r, VSOCK_TX, DEVICE_BUFFERS, HEADER - 1);
	cr_assert_eq(r.d->broken, 2);
	device_rig_start(&r);
	h.len = UINT32_MAX;
	send_packet(&h, "four", 4);
	cr_assert_eq(r.d->broken, 3);
}

Test(vsock_device, receive_buffers_without_room)
{
	device_rig_start(&r);
	device_rig_in(&r, VSOCK_RX, DEVICE_BUFFERS, HEADER);
	says(VIRTIO_VSOCK_OP_REQUEST, 6000, 0);
	cr_assert_eq(r.d->broken, 1);
}

/* A guest that has buffers for them is told of each, though they come all at once. */
Test(vsock_device, a_ring_full_of_requests_to_nobody)
{
	uint64_t tx = DEVICE_BUFFERS + 0x100000;
	struct virtio_vsock_hdr h;
	struct driver_used used;
	uint32_t i;

	r.size = VSOCK_QUEUE_SIZE;
	device_rig_start(&r);
	for (i = 0; i < VSOCK_QUEUE_SIZE; i++) {
		device_rig_in(&r, VSOCK_RX, DEVICE_BUFFERS + i * 64, 64);
		h = packet(VIRTIO_VSOCK_OP_REQUEST, 1000 + i, 0);
		memcpy(device_rig_at(&r, tx + i * 64), &h, HEADER);
		driver_ring_add(&r.rings[VSOCK_TX], &(struct driver_buffer){tx + i * 64, HEADER, 0},
				1);
	}
	event_kick(r.d->queues[VSOCK_TX].kick);
	device_rig_settle(&r);
	for (i = 0; i < VSOCK_QUEUE_SIZE; i++) {
		cr_assert(driver_ring_take(&r.rings[VSOCK_RX], &used), "request %u", i);
		memcpy(&h, device_rig_at(&r, DEVICE_BUFFERS + i * 64), HEADER);
		cr_assert_eq(le16toh(h.op), VIRTIO_VSOCK_OP_RST);
		cr_assert_eq(le32toh(h.src_port), 1000 + i);
	}
}

/* A guest that gives no buffers and refuses no packet: what it is owed is bounded. */
Test(vsock_device, answers_that_nobody_takes)
{
	struct driver_used used;
	unsigned i, n = 0;

	device_rig_start(&r);
	for (i = 0; i < 1000; i++)
		says(VIRTIO_VSOCK_OP_REQUEST, 6000 + i, 0);
	do {
		device_rig_in(&r, VSOCK_RX, DEVICE_BUFFERS, 4096);
		n++;
	} while (driver_ring_take(&r.rings[VSOCK_RX], &used));
	cr_assert_eq(n - 1, VSOCK_REFUSALS_MAX);
}

Test(vsock_device, a_reset_disconnects_all)
{
	uint32_t port;
	int fd = connected(&port), greeting = connect_host();

	device_rig_reset(&r);
	cr_assert(is_disconnected(fd));
	cr_assert(is_disconnected(greeting));
	close(fd);
	close(greeting);
	/* Without a driver nobody is there to be asked. */
	fd = connect_host();
	tell(fd, "CONNECT 5000\n");
	cr_assert(is_disconnected(fd));
	close(fd);
	device_rig_start(&r);
	next_buffer = 0;
	give_buffers(8);
	close(connected(&port));
}

/* ---- its socket ------------------------------------------------------------------------------ */

static void open_folder(void)
{
	folder_make(folder);
	snprintf(path, sizeof(path), "%s/v", folder);
	device_rig_open(&r);
}

static void refused(const char *why)
{
	cr_assert_lt(create(), 0);
	cr_assert(strstr(err.text, why), "'%s' has no '%s'", err.text, why);
	r.d->ops->destroy(r.d);
}

Test(vsock_socket, somebody_listens_there, .init = open_folder)
{
	struct virtio_device *first;

	cr_assert_eq(create(), 0);
	first = r.d;
	refused("another process listens there");
	cr_assert_eq(access(path, F_OK), 0, "it is still the other's");
	first->ops->destroy(first);
	folder_remove(folder);
}

Test(vsock_socket, nobody_listens_there_any_more, .init = open_folder)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	cr_assert_eq(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	close(fd);
	cr_assert_eq(create(), 0, "%s", err.text);
	r.d->ops->destroy(r.d);
	folder_remove(folder);
}

Test(vsock_socket, what_is_no_socket_stays, .init = open_folder)
{
	folder_run(folder, "echo precious >v");
	refused("no socket");
	cr_assert_eq(access(path, F_OK), 0);
	folder_remove(folder);
}

Test(vsock_socket, no_such_folder, .init = open_folder)
{
	snprintf(path, sizeof(path), "%s/none/v", folder);
	refused("none/v: No such file or directory");
	folder_remove(folder);
}
