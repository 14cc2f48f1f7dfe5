# SPDX-License-Identifier: BSD-3-Clause
# Bulkhead's build. `make help` lists what there is to make.
#
#   O=DIR        build outside the tree           CC=clang     another compiler
#   STATIC=1     one static binary                SAN=address  a sanitizer variant (address,
#   WERROR=1     warnings are errors                           undefined, thread; commas combine)
#   ARCH=arm64   cross-compile to build/arm64/    V=1          show the commands

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
variant := $(if $(SAN),-$(subst $(comma),-,$(SAN)))$(if $(filter 1,$(STATIC)),-static)
O ?= $(src)build
out := $(abspath $(O)$(if $(filter-out $(HOSTARCH),$(ARCH)),/$(ARCH))$(if $(variant),/variant$(variant)))
ifneq ($(filter-out x86 arm64,$(ARCH)),)
$(error ARCH=$(ARCH) is not known: use x86 or arm64)
endif

# ---- tools and flags ----

CC := $(if $(filter default,$(origin CC)),gcc,$(CC))
ifneq ($(ARCH),$(HOSTARCH))
CROSS_COMPILE ?= $(if $(filter arm64,$(ARCH)),aarch64-linux-gnu-,x86_64-linux-gnu-)
CC := $(CROSS_COMPILE)gcc
endif
AR := $(CROSS_COMPILE)ar
Q := $(if $(V),,@)
say = @printf '  %-7s %s\n' '$(1)' '$(patsubst $(out)/%,%,$(2))'

VERSION := $(shell git -C $(src) describe --always --dirty 2>/dev/null || echo unknown)
libs := -lyaml -ljansson -lelf -lz -luring
warnings := -Wall -Wextra -Wshadow -Wvla -Wformat=2 -Wmissing-prototypes -Wimplicit-fallthrough \
	-Wstrict-prototypes -Wpointer-arith -Wundef $(if $(WERROR),-Werror)
CFLAGS ?= -O2 -g
cflags = -std=gnu17 -D_GNU_SOURCE -I$(src) -I$(src)vmm/$(ARCH) -I$(out) -pthread -fno-strict-aliasing \
	-fno-common -fstack-protector-strong $(warnings) $(if $(SAN),-fsanitize=$(SAN) \
	-fno-sanitize-recover=all -fno-omit-frame-pointer) $(CFLAGS)
ldflags = -pthread $(if $(SAN),-fsanitize=$(SAN)) $(if $(filter 1,$(STATIC)),-static) \
	-Wl,-z,relro,-z,now $(LDFLAGS)

# ---- sources: every .c of a layer's folder ----

layers := lib vmm vmm/$(ARCH) loader acpi fdt devices partition plan supervisor cli
sources := $(filter-out cli/main.c,$(patsubst $(src)%,%,$(wildcard $(layers:%=$(src)%/*.c))))
objects := $(sources:%.c=$(out)/%.o)
program := $(out)/bulkhead
archive := $(out)/libbulkhead.a

.PHONY: all
all: $(program)

$(program): $(out)/cli/main.o $(archive)
	$(call say,LD,$@)
	$(Q)$(CC) $(ldflags) -o $@ $^ $(libs)

$(archive): $(objects)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(out)/lib/%.o $(out)/vmm/%.o: private warnings += -Wconversion
$(out)/%.o: %.c $(src)Makefile
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(cflags) -MMD -MP -c -o $@ $<

$(out)/cli/version.o: private warnings += -DBULKHEAD_VERSION='"$(VERSION)"'

# ---- unit tests: each tests/unit/LAYER/test_X.c is a libcheck program ----

unit_sources := $(patsubst $(src)%,%,$(wildcard $(src)tests/unit/*/test_*.c))
unit_programs := $(unit_sources:%.c=$(out)/%)

$(unit_programs): $(out)/%: $(out)/%.o $(out)/tests/unit/unit.o $(archive)
	$(call say,LD,$@)
	$(Q)$(CC) $(ldflags) -o $@ $^ $(libs) $(shell pkg-config --libs check)

.PHONY: unit
unit: $(unit_programs) ## build and run the unit tests
	$(Q)$(src)tests/run-unit $(unit_programs)

# ---- fuzz targets: each tests/fuzz/fuzz_X.c; corpus in tests/fuzz/corpus/X ----
# Here linked with a main that replays the corpus; `make fuzz` builds them with libFuzzer.

fuzz_sources := $(patsubst $(src)%,%,$(wildcard $(src)tests/fuzz/fuzz_*.c))
fuzz_programs := $(fuzz_sources:%.c=$(out)/%)

$(fuzz_programs): $(out)/%: $(out)/%.o $(out)/tests/fuzz/replay.o $(archive)
	$(call say,LD,$@)
	$(Q)$(CC) $(ldflags) -o $@ $^ $(libs)

include $(src)examples/rules.mk

-include $(shell find $(out) -name '*.d' -not -path '*/variant-*' 2>/dev/null)
