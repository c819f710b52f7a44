/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* A function's configuration space as the guest works on it, and its BARs as they come and go. */
#include <string.h>

#include "pci.h"

#define COMMAND_DECODE (PCI_COMMAND_IO | PCI_COMMAND_MEMORY)

uint16_t pci_get16(const uint8_t *config, unsigned offset)
{
	uint16_t v;

	memcpy(&v, config + offset, sizeof(v));
	return v;
}

uint32_t pci_get32(const uint8_t *config, unsigned offset)
{
	uint32_t v;

	memcpy(&v, config + offset, sizeof(v));
	return v;
}

void pci_set16(uint8_t *config, unsigned offset, uint16_t value)
{
	memcpy(config + offset, &value, sizeof(value));
}

void pci_set32(uint8_t *config, unsigned offset, uint32_t value)
{
	memcpy(config + offset, &value, sizeof(value));
}

void pci_function_init(struct pci_function *f, const char *name, const struct pci_function_ops *ops,
		       void *opaque)
{
	pthread_mutexattr_t attr;

	memset(f, 0, sizeof(*f));
	snprintf(f->name, sizeof(f->name), "%s", name);
	f->ops = ops;
	f->opaque = opaque;
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&f->lock, &attr);
	pthread_mutexattr_destroy(&attr);
}

void pci_function_destroy(struct pci_function *f)
{
	if (f->bus)
		f->bus->functions[f->devfn] = NULL;
	f->bus = NULL;
	pthread_mutex_destroy(&f->lock);
}

static unsigned bar_register(unsigned i)
{
	return i == PCI_ROM ? PCI_ROM_ADDRESS : PCI_BASE_ADDRESS_0 + 4 * i;
}

static bool is_io(const struct pci_function *f, unsigned i)
{
	return i != PCI_ROM && (f->bars[i].type & PCI_BASE_ADDRESS_SPACE_IO);
}

static bool is_64bit(const struct pci_function *f, unsigned i)
{
	return i < PCI_BARS - 1 && !is_io(f, i) &&
	       (f->bars[i].type & PCI_BASE_ADDRESS_MEM_TYPE_MASK) == PCI_BASE_ADDRESS_MEM_TYPE_64;
}

void pci_set_bar(struct pci_function *f, unsigned i, uint64_t size, uint32_t type)
{
	unsigned reg = bar_register(i);
	uint64_t mask = ~(size - 1);

	f->bars[i] = (struct pci_bar){.size = size, .type = type};
	pci_set32(f->config, reg, type);
	/* Writing ones and reading back the size is nothing but address bits that can't change. */
	pci_set32(f->writable, reg, (uint32_t)mask | (i == PCI_ROM ? PCI_ROM_ADDRESS_ENABLE : 0));
	if (is_64bit(f, i))
		pci_set32(f->writable, reg + 4, (uint32_t)(mask >> 32));
}

uint64_t pci_bar_address(const struct pci_function *f, unsigned i)
{
	unsigned reg = bar_register(i);
	uint64_t addr = pci_get32(f->config, reg);

	if (is_64bit(f, i))
		addr |= (uint64_t)pci_get32(f->config, reg + 4) << 32;
	return addr & ~(f->bars[i].size - 1);
}

struct space *pci_bar_space(const struct pci_function *f, unsigned i, uint64_t addr, uint64_t *base)
{
	struct vm *vm = f->bus->vm;
	const struct pci_windows *w = &f->bus->windows;
	uint64_t io_gpa = w->io_gpa;

	*base = addr;
	if (is_io(f, i))
		*base += io_gpa;
	else if (range_contains(w->mem32, (struct range){addr, f->bars[i].size}))
		*base += w->mem32_offset;
	return is_io(f, i) && !io_gpa ? &vm->pio : &vm->mmio;
}

uint32_t pci_requester_id(const struct pci_function *f)
{
	return f->devfn; /* all are on bus 0 */
}

/* A bridge forwards only its windows: elsewhere a BAR decodes nothing. */
static bool decodes(const struct pci_function *f, unsigned i, uint64_t addr)
{
	const struct pci_windows *w = &f->bus->windows;
	struct range bar = {addr, f->bars[i].size};
	uint16_t command = pci_get16(f->config, PCI_COMMAND);

	if (!bar.size || !(command & (is_io(f, i) ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY)))
		return false;
	if (i == PCI_ROM && !(pci_get32(f->config, PCI_ROM_ADDRESS) & PCI_ROM_ADDRESS_ENABLE))
		return false;
	if (is_io(f, i))
		return range_contains(w->io, bar);
	return range_contains(w->mem32, bar) || range_contains(w->mem64, bar);
}

static void unmap_stale(struct pci_function *f)
{
	unsigned i;

	for (i = 0; i <= PCI_ROM; i++) {
		struct pci_bar *b = &f->bars[i];
		uint64_t addr = pci_bar_address(f, i);

		if (!b->mapped || (decodes(f, i, addr) && addr == b->address))
			continue;
		b->mapped = false;
		f->ops->bar_unmap(f, i);
	}
}

static void map_new(struct pci_function *f)
{
	unsigned i;

	for (i = 0; i <= PCI_ROM; i++) {
		struct pci_bar *b = &f->bars[i];
		uint64_t addr = pci_bar_address(f, i);

		if (b->mapped || !decodes(f, i, addr))
			continue;
		b->mapped = true;
		b->address = addr;
		f->ops->bar_map(f, i, addr);
	}
}

static void begin(struct pci_function *f)
{
	space_begin(&f->bus->vm->mmio);
	space_begin(&f->bus->vm->pio);
}

static void commit(struct pci_function *f)
{
	struct error err;

	if (space_commit(&f->bus->vm->pio, &err) | space_commit(&f->bus->vm->mmio, &err))
		warn("%s: %s", f->name, err.text);
}

void pci_unmap_bars(struct pci_function *f)
{
	if (!f->bus)
		return;
	begin(f);
	pci_set16(f->config, PCI_COMMAND, pci_get16(f->config, PCI_COMMAND) & ~COMMAND_DECODE);
	unmap_stale(f);
	commit(f);
}

/*
 * The old places go before the device hears of the change, and the new ones come after it: what is
 * mapped is always decoded by the device.
 */
static void update_bars(struct pci_function *f, uint16_t before)
{
	uint16_t now = pci_get16(f->config, PCI_COMMAND);

	begin(f);
	unmap_stale(f);
	commit(f);
	if (((before ^ now) & COMMAND_DECODE) && f->ops->command_changed)
		f->ops->command_changed(f, before, now);
	begin(f);
	map_new(f);
	commit(f);
}

static bool touches(unsigned offset, unsigned size, unsigned reg, unsigned len)
{
	return offset < reg + len && reg < offset + size;
}

static uint32_t load(const uint8_t *bytes, unsigned offset, unsigned size)
{
	uint32_t value = 0;

	memcpy(&value, bytes + offset, size);
	return value;
}

static bool is_access(unsigned offset, unsigned size)
{
	return (size == 1 || size == 2 || size == 4) && offset % size == 0 &&
	       offset <= PCI_CONFIG_SIZE - size;
}

uint32_t pci_config_read(struct pci_function *f, unsigned offset, unsigned size)
{
	uint32_t value;

	if (!is_access(offset, size))
		return UINT32_MAX;
	atomic_fetch_add_explicit(&f->config_accesses, 1, memory_order_relaxed);
	pthread_mutex_lock(&f->lock);
	value = load(f->config, offset, size);
	if (f->ops->config_read)
		value = f->ops->config_read(f, offset, size, value);
	pthread_mutex_unlock(&f->lock);
	return value;
}

void pci_config_write(struct pci_function *f, unsigned offset, unsigned size, uint32_t value)
{
	uint16_t command;
	unsigned i;

	if (!is_access(offset, size))
		return;
	atomic_fetch_add_explicit(&f->config_accesses, 1, memory_order_relaxed);
	pthread_mutex_lock(&f->lock);
	command = pci_get16(f->config, PCI_COMMAND);
	for (i = 0; i < size; i++) {
		uint8_t byte = (uint8_t)(value >> (8 * i)), *at = &f->config[offset + i];
		uint8_t mask = f->writable[offset + i];

		*at = (uint8_t)((*at & ~mask) | (byte & mask));
		*at &= (uint8_t) ~(byte & f->clears[offset + i]);
	}
	if (touches(offset, size, PCI_COMMAND, 2) ||
	    touches(offset, size, PCI_BASE_ADDRESS_0, 24) ||
	    touches(offset, size, PCI_ROM_ADDRESS, 4))
		update_bars(f, command);
	if (f->ops->config_written)
		f->ops->config_written(f, offset, size, value);
	pthread_mutex_unlock(&f->lock);
}
