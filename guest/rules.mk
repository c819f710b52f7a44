# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# Programs for guests that drive devices themselves. x86: $B/guest/NAME.elf, bare-metal, of 32 bits, with
# a PVH note. Elsewhere $B/guest/NAME, for root in a guest's Linux.

ifeq ($(ARCH),x86)
GUESTS := bench-disk bench-net edu hostile-virtio inflight probe testdev vsock
GUEST_CC ?= gcc
GUEST_CFLAGS := -m32 -march=i686 -mno-sse -mno-mmx -ffreestanding -fno-pie -fno-stack-protector \
	-fno-asynchronous-unwind-tables -std=gnu11 -O2 $(WARN)

$B/guest/%.o: guest/%.c guest/lib.h guest/ports.h guest/virtio.h guest/ring.h guest/bench.h
	@mkdir -p $(@D)
	$(call say,CC  ,$@)
	$(Q)$(GUEST_CC) $(GUEST_CFLAGS) -c -o $@ $<

$B/guest/%.o: guest/%.S
	@mkdir -p $(@D)
	$(call say,AS  ,$@)
	$(Q)$(GUEST_CC) -m32 -c -o $@ $<

$B/guest/%.elf: $B/guest/start.o $B/guest/lib.o $B/guest/pci.o $B/guest/%.o guest/link.ld
	$(call say,LINK,$@)
	$(Q)ld -m elf_i386 -T guest/link.ld -z noexecstack --no-warn-rwx-segments --build-id=none \
		-o $@ $(filter %.o,$^)

$B/guest/hostile-virtio.elf $B/guest/vsock.elf: $B/guest/virtio.o
$B/guest/inflight.elf: $(addprefix $B/guest/,virtio.o ring.o)
$B/guest/bench-disk.elf $B/guest/bench-net.elf: $(addprefix $B/guest/,virtio.o ring.o bench.o)

guest: $(GUESTS:%=$B/guest/%.elf)
.SECONDARY: $(addprefix $B/guest/,start.o lib.o pci.o virtio.o ring.o bench.o) $(GUESTS:%=$B/guest/%.o)
else
# It maps memory and BARs where they are physically, which is nowhere near this.
GUEST_PROGRAM_AT := 0x300000000000

$B/guest/hostile-virtio: $(addprefix guest/,hostile-virtio.c linux.c pci.c virtio.c) guest/lib.h guest/virtio.h
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE -O2 $(WARN) -static -Wl,-Ttext-segment=$(GUEST_PROGRAM_AT) -o $@ $(filter %.c,$^)

guest: $B/guest/hostile-virtio
endif
.PHONY: guest
