# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# Benchmarks that are programs: $B/bench/NAME, for this machine's own KVM.

$B/bench/%: tests/bench/%.c $B/libcarillon.a
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(BASE_CFLAGS) $(SYSROOT_CFLAGS) $(CFLAGS) $(LDFLAGS) $(SYSROOT_LDFLAGS) -o $@ \
		$(filter %.c %.a,$^) $(LIBS)

-include $(wildcard $B/bench/*.d)
