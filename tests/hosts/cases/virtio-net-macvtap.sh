# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# virtio-net-macvtap: a macvtap that was opened before: the guest has its address, and the host answers it.
# shellcheck shell=sh
host=virtio
limit=300
long="x86 arm64 powerpc"

run() {
	carillon_only
	use virtio
	ip link add wire0 type veth || fail "no veth"
	other=$(ip link | sed -n 's/.* \(veth[0-9]*\)@wire0.*/\1/p')
	ip link add link wire0 name mactap0 type macvtap || fail "no macvtap"
	ip addr add 10.0.2.2/24 dev "$other"
	ip link set "$other" up
	ip link set wire0 up
	ip link set mactap0 up
	exec 9<>"/dev/tap$(cat /sys/class/net/mactap0/ifindex)"
	guest_start net,mac,pause,net -n fd=9,vhost=off
	guest_wait_calm
	expect_guest ping=3 "mac=$(cat /sys/class/net/mactap0/address)"
	guest_say go
	guest_end
	exec 9<&-
	ip link del wire0
}
