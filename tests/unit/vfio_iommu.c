/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* vfio: which of the kernel's IOMMU interfaces a device gets, over a tree made for the test. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "folder.h"
#include "../../vfio/iommu.h"

#define BDF    "0000:03:00.0"
#define DEVICE "bus/pci/devices/" BDF

static char root[FOLDER_PATH], dev[80], iommu[80];
static struct vfio_paths paths = {.sysfs = root, .dev = dev, .iommu = iommu};

static void make_tree(void)
{
	folder_make(root);
	snprintf(dev, sizeof(dev), "%s/vfio", root);
	snprintf(iommu, sizeof(iommu), "%s/iommu", root);
	folder_run(root, "mkdir -p vfio/devices " DEVICE);
}

static void remove_tree(void)
{
	folder_remove(root);
}

static const char *chosen(enum vfio_iommu_kind wanted, struct error *err)
{
	const struct vfio_iommu_ops *ops = vfio_choose_iommu(&paths, wanted, BDF, err);

	return ops ? ops->name : "none";
}

Test(iommu, a_device_has_a_file_of_its_own, .init = make_tree, .fini = remove_tree)
{
	struct error err = {0};
	char path[PATH_MAX];

	cr_expect_eq(vfio_find_cdev(&paths, BDF, path, &err), -ENODEV);
	cr_expect(strstr(err.text, "CONFIG_VFIO_DEVICE_CDEV"), "%s", err.text);
	/* Linux before 6.6, or without the option, has the folder and no file. */
	folder_run(root, "mkdir -p " DEVICE "/vfio-dev/vfio7");
	cr_expect_eq(vfio_find_cdev(&paths, BDF, path, &err), -ENODEV);
	folder_run(root, "touch vfio/devices/vfio7");
	cr_expect_eq(vfio_find_cdev(&paths, BDF, path, &err), 0);
	cr_expect(strstr(path, "/vfio/devices/vfio7"), "%s", path);
}

Test(iommu, the_best_that_the_host_has, .init = make_tree, .fini = remove_tree)
{
	struct error err = {0};

	cr_expect_str_eq(chosen(VFIO_IOMMU_AUTO, &err), "type1");
	folder_run(root, "touch iommu");
	cr_expect_str_eq(chosen(VFIO_IOMMU_AUTO, &err), "type1");
	folder_run(root, "mkdir -p " DEVICE "/vfio-dev/vfio7 && touch vfio/devices/vfio7");
	cr_expect_str_eq(chosen(VFIO_IOMMU_AUTO, &err), "iommufd");
	cr_expect_str_eq(chosen(VFIO_IOMMU_TYPE1, &err), "type1");
	cr_expect_str_eq(chosen(VFIO_IOMMU_IOMMUFD, &err), "iommufd");
	folder_run(root, "rm iommu");
	cr_expect_str_eq(chosen(VFIO_IOMMU_AUTO, &err), "type1");
}

Test(iommu, what_is_asked_for_and_missing_is_named, .init = make_tree, .fini = remove_tree)
{
	struct error err = {0};

	cr_expect_str_eq(chosen(VFIO_IOMMU_IOMMUFD, &err), "none");
	cr_expect(strstr(err.text, "CONFIG_IOMMUFD"), "%s", err.text);
	folder_run(root, "touch iommu");
	cr_expect_str_eq(chosen(VFIO_IOMMU_IOMMUFD, &err), "none");
	cr_expect(strstr(err.text, "CONFIG_VFIO_DEVICE_CDEV"), "%s", err.text);
	cr_expect(strstr(err.text, "vfio " BDF), "%s", err.text);
}

Test(iommu, only_power_has_spapr, .init = make_tree, .fini = remove_tree)
{
	static const struct vfio_host_device host = {.bdf = BDF};
	static const enum vfio_iommu_kind kinds[] = {VFIO_IOMMU_SPAPR, VFIO_IOMMU_SPAPR_V1};
	struct error err = {0};
	struct vfio v;
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		vfio_init(&v, NULL, &paths, kinds[i]);
		cr_expect_eq(vfio_iommu_open_device(&v, &host, &err), -ENODEV);
		cr_expect(strstr(err.text, "only POWER hosts"), "%s", err.text);
	}
}

Test(iommu, planned_addresses_are_held_as_far_as_they_are_allowed)
{
	static const struct range wanted[] = {
		{0, 0x8000000},		  /* all allowed */
		{0x8200000, 0x200000},	  /* across two ranges that touch */
		{0x9000000, 0},		  /* no window */
		{0x20000000, 0x10000000}, /* a hole in it */
		{1ULL << 48, 1ULL << 40}, /* beyond the IOMMU */
	};
	static const struct range allowed[] = {
		{0, 0x8000000},
		{0x8100000, 0x200000},
		{0x8300000, 0x18000000},
		{0x28000000, (1ULL << 48) - 0x28000000},
	};
	static const struct range expected[] = {
		{0, 0x8000000},		{0x8200000, 0x100000},	 {0x8300000, 0x100000},
		{0x20000000, 0x300000}, {0x28000000, 0x8000000},
	};
	struct range *held;
	int n = vfio_plan_held(wanted, ARRAY_SIZE(wanted), allowed, ARRAY_SIZE(allowed), &held), i;

	cr_assert_eq(n, (int)ARRAY_SIZE(expected));
	for (i = 0; i < n; i++) {
		cr_expect_eq(held[i].base, expected[i].base, "%d", i);
		cr_expect_eq(held[i].size, expected[i].size, "%d", i);
	}
	free(held);
}

Test(iommu, where_nothing_is_known_nothing_is_held)
{
	static const struct range wanted = {0, 0x8000000};
	struct range *held;

	cr_expect_eq(vfio_plan_held(&wanted, 1, NULL, 0, &held), 0);
	free(held);
}

/* An interface that only writes down what it is told, and refuses the RAM at `refused`. */
static char told[256];
static uint64_t refused;

static int note_add(struct vfio *v, const struct ram_bank *b)
{
	(void)v;
	snprintf(told + strlen(told), sizeof(told) - strlen(told), "+%llx ",
		 (unsigned long long)b->gpa);
	return b->gpa == refused ? -ENOMEM : 0;
}

static int note_remove(struct vfio *v, const struct ram_bank *b)
{
	(void)v;
	snprintf(told + strlen(told), sizeof(told) - strlen(told), "-%llx ",
		 (unsigned long long)b->gpa);
	return 0;
}

static void note_close(struct vfio *v)
{
	(void)v;
	strcat(told, "close");
}

static const struct vfio_iommu_ops notes = {
	.name = "notes", .add_ram = note_add, .remove_ram = note_remove, .close = note_close};

Test(iommu, ram_is_given_back_as_far_as_it_was_taken)
{
	struct vm vm = {.memory = {.n = 3,
				   .banks = {{.gpa = 0, .size = 0x1000},
					     {.gpa = 0x8000, .size = 0x1000},
					     {.gpa = 0x10000, .size = 0x1000}}}};
	struct error err = {0};
	struct vfio v;

	vfio_init(&v, &vm, &paths, VFIO_IOMMU_AUTO);
	cr_expect_eq(vfio_map_ram(&v, &err), 0, "without a device there is nothing to map for");
	v.ops = &notes;
	refused = 0x8000;
	cr_expect_eq(vfio_map_ram(&v, &err), -ENOMEM);
	cr_expect(strstr(err.text, "0x8000-0x8fff"), "%s", err.text);
	vfio_iommu_close(&v);
	cr_expect_str_eq(told, "+0 +8000 -0 close");
	cr_expect_null(v.ops);
}

Test(iommu, what_an_interface_can_not_tell_is_not_asked)
{
	static const struct range ram = {0, 0x100000};
	struct error err = {0};
	struct range *allowed;
	struct vfio v;

	vfio_init(&v, NULL, &paths, VFIO_IOMMU_AUTO);
	v.ops = &notes;
	cr_expect_eq(vfio_allowed_ranges(&v, &allowed), 0);
	cr_expect_null(allowed);
	cr_expect_eq(vfio_hold_iovas(&v, &ram, 1, &err), 0);
}
