# SPDX-License-Identifier: GPL-2.0-only
# RainForest: modules, tool, tests. "make help" lists the targets.
#
# Everything that is built lies under build/. Modules are built once for each
# kernel that has headers installed, in build/RELEASE/src, a tree of symbolic
# links into this one, so that objects of two kernels never mix.

VERSION := 0.1.0
B := build
say = @$(if $(V),,printf '  %-7s %s\n' $(1) $@;) $(if $(V),set -x;)

PREFIX ?= /usr/local
SBINDIR ?= $(PREFIX)/sbin
USRLIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
MANDIR ?= $(PREFIX)/share/man
BASHDIR ?= $(PREFIX)/share/bash-completion/completions
LIBDIR := /usr/lib/rainforest

ifeq ($(origin CC),default)
CC := gcc
endif
CFLAGS ?= -O2 -g
PKG_CONFIG ?= pkg-config
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wno-unused-parameter
INCLUDES := -Iinclude -Iinclude/uapi -Iexec -Ibackend -Irfcom/lib
CPPFLAGS += -D_GNU_SOURCE -DRFM_VERSION='"$(VERSION)"' $(INCLUDES)

# More warnings for the modules; W= for fewer. check-static wants them.
W ?= 1

# Headers packages: release=directory. KDIR=... builds for that one only.
ifdef KDIR
kdirs := $(KDIR)
else
kdirs := $(wildcard /usr/src/linux-headers-*-amd64 /lib/modules/*/build)
endif
release-of = $(shell sed -n 's/^.define UTS_RELEASE "\(.*\)"/\1/p' \
	$(1)/include/generated/utsrelease.h 2>/dev/null)
pairs := $(foreach d,$(kdirs),$(if $(call release-of,$d),$(call release-of,$d)=$d))
releases := $(sort $(foreach p,$(pairs),$(firstword $(subst =, ,$p))))
kdir-of = $(lastword $(subst =, ,$(firstword $(filter $(1)=%,$(pairs)))))

rfm-src := $(wildcard rfm/*.c)
rfm-obj := $(rfm-src:rfm/%.c=$B/obj/rfm/%.o)
# libkmod is loaded when it is wanted (rfm/overlay_kmod.h)
rfm-libs := smartcols json-c liblzma libzstd liblz4 zlib libgcrypt libxxhash
init-src := $(wildcard kernel/init/*.c)
# both sides of rfm exec, and the agent's own
exec-src := $(filter-out $(wildcard exec/agent*.c),$(wildcard exec/*.c))
exec-obj := $(exec-src:exec/%.c=$B/obj/exec/%.o)
agent-src := $(wildcard exec/*.c)
# the back ends' process; what rfm says of devices is read in both
backend-obj := $(patsubst backend/%.c,$B/obj/backend/%.o,$(wildcard backend/*.c))
device-obj := $(patsubst %,$B/obj/backend/%.o,spec client maclist)

# Machines at a time that do not wait for others: one keeps up to two cores of the host busy.
# What can wait comes beside them, and in the end one more (tests/run).
RF_JOBS ?= $(shell n=$$(nproc); echo $$((n < 4 ? 1 : n / 2)))

# What make builds first for the sake of something else, on all cores unless -j says otherwise.
build-all = $(MAKE) --no-print-directory $(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell nproc)) all

module-targets := $(releases:%=modules-%)
lib-man := $(patsubst rfcom/lib/%.rst,$B/man/%,$(wildcard rfcom/lib/*.3.rst))
user-targets := $(if $(rfm-src),$B/rfm) $B/librainforest.so $B/librainforest.a $(if $(init-src),$B/rfinit) $B/rfagent $B/rfbackend $B/initrd-default

.PHONY: all modules $(module-targets) rfm setup check check-long check-static check-unit fuzz \
	check-debug demo bench install uninstall clean help rfm-man compile_commands.json

all: modules rfm

help:
	@echo "make                        modules for every kernel with headers, rfm"
	@echo "make check                  all tests at small counts"
	@echo "make check-long             all tests at full counts; writes tests/results/"
	@echo "make check-static           style, headers, layers, sparse: no machine is booted"
	@echo "make check-unit             tests that run in user space"
	@echo "make fuzz                   what reads other kernels' bytes, at full counts"
	@echo "make check-debug            the machine tests on a kernel with KASAN, lockdep, kmemleak"
	@echo "make demo                   boots a test machine with two subOSes"
	@echo "make bench                  create, messages, devices, packets ...: times and ratios, as JSON too"
	@echo "make install                DESTDIR, PREFIX; for the running kernel or RELEASE=..."
	@echo "make compile_commands.json  for clangd"
	@echo "make clean                  removes what was built, not what was fetched"
	@echo "Variables: KDIR=... one kernel only, W=, C=2, V=1, CC=, CFLAGS=, ONLY=kernel, RF_JOBS=N"

ifeq ($(releases),)
modules:
	@echo "make: no kernel headers are installed: run tools/setup" >&2; exit 1
else
modules: $(module-targets)
endif

# make's own locks do not reach across two makes in one tree: flock does.
$(module-targets): modules-%:
	@mkdir -p $B/$*
	+@flock $B/$*/.lock scripts/build-modules "$(call kdir-of,$*)" $B/$* "$(VERSION)" \
		$(if $(W),W=$(W)) $(if $(C),C=$(C)) $(if $(CF),CF="$(CF)") $(if $(V),V=$(V)) \
		$(if $(ONLY),ONLY="$(ONLY)")

rfm: $(user-targets)

$B/rfm: $(rfm-obj) $(exec-obj) $(device-obj) $B/librainforest.a
	$(call say,LD)$(CC) $(CFLAGS) $(LDFLAGS) -o $@.tmp $^ $$($(PKG_CONFIG) --libs $(rfm-libs))
	@mv $@.tmp $@

$B/obj/rfm/%.o: rfm/%.c Makefile
	@mkdir -p $(@D)
	$(call say,CC)$(CC) -std=gnu11 $(CPPFLAGS) $$($(PKG_CONFIG) --cflags $(rfm-libs)) $(CFLAGS) $(WARNINGS) \
		-MMD -MP -c -o $@ $<

$B/obj/exec/%.o: exec/%.c Makefile
	@mkdir -p $(@D)
	$(call say,CC)$(CC) -std=gnu11 $(CPPFLAGS) $(CFLAGS) $(WARNINGS) -MMD -MP -c -o $@ $<

$B/obj/backend/%.o: backend/%.c Makefile
	@mkdir -p $(@D)
	$(call say,CC)$(CC) -std=gnu11 $(CPPFLAGS) $(CFLAGS) $(WARNINGS) -MMD -MP -c -o $@ $<

$B/rfbackend: $(backend-obj) $B/librainforest.a
	$(call say,LD)$(CC) $(CFLAGS) $(LDFLAGS) -o $@.tmp $^
	@mv $@.tmp $@

-include $(rfm-obj:.o=.d) $(exec-obj:.o=.d) $(backend-obj:.o=.d)

# Runs inside a subOS before anything else is there: no libraries.
$B/rfinit: $(init-src) $(wildcard kernel/init/*.h include/uapi/linux/*.h) Makefile
	@mkdir -p $B
	$(call say,CC)$(CC) -std=gnu11 -D_GNU_SOURCE $(INCLUDES) -Os $(WARNINGS) -static -s -o $@.tmp $(init-src)
	@mv $@.tmp $@

$B/rfagent: $(agent-src) $(wildcard exec/*.h include/uapi/linux/*.h) Makefile
	@mkdir -p $B
	$(call say,CC)$(CC) -std=gnu11 -D_GNU_SOURCE $(INCLUDES) -Os $(WARNINGS) -static -s -o $@.tmp $(agent-src)
	@mv $@.tmp $@

$B/initrd-default: tools/mk-initrd tools/vm/cpio.py
	@mkdir -p $B
	$(call say,CPIO)tools/mk-initrd $@.tmp
	@mv $@.tmp $@

# The shared library offers what its map names; programs are linked with the static one too.
$B/obj/rainforest.o: rfcom/lib/rainforest.c rfcom/lib/rainforest.h include/uapi/linux/rfcom.h Makefile
	@mkdir -p $(@D)
	$(call say,CC)$(CC) -std=gnu11 $(CPPFLAGS) $(CFLAGS) $(WARNINGS) -fPIC -c -o $@ $<

$B/librainforest.so: $B/obj/rainforest.o rfcom/lib/librainforest.map
	$(call say,LD)$(CC) $(CFLAGS) $(LDFLAGS) -shared -Wl,-soname,librainforest.so.0 \
		-Wl,--version-script,rfcom/lib/librainforest.map -o $@.tmp $<
	@mv $@.tmp $@

$B/librainforest.a: $B/obj/rainforest.o
	$(call say,AR)rm -f $@ && $(AR) rcs $@ $<

$B/man/%: rfcom/lib/%.rst
	@mkdir -p $(@D)
	$(call say,MAN)rst2man $< $@

$B/rfm.8: $(wildcard rfm/rfm.8.rst)
	$(call say,MAN)rst2man $< $@

setup:
	@tools/setup

check: setup
	@+export RF_BEGIN=$$(date +%s); $(build-all) && RF_JOBS=$(RF_JOBS) tests/run

check-long: setup
	@+export RF_BEGIN=$$(date +%s); $(build-all) && RF_LONG=1 RF_JOBS=$(RF_JOBS) tests/run

check-static: setup
	tests/run static

check-unit: setup
	RF_JOBS=$(RF_JOBS) tests/run unit

fuzz: setup
	@tools/setup clang libclang-rt-14-dev
	RF_LONG=1 tests/run tests/fuzz/fuzz.sh

check-debug: setup
	tools/check-debug

demo: setup
	@+$(build-all)
	tools/demo

bench: setup
	@+$(build-all)
	tools/bench

RELEASE ?= $(shell uname -r)
install: rfm $(if $(wildcard rfm/rfm.8.rst),$B/rfm.8) $(lib-man)
	install -D -m 755 $B/rfm $(DESTDIR)$(SBINDIR)/rfm
	install -D -m 755 $B/rfinit $(DESTDIR)$(LIBDIR)/init
	install -D -m 755 $B/rfagent $(DESTDIR)$(LIBDIR)/agent
	install -D -m 755 $B/rfbackend $(DESTDIR)$(LIBDIR)/rfbackend
	install -D -m 644 $B/initrd-default $(DESTDIR)$(LIBDIR)/initrd-default
	for r in $(releases); do \
		for m in ficm rfsubos rfcom rfcom_vsock rfvirtio rfloop; do \
			! test -f $B/$$r/$$m.ko || install -D -m 644 $B/$$r/$$m.ko \
				$(DESTDIR)$(LIBDIR)/modules/$$r/$$m.ko || exit 1; \
		done; \
		for m in rfcontroller ficm rfcom rfcom_vsock rfvhost rfloop; do \
			! test -f $B/$$r/$$m.ko || install -D -m 644 $B/$$r/$$m.ko \
				$(DESTDIR)/lib/modules/$$r/updates/$$m.ko || exit 1; \
		done; \
	done
	install -D -m 755 $B/librainforest.so $(DESTDIR)$(USRLIBDIR)/librainforest.so.0
	ln -sf librainforest.so.0 $(DESTDIR)$(USRLIBDIR)/librainforest.so
	install -D -m 644 $B/librainforest.a $(DESTDIR)$(USRLIBDIR)/librainforest.a
	install -D -m 644 rfcom/lib/rainforest.h $(DESTDIR)$(INCLUDEDIR)/rainforest.h
	install -d $(DESTDIR)$(USRLIBDIR)/pkgconfig
	sed 's|@PREFIX@|$(PREFIX)|; s|@LIBDIR@|$(USRLIBDIR)|; s|@VERSION@|$(VERSION)|' \
		rfcom/lib/librainforest.pc.in >$(DESTDIR)$(USRLIBDIR)/pkgconfig/librainforest.pc
	for m in $(lib-man); do \
		install -D -m 644 $$m $(DESTDIR)$(MANDIR)/man3/$${m##*/} || exit 1; \
	done
	! test -f $B/rfm.8 || install -D -m 644 $B/rfm.8 $(DESTDIR)$(MANDIR)/man8/rfm.8
	! test -f rfm/rfm.bash-completion || \
		install -D -m 644 rfm/rfm.bash-completion $(DESTDIR)$(BASHDIR)/rfm
	test -n "$(DESTDIR)" || depmod -a $(RELEASE)

uninstall:
	rm -f $(DESTDIR)$(SBINDIR)/rfm $(DESTDIR)$(MANDIR)/man8/rfm.8 $(DESTDIR)$(BASHDIR)/rfm
	for r in $(releases); do \
		for m in rfcontroller ficm rfcom rfcom_vsock rfvhost rfloop; do \
			rm -f $(DESTDIR)/lib/modules/$$r/updates/$$m.ko; \
		done; \
	done
	rm -f $(DESTDIR)$(USRLIBDIR)/librainforest.* $(DESTDIR)$(INCLUDEDIR)/rainforest.h \
		$(DESTDIR)$(USRLIBDIR)/pkgconfig/librainforest.pc \
		$(lib-man:$B/man/%=$(DESTDIR)$(MANDIR)/man3/%)
	rm -rf $(DESTDIR)$(LIBDIR)

compile_commands.json: all
	scripts/compile-commands $B >$@.tmp
	@mv $@.tmp $@

clean:
	rm -rf $(releases:%=$B/%) $B/obj $B/man $B/librainforest.* $B/rfm $B/rfinit $B/rfagent $B/rfbackend $B/initrd-default $B/rfm.8 $B/test \
		$B/logs compile_commands.json
