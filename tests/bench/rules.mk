# SPDX-License-Identifier: BSD-3-Clause
# `make bench`: the floor, the guests and the driver. Included by the Makefile, whose $(src), $(out),
# $(Q), $(warnings), $(say) and $(submake) it uses.

bench_out := $(out)/tests/bench
bench_guests := $(addprefix $(bench_out)/,start.elf port.elf idle.elf compute.elf)

.PHONY: bench
ifeq ($(ARCH),x86)

bench: $(program) $(bench_out)/bench $(bench_out)/floor $(bench_out)/floor_doorbell $(bench_out)/io $(bench_guests) $(bench_out)/doorbell.elf $(out)/tests/guest/hello.elf ## measure Bulkhead beside a bare KVM loop and QEMU, disk and network in an emulated machine
	+$(Q)$(submake) all
	$(Q)code=0; $(src)tests/bench/rig $(out) || code=$$?; $(src)tests/bench/cases $(out) || exit; \
	$(bench_out)/bench $(out) || exit; \
	[ $$code = 0 ] || echo "bench: disk and network were not measured in full, see above" >&2; \
	exit $$code

$(bench_out)/bench: $(addprefix $(bench_out)/,bench.o doorbell.o figures.o process.o)
	$(call say,LD,$@)
	$(Q)$(CC) $(ldflags) -o $@ $^ -ljansson -lm

$(bench_out)/floor $(bench_out)/floor_doorbell: $(bench_out)/%: $(bench_out)/%.o $(bench_out)/bare.o
	$(call say,LD,$@)
	$(Q)$(CC) $(ldflags) -o $@ $^

# For guests that have nothing else.
$(bench_out)/io: $(bench_out)/io.o
	$(call say,LD,$@)
	$(Q)$(CC) $(ldflags) -static -o $@ $^

# Ticks are of 10 ms.
$(bench_guests): $(bench_out)/%.elf: $(src)tests/bench/guest.S $(src)tests/bench/rules.mk
	$(call say,GUEST,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -m32 -nostdlib -static -no-pie -Wl,-N,-Ttext=0x100000,--build-id=none,-z,noexecstack \
		-Wl,--no-warn-rwx-segments -DGUEST_$(shell echo $* | tr a-z A-Z) \
		-DGUEST_EXITS=8000 -DGUEST_TICKS=200 -o $@ $<

# Two of these ring each other.
$(bench_out)/doorbell.elf: $(src)tests/bench/guest_doorbell.c $(src)tests/bench/doorbell.h \
		$(src)tests/bench/rules.mk
	$(call say,GUEST,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -m32 -O2 -std=gnu17 -ffreestanding -fno-builtin -mgeneral-regs-only -fno-pic -no-pie \
		-fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables $(warnings) \
		-I$(src) -nostdlib -static -Wl,-N,-Ttext=0x100000,--build-id=none,-z,noexecstack \
		-Wl,--no-warn-rwx-segments -o $@ $<

else

bench:
	@echo "SKIP bench: there is no floor for $(ARCH) yet; run it on an x86 host"

endif
