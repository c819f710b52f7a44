# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# virtio-console: a MiB passes the virtio console both ways unharmed, though the guest begins to read late.
# shellcheck shell=sh
host=virtio
long="arm64 powerpc"

run() {
	carillon_only
	use virtio
	params="$params hvc=$virtio_hvc typed=1048576"
	guest_start hvc,pause,echo,pause --console virtio
	guest_wait state=paused
	# The guest has read nothing yet: what does not fit waits in the pipe.
	yes "$mark 0123456789" | head -c 1048576 >typed
	(echo go && cat typed) >&4
	guest_wait state=echo
	expect_guest "typed=$(sha256sum <typed | cut -c1-64)"
	head -c 1048576 <&3 >echoed
	cmp typed echoed || fail "what came back is not what was typed"
	guest_wait_calm
	[ "$(counter received_bytes)" -ge 1048576 ] || fail "the device took $(counter received_bytes) bytes"
	stat_says '"lost_bytes":0'
	guest_say go
	guest_end
}
