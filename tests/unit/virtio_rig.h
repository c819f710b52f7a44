/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * virtio_rig: a virtio device behind a transport, in a machine without KVM, and a driver in front.
 * The driver reaches the device only as a guest does: by addresses. What it does in a transport's
 * way is struct driver_transport, so that TRANSPORT_TEST() runs a test over each.
 */
#ifndef CARILLON_TESTS_VIRTIO_RIG_H
#define CARILLON_TESTS_VIRTIO_RIG_H

#include <criterion/criterion.h>
#include <linux/virtio_config.h>

#include "../../virtio/device.h"
#include "recorder.h"
#include "virtio_driver.h"

#define RIG_RAM	      0x100000ULL /* guest-physical */
#define RIG_RAM_SIZE  (256 * KIB)
#define RIG_RINGS     RIG_RAM /* each has DRIVER_RING_BYTES */
#define RIG_BUFFERS   (RIG_RAM + 0x20000)
#define RIG_QUEUES    2
#define RIG_QUEUE_MAX 16 /* entries */

#define STATUS_READY \
	(VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK)
#define FEATURE(n) (1ULL << (n))

/* Of the toy: bit 1 makes sense only with bit 0. */
#define TOY_F_BASE  0
#define TOY_F_EXTRA 1

#define INTERRUPT_QUEUE	 1
#define INTERRUPT_CONFIG 2

/* A device that writes what it reads back, and counts what the core tells it. */
struct toy {
	struct virtio_device device;
	struct virtq_chain chain;
	struct iovec iov[RIG_QUEUE_MAX];
	unsigned starts, stops, queue_starts, queue_stops, served;
	uint64_t told; /* interrupts of queue 0 when the last chain came */
	int start_result, queue_start_result;
	uint8_t written[4];
};

struct driver_transport;

struct virtio_rig {
	struct recorder rec;
	struct pci_bus bus;
	struct virtio virtio;
	struct toy toy;
	const struct driver_transport *t;
	struct driver_ring rings[RIG_QUEUES];
	/* PCI: where the driver found the structures of 4.1.4; guest-physical. */
	unsigned devfn;
	uint64_t common, isr, config, notify, table;
	uint32_t notify_step;
	unsigned msix, window; /* capabilities */
};

struct driver_transport {
	/* Put the toy behind the transport, and find it. */
	void (*attach)(struct virtio_rig *r);
	uint32_t (*offered)(struct virtio_rig *r, uint32_t word);
	void (*accept)(struct virtio_rig *r, uint32_t word, uint32_t bits);
	uint8_t (*status)(struct virtio_rig *r);
	void (*set_status)(struct virtio_rig *r, uint8_t status);
	/* Of one that is not set up: the most. 0: there is no such queue. */
	uint16_t (*queue_size)(struct virtio_rig *r, unsigned q);
	void (*set_queue)(struct virtio_rig *r, unsigned q, const struct driver_ring *ring);
	void (*enable)(struct virtio_rig *r, unsigned q);
	bool (*enabled)(struct virtio_rig *r, unsigned q);
	void (*reset_queue)(struct virtio_rig *r, unsigned q);
	void (*kick)(struct virtio_rig *r, unsigned q);
	uint32_t (*config)(struct virtio_rig *r, unsigned offset, unsigned size);
	void (*set_config)(struct virtio_rig *r, unsigned offset, unsigned size, uint32_t value);
	uint32_t (*generation)(struct virtio_rig *r);
	/* INTERRUPT_*, acknowledged. */
	uint8_t (*take_interrupts)(struct virtio_rig *r);
};

extern const struct driver_transport driver_over_pci, driver_over_mmio;

void virtio_rig_open(struct virtio_rig *r, const struct driver_transport *t);
void virtio_rig_close(struct virtio_rig *r);
/* Serve what waits in the event loop. */
void virtio_rig_settle(struct virtio_rig *r);
/* Accept these features and VERSION_1, up to FEATURES_OK; true: the device took it. */
bool virtio_rig_negotiate(struct virtio_rig *r, uint64_t features);
/* Lay ring q, of the kind that was negotiated, and enable it. */
void virtio_rig_queue(struct virtio_rig *r, unsigned q, bool packed);
/* Negotiate, enable both queues, DRIVER_OK. */
void virtio_rig_start(struct virtio_rig *r, uint64_t features);
/* Send a word through queue q and kick; true: it came back. */
bool virtio_rig_echo(struct virtio_rig *r, unsigned q);
/* The next chain of queue q breaks its ring: a buffer that isn't in memory. With a kick. */
void virtio_rig_break(struct virtio_rig *r, unsigned q);

/* A register of the guest's at gpa. */
uint32_t virtio_rig_read(struct virtio_rig *r, uint64_t gpa, unsigned size);
void virtio_rig_write(struct virtio_rig *r, uint64_t gpa, unsigned size, uint64_t value);

#define TRANSPORT_TEST(name)                                          \
	static void name(struct virtio_rig *r);                       \
	TRANSPORT_TEST_OVER(virtio_over_pci, driver_over_pci, name)   \
	TRANSPORT_TEST_OVER(virtio_over_mmio, driver_over_mmio, name) \
	static void name(struct virtio_rig *r)

#define TRANSPORT_TEST_OVER(suite, transport, name) \
	Test(suite, name)                           \
	{                                           \
		static struct virtio_rig r;         \
		virtio_rig_open(&r, &transport);    \
		name(&r);                           \
		virtio_rig_close(&r);               \
	}

#endif
