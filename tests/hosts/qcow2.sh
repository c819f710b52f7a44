# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# qcow2: images of that format, for cases; the hosts have no qemu-img.
# shellcheck shell=sh

# poke FILE OFFSET BYTES: bytes of an image, as printf has them.
poke() {
	# shellcheck disable=SC2059
	printf "$3" | dd of="$1" bs=1 seek=$(($2)) conv=notrunc 2>/dev/null
}

# make_qcow2 FILE: an empty image of 64 MiB in version 3, by hand: header, refcount table and block, L1 table
# are its first four clusters of 64 KiB. FILE is empty, or a block device with zeros.
make_qcow2() {
	[ -b "$1" ] || truncate -s 256K "$1"
	poke "$1" 0 'QFI\373\0\0\0\3'
	poke "$1" 20 '\0\0\0\20\0\0\0\0\4\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0\0\3\0\0\0\0\0\0\0\1\0\0\0\0\0\1'
	poke "$1" 96 '\0\0\0\4\0\0\0\150'
	poke "$1" 0x10000 '\0\0\0\0\0\2\0\0'
	poke "$1" 0x20000 '\0\1\0\1\0\1\0\1'
}
