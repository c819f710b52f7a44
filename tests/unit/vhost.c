/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* vhost: what the host's kernel is told of a device's queues, and what comes back from it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <linux/vhost.h>

#include <criterion/criterion.h>

#include "../../virtio/vhost.h"
#include "calls.h"
#include "virtio_driver.h"

#define RAM    0x100000ULL
#define QUEUES 3

/* What the kernel was told last, by ring. */
static struct {
	uint64_t knows, features;
	unsigned owners, regions;
	struct vhost_memory_region region[2];
	unsigned num[2], base[2];
	struct vhost_vring_addr addr[2];
	int kick[2], call[2], err[2];
	unsigned long refuses;
} kernel;

static struct vm vm;
static struct virtio_device device;
static struct vhost vhost;
static struct driver_ring rings[QUEUES];
static unsigned interrupts[QUEUES], config_interrupts;
static int direct; /* where interrupts of the first queue may go */

static int told(unsigned long request, void *arg)
{
	const struct vhost_vring_state *state = arg;
	const struct vhost_vring_file *file = arg;
	const struct vhost_vring_addr *addr = arg;
	const struct vhost_memory *memory = arg;

	switch (request) {
	case VHOST_SET_OWNER:
		kernel.owners++;
		break;
	case VHOST_GET_FEATURES:
		*(uint64_t *)arg = kernel.knows;
		break;
	case VHOST_SET_FEATURES:
		kernel.features = *(uint64_t *)arg;
		break;
	case VHOST_SET_MEM_TABLE:
		kernel.regions = memory->nregions;
		memcpy(kernel.region, memory->regions, memory->nregions * sizeof(kernel.region[0]));
		break;
	case VHOST_SET_VRING_NUM:
		kernel.num[state->index] = state->num;
		break;
	case VHOST_SET_VRING_BASE:
		kernel.base[state->index] = state->num;
		break;
	case VHOST_SET_VRING_ADDR:
		kernel.addr[addr->index] = *addr;
		break;
	case VHOST_SET_VRING_KICK:
		kernel.kick[file->index] = file->fd;
		break;
	case VHOST_SET_VRING_CALL:
		kernel.call[file->index] = file->fd;
		break;
	case VHOST_SET_VRING_ERR:
		kernel.err[file->index] = file->fd;
		break;
	default:
		return -1;
	}
	return 0;
}

static int vhost_ioctl(int fd, unsigned long request, void *arg)
{
	if (_IOC_TYPE(request) != VHOST_VIRTIO)
		return kernel_calls.ioctl(fd, request, arg);
	if (request != kernel.refuses && !told(request, arg))
		return 0;
	errno = EIO;
	return -1;
}

static void interrupt(struct virtio_device *d, unsigned q)
{
	(void)d;
	interrupts[q]++;
}

static void config_interrupt(struct virtio_device *d)
{
	(void)d;
	config_interrupts++;
}

static int call_fd(struct virtio_device *d, unsigned q)
{
	(void)d;
	return q ? -1 : direct;
}

static int start(struct virtio_device *d)
{
	(void)d;
	return vhost_start(&vhost);
}

static void stop(struct virtio_device *d)
{
	(void)d;
	vhost_stop(&vhost);
}

static unsigned kicks;

static void kicked(struct virtio_device *d, unsigned q)
{
	(void)d, (void)q;
	kicks++;
}

static const struct virtio_device_ops ops = {
	.start = start, .stop = stop, .kicked = kicked, .whole = true};
static const struct virtio_transport_ops transport = {interrupt, config_interrupt, call_fd, NULL};

/* Serve all that is in the loop now. */
static void settle(void)
{
	struct loop_source *src;
	struct epoll_event ev;

	while (epoll_wait(vm.loop.epoll, &ev, 1, 0) > 0) {
		src = ev.data.ptr;
		src->ready(src, ev.events);
	}
}

static void set_up(void)
{
	static const uint16_t sizes[QUEUES] = {64, 64, 64};

	calls.ioctl = vhost_ioctl;
	kernel.knows = (1ULL << VIRTIO_F_VERSION_1) | (1ULL << VIRTIO_RING_F_EVENT_IDX) | 1 << 15;
	direct = eventfd(0, EFD_NONBLOCK);
	cr_assert_eq(loop_init(&vm.loop, NULL), 0);
	vm.memory.n = 2;
	vm.memory.banks[0] = (struct ram_bank){RAM, 256 * KIB, calloc(1, 256 * KIB), 0};
	vm.memory.banks[1] = (struct ram_bank){4 * GIB, 4 * KIB, calloc(1, 4 * KIB), 0};
	device = (struct virtio_device){
		.name = "test", .ops = &ops, .transport = &transport, .offered = 1 << 15 | 1 << 3};
	cr_assert_eq(virtio_device_init(&device, &vm, QUEUES, sizes, NULL), 0);
	cr_assert_eq(vhost_open(&vhost, &device, "/dev/null", "vhost_test", 0, 2, NULL), 0);
}

static void tear_down(void)
{
	virtio_set_status(&device, 0);
	vhost_close(&vhost);
	virtio_device_release(&device);
	loop_destroy(&vm.loop);
	free(vm.memory.banks[0].host);
	free(vm.memory.banks[1].host);
	close(direct);
}

static void come_up(uint64_t features)
{
	unsigned i;

	features |= 1ULL << VIRTIO_F_VERSION_1;
	virtio_set_status(&device, 3);
	virtio_accept(&device, 0, (uint32_t)features);
	virtio_accept(&device, 1, (uint32_t)(features >> 32));
	virtio_set_status(&device, 11);
	for (i = 0; i < QUEUES; i++) {
		driver_ring_init(&rings[i], &vm.memory, RAM + i * DRIVER_RING_BYTES, 32, false);
		device.queues[i].ring.size = 32;
		device.queues[i].ring.desc = rings[i].desc;
		device.queues[i].ring.driver = rings[i].driver;
		device.queues[i].ring.device = rings[i].device;
		virtio_enable_queue(&device.queues[i]);
	}
	virtio_set_status(&device, 15);
}

TestSuite(vhost, .init = set_up, .fini = tear_down);

Test(vhost, rings_that_the_kernel_does_not_know_are_not_offered)
{
	vhost_limit_offer(&vhost);
	cr_expect_eq(device.offered & (1ULL << VIRTIO_F_RING_PACKED), 0);
	cr_expect_eq(device.offered & (1ULL << VIRTIO_RING_F_INDIRECT_DESC), 0);
	cr_expect(device.offered & (1ULL << VIRTIO_RING_F_EVENT_IDX));
	cr_expect(device.offered & 1 << 3, "what is no ring's is the device's own affair");
}

Test(vhost, what_the_kernel_is_told)
{
	uint8_t *ram = vm.memory.banks[0].host;

	come_up(1 << 15 | 1 << 3);
	cr_expect_eq(kernel.owners, 1);
	cr_expect_eq(kernel.features, (1ULL << VIRTIO_F_VERSION_1) | 1 << 15,
		     "accepted, and known to it");
	cr_expect_eq(kernel.regions, 2);
	cr_expect_eq(kernel.region[0].guest_phys_addr, RAM);
	cr_expect_eq(kernel.region[0].memory_size, 256 * KIB);
	cr_expect_eq(kernel.region[0].userspace_addr, (uintptr_t)ram);
	cr_expect_eq(kernel.region[1].guest_phys_addr, 4 * GIB);
	cr_expect_eq(kernel.num[1], 32);
	cr_expect_eq(kernel.base[1], 0);
	cr_expect_eq(kernel.addr[1].desc_user_addr, (uintptr_t)ram + rings[1].desc - RAM);
	cr_expect_eq(kernel.addr[1].avail_user_addr, (uintptr_t)ram + rings[1].driver - RAM);
	cr_expect_eq(kernel.addr[1].used_user_addr, (uintptr_t)ram + rings[1].device - RAM);
	cr_expect_eq(kernel.kick[1], device.queues[1].kick);
	cr_expect_eq(kernel.call[0], direct);
}

Test(vhost, kicks_are_the_kernels_while_it_runs)
{
	come_up(0);
	settle();
	cr_expect_eq(kicks, 1, "only the third queue is ours");
	event_kick(device.queues[0].kick);
	settle();
	cr_expect_eq(kicks, 1);
	virtio_set_status(&device, 0);
	cr_expect_eq(kernel.kick[0], -1);
	cr_expect_eq(kernel.call[0], -1);
	event_kick(device.queues[0].kick);
	settle();
	cr_expect_eq(atomic_load(&device.queues[0].kicks), 1, "the loop has it again");
}

Test(vhost, an_interrupt_that_can_not_go_directly_goes_through_us)
{
	come_up(0);
	cr_expect_neq(kernel.call[1], -1);
	event_kick(kernel.call[1]);
	settle();
	cr_expect_eq(interrupts[1], 1);
	/* The vector of the first is masked, and unmasked. */
	close(direct);
	direct = -1;
	vhost_call_changed(&vhost, 0);
	event_kick(kernel.call[0]);
	settle();
	cr_expect_eq(interrupts[0], 1);
	direct = eventfd(0, EFD_NONBLOCK);
	vhost_call_changed(&vhost, 0);
	cr_expect_eq(kernel.call[0], direct);
}

Test(vhost, a_ring_that_the_kernel_finds_broken_breaks_the_device)
{
	come_up(0);
	cr_expect_eq(kernel.err[0], kernel.err[1]);
	event_kick(kernel.err[0]);
	settle();
	cr_expect(device.status & VIRTIO_CONFIG_S_NEEDS_RESET);
	cr_expect_eq(config_interrupts, 1);
}

Test(vhost, a_ring_that_was_broken_before_a_reset_is_forgotten)
{
	come_up(0);
	event_kick(kernel.err[0]);
	virtio_set_status(&device, 0);
	come_up(0);
	settle();
	cr_expect_eq(device.status, 15);
	cr_expect_eq(device.broken, 0);
}

Test(vhost, a_kernel_that_refuses_breaks_only_the_device)
{
	kernel.refuses = VHOST_SET_VRING_ADDR;
	come_up(0);
	cr_expect(device.status & VIRTIO_CONFIG_S_NEEDS_RESET);
	cr_expect_not(device.started);
	kernel.refuses = 0;
	virtio_set_status(&device, 0);
	come_up(0);
	cr_expect_eq(device.status, 15);
}

Test(vhost, a_ring_starts_again_by_itself)
{
	come_up(0);
	vhost_stop_ring(&vhost, 0);
	cr_expect_eq(kernel.kick[0], -1);
	cr_expect_eq(kernel.kick[1], device.queues[1].kick);
	cr_expect_eq(vhost_start_ring(&vhost, 0), 0);
	cr_expect_eq(kernel.kick[0], device.queues[0].kick);
	cr_expect_eq(kernel.call[0], direct);
}

Test(vhost, what_is_not_there)
{
	struct error err;
	struct vhost v;

	cr_expect_eq(vhost_open(&v, &device, "/dev/nonexistent", "vhost_test", 0, 2, &err),
		     -ENOENT);
	cr_expect(strstr(err.text, "modprobe vhost_test"), "%s", err.text);
	vhost_close(&v);
	kernel.refuses = VHOST_GET_FEATURES;
	cr_expect_eq(vhost_open(&v, &device, "/dev/null", "vhost_test", 0, 2, &err), -EIO);
	cr_expect_eq(v.fd, -1);
}
