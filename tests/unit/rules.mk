# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# Unit tests: one Criterion program from all tests/unit/*.c, built with ASan and UBSan.

U := build/unit-$(ARCH)
UNIT_CFLAGS := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
UNIT_SRC := $(LIB_SRC) cmd/run_options.c $(sort $(wildcard tests/unit/*.c tests/unit/$(ARCH)/*.c))
UNIT_OBJ := $(UNIT_SRC:%.c=$U/%.o)

$U/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC  ,$@)
	$(Q)$(CC) $(BASE_CFLAGS) $(UNIT_CFLAGS) -c -o $@ $<

# The suite links all but main.c and what prints: the commands.
$U/unit: $(UNIT_OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) -pthread $(UNIT_CFLAGS) -o $@ $^ -lcriterion

check: $U/unit
	$U/unit --jobs 2

-include $(UNIT_OBJ:.o=.d)
.PHONY: check
