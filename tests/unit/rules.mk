# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# Unit tests: one Criterion program from tests/unit/*.c and those of the architecture, built
# with ASan and UBSan for the machine that builds, whatever the architecture. Of another one that is
# what is pure; what needs its KVM's headers, and machine/, which needs all of it, are left out. Of
# POWER only what sets registers is: its <asm/kvm.h> has no more than structures, and the
# linker turns calls to the host's DMA windows to tests/unit/powerpc/partition.c. On all machines it
# turns the system calls that drive devices and KVM to tests/unit/calls.c.

U := build/unit-$(ARCH)
comma := ,
UNIT_CFLAGS := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
UNIT_CC ?= $(if $(CROSS),gcc,$(CC))
UNIT_LIB_x86 := $(LIB_SRC)
UNIT_LIB_arm64 := $(filter-out arm/% machine/%,$(LIB_SRC)) machine/map.c machine/spaces.c \
	$(addprefix arm/,advice.c bank.c fdt.c image.c irqchip.c layout.c v2m.c)
UNIT_LIBS_arm64 := -lfdt
UNIT_LIB_powerpc := $(filter-out machine/% powerpc/vcpu.c,$(LIB_SRC)) machine/map.c \
	machine/spaces.c
UNIT_WRAPS := ioctl pread pwrite pwritev fdatasync fallocate mmap munmap
UNIT_WRAPS_powerpc := vfio_function_group $(addprefix vfio_spapr_,info default_window \
	create_window remove_window map unmap accelerate)
UNIT_LIBS_powerpc := -lfdt
# Architectures with device trees compare them with golden ones.
UNIT_FDT := $(if $(filter fdt,$(ROOMS_$(ARCH))),$(wildcard tests/unit/fdt/*.c))
# Tests of what all architectures share run once: in the program of the machine that builds. What is
# not a test but helps with them is in every program, and so are those that look at the architecture.
UNIT_HELPERS := $(addprefix tests/unit/,calls.c folder.c recorder.c vfio_fake.c vfio_fake_irqs.c \
	vfio_guest.c run_options.c)
UNIT_COMMON := $(if $(CROSS),$(UNIT_HELPERS),$(wildcard tests/unit/*.c))
UNIT_SRC := $(UNIT_LIB_$(ARCH)) cmd/run_options.c cmd/run_devices.c cmd/check_text.c cmd/stat_text.c \
	$(UNIT_FDT) \
	$(sort $(UNIT_COMMON) $(wildcard tests/unit/$(ARCH)/*.c))
# Only this header: the others beside it are for POWER's system calls.
ifneq ($(CROSS),)
UNIT_HEADER_powerpc := $U/include/asm/kvm.h
UNIT_CFLAGS_powerpc := -isystem $U/include
endif
UNIT_OBJ := $(UNIT_SRC:%.c=$U/%.o)

$U/include/asm/kvm.h: | $(SYSROOT_READY)
	@mkdir -p $(@D)
	@ln -sf $(CURDIR)/$(SYSROOT)/kernel-headers/usr/include/$(TRIPLE)/asm/kvm.h $@

$U/%.o: %.c | $(UNIT_HEADER_$(ARCH))
	@mkdir -p $(@D)
	$(call say,CC  ,$@)
	$(Q)$(UNIT_CC) $(BASE_CFLAGS) $(UNIT_CFLAGS_$(ARCH)) $(UNIT_CFLAGS) -c -o $@ $<

# The suite links all but main.c and what prints: the commands.
$U/unit: $(UNIT_OBJ)
	$(call say,LINK,$@)
	$(Q)$(UNIT_CC) -pthread $(UNIT_CFLAGS) -o $@ $^ -lcriterion -lz -lzstd $(UNIT_LIBS_$(ARCH)) \
		$(addprefix -Wl$(comma)--wrap=,$(UNIT_WRAPS) $(UNIT_WRAPS_$(ARCH)))

# The program made of the same objects, for guests that try it (tests/kvm/run).
$U/carillon: $(CMD_SRC:%.c=$U/%.o) $(LIB_SRC:%.c=$U/%.o)
	$(call say,LINK,$@)
	$(Q)$(UNIT_CC) -pthread $(UNIT_CFLAGS) -o $@ $^ $(LIBS)

check: $U/unit
	$U/unit --jobs 2

# Write anew what tests compare with. What has changed is to be read before it is committed.
golden: $U/unit
	GOLDEN=write $U/unit --filter '*/golden'

-include $(UNIT_OBJ:.o=.d) $(CMD_SRC:%.c=$U/%.d)
.PHONY: check golden
