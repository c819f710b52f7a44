/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* cmd: the command line of run. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "cmd.h"

#define PARSE(...)                                  \
	parse((char *[]){"run", __VA_ARGS__, NULL}, \
	      (int)(sizeof((char *[]){"run", __VA_ARGS__}) / sizeof(char *)))

static struct machine_config config;
static struct error err;

static int parse(char **argv, int argc)
{
	bool help;

	return run_parse(argc, argv, &config, &help, &err);
}

Test(run_options, ours)
{
	cr_assert_eq(PARSE("-k", "vmlinuz", "-i", "initrd", "-p", "console=ttyS0", "-m", "1G", "-c",
			   "4", "--vfio", "03:00.0", "--vfio", "0000:04:00.1,intx=trap", "--name",
			   "web"),
		     0);
	cr_assert_str_eq(config.arch.kernel, "vmlinuz");
	cr_assert_str_eq(config.arch.initrd, "initrd");
	cr_assert_str_eq(config.arch.params, "console=ttyS0");
	cr_assert_str_eq(config.name, "web");
	cr_assert_eq(config.arch.ram, GIB);
	cr_assert_eq(config.arch.cpus, 4);
	cr_assert_eq(config.n_vfio, 2);
	cr_assert_str_eq(config.vfio[1].bdf, "0000:04:00.1");
	cr_assert_eq(config.vfio[1].intx, VFIO_INTX_TRAP);
}

Test(run_options, lkvms)
{
	cr_assert_eq(PARSE("--kernel", "k", "--mem", "512", "--cpus=2", "--vfio-pci",
			   "0000:03:00.0", "--console", "serial"),
		     0);
	cr_assert_eq(config.arch.ram, 512 * MIB, "a bare number is MiB");
	cr_assert_eq(config.arch.cpus, 2);
	cr_assert_eq(config.n_vfio, 1);
}

Test(run_options, networks)
{
	cr_assert_eq(PARSE("-k", "k", "-n", "tap", "--network", "mode=tap,tapif=t1", "-n", "none",
			   "--net", "fd=5"),
		     0);
	cr_assert_eq(config.virtio.n_net, 3);
	cr_assert_str_eq(config.virtio.net[1].ifname, "t1");
	cr_assert_eq(config.virtio.net[2].mode, NET_FD);
	cr_assert_lt(PARSE("-k", "k", "-n", "tap", "-n", "tap", "-n", "tap", "-n", "tap", "-n",
			   "tap", "-n", "tap", "-n", "tap", "-n", "tap", "-n", "tap"),
		     0);
	cr_assert(strstr(err.text, "at most 8 cards"), "%s", err.text);
	cr_assert_lt(PARSE("-k", "k", "-n", "nonsense"), 0);
	cr_assert(strstr(err.text, NET_SYNTAX), "%s", err.text);
}

Test(run_options, disks)
{
	char a[] = "a.img,ro", b[] = "/dev/vg/b,direct,queues=2", bad[] = "a.img,rw";

	cr_assert_eq(PARSE("-k", "k", "-d", a, "--disk", b), 0);
	cr_assert_eq(config.virtio.n_disks, 2);
	cr_assert_str_eq(config.virtio.disks[0].image.path, "a.img");
	cr_assert(config.virtio.disks[0].image.readonly && !config.virtio.disks[1].image.readonly);
	cr_assert_str_eq(config.virtio.disks[1].image.path, "/dev/vg/b");
	cr_assert_eq(config.virtio.disks[1].queues, 2);
	cr_assert_eq(PARSE("-k", "k", "-d", bad), -EINVAL);
	cr_assert(strstr(err.text, "what is 'rw'?"), "%s", err.text);
}

Test(run_options, no_more_disks_than_there_may_be)
{
	char path[VIRTIO_DISKS_MAX + 1][8], *argv[2 * VIRTIO_DISKS_MAX + 6] = {"run", "-k", "k"};
	unsigned i, argc = 3;

	for (i = 0; i <= VIRTIO_DISKS_MAX; i++) {
		snprintf(path[i], sizeof(path[i]), "%u.img", i);
		argv[argc++] = "-d";
		argv[argc++] = path[i];
	}
	cr_assert_eq(parse(argv, (int)argc - 2), 0);
	cr_assert_eq(config.virtio.n_disks, VIRTIO_DISKS_MAX);
	cr_assert_eq(parse(argv, (int)argc), -E2BIG);
	cr_assert_str_eq(err.text, "-d 16.img: at most 16 disks");
}

Test(run_options, iommu)
{
	cr_assert_eq(PARSE("-k", "k"), 0);
	cr_assert_eq(config.iommu, VFIO_IOMMU_AUTO);
	cr_assert_eq(PARSE("-k", "k", "--iommu", "type1"), 0);
	cr_assert_eq(config.iommu, VFIO_IOMMU_TYPE1);
	cr_assert_eq(PARSE("-k", "k", "--iommu=iommufd"), 0);
	cr_assert_eq(config.iommu, VFIO_IOMMU_IOMMUFD);
	cr_assert_eq(PARSE("-k", "k", "--iommu", "spapr"), 0);
	cr_assert_eq(config.iommu, VFIO_IOMMU_SPAPR);
	cr_assert_eq(PARSE("-k", "k", "--iommu", "spapr-v1"), 0);
	cr_assert_eq(config.iommu, VFIO_IOMMU_SPAPR_V1);
	cr_assert_lt(PARSE("-k", "k", "--iommu", "nonsense"), 0);
	cr_assert(strstr(err.text, VFIO_IOMMU_SYNTAX));
}

Test(run_options, virtio_transport)
{
	cr_assert_eq(PARSE("-k", "k", "--virtio-transport", "pci"), 0);
	cr_expect(!config.arch.virtio_mmio);
	cr_assert_lt(PARSE("-k", "k", "--virtio-transport", "mmio-legacy"), 0);
	cr_expect_str_eq(err.text, "--virtio-transport mmio-legacy: it is pci|mmio");
	/* Where there is room for devices outside of a bus. */
	cr_expect_eq(PARSE("-k", "k", "--virtio-transport", "mmio"), arch_slots ? 0 : -EINVAL);
	cr_expect(config.arch.virtio_mmio);
}

Test(run_options, consoles)
{
	cr_assert_eq(PARSE("-k", "k", "--console", "virtio"), 0);
	cr_assert(config.virtio.console);
	cr_assert_eq(PARSE("-k", "k", "--console", "virtio", "--console", "serial"), 0);
	cr_assert(!config.virtio.console, "the last word counts");
	cr_assert_eq(PARSE("-k", "k", "--console", (char *)arch_console), 0);
	cr_assert(!config.virtio.console);
}

Test(run_options, defaults)
{
	cr_assert_eq(PARSE("-k", "k"), 0);
	cr_assert_eq(config.arch.ram, 256 * MIB);
	cr_assert_eq(config.arch.cpus, 1);
	cr_assert_null(config.arch.initrd);
}

static int parse_check(int argc, char **argv)
{
	bool json;
	int ret = check_parse(argc, argv, &config, &json, &err);

	return ret ?: json;
}

#define CHECK(...)                                                       \
	parse_check((int)ARRAY_SIZE(((char *[]){"check", __VA_ARGS__})), \
		    (char *[]){"check", __VA_ARGS__, NULL})

Test(run_options, a_device_to_check)
{
	cr_assert_eq(CHECK("03:00.0,msix-relocation=auto"), 0);
	cr_assert_str_eq(config.vfio[0].bdf, "0000:03:00.0");
	cr_assert_eq(config.vfio[0].relocation, VFIO_RELOCATE_AUTO);
	cr_assert_eq(CHECK("03:00.0", "--json"), 1);
	cr_assert_eq(CHECK("--json"), -EINVAL);
	cr_assert(strstr(err.text, "usage: carillon vfio check"), "%s", err.text);
	cr_assert_eq(CHECK("03:00.0", "04:00.0"), -EINVAL);
	cr_assert_eq(CHECK("03:00.0,frobnicate"), -EINVAL);
	cr_assert(strstr(err.text, "what is 'frobnicate'?"), "%s", err.text);
}

static void refuses(int ret, const char *text)
{
	cr_assert_lt(ret, 0);
	cr_assert(strstr(err.text, text), "'%s' has no '%s'", err.text, text);
}

Test(run_options, nonsense_is_named)
{
	refuses(PARSE("-m", "1G"), "use -k KERNEL");
	refuses(PARSE("-k", "k", "-c", "0"), "at least one CPU");
	refuses(PARSE("-k", "k", "-c", "four"), "-c four");
	refuses(PARSE("-k", "k", "-m", "lots"), "-m lots: no size");
	refuses(PARSE("-k", "k", "-m", "99999999T"), "too large");
	refuses(PARSE("-k", "k", "-m", "99999999999999999"), "too large");
	refuses(PARSE("-k", "k", "--vfio", "03:00.0", "--vfio", "0000:03:00.0"), "given twice");
	refuses(PARSE("-k", "k", "-n", "fd=5:6:5"), "file 5 is given twice");
	refuses(PARSE("-k", "k", "-n", "fd=5:6", "-n", "tap", "-n", "fd=7:6"),
		"file 6 is given twice");
	refuses(PARSE("-k", "k", "--console", "tube"), "this machine has");
	refuses(PARSE("-k", "k", "--frobnicate"), "--frobnicate");
	refuses(PARSE("-k", "k", "leftover"), "'leftover'");
	refuses(PARSE("-k", "k", "-zc", "2"), "'-z'");
	refuses(PARSE("-k", "k", "--hugepages=2M"), "'--hugepages=2M'");
	refuses(PARSE("-k", "k", "--json"), "'--json'");
	refuses(PARSE("-k"), "-k needs a value");
}

Test(run_options, vhost_user)
{
	cr_assert_eq(PARSE("-k", "k", "--vhost-user", "fs,socket=a,tag=t", "--vhost-user",
			   "net,socket=b"),
		     0);
	cr_assert_eq(config.virtio.n_vhost_user, 2);
	cr_assert_str_eq(config.virtio.vhost_user[0].tag, "t");
	cr_assert_str_eq(config.virtio.vhost_user[1].socket, "b");
	cr_assert(virtio_shares_memory(&config.virtio));
	cr_assert_eq(PARSE("-k", "k", "--vhost-user", "fs,socket=a,tag=t", "--vhost-user",
			   "blk,socket=a"),
		     -EINVAL);
	cr_assert(strstr(err.text, "already"), "%s", err.text);
	cr_assert_eq(PARSE("-k", "k", "--vhost-user=blk,socket=1", "--vhost-user=blk,socket=2",
			   "--vhost-user=blk,socket=3", "--vhost-user=blk,socket=4",
			   "--vhost-user=blk,socket=5", "--vhost-user=blk,socket=6",
			   "--vhost-user=blk,socket=7", "--vhost-user=blk,socket=8",
			   "--vhost-user=blk,socket=9"),
		     -E2BIG);
}
