# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# virtio-mmio: without a bus, too, the guest has entropy and a network card, each with a level interrupt; of the
# card, which the host's kernel serves, the VMM has to raise it.
# shellcheck shell=sh
host=virtio

# shellcheck source=/dev/null
. "$cases/virtio-net-tap.sh"
long="arm64 powerpc"

run() {
	carillon_only
	use virtio
	if [ "$virtio_mmio" = no ]; then
		refuses_run "use --virtio-transport pci" --virtio-transport mmio --rng
		return
	fi
	for n in $(seq 16); do
		truncate -s 1M "disk$n"
		set -- "$@" -d "$work/disk$n"
	done
	refuses_run "and this board has room for 1" --virtio-transport mmio --rng "$@"
	write_script
	guest_start places,rng,net,pause --virtio-transport mmio --rng -n "tap,ifname=guest0,script=$work/up,vhost=on"
	guest_wait_calm
	expect_guest rng=virtio_rng.0 rng_bytes=4096 driver=virtio_net ping=3
	# A pattern.
	# shellcheck disable=SC2254
	case $(guest_value place_virtio0) in
	$virtio_mmio) ;;
	*) fail "the guest's first device is found as $(guest_value place_virtio0)" ;;
	esac
	[ "$(counter bytes)" -ge 4096 ] || fail "the device gave $(counter bytes) bytes"
	# Of those that came before the guest had acknowledged the last one it saw none.
	expect_more rng_irqs 0
	raised=$(carillon stat "$guest_name" --json | tr '}' '\n' | sed -n 's/.*"interrupts": *//p' | head -n 1)
	[ "$(guest_value rng_irqs)" -le "$raised" ] ||
		fail "the guest had $(guest_value rng_irqs) interrupts of $raised"
	stat_says '"vhost":true'
	guest_say go
	guest_end
	expect_guest state=done
}
