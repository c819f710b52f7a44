# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# What an architecture adds to the core, and how it is built on a machine of another kind: with
# Debian's cross compiler, and with headers and libraries that tools/fetch unpacks.

ROOMS_x86 := x86
ROOMS_arm64 := arm fdt
ROOMS_powerpc := powerpc fdt
MACHINE_x86 := x86_64
MACHINE_arm64 := aarch64
MACHINE_powerpc := ppc64le
TRIPLE_x86 := x86_64-linux-gnu
TRIPLE_arm64 := aarch64-linux-gnu
TRIPLE_powerpc := powerpc64le-linux-gnu
# POWER's instructions take the most room, and none of ours are between a guest and its devices' data.
OPTIMIZE := -O2
OPTIMIZE_powerpc := -Os
LIBS_arm64 := -l:libfdt.a
LIBS_powerpc := -l:libfdt.a

ifeq ($(ROOMS_$(ARCH)),)
$(error there is no ARCH=$(ARCH); it is x86, arm64 or powerpc)
endif

TRIPLE := $(TRIPLE_$(ARCH))
ifeq ($(shell uname -m),$(MACHINE_$(ARCH)))
CROSS :=
SYSROOT :=
else
CROSS := $(TRIPLE)-
# Links into the cache of tools/fetch.
SYSROOT := build/sysroot-$(ARCH)
SYSROOT_LIBS := libfdt zlib zstd
SYSROOT_CFLAGS := $(patsubst %,-isystem $(SYSROOT)/%/usr/include,$(SYSROOT_LIBS)) \
	$(addprefix -isystem $(SYSROOT)/kernel-headers/usr/include,/$(TRIPLE) /)
SYSROOT_LDFLAGS := $(patsubst %,-L$(SYSROOT)/%/usr/lib/$(TRIPLE),$(SYSROOT_LIBS))

$(SYSROOT)/ready: tools/sets
	@mkdir -p $(@D)
	@ln -sfn "$$(tools/fetch kernel-headers)" $(@D)/kernel-headers
	@for lib in $(SYSROOT_LIBS); do \
		ln -sfn "$$(tools/fetch $$lib-$(ARCH))" $(@D)/$$lib || exit; \
	done
	@touch $@
SYSROOT_READY := $(SYSROOT)/ready
endif

# make's own default would be the machine's compiler.
ifeq ($(origin CC),default)
CC := $(CROSS)gcc
endif
AR := $(CROSS)ar
STRIP := $(CROSS)strip
