# SPDX-License-Identifier: BSD-3-Clause
# Bulkhead's build. `make help` lists what there is to make.
#
#   O=DIR        build outside the tree           CC=clang     another compiler
#   STATIC=1     one static binary                SAN=address  a sanitizer variant (address,
#   WERROR=1     warnings are errors (the default in CI)       undefined, thread; commas combine)
#   ARCH=arm64   cross-compile to build/arm64/    V=1          show the commands
#   SHARED=1     link all libraries shared            FUZZ=1     for libFuzzer: clang, ASan, UBSan

MAKEFLAGS += --no-builtin-rules --no-print-directory
SHELL := /bin/bash
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

src := $(dir $(abspath $(firstword $(MAKEFILE_LIST))))
VPATH := $(src)
HOSTARCH := $(patsubst aarch64,arm64,$(patsubst x86_64,x86,$(shell uname -m)))
ARCH ?= $(HOSTARCH)

# ---- where things go ----

comma := ,
ifeq ($(FUZZ),1)
override SAN := fuzzer-no-link,address,undefined
override CC := clang
endif
variant := $(if $(FUZZ),-fuzz,$(if $(SAN),-$(subst $(comma),-,$(SAN))))$(if $(filter 1,$(STATIC)),-static)
O ?= $(src)build
out := $(abspath $(O)$(if $(filter-out $(HOSTARCH),$(ARCH)),/$(ARCH))$(if $(variant),/variant$(variant)))
# What is downloaded; all variants share it.
export BULKHEAD_CACHE ?= $(abspath $(O))/cache
ifneq ($(filter-out x86 arm64,$(ARCH)),)
$(error ARCH=$(ARCH) is not known: use x86 or arm64)
endif

# ---- tools and flags ----

CC := $(if $(filter default,$(origin CC)),gcc,$(CC))
ifneq ($(ARCH),$(HOSTARCH))
CROSS_COMPILE ?= $(if $(filter arm64,$(ARCH)),aarch64-linux-gnu-,x86_64-linux-gnu-)
override CC := $(if $(findstring clang,$(CC)),$(CC) --target=$(CROSS_COMPILE:%-=%) -isystem \
	/usr/$(CROSS_COMPILE:%-=%)/include,$(CROSS_COMPILE)gcc)
endif
ifeq ($(ARCH)-$(HOSTARCH),arm64-x86)
# Debian's libraries for it, which need not be installed.
sysroot := $(BULKHEAD_CACHE)/sysroot-arm64
sysroot_ready := $(sysroot)/packages
sysroot_lib := $(sysroot)/usr/lib/aarch64-linux-gnu
export PKG_CONFIG_LIBDIR := $(sysroot_lib)/pkgconfig
export PKG_CONFIG_SYSROOT_DIR := $(sysroot)
endif
AR := $(CROSS_COMPILE)ar
Q := $(if $(V),,@)
# Prints what is being made.
say = @printf '  %-7s %s\n' '$(1)' '$(patsubst $(out)/%,%,$(2))'

WERROR ?= $(if $(CI),1)

VERSION := $(shell git -C $(src) describe --always --dirty 2>/dev/null || echo unknown)
libs := -lyaml -ljansson -lelf -lz -lfdt -luring -lseccomp
# The program is static, and loaded anywhere: a run executes it once for itself and once per
# partition, and a dynamic loader would take longer each time than all else that it does. Other
# programs have the C library shared. SHARED=1 is for distributions, which want all shared.
program_libs := $(libs)
ifeq ($(SHARED)$(STATIC)$(SAN),)
program_libs := -static-pie $(libs)
libs := -Wl,-Bstatic $(libs) -Wl,-Bdynamic
endif
warnings := -Wall -Wextra -Wshadow -Wvla -Wformat=2 -Wmissing-prototypes -Wimplicit-fallthrough \
	-Wstrict-prototypes -Wpointer-arith -Wundef $(if $(WERROR),-Werror)
CFLAGS ?= -O2 -g
cflags = -std=gnu17 -D_GNU_SOURCE -I$(src) -I$(src)vmm/$(ARCH) -I$(out) \
	$(if $(sysroot),-isystem $(sysroot)/usr/include) -pthread -fno-strict-aliasing \
	-fno-common -fstack-protector-strong $(warnings) $(if $(SAN),-fsanitize=$(SAN) \
	-fno-sanitize-recover=all -fno-omit-frame-pointer) $(CFLAGS)
ldflags = -pthread $(if $(SAN),-fsanitize=$(SAN)) $(if $(filter 1,$(STATIC)),-static) \
	$(sysroot_lib:%=-L%) -Wl,-z,relro,-z,now $(LDFLAGS)

# ---- sources: every .c of a layer's folder ----

layers := lib vmm vmm/$(ARCH) loader acpi fdt devices devices/pci devices/testdev devices/virtio partition plan rig supervisor suite cli
# Of any architecture's folder: what asks nothing of the host, so that its tests run on each.
portable := $(foreach f,call paging,vmm/arm64/$(f).c vmm/x86/$(f).c) vmm/arm64/insn.c
sources := $(filter-out cli/main.c,$(sort $(patsubst $(src)%,%,$(wildcard $(layers:%=$(src)%/*.c) \
	$(portable:%=$(src)%)))))
objects := $(sources:%.c=$(out)/%.o)
program := $(out)/bulkhead
archive := $(out)/libbulkhead.a

bsp_program := $(out)/bulkhead-bsp

.PHONY: all
all: $(program) $(bsp_program) ## build the programs (the default)
	@:

$(program): $(out)/cli/main.o $(archive)
	$(call say,LD,$@)
	$(Q)$(CC) $(ldflags) -o $@ $^ $(program_libs)

$(archive): $(objects)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

# The process of a BSP: dynamic, to load a shared object, to which it shows only what is for ACRN's
# BSPs. A static one has the built-in BSP alone.
bsp_sources := $(filter-out bsp/load$(if $(filter 1,$(STATIC)),,_static).c,$(patsubst \
	$(src)%,%,$(wildcard $(src)bsp/*.c $(src)bsp/$(ARCH)/*.c)))

$(bsp_program): $(bsp_sources:%.c=$(out)/%.o) $(archive) $(src)bsp/exports.list
	$(call say,LD,$@)
	$(Q)$(CC) $(ldflags) -Wl,--dynamic-list=$(src)bsp/exports.list -o $@ $(filter-out %.list,$^) \
		$(libs)

# The same without a dynamic loader, with the built-in BSP alone: for `bulkhead rig`.
ifeq ($(SHARED)$(STATIC)$(SAN),)
bsp_static := $(bsp_program).static
all: $(bsp_static)
$(bsp_static): $(patsubst %.c,$(out)/%.o,$(subst bsp/load.c,bsp/load_static.c,$(bsp_sources))) $(archive)
	$(call say,LD,$@)
	$(Q)$(CC) $(ldflags) -o $@ $^ $(program_libs)
endif

$(out)/lib/%.o $(out)/vmm/%.o: private warnings += -Wconversion
$(out)/%.o: %.c $(src)Makefile | $(sysroot_ready)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(cflags) -MMD -MP -c -o $@ $<

ifneq ($(sysroot),)
$(sysroot_ready):
	$(Q)$(src)tools/arm64-sysroot $(@D)
endif

$(out)/cli/version.o: private warnings += -DBULKHEAD_VERSION='"$(VERSION)"'

# ---- unit tests: each tests/unit/LAYER/test_X.c is a libcheck program ----
# Those in tests/unit/LAYER/ARCH/ take a host of that architecture.

unit_sources := $(patsubst $(src)%,%,$(wildcard $(src)tests/unit/*/test_*.c \
	$(src)tests/unit/*/$(ARCH)/test_*.c))
unit_programs := $(unit_sources:%.c=$(out)/%)

$(unit_programs): $(out)/%: $(out)/%.o $(out)/tests/unit/unit.o $(archive)
	$(call say,LD,$@)
	$(Q)$(CC) $(ldflags) -o $@ $^ $(libs) $(shell pkg-config --libs check)

.PHONY: unit
unit: $(unit_programs) ## build and run the unit tests (with SAN=..., under a sanitizer)
	$(Q)$(src)tests/run-unit $(unit_programs)

# Those of the supervisor start it, and find it where they are.
$(filter $(out)/tests/unit/supervisor/%,$(unit_programs)): | bsp-objects \
	$(out)/tests/unit/supervisor/bulkhead-bsp
$(out)/tests/unit/supervisor/bulkhead-bsp: $(bsp_program)
	@mkdir -p $(@D)
	$(Q)ln -sf $< $@

# ---- BSPs: shared objects, of the examples and for the tests ----
# examples/bsp-NAME/*.c -> $(out)/examples/bsp-NAME.so; tests/bsp/NAME.c -> $(out)/tests/bsp/NAME.so
# ACRN's are for x86.

bsp_examples := $(patsubst $(src)%/,$(out)/%.so,$(filter-out \
	$(if $(filter-out x86,$(ARCH)),%/bsp-acrn/),$(wildcard $(src)examples/bsp-*/)))
bsp_tests := $(patsubst $(src)%.c,$(out)/%.so,$(wildcard $(src)tests/bsp/*.c \
	$(src)tests/bsp/$(ARCH)/*.c))

.PHONY: bsp-objects
bsp-objects: $(bsp_examples) $(bsp_tests)
examples: $(bsp_examples)

define bsp_example_rule
$(1): $(wildcard $(src)examples/$(basename $(notdir $(1)))/*.c)
endef
$(foreach so,$(bsp_examples),$(eval $(call bsp_example_rule,$(so))))
$(bsp_tests): $(out)/%.so: %.c
$(bsp_examples) $(bsp_tests): $(src)include/bsp.h $(src)include/bsp_acrn.h $(src)Makefile
	$(call say,BSP,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu17 -O2 -g -fPIC -shared -Wl,-z,relro,-z,now $(warnings) -I$(src)include \
		-o $@ $(filter %.c,$^)

# ---- fuzz targets: each tests/fuzz/fuzz_X.c, in ARCH/ if it is for one; corpus in corpus/X ----
# libFuzzer's main is in them: they are built with FUZZ=1.

fuzz_sources := $(patsubst $(src)%,%,$(wildcard $(src)tests/fuzz/fuzz_*.c \
	$(src)tests/fuzz/$(ARCH)/fuzz_*.c))
fuzz_programs := $(fuzz_sources:%.c=$(out)/%)

$(fuzz_programs): $(out)/%: $(out)/%.o $(archive)
	$(call say,LD,$@)
	$(Q)$(CC) $(ldflags) -fsanitize=fuzzer -o $@ $^ $(libs)

include $(src)examples/rules.mk
include $(src)tests/bench/rules.mk

# ---- generated files that are committed ----

generated := docs/plan-reference.md configs/plan.schema.json docs/suite-reference.md \
	configs/suite.schema.json docs/man/bulkhead.1

.PHONY: generate
generate: $(program) ## write the generated documents anew
	$(Q)mkdir -p $(src)docs/man
	$(Q)$(program) print-docs plan-reference >$(src)docs/plan-reference.md
	$(Q)$(program) print-docs plan-schema >$(src)configs/plan.schema.json
	$(Q)$(program) print-docs suite-reference >$(src)docs/suite-reference.md
	$(Q)$(program) print-docs suite-schema >$(src)configs/suite.schema.json
	$(Q)$(program) print-docs man >$(src)docs/man/bulkhead.1

# ---- tests ----

# Where this host's own build is; those for others are in it.
export BULKHEAD_OUT := $(if $(sysroot),$(abspath $(O)),$(out))
# As many jobs as there are cores, unless this make was told how many.
submake = $(MAKE) $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc)) -f $(src)Makefile O=$(O)
test_groups := layers unit fuzz golden guest integration

.PHONY: tests-fast tests
tests-fast: all $(unit_programs) guest-images bsp-objects
	+$(Q)$(submake) FUZZ=1 fuzz-programs
tests: tests-fast
	+$(Q)$(submake) SAN=address,undefined unit-programs
	+$(Q)$(submake) rig-programs
.PHONY: unit-programs fuzz-programs
unit-programs: $(unit_programs)
	@:
fuzz-programs: $(fuzz_programs)
	@:

# What the emulated machines are given: this host's programs, and those for arm64.
.PHONY: rig-programs
rig-programs: all guest-images
	+$(Q)$(submake) ARCH=arm64 all guest-images

.PHONY: check
check: ## all tests; installs what they need through `make deps`
	$(Q)$(src)tools/deps check
	+$(Q)$(submake) tests
	$(Q)$(src)tests/check $(test_groups) safety sanitized rig \
		rig-x86+fuzz-devices rig-arm64

.PHONY: check-fast
check-fast: ## the tests that need no emulated machine, in about a minute
	$(Q)$(src)tools/deps check
	+$(Q)$(submake) tests-fast
	$(Q)$(src)tests/check $(test_groups)

.PHONY: check-safety
check-safety: ## make things go wrong beside the safety partition, and in it; count its beats
	$(Q)$(src)tools/deps check
	+$(Q)$(submake) all guest-images
	$(Q)$(src)tests/check safety

.PHONY: check-rig
check-rig: ## bulkhead rig, in emulated machines of both architectures
	$(Q)$(src)tools/deps check
	+$(Q)$(submake) rig-programs
	$(Q)$(src)tests/check rig

.PHONY: check-rig-x86
check-rig-x86: ## the tests with unmodified kernels, in an emulated x86 machine
	$(Q)$(src)tools/deps check
	+$(Q)$(submake) rig-programs
	$(Q)$(src)tests/check rig-x86

.PHONY: check-rig-arm64
check-rig-arm64: ## the same in an emulated arm64 machine, on any host
	$(Q)$(src)tools/deps check
	+$(Q)$(submake) ARCH=$(HOSTARCH) all
	+$(Q)$(submake) ARCH=arm64 all guest-images
	$(Q)$(src)tests/check rig-arm64

.PHONY: demo
demo: ## a safety partition and a Linux partition side by side; with ARCH=arm64, arm64's
	$(Q)$(src)tools/deps check
	+$(Q)$(submake) ARCH=$(HOSTARCH) all
	+$(Q)$(submake) all guest-images
	$(Q)$(src)tools/demo $(ARCH)

fuzz_seconds ?= 60
.PHONY: fuzz
fuzz: ## fuzz every parser with libFuzzer, fuzz_seconds=60 each
	$(Q)$(src)tools/deps check
	+$(Q)$(submake) FUZZ=1 fuzz-programs
	$(Q)$(src)tests/fuzz/run $(fuzz_seconds)

# ---- for developers ----

.PHONY: deps
deps: ## list, then install, the Debian packages that building and testing take
	$(Q)$(src)tools/deps --list check
	$(Q)$(src)tools/deps check

.PHONY: format
format: ## put all sources into the house format
	$(Q)cd $(src) && git ls-files -co --exclude-standard '*.c' '*.h' | xargs clang-format -i

.PHONY: pre-push
pre-push: ## everything that can be wrong with a change: format, analysers, both compilers, check
	$(Q)$(src)tools/deps develop
	$(Q)cd $(src) && git ls-files -co --exclude-standard '*.c' '*.h' | \
		xargs clang-format --dry-run -Werror
	$(Q)cd $(src) && git grep -lE '^#!.*bash$$' | xargs shellcheck -S warning -x
	$(Q)cd $(src) && git grep -lE '^#!.*[ /]sh$$' | xargs shellcheck -S warning -s sh
	$(Q)$(MAKE) -f $(src)Makefile O=$(out)/clang CC=clang WERROR=1 all unit-programs
	$(Q)$(MAKE) -f $(src)Makefile O=$(out)/clang CC=clang ARCH=arm64 WERROR=1 all
	+$(Q)$(submake) WERROR=1 all unit-programs
	+$(Q)$(submake) ARCH=arm64 WERROR=1 all unit-programs
	+$(Q)$(submake) compile_commands.json
	$(Q)cd $(src) && cppcheck -q --error-exitcode=1 --inline-suppr --enable=warning,portability \
		--suppress=missingInclude \
		--suppress=memleak -D__x86_64__ -I. -Ivmm/$(ARCH) $(layers) bsp
	$(Q)cd $(src) && clang-tidy --quiet -p . $(sources) $(bsp_sources)
	+$(Q)$(submake) check

.PHONY: compile_commands.json
compile_commands.json: ## for clangd and clang-tidy
	$(Q)cd $(src) && { sep='['; for f in $(sources) $(bsp_sources) cli/main.c; do \
		printf '%s{"directory": "%s", "file": "%s", "arguments": ["$(CC)"' "$$sep" "$$PWD" "$$f"; \
		for a in $(filter-out -I%,$(cflags)) -I. -Ivmm/$(ARCH) -c; do printf ', "%s"' "$$a"; done; \
		printf ', "-DBULKHEAD_VERSION=\\"\\"", "%s"]}' "$$f"; sep=','; done; echo ']'; } >$@

.PHONY: clean
clean: ## remove what was built (downloaded packages stay)
	$(Q)find $(out) -mindepth 1 -maxdepth 1 ! -name cache -exec rm -rf {} +

.PHONY: help
help: ## this list
	@sed -n '/^#   /s/^# //p' $(src)Makefile
	@echo; awk -F ':.*## ' '/^[a-z0-9_.-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' \
		$(src)Makefile $(src)examples/rules.mk $(src)tests/bench/rules.mk

-include $(shell find $(out) -name '*.d' -not -path '$(out)/variant-*' 2>/dev/null)
