# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# hostile-virtio: a hostile guest's rings, registers and resets, against every virtio device: memory beside the
# buffers stays as it was, a disk keeps what it has, another device goes on, the VMM and the host live.
# shellcheck shell=sh
host=virtio
limit=600
long="x86 arm64 powerpc"

# add_program: an initrd with the program, where it is a process of a guest's Linux.
add_program() {
	mkdir -p program/bin
	cp /share/guest/hostile-virtio program/bin/
	# A kernel takes one archive after another.
	{ cat "$initrd" && (cd program && find . | cpio -o -H newc); } >with-program
	initrd=$work/with-program
}

# prepare: the program, and the way to it.
prepare() {
	if [ -e /share/guest/hostile-virtio.elf ]; then
		kernel=/share/guest/hostile-virtio.elf
		memory=64M
	elif [ -e /share/guest/hostile-virtio ]; then
		add_program
	else
		skip "the program isn't there: make guest"
	fi
	# What the console is told is nothing but zeros. What the VMM says itself would be amidst of a line.
	# shellcheck disable=SC2016
	printf '#!/bin/sh\nset -o pipefail\ncarillon "$@" 2>complaints | tr -d "\\000"\n' >quietly
	chmod +x quietly
	vmm=$work/quietly
	patience=$((10 * patience))
}

# attack NAME VICTIMS OPTION...: hostile-virtio's attacks on devices of one machine, by their numbers
# (VIRTIO_ID_*), each with "strict" if the VMM looks at all its queues.
attack() {
	guest_name=$case_name-$1
	victims=$2
	shift 2
	if [ "$kernel" = /share/guest/hostile-virtio.elf ]; then
		guest_boot -p "$victims" --rng "$@"
	else
		params="quiet panic=-1 drivers=none victims=\"$victims\""
		guest_start hostile --rng "$@"
	fi
	guest_end
	sort complaints | uniq -c
	grep -q 'hostile-virtio: PASS' said ||
		fail "no PASS from the guest: $(grep 'hostile-virtio: FAIL' said || tail -n 1 said)"
	for id in $victims; do
		case $id in
		4 | strict) ;;
		*)
			grep -q "hostile-virtio: device $id: .*, and another device went on" said ||
				fail "device $id: nothing is said of another device"
			;;
		esac
	done
	rm said
}

host_is_well() {
	! dmesg | grep -E 'BUG|Oops|WARNING|general protection' || fail "the host's kernel complains"
}

run() {
	carillon_only
	prepare
	yes "nobody writes here" | head -c 4194304 >disk
	before=$(sha256sum <disk)
	truncate -s 4M memory
	mkdir share
	attack vmm '4 strict 2 strict 9 strict 27 strict 3 5 19 1' -d disk --9p share,share --pmem memory \
		--console virtio --balloon --vsock "cid=5,uds=$work/vsock" -n tap,vhost=off
	[ "$(sha256sum <disk)" = "$before" ] || fail "the disk has changed"
	attack vhost '1 19' -n tap,vhost=on --vsock 42
	host_is_well
}
