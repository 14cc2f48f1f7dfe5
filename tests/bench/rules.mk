# SPDX-License-Identifier: BSD-3-Clause
# `make bench`: the floor, the guests and the driver. Included by the Makefile, whose $(src), $(out),
# $(Q), $(warnings), $(say) and $(submake) it uses.

bench_out := $(out)/tests/bench
bench_guests := $(addprefix $(bench_out)/,start.elf port.elf idle.elf compute.elf)

.PHONY: bench
ifeq ($(ARCH),x86)

bench: $(program) $(bench_out)/bench $(bench_out)/floor $(bench_out)/io $(bench_guests) ## measure Bulkhead beside a bare KVM loop and QEMU, disk and network in an emulated machine
	+$(Q)$(submake) STATIC=1
	$(Q)$(src)tests/bench/rig $(out)
	$(Q)$(bench_out)/bench $(out)

$(bench_out)/bench: $(bench_out)/bench.o $(bench_out)/process.o
	$(call say,LD,$@)
	$(Q)$(CC) $(ldflags) -o $@ $^ -ljansson -lm

$(bench_out)/floor: $(bench_out)/floor.o
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

else

bench:
	@echo "SKIP bench: there is no floor for $(ARCH) yet; run it on an x86 host"

endif
