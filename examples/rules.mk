# SPDX-License-Identifier: BSD-3-Clause
# Freestanding x86 images: the guest library, the examples over it, and the images of tests/guest/.
# Included by the Makefile, whose $(src), $(out), $(Q), $(warnings) and $(say) it uses.
#
#   examples/NAME/*.c, *.S  ->  $(out)/examples/NAME.elf     for each NAME in guest_examples
#   tests/guest/NAME.c      ->  $(out)/tests/guest/NAME.elf  over the library
#   tests/guest/NAME.S      ->  $(out)/tests/guest/NAME.elf  alone
#
# Objects are in $(out)/guest/: the same source may be compiled for the host elsewhere. Images hold
# 64-bit code in 32-bit ELF files, which every multiboot loader takes.

guest_examples := safety-hello heartbeat

.PHONY: examples guest-images
ifeq ($(ARCH),x86)

guest_cc := $(CC)
guest_objcopy := $(CROSS_COMPILE)objcopy
guest_lib := examples/guestlib
guest_flags := -m64 -O2 -g -ffreestanding -fno-builtin -mgeneral-regs-only -mno-red-zone \
	-fno-pic -fno-pie -fno-stack-protector -fcf-protection=none -fno-strict-aliasing \
	-fno-common -fno-omit-frame-pointer -fno-asynchronous-unwind-tables \
	-I$(src)$(guest_lib) -I$(src)$(guest_lib)/x86 -I$(src)include -DGUEST_STACK_SIZE=16384 \
	-DGUEST_CPUS_MAX=64
guest_cflags := -std=gnu17 $(guest_flags)
guest_script := $(src)$(guest_lib)/x86/guest.ld
guest_link = $(guest_cc) $(guest_base) -m64 -nostdlib -static -Wl,--build-id=none,-z,noexecstack \
	-Wl,-z,max-page-size=4096,--no-warn-rwx-segments -Wl,-T,$(guest_script)

# From source to object names; and what the library consists of, the entry code left out, of which
# there is one for each way of being loaded.
guest_objects = $(patsubst $(src)%,$(out)/guest/%.o,$(basename \
	$(wildcard $(addprefix $(src),$(1)))))
guest_archive := $(out)/guest/guestlib.a
guest_entry := $(out)/guest/start

guest_test_c := $(patsubst $(src)%.c,$(out)/%.elf,$(wildcard $(src)tests/guest/*.c))
guest_test_s := $(patsubst $(src)%.S,$(out)/%.elf,$(wildcard $(src)tests/guest/*.S))
guest_test_images := $(guest_test_c) $(guest_test_s) \
	$(addprefix $(out)/tests/guest/,multiboot2.elf plain.elf plain.bin) \
	$(foreach name,regs machine ending,$(foreach vm,0 1,$(out)/tests/guest/fusa-$(name)-$(vm).bin))
guest_images := $(guest_examples:%=$(out)/examples/%.elf) $(out)/examples/safety-hello.bin \
	$(guest_test_images)

examples: $(guest_examples:%=$(out)/examples/%.elf) $(out)/examples/safety-hello.bin ## build the example images
guest-images: $(guest_images) ## build the example and test images
	@:

$(out)/guest/%.o: %.c $(src)examples/rules.mk
	$(call say,GUEST,$<)
	@mkdir -p $(@D)
	$(Q)$(guest_cc) $(guest_cflags) $(warnings) -MMD -MP -c -o $@ $<

$(out)/guest/%.o: %.S $(src)examples/rules.mk
	$(call say,GUEST,$<)
	@mkdir -p $(@D)
	$(Q)$(guest_cc) $(guest_flags) -MMD -MP -c -o $@ $<

$(guest_entry)-multiboot.o: private guest_flags += -DGUEST_MULTIBOOT
$(guest_entry)-multiboot2.o: private guest_flags += -DGUEST_MULTIBOOT2
$(guest_entry)-multiboot.o $(guest_entry)-multiboot2.o $(guest_entry)-plain.o: \
		$(src)$(guest_lib)/x86/start.S $(src)examples/rules.mk
	@mkdir -p $(@D)
	$(Q)$(guest_cc) $(guest_flags) -MMD -MP -c -o $@ $<

$(guest_archive): $(call guest_objects,$(guest_lib)/*.c $(guest_lib)/x86/*.c \
		$(guest_lib)/x86/trap_entry.S)
	$(Q)rm -f $@ && $(CROSS_COMPILE)ar rcs $@ $^

# An image: the entry code, its own objects, the library.
define guest_image
	$(call say,GUEST,$@)
	@mkdir -p $(@D)
	$(Q)$(guest_link) -o $@.64 $(filter %.o %.a,$^)
	$(Q)$(guest_objcopy) -O elf32-i386 $@.64 $@ && rm -f $@.64
endef

define example_rule
$(out)/examples/$(1).elf: $(guest_entry)-multiboot.o $(call guest_objects,examples/$(1)/*.c \
		examples/$(1)/*.S) $(guest_archive) $(guest_script)
	$$(guest_image)
endef
$(foreach name,$(guest_examples),$(eval $(call example_rule,$(name))))

# The same as a flat binary at 0x100000, for the safety VM of the fusa contract.
$(out)/examples/%.bin: $(guest_entry)-plain.o $(out)/guest/examples/%/main.o $(guest_archive) \
		$(guest_script)
	$(call say,GUEST,$@)
	@mkdir -p $(@D)
	$(Q)$(guest_link) -o $@.64 $(filter %.o %.a,$^)
	$(Q)$(guest_objcopy) -O binary $@.64 $@ && rm -f $@.64

$(guest_test_c): $(out)/%.elf: $(guest_entry)-multiboot.o $(out)/guest/%.o $(guest_archive) \
		$(guest_script)
	$(guest_image)

$(guest_test_s): $(out)/%.elf: $(out)/guest/%.o $(guest_script)
	$(guest_image)

# One program loaded in other ways: multiboot 2, and without any header as ELF and as raw bytes.
$(out)/tests/guest/multiboot2.elf: $(guest_entry)-multiboot2.o \
		$(out)/guest/tests/guest/boot-info.o $(guest_archive) $(guest_script)
	$(guest_image)

$(out)/tests/guest/plain.elf: $(guest_entry)-plain.o $(out)/guest/tests/guest/hello.o \
		$(guest_archive) $(guest_script)
	$(guest_image)

$(out)/tests/guest/plain.bin: $(out)/tests/guest/plain.elf
	$(Q)$(guest_objcopy) -O binary $< $@

# Images of the fusa contract, each as the safety VM's raw image (0) and as the non-safety VM's
# bzImage (1). Their source is in tests/guest/fusa/.
$(out)/tests/guest/fusa-%-1.bin: guest_base := -Wl,--defsym=image_base=0x1000000
fusa_objects = $(if $(filter 1,$(1)),$(out)/guest/tests/guest/fusa/setup.o) $(2)

define fusa_rule
$(out)/tests/guest/fusa-$(1)-$(2).bin: $$(call fusa_objects,$(2),$(3) \
		$(out)/guest/tests/guest/fusa/$(1).o) $(guest_archive) $(guest_script)
	$$(call say,GUEST,$$@)
	@mkdir -p $$(@D)
	$$(Q)$$(guest_link) -o $$@.64 $$(filter %.o %.a,$$^)
	$$(Q)$$(guest_objcopy) -O binary $$@.64 $$@ && rm -f $$@.64
endef
$(foreach vm,0 1,$(eval $(call fusa_rule,regs,$(vm))))
$(foreach name,machine ending,$(foreach vm,0 1,$(eval $(call \
	fusa_rule,$(name),$(vm),$(guest_entry)-plain.o))))

else
examples guest-images:
	@echo 'the images are for x86 only: ARCH=$(ARCH) has none'
endif
