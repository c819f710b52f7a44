/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* vfio: the IOVA and memory-lock checks, option parsing. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "vfio.h"

Test(iova, ranges_that_touch_count_as_one)
{
	static const struct range x86[] = {{0, 0xfee00000},
					   {0xfef00000, (1ULL << 39) - 0xfef00000}};
	static const struct range cut[] = {{0x1000000, 0x1000000}, {0, 0x1000000}};
	struct range ram[] = {{0, 3 * GIB}, {4 * GIB, GIB}};
	struct error err = {0};

	cr_assert_eq(vfio_check_iova(ram, 2, x86, 2, &err), 0);
	ram[0].size = 0xfee00001;
	cr_assert_eq(vfio_check_iova(ram, 2, x86, 2, &err), -ERANGE);
	cr_assert(strstr(err.text, "can't map 0xfee00000"), "%s", err.text);
	ram[1].size = 1ULL << 39;
	cr_assert_eq(vfio_check_iova(ram + 1, 1, x86, 2, &err), -ERANGE);
	cr_assert(strstr(err.text, "can't map 0x8000000000"), "%s", err.text);
	ram[0] = (struct range){0x800000, 0x1800000};
	cr_assert_eq(vfio_check_iova(ram, 1, cut, 2, &err), 0);
	ram[0].size++;
	cr_assert_eq(vfio_check_iova(ram, 1, cut, 2, &err), -ERANGE);
	cr_assert_eq(vfio_check_iova(ram, 1, NULL, 0, &err), 0);
	ram[0] = (struct range){UINT64_MAX - 0xfff, 0x1000};
	cr_assert_eq(vfio_check_iova(ram, 1, &(struct range){1, UINT64_MAX}, 1, &err), 0);
}

Test(memlock, prints_the_number_needed)
{
	struct error err = {0};

	cr_assert_eq(vfio_check_memlock("RAM of", 256 * MIB, 256 * MIB, false, &err), 0);
	cr_assert_eq(vfio_check_memlock("RAM of", 256 * MIB, 8 * MIB, true, &err), 0);
	cr_assert_eq(vfio_check_memlock("RAM of", 256 * MIB, 8 * MIB, false, &err), -ENOMEM);
	cr_assert(strstr(err.text, "ulimit -l 262144"), "%s", err.text);
	cr_assert(strstr(err.text, "RAM of 268435456 bytes"), "%s", err.text);
}

Test(memlock, what_stays_in_place_has_to_fit_the_host)
{
	struct error err = {0};

	cr_assert_eq(vfio_check_pinned(GIB, GIB, &err), 0);
	cr_assert_eq(vfio_check_pinned(2 * GIB, GIB, &err), -ENOMEM);
	cr_assert(strstr(err.text, "the host has only 1024 MiB"), "%s", err.text);
}

Test(options, bdf)
{
	char bdf[BDF_LEN];

	cr_assert_eq(vfio_parse_bdf("03:00.0", bdf), 0);
	cr_assert_str_eq(bdf, "0000:03:00.0");
	cr_assert_eq(vfio_parse_bdf("0001:aF:1f.7", bdf), 0);
	cr_assert_str_eq(bdf, "0001:af:1f.7");
	cr_assert_eq(vfio_parse_bdf("/sys/bus/pci/devices/0000:03:00.0", bdf), 0);
	cr_assert_str_eq(bdf, "0000:03:00.0");
	cr_assert_eq(vfio_parse_bdf("03:20.0", bdf), -EINVAL);
	cr_assert_eq(vfio_parse_bdf("03:00.8", bdf), -EINVAL);
	cr_assert_eq(vfio_parse_bdf("03:00.0x", bdf), -EINVAL);
	cr_assert_eq(vfio_parse_bdf("03:00", bdf), -EINVAL);
	cr_assert_eq(vfio_parse_bdf("", bdf), -EINVAL);
	cr_assert_eq(vfio_parse_bdf("-1:00.0", bdf), -EINVAL);
}

Test(options, device)
{
	struct vfio_device_options opt;
	struct error err = {0};

	cr_assert_eq(vfio_parse_device("03:00.0", &opt, &err), 0);
	cr_assert_eq(opt.intx, VFIO_INTX_AUTO);
	cr_assert_eq(vfio_parse_device("03:00.0,intx=trap", &opt, &err), 0);
	cr_assert_eq(opt.intx, VFIO_INTX_TRAP);
	cr_assert_eq(opt.relocation, VFIO_RELOCATE_OFF);
	cr_assert_eq(opt.subpage, VFIO_SUBPAGE_EXPAND);
	cr_assert_eq(vfio_parse_device("03:00.0,msix=trap,msix-relocation=auto", &opt, &err), 0);
	cr_assert_eq(opt.msix, VFIO_MSIX_TRAP);
	cr_assert_eq(opt.relocation, VFIO_RELOCATE_AUTO);
	cr_assert_eq(vfio_parse_device("03:00.0,subpage=exact,msix-relocation=bar5", &opt, &err),
		     0);
	cr_assert_eq(opt.relocation, VFIO_RELOCATE_BAR5);
	cr_assert_eq(opt.subpage, VFIO_SUBPAGE_EXACT);
	cr_assert_eq(vfio_parse_device("03:00.0,msix-relocation=bar6", &opt, &err), -EINVAL);
	cr_assert(strstr(err.text, "what is 'msix-relocation=bar6'? It is BDF"), "%s", err.text);
	cr_assert_eq(vfio_parse_device("03:00.0,subpage", &opt, &err), -EINVAL);
	cr_assert_eq(vfio_parse_device("03:00.0,intx=maybe", &opt, &err), -EINVAL);
	cr_assert(strstr(err.text, "what is 'intx=maybe'?"), "%s", err.text);
	cr_assert_eq(vfio_parse_device("nvme0,intx=trap", &opt, &err), -EINVAL);
	cr_assert(strstr(err.text, "'nvme0' is no PCI address"), "%s", err.text);
}

/* ---- reserved regions ---- */

Test(reserved, lines_of_sysfs)
{
	struct vfio_reserved r;
	char text[RESERVED_TEXT];

	cr_assert_eq(vfio_parse_reserved("0x0000000008000000 0x00000000080fffff msi", &r), 0);
	cr_expect(r.range.base == 0x8000000 && r.range.size == 0x100000);
	cr_expect_eq(r.kind, RESERVED_MSI);
	r.group = 3;
	cr_expect_str_eq(vfio_reserved_text(text, &r), "the host's MSI window of group 3");
	cr_assert_eq(vfio_parse_reserved("0x0 0xffffff direct-relaxable\n", &r), 0);
	cr_expect_eq(r.kind, RESERVED_RELAXABLE);
	cr_assert_eq(vfio_parse_reserved("0x0 0xffffff direct", &r), 0);
	cr_expect_eq(r.kind, RESERVED_DIRECT);
	cr_assert_eq(vfio_parse_reserved("0xfd00000000 0xffffffffffffffff reserved", &r), 0);
	cr_expect_eq(range_last(r.range), UINT64_MAX);
	cr_assert_eq(vfio_parse_reserved("0x0 0xff of-a-later-kernel", &r), 0);
	cr_expect_eq(r.kind, RESERVED_HARD);
}

Test(reserved, lines_that_are_none)
{
	static const char *const lines[] = {"",
					    "msi",
					    "0x10",
					    "0x10 msi",
					    "0x10 0x5 msi",
					    "0x10 0x1fmsi",
					    "0x0 0xffffffffffffffff reserved",
					    "0x0 0x1ffffffffffffffff reserved"};
	struct vfio_reserved r;
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(lines); i++)
		cr_expect_eq(vfio_parse_reserved(lines[i], &r), -EINVAL, "'%s'", lines[i]);
}
