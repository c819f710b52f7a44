/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The memory plan of POWER, and options of run that it has no use for. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "../../../powerpc/layout.h"
#include "cmd.h"

static struct arch_config config;
static struct arch_host host;
static struct pci_needs needs;
static struct arch_layout l;
static struct error err;

static void start(void)
{
	config = (struct arch_config){.ram = 256 * MIB, .cpus = 1, .kernel = "k"};
	host = (struct arch_host){.phys_bits = 46, .page_size = 64 * KIB};
	needs = (struct pci_needs){0};
	err.text[0] = 0;
}

TestSuite(powerpc_layout, .init = start);

static int plan(void)
{
	return arch_plan(&config, &host, &needs, &l, &err);
}

static void refuses(int code, const char *text)
{
	cr_assert_eq(plan(), -code);
	cr_expect_str_eq(err.text, text);
}

static uint64_t end_of(struct range r)
{
	return r.base + r.size;
}

/* All that there is lies apart, in this order, and within what a guest can address. */
static void expect_in_order(void)
{
	const struct pci_windows *w = &l.pci;
	uint64_t mem32;

	cr_assert_eq(plan(), 0, "%s", err.text);
	mem32 = w->mem32.base + w->mem32_offset;
	cr_expect_eq(l.n_ram, 1);
	cr_expect_eq(l.ram[0].base, 0);
	cr_expect_eq(l.ram[0].size, config.ram);
	cr_expect_leq(end_of(l.ram[0]), w->io_gpa);
	cr_expect_leq(w->io_gpa + w->io.size, XIVE_TIMA_ADDR);
	cr_expect_leq(XIVE_TIMA_ADDR + 2 * 64 * KIB, XIVE_ESB_ADDR);
	cr_expect_leq(XIVE_ESB_ADDR + XIVE_ESB_SIZE, mem32);
	cr_expect_leq(mem32 + w->mem32.size, w->mem64.base);
	cr_expect_leq(end_of(w->mem64), 1ULL << host.phys_bits);
	cr_expect_leq(end_of(w->mem32), 4 * GIB, "bus addresses of 32-bit BARs");
	cr_expect_geq(w->mem64.size, needs.mem64);
	cr_expect_eq(w->ecam.size, 0, "configuration space is asked for by RTAS");
	cr_expect_eq(l.msi_bank.size + l.doorbell.size, 0);
}

Test(powerpc_layout, parts_lie_apart)
{
	static const uint64_t rams[] = {128 * MIB,	    256 * MIB, 4 * GIB,
					4 * GIB + 16 * MIB, TIB,       0x200000000000};
	static const uint64_t mem64[] = {0, 16 * KIB, 256 * GIB, TIB, 8 * TIB};
	unsigned i, k;

	for (i = 0; i < ARRAY_SIZE(rams); i++)
		for (k = 0; k < ARRAY_SIZE(mem64); k++) {
			config.ram = rams[i];
			needs.mem64 = needs.align64 = mem64[k];
			expect_in_order();
		}
	/* RAM leaves off before the ports of I/O BARs; these are no RAM to anybody. */
	cr_expect_eq(end_of(l.ram[0]), l.pci.io_gpa);
}

/* A guest maps whole pages of its own: what else lies in one would be within its program's reach.
 */
Test(powerpc_layout, bars_share_no_page)
{
	host.page_size = 4 * KIB;
	expect_in_order();
	cr_expect_eq(l.pci.bar_align, 64 * KIB);
	host.page_size = 64 * KIB;
	expect_in_order();
	cr_expect_eq(l.pci.bar_align, 64 * KIB);
	host.page_size = 2 * MIB;
	expect_in_order();
	cr_expect_eq(l.pci.bar_align, 2 * MIB);
}

Test(powerpc_layout, memory_that_is_none)
{
	config.ram = 64 * MIB;
	refuses(EINVAL, "-m 64M: too little memory; the least is 128M");
	config.ram = 0;
	cr_expect_eq(plan(), -EINVAL);
	config.ram = 256 * MIB + 1 * MIB;
	refuses(EINVAL, "-m 257M: memory comes in blocks of 16M; use -m 272M");
	config.ram = 256 * MIB + 1;
	refuses(EINVAL, "-m 268435457: memory comes in blocks of 16M; use -m 272M");
	config.ram = 0x200000000000 + 16 * MIB;
	refuses(EINVAL, "-m 33554448M: too large; the most is 32T");
	config.ram = UINT64_MAX;
	cr_expect_eq(plan(), -EINVAL);
}

Test(powerpc_layout, more_bars_than_there_is_room_for)
{
	needs.io = 0x10000;
	needs.mem32 = 2 * GIB;
	expect_in_order();
	needs.io++;
	cr_expect_eq(plan(), -ENOSPC);
	cr_expect(strstr(err.text, "fewer devices"), "%s", err.text);
	needs.io = 0;
	needs.mem32++;
	cr_expect_eq(plan(), -ENOSPC);
	needs.mem32 = 0;
	needs.mem64 = UINT64_MAX;
	cr_expect_eq(plan(), -ENOSPC);
	cr_expect(strstr(err.text, "64-bit BARs") && strstr(err.text, "fewer devices"), "%s",
		  err.text);
}

Test(powerpc_layout, lines_of_intx)
{
	unsigned slot, pin, lines = 0;

	for (slot = 0; slot < 32; slot++)
		for (pin = 1; pin <= 4; pin++) {
			unsigned gsi = arch_intx_gsi(PCI_DEVFN(slot, 0), pin);

			cr_assert(gsi >= 0x1004 && gsi <= 0x1007);
			lines |= 1u << (gsi - 0x1004);
			cr_assert_neq(gsi, arch_intx_gsi(PCI_DEVFN((slot + 1) % 32, 0), pin),
				      "neighbours don't share");
			cr_assert_eq(gsi, arch_intx_gsi(PCI_DEVFN(slot, 7), pin));
		}
	cr_expect_eq(lines, 0xf);
}

Test(powerpc_layout, the_console_is_no_uart)
{
	expect_in_order();
	cr_expect(!arch_uart(&l).present);
}

/* ---- options ----------------------------------------------------------------------------------
 */

#define PARSE(...)                                             \
	parse((char *[]){"run", "-k", "k", __VA_ARGS__, NULL}, \
	      (int)(sizeof((char *[]){"run", "-k", "k", __VA_ARGS__}) / sizeof(char *)))

static struct machine_config machine;

static int parse(char **argv, int argc)
{
	bool help;

	err.text[0] = 0;
	return run_parse(argc, argv, &machine, &help, &err);
}

static void rejects(char *option, char *value, const char *text)
{
	cr_assert_eq(PARSE(option, value), -EINVAL, "%s", option);
	cr_expect_str_eq(err.text, text);
}

Test(powerpc_options, what_only_others_have)
{
	rejects("-m", "512M@0x0", "-m SIZE@ADDRESS: memory starts at 0 on POWER; use -m SIZE");
	rejects("--msi-bank", "0x8000000,2M",
		"--msi-bank: on POWER the host bridge takes messages out of the DMA address space, "
		"and no bank is needed; leave it out");
	rejects("--irqchip", "gicv3",
		"--irqchip gicv3: there is no such; on POWER it is xics or xive");
	rejects("--cpu", "pmu=off",
		"--cpu pmu=off: on POWER it is mmu=radix, mmu=hash or mmu=auto");
	rejects("--virtio-transport", "mmio",
		"--virtio-transport mmio: POWER guests look for no devices outside of a bus; use "
		"--virtio-transport pci");
}

Test(powerpc_options, windows)
{
	cr_assert_eq(PARSE("-m", "512M"), 0);
	cr_expect(!machine.arch.no_dynamic_windows);
	cr_expect(!machine.arch.no_tce_acceleration);
	cr_assert_eq(PARSE("--ddw", "off", "--tce-acceleration", "off", "--dump-dtb", "f"), 0);
	cr_expect(machine.arch.no_dynamic_windows);
	cr_expect(machine.arch.no_tce_acceleration);
	cr_expect_str_eq(machine.arch.dump_dtb, "f");
	cr_assert_eq(PARSE("--ddw", "off", "--ddw", "on"), 0);
	cr_expect(!machine.arch.no_dynamic_windows, "the last counts");
	rejects("--ddw", "auto", "--ddw auto: it is on or off");
	rejects("--tce-acceleration", "", "--tce-acceleration : it is on or off");
}

Test(powerpc_layout, what_is_reached_without_an_mmu)
{
	static const struct {
		uint64_t ram, page;
		unsigned order;
		uint64_t rma;
	} samples[] = {
		/* With radix all of it, however much that is. */
		{128 * MIB, 4 * KIB, 0, 128 * MIB},
		{16 * TIB, 64 * KIB, 0, 16 * TIB},
		/* A page of each group. */
		{256 * MIB, 4 * KIB, 21, 64 * MIB},
		{256 * MIB, 64 * KIB, 21, 256 * MIB},
		{256 * MIB, 2 * MIB, 21, 256 * MIB},
		{64 * GIB, 4 * KIB, 29, 16 * GIB},
		/* Of huge pages KVM takes what it has a size for. */
		{64 * GIB, 2 * MIB, 18, 128 * MIB},
		{64 * GIB, 16 * MIB, 18, 32 * GIB},
		{64 * GIB, 1 * GIB, 18, 32 * GIB},
		/* A segment of 1 TiB is all there can be. */
		{4 * TIB, 64 * KIB, 35, TIB},
		{4 * TIB, 16 * MIB, 38, TIB},
		{TIB, 16 * MIB, 38, TIB},
	};
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(samples); i++)
		cr_expect_eq(rma_size(samples[i].ram, samples[i].page, samples[i].order),
			     samples[i].rma, "%u", i);
}
