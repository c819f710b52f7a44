/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* device: see device.h. */
#include "device.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_pci.h>

#include "../../virtio/transport.h"

/* A ring that is always full goes on for ever: the guest would be heard between. */
#define SERVED_MAX 64
#define STATUS_READY \
	(VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK)
#define BOARD_GSIS   24
#define MMIO_GSI     5
#define MMIO_ADDRESS 0xb0000000
#define MMIO_SIZE    0x1000
#define MMIO_USED    0x200 /* what is behind it is one configuration like another */

/* What a driver writes: where it is in the BAR, and how wide there; and without a bus. */
struct place {
	unsigned pci, size, mmio;
};

static const struct place driver_select = {VIRTIO_PCI_COMMON_GFSELECT, 4,
					   VIRTIO_MMIO_DRIVER_FEATURES_SEL};
static const struct place driver_features = {VIRTIO_PCI_COMMON_GF, 4, VIRTIO_MMIO_DRIVER_FEATURES};
static const struct place status = {VIRTIO_PCI_COMMON_STATUS, 1, VIRTIO_MMIO_STATUS};
static const struct place queue_select = {VIRTIO_PCI_COMMON_Q_SELECT, 2, VIRTIO_MMIO_QUEUE_SEL};
static const struct place queue_size = {VIRTIO_PCI_COMMON_Q_SIZE, 2, VIRTIO_MMIO_QUEUE_NUM};
static const struct place queue_enable = {VIRTIO_PCI_COMMON_Q_ENABLE, 2, VIRTIO_MMIO_QUEUE_READY};
static const struct place queue_desc = {VIRTIO_PCI_COMMON_Q_DESCLO, 4, VIRTIO_MMIO_QUEUE_DESC_LOW};
static const struct place queue_driver = {VIRTIO_PCI_COMMON_Q_AVAILLO, 4,
					  VIRTIO_MMIO_QUEUE_AVAIL_LOW};
static const struct place queue_device = {VIRTIO_PCI_COMMON_Q_USEDLO, 4,
					  VIRTIO_MMIO_QUEUE_USED_LOW};

struct input {
	const uint8_t *data;
	size_t size;
};

struct operation {
	uint8_t what, width;
	uint16_t offset;
	uint32_t value;
};

struct machine {
	struct vm vm;
	struct view_claim claim;
	struct pci_bus bus;
	struct virtio virtio;
	struct virtio_device *device;
	struct pci_function *function; /* NULL: it is on no bus */
	uint64_t features;
};

/* What a machine asks of KVM is granted. */
static int memslot(void *opaque, unsigned slot, const struct memslot *m)
{
	(void)opaque, (void)slot, (void)m;
	return 0;
}

static int ioeventfd(void *opaque, uint64_t addr, const struct region_ioeventfd *e, bool add)
{
	(void)opaque, (void)addr, (void)e, (void)add;
	return 0;
}

static int set_routes(void *opaque, const struct kvm_irq_routing *routing)
{
	(void)opaque, (void)routing;
	return 0;
}

static int irqfd(void *opaque, const struct kvm_irqfd *i)
{
	(void)opaque, (void)i;
	return 0;
}

static int line(void *opaque, uint32_t gsi, bool level)
{
	(void)opaque, (void)gsi, (void)level;
	return 0;
}

static const struct space_backend space_backend = {memslot, ioeventfd};
static const struct irq_backend irq_backend = {set_routes, irqfd, line};

static unsigned intx_gsi(uint8_t devfn, unsigned pin)
{
	(void)devfn, (void)pin;
	return 16;
}

/* The harness itself must not fail. */
static void must(bool good)
{
	if (!good)
		abort();
}

/* Fill n bytes from the input, as far as it goes; the rest is zeros. */
static void take(struct input *in, void *out, size_t n)
{
	size_t have = in->size < n ? in->size : n;

	memset(out, 0, n);
	if (have)
		memcpy(out, in->data, have);
	in->data += have;
	in->size -= have;
}

/* ---- the machine ------------------------------------------------------------------------------
 */

static void open_spaces(struct machine *m)
{
	struct vm *vm = &m->vm;

	*m = (struct machine){.virtio = {.vm = vm, .bus = &m->bus}};
	must(!space_init(&vm->mmio, "memory", 4096, 64, &space_backend, m, NULL));
	must(!space_init(&vm->pio, "port", 1, 0, &space_backend, m, NULL));
	must(!irq_table_init(&vm->irqs, BOARD_GSIS, 4096, &irq_backend, m, NULL));
	must(!loop_init(&vm->loop, NULL));
	space_register_claim(&vm->mmio, &m->claim);
	/* A piece of the heap: a byte beyond its end is ASan's. */
	vm->memory.n = 1;
	vm->memory.banks[0] = (struct ram_bank){0, FUZZ_MEMORY, malloc(FUZZ_MEMORY), 0};
	must(vm->memory.banks[0].host && !pci_bus_init(&m->bus, vm, NULL));
	m->bus.intx_gsi = intx_gsi;
}

static void attach_pci(struct machine *m)
{
	static const struct pci_windows windows = {.mem32 = {0xc0000000, 16 * MIB},
						   .mem64 = {0x100000000, 64 * MIB}};
	unsigned i;

	must(!virtio_pci_attach(&m->virtio, m->device, NULL));
	space_begin(&m->vm.mmio);
	must(!pci_bus_start(&m->bus, &windows, NULL));
	must(!space_commit(&m->vm.mmio, NULL));
	for (i = 1; !m->function; i++)
		m->function = m->bus.functions[i];
	pci_config_write(m->function, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
}

static void attach_mmio(struct machine *m)
{
	static const struct range registers = {MMIO_ADDRESS, MMIO_SIZE};

	must(!virtio_mmio_attach(m->device, NULL));
	must(!virtio_mmio_place(m->device, registers, MMIO_GSI, NULL));
}

/* False: there is no such device. One that can't do without a BAR has one. */
static bool open_machine(struct machine *m, fuzz_create *create, bool mmio)
{
	open_spaces(m);
	if (create(&m->virtio, &m->device, NULL)) {
		if (m->device)
			m->device->ops->destroy(m->device);
		m->device = NULL;
		return false;
	}
	if (mmio && !m->device->shared_memory.size)
		attach_mmio(m);
	else
		attach_pci(m);
	return true;
}

static void close_device(struct machine *m)
{
	pthread_mutex_lock(&m->device->lock);
	virtio_set_status(m->device, 0);
	pthread_mutex_unlock(&m->device->lock);
	m->device->transport->destroy(m->device);
	m->device->ops->destroy(m->device);
}

static void close_machine(struct machine *m)
{
	if (m->device)
		close_device(m);
	virtio_forget(&m->virtio);
	pci_bus_destroy(&m->bus);
	loop_destroy(&m->vm.loop);
	free(m->vm.memory.banks[0].host);
	irq_table_destroy(&m->vm.irqs);
	space_destroy(&m->vm.mmio);
	space_destroy(&m->vm.pio);
}

/* ---- the driver -------------------------------------------------------------------------------
 */

static uint64_t registers(const struct machine *m)
{
	return m->function ? pci_bar_address(m->function, 0) : MMIO_ADDRESS;
}

static void write_register(struct machine *m, unsigned offset, unsigned size, uint64_t value)
{
	space_write(&m->vm.mmio, &m->claim, registers(m) + offset, size, (const uint8_t *)&value);
}

static void read_register(struct machine *m, unsigned offset, unsigned size)
{
	uint8_t value[8];

	space_read(&m->vm.mmio, &m->claim, registers(m) + offset, size, value);
}

static void put(struct machine *m, struct place p, uint32_t value)
{
	if (m->function)
		write_register(m, p.pci, p.size, value);
	else
		write_register(m, p.mmio, 4, value);
}

/* A device with a worker serves there: until it has taken the kicks, and has done with them. */
static void await_worker(struct machine *m)
{
	struct pollfd kick = {.events = POLLIN};
	unsigned q, patience;

	for (q = 0; q < m->device->n_queues; q++) {
		kick.fd = m->device->queues[q].kick;
		for (patience = 1000; patience && poll(&kick, 1, 0) > 0; patience--)
			usleep(10);
	}
	pthread_mutex_lock(&m->device->lock);
	pthread_mutex_unlock(&m->device->lock);
}

static void settle(struct machine *m)
{
	struct loop_source *src;
	struct epoll_event ev;
	unsigned n;

	if (m->device->ops->kicked && m->device->loop != &m->vm.loop)
		await_worker(m);

	for (n = 0; n < SERVED_MAX && epoll_wait(m->vm.loop.epoll, &ev, 1, 0) > 0; n++) {
		src = ev.data.ptr;
		if (src)
			src->ready(src, ev.events);
	}
}

/* 3.1.1, as a good driver does it. */
static void start(struct machine *m)
{
	uint64_t features = (m->features & m->device->offered) | 1ULL << VIRTIO_F_VERSION_1;
	unsigned word, q;

	put(m, status, 0);
	for (word = 0; word < 2; word++) {
		put(m, driver_select, word);
		put(m, driver_features, (uint32_t)(features >> (32 * word)));
	}
	put(m, status, STATUS_READY);
	for (q = 0; q < m->device->n_queues; q++) {
		put(m, queue_select, q);
		put(m, queue_size, FUZZ_RING);
		put(m, queue_desc, q * FUZZ_RING_BYTES);
		put(m, queue_driver, q * FUZZ_RING_BYTES + FUZZ_DRIVER);
		put(m, queue_device, q * FUZZ_RING_BYTES + FUZZ_DEVICE);
		put(m, queue_enable, 1);
	}
	put(m, status, STATUS_READY | VIRTIO_CONFIG_S_DRIVER_OK);
	settle(m);
}

static void operate(struct machine *m, const struct operation *o)
{
	unsigned size = 1u << o->width % 4;
	unsigned offset = m->function ? o->offset : o->offset % MMIO_USED;

	switch (o->what % FUZZ_WHATS) {
	case FUZZ_WRITE:
		write_register(m, offset, size, o->value);
		return;
	case FUZZ_READ:
		read_register(m, offset, size);
		return;
	case FUZZ_KICK:
		event_kick(m->device->queues[o->value % m->device->n_queues].kick);
		settle(m);
		return;
	case FUZZ_MEMORY_WRITE:
		guest_memory_write(&m->vm.memory, o->offset, &o->value, sizeof(o->value));
		return;
	case FUZZ_CONFIG:
		if (m->function)
			pci_config_write(m->function, o->offset & 0xfc, 4, o->value);
		return;
	default:
		start(m);
	}
}

static void run(struct machine *m, struct input *in, const uint8_t *head)
{
	struct input memory = *in;
	struct operation o;
	unsigned n;

	for (n = 0; n < head[8]; n++)
		take(&memory, &o, sizeof(o));
	take(&memory, m->vm.memory.banks[0].host, FUZZ_MEMORY);
	start(m);
	for (n = 0; n < head[8]; n++) {
		take(in, &o, sizeof(o));
		operate(m, &o);
	}
	settle(m);
}

void fuzz_device(fuzz_create *create, const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	struct machine m;
	uint8_t head[16];

	take(&in, head, sizeof(head));
	if (open_machine(&m, create, head[9] & 1)) {
		memcpy(&m.features, head, sizeof(m.features));
		run(&m, &in, head);
	}
	close_machine(&m);
}
