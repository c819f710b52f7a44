# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# virtio-net-vhost: two pairs of queues that the host's kernel serves: frames, kicks and interrupts pass the VMM by.
# shellcheck shell=sh
host=virtio
limit=300
long="arm64 powerpc"

# shellcheck source=/dev/null
. "$cases/virtio-net-tap.sh"

run() {
	carillon_only
	use virtio
	offer_transfer
	write_script
	cpus=2
	guest_start net,transfer,pause -n "tap,ifname=guest0,script=$work/up,vhost=on,queues=2"
	guest_wait_calm
	expect_guest driver=virtio_net ping=3
	expect_more eth_irqs 0
	transferred
	stat_says '"vhost":true' '"pairs":2' '"kicks":0'
	[ "$(counter interrupts)" -lt "$(guest_value eth_irqs)" ] || fail "interrupts come by way of the VMM"
	guest_say go
	guest_end
}
