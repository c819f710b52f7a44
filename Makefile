# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# make [ARCH=x86|arm64] [STATIC=1]: build/ARCH/carillon, and with STATIC=1 build/ARCH/carillon-static.
# make check: unit tests under ASan and UBSan; make golden: what they compare with, anew.
# make lint: clang-format, clang-tidy, cppcheck.

ARCH ?= x86
B := build/$(ARCH)
VERSION := 0.1.0

all:

include tools/arch.mk

CFLAGS ?= $(or $(OPTIMIZE_$(ARCH)),$(OPTIMIZE)) -g
WARN := -Wall -Wextra -Werror -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wvla
BASE_CFLAGS := -std=gnu11 -D_GNU_SOURCE -DCARILLON_VERSION='"$(VERSION)"' -Iinclude -pthread \
	-fstack-protector-strong -ffunction-sections -fdata-sections -MMD -MP $(WARN)
ROOMS := base vm pci hw net disk vfio virtio machine $(ROOMS_$(ARCH))
# Archives on all architectures: the static binary has them, and others need no more than libc.
LIBS := $(LIBS_$(ARCH)) -l:libz.a -l:libzstd.a

LIB_SRC := $(sort $(wildcard $(addsuffix /*.c,$(ROOMS))))
CMD_SRC := main.c $(sort $(wildcard cmd/*.c))
LIB_OBJ := $(LIB_SRC:%.c=$B/%.o)
CMD_OBJ := $(CMD_SRC:%.c=$B/%.o)

# V=1 shows the commands, -s nothing.
Q := $(if $(V),,@)
say = $(if $(V)$(findstring s,$(firstword -$(MAKEFLAGS))),,@echo "  $1" $2)

all: $B/carillon $(if $(STATIC),$B/carillon-static)

$B/%.o: %.c | $(SYSROOT_READY)
	@mkdir -p $(@D)
	$(call say,CC  ,$@)
	$(Q)$(CC) $(BASE_CFLAGS) $(SYSROOT_CFLAGS) $(CFLAGS) -c -o $@ $<

$B/libcarillon.a: $(LIB_OBJ)
	@rm -f $@
	$(call say,AR  ,$@)
	$(Q)$(AR) rcs $@ $^

$B/carillon: $(CMD_OBJ) $B/libcarillon.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) $(SYSROOT_LDFLAGS) -pthread -Wl,--gc-sections -o $@ $^ $(LIBS)

$B/carillon-static: $(CMD_OBJ) $B/libcarillon.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) $(SYSROOT_LDFLAGS) -static -pthread -Wl,--gc-sections -o $@ $^ $(LIBS)
	$(Q)$(STRIP) $@

include tests/unit/rules.mk
include tests/bench/rules.mk
include tests/fuzz/rules.mk
-include guest/rules.mk
include tools/lint.mk
-include $(LIB_OBJ:.o=.d) $(CMD_OBJ:.o=.d)

PREFIX ?= /usr/local

install: $B/carillon
	install -D -m 755 $B/carillon $(DESTDIR)$(PREFIX)/bin/carillon
	install -D -m 644 docs/carillon.1 $(DESTDIR)$(PREFIX)/share/man/man1/carillon.1

clean:
	rm -rf build

.PHONY: all install clean
