# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# make fuzz: the fuzz targets, build/fuzz/NAME, one for each tests/fuzz/NAME.c but device.c.
# make fuzz-run [SECONDS=N] [FUZZ=NAME]: each for so long, from the seeds of tests/fuzz/seeds and
# from what earlier runs have found (build/fuzz/corpus/NAME).

F := build/fuzz
SECONDS ?= 60
FUZZ ?= $(filter-out device,$(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c)))
FUZZ_FLAGS := -O1 -g -fno-omit-frame-pointer -fno-sanitize-recover=all
FUZZ_SANITIZE := address,undefined
# What a guest or a file feeds; the rest of the machine is not needed for that.
FUZZ_LIB := $(filter-out machine/% vfio/% $(addsuffix /%,$(ROOMS_$(ARCH))),$(LIB_SRC))
FUZZ_OBJ := $(FUZZ_LIB:%.c=$F/%.o) $F/tests/fuzz/device.o

$F/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC  ,$@)
	$(Q)clang $(BASE_CFLAGS) $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link,$(FUZZ_SANITIZE) -c -o $@ $<

$(FUZZ:%=$F/%): $F/%: $F/tests/fuzz/%.o $(FUZZ_OBJ)
	$(call say,LINK,$@)
	$(Q)clang -pthread $(FUZZ_FLAGS) -fsanitize=fuzzer,$(FUZZ_SANITIZE) -o $@ $^ $(LIBS)

fuzz: $(FUZZ:%=$F/%)

# What the code under test says of each broken ring is not for the terminal (close_fd_mask).
fuzz-run: fuzz
	tests/fuzz/seeds $F/seeds
	mkdir -p $(FUZZ:%=$F/corpus/%) $(FUZZ:%=$F/seeds/%)
	printf '%s\n' $(FUZZ) | xargs -P "$$(nproc)" -I{} env $F/{} -max_total_time=$(SECONDS) \
		-close_fd_mask=3 -print_final_stats=1 -rss_limit_mb=1024 -timeout=10 \
		-artifact_prefix=$F/{}-crash- $F/corpus/{} $F/seeds/{}

-include $(FUZZ_OBJ:.o=.d) $(FUZZ:%=$F/tests/fuzz/%.d)
.SECONDARY: $(FUZZ:%=$F/tests/fuzz/%.o)
.PHONY: fuzz fuzz-run
