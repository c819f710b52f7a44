/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The balloon as its driver meets it: pages that go, reports, statistics, sizes. */
#include "../../virtio/devices.h"
#include "virtio_driver.h"

#include <criterion/criterion.h>
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <linux/virtio_balloon.h>

#define RAM	   (4 * MIB)
#define RINGS	   0	     /* guest-physical, DRIVER_RING_BYTES each */
#define NUMBERS	   (1 * MIB) /* page numbers, statistics */
#define VICTIM	   (2 * MIB) /* memory that goes */
#define VICTIM_4K  (VICTIM / 4096)
#define QUEUES	   5
#define SIZE	   16
#define FEATURE(n) (1ULL << (n))
#define ALL                                                                         \
	(FEATURE(VIRTIO_F_VERSION_1) | FEATURE(VIRTIO_BALLOON_F_MUST_TELL_HOST) |   \
	 FEATURE(VIRTIO_BALLOON_F_STATS_VQ) | FEATURE(VIRTIO_BALLOON_F_REPORTING) | \
	 FEATURE(VIRTIO_BALLOON_F_PAGE_POISON))

static struct vm vm;
static struct virtio v = {.vm = &vm};
static struct virtio_device *d;
static struct driver_ring rings[QUEUES];
static unsigned config_interrupts;

static void interrupt(struct virtio_device *device, unsigned q)
{
	(void)device, (void)q;
}

static void config_interrupt(struct virtio_device *device)
{
	(void)device;
	config_interrupts++;
}

static const struct virtio_transport_ops transport = {.interrupt = interrupt,
						      .config_interrupt = config_interrupt};

static void begin(uint64_t features)
{
	unsigned q;

	virtio_set_status(d, VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER);
	virtio_accept(d, 0, (uint32_t)features);
	virtio_accept(d, 1, (uint32_t)(features >> 32));
	virtio_set_status(d, d->status | VIRTIO_CONFIG_S_FEATURES_OK);
	cr_assert(d->status & VIRTIO_CONFIG_S_FEATURES_OK);
	for (q = 0; q < QUEUES; q++) {
		struct virtq *ring = &d->queues[q].ring;

		driver_ring_init(&rings[q], &vm.memory, RINGS + q * DRIVER_RING_BYTES, SIZE, false);
		virtio_set_queue_size(&d->queues[q], SIZE);
		ring->desc = rings[q].desc;
		ring->driver = rings[q].driver;
		ring->device = rings[q].device;
		virtio_enable_queue(&d->queues[q]);
	}
	virtio_set_status(d, d->status | VIRTIO_CONFIG_S_DRIVER_OK);
	cr_assert(d->started);
	memset(guest_memory_at(&vm.memory, VICTIM, MIB), 0x5a, MIB);
}

static void set_up(void)
{
	static const struct range ram = {0, RAM};
	static const struct guest_memory_options opt;
	struct error err = {0};

	cr_assert_eq(guest_memory_create(&vm.memory, &ram, 1, &opt, &err), 0, "%s", err.text);
	cr_assert_eq(loop_init(&vm.loop, &err), 0);
	cr_assert_eq(virtio_balloon_create(&v, &d, &err), 0, "%s", err.text);
	d->transport = &transport;
	v.devices = d;
}

static void tear_down(void)
{
	virtio_set_status(d, 0);
	d->ops->destroy(d);
	loop_destroy(&vm.loop);
	guest_memory_destroy(&vm.memory);
}

TestSuite(balloon_device, .init = set_up, .fini = tear_down);

/* Give a queue one buffer; true: it came back. */
static bool give(unsigned q, uint64_t address, uint32_t length, bool writable)
{
	struct driver_buffer b = {address, length, writable ? VRING_DESC_F_WRITE : 0};
	struct driver_used used;

	driver_ring_add(&rings[q], &b, 1);
	d->ops->kicked(d, q);
	if (!driver_ring_take(&rings[q], &used))
		return false;
	cr_assert_eq(used.written, 0);
	return true;
}

static bool give_pages(unsigned q, const uint32_t *pfns, unsigned n)
{
	uint32_t *to = guest_memory_at(&vm.memory, NUMBERS, n * sizeof(*to));
	unsigned i;

	for (i = 0; i < n; i++)
		to[i] = htole32(pfns[i]);
	return give(q, NUMBERS, n * (uint32_t)sizeof(*to), false);
}

/* Of the victim's page i, whether it has gone. */
static bool gone(unsigned i)
{
	const uint8_t *p = guest_memory_at(&vm.memory, VICTIM + i * 4096, 4096);

	cr_assert(p[0] == p[4095] && (p[0] == 0 || p[0] == 0x5a));
	return !p[0];
}

Test(balloon_device, pages_that_are_given_go)
{
	static const uint32_t up[] = {VICTIM_4K + 1, VICTIM_4K + 2},
			      down[] = {VICTIM_4K + 7, VICTIM_4K + 6, VICTIM_4K + 4};

	begin(ALL);
	cr_assert(give_pages(0, up, 2));
	cr_assert(give_pages(0, down, 3));
	cr_assert(!gone(0) && gone(1) && gone(2) && !gone(3) && gone(4) && !gone(5) && gone(6) &&
		  gone(7) && !gone(8));
	cr_assert(give_pages(1, up, 2));
	cr_assert_eq(atomic_load(&d->broken), 0);
}

Test(balloon_device, numbers_that_are_no_pages_are_nothing)
{
	static const uint32_t bad[] = {RAM / 4096, UINT32_MAX, VICTIM_4K, 0x80000000};

	begin(ALL);
	cr_assert(give_pages(0, bad, 4));
	cr_assert(gone(0) && !gone(1));
	cr_assert(give_pages(1, bad, 4));
	cr_assert(give(0, NUMBERS, 3, false), "less than a number");
	cr_assert(give(0, VICTIM, MIB, false), "as many as it likes");
	cr_assert(give(0, VICTIM, 4096, true), "none at all");
	cr_assert(!gone(1));
}

Test(balloon_device, large_pages_of_the_host_go_whole)
{
	uint32_t pfns[16];
	unsigned i;

	for (i = 0; i < 16; i++)
		pfns[i] = VICTIM_4K + 15 - i;
	vm.memory.page = 64 * KIB;
	begin(ALL);
	cr_assert(give_pages(0, pfns, 15));
	cr_assert(!gone(15), "its first part is the guest's");
	cr_assert(give_pages(0, pfns + 15, 1));
	for (i = 0; i < 16; i++)
		cr_assert(gone(i));
	cr_assert(!gone(16));
}

Test(balloon_device, large_pages_need_a_driver_that_tells)
{
	uint32_t pfns[16];
	unsigned i;

	for (i = 0; i < 16; i++)
		pfns[i] = VICTIM_4K + i;
	vm.memory.page = 64 * KIB;
	begin(ALL & ~FEATURE(VIRTIO_BALLOON_F_MUST_TELL_HOST));
	cr_assert(give_pages(0, pfns, 16));
	cr_assert(!gone(0));
}

/* What is behind so many numbers is not looked at; the guest may use it all the same. */
Test(balloon_device, a_page_at_the_end_of_a_long_list_is_the_guests_again)
{
	uint32_t pfns[4097] = {0};
	unsigned i;

	for (i = 0; i < 16; i++)
		pfns[i] = VICTIM_4K + i;
	pfns[4096] = VICTIM_4K;
	vm.memory.page = 64 * KIB;
	begin(ALL);
	cr_assert(give_pages(0, pfns, 15));
	memset(pfns, 0, 16 * sizeof(*pfns));
	cr_assert(give_pages(1, pfns, 4097));
	pfns[0] = VICTIM_4K + 15;
	cr_assert(give_pages(0, pfns, 1));
	cr_assert(!gone(0));
}

Test(balloon_device, free_pages_are_reported_on_either_number)
{
	begin(ALL);
	cr_assert(give(3, VICTIM, 8192, true));
	cr_assert(gone(0) && gone(1) && !gone(2));
	cr_assert(give(4, VICTIM + 8192 + 1, 8192, true));
	cr_assert(!gone(2) && gone(3) && !gone(4), "whole pages within");
}

Test(balloon_device, without_statistics_reports_close_the_gap)
{
	begin(ALL & ~FEATURE(VIRTIO_BALLOON_F_STATS_VQ));
	cr_assert(give(2, VICTIM, 4096, true));
	cr_assert(gone(0));
}

Test(balloon_device, poison_stays_where_it_is)
{
	begin(ALL);
	virtio_config_write(d, offsetof(struct virtio_balloon_config, poison_val), 4, 0x5a5a5a5a);
	cr_assert(give(3, VICTIM, 8192, true));
	cr_assert(!gone(0) && !gone(1));
}

static bool stat_has(const char *text)
{
	struct text out = {0};
	struct json j = {.out = &out};
	bool has;

	json_open(&j, NULL, '{');
	d->ops->stat(d, &j);
	json_close(&j, '}');
	has = strstr(out.data, text) != NULL;
	text_free(&out);
	return has;
}

Test(balloon_device, statistics_are_held_and_shown)
{
	static const struct virtio_balloon_stat told[] = {
		{VIRTIO_BALLOON_S_MEMFREE, 1234567}, {0xffff, 1}, {VIRTIO_BALLOON_S_MAJFLT, 89}};

	begin(ALL);
	cr_assert(!stat_has("memory_free"));
	memcpy(guest_memory_at(&vm.memory, NUMBERS, sizeof(told)), told, sizeof(told));
	cr_assert(!give(2, NUMBERS, sizeof(told), false), "the buffer stays until more is wanted");
	cr_assert(stat_has("\"memory_free\":1234567"));
	cr_assert(stat_has("\"major_faults\":89"));
	cr_assert(!give(2, NUMBERS, 5, false));
	cr_assert(stat_has("\"memory_free\":1234567"));
	virtio_set_status(d, 0);
	cr_assert(!stat_has("memory_free"), "they were of a driver that is gone");
}

static uint32_t config(size_t offset)
{
	return virtio_config_read(d, offset, 4);
}

Test(balloon_device, sizes)
{
	struct error err = {0};

	begin(ALL);
	cr_assert_eq(virtio_balloon_resize(&v, 2 * MIB + 4095, &err), 0);
	cr_assert_eq(config(offsetof(struct virtio_balloon_config, num_pages)), 512);
	cr_assert_eq(config_interrupts, 1);
	cr_assert_eq(virtio_balloon_resize(&v, RAM + 1, &err), -EINVAL);
	cr_assert(strstr(err.text, "larger than the memory, 4 MiB"), "%s", err.text);
	virtio_config_write(d, offsetof(struct virtio_balloon_config, actual), 4, 256);
	virtio_config_write(d, offsetof(struct virtio_balloon_config, num_pages), 4, 7);
	virtio_config_write(d, 3, 4, UINT32_MAX);
	cr_assert(stat_has("\"target\":2097152"));
	cr_assert(stat_has("\"actual\":1048576"));
	virtio_set_status(d, 0);
	cr_assert(stat_has("\"actual\":0"), "a new driver has an empty balloon");
	cr_assert(stat_has("\"target\":2097152"), "and is asked for the same");
	v.devices = NULL;
	cr_assert_eq(virtio_balloon_resize(&v, 0, &err), -ENODEV);
	cr_assert(strstr(err.text, "--balloon"), "%s", err.text);
}
