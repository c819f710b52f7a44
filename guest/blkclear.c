/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* blkclear: have a range of a block device discarded or zeroed, as its driver can. */
#include <fcntl.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	uint64_t range[2];
	int fd;

	if (argc != 5) {
		fprintf(stderr, "usage: blkclear discard|zero DEVICE OFFSET LENGTH\n");
		return 2;
	}
	range[0] = strtoull(argv[3], NULL, 0);
	range[1] = strtoull(argv[4], NULL, 0);
	fd = open(argv[2], O_RDWR);
	if (fd < 0 || ioctl(fd, strcmp(argv[1], "zero") ? BLKDISCARD : BLKZEROOUT, range)) {
		perror(argv[2]);
		return 1;
	}
	close(fd);
	return 0;
}
