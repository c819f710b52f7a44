# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# virtio-net-tap: a card in front of a tap that a script connects, served by the VMM itself: a file goes in and
# out unharmed, in large segments, and a tap that was switched off comes back.
# shellcheck shell=sh
host=virtio
limit=300
long="arm64 powerpc"

# The file "sent", on port 5001; what comes to port 5002 is the file "back". nc gives up with its stdin.
offer_transfer() {
	mkfifo keep
	head -c 8388608 /dev/urandom >sent
	nc -l -p 5001 <sent >/dev/null &
	nc -l -p 5002 <>keep >back &
}

transferred() {
	expect_guest "transfer=$(sha256sum <sent | cut -c1-64)"
	cmp sent back || fail "what the guest sent back is something else"
}

# A program that connects a tap, as -n script= has it.
write_script() {
	# It is the script that has an argument.
	# shellcheck disable=SC2016
	printf '#!/bin/sh\nip addr add 10.0.2.2/24 dev "$1" && ip link set "$1" up\n' >up
	chmod +x up
}

run() {
	carillon_only
	use virtio
	offer_transfer
	write_script
	guest_start net,transfer,pause,net -n "tap,ifname=guest0,script=$work/up,vhost=off"
	guest_wait_calm
	expect_guest driver=virtio_net ping=3
	expect_more eth_irqs 0
	transferred
	stat_says '"backend":"guest0"' '"vhost":false' '"rx_dropped":0' '"tx_dropped":0'
	[ "$(counter rx_large)" -gt 0 ] || fail "the guest got no large segments"
	[ "$(counter tx_large)" -gt 0 ] || fail "the guest sent no large segments"
	refuses 'another process has this tap' "$vmm" run -k "$kernel" -m 128M --name other -n tap,ifname=guest0
	ip link set guest0 down
	ip link set guest0 up
	guest_say go
	guest_end
	[ "$(grep -c 'ping=3' said)" = 2 ] || fail "no ping after the tap was switched on again"
	[ ! -e /sys/class/net/guest0 ] || fail "the tap is still there"
}
