/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The ACPI tables: found as a guest finds them, and read by ACPICA's own compiler. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../x86/acpi.h"
#include "../../../x86/aml.h"
#include "../../../x86/layout.h"
#include "../folder.h"
#include "tables.h"

#define BASE 0xe0000

static const struct pci_windows windows = {
	.ecam = {0xe0000000, 0x100000},
	.mem32 = {0xc0000000, 0x20000000},
	.mem64 = {0x200000000, 0x100000000},
	.io = {0xc000, 0x4000},
};

static uint8_t *build(unsigned cpus, size_t *n)
{
	struct acpi_machine m = {.cpus = cpus, .windows = windows, .n_slots = SLOT_COUNT};
	uint8_t *buf = malloc(ACPI_ROOM);

	*n = acpi_build(&m, BASE, buf, ACPI_ROOM);
	return buf;
}

/* By the XSDT, checking lengths, alignment and checksums on the way. */
static const uint8_t *find(const uint8_t *buf, size_t n, const char *signature)
{
	const uint8_t *xsdt = buf + get(buf + 24, 8) - BASE, *t;
	uint64_t entries = (get(xsdt + 4, 4) - 36) / 8, i;

	for (i = 0; i < entries; i++) {
		uint64_t at = get(xsdt + 36 + 8 * i, 8);

		cr_assert(at >= BASE && at + 36 <= BASE + n && at % 16 == 0);
		t = buf + at - BASE;
		cr_assert_leq(at + get(t + 4, 4), BASE + n);
		cr_assert_eq(sum(t, get(t + 4, 4)), 0);
		if (!memcmp(t, signature, 4))
			return t;
	}
	cr_assert_fail("no %s", signature);
	return NULL;
}

Test(x86_acpi, rsdp_and_xsdt)
{
	size_t n;
	uint8_t *buf = build(2, &n);
	const uint8_t *xsdt = buf + get(buf + 24, 8) - BASE;

	cr_assert_gt(n, 0);
	cr_expect_eq(memcmp(buf, "RSD PTR ", 8), 0);
	cr_expect_eq(buf[15], 2);
	cr_expect_eq(get(buf + 16, 4), 0, "no RSDT");
	cr_expect_eq(get(buf + 20, 4), 36);
	cr_expect_eq(sum(buf, 20), 0);
	cr_expect_eq(sum(buf, 36), 0);
	cr_expect_eq(memcmp(xsdt, "XSDT", 4), 0);
	cr_expect_eq(get(xsdt + 4, 4), 36 + 3 * 8);
	cr_expect_eq(sum(xsdt, get(xsdt + 4, 4)), 0);
	free(buf);
}

Test(x86_acpi, fadt)
{
	static const uint8_t sleep[12] = {1, 8, 0, 1, 0x00, 0x06};
	static const uint8_t status[12] = {1, 8, 0, 1, 0x01, 0x06};
	static const uint8_t reset[12] = {1, 8, 0, 1, 0x02, 0x06};
	size_t n;
	uint8_t *buf = build(2, &n);
	const uint8_t *t = find(buf, n, "FACP"), *dsdt;

	cr_expect_eq(get(t + 4, 4), 276);
	cr_expect_eq(t[8], 6);
	cr_expect_eq(get(t + 109, 2), 0x24, "no VGA, no RTC; no 8042");
	cr_expect_eq(get(t + 112, 4), 1U << 20 | 1U << 10 | 0x31);
	cr_expect_arr_eq(t + 116, reset, 12);
	cr_expect_eq(t[128], 6);
	cr_expect_arr_eq(t + 244, sleep, 12);
	cr_expect_arr_eq(t + 256, status, 12);
	cr_expect_eq(get(t + 140, 8), get(t + 40, 4));
	dsdt = buf + get(t + 140, 8) - BASE;
	cr_expect_eq(memcmp(dsdt, "DSDT", 4), 0);
	cr_expect_eq(sum(dsdt, get(dsdt + 4, 4)), 0);
	free(buf);
}

static unsigned count(const uint8_t *madt, uint8_t type)
{
	const uint8_t *p = madt + 44, *end = madt + get(madt + 4, 4);
	unsigned n = 0;

	for (; p < end; p += p[1]) {
		cr_assert_geq(p[1], 6);
		n += *p == type;
	}
	cr_assert_eq(p, end);
	return n;
}

Test(x86_acpi, madt)
{
	static const struct {
		unsigned cpus, xapic, x2apic, x2nmi;
	} cases[] = {{1, 1, 0, 0}, {255, 255, 0, 0}, {256, 255, 1, 1}, {4096, 255, 3841, 1}};
	unsigned i;
	size_t n;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t *buf = build(cases[i].cpus, &n);
		const uint8_t *t;

		cr_assert_gt(n, 0);
		t = find(buf, n, "APIC");
		cr_expect_eq(get(t + 36, 4), 0xfee00000);
		cr_expect_eq(get(t + 40, 4), 0);
		cr_expect_eq(count(t, 0), cases[i].xapic);
		cr_expect_eq(count(t, 9), cases[i].x2apic);
		cr_expect_eq(count(t, 1), 1);
		cr_expect_eq(count(t, 4), 1);
		cr_expect_eq(count(t, 10), cases[i].x2nmi);
		cr_expect_eq(count(t, 2), 0, "no overrides: GSI n is pin n");
		free(buf);
	}
}

Test(x86_acpi, mcfg)
{
	size_t n;
	uint8_t *buf = build(1, &n);
	const uint8_t *t = find(buf, n, "MCFG");

	cr_expect_eq(get(t + 4, 4), 60);
	cr_expect_eq(get(t + 44, 8), 0xe0000000);
	cr_expect_eq(get(t + 52, 2), 0);
	cr_expect_eq(t[54], 0);
	cr_expect_eq(t[55], 0);
	free(buf);
}

Test(x86_acpi, any_room_too_small_is_refused)
{
	struct acpi_machine m = {.cpus = 3, .windows = windows, .n_slots = SLOT_COUNT};
	size_t n, room;

	free(build(3, &n));
	for (room = 0; room < n; room += 1 + room / 64) {
		uint8_t *buf = malloc(room ? room : 1);

		cr_assert_eq(acpi_build(&m, BASE, buf, room), 0);
		free(buf);
	}
}

Test(x86_acpi, aml_integers)
{
	static const uint8_t want[] = {0,    1,	   0x0a, 2,    0x0a, 0xff, 0x0b, 0, 1,
				       0x0b, 0xff, 0xff, 0x0c, 0,    0,	   1,	 0, 0x0e,
				       0,    0,	   0,	 0,    1,    0,	   0,	 0};
	uint8_t room[64];
	struct aml a = {.data = room, .room = sizeof(room)};

	aml_int(&a, 0);
	aml_int(&a, 1);
	aml_int(&a, 2);
	aml_int(&a, 0xff);
	aml_int(&a, 0x100);
	aml_int(&a, 0xffff);
	aml_int(&a, 0x10000);
	aml_int(&a, 0x100000000);
	cr_assert_eq(a.len, sizeof(want));
	cr_expect_arr_eq(room, want, sizeof(want));
}

Test(x86_acpi, aml_eisa_ids)
{
	static const uint8_t want[] = {0x0c, 0x41, 0xd0, 0x0a, 0x08};
	uint8_t room[8];
	struct aml a = {.data = room, .room = sizeof(room)};

	aml_eisaid(&a, "PNP0A08");
	cr_assert_eq(a.len, sizeof(want));
	cr_expect_arr_eq(room, want, sizeof(want));
}

Test(x86_acpi, aml_package_length)
{
	static uint8_t filling[100000];
	uint8_t *room = malloc(200000);
	struct aml a = {.data = room, .room = 200000};
	size_t mark = aml_open(&a, "\x10", 1);

	aml_bytes(&a, filling, sizeof(filling));
	aml_close(&a, mark);
	/* 100004 = 0x186a4, itself included: low nibble in the first byte */
	cr_expect_eq(room[1], 0xc4);
	cr_expect_eq(room[2], 0x6a);
	cr_expect_eq(room[3], 0x18);
	cr_expect_eq(room[4], 0);
	free(room);
}

/* How often some bytes are in the DSDT. */
static unsigned count_bytes(const struct acpi_machine *m, const char *bytes, size_t n)
{
	static uint8_t room[64 * KIB];
	struct aml a = {.data = room, .room = sizeof(room)};
	unsigned found = 0;
	size_t i;

	acpi_dsdt(m, &a);
	cr_assert(!a.full);
	for (i = 0; i + n <= a.len; i++)
		found += !memcmp(room + i, bytes, n);
	return found;
}

Test(x86_acpi, as_many_virtio_devices_as_there_are)
{
	struct acpi_machine m = {.cpus = 1, .windows = windows};

	for (m.n_slots = 0; m.n_slots <= SLOT_COUNT; m.n_slots++) {
		cr_expect_eq(count_bytes(&m, "LNRO0005", 9), m.n_slots);
		/* Level, active high, exclusive: pin 5, the first one's. */
		cr_expect_eq(count_bytes(&m, "\x89\x06\x00\x01\x01\x05\x00\x00\x00", 9),
			     m.n_slots > 0);
	}
}

/* ---- ACPICA ---- */

static int run(const char *dir, const char *command)
{
	char line[512];
	int status;

	snprintf(line, sizeof(line), "cd %s && %s >>log 2>&1", dir, command);
	status = system(line);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void write_table(const char *dir, const char *name, const uint8_t *t)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s.aml", dir, name);
	f = fopen(path, "w");
	cr_assert(f);
	cr_assert_eq(fwrite(t, 1, get(t + 4, 4), f), get(t + 4, 4));
	fclose(f);
}

static void read_text(const char *dir, const char *name, char *text, size_t room)
{
	char path[256];
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "r");
	cr_assert(f, "%s", path);
	n = fread(text, 1, room - 1, f);
	text[n] = 0;
	fclose(f);
}

static void expect_text(const char *text, const char *const *parts, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		cr_expect(strstr(text, parts[i]), "not there: %s", parts[i]);
}

Test(x86_acpi, acpica_reads_all_tables)
{
	static const char *const names[] = {"DSDT", "FACP", "APIC", "MCFG"};
	static const char *const parts[] = {
		"EisaId (\"PNP0A08\")",
		"Name (_CID, EisaId (\"PNP0A03\")",
		"Method (_OSC, 4, Serialized)",
		"ToUUID (\"33db4d5b-1ff7-401c-9657-7441c03dd766\")",
		"Name (_S5, Package (0x04)",
		"0x03F8,",
		"ResourceConsumer, Edge, ActiveHigh, Exclusive",
		"EisaId (\"PNP0C02\")",
		"Device (VR00)",
		"Name (_HID, \"LNRO0005\")",
		"0xF0000000,         // Address Base",
		"0xF0009000,         // Address Base",
		"ResourceConsumer, Level, ActiveHigh, Exclusive",
		"0x0000000F,",
		"0xC0000000,",
		"0xDFFFFFFF,",
		"0x0000000200000000,",
		"0x00000002FFFFFFFF,",
	};
	char dir[FOLDER_PATH], command[64];
	static char text[200000];
	size_t n, i;
	uint8_t *buf;

	if (system("command -v iasl >/dev/null 2>&1"))
		cr_skip_test("iasl is missing: install acpica-tools");
	folder_make(dir);
	buf = build(300, &n);
	for (i = 0; i < ARRAY_SIZE(names); i++)
		write_table(dir, names[i],
			    i ? find(buf, n, names[i])
			      : buf + get(find(buf, n, "FACP") + 140, 8) - BASE);
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(command, sizeof(command), "iasl -d %s.aml", names[i]);
		cr_expect_eq(run(dir, command), 0, "%s", command);
		snprintf(command, sizeof(command), "iasl -p out%s %s.dsl", names[i], names[i]);
		cr_expect_eq(run(dir, command), 0, "%s", command);
	}
	read_text(dir, "DSDT.dsl", text, sizeof(text));
	expect_text(text, parts, ARRAY_SIZE(parts));
	read_text(dir, "log", text, sizeof(text));
	cr_expect(!strstr(text, "Warning  "), "%s", text);
	cr_expect(!strstr(text, "Error  "), "%s", text);
	cr_expect(!strstr(text, "invalid"), "%s", text);
	cr_expect(strstr(text, "0 Errors, 0 Warnings"), "%s", text);
	folder_remove(dir);
	free(buf);
}
