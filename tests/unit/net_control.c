/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The network device: features, configuration and the control queue (5.1.3 to 5.1.6.5). */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net_rig.h"

#define CTRL	BIT(VIRTIO_NET_F_CTRL_VQ)
#define TUN_TSO (TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN)

static struct net_rig rig;

static void finish(void)
{
	net_rig_close(&rig);
}

Test(net_control, what_a_socket_offers, .fini = finish)
{
	net_rig_open(&rig, false, 1);
	cr_expect(rig.d->offered & BIT(VIRTIO_NET_F_MRG_RXBUF));
	cr_expect(rig.d->offered & BIT(VIRTIO_NET_F_CTRL_MAC_ADDR));
	cr_expect_eq(rig.d->offered & (NET_GUEST_OFFLOADS | BIT(VIRTIO_NET_F_CSUM) |
				       BIT(VIRTIO_NET_F_HOST_TSO4) | BIT(VIRTIO_NET_F_MQ) |
				       BIT(VIRTIO_NET_F_CTRL_GUEST_OFFLOADS)),
		     0, "without a header nobody can tell of an unfinished checksum");
}

Test(net_control, what_a_tap_offers, .fini = finish)
{
	uint64_t want = NET_GUEST_OFFLOADS | BIT(VIRTIO_NET_F_CSUM) | BIT(VIRTIO_NET_F_HOST_TSO4) |
			BIT(VIRTIO_NET_F_HOST_TSO6) | BIT(VIRTIO_NET_F_HOST_ECN) |
			BIT(VIRTIO_NET_F_HOST_UFO) | BIT(VIRTIO_NET_F_HOST_USO) |
			BIT(VIRTIO_NET_F_MQ) | BIT(VIRTIO_NET_F_CTRL_GUEST_OFFLOADS);

	net_rig_open(&rig, true, 2);
	cr_expect_eq(rig.d->offered & want, want);
	cr_expect_eq(rig.d->config[8], 2, "max_virtqueue_pairs");
}

/* Linux before 6.2 */
Test(net_control, a_tap_that_knows_no_segments_of_udp, .fini = finish)
{
	fake_tap.refused = 0x60;
	net_rig_open(&rig, true, 1);
	cr_expect_eq(rig.d->offered & (BIT(VIRTIO_NET_F_HOST_USO) | BIT(VIRTIO_NET_F_GUEST_USO4)),
		     0);
	cr_expect(rig.d->offered & BIT(VIRTIO_NET_F_GUEST_UFO));
}

Test(net_control, features_that_need_others, .fini = finish)
{
	static const struct {
		uint64_t features;
		bool good;
	} cases[] = {
		{BIT(VIRTIO_NET_F_GUEST_TSO4), false},
		{BIT(VIRTIO_NET_F_GUEST_TSO4) | BIT(VIRTIO_NET_F_GUEST_CSUM), true},
		{BIT(VIRTIO_NET_F_GUEST_UFO), false},
		{BIT(VIRTIO_NET_F_GUEST_USO6), false},
		{BIT(VIRTIO_NET_F_GUEST_ECN) | BIT(VIRTIO_NET_F_GUEST_CSUM), false},
		{BIT(VIRTIO_NET_F_GUEST_ECN) | BIT(VIRTIO_NET_F_GUEST_TSO6) |
			 BIT(VIRTIO_NET_F_GUEST_CSUM),
		 true},
		{BIT(VIRTIO_NET_F_HOST_TSO6), false},
		{BIT(VIRTIO_NET_F_HOST_USO), false},
		{BIT(VIRTIO_NET_F_HOST_TSO6) | BIT(VIRTIO_NET_F_CSUM), true},
		{BIT(VIRTIO_NET_F_HOST_ECN) | BIT(VIRTIO_NET_F_CSUM), false},
		{BIT(VIRTIO_NET_F_MQ), false},
		{BIT(VIRTIO_NET_F_MQ) | CTRL, true},
		{BIT(VIRTIO_NET_F_CTRL_RX), false},
		{BIT(VIRTIO_NET_F_CTRL_MAC_ADDR), false},
		{BIT(VIRTIO_NET_F_CTRL_GUEST_OFFLOADS), false},
		{0, true},
	};
	unsigned i;

	net_rig_open(&rig, true, 2);
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		cr_expect_eq(net_rig_negotiate(&rig, cases[i].features), cases[i].good, "case %u",
			     i);
}

Test(net_control, offloads_follow_the_driver, .fini = finish)
{
	uint64_t all = BIT(VIRTIO_NET_F_GUEST_CSUM) | BIT(VIRTIO_NET_F_GUEST_TSO4) |
		       BIT(VIRTIO_NET_F_GUEST_TSO6) | BIT(VIRTIO_NET_F_GUEST_ECN);
	uint64_t checksums = BIT(VIRTIO_NET_F_GUEST_CSUM), none = 0,
		 foreign = BIT(VIRTIO_NET_F_GUEST_UFO), nonsense = BIT(63);

	net_rig_open(&rig, true, 1);
	cr_expect_eq(fake_tap.offloads, 0, "before there is a driver");
	net_rig_start(&rig, all | CTRL | BIT(VIRTIO_NET_F_CTRL_GUEST_OFFLOADS));
	cr_expect_eq(fake_tap.offloads, TUN_F_CSUM | TUN_TSO, "all that was negotiated");
	cr_expect_eq(net_rig_command(&rig, 5, 0, &checksums, 8), VIRTIO_NET_OK);
	cr_expect_eq(fake_tap.offloads, TUN_F_CSUM);
	cr_expect_eq(net_rig_command(&rig, 5, 0, &none, 8), VIRTIO_NET_OK);
	cr_expect_eq(fake_tap.offloads, 0);
	cr_expect_eq(net_rig_command(&rig, 5, 0, &all, 8), VIRTIO_NET_OK);
	cr_expect_eq(net_rig_command(&rig, 5, 0, &foreign, 8), VIRTIO_NET_ERR);
	cr_expect_eq(net_rig_command(&rig, 5, 0, &nonsense, 8), VIRTIO_NET_ERR);
	cr_expect_eq(net_rig_command(&rig, 5, 0, &all, 7), VIRTIO_NET_ERR);
	cr_expect_eq(net_rig_command(&rig, 5, 1, &all, 8), VIRTIO_NET_ERR);
	cr_expect_eq(fake_tap.offloads, TUN_F_CSUM | TUN_TSO);
	net_rig_status(&rig, 0);
	cr_expect_eq(fake_tap.offloads, 0, "the next driver may know none");
}

Test(net_control, segments_of_udp_only_of_both_kinds)
{
	cr_expect_eq(net_tun_offloads(BIT(VIRTIO_NET_F_GUEST_USO4)), 0);
	cr_expect_eq(net_tun_offloads(BIT(VIRTIO_NET_F_GUEST_USO4) | BIT(VIRTIO_NET_F_GUEST_USO6)),
		     0x60);
	cr_expect_eq(net_tun_offloads(~NET_GUEST_OFFLOADS), 0);
}

Test(net_control, pairs, .fini = finish)
{
	uint16_t one = 1, two = 2, three = 3, none = 0;

	net_rig_open(&rig, true, 2);
	cr_expect_eq(fake_tap.detached, 1, "the second waits for a driver that uses it");
	net_rig_start(&rig, CTRL | BIT(VIRTIO_NET_F_MQ));
	cr_expect_eq(rig.card->active, 1, "5.1.5");
	cr_expect_eq(net_rig_command(&rig, 4, 0, &two, 2), VIRTIO_NET_OK);
	cr_expect_eq(fake_tap.attached, 1);
	cr_expect_eq(rig.card->active, 2);
	cr_expect_eq(net_rig_command(&rig, 4, 0, &three, 2), VIRTIO_NET_ERR);
	cr_expect_eq(net_rig_command(&rig, 4, 0, &none, 2), VIRTIO_NET_ERR);
	cr_expect_eq(net_rig_command(&rig, 4, 0, &two, 1), VIRTIO_NET_ERR);
	cr_expect_eq(net_rig_command(&rig, 4, 1, &two, 2), VIRTIO_NET_ERR, "no RSS");
	cr_expect_eq(rig.card->active, 2);
	cr_expect_eq(net_rig_command(&rig, 4, 0, &one, 2), VIRTIO_NET_OK);
	cr_expect_eq(fake_tap.detached, 2);
}

/* Each pair has frames of its own; one that isn't in use brings none. */
Test(net_control, frames_of_the_second_pair, .fini = finish)
{
	const struct driver_buffer b = {RIG_BUFFERS, 2048, VRING_DESC_F_WRITE};
	uint8_t frame[12 + 60] = {0};
	uint16_t two = 2;

	net_rig_open(&rig, true, 2);
	net_rig_start(&rig, CTRL | BIT(VIRTIO_NET_F_MQ));
	net_rig_add(&rig, 2, &b, 1);
	cr_assert_eq(write(rig.peers[1], frame, sizeof(frame)), sizeof(frame));
	cr_expect_eq(net_rig_command(&rig, 4, 0, &two, 2), VIRTIO_NET_OK);
	cr_expect_eq(net_rig_used(&rig, 2), sizeof(frame));
}

static void use_pairs(uint16_t pairs)
{
	cr_assert_eq(net_rig_command(&rig, 4, 0, &pairs, 2), VIRTIO_NET_OK);
}

static void offer_to_second(void)
{
	const struct driver_buffer b = {RIG_BUFFERS, 2048, VRING_DESC_F_WRITE};

	net_rig_add(&rig, 2, &b, 1);
	net_rig_kick(&rig, 2);
}

/* 5.1.6.5.5: nor for a kick; what came meanwhile, or was in hand, comes when it is used again. */
Test(net_control, a_kick_brings_no_frames_of_a_pair_that_is_not_in_use, .fini = finish)
{
	uint8_t frame[60] = {0};
	struct driver_used used;
	unsigned i;

	net_rig_open(&rig, false, 2);
	net_rig_start(&rig, CTRL | BIT(VIRTIO_NET_F_MQ));
	for (i = 0; i < 2; i++) {
		cr_assert_eq(write(rig.peers[1], frame, sizeof(frame)), sizeof(frame));
		use_pairs(1);
		offer_to_second();
		use_pairs(1);
		cr_expect_not(driver_ring_take(&rig.rings[2], &used));
		use_pairs(2);
		cr_expect_eq(net_rig_used(&rig, 2), 72);
	}
}

/* 5.1.2: without MQ the control queue is number 2, whatever the device has. */
Test(net_control, without_pairs_it_is_the_third_queue, .fini = finish)
{
	uint16_t two = 2;
	uint8_t on = 1;

	net_rig_open(&rig, true, 2);
	net_rig_start(&rig, CTRL | BIT(VIRTIO_NET_F_CTRL_RX));
	cr_expect_eq(net_rig_command(&rig, 0, 0, &on, 1), VIRTIO_NET_OK);
	cr_expect_eq(net_rig_command(&rig, 4, 0, &two, 2), VIRTIO_NET_ERR);
}

Test(net_control, modes_and_tables, .fini = finish)
{
	static const struct {
		uint8_t class, cmd;
		size_t n;
		uint8_t data[32];
		uint8_t want;
	} cases[] = {
		{0, 0, 1, {1}, VIRTIO_NET_OK},
		{0, 1, 1, {0}, VIRTIO_NET_OK},
		{0, 5, 1, {1}, VIRTIO_NET_OK},
		{0, 6, 1, {1}, VIRTIO_NET_ERR},
		{0, 0, 0, {0}, VIRTIO_NET_ERR},
		{1, 0, 8, {0}, VIRTIO_NET_OK},
		{1, 0, 20, {1, 0, 0, 0, 2, 0, 0, 0, 0, 1, 1, 0, 0, 0, 3}, VIRTIO_NET_OK},
		{1, 0, 19, {1, 0, 0, 0, 2, 0, 0, 0, 0, 1, 1, 0, 0, 0, 3}, VIRTIO_NET_ERR},
		{1, 0, 7, {0}, VIRTIO_NET_ERR},
		{1, 0, 8, {0xff, 0xff, 0xff, 0xff}, VIRTIO_NET_ERR},
		{1, 0, 8, {0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}, VIRTIO_NET_ERR},
		{1, 2, 8, {0}, VIRTIO_NET_ERR},
		{2, 0, 2, {1, 0}, VIRTIO_NET_ERR},
		{255, 255, 0, {0}, VIRTIO_NET_ERR},
	};
	unsigned i;

	net_rig_open(&rig, false, 1);
	net_rig_start(&rig, CTRL | BIT(VIRTIO_NET_F_CTRL_RX) | BIT(VIRTIO_NET_F_CTRL_RX_EXTRA));
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		cr_expect_eq(net_rig_command(&rig, cases[i].class, cases[i].cmd, cases[i].data,
					     cases[i].n),
			     cases[i].want, "case %u", i);
}

Test(net_control, an_address_that_the_driver_sets, .fini = finish)
{
	static const uint8_t mac[] = {0x52, 0x54, 0, 1, 2, 3};
	uint8_t first[NET_MAC];

	net_rig_open(&rig, false, 1);
	memcpy(first, rig.d->config, NET_MAC);
	cr_expect_eq(first[0], 2);
	net_rig_start(&rig, CTRL | BIT(VIRTIO_NET_F_CTRL_MAC_ADDR));
	cr_expect_eq(net_rig_command(&rig, 1, 1, mac, 5), VIRTIO_NET_ERR);
	cr_expect_eq(net_rig_command(&rig, 1, 1, mac, 6), VIRTIO_NET_OK);
	cr_expect_arr_eq(rig.d->config, mac, NET_MAC);
	net_rig_status(&rig, 0);
	cr_expect_arr_eq(rig.d->config, first, NET_MAC, "until the reset");
}

/* Commands that are none, or that leave no room for an answer, come back all the same. */
Test(net_control, commands_without_head_or_answer, .fini = finish)
{
	const struct driver_buffer stump = {RIG_BUFFERS, 1, 0},
				   answer = {RIG_BUFFERS + 64, 1, VRING_DESC_F_WRITE},
				   both[] = {stump, answer};
	uint8_t on = 1;

	net_rig_open(&rig, false, 1);
	net_rig_start(&rig, CTRL | BIT(VIRTIO_NET_F_CTRL_RX));
	net_rig_add(&rig, 2, &stump, 1);
	net_rig_kick(&rig, 2);
	cr_expect_eq(net_rig_used(&rig, 2), 0);
	net_rig_add(&rig, 2, both, 2);
	net_rig_kick(&rig, 2);
	cr_expect_eq(net_rig_used(&rig, 2), 1);
	cr_expect_eq(*(uint8_t *)net_rig_at(&rig, RIG_BUFFERS + 64), VIRTIO_NET_ERR);
	cr_expect_eq(net_rig_command(&rig, 0, 0, &on, 1), VIRTIO_NET_OK);
}
