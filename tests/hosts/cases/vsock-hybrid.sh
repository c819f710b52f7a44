# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# vsock-hybrid: Unix sockets of the host and ports of the guest reach each other, several at a time, and
# peers that go away, or never say what they want, are in nobody's way.
# shellcheck shell=sh
host=virtio
long="arm64 powerpc"

run() {
	carillon_only
	use virtio
	params="$params vsock_connections=8"
	vsockcat echo v.sock 99 &
	until [ -S v.sock ]; do usleep 10000; done
	refuses_run "v.sock: another process listens there" --vsock cid=3,uds=v.sock
	# Now nobody listens there, and it is taken over.
	kill $!
	# They outlive the guest: an end of theirs would interrupt the shell while it reads a line.
	vsockcat echo v.sock_6000 99 &
	servers=$!
	vsockcat echo v.sock_6001 99 &
	servers="$servers $!"
	guest_start vsock_check,vsock_echo,pause --vsock cid=3,uds=v.sock
	guest_wait listening=
	expect_guest to_host_good=4 refused=1 then_good=1
	vsockcat refused v.sock@4999 | grep -x refused=1 || fail "a port where nobody listens is not refused"
	vsockcat hold v.sock 200 >held &
	servers="$servers $!"
	until grep -q held=200 held; do usleep 10000; done
	vsockcat drop v.sock@5000 100000 || fail "can't send"
	vsockcat check v.sock@5000 2097152 4 || fail "what the guest sent back is not what it was sent"
	vsockcat check v.sock@5000 0 3 || fail "connections without a byte"
	guest_wait_calm
	stat_says '"broken":0'
	guest_say go
	guest_end
	[ ! -e v.sock ] || fail "the socket is still there"
	# Two or more words.
	# shellcheck disable=SC2086
	kill $servers
}
