# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# vsock-hybrid: Unix sockets of the host and ports of the guest reach each other, several at a time, and
# peers that go away, or never say what they want, are in nobody's way.
# shellcheck shell=sh
host=virtio
long="arm64 powerpc"

# How connections are tried: vsockcat's check; with how many bytes, if not as many as there is time for; and how
# many peers never say what they want.
how="check"
bytes=
silent=200

# sockets_work OPTION...: what must hold of a guest whose ports are behind v.sock, whoever serves them.
sockets_work() {
	params="$params vsock_connections=8 vsock_how=$how ${bytes:+vsock_bytes=$bytes}"
	# They outlive the guest: an end of theirs would interrupt the shell while it reads a line.
	vsockcat echo v.sock_6000 99 &
	servers=$!
	vsockcat echo v.sock_6001 99 &
	servers="$servers $!"
	guest_start vsock_check,vsock_echo,pause "$@"
	guest_wait listening=
	expect_guest to_host_good=4 refused=1 then_good=1
	vsockcat refused v.sock@4999 | grep -x refused=1 || fail "a port where nobody listens is not refused"
	vsockcat hold v.sock $silent >held &
	servers="$servers $!"
	until grep -q held=$silent held; do usleep 10000; done
	vsockcat drop v.sock@5000 "${bytes:-100000}" || fail "can't send"
	vsockcat "$how" v.sock@5000 "${bytes:-2097152}" 4 || fail "what the guest sent back is not what it was sent"
	vsockcat "$how" v.sock@5000 0 3 || fail "connections without a byte"
	guest_wait_calm
}

run() {
	carillon_only
	# shellcheck source=/dev/null
	. /share/backends.sh
	use virtio
	vsockcat echo v.sock 99 &
	wait_for_sockets v.sock
	refuses_run "v.sock: another process listens there" --vsock cid=3,uds=v.sock
	# Now nobody listens there, and it is taken over.
	kill $!
	sockets_work --vsock cid=3,uds=v.sock
	stat_says '"broken":0'
	guest_say go
	guest_end
	[ ! -e v.sock ] || fail "the socket is still there"
	# Three words.
	# shellcheck disable=SC2086
	kill $servers
}
