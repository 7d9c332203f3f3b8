# SPDX-License-Identifier: Apache-2.0
#
# A thin layer over meson, so that a fresh Debian needs git and make only:
# every target installs the packages that it lacks (tools/install-deps; turn
# that off with DEPS=no), configures its own build directory, and builds.

PREFIX  ?= /usr/local
DESTDIR ?=
# arguments for `meson test`: a suite, or names of tests
SUITE   ?=
T       ?=
# seconds for each harness of `make fuzz`
FUZZ_SECONDS ?= 60

# Debian's own tools, also where others come first on the PATH.
MESON  := $(firstword $(wildcard /usr/bin/meson) meson)
NINJA  := $(firstword $(wildcard /usr/bin/ninja) ninja)
DEPENDENCIES := tools/install-deps

.DEFAULT_GOAL := all
.PHONY: all help demo test test-asan test-peers prove bench fuzz check install deb clean
.PHONY: deps-build

all: build/build.ninja
	@$(NINJA) -C build

help:
	@echo 'make                build everything in build/'
	@echo 'make demo           build, and show what doublekey does'
	@echo 'make test           build and run all tests (SUITE=fast, T="name ...")'
	@echo 'make test-asan      the fast tests under address and undefined sanitizers'
	@echo 'make test-peers     tests against other implementations'
	@echo 'make prove          machine-checked proofs and models (Frama-C, Spin)'
	@echo 'make bench          measure, and print ratios against peers and limits'
	@echo 'make fuzz           run each fuzz harness for FUZZ_SECONDS=$(FUZZ_SECONDS)'
	@echo 'make check          style checks of tools/'
	@echo 'make install        optimised build, installed to PREFIX=$(PREFIX) under DESTDIR='
	@echo 'make deb            Debian packages in build-deb/'
	@echo 'make clean          remove all build directories'
	@echo
	@echo 'Missing Debian packages are installed first; DEPS=no turns that off.'

deps-build:
	@$(DEPENDENCIES) build

# One directory for one way to build, so that none has to be reconfigured.
build/build.ninja: | deps-build
	@$(MESON) setup build >/dev/null || { $(MESON) setup build; exit 1; }

# `make` and `make demo` configure without what only tests need.
build/tests-ready: | deps-test build/build.ninja
	@$(MESON) setup --reconfigure build >/dev/null || { $(MESON) setup --reconfigure build; exit 1; }
	@touch $@

build-asan/build.ninja: | deps-build
	@$(MESON) setup build-asan -Db_sanitize=address,undefined -Db_lundef=false

demo: deps-demo all
	@test -x examples/demo.sh || { echo 'examples/demo.sh is not there' >&2; exit 1; }
	@examples/demo.sh build

test: deps-test build/tests-ready
	@$(NINJA) -C build
	@$(MESON) test -C build --print-errorlogs \
	    $(addprefix --suite=,$(SUITE)) $(T)

test-asan: deps-test build-asan/build.ninja
	@$(NINJA) -C build-asan
	@$(MESON) test -C build-asan --print-errorlogs --timeout-multiplier 4 \
	    $(addprefix --suite=,$(or $(SUITE),fast)) $(T)

test-peers: deps-test deps-peers all
	@test -x tests/peers/run || { echo 'tests/peers/run is not there' >&2; exit 1; }
	@tests/peers/run build

# Debian 13 has no Frama-C: formal/run says so, and that is no failure.
prove:
	@$(DEPENDENCIES) prove || true
	@$(DEPENDENCIES) test || true
	@formal/run || test $$? = 77

bench: deps-bench all
	@test -x bench/run || { echo 'bench/run is not there' >&2; exit 1; }
	@bench/run build

fuzz: deps-build deps-fuzz
	@test -x fuzz/run || { echo 'fuzz/run is not there' >&2; exit 1; }
	@FUZZ_SECONDS=$(FUZZ_SECONDS) fuzz/run

check:
	@set -e; for c in tools/check-*; do \
		case $$c in *exports|*needed) continue ;; esac; \
		echo "$$c"; $$c || test $$? = 77; \
	done

.PHONY: deps-test deps-demo deps-peers deps-bench deps-fuzz deps-deb
deps-test deps-demo deps-peers deps-bench deps-fuzz deps-deb: deps-%:
	@$(DEPENDENCIES) build $*

# The prefix is compiled into the pkg-config file, so it is set again each time.
install: deps-build
	@d='$(if $(DESTDIR),$(abspath $(DESTDIR)))$(PREFIX)'; \
	    { mkdir -p "$$d" 2>/dev/null && test -w "$$d"; } || { \
	    echo "$$d is not writable: use sudo make install, or PREFIX=" >&2; exit 1; }
	@test -f build-install/build.ninja || \
	    $(MESON) setup build-install --buildtype=release --prefix='$(PREFIX)' >/dev/null
	@$(MESON) configure build-install --prefix='$(PREFIX)'
	@$(NINJA) -C build-install
	@DESTDIR='$(if $(DESTDIR),$(abspath $(DESTDIR)))' $(MESON) install -C build-install --no-rebuild
	@test -n '$(DESTDIR)' || test "$$(id -u)" != 0 || ldconfig

deb: deps-deb
	@tools/make-deb build-deb

clean:
	rm -rf build build-*/
