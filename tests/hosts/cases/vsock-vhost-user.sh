# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# vsock-vhost-user: the same as vsock-hybrid, by rust-vmm's vhost-device-vsock behind vhost-user. It knows no end of
# one direction, and hangs after much data in both directions at once (rust-vmm/vhost-device, issue 494).
# shellcheck shell=sh
# shellcheck source=/dev/null
. "$cases/vsock-hybrid.sh"
host=virtio
limit=500
long="x86 arm64 powerpc"

run() {
	carillon_only
	# shellcheck source=/dev/null
	. /share/backends.sh
	patience=120
	need vhost-device-vsock
	use virtio
	vsock_start
	wait_for_sockets vsock.sock
	how="talk"
	bytes=4000
	silent=2
	sockets_work --vhost-user vsock,socket=vsock.sock
	stat_says '"connected":true,"losses":0'
	guest_say go
	guest_end
	# Several words.
	# shellcheck disable=SC2086
	kill $servers "$vsock_pid"
}
