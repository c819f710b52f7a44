# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# vsock-vhost: the host's kernel serves the guest's sockets, in both directions, several at a time.
# shellcheck shell=sh
host=virtio
long="x86 arm64 powerpc"

run() {
	carillon_only
	use virtio
	params="$params vsock_connections=4"
	# They outlive the guest: an end of theirs would interrupt the shell while it reads a line.
	vsockcat echo any:6000 99 &
	servers=$!
	vsockcat echo any:6001 99 &
	servers="$servers $!"
	guest_start vsock_check,vsock_echo,pause --vsock 42
	guest_wait listening=
	expect_guest to_host_good=4 refused=1 then_good=1
	vsockcat check 42:5000 2097152 4 || fail "what the guest sent back is not what it was sent"
	guest_wait_calm
	refuses_run "CID 42 is another machine's" --vsock 42 --name another
	hide /dev/vhost-vsock
	refuses_run "modprobe vhost_vsock" --vsock 43 --name another
	guest_say go
	guest_end
	# Two words.
	# shellcheck disable=SC2086
	kill $servers
}
