# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# refuse-net: networks that can't be had: each message says what to do, and no tap is left behind.
# shellcheck shell=sh
host=virtio
long="arm64 powerpc"

# as_user TEXT OPTION...: refused to somebody who isn't root.
as_user() {
	text=$1
	shift
	refuses "$text" su -s /bin/sh user -c "cd /tmp && exec $vmm run -k $kernel -m 128M --name $case_name $*"
}

run() {
	carillon_only
	use virtio
	refuses_run 'lo: that interface is no tap' -n tap,ifname=lo
	refuses_run 'fd 50: no such file is open' -n fd=50
	refuses_run 'script /bin/false: it ended with status 1' -n tap,ifname=scripted,script=/bin/false
	# shellcheck disable=SC2016
	printf '#!/bin/sh\nkill -TERM "$PPID"\nexec sleep 1000\n' >"$work/hangs"
	chmod +x "$work/hangs"
	refuses_run 'hangs: stopped by signal 15 (Terminated)' -n "tap,ifname=scripted,script=$work/hangs"
	maketap single 0 || fail "no tap"
	maketap own 1000 || fail "no tap"
	refuses_run 'mode tap multi_queue' -n tap,ifname=single,queues=2
	chmod 666 /dev/kvm
	as_user 'no right to open /dev/net/tun' -n tap
	# As udev has it.
	chmod 666 /dev/net/tun
	as_user 'ip tuntap add dev guest7 mode tap user 1000' -n tap,ifname=guest7
	# The user may have the first one.
	as_user 'single: the tap belongs to another user' -n tap,ifname=own -n tap,ifname=single
	tunctl -d own >/dev/null
	tunctl -d single >/dev/null
	chmod 600 /dev/kvm
	[ "$(cd /sys/class/net && echo *)" = lo ] || fail "left over: $(cd /sys/class/net && echo *)"
	mv /dev/vhost-net /dev/vhost-net.hidden
	refuses_run 'modprobe vhost_net' -n tap,vhost=on
	mv /dev/vhost-net.hidden /dev/vhost-net
	hide /dev/net/tun
	refuses_run 'modprobe tun' -n tap
}
