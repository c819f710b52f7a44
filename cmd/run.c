/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* carillon run */
#include <stdlib.h>
#include <unistd.h>

#include "cmd.h"

static void usage(void)
{
	printf("usage: carillon run -k KERNEL [OPTION…]\n"
	       "\n"
	       "  -k, --kernel FILE    x86: bzImage, or ELF vmlinux with a PVH note; arm64: Image\n"
	       "  -i, --initrd FILE    initial RAM disk\n"
	       "  -p, --params TEXT    kernel command line\n"
	       "  -m, --mem SIZE       guest memory: 512M, 4G; a bare number is MiB [256M]\n"
	       "                       arm64: SIZE@ADDRESS says where it begins\n"
	       "  -c, --cpus N         number of CPUs [1]\n"
	       "  -d, --disk IMAGE     give the guest a disk, up to 16 times: [,ro][,direct]\n"
	       "                       [,format=raw|qcow2][,aio=io_uring|libaio|threads]\n"
	       "                       [,queues=N][,iops=N][,bps=SIZE]\n"
	       "      --vfio DEVICE    assign a PCI device: " VFIO_DEVICE_SYNTAX "\n"
	       "  -n, --net NETWORK    a network card (a virtio device):\n"
	       "                       " NET_TAP_SYNTAX "\n"
	       "                       " NET_FD_SYNTAX "\n"
	       "      --rng            give the guest entropy (a virtio device)\n"
	       "      --virtio-transport " VIRTIO_TRANSPORT_SYNTAX
	       "  how drivers reach them [pci]\n"
	       "      --console KIND   the user's terminal: serial (on POWER hv), or virtio "
	       "[serial]\n"
	       "      --balloon        let the host have memory back: see carillon balloon\n"
	       "      --pmem FILE      a file as the guest's memory: " PMEM_SYNTAX "\n"
	       "      --9p FOLDER      share a folder of the host: " P9_SYNTAX "\n"
	       "      --vsock GUEST    sockets between guest and host: " VSOCK_SYNTAX "\n"
	       "      --vhost-user DEVICE  a device that another process serves:\n"
	       "                       " VHOST_USER_SYNTAX "\n"
	       "      --iommu KIND     " VFIO_IOMMU_SYNTAX " [auto: iommufd if the host has it]\n"
	       "      --msi-bank BASE,SIZE  arm64: I/O addresses set aside for messages\n"
	       "      --irqchip CHIP   arm64: gicv3-its, gicv3, gicv2m, gicv2 [what the host has]\n"
	       "                       POWER: xics, xive [xics]\n"
	       "      --cpu FEATURES   arm64: pmu=on|off|auto,sve=…,pauth=…,mte=…\n"
	       "      --dump-dtb FILE  arm64, POWER: write the guest's device tree to a file\n"
	       "      --ddw on|off     POWER: dynamic DMA windows for the guest [on]\n"
	       "      --tce-acceleration on|off  POWER: DMA calls served by KVM [on]\n"
	       "      --name NAME      for list, stat and stop [carillon-PID]\n"
	       "      --hugepages      guest memory from hugetlbfs\n"
	       "      --prefault       touch all guest memory before the start\n"
	       "      --shared-memory  guest memory from a memfd, for other processes to map\n"
	       "\n"
	       "The terminal is the guest's console; Ctrl-a x ends the machine.\n");
}

static int status_of(enum vm_end end)
{
	switch (end) {
	case VM_POWEROFF:
	case VM_STOPPED:
		return STATUS_OK;
	case VM_CRASHED:
		return STATUS_CRASHED;
	case VM_FAILED:
		return STATUS_FAILED;
	default:
		return STATUS_REFUSED;
	}
}

int cmd_run(int argc, char **argv)
{
	struct machine_config config;
	struct error err = {0};
	struct machine *m;
	char text[256] = "", name[32];
	enum vm_end end;
	bool help;

	if (run_parse(argc, argv, &config, &help, &err)) {
		warn("%s", err.text);
		return STATUS_USAGE;
	}
	if (help) {
		usage();
		return STATUS_OK;
	}
	if (!config.name) {
		snprintf(name, sizeof(name), "carillon-%ld", (long)getpid());
		config.name = name;
	}
	m = malloc(sizeof(*m));
	if (!m) {
		warn("out of memory");
		return STATUS_REFUSED;
	}
	end = machine_run(m, &config, text, sizeof(text), &err);
	free(m);
	if (end == VM_RUNNING)
		warn("%s", err.text);
	else if (end != VM_POWEROFF)
		warn("%s", text);
	return status_of(end);
}
