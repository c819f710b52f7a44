/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What all virtio devices share, between a transport (pci.c, mmio.c), which says what the driver
 * did, and a device (blk.c, net.c …), which says what it is. The rules of initialization and
 * negotiation are here (Virtual I/O Device 1.2, 2.1 to 2.4 and 3.1), once for all of them.
 *
 * Threads: a transport calls from vCPU threads, under the device's lock, which it takes itself. A
 * device's handlers run under the lock too; `kicked` on the thread of its loop.
 */
#ifndef CARILLON_VIRTIO_DEVICE_H
#define CARILLON_VIRTIO_DEVICE_H

#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>

#include "queue.h"
#include "virtio.h"

#define VIRTIO_NAME	  64
#define VIRTIO_CONFIG_MAX 256
/* A driver that wants no interrupt for a queue, or for changes of configuration (4.1.5.1.2). */
#define VIRTIO_NO_VECTOR 0xffff

struct virtio_device;

struct virtio_queue {
	struct virtio_device *device;
	unsigned index;
	struct virtq ring;
	bool enabled; /* by the driver (queue_enable, QueueReady) */
	_Atomic uint16_t vector;
	int kick; /* eventfd: the driver's notifications; the device's own is fine too (event_kick)
		   */
	struct loop_source source;
	_Atomic uint64_t kicks, interrupts;
	/*
	 * The driver waits for nothing that is served here: while the loop is busy it is not told,
	 * nor asked to tell. The device sets it.
	 */
	bool patient;
	unsigned owed; /* chains served of which the driver wasn't told */
	bool later;    /* the next chain is there, but is not to be served now */
};

struct virtio_device_ops {
	/*
	 * Read or write n bytes of the device's configuration at offset, n > 0, within config_size.
	 * NULL: config[] is read, writes do nothing.
	 */
	void (*config_read)(struct virtio_device *d, unsigned offset, void *buf, unsigned n);
	void (*config_write)(struct virtio_device *d, unsigned offset, const void *buf, unsigned n);
	/* Are these features, all of them offered, possible together? NULL: yes. */
	bool (*accepts)(struct virtio_device *d, uint64_t features);
	/*
	 * The driver is ready (DRIVER_OK): features are settled, the rings of enabled queues
	 * started. 0, or -errno: the device needs a reset. NULL: nothing to do.
	 */
	int (*start)(struct virtio_device *d);
	/*
	 * Let go of every queue: when this returns, nothing of the device touches guest memory. For
	 * each start that was tried, once. Chains that were popped need not be pushed. NULL:
	 * nothing.
	 */
	void (*stop)(struct virtio_device *d);
	/*
	 * One queue of a started device starts, or is reset, by itself (2.6.1); one whose start
	 * failed is not stopped. NULL: nothing to do.
	 */
	int (*queue_start)(struct virtio_device *d, unsigned q);
	void (*queue_stop)(struct virtio_device *d, unsigned q);
	/* Its queues only come and go together: VIRTIO_F_RING_RESET is not offered. */
	bool whole;
	/* The driver has new buffers in queue q of a started device. NULL: kicks are a backend's.
	 */
	void (*kicked)(struct virtio_device *d, unsigned q);
	/*
	 * Where an interrupt of queue q is to be signalled has changed: see virtio_call_fd(). NULL:
	 * the device calls virtio_interrupt().
	 */
	void (*call_changed)(struct virtio_device *d, unsigned q);
	/* Counters, into an open object. NULL: none of its own. */
	void (*stat)(struct virtio_device *d, struct json *j);
	/* Give everything back, the struct itself too. The device was stopped. */
	void (*destroy)(struct virtio_device *d);
};

/* What a device asks of the transport that it is behind. Any thread, with or without the lock. */
struct virtio_transport_ops {
	void (*interrupt)(struct virtio_device *d, unsigned q);
	void (*config_interrupt)(struct virtio_device *d);
	/* See virtio_call_fd(). */
	int (*call_fd)(struct virtio_device *d, unsigned q);
	/* Give back what the transport has for this device. The vCPU threads have ended. */
	void (*destroy)(struct virtio_device *d);
};

struct virtio_device {
	char name[VIRTIO_NAME]; /* for messages: "disk root.img" */
	unsigned id;		/* VIRTIO_ID_* */
	const struct virtio_device_ops *ops;
	/*
	 * A memory region that the device has beside its registers (2.10), its number 0; size 0:
	 * none. The device sets size and host, the transport where the guest has it: the base,
	 * guest-physical, which moves with a BAR and so is atomic.
	 */
	struct range shared_memory;
	uint8_t *shared_memory_host;
	uint64_t offered; /* the device's own; the core adds those of rings and transport */
	unsigned n_queues;
	struct virtio_queue *queues;
	unsigned config_size;
	uint8_t config[VIRTIO_CONFIG_MAX]; /* little-endian, as the driver reads it */

	struct vm *vm;
	struct loop *loop; /* serves kicks; the machine's, if the device sets none */
	pthread_mutex_t lock;
	const struct virtio_transport_ops *transport;
	void *transport_opaque;
	struct virtio_device *next;

	uint64_t features; /* accepted */
	uint8_t status;
	uint8_t generation; /* changes with config[] (2.5.1) */
	bool started;	    /* start was called; false again after stop */
	_Atomic uint64_t resets, broken;
};

/* ---- for devices ----------------------------------------------------------------------------- */

/*
 * Fill in what the core needs: queues with their largest sizes, all reset. What the device sets
 * itself before: name, id, ops, offered, config. 0 or -errno.
 */
int virtio_device_init(struct virtio_device *d, struct vm *vm, unsigned n_queues,
		       const uint16_t *sizes, struct error *err);
/* For its destroy handler. */
void virtio_device_release(struct virtio_device *d);

static inline bool virtio_has(const struct virtio_device *d, unsigned feature)
{
	return d->features >> feature & 1;
}

/* The next chain of a started queue: as virtq_pop(), but a broken ring breaks the device. */
int virtio_pop(struct virtio_queue *q, struct virtq_chain *c);
/* After pushes: tell the driver, if it wants to know. */
void virtio_notify(struct virtio_queue *q);
/* What `serve` below returns for a chain that is to stay in the ring until the queue is kicked. */
#define VIRTIO_LATER UINT32_MAX
/*
 * Serve what is in a queue now, chain by chain: `serve` returns how many bytes it wrote. c is the
 * caller's room for a chain. At most a ring's length in one go: the loop has others to serve. The
 * driver is told of all of them at once. It does not kick a queue with a chain for VIRTIO_LATER:
 * who said so does.
 */
void virtio_serve(struct virtio_queue *q, struct virtq_chain *c,
		  uint32_t (*serve)(struct virtio_device *d, const struct virtq_chain *c));
/* An interrupt for queue q whatever the driver asked for: a backend has asked already. Any thread.
 */
void virtio_interrupt(struct virtio_device *d, unsigned q);
/*
 * An eventfd that a backend may signal in place of virtio_interrupt(), so that KVM raises the
 * interrupt without us; -1: there is none now, the device has to.
 */
int virtio_call_fd(struct virtio_device *d, unsigned q);
/* config[] has changed: a new generation, and an interrupt if the driver runs. Under the lock. */
void virtio_config_changed(struct virtio_device *d);
/* The driver broke the rules, or the device can't go on: DEVICE_NEEDS_RESET (2.1.2), said once. */
void virtio_break(struct virtio_device *d, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* ---- for transports; under the lock ---------------------------------------------------------- */

/* All that may be accepted, of word 0 (bits 0 to 31) or 1; other words are 0. */
uint32_t virtio_offered(const struct virtio_device *d, uint32_t word);
uint32_t virtio_accepted(const struct virtio_device *d, uint32_t word);
void virtio_accept(struct virtio_device *d, uint32_t word, uint32_t bits);
void virtio_set_status(struct virtio_device *d, uint8_t status);
/* A device at work may not reach guest memory any more: it ends what it is at, and needs a reset.
 */
void virtio_halt(struct virtio_device *d);
/* Queue q, or NULL. */
struct virtio_queue *virtio_queue(struct virtio_device *d, uint32_t q);
/* What the driver sets of a queue while it isn't enabled; later it is ignored. */
void virtio_set_queue_size(struct virtio_queue *q, uint32_t size);
void virtio_set_queue_part(uint64_t *part, struct virtio_queue *q, bool high, uint32_t value);
void virtio_enable_queue(struct virtio_queue *q);
/* Stop using a queue; it may be set up anew. Reset: the same, if that feature was accepted (2.6.1).
 */
void virtio_disable_queue(struct virtio_queue *q);
void virtio_reset_queue(struct virtio_queue *q);
/* Accesses of 1, 2 or 4 bytes; beyond the configuration there are zeros. */
uint32_t virtio_config_read(struct virtio_device *d, uint64_t offset, unsigned size);
void virtio_config_write(struct virtio_device *d, uint64_t offset, unsigned size, uint32_t value);

#endif
