/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The plan of guest-physical memory. Pure. */
#include <errno.h>
#include <string.h>

#include "irqchip.h"

/* A group of a hash table: eight entries of 16 bytes. */
#define HASH_GROUP_SHIFT 7

static int check_ram(const struct arch_config *c, struct error *err)
{
	char text[SIZE_TEXT], fits[SIZE_TEXT];

	if (c->ram < RAM_MIN)
		return fail(err, EINVAL, "-m %s: too little memory; the least is %s",
			    size_text(text, c->ram), size_text(fits, RAM_MIN));
	if (c->ram > RAM_MAX)
		return fail(err, EINVAL, "-m %s: too large; the most is %s",
			    size_text(text, c->ram), size_text(fits, RAM_MAX));
	if (c->ram % LMB_SIZE)
		return fail(err, EINVAL, "-m %s: memory comes in blocks of %s; use -m %s",
			    size_text(text, c->ram), size_text(fits, LMB_SIZE),
			    size_text((char[SIZE_TEXT]){0}, align_up(c->ram, LMB_SIZE)));
	return 0;
}

/* Each BAR may cost a page of the guest's more than its size: see pci_windows.bar_align. */
int arch_plan(const struct arch_config *config, const struct arch_host *host,
	      const struct pci_needs *needs, struct arch_layout *layout, struct error *err)
{
	uint64_t room = PHB_MEM64_END - PHB_MEM64_ADDR;
	char text[SIZE_TEXT];
	int ret = check_ram(config, err);

	if (ret)
		return ret;
	if (needs->io > PHB_PORTS_SIZE || needs->mem32 > PHB_MEM32_SIZE)
		return fail(
			err, ENOSPC,
			"PCI: I/O BARs need %llu bytes of 64K, 32-bit BARs %s of 2G; assign fewer "
			"devices",
			(unsigned long long)needs->io, size_text(text, needs->mem32));
	if (needs->mem64 > room / 2)
		return fail(err, ENOSPC, "PCI: 64-bit BARs need %s; assign fewer devices",
			    size_text(text, needs->mem64));
	*layout = (struct arch_layout){.ram = {{0, config->ram}}, .n_ram = 1};
	layout->pci = (struct pci_windows){
		.mem32 = {PHB_MEM32_BUS, PHB_MEM32_SIZE},
		.mem32_offset = PHB_MEM32_ADDR - PHB_MEM32_BUS,
		.mem64 = {PHB_MEM64_ADDR,
			  2 * needs->mem64 > PHB_MEM64_ROOM ? room : PHB_MEM64_ROOM},
		.io = {0, PHB_PORTS_SIZE},
		.io_gpa = PHB_PORTS_ADDR,
		.bar_align = host->page_size > GUEST_PAGE_MAX ? host->page_size : GUEST_PAGE_MAX,
	};
	return 0;
}

/* A page for each group of the table; a segment of 1 TiB is all that can be reached so. */
uint64_t rma_size(uint64_t ram, uint64_t page, unsigned hash_order)
{
	unsigned shift = page >= 16 * MIB ? 24 : page >= 64 * KIB ? 16 : 12;
	uint64_t mapped = 1ULL << (shift + hash_order - HASH_GROUP_SHIFT);

	if (!hash_order)
		return ram;
	if (mapped > TIB)
		mapped = TIB;
	return mapped < ram ? mapped : ram;
}

int mmu_parse(const char *text, enum mmu_wish *out, struct error *err)
{
	static const char *const words[] = {"mmu=auto", "mmu=radix", "mmu=hash"};
	unsigned i;

	*out = MMU_AUTO;
	for (i = 0; text && i < ARRAY_SIZE(words); i++)
		if (!strcmp(text, words[i])) {
			*out = (enum mmu_wish)i;
			return 0;
		}
	return text ? fail(err, EINVAL, "--cpu %s: on POWER it is mmu=radix, mmu=hash or mmu=auto",
			   text)
		    : 0;
}

int arch_check(const struct arch_config *config, struct error *err)
{
	const struct irqchip *chip;
	enum mmu_wish mmu;
	int ret;

	if (config->ram_placed)
		return fail(err, EINVAL,
			    "-m SIZE@ADDRESS: memory starts at 0 on POWER; use -m SIZE");
	if (config->msi_bank.size)
		return fail(err, EINVAL,
			    "--msi-bank: on POWER the host bridge takes messages out of the DMA "
			    "address space, and no bank is needed; leave it out");
	/* Linux makes platform devices of the tree's nodes by itself, but not on POWER. */
	if (config->virtio_mmio)
		return fail(err, EINVAL,
			    "--virtio-transport mmio: POWER guests look for no devices outside of "
			    "a bus; use --virtio-transport pci");
	ret = irqchip_parse(config->irqchip, &chip, err);
	return ret ?: mmu_parse(config->cpu, &mmu, err);
}

const unsigned arch_slots = 0;

struct arch_slot arch_slot(const struct arch_layout *layout, unsigned n)
{
	(void)layout, (void)n;
	return (struct arch_slot){0};
}

/* Swizzled, so that neighbouring devices don't share a line. */
unsigned arch_intx_gsi(uint8_t devfn, unsigned pin)
{
	return SOURCE_INTX_FIRST + (PCI_SLOT(devfn) + pin - 1) % SOURCE_INTX_COUNT;
}

const char arch_console[] = "hv";

struct arch_uart arch_uart(const struct arch_layout *layout)
{
	(void)layout;
	return (struct arch_uart){.present = false};
}
