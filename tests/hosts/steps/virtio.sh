# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# virtio: steps of a guest that has virtio devices; for guest-init.
# shellcheck shell=sh

# The host has a file for whoever connects to its port 5001, and takes it back at 5002.
step_transfer() {
	ip link set eth0 up
	ip addr add 10.0.2.15/24 dev eth0
	# nc gives up with its stdin.
	mkfifo /tmp/keep
	nc 10.0.2.2 5001 <>/tmp/keep >/tmp/file || say "error=the file can't be had"
	say "transfer=$(sha256sum </tmp/file | cut -c1-64)"
	nc 10.0.2.2 5002 </tmp/file || say "error=the file can't be sent"
	ip addr flush dev eth0
}

# What the other side asks for, until it says end: a figure of netbench, and how many there are to be.
step_netbench() {
	ip link set eth0 up
	ip addr add "10.0.$subnet.15/24" dev eth0
	ping -c 1 -W 5 "10.0.$subnet.2" >/dev/null
	say "features=$(cat /sys/class/net/eth0/device/features)"
	say "netbench=ready"
	while read -r figure count && [ "$figure" != end ]; do
		say "$(netbench "$figure" "10.0.$subnet.2" 5001 "$count")"
		say "irqs=$(irqs 'virtio[0-9]+-(in|out)put')"
	done
}

# What each virtio device hangs on: the name that it has from where the kernel has found it.
step_places() {
	until_there has_entry /sys/bus/virtio/devices
	for device in /sys/bus/virtio/devices/*; do
		say "place_${device##*/}=$(basename "$(readlink -f "$device/..")")"
	done
}

# What the entropy device gives: 4 KiB of it, no line of which comes twice.
step_rng() {
	until_there grep -q virtio /sys/class/misc/hw_random/rng_current
	say "rng=$(cat /sys/class/misc/hw_random/rng_current)"
	dd if=/dev/hwrng of=/tmp/rng bs=64 count=64 2>/dev/null
	say "rng_bytes=$(wc -c </tmp/rng)"
	od -An -v -tx1 -w16 /tmp/rng | sort | uniq -d | sed 's/^/GUEST: error=random bytes came twice:/'
	say "rng_irqs=$(irqs virtio0)"
}

# Everything goes on over the virtio console: the last to come, where the board has one of its own too.
step_hvc() {
	port=/sys/class/virtio-ports
	until_there has_entry "$port"
	exec <>"/dev/$hvc" >&0 2>&0
	stty raw -echo
}

# How many bytes the user types is in $typed. They come back as a checksum and as they are.
step_echo() {
	say "state=listening"
	head -c "$typed" >/tmp/typed
	say "typed=$(sha256sum </tmp/typed | cut -c1-64)"
	say "state=echo"
	cat /tmp/typed
	say "state=echoed"
}

# Memory that the guest uses, and then does not.
step_ballast() {
	dd if=/dev/zero of=/tmp/ballast bs=1M count=60 2>/dev/null
	say "ballast=$(wc -c </tmp/ballast)"
}

step_drop() {
	rm /tmp/ballast
}

# memory_disk NAME: what is in a file that is memory of ours; then it is changed, and is so.
memory_disk() {
	until_there test -b "/dev/$1"
	say "$1_sha256=$(sha256sum <"/dev/$1" | cut -d' ' -f1)"
	pattern "$mark" >/tmp/mark
	dd if=/tmp/mark of="/dev/$1" bs=64k seek=1 conv=fsync,notrunc 2>/dev/null || say "error=write $1"
	echo 3 >/proc/sys/vm/drop_caches
	say "$1_changed=$(dd if="/dev/$1" bs=64k skip=1 count=1 2>/dev/null | cmp - /tmp/mark && echo yes)"
}

# Files of the host that are memory: one to keep, one that is read-only for the host.
step_pmem() {
	memory_disk pmem0
	memory_disk pmem1
}

# Each virtio disk vda, vdb …: what it is, a checksum of its first 2 MiB, and the mark at $at MiB.
step_blk() {
	until_there test -b "/dev/${last:-vda}"
	for folder in /sys/block/vd*; do
		name=${folder##*/}
		say "bytes_$name=$(($(cat "$folder/size") * 512))"
		say "ro_$name=$(cat "$folder/ro")"
		say "serial_$name=$(cat "$folder/serial")"
		say "queues_$name=$(find "$folder/mq" -mindepth 1 -maxdepth 1 | wc -l)"
		say "sha256_$name=$(dd if="/dev/$name" bs=256k count=8 iflag=direct 2>/dev/null | sha256sum | cut -c1-64)"
		pattern "$mark" >/tmp/mark
		if dd if=/tmp/mark of="/dev/$name" bs=64k seek=$((at * 16)) oflag=direct conv=fsync,notrunc 2>/dev/null; then
			say "written_$name=$mark"
		else
			say "written_$name=refused"
		fi
	done
}

# Two cards, one after another, and all virtio disks: an assigned one of each, and one that is the VMM's.
step_beside() {
	until_there test -e /sys/class/net/eth1
	card eth0 0
	card eth1 1
	step_blk
}

# Gives back the last 8 of the 64 MiB of vda, where no mark is.
step_blk_discard() {
	blkdiscard -o 56M -l 8M /dev/vda && say "discarded=8M"
}

# Writes line after line to vda, 64 KiB each, and says which ones are on the disk, as sure as a flush is.
step_blk_lines() {
	until_there test -b /dev/vda
	number=0
	while [ "$number" -lt 1000 ]; do
		pattern "$mark-$number" >/tmp/mark
		dd if=/tmp/mark of=/dev/vda bs=64k seek="$number" conv=fsync,notrunc 2>/dev/null && say "flushed=$number"
		number=$((number + 1))
	done
}

# say_each PREFIX: say each line of what a program finds out, as it comes.
say_each() {
	while read -r found; do
		say "${1-}$found"
	done
}

# Connections that the host makes, and those to it.
step_vsock_echo() {
	vsockcat echo any:5000 "$vsock_connections" | say_each
}

step_vsock_check() {
	vsockcat "${vsock_how:-check}" 2:6000 "${vsock_bytes:-1048576}" 4 | say_each to_host_
	vsockcat drop 2:6001 "${vsock_bytes:-100000}" | say_each
	vsockcat refused 2:6999 | say_each
	vsockcat "${vsock_how:-check}" 2:6000 1000 1 | say_each then_
}

# A virtio disk: its first 8 MiB, and 64 KiB written behind them and read again.
step_vda() {
	until_there test -b /dev/vda
	say "vda_bytes=$(($(cat /sys/block/vda/size) * 512))"
	say "vda_sum=$(dd if=/dev/vda bs=1M count=8 iflag=direct 2>/dev/null | sha256sum | cut -c1-64)"
	write_blocks 128 1
	say "vda_irqs=$(irqs virtio[0-9]*-req)"
}

# write_blocks FIRST COUNT: that many blocks of 64 KiB, each with a text of its own; then all read again.
write_blocks() {
	for block in $(seq "$1" $(($1 + $2 - 1))); do
		pattern "$mark-$block" >/tmp/block
		dd if=/tmp/block of=/dev/vda bs=64k seek="$block" oflag=direct conv=fsync,notrunc 2>/dev/null ||
			say "error=write of block $block"
		say "written=$block"
	done
	for block in $(seq "$1" $(($1 + $2 - 1))); do
		pattern "$mark-$block" >/tmp/block
		dd if=/dev/vda bs=64k skip="$block" count=1 iflag=direct 2>/dev/null | cmp -s - /tmp/block ||
			say "error=block $block is not what was written"
	done
}

# 32 blocks of a virtio disk: long enough for its back end to be taken away meanwhile.
step_blocks() {
	write_blocks 130 32
}

# What the host offers at http://$web, over a card with the address $address.
step_download() {
	until_there test -e /sys/class/net/eth0
	ip link set eth0 up
	ip addr add "$address" dev eth0
	wget -q -T 20 -O /tmp/file "http://$web" || say "error=download"
	say "download_sum=$(sha256sum </tmp/file | cut -c1-64)"
	say "mac=$(cat /sys/class/net/eth0/address)"
}

# hostile-virtio's attacks on $victims. Nobody may map the registers of a device that has a driver.
step_hostile() {
	for device in /sys/bus/pci/drivers/virtio-pci/*:*; do
		[ ! -e "$device" ] || basename "$device" >/sys/bus/pci/drivers/virtio-pci/unbind
	done
	hostile-virtio "$victims"
}
