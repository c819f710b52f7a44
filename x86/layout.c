/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The plan of guest-physical memory: RAM around the hole below 4 GiB, and the PCI windows. */
#include <errno.h>
#include <inttypes.h>

#include "layout.h"

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/*
 * The window ends where ECAM begins and grows downward. 16 MiB steps keep the end of low RAM in
 * large pages.
 */
static int plan_mem32(const struct pci_needs *needs, struct range *mem32, struct error *err)
{
	uint64_t align = larger(needs->align32, 16 * MIB), base = 0;
	char need[SIZE_TEXT], room[SIZE_TEXT], bar[SIZE_TEXT];

	if (needs->mem32 <= MEM32_END - MEM32_BASE_MIN)
		base = align_down(MEM32_END - needs->mem32, align);
	if (base < MEM32_BASE_MIN)
		return fail(
			err, ENOSPC,
			"PCI: 32-bit BARs need %s (the largest is %s), the window below 4G holds "
			"at most %s; assign fewer devices",
			size_text(need, needs->mem32), size_text(bar, needs->align32),
			size_text(room, MEM32_END - MEM32_BASE_MIN));
	mem32->base = smaller(base, MEM32_BASE_DEFAULT);
	mem32->size = MEM32_END - mem32->base;
	return 0;
}

static void add_bank(struct arch_layout *l, uint64_t base, uint64_t size)
{
	if (size)
		l->ram[l->n_ram++] = (struct range){base, size};
}

/* RAM in up to three banks; returns the first address above it, at least 4 GiB. */
static uint64_t place_ram(uint64_t ram, struct arch_layout *l)
{
	uint64_t low = smaller(ram, l->pci.mem32.base);
	uint64_t high = smaller(ram - low, HYPERTRANSPORT_ADDR - FOUR_GIB);
	uint64_t rest = ram - low - high;

	l->n_ram = 0;
	add_bank(l, 0, low);
	add_bank(l, FOUR_GIB, high);
	add_bank(l, HYPERTRANSPORT_END, rest);
	return rest ? HYPERTRANSPORT_END + rest : FOUR_GIB + high;
}

/* The window that starts at `from` or above and ends by `end`: `want` bytes, else all there is. */
static bool fit_window(uint64_t from, uint64_t end, uint64_t align, uint64_t want, uint64_t need,
		       struct range *window)
{
	uint64_t base = align_up(from, align);

	if (base < from || base >= end || end - base < need)
		return false;
	*window = (struct range){base, smaller(want, align_down(end - base, GUEST_PAGE))};
	return true;
}

/*
 * Room to move BARs is welcome: twice the need and at least 4 GiB, on either side of the
 * HyperTransport range; where the address space is too narrow for that, what there is.
 */
static bool place_mem64(const struct pci_needs *needs, uint64_t from, uint64_t limit,
			struct range *window)
{
	uint64_t align = larger(needs->align64, GIB);
	uint64_t need = align_up(needs->mem64, GUEST_PAGE);
	uint64_t want = larger(2 * need, 4 * GIB);
	uint64_t below = smaller(limit, HYPERTRANSPORT_ADDR);
	uint64_t above = larger(from, HYPERTRANSPORT_END);

	*window = (struct range){0};
	if (!needs->mem64)
		return true;
	/* 2^62: more than any address space here, and twice it does not overflow. */
	if (needs->mem64 > 1ULL << 62)
		return false;
	return fit_window(from, below, align, want, want, window) ||
	       fit_window(above, limit, align, want, want, window) ||
	       fit_window(from, below, align, want, need, window) ||
	       fit_window(above, limit, align, want, need, window);
}

/* Everything above 4 GiB follows from how much RAM there is. False: it does not fit. */
static bool place(uint64_t ram, const struct pci_needs *needs, uint64_t limit,
		  struct arch_layout *l)
{
	uint64_t end;

	if (ram > limit)
		return false;
	end = place_ram(ram, l);
	/* Without high RAM, 32 address bits are enough. */
	if (l->n_ram > 1 && end > limit)
		return false;
	return place_mem64(needs, end, limit, &l->pci.mem64);
}

/* The largest RAM that place() accepts, in bytes, 0 if none: what fits stays fitting with less. */
static uint64_t largest_ram(const struct pci_needs *needs, uint64_t limit, struct arch_layout *l)
{
	uint64_t fits = 0, fails = limit / GUEST_PAGE + 1;

	while (fails - fits > 1) {
		uint64_t middle = fits + (fails - fits) / 2;

		if (place(middle * GUEST_PAGE, needs, limit, l))
			fits = middle;
		else
			fails = middle;
	}
	return fits * GUEST_PAGE;
}

static int check_ram(uint64_t ram, struct error *err)
{
	char text[SIZE_TEXT], least[SIZE_TEXT];

	if (ram < RAM_MIN)
		return fail(err, EINVAL, "-m %s: too little memory; the least is %s",
			    size_text(text, ram), size_text(least, RAM_MIN));
	if (ram % GUEST_PAGE)
		return fail(err, EINVAL,
			    "-m %" PRIu64 ": not a multiple of the page of 4096 bytes; use %s", ram,
			    size_text(text, align_down(ram, GUEST_PAGE)));
	return 0;
}

static int refuse_ram(const struct arch_config *config, const struct pci_needs *needs,
		      unsigned phys_bits, struct arch_layout *l, struct error *err)
{
	uint64_t most = largest_ram(needs, 1ULL << phys_bits, l);
	char ram[SIZE_TEXT], fits[SIZE_TEXT], bars[SIZE_TEXT];

	if (most < RAM_MIN)
		return fail(err, ENOSPC,
			    "PCI: 64-bit BARs need %s, which a guest with %u address bits has no "
			    "room for; assign fewer devices",
			    size_text(bars, needs->mem64), phys_bits);
	return fail(err, ENOSPC,
		    "-m %s: does not fit a guest with %u address bits%s; the most that fits is "
		    "-m %s",
		    size_text(ram, config->ram), phys_bits,
		    needs->mem64 ? " beside its PCI window" : "", size_text(fits, most));
}

int arch_check(const struct arch_config *config, struct error *err)
{
	if (config->no_dynamic_windows || config->no_tce_acceleration)
		return fail(
			err, EINVAL,
			"--ddw, --tce-acceleration: they are for POWER's DMA windows; leave them "
			"out");
	if (config->ram_placed)
		return fail(err, EINVAL, "-m SIZE@ADDRESS: memory starts at 0 on x86; use -m SIZE");
	if (config->msi_bank.size)
		return fail(err, EINVAL,
			    "--msi-bank: on x86 messages have an address of their own and need no "
			    "bank; leave it out");
	if (config->irqchip)
		return fail(err, EINVAL,
			    "--irqchip %s: x86 has one interrupt controller; leave it out",
			    config->irqchip);
	if (config->cpu)
		return fail(err, EINVAL,
			    "--cpu %s: on x86 the guest's CPU is the host's; leave it out",
			    config->cpu);
	if (config->dump_dtb)
		return fail(err, EINVAL, "--dump-dtb: x86 guests get ACPI tables, no device tree");
	return 0;
}

int arch_plan(const struct arch_config *config, const struct arch_host *host,
	      const struct pci_needs *needs, struct arch_layout *layout, struct error *err)
{
	/* 52 bits is all that x86-64 defines; 32 is what the hole below 4 GiB takes for granted. */
	unsigned bits = host->phys_bits > 52 ? 52 : host->phys_bits < 32 ? 32 : host->phys_bits;
	char need[SIZE_TEXT];
	int ret = check_ram(config->ram, err);

	if (ret)
		return ret;
	*layout = (struct arch_layout){0};
	layout->pci.ecam = (struct range){ECAM_ADDR, ECAM_SIZE};
	layout->pci.io = (struct range){PORT_PCI_WINDOW, PORT_PCI_ROOM};
	if (needs->io > PORT_PCI_ROOM)
		return fail(err, ENOSPC,
			    "PCI: I/O BARs need %s, the I/O window holds 16K; assign fewer devices",
			    size_text(need, needs->io));
	ret = plan_mem32(needs, &layout->pci.mem32, err);
	if (ret)
		return ret;
	if (!place(config->ram, needs, 1ULL << bits, layout))
		return refuse_ram(config, needs, bits, layout, err);
	return 0;
}

const unsigned arch_slots = SLOT_COUNT;

struct arch_slot arch_slot(const struct arch_layout *layout, unsigned n)
{
	static const uint8_t gsis[SLOT_COUNT] = GSI_SLOTS;

	(void)layout;
	return (struct arch_slot){{SLOT_ADDR + n * SLOT_SIZE, SLOT_SIZE}, gsis[n]};
}

unsigned arch_intx_gsi(uint8_t devfn, unsigned pin)
{
	/* Swizzled, so that the functions of neighbouring devices don't share a line. */
	return GSI_PCI_FIRST + (PCI_SLOT(devfn) + pin - 1) % GSI_PCI_COUNT;
}
