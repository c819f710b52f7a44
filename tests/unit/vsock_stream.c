/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* virtio: connections of the socket device, packet by packet. */
#include <criterion/criterion.h>

#include "../../virtio/vsock_stream.h"

#define ROOM 1000u

static struct vsock_stream s;
static struct vsock_packet out;

static enum vsock_event take(uint16_t op, uint32_t len, uint32_t flags)
{
	/* A guest with room for 100 bytes that has read nothing. */
	return vsock_stream_take(
		&s, &(struct vsock_packet){.op = op, .len = len, .flags = flags, .buf_alloc = 100});
}

static enum vsock_event credit(uint32_t buf_alloc, uint32_t fwd_cnt)
{
	return vsock_stream_take(&s, &(struct vsock_packet){.op = VIRTIO_VSOCK_OP_CREDIT_UPDATE,
							    .buf_alloc = buf_alloc,
							    .fwd_cnt = fwd_cnt});
}

/* The next packet that is owed is this one. */
static void owes(uint16_t op)
{
	cr_assert(vsock_stream_next(&s, &out), "nothing is owed, where %u should be", op);
	cr_assert_eq(out.op, op, "%u is owed, not %u", out.op, op);
}

static void owes_nothing(void)
{
	cr_assert(!vsock_stream_next(&s, &out), "%u is owed", out.op);
}

/* An open connection that the guest asked for. */
static void accepted(void)
{
	vsock_stream_accept(
		&s, ROOM, &(struct vsock_packet){.op = VIRTIO_VSOCK_OP_REQUEST, .buf_alloc = 100});
	owes(VIRTIO_VSOCK_OP_RESPONSE);
	owes_nothing();
}

/* The rules were broken: that is the end, and the guest hears of it once. */
static void ended_by_rst(enum vsock_event event)
{
	cr_assert_eq(event, VSOCK_ENDED);
	owes(VIRTIO_VSOCK_OP_RST);
	owes_nothing();
	cr_assert_eq(take(VIRTIO_VSOCK_OP_RW, 1, 0), VSOCK_NOTHING);
	owes_nothing();
}

Test(vsock_stream, the_host_connects)
{
	vsock_stream_connect(&s, ROOM);
	cr_assert_eq(vsock_stream_credit(&s), 0, "nothing may be sent before the answer");
	owes(VIRTIO_VSOCK_OP_REQUEST);
	cr_assert_eq(out.buf_alloc, ROOM);
	cr_assert_eq(out.fwd_cnt, 0);
	owes_nothing();
	cr_assert_eq(take(VIRTIO_VSOCK_OP_RESPONSE, 0, 0), VSOCK_CONNECTED);
	cr_assert_eq(vsock_stream_credit(&s), 100);
	owes_nothing();
}

Test(vsock_stream, the_guest_refuses)
{
	vsock_stream_connect(&s, ROOM);
	owes(VIRTIO_VSOCK_OP_REQUEST);
	cr_assert_eq(take(VIRTIO_VSOCK_OP_RST, 0, 0), VSOCK_ENDED);
	owes_nothing();
	cr_assert_eq(s.state, VSOCK_RESET);
}

Test(vsock_stream, a_reset_takes_back_what_was_owed)
{
	vsock_stream_connect(&s, ROOM);
	cr_assert_eq(take(VIRTIO_VSOCK_OP_RST, 0, 0), VSOCK_ENDED);
	owes_nothing();
}

Test(vsock_stream, data_before_the_answer)
{
	vsock_stream_connect(&s, ROOM);
	owes(VIRTIO_VSOCK_OP_REQUEST);
	ended_by_rst(take(VIRTIO_VSOCK_OP_RW, 1, 0));
}

Test(vsock_stream, the_guest_connects)
{
	vsock_stream_accept(&s, ROOM, &(struct vsock_packet){.buf_alloc = 7, .fwd_cnt = 0});
	cr_assert_eq(vsock_stream_credit(&s), 7);
	owes(VIRTIO_VSOCK_OP_RESPONSE);
	cr_assert_eq(out.buf_alloc, ROOM);
}

Test(vsock_stream, what_opens_does_not_come_twice)
{
	accepted();
	ended_by_rst(take(VIRTIO_VSOCK_OP_REQUEST, 0, 0));
	accepted();
	ended_by_rst(take(VIRTIO_VSOCK_OP_RESPONSE, 0, 0));
}

Test(vsock_stream, unknown_packets)
{
	accepted();
	ended_by_rst(take(VIRTIO_VSOCK_OP_INVALID, 0, 0));
	accepted();
	ended_by_rst(take(VIRTIO_VSOCK_OP_CREDIT_REQUEST + 1, 0, 0));
	accepted();
	ended_by_rst(take(UINT16_MAX, 0, 0));
}

Test(vsock_stream, the_guest_may_fill_the_buffer_and_no_more)
{
	accepted();
	cr_assert_eq(take(VIRTIO_VSOCK_OP_RW, ROOM - 1, 0), VSOCK_DATA);
	cr_assert_eq(take(VIRTIO_VSOCK_OP_RW, 0, 0), VSOCK_NOTHING);
	cr_assert_eq(take(VIRTIO_VSOCK_OP_RW, 1, 0), VSOCK_DATA);
	ended_by_rst(take(VIRTIO_VSOCK_OP_RW, 1, 0));
}

Test(vsock_stream, lengths_that_would_wrap)
{
	accepted();
	cr_assert_eq(take(VIRTIO_VSOCK_OP_RW, 1, 0), VSOCK_DATA);
	ended_by_rst(take(VIRTIO_VSOCK_OP_RW, UINT32_MAX, 0));
}

Test(vsock_stream, the_guest_is_told_at_half)
{
	accepted();
	cr_assert_eq(take(VIRTIO_VSOCK_OP_RW, ROOM, 0), VSOCK_DATA);
	vsock_stream_forwarded(&s, ROOM / 2 - 1);
	owes_nothing();
	vsock_stream_forwarded(&s, 1);
	owes(VIRTIO_VSOCK_OP_CREDIT_UPDATE);
	cr_assert_eq(out.fwd_cnt, ROOM / 2);
	owes_nothing();
	cr_assert_eq(take(VIRTIO_VSOCK_OP_RW, ROOM / 2, 0), VSOCK_DATA);
	ended_by_rst(take(VIRTIO_VSOCK_OP_RW, 1, 0));
}

Test(vsock_stream, any_packet_tells)
{
	accepted();
	cr_assert_eq(take(VIRTIO_VSOCK_OP_RW, ROOM, 0), VSOCK_DATA);
	vsock_stream_forwarded(&s, ROOM);
	vsock_stream_tell_credit(&s, &out);
	cr_assert_eq(out.fwd_cnt, ROOM);
	owes_nothing();
}

Test(vsock_stream, a_question_is_answered_once)
{
	accepted();
	cr_assert_eq(take(VIRTIO_VSOCK_OP_CREDIT_REQUEST, 0, 0), VSOCK_NOTHING);
	cr_assert_eq(take(VIRTIO_VSOCK_OP_CREDIT_REQUEST, 0, 0), VSOCK_NOTHING);
	owes(VIRTIO_VSOCK_OP_CREDIT_UPDATE);
	owes_nothing();
}

Test(vsock_stream, our_credit)
{
	accepted();
	vsock_stream_sent(&s, 60);
	cr_assert_eq(vsock_stream_credit(&s), 40);
	owes_nothing();
	vsock_stream_sent(&s, 40);
	cr_assert_eq(vsock_stream_credit(&s), 0);
	owes(VIRTIO_VSOCK_OP_CREDIT_REQUEST);
	owes_nothing();
	cr_assert_eq(credit(100, 30), VSOCK_NOTHING);
	cr_assert_eq(vsock_stream_credit(&s), 30);
}

Test(vsock_stream, numbers_go_round)
{
	accepted();
	s.tx_cnt = UINT32_MAX - 10;
	credit(100, UINT32_MAX - 20);
	cr_assert_eq(vsock_stream_credit(&s), 90);
	vsock_stream_sent(&s, 90);
	credit(100, 5);
	cr_assert_eq(vsock_stream_credit(&s), 26);

	s.rx_cnt = s.fwd_cnt = s.told = UINT32_MAX - 10;
	cr_assert_eq(take(VIRTIO_VSOCK_OP_RW, ROOM, 0), VSOCK_DATA);
	vsock_stream_forwarded(&s, ROOM);
	owes(VIRTIO_VSOCK_OP_CREDIT_UPDATE);
	cr_assert_eq(out.fwd_cnt, ROOM - 11);
}

Test(vsock_stream, a_guest_that_lies_about_its_room)
{
	accepted();
	vsock_stream_sent(&s, 80);
	credit(50, 0);
	cr_assert_eq(vsock_stream_credit(&s), 0, "its buffer has shrunk");
	credit(100, 81);
	cr_assert_eq(vsock_stream_credit(&s), 0, "it has read what was never sent");
	credit(UINT32_MAX, 80);
	cr_assert_eq(vsock_stream_credit(&s), UINT32_MAX);
}

Test(vsock_stream, the_guest_sends_no_more)
{
	accepted();
	cr_assert_eq(take(VIRTIO_VSOCK_OP_SHUTDOWN, 0, VIRTIO_VSOCK_SHUTDOWN_SEND), VSOCK_SHUT);
	cr_assert_eq(s.guest_shut, VIRTIO_VSOCK_SHUTDOWN_SEND);
	cr_assert_eq(vsock_stream_credit(&s), 100, "it still reads");
	ended_by_rst(take(VIRTIO_VSOCK_OP_RW, 1, 0));
}

Test(vsock_stream, the_guest_reads_no_more)
{
	accepted();
	cr_assert_eq(take(VIRTIO_VSOCK_OP_SHUTDOWN, 0, VIRTIO_VSOCK_SHUTDOWN_RCV), VSOCK_SHUT);
	cr_assert_eq(vsock_stream_credit(&s), 0);
	cr_assert_eq(take(VIRTIO_VSOCK_OP_RW, 1, 0), VSOCK_DATA);
}

Test(vsock_stream, ends_add_up_and_unknown_flags_do_not_count)
{
	accepted();
	take(VIRTIO_VSOCK_OP_SHUTDOWN, 0, VIRTIO_VSOCK_SHUTDOWN_RCV | 0xfffffff0);
	cr_assert_eq(s.guest_shut, VIRTIO_VSOCK_SHUTDOWN_RCV);
	take(VIRTIO_VSOCK_OP_SHUTDOWN, 0, 0);
	cr_assert_eq(s.guest_shut, VIRTIO_VSOCK_SHUTDOWN_RCV, "nothing is taken back");
	take(VIRTIO_VSOCK_OP_SHUTDOWN, 0, VIRTIO_VSOCK_SHUTDOWN_SEND);
	cr_assert_eq(s.guest_shut, VSOCK_SHUT_ALL);
}

Test(vsock_stream, the_host_ends)
{
	accepted();
	vsock_stream_shut(&s, VIRTIO_VSOCK_SHUTDOWN_SEND);
	owes(VIRTIO_VSOCK_OP_SHUTDOWN);
	cr_assert_eq(out.flags, VIRTIO_VSOCK_SHUTDOWN_SEND);
	vsock_stream_shut(&s, VIRTIO_VSOCK_SHUTDOWN_SEND);
	owes_nothing();
	vsock_stream_shut(&s, VSOCK_SHUT_ALL);
	owes(VIRTIO_VSOCK_OP_SHUTDOWN);
	cr_assert_eq(out.flags, VSOCK_SHUT_ALL);
	cr_assert_eq(take(VIRTIO_VSOCK_OP_RST, 0, 0), VSOCK_ENDED);
	owes_nothing();
}

Test(vsock_stream, an_answer_comes_before_an_end)
{
	vsock_stream_accept(&s, ROOM, &(struct vsock_packet){.buf_alloc = 100});
	vsock_stream_shut(&s, VIRTIO_VSOCK_SHUTDOWN_SEND);
	owes(VIRTIO_VSOCK_OP_RESPONSE);
	owes(VIRTIO_VSOCK_OP_SHUTDOWN);
	owes_nothing();
}

Test(vsock_stream, nothing_comes_after_a_reset)
{
	accepted();
	vsock_stream_shut(&s, VSOCK_SHUT_ALL);
	vsock_stream_reset(&s);
	vsock_stream_shut(&s, VSOCK_SHUT_ALL);
	vsock_stream_forwarded(&s, ROOM);
	owes(VIRTIO_VSOCK_OP_RST);
	owes_nothing();
	cr_assert_eq(vsock_stream_credit(&s), 0);
}
