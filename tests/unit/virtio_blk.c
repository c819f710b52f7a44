/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The block device with its worker, a driver's ring in front and an image behind. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_blk.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../virtio/devices.h"
#include "folder.h"
#include "virtio_driver.h"

#define RAM	   0x100000ULL
#define RAM_SIZE   (1 * MIB)
#define BUFFERS	   (RAM + 128 * KIB)
#define IMAGE	   (1 * MIB)
#define FEATURE(n) (1ULL << (n))
#define READY                                                                                 \
	(VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK | \
	 VIRTIO_CONFIG_S_DRIVER_OK)
#define IN VRING_DESC_F_WRITE

static char folder[FOLDER_PATH];
static struct vm vm;
static struct virtio machine = {.vm = &vm};
static struct virtio_device *device;
static struct driver_ring ring;
static int interrupts = -1; /* eventfd */

static void interrupt(struct virtio_device *d, unsigned q)
{
	(void)d, (void)q;
	event_kick(interrupts);
}

static void config_interrupt(struct virtio_device *d)
{
	(void)d;
	event_kick(interrupts);
}

static const struct virtio_transport_ops transport = {.interrupt = interrupt,
						      .config_interrupt = config_interrupt};

static uint8_t *at(uint64_t gpa)
{
	return vm.memory.banks[0].host + (gpa - RAM);
}

static void set_up(void)
{
	folder_make(folder);
	cr_assert_eq(chdir(folder), 0);
	folder_run(folder, "yes abcdefg | head -c 1048576 >image");
	interrupts = eventfd(0, EFD_NONBLOCK);
	vm.memory.n = 1;
	vm.memory.banks[0] = (struct ram_bank){RAM, RAM_SIZE, aligned_alloc(4096, RAM_SIZE), 0};
	memset(vm.memory.banks[0].host, 0, RAM_SIZE);
}

static void set_status(uint8_t status)
{
	pthread_mutex_lock(&device->lock);
	virtio_set_status(device, status);
	pthread_mutex_unlock(&device->lock);
}

static void take_away(void)
{
	if (!device)
		return;
	set_status(0);
	device->ops->destroy(device);
	device = NULL;
}

static void tear_down(void)
{
	take_away();
	free(vm.memory.banks[0].host);
	close(interrupts);
	cr_assert_eq(chdir("/"), 0);
	folder_remove(folder);
}

TestSuite(virtio_blk, .init = set_up, .fini = tear_down);

static void make(const struct virtio_disk_options *opt)
{
	struct error err = {0};

	take_away();
	cr_assert_eq(virtio_blk_create(&machine, opt, &device, &err), 0, "%s", err.text);
	device->transport = &transport;
}

static void lay(unsigned index, struct driver_ring *to, uint64_t gpa, bool packed)
{
	struct virtio_queue *q = &device->queues[index];

	driver_ring_init(to, &vm.memory, gpa, DRIVER_RING_MAX, packed);
	pthread_mutex_lock(&device->lock);
	virtio_set_queue_size(q, to->size);
	q->ring.desc = to->desc;
	q->ring.driver = to->driver;
	q->ring.device = to->device;
	virtio_enable_queue(q);
	pthread_mutex_unlock(&device->lock);
}

static void start_queue(bool packed)
{
	lay(0, &ring, RAM, packed);
}

/* A driver that accepts these features, and VERSION_1, with one queue; or with two. */
static void negotiate(uint64_t features)
{
	features |= FEATURE(VIRTIO_F_VERSION_1);
	set_status(0);
	set_status(READY & 3);
	virtio_accept(device, 0, (uint32_t)features);
	virtio_accept(device, 1, (uint32_t)(features >> 32));
	set_status(READY & ~VIRTIO_CONFIG_S_DRIVER_OK);
	cr_assert(device->status & VIRTIO_CONFIG_S_FEATURES_OK);
	start_queue(features & FEATURE(VIRTIO_F_RING_PACKED));
}

static void start(uint64_t features)
{
	negotiate(features);
	set_status(READY);
}

static struct driver_ring start_with_another(uint64_t features)
{
	struct driver_ring other;

	negotiate(features);
	lay(1, &other, RAM + DRIVER_RING_BYTES, features & FEATURE(VIRTIO_F_RING_PACKED));
	set_status(READY);
	return other;
}

static void make_and_start(uint64_t features)
{
	make(&(struct virtio_disk_options){.image = {.path = "image"}, .queues = 1});
	start(features);
}

/* A header at `gpa` for the chain that is built. */
static struct driver_buffer header(uint64_t gpa, uint32_t type, uint64_t sector)
{
	struct virtio_blk_outhdr h = {.type = type, .sector = sector};

	memcpy(at(gpa), &h, sizeof(h));
	return (struct driver_buffer){gpa, sizeof(h), 0};
}

static struct driver_used wait_used(void)
{
	struct pollfd event = {.fd = interrupts, .events = POLLIN};
	struct driver_used used;
	uint64_t n;

	while (!driver_ring_take(&ring, &used)) {
		cr_assert_eq(poll(&event, 1, 20000), 1, "no interrupt");
		cr_assert_eq(read(interrupts, &n, sizeof(n)), sizeof(n));
	}
	return used;
}

/* One request: header, `length` bytes of data, status. */
static uint8_t ask(uint32_t type, uint64_t sector, uint32_t length, uint16_t flags)
{
	struct driver_buffer b[] = {header(BUFFERS, type, sector),
				    {BUFFERS + 4096, length, flags},
				    {BUFFERS + 64, 1, IN}};

	*at(BUFFERS + 64) = 0xff;
	if (!length)
		b[1] = b[2];
	driver_ring_add(&ring, b, length ? 3 : 2);
	event_kick(device->queues[0].kick);
	wait_used();
	return *at(BUFFERS + 64);
}

static void read_image(void *buf, size_t n, off_t offset)
{
	int fd = open("image", O_RDONLY);

	cr_assert_eq(pread(fd, buf, n, offset), (ssize_t)n);
	close(fd);
}

static void write_and_read(uint64_t features)
{
	uint8_t file[4096];

	make_and_start(features);
	memset(at(BUFFERS + 4096), 0x5a, 4096);
	cr_assert_eq(ask(VIRTIO_BLK_T_OUT, 16, 4096, 0), VIRTIO_BLK_S_OK);
	read_image(file, sizeof(file), 16 * 512);
	cr_assert_arr_eq(file, at(BUFFERS + 4096), sizeof(file));
	cr_assert_eq(ask(VIRTIO_BLK_T_IN, 0, 4096, IN), VIRTIO_BLK_S_OK);
	cr_assert_arr_eq(at(BUFFERS + 4096), "abcdefg\nabcdefg\n", 16);
	cr_assert_eq(ask(VIRTIO_BLK_T_FLUSH, 0, 0, 0), VIRTIO_BLK_S_OK);
	cr_assert_eq(ask(VIRTIO_BLK_T_GET_ID, 0, 20, IN), VIRTIO_BLK_S_OK);
	cr_assert_str_eq((char *)at(BUFFERS + 4096), "image");
}

Test(virtio_blk, a_disk_is_read_and_written)
{
	write_and_read(0);
	write_and_read(FEATURE(VIRTIO_F_RING_PACKED) | FEATURE(VIRTIO_BLK_F_FLUSH));
}

Test(virtio_blk, what_a_driver_is_told)
{
	struct virtio_blk_config c;

	make(&(struct virtio_disk_options){.image = {.path = "image"}, .queues = 3});
	cr_assert_eq(device->n_queues, 3);
	cr_assert_eq(device->offered & 0xffffff,
		     FEATURE(VIRTIO_BLK_F_SEG_MAX) | FEATURE(VIRTIO_BLK_F_BLK_SIZE) |
			     FEATURE(VIRTIO_BLK_F_TOPOLOGY) | FEATURE(VIRTIO_BLK_F_FLUSH) |
			     FEATURE(VIRTIO_BLK_F_CONFIG_WCE) | FEATURE(VIRTIO_BLK_F_MQ) |
			     FEATURE(VIRTIO_BLK_F_DISCARD) | FEATURE(VIRTIO_BLK_F_WRITE_ZEROES));
	memcpy(&c, device->config, sizeof(c));
	cr_assert_eq(c.capacity, 2048);
	cr_assert_eq(c.blk_size, 512);
	cr_assert_eq(c.num_queues, 3);
	cr_assert_eq(c.wce, 1);
	make(&(struct virtio_disk_options){.image = {.path = "image", .readonly = true},
					   .queues = 1});
	cr_assert_eq(device->offered & 0xffffff,
		     FEATURE(VIRTIO_BLK_F_SEG_MAX) | FEATURE(VIRTIO_BLK_F_BLK_SIZE) |
			     FEATURE(VIRTIO_BLK_F_TOPOLOGY) | FEATURE(VIRTIO_BLK_F_FLUSH) |
			     FEATURE(VIRTIO_BLK_F_RO));
}

/* 5.2.5: all in blocks of blk_size, but for what is given back, which is in sectors. */
Test(virtio_blk, how_a_disk_is_best_written_to)
{
	struct virtio_blk_config c;
	struct stat st;

	cr_assert_eq(stat("image", &st), 0);
	make(&(struct virtio_disk_options){.image = {.path = "image"}, .queues = 1});
	memcpy(&c, device->config, sizeof(c));
	/* A file of a filesystem with blocks of 4 KiB, as they nearly all have. */
	cr_assert_eq(st.st_blksize, 4096);
	cr_assert_eq(c.physical_block_exp, 3);
	cr_assert_eq(c.alignment_offset, 0);
	cr_assert_eq(c.min_io_size, 8);
	cr_assert_eq(c.opt_io_size, 0);
	cr_assert_eq(c.discard_sector_alignment, 8);
	cr_assert_eq(c.max_discard_seg, 32);
	cr_assert_eq(c.max_write_zeroes_seg, 32);
	if (system("qemu-img create -q -f qcow2 -o cluster_size=128k q.qcow2 1M"))
		cr_skip_test("needs qemu-img: tools/install-deps unit");
	make(&(struct virtio_disk_options){.image = {.path = "q.qcow2", .format = DISK_QCOW2}});
	memcpy(&c, device->config, sizeof(c));
	cr_assert_eq(c.physical_block_exp, 3);
	cr_assert_eq(c.opt_io_size, 256);
	cr_assert_eq(c.discard_sector_alignment, 256);
}

static uint32_t wce(void)
{
	return virtio_config_read(device, offsetof(struct virtio_blk_config, wce), 1);
}

/* Ranges of a request: sectors 0, 2, 4 and so on, which begin with an 'a' as all do. */
static uint8_t clear_every_other(uint32_t type, unsigned n)
{
	struct virtio_blk_discard_write_zeroes range = {.num_sectors = 1};

	for (unsigned i = 0; i < n; i++, range.sector += 2)
		memcpy(at(BUFFERS + 4096 + i * sizeof(range)), &range, sizeof(range));
	return ask(type, 0, n * sizeof(range), 0);
}

Test(virtio_blk, ranges_of_a_request)
{
	uint8_t file[64 * 512];

	make_and_start(FEATURE(VIRTIO_BLK_F_WRITE_ZEROES) | FEATURE(VIRTIO_BLK_F_DISCARD));
	cr_assert_eq(clear_every_other(VIRTIO_BLK_T_WRITE_ZEROES, 32), VIRTIO_BLK_S_OK);
	read_image(file, sizeof(file), 0);
	for (unsigned i = 0; i < 64; i++)
		cr_assert_eq(file[i * 512], i % 2 ? 'a' : 0, "sector %u", i);
	cr_assert_eq(clear_every_other(VIRTIO_BLK_T_DISCARD, 32), VIRTIO_BLK_S_OK);
	cr_assert_eq(clear_every_other(VIRTIO_BLK_T_WRITE_ZEROES, 33), VIRTIO_BLK_S_IOERR);
}

static void resize(const char *size, int result)
{
	struct error err = {0};
	char command[64];
	uint64_t n;

	snprintf(command, sizeof(command), "truncate -s %s image", size);
	folder_run(folder, command);
	while (read(interrupts, &n, sizeof(n)) > 0)
		;
	cr_assert_eq(virtio_blk_resize(&machine, 0, &err), result, "%s", err.text);
	cr_assert_eq(read(interrupts, &n, sizeof(n)) > 0, !result, "is the driver told?");
}

static uint32_t capacity(void)
{
	return virtio_config_read(device, offsetof(struct virtio_blk_config, capacity), 4);
}

Test(virtio_blk, a_disk_that_has_another_size)
{
	struct error err = {0};
	uint8_t generation;

	make_and_start(0);
	machine.devices = device;
	generation = device->generation;
	cr_assert_eq(ask(VIRTIO_BLK_T_IN, 3000, 512, IN), VIRTIO_BLK_S_IOERR);
	resize("2M", 0);
	cr_assert_eq(capacity(), 4096);
	cr_assert_neq(device->generation, generation);
	cr_assert_eq(ask(VIRTIO_BLK_T_OUT, 3000, 512, 0), VIRTIO_BLK_S_OK);
	resize("512K", 0);
	cr_assert_eq(capacity(), 1024);
	cr_assert_eq(ask(VIRTIO_BLK_T_IN, 3000, 512, IN), VIRTIO_BLK_S_IOERR);
	cr_assert_eq(ask(VIRTIO_BLK_T_IN, 1023, 512, IN), VIRTIO_BLK_S_OK);
	/* No size for a disk. */
	resize("0", -EINVAL);
	resize("1000", -EINVAL);
	cr_assert_eq(capacity(), 1024);
	cr_assert_eq(virtio_blk_resize(&machine, 1, &err), -ENODEV);
	cr_assert(strstr(err.text, "no disk 1"), "%s", err.text);
	machine.devices = NULL;
}

Test(virtio_blk, a_qcow2_image_has_a_size_of_its_own)
{
	struct error err = {0};

	if (system("qemu-img create -q -f qcow2 q.qcow2 1M"))
		cr_skip_test("needs qemu-img: tools/install-deps unit");
	make(&(struct virtio_disk_options){.image = {.path = "q.qcow2", .format = DISK_QCOW2}});
	machine.devices = device;
	cr_assert_eq(virtio_blk_resize(&machine, 0, &err), -ENOTSUP);
	cr_assert(strstr(err.text, "qemu-img resize q.qcow2 SIZE"), "%s", err.text);
	machine.devices = NULL;
}

/* 5.2.5.2: no cache without FLUSH; switched only by a driver that negotiated that. */
Test(virtio_blk, the_cache_is_the_driver_s)
{
	make_and_start(FEATURE(VIRTIO_BLK_F_FLUSH) | FEATURE(VIRTIO_BLK_F_CONFIG_WCE));
	cr_assert_eq(wce(), 1);
	virtio_config_write(device, offsetof(struct virtio_blk_config, wce), 1, 0);
	cr_assert_eq(wce(), 0);
	virtio_config_write(device, 0, 4, 0);
	cr_assert_eq(virtio_config_read(device, 0, 4), 2048);
	start(FEATURE(VIRTIO_BLK_F_CONFIG_WCE));
	cr_assert_eq(wce(), 0);
	virtio_config_write(device, offsetof(struct virtio_blk_config, wce), 1, 1);
	cr_assert_eq(wce(), 0);
	start(FEATURE(VIRTIO_BLK_F_FLUSH));
	cr_assert_eq(wce(), 1);
}

Test(virtio_blk, an_error_of_the_host_is_a_status_and_no_more)
{
	make_and_start(0);
	folder_run(folder, "truncate -s 4096 image");
	cr_assert_eq(ask(VIRTIO_BLK_T_IN, 1024, 4096, IN), VIRTIO_BLK_S_IOERR);
	cr_assert_eq(ask(VIRTIO_BLK_T_IN, 0, 4096, IN), VIRTIO_BLK_S_OK);
	cr_assert_eq(ask(VIRTIO_BLK_T_IN, 2048, 512, IN), VIRTIO_BLK_S_IOERR);
	cr_assert_eq(ask(77, 0, 0, 0), VIRTIO_BLK_S_UNSUPP);
	cr_assert_not(device->status & VIRTIO_CONFIG_S_NEEDS_RESET);
}

Test(virtio_blk, a_request_that_can_t_be_answered_breaks_the_device_until_its_reset)
{
	struct pollfd event = {.events = POLLIN};
	struct driver_buffer b;

	make_and_start(0);
	b = header(BUFFERS, VIRTIO_BLK_T_FLUSH, 0);
	driver_ring_add(&ring, &b, 1);
	event_kick(device->queues[0].kick);
	event.fd = interrupts;
	cr_assert_eq(poll(&event, 1, 20000), 1);
	cr_assert(device->status & VIRTIO_CONFIG_S_NEEDS_RESET);
	start(0);
	cr_assert_eq(ask(VIRTIO_BLK_T_FLUSH, 0, 0, 0), VIRTIO_BLK_S_OK);
}

/* Header in three pieces, data in odd ones, the status at the end of the last. */
Test(virtio_blk, requests_in_pieces)
{
	struct driver_buffer b[] = {header(BUFFERS + 1, VIRTIO_BLK_T_IN, 0),
				    {BUFFERS + 2, 14, 0},
				    {BUFFERS + 16, 1, 0},
				    {BUFFERS + 4097, 100, IN},
				    {BUFFERS + 8191, 413, IN}};

	make_and_start(0);
	b[0].length = 1;
	*at(BUFFERS + 8191 + 412) = 0xff;
	driver_ring_add(&ring, b, ARRAY_SIZE(b));
	event_kick(device->queues[0].kick);
	cr_assert_eq(wait_used().written, 513);
	cr_assert_eq(*at(BUFFERS + 8191 + 412), VIRTIO_BLK_S_OK);
	cr_assert_arr_eq(at(BUFFERS + 4097), "abcdefg\nabcd", 12);
	/* Byte 100 of the disk is its fifth letter. */
	cr_assert_arr_eq(at(BUFFERS + 8191), "efg\nabcdefg\n", 12);
}

/* After a reset the memory is the driver's again, and nothing of the old requests comes to it. */
Test(virtio_blk, nothing_reaches_memory_after_a_reset)
{
	unsigned i, round;

	make(&(struct virtio_disk_options){.image = {.path = "image", .engine = DISK_THREADS},
					   .queues = 1});
	for (round = 0; round < 20; round++) {
		start(0);
		for (i = 0; i < 16; i++) {
			struct driver_buffer b[] = {
				header(BUFFERS + 64 * i, VIRTIO_BLK_T_IN, i * 8),
				{BUFFERS + 4096 * (1 + i), 4096, IN},
				{BUFFERS + 64 * i + 32, 1, IN}};

			driver_ring_add(&ring, b, ARRAY_SIZE(b));
		}
		event_kick(device->queues[0].kick);
		if (round % 2)
			wait_used();
		set_status(0);
		memset(at(BUFFERS), 0xee, 17 * 4096);
		/* Were something still on its way, it would come with the next requests. */
		start(0);
		for (i = 4096; i < 17 * 4096; i++)
			cr_assert_eq(*at(BUFFERS + i), 0xee);
		cr_assert_eq(ask(VIRTIO_BLK_T_FLUSH, 0, 0, 0), VIRTIO_BLK_S_OK);
	}
}

Test(virtio_blk, a_queue_is_reset_by_itself)
{
	make_and_start(FEATURE(VIRTIO_F_RING_RESET));
	cr_assert_eq(ask(VIRTIO_BLK_T_FLUSH, 0, 0, 0), VIRTIO_BLK_S_OK);
	pthread_mutex_lock(&device->lock);
	virtio_reset_queue(&device->queues[0]);
	pthread_mutex_unlock(&device->lock);
	start_queue(false);
	cr_assert_eq(ask(VIRTIO_BLK_T_IN, 0, 512, IN), VIRTIO_BLK_S_OK);
}

/* 100 requests a second, ten of them at once: 30 take 200 ms at least. */
Test(virtio_blk, a_limit_is_kept_and_all_requests_come_through)
{
	uint64_t begin;
	unsigned i;

	make(&(struct virtio_disk_options){.image = {.path = "image"}, .queues = 1, .iops = 100});
	begin = now_ns();
	start(0);
	for (i = 0; i < 30; i++) {
		struct driver_buffer b[] = {header(BUFFERS + 64 * i, VIRTIO_BLK_T_FLUSH, 0),
					    {BUFFERS + 64 * i + 32, 1, IN}};

		driver_ring_add(&ring, b, ARRAY_SIZE(b));
	}
	event_kick(device->queues[0].kick);
	for (i = 0; i < 30; i++)
		wait_used();
	cr_assert_geq(now_ns() - begin, 195 * NS_PER_MS);
}

/* A busy queue does not take all that a limit leaves: the other's one request is not the last. */
Test(virtio_blk, a_limit_is_shared_by_the_queues)
{
	struct driver_buffer b[] = {header(BUFFERS + 4096, VIRTIO_BLK_T_FLUSH, 0),
				    {BUFFERS + 4096 + 32, 1, IN}};
	struct driver_ring other;
	struct driver_used used;
	unsigned i, busy = 0;

	make(&(struct virtio_disk_options){.image = {.path = "image"}, .queues = 2, .iops = 50});
	other = start_with_another(FEATURE(VIRTIO_BLK_F_MQ));
	for (i = 0; i < 60; i++) {
		struct driver_buffer many[] = {header(BUFFERS + 64 * i, VIRTIO_BLK_T_FLUSH, 0),
					       {BUFFERS + 64 * i + 32, 1, IN}};

		driver_ring_add(&ring, many, ARRAY_SIZE(many));
	}
	event_kick(device->queues[0].kick);
	wait_used();
	driver_ring_add(&other, b, ARRAY_SIZE(b));
	event_kick(device->queues[1].kick);
	while (!driver_ring_take(&other, &used)) {
		wait_used();
		cr_assert_lt(++busy, 30);
	}
}

/* What is given back is no data: at a byte per second it would take days. */
Test(virtio_blk, a_limit_of_bytes_is_for_data)
{
	struct virtio_blk_discard_write_zeroes range = {.num_sectors = 1024};

	make(&(struct virtio_disk_options){.image = {.path = "image"}, .queues = 1, .bps = 1});
	start(FEATURE(VIRTIO_BLK_F_DISCARD));
	memcpy(at(BUFFERS + 4096), &range, sizeof(range));
	cr_assert_eq(ask(VIRTIO_BLK_T_DISCARD, 0, sizeof(range), 0), VIRTIO_BLK_S_OK);
	cr_assert_eq(ask(VIRTIO_BLK_T_IN, 0, 512, IN), VIRTIO_BLK_S_OK);
	cr_assert_eq(*at(BUFFERS + 4096), 0);
}

/* With indirect tables there are as many requests as entries; and then the device looks for more.
 */
Test(virtio_blk, a_ring_full_of_requests)
{
	struct driver_buffer table;
	unsigned i;

	make(&(struct virtio_disk_options){.image = {.path = "image", .engine = DISK_THREADS},
					   .queues = 1});
	start(FEATURE(VIRTIO_RING_F_INDIRECT_DESC));
	for (i = 0; i < DRIVER_RING_MAX; i++) {
		struct driver_buffer b[] = {header(BUFFERS + 128 * i, VIRTIO_BLK_T_IN, i),
					    {BUFFERS + 64 * KIB + 512 * i, 512, IN},
					    {BUFFERS + 128 * i + 16, 1, IN}};

		*at(b[2].address) = 0xff;
		table = driver_ring_table(&ring, BUFFERS + 128 * i + 32, b, ARRAY_SIZE(b));
		driver_ring_add(&ring, &table, 1);
	}
	event_kick(device->queues[0].kick);
	for (i = 0; i < DRIVER_RING_MAX; i++) {
		event_kick(device->queues[0].kick);
		wait_used();
	}
	for (i = 0; i < DRIVER_RING_MAX; i++) {
		cr_assert_eq(*at(BUFFERS + 128 * i + 16), VIRTIO_BLK_S_OK);
		cr_assert_arr_eq(at(BUFFERS + 64 * KIB + 512 * i), "abcdefg\n", 8);
	}
}

Test(virtio_blk, what_can_t_be_opened_is_refused)
{
	struct virtio_disk_options opt = {.image = {.path = "absent"}, .queues = 1};
	struct error err = {0};

	cr_assert_eq(virtio_blk_create(&machine, &opt, &device, &err), -ENOENT);
	cr_assert(strstr(err.text, "disk absent: there is no such file"), "%s", err.text);
	device->ops->destroy(device);
	device = NULL;
}
