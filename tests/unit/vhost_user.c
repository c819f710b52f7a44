/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* virtio: what of vhost-user is pure: options, messages, what becomes of a back end's offer. */
#include <criterion/criterion.h>
#include <errno.h>
#include <linux/virtio_ids.h>
#include <string.h>

#include "../../virtio/vhost_user.h"

#define BIT(n) (1ULL << (n))

static struct vhost_user_options opt;
static struct vhost_user_shape shape;
static struct error err;

static bool refused(const char *text, const char *why)
{
	return virtio_parse_vhost_user(text, &opt, &err) == -EINVAL && strstr(err.text, why);
}

Test(vhost_user, options)
{
	cr_assert_eq(virtio_parse_vhost_user("fs,socket=/run/a.sock,tag=home,queues=2", &opt, &err),
		     0);
	cr_expect_eq(opt.id, VIRTIO_ID_FS);
	cr_expect_str_eq(opt.socket, "/run/a.sock");
	cr_expect_str_eq(opt.tag, "home");
	cr_expect_eq(opt.queues, 2);
	cr_assert_eq(virtio_parse_vhost_user("net,socket=s,mac=02:00:00:ab:CD:ef", &opt, &err), 0);
	cr_expect(opt.has_mac);
	cr_expect_arr_eq(opt.mac, "\x02\x00\x00\xab\xcd\xef", 6);
	cr_assert_eq(virtio_parse_vhost_user("41,socket=s,queues=64,config-size=256", &opt, &err),
		     0);
	cr_expect_eq(opt.id, 41);
	cr_expect_eq(opt.config_size, 256);
	cr_assert_eq(virtio_parse_vhost_user("vsock,socket=s", &opt, &err), 0);
	cr_assert_eq(virtio_parse_vhost_user("blk,socket=s", &opt, &err), 0);
}

Test(vhost_user, options_that_are_none)
{
	cr_expect(refused("fs", "socket=PATH"));
	cr_expect(refused("tape,socket=s", "no device 'tape'"));
	cr_expect(refused("0,socket=s", "no device '0'"));
	cr_expect(refused("64,socket=s", "no device '64'"));
	cr_expect(refused("fs,socket=", "'socket='"));
	cr_expect(refused("fs,socket=s,queues=0", "queues=0"));
	cr_expect(refused("fs,socket=s,queues=64", "queues=64"), "with the first one it is 65");
	cr_expect(refused("fs,socket=s,tag=", "tag="));
	cr_expect(refused("fs,socket=s,tag=1234567890123456789012345678901234567", "tag="));
	cr_expect(refused("blk,socket=s,tag=x", "tag=x"));
	cr_expect(refused("vsock,socket=s,queues=2", "queues=2"));
	cr_expect(refused("net,socket=s,queues=2", "queues=2"));
	cr_expect(refused("net,socket=s,mac=01:00:00:00:00:00", "mac="), "a group's");
	cr_expect(refused("net,socket=s,mac=02:00:00:00:00", "mac="));
	cr_expect(refused("net,socket=s,mac=02:00:00:00:00:00:00", "mac="));
	cr_expect(refused("blk,socket=s,config-size=8", "config-size"));
	cr_expect(refused("41,socket=s,config-size=257", "config-size"));
}

Test(vhost_user, a_path_as_long_as_a_socket_can_have_and_no_longer)
{
	char text[160];

	snprintf(text, sizeof(text), "fs,socket=%0107d", 0);
	cr_expect_eq(virtio_parse_vhost_user(text, &opt, &err), 0);
	snprintf(text, sizeof(text), "fs,socket=%0108d", 0);
	cr_expect_eq(virtio_parse_vhost_user(text, &opt, &err), -EINVAL);
}

/* ---- messages ----------------------------------------------------------------------------------
 */

Test(vhost_user, messages_are_as_long_as_the_protocol_says)
{
	struct guest_memory memory = {.fd = 7,
				      .n = 2,
				      .banks = {{0, 0x1000, (uint8_t *)0x10000, 0},
						{0x5000, 0x2000, (uint8_t *)0x20000, 0x1000}}};
	struct virtq q = {
		.desc_ring = (void *)16, .driver_area = (void *)2, .device_area = (void *)4};
	struct vhost_user_message m = vhost_user_table(&memory);

	cr_expect_eq(m.header.size, 8 + 2 * 32);
	cr_expect_eq(m.n_fds, 2, "one for each region");
	cr_expect_eq(m.payload.table.regions[1].gpa, 0x5000);
	cr_expect_eq(m.payload.table.regions[1].address, 0x20000);
	cr_expect_eq(m.payload.table.regions[1].offset, 0x1000);
	cr_expect_eq(vhost_user_slot(VHOST_USER_ADD_MEM_REG, &memory, 1).header.size, 40);
	cr_expect_eq(vhost_user_slot(VHOST_USER_ADD_MEM_REG, &memory, 1).n_fds, 1);
	cr_expect_eq(vhost_user_slot(VHOST_USER_REM_MEM_REG, &memory, 1).n_fds, 0);
	m = vhost_user_addresses(3, &q);
	cr_expect_eq(m.header.size, 40);
	cr_expect_eq(m.payload.address.desc, 16);
	cr_expect_eq(m.payload.address.avail, 2);
	cr_expect_eq(m.payload.address.used, 4);
	cr_expect_eq(vhost_user_config(VHOST_USER_GET_CONFIG, 0, NULL, 60).header.size, 72);
	cr_expect_eq(vhost_user_u64(VHOST_USER_SET_FEATURES, 1).header.size, 8);
	cr_expect_eq(vhost_user_empty(VHOST_USER_GET_FEATURES).header.size, 0);
	cr_expect_eq(vhost_user_empty(VHOST_USER_GET_FEATURES).header.flags, 1);
}

Test(vhost_user, a_ring_without_a_descriptor)
{
	struct vhost_user_message m = vhost_user_ring_fd(VHOST_USER_SET_VRING_CALL, 2, -1);

	cr_expect_eq(m.payload.u64, 0x102);
	cr_expect_eq(m.n_fds, 0);
	m = vhost_user_ring_fd(VHOST_USER_SET_VRING_CALL, 2, 5);
	cr_expect_eq(m.payload.u64, 2);
	cr_expect_eq(m.fds[0], 5);
}

static const char *check(uint32_t request, uint32_t sent_size, uint32_t flags, uint32_t size)
{
	struct vhost_user_header sent = {request, 1, sent_size}, reply = {request, flags, size};

	return vhost_user_check_header(&sent, &reply);
}

Test(vhost_user, headers_of_replies)
{
	struct vhost_user_header sent = {VHOST_USER_GET_FEATURES, 1, 0},
				 other = {VHOST_USER_GET_QUEUE_NUM, 5, 8};
	uint32_t size;

	cr_expect_null(check(VHOST_USER_GET_FEATURES, 0, 5, 8));
	cr_expect_not_null(check(VHOST_USER_GET_FEATURES, 0, 1, 8), "no reply");
	cr_expect_not_null(check(VHOST_USER_GET_FEATURES, 0, 4 | 2, 8), "version 2");
	cr_expect_not_null(check(VHOST_USER_GET_FEATURES, 0, 4, 8), "version 0");
	cr_expect_not_null(vhost_user_check_header(&sent, &other));
	for (size = 0; size < 600; size++) {
		cr_expect_eq(!check(VHOST_USER_GET_FEATURES, 0, 5, size), size == 8);
		cr_expect_eq(!check(VHOST_USER_SET_FEATURES, 8, 5, size), size == 8);
		cr_expect_eq(!check(VHOST_USER_GET_VRING_BASE, 8, 5, size), size == 8);
		cr_expect_eq(!check(VHOST_USER_GET_CONFIG, 72, 5, size), size == 72 || !size);
		cr_expect_eq(!check(VHOST_USER_GET_INFLIGHT_FD, 24, 5, size),
			     size >= 20 && size <= 24);
	}
	cr_expect_not_null(check(VHOST_USER_GET_CONFIG, 72, 5, UINT32_MAX));
}

Test(vhost_user, headers_of_the_back_ends_requests)
{
	struct vhost_user_header h = {VHOST_USER_BACKEND_CONFIG_CHANGE, 1 | 8, 0};

	cr_expect_null(vhost_user_check_request(&h));
	h.size = sizeof(union vhost_user_payload);
	cr_expect_null(vhost_user_check_request(&h));
	h.size++;
	cr_expect_not_null(vhost_user_check_request(&h));
	h = (struct vhost_user_header){VHOST_USER_BACKEND_CONFIG_CHANGE, 5, 0};
	cr_expect_not_null(vhost_user_check_request(&h), "a reply to nothing");
	h.flags = 2;
	cr_expect_not_null(vhost_user_check_request(&h), "another version");
}

Test(vhost_user, replies)
{
	struct vhost_user_message sent = vhost_user_state(VHOST_USER_GET_VRING_BASE, 3, 0),
				  reply = sent;

	cr_expect_null(vhost_user_check_reply(&sent, &reply));
	reply.payload.state.index = 2;
	cr_expect_not_null(vhost_user_check_reply(&sent, &reply), "another ring");
	reply = sent;
	reply.n_fds = 1;
	cr_expect_not_null(vhost_user_check_reply(&sent, &reply), "a descriptor");
	sent = reply = vhost_user_config(VHOST_USER_GET_CONFIG, 0, NULL, 60);
	cr_expect_null(vhost_user_check_reply(&sent, &reply));
	reply.payload.config.size = 61;
	cr_expect_not_null(vhost_user_check_reply(&sent, &reply));
	reply = sent;
	reply.payload.config.offset = 1;
	cr_expect_not_null(vhost_user_check_reply(&sent, &reply));
	reply.header.size = 0;
	cr_expect_null(vhost_user_check_reply(&sent, &reply), "there is no configuration");
	sent = reply = vhost_user_inflight(VHOST_USER_GET_INFLIGHT_FD,
					   &(struct vhost_user_inflight){0}, -1);
	cr_expect_not_null(vhost_user_check_reply(&sent, &reply), "no descriptor");
	reply.n_fds = 1;
	cr_expect_null(vhost_user_check_reply(&sent, &reply));
}

/* ---- what becomes of an offer ------------------------------------------------------------------
 */

#define ALL UINT64_MAX

static int plan(const char *text, uint64_t features, uint64_t protocol, uint64_t queues)
{
	struct vhost_user_offer offer = {features, vhost_user_protocol(protocol), queues};

	cr_assert_eq(virtio_parse_vhost_user(text, &opt, &err), 0, "%s", err.text);
	return vhost_user_plan(&opt, &offer, &shape, &err);
}

Test(vhost_user, only_known_protocol_features_are_used)
{
	cr_expect_eq(vhost_user_protocol(ALL),
		     BIT(0) | BIT(3) | BIT(5) | BIT(9) | BIT(12) | BIT(15));
	cr_expect_eq(vhost_user_protocol(BIT(3) | BIT(5)), BIT(3),
		     "without CONFIG there is nothing that a back end could ask for");
	cr_expect_eq(vhost_user_protocol(0), 0);
}

Test(vhost_user, queues_of_each_type)
{
	cr_assert_eq(plan("fs,socket=s,tag=t", ALL, ALL, 2), 0);
	cr_expect_eq(shape.n_queues, 2, "one for requests that overtake");
	cr_expect_eq(shape.n_served, 2);
	cr_assert_eq(plan("fs,socket=s,tag=t,queues=3", ALL, ALL, 4), 0);
	cr_expect_eq(shape.n_queues, 4);
	cr_assert_eq(plan("vsock,socket=s", ALL, ALL, 2), 0);
	cr_expect_eq(shape.n_queues, 3);
	cr_expect_eq(shape.n_served, 2, "events are ours");
	cr_assert_eq(plan("net,socket=s", ALL, 0, 0), 0);
	cr_expect_eq(shape.n_queues, 2);
	cr_assert_eq(plan("blk,socket=s", ALL, ALL, 1), 0);
	cr_expect_eq(shape.n_queues, 1);
	cr_assert_eq(plan("41,socket=s,queues=5", ALL, ALL, 5), 0);
	cr_expect_eq(shape.n_queues, 5);
}

Test(vhost_user, what_a_back_end_lacks_is_named)
{
	cr_expect_eq(plan("blk,socket=s", ALL & ~BIT(32), ALL, 1), -ENOTSUP);
	cr_expect(strstr(err.text, "VERSION_1"), "%s", err.text);
	cr_expect_eq(plan("blk,socket=s", ALL, ALL & ~BIT(9), 1), -ENOTSUP);
	cr_expect(strstr(err.text, "CONFIG"), "%s", err.text);
	cr_expect_eq(plan("fs,socket=s", ALL, ALL & ~BIT(9), 2), -ENOTSUP);
	cr_expect(strstr(err.text, "tag=TAG"), "%s", err.text);
	cr_expect_eq(plan("41,socket=s,config-size=4", ALL, 0, 0), -ENOTSUP);
	cr_expect_eq(plan("41,socket=s", ALL, 0, 0), 0, "without a configuration it needs none");
	cr_expect_eq(plan("blk,socket=s,queues=2", ALL, ALL & ~BIT(0), 0), -ENOTSUP);
	cr_expect(strstr(err.text, "MQ"), "%s", err.text);
	cr_expect_eq(plan("blk,socket=s,queues=3", ALL, ALL, 2), -ENOTSUP);
	cr_expect(strstr(err.text, "serves 2 queues, not 3"), "%s", err.text);
}

Test(vhost_user, the_driver_sees_what_ends_at_the_ring)
{
	cr_assert_eq(plan("blk,socket=s", ALL, ALL, 1), 0);
	cr_expect_eq(shape.features & (BIT(24) - 1), (BIT(24) - 1) & ~(BIT(16) | BIT(17)));
	cr_expect_eq(shape.features >> 24 & 0x3ffffff,
		     (BIT(28) | BIT(29) | BIT(32) | BIT(34) | BIT(35) | BIT(40)) >> 24,
		     "no IOMMU (33), no log (26), no protocol features (30)");
	cr_assert_eq(plan("blk,socket=s", BIT(32), ALL, 1), 0);
	cr_expect_eq(shape.features, BIT(32) | BIT(40), "rings it can stop; the rest it has not");
	cr_assert_eq(plan("net,socket=s", BIT(32) | BIT(15) | BIT(17) | BIT(22), 0, 0), 0);
	cr_expect_eq(shape.features, BIT(32) | BIT(40) | BIT(15) | BIT(5),
		     "a MAC address; no control queue and no more pairs of queues");
}

Test(vhost_user, a_back_end_hears_only_of_what_it_offered)
{
	struct vhost_user_offer offer = {.features = BIT(32) | BIT(30) | BIT(29) | BIT(40)};

	cr_expect_eq(vhost_user_tell(&offer, BIT(32) | BIT(5) | BIT(40)), BIT(32) | BIT(30));
	offer.features &= ~BIT(30);
	cr_expect_eq(vhost_user_tell(&offer, BIT(32) | BIT(29)), BIT(32) | BIT(29));
}

Test(vhost_user, configurations)
{
	uint8_t config[256] = {0}, again[256] = {0};

	cr_assert_eq(plan("fs,socket=s,tag=home,queues=3", ALL, ALL, 9), 0);
	cr_expect_not(shape.config_from_backend);
	cr_expect_eq(shape.config_size, 40);
	vhost_user_make_config(&opt, &shape, config);
	cr_expect_arr_eq(config, "home\0", 5);
	cr_expect_eq(config[36], 3);
	cr_assert_eq(plan("fs,socket=s", ALL, ALL, 9), 0);
	cr_expect(shape.config_from_backend, "with a tag that the back end has");
	cr_assert_eq(plan("blk,socket=s,queues=2", ALL, ALL, 8), 0);
	config[34] = 8;
	vhost_user_make_config(&opt, &shape, config);
	cr_expect_eq(config[34], 2, "as many queues as there are");
	cr_expect_eq(shape.config_size, 60);
	cr_assert_eq(plan("net,socket=/run/a", ALL, 0, 0), 0);
	vhost_user_make_config(&opt, &shape, config);
	vhost_user_make_config(&opt, &shape, again);
	cr_expect_arr_eq(config, again, 6, "the same at each boot");
	cr_expect_eq(config[0] & 3, 2, "one card's, administered locally");
	cr_assert_eq(plan("net,socket=/run/b", ALL, 0, 0), 0);
	vhost_user_make_config(&opt, &shape, again);
	cr_expect(memcmp(config, again, 6));
}

Test(vhost_user, where_another_back_end_goes_on)
{
	static uint8_t ram[4096];
	struct guest_memory memory = {.fd = -1, .n = 1, .banks = {{0, sizeof(ram), ram, 0}}};
	struct virtq q = {.memory = &memory, .ring = &virtq_split, .driver = 0x80, .device = 0x100};
	uint32_t base = 0;
	unsigned waiting = 0;

	ram[0x102] = 0x34;
	ram[0x103] = 0xff;
	ram[0x82] = 0x02;
	cr_expect_eq(vhost_user_resume(&q, &base, &waiting), 0);
	cr_expect_eq(base, 0xff34);
	cr_expect_eq(waiting, 0xce, "the indexes wrap");
	q.ring = &virtq_packed;
	cr_expect_eq(vhost_user_resume(&q, &base, &waiting), -ENOTSUP);
}
