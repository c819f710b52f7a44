# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# net: in an emulated host, the same guest behind the same tap under carillon and QEMU by turns, with frames
# carried by the VMM and by the host's kernel. Lines "bench: VMM NAME VALUE" are for tests/bench/boot.
# shellcheck shell=sh
host=smp
limit=1800

# Processor time of the VMM in clock ticks (hundredths), with the kernel's threads for it, without the guest's.
ticks() {
	sed 's/.*) //' "/proc/$guest_pid/stat" | awk '{ print $12 + $13 - $41 }'
}

# What the guest asks for, and a place for what it sends.
serve() {
	head -c 8388608 /dev/zero | nc -l -p 5001 >/dev/null &
	nc -l -p 5002 <>keep >/dev/null &
}

# measure on|off
measure() {
	rm -f said
	serve
	guest_start pause,netbench,pause -n "tap,ifname=guest0,script=$work/up,vhost=$1"
	guest_wait state=paused
	before=$(ticks)
	guest_say go
	guest_wait state=paused
	echo "bench: $vmm vhost_$1_cpu_ms $((($(ticks) - before) * 10))"
	for figure in in_rate out_rate ping_rate; do
		echo "bench: $vmm vhost_$1_$figure $(guest_value $figure)"
	done
	guest_say go
	guest_end
}

run() {
	use virtio
	mkfifo keep
	patience=180
	# It is the script that has an argument.
	# shellcheck disable=SC2016
	printf '#!/bin/sh\nip addr add 10.0.2.2/24 dev "$1" && ip link set "$1" up\n' >up
	chmod +x up
	round=0
	# The first round only warms the caches; tests/bench/boot leaves it out.
	while [ $round -le "$rounds" ]; do
		echo "bench: round $round"
		case $((round % 2)) in 0) order="carillon qemu" ;; *) order="qemu carillon" ;; esac
		for vmm in $order; do
			measure off
			measure on
		done
		round=$((round + 1))
	done
}
