/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The device tree: as text against golden/NAME.dts, which GOLDEN=write writes anew (make golden),
 * and its cells against the machine and the calls that they are to describe; its PCI host bridge is
 * in fdt_pci.c.
 */
#include <criterion/criterion.h>
#include <libfdt.h>
#include <string.h>
#include <unistd.h>

#include "../../../powerpc/rtas.h"
#include "../fdt/golden.h"
#include "fdt_rig.h"

TestSuite(powerpc_fdt, .init = fdt_rig_start, .fini = fdt_rig_finish);

/* ---- as text -------------------------------------------------------------------------------- */

Test(powerpc_fdt, golden)
{
	unsigned i;

	for (i = 0; i < FDT_RIG_SAMPLES; i++) {
		fdt_rig_build(&fdt_rig_samples[i]);
		golden_check("tests/unit/powerpc/golden", fdt_rig_samples[i].name, tree);
	}
}
/* ---- firmware -------------------------------------------------------------------------------- */

/* What Linux calls, by its name in the tree. */
static const char *const functions_of_linux[] = {"display-character",
						 "get-time-of-day",
						 "set-time-of-day",
						 "power-off",
						 "system-reboot",
						 "query-cpu-stopped-state",
						 "start-cpu",
						 "stop-self",
						 "check-exception",
						 "event-scan",
						 "ibm,get-system-parameter",
						 "read-pci-config",
						 "write-pci-config",
						 "ibm,read-pci-config",
						 "ibm,write-pci-config",
						 "ibm,change-msi",
						 "ibm,query-interrupt-source-number",
						 "ibm,query-pe-dma-window",
						 "ibm,create-pe-dma-window",
						 "ibm,remove-pe-dma-window",
						 "ibm,reset-pe-dma-window",
						 "ibm,set-xive",
						 "ibm,get-xive",
						 "ibm,int-off",
						 "ibm,int-on"};

Test(powerpc_fdt, each_function_has_its_token)
{
	const char *const *name = functions_of_linux;
	unsigned i, k;

	fdt_rig_build(&fdt_rig_samples[0]);
	for (i = 0; i < ARRAY_SIZE(functions_of_linux); i++) {
		uint32_t token = cell(node("/rtas"), name[i], 0);

		cr_expect_eq(token, rtas_token(name[i]), "%s", name[i]);
		cr_expect_neq(token, 0);
		for (k = 0; k < i; k++)
			cr_expect_neq(token, cell(node("/rtas"), name[k], 0), "%s and %s", name[k],
				      name[i]);
	}
	for (i = 0; i < rtas_functions_count; i++)
		cr_expect_eq(cell(node("/rtas"), rtas_functions[i].name, 0), rtas_token_at(i));
}

/* The kernel must not take the page: its code is called from for as long as it runs. */
Test(powerpc_fdt, the_code_is_reserved)
{
	uint64_t base, size, entry;
	unsigned i;

	for (i = 0; i < FDT_RIG_SAMPLES; i++) {
		fdt_rig_build(&fdt_rig_samples[i]);
		entry = cell(node("/rtas"), "linux,rtas-entry", 0);
		cr_expect_eq(entry, 0xfff0000);
		cr_expect_eq(cell(node("/rtas"), "linux,rtas-base", 0), entry);
		cr_expect_geq(cell(node("/rtas"), "rtas-size", 0), RTAS_CODE_SIZE);
		cr_assert_eq(fdt_num_mem_rsv(tree), 1);
		cr_assert_eq(fdt_get_mem_rsv(tree, 0, &base, &size), 0);
		cr_expect_leq(base, entry);
		cr_expect_geq(base + size, entry + cell(node("/rtas"), "rtas-size", 0));
		cr_expect_eq(size % (64 * KIB), 0, "whole pages of the guest's");
	}
}

static bool has_hypertas(const char *name)
{
	unsigned n;
	const char *list = (const char *)bytes(node("/rtas"), "ibm,hypertas-functions", &n);

	return fdt_stringlist_contains(list, (int)n, name);
}

/* What Linux leaves undone without them: multi-TCE calls, the console, H_SET_MODE. */
Test(powerpc_fdt, groups_of_hypercalls)
{
	static const char *const wanted[] = {"hcall-tce",  "hcall-multi-tce", "hcall-term",
					     "hcall-vio",  "hcall-interrupt", "hcall-set-mode",
					     "hcall-debug"};
	unsigned i, n;

	fdt_rig_build(&fdt_rig_samples[0]);
	for (i = 0; i < ARRAY_SIZE(wanted); i++)
		cr_expect(has_hypertas(wanted[i]), "%s", wanted[i]);
	cr_expect(!has_hypertas("hcall-"));
	/* One string's end is one byte. */
	cr_expect_eq(bytes(node("/rtas"), "ibm,hypertas-functions", &n)[n - 2], 'g');
}

/* Byte n of the vector is byte n of the property: Linux' OV5_INDX() into it. */
Test(powerpc_fdt, what_was_negotiated)
{
	const uint8_t *v, *s;
	unsigned n, i, found = 0;

	fdt_rig_build(&fdt_rig_samples[0]);
	v = bytes(node("/chosen"), "ibm,architecture-vec-5", &n);
	cr_assert_gt(n, 26);
	cr_expect_eq(v[0], n - 2, "its length, without this byte, less one");
	cr_expect_eq(v[2], 0x80 | 0x40 | 0x10, "partition, shared processors, large pages");
	cr_expect(has_hypertas("hcall-splpar"), "the processors are shared by calls");
	cr_expect_lt(fdt_path_offset(tree, "/ibm,dynamic-reconfiguration-memory"), 0);
	cr_expect_eq(v[5] & 0x80, 0x80, "form 1 of ibm,associativity");
	cr_expect_eq(v[23] & 0xc0, 0, "XICS");
	cr_expect_eq(v[24] & 0xc0, 0x40, "radix");
	cr_expect_eq(v[26] & 0x40, 0x40, "the guest flushes its TLB by itself");
	s = bytes(node("/chosen"), "ibm,arch-vec-5-platform-support", &n);
	cr_assert_eq(n % 2, 0);
	for (i = 0; i < n; i += 2) {
		static const uint8_t wanted[4] = {0, 0x40, 0, 0x40};

		cr_assert(s[i] >= 23 && s[i] <= 26);
		cr_expect_eq(s[i + 1], wanted[s[i] - 23], "byte %u", s[i]);
		found |= 1u << (s[i] - 23);
	}
	cr_expect_eq(found, 0xf);
}

/* As Linux' xive_spapr_init() looks for it. */
Test(powerpc_fdt, a_xive)
{
	const uint8_t *v;
	unsigned n, i;
	int at;

	fdt_rig_build(WITH_XIVE);
	at = fdt_node_offset_by_compatible(tree, -1, "ibm,power-ivpe");
	cr_assert_eq(at, fdt_rig_controller());
	cr_expect_eq(cell64(at, "reg", 4), XIVE_TIMA_ADDR + 64 * KIB, "resource 1");
	cr_expect_eq(cell64(at, "reg", 6), 64 * KIB);
	cr_expect_eq(cell64(at, "reg", 0) + cell64(at, "reg", 2), cell64(at, "reg", 4));
	/* The last is taken if none is the guest's page. */
	cr_expect_eq(count_cells(at, "ibm,xive-eq-sizes"), 1);
	cr_expect_eq(cell(at, "ibm,xive-eq-sizes", 0), 16);
	cr_expect_eq(count_cells(at, "ibm,xive-lisn-ranges"), 2);
	cr_expect_eq(cell(at, "ibm,xive-lisn-ranges", 0), 0);
	cr_expect_eq(count_cells(0, "ibm,plat-res-int-priorities"), 2);
	cr_expect_eq(cell(0, "ibm,plat-res-int-priorities", 0), 7);
	cr_expect_eq(cell(0, "ibm,plat-res-int-priorities", 1), 0xff - 7);
	v = bytes(node("/chosen"), "ibm,architecture-vec-5", &n);
	cr_expect_eq(v[23], 0x40, "exploitation");
	v = bytes(node("/chosen"), "ibm,arch-vec-5-platform-support", &n);
	for (i = 0; i < n && v[i] != 23; i += 2)
		;
	cr_assert_lt(i, n);
	cr_expect_eq(v[i + 1], 0x40);
	/* What directs the sources of a XICS, and only those. */
	for (i = 0; i < ARRAY_SIZE(functions_of_linux); i++)
		cr_expect_eq(has(node("/rtas"), functions_of_linux[i]), i < 21, "%s",
			     functions_of_linux[i]);
}

/* ---- the rest -------------------------------------------------------------------------------- */

Test(powerpc_fdt, chosen)
{
	int at;

	fdt_rig_build(&fdt_rig_samples[0]);
	at = node("/chosen");
	cr_expect_str_eq((const char *)fdt_getprop(tree, at, "bootargs", NULL),
			 "console=hvc0 quiet");
	cr_expect_eq(cell64(at, "linux,initrd-start", 0), 0x2c90000);
	cr_expect_eq(cell64(at, "linux,initrd-end", 0), 0x2c90000 + 0x345678);
	cr_expect_eq(cell(at, "rng-seed", 7), 0x9c9d9e9f);
	at = node((const char *)fdt_getprop(tree, at, "stdout-path", NULL));
	cr_expect_eq(fdt_node_check_compatible(tree, at, "hvterm1"), 0);
	cr_expect_eq(cell(at, "reg", 0), 0x71000000, "what H_PUT_TERM_CHAR is called with");
	cr_expect_eq(cell(at, "interrupts", 0), 0x1000);
	cr_expect_eq(cell(at, "interrupts", 1), 0, "an edge");
	fdt_rig_build(&fdt_rig_samples[1]);
	cr_expect(!has(node("/chosen"), "linux,initrd-start"));
}

static void expect_memory(const char *path, uint64_t base, uint64_t size)
{
	int at = node(path);

	cr_expect_str_eq((const char *)fdt_getprop(tree, at, "device_type", NULL), "memory");
	cr_expect_eq(cell64(at, "reg", 0), base);
	cr_expect_eq(cell64(at, "reg", 2), size);
	cr_expect_eq(count_cells(at, "reg"), 4);
	/* Of the one domain that the reference points of "rtas" make of it. */
	cr_expect_eq(cell(at, "ibm,associativity", 0), 4);
	cr_expect_eq(cell(at, "ibm,associativity", 4), 0);
}

Test(powerpc_fdt, memory)
{
	fdt_rig_build(&fdt_rig_samples[1]);
	expect_memory("/memory@0", 0, 6 * GIB);
	cr_expect_lt(fdt_path_offset(tree, "/memory@180000000"), 0);
	cr_expect_eq(cell64(node("/rtas"), "ibm,lrdr-capacity", 0), 6 * GIB);
	/* What is reached without the MMU, and the rest. */
	fdt_rig_build(WITH_HASH);
	expect_memory("/memory@0", 0, 256 * MIB);
	expect_memory("/memory@10000000", 256 * MIB, 768 * MIB);
	cr_expect_eq(cell64(node("/rtas"), "ibm,lrdr-capacity", 0), 1 * GIB);
	cr_expect_eq(cell(node("/rtas"), "ibm,lrdr-capacity", 3), LMB_SIZE);
}

Test(powerpc_fdt, a_hash_mmu)
{
	unsigned n;
	int at;

	fdt_rig_build(WITH_HASH);
	at = node("/cpus/PowerPC,POWER@0");
	cr_expect(!has(at, "ibm,processor-radix-AP-encodings"));
	cr_expect_eq(cell(at, "ibm,pft-size", 1), 23);
	cr_expect_eq(count_cells(at, "ibm,segment-page-sizes"), 5);
	cr_expect_eq(cell(at, "ibm,processor-segment-sizes", 1), 40);
	cr_expect_eq(bytes(node("/chosen"), "ibm,architecture-vec-5", &n)[24] & 0xc0, 0);
}

Test(powerpc_fdt, cpus)
{
	char path[64];
	unsigned i, k, n;
	int at;

	for (i = 0; i < FDT_RIG_SAMPLES; i++) {
		fdt_rig_build(&fdt_rig_samples[i]);
		for (k = 0; k < fdt_rig_samples[i].cpus; k++) {
			snprintf(path, sizeof(path), "/cpus/PowerPC,POWER@%x", k);
			at = node(path);
			cr_expect_eq(cell(at, "reg", 0), k);
			cr_expect_eq(cell(at, "ibm,ppc-interrupt-server#s", 0), k);
			cr_expect_eq(cell(at, "ibm,ppc-interrupt-gserver#s", 0), k);
			cr_expect_eq(cell(at, "cpu-version", 0), 0x4e1202);
			cr_expect_eq(cell(at, "timebase-frequency", 0), 512000000);
			if (!fdt_rig_samples[i].hash_order)
				cr_expect_eq(cell(at, "ibm,processor-radix-AP-encodings", 1),
					     0xa0000010);
			cr_expect_eq(cell(at, "ibm,associativity", 0) + 1,
				     count_cells(at, "ibm,associativity"));
			cr_expect_eq(has(at, "ibm,pa-features"), fdt_rig_samples[i].pa_features);
			if (fdt_rig_samples[i].pa_features)
				cr_expect(!memcmp(bytes(at, "ibm,pa-features", &n),
						  fdt_rig_pa_features,
						  sizeof(fdt_rig_pa_features)));
		}
		snprintf(path, sizeof(path), "/cpus/PowerPC,POWER@%x", k);
		cr_expect_lt(fdt_path_offset(tree, path), 0);
		cr_expect_eq(cell(fdt_rig_controller(),
				  fdt_rig_samples[i].irqchip == &xive
					  ? "ibm,xive-lisn-ranges"
					  : "ibm,interrupt-server-ranges",
				  1),
			     fdt_rig_samples[i].cpus);
	}
}

Test(powerpc_fdt, five_hundred_and_twelve_cpus)
{
	static char large[1 * MIB]; /* what the loader gives it */
	struct sample s = {"", 512, 256 * MIB, 4096, {0}, true, true, 0, &xics};
	struct fdt_function fns[FUNCTIONS];
	struct fdt_machine m = fdt_rig_machine(&s, fns);

	cr_assert_eq(fdt_build(&m, large, sizeof(large)), 0);
	cr_expect_geq(fdt_path_offset(large, "/cpus/PowerPC,POWER@1ff"), 0);
	cr_expect_lt(fdt_path_offset(large, "/cpus/PowerPC,POWER@200"), 0);
}

static int build_in(const void *machine, void *buf, size_t size)
{
	return fdt_build(machine, buf, size);
}

Test(powerpc_fdt, too_small_a_buffer)
{
	struct fdt_function fns[FUNCTIONS];
	struct fdt_machine m = fdt_rig_machine(WITH_DEVICES, fns);

	expect_room_minded(build_in, &m);
}
