# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# net: in an emulated host, a guest of carillon and one of QEMU, each behind a tap, used by turns; with frames
# carried by the VMM and by the host's kernel. Both are there all the time, so that a turn is short. Lines
# "bench: VMM NAME VALUE" are for tests/bench/boot.
# shellcheck shell=sh
host=smp
limit=1800

# Processor time of the VMM in clock ticks (hundredths), with the kernel's threads for it, without the guest's.
ticks() {
	sed 's/.*) //' "/proc/$guest_pid/stat" | awk '{ print $12 + $13 - $41 }'
}

# What the guest's CPU has left the guest for.
exits() {
	cat /sys/kernel/debug/kvm/"$guest_pid"-*/$kvm_exits
}

# The guest's CPU on one processor, all that carries its frames on the other, with the other end. Left to the
# scheduler they wander, and the figures with them; and QEMU's emulated SVM ends a guest that wanders sooner or later.
pin() {
	vcpu=$(for task in "/proc/$guest_pid/task/"*; do
		echo "$(sed 's/.*) //' "$task/stat" | cut -d' ' -f41) ${task##*/}"
		taskset -p 1 "${task##*/}" >/dev/null
	done | sort -n | sed -n '$s/.* //p')
	taskset -p 2 "$vcpu" >/dev/null
}

# turn_to carillon|qemu: it has "the guest".
turn_to() {
	[ "$vmm" = "$1" ] || guest_other
	vmm=$1
}

# start_net VHOST: the guest of $vmm, with a network of its own.
start_net() {
	case $vmm in carillon) subnet=2 ;; *) subnet=3 ;; esac
	rm -f said
	params="quiet panic=-1 subnet=$subnet"
	# It is the script that has an argument.
	# shellcheck disable=SC2016
	printf '#!/bin/sh\nip addr add 10.0.%s.2/24 dev "$1" && ip link set "$1" up\n' "$subnet" >"$work/up$subnet"
	chmod +x "$work/up$subnet"
	guest_start netbench -n "tap,ifname=guest$subnet,script=$work/up$subnet,vhost=$1"
	guest_wait netbench=ready
	pin
}

# measure VHOST FIGURE COUNT: one turn of $vmm.
measure() {
	ticks=$(ticks)
	exits=$(exits)
	irqs=$(guest_value irqs)
	guest_say "$2 $3"
	guest_wait "$2_rate="
	guest_wait irqs=
	echo "bench: $vmm vhost_$1_$2_rate $(guest_value "$2_rate")"
	echo "bench: $vmm vhost_$1_$2_cpu_ms $((($(ticks) - ticks) * 10))"
	echo "bench: $vmm vhost_$1_$2_exits $(($(exits) - exits))"
	echo "bench: $vmm vhost_$1_$2_irqs $(($(guest_value irqs) - ${irqs:-0}))"
}

# measure_all VHOST: every figure of both, by turns.
measure_all() {
	for figure in out:64 in:64 sent:16000 got:16000 trips:1000; do
		case $((round % 2)) in 0) order="carillon qemu" ;; *) order="qemu carillon" ;; esac
		for turn in $order; do
			turn_to "$turn"
			measure "$1" "${figure%:*}" "${figure#*:}"
		done
	done
}

run() {
	use virtio
	mount -t debugfs debug /sys/kernel/debug
	taskset 1 netbench serve 5001 &
	server=$!
	patience=180
	vmm=carillon
	for vhost in off on; do
		turn_to carillon
		start_net $vhost
		turn_to qemu
		start_net $vhost
		round=0
		# The first round only warms the caches; tests/bench/boot leaves it out.
		while [ $round -le "$rounds" ]; do
			echo "bench: round $round"
			measure_all $vhost
			round=$((round + 1))
		done
		for turn in carillon qemu; do
			turn_to "$turn"
			guest_say end
			guest_end
		done
	done
	kill "$server"
}
