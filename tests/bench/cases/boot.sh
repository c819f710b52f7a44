# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# boot: in an emulated host, the same guest with the same NVMe under carillon and QEMU by
# turns, and what each costs. Lines "bench: VMM NAME VALUE" are for tests/bench/boot.
# shellcheck shell=sh
host=smp
limit=900

events=/sys/kernel/tracing/events/kvm/kvm_userspace_exit

bench_say() {
	echo "bench: $vmm $1 $2"
}

# In hundredths of a second.
now() {
	sed 's/\.\([0-9]*\) .*/\1/' /proc/uptime
}

# Processor time of the VMM in clock ticks (hundredths): user without the guest's, and system.
user_ticks() {
	sed 's/.*) //' "/proc/$guest_pid/stat" | awk '{ print $12 - $41 }'
}

system_ticks() {
	sed 's/.*) //' "/proc/$guest_pid/stat" | awk '{ print $13 }'
}

# Exits from KVM_RUN to the VMM since the trigger was set.
userspace_exits() {
	sed -n 's/^ *Hits: *//p' "$events/hist"
}

# Memory only this process has, in KiB, beyond the guest's.
own_memory() {
	awk -v guest=$((256 * 1024)) '/^Private_/ { n += $2 } END { print n - guest }' \
		"/proc/$guest_pid/smaps_rollup"
}

# The guest on one processor, its device's interrupts on the other. Left to the scheduler the guest's
# CPU wanders, and whether it shares the processor with the interrupts then decides how many reads
# one interrupt completes, and so the figures at depth 32 (by a factor of 1.7 between two boots).
pin() {
	[ "$(nproc)" -gt 1 ] || return 0
	for task in "/proc/$guest_pid/task/"*; do
		taskset -p 2 "${task##*/}"
	done
	sed -n 's/^ *\([0-9]*\):.* vfio-.*/\1/p' /proc/interrupts | while read -r irq; do
		echo 1 >"/proc/irq/$irq/smp_affinity"
	done
}

measure() {
	rm -f said
	echo 'hist:keys=reason' >"$events/trigger"
	begin=$(now)
	guest_start pause,bench,pause --vfio "$nvme"
	guest_wait state=up
	bench_say boot_ms $((($(now) - begin) * 10))
	# What of it the guest's kernel counts; the rest is the VMM, the loader and unpacking.
	bench_say kernel_ms "$(guest_value uptime | tr -d . | sed 's/^0*//; s/$/0/')"
	guest_wait state=paused
	user=$(user_ticks)
	system=$(system_ticks)
	bench_say boot_user_ms $((user * 10))
	bench_say boot_system_ms $((system * 10))
	bench_say boot_exits "$(userspace_exits)"
	bench_say memory_kib "$(own_memory)"
	[ "$vmm" = qemu ] || exits=$(exits_but_console)
	pin
	guest_say go
	guest_wait state=paused
	# All that data and interrupts could cause.
	[ "$vmm" = qemu ] || bench_say io_exits $(($(exits_but_console) - exits))
	bench_say io_user_ms $((($(user_ticks) - user) * 10))
	bench_say io_system_ms $((($(system_ticks) - system) * 10))
	bench_say io_memory_kib "$(own_memory)"
	disk_figures
	[ "$vmm" = qemu ] || carillon stat "$case_name" --json
	guest_say go
	guest_end
	echo '!hist:keys=reason' >"$events/trigger"
}

# disk_figures: what the guest has found of its disk.
disk_figures() {
	for figure in qd1_iops qd32_iops seq_mibs; do
		sed -n "s/.*GUEST: $figure=//p" said | tr -d '\r' | while read -r value; do
			bench_say $figure "$value"
		done
	done
}

# What both need before the first round.
make_ready() {
	echo vfio-pci >"/sys/bus/pci/devices/$nvme/driver_override"
	echo "$nvme" >/sys/bus/pci/drivers_probe
}

run() {
	mount -t tracefs trace /sys/kernel/tracing
	make_ready
	round=0
	# The first round only warms the caches; tests/bench/boot leaves it out.
	while [ $round -le "$rounds" ]; do
		echo "bench: round $round"
		# Whoever is second may find something warm; so they take turns at that too.
		case $((round % 2)) in 0) order="carillon qemu" ;; *) order="qemu carillon" ;; esac
		for vmm in $order; do
			measure
		done
		round=$((round + 1))
	done
}
