/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The plan of guest-physical memory, which for a device is the plan of I/O addresses too: first the
 * bank, then the board and the 32-bit window out of RAM's way, then RAM around all that, then the
 * 64-bit window. What DMA reaches (RAM, BARs) keeps off everything that the host withholds.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "layout.h"

#define X(v) ((unsigned long long)(v))

struct plan {
	const struct arch_config *config;
	const struct arch_host *host;
	struct arch_layout *out;
	struct range span; /* RAM, were there no obstacles */
	/* What is withheld, then what is placed already, then room for the span. */
	struct range *obstacles;
	unsigned n_withheld, n;
};

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static int check_ram(const struct arch_config *c, const struct arch_host *host, struct error *err)
{
	char text[SIZE_TEXT], least[SIZE_TEXT];

	if (c->ram < RAM_MIN)
		return fail(err, EINVAL, "-m %s: too little memory; the least is %s",
			    size_text(text, c->ram), size_text(least, RAM_MIN));
	if (c->ram % host->page_size)
		return fail(err, EINVAL,
			    "-m %" PRIu64 ": not a multiple of the host's page of %" PRIu64
			    " bytes",
			    c->ram, host->page_size);
	if (c->ram_placed && c->ram_base % host->page_size)
		return fail(err, EINVAL,
			    "-m %s@0x%llx: not at a multiple of the host's page of %" PRIu64
			    " bytes",
			    size_text(text, c->ram), X(c->ram_base), host->page_size);
	if (c->ram > UINT64_MAX - RAM_DEFAULT ||
	    (c->ram_placed && c->ram_base > UINT64_MAX - c->ram))
		return fail(err, ERANGE, "-m %s: too large", size_text(text, c->ram));
	return 0;
}

static void add_obstacle(struct plan *p, struct range r)
{
	if (r.size)
		p->obstacles[p->n++] = r;
}

/* Relaxable regions are given up for assignment: the kernel itself does not count them. */
static void add_withheld(struct plan *p)
{
	unsigned i;

	for (i = 0; i < p->host->n_reserved; i++)
		if (p->host->reserved[i].kind != RESERVED_RELAXABLE)
			add_obstacle(p, p->host->reserved[i].range);
	p->n_withheld = p->n;
}

/*
 * Below 4 GiB: where it likes to be, else the lowest place that evades RAM as well, else high up,
 * with RAM to be split around it. from: the first obstacle that counts.
 */
static bool place_low(struct plan *p, unsigned from, uint64_t preferred, uint64_t size,
		      uint64_t align, struct range *out)
{
	const struct range tries[] = {
		{align_up(preferred, align), size},
		{MIB, FOUR_GIB - MIB},
		{FOUR_GIB - GIB, GIB},
		{MIB, FOUR_GIB - MIB},
	};
	unsigned i;

	p->obstacles[p->n] = p->span;
	for (i = 0; i < ARRAY_SIZE(tries); i++)
		if (range_find_free(p->obstacles + from, p->n - from + (i < 2), tries[i], size,
				    align, &out->base)) {
			out->size = size;
			add_obstacle(p, *out);
			return true;
		}
	return false;
}

/* Registers are no target of DMA: the board may lie where the host withholds I/O addresses. */
static int place_board(struct plan *p, struct error *err)
{
	uint64_t size = align_up(GICR_OFFSET + p->config->cpus * GICR_SIZE, RAM_PIECE);

	if (!place_low(p, p->n_withheld, BOARD_DEFAULT, size, RAM_PIECE, &p->out->board))
		return fail(err, ENOSPC, "the board's registers find no room below 4G");
	p->out->pci.ecam = board_range(p->out, ECAM_OFFSET, ECAM_SIZE);
	p->out->pci.io = (struct range){0, PORTS_SIZE};
	p->out->pci.io_gpa = p->out->board.base + PORTS_OFFSET;
	return 0;
}

/* Room to move BARs is welcome; else what is needed. */
static int place_mem32(struct plan *p, const struct pci_needs *needs, struct error *err)
{
	uint64_t align = larger(needs->align32, 16 * MIB), need = larger(needs->mem32, MIB);
	struct range *w = &p->out->pci.mem32;
	char text[SIZE_TEXT];

	if (need < FOUR_GIB) {
		need = align_up(need, 16 * MIB);
		if (place_low(p, 0, MEM32_DEFAULT, larger(need, MEM32_SIZE), align, w) ||
		    place_low(p, 0, MEM32_DEFAULT, need, align, w))
			return 0;
	}
	return fail(err, ENOSPC,
		    "PCI: 32-bit BARs need %s, which finds no room below 4G; assign fewer devices",
		    size_text(text, need));
}

/* The end of what is free from `at` on. */
static uint64_t free_until(const struct plan *p, uint64_t at, uint64_t limit)
{
	unsigned i;

	for (i = 0; i < p->n; i++)
		if (p->obstacles[i].base > at && p->obstacles[i].base < limit)
			limit = p->obstacles[i].base;
	return limit;
}

static int refuse_ram(const struct plan *p, struct error *err)
{
	char ram[SIZE_TEXT];

	if (p->out->n_ram == RAM_BANKS_MAX)
		return fail(err, ENOSPC,
			    "-m %s: reserved I/O addresses would cut it into more than %d pieces "
			    "(see: carillon vfio map)",
			    size_text(ram, p->config->ram), RAM_BANKS_MAX);
	return fail(err, ENOSPC, "-m %s: does not fit a guest with %u address bits from 0x%llx on",
		    size_text(ram, p->config->ram), p->host->phys_bits, X(p->span.base));
}

static int place_ram(struct plan *p, struct error *err)
{
	uint64_t at = p->span.base, left = p->config->ram, limit = 1ULL << p->host->phys_bits;
	struct arch_layout *l = p->out;

	for (l->n_ram = 0; left; l->n_ram++) {
		uint64_t align =
			l->n_ram || !p->config->ram_placed ? RAM_PIECE : p->host->page_size;
		struct range within = {at, at < limit ? limit - at : 0};
		uint64_t end;

		if (l->n_ram == RAM_BANKS_MAX ||
		    !range_find_free(p->obstacles, p->n, within, smaller(left, RAM_PIECE), align,
				     &at))
			return refuse_ram(p, err);
		end = free_until(p, at, limit);
		if (end - at < left)
			end = align_down(end, RAM_PIECE);
		l->ram[l->n_ram] = (struct range){at, smaller(end - at, left)};
		left -= l->ram[l->n_ram].size;
		at += l->ram[l->n_ram].size;
	}
	return 0;
}

/*
 * Room to move BARs is welcome: twice the need. But Linux warns of a window of 4 GiB and more that
 * is not prefetchable, and a prefetchable one would shut all other BARs out.
 */
static uint64_t wanted_mem64(uint64_t need)
{
	uint64_t want = larger(2 * need, GIB);

	return want >= FOUR_GIB && need < FOUR_GIB - GIB ? FOUR_GIB - GIB : want;
}

/* Above RAM, with room to move; else what is needed. */
static int place_mem64(struct plan *p, const struct pci_needs *needs, struct error *err)
{
	uint64_t limit = 1ULL << p->host->phys_bits, align = larger(needs->align64, GIB);
	uint64_t from = larger(range_last(p->out->ram[p->out->n_ram - 1]) + 1, FOUR_GIB), need;
	struct range within = {from, from < limit ? limit - from : 0}, *w = &p->out->pci.mem64;
	char text[SIZE_TEXT];

	if (!needs->mem64)
		return 0;
	/* 2^62: more than any address space here, and twice it does not overflow. */
	need = needs->mem64 > 1ULL << 62 ? 1ULL << 62 : align_up(needs->mem64, p->host->page_size);
	w->size = wanted_mem64(need);
	if (range_find_free(p->obstacles, p->n, within, w->size, align, &w->base))
		return 0;
	w->size = need;
	if (range_find_free(p->obstacles, p->n, within, w->size, align, &w->base))
		return 0;
	return fail(err, ENOSPC,
		    "PCI: 64-bit BARs need %s, which a guest with %u address bits has no room for "
		    "above its RAM; assign fewer devices",
		    size_text(text, needs->mem64), p->host->phys_bits);
}

static int place_all(struct plan *p, const struct pci_needs *needs, struct error *err)
{
	int ret = bank_plan(p->config, p->host, p->span, &p->out->msi_bank, &p->out->doorbell, err);

	if (ret)
		return ret;
	add_withheld(p);
	add_obstacle(p, p->out->msi_bank);
	/* Around the bank RAM reaches further, and what is placed next should evade that too. */
	if (ranges_overlap(p->span, p->out->msi_bank))
		p->span.size += p->out->msi_bank.size;
	ret = place_board(p, err);
	if (!ret)
		ret = place_mem32(p, needs, err);
	if (!ret)
		ret = place_ram(p, err);
	return ret ?: place_mem64(p, needs, err);
}

int layout_plan(const struct arch_config *config, const struct arch_host *host,
		const struct pci_needs *needs, struct arch_layout *layout, struct error *err)
{
	struct plan p = {
		.config = config,
		.host = host,
		.out = layout,
		.span = {config->ram_placed ? config->ram_base : RAM_DEFAULT, config->ram},
	};
	int ret = check_ram(config, host, err);

	if (ret)
		return ret;
	if (needs->io > PORTS_SIZE)
		return fail(err, ENOSPC,
			    "PCI: I/O BARs need more than the 64K of the I/O window; assign fewer "
			    "devices");
	*layout = (struct arch_layout){0};
	/* Bank, board, 32-bit window, span. */
	p.obstacles = calloc(host->n_reserved + 4, sizeof(*p.obstacles));
	if (!p.obstacles)
		return fail(err, ENOMEM, "out of memory");
	ret = place_all(&p, needs, err);
	free(p.obstacles);
	return ret;
}

int arch_plan(const struct arch_config *config, const struct arch_host *host,
	      const struct pci_needs *needs, struct arch_layout *layout, struct error *err)
{
	int ret = layout_plan(config, host, needs, layout, err);

	if (ret && err)
		layout_advise(config, host, needs, err);
	return ret;
}

const unsigned arch_slots = SLOT_COUNT;

struct arch_slot arch_slot(const struct arch_layout *layout, unsigned n)
{
	return (struct arch_slot){board_range(layout, SLOTS_OFFSET + n * SLOT_SIZE, SLOT_SIZE),
				  SPI_SLOT_FIRST + n};
}

/* Swizzled, so that the functions of neighbouring devices don't share a line. */
unsigned arch_intx_gsi(uint8_t devfn, unsigned pin)
{
	return SPI_PCI_FIRST + (PCI_SLOT(devfn) + pin - 1) % SPI_PCI_COUNT;
}

const char arch_console[] = "serial";

struct arch_uart arch_uart(const struct arch_layout *layout)
{
	return (struct arch_uart){.present = true,
				  .mmio = true,
				  .base = layout->board.base + UART_OFFSET,
				  .gsi = SPI_UART};
}
