# SPDX-License-Identifier: BSD-3-Clause
# Freestanding images: the guest library, the examples over it, and the images of tests/guest/.
# Included by the Makefile, whose $(src), $(out), $(ARCH), $(Q), $(warnings) and $(say) it uses.
#
#   examples/NAME/{,ARCH/}*.c, *.S  ->  $(out)/examples/NAME.elf     for NAME in guest_examples
#   tests/guest/{,ARCH/}NAME.c      ->  $(out)/tests/guest/NAME.elf  over the library
#   tests/guest/ARCH/NAME.S         ->  $(out)/tests/guest/NAME.elf  alone
#
# Objects are in $(out)/guest/: the same source may be compiled for the host elsewhere.

guest_examples := safety-hello heartbeat link

guest_cc := $(CC)
guest_objcopy := $(CROSS_COMPILE)objcopy
guest_lib := examples/guestlib
guest_script := $(src)$(guest_lib)/$(ARCH)/guest.ld
guest_archive := $(out)/guest/guestlib.a
guest_entry := $(out)/guest/start

# Per architecture: flags of the compiler and the linker; the entry codes, of which there is one for
# each way of being loaded, and the usual one; and what becomes of a linked file.
guest_flags_x86 := -m64 -mno-red-zone -fcf-protection=none
guest_link_x86 := -m64
guest_entries_x86 := multiboot multiboot2 plain
guest_usual_x86 := multiboot
# 64-bit code in 32-bit ELF files is what every multiboot loader takes.
guest_finish_x86 = $(guest_objcopy) -O elf32-i386 $@.linked $@ && rm -f $@.linked

# Without the MMU, as an image starts, memory takes aligned accesses only.
guest_flags_arm64 := -march=armv8-a -mstrict-align -mno-outline-atomics
guest_link_arm64 :=
guest_entries_arm64 := plain image
guest_usual_arm64 := plain
guest_finish_arm64 = mv $@.linked $@

guest_flags := -O2 -g -ffreestanding -fno-builtin -mgeneral-regs-only -fno-pic -fno-pie \
	-fno-stack-protector -fno-strict-aliasing -fno-common -fno-omit-frame-pointer \
	-fno-asynchronous-unwind-tables $(guest_flags_$(ARCH)) -I$(src)$(guest_lib) \
	-I$(src)$(guest_lib)/$(ARCH) -I$(src)include -DGUEST_STACK_SIZE=16384 -DGUEST_CPUS_MAX=64
guest_cflags := -std=gnu17 $(guest_flags)
guest_link = $(guest_cc) $(guest_base) $(guest_link_$(ARCH)) -nostdlib -static \
	-Wl,--build-id=none,-z,noexecstack -Wl,-z,max-page-size=4096,--no-warn-rwx-segments \
	-Wl,-T,$(guest_script)

# From source to object names.
guest_objects = $(patsubst $(src)%,$(out)/guest/%.o,$(basename \
	$(wildcard $(addprefix $(src),$(1)))))

# Names of the tests, by what they are made of.
guest_tests := $(sort $(basename $(notdir $(wildcard $(src)tests/guest/*.c \
	$(src)tests/guest/$(ARCH)/*.c))))
guest_tests_alone := $(basename $(notdir $(wildcard $(src)tests/guest/$(ARCH)/*.S)))
# What is built in another way, below: the same programs loaded differently.
guest_extras_x86 := multiboot2.elf plain.elf plain.bin \
	$(foreach name,regs machine ending,$(foreach vm,0 1,fusa-$(name)-$(vm).bin))
guest_extras_arm64 := hello.bin hello.Image hello.Image.gz
guest_flat := $(out)/examples/safety-hello.bin

guest_images := $(guest_examples:%=$(out)/examples/%.elf) $(guest_flat) \
	$(addprefix $(out)/tests/guest/,$(addsuffix .elf,$(guest_tests) $(guest_tests_alone)) \
	$(guest_extras_$(ARCH)))

.PHONY: examples guest-images
examples: $(guest_examples:%=$(out)/examples/%.elf) $(guest_flat) ## build the example images
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
$(guest_entry)-image.o: private guest_flags += -DGUEST_IMAGE
$(guest_entries_$(ARCH):%=$(guest_entry)-%.o): $(src)$(guest_lib)/$(ARCH)/start.S \
		$(src)examples/rules.mk
	@mkdir -p $(@D)
	$(Q)$(guest_cc) $(guest_flags) -MMD -MP -c -o $@ $<

$(guest_archive): $(call guest_objects,$(guest_lib)/*.c $(guest_lib)/$(ARCH)/*.c) \
		$(filter-out %/start.o,$(call guest_objects,$(guest_lib)/$(ARCH)/*.S))
	$(Q)rm -f $@ && $(CROSS_COMPILE)ar rcs $@ $^

# An image: the entry code, its own objects, the library.
define guest_image
	$(call say,GUEST,$@)
	@mkdir -p $(@D)
	$(Q)$(guest_link) -o $@.linked $(filter %.o %.a,$^)
	$(Q)$(guest_finish_$(ARCH))
endef

# The same as bytes, to be loaded where they were linked for.
define guest_binary
	$(call say,GUEST,$@)
	@mkdir -p $(@D)
	$(Q)$(guest_link) -o $@.linked $(filter %.o %.a,$^)
	$(Q)$(guest_objcopy) -O binary $@.linked $@ && rm -f $@.linked
endef

define example_rule
$(out)/examples/$(1).elf: $(guest_entry)-$(guest_usual_$(ARCH)).o $(call guest_objects,$(foreach \
		dir,examples/$(1) examples/$(1)/$(ARCH),$(dir)/*.c $(dir)/*.S)) $(guest_archive) \
		$(guest_script)
	$$(guest_image)
endef
$(foreach name,$(guest_examples),$(eval $(call example_rule,$(name))))

define guest_test_rule
$(out)/tests/guest/$(1).elf: $(guest_entry)-$(guest_usual_$(ARCH)).o $(call guest_objects, \
		tests/guest/$(1).c tests/guest/$(ARCH)/$(1).c) $(guest_archive) $(guest_script)
	$$(guest_image)
endef
$(foreach name,$(guest_tests),$(eval $(call guest_test_rule,$(name))))

$(guest_tests_alone:%=$(out)/tests/guest/%.elf): $(out)/tests/guest/%.elf: \
		$(out)/guest/tests/guest/$(ARCH)/%.o $(guest_script)
	$(guest_image)

guest_hello := $(out)/guest/tests/guest/hello.o $(guest_archive) $(guest_script)

# A flat binary: for the safety VM of the fusa contract, and for QEMU on arm64.
$(out)/examples/safety-hello.bin: $(guest_entry)-plain.o \
		$(out)/guest/examples/safety-hello/main.o $(guest_archive) $(guest_script)
	$(guest_binary)

ifeq ($(ARCH),x86)
# One program loaded in other ways: multiboot 2, and without any header as ELF and as raw bytes.
$(out)/tests/guest/multiboot2.elf: $(guest_entry)-multiboot2.o \
		$(out)/guest/tests/guest/x86/boot-info.o $(guest_archive) $(guest_script)
	$(guest_image)

$(out)/tests/guest/plain.elf: $(guest_entry)-plain.o $(guest_hello)
	$(guest_image)

$(out)/tests/guest/plain.bin: $(guest_entry)-plain.o $(guest_hello)
	$(guest_binary)

# Images of the fusa contract, each as the safety VM's raw image (0) and as the non-safety VM's
# bzImage (1). Their source is in tests/guest/x86/fusa/.
$(out)/tests/guest/fusa-%-1.bin: guest_base := -Wl,--defsym=image_base=0x1000000
fusa_objects = $(if $(filter 1,$(1)),$(out)/guest/tests/guest/x86/fusa/setup.o) $(2)

define fusa_rule
$(out)/tests/guest/fusa-$(1)-$(2).bin: $$(call fusa_objects,$(2),$(3) \
		$(out)/guest/tests/guest/x86/fusa/$(1).o) $(guest_archive) $(guest_script)
	$$(guest_binary)
endef
$(foreach vm,0 1,$(eval $(call fusa_rule,regs,$(vm))))
$(foreach name,machine ending,$(foreach vm,0 1,$(eval $(call \
	fusa_rule,$(name),$(vm),$(guest_entry)-plain.o))))
endif

ifeq ($(ARCH),arm64)
# One program loaded in other ways: as raw bytes, and with the header of a Linux Image, gzip'd too.
$(out)/tests/guest/hello.bin: $(guest_entry)-plain.o $(guest_hello)
	$(guest_binary)

$(out)/tests/guest/hello.Image: $(guest_entry)-image.o $(guest_hello)
	$(guest_binary)

$(out)/tests/guest/hello.Image.gz: $(out)/tests/guest/hello.Image
	$(Q)gzip -9nc $< >$@
endif
