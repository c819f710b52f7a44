# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# board: the guest's clock tells the time, and its CPUs have what was asked for.
# shellcheck shell=sh
host=smp

# features_of OPTION...: what a guest says of its board.
features_of() {
	guest_start board "$@"
	guest_end
	expect_guest rtc_name=rtc-pl031 state=done
	ahead=$(($(guest_value rtc) - $(date +%s)))
	if [ "$ahead" -gt 0 ] || [ "$ahead" -le -120 ]; then
		fail "the guest's clock is $ahead s ahead"
	fi
	features=" $(guest_value features) "
	pmu=$(guest_value pmu)
}

run() {
	carillon_only
	features_of
	case $features in *" sve "*) ;; *) fail "no SVE, which the host has" ;; esac
	case $features in *" paca "*) ;; *) fail "no pauth, which the host has" ;; esac
	[ "$pmu" != 'armv8_pmu*' ] || fail "no PMU, which the host has"

	features_of --cpu sve=off,pauth=off,pmu=off
	case $features in *" sve "* | *" paca "*) fail "not switched off: $features" ;; esac
	[ "$pmu" = 'armv8_pmu*' ] || fail "not switched off: $pmu"

	refuses_run "--cpu mte=on: this host's KVM can't" --cpu mte=on
	refuses_run "what is 'sme=on'" --cpu sme=on
}
