/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* virtio: the registers of a device over MMIO (4.2), as its driver finds them. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>

#include "../../virtio/device.h"
#include "../../virtio/transport.h"
#include "recorder.h"

#define BASE  0xf0000000ULL
#define SIZE  0x1000ULL
#define GSI   5
#define RAM   (1 * MIB)
#define RESET 0x0c0 /* QueueReset, which old headers lack */

/* Where the test's rings lie: of each queue in 64 KiB of its own. */
#define RING(q) (0x10000ULL * (1 + (q)))

#define READY (VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER)
#define OK    (READY | VIRTIO_CONFIG_S_FEATURES_OK)
#define RUNS  (OK | VIRTIO_CONFIG_S_DRIVER_OK)

static struct recorder rec;
static struct virtio_device dev;
static unsigned fds_before, queue_stops;
static uint8_t written[8];

static int queue_start(struct virtio_device *d, unsigned q)
{
	(void)d, (void)q;
	return 0;
}

static void queue_stop(struct virtio_device *d, unsigned q)
{
	(void)d, (void)q;
	queue_stops++;
}

static void config_write(struct virtio_device *d, unsigned offset, const void *buf, unsigned n)
{
	(void)d;
	memset(written, 0, sizeof(written));
	memcpy(written + offset, buf, n);
}

/* Kicks stay in their eventfds, where a test finds them. */
static const struct virtio_device_ops ops = {
	.config_write = config_write, .queue_start = queue_start, .queue_stop = queue_stop};
/* Of its queues none starts or stops alone. */
static const struct virtio_device_ops rigid_ops = {.config_write = config_write, .whole = true};

static void start_with(const struct virtio_device_ops *device_ops)
{
	static const uint16_t sizes[] = {64, 128, 1024};
	unsigned i;

	fds_before = open_fds();
	recorder_init(&rec);
	cr_assert_eq(loop_init(&rec.vm.loop, NULL), 0);
	rec.vm.memory.n = 1;
	rec.vm.memory.banks[0] = (struct ram_bank){.size = RAM, .host = calloc(1, RAM)};
	dev = (struct virtio_device){.name = "test",
				     .id = 4,
				     .ops = device_ops,
				     .offered = 1ULL << 5 | 1ULL << 50,
				     .config_size = 7};
	for (i = 0; i < sizeof(dev.config); i++)
		dev.config[i] = (uint8_t)(0x11 * (i + 1));
	cr_assert_eq(virtio_device_init(&dev, &rec.vm, ARRAY_SIZE(sizes), sizes, NULL), 0);
	cr_assert_eq(virtio_mmio_attach(&dev, NULL), 0);
	cr_assert_eq(virtio_mmio_place(&dev, (struct range){BASE, SIZE}, GSI, NULL), 0);
}

static void start(void)
{
	start_with(&ops);
}

/* Nothing may be left: no doorbell, no fd, and the line is down. */
static void finish(void)
{
	uint64_t value;

	virtio_set_status(&dev, 0);
	dev.transport->destroy(&dev);
	cr_expect_eq(rec.doorbells, 0);
	cr_expect(!rec.level[GSI]);
	cr_expect_eq(recorder_load(&rec, BASE, 4, &value), BY_NOBODY);
	virtio_device_release(&dev);
	free(rec.vm.memory.banks[0].host);
	loop_destroy(&rec.vm.loop);
	recorder_destroy(&rec);
	cr_expect_eq(open_fds(), fds_before);
}

TestSuite(virtio_mmio, .init = start, .fini = finish);

static uint64_t load(uint64_t offset, unsigned size)
{
	uint64_t value;

	cr_assert_eq(recorder_load(&rec, BASE + offset, size, &value), BY_EXIT);
	return value;
}

static void store(uint64_t offset, unsigned size, uint64_t value)
{
	cr_assert_eq(recorder_store(&rec, BASE + offset, size, value), BY_EXIT);
}

static uint32_t get(uint64_t offset)
{
	return (uint32_t)load(offset, 4);
}

static void set(uint64_t offset, uint32_t value)
{
	store(offset, 4, value);
}

static void accept_features(uint64_t features)
{
	set(VIRTIO_MMIO_STATUS, READY);
	set(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	set(VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)features);
	set(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	set(VIRTIO_MMIO_DRIVER_FEATURES, features >> 32);
	set(VIRTIO_MMIO_STATUS, OK);
	cr_assert_eq(get(VIRTIO_MMIO_STATUS), OK);
}

static void set_up_queue(unsigned q, uint32_t size)
{
	set(VIRTIO_MMIO_QUEUE_SEL, q);
	cr_assert_eq(get(VIRTIO_MMIO_QUEUE_READY), 0);
	set(VIRTIO_MMIO_QUEUE_NUM, size);
	set(VIRTIO_MMIO_QUEUE_DESC_LOW, RING(q));
	set(VIRTIO_MMIO_QUEUE_DESC_HIGH, 0);
	set(VIRTIO_MMIO_QUEUE_AVAIL_LOW, RING(q) + 0x4000);
	set(VIRTIO_MMIO_QUEUE_AVAIL_HIGH, 0);
	set(VIRTIO_MMIO_QUEUE_USED_LOW, RING(q) + 0x8000);
	set(VIRTIO_MMIO_QUEUE_USED_HIGH, 0);
	set(VIRTIO_MMIO_QUEUE_READY, 1);
}

/* As a driver brings the device up with all its queues (3.1.1). */
static void run(uint64_t features)
{
	unsigned q;

	accept_features(1ULL << VIRTIO_F_VERSION_1 | features);
	for (q = 0; q < dev.n_queues; q++)
		set_up_queue(q, 16);
	set(VIRTIO_MMIO_STATUS, RUNS);
	cr_assert_eq(get(VIRTIO_MMIO_STATUS), RUNS);
	cr_assert(dev.started);
}

static bool kicked(unsigned q)
{
	uint64_t count;

	return read(dev.queues[q].kick, &count, sizeof(count)) == sizeof(count);
}

Test(virtio_mmio, what_it_is)
{
	cr_expect_eq(get(VIRTIO_MMIO_MAGIC_VALUE), 0x74726976);
	cr_expect_eq(get(VIRTIO_MMIO_VERSION), 2);
	cr_expect_eq(get(VIRTIO_MMIO_DEVICE_ID), 4);
	cr_expect_neq(get(VIRTIO_MMIO_VENDOR_ID), 0);
	cr_expect_eq(get(VIRTIO_MMIO_STATUS), 0);
	/* What only reads is not written. */
	set(VIRTIO_MMIO_MAGIC_VALUE, 0);
	set(VIRTIO_MMIO_DEVICE_ID, 1);
	cr_expect_eq(get(VIRTIO_MMIO_MAGIC_VALUE), 0x74726976);
	cr_expect_eq(get(VIRTIO_MMIO_DEVICE_ID), 4);
}

Test(virtio_mmio, features_by_word)
{
	uint64_t offered = dev.offered;

	set(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	cr_expect_eq(get(VIRTIO_MMIO_DEVICE_FEATURES), offered >> 32);
	cr_expect(get(VIRTIO_MMIO_DEVICE_FEATURES) & 1U << (50 - 32));
	set(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	cr_expect_eq(get(VIRTIO_MMIO_DEVICE_FEATURES), (uint32_t)offered);
	set(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 2);
	cr_expect_eq(get(VIRTIO_MMIO_DEVICE_FEATURES), 0);
	set(VIRTIO_MMIO_DEVICE_FEATURES_SEL, UINT32_MAX);
	cr_expect_eq(get(VIRTIO_MMIO_DEVICE_FEATURES), 0);
	accept_features(1ULL << VIRTIO_F_VERSION_1 | 1ULL << 5);
	cr_expect_eq(dev.features, 1ULL << VIRTIO_F_VERSION_1 | 1ULL << 5);
}

/* 3.1.1: FEATURES_OK stays off for what was not offered, and without VERSION_1 (6.1). */
Test(virtio_mmio, features_that_are_refused)
{
	set(VIRTIO_MMIO_STATUS, READY);
	set(VIRTIO_MMIO_STATUS, OK);
	cr_expect_eq(get(VIRTIO_MMIO_STATUS), READY, "no VERSION_1");
	set(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	set(VIRTIO_MMIO_DRIVER_FEATURES, 1U << (VIRTIO_F_VERSION_1 - 32) | 1U << (51 - 32));
	set(VIRTIO_MMIO_STATUS, OK);
	cr_expect_eq(get(VIRTIO_MMIO_STATUS), READY, "51 was not offered");
}

Test(virtio_mmio, queues)
{
	set(VIRTIO_MMIO_QUEUE_SEL, 2);
	cr_expect_eq(get(VIRTIO_MMIO_QUEUE_NUM_MAX), 1024);
	set(VIRTIO_MMIO_QUEUE_SEL, 0);
	cr_expect_eq(get(VIRTIO_MMIO_QUEUE_NUM_MAX), 64);
	/* 4.2.2: a queue that is not there has size 0, and nothing can be done with it. */
	set(VIRTIO_MMIO_QUEUE_SEL, 3);
	cr_expect_eq(get(VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
	set(VIRTIO_MMIO_QUEUE_SEL, UINT32_MAX);
	cr_expect_eq(get(VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
	accept_features(1ULL << VIRTIO_F_VERSION_1);
	set(VIRTIO_MMIO_QUEUE_READY, 1);
	cr_expect_eq(get(VIRTIO_MMIO_QUEUE_READY), 0);
	set(VIRTIO_MMIO_QUEUE_READY, 0);
	set_up_queue(1, 32);
	cr_expect_eq(get(VIRTIO_MMIO_QUEUE_READY), 1);
	cr_expect_eq(get(VIRTIO_MMIO_QUEUE_NUM_MAX), 128, "whatever was chosen");
	cr_expect_eq(dev.queues[1].ring.size, 32);
	/* What the driver says of a queue that is ready is too late. */
	set(VIRTIO_MMIO_QUEUE_NUM, 8);
	set(VIRTIO_MMIO_QUEUE_DESC_LOW, 0);
	set(VIRTIO_MMIO_QUEUE_USED_HIGH, 1);
	cr_expect_eq(dev.queues[1].ring.size, 32);
	cr_expect_eq(dev.queues[1].ring.desc, RING(1));
	cr_expect_eq(dev.queues[1].ring.device, RING(1) + 0x8000);
	set(VIRTIO_MMIO_QUEUE_SEL, 0);
	cr_expect_eq(get(VIRTIO_MMIO_QUEUE_READY), 0);
}

Test(virtio_mmio, addresses_have_two_halves)
{
	set(VIRTIO_MMIO_QUEUE_DESC_HIGH, 0x12345678);
	set(VIRTIO_MMIO_QUEUE_DESC_LOW, 0x9abcdef0);
	set(VIRTIO_MMIO_QUEUE_AVAIL_LOW, 0x11111111);
	set(VIRTIO_MMIO_QUEUE_AVAIL_HIGH, 0x22222222);
	set(VIRTIO_MMIO_QUEUE_USED_LOW, 0x33333333);
	set(VIRTIO_MMIO_QUEUE_USED_HIGH, 0x44444444);
	cr_expect_eq(dev.queues[0].ring.desc, 0x123456789abcdef0);
	cr_expect_eq(dev.queues[0].ring.driver, 0x2222222211111111);
	cr_expect_eq(dev.queues[0].ring.device, 0x4444444433333333);
}

/* All queues have one register: KVM tells them apart by the value, and so do we. */
Test(virtio_mmio, kicks)
{
	unsigned q;

	cr_expect_eq(rec.doorbells, 3);
	cr_expect_eq(rec.doorbell_addr, BASE + VIRTIO_MMIO_QUEUE_NOTIFY);
	run(0);
	for (q = 0; q < 3; q++)
		cr_expect(kicked(q), "what was made available before is looked for");
	set(VIRTIO_MMIO_QUEUE_NOTIFY, 1);
	cr_expect(kicked(1));
	cr_expect(!kicked(0));
	cr_expect(!kicked(2));
	set(VIRTIO_MMIO_QUEUE_NOTIFY, 3);
	set(VIRTIO_MMIO_QUEUE_NOTIFY, UINT32_MAX);
	store(VIRTIO_MMIO_QUEUE_NOTIFY, 2, 1);
	for (q = 0; q < 3; q++)
		cr_expect(!kicked(q));
}

Test(virtio_mmio, interrupt_is_up_until_it_is_acknowledged)
{
	run(0);
	cr_expect_eq(get(VIRTIO_MMIO_INTERRUPT_STATUS), 0);
	virtio_interrupt(&dev, 1);
	cr_expect(rec.level[GSI]);
	cr_expect_eq(get(VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_MMIO_INT_VRING);
	virtio_interrupt(&dev, 2);
	cr_expect_eq(rec.lines[GSI], 1, "it is up already");
	cr_expect_eq(get(VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_MMIO_INT_VRING, "a read is no ack");
	set(VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_VRING);
	cr_expect(!rec.level[GSI]);
	cr_expect_eq(get(VIRTIO_MMIO_INTERRUPT_STATUS), 0);
	cr_expect_eq(dev.queues[1].interrupts, 1);
	cr_expect_eq(virtio_call_fd(&dev, 0), -1, "who signals has to set the status");
}

/* The guest's pin may be edge-triggered: what came in between needs an edge of its own. */
Test(virtio_mmio, what_comes_before_the_acknowledgement_rises_again)
{
	unsigned before;

	run(0);
	virtio_interrupt(&dev, 0);
	virtio_config_changed(&dev);
	cr_expect_eq(get(VIRTIO_MMIO_INTERRUPT_STATUS),
		     VIRTIO_MMIO_INT_VRING | VIRTIO_MMIO_INT_CONFIG);
	before = rec.lines[GSI];
	set(VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_VRING);
	cr_expect_eq(get(VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_MMIO_INT_CONFIG);
	cr_expect(rec.level[GSI]);
	cr_expect_eq(rec.lines[GSI], before + 2, "down and up");
	set(VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_CONFIG);
	cr_expect(!rec.level[GSI]);
	/* Of nothing. */
	before = rec.lines[GSI];
	set(VIRTIO_MMIO_INTERRUPT_ACK, UINT32_MAX);
	cr_expect_eq(rec.lines[GSI], before);
}

Test(virtio_mmio, broken_device_says_so)
{
	run(0);
	virtio_break(&dev, "for the test");
	cr_expect_eq(get(VIRTIO_MMIO_STATUS), RUNS | VIRTIO_CONFIG_S_NEEDS_RESET);
	cr_expect_eq(get(VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_MMIO_INT_CONFIG);
	cr_expect(rec.level[GSI]);
}

Test(virtio_mmio, reset)
{
	unsigned q;

	run(1ULL << VIRTIO_F_RING_RESET);
	virtio_interrupt(&dev, 0);
	virtio_config_changed(&dev);
	set(VIRTIO_MMIO_STATUS, 0);
	cr_expect_eq(get(VIRTIO_MMIO_STATUS), 0);
	cr_expect_eq(get(VIRTIO_MMIO_INTERRUPT_STATUS), 0);
	cr_expect(!rec.level[GSI]);
	cr_expect(!dev.started);
	cr_expect_eq(dev.features, 0);
	for (q = 0; q < 3; q++) {
		set(VIRTIO_MMIO_QUEUE_SEL, q);
		cr_expect_eq(get(VIRTIO_MMIO_QUEUE_READY), 0);
		cr_expect_eq(dev.queues[q].ring.desc, 0);
	}
	run(0);
}

/* 4.2.2.2: a driver stops using a queue by QueueReady, and reads that back. */
Test(virtio_mmio, queue_that_is_not_ready_any_more)
{
	run(0);
	set(VIRTIO_MMIO_QUEUE_SEL, 1);
	set(VIRTIO_MMIO_QUEUE_READY, 2);
	cr_expect_eq(get(VIRTIO_MMIO_QUEUE_READY), 1, "2 says nothing");
	set(VIRTIO_MMIO_QUEUE_READY, 0);
	cr_expect_eq(get(VIRTIO_MMIO_QUEUE_READY), 0);
	cr_expect_eq(queue_stops, 1);
	cr_expect_null(dev.queues[1].ring.ring, "nothing is taken from it");
	set(VIRTIO_MMIO_QUEUE_READY, 0);
	cr_expect_eq(queue_stops, 1);
	set(VIRTIO_MMIO_QUEUE_SEL, 0);
	cr_expect_eq(get(VIRTIO_MMIO_QUEUE_READY), 1);
}

Test(virtio_mmio_rigid, queue_that_can_not_stop_alone)
{
	start_with(&rigid_ops);
	run(0);
	set(VIRTIO_MMIO_QUEUE_READY, 0);
	cr_expect_eq(get(VIRTIO_MMIO_QUEUE_READY), 1, "the driver sees that it is still in use");
	set(VIRTIO_MMIO_STATUS, 0);
	cr_expect_eq(get(VIRTIO_MMIO_QUEUE_READY), 0);
	finish();
}

/* 2.6.1, 4.2.2: only with the feature; and then the queue may be set up anew. */
Test(virtio_mmio, queue_reset)
{
	run(0);
	set(VIRTIO_MMIO_QUEUE_SEL, 1);
	set(RESET, 1);
	cr_expect_eq(get(VIRTIO_MMIO_QUEUE_READY), 1, "it was not negotiated");
	set(VIRTIO_MMIO_STATUS, 0);
	run(1ULL << VIRTIO_F_RING_RESET);
	set(VIRTIO_MMIO_QUEUE_SEL, 1);
	set(RESET, 1);
	cr_expect_eq(get(RESET), 0, "it is done");
	cr_expect_eq(get(VIRTIO_MMIO_QUEUE_READY), 0);
	cr_expect_eq(queue_stops, 1);
	set_up_queue(1, 32);
	cr_expect_eq(get(VIRTIO_MMIO_QUEUE_READY), 1);
	cr_expect_eq(dev.queues[1].ring.size, 32);
	cr_expect_not_null(dev.queues[1].ring.ring);
	cr_expect(!(get(VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET));
}

/* 4.2.2.2: fields of the configuration have the width that they are accessed with. */
Test(virtio_mmio, configuration)
{
	cr_expect_eq(load(VIRTIO_MMIO_CONFIG, 1), 0x11);
	cr_expect_eq(load(VIRTIO_MMIO_CONFIG + 1, 1), 0x22);
	cr_expect_eq(load(VIRTIO_MMIO_CONFIG + 2, 2), 0x4433);
	cr_expect_eq(load(VIRTIO_MMIO_CONFIG, 4), 0x44332211);
	cr_expect_eq(load(VIRTIO_MMIO_CONFIG + 4, 4), 0x00776655, "it has 7 bytes");
	cr_expect_eq(load(VIRTIO_MMIO_CONFIG, 8), 0x0077665544332211);
	cr_expect_eq(load(VIRTIO_MMIO_CONFIG + 8, 4), 0);
	cr_expect_eq(load(SIZE - 4, 4), 0);
	store(VIRTIO_MMIO_CONFIG + 2, 2, 0xabcd);
	cr_expect_eq(written[2], 0xcd);
	cr_expect_eq(written[3], 0xab);
	store(VIRTIO_MMIO_CONFIG + 5, 1, 0x5a);
	cr_expect_eq(written[5], 0x5a);
	written[5] = 0;
	store(VIRTIO_MMIO_CONFIG + 6, 2, 0xffff);
	store(SIZE - 8, 8, UINT64_MAX);
	cr_expect_eq(written[5] | written[6], 0, "no write that is not whole");
}

Test(virtio_mmio, generation_changes_with_the_configuration)
{
	uint32_t before = get(VIRTIO_MMIO_CONFIG_GENERATION);

	cr_expect_eq(get(VIRTIO_MMIO_CONFIG_GENERATION), before);
	virtio_config_changed(&dev);
	cr_expect_neq(get(VIRTIO_MMIO_CONFIG_GENERATION), before);
	cr_expect(!rec.level[GSI], "no driver to tell");
}

/* 4.2.2.2: registers before the configuration are words of 32 bits. */
Test(virtio_mmio, other_widths_do_nothing)
{
	cr_expect_eq(load(VIRTIO_MMIO_MAGIC_VALUE, 1), 0);
	cr_expect_eq(load(VIRTIO_MMIO_MAGIC_VALUE, 2), 0);
	cr_expect_eq(load(VIRTIO_MMIO_MAGIC_VALUE + 2, 4), 0);
	store(VIRTIO_MMIO_STATUS, 1, READY);
	store(VIRTIO_MMIO_STATUS, 2, READY);
	store(VIRTIO_MMIO_STATUS - 1, 4, READY << 8);
	cr_expect_eq(get(VIRTIO_MMIO_STATUS), 0);
	/* Two words in one access, as some compilers make them. */
	cr_expect_eq(load(VIRTIO_MMIO_MAGIC_VALUE, 8), 0x274726976);
	store(VIRTIO_MMIO_QUEUE_DESC_LOW, 8, 0x123456789abcdef0);
	cr_expect_eq(dev.queues[0].ring.desc, 0x123456789abcdef0);
}

/* 2.10, 4.2.2: a region that is not there has a length of all ones. */
Test(virtio_mmio, shared_memory)
{
	cr_expect_eq(load(VIRTIO_MMIO_SHM_LEN_LOW, 8), UINT64_MAX);
	cr_expect_eq(load(VIRTIO_MMIO_SHM_BASE_LOW, 8), UINT64_MAX);
	dev.shared_memory = (struct range){0x123400000000, 0x5600000000};
	cr_expect_eq(load(VIRTIO_MMIO_SHM_LEN_LOW, 8), 0x5600000000);
	cr_expect_eq(load(VIRTIO_MMIO_SHM_BASE_LOW, 8), 0x123400000000);
	set(VIRTIO_MMIO_SHM_SEL, 1);
	cr_expect_eq(load(VIRTIO_MMIO_SHM_LEN_LOW, 8), UINT64_MAX);
	set(VIRTIO_MMIO_SHM_SEL, 0);
	cr_expect_eq(get(VIRTIO_MMIO_SHM_LEN_HIGH), 0x56);
}

/* Whatever a driver writes wherever: nothing but the device suffers, and it can be reset. */
Test(virtio_mmio, any_writes)
{
	static const unsigned sizes[] = {1, 2, 4, 4, 4, 8};
	unsigned i, seed = 1;

	for (i = 0; i < 200000; i++) {
		unsigned size = sizes[(unsigned)rand_r(&seed) % ARRAY_SIZE(sizes)];
		uint64_t offset = (uint64_t)rand_r(&seed) % (i % 8 ? 0x110 : SIZE - 8);
		uint32_t value = (uint32_t)rand_r(&seed) >> ((unsigned)rand_r(&seed) % 32);

		store(offset & ~3ULL, size, value);
		load(offset, size);
	}
	set(VIRTIO_MMIO_STATUS, 0);
	run(0);
}

Test(virtio_transport, text)
{
	struct error err;
	bool mmio;

	cr_assert_eq(virtio_parse_transport("mmio", &mmio, NULL), 0);
	cr_expect(mmio);
	cr_assert_eq(virtio_parse_transport("pci", &mmio, NULL), 0);
	cr_expect(!mmio);
	cr_assert_eq(virtio_parse_transport("pci-legacy", &mmio, &err), -EINVAL);
	cr_expect_str_eq(err.text, "--virtio-transport pci-legacy: it is pci|mmio");
	cr_assert_eq(virtio_parse_transport("", &mmio, &err), -EINVAL);
}
