/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* vfio: a device that sleeps is woken before it is used. Its configuration space is a memfd. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../vfio/device.h"

#define CAP_PM 0x40
#define PMCSR  (CAP_PM + PCI_PM_CTRL)

static struct vfio_device d;
static struct error err;

static void make_device(uint8_t capability, uint16_t pmcsr)
{
	uint8_t config[PCI_CFG_SPACE_SIZE] = {0};

	memset(&d, 0, sizeof(d));
	err = (struct error){0};
	d.regions[VFIO_PCI_CONFIG_REGION_INDEX].size = sizeof(config);
	d.fd = memfd_create("device", MFD_CLOEXEC);
	pci_set16(config, PCI_STATUS, PCI_STATUS_CAP_LIST);
	config[PCI_CAPABILITY_LIST] = CAP_PM;
	config[CAP_PM] = capability;
	pci_set16(config, PMCSR, pmcsr);
	cr_assert_eq(pwrite(d.fd, config, sizeof(config), 0), sizeof(config));
}

/* It takes no writes from now on. */
static void make_deaf(void)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", d.fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	cr_assert_geq(fd, 0);
	close(d.fd);
	d.fd = fd;
}

Test(wake, a_device_that_sleeps)
{
	unsigned state;

	for (state = 0; state < 4; state++) {
		make_device(PCI_CAP_ID_PM, (uint16_t)(PCI_PM_CTRL_NO_SOFT_RESET | state));
		cr_expect_eq(vfio_device_wake(&d, &err), 0, "%s", err.text);
		cr_expect_eq(vfio_config_read(&d, PMCSR, 2), PCI_PM_CTRL_NO_SOFT_RESET);
		close(d.fd);
	}
}

Test(wake, a_device_that_cannot_be_woken)
{
	make_device(PCI_CAP_ID_PM, 3);
	make_deaf();
	cr_assert_eq(vfio_device_wake(&d, &err), -EIO);
	cr_expect(strstr(err.text, "sleeps in D3 and can't be woken; remove and rescan"), "%s",
		  err.text);
	close(d.fd);
}

/* Without the capability there is one state; what is in that place is something else. */
Test(wake, a_device_that_cannot_sleep)
{
	make_device(PCI_CAP_ID_VNDR, 3);
	cr_expect_eq(vfio_device_wake(&d, &err), 0);
	cr_expect_eq(vfio_config_read(&d, PMCSR, 2), 3);
	close(d.fd);
}
