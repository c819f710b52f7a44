/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* vfio: the host's side, over a sysfs tree made for the test. */
#include <criterion/criterion.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "folder.h"
#include "vfio.h"

static char root[FOLDER_PATH];
static struct vfio_paths paths = {.sysfs = root, .dev = root};

static void run(const char *fmt, const char *a, const char *b)
{
	char command[448];

	cr_assert_lt(snprintf(command, sizeof(command), fmt, a, b), (int)sizeof(command));
	folder_run(root, command);
}

static void make_tree(void)
{
	folder_make(root);
	run("mkdir -p bus/pci/devices bus/pci/drivers kernel/iommu_groups", "", "");
}

static void remove_tree(void)
{
	folder_remove(root);
}

static void add_device(const char *bdf, const char *driver, const char *group)
{
	run("mkdir -p bus/pci/devices/%s && echo 0x8086 > bus/pci/devices/%s/vendor", bdf, bdf);
	run("echo 0x10c9 > bus/pci/devices/%s/device && echo 0x020000 > "
	    "bus/pci/devices/%s/class",
	    bdf, bdf);
	if (*driver) {
		run("mkdir -p bus/pci/drivers/%s", driver, "");
		run("ln -s ../../drivers/%s bus/pci/devices/%s/driver", driver, bdf);
	}
	if (*group) {
		run("mkdir -p kernel/iommu_groups/%s/devices && touch "
		    "kernel/iommu_groups/%s/devices/x && rm kernel/iommu_groups/*/devices/x",
		    group, group);
		run("ln -s ../../../../kernel/iommu_groups/%s bus/pci/devices/%s/iommu_group",
		    group, bdf);
		run("touch kernel/iommu_groups/%s/devices/%s", group, bdf);
	}
}

static int check(const char *bdf, struct error *err)
{
	struct vfio_host_device d;

	return vfio_host_device(&paths, bdf, &d, err) ?: vfio_check_host_device(&paths, &d, err);
}

Test(host, what_is_wrong_and_what_to_do, .init = make_tree, .fini = remove_tree)
{
	struct error err = {0};

	add_device("0000:03:00.0", "vfio-pci", "12");
	cr_assert_eq(check("0000:03:00.0", &err), 0);
	cr_assert_eq(check("0000:04:00.0", &err), -ENODEV);
	cr_assert(strstr(err.text, "vfio 0000:04:00.0: the host has no such PCI device"));

	add_device("0000:05:00.0", "nvme", "13");
	cr_assert_eq(check("0000:05:00.0", &err), -EBUSY);
	cr_assert(strstr(err.text, "bound to nvme, not to vfio-pci; bind it with: carillon vfio "
				   "bind 0000:05:00.0"));

	add_device("0000:06:00.0", "vfio-pci", "");
	cr_assert_eq(check("0000:06:00.0", &err), -ENODEV);
	cr_assert(strstr(err.text, "IOMMU"));
}

Test(host, every_member_of_a_group_is_named, .init = make_tree, .fini = remove_tree)
{
	struct error err = {0};

	add_device("0000:03:00.0", "vfio-pci", "12");
	add_device("0000:03:00.1", "e1000e", "12");
	add_device("0000:03:00.2", "", "12");
	add_device("0000:02:00.0", "pcieport", "12");
	add_device("0000:03:00.3", "nvme", "12");
	cr_assert_eq(check("0000:03:00.0", &err), -EBUSY);
	cr_assert_str_eq(err.text,
			 "vfio 0000:03:00.0: group 12 is not viable: its members are 0000:02:00.0 "
			 "(pcieport), 0000:03:00.0 (vfio-pci), 0000:03:00.1 (e1000e), 0000:03:00.2 "
			 "(no driver), 0000:03:00.3 (nvme); bind all of them with: carillon vfio "
			 "bind 0000:03:00.1 0000:03:00.3");
}
