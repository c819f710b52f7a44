/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * maketap: make a tap that stays and belongs to a user, in the host: busybox's tunctl makes them
 * for nobody, and some kernels let everybody have those.
 *
 * usage: maketap NAME UID
 */
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>

int main(int argc, char **argv)
{
	struct ifreq req = {.ifr_flags = IFF_TAP | IFF_NO_PI};
	int fd = open("/dev/net/tun", O_RDWR);

	if (argc != 3) {
		fprintf(stderr, "usage: maketap NAME UID\n");
		return 1;
	}
	snprintf(req.ifr_name, sizeof(req.ifr_name), "%.15s", argv[1]);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &req) ||
	    ioctl(fd, TUNSETOWNER, strtoul(argv[2], NULL, 10)) || ioctl(fd, TUNSETPERSIST, 1)) {
		perror("maketap");
		return 1;
	}
	return 0;
}
