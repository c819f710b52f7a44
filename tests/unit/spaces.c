/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* machine: the map of a running machine's address spaces. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"
#include "recorder.h"

#define PAGE 0x1000ULL

static struct recorder rec;
static uint8_t *host;
static struct region bar, table, pba, ram, rom;
static struct region ports = {.name = "serial", .base = 0x3f8, .size = 8, .priority = 10};

/* A BAR with its table and PBA in it, mapped around them; RAM; a ROM. */
static void start(void)
{
	recorder_init(&rec);
	host = aligned_alloc(PAGE, 4 * PAGE);
	ram = (struct region){
		.name = "ram", .size = 4 * PAGE, .priority = PRIORITY_RAM, .host = host};
	bar = (struct region){.name = "0000:00:04.0",
			      .part = "BAR 0",
			      .base = 0xc0000000,
			      .size = 4 * PAGE,
			      .host = host};
	table = (struct region){.name = "0000:00:04.0",
				.part = "MSI-X table",
				.base = 0xc0002000,
				.size = 65 * 16,
				.priority = 1};
	pba = (struct region){.name = "0000:00:04.0",
			      .part = "MSI-X PBA",
			      .base = 0xc0003ff0,
			      .size = 16,
			      .priority = 1};
	rom = (struct region){
		.name = "rom", .base = 0xfffff000, .size = PAGE, .host = host, .readonly = true};
	space_add(&rec.vm.mmio, &ram);
	space_add(&rec.vm.mmio, &bar);
	space_add(&rec.vm.mmio, &rom);
	space_add(&rec.vm.pio, &ports);
}

static void finish(void)
{
	recorder_destroy(&rec);
	free(host);
}

TestSuite(spaces, .init = start, .fini = finish);

static void expect(bool as_json, const char *wanted)
{
	struct text out = {0};

	machine_spaces(&rec.vm.mmio, &rec.vm.pio, as_json, &out);
	cr_assert_str_eq(out.data, wanted);
	text_free(&out);
}

#define HEADER "          first-last                size  kind     priority  owner\n"
#define PORTS                          \
	"port address space:\n" HEADER \
	"          0x3f8-0x3ff                  8  trapped        10  serial\n"

Test(spaces, who_serves_what_and_what_is_hidden)
{
	space_add(&rec.vm.mmio, &table);
	space_add(&rec.vm.mmio, &pba);
	expect(false,
	       "memory address space:\n" HEADER
	       "            0x0-0x3fff               16K  ram            20  ram\n"
	       "     0xc0000000-0xc0001fff            8K  mapped          0  0000:00:04.0 BAR 0\n"
	       "     0xc0002000-0xc000240f          1040  trapped         1  "
	       "0000:00:04.0 MSI-X table  hides part of 0000:00:04.0 BAR 0\n"
	       "     0xc0002410-0xc0003fef          7136  direct          0  0000:00:04.0 BAR 0\n"
	       "     0xc0003ff0-0xc0003fff            16  trapped         1  "
	       "0000:00:04.0 MSI-X PBA    hides part of 0000:00:04.0 BAR 0\n"
	       "     0xfffff000-0xffffffff            4K  rom             0  rom\n" PORTS);
}

Test(spaces, what_kvm_refused_is_not_called_mapped)
{
	rec.refuse_memslot = -ENOSPC;
	space_add(&rec.vm.mmio, &table);
	expect(false,
	       "memory address space:\n" HEADER
	       "            0x0-0x3fff               16K  ram            20  ram\n"
	       "     0xc0000000-0xc0001fff            8K  direct          0  0000:00:04.0 BAR 0\n"
	       "     0xc0002000-0xc000240f          1040  trapped         1  "
	       "0000:00:04.0 MSI-X table  hides part of 0000:00:04.0 BAR 0\n"
	       "     0xc0002410-0xc0003fff          7152  direct          0  0000:00:04.0 BAR 0\n"
	       "     0xfffff000-0xffffffff            4K  rom             0  rom\n" PORTS);
}

/* BARs that the guest put on one another, and below its RAM. */
Test(spaces, many_hidden_regions_are_counted)
{
	struct region_ioeventfd doorbells[] = {{.offset = 0}, {.offset = 0x10}, {.offset = 0x800}};
	struct region other[6];
	char names[6][8];
	unsigned i;

	space_remove(&rec.vm.mmio, &bar);
	space_remove(&rec.vm.mmio, &rom);
	for (i = 0; i < 6; i++) {
		snprintf(names[i], sizeof(names[i]), "bar%u", i);
		other[i] =
			(struct region){.name = names[i], .base = i ? PAGE : 0, .size = 4 * PAGE};
		space_add(&rec.vm.mmio, &other[i]);
	}
	other[5].priority = -1;
	other[4].ioeventfds = doorbells;
	other[4].n_ioeventfds = 3;
	space_remove(&rec.vm.mmio, &ram);
	ram.size = PAGE + 0x800;
	space_add(&rec.vm.mmio, &ram);
	expect(false, "memory address space:\n" HEADER
		      "            0x0-0xfff                 4K  ram            20  "
		      "ram                       hides part of bar0\n"
		      "         0x1000-0x17ff                2K  direct         20  "
		      "ram                       hides part of bar5, part of bar4, part of bar3, "
		      "part of bar2 and 2 more\n"
		      "         0x1800-0x4fff               14K  trapped         0  "
		      "bar4                      ioeventfds: 1  hides part of bar5, part of bar3, "
		      "part of bar2, part of bar1 and 1 more\n" PORTS);
}

Test(spaces, as_json)
{
	space_remove(&rec.vm.mmio, &ram);
	space_remove(&rec.vm.mmio, &rom);
	table.base = bar.base;
	table.size = bar.size;
	space_add(&rec.vm.mmio, &table);
	bar.priority = -1;
	expect(true, "{\"memory\":[{\"base\":\"0xc0000000\",\"last\":\"0xc0003fff\",\"kind\":"
		     "\"trapped\",\"owner\":\"0000:00:04.0 MSI-X table\",\"priority\":1,"
		     "\"ioeventfds\":0,\"hidden\":1,\"hides\":[{\"owner\":\"0000:00:04.0 BAR 0\","
		     "\"whole\":true}]}],\"port\":[{\"base\":\"0x3f8\",\"last\":\"0x3ff\","
		     "\"kind\":\"trapped\",\"owner\":\"serial\",\"priority\":10,\"ioeventfds\":0,"
		     "\"hidden\":0,\"hides\":[]}],\"left_out\":0}\n");
}

/* More ranges than a reply holds: it stays within its bounds, is whole, and says what is missing.
 */
Test(spaces, a_reply_has_an_end)
{
	static struct region many[3000];
	struct text out = {0};
	unsigned i, n = 0;
	char *at;

	space_begin(&rec.vm.mmio);
	for (i = 0; i < ARRAY_SIZE(many); i++) {
		many[i] = (struct region){
			.name = "0000:00:04.0", .part = "BAR 0", .base = GIB + i * 32, .size = 16};
		space_add(&rec.vm.mmio, &many[i]);
	}
	space_commit(&rec.vm.mmio, NULL);
	machine_spaces(&rec.vm.mmio, &rec.vm.pio, true, &out);
	cr_assert_leq(out.len, CONTROL_REPLY);
	for (at = out.data; (at = strstr(at, "\"hidden\"")); at++)
		n++;
	at = strstr(out.data, "],\"port\":[],\"left_out\":");
	cr_assert_not_null(at);
	cr_assert_eq(strtoul(at + 23, NULL, 10), ARRAY_SIZE(many) + 4 - n);
	cr_assert_str_eq(out.data + out.len - 2, "}\n");
	text_free(&out);
	machine_spaces(&rec.vm.mmio, &rec.vm.pio, false, &out);
	cr_assert_leq(out.len, CONTROL_REPLY);
	cr_assert(strstr(out.data, " more\n"));
	text_free(&out);
}
