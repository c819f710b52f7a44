# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# Formatting and static analysis. Releases of clang-format differ in what they print, so the check
# counts only where it is the release that the code was formatted with.

ALL_C := $(wildcard *.c */*.c tests/bench/*.c tests/peers/*.c tests/fuzz/*.c tests/unit/*.c tests/unit/*/*.c)
ALL_H := $(wildcard */*.h tests/fuzz/*.h tests/unit/*.h tests/unit/*/*.h)
# What all architectures share is analysed once, as x86 sees it.
ANALYSED := $(if $(filter x86,$(ARCH)),$(LIB_SRC) $(CMD_SRC),$(wildcard $(addsuffix /*.c,$(ROOMS_$(ARCH)))))
FORMAT_RELEASE := 14
FORMAT := $(firstword $(shell command -v clang-format-$(FORMAT_RELEASE)) clang-format)
SCRIPTS = $(shell git grep -lE '^\#!/bin/(ba)?sh' -- . ':!*.c') $(wildcard tests/hosts/*.sh tests/hosts/*/*.sh tests/hosts/*/*/*.sh)

format:
	$(FORMAT) -i $(ALL_C) $(ALL_H)

format-check:
	@if $(FORMAT) --version | grep -q 'version $(FORMAT_RELEASE)\.'; then \
		$(FORMAT) --dry-run -Werror $(ALL_C) $(ALL_H); \
	else \
		echo "not checked: needs clang-format $(FORMAT_RELEASE)"; \
	fi

TIDY := $(ANALYSED:%.c=$B/tidy/%.ok)

$B/tidy/%.ok: %.c .clang-tidy $(ALL_H) | $(SYSROOT_READY)
	@mkdir -p $(@D)
	clang-tidy --quiet $< -- $(if $(CROSS),--target=$(TRIPLE)) $(SYSROOT_CFLAGS) \
		$(filter-out -MMD -MP,$(BASE_CFLAGS))
	@touch $@

tidy: $(TIDY)

# Later releases stop early in branchy functions, and complain of it, unless told not to.
CPPCHECK_LEVEL = $(if $(shell cppcheck --help | grep check-level),--check-level=exhaustive)

cppcheck:
	cppcheck --quiet $(CPPCHECK_LEVEL) --std=c11 --error-exitcode=1 --inline-suppr -Iinclude \
		--enable=warning,performance,portability $(ANALYSED)

shellcheck:
	shellcheck $(SCRIPTS)

lint: format-check tidy cppcheck shellcheck

.PHONY: format format-check tidy cppcheck shellcheck lint
